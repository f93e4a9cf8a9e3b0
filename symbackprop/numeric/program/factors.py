"""Products and sums of products: common factors in front, constants out of sums, the names in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache, reduce
from operator import and_

from sympy import Add, Basic, Expr, Idx, Indexed, KroneckerDelta, Mul, Sum

from symbackprop.derive.sweep.records import out_of_sum
from symbackprop.network.indices import IndexSum, addresses, everywhere, free_indices, kinds, substitute
from symbackprop.network.places import is_granted


def pulled_out(total: Sum) -> tuple[Expr, Expr]:
    """Return (factors without a summed index, the sum of the others)."""
    if any(free_indices(bound) for limits in total.limits for bound in limits[1:]):
        return Mul(), total
    outside, inside = out_of_sum(Mul.make_args(total.function), total.limits)
    return Mul(*outside), inside


def without_deltas(expression: Expr) -> Expr:
    """Use Σ_k δ(k, place) f(k) = f(place) in every sum over k whose range has the place."""
    if KroneckerDelta not in kinds(expression):
        return expression
    return everywhere(expression, lambda part: _chosen(part) if isinstance(part, Sum) else part)


def _chosen(total: Sum) -> Expr:
    for delta, old, new in _choices(total):
        left = [limits for limits in total.limits if limits[0] != old]
        if not any(old in free_indices(bound) for limits in left for bound in limits[1:]):
            rest = Mul(*(substitute(factor, {old: new}) for factor in Mul.make_args(total.function) if factor is not delta))
            return _chosen(IndexSum(rest, *left)) if left else rest
    return total


def _choices(total: Sum) -> Iterator[tuple[Expr, Idx, Expr]]:
    """Yield every δ(k, place) with a k that is summed over its whole range, and a place in it."""
    whole = {index for index, low, high in total.limits if (low, high) == (index.lower, index.upper)}
    for delta in Mul.make_args(total.function):
        for old, new in (delta.args, delta.args[::-1]) if isinstance(delta, KroneckerDelta) else ():
            if old in whole and not new.has(Indexed) and old not in addresses(new) and _is_on(new, old):
                yield delta, old, new


def _is_on(place: Expr, axis: Idx) -> bool:
    """Whether a place, which is no label, surely lies in the range of an index."""
    return bool(place.is_integer) and is_granted(place - axis.lower) and is_granted(axis.upper - place)


def combined(terms: tuple[Expr, ...]) -> Expr:
    """Return the sum of terms with the factors that all of them have in front."""
    if len(terms) == 1 and Sum not in kinds(terms[0]):
        return terms[0]
    flat = [Counter(_factors(term)) for term in terms]
    common = Counter({factor: count for factor, count in reduce(and_, flat).items() if not factor.is_Number})
    if not common:
        return Add(*(_product(factors) if Sum in kinds(term) else term for term, factors in zip(terms, flat, strict=True)))
    return Mul(*common.elements(), Add(*(_product(factors - common) for factors in flat)))


def _product(factors: Counter[Expr]) -> Expr:
    return Mul(*factors.elements())


def _factors(term: Expr) -> list[Expr]:
    factors: list[Expr] = []
    for factor in Mul.make_args(term):
        if isinstance(factor, Sum):
            outside, inside = pulled_out(factor)
            factors.extend(f for f in Mul.make_args(outside) if f != 1)
            factors.append(inside)
        else:
            factors.append(factor)
    return factors


def names_in(expressions: Iterable[Expr]) -> set[str]:
    """Return the names of nodes and adjoints that expressions use (and those of their sizes)."""
    return set().union(*map(_names, expressions))


@lru_cache(maxsize=65536)
def _names(expression: Expr) -> frozenset[str]:
    found: set[str] = set()
    stack: list[Basic] = [expression]
    while stack:
        part = stack.pop()
        if part.is_Symbol:
            found.add(part.name)
        elif isinstance(part, Indexed):
            found.add(part.base.label.name)
        else:
            stack.extend(part.args)
    return frozenset(found)
