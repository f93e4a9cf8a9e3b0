"""Numbers as a document prints them: decimal places and the rounding rule.

A float stands for its exact binary value; that value is rounded, so `0.125` at two places is `0.12` half-even and `0.13` half-up.
Without a number of places the shortest digits are printed that read back as the same float.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from math import isfinite

from symbackprop.errors import UserError
from symbackprop.formula.notation import Notation
from symbackprop.formula.tree import Formula, Neg, Number, Power, Product

_RULES = {"half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP}
_EXACT = Context(prec=1100)  # enough for every digit of any double


def number(value: float | int, notation: Notation | None = None) -> Formula:
    """Write a value as a formula: digits, a minus in front if negative, a power of ten where the exponent is large.

    Raises `UserError` for a value that is not finite.
    """
    chosen = notation or Notation()
    if isinstance(value, int):
        text = str(value)
    elif not isfinite(value):
        raise UserError(f"cannot write {value} as a number; expected a finite value")
    elif chosen.decimals is None:
        text = repr(float(value))
    else:
        places = Decimal(1).scaleb(-chosen.decimals)
        text = format(Decimal(float(value)).quantize(places, _RULES[chosen.rounding], _EXACT), "f")
    negative, digits = text.startswith("-"), text.lstrip("-")
    body = _with_exponent(digits)
    return Neg(body) if negative and any(digit in "123456789" for digit in digits) else body


def _with_exponent(digits: str) -> Formula:
    mantissa, _, exponent = digits.partition("e")
    if not exponent:
        return Number(digits)
    power = Number(exponent.lstrip("+-").lstrip("0"))
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return Product((Number(mantissa), Power(Number("10"), Neg(power) if exponent[0] == "-" else power)))
