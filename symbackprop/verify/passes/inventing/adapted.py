"""Arguments with which code fails, changed as the failure says: two sizes made one, an axis more or an axis fewer.

Where the code came furthest, work goes on first, and nowhere where a change left the failure as it was. How many runs there are
is a number, no time.
"""

from __future__ import annotations

import heapq
import math
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, permutations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Key = TypeVar("Key")
MOST_RUNS = 240
"""Runs for one piece of code."""
ADDED = 2
"""The length of an axis that is added."""
LARGEST = 64
"""The largest size that is taken over from what code says."""
LONGEST = 400
"""The largest length of a vector that holds all parameters."""
_TOO_FEW = re.compile(
    r"too many (indices|subscripts)|not enough (values|dimensions)|does not have enough dim|out of bounds for array of dimension"
    r"|axes don't match|tuple index out of range|has no len|unsized|need at least|zero-dimensional|invalid index to scalar"
)
_TOO_MANY = re.compile(
    r"too many values to unpack|truth value|(size-1|length-1|scalar) array|more dimensions than|requires a reduction|0-dim"
)
_OUTSIDE = re.compile(r"index (\d+) is out of bounds for axis \d+ with size (\d+)")
NUMBERS = (5, 3, 2, 6)
"""Whole numbers that take the place of arrays, one after the other."""
_EMPTY = re.compile(r"[(,]0[,)]|size 0\b|zero-size|dimension 0 with|\b0 (!=|is different)")
GATES = (4, 3, 2)
"""How many times as long an axis may be, where a part of it is empty: four gates side by side."""
_RESHAPE = re.compile(r"cannot reshape array of size (\d+) into shape \(([\d, ]+)\)")
_PLACES = re.compile(r"(dim(ension)?|axis|index|operand|at) \d+|\d+(?= dim)|\(dim \d+\)")
_OURS = Path(__file__).parents[3]


def adapted(
    starts: Iterable[Mapping[Key, Any]], run: Callable[[dict[Key, Any]], Any], trained: Callable[[Any], bool]
) -> Iterator[Any]:
    """Yield what `run` gives, for values that grew out of others with which it fails; `MOST_RUNS` runs at most.

    Args:
        starts: values by any key: arrays and whole numbers change, what else there is stays.
        run: runs the code; whatever it raises says what is to be changed.
        trained: whether a key, or that of a dictionary among the values, is that of a weight or a bias: those of several gates
            may lie side by side.
    """
    order = count()
    waiting: list[tuple[int, int, int, _Failure, _Leaves]] = [(0, 0, next(order), (0, ""), _flat(start)) for start in starts]
    seen = {_shapes(values) for *_, values in waiting}
    for _ in range(MOST_RUNS):
        if not waiting:
            return
        _, depth, _, before, values = heapq.heappop(waiting)
        try:
            result = run(_nested(values))
        except Exception as error:  # whatever the code raises where it is not meant to be called
            failure = _failure(error)
            for changed in _changed(values, failure[1], trained) if failure != before else ():
                if _shapes(changed) not in seen:
                    seen.add(_shapes(changed))
                    heapq.heappush(waiting, (-failure[0], depth + 1, next(order), failure, changed))
        else:
            yield result


_Leaves = dict[tuple[Any, ...], Any]
"""Values by their key, those of a dictionary by its key and theirs."""


def _flat(values: Mapping[Key, Any]) -> _Leaves:
    parts = {key: value if isinstance(value, dict) and value else {(): value} for key, value in values.items()}
    return {(key, *([inner] if inner != () else [])): leaf for key, part in parts.items() for inner, leaf in part.items()}


def _nested(leaves: _Leaves) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for (key, *inner), leaf in leaves.items():
        if inner:
            found.setdefault(key, {})[inner[0]] = leaf
        else:
            found[key] = leaf
    return found


def resized(value: Any, shape: tuple[int, ...]) -> Any:
    """Return other values of the same kind in another shape: labels, rows with a single one, or real numbers."""
    rng, old = np.random.default_rng(len(shape)), np.asarray(value)
    if old.dtype.kind in "iub":
        return rng.integers(0, max(int(old.max(initial=1)), 1) + 1, shape).astype(old.dtype)
    if old.ndim == len(shape) == 2 and np.array_equal(np.sort(old, axis=1)[:, -1:], old.sum(axis=1, keepdims=True)):
        return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    if old.size and old.min() >= 0 and old.max() <= 1:
        return np.round(rng.uniform(0.1, 0.9, shape), 3)
    return np.round(rng.normal(size=shape), 3)


_Failure = tuple[int, str]
"""The line that code had reached, and what it said."""


def _failure(error: BaseException) -> _Failure:
    while error.__cause__ is not None:
        error = error.__cause__
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    theirs = [(file, line) for file, line in frames if _OURS not in Path(file).parents and "numpy" not in Path(file).parts]
    return next((line for file, line in theirs if file == theirs[-1][0]), 0), str(error)


def _shapes(values: _Leaves) -> tuple[Any, ...]:
    kinds = ((key, value, np.asarray(value).dtype.kind) for key, value in values.items())
    return tuple((key, np.shape(value), kind, value if type(value) is int else None) for key, value, kind in kinds)


def _changed(values: _Leaves, said: str, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    yield from _with(values, lambda shape: _longer(shape, said))
    for old, new in _sizes(said):
        yield from ({**values, key: changed} for key, value in values.items() for changed in _in_place_of(value, old, new))
    for pattern, change in _CHANGES:
        if pattern.search(said):
            yield from change(values, trained)


def _as_labels(values: _Leaves, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    return _with(values, lambda shape: [shape], labels=True)


def _as_numbers(values: _Leaves, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    number = NUMBERS[sum(type(value) is int for value in values.values()) % len(NUMBERS)]
    yield from ({**values, key: number} for key, value in values.items() if isinstance(value, np.ndarray))


def _with_another_axis(values: _Leaves, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    return _with(values, lambda shape: [(ADDED, *shape), (*shape, ADDED)])


def _without_an_axis(values: _Leaves, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    return _with(values, lambda shape: [shape[1:], shape[:-1]] if shape else [])


def _with_gates(values: _Leaves, trained: Callable[[Any], bool]) -> Iterator[_Leaves]:
    wider = (_side_by_side(values, trained, gates, axis) for gates in GATES for axis in (-1, 0))
    yield from (changed for changed in wider if all(max(np.shape(value), default=0) <= LONGEST for value in changed.values()))


_CHANGES: tuple[tuple[re.Pattern[str], Callable[[_Leaves, Callable[[Any], bool]], Iterator[_Leaves]]], ...] = (
    (re.compile("as indices must be"), _as_labels),
    (re.compile(r"integer (?!\(or)|slice indices"), _as_numbers),
    (_TOO_FEW, _with_another_axis),
    (_TOO_MANY, _without_an_axis),
    (_EMPTY, _with_gates),
)
"""What failures say, and how values are changed then."""


def _side_by_side(values: _Leaves, trained: Callable[[Any], bool], gates: int, axis: int) -> _Leaves:
    """Return the values with the weights of several gates side by side, or one below the other."""
    shapes = {key: np.shape(value) for key, value in values.items() if np.ndim(value) and trained(key[-1])}
    longer = {key: _axis(shape, axis % len(shape), gates * shape[axis]) for key, shape in shapes.items()}
    return {**values, **{key: resized(values[key], shape) for key, shape in longer.items()}}


def _with(
    values: _Leaves, shapes: Callable[[tuple[int, ...]], list[tuple[int, ...]]], *, labels: bool = False
) -> Iterator[_Leaves]:
    for key, value in values.items():
        if isinstance(value, np.ndarray) and (not labels or value.dtype.kind == "f"):
            kind = np.zeros(1, dtype=int) if labels else value
            fitting = (shape for shape in shapes(value.shape) if max(shape, default=0) <= LONGEST)
            yield from ({**values, key: resized(kind, shape)} for shape in fitting)


def _axis(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])


def _longer(shape: tuple[int, ...], said: str) -> list[tuple[int, ...]]:
    """Return the shape of a vector that has as many numbers more as are missing where a part of it takes a shape."""
    match = _RESHAPE.search(said)
    if match is None or len(shape) != 1:
        return []
    length = shape[0] + math.prod(map(int, re.findall(r"\d+", match[2]))) - int(match[1])
    return [(length,)] if length > 0 else []


def _sizes(said: str) -> list[tuple[int, int]]:
    """Return which size is to become which other, the likeliest first: those that stand one above the other in two shapes."""
    outside = _OUTSIDE.search(said)
    if outside:
        return [(int(outside[2]), int(outside[1]) + 1)]
    shapes = [tuple(map(int, re.findall(r"\d+", inside))) for inside in re.findall(r"\(((?:\d+, ?)+\d*)\)", said)]
    above = [pair for first, second in permutations(shapes, 2) for pair in zip(first[::-1], second[::-1], strict=False)]
    every = permutations(dict.fromkeys(int(number) for number in re.findall(r"\d+", _PLACES.sub("", said))), 2)
    return [(old, new) for old, new in dict.fromkeys([*above, *every]) if old != new and 0 < new <= LARGEST]


def _in_place_of(value: Any, old: int, new: int) -> Iterator[Any]:
    """Yield a value with one axis, or the whole number that it is, changed from one size to another."""
    if type(value) is int and value == old:
        yield new
    if isinstance(value, np.ndarray):
        for axis in (axis for axis, length in enumerate(value.shape) if length == old):
            yield resized(value, _axis(value.shape, axis, new))
