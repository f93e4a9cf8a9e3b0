"""Evaluate an expression in index notation at concrete sizes, in any arithmetic of `algebra`.

A value is an array whose axes are labelled by indices; operands are aligned by label, `Sum` adds along the axis of its index, an
address such as `x[n, i + u]` gathers. Which axes a part has does not depend on the sizes, so an expression is planned once
(`planned`) and the plan is run at every point. This is a second reading of a derivation, beside the numpy source that is
generated from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from sympy import (
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
)
from sympy.core.numbers import Exp1
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan, StrictLessThan, Unequality
from sympy.logic.boolalg import ITE, And, BooleanFalse, BooleanTrue, Not, Or

from symbackprop.errors import NotSupportedError
from symbackprop.functions import ELEMENTARY, LogDet, MatrixInverse, function_name
from symbackprop.functions.reductions import IndexMax, IndexMin, IndexProduct, IndexReduction
from symbackprop.network.indices import is_label, real_symbol, whole_sides
from symbackprop.network.places import is_of_places
from symbackprop.trace.graph.algebra import Algebra, Array

Axes = tuple[Idx, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """An array with one index per axis."""

    axes: Axes
    data: Array


@dataclass(frozen=True, slots=True)
class Environment:
    """What names stand for: arrays by name, sizes by symbol."""

    algebra: Algebra
    arrays: Mapping[str, Array]
    sizes: Mapping[Symbol, int]
    known: dict[Expr, int] = field(default_factory=dict, repr=False)
    spans: dict[Idx, range] = field(default_factory=dict, repr=False)

    def extent(self, size: Expr) -> int:
        """Return a size as a whole number."""
        number = self.known.get(size)
        if number is None:
            number = self.known[size] = int(size.xreplace(self.sizes))
        return number

    def span(self, index: Idx) -> range:
        """Return the values an index takes."""
        found = self.spans.get(index)
        if found is None:
            found = self.spans[index] = range(self.extent(index.lower), self.extent(index.upper) + 1)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    """The axes of an expression, and what works out its data."""

    axes: Axes
    run: Callable[[Environment], Array]


def evaluate(expression: Expr, scope: Environment) -> Labelled:
    """Return the labelled value of an expression. Raises NotSupportedError for an operation without a rule."""
    plan = planned(expression)
    return Labelled(plan.axes, _worked_out(plan, scope))


def _worked_out(plan: Plan, scope: Environment) -> Array:
    """Return the data of a plan; of a guarded quotient both sides are worked out, and one may divide by 0."""
    with np.errstate(all="ignore"):
        return plan.run(scope)


def evaluate_entry(expression: Expr, indices: Sequence[Idx], scope: Environment) -> Array:
    """Return the array of an expression with axes `indices`, in that order, every axis at full length."""
    plan = planned(expression)
    data = _worked_out(plan, scope)
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
    row = ELEMENTARY.get(expression.func)
    if row is not None and row.primitive is not None:
        return _applied(row.name, planned(expression.args[0]))
    if row is not None and row.definition is not None:
        return _by_definition(row.definition, expression.args)
    raise NotSupportedError(f"evaluation: no rule for {function_name(expression.func)} in {str(expression)[:60]}")


def _by_definition(definition: Callable[..., Expr], arguments: Sequence[Expr]) -> Plan:
    """Return the plan of a function by its definition.

    Arguments with conditions inside stand under names there: sympy takes a condition out of a sum that is compared.
    """
    if not any(argument.has(Piecewise) for argument in arguments):
        return planned(definition(*arguments))
    inner = [planned(argument) for argument in arguments]
    names = [f"argument {at}" for at in range(len(inner))]
    entries = [real_symbol(name, plan.axes) for name, plan in zip(names, inner, strict=True)]
    outer = planned(definition(*(entry[plan.axes] if plan.axes else entry for entry, plan in zip(entries, inner, strict=True))))

    def run(scope: Environment) -> Array:
        values = {name: plan.run(scope) for name, plan in zip(names, inner, strict=True)}
        return outer.run(replace(scope, arrays={**scope.arrays, **values}))

    return Plan(outer.axes, run)


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


Operation = Callable[[Environment], Callable[[Array, Array], Array]]


def _combined(operation: Operation, left: Plan, right: Plan) -> Plan:
    axes = _union((left, right))
    spread_left, spread_right = _spread(left.axes, axes), _spread(right.axes, axes)
    if spread_left is _same and spread_right is _same:
        return Plan(axes, lambda scope: operation(scope)(left.run(scope), right.run(scope)))
    return Plan(axes, lambda scope: operation(scope)(spread_left(left.run(scope)), spread_right(right.run(scope))))


_TOGETHER = 64


def _folded(operation: Operation, plans: Iterable[Plan]) -> Plan:
    """Combine plans one after the other; many of them in groups, so that a sum of thousands of terms is no deep recursion."""
    left = list(plans)
    while len(left) > 1:
        groups = (left[start : start + _TOGETHER] for start in range(0, len(left), _TOGETHER))
        left = [reduce(lambda a, b: _combined(operation, a, b), group) for group in groups]
    return left[0]


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
    def run(scope: Environment) -> Array:
        size = scope.sizes.get(expression)
        return scope.arrays[expression.name] if size is None else scope.algebra.number(Fraction(size))

    return Plan((), run)


def _indexed(expression: Indexed) -> Plan:
    name, addresses = expression.base.label.name, expression.indices
    plain = len(set(addresses)) == len(addresses) and all(isinstance(a, Idx) and a.lower == 0 for a in addresses)
    places = [integers(address) for address in addresses]
    axes = _union(places)
    spreads = [_spread(place.axes, axes) for place in places]

    def run(scope: Environment) -> Array:
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
        return _folded(operation, map(integers, expression.args))
    if is_label(expression):
        label = planned(expression)
        return Plan(label.axes, lambda scope: scope.algebra.places(label.run(scope)))
    return Plan((), lambda scope: np.asarray(scope.extent(expression)))


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def _plus(scope: Environment) -> Callable[[Array, Array], Array]:
    return scope.algebra.add


def _times(scope: Environment) -> Callable[[Array, Array], Array]:
    return scope.algebra.mul


def _add(expression: Expr) -> Plan:
    return _folded(_plus, map(planned, expression.args))


def _mul(expression: Expr) -> Plan:
    return _folded(_times, map(planned, expression.args))


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


def _reduction(expression: IndexReduction) -> Plan:
    plan = planned(expression.function)
    for variable, low, high in expression.limits:
        if (low, high) != (variable.lower, variable.upper):  # of a product: what is left out counts as 1
            plan = _where(_truth(And(variable >= low, variable <= high)), plan, _constant(Fraction(1)))
        plan = _combined_along(plan, variable, _REDUCTIONS[type(expression)])
    return plan


def _combined_along(plan: Plan, variable: Idx, operation: Operation) -> Plan:
    axis = plan.axes.index(variable)

    def run(scope: Environment) -> Array:
        entries = np.moveaxis(np.asarray(plan.run(scope)), axis, 0)
        return reduce(operation(scope), (entry[()] for entry in entries))

    return Plan(plan.axes[:axis] + plan.axes[axis + 1 :], run)


def _larger(scope: Environment) -> Callable[[Array, Array], Array]:
    return lambda a, b: np.where(np.asarray(scope.algebra.compare(a, "<", b)), _array(b), _array(a))[()]


def _smaller(scope: Environment) -> Callable[[Array, Array], Array]:
    return lambda a, b: np.where(np.asarray(scope.algebra.compare(b, "<", a)), _array(b), _array(a))[()]


_REDUCTIONS: dict[type, Operation] = {IndexMax: _larger, IndexMin: _smaller, IndexProduct: _times}


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
    if not all(side.is_integer for side in expression.args):  # a label is a value, no place
        sides = (_place(side) if isinstance(side, Idx) else planned(side) for side in expression.args)
        same = _combined(lambda scope: lambda a, b: scope.algebra.compare(a, "==", b), *sides)
        return _where(same, _constant(Fraction(1)), _constant(Fraction(0)))
    left, right = (integers(arg) for arg in expression.args)
    return _where(_combined(_of_numpy(np.equal), left, right), _constant(Fraction(1)), _constant(Fraction(0)))


def _place(index: Idx) -> Plan:
    """Return the plan of an index as numbers of the arithmetic, to compare labels with."""
    return Plan((index,), lambda scope: np.array([scope.algebra.number(Fraction(at)) for at in scope.span(index)]))


# ---- whole matrices ------------------------------------------------------------------------------------------------


def _inverse(expression: MatrixInverse) -> Plan:
    return Plan(expression.places, lambda scope: _eliminated(scope.arrays[expression.array], scope.algebra)[1])


def _log_det(expression: LogDet) -> Plan:
    def run(scope: Environment) -> Array:
        algebra = scope.algebra
        determinant = _eliminated(scope.arrays[expression.array], algebra)[0]
        return algebra.mul(algebra.number(Fraction(1, 2)), algebra.apply("log", algebra.mul(determinant, determinant)))

    return Plan(expression.places, run)


def _eliminated(matrices: Array, algebra: Algebra) -> tuple[Array, Array]:
    """Return the determinants and the inverses of matrices in the last two axes, by elimination without a change of rows."""
    left = np.array(matrices)
    count = left.shape[-1]
    right = np.broadcast_to(np.eye(count), left.shape)
    ones = np.frompyfunc(lambda number: algebra.number(Fraction(int(number))), 1, 1)
    right = ones(right).astype(left.dtype)
    determinant: Any = algebra.number(Fraction(1))
    for pivot in range(count):
        head = left[..., pivot, pivot]
        determinant = algebra.mul(determinant, head[()])
        scale = algebra.power(head[()], Fraction(-1))
        for half in (left, right):
            half[..., pivot, :] = algebra.mul(half[..., pivot, :], np.asarray(scale)[..., None])
        for row in range(count):
            if row != pivot:
                factor = algebra.mul(algebra.number(Fraction(-1)), left[..., row, pivot][()])
                for half in (left, right):
                    moved = algebra.mul(half[..., pivot, :], np.asarray(factor)[..., None])
                    half[..., row, :] = algebra.add(half[..., row, :], moved)
    return determinant, right


# ---- cases ---------------------------------------------------------------------------------------------------------


def _where(mask: Plan, then: Plan, otherwise: Plan) -> Plan:
    parts = (mask, then, otherwise)
    axes = _union(parts)
    test, first, second = (_spread(part.axes, axes) for part in parts)

    def run(scope: Environment) -> Array:
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
        return _folded(operation, map(_truth, condition.args))
    if isinstance(condition, ITE):
        test, then, otherwise = condition.args
        return _truth(Or(And(test, then), And(Not(test), otherwise)))
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
    if is_of_places(condition):
        compare: dict[str, Any] = {"<": np.less, "<=": np.less_equal, "==": np.equal}
        plan = _combined(_of_numpy(compare[relation]), *(integers(side) for side in whole_sides(left, right)))
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


_Rule = Callable[[Any], Plan]
_RULES: tuple[tuple[Any, _Rule], ...] = (
    (Rational, _number),
    (Symbol, _symbol),
    (Indexed, _indexed),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (Sum, _sum),
    (IndexReduction, _reduction),
    (Piecewise, _piecewise),
    (KroneckerDelta, _delta),
    (MatrixInverse, _inverse),
    (LogDet, _log_det),
    (Exp1, lambda expression: Plan((), lambda scope: scope.algebra.irrational("e"))),
    (type(pi), lambda expression: Plan((), lambda scope: scope.algebra.irrational("pi"))),
)
