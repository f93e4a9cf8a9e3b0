"""Short ways to write a formula down by hand: `add`, `subtract`, `multiply`, `divide`, `call`, `partial`, `equation` …

Every helper takes formulas, strings (names) or integers, and keeps the order it is given. `add` and `multiply` of a single
part are that part; nothing is simplified.
"""

from __future__ import annotations

from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import (
    Call,
    Chain,
    Formula,
    Fraction,
    Indexed,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Sum,
)

Written = Formula | str | int


def written(part: Written) -> Formula:
    """Turn a string into a name and an integer into a number (a negative one into `Neg`)."""
    if isinstance(part, Formula):
        return part
    if isinstance(part, str):
        return Name(part)
    return Neg(Number(str(-part))) if part < 0 else Number(str(part))


def add(*terms: Written) -> Formula:
    """Write terms one after the other: `add("a", negate("b"))` is `a - b`."""
    return _join(Sum, terms)


def negate(body: Written) -> Formula:
    """Write a minus in front."""
    return Neg(written(body))


def subtract(first: Written, second: Written) -> Formula:
    """Write `first - second`."""
    return Sum((written(first), Neg(written(second))))


def multiply(*factors: Written) -> Formula:
    """Write factors one after the other."""
    return _join(Product, factors)


def divide(numerator: Written, denominator: Written) -> Formula:
    """Write a fraction."""
    return Fraction(written(numerator), written(denominator))


def power(base: Written, exponent: Written) -> Formula:
    """Write `base^{exponent}`."""
    return Power(written(base), written(exponent))


def call(function: Written, *arguments: Written) -> Formula:
    """Write a function applied to arguments: `call("sigmoid", "z")`."""
    return Call(written(function), tuple(map(written, arguments)))


def indexed(name: str, *indices: Written, upper: tuple[Written, ...] = ()) -> Formula:
    """Write a name with indices: `indexed("X", "n", "i")`."""
    return Indexed(name, tuple(map(written, indices)), tuple(map(written, upper)))


def partial(numerator: Written, denominator: Written) -> Formula:
    """Write `∂numerator/∂denominator`."""
    return Partial(written(numerator), written(denominator))


def equation(*parts: Written) -> Formula:
    """Write parts joined by `=`."""
    return Chain(tuple(map(written, parts)), ("=",) * (len(parts) - 1))


def _join(kind: type[Sum] | type[Product], parts: tuple[Written, ...]) -> Formula:
    if not parts:
        raise InternalError(f"{kind.__name__}: nothing to join")
    return written(parts[0]) if len(parts) == 1 else kind(tuple(map(written, parts)))
