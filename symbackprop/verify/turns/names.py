"""What the names that a turn of a loop reads stand for: weights, data, samples, counters, what comes of data before it."""

from __future__ import annotations

import ast
import builtins
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.turns.loops import TrainingLoop, free, loaded, needed, stored

COUNTING = frozenset({"range", "xrange", "trange", "arange", "count"})
"""Functions that loops count with."""


@dataclass(frozen=True, slots=True)
class TurnNames:
    """What a turn reads.

    `data` are given to both passes (with their `values`, where the file has them); `around` are the assignments that are
    repeated before each turn, `counters` the loops' own numbers; `ahead` are the statements of the body that give the prediction,
    the variable `predicted`.
    """

    data: tuple[str, ...]
    values: Mapping[str, Any]
    around: tuple[ast.stmt, ...]
    counters: Mapping[str, Any]
    ahead: tuple[ast.stmt, ...]
    predicted: str


def names_of(loop: TrainingLoop, space: Mapping[str, Any]) -> TurnNames | None:
    """Return what the names of a loop stand for, in a file with these values; None where nothing in it is a target."""
    counters, samples = _first_turn(loop, space)
    counters |= loop.options
    read = _without(free(loop.body), (*loop.own_weights, *counters, "self"))
    before = [*itertools.chain.from_iterable(map(_one_by_one, loop.before))]
    around = needed(_without_data(before, space, loop), read)
    wanted = _without([*free(around), *_without(read, stored(around))], (*loop.own_weights, *dir(builtins)))
    known = {*samples, *loop.parameters, *loop.variables, *(name for name in wanted if _is_data(space.get(name)))}
    data = tuple(name for name in wanted if name in known)
    ahead, predicted = _prediction(loop, _made_of_targets(before) - {*loop.weights})
    if not predicted or not any(map(_is_wanted, data)):
        return None
    values = {name: samples.get(name, space.get(name)) for name in data}
    return TurnNames(data, values, tuple(around), counters, ahead, predicted)


def _without_data(statements: Iterable[ast.stmt], space: Mapping[str, Any], loop: TrainingLoop) -> list[ast.stmt]:
    return [statement for statement in statements if not _gives_data(statement, space, loop)]


def _one_by_one(statement: ast.stmt) -> list[ast.stmt]:
    """Return the parts of `X, y = np.array(X), np.array(y)`, data and target, where none reads what another sets."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    value = getattr(statement, "value", None)
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple) or len(target.elts) != len(value.elts):
        return [statement]
    parts: list[ast.stmt] = [ast.Assign([place], own) for place, own in zip(target.elts, value.elts, strict=True)]
    return [statement] if _cross(parts) else [ast.copy_location(part, statement) for part in parts]


def _cross(parts: list[ast.stmt]) -> bool:
    """Whether an assignment reads what an earlier one sets."""
    return any(set(stored([first])) & set(loaded(later)) for k, first in enumerate(parts) for later in parts[k + 1 :])


def _without(names: Iterable[str], others: Collection[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in others]


def _made_of_targets(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names of what is made of targets alone: `T = one_hot(y)`."""
    found: set[str] = set()
    for statement in statements:
        value = statement.value if isinstance(statement, ast.Assign) else None
        read = [*_arrays_read(value)] if value is not None else []
        if read and all(_is_wanted(name) or name in found for name in read):
            found |= {*stored([statement])}
    return found


def _arrays_read(value: ast.expr) -> Iterator[str]:
    """Yield the names that an expression reads, but for functions and modules, and for what it asks the shape of."""
    nodes = [*ast.walk(value)]
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    left = (
        called
        | {getattr(node, "value", node) for node in called}
        | {node.value for node in nodes if isinstance(node, ast.keyword)}
    )
    yield from _without(_names([node for node in nodes if node not in left]), ["self"])


def _names(nodes: Iterable[ast.AST]) -> list[str]:
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _prediction(loop: TrainingLoop, targets: Collection[str]) -> tuple[tuple[ast.stmt, ...], str]:
    """Return the statements before the first that reads a target, and the last variable that they set."""
    split = next((k for k, s in enumerate(loop.body) if any(_is_wanted(name) or name in targets for name in loaded(s))), 0)
    ahead = loop.body[:split]
    set_there = [s.targets[0] for s in ahead if isinstance(s, ast.Assign)]
    names = [target.id for target in set_there if isinstance(target, ast.Name)]
    return ahead, names[-1] if names else ""


def _is_wanted(name: str) -> bool:
    """Whether a name is that of what is to be learned: `y`, `training_set_outputs`."""
    return is_target(name) or bool(_WANTED.search(name))


_WANTED = re.compile(r"(train|test|set|expected|desired|correct|true|ideal|real).*(out|result|answer|class)", re.IGNORECASE)


def _is_data(value: Any) -> bool:
    """Whether a value of a file is an array of numbers."""
    if isinstance(value, list) and value:
        try:
            value = np.asarray(value)
        except ValueError:  # lists of several lengths
            return False
    return isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.ndim > 0


def _gives_data(statement: ast.stmt, space: Mapping[str, Any], loop: TrainingLoop) -> bool:
    """Whether a statement makes weights, or at the top of a file data: they are given, not made again."""
    names = stored([statement])
    return bool({*names} & {*loop.own_weights}) or (loop.host is None and any(_is_data(space.get(name)) for name in names))


def _first_turn(loop: TrainingLoop, space: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the numbers that the loops count, in their second turn (`if i % 100 == 0` reports in the first), and the samples
    that they take out of arrays of the file."""
    counters: dict[str, Any] = {}
    samples: dict[str, Any] = {}
    for header in loop.headers:
        for target, source in _taken(header):
            if _called(source) in COUNTING:
                counters.update(dict.fromkeys(stored([target]), 1))
            else:
                samples.update(_sample(target, source, space))
    return counters, samples


def _taken(header: ast.For | ast.While) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what a loop sets, and what that is taken out of; those of `zip` and `enumerate` one by one."""
    waiting = [(header.target, header.iter)] if isinstance(header, ast.For) else []
    for target, source in waiting:
        arguments = source.args if isinstance(source, ast.Call) else []
        if _called(source) == "enumerate" and isinstance(target, ast.Tuple) and arguments:
            yield target.elts[0], ast.Call(ast.Name("range", ast.Load()), [], [])
            waiting.append((target.elts[1], arguments[0]))
        elif _called(source) == "zip" and isinstance(target, ast.Tuple):
            waiting += zip(target.elts, arguments, strict=False)
        else:
            yield target, source


def _called(node: ast.expr) -> str:
    """Return the name of what is called, `range` of `range(9)` and `trange` of `tqdm.trange(9)`."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""


def _sample(target: ast.expr, source: ast.expr, space: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name of what is taken out of an array of the file, with the first of it."""
    whole = space.get(source.id) if isinstance(source, ast.Name) else None
    if isinstance(target, ast.Name) and _is_data(whole):
        yield target.id, np.asarray(whole)[0]
