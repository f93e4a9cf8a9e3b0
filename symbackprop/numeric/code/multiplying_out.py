"""What is summed, multiplied out where an array of it would be larger than what it is made of.

`(x[n, d] - c[k, d])**2` has an entry for every n, k and d; `x**2`, `x*c` and `c**2`, each summed over d, have not.
"""

from __future__ import annotations

from itertools import combinations

from sympy import Add, Expr, Idx, Mul, Pow

from symbackprop.network.indices import free_indices


def multiplied_out(body: Expr, over: frozenset[Idx]) -> list[Expr]:
    """Return the summands of what is summed over some indices, each factor multiplied out that is wider than its own terms."""
    if isinstance(body, Add):
        apart = _is_wide(body, over) or any(_needs_more_room(term, over) for term in body.args)
        return [part for term in body.args for part in multiplied_out(term, over)] if apart else [body]
    return _product(Mul.make_args(body), over)


def _product(factors: tuple[Expr, ...], over: frozenset[Idx]) -> list[Expr]:
    wide = next((factor for factor in factors if _is_wide(factor, over)), None)
    if wide is None:
        return [Mul(*factors)]
    others = [factor for factor in factors if factor is not wide]
    return [part for summand in _summands(wide) for part in multiplied_out(Mul(*others, summand), over)]


def cannot_be_negative(body: Expr) -> bool:
    """Whether a body is a square times positive numbers; rounding could make its sum less than 0 once it is multiplied out."""
    return all(_is_square(factor) or (factor.is_Number and factor > 0) for factor in Mul.make_args(body))


def _needs_more_room(term: Expr, over: frozenset[Idx]) -> bool:
    """Whether a summand has factors of different indices, none having all, or one that is wide itself."""
    factors = Mul.make_args(term)
    sets = [free_indices(factor) for factor in factors]
    return frozenset().union(*sets) not in sets or any(_is_wide(factor, over) for factor in factors)


def _is_wide(factor: Expr, over: frozenset[Idx]) -> bool:
    """Whether a factor is a sum, or the square of one, with more indices than any of its terms, a summed one among them."""
    total = factor.base if _is_square(factor) else factor
    sets = [free_indices(term) for term in total.args] if isinstance(total, Add) else []
    together = frozenset().union(*sets)
    return bool(together & over) and together not in sets


def _is_square(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp == 2 and isinstance(factor.base, Add)


def _summands(factor: Expr) -> list[Expr]:
    """Return the terms of a sum, or of its square, those taken together first whose indices another one has."""
    if isinstance(factor, Add):
        return _together(factor)
    parts = _together(factor.base)
    return [part**2 for part in parts] + [2 * first * second for first, second in combinations(parts, 2)]


def _together(total: Add) -> list[Expr]:
    sets = dict.fromkeys(free_indices(term) for term in total.args)
    widest = [indices for indices in sets if not any(indices < other for other in sets)]
    groups: dict[frozenset[Idx], list[Expr]] = {indices: [] for indices in widest}
    for term in total.args:
        groups[next(indices for indices in widest if free_indices(term) <= indices)].append(term)
    return [Add(*terms) for terms in groups.values()]
