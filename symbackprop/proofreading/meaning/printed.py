"""Numbers as they are printed: a decimal stands for every number that rounds to it, so a row of them is an interval.

Whole numbers, short decimals (`0.05`) and the values that the document itself gives are exact; `0.0970` is 0.0970 ± 0.00005.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mpmath import iv, mp, mpf

from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Call,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Sum,
)
from symbackprop.formula.tree.walk import fold, walk
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.values import is_log_with_a_base

EXACT_DIGITS = 3  # a decimal with more significant digits is taken to be rounded

_SYMBOLS = (Name, Indexed, Partial, BigSum)


def is_numeric(formula: Formula) -> bool:
    """Whether a side consists of numbers only (e and pi are numbers)."""
    parts = list(walk(formula))
    named = [node for node in parts if isinstance(node, _SYMBOLS) and node not in (Name("e"), Name("pi"))]
    functions = {node.function for node in parts if isinstance(node, Call)}
    return all(node in functions for node in named)


def printed_number(formula: Formula) -> tuple[mpf, mpf] | None:
    """Return value and half a unit of the last place of a side that is one number, perhaps with a sign; else None."""
    inner = formula
    sign = 1
    while isinstance(inner, Neg | Group):
        sign = -sign if isinstance(inner, Neg) else sign
        inner = inner.body
    number, exponent = _scientific(inner)
    if number is None:
        return None
    scale = mpf(10) ** exponent
    return sign * mpf(number.text) * scale, half_unit(number.text) * scale


def _scientific(formula: Formula) -> tuple[Number | None, int]:
    """Return 9.12 and -2 of `9.12 \\cdot 10^{-2}`, a number alone and 0; (None, 0) for anything else."""
    if isinstance(formula, Number):
        return formula, 0
    factors = formula.factors if isinstance(formula, Product) else ()
    if len(factors) != 2 or not isinstance(factors[0], Number) or not isinstance(factors[1], Power):
        return None, 0
    exponent = _whole(factors[1].exponent) if factors[1].base == Number("10") else None
    return (None, 0) if exponent is None else (factors[0], exponent)


def is_about_a_power_of_ten(side: Formula, values: tuple[str, str] | None) -> bool:
    """Whether a side is `10^{12}` and the other one is worth that but for a tenth: an order of magnitude, said as one."""
    worth = as_numbers(values)
    if worth is None or not isinstance(side, Power) or side.base != Number("10") or _whole(side.exponent) is None:
        return False
    first, second = worth
    return bool(abs(first - second) <= abs(second) / 10)


def as_numbers(values: Sequence[str] | None) -> list[mpf] | None:
    """Return what two sides are worth, as it is shown, as numbers; None where they are arrays or have no value."""
    try:
        return [mpf(value) for value in values] if values is not None else None
    except ValueError:
        return None


def _whole(formula: Formula) -> int | None:
    """Return -2 of `{-2}`; None for what is no whole number."""
    sign = 1
    while isinstance(formula, Neg | Group):
        sign = -sign if isinstance(formula, Neg) else sign
        formula = formula.body
    return sign * int(formula.text) if isinstance(formula, Number) and formula.text.isdigit() else None


def half_unit(text: str) -> mpf:
    """Return half a unit of the last printed place; 0 for a whole number."""
    digits, _, exponent = text.lower().partition("e")
    places = len(digits.partition(".")[2])
    return mpf(10) ** (int(exponent or 0) - places) / 2 if "." in digits else mpf(0)


def is_rounded(text: str) -> bool:
    """Whether a decimal has so many digits that it is taken to be rounded."""
    return "." in text and len(text.replace(".", "").lstrip("0")) > EXACT_DIGITS


def interval(formula: Formula, functions: Mapping[str, Callable[..., mpf]]) -> tuple[mpf, mpf]:
    """Return middle and half width of what a side of numbers only is worth. Raises NoValueError."""
    iv.dps = mp.dps

    def combine(node: Formula, parts: tuple[iv.mpf, ...]) -> iv.mpf:
        rule = _RULES.get(type(node))
        if rule is None:
            raise NoValueError(f"{type(node).__name__} of numbers has no interval")
        return rule(node, parts)

    def leaf(node: Formula) -> iv.mpf | None:
        if isinstance(node, Call):
            return _called(node, functions)
        return None

    try:
        found = fold(formula, combine, leaf)
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as problem:  # of one number, say, there is no maximum
        raise NoValueError(f"not defined: {problem}") from None
    low, high = mpf(found.a), mpf(found.b)
    return (low + high) / 2, (high - low) / 2


def _called(node: Call, functions: Mapping[str, Callable[..., mpf]]) -> iv.mpf:
    """A monotonic function is worked out at both ends; the others at three places."""
    if isinstance(node.function, Indexed) and is_log_with_a_base(node.function):
        (base,) = node.function.indices
        return _called(Call(Name("log"), node.arguments), functions) / _called(Call(Name("log"), (base,)), functions)
    known = functions.get(node.function.name) if isinstance(node.function, Name) else None
    if known is None:
        raise NoValueError("a function of numbers that is not known")
    ends = []
    for argument in node.arguments:
        middle, half = interval(argument, functions)
        ends.append((middle - half, middle, middle + half))
    values = [known(*places) for places in zip(*ends, strict=True)]
    return iv.mpf([min(values), max(values)])


def _number(node: Number, parts: tuple[iv.mpf, ...]) -> iv.mpf:
    value = mpf(node.text)
    half = half_unit(node.text) if is_rounded(node.text) else mpf(0)
    return iv.mpf([value - half, value + half])


def _name(node: Name, parts: tuple[iv.mpf, ...]) -> iv.mpf:
    constants = {"e": iv.e, "pi": iv.pi}
    if node.name not in constants:
        raise NoValueError(f"{node.name} is no number")
    return constants[node.name]


def _product(node: Formula, parts: tuple[iv.mpf, ...]) -> iv.mpf:
    total = iv.mpf(1)
    for part in parts:
        total = total * part
    return total


def _power(node: Power, parts: tuple[iv.mpf, ...]) -> iv.mpf:
    base, exponent = parts
    if node.base == Name("e"):
        return iv.exp(exponent)
    if exponent.delta == 0 and exponent.a == int(exponent.a):
        return base ** int(exponent.a)
    return iv.exp(exponent * iv.log(base))


_RULES: Mapping[type[Formula], Callable[..., iv.mpf]] = {
    Number: _number,
    Name: _name,
    Neg: lambda node, parts: -parts[0],
    Group: lambda node, parts: parts[0],
    Sum: lambda node, parts: sum(parts, iv.mpf(0)),
    Product: _product,
    Hadamard: _product,
    Fraction: lambda node, parts: parts[0] / parts[1],
    Power: _power,
    Root: lambda node, parts: iv.sqrt(parts[0]),
    Bars: lambda node, parts: abs(parts[0]),
}
