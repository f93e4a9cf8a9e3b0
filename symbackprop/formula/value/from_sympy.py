"""From sympy to a written formula, in the author's order: `from_sympy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Add, Expr, Idx, IndexedBase, Integer, KroneckerDelta, Mul, Piecewise, Pow, Rational, Symbol
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Or

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Branch,
    Call,
    Cases,
    Chain,
    Delta,
    Element,
    Formula,
    Fraction,
    Indexed,
    Logic,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
)
from symbackprop.formula.value.numbers import number
from symbackprop.formula.value.ordering import Rank, has_target, name_of, ordered_factors, ordered_terms, split_fraction
from symbackprop.formula.value.to_sympy import to_sympy
from symbackprop.functions import LogDet, MatrixInverse, function_name

__all__ = ["Spelled", "from_sympy", "to_sympy"]

Spelled = Formula | Callable[[tuple[Formula, ...]], Formula]


@dataclass(frozen=True, slots=True)
class _Writer:
    order: Mapping[str, Rank]
    notation: Notation
    spell: Mapping[str, Spelled]

    def __call__(self, expr: Any) -> Formula:
        for kind in type(expr).__mro__:
            if kind in _WRITERS:
                return _WRITERS[kind](expr, self)
        raise NotSupportedError(f"cannot write {type(expr).__name__} {expr} as a formula")


def from_sympy(
    expr: Any,
    order: Mapping[str, Rank] | None = None,
    notation: Notation | None = None,
    spell: Mapping[str, Spelled] | None = None,
) -> Formula:
    """Write a sympy expression down in the author's order.

    `order` maps names to ranks (`ordering.author_order`). `notation` decides the writing choices: residuals, `-1*`, biases,
    factor order, exponentials, bounds of sums, digits of floats. `spell` puts a formula in place of a symbol or an indexed base,
    `{"dE_dw": Partial(Name("E"), Name("w"))}`; for a base it may be a function of the written indices.

    Raises `NotSupportedError` for a sympy class that has no written form here.

    >>> w, x, b = sympy.symbols("w x b")
    >>> from symbackprop.formula.print.text import text
    >>> print(text(from_sympy(x*w + b, {"x": (2, 0), "w": (1, 1), "b": (1, 2)})))
    w·x + b
    """
    return _Writer(order or {}, notation or Notation(), spell or {})(expr)


# --- numbers and names


def _integer(expr: Integer, write: _Writer) -> Formula:
    return _signed(expr < 0, Number(str(abs(expr))))


def _rational(expr: Rational, write: _Writer) -> Formula:
    if _is_decimal(expr):
        places = next(k for k in range(1, expr.q) if 10**k % expr.q == 0)
        digits = str(abs(expr.p) * 10**places // expr.q).rjust(places + 1, "0")
        return _signed(expr < 0, Number(f"{digits[:-places]}.{digits[-places:]}"))
    return _signed(expr < 0, Fraction(Number(str(abs(expr.p))), Number(str(expr.q))))


def _is_decimal(number: Rational) -> bool:
    """Whether a fraction is written as a decimal one: 49517/10000 was 4.9517."""
    return bool(number.q % 10 == 0 and sympy.primefactors(number.q) == [2, 5])


def _signed(negative: Any, body: Formula) -> Formula:
    return Neg(body) if negative else body


def _named(name: str, indices: tuple[Formula, ...], write: _Writer) -> Formula:
    spelled = write.spell.get(name)
    if callable(spelled):
        return spelled(indices)
    if spelled is not None and indices:
        raise UserError(f"spell[{name!r}] is a formula, but {name} has indices; give a function of the indices")
    return spelled or (Indexed(name, indices) if indices else Name(name))


def _symbol(expr: Any, write: _Writer) -> Formula:
    return _named(name_of(expr), (), write)


def _indexed(expr: Any, write: _Writer) -> Formula:
    return _named(name_of(expr), tuple(write(index) for index in expr.indices), write)


# --- sums


def _add(expr: Add, write: _Writer) -> Formula:
    content, rest = common_number(expr)
    if content != 1 and not _has_lone_term(expr):
        return _mul_parts(content, [rest], [], write)
    if _is_backward_residual(expr, write):
        return _minus(write(-expr), write)
    terms = ordered_terms(expr, write.order)
    if write.notation.residual == "target-out" and len(terms) == 2 and _is_difference(terms):
        terms.sort(key=lambda term: term.could_extract_minus_sign())
    inner = write  # in a sum a - b, never a - 1*b
    if write.notation.minus_one:
        inner = _Writer(write.order, write.notation.override(minus_one=False), write.spell)
    return add(*(_bias(inner(term), write) for term in terms))


def _bias(term: Formula, write: _Writer) -> Formula:
    is_bias = isinstance(term, Name | Indexed) and term.name in write.notation.biases
    return Product((term, Number("1"))) if is_bias else term


def common_number(expr: Add) -> tuple[Any, Expr]:
    """Return the number that all terms share, and the rest; of decimals only one that leaves no other numbers.

    0.05 + 0.95·s stays so, it is not 0.05·(1 + 19·s).
    """
    content, rest = expr.primitive()
    left = {abs(term.as_coeff_Mul()[0]) for term in rest.args}
    return (content, rest) if content.q % 5 or left == {1} else (Integer(1), expr)


def _has_lone_term(expr: Add) -> bool:
    """Whether a term has the coefficient 1 or -1: then taking a number out (`f - 4.9517`) would only put one in front of it."""
    return any(term.as_coeff_Mul()[0] in (1, -1) and not term.is_Number for term in expr.args)


def _is_difference(terms: list[Expr]) -> bool:
    return sum(1 for term in terms if term.could_extract_minus_sign()) == 1


def _is_backward_residual(expr: Add, write: _Writer) -> bool:
    """Whether a difference with a target stands the other way round than the notation wants it."""
    terms = list(expr.args)
    if len(terms) != 2 or not _is_difference(terms):
        return False
    targets = [term for term in terms if has_target(term, write.order)]
    if len(targets) != 1 or not _is_plain(targets[0]):
        return False
    target_is_negative = bool(targets[0].could_extract_minus_sign())
    return target_is_negative == (write.notation.residual == "target-out")


def _is_plain(term: Expr) -> bool:
    return isinstance(term.as_coeff_Mul()[1], Symbol | sympy.Indexed)


def _minus(body: Formula, write: _Writer) -> Formula:
    """Write `-body` or, where the notation says so, `-1*body`."""
    if not write.notation.minus_one or isinstance(body, Number):
        return Neg(body)
    factors = body.factors if isinstance(body, Product) else (body,)
    return Neg(Product((Number("1"), *factors)))


# --- products and powers


def _mul(expr: Mul, write: _Writer) -> Formula:
    coefficient, above, below = split_fraction(expr)
    return _mul_parts(coefficient, above, below, write)


def _mul_parts(coefficient: Any, above: list[Expr], below: list[Expr], write: _Writer) -> Formula:
    """Write `coefficient * above / below`, sign and numbers in front of everything."""
    front, above = _tidy(above) if len(above) > 1 or coefficient != 1 or below else (Integer(1), above)
    coefficient = coefficient * front
    negative = coefficient < 0
    written: list[Formula] = []
    for factor in ordered_factors(above, write.order, write.notation.factor_order == "declared"):
        part = write(factor)
        if isinstance(factor, Add) and isinstance(part, Neg):  # a residual turned round
            negative, part = not negative, _without_one(part.body)
        written.extend(part.factors if isinstance(part, Product) and not isinstance(factor, Add) else (part,))
    body = _quotient(abs(coefficient), written, below, write)
    return _minus(body, write) if negative else body


def _tidy(factors: list[Expr]) -> tuple[Any, list[Expr]]:
    """Take numbers out of differences that are factors, and turn `x - 1` into `-(1 - x)`."""
    front: Any = Integer(1)
    tidy: list[Expr] = []
    for factor in factors:
        if isinstance(factor, Add):
            content, factor = common_number(factor)
            number_term, rest = factor.as_coeff_Add()
            turned = number_term.is_negative and not rest.could_extract_minus_sign()
            all_negative = all(term.could_extract_minus_sign() for term in factor.args)
            sign = -1 if turned or all_negative else 1
            front, factor = front * content * sign, (factor if sign == 1 else -factor)
        tidy.append(factor)
    return front, tidy


def _without_one(body: Formula) -> Formula:
    if isinstance(body, Product) and body.factors[0] == Number("1"):
        return multiply(*body.factors[1:])
    return body


def _quotient(size: Any, above: list[Formula], below: list[Expr], write: _Writer) -> Formula:
    """Write `size · above / below`, a number that is 1 left out; 1/N stands before a big sum, not under one long line."""
    if not below:
        return multiply(*_number_before(size, above, write), *above)
    whole, divisor = _above_and_below(size)
    under = [Number(str(divisor))] if divisor != 1 else []
    denominator = multiply(*under, *(write(f) for f in ordered_factors(below, write.order, True)))
    sums = [factor for factor in above if isinstance(factor, BigSum)]
    front = [*_number_before(whole, above, write), *(factor for factor in above if factor not in sums)]
    return multiply(Fraction(multiply(*front) if front else Number("1"), denominator), *sums)


def _above_and_below(size: Any) -> tuple[Any, int]:
    """Return what of a number stands above the line of a fraction and below it: 3/4 is both, 0.7 stands above."""
    if not isinstance(size, Rational):
        return size, 1
    is_below = not _is_decimal(size) or (size.p == 1 and size.q <= MOST_BELOW)
    return (size.p, size.q) if is_below else (size, 1)


#: The divisor of a decimal 1/q up to which it stands below the line, x/(10·N); beyond, it is written 0.001·x/N.
MOST_BELOW = 100


def _number_before(size: Any, above: list[Formula], write: _Writer) -> list[Formula]:
    return [] if size == 1 and above else [write(sympy.sympify(size, strict=True))]


def _pow(expr: Pow, write: _Writer) -> Formula:
    base, exponent = expr.base, expr.exp
    if exponent == Rational(1, 2):
        return Root(write(base))
    if exponent.could_extract_minus_sign():
        return Fraction(Number("1"), write(1 / expr))
    if write.notation.residual == "target-out" and exponent.is_even and isinstance(base, Add):
        written = write(base)
        if isinstance(written, Neg):
            return Power(_without_one(written.body), write(exponent))
    return Power(_positive(write(base), exponent), write(exponent))


def _positive(base: Formula, exponent: Any) -> Formula:
    return _without_one(base.body) if isinstance(base, Neg) and exponent.is_even else base


def _exp(expr: Any, write: _Writer) -> Formula:
    argument = write(expr.args[0])
    if write.notation.exponential == "call":
        return Call(Name("exp"), (argument,))
    return Power(Name("e"), argument)


def _pi() -> Formula:
    """Return π where a variable has that name: 4·arctan 1."""
    return multiply(Number("4"), Call(Name("arctan"), (Number("1"),)))


# --- big sums, functions, cases


def _sum(expr: Any, write: _Writer) -> Formula:
    body = write(expr.function)
    operator = "sum" if isinstance(expr, sympy.Sum) else getattr(expr, "method", "prod")
    for index, *bounds in expr.limits:
        lower, upper = _bounds(index, bounds, write)
        body = BigSum(body, write(index), lower, upper, operator)
    return body


def _bounds(index: Any, bounds: list[Any], write: _Writer) -> tuple[Formula | None, Formula | None]:
    if not bounds:
        return None, None
    lower, upper = bounds
    whole = lower == 0 and (not isinstance(index, Idx) or index.upper is None or index.upper == upper)
    if whole and write.notation.sum_bounds == "index":
        return None, None
    if whole and write.notation.first_index == 1:
        return Number("1"), write(upper + 1)
    return write(lower), write(upper)


def _function(expr: Any, write: _Writer) -> Formula:
    return Call(Name(function_name(expr.func)), tuple(write(argument) for argument in expr.args))


def _relation(expr: Relational, write: _Writer) -> Formula:
    return Chain((write(expr.lhs), write(expr.rhs)), (_RELATIONS[expr.rel_op],))


def _piecewise(expr: Piecewise, write: _Writer) -> Formula:
    branches = (Branch(write(value), None if condition == sympy.true else write(condition)) for value, condition in expr.args)
    return Cases(tuple(branches))


def _logic(expr: Any, write: _Writer) -> Formula:
    """Return conditions joined; the two bounds of one thing stand on its sides, `0 ≤ u - 2a ≤ 1`."""
    parts = sorted(expr.args, key=sympy.default_sort_key)
    written = _between(parts, write) if isinstance(expr, And) else [write(part) for part in parts]
    return Logic("and" if isinstance(expr, And) else "or", tuple(written)) if len(written) > 1 else written[0]


def _between(parts: list[Any], write: _Writer) -> list[Formula]:
    written: list[Formula] = []
    waiting = list(parts)
    while waiting:
        part = waiting.pop(0)
        other = next((later for later in waiting if _bound_both(part, later)), None)
        if other is not None:
            waiting.remove(other)
        written.append(write(part) if other is None else _bounded(part, other, write))
    return written


def _bound_both(one: Any, other: Any) -> bool:
    """Whether one condition is the lower and the other the upper bound of the same thing, up to its sign."""
    if not (isinstance(one, _INEQUALITIES) and isinstance(other, _INEQUALITIES)):
        return False
    same_way = isinstance(one, _FROM_BELOW) == isinstance(other, _FROM_BELOW)
    return bool(one.lhs == (-other.lhs if same_way else other.lhs))


def _bounded(one: Any, other: Any, write: _Writer) -> Chain:
    """Return `low ≤ thing ≤ high`, the thing with the sign that has no negative lower bound, if there is one."""
    if one.lhs != other.lhs:
        other = other.reversedsign
    low, high = (one, other) if isinstance(one, _FROM_BELOW) else (other, one)
    if low.rhs.is_negative and high.rhs.is_nonpositive:
        low, high = high.reversedsign, low.reversedsign
    sides = (write(low.rhs), write(low.lhs), write(high.rhs))
    return Chain(sides, (_RELATIONS[low.reversed.rel_op], _RELATIONS[high.rel_op]))


_FROM_BELOW = (sympy.Ge, sympy.Gt)
_INEQUALITIES = (*_FROM_BELOW, sympy.Le, sympy.Lt)


def _derivative(expr: Any, write: _Writer) -> Formula:
    variables = [write(variable) for variable, count in expr.variable_count for _ in range(count)]
    return Partial(write(expr.expr), variables[0], tuple(variables[1:]))


def _inverse(expr: MatrixInverse, write: _Writer) -> Formula:
    *batch, row, column = expr.places
    whole = _named(expr.array, tuple(write(place) for place in batch), write)
    return Element(Power(whole, Neg(Number("1"))), (write(row), write(column)))


def _log_det(expr: LogDet, write: _Writer) -> Formula:
    whole = _named(expr.array, tuple(write(place) for place in expr.places), write)
    return Call(Name("log"), (Bars(Call(Name("det"), (whole,)), "abs"),))


_RELATIONS = {"==": "=", "!=": "≠", "<": "<", ">": ">", "<=": "≤", ">=": "≥"}
_WRITERS: dict[type, Callable[[Any, _Writer], Formula]] = {
    int: lambda expr, write: _integer(Integer(expr), write),
    float: lambda expr, write: number(expr, write.notation),
    Integer: _integer,
    Rational: _rational,
    sympy.Float: lambda expr, write: number(float(expr), write.notation),
    Symbol: _symbol,
    Idx: _symbol,
    IndexedBase: _symbol,
    sympy.Indexed: _indexed,
    Add: _add,
    Mul: _mul,
    Pow: _pow,
    sympy.exp: _exp,
    sympy.Sum: _sum,
    ExprWithLimits: _sum,
    sympy.Abs: lambda expr, write: Bars(write(expr.args[0]), "abs"),
    sympy.Max: lambda expr, write: Call(Name("maximum"), tuple(map(write, expr.args))),
    sympy.Min: lambda expr, write: Call(Name("minimum"), tuple(map(write, expr.args))),
    KroneckerDelta: lambda expr, write: Delta(write(expr.args[0]), write(expr.args[1])),
    MatrixInverse: _inverse,
    LogDet: _log_det,
    AppliedUndef: _function,
    sympy.Function: _function,
    Piecewise: _piecewise,
    Relational: _relation,
    And: _logic,
    Or: _logic,
    sympy.Derivative: _derivative,
    sympy.core.numbers.Exp1: lambda expr, write: Name("e") if "e" not in write.order else Call(Name("exp"), (Number("1"),)),
    sympy.core.numbers.Pi: lambda expr, write: Name("pi") if "pi" not in write.order else _pi(),
    sympy.core.numbers.Infinity: lambda expr, write: Name("infty"),
    sympy.core.numbers.NegativeInfinity: lambda expr, write: Neg(Name("infty")),
    BooleanTrue: lambda expr, write: Name("true"),
    BooleanFalse: lambda expr, write: Name("false"),
}
