"""Further points, where code differs.

Of pairwise distinct sizes at which every size takes three values: what is said of sizes has to hold at all of them. And small
ones, for code that was seen to be wrong at a large one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatch
from itertools import islice, product
from typing import TypeVar

import numpy as np
from sympy import Expr, Symbol, lambdify

from symbackprop.errors import SymbackpropError
from symbackprop.network.model import Network
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.loss_reference import LossReference, accepts
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.sampling import (
    Sizes,
    at_sizes,
    derived_extents,
    extents,
    random_values,
    size_symbols,
    tells_apart,
    work,
)
from symbackprop.verify.reference.shapes import label, resized

VALUES = 3
"""How many values every size takes."""
NUMBERS = (3, 2, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14)
"""Sizes, the preferred first."""
MOST_NUMBERS, MOST_TRACED = 20_000, 3000
"""Numbers in a point of a network, and of a loss, which is traced there; larger ones are left out."""
MOST_LOOKED_AT, MOST_SMALL = 10_000, 12
"""Choices of sizes that are looked at, where some are derived, and small points."""

Name = TypeVar("Name")


@singledispatch
def distinct_sizes(source: Reference, seed: int) -> Iterator[Point]:
    """Yield random points of pairwise distinct sizes, three or fewer, each with another value for every size."""
    raise NotImplementedError(type(source).__name__)


@distinct_sizes.register
def _(source: DerivationReference, seed: int) -> Iterator[Point]:
    network, rng = source.derivation.network, np.random.default_rng(seed)
    yield from _at(source, network_sizes(network), rng)


def _at(source: DerivationReference, choices: Iterable[Sizes], rng: np.random.Generator) -> Iterator[Point]:
    """Yield a random point for each choice of sizes for which there is one."""
    network = source.derivation.network
    for sizes in choices:
        try:
            values = source.respecting(random_values(network, sizes, rng, kept=source.kept))
        except (SymbackpropError, ValueError):  # a size that some index has no room for
            continue
        label = ",".join(f"{symbol}={size}" for symbol, size in sizes.items())
        point = Point(values, label, work=work(network, sizes))
        if point.count <= MOST_NUMBERS:
            yield point


@distinct_sizes.register
def _(source: LossReference, seed: int) -> Iterator[Point]:
    for count, sizes in enumerate(rotated(source.sizes)):
        shaped = resized(source.values, sizes)
        if Point(shaped, "").count <= MOST_TRACED and accepts(source.call, shaped):
            moved = source.another(Point(shaped, ""), seed + count)
            yield Point(moved.values, label(moved.values, source.sizes))


def rotated(names: Sequence[Name]) -> Iterator[Mapping[Name, int]]:
    """Yield distinct numbers for names, another one for each name every time."""
    for turn in range(VALUES if names else 0):
        pool = NUMBERS[: len(names) + VALUES - 1]
        if len(names) <= len(pool):
            yield {name: pool[(place + turn) % len(pool)] for place, name in enumerate(names)}


def network_sizes(network: Network) -> list[Sizes]:
    """Return sizes at which all extents are distinct, derived ones too."""
    symbols, wanted = size_symbols(network), extents(network)
    joint, alone, derived = derived_extents(symbols, wanted)
    if not derived:
        return list(rotated(symbols))
    found: list[Sizes] = []
    for taken in _distinct_extents(joint, derived):
        sizes = dict(zip(joint, taken, strict=False))
        sizes |= _left(alone, taken, found)
        if len(sizes) == len(symbols) and _new(sizes, found) and tells_apart(network, sizes):
            found.append(sizes)
        if len(found) == VALUES:
            break
    return found


def _distinct_extents(joint: Sequence[Symbol], derived: Sequence[Expr]) -> Iterator[tuple[int, ...]]:
    """Yield sizes with the extents derived from them, all of them distinct and above 1, the smallest first."""
    extents_at = lambdify(joint, derived, "math", dummify=True)
    for numbers in islice(by_sum(len(joint)), MOST_LOOKED_AT):
        taken = (*numbers, *map(int, extents_at(*numbers)))
        if min(taken) > 1 and len(set(taken)) == len(taken):
            yield taken


def by_sum(count: int) -> Iterator[tuple[int, ...]]:
    """Yield tuples of sizes from 2 on, the smallest first."""
    most = max(4, round(10_000 ** (1 / max(count, 1))))
    yield from sorted(product(range(2, min(most, 11) + 2), repeat=count), key=sum)


def _left(alone: Iterable[Symbol], taken: Sequence[int], found: Sequence[Sizes]) -> dict[Symbol, int]:
    """Give what stands alone the smallest numbers that are left, other ones than it had."""
    sizes: dict[Symbol, int] = {}
    for symbol in alone:
        had = {other[symbol] for other in found}
        free = (n for n in NUMBERS if n not in taken and n not in had and n not in sizes.values())
        sizes.update((symbol, n) for n in islice(free, 1))
    return sizes


def _new(sizes: Sizes, found: Sequence[Sizes]) -> bool:
    return all(sizes[symbol] != other[symbol] for symbol in sizes for other in found)


def small_points(source: Reference, seed: int) -> Iterator[Point]:
    """Yield random points of little work at which derived extents, as those of a convolution's result, are distinct."""
    if isinstance(source, DerivationReference):
        network = source.derivation.network
        symbols = size_symbols(network)
        derived = [extent for extent in extents(network) if not extent.is_Symbol]
        found = (dict(zip(symbols, numbers, strict=True)) for numbers in islice(by_sum(len(symbols)), MOST_LOOKED_AT))
        small = (sizes for sizes in found if _apart(derived, sizes))
        yield from _at(source, islice(small, MOST_SMALL), np.random.default_rng(seed))


def _apart(derived: Sequence[Expr], sizes: Sizes) -> bool:
    taken = at_sizes(derived, sizes)
    return len(set(taken)) == len(taken) and min(taken, default=1) > 0
