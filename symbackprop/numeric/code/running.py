"""Sums up to a place, `Σ_b x[b] where b ≤ a`, as running sums: one pass instead of a square of conditions."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Idx, Mul, Piecewise
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan
from sympy.logic.boolalg import And

from symbackprop.network.indices import free_indices
from symbackprop.numeric.code.arrays import ArrayCode, Axes, Scope

_ORDERS = (GreaterThan, LessThan, StrictGreaterThan, StrictLessThan)


def running_sum(body: Expr, over: Idx, order: Axes, scope: Scope) -> Expr | None:
    """Return Σ_over body where the body is `f[over]·g[place]` on one side of a place, and None for anything else."""
    for mask in Mul.make_args(body):
        side = _side(mask, over)
        if side is None:
            continue
        place, before, strict = side
        factors = [*(f for f in Mul.make_args(body) if f is not mask), *Mul.make_args(mask.args[0][0])]
        inside = Mul(*(factor for factor in factors if over in free_indices(factor)))
        if free_indices(inside) & {over, place} == {over} and not {over, place} & scope.loops:
            code = scope.emit(inside, (*order, over), scope)
            outside = (factor for factor in factors if over not in free_indices(factor))
            return Mul(*outside, scope.place(_accumulated(code, over, place, before, strict, scope)))
    return None


def _side(mask: Expr, over: Idx) -> tuple[Idx, bool, bool] | None:
    """Return (place, whether what counts stands before it, whether without the place itself) of a mask, or None."""
    if not isinstance(mask, Piecewise) or len(mask.args) != 2 or mask.args[1][0] != 0:
        return None
    conditions = list(_conditions(mask.args[0][1], over))
    if len(conditions) != 1 or not isinstance(conditions[0], _ORDERS):
        return None
    small, large = conditions[0].lts, conditions[0].gts
    place = large if small == over else small
    alike = isinstance(place, Idx) and over in (small, large) and (place.lower, place.upper) == (over.lower, over.upper)
    return (place, small == over, isinstance(conditions[0], StrictGreaterThan | StrictLessThan)) if alike else None


def _conditions(condition: Expr, over: Idx) -> Iterator[Expr]:
    """Yield the parts of a condition that the range of the index does not grant."""
    granted = ((over.lower, over), (over, over.upper))
    for part in And.make_args(condition):
        if not (isinstance(part, GreaterThan | LessThan) and (part.lts, part.gts) in granted):
            yield part


def _accumulated(code: ArrayCode, over: Idx, place: Idx, before: bool, strict: bool, scope: Scope) -> ArrayCode:
    axis = code.axes.index(over)
    axes = tuple(place if index == over else index for index in code.axes)
    turned = code.text if before else f"np.flip({code.text}, axis={axis})"
    if strict:
        scope.helpers.add("sum_before")
        text = f"sum_before({turned}, axis={axis})"
    else:
        text = f"np.cumsum({turned}, axis={axis})"
    return ArrayCode(text if before else f"np.flip({text}, axis={axis})", axes)
