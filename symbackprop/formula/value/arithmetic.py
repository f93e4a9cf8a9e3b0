"""The arithmetic a written formula is worked out in: floats, exact fractions, or intervals by the digits that are printed.

Functions are worked out from their definitions (`functions.definitions`); nothing here knows a derivative. What has no value
(a division by zero, an entry outside an array) is not a number, and carries its reason through everything that is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
import sympy
from flint import arb

from symbackprop.errors import InternalError, NotSupportedError, nearest
from symbackprop.functions import BY_ANY_NAME, ElementaryFunction
from symbackprop.functions.definitions import applied

DIGITS = 40
MOST_DIGITS = 4000
"""Digits before the point beyond which a value is refused; one that begins later than that behind the point is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Undefined:
    """No value, and why; whatever is made with it has none either, and it is neither equal to anything nor less nor greater."""

    why: str

    def _absorb(self, *_: Any) -> Undefined:
        return self

    def _never(self, other: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _absorb
    __neg__ = __abs__ = _absorb
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = _never
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class NumberSystem:
    """How a number is read and whether it is one; what acts on arrays: functions by name, division and powers."""

    number: Callable[[str], Any]
    constants: Mapping[str, Any]
    call: Callable[..., Any]
    divide: Callable[[Any, Any], Any] = np.divide
    power: Callable[[Any, Any], Any] = np.power
    undefined: Callable[[str], Any] = Undefined


def entrywise(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return a function of `count` arrays from one of numbers; an entry without a value stays without."""

    def value(*arguments: Any) -> Any:
        missing = next((argument for argument in arguments if isinstance(argument, Undefined)), None)
        return missing if missing is not None else function(*arguments)

    over_arrays: Callable[..., Any] = np.frompyfunc(value, count, 1)
    return over_arrays


def _objects(function: Callable[..., Any], *arguments: Any) -> Any:
    with np.errstate(all="ignore"):  # of floats that sympy uses on its way; results are exact
        return np.asarray(function(*(np.asarray(argument, dtype=object) for argument in arguments)), dtype=object)


def _row(name: str) -> ElementaryFunction:
    if name not in BY_ANY_NAME:
        raise NotSupportedError(f"no function {name!r} is known.{nearest(name, BY_ANY_NAME)}")
    return BY_ANY_NAME[name]


class _Numbers:
    """What a definition is worked out in, from how a constant is made and how a primitive function is taken."""

    def __init__(
        self,
        number: Callable[[Fraction], Any],
        pi: Callable[[], Any],
        primitive: Callable[[ElementaryFunction, Any], Any],
    ) -> None:
        self.number = number
        self.pi = pi
        self.primitive = primitive

    def each(self, name: str) -> Callable[..., Any]:
        """Return a function of arrays, entry by entry."""
        row = _row(name)
        return entrywise(lambda *arguments: applied(row, arguments, self), row.arity)


# --- floats


def _float_primitive(row: ElementaryFunction, argument: float) -> float:
    return float(row.primitive.values(argument)) if row.primitive is not None else math.nan


_FLOAT = _Numbers(float, lambda: math.pi, _float_primitive)


@cache
def _of_floats(name: str) -> Callable[..., Any]:
    numpy = _row(name).called.numpy
    function: Callable[..., Any] = getattr(np, numpy[0]) if numpy else _FLOAT.each(name)
    return function


#: Ordinary floating-point numbers; what has no value is not a number (nan).
FLOATS = NumberSystem(
    float,
    {"e": np.e, "pi": np.pi},
    lambda name, *arguments: np.asarray(_of_floats(name)(*(np.asarray(x, dtype=float) for x in arguments)), dtype=float),
    undefined=lambda why: math.nan,
)

# --- exact fractions


def _decimal(value: Any) -> Fraction | Undefined:
    """Return a sympy number to `DIGITS` digits."""
    number = sympy.N(value, DIGITS)
    if not number.is_real or not number.is_finite:
        return Undefined(f"{value} has no finite real value; choose other values")
    if number.is_Rational:
        return Fraction(int(number.p), int(number.q))
    text = str(number)
    power = int(text.partition("e")[2] or 0)
    if power > MOST_DIGITS:
        return Undefined("a value has more digits than can be printed; choose other values or a smaller learning rate")
    return Fraction(text) if power > -MOST_DIGITS else Fraction(0)


def _rational(value: Any) -> Any:
    exact = Fraction(value)
    return sympy.Rational(exact.numerator, exact.denominator)


@lru_cache(maxsize=4096)
def _exact_value(name: str, *arguments: Fraction) -> Fraction | Undefined:
    return _decimal(_row(name).function(*map(_rational, arguments)))


@cache
def _exactly(name: str) -> Callable[..., Any]:
    return entrywise(lambda *arguments: _exact_value(name, *map(Fraction, arguments)), _row(name).arity)


def _quotient(above: Any, below: Any) -> Any:
    return Fraction(above) / Fraction(below) if below else Undefined("a division by zero at these values; choose other values")


def _exact_power(base: Any, exponent: Any) -> Any:
    base, exponent = Fraction(base), Fraction(exponent)
    if exponent.denominator == 1 and (base or exponent >= 0) and abs(exponent) <= MOST_DIGITS:
        return base ** int(exponent)
    if base < 0:
        return Undefined("a negative number to a broken power has no real value; choose other values")
    if base == 0:
        return Fraction(0) if exponent > 0 else _quotient(1, 0)
    # A power of two long fractions is not worked out exactly on the way: sympy would take their integer parts to it.
    return _decimal(sympy.exp(sympy.Mul(_rational(exponent), sympy.log(_rational(base)), evaluate=False), evaluate=False))


#: Sums, products and quotients exact; functions to `DIGITS` digits.
EXACT = NumberSystem(
    Fraction,
    {"e": _decimal(sympy.E), "pi": _decimal(sympy.pi)},
    lambda name, *arguments: _objects(_exactly(name), *arguments),
    entrywise(_quotient, 2),
    entrywise(_exact_power, 2),
)

# --- intervals


def printed_interval(digits: str) -> arb:
    """Return the numbers that are printed with these digits: 0.59 is all of [0.585, 0.595], a number without a point itself."""
    mantissa, _, exponent = digits.lower().partition("e")
    value = _ball(Fraction(digits))
    if "." not in mantissa:
        return value
    places = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return value + arb(0, _ball(Fraction(1, 2) / Fraction(10) ** places).upper())


def _ball(value: Any) -> arb:
    if isinstance(value, arb):
        return value
    exact = Fraction(value)
    return arb(exact.numerator) / arb(exact.denominator)


def _ball_primitive(row: ElementaryFunction, argument: Any) -> Any:
    if row.primitive is None:
        raise InternalError(f"{row.name} is no primitive function")
    return row.primitive.ball(_ball(argument))


_INTERVAL = _Numbers(_ball, arb.pi, _ball_primitive)


@cache
def _of_balls(name: str) -> Callable[..., Any]:
    row = _row(name)
    return entrywise(lambda *arguments: applied(row, tuple(map(_ball, arguments)), _INTERVAL), row.arity)


def _ball_quotient(above: Any, below: Any) -> Any:
    divisor = _ball(below)
    return Undefined("a division by what may be zero") if divisor.contains(0) else _ball(above) / divisor


def _ball_power(base: Any, exponent: Any) -> Any:
    whole = _ball(exponent).unique_fmpz()
    return _ball(base) ** (whole if whole is not None else _ball(exponent))


#: Intervals that hold every number the digits may stand for: `arb` balls of python-flint.
INTERVALS = NumberSystem(
    printed_interval,
    {"e": arb(1).exp(), "pi": arb.pi()},
    lambda name, *arguments: _objects(_of_balls(name), *arguments),
    entrywise(_ball_quotient, 2),
    entrywise(_ball_power, 2),
)
