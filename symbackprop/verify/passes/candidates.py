"""What in a file can be checked: classes with both passes, pairs of functions, functions that return a loss and its gradients."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.errors import SeveralError, UserError, listed, nearest
from symbackprop.guest.visit import visit
from symbackprop.trace.run.namespace import mentioned
from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding.name_matching import gradient_of
from symbackprop.verify.binding.source_tree import definition, module_tree
from symbackprop.verify.passes.comparison import (
    REMEMBERS,
    Comparison,
    agreeing,
    agrees,
    comparison,
    is_finite,
    of_what_is_kept,
    says_nothing,
)
from symbackprop.verify.passes.conventions import by_logits, conventional
from symbackprop.verify.passes.inventing.adapted import adapted
from symbackprop.verify.passes.inventing.hints import is_of_single_numbers
from symbackprop.verify.passes.inventing.invented import (
    BIAS,
    MOST_TRIED,
    ArgumentSlot,
    Extents,
    arguments,
    is_trained,
    other_settings,
    single_numbers,
    slots_of,
)
from symbackprop.verify.passes.inventing.lessons import lessons
from symbackprop.verify.passes.inventing.objects import objects_for, shown
from symbackprop.verify.passes.inventing.own_calls import own_arguments
from symbackprop.verify.passes.losses import PREDICTED, loss_of_class
from symbackprop.verify.passes.networks import FORWARD as FORWARD_OF_NETWORK
from symbackprop.verify.passes.networks import TRAIN, network_of
from symbackprop.verify.passes.passes import (
    BACKWARD,
    FORWARD,
    PREDICTIONS,
    STEPS,
    Passes,
    as_object,
    call_with,
    called_like,
    keep_as_object,
    method_of,
    name_of,
    own_copy,
    parameters_of,
    required,
    stem_of,
    switch_of,
)
from symbackprop.verify.passes.places import RESULT, may_be_gradient
from symbackprop.verify.passes.single import enlarged, flattened, for_one_sample, numbered, positive, reshaped_for, singles_of
from symbackprop.verify.passes.started import started
from symbackprop.verify.passes.unstated import KnownLoss, LossSearch, has_fewer_axes, inferred_loss, takes_a_target

BACK = frozenset({
    "backward", "backprop", "backpropagation", "backpropagate", "bprop", "bwd", "back", "gradient", "gradients", "grad", "grads",
    "derivative", "derivatives", "deriv", "prime", "dx", "der", "d", "df", "derivate", "diff",
    "rueckwaerts", "arriere", "atras", "fanxiang", "gradiente", "gradienten",
})  # fmt: skip
FORE = frozenset({
    "forward", "fprop", "fwd", "feedforward", "feed", "prop", "propagation", "pass", "function", "func", "of", "step",
    "vorwaerts", "avant", "adelante", "qianxiang",
})  # fmt: skip
_WORD = re.compile(r"\d+[dD](?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LOSS = re.compile(r"loss|cost|objective|verlust|perte|perdida", re.IGNORECASE)
STARTS = 6
"""Arguments from which others are made as the code's failures say, where none run."""
MOST_FURTHER = 400
"""Arguments that are tried further when under the first that run something differs."""

FIRST = 150
"""Arguments that are invented outright before any that are tried because of what the code said, where a loss is looked for."""
MOST_LESSONS, DEEPEST = 120, 5
"""Arguments that are tried because of what the code said, and one after the other."""

MOST_CONVENTIONS = 12
"""Arguments with which conventions are looked for."""


@dataclass(frozen=True, slots=True)
class PassCandidate:
    """Something to check: a class, an object, or functions; the pairs of passes it may mean, the likeliest first.

    Of a function that is `guessed` to be both passes nothing says so but that it was named.
    """

    name: str
    owner: Any
    pairs: tuple[tuple[Any, Any], ...]
    guessed: bool = False


def candidates(module: types.ModuleType) -> list[PassCandidate]:
    """Return what a module defines that can be checked, in the order of the file."""
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    functions = {name: value for name, value in own.items() if isinstance(value, types.FunctionType)}
    first = {id(value): name for name, value in reversed(own.items())}  # of an alias the name that it has first
    kinds = (of_class(name, kind) for name, kind in own.items() if isinstance(kind, type) and first[id(kind)] == name)
    network = network_of(functions, stem_of(module), module.__name__)
    if network is not None:
        return [*filter(None, kinds), PassCandidate(network.__name__, network, ((FORWARD_OF_NETWORK, TRAIN),))]
    found = [*filter(None, kinds), *_pairs(functions)]
    return _with_shared_arrays(module, [*found, *_alone(functions, found)])


def _with_shared_arrays(module: types.ModuleType, found: list[PassCandidate]) -> list[PassCandidate]:
    """Return the candidates with a file as one in the place of its functions where these share arrays of it."""
    shared = as_object(module)
    whole = of_class(stem_of(module), shared) if shared is not None else None
    if shared is None or whole is None:
        return found
    keep_as_object(module, shared)
    return [whole, *(one for one in found if isinstance(one.owner, type))]


def _alone(functions: Mapping[str, Callable[..., Any]], found: Sequence[PassCandidate]) -> Iterator[PassCandidate]:
    """Yield the functions that give value and derivative, and are part of no pair."""
    paired = {function for candidate in found for pair in candidate.pairs for function in pair}
    return (PassCandidate(name, None, ((f, f),)) for name, f in functions.items() if f not in paired and _is_both(f))


def of_class(name: str, kind: Any) -> PassCandidate | None:
    """Return the methods of a class, or of an object, that may be its two passes."""
    own = _defined(kind)
    forward, backward = ([m for m in called_like(own, usual) if _is_method(kind, own, m)] for usual in (FORWARD, BACKWARD))
    pairs = sorted(itertools.product(forward, backward), key=lambda pair: (not _match(*pair), forward.index(pair[0])))
    both = [(m, m) for m, member in own.items() if isinstance(member, types.FunctionType) and _is_both(member)]
    pairs.sort(key=lambda pair: not _loss_of_the_same(own, *pair))
    found = _likeliest(both, pairs) or _named_alike(own) or tuple(_steps(kind, own))
    return PassCandidate(name, kind, found) if found else None


def _loss_of_the_same(own: Mapping[str, Any], forward: str, backward: str) -> bool:
    """Whether a method is a loss of data, and the other is given some of the same: `loss(x, y)` and `backward(x, y)`."""
    first, second = own[forward], own[backward]
    if not _LOSS.search(forward) or not all(isinstance(function, types.FunctionType) for function in (first, second)):
        return False
    taken, wanted = required(first)[1:], required(second)[1:]
    return bool(wanted) and set(wanted) <= set(taken) and not any(map(PREDICTED.search, taken))


def _likeliest(both: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of passes, a method that is a loss and its gradients first."""
    return (*both, *pairs) if any(_LOSS.search(method) for method, _ in both) else (*pairs, *both)


def _named_alike(own: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the loss and the method that is called like its derivative: `costFunction`, `costFunctionPrime`."""
    methods = {name: member for name, member in own.items() if isinstance(member, types.FunctionType)}
    pairs = (pair for candidate in _pairs(methods) for pair in candidate.pairs)
    return tuple((first.__name__, second.__name__) for first, second in pairs if _LOSS.search(first.__name__))


def _steps(kind: Any, own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a method that predicts and one that trains, or has the backward pass alone."""
    predicts = [method for method in called_like(own, PREDICTIONS) if _is_method(kind, own, method)]
    trains = [method for method in called_like(own, (*BACKWARD, *STEPS)) if _is_method(kind, own, method)]
    return ((first, second) for second in trains for first in predicts)


def _is_method(kind: Any, own: Mapping[str, Any], name: str) -> bool:
    return name in own and callable(getattr(kind, name, None)) and not _is_abstract(kind, name)


def _is_both(function: Any) -> bool:
    """Whether a function gives its derivative as well: by a flag, or beside its value."""
    return bool(switch_of(function)) or _gives_both(function)


def _defined(kind: Any) -> dict[str, Any]:
    classes = (kind if isinstance(kind, type) else type(kind)).__mro__[:-1]
    return {name: member for cls in reversed(classes) for name, member in vars(cls).items()}


def _match(forward: str, backward: str) -> bool:
    """Whether two methods go together: a loss with a gradient, a forward with a backward pass."""
    return bool(_LOSS.search(forward)) == ("grad" in backward or "loss" in backward or backward in ("delta", "derivative"))


def _is_abstract(kind: Any, method: str) -> bool:
    """Whether a method only raises, or does nothing."""
    node = definition(getattr(kind, method))
    body = [statement for statement in node.body if not _is_docstring(statement)] if node is not None else [ast.Pass()]
    return node is not None and all(isinstance(statement, ast.Raise | ast.Pass) for statement in body)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _gives_both(function: Any) -> bool:
    """Whether a function returns several things, the first none, further ones gradients by their names."""
    node = definition(function)
    returns = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)] if node is not None else []
    parts = [value.elts for value in returns if isinstance(value, ast.Tuple) and value.elts]
    return any(map(_is_value_with_gradients, parts))


def _is_value_with_gradients(parts: Sequence[ast.expr]) -> bool:
    return (any(map(_is_gradient, parts)) and not _is_gradient(parts[0])) or _is_loss_with_g(parts)


def _is_loss_with_g(parts: Sequence[ast.expr]) -> bool:
    """Whether something called a loss is returned with `g`."""
    return len(parts) == 2 and bool(_LOSS_NAME.fullmatch(ast.unparse(parts[0]))) and ast.unparse(parts[1]) == "g"


_LOSS_NAME = re.compile(r"\w*(loss|cost|objective|nll)\w*|J|L|E", re.IGNORECASE)


def _is_gradient(node: ast.expr) -> bool:
    """Whether a result is called like a gradient, or made of one: `dW`, `np.array(dxs)`, `x.T @ dz`."""
    parts = node.args[:1] if isinstance(node, ast.Call) else [node]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        parts = [node.left, node.right]
    return any(isinstance(part, ast.Name) and _OF_GRADIENTS.match(part.id) for part in parts)


_OF_GRADIENTS = re.compile(r"d[A-Z_]|grads?|gradients?|d\w{1,2}$|d(out|pred|logits?|scores?|loss)$")


def _pairs(functions: Mapping[str, Callable[..., Any]]) -> Iterator[PassCandidate]:
    """Yield forward and backward functions by their names: `affine_forward`, `affine_backward`; `f`, `f_prime`, `d_f`."""
    back = {name: function for name, function in functions.items() if _is_back(name, functions)}
    others = [name for name in reversed(list(functions)) if name not in back]
    taken: list[str] = []
    for name, backward in back.items():
        fitting = _fitting(name[1:] if name[1:] in functions else name, others) or _only_forward(name, others)
        if fitting is not None:
            taken.append(fitting)
            yield PassCandidate(fitting if taken.count(fitting) == 1 else name, None, ((functions[fitting], backward),))


def _only_forward(name: str, others: Sequence[str]) -> str | None:
    """Return the one function that is a forward pass of no special kind, for `backward_propagation_with_decay`."""
    words = {word.lower() for word in _WORD.findall(name)}
    plain = [other for other in others if not _words(other) and {word.lower() for word in _WORD.findall(other)} & FORWARD_WORDS]
    return plain[0] if len(plain) == 1 and words & BACKWARD_WORDS else None


FORWARD_WORDS, BACKWARD_WORDS = (
    frozenset({"forward", "feedforward", "fprop"}),
    frozenset({"backward", "backprop", "backpropagation"}),
)
"""Words that say a whole pass."""


def _fitting(stem: str, others: Sequence[str]) -> str | None:
    """Return the function that is called like a backward pass but for the direction; of several, the last of those given."""
    exact, loose = ({tuple(_words(name, but)): name for name in others} for but in (STEP, frozenset()))
    words = tuple(_words(stem))
    return exact.get(tuple(_words(stem, STEP))) or loose.get(words) or loose.get(words[:-1])


STEP = frozenset({"step"})
"""A word that tells the pass over one step from the one over all, where there are both."""


def _words(name: str, kept: frozenset[str] = frozenset()) -> list[str]:
    """Return the words of a name that say what is computed, without those that say in which direction, but for those kept."""
    return [word.lower() for word in _WORD.findall(name) if word.lower() not in (BACK | FORE) - kept]


def _is_back(name: str, functions: Mapping[str, Any]) -> bool:
    """Whether a name says a derivative; `dtanh` does where there is a `tanh`."""
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(BACK & words and not words & BESIDE) or (name[:1] == "d" and name[1:].lstrip("_") in functions)


BESIDE = frozenset({"descent", "check", "checking", "numerical", "numeric", "approximate", "update", "clip", "clipping"})
"""Words of functions that use gradients, or work them out by differences: `gradient_descent`, `check_gradient`."""


def chosen(module: types.ModuleType, file: str, name: str) -> PassCandidate:
    """Return what is to be checked in a module: what is named, or the only thing there is.

    Raises SeveralError with the choices when there are several, UserError when there is nothing of this name.
    """
    found = candidates(module)
    if name:
        return _called(module, file, name, found)
    found = _without_helpers(found)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(_nothing(module, file))
    choices = [f"{file}:{candidate.name}" for candidate in found]
    raise SeveralError(f"{file}: which one is meant? {listed(choices)}", choices)


def only_helpers(module: types.ModuleType) -> bool:
    """Whether what can be checked in a module is a function of one argument with its derivative at most: `sigmoid`."""
    return all(map(_is_helper, candidates(module)))


def _is_helper(candidate: PassCandidate) -> bool:
    """Whether a candidate is a function of one argument and its derivative."""
    functions = [function for pair in candidate.pairs for function in pair]
    return candidate.owner is None and all(len(required(function)) < 2 for function in functions)


def _without_helpers(found: Sequence[PassCandidate]) -> list[PassCandidate]:
    """Leave out what the others call: the activation of a network and its derivative."""
    whole = [candidate for candidate in found if not _is_helper(candidate)]
    called = {name for candidate in whole for function in _functions_of(candidate) for name in _mentioned(function)}
    return [candidate for candidate in found if candidate in whole or not called.issuperset(_function_names(candidate))]


def _function_names(candidate: PassCandidate) -> set[str]:
    return {function.__name__ for function in _functions_of(candidate)}


def _functions_of(candidate: PassCandidate) -> list[types.FunctionType]:
    """Return the functions of a candidate, every method of a class."""
    kind = candidate.owner if isinstance(candidate.owner, type) or candidate.owner is None else type(candidate.owner)
    members = [*vars(kind).values()] if kind is not None else [function for pair in candidate.pairs for function in pair]
    return [member for member in members if isinstance(member, types.FunctionType)]


def _mentioned(function: types.FunctionType) -> set[str]:
    """Return the names of a file that a function, and the functions of the file that it calls, read."""
    waiting, seen = [function], {function}
    for each in waiting:
        others = [each.__globals__.get(name) for name in mentioned(each.__code__)]
        new = [o for o in others if isinstance(o, types.FunctionType) and o not in seen and o.__module__ == function.__module__]
        seen |= {*new}
        waiting += new
    return {name for each in seen for name in mentioned(each.__code__)}


def _nothing(module: types.ModuleType, file: str) -> str:
    """Say that there is nothing to check, and what there is."""
    line = _loop_of_steps(file)
    if line:
        how = "put its lines up to the prediction into `def forward(X):`, which returns it, the rest into `def backward(X, y):`"
        return f"{file}:{line}: the passes stand in a loop, in no function; {how}, with `global` for what they set"
    functions, kinds = (_defined_there(module, kind) for kind in (types.FunctionType, type))
    if not functions:
        there = f"no forward and backward pass found in {listed(kinds)}" if kinds else "no function is defined there"
        return f"{file}: {there}; expected one that returns the loss, and one that returns its gradients"
    how = f"name a function that returns the loss and one that returns its gradients: {file}:LOSS {file}:GRADIENTS"
    return f"{file}: no forward and backward pass found; {how}; defined there: {listed(functions)}"


def _defined_there(module: types.ModuleType, kind: type) -> list[str]:
    """Return the names of the functions, or of the classes, that a module defines."""
    own = {name: value for name, value in vars(module).items() if isinstance(value, kind) and name[:1] != "_"}
    return [name for name, value in own.items() if value.__module__ == module.__name__]


def _loop_of_steps(file: str) -> int:
    """Return the line of a loop outside of functions that moves matrices, `W -= lr * X.T @ delta`; 0 if none does."""
    tree = module_tree(file)
    loops = [node for node in (tree.body if tree is not None else ()) if isinstance(node, ast.For | ast.While)]
    return next((loop.lineno for loop in loops if any(map(_is_a_step, ast.walk(loop)))), 0)


def _is_a_step(node: ast.AST) -> bool:
    """Whether a statement takes from a variable, or adds to it, more than a number."""
    taken = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub | ast.Add) and isinstance(node.target, ast.Name)
    return taken and not isinstance(node.value, ast.Constant) and any(map(_is_product, ast.walk(node.value)))  # type: ignore[attr-defined]


def _is_product(node: ast.AST) -> bool:
    return isinstance(getattr(node, "op", None), ast.MatMult | ast.Mult) or getattr(node, "attr", "") == "dot"


def _names_of(candidate: PassCandidate) -> set[str]:
    return {candidate.name, *(getattr(function, "__name__", "") for pair in candidate.pairs for function in pair)}


def _called(module: types.ModuleType, file: str, name: str, found: Sequence[PassCandidate]) -> PassCandidate:
    """Return the candidate of a name: its own, that of one of its functions, or of an object of the module."""
    for candidate in found:
        if name in _names_of(candidate):
            return candidate
    value = getattr(module, name, None)
    if isinstance(value, types.FunctionType) and _is_back(name, {}) and not _is_both(value):
        raise UserError(f"{file}: {name} is a backward pass alone; name the forward pass as well: {file}:FORWARD {file}:{name}")
    if isinstance(value, types.FunctionType):
        return PassCandidate(name, None, ((value, value),), guessed=not _is_both(value))
    named = of_class(name, value) if value is not None else None
    if named is None:
        names = [candidate.name for candidate in found]
        raise UserError(f"{file}: nothing called {name} has both passes; there are: {listed(names, 99)}.{nearest(name, names)}")
    return named


# ---- with arguments --------------------------------------------------------------------------------------------------


IN_A_FILE = "with --shapes, or as `example` in the file"
"""How somebody may give arguments."""


def compared(candidate: PassCandidate, given: Mapping[str, Any], how: str = IN_A_FILE) -> Comparison:
    """Return the comparison of a candidate, at the given arguments and invented ones.

    What is not right with invented ones is compared with what its file calls it with, if that is of another kind.

    Raises UserError, with what the code said first, when no arguments are found with which both passes run; it says `how` they
    may be given.
    """
    try:
        found = _compared(candidate, given, how)
    except UserError:
        own = {**_of_own_calls(candidate), **given}
        if own.keys() == given.keys():
            raise
        return replace(_compared(candidate, own, how), arguments=own)
    if _is_right(found) and not found.undecided:
        return found
    own = {**_of_own_calls(candidate), **given}
    return _of_own_kind(candidate, own, how) or found if _of_other_kinds(own, found.arguments) else found


def _of_own_kind(candidate: PassCandidate, own: Mapping[str, Any], how: str) -> Comparison | None:
    """Return the comparison with what a file calls its passes with; None where they do not run with it."""
    try:
        return replace(_compared(candidate, own, how), arguments=own)
    except UserError:
        return None


def _of_other_kinds(own: Mapping[str, Any], invented: Mapping[str, Any]) -> bool:
    """Whether an argument of a file's own call has another number of axes than what was invented for it."""
    return any(getattr(value, "ndim", 0) != getattr(invented.get(name, value), "ndim", 0) for name, value in own.items())


def _of_own_calls(candidate: PassCandidate) -> dict[str, Any]:
    """Return the arguments with which the file of a candidate calls its forward pass, and makes its object."""
    forward = candidate.pairs[0][0]
    kind = candidate.owner if isinstance(candidate.owner, type) else None
    function = method_of(kind or candidate.owner, forward)
    module = sys.modules.get((kind or function).__module__)
    name = f"{kind.__name__}.{forward}" if kind is not None else name_of(function)
    asked = [slot.name for slot in (*_of_constructor(kind), *slots_of(function, "function"))]
    return own_arguments(module, [name], asked) if module is not None else {}


def _compared(candidate: PassCandidate, given: Mapping[str, Any], how: str) -> Comparison:
    problem = ""
    for forward, backward in candidate.pairs:
        trial = _Trial(candidate, forward, backward, given)
        found = trial.found_with_targets()
        if found is not None and candidate.guessed and not _holds(found) and not _returns_loss(forward, found.arguments):
            raise UserError(f"{candidate.name} returns no loss, and nothing that is a gradient; name the backward pass, too")
        if found is not None:
            return found
        problem = problem or trial.problem
    said = f" ({problem})" if problem else ""
    raise UserError(f"{candidate.name}: no arguments found with which both passes run; give them {how}{said}")


def _returns_loss(function: Callable[..., Any], values: Mapping[str, Any]) -> bool:
    """Whether what a function returns, or the first of it, is one number."""
    returned = visit(lambda: call_with(function, own_copy(dict(values))), habits=None).returned
    first = returned[0] if isinstance(returned, tuple) and returned else returned
    return np.ndim(first) == 0


def compared_with(candidate: PassCandidate, solution: Comparison) -> Comparison:
    """Return the comparison of a candidate with the loss and at the arguments of a solution, whose forward pass is the right one.

    Raises UserError where its passes do not run with them, or its values have other names than those of the solution.
    """
    problem = ""
    for forward, backward in candidate.pairs:
        trial = _Trial(candidate, forward, backward, solution.arguments, solution.inferred)
        trial.conventions = 0
        found = trial.found_with_targets()
        if found is not None:
            _same_names(candidate.name, found, solution)
            return _as_in(found, solution)
        problem = problem or trial.problem
    raise UserError(f"{candidate.name}: its passes do not run with the arguments of the solution ({problem})")


def _as_in(found: Comparison, solution: Comparison) -> Comparison:
    """Return a comparison with the loss, at the values and under the convention of a solution."""
    found = solution.convention.applied(found) if solution.convention is not None else found
    return replace(
        found,
        loss=solution.loss,
        example=solution.example,
        wrt=solution.wrt,
        conditions=solution.conditions,
        remarks=(),
        missing=(),
        upstream={},
        undecided={},
    )


def runs_alone(function: Any, solution: Comparison) -> bool:
    """Whether a function needs nothing but values of a solution: no forward pass has to run before it."""
    return isinstance(function, types.FunctionType) and set(required(function)) <= solution.example.keys()


def _same_names(name: str, found: Comparison, solution: Comparison) -> None:
    """Refuse passes whose values are called otherwise than those of a solution: nothing says which is which."""
    own, wanted = [*found.example, *found.missing], list(solution.example)
    strange = [value for value in own if value not in wanted]
    if strange:
        raise UserError(
            f"{name}: {listed(strange)}: not in the solution, which has {listed(wanted)}.{nearest(strange[0], wanted)}"
        )


class _Trial:
    """Looks for arguments with which one pair of passes runs."""

    def __init__(
        self, candidate: PassCandidate, forward: Any, backward: Any, given: Mapping[str, Any], known: KnownLoss | None = None
    ) -> None:
        self.candidate, self.forward, self.backward, self.given, self.known = candidate, forward, backward, given, known
        self.problem, self.stage, self.conventions = "", -1, MOST_CONVENTIONS
        self.said, self.of_backward, self.lessons, self.taught = "", False, MOST_LESSONS, False
        self.learned = False

    def found_with_targets(self) -> Comparison | None:
        """Return the comparison with the loss that is meant where backward is given a target, else what is found without one."""
        if self.forward == self.backward:
            return self.found()
        if called_like([str(self.backward)], STEPS) or self.known is not None:
            return self._inferred()
        first = takes_a_target(self.candidate.owner, self.forward, self.backward)
        return (self._inferred() if first else None) or self.found() or (None if first else self._inferred())

    def _inferred(self) -> Comparison | None:
        search = LossSearch(self.forward, self.backward, self.known)
        found = inferred_loss(search, self._starts(search), MOST_TRIED)
        if found is None and search.remembers:
            raise UserError(f"{self.candidate.name}.{self.backward}: {REMEMBERS}; return or keep the gradient, and it is checked")
        kind = self.candidate.owner if isinstance(self.candidate.owner, type) else type(self.candidate.owner)
        said = loss_of_class(kind) if found is None else None
        if said is not None:
            self.problem = f"no gradient that was found is a multiple of that of {kind.__name__}.{said.method}"
        return found

    def _starts(self, search: LossSearch) -> Iterator[tuple[Any, Mapping[str, Any], Mapping[str, Any]]]:
        """Yield objects and arguments of forward, and what they are made with; what cannot be made is passed over."""
        for values in itertools.chain(itertools.islice(self._invented(), FIRST), self._values()):
            self.said = ""
            try:
                made = *self._made(values), self._made_with(values)
            except Exception as error:  # whatever a constructor raises: it is not meant to be called so
                self._note(f"{type(error).__name__}: {error}", 0)
                continue
            yield made
            if search.failed:
                self._note(f"{name_of(method_of(self.candidate.owner, self.forward))} fails on these inputs: {search.failed}", 1)

    def _values(self) -> Iterator[Mapping[tuple[str, str], Any]]:
        """Yield arguments, the likeliest first; after each with which the code fails others, as what it says asks for them."""
        for values in self._invented():
            self.learned = False
            yield values
            yield from self._learned(values, DEEPEST)

    def _learned(self, values: Mapping[tuple[str, str], Any], depth: int) -> Iterator[Mapping[tuple[str, str], Any]]:
        said = self.said
        for other in lessons(values, said, kinds=self.of_backward) if said and depth else ():
            if self.lessons <= 0:
                return
            self.lessons -= 1
            self.learned = True
            yield other
            if self.said and self.said != said:
                yield from self._learned(other, depth - 1)
            elif not self.said:
                return

    def _note(self, problem: str, stage: int) -> None:
        """Keep what the code said where it got furthest: made, forward run, both run."""
        self.said, self.of_backward = problem, stage > 1
        if stage > self.stage:
            self.problem, self.stage = problem, stage

    def found(self) -> Comparison | None:
        """Return the first comparison that agrees, else the first in which gradients have the shapes that they should, else any.

        What is invented may be what the code is not meant for: it accuses nobody while other arguments can be tried.
        """
        best = self._fitted(self._best_of(map(self._tried, self._values()), None))
        if best is None or best.missing or says_nothing(best) or not _shapes_agree(best):
            grown = adapted(itertools.islice(self._invented(), STARTS), self._ran, _is_trained)
            best = self._best_of(grown, None if self.taught else best) or best
        return self._telling(_with_the_rest(self._for_one(self._at_other_settings(self._widened(self._fitted(best))))))

    def _at_other_settings(self, best: Comparison | None) -> Comparison | None:
        """Return the best comparison; where it is right and another stride or padding shows what is not, that at this one.

        A gradient of another shape there says only that windows do not fit.
        """
        if best is None or not _is_right(best):
            return best
        others = filter(None, map(self._tried, other_settings(self._values_of(best))))
        return next((other for other in others if other.wrt == best.wrt and _shapes_agree(other) and not agrees(other)), best)

    def _widened(self, best: Comparison | None) -> Comparison | None:
        """Return the best comparison; where an output has one place along an axis, as a window that fits once gives, one with a
        smaller window and several places: there what falls on one place is added up, and a stride tells."""
        if best is None or not _is_narrow(best):
            return best
        others = filter(None, map(self._tried, _with_smaller_windows(self._values_of(best))))
        wide = (other for other in others if other.wrt == best.wrt and not _is_narrow(other))
        return next((other for other in wide if _shapes_agree(other) or not _shapes_agree(best)), best)

    def _fitted(self, best: Comparison | None) -> Comparison | None:
        """Return the best comparison, or one in which an argument has the shape of what is called its gradient, or data are a
        table, if that is right."""
        if best is None or _is_right(best):
            return best
        return self._of_other_shapes(self._in_its_domain(best))

    def _in_its_domain(self, best: Comparison) -> Comparison:
        """Return the best comparison; where its loss is no finite number one with positive data, for a root or a logarithm."""
        if is_finite(best):
            return best
        others = filter(None, map(self._tried, positive(self._values_of(best))))
        return next(filter(is_finite, others), best)

    def _of_other_shapes(self, best: Comparison) -> Comparison:
        values = self._values_of(best)
        others = [*reshaped_for(values, best.unfit), *flattened(values)] if best.unfit or not _shapes_agree(best) else []
        tried = filter(None, map(self._tried, itertools.chain(others, numbered(values))))
        right = None if _is_right(best) else next(filter(_is_right, tried), None)
        return best if right is None else _of_numbers(best, right)

    def _values_of(self, found: Comparison) -> dict[tuple[str, str], Any]:
        """Return the invented values that a comparison was made with, by owner and name."""
        owners = {slot.name: slot.owner for slot in self._slots() if slot.name not in self.given}
        return {(owners[name], name): value for name, value in found.arguments.items() if name in owners}

    def _for_one(self, best: Comparison | None) -> Comparison | None:
        """Return the best comparison; where what is wrong in it is right for one sample, and nothing says that the code is meant
        for several, that for one, or with what is wrong left undecided."""
        if best is None or _is_right(best):
            return best
        functions = [method_of(self.candidate.owner, function) for function in (self.forward, self.backward)]
        right = next(filter(None, map(self._right_for, singles_of(self._values_of(best)))), None)
        return best if right is None else for_one_sample(best, right, functions)

    def _right_for(self, single: Mapping[tuple[str, str], Any]) -> Comparison | None:
        """Return the comparison for one sample if it is right, also where its numbers are larger: else the code clips what is."""
        found, larger = self._tried(single), self._tried(enlarged(single))
        return found if all(one is not None and _is_right_for_something(one) for one in (found, larger)) else None

    def _or_better(self, best: Comparison | None, new: Comparison | None) -> Comparison | None:
        """Return the better of two; what was invented outright says more than what was learned. What runs is not looked for."""
        if self.taught and not self.learned and new is not None and not new.missing:
            best = None
        found = _better(best, new)
        if found is not None:
            self.taught, self.lessons = self.learned if found is new else self.taught, 0
        return found

    def _best_of(self, results: Iterable[Comparison | None], best: Comparison | None) -> Comparison | None:
        """Return the best of what was found already and of results, up to the first in which everything holds."""
        left = MOST_FURTHER
        for result in results:
            best = self._or_better(best, result)
            left -= best is not None
            if not left or (result is not None and best is result and not result.missing and _holds(result)):
                break
        return best

    def _invented(self) -> Iterator[dict[tuple[str, str], Any]]:
        slots = [slot for slot in self._slots() if slot.name not in self.given]
        if is_of_single_numbers(method_of(self.candidate.owner, self.forward)):
            yield from single_numbers(slots)
        yield from arguments(slots, Extents())

    def _telling(self, best: Comparison | None) -> Comparison | None:
        """Return a comparison, but not one in which there is nothing to compare."""
        if best is not None and says_nothing(best):
            self._note("what is returned depends on nothing that there are gradients of", 3)
            return None
        return best

    def _slots(self) -> list[ArgumentSlot]:
        kind = self.candidate.owner
        function = method_of(kind, self.forward)
        taken = slots_of(function, "function")
        bound = isinstance(kind, type) and isinstance(inspect.getattr_static(kind, self.forward), types.FunctionType)
        switch = self._switch(function)
        made_with = _of_constructor(kind)
        held = _sizes_held(kind) if all(slot.optional for slot in made_with) else ()
        taken = [replace(slot, hints=replace(slot.hints, held=held)) for slot in taken]
        return [*made_with, *(slot for slot in taken[bound:] if slot.name != switch)]

    def _switch(self, function: Callable[..., Any]) -> str:
        return switch_of(function) if self.forward == self.backward else ""

    def _tried(self, values: Mapping[tuple[str, str], Any]) -> Comparison | None:
        self.said = ""
        try:
            return self._ran(values)
        except _Unclear:
            raise
        except UserError as error:
            self._note(str(error).removeprefix("check_layer: "), 1 if "fails on these inputs" in str(error) else 2)
        except Exception as error:  # whatever a constructor raises: it is not meant to be called so
            self._note(f"{type(error).__name__}: {error}", 0)
        return None

    def _ran(self, values: Mapping[tuple[str, str], Any]) -> Comparison:
        found = self._compared(values)
        fixed = {key: value for key, value in values.items() if key[1] not in found.wrt}
        return replace(found, remarks=(*found.remarks, *_invented(fixed)), arguments=self._made_with(values))

    def _compared(self, values: Mapping[tuple[str, str], Any]) -> Comparison:
        owner, inputs = self._made(values)
        switch = self._switch(method_of(owner, self.forward))
        passes = Passes(owner, self.forward, self.backward, inputs, switch, self.given.keys())
        found = comparison(passes)
        if agrees(found):
            return found
        visit(lambda: found.hand(**found.example), habits=None)  # what does not run as it is to be compared is not meant so
        self.conventions -= 1
        return found if self.conventions < 0 else _as_meant(found, passes)

    def _made_with(self, values: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
        return {**self.given, **{name: value for (_, name), value in values.items()}}

    def _made(self, values: Mapping[tuple[str, str], Any]) -> tuple[Any, dict[str, Any]]:
        """Return an object and the arguments of forward."""
        made, inputs = ({name: v for (of, name), v in values.items() if of == owner} for owner in ("class", "function"))
        owner = self._owner({**made, **_of(self.given, self.candidate.owner)})
        function = method_of(owner, self.forward)
        inputs |= self._defaults(function, method_of(owner, self.backward))
        inputs |= {p.name: self.given[p.name] for p in parameters_of(function) if p.name in self.given}
        return started(owner, self.forward, inputs), inputs

    def _defaults(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> dict[str, Any]:
        """Return the options of forward that backward has to be given, too: `keep_prob`."""
        asked = required(backward) if self.forward != self.backward else []
        return {p.name: p.default for p in parameters_of(forward) if p.name in asked and isinstance(p.default, int | float | str)}

    def _owner(self, made: Mapping[str, Any]) -> Any:
        kind = self.candidate.owner
        if not isinstance(kind, type):
            return kind
        return visit(lambda: call_with(kind, made) if made else kind(), habits=None).returned


def _is_said(name: str, unfit: Sequence[str]) -> bool:
    """Whether something is said already of the argument that a result is the gradient of: of one without a name of any."""
    return bool(unfit) and (name.startswith(RESULT) or gradient_of(name, unfit, "") is not None)


def _of_numbers(best: Comparison, right: Comparison) -> Comparison:
    """Return what is right with single numbers in the place of arrays, on that condition.

    Of a weight or an offset beside further arrays one for each output may be meant, of which the sum forgets the axis: there
    what is wrong is, and what has no verdict stays undecided.
    """
    axes = {name: np.ndim(value) for name, value in right.example.items() if name not in right.upstream}
    numbers = [name for name in right.wrt if np.ndim(best.arguments.get(name, 0)) > axes[name] == 0]
    if sum(map(bool, axes.values())) <= 1 or not any(map(is_trained, numbers)):
        return replace(right, conditions={**{name: f"{name} is one number" for name in numbers}, **right.conditions})
    if any(name in best.wrt for name in numbers):
        return best
    return replace(right, undecided={**dict.fromkeys(numbers, ONE_NUMBER), **right.undecided})


ONE_NUMBER = "right if it is one number, not if it is an array: nothing says which is meant"


def _with_smaller_windows(values: Mapping[tuple[str, str], Any]) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield invented values with each whole number above 2 as 2: one of them may be the width of a window."""
    return ({**values, key: 2} for key, value in values.items() if type(value) is int and value > 2)


UNFIT = "what is called its gradient has the shape {own}, what was invented for it {shape}: not judged"
UNBOUND = "it is returned, and of nothing that takes part is it known to be the gradient: not judged"


def _with_the_rest(found: Comparison | None) -> Comparison | None:
    """Return a comparison in which what may be a gradient and was compared with nothing is left undecided, and so not left out:
    what does not fit what was invented, or is known to be the gradient of nothing."""
    if found is None:
        return found
    shapes = {name: np.shape(value) for name, value in found.example.items()}
    said = {name: UNFIT.format(own=own, shape=shapes.get(name, "another")) for name, own in found.unfit.items()}
    unbound = [name for name in found.unbound if may_be_gradient(name) and not _is_said(name, tuple(said))]
    missing = tuple(name for name in found.missing if name.rpartition(".")[2] not in said)
    return replace(found, missing=missing, undecided={**dict.fromkeys(unbound, UNBOUND), **said, **found.undecided})


def _is_trained(key: Any) -> bool:
    """Whether the key of an argument, (owner, name), or one of a dictionary among them is called like a weight or a bias."""
    return is_trained(str(key[1] if isinstance(key, tuple) else key))


def _as_meant(found: Comparison, passes: Passes) -> Comparison:
    """Return a comparison that does not agree under the convention that makes it right, or with what forward keeps.

    Where neither is, it is that with most gradients that agree. Raises UserError where there is none.
    """
    kept = [*of_what_is_kept(passes)]
    right = next((other for one in (found, *kept) if (other := _by_convention(one)).convention or agrees(other)), None)
    if right is not None or not kept:
        return right or found
    closest = max((found, *kept), key=agreeing)
    if not agreeing(closest):
        asked = ", ".join(kept[0].upstream.values())
        raise _Unclear(f"{asked} of {passes.titles[1]} is the gradient of what {passes.titles[0]} keeps, not of what it returns")
    return closest


def _by_convention(found: Comparison) -> Comparison:
    return conventional(found) or by_logits(found) or found


class _Unclear(UserError):
    """Nothing tells what backward is given."""


def _invented(values: Mapping[tuple[str, str], Any]) -> tuple[str, ...]:
    """Return what was invented beside arrays: a verdict holds for this."""
    others = {name: value for (_, name), value in values.items() if not hasattr(value, "dtype") and not _is_of_numbers(value)}
    listed = [f"{name}={shown(value)}" for name, value in others.items()]
    return (f"checked at {', '.join(listed)}",) if listed else ()


def _is_of_numbers(value: Any) -> bool:
    """Whether a list or a tuple holds numbers, or anything holds arrays."""
    if isinstance(value, list | tuple) and all(isinstance(part, int | float) for part in value):
        return True
    return any(isinstance(leaf, np.ndarray) for _, leaf in walk(value)) if isinstance(value, dict | list | tuple) else False


def _of(given: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """Return the given arguments that a constructor takes."""
    return {slot.name: given[slot.name] for slot in _of_constructor(kind) if slot.name in given}


def _of_constructor(kind: Any) -> list[ArgumentSlot]:
    """Return the arguments that an object is made with; none of an object that is there."""
    made = inspect.getattr_static(kind, "__init__") if isinstance(kind, type) else None
    if not isinstance(made, types.FunctionType):
        return []
    held = objects_for(kind)
    return [replace(slot, hints=replace(slot.hints, objects=held)) for slot in slots_of(made, "class")[1:]]


def _sizes_held(kind: Any) -> tuple[int, ...]:
    """Return the sizes of the layers of an object that is made without arguments: rows and columns of its matrices."""
    matrices = [np.shape(leaf) for _, leaf in walk(_object_of(kind)) if _is_matrix(leaf)]
    if not matrices or max(map(max, matrices)) > MOST_HELD:
        return ()
    return (matrices[0][0], *(shape[1] for shape in matrices))


def _object_of(kind: Any) -> Any:
    """Return an object, of a class one that is made without arguments; None where that fails."""
    try:
        return visit(kind, habits=None).returned if isinstance(kind, type) else kind
    except Exception:  # whatever a constructor raises
        return None


def _is_matrix(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.ndim == 2 and len(leaf) > 1


MOST_HELD = 128
"""The largest size of an object's matrices with which it is checked as it is."""


def _better(best: Comparison | None, new: Comparison | None) -> Comparison | None:
    """Return what is to be checked: the first that ran, or another that says more for the code."""
    if best is None or new is None:
        return new or best
    if not set(best.wrt) <= set(new.wrt) and (_shapes_agree(best) or not (_holds(new) or _leaves_less_out(best, new))):
        return best
    if len(new.missing) > len(best.missing):
        return best
    return new if _speaks_for_it(best, new) else best


def _leaves_less_out(best: Comparison, new: Comparison) -> bool:
    """Whether a comparison in which every gradient has its shape has gradients that another one lacks."""
    return len(new.missing) < len(best.missing) and _shapes_agree(new)


def _speaks_for_it(best: Comparison, new: Comparison) -> bool:
    """Whether a comparison leaves less out than one that is wrong, or is right and no poorer."""
    if new.jacobian and not best.jacobian and not _holds(best):
        return _holds(new)  # of a vector; what is no Jacobian is wrong for other reasons
    if not _is_telling(new):
        return _is_a_vector_meant_otherwise(best, new)
    if not _shapes_agree(best) or _leaves_less_out(best, new):
        return True
    return _holds(new) and (_is_a_loss_after_all(best, new) or not _says_less(best, new))


def _is_a_loss_after_all(best: Comparison, new: Comparison) -> bool:
    """Whether what was taken for a function of each element gives one number, as `w.T @ w` does of a vector."""
    arrays = all(np.ndim(new.arguments.get(name, 0)) for name, value in best.arguments.items() if np.ndim(value))
    return arrays and best.titles[1].startswith("Σ") and not best.upstream and not new.titles[1].startswith("Σ")


def _says_less(best: Comparison, new: Comparison) -> bool:
    """Whether an argument has fewer axes in another comparison, or is one number, or the output is narrower.

    What is wrong for a batch may be right for one sample, what is wrong for two sizes where they are equal; at y = 1 nothing is
    seen of what stands behind (1 - y); of an output with one column nothing is seen of a wrong column.
    """
    if _different_sizes(new) < _different_sizes(best) or (_is_narrow(new) and not _is_narrow(best) and _is_telling(best)):
        return True
    turned = any(np.ndim(value) and not np.ndim(new.arguments.get(name, 0)) for name, value in best.arguments.items())
    return turned or (has_fewer_axes(new.arguments, best.arguments) and _is_telling(best))


def _is_narrow(found: Comparison) -> bool:
    """Whether an output has an axis of one element, that of the samples apart."""
    return any(1 in np.shape(found.example[name])[1:] for name in found.upstream)


def _different_sizes(found: Comparison) -> int:
    """Return how many different whole numbers an object was made with."""
    return len({value for value in found.arguments.values() if type(value) is int})


def _is_right_for_something(found: Comparison) -> bool:
    """Whether every gradient is right, and none is 0 everywhere."""
    return _is_right(found) and all(map(np.any, _gradients_there(found).values()))


def _is_right(found: Comparison) -> bool:
    return not found.missing and _holds(found)


def _holds(found: Comparison) -> bool:
    return _shapes_agree(found) and agrees(found)


def _is_a_vector_meant_otherwise(best: Comparison, new: Comparison) -> bool:
    """Whether code that differs for a plain vector holds for a row or a column, which is what it is meant for."""
    thin = [name for name in new.wrt if min(np.shape(new.example[name]), default=2) == 1]
    turned = [name for name in thin if np.shape(best.example.get(name, 0)) != np.shape(new.example[name])]
    plain = bool(turned) and all(np.ndim(best.example.get(name, 0)) == 1 for name in turned)
    return plain and not _holds(best) and _holds(new) and all(map(np.any, _gradients_there(new).values()))


def _gradients_there(found: Comparison) -> Mapping[str, Any]:
    """Return what the code gives at the example, by name."""
    gradients: Mapping[str, Any] = visit(lambda: found.hand(**found.example), habits=None).returned
    return {name: gradients[name] for name in found.wrt}


def _is_telling(found: Comparison) -> bool:
    """Whether no axis is so short that a sum over it is no sum, and no gradient is nothing but zeros."""
    try:
        gradients = visit(lambda: found.hand(**found.example), habits=None).returned
    except Exception:  # the code does not run twice
        return False
    return all(np.any(gradients[name]) and _is_wide(name, np.shape(found.example[name])) for name in found.wrt)


def _is_wide(name: str, shape: tuple[int, ...]) -> bool:
    """Whether no axis is of length one, but for an offset that is a row, (1, K): it is added to every sample."""
    row = bool(BIAS.match(name.lstrip("_"))) and shape[:1] == (1,)
    return min(shape[row:], default=0) > 1


def _shapes_agree(found: Comparison) -> bool:
    """Whether everything that is returned is a gradient, in the shape of what it is a gradient of."""
    if found.unbound:
        return False
    try:
        gradients = visit(lambda: found.hand(**found.example), habits=None).returned
    except Exception:  # the code does not run twice
        return False
    return all(np.shape(gradients[name]) == np.shape(found.example[name]) for name in found.wrt)
