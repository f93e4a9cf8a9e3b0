"""Terms that stand at one place of an axis: `y[s] = Σ_t Σ_u δ(s, 2t + u) x[t] w[u]` adds each product to `y[2t + u]`.

Written as it stands, every product is compared with every place; added where it belongs, it is worked out once.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Idx, Indexed, Integer, KroneckerDelta, Mul, Sum

from symbackprop.network.indices import (
    IndexSum,
    addresses,
    bound_apart,
    free_indices,
    guarded,
    index_name,
    kinds,
    substitute,
)
from symbackprop.network.places import is_granted
from symbackprop.numeric.program.program import ComputedLine, Scatter


def put_out(line: ComputedLine) -> ComputedLine:
    """Return the line with such terms as scatters."""
    if not line.indices or not any(KroneckerDelta in kinds(term) for term in line.terms):
        return line
    terms: list[Expr] = []
    scatters: list[Scatter] = []
    for term in (part for whole in line.terms for part in _summands(whole)):
        found = _scattered(term, line)
        terms, scatters = (terms, [*scatters, found]) if found else ([*terms, term], scatters)
    if not scatters:
        return line
    return replace(line, terms=(sum(terms, Integer(0)),), scatters=(*line.scatters, *scatters))


def _summands(term: Expr) -> tuple[Expr, ...]:
    return term.args if term.is_Add else (term,)


def _scattered(term: Expr, line: ComputedLine) -> Scatter | None:
    """Return what a term adds where; None for a term that is not one sum with a δ of an index of the line."""
    factors, summed = _opened(bound_apart(term, map(index_name, line.indices)))
    places: dict[Idx, Expr] = {}
    left = []
    for factor in factors:
        place = _place(factor, line.indices, summed)
        if place is None or place[0] in places:
            left.append(factor)
        else:
            places[place[0]] = place[1]
    return _added(Mul(*left), places, summed, line) if places else None


def _opened(term: Expr) -> tuple[list[Expr], tuple[Idx, ...]]:
    """Return the factors of a term with those of the one sum over whole ranges in it, and the indices of that; none otherwise."""
    factors = list(Mul.make_args(term))
    sums = [factor for factor in factors if isinstance(factor, Sum)]
    if len(sums) != 1 or any((low, high) != (index.lower, index.upper) for index, low, high in sums[0].limits):
        return [], ()
    factors.remove(sums[0])
    return [*factors, *Mul.make_args(sums[0].function)], tuple(limits[0] for limits in sums[0].limits)


def _place(factor: Expr, own: tuple[Idx, ...], summed: tuple[Idx, ...]) -> tuple[Idx, Expr] | None:
    """Return the index of a line, and the place made of summed indices, that a factor sets equal."""
    if not isinstance(factor, KroneckerDelta) or factor.has(Indexed):
        return None
    pairs = (factor.args, factor.args[::-1])
    found = ((a, b) for a, b in pairs if a in own and b.is_integer and addresses(b) and set(addresses(b)) <= set(summed))
    return next(found, None)


def _added(product: Expr, places: dict[Idx, Expr], summed: tuple[Idx, ...], line: ComputedLine) -> Scatter:
    """Return the scatter that adds a product at places."""
    value = _on_the_axes(substitute(product, places), places)
    address = tuple(places.get(index, index) for index in line.indices)
    used = frozenset().union(*map(free_indices, address))
    left = [index for index in summed if index not in used]
    own = tuple(index for index in line.indices if index not in places)
    return Scatter(address, IndexSum(value, *left) if left else value, (*own, *(index for index in summed if index in used)))


def _on_the_axes(value: Expr, places: dict[Idx, Expr]) -> Expr:
    """Return a value as 0 where a place lies beside its axis."""
    for inside in (bound for index, place in places.items() for bound in (place - index.lower, index.upper - place)):
        value = value if is_granted(inside) else guarded(value, inside >= 0)
    return value
