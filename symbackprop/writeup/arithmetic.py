"""Exact arithmetic on written formulas, and the rounding rule of a write-up.

A formula with numbers in it is computed with fractions, so that a tie such as 0.5 · 0.085509 = 0.0427545 is a tie here too (in
binary floating point it is not). Only elementary functions are approximated, to 40 digits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from functools import lru_cache, singledispatch
from itertools import pairwise
from math import floor, log10
from typing import Any

import sympy

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula import tree
from symbackprop.formula.meaning import CONSTANTS
from symbackprop.formula.tree import Formula, Neg, Number
from symbackprop.network.functions import BY_NAME

DIGITS = 40


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
        return fixed(rounded, self.places) if rounded != value else shortest(rounded)

    def formula(self, value: Exact) -> Formula:
        """Return the printed number as a formula, with a minus in front where it is negative."""
        return number_formula(self.text(value))


def fixed(value: Exact, places: int) -> str:
    """Return a decimal fraction with exactly `places` places; the value must have no more."""
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def shortest(value: Exact) -> str:
    """Return a decimal fraction without needless zeros."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > DIGITS:
            raise NotSupportedError(f"{value} is not a decimal fraction of at most {DIGITS} places")
    return fixed(value, places)


def number_formula(text: str) -> Formula:
    """Turn digits, with or without a sign, into a formula."""
    return Neg(Number(text[1:])) if text.startswith("-") else Number(text)


def exact(value: Any) -> Exact:
    """Return the decimal fraction a given number is written as (`0.1` is 1/10, not the binary value)."""
    if isinstance(value, Exact | int):
        return Exact(value)
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise UserError(f"handout: expected finite values, got {number}")
    return Exact(repr(number))


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: `lookup` gives the value of a name, element or derivative; `ranges` the size behind an index."""

    lookup: Callable[[Formula, Mapping[str, int]], Exact | None]
    ranges: Mapping[str, int]
    indices: Mapping[str, int]

    def at(self, **indices: int) -> Scope:
        """Return the scope with indices set."""
        return Scope(self.lookup, self.ranges, {**self.indices, **indices})


def evaluate(formula: Formula, scope: Scope) -> Exact:
    """Return the value of a formula. Raises NotSupportedError where it has none."""
    known = scope.lookup(formula, scope.indices)
    return _evaluate(formula, scope) if known is None else known


NOTHING = Scope(lambda formula, indices: None, {}, {})


def value_of(formula: Formula) -> Exact:
    """Return the value of a formula without names."""
    return evaluate(formula, NOTHING)


@singledispatch
def _evaluate(formula: Formula, scope: Scope) -> Exact:
    raise NotSupportedError(f"arithmetic: {type(formula).__name__} has no numerical value here: {formula}")


@_evaluate.register
def _(formula: tree.Number, scope: Scope) -> Exact:
    return Exact(formula.text)


@_evaluate.register
def _(formula: tree.Name, scope: Scope) -> Exact:
    if formula.name not in CONSTANTS:
        raise NotSupportedError(f"arithmetic: no value is known for {formula.name}")
    return _decimal(CONSTANTS[formula.name])


@_evaluate.register
def _(formula: tree.Neg, scope: Scope) -> Exact:
    return -evaluate(formula.body, scope)


@_evaluate.register
def _(formula: tree.Group, scope: Scope) -> Exact:
    return evaluate(formula.body, scope)


@_evaluate.register
def _(formula: tree.Sum, scope: Scope) -> Exact:
    return sum((evaluate(term, scope) for term in formula.terms), Exact(0))


@_evaluate.register
def _(formula: tree.Product, scope: Scope) -> Exact:
    product = Exact(1)
    for factor in formula.factors:
        product *= evaluate(factor, scope)
    return product


@_evaluate.register
def _(formula: tree.Fraction, scope: Scope) -> Exact:
    below = evaluate(formula.denominator, scope)
    if below == 0:
        raise UserError("handout: a division by zero at these values; choose other values")
    return evaluate(formula.numerator, scope) / below


@_evaluate.register
def _(formula: tree.Power, scope: Scope) -> Exact:
    exponent = evaluate(formula.exponent, scope)
    if formula.base == tree.Name("e"):
        return _function("exp", (exponent,))
    base = evaluate(formula.base, scope)
    if exponent.denominator == 1 and (base != 0 or exponent >= 0):
        return base ** int(exponent)
    return _decimal(sympy.Pow(_rational(base), _rational(exponent)))


@_evaluate.register
def _(formula: tree.Root, scope: Scope) -> Exact:
    return _decimal(sympy.sqrt(_rational(evaluate(formula.body, scope))))


@_evaluate.register
def _(formula: tree.Bars, scope: Scope) -> Exact:
    return abs(evaluate(formula.body, scope))


@_evaluate.register
def _(formula: tree.Call, scope: Scope) -> Exact:
    if not isinstance(formula.function, tree.Name):
        raise NotSupportedError(f"arithmetic: {formula.function} is not an elementary function")
    arguments = tuple(evaluate(argument, scope) for argument in formula.arguments)
    return _function(formula.function.name, arguments)


@_evaluate.register
def _(formula: tree.BigSum, scope: Scope) -> Exact:
    if formula.operator != "sum" or not isinstance(formula.index, tree.Name):
        raise NotSupportedError(f"arithmetic: {formula.operator} over {formula.index} is not computed")
    index = formula.index.name
    return sum((evaluate(formula.body, scope.at(**{index: at})) for at in _run(formula, index, scope)), Exact(0))


def _run(formula: tree.BigSum, index: str, scope: Scope) -> range:
    """Return the places a summed index takes, `i'` those of `i`; from 1 to its size means all of it."""
    size = scope.ranges.get(index, scope.ranges.get(index.rstrip("'")))
    if formula.upper is None and formula.lower is None and size is not None:
        return range(size)
    if formula.upper is None or formula.lower is None:
        raise NotSupportedError(f"arithmetic: the bounds of the sum over {index} are not known")
    first, last = (int(evaluate(bound, scope)) for bound in (formula.lower, formula.upper))
    return range(last) if (first, last) == (1, size) else range(first, last + 1)


@_evaluate.register
def _(formula: tree.Cases, scope: Scope) -> Exact:
    for branch in formula.branches:
        if branch.condition is None or holds(branch.condition, scope):
            return evaluate(branch.value, scope)
    raise NotSupportedError(f"arithmetic: no case applies: {formula}")


def holds(condition: Formula, scope: Scope) -> bool:
    """Return whether a condition holds; raises NotSupportedError for what is none."""
    if isinstance(condition, tree.Logic):
        return (all if condition.operator == "and" else any)(holds(part, scope) for part in condition.parts)
    if not isinstance(condition, tree.Chain) or not set(condition.relations) <= _COMPARED.keys():
        raise NotSupportedError(f"arithmetic: {condition} is not a condition")
    sides = [evaluate(part, scope) for part in condition.parts]
    return all(
        _COMPARED[relation](left, right) for relation, (left, right) in zip(condition.relations, pairwise(sides), strict=True)
    )


_COMPARED: Mapping[str, Callable[[Exact, Exact], bool]] = {
    "=": operator.eq, "≠": operator.ne, "<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge,
}  # fmt: skip


@_evaluate.register
def _(formula: tree.Delta, scope: Scope) -> Exact:
    return Exact(int(evaluate(formula.first, scope) == evaluate(formula.second, scope)))


MOST_DIGITS = 4000
"""Digits before the point beyond which a value is refused; one that begins later than that behind the point is 0."""


@lru_cache(maxsize=4096)
def _function(name: str, arguments: tuple[Exact, ...]) -> Exact:
    known: dict[str, Any] = {"exp": sympy.exp, "log": sympy.log, "ln": sympy.log, "sqrt": sympy.sqrt}
    function = known.get(name) or (BY_NAME[name].function if name in BY_NAME else None)
    if function is None:
        raise NotSupportedError(f"arithmetic: no function {name}")
    return _decimal(function(*map(_rational, arguments)))


def _rational(value: Exact) -> Any:
    return sympy.Rational(value.numerator, value.denominator)


def _decimal(value: Any) -> Exact:
    number = sympy.N(value, DIGITS)
    if not number.is_real or not number.is_finite:
        raise UserError(f"handout: {value} has no finite real value; choose other values")
    if number.is_Rational:
        return Exact(number.p, number.q)
    text = str(number)
    power = int(text.partition("e")[2] or 0)
    if power > MOST_DIGITS:
        raise UserError("handout: a value has more digits than can be printed; choose other values or a smaller learning rate")
    return Exact(text) if power > -MOST_DIGITS else Exact(0)


def significant(value: Exact) -> float:
    """Return log10 of the size, minus infinity for 0."""
    return log10(abs(value)) if value else float("-inf")
