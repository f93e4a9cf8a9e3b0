"""Which axes are one axis: where a formula reads an array by a whole index, the axis of the array is the axis of the index.

Equal sizes alone make nothing equal. Every index of a program belongs to a *range*: a set of axes of arrays that are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from symbackprop.capturing.roll.forms import Form
from symbackprop.capturing.roll.program import RolledProgram


class Axis(NamedTuple):
    """An axis of an array, or the index of a sum: the sums of a definition are numbered as they are met."""

    name: str
    position: int
    of_sum: bool = False


@dataclass(frozen=True, slots=True)
class Ranges:
    """The ranges of a program: the range of every axis, and its size in this run."""

    range_of: Mapping[Axis, Axis]
    size: Mapping[Axis, int]

    def of(self, axis: Axis) -> Axis:
        """Return the axis that stands for the range of an axis."""
        return self.range_of[axis]


def ranges(program: RolledProgram) -> Ranges:
    """Return the ranges of a program."""
    size: dict[Axis, int] = {}
    shapes = shapes_of(program)
    for name, shape in shapes.items():
        size.update({Axis(name, k): extent for k, extent in enumerate(shape)})
    joined: dict[Axis, Axis] = {}
    for indices, axis, place in all_reads(program, size):
        index = _whole_index(place, indices)
        if index is not None and size[index] == size[axis]:
            _join(joined, index, axis)
    ones = [axis for axis, extent in size.items() if extent == 1]
    for axis in ones[1:]:  # axes of one entry are broadcast; one letter serves them all
        _join(joined, ones[0], axis)
    return Ranges(_first_of_group(joined, size), size)


def all_reads(program: RolledProgram, size: dict[Axis, int]) -> Iterator[tuple[tuple[Axis, ...], Axis, Any]]:
    """Yield (indices in scope, axis read, address) of every axis that a definition reads; sums are added to `size`."""
    for definition in program.definitions:
        own = tuple(Axis(definition.name, k) for k in range(len(definition.shape)))
        for indices, name, address in reads(definition.form, definition.name, own, size):
            for k, place in enumerate(address):
                yield indices, Axis(name, k), place


def _whole_index(place: Any, indices: tuple[Axis, ...]) -> Axis | None:
    """Return the index that an address is, with nothing added."""
    offset, *slopes = place
    used = [(index, slope.value) for index, slope in zip(indices, slopes, strict=False) if slope.value != 0]
    return used[0][0] if offset.value == 0 and len(used) == 1 and used[0][1] == 1 else None


def _first_of_group(joined: dict[Axis, Axis], size: Mapping[Axis, int]) -> dict[Axis, Axis]:
    order = {axis: k for k, axis in enumerate(size)}
    groups: dict[Axis, list[Axis]] = {}
    for axis in size:
        groups.setdefault(_root(joined, axis), []).append(axis)
    return {axis: min(group, key=order.__getitem__) for group in groups.values() for axis in group}


def shapes_of(program: RolledProgram) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array, the inputs first."""
    shapes = {name: variable.shape for name, variable in program.inputs.items()}
    shapes.update({name: values.shape for name, values in program.tables.items()})
    shapes.update({definition.name: definition.shape for definition in program.definitions})
    return shapes


def reads(form: Form, name: str, own: tuple[Axis, ...], size: dict[Axis, int]) -> Iterator[tuple[tuple[Axis, ...], str, Any]]:
    """Yield (indices in scope, array, address) of every entry; the indices of sums are added to `size`."""
    count = 0
    stack: list[tuple[Form, tuple[Axis, ...]]] = [(form, own)]
    while stack:
        part, indices = stack.pop()
        kind = part[0]
        if kind == "entry":
            yield indices, part[1], part[2]
        elif kind == "apply":
            stack += [(argument, indices) for argument in reversed(part[2])]
        elif kind == "product":
            stack += [(factor, indices) for _, factor in reversed(part[1])]
        elif kind == "total":
            below = []
            for sizes, term in part[1]:
                fresh = []
                for extent in sizes:
                    axis = Axis(name, count, of_sum=True)
                    size[axis] = int(extent.value)
                    count += 1
                    fresh.append(axis)
                below.append((term, (*indices, *fresh)))
            stack += reversed(below)


def _root(joined: dict[Axis, Axis], axis: Axis) -> Axis:
    while axis in joined:
        axis = joined[axis]
    return axis


def _join(joined: dict[Axis, Axis], one: Axis, other: Axis) -> None:
    one, other = _root(joined, one), _root(joined, other)
    if one != other:
        joined[one] = other
