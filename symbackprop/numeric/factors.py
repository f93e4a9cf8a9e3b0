"""Products and sums of products: common factors in front, constants out of sums, the names in use."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Add, Basic, Expr, Indexed, Mul, Sum

from symbackprop.network.indices import free_indices


def pulled_out(total: Sum) -> tuple[Expr, Expr]:
    """Return (factors without a summed index, the sum of the others)."""
    bound = {limits[0] for limits in total.limits}
    if any(free_indices(b) for limits in total.limits for b in limits[1:]):
        return Mul(), total
    factors = Mul.make_args(total.function)
    outside = [f for f in factors if not free_indices(f) & bound]
    inside = Mul(*(f for f in factors if free_indices(f) & bound))
    left = [limits for limits in total.limits if limits[0] in free_indices(inside)]
    counts = [high - low + 1 for index, low, high in total.limits if index not in free_indices(inside)]
    return Mul(*outside, *counts), Sum(inside, *left) if left else inside


def combined(terms: tuple[Expr, ...]) -> Expr:
    """Return the sum of terms with the factors that all of them have in front."""
    if len(terms) == 1 and not terms[0].has(Sum):
        return terms[0]
    flat = [_factors(term) for term in terms]
    if len(flat) == 1:
        return Mul(*flat[0])
    shared = frozenset(flat[0]).intersection(*flat[1:])
    common = [f for f in flat[0] if f in shared and not f.is_Number]
    if not common:
        return Add(*(Mul(*factors) if term.has(Sum) else term for term, factors in zip(terms, flat, strict=True)))
    rest = []
    for factors in flat:
        left = list(factors)
        for f in common:
            left.remove(f)
        rest.append(Mul(*left))
    return Mul(*common, Add(*rest))


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
    found: set[str] = set()
    stack: list[Basic] = list(expressions)
    while stack:
        part = stack.pop()
        if part.is_Symbol:
            found.add(part.name)
        elif isinstance(part, Indexed):
            found.add(part.base.label.name)
        else:
            stack.extend(part.args)
    return found
