"""Which dimensions of example arrays may take other sizes: found by running a loss function at other shapes.

An example `X (4, 3), w (3,), y (4,)` does not say that X's 4 and y's 4 are one size N, nor whether 3 is a D or nothing but 3.
Sizes that are equal may be equal by accident. So the loss is run with a few dimensions changed to a size that occurs nowhere
else: numpy refuses what does not fit together. The smallest sets of dimensions that can change together are the sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np

from symbackprop.verify.reference.sampling import PRIMES, SQUARES

MOST_TRIALS = 120
"""Runs of the loss for one group of equal sizes."""


FEW = 4
"""Sizes up to which they are distinct primes; more of them take small numbers, as the work is a product of all."""
SMALL = (3, 2, 5, 6, 7, 8, 9, 10, 11, 12)
"""Distinct sizes that are not the equal ones."""


@dataclass(frozen=True, slots=True, order=True)
class Dimension:
    """One axis of one array."""

    name: str
    axis: int


Size = frozenset[Dimension]
"""Dimensions that are one size."""
Values = Mapping[str, Any]


def free_sizes(
    values: Values,
    names: Sequence[str],
    accepts: Callable[[dict[str, Any]], bool],
    uses: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> tuple[Size, ...]:
    """Return the sizes that may change, each as its dimensions, in order of the names.

    Args:
        names: the arrays to look at.
        accepts: whether the loss runs on values of other shapes.
        uses: whether it uses all of the arrays there, at the one or the other size.
    """
    groups: dict[int, list[Dimension]] = {}
    order = [Dimension(name, axis) for name in names for axis in range(np.ndim(values[name]))]
    for dimension in order:
        size = np.shape(values[dimension.name])[dimension.axis]
        if size > 1:  # what is 1 is broadcast, and stays
            groups.setdefault(size, []).append(dimension)
    found = [
        size for own, group in groups.items() for size in _sizes_of(group, _fitting(values, _others(own, groups), accepts, uses))
    ]
    return tuple(sorted(found, key=lambda size: min(order.index(dimension) for dimension in size)))


def _others(own: int, taken: Collection[int]) -> tuple[int, ...]:
    """Return sizes that occur nowhere: the smallest prime, and one larger than a size, as few samples may leave a relu dead."""
    left = [prime for prime in PRIMES if prime not in taken]
    return (left[0], *[prime for prime in left[1:] if prime > own][:1])


def _fitting(
    values: Values, sizes: Sequence[int], accepts: Callable[[dict[str, Any]], bool], uses: Callable[[dict[str, Any]], bool]
) -> Callable[[Size], bool]:
    """Return whether dimensions can change together to one of these sizes."""

    def fits(size: Size) -> bool:
        shaped = (resized(values, {size: new}) for new in sizes)
        return any(uses(moved) for moved in itertools.takewhile(accepts, shaped))

    return fits


def _sizes_of(group: Sequence[Dimension], fits: Callable[[Size], bool]) -> Iterator[Size]:
    """Yield the smallest sets of equal dimensions that can change together."""
    left, trials = list(group), 0
    while left:
        together: Size = frozenset()
        for chosen in map(frozenset, _subsets(left)):
            trials += 1
            if trials > MOST_TRIALS:  # too many to tell apart: all of them, or none
                if fits(frozenset(left)):
                    yield frozenset(left)
                return
            if fits(chosen):
                together = chosen
                break
        if together:
            yield together
        left = [dimension for dimension in left[1:] if dimension not in together]


def _subsets(left: Sequence[Dimension]) -> Iterator[tuple[Dimension, ...]]:
    """Yield the sets of dimensions with the first one in it, the smallest first."""
    first, rest = left[0], left[1:]
    more = (combinations(rest, count) for count in range(len(rest) + 1))
    return ((first, *others) for others in chain.from_iterable(more))


Shift = Mapping[Dimension, int]
"""Dimensions of unequal extents that change together, each by how much: the length of a signal, and that of what a convolution
leaves of it; the rows of an image by two for one row that is pooled."""

TIMES = (1, -1, 2, -2)
"""By how much a second dimension changes where the first changes by one, the likeliest first."""


def shifts_of(
    values: Values,
    names: Sequence[str],
    sizes: Sequence[Size],
    accepts: Callable[[dict[str, Any]], bool],
    uses: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> tuple[Shift, ...]:
    """Return how the dimensions that are no size of their own can change: each in one shift at least, where there is one."""

    def fits(shift: Shift) -> bool:
        once, twice = (shifted(values, [shift] * count) for count in (1, 2))
        return accepts(once) and accepts(twice) and uses(twice)

    left = _left(values, names, set().union(*sizes))
    found: list[Shift] = []
    trials = MOST_TRIALS
    for first in left:
        if not any(first in shift for shift in found):
            shifts = itertools.islice(_shifts_with(first, left), trials)
            tried = [*_up_to(fits, shifts)]
            trials -= len(tried)
            found += [shift for shift, took in tried if took]
    return tuple(found)


def _left(values: Values, names: Sequence[str], fixed: Collection[Dimension]) -> list[Dimension]:
    """Return the dimensions that are larger than 1 and no size of their own."""
    every = (Dimension(name, axis) for name in names for axis in range(np.ndim(values[name])))
    return [at for at in every if at not in fixed and np.shape(values[at.name])[at.axis] > 1]


def _up_to(fits: Callable[[Shift], bool], shifts: Iterable[Shift]) -> Iterator[tuple[Shift, bool]]:
    """Yield shifts and whether each fits, up to the first that does."""
    for shift in shifts:
        took = fits(shift)
        yield shift, took
        if took:
            return


def _shifts_with(first: Dimension, left: Sequence[Dimension]) -> Iterator[Shift]:
    """Yield what may be a shift of a dimension: another one with it, then two others."""
    others = [dimension for dimension in left if dimension != first]
    yield from ({first: 1, other: times} for times in TIMES for other in others)
    yield from ({first: 1, second: 1, third: 1} for second, third in combinations(others, 2))


def shifted(values: Values, shifts: Iterable[Shift]) -> dict[str, Any]:
    """Return values of which some dimensions have other extents; none becomes smaller than 1."""
    extents = {name: list(np.shape(value)) for name, value in values.items()}
    for shift in shifts:
        for dimension, more in shift.items():
            extents[dimension.name][dimension.axis] = max(1, extents[dimension.name][dimension.axis] + more)
    changed = {name for name, shape in extents.items() if tuple(shape) != np.shape(values[name])}
    return {n: _fill(np.asarray(v), tuple(extents[n])) if n in changed else v for n, v in values.items()}


def choices(sizes: Sequence[Size]) -> tuple[dict[Size, int], ...]:
    """Return what to try: distinct primes, where nothing fits by accident, and all equal, where a transpose runs."""
    distinct = PRIMES if len(sizes) <= FEW else SMALL
    if not sizes or len(sizes) > len(distinct):
        return ()
    return dict(zip(sizes, distinct, strict=False)), dict.fromkeys(sizes, SQUARES[0])


def larger(values: Values, sizes: Sequence[Size], size: Size) -> Iterator[dict[str, Any]]:
    """Yield values in which one size is larger than in the example, the others small, then as they are; none if too large."""
    (name, axis), *_ = sorted((dimension.name, dimension.axis) for dimension in size)
    small = choices(sizes)
    own = np.shape(values[name])[axis]
    new = next((prime for prime in PRIMES[len(sizes) :] if prime > own), None)
    if small and new:
        yield resized(values, {**small[0], size: new})
        yield resized(values, {size: new})


def resized(values: Values, to: Mapping[Size, int]) -> dict[str, Any]:
    """Return values of other shapes. Arrays whose shape changes repeat what they hold; labels keep to small classes."""
    moved = dict(values)
    for name in {dimension.name for size in to for dimension in size}:
        shape = list(np.shape(values[name]))
        for size, extent in to.items():
            for dimension in size:
                if dimension.name == name:
                    shape[dimension.axis] = extent
        moved[name] = _fill(np.asarray(values[name]), tuple(shape))
    return moved


def _fill(array: Any, shape: tuple[int, ...]) -> Any:
    if array.dtype.kind == "f" and not _is_one_hot(array):
        return np.resize(array, shape)
    count = int(np.prod(shape))
    if _is_one_hot(array):
        rows = np.eye(shape[-1])[np.arange(count // shape[-1]) % shape[-1]]
        return rows.reshape(shape).astype(array.dtype)
    kept = np.unique(array)
    small = kept[kept < 2] if kept.size and kept[0] >= 0 else kept
    return np.resize(small if small.size else kept, shape).astype(array.dtype)


def _is_one_hot(array: Any) -> bool:
    return bool(array.ndim > 1 and np.all((array == 0) | (array == 1)) and np.all(array.sum(axis=-1) == 1))


def label(values: Values, sizes: Sequence[Size]) -> str:
    """Return the shapes of the arrays that show every size: `X (4, 3), W (3, 5)`."""
    shapes = {name: np.shape(value) for name, value in values.items() if np.ndim(value)}
    shown, left = [], set(sizes)
    for name in shapes:
        new = {size for size in left if any(dimension.name == name for dimension in size)}
        if new or not sizes:
            shown.append(name)
            left -= new
    return ", ".join(f"{name} {shapes[name]}" for name in shown)
