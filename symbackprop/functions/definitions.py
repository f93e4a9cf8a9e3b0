"""The value of a function in any arithmetic, from its definition: traced numbers, floats, balls, high precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, reduce
from operator import add, ge, gt, le, lt, mul
from typing import Any, Protocol

from sympy import Add, Dummy, Expr, Mul, Piecewise, Pow, Rational, Symbol, pi
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

from symbackprop.errors import InternalError
from symbackprop.functions.row import ElementaryFunction
from symbackprop.functions.table import BY_NAME, ELEMENTARY


class Arithmetic(Protocol):
    """Numbers with + - * / ** and comparisons, and what else a definition needs."""

    def number(self, value: Fraction) -> Any:
        """Return a constant."""

    def pi(self) -> Any:
        """Return π."""

    def primitive(self, row: ElementaryFunction, argument: Any) -> Any:
        """Return a primitive function of a number."""


@cache
def written_out(name: str) -> tuple[tuple[Symbol, ...], Expr]:
    """Return symbols for the arguments of a function, and its definition in other functions of the table."""
    row = BY_NAME[name]
    arguments = tuple(Dummy(letter, real=True) for letter in "xab"[: row.arity])
    if row.definition is None:
        raise InternalError(f"function {name} has no definition")
    return arguments, row.definition(*arguments)


def applied(row: ElementaryFunction, arguments: tuple[Any, ...], arithmetic: Arithmetic) -> Any:
    """Return f(*arguments): the primitive where f is one, else its definition worked out."""
    if row.primitive is not None:
        return arithmetic.primitive(row, *arguments)
    symbols, expression = written_out(row.name)
    return _value(expression, dict(zip(symbols, arguments, strict=True)), arithmetic)


Values = Mapping[Symbol, Any]


def _value(expression: Expr, values: Values, arithmetic: Arithmetic) -> Any:
    if expression in values:
        return values[expression]
    rule = next((rule for kind, rule in _RULES if isinstance(expression, kind)), None)
    if rule is not None:
        return rule(expression, values, arithmetic)
    if expression is pi:
        return arithmetic.pi()
    row = ELEMENTARY.get(expression.func)
    if row is None:
        raise InternalError(f"no rule for {expression} in the definition of a function")
    return applied(row, tuple(_value(arg, values, arithmetic) for arg in expression.args), arithmetic)


def _number(expression: Rational, values: Values, arithmetic: Arithmetic) -> Any:
    return arithmetic.number(Fraction(int(expression.p), int(expression.q)))


def _power(expression: Pow, values: Values, arithmetic: Arithmetic) -> Any:
    base, exponent = _value(expression.base, values, arithmetic), expression.exp
    if not isinstance(exponent, Rational) or exponent.q > 2:
        raise InternalError(f"no rule for {expression} in the definition of a function")
    if exponent.q == 2:
        base = applied(BY_NAME["sqrt"], (base,), arithmetic)
    return base ** int(exponent.p) if exponent > 0 else 1 / base ** int(-exponent.p)


def _cases(expression: Piecewise, values: Values, arithmetic: Arithmetic) -> Any:
    for value, condition in expression.args:
        if condition == True or _RELATIONS[type(condition)](*(_value(side, values, arithmetic) for side in condition.args)):  # noqa: E712 - sympy's true
            return _value(value, values, arithmetic)
    raise InternalError(f"no case of {expression} applies")


def _joined(operation: Callable[[Any, Any], Any]) -> Callable[[Expr, Values, Arithmetic], Any]:
    return lambda expression, values, arithmetic: reduce(operation, (_value(a, values, arithmetic) for a in expression.args))


_RELATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    StrictGreaterThan: gt,
    StrictLessThan: lt,
    GreaterThan: ge,
    LessThan: le,
}
_RULES: tuple[tuple[type, Callable[[Any, Values, Arithmetic], Any]], ...] = (
    (Rational, _number),
    (Add, _joined(add)),
    (Mul, _joined(mul)),
    (Pow, _power),
    (Piecewise, _cases),
)
