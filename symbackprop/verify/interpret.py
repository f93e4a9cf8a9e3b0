"""Evaluate an expression in index notation at concrete sizes, in any arithmetic of `algebra`.

A value is an array whose axes are labelled by indices; operands are aligned by label, `Sum` adds along the axis of its index, an
address such as `x[n, i + u]` gathers. Which axes a part has does not depend on the sizes, so an expression is planned once
(`planned`) and the plan is run at every point. This is a second reading of a derivation, beside the numpy source that is
generated from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from sympy import (
    Abs,
    Add,
    Expr,
    Idx,
    Indexed,
    KroneckerDelta,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
    exp,
    log,
    pi,
    sign,
)
from sympy.core.numbers import Exp1
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan, StrictLessThan, Unequality
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from symbackprop.errors import NotSupportedError
from symbackprop.network import functions
from symbackprop.verify.algebra import Algebra, Array
from symbackprop.verify.elementary import TABLE

Axes = tuple[Idx, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """An array with one index per axis."""

    axes: Axes
    data: Array


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: arrays by name, sizes by symbol."""

    algebra: Algebra
    arrays: Mapping[str, Array]
    sizes: Mapping[Symbol, int]
    known: dict[Expr, int] = field(default_factory=dict, repr=False)

    def extent(self, size: Expr) -> int:
        """Return a size as a whole number."""
        number = self.known.get(size)
        if number is None:
            number = self.known[size] = int(size.xreplace(self.sizes))
        return number

    def span(self, index: Idx) -> range:
        """Return the values an index takes."""
        return range(self.extent(index.lower), self.extent(index.upper) + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """The axes of an expression, and what works out its data."""

    axes: Axes
    run: Callable[[Scope], Array]


def evaluate(expression: Expr, scope: Scope) -> Labelled:
    """Return the labelled value of an expression. Raises NotSupportedError for an operation without a rule."""
    plan = planned(expression)
    return Labelled(plan.axes, plan.run(scope))


def evaluate_entry(expression: Expr, indices: Sequence[Idx], scope: Scope) -> Array:
    """Return the array of an expression with axes `indices`, in that order, every axis at full length."""
    plan = planned(expression)
    data = plan.run(scope)
    if not indices:
        return _scalar(data)
    shape = tuple(len(scope.span(index)) for index in indices)
    return np.broadcast_to(_array(_spread(plan.axes, tuple(indices))(data)), shape).copy()


@lru_cache(maxsize=16384)
def planned(expression: Expr) -> Plan:
    """Return the plan of an expression. Raises NotSupportedError for an operation without a rule."""
    for kind, rule in _RULES:
        if isinstance(expression, kind):
            return rule(expression)
    special = _FUNCTIONS.get(expression.func)
    if special is not None:
        return special(expression)
    name = expression.func.__name__
    if name in TABLE:
        return _applied(name, planned(expression.args[0]))
    if expression.func in functions.ELEMENTARY and hasattr(expression.func, "definition"):
        return planned(expression.func.definition(*expression.args))
    raise NotSupportedError(f"evaluation: no rule for {name} in {str(expression)[:60]}")


# ---- axes ----------------------------------------------------------------------------------------------------------


def _spread(own: Axes, axes: Axes) -> Callable[[Array], Array]:
    """Return what gives data the axes asked for, length 1 where the value does not depend on the index."""
    if own == axes or not own:
        return _same
    order = [own.index(axis) for axis in axes if axis in own]
    places = tuple(slice(None) if axis in own else None for axis in axes)
    if order == sorted(order):
        return lambda data: data[places]
    return lambda data: data.transpose(order)[places]


def _same(data: Array) -> Array:
    return data


def _union(plans: Sequence[Plan]) -> Axes:
    return tuple(dict.fromkeys(axis for plan in plans for axis in plan.axes))


Operation = Callable[[Scope], Callable[[Array, Array], Array]]


def _combined(operation: Operation, left: Plan, right: Plan) -> Plan:
    axes = _union((left, right))
    spread_left, spread_right = _spread(left.axes, axes), _spread(right.axes, axes)
    if spread_left is _same and spread_right is _same:
        return Plan(axes, lambda scope: operation(scope)(left.run(scope), right.run(scope)))
    return Plan(axes, lambda scope: operation(scope)(spread_left(left.run(scope)), spread_right(right.run(scope))))


def _of_numpy(function: Any) -> Operation:
    """Return a numpy function as an operation on numbers or truth values, which no arithmetic has a say in."""
    return lambda scope: function


def _array(data: Array) -> np.ndarray[Any, Any]:
    """Return numbers as an array, nodes (Python integers) as an array of objects."""
    return np.asarray(data) if isinstance(data, np.ndarray | np.floating | np.bool_) else np.asarray(data, dtype=object)


def _scalar(data: Array) -> Array:
    return data[()] if isinstance(data, np.ndarray) else data


# ---- leaves --------------------------------------------------------------------------------------------------------


def _constant(value: Fraction) -> Plan:
    return Plan((), lambda scope: scope.algebra.number(value))


def _number(expression: Expr) -> Plan:
    exact = Rational(expression)
    return _constant(Fraction(int(exact.p), int(exact.q)))


def _symbol(expression: Symbol) -> Plan:
    def run(scope: Scope) -> Array:
        size = scope.sizes.get(expression)
        return scope.arrays[expression.name] if size is None else scope.algebra.number(Fraction(size))

    return Plan((), run)


def _indexed(expression: Indexed) -> Plan:
    name, addresses = expression.base.label.name, expression.indices
    plain = len(set(addresses)) == len(addresses) and all(isinstance(a, Idx) and a.lower == 0 for a in addresses)
    places = [integers(address) for address in addresses]
    axes = _union(places)
    spreads = [_spread(place.axes, axes) for place in places]

    def run(scope: Scope) -> Array:
        data = scope.arrays[name]
        extents = np.shape(data)
        if plain and all(len(scope.span(address)) == extent for address, extent in zip(addresses, extents, strict=True)):
            return data
        shape = tuple(len(scope.span(axis)) for axis in axes)
        # Outside its range an address is read at the border; a guard masks the element out.
        grids = [
            np.broadcast_to(np.clip(spread(place.run(scope)), 0, extent - 1), shape).astype(int)
            for place, spread, extent in zip(places, spreads, extents, strict=True)
        ]
        return data[tuple(grids)]

    return Plan(axes, run)


def integers(expression: Expr) -> Plan:
    """Return the plan of the whole numbers of an address or bound such as `i + u` or `T - 1`."""
    if isinstance(expression, Idx):
        return Plan((expression,), lambda scope: np.array(scope.span(expression), dtype=int))
    if isinstance(expression, Add | Mul):
        operation = _of_numpy(np.add if isinstance(expression, Add) else np.multiply)
        return reduce(lambda a, b: _combined(operation, a, b), (integers(arg) for arg in expression.args))
    return Plan((), lambda scope: np.asarray(scope.extent(expression)))


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def _plus(scope: Scope) -> Callable[[Array, Array], Array]:
    return scope.algebra.add


def _times(scope: Scope) -> Callable[[Array, Array], Array]:
    return scope.algebra.mul


def _add(expression: Expr) -> Plan:
    return reduce(lambda a, b: _combined(_plus, a, b), (planned(arg) for arg in expression.args))


def _mul(expression: Expr) -> Plan:
    return reduce(lambda a, b: _combined(_times, a, b), (planned(arg) for arg in expression.args))


def _applied(name: str, inner: Plan) -> Plan:
    return Plan(inner.axes, lambda scope: scope.algebra.apply(name, inner.run(scope)))


def _pow(expression: Expr) -> Plan:
    base, exponent = expression.args
    if isinstance(exponent, Rational):
        inner, power = planned(base), Fraction(int(exponent.p), int(exponent.q))
        return Plan(inner.axes, lambda scope: scope.algebra.power(inner.run(scope), power))
    return _applied("exp", planned(exponent if base == exp(1) else exponent * log(base)))


def _sum(expression: Sum) -> Plan:
    plan = planned(expression.function)
    for variable, low, high in expression.limits:
        if low != variable.lower or high != variable.upper:
            plan = _masked(plan, And(variable >= low, variable <= high))
        plan = _total(plan, variable)
    return plan


def _total(plan: Plan, variable: Idx) -> Plan:
    if variable not in plan.axes:
        return _combined(_times, Plan((), lambda scope: scope.algebra.number(Fraction(len(scope.span(variable))))), plan)
    axis = plan.axes.index(variable)
    return Plan(
        plan.axes[:axis] + plan.axes[axis + 1 :],
        lambda scope, run=plan.run: scope.algebra.total(run(scope), axis),  # type: ignore[misc]
    )


def _masked(plan: Plan, condition: Any) -> Plan:
    return _where(_truth(condition), plan, _constant(Fraction(0)))


def _delta(expression: Expr) -> Plan:
    left, right = (integers(arg) for arg in expression.args)
    return _where(_combined(_of_numpy(np.equal), left, right), _constant(Fraction(1)), _constant(Fraction(0)))


# ---- cases ---------------------------------------------------------------------------------------------------------


def _where(mask: Plan, then: Plan, otherwise: Plan) -> Plan:
    parts = (mask, then, otherwise)
    axes = _union(parts)
    test, first, second = (_spread(part.axes, axes) for part in parts)

    def run(scope: Scope) -> Array:
        chosen = np.where(test(np.asarray(mask.run(scope))), _array(first(then.run(scope))), _array(second(otherwise.run(scope))))
        return chosen if axes else _scalar(chosen)

    return Plan(axes, run)


def _piecewise(expression: Expr) -> Plan:
    *earlier, (last, condition) = expression.args
    plan = planned(last)
    if not isinstance(condition, BooleanTrue):
        plan = _masked(plan, condition)
    for branch, test in reversed(earlier):
        plan = _where(_truth(test), planned(branch), plan)
    return plan


def _truth(condition: Any) -> Plan:
    if isinstance(condition, BooleanTrue | BooleanFalse):
        fixed = np.asarray(bool(condition))
        return Plan((), lambda scope: fixed)
    if isinstance(condition, And | Or):
        operation = _of_numpy(np.logical_and if isinstance(condition, And) else np.logical_or)
        return reduce(lambda a, b: _combined(operation, a, b), (_truth(arg) for arg in condition.args))
    if isinstance(condition, Not):
        return _negated(_truth(condition.args[0]))
    if isinstance(condition, Relational):
        return _relation(condition)
    raise NotSupportedError(f"evaluation: no rule for the condition {condition}")


def _negated(plan: Plan) -> Plan:
    return Plan(plan.axes, lambda scope: np.logical_not(plan.run(scope)))


def _relation(condition: Any) -> Plan:
    left, right = condition.args
    relation, swapped, negated = _RELATIONS[type(condition)]
    if swapped:
        left, right = right, left
    if condition.atoms(Idx) and not condition.atoms(Indexed):
        compare: dict[str, Any] = {"<": np.less, "<=": np.less_equal, "==": np.equal}
        plan = _combined(_of_numpy(compare[relation]), integers(left), integers(right))
    else:
        plan = _combined(lambda scope: lambda a, b: scope.algebra.compare(a, relation, b), planned(left), planned(right))
    return _negated(plan) if negated else plan


_RELATIONS: dict[type, tuple[str, bool, bool]] = {
    StrictLessThan: ("<", False, False),
    LessThan: ("<=", False, False),
    StrictGreaterThan: ("<", True, False),
    GreaterThan: ("<=", True, False),
    Equality: ("==", False, False),
    Unequality: ("==", False, True),
}


def _signs(expression: Expr) -> Plan:
    (x,) = expression.args
    return _piecewise(Piecewise((1, x > 0), (-1, x < 0), (0, True), evaluate=False))


def _absolute(expression: Expr) -> Plan:
    (x,) = expression.args
    return _piecewise(Piecewise((x, x > 0), (-x, True), evaluate=False))


_Rule = Callable[[Any], Plan]
_RULES: tuple[tuple[Any, _Rule], ...] = (
    (Rational, _number),
    (Symbol, _symbol),
    (Indexed, _indexed),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (Sum, _sum),
    (Piecewise, _piecewise),
    (KroneckerDelta, _delta),
    (Exp1, lambda expression: Plan((), lambda scope: scope.algebra.irrational("e"))),
    (type(pi), lambda expression: Plan((), lambda scope: scope.algebra.irrational("pi"))),
)
_FUNCTIONS: dict[Any, _Rule] = {sign: _signs, Abs: _absolute}
