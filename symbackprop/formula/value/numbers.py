"""Numbers as a document prints them: the one rule of rounding, and numbers as formulas.

A value stands for the decimal fraction that is written for it: the shortest digits that read back as the same float. So 0.1 is
1/10, and 2.675 lies in the middle between 2.67 and 2.68. Ties go away from zero ("half-up") unless a notation says "half-even".
All places are printed where rounding changed the value, else no more than needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as Exact
from math import floor, isfinite
from typing import Any

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Formula, Neg, Number, Power, Product

MOST_PLACES = 400  # of a decimal fraction that is printed in full: those of the smallest float


@dataclass(frozen=True, slots=True)
class Rounding:
    """The rule: `places` behind the point, ties away from zero ("half-up") or to the even digit ("half-even")."""

    places: int
    ties: str = "half-up"

    def round(self, value: Exact) -> Exact:
        """Return the value rounded under the rule."""
        scaled = abs(value) * 10**self.places
        whole = floor(scaled)
        rest = scaled - whole
        up = rest > Exact(1, 2) or (rest == Exact(1, 2) and (self.ties == "half-up" or whole % 2 == 1))
        rounded = Exact(whole + up, 10**self.places)
        return -rounded if value < 0 else rounded

    def text(self, value: Exact) -> str:
        """Return the digits printed: all places where rounding changed the value, else no more than needed."""
        rounded = self.round(value)
        return _fixed(rounded, self.places) if rounded != value else _shortest(rounded)

    def formula(self, value: Exact) -> Formula:
        """Return the printed number as a formula, with a minus in front where it is negative."""
        return _signed(self.text(value))


def exact(value: Any) -> Exact:
    """Return the decimal fraction a number is written as (`0.1` is 1/10, not the binary value); UserError unless finite."""
    if isinstance(value, Exact | int):
        return Exact(value)
    plain = float(value)
    if not isfinite(plain):
        raise UserError(f"cannot write {plain} as a number; expected finite values")
    return Exact(repr(plain))


def number(value: float | int, notation: Notation | None = None) -> Formula:
    """Write a value as a formula: digits, a minus in front if negative, a power of ten where all digits have a large exponent.

    Raises `UserError` for a value that is not finite.
    """
    chosen = notation or Notation()
    if isinstance(value, int):
        return _signed(str(value))
    if chosen.decimals is not None:
        return Rounding(chosen.decimals, chosen.rounding).formula(exact(value))
    if not isfinite(value):
        raise UserError(f"cannot write {value} as a number; expected finite values")
    mantissa, _, exponent = repr(float(value)).partition("e")
    if not exponent:
        return _signed(mantissa)
    power = _signed(str(int(exponent)))
    scaled = Product((Number(mantissa.lstrip("-") + ("" if "." in mantissa else ".0")), Power(Number("10"), power)))
    return Neg(scaled) if mantissa.startswith("-") else scaled


def _signed(digits: str) -> Formula:
    """Turn digits, with or without a sign, into a formula; zero has no sign."""
    body = Number(digits.lstrip("-"))
    return Neg(body) if digits.startswith("-") and any(digit in "123456789" for digit in digits) else body


def _fixed(value: Exact, places: int) -> str:
    """Return a decimal fraction with exactly `places` places; the value must have no more."""
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def _shortest(value: Exact) -> str:
    """Return a decimal fraction without needless zeros."""
    places = next((count for count in range(MOST_PLACES) if (value * 10**count).denominator == 1), None)
    if places is None:
        raise NotSupportedError(f"{value} is not a decimal fraction of at most {MOST_PLACES} places")
    return _fixed(value, places)
