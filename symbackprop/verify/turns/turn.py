"""One turn of a training loop as a class with a forward pass and a step, so that it is checked as any other code with both.

The body of the loop is a function of the file's text (`text`). Around it are put the weights, which the object holds, what is
worked out of the data before a turn, and the loops' counters; of data of the file its own values are an example.
"""

from __future__ import annotations

import ast
import copy
import linecache
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import NO_FILE
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.passes.candidates import PassCandidate
from symbackprop.verify.passes.passes import own_defaults, required
from symbackprop.verify.turns.loops import TrainingLoop, free, needed, stored, training_loops
from symbackprop.verify.turns.names import TurnNames, names_of
from symbackprop.verify.turns.text import TURN, text_with_a_turn

FORWARD, STEP = "forward_of_the_loop", "step_of_the_loop"
MOST_NUMBERS = 2000
"""Numbers of data of the file that are taken as an example; instead of more others are invented."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A loop as something to check, the values of the file that it works on, and what is said of it."""

    candidate: PassCandidate
    example: Mapping[str, Any]
    remark: str


def turns(module: types.ModuleType, *, fixed: bool = False, owner: str = "") -> Iterator[Turn]:
    """Yield the training loops of a file whose definitions were run; one that cannot be taken out is left out.

    With `fixed` only those in methods that turn as often as is written there, with an `owner` those in methods of this class.
    """
    path = str(module.__file__)
    text = "".join(linecache.getlines(path))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for loop in training_loops(tree):
        if _is_left_out(loop, fixed, owner):
            continue
        names = names_of(loop, vars(module))
        if names is not None and _takes_out(loop, names, module, tree, text):
            yield _turn(loop, names, module)
            _show(text, path)  # it was no use: the file is shown as it is


def _is_left_out(loop: TrainingLoop, fixed: bool, owner: str) -> bool:
    if owner and (loop.owner is None or loop.owner.name != owner):
        return True
    return fixed and not (loop.owner is not None and loop.turns_as_written)


def _takes_out(loop: TrainingLoop, names: TurnNames, module: types.ModuleType, tree: ast.Module, text: str) -> bool:
    """Put the body of a loop into the module as a function, and into what is shown as its text; False if it is no Python."""
    path = str(module.__file__)
    shown = text_with_a_turn(loop, tree, text, _arguments(loop, names))
    try:
        definition = next(n for n in ast.parse(shown).body if isinstance(n, ast.FunctionDef) and n.name == TURN)
        vars(module)[TURN] = _compiled(definition, path, module)
    except SyntaxError:
        return False
    _show(shown, path)
    return True


def _show(text: str, path: str) -> None:
    """Let reports find a text as that of the file."""
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)


def _arguments(loop: TrainingLoop, names: TurnNames) -> list[str]:
    """Return what the function is given: the object, the weights, data and what comes of them."""
    inner = {"self", *names.data, *names.counters, *stored(names.around)}
    return [*loop.own_weights, *(name for name in free(loop.body) if name in inner and name not in loop.own_weights)]


def _turn(loop: TrainingLoop, names: TurnNames, module: types.ModuleType) -> Turn:
    kind = _class_in(loop, getattr(module, loop.owner.name), module) if loop.owner is not None else _class_of(loop, module)
    for name, function in _passes(loop, names, module).items():
        function.__qualname__ = f"{kind.__name__}.{name}"
        setattr(kind, name, function)
    known = {name: value for name, value in names.values.items() if value is not None and np.size(value) <= MOST_NUMBERS}
    example = {name: np.array(value) if is_target(name) else np.array(value, dtype=float) for name, value in known.items()}
    lines = f"{names.ahead[0].lineno}–{names.ahead[-1].end_lineno}"
    remark = f"one turn of the loop in line {loop.line} is taken; its lines {lines} give the prediction, {names.predicted}"
    return Turn(PassCandidate(f"the loop in line {loop.line}", kind, ((FORWARD, STEP),)), example, remark)


def _passes(loop: TrainingLoop, names: TurnNames, module: types.ModuleType) -> dict[str, Any]:
    """Return the two passes as methods: the statements that lead to the prediction, and the whole turn."""
    before = [*map(copy.deepcopy, names.around), *_parsed(f"{name} = {value}" for name, value in names.counters.items())]
    held = _parsed(f"{name} = self.{name}" for name in loop.own_weights)
    called = f"{TURN}({', '.join(_arguments(loop, names))})"
    new = ", ".join(f"self.{name}" for name in loop.own_weights)
    ahead = [*map(copy.deepcopy, names.ahead), *_parsed([f"return {names.predicted}"])]
    forward = [*held, *needed(before, free(ahead)), *ahead]  # a prediction is made of no target
    step = [*held, *before, *_parsed([f"{new} = {called}" if new else called])]
    asked = [name for name in names.data if name in free(forward)]
    return {
        FORWARD: _function(FORWARD, ["self", *asked], forward, str(module.__file__), module),
        STEP: _function(STEP, ["self", *names.data], step, NO_FILE, module),
    }


def _class_of(loop: TrainingLoop, module: types.ModuleType) -> Any:
    """Return a class that holds the weights: as the function makes them that the loop stands in, or copies of the file's own."""
    kind = type(f"loop_in_line_{loop.line}", (), {"__module__": module.__name__})
    making = [*map(copy.deepcopy, needed(loop.before, loop.own_weights))] if loop.host is not None else []
    held = _parsed(f"self.{name} = {name}" for name in loop.own_weights)
    wanted = [name for name in loop.parameters if name in free([*making, *held])]
    space = {name: _own_array(value) for name, value in vars(module).items() if name in loop.own_weights}
    made = _function("__init__", ["self", *wanted], [*making, *held], NO_FILE, module, space if loop.host is None else {})
    setattr(kind, "__init__", made)  # noqa: B010 - a class that is made here has no other
    return kind


def _class_in(loop: TrainingLoop, own: Any, module: types.ModuleType) -> Any:
    """Return the class of a loop that stands in a method; one that makes its weights as the method does, where they are made in
    it."""
    making = _making(loop)
    if not making:
        return own
    kind = type(own.__name__, (own,), {"__module__": module.__name__})
    asked = [*required(own.__init__)[1:]] if isinstance(own.__init__, types.FunctionType) else []
    options = own_defaults(getattr(own, loop.host.name)) if loop.host is not None else {}
    wanted = [name for name in loop.parameters if name in free(making) and name not in asked]
    space = {name: options[name] for name in wanted if name in options}
    arguments = ["self", *asked, *_without(wanted, space)]
    first = _parsed([f"{own.__name__}.__init__({', '.join(['self', *asked])})"])
    made = _function("__init__", arguments, [*first, *making, *_held(loop)], NO_FILE, module, space)
    setattr(kind, "__init__", made)  # noqa: B010 - a class that is made here has no other
    return kind


def _without(names: Iterable[str], others: Mapping[str, Any]) -> list[str]:
    return [name for name in names if name not in others]


def _held(loop: TrainingLoop) -> list[ast.stmt]:
    """Return the statements that keep the weights; a bias that begins with 0 is a real number."""
    places = [name if "." in name else f"self.{name}" for name in loop.weights]
    kept = _parsed(f"self.{name} = {name}" for name in loop.own_weights)
    return kept + _parsed(f"{place} = float({place}) if isinstance({place}, int) else {place}" for place in places)


def _making(loop: TrainingLoop) -> list[ast.stmt]:
    """Return the statements before a loop in which its weights are made, and what these come from."""
    attributes = [s for s in loop.before if isinstance(s, ast.Assign) and {*map(ast.unparse, s.targets)} & {*loop.weights}]
    wanted = [*loop.own_weights, *free(attributes)]
    kept = [*attributes, *needed(loop.before, wanted)]
    return [copy.deepcopy(statement) for statement in loop.before if statement in kept]


def _own_array(value: Any) -> Any:
    return np.array(value, dtype=float) if isinstance(value, np.ndarray | list) else value


def _parsed(lines: Iterable[str]) -> list[ast.stmt]:
    return [statement for line in lines for statement in _body_of(f"def f():\n {line}")]


def _body_of(text: str) -> list[ast.stmt]:
    return [statement for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) for statement in node.body]


def _function(
    name: str,
    arguments: Sequence[str],
    body: Sequence[ast.stmt],
    path: str,
    module: types.ModuleType,
    known: Mapping[str, Any] | None = None,
) -> Any:
    """Return a function with some statements as its body, which sees what the module has; `known` are copies of some of that."""
    values = {key: copy.deepcopy(value) for key, value in (known or {}).items()}
    (made,) = ast.parse(f"def {name}({', '.join([*arguments, *values])}): pass").body
    if isinstance(made, ast.FunctionDef):
        made.body = list(body) or made.body
        made.lineno = made.end_lineno = min(statement.lineno for statement in made.body)
    function = _compiled(made, path, module)
    function.__defaults__ = tuple(values.values()) or None
    return function


def _compiled(definition: ast.stmt, path: str, module: types.ModuleType) -> types.FunctionType:
    """Return the function of a definition, as one of a module's own."""
    tree = ast.fix_missing_locations(ast.Module(body=[definition], type_ignores=[]))
    code = next(c for c in compile(tree, path, "exec", dont_inherit=True).co_consts if isinstance(c, types.CodeType))
    return types.FunctionType(code, vars(module))
