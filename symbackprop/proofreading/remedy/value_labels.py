"""A label beside a value (`# E_o1 by out_h1`): the derivative it names, or the one it should have named."""

from __future__ import annotations

import re

import mpmath
from mpmath import mpf

from symbackprop.formula.tree.tree import Name, Partial
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.values import DIGITS, Knowledge, Valuation
from symbackprop.proofreading.text.code_lines import Values

NEAR = mpf(10) ** -9


def wrong_label(label: str, value: Values | None, environment: Knowledge) -> tuple[str, str] | None:
    """Return (name in the label, name that belongs there) where a label names two quantities and another derivative is meant."""
    if value is None or isinstance(value, list):
        return None
    named = [
        word for word in re.findall(r"[A-Za-z]\w*", label, re.ASCII) if environment.canonical(word) in environment.definitions
    ]
    if len(named) != 2:
        return None
    of, by = named
    with mpmath.workdps(DIGITS):
        if _is_derivative(of, by, value, environment):
            return None
        likes = [name for name in environment.definitions if _alike(name, of)]
        right = [name for name in likes if _is_derivative(name, by, value, environment)]
    return (of, right[0]) if len(right) == 1 else None


def _is_derivative(of: str, by: str, value: float, environment: Knowledge) -> bool:
    point = Valuation(environment)
    try:
        slope = point.value(Partial(Name(environment.canonical(of)), Name(environment.canonical(by))))
    except NoValueError:
        return False
    return bool(abs(slope - mpf(value)) <= NEAR * max(1, abs(slope)))


def _alike(name: str, other: str) -> bool:
    """Whether two names differ in their numbers only."""
    return name != other and re.sub(r"\d+", "#", name) == re.sub(r"\d+", "#", other)
