"""Sizes and values at which a network is tried.

Over the points every size that may vary takes two values at least, and at one of them all extents of all axes (`R`, `F`, but also
`R - F + 1`) are pairwise distinct: a transpose, a mean over another axis, a number written in cannot hide behind equal sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, product
from math import prod
from operator import ne
from typing import Any

import numpy as np
from sympy import Expr, Idx, Indexed, KroneckerDelta, Symbol

from symbackprop.network.indices import index_size, is_label, size_symbol
from symbackprop.network.model import Network
from symbackprop.verify.reference.domains import Domain, Interval, draw, random_numbers
from symbackprop.verify.reference.facts import Solved, lines_sum_to_one, satisfy, solutions

Sizes = Mapping[Symbol, int]
Values = dict[str, Any]

PRIMES = (3, 5, 2, 7, 11, 13, 17, 19, 23, 29)
"""Sizes in order of declaration. The first is no 2, so that the 2 of a square is not taken for the number of samples."""
SQUARES = (4, 3, 5, 2, 6, 7)
"""Sizes that are all equal, the preferred first: there what has the wrong size runs, and is wrong."""
MOST_CHOICES = 20_000
"""Assignments of sizes that are looked at."""
_SMALL = range(2, 10)


def size_symbols(network: Network) -> tuple[Symbol, ...]:
    """Return the symbols of sizes, in order of declaration."""
    found: dict[Symbol, None] = {}
    for index in network.declared_indices.values():
        found.update((symbol, None) for symbol in sorted(index_size(index).free_symbols, key=str))
    return tuple(found)


def extents(network: Network) -> tuple[Expr, ...]:
    """Return the extents of all axes, each once, as expressions in the sizes; what is 1 whatever the sizes is left out."""
    return tuple(dict.fromkeys(size for index in network.declared_indices.values() if (size := index_size(index)) != 1))


def at_sizes(expressions: Sequence[Expr], sizes: Sizes) -> list[int]:
    """Return extents as whole numbers."""
    return [sizes[size] if size in sizes else int(size.xreplace(dict(sizes))) for size in expressions]


def tells_apart(network: Network, sizes: Sizes) -> bool:
    """Whether no two axes of different extents have the same one, and none is 1, which would be broadcast."""
    found = at_sizes(extents(network), sizes)
    return len(set(found)) == len(found) and min(found, default=2) > 1


def size_choices(network: Network, own: Sizes | None = None) -> tuple[Sizes, ...]:
    """Return the sizes to try beside those of an example: distinct ones, unless its `own` are, and equal ones that differ from
    these in every size."""
    symbols = size_symbols(network)
    if not symbols:
        return ({},)
    if own is not None and tells_apart(network, own):
        return tuple(_equal(network, symbols, own))
    apart = _distinct(network, symbols)
    return (apart, *_equal(network, symbols, apart))


def _shrinking(network: Network, symbols: Sequence[Symbol]) -> frozenset[Symbol]:
    """Return the sizes that make another axis shorter, as that of a filter does."""
    return frozenset(s for extent in extents(network) for s in symbols if extent.expand().coeff(s) < 0)


def _distinct(network: Network, symbols: Sequence[Symbol]) -> Sizes:
    """Return sizes at which all extents are distinct: the first primes, or those of least work where some are derived."""
    wanted = extents(network)
    if set(wanted) <= {*symbols}:
        return dict(zip(symbols, chain(PRIMES, range(31, 999, 2)), strict=False))
    best = min(_candidates(network, symbols, wanted), key=lambda sizes: work(network, sizes), default=None)
    if best is not None:
        return best
    shrinking = _shrinking(network, symbols)
    return {s: p if s in shrinking else 4 * p + 1 for s, p in zip(symbols, chain(PRIMES, range(31, 999, 2)), strict=False)}


def _candidates(network: Network, symbols: Sequence[Symbol], wanted: Sequence[Expr]) -> Iterator[Sizes]:
    """Yield sizes at which all extents are distinct; what stands alone takes the smallest numbers that are left."""
    joint, alone, derived = derived_extents(symbols, wanted)
    for numbers in islice(product(_SMALL, repeat=len(joint)), MOST_CHOICES + 1):
        sizes = dict(zip(joint, numbers, strict=True))
        taken = at_sizes([*derived, *joint], sizes)
        if min(taken, default=2) > 1 and len(set(taken)) == len(taken):
            left = (number for number in ((3, 2, *range(4, 99)) if joint else PRIMES) if number not in taken)
            yield {**sizes, **dict(zip(alone, left, strict=False))}


def derived_extents(symbols: Sequence[Symbol], wanted: Sequence[Expr]) -> tuple[list[Symbol], list[Symbol], list[Expr]]:
    """Return the sizes that stand in derived extents, such as R and F in R - F + 1, those that do not, and these extents."""
    derived = [extent for extent in wanted if not extent.is_Symbol]
    inside = {symbol for extent in derived for symbol in extent.free_symbols}
    return [s for s in symbols if s in inside], [s for s in symbols if s not in inside], derived


def _equal(network: Network, symbols: Sequence[Symbol], other: Sizes) -> list[Sizes]:
    """Return sizes, if there are any, that are all equal (those that shrink another axis smaller), such that no extent, or at
    least no size, is as in the other choice."""
    shrinking = _shrinking(network, symbols)
    pairs = product(SQUARES, SQUARES if shrinking else (0,))
    found = [{symbol: less if symbol in shrinking else size for symbol in symbols} for size, less in pairs]
    differing = (sizes for looked_at in (extents(network), symbols) for sizes in _differing(found, looked_at, other))
    fitting = (sizes for sizes in differing if min(at_sizes(extents(network), sizes)) > (1 if shrinking else 0))
    return list(islice(fitting, 1))


def _differing(choices: Sequence[Sizes], looked_at: Sequence[Expr], other: Sizes) -> Iterator[Sizes]:
    taken = at_sizes(looked_at, other)
    return (sizes for sizes in choices if all(map(ne, at_sizes(looked_at, sizes), taken)))


def work(network: Network, sizes: Sizes) -> int:
    """Return about how many multiplications the definitions take: for each, the product of the extents of its indices."""
    total = 0
    for node in network.nodes.values():
        if node.expression is not None:
            total += prod(at_sizes(_extents_in(node.indices, node.expression), sizes))
    return total


@lru_cache(maxsize=4096)
def _extents_in(indices: tuple[Idx, ...], expression: Expr) -> list[Expr]:
    """Return the extents of all indices of a definition."""
    return [index_size(index) for index in {*indices, *expression.atoms(Idx)}]


def sizes_of(network: Network, values: Mapping[str, Any]) -> Sizes:
    """Return the sizes that given values imply."""
    return {size_symbol(name): size for name, size in network.sizes(values).items()}


def shape_of(indices: Sequence[Idx], sizes: Sizes) -> tuple[int, ...]:
    """Return the shape of a node at given sizes."""
    return tuple(at_sizes([index_size(index) for index in indices], sizes))


def labels(network: Network) -> dict[str, Expr]:
    """Return the names that a Kronecker delta compares with an index, or that stand as addresses, and how many values
    they take."""
    found: dict[str, Expr] = {}
    for node in network.nodes.values():
        for label, axis in _labelled(network, node.expression) if node.expression is not None else ():
            name = str(getattr(label, "base", label))
            if name in network.nodes:
                found[name] = index_size(axis)
    return found


def _labelled(network: Network, expression: Expr) -> Iterator[tuple[Expr, Idx]]:
    """Yield the values that stand where an index would, and an index over what they number."""
    compared, addresses = _labels_in(expression)
    yield from compared
    yield from ((label, network.nodes[name].indices[place]) for name, place, label in addresses)


@lru_cache(maxsize=4096)
def _labels_in(expression: Expr) -> tuple[tuple[tuple[Expr, Idx], ...], tuple[tuple[str, int, Expr], ...]]:
    """Return the values that are compared with an index, with it; those that are an address, with the array and the axis."""
    deltas = expression.atoms(KroneckerDelta)
    compared = ((a, b) for delta in deltas for a, b in (delta.args, delta.args[::-1]) if isinstance(b, Idx))
    entries = ((str(entry.base.label), entry.indices) for entry in expression.atoms(Indexed))
    places = ((name, at, place) for name, indices in entries for at, place in enumerate(indices) if is_label(place))
    return tuple(compared), tuple(places)


def random_values(
    network: Network,
    sizes: Sizes,
    rng: np.random.Generator,
    interval: Interval | None = None,
    *,
    kept: Mapping[str, Domain] | None = None,
) -> Values:
    """Return values of all declared names that respect the network's facts, and the domains that some are kept to."""
    values: Values = {}
    classes = labels(network)
    for node in network.nodes.values():
        if node.expression is not None:
            continue
        shape, domain = shape_of(node.indices, sizes), (kept or {}).get(node.name)
        if node.name in classes:
            domain = Domain(tuple(map(float, range(int(classes[node.name].xreplace(dict(sizes)))))))
        drawn = random_numbers(shape, rng, interval) if domain is None else draw(domain, shape, rng)
        values[node.name] = drawn if node.indices else float(drawn)
    satisfy(values, equations(network, sizes, values, kept))
    return values


def equations(
    network: Network, sizes: Sizes, values: Mapping[str, Any], kept: Mapping[str, Domain] | None = None
) -> tuple[Solved, ...]:
    """Return the equations that hold at given sizes: the network's facts, and rows or columns that sum to 1."""
    stated = solutions(network, sizes, values)
    known = {equation.name for equation in stated}
    shown = (
        equation
        for name, domain in (kept or {}).items()
        if domain.shares and not domain.levels
        for equation in lines_sum_to_one(name, np.shape(values[name]), domain.axis)
    )
    return (*stated, *(equation for equation in shown if equation.name not in known))
