"""Which of the numbers of a run have names: the inputs, and the variables of the code in the states that matter.

A variable that is written into, or added to, is one variable in its last state; one that is assigned anew is several, numbered.
What a loop assigns in each of its turns (`h = tanh(W @ h)`) is a *family* of states of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.capturing.record.recording import Recording
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.run.recorder import Local, TracedValues


@dataclass(frozen=True, slots=True)
class Variable:
    """A named array of nodes: the code's name for it, the function and line that set it (none for an input), and when."""

    name: str
    nodes: Any
    function: str = ""
    line: int | None = None
    file: str = ""
    time: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array; () for a number."""
        return tuple(self.nodes.shape)


def inputs(recording: Recording) -> list[Variable]:
    """Return the inputs that the run used, each in its whole shape; -1 stands where an element was never read."""
    found: dict[str, dict[tuple[int, ...], int]] = {}
    for name, node in recording.graph.inputs.items():
        found.setdefault(name.name, {})[name.index] = node
    return [Variable(name, _array(elements)) for name, elements in found.items()]


def _array(elements: dict[tuple[int, ...], int]) -> Any:
    shape = tuple(max(index[k] for index in elements) + 1 for k in range(len(next(iter(elements)))))
    nodes = np.full(shape, -1, dtype=np.int64)
    for index, node in elements.items():
        nodes[index] = node
    return nodes


def as_array(value: TracedValues) -> Any:
    """Return the nodes of a value; an axis of one entry (`keepdims`) carries no index and is left out."""
    return np.array(value.nodes, dtype=np.int64).reshape([extent for extent in value.shape if extent != 1])


def states(recording: Recording, outputs: Iterable[int]) -> list[list[Variable]]:
    """Return the families of states of the code's variables, in the order of their first states."""
    needed = set(reachable(recording.graph, outputs))
    users = _users(recording, needed)
    families: dict[tuple[str, str, int], list[Variable]] = {}
    for history in _histories(recording.locals).values():
        for (time, local), later in zip(history, [*history[1:], None], strict=True):
            if not needed & set(local.value.nodes) or _superseded(recording, local, later[1] if later else None, users):
                continue
            key = (local.function, local.name, local.place.line)
            variable = Variable(local.name, as_array(local.value), local.function, local.place.line, local.place.filename, time)
            families.setdefault(key, []).append(variable)
    found = sorted(families.values(), key=lambda family: family[0].time)
    return _without_collected(_outermost(recording.function, found))


def _histories(locals_: Sequence[Local]) -> dict[tuple[str, str], list[tuple[int, Local]]]:
    """Return the states of every name, each with its place in time."""
    histories: dict[tuple[str, str], list[tuple[int, Local]]] = {}
    for time, local in enumerate(locals_):
        history = histories.setdefault((local.function, local.name), [])
        if not history or history[-1][1].value != local.value:
            history.append((time, local))
    return histories


def _users(recording: Recording, needed: set[int]) -> dict[int, list[int]]:
    users: dict[int, list[int]] = {}
    for node in needed:
        for argument in recording.graph.arguments[node]:
            users.setdefault(argument, []).append(node)
    return users


def _superseded(recording: Recording, local: Local, later: Local | None, users: dict[int, list[int]]) -> bool:
    """Whether a state is only on the way to the next: the array was filled further, or added to."""
    if later is None or later.value.shape != local.value.shape:
        return False
    pairs = [p for p in zip(local.value.nodes, later.value.nodes, strict=True) if recording.graph.arguments[p[0]]]
    filled = len(pairs) < len(local.value.nodes) or any(old == new for old, new in pairs)
    return bool(pairs) and (filled or all(_grows(recording, old, new, users) for old, new in pairs))


def _grows(recording: Recording, old: int, new: int, users: dict[int, list[int]]) -> bool:
    """Whether `new` is `old` plus something, and nothing else uses `old`."""
    while old != new:
        only = users.get(old, [])
        if len(only) != 1 or recording.graph.operations[only[0]] != "add":
            return False
        old = only[0]
    return True


def _outermost(function: str, families: list[list[Variable]]) -> list[list[Variable]]:
    """Drop states that have another name already: the function's own names first, then those of its helpers.

    A place in a tuple (`out, cache = forward(x)`: `cache.0`) is no name, where a helper has one.
    """
    own = {_key(variable): variable for family in families for variable in family if _is_name_of(function, variable)}
    kept: dict[tuple[Any, ...], Variable] = {}
    result = []
    for family in families:
        rest = [v for v in family if own.get(_key(v), v).function == v.function and kept.setdefault(_key(v), v) is v]
        result += [rest] if rest else []
    return result


def _is_name_of(function: str, variable: Variable) -> bool:
    return variable.function == function and not _UNNAMED.search(variable.name)


_UNNAMED = re.compile(r"^_+(?:\.|$)|\.\d+$")
"""What is thrown away, `_`, and what is called by its number alone."""


def _key(variable: Variable) -> tuple[Any, ...]:
    return variable.shape, variable.nodes.tobytes()


def _without_collected(families: list[list[Variable]]) -> list[list[Variable]]:
    """Drop a family whose states are the elements of one array, as in `v = …; out[i] = v`: the array has the better name."""
    arrays = [family[0] for family in families if len(family) == 1 and family[0].shape]
    collections = {_elements([array]) for array in arrays}
    return [family for family in families if len(family) == 1 or _elements(family) not in collections]


def _elements(family: Sequence[Variable]) -> tuple[int, ...]:
    return tuple(sorted(int(node) for variable in family for node in variable.nodes.flat))
