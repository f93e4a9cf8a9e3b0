"""Addresses that leave an axis, where a condition says that nothing counts there: `x[t + u - P]`, 0 outside.

The array is read with a margin of zeros around it, and added to with a margin that is cut off, so that the condition need not be
written again. Where the width of a margin is not known whatever the sizes are, it stays, and the address is held inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sympy import And, Expr, Idx, Indexed, Integer, Mul, Number, Piecewise, Sum, Symbol

from symbackprop.network.indices import IndexSum, everywhere, guarded, is_label, kinds
from symbackprop.network.places import address_range, is_granted, known_bounds
from symbackprop.network.sizes import is_at_least_zero
from symbackprop.numeric.code.arrays import Scope
from symbackprop.numeric.program.python_names import name_of


@dataclass(frozen=True, slots=True)
class Margin:
    """How many places beyond an axis an address reaches, before it and behind it."""

    before: Expr
    behind: Expr

    @property
    def none(self) -> bool:
        """Whether the address never leaves the axis."""
        return bool(self.before == 0 and self.behind == 0)


@lru_cache(maxsize=4096)
def margin_of(address: Expr, extent: Expr) -> Margin | None:
    """Return the margin that an address needs; None where that depends on the sizes."""
    if is_label(address):
        return Margin(Integer(0), Integer(0))
    found = address_range(address)
    if found is None:
        return None
    before, behind = _beyond(-found[0]), _beyond(found[1] - extent + 1)
    return None if before is None or behind is None else Margin(before, behind)


def _beyond(width: Expr) -> Expr | None:
    if is_at_least_zero(-width):
        return Integer(0)
    return width.expand() if is_at_least_zero(width) else None


def margins(addresses: Sequence[Expr], extents: Sequence[Expr]) -> tuple[Margin, ...] | None:
    """Return the margins of an array's axes; None where one is not known."""
    found = [margin_of(address, extent) for address, extent in zip(addresses, extents, strict=True)]
    return None if None in found else tuple(margin for margin in found if margin is not None)


def padded(text: str, around: Sequence[Margin], scope: Scope) -> str:
    """Return the text of an array with zeros around it."""
    widths = ", ".join(f"({scope.number(margin.before)}, {scope.number(margin.behind)})" for margin in around)
    return f"np.pad({text}, ({widths}{',' if len(around) == 1 else ''}))"


def zero_outside(expression: Expr, scope: Scope, known: Iterable[Expr] = ()) -> Expr:
    """Leave out conditions where what they guard is read as 0 anyway; `known` are not negative where the value counts."""
    if Piecewise not in kinds(expression) and Sum not in kinds(expression):
        return expression
    known = tuple(known)

    def rule(part: Expr) -> Expr:
        if isinstance(part, Sum):
            return _whole_sum(part, scope)
        return _unguarded(part, scope, known) if isinstance(part, Mul | Piecewise) else part

    return everywhere(expression, rule)


def _unguarded(product: Expr, scope: Scope, known: tuple[Expr, ...]) -> Expr:
    conditions: list[Expr] = []
    factors: list[Expr] = []
    for factor in Mul.make_args(product):
        if _is_guarded(factor):
            (value, condition), _ = factor.args
            conditions.append(condition)
            factors.extend(Mul.make_args(value))
        else:
            factors.append(factor)
    bounds = (*known, *_bounds(factors, scope))
    if not conditions or not bounds:
        return product
    parts = [part for condition in conditions for part in And.make_args(condition)]
    left = [part for part in parts if not _granted(part, bounds)]
    return guarded(Mul(*factors), And(*left)) if len(left) < len(parts) else product


def _is_guarded(factor: Expr) -> bool:
    return isinstance(factor, Piecewise) and len(factor.args) == 2 and factor.args[1] == (0, True)


def _granted(condition: Expr, bounds: tuple[Expr, ...]) -> bool:
    differences = tuple(known_bounds(condition))
    return bool(differences) and all(is_granted(difference, bounds) for difference in differences)


def _whole_sum(total: Sum, scope: Scope) -> Expr:
    """Let a sum run over whole ranges where the terms beyond its bounds are 0."""
    if all((low, high) == (index.lower, index.upper) for index, low, high in total.limits):
        return total
    bounds = tuple(_bounds(Mul.make_args(total.function), scope))
    limits = [
        (index, index.lower, index.upper)
        if is_granted(index - low, bounds) and is_granted(high - index, bounds)
        else (index, low, high)
        for index, low, high in total.limits
    ]
    return IndexSum(total.function, *limits)


def _bounds(factors: Iterable[Expr], scope: Scope) -> Iterator[Expr]:
    """Yield what is not negative wherever a product is not 0: an entry that is read outside of its axis is 0."""
    factors = tuple(factors)
    if not all(map(_is_finite, factors)):
        return
    for entry in (factor for factor in factors if isinstance(factor, Indexed) and not any(map(is_label, factor.indices))):
        extents = scope.shapes[name_of(entry)]
        around = margins(entry.indices, extents) or ()
        for address, extent, margin in zip(entry.indices, extents, around, strict=False):
            if not margin.none:
                yield from (address, extent - 1 - address)


def _is_finite(factor: Expr) -> bool:
    """Whether a factor is a number wherever it is worked out, so that 0 times it is 0."""
    if isinstance(factor, Indexed | Symbol | Number | Idx):
        return True
    if isinstance(factor, Piecewise):
        return all(_is_finite(value) for value, _ in factor.args)
    if factor.is_Pow:
        return _is_finite(factor.base) and bool(factor.exp.is_Integer and factor.exp > 0)
    return bool(factor.is_Add or factor.is_Mul) and all(map(_is_finite, factor.args))
