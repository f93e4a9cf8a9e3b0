"""Local derivatives: push a factor through one definition, down to the nodes it uses.

The expression is walked with the product of partial derivatives so far. Through a sum over an index the index is kept, through
a function the partial derivative is multiplied, at a leaf `T[address]` a `RawContribution` is emitted. Nothing here knows what a
layer is, and linear forms are read term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sympy import (
    Add,
    And,
    Eq,
    Expr,
    Idx,
    Indexed,
    Integer,
    KroneckerDelta,
    Mul,
    Number,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
    log,
    sign,
    true,
)

from symbackprop.derive.sweep.records import Assumption, RawContribution
from symbackprop.errors import InternalError
from symbackprop.functions import ELEMENTARY, step
from symbackprop.functions.matrices import LogDet, MatrixInverse
from symbackprop.functions.reductions import IndexMax, IndexMin, IndexProduct
from symbackprop.network.indices import IndexSum, bound_apart, index_name, index_size, primed, real_symbol, substitute
from symbackprop.network.node import Node

Factors = tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Emission:
    """A leaf reached: parent name, its address, the factors collected, the sums entered, their guard."""

    parent: str
    address: tuple[Expr, ...]
    factors: Factors
    summed: tuple[Idx, ...]
    guard: Expr


@dataclass(slots=True)
class _Place:
    """Where the walk stands: an expression, the factors above it, the sums around it."""

    expression: Expr
    factors: Factors
    summed: tuple[Idx, ...]
    guard: Expr


def emissions(node: Node, assumptions: list[Assumption]) -> Iterator[Emission]:
    """Yield every leaf of a node's definition with its factors; conventions met on the way are appended to `assumptions`."""
    parents = frozenset(node.parents)
    stack = [_Place(node.expression, (), (), true)]
    while stack:
        place = stack.pop()
        expression = place.expression
        if isinstance(expression, Symbol):
            if expression.name in parents:
                yield Emission(expression.name, (), place.factors, place.summed, place.guard)
        elif isinstance(expression, Indexed):
            yield Emission(str(expression.base.label), expression.indices, place.factors, place.summed, place.guard)
        elif isinstance(expression, Number):
            continue
        else:
            stack.extend(reversed(_rule(expression)(node, place, assumptions)))


def _rule(expression: Expr) -> Callable[[Node, _Place, list[Assumption]], list[_Place]]:
    for kind, rule in _RULES:
        if isinstance(expression, kind):
            return rule
    if expression.func in ELEMENTARY:
        return _through_function
    return _constant


def _through_add(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    return [_Place(arg, place.factors, place.summed, place.guard) for arg in place.expression.args]


def _through_mul(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    args = place.expression.args
    return [
        _Place(arg, place.factors + args[:at] + args[at + 1 :], place.summed, place.guard)
        for at, arg in enumerate(args)
        if not isinstance(arg, Number)
    ]


def _through_pow(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    power = place.expression
    base, exponent = power.args
    output = node.entry if power is node.expression else power
    below = []
    if not isinstance(base, Number):
        below.append(replace_factors(place, base, _power_slope(base, exponent, output)))
    if not isinstance(exponent, Number):
        below.append(replace_factors(place, exponent, (output, log(base))))
    return below


def _power_slope(base: Expr, exponent: Expr, output: Expr) -> Factors:
    """∂(base^exponent)/∂base, through the output where that is how it is written: (√u)' = 1/(2√u), (1/u)' = -(1/u)²."""
    if exponent == Rational(1, 2):
        return (Rational(1, 2), 1 / output)
    if exponent == -1:
        return (Integer(-1), output**2)
    return (exponent, base ** (exponent - 1))


def _through_sum(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    return [_entered(node, place)]


def _entered(node: Node, place: _Place) -> _Place:
    """Return the place below what binds indices, whose names are new there."""
    body, guard, summed = place.expression.function, place.guard, place.summed
    for variable, low, high in place.expression.limits:
        taken = [index_name(index) for index in (*node.indices, *summed)]
        fresh = primed(variable, taken) if index_name(variable) in taken else variable
        body = substitute(body, {variable: fresh}) if fresh is not variable else body
        summed += (fresh,)
        if low != variable.lower:
            guard &= fresh >= low
        if high != variable.upper:
            guard &= fresh <= high
    return _Place(body, place.factors, summed, guard)


def _through_extremum(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    """max_i f[i] has the slope 1/c at each of the c entries that are as large as it is, else 0."""
    call = place.expression
    output = node.entry if call is node.expression else call
    taken = [index_name(index) for index in call.atoms(Idx) | set(node.indices) | set(place.summed)]
    apart = bound_apart(call, taken)
    alike = Piecewise((1, Eq(apart.function, output)), (0, True))
    count = IndexSum(alike, *apart.limits)
    margin = apart.function - output if call.method == "min" else output - apart.function
    largest = IndexSum(1 - sign(margin), *apart.limits)  # the count again, in a form that may stand in a condition
    convention = f"where several entries are the {_SUPERLATIVE[call.method]}, they share the gradient equally"
    assumption = Assumption(node.name, call.method, 1 - step(largest - Rational(3, 2)), convention)
    if assumption not in assumptions:
        assumptions.append(assumption)
    below = _entered(node, place)
    return [replace_factors(below, below.expression, (Piecewise((1, Eq(below.expression, output)), (0, True)), 1 / count))]


_SUPERLATIVE = {"max": "largest", "min": "smallest"}


def _through_product(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    """∂(Π_i f[i])/∂f[j] is the product of the others, also where a factor is 0."""
    call = place.expression
    below = _entered(node, place)
    entered = below.summed[len(place.summed) :]
    taken = [index_name(index) for index in call.atoms(Idx) | set(node.indices) | set(below.summed)]
    apart = bound_apart(call, taken)
    same = And(*(Eq(index, own[0]) for index, own in zip(entered, apart.limits, strict=True)))
    others = IndexProduct(Piecewise((1, same), (apart.function, True)), *apart.limits)
    return [replace_factors(below, below.expression, (others,))]


def _through_piecewise(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    below = []
    branches = place.expression.args
    for at, (value, _) in enumerate(branches):
        mask = Piecewise(*((Integer(int(other == at)), condition) for other, (_, condition) in enumerate(branches)))
        below.append(replace_factors(place, value, (mask,)))
    return below


def _through_function(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    call = place.expression
    row = ELEMENTARY[call.func]
    if row.kink is not None:
        assumption = Assumption(node.name, row.name, row.kink.place(*call.args), row.kink.convention)
        if assumption not in assumptions:
            assumptions.append(assumption)
    output = node.entry if call is node.expression else call
    below = []
    for arg, partial in zip(call.args, row.slopes, strict=True):
        if isinstance(arg, Number):
            continue
        slope = partial(output, *call.args)
        if slope != 0:
            below.append(replace_factors(place, arg, slope.args if isinstance(slope, Mul) else (slope,)))
    return below


def _through_inverse(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    """∂(A⁻¹)[i,j]/∂A[k,l] = -(A⁻¹)[i,k] (A⁻¹)[l,j]."""
    call = place.expression
    *batch, row, column = call.places
    k, l = _new_indices(index_size(row), call)  # noqa: E741 - as in the formula
    factors = (Integer(-1), node.symbol[(*batch, row, k)], node.symbol[(*batch, l, column)])
    entry = real_symbol(call.array)[(*batch, k, l)]
    return [_Place(entry, place.factors + factors, (*place.summed, k, l), place.guard)]


def _through_log_det(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    """∂ log|det A|/∂A[k,l] = (A⁻¹)[l,k]."""
    call = place.expression
    k, l = _new_indices(call.size, call)  # noqa: E741 - as in the formula
    slope = real_symbol(call.inverse)[(*call.places, l, k)]
    entry = real_symbol(call.array)[(*call.places, k, l)]
    return [_Place(entry, (*place.factors, slope), (*place.summed, k, l), place.guard)]


def _new_indices(size: Expr, call: Expr) -> tuple[Idx, Idx]:
    """Return a row and a column that stand nowhere in a call."""
    taken = {index_name(index) for index in call.atoms(Idx)}
    k = primed(Idx(Symbol("k", integer=True), size), taken)
    return k, primed(Idx(Symbol("l", integer=True), size), taken)


def _constant(node: Node, place: _Place, assumptions: list[Assumption]) -> list[_Place]:
    if place.expression.atoms(Indexed):
        raise InternalError(f"{node.name}: no rule for {type(place.expression).__name__} in {place.expression}")
    return []


_RULES: tuple[tuple[Any, Callable[[Node, _Place, list[Assumption]], list[_Place]]], ...] = (
    (Add, _through_add),
    (Mul, _through_mul),
    (Pow, _through_pow),
    (Sum, _through_sum),
    ((IndexMax, IndexMin), _through_extremum),
    (IndexProduct, _through_product),
    (Piecewise, _through_piecewise),
    (MatrixInverse, _through_inverse),
    (LogDet, _through_log_det),
    (KroneckerDelta, lambda node, place, assumptions: []),  # of places and labels, which are whole numbers
)


def replace_factors(place: _Place, expression: Expr, more: Factors) -> _Place:
    """Return the place one step further down, with more factors collected."""
    return _Place(expression, place.factors + more, place.summed, place.guard)


def merged(raws: list[RawContribution]) -> list[RawContribution]:
    """Add the local derivatives of uses with the same address under the same sums (`x*x` uses x twice)."""
    found: dict[tuple[Any, ...], list[RawContribution]] = {}
    for raw in raws:
        found.setdefault((raw.parent, raw.address, raw.summed, raw.guard), []).append(raw)
    return [
        group[0]
        if len(group) == 1
        else replace(
            group[0],
            local=Add(*(raw.local for raw in group)),
            rewrites=sum((raw.rewrites for raw in group), ()),
        )
        for group in found.values()
    ]
