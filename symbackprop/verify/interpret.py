"""Evaluate an expression in index notation at concrete sizes, in any arithmetic of `algebra`.

A value is an array whose axes are labelled by indices; operands are aligned by label, `Sum` adds along the axis of its index, an
address such as `x[n, i + u]` gathers. This is a second reading of a derivation, beside the numpy source that is generated from
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
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


@dataclass(frozen=True, slots=True)
class Labelled:
    """An array with one index per axis."""

    axes: tuple[Idx, ...]
    data: Array


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: arrays by name, sizes by symbol."""

    algebra: Algebra
    arrays: Mapping[str, Array]
    sizes: Mapping[Symbol, int]

    def extent(self, size: Expr) -> int:
        """Return a size as a whole number."""
        return int(size.xreplace(self.sizes))

    def span(self, index: Idx) -> range:
        """Return the values an index takes."""
        return range(self.extent(index.lower), self.extent(index.upper) + 1)


def evaluate_entry(expression: Expr, indices: Sequence[Idx], scope: Scope) -> Array:
    """Return the array of an expression with axes `indices`, in that order, every axis at full length."""
    value = evaluate(expression, scope)
    shape = tuple(len(scope.span(index)) for index in indices)
    return np.broadcast_to(_spread(value, tuple(indices)), shape).copy() if shape else _scalar(value.data)


def evaluate(expression: Expr, scope: Scope) -> Labelled:
    """Return the labelled value of an expression. Raises NotSupportedError for an operation without a rule."""
    for kind, rule in _RULES:
        if isinstance(expression, kind):
            return rule(expression, scope)
    special = _FUNCTIONS.get(expression.func)
    if special is not None:
        return special(expression, scope)
    name = expression.func.__name__
    if name in TABLE:
        (argument,) = expression.args
        inner = evaluate(argument, scope)
        return Labelled(inner.axes, scope.algebra.apply(name, inner.data))
    if expression.func in functions.ELEMENTARY and hasattr(expression.func, "definition"):
        return evaluate(expression.func.definition(*expression.args), scope)
    raise NotSupportedError(f"evaluation: no rule for {name} in {str(expression)[:60]}")


# ---- axes ----------------------------------------------------------------------------------------------------------


def _spread(value: Labelled, axes: tuple[Idx, ...]) -> Array:
    """Return the data with the given axes, length 1 where the value does not depend on the index."""
    if value.axes == axes or not axes:
        return value.data
    data = _array(value.data)
    present = [value.axes.index(axis) for axis in axes if axis in value.axes]
    data = data.transpose(present)
    return data[tuple(slice(None) if axis in value.axes else None for axis in axes)]


def _union(values: Sequence[Labelled]) -> tuple[Idx, ...]:
    return tuple(dict.fromkeys(axis for value in values for axis in value.axes))


def _combine(operation: Callable[[Array, Array], Array], left: Labelled, right: Labelled) -> Labelled:
    axes = _union((left, right))
    return Labelled(axes, operation(_spread(left, axes), _spread(right, axes)))


def _array(data: Array) -> np.ndarray[Any, Any]:
    """Return numbers as an array, nodes (Python integers) as an array of objects."""
    return np.asarray(data) if isinstance(data, np.ndarray | np.floating | np.bool_) else np.asarray(data, dtype=object)


def _scalar(data: Array) -> Array:
    return data[()] if isinstance(data, np.ndarray) else data


# ---- leaves --------------------------------------------------------------------------------------------------------


def _number(expression: Expr, scope: Scope) -> Labelled:
    exact = Rational(expression)
    return Labelled((), scope.algebra.number(Fraction(int(exact.p), int(exact.q))))


def _symbol(expression: Symbol, scope: Scope) -> Labelled:
    if expression in scope.sizes:
        return Labelled((), scope.algebra.number(Fraction(scope.sizes[expression])))
    return Labelled((), scope.arrays[expression.name])


def _indexed(expression: Indexed, scope: Scope) -> Labelled:
    data = scope.arrays[str(expression.base.label)]
    addresses = expression.indices
    if len(set(addresses)) == len(addresses) and all(
        isinstance(address, Idx) and len(scope.span(address)) == extent and scope.extent(address.lower) == 0
        for address, extent in zip(addresses, np.shape(data), strict=True)
    ):
        return Labelled(tuple(addresses), data)
    places = [integers(address, scope) for address in addresses]
    axes = _union(places)
    shape = tuple(len(scope.span(axis)) for axis in axes)
    # Outside its range an address is read at the border; a guard masks the element out.
    grids = [
        np.broadcast_to(np.clip(_spread(place, axes), 0, extent - 1), shape).astype(int)
        for place, extent in zip(places, np.shape(data), strict=True)
    ]
    return Labelled(axes, data[tuple(grids)])


def integers(expression: Expr, scope: Scope) -> Labelled:
    """Return the whole numbers of an address or bound such as `i + u` or `T - 1`."""
    if isinstance(expression, Idx):
        return Labelled((expression,), np.array(scope.span(expression), dtype=int))
    if isinstance(expression, Add | Mul):
        combine = np.add if isinstance(expression, Add) else np.multiply
        return reduce(lambda a, b: _combine(combine, a, b), (integers(arg, scope) for arg in expression.args))
    return Labelled((), np.asarray(scope.extent(expression)))


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def _add(expression: Expr, scope: Scope) -> Labelled:
    return reduce(lambda a, b: _combine(scope.algebra.add, a, b), (evaluate(arg, scope) for arg in expression.args))


def _mul(expression: Expr, scope: Scope) -> Labelled:
    return reduce(lambda a, b: _combine(scope.algebra.mul, a, b), (evaluate(arg, scope) for arg in expression.args))


def _pow(expression: Expr, scope: Scope) -> Labelled:
    base, exponent = expression.args
    if isinstance(exponent, Rational):
        inner = evaluate(base, scope)
        return Labelled(inner.axes, scope.algebra.power(inner.data, Fraction(int(exponent.p), int(exponent.q))))
    if base == exp(1):
        inner = evaluate(exponent, scope)
        return Labelled(inner.axes, scope.algebra.apply("exp", inner.data))
    inner = evaluate(exponent * log(base), scope)
    return Labelled(inner.axes, scope.algebra.apply("exp", inner.data))


def _sum(expression: Sum, scope: Scope) -> Labelled:
    value = evaluate(expression.function, scope)
    for variable, low, high in expression.limits:
        if low != variable.lower or high != variable.upper:
            value = _masked(value, And(variable >= low, variable <= high), scope)
        if variable not in value.axes:
            count = Labelled((), scope.algebra.number(Fraction(len(scope.span(variable)))))
            value = _combine(scope.algebra.mul, count, value)
            continue
        axis = value.axes.index(variable)
        value = Labelled(value.axes[:axis] + value.axes[axis + 1 :], scope.algebra.total(value.data, axis))
    return value


def _masked(value: Labelled, condition: Any, scope: Scope) -> Labelled:
    return _where(_truth(condition, scope), value, Labelled((), scope.algebra.number(Fraction(0))))


def _delta(expression: Expr, scope: Scope) -> Labelled:
    left, right = (integers(arg, scope) for arg in expression.args)
    mask = _combine(np.equal, left, right)
    one, zero = (Labelled((), scope.algebra.number(Fraction(k))) for k in (1, 0))
    return _where(mask, one, zero)


# ---- cases ---------------------------------------------------------------------------------------------------------


def _where(mask: Labelled, then: Labelled, otherwise: Labelled) -> Labelled:
    axes = _union((mask, then, otherwise))
    test = _spread(Labelled(mask.axes, np.asarray(mask.data)), axes)
    chosen = np.where(test, _array(_spread(then, axes)), _array(_spread(otherwise, axes)))
    return Labelled(axes, chosen if axes else _scalar(chosen))


def _piecewise(expression: Expr, scope: Scope) -> Labelled:
    *earlier, (last, condition) = expression.args
    value = evaluate(last, scope)
    if not isinstance(condition, BooleanTrue):
        value = _masked(value, condition, scope)
    for branch, test in reversed(earlier):
        value = _where(_truth(test, scope), evaluate(branch, scope), value)
    return value


def _truth(condition: Any, scope: Scope) -> Labelled:
    if isinstance(condition, BooleanTrue | BooleanFalse):
        return Labelled((), np.asarray(bool(condition)))
    if isinstance(condition, And | Or):
        combine = np.logical_and if isinstance(condition, And) else np.logical_or
        return reduce(lambda a, b: _combine(combine, a, b), (_truth(arg, scope) for arg in condition.args))
    if isinstance(condition, Not):
        inner = _truth(condition.args[0], scope)
        return Labelled(inner.axes, np.logical_not(inner.data))
    if isinstance(condition, Relational):
        return _relation(condition, scope)
    raise NotSupportedError(f"evaluation: no rule for the condition {condition}")


def _relation(condition: Any, scope: Scope) -> Labelled:
    left, right = condition.args
    relation, swapped, negated = _RELATIONS[type(condition)]
    if swapped:
        left, right = right, left
    if condition.atoms(Idx) and not condition.atoms(Indexed):
        compare: dict[str, Any] = {"<": np.less, "<=": np.less_equal, "==": np.equal}
        value = _combine(compare[relation], integers(left, scope), integers(right, scope))
    else:
        value = _combine(lambda a, b: scope.algebra.compare(a, relation, b), evaluate(left, scope), evaluate(right, scope))
    return Labelled(value.axes, np.logical_not(value.data) if negated else value.data)


_RELATIONS: dict[type, tuple[str, bool, bool]] = {
    StrictLessThan: ("<", False, False),
    LessThan: ("<=", False, False),
    StrictGreaterThan: ("<", True, False),
    GreaterThan: ("<=", True, False),
    Equality: ("==", False, False),
    Unequality: ("==", False, True),
}


def _signs(expression: Expr, scope: Scope) -> Labelled:
    (x,) = expression.args
    return _piecewise(Piecewise((1, x > 0), (-1, x < 0), (0, True), evaluate=False), scope)


def _absolute(expression: Expr, scope: Scope) -> Labelled:
    (x,) = expression.args
    return _piecewise(Piecewise((x, x > 0), (-x, True), evaluate=False), scope)


_RULES: tuple[tuple[Any, Callable[[Any, Scope], Labelled]], ...] = (
    (Rational, _number),
    (Symbol, _symbol),
    (Indexed, _indexed),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (Sum, _sum),
    (Piecewise, _piecewise),
    (KroneckerDelta, _delta),
    (Exp1, lambda expression, scope: Labelled((), scope.algebra.irrational("e"))),
    (type(pi), lambda expression, scope: Labelled((), scope.algebra.irrational("pi"))),
)
_FUNCTIONS: dict[Any, Callable[[Any, Scope], Labelled]] = {sign: _signs, Abs: _absolute}
