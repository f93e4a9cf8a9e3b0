"""The same code at other sizes: which ranges may change, and arguments in which they have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.capturing.build.axes import Axis, Ranges, all_reads
from symbackprop.capturing.record.labels import ONE_HOT
from symbackprop.capturing.roll.program import RolledProgram

OWN_OBJECT = "self."
"""Inputs that are attributes of the object whose method is run; their shapes are the object's."""


_GROWTHS = ((0, 1), (1, 0), (1, 1), (2, 2), (0, 3), (4, 0), (4, 4), (6, 1), (2, 7))
"""By how much sizes grow in the two runs; the differences are all different, so that `H-A+1` is not taken for `W-B+1`."""
_ALONE = (1, 2)
"""By how much a size grows in the two runs when it alone does."""


def may_change(program: RolledProgram, ranges: Ranges) -> list[Axis]:
    """Return the ranges of arguments that an index runs over, but for those of size 1 and of the object whose method is run."""
    axes = list(_argument_axes(program, ranges))
    fixed = {axis for path, axis in axes if path.startswith(OWN_OBJECT)}
    indexed = {ranges.of(axis) for axis in ranges.size if axis.of_sum or axis.name not in program.inputs}
    possible = indexed - fixed - _strided(program, ranges)
    return list(dict.fromkeys(axis for _, axis in axes if axis in possible and ranges.size[axis] > 1))


def _argument_axes(program: RolledProgram, ranges: Ranges) -> Iterator[tuple[str, Axis]]:
    """Yield the path of every array in the arguments with the range of each of its axes."""
    for name, variable in program.inputs.items():
        for k in range(len(variable.shape)):
            yield variable.name, ranges.of(Axis(name, k))


def _strided(program: RolledProgram, ranges: Ranges) -> set[Axis]:
    """Return the ranges that take part in an address with a factor: a stride, or a flattened axis, which no size can express."""
    found: set[Axis] = set()
    for indices, axis, (_, *slopes) in all_reads(program, dict(ranges.size)):
        if any(abs(slope.value) > 1 for slope in slopes):
            found.add(ranges.of(axis))
            found |= {ranges.of(index) for index, slope in zip(indices, slopes, strict=False) if slope.value}
    return found


def distinct_sizes(ranges: Ranges, changing: Iterable[Axis]) -> dict[Axis, int]:
    """Return larger sizes, all different, and different in how much larger they are."""
    used: set[int] = set()
    found = {}
    for position, axis in enumerate(changing):
        size = ranges.size[axis] + 2 + position % 3
        while size in used:
            size += 1
        used.add(size)
        found[axis] = size
    return found


def other_sizes(ranges: Ranges, changing: Iterable[Axis], run: int, turn: int = 0) -> dict[Axis, int]:
    """Return sizes for one of the two runs that tell sizes apart: little larger, no two axes larger by the same in both."""
    axes = list(changing)
    if len(axes) == 1:
        return {axes[0]: ranges.size[axes[0]] + _ALONE[run]}
    growths = _GROWTHS[turn:] + _GROWTHS[:turn]
    return {axis: ranges.size[axis] + growths[k % len(growths)][run] for k, axis in enumerate(axes)}


def resized(example: Mapping[str, Any], program: RolledProgram, ranges: Ranges, sizes: Mapping[Axis, int], seed: int) -> dict[str, Any]:
    """Return arguments of other sizes and other numbers near the example's.

    Labels stay in their classes, one-hot rows one-hot.
    """
    redraw = _redraw(program, ranges, sizes, seed)
    return {key: redraw.nested(key, value) for key, value in example.items()}


def redrawn(values: Mapping[str, Any], program: RolledProgram, ranges: Ranges, seed: int) -> dict[str, Any]:
    """Return the values of inputs, by name, at other numbers near them."""
    redraw = _redraw(program, ranges, {}, seed)
    return {name: redraw.nested(program.inputs[name].name, value) for name, value in values.items()}


def _redraw(program: RolledProgram, ranges: Ranges, sizes: Mapping[Axis, int], seed: int) -> _Redraw:
    shapes: dict[str, tuple[int, ...]] = {}
    classes: dict[str, int] = {}
    for name, variable in program.inputs.items():
        shape = tuple(sizes.get(ranges.of(Axis(name, k)), extent) for k, extent in enumerate(variable.shape))
        path = variable.name.removeprefix(ONE_HOT)
        if variable.name.startswith(ONE_HOT):
            shape, classes[path] = shape[:-1], shape[-1]
        shapes[path] = shape
    return _Redraw(shapes, classes, np.random.default_rng(seed))


@dataclass(frozen=True, slots=True)
class _Redraw:
    """Draws arguments anew: shapes by path, the number of classes of labels by path."""

    shapes: Mapping[str, tuple[int, ...]]
    classes: Mapping[str, int]
    rng: np.random.Generator

    def nested(self, path: str, value: Any) -> Any:
        """Return a value, or a dictionary or list of values, drawn anew."""
        if isinstance(value, dict):
            return {key: self.nested(f"{path}.{key}", item) for key, item in value.items()}
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
            return type(value)(self.nested(f"{path}.{k}", item) for k, item in enumerate(value))
        if isinstance(value, float | np.floating):
            return type(value)(value * (1 + 0.1 * self.rng.normal()))
        return self._array(path, value) if isinstance(value, np.ndarray) else value

    def _array(self, path: str, value: Any) -> Any:
        shape = self.shapes.get(path, value.shape)
        if path in self.classes:
            return self.rng.integers(0, self.classes[path], shape)
        axis = one_hot_axis(value)
        if axis is not None and len(shape) == value.ndim:
            lines = self.rng.integers(0, shape[axis], (*shape[:axis], *shape[axis + 1 :]))
            return np.moveaxis(np.eye(shape[axis], dtype=value.dtype)[lines], -1, axis)
        if value.dtype.kind in "iu" and value.size and path in self.shapes:
            kinds = self.rng.permutation(np.unique(value))  # some of them: the largest need not be among them
            return self.rng.choice(kinds[: self.rng.integers(1, len(kinds) + 1)], shape).astype(value.dtype)
        if value.dtype.kind != "f":
            return np.resize(value, shape)
        fresh = np.resize(value, shape)
        # What is positive in the example stays so; what is not may be anything near.
        spread = 0.1 * self.rng.normal(size=shape) if np.any(fresh < 0) or not fresh.any() else 0.0
        return fresh * (1 + 0.2 * np.tanh(self.rng.normal(size=shape))) + spread


def one_hot_axis(array: Any) -> int | None:
    """Return the axis along which every line is one-hot, a single 1 and zeros; None where there is none."""
    if array.dtype.kind not in "fiu" or not array.ndim or not np.all((array == 0) | (array == 1)):
        return None
    axes = [array.ndim - 1, *range(array.ndim - 1)]
    return next((axis for axis in axes if array.shape[axis] > 1 and np.all(array.sum(axis=axis) == 1)), None)
