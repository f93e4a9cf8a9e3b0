"""What is known of places whatever the sizes are: which values an address takes, and which conditions on indices hold.

An address such as `t + u - P` may leave the axis where a condition or the bounds of a sum say that it does not: `known_bounds` of
the condition are expressions that are not negative there, and `is_granted` uses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from sympy import And, Expr, Idx, Indexed, Integer, Not, Or, Piecewise, S
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan, StrictLessThan

from symbackprop.network.indices import everywhere, kinds
from symbackprop.network.sizes import is_at_least_zero


@lru_cache(maxsize=4096)
def address_range(address: Expr) -> tuple[Expr, Expr] | None:
    """Return the smallest and the largest value of an address over the ranges of its indices.

    None where it is not linear in its indices, or where the sign of a coefficient depends on the sizes.
    """
    lowest = highest = Integer(0)
    rest = address.expand()
    for index in sorted(address.atoms(Idx), key=str):
        coefficient = rest.coeff(index)
        rest = (rest - coefficient * index).expand()
        if coefficient.atoms(Idx) or not _is_whole(coefficient):
            return None
        if is_at_least_zero(coefficient):
            low, high = index.lower, index.upper
        elif is_at_least_zero(-coefficient):
            low, high = index.upper, index.lower
        else:
            return None
        lowest, highest = lowest + coefficient * low, highest + coefficient * high
    return None if rest.atoms(Idx) else ((lowest + rest).expand(), (highest + rest).expand())


def _is_whole(polynomial: Expr) -> bool:
    return all(number.is_Integer for number in polynomial.as_coefficients_dict().values())


def is_granted(expression: Expr, bounds: Iterable[Expr] = ()) -> bool:
    """Whether a whole number made of indices and sizes is surely not negative: by the ranges, or as it is at least one of the
    bounds, which are not negative."""
    for bound in (Integer(0), *bounds):
        found = address_range(expression - bound)
        if found is not None and is_at_least_zero(found[0]):
            return True
    return False


def is_of_places(condition: Expr) -> bool:
    """Whether a condition compares whole numbers made of indices and sizes, and no values."""
    return not condition.atoms(Indexed) and all(symbol.is_integer for symbol in condition.free_symbols)


def known_bounds(condition: Expr) -> Iterator[Expr]:
    """Yield expressions in indices and sizes that are not negative where a condition holds."""
    for part in And.make_args(condition):
        if isinstance(part, Relational) and is_of_places(part):
            yield from _differences(part)


def _differences(relation: Relational) -> Iterator[Expr]:
    """Yield what is not negative where a comparison of whole numbers holds."""
    if isinstance(relation, GreaterThan | LessThan):
        yield relation.gts - relation.lts
    elif isinstance(relation, StrictGreaterThan | StrictLessThan):
        yield relation.gts - relation.lts - 1
    elif isinstance(relation, Equality):
        yield relation.lhs - relation.rhs
        yield relation.rhs - relation.lhs


def settled(expression: Expr) -> Expr:
    """Put true or false in the place of conditions on indices that the ranges decide."""
    if Piecewise not in kinds(expression):
        return expression
    return everywhere(expression, lambda part: _cases(part) if isinstance(part, Piecewise) else part)


def _cases(cases: Piecewise) -> Expr:
    conditions = [settled_condition(condition) for _, condition in cases.args]
    if conditions == [condition for _, condition in cases.args]:
        return cases
    return Piecewise(*((value, condition) for (value, _), condition in zip(cases.args, conditions, strict=True)))


def settled_condition(condition: Expr) -> Expr:
    """Return a condition with true or false in the place of the comparisons of indices that the ranges decide."""
    if isinstance(condition, And | Or | Not):
        return condition.func(*map(settled_condition, condition.args))
    if not isinstance(condition, Relational) or not is_of_places(condition):
        return condition
    differences = tuple(_differences(condition))
    if differences and all(map(is_granted, differences)):
        return S.true
    return S.false if any(is_granted(-difference - 1) for difference in differences) else condition
