"""The exact number that a float in somebody's code stands for.

`0.1` in a program means 1/10, not 3602879701896397 / 2**55; `0.5 ** 0.5` computed before tracing starts means √(1/2). A float is
read as the simplest fraction that rounds to it; when that fraction is not simple, as a simple multiple of a few constants; and
only when nothing simple is near, as the decimal that was written, or that fraction after all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_SIMPLE = 10**6
"""A fraction p/q with |p|·q below this bound is taken to be what the author meant (a random float has one nearby
with a chance below 1e-7)."""
_LITERAL_DIGITS = 15
"""Significant digits of a float that was written down rather than computed."""
_ROUNDING = 4
"""Units in the last place by which a float computed in a few steps may miss the number it stands for."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The number `function(fraction)`, times -1 when `negative`; function is one of `FORMS`."""

    form: str
    fraction: Fraction
    negative: bool = False


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of smallest denominator in the closed interval [low, high], by continued fractions.

    >>> simplest_between(Fraction(31, 100), Fraction(34, 100))
    Fraction(1, 3)
    """
    if low > high:
        low, high = high, low
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest_between(-high, -low)
    # Both ends share a prefix of their continued fractions; (p, q) and (p1, q1) are the last two convergents of it. What is left
    # of the ends is a/b and c/d, in plain whole numbers: every number of an array in somebody's code comes through here.
    (a, b), (c, d) = low.as_integer_ratio(), high.as_integer_ratio()
    p, q, p1, q1 = 1, 0, 0, 1
    while True:
        whole, left = divmod(a, b)
        if left == 0 or c >= (whole + 1) * d:
            last = whole if left == 0 else whole + 1
            return Fraction(last * p + p1, last * q + q1)
        p, q, p1, q1 = whole * p + p1, whole * q + q1, p, q
        a, b, c, d = d, c - whole * d, b, left


def simplest_fraction(value: float, ulps: float = 0.5) -> Fraction:
    """Return the simplest fraction within `ulps` units in the last place of a finite float.

    >>> simplest_fraction(0.1), simplest_fraction(2 / 3)
    (Fraction(1, 10), Fraction(2, 3))
    """
    if value == int(value):
        # Beyond 2^53 every float is whole; what was written is the shortest decimal.
        return Fraction(int(value)) if abs(value) < 2**53 else _decimal(value)
    binary = Fraction(value)
    slack = Fraction(math.ulp(value)) * Fraction(ulps)
    found = simplest_between(binary - slack, binary + slack)
    # The ends of the interval may round to a neighbour.
    return found if ulps > 0.5 or float(found) == value else _decimal(value)


def _decimal(value: float) -> Fraction:
    """Return the shortest decimal that rounds to a float: what Python prints."""
    return Fraction(repr(float(value)))


def _is_simple(fraction: Fraction, bound: int = _SIMPLE) -> bool:
    return abs(fraction.numerator) * fraction.denominator <= bound


# How to undo each form: value = form(fraction), so fraction = undo(value).
_UNDO: dict[str, Callable[[float], float]] = {
    "sqrt": lambda value: value * value,
    "pi": lambda value: value / math.pi,
    "over pi": lambda value: value * math.pi,
    "sqrt pi": lambda value: value * value / math.pi,
    "sqrt over pi": lambda value: value * value * math.pi,
    "exp": lambda value: math.log(value),
    "log": lambda value: math.exp(value) if value < 40 else math.inf,
}
FORMS = ("fraction", *_UNDO)


@lru_cache(maxsize=1 << 16)
def exact(value: float) -> Exact:
    """Return the exact number that a finite float in code stands for.

    >>> exact(0.30000000000000004).fraction, exact(2 ** 0.5).form
    (Fraction(3, 10), 'sqrt')
    """
    fraction = simplest_fraction(value)
    if _is_simple(fraction):
        return Exact("fraction", fraction)
    near = simplest_fraction(value, _ROUNDING)
    if _is_simple(near):
        return Exact("fraction", near)
    size = abs(value)
    if 1e-8 < size < 1e8:
        for form, undo in _UNDO.items():
            inside = undo(size)
            if not math.isfinite(inside) or inside == 0:
                continue
            candidate = simplest_fraction(inside, _ROUNDING)
            # A form has to explain the float by far fewer digits than it has; logarithms and exponentials by fewer still.
            if _is_simple(candidate, 10_000 if form in ("exp", "log") else _SIMPLE):
                return Exact(form, candidate, negative=value < 0)
    # A decimal cut by hand (0.7978845608) is that decimal, not the slightly simpler fraction beside it.
    digits = len(repr(abs(value)).split("e")[0].replace(".", "").strip("0"))
    return Exact("fraction", _decimal(value) if digits <= _LITERAL_DIGITS else fraction)
