"""Which result of handwritten code is the gradient of which node.

Named results count by their names, as many results as parameters by their order, a list or dictionary that looks like an argument
by that argument, arrays by their shape. Code that knows a learning rate and whose result at rate 0 is the old weight is a
training step: its gradient is (old - new)/rate. Where the rate is written into the code (`written_rates`), a trace says so.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.errors import nearest
from symbackprop.files import short_name
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import (
    BindingError,
    HandCall,
    Outcome,
    Result,
    Vocabulary,
    entries,
    loss_path,
    numeric,
    return_names,
    run,
)
from symbackprop.verify.binding.returns import nothing_returned
from symbackprop.verify.binding.written_rates import WrittenRate, new_weights, rate_of, written_rates

Found = dict[str, Result]


@dataclass(frozen=True, slots=True)
class Left:
    """What one run left, as it is to be bound: the numbers that were returned, and the names of the variables they were in."""

    call: HandCall
    outcome: Outcome
    vocabulary: Vocabulary
    mapping: Mapping[str, Any]
    values: Mapping[str, Any]
    labels: Mapping[str, str]
    returned: Mapping[str, Any]
    rates: tuple[WrittenRate, ...] = ()

    @property
    def may_step(self) -> bool:
        """Whether the code knows a learning rate."""
        return self.call.rate is not None or bool(self.rates)

    def label(self, path: str) -> str:
        """Return the name of a result: the last part of its path, or the variable that was returned there."""
        parts = path.split(".")
        heads = (".".join(parts[: count + 1]) for count in range(len(parts)))
        head = next((head for head in heads if head in self.labels), None)
        if head is None:
            return self.labels.get("", "") if not path else parts[-1]
        rest = path[len(head) + 1 :]
        return rest.rpartition(".")[2] if rest and not rest.isdigit() else self.labels[head]

    def meant(self, path: str) -> str | None:
        """Return the node whose gradient a result is, as the mapping or its name says it."""
        label, known = self.label(path), self.vocabulary.all
        keys = (path, *([] if label.isdigit() else [label]))  # the second of a list inside is no second result
        said = next((self.mapping[key] for key in keys if isinstance(self.mapping.get(key), str)), None)
        if said is not None or not label or label.isdigit():
            return said
        if path in known or names.match(path, self.vocabulary.parameters):
            return names.match(path, known)
        if names.match(label, self.vocabulary.defined) is not None:
            return None  # a forward value that is returned beside the gradients, not a gradient
        return names.gradient_of(label, known, self.vocabulary.loss)

    def result(self, node: str, path: str) -> Result:
        """Return the record of a result that was returned."""
        return Result(node, path, old=_old(self.call, node))

    def is_telling(self, node: str, path: str) -> bool:
        """Whether a name is no mere habit: what it names is declared, or it is a quotient, `dE_dh1`, or was mapped."""
        label = self.label(path)
        if path in self.mapping or label in self.mapping or node not in self.vocabulary.defined:
            return True
        return names.quotient(label, self.vocabulary.all, self.vocabulary.loss) is not None


def bind_results(
    call: HandCall, outcome: Outcome, vocabulary: Vocabulary, mapping: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """Return where each gradient is found, and the results that were bound to nothing.

    Raises BindingError when nothing could be bound, or an order would have to be guessed.
    """
    left = _left(call, outcome, vocabulary, mapping, values)
    found = _first(left, RULES)
    if not found:
        raise BindingError(_message(left))
    bound = {result.path for result in found.values() if result.returned}
    return _steps(left, found), tuple(path for path in left.returned if path not in bound)


def _first(left: Left, rules: Iterable[Callable[[Left], Found]]) -> Found:
    """Return what the first rule finds that finds something."""
    return next((found for rule in rules if (found := rule(left))), {})


def _left(
    call: HandCall, outcome: Outcome, vocabulary: Vocabulary, mapping: Mapping[str, Any], values: Mapping[str, Any]
) -> Left:
    """Collect the numbers; those of a list are one array where its name means something that is no single number."""
    numbers = {path: leaf for path, leaf in outcome.returned.items() if numeric(leaf)}
    left = Left(call, outcome, vocabulary, mapping, values, return_names(call.function), numbers, written_rates(call))

    def is_array(path: str) -> bool:
        node = left.meant(path)
        return node is not None and np.ndim(values.get(node, 0)) > 0 and leaf_at(numbers, path) is not None

    gathered: dict[str, Any] = {}
    for path, leaf in numbers.items():
        parts = path.split(".")
        heads = (".".join(parts[:k]) for k in range(len(parts)) if all(part.isdigit() for part in parts[k:]))
        whole = next((head for head in heads if is_array(head)), path)
        gathered[whole] = leaf if whole == path else leaf_at(numbers, whole)
    return replace(left, returned=gathered)


# ---- the rules, in the order in which they count -------------------------------------------------------------------


def _by_name_and_order(left: Left) -> Found:
    """What is named after nodes; as many results as parameters count by position unless the names say otherwise.

    Names of hidden nodes say nothing there: `return delta_h1 * x1, delta_h1` are the gradients of a weight and of a bias.
    """
    named = _named(left)
    ordered = _by_order(left) if not _is_renamed(left) or not named else {}
    used = {result.path for result in ordered.values()}
    others = {node: result for node, result in named.items() if result.path not in used}
    if ordered and not _contradict(ordered, named) and not set(ordered) & set(others) and (named or _is_hidden(left)):
        return {**ordered, **others}
    return named


def _is_renamed(left: Left) -> bool:
    """Whether a mapping says more than that an argument is what it is called."""
    return any(name != node for name, node in left.mapping.items())


def _named(left: Left) -> Found:
    """Return the results whose names say what they are."""
    named: Found = {}
    for path in left.returned:
        node = left.meant(path) or _in_a_list(left, path)
        if node is not None and node not in named and left.is_telling(node, path):
            named[node] = left.result(node, path)
    return named


def _contradict(ordered: Found, named: Found) -> bool:
    """Whether names say of a result that is found by its order that it is something else."""
    at = {result.path: node for node, result in named.items()}
    return any(at.get(result.path, node) != node for node, result in ordered.items())


def _is_hidden(left: Left) -> bool:
    """Whether some result is named after a hidden node."""
    return any(left.meant(path) is not None for path in left.returned)


def _in_a_list(left: Left, path: str) -> str | None:
    """Return the node for a place in a list that is called after a group of parameters: `nabla_w[0]` is W1."""
    head, _, last = path.rpartition(".")
    if not last.isdigit():
        return None
    stemmed = names.with_stem(left.label(path), left.vocabulary.parameters)
    siblings = [other for other in left.returned if other.rpartition(".")[0] == head]
    return stemmed[siblings.index(path)] if len(stemmed) == len(siblings) else None


def _only_in_place(left: Left) -> Found:
    return {} if left.returned else _in_place(left)


def _in_place(left: Left) -> Found:
    """Gradients left on the object (`self.dW`, `self.l1.dW`), or weights changed in place by a step."""
    finals = {path: leaf for path, leaf in left.outcome.finals.items() if numeric(leaf)}
    found = {node: _parts(left, node, at, finals) for node, at in _beside(left, finals).items()}
    if found or not left.may_step:
        return found
    held = ((node, path) for path, node in left.call.paths.items() if path in finals)
    moved = ((node, path) for node, path in held if not _same(finals[path], left.values[node]))
    return {node: Result(node, path, returned=False, update=True, old=path) for node, path in moved}


def _beside(left: Left, finals: Iterable[str]) -> dict[str, list[str]]:
    """Return where the object holds gradients, by their nodes."""
    found: dict[str, list[str]] = {}
    for path in finals:
        node = _left_behind(left, path) if path not in left.call.paths else None
        if node is not None:
            found.setdefault(node, []).append(path)
    return found


def _parts(left: Left, node: str, paths: Sequence[str], finals: Mapping[str, Any]) -> Result:
    """Return where a gradient is left: of an array that the object holds several times, a part of it beside each place."""
    if [*left.call.paths.values()].count(node) < 2:
        return Result(node, paths[0], returned=False)
    depth = min(path.count(".") for path in paths)
    different: list[str] = []
    for path in (path for path in paths if path.count(".") == depth):
        if not any(_same(finals[path], finals[other]) for other in different):
            different.append(path)
    return Result(node, different[0], returned=False, more=tuple(different[1:]))


def _left_behind(left: Left, path: str) -> str | None:
    """Return the node whose gradient an attribute or a key is; beside `l1.W`, `l1.dW` is that of this layer's W."""
    container, _, label = path.rpartition(".")
    beside = {at.rpartition(".")[2]: node for at, node in left.call.paths.items() if at.rpartition(".")[0] == container}
    if names.is_gradient_name(label, tuple(beside), left.vocabulary.loss):
        return beside[str(names.gradient_of(label, tuple(beside), left.vocabulary.loss))]
    if names.is_gradient_name(label, left.vocabulary.all, left.vocabulary.loss):
        return names.gradient_of(label, left.vocabulary.all, left.vocabulary.loss)
    return None


def _same(final: Any, start: Any) -> bool:
    return np.shape(final) == np.shape(start) and bool(np.all(np.asarray(final) == np.asarray(start)))


def _by_order(left: Left) -> Found:
    """As many results as parameters (a loss before or after them left out), in their order, when the sizes allow it."""
    paths = _gradients_of(left)
    if not paths:
        return {}
    found = [left.returned[path] for path in paths]
    orders = _orders(left)
    fitting = [order for order in orders if _fits(order, found, left.values)]
    if not fitting and len(paths) == 1:
        fitting = orders[:1]  # a single gradient of a wrong shape is reported as that
    if len(fitting) != 1:
        return {}
    return {node: left.result(node, path) for node, path in zip(fitting[0], paths, strict=True)}


def _gradients_of(left: Left) -> list[str]:
    """Return the results if they are as many as the parameters, without a loss among them; else nothing."""
    paths, wanted = list(left.returned), len(left.vocabulary.parameters)
    loss = loss_path({path: int(np.size(leaf)) for path, leaf in left.returned.items()})
    if len(paths) == wanted + 1 and loss is not None:
        paths.remove(loss)
    return paths if len(paths) == wanted else []


def _orders(left: Left) -> list[list[str]]:
    """Return the orders in which parameters may stand: as they are declared, and as the code's own arguments."""
    declared = list(left.vocabulary.parameters)
    used = [name for name in left.call.uses if name in declared]
    return [declared, used] if used != declared and sorted(used) == sorted(declared) else [declared]


def _fits(order: Sequence[str], found: Sequence[Any], values: Mapping[str, Any]) -> bool:
    return all(np.size(leaf) == np.size(values[name]) for name, leaf in zip(order, found, strict=True))


def _at_rate_zero(left: Left) -> Found:
    """New weights that nothing names: at rate 0 each is an old one, as no other argument is; a loss may stand beside them."""
    runs = _at_two_rates(left) if left.call.rate is not None and left.call.rate_is_given else None
    if runs is None:
        return {}
    values, resting, _ = runs
    found: Found = {}
    for path in left.returned:
        old = [name for name in left.vocabulary.parameters if _same(leaf_at(resting.returned, path), values[name])]
        if len(old) == 1 and old[0] not in found:
            found[old[0]] = left.result(old[0], path)
    return found if len(found) >= max(1, len(left.returned) - 1) else {}


def _by_structure(left: Left) -> Found:
    """A list or dictionary of arrays in the places and shapes of one argument: gradients of what stands there."""
    fitting = []
    for structure in left.call.arguments.values():
        places = dict(entries(structure)) if not isinstance(structure, str) else {}
        for head in dict.fromkeys(("", *(path.partition(".")[0] for path in left.returned))):
            start = f"{head}." if head else ""
            inside = {path.removeprefix(start): leaf for path, leaf in left.returned.items() if path.startswith(start)}
            shapes = {at: np.shape(left.values[node]) for at, node in places.items()}
            if places and shapes == {at: np.shape(leaf) for at, leaf in inside.items()}:
                fitting.append({places[at]: left.result(places[at], f"{start}{at}") for at in places})
    return fitting[0] if len(fitting) == 1 else {}


def _lists_by_order(left: Left) -> Found:
    """Lists of numbers, each an array: `[[g.w for g in layer] for layer in …]` has an array for each unit."""
    gathered = {path: leaf_at(left.returned, path) for path in dict.fromkeys(path.rpartition(".")[0] for path in left.returned)}
    if any(array is None or not np.ndim(array) for array in gathered.values()):
        return {}
    return _by_order(replace(left, returned=gathered))


def _as_vector(left: Left) -> Found:
    """One array with as many numbers as all parameters together: one after the other."""
    parameters = left.vocabulary.parameters
    total = sum(int(np.size(left.values[name])) for name in parameters)
    arrays = {path: leaf_at(left.returned, path) for path in ("", *left.returned)}
    whole = next((path for path, array in arrays.items() if np.ndim(array) and np.size(array) == total), None)
    if len(parameters) < 2 or whole is None:
        return {}
    return {node: Result(node, whole, vector=parameters) for node in parameters}


def _by_shape(left: Left) -> Found:
    """A single result, or a tuple of arrays, of which each has the shape of one parameter and of no other."""
    return _first(left, (_whole_by_shape, _parts_by_shape))


def _whole_by_shape(left: Left) -> Found:
    whole = leaf_at(left.returned, "")
    return {} if whole is None else _of_one_shape(left, {"": whole})


def _parts_by_shape(left: Left) -> Found:
    arrays = {path: leaf_at(left.returned, path) for path in dict.fromkeys(path.partition(".")[0] for path in left.returned)}
    if len(arrays) > 1 and not all(map(np.ndim, arrays.values())):
        return {}  # a number has the shape of every other number
    return _of_one_shape(left, arrays)


def _of_one_shape(left: Left, arrays: Mapping[str, Any]) -> Found:
    """Return each array as the gradient of the one parameter of its shape; nothing where there is none, or a choice."""
    found: Found = {}
    for path, array in arrays.items():
        fitting = [name for name in left.vocabulary.parameters if np.shape(left.values[name]) == np.shape(array)]
        if array is None or len(fitting) != 1 or fitting[0] in found:
            return {}
        found[fitting[0]] = left.result(fitting[0], path)
    return found


def _by_hidden_names(left: Left) -> Found:
    """Gradients of hidden nodes, where there are no others."""
    found: Found = {}
    for path in left.returned:
        node = left.meant(path)
        if node is not None:
            found.setdefault(node, left.result(node, path))
    return found


RULES = (
    *(_by_name_and_order, _only_in_place, _by_order, _in_place, _at_rate_zero),
    *(_by_structure, _lists_by_order, _as_vector, _by_shape, _by_hidden_names),
)


# ---- training steps ------------------------------------------------------------------------------------------------


def _steps(left: Left, found: Found) -> tuple[Result, ...]:
    """Mark the results that are new weights: at rate 0 they are the old ones, at another rate some of them are not.

    A gradient may be 0 where this is tried: one weight that moves says it of all. Where the rate cannot be set, a result under
    the parameter's own name is taken for the new parameter. So is what has a weight's name beside steps: a wrong step is no
    gradient.
    """
    if left.call.rate is None:
        return _with_written_rates(left, found) if left.rates else tuple(found.values())
    new = _new_weights(left, [result for result in found.values() if result.returned and result.old])
    return tuple(new.get(node, result) for node, result in found.items())


def _new_weights(left: Left, returned: Sequence[Result]) -> Found:
    """Return the results that may be new weights, marked if they are."""
    runs = _at_two_rates(left) if left.call.rate_is_given else None
    if runs is None:
        return {result.node: replace(result, update=_by_label(left, result)) for result in returned}
    values, resting, moving = runs

    def is_old(result: Result) -> bool:
        return left.label(result.path) == result.node or _same(leaf_at(resting.returned, result.path), values[result.node])

    def moves(result: Result) -> bool:
        return not _same(*(leaf_at(outcome.returned, result.path) for outcome in (resting, moving)))

    steps = any(is_old(result) and moves(result) for result in returned)
    return {result.node: replace(result, update=steps and is_old(result)) for result in returned}


def _with_written_rates(left: Left, found: Found) -> tuple[Result, ...]:
    """Mark the results that are old weights and something added; in place, or where no trace is had, the names have to do."""
    rates = {
        node: rate for node, result in found.items() if _may_be_new(left, result) and (rate := rate_of(result.old, left.rates))
    }
    traced = new_weights(left.call, left.values) if rates else None
    for node in rates:
        result = found[node]
        if result.update or traced is None or traced.is_step(result.path, result.old, returned=result.returned):
            found = {**found, node: replace(result, update=True, rate=rates[node])}
    return tuple(found.values())


def _may_be_new(left: Left, result: Result) -> bool:
    """Whether a weight was among the arguments, and no name says that its gradient is meant."""
    is_gradient = names.is_gradient_name(left.label(result.path), left.vocabulary.parameters, left.vocabulary.loss)
    return bool(result.old) and not (result.returned and is_gradient)


def _at_two_rates(left: Left) -> tuple[Mapping[str, Any], Outcome, Outcome] | None:
    """Run the code with random parameters (a step from 0 cannot be told from a gradient) at rate 0 and at another rate."""
    rng = np.random.default_rng(0)
    moved = {name: rng.normal(size=np.shape(left.values[name])) for name in left.vocabulary.parameters}
    values = {**left.values, **{name: value if np.ndim(value) else float(value) for name, value in moved.items()}}
    try:
        resting, moving = (run(replace(left.call, rate_value=rate), values) for rate in (0.0, 0.5))
    except Exception:  # whatever the code raises there: its names have to do
        return None
    return values, resting, moving


def _by_label(left: Left, result: Result) -> bool:
    label = left.label(result.path)
    own = not names.is_gradient_name(label, left.vocabulary.parameters, left.vocabulary.loss) and label not in left.mapping
    return own or label.endswith(("_new", "_next"))


def _old(call: HandCall, node: str) -> str:
    return next((path for path, name in call.paths.items() if name == node), "")


# ---- what is said where nothing fits -------------------------------------------------------------------------------


def _message(left: Left) -> str:
    call, parameters = left.call, left.vocabulary.parameters
    title = getattr(call.function, "__qualname__", repr(call.function))
    if not left.returned:
        expected = f"expected gradients of {', '.join(parameters)}"
        kinds = sorted({type(leaf).__name__ for leaf in left.outcome.returned.values()})
        if left.outcome.returned.keys() == {""} and kinds == ["NoneType"]:
            return f"{nothing_returned(call.function)} ({expected})"
        return f"{title}: {expected}, got {', '.join(kinds) or 'nothing'}, no numbers"
    listed = ", ".join(f"{left.label(path) or 'the result'}{np.shape(leaf) or ''}" for path, leaf in left.returned.items())
    first, example = next(iter(left.returned)), parameters[0] if parameters else "…"
    return (
        f"{title}: cannot tell which results are gradients of what; results: {listed}; parameters: "
        f"{', '.join(parameters)}.{nearest(left.label(first), parameters)} Return a dictionary by name, a variable "
        f"called like d{example}, or say mapping={{{first!r}: {example!r}}}"
    )


# ---- reading what a run left ---------------------------------------------------------------------------------------


def elements(found: Mapping[str, Any], path: str) -> tuple[tuple[int, ...], list[Any]]:
    """Return shape and numbers of the nested list under a path; no numbers where it is none, or not rectangular."""
    start = f"{path}." if path else ""
    inside = {key[len(start) :]: leaf for key, leaf in found.items() if key.startswith(start)}
    places = [tuple(map(int, key.split("."))) for key in inside if key.replace(".", "").isdigit()]
    if not inside or len(places) < len(inside) or len({len(place) for place in places}) > 1:
        return (), []
    shape = tuple(max(at) + 1 for at in zip(*places, strict=True))
    complete = math.prod(shape) == len(places) and all(getattr(leaf, "shape", ()) == () for leaf in inside.values())
    return (shape, list(inside.values())) if complete else ((), [])


def leaf_at(found: Mapping[str, Any], path: str) -> Any:
    """Return what is under a path; a list of numbers, also a nested one, as an array."""
    if path in found:
        return found[path]
    shape, numbers = elements(found, path)
    return np.reshape(numbers, shape) if numbers else None


def read(call: HandCall, results: Sequence[Result], outcome: Outcome, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gradients in an outcome, by node name; an update step is read as (old - new)/rate."""
    found: dict[str, Any] = {}
    for result in results:
        left = outcome.returned if result.returned else outcome.finals
        value = leaf_at(left, result.path)
        if value is None:
            continue
        for path in result.more:
            value = value + leaf_at(left, path)
        if result.vector:
            part, shape = result.part(values)
            value = np.reshape(np.ravel(value)[part], shape)
        if result.update:
            value = (values[result.node] - np.asarray(value)) / (result.rate or call.rate_value)
        value = value if result.scale == 1.0 else np.asarray(value) / result.scale
        found[result.node] = _in_shape(value, np.shape(values[result.node])) if result.node in values else value
    return found


def steps_alike(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a gradient of one shape moves each number of an array of another by its own, and leaves it in its shape.

    `(n,)` does for a parameter of `(1, n)`. The other way round `b -= db` is an error of numpy and `b - db` has another shape;
    `(n, 1)` and `(n,)` have a difference of n² numbers.
    """
    return len(shape) <= len(wanted) and _without_ones(shape) == _without_ones(wanted)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its leading axes of length 1."""
    return shape[next((axis for axis, size in enumerate(shape) if size != 1), len(shape)) :]


def _in_shape(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient in the shape of its parameter, where it is as good as that."""
    return np.reshape(value, shape) if np.shape(value) != shape and steps_alike(np.shape(value), shape) else value


def other_shapes(results: Sequence[Result], outcome: Outcome, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is said of gradients that are as good as one in their parameter's shape, and have another."""
    found = []
    for result in results:
        value = leaf_at(outcome.returned if result.returned else outcome.finals, result.path)
        own, wanted = np.shape(value), np.shape(values.get(result.node, ()))
        if not result.vector and value is not None and own != wanted and steps_alike(own, wanted):
            found.append(f"{result.node}: the gradient has the shape {own}, the parameter {wanted}; their numbers were compared")
    return tuple(found)


def describe(function: Any) -> str:
    """Return the code's name as `file.py:function`."""
    code = getattr(function, "__func__", function)
    if isinstance(code, types.FunctionType):
        return f"{short_name(code.__code__.co_filename)}:{code.__qualname__}"
    return str(getattr(function, "__name__", type(function).__name__))
