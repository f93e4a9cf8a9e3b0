"""What is known before the first line is read: the functions of mathematics, and a network where one is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import mpmath
import numpy as np
import sympy
from mpmath import mpf

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Formula
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.functions import BY_NAME, ElementaryFunction
from symbackprop.functions.definitions import applied
from symbackprop.network import Network
from symbackprop.proofreading.meaning.values import Definition, Key, Knowledge

_VARIABLE = sympy.Symbol("x", real=True)


@cache
def functions() -> Mapping[str, Callable[..., mpf]]:
    """Return the functions by name, for numbers of any precision."""
    known: dict[str, Callable[..., mpf]] = {"maximum": max, "minimum": min, "log": _log, "Abs": abs, "ceil": mpmath.ceil}
    known |= {"indicator": lambda x: x, "sign": mpmath.sign, "step": lambda x: mpf(x > 0), "factorial": mpmath.factorial}
    for name, row in BY_NAME.items():
        if name not in known:
            known[name] = _worked_out(row)
    return MappingProxyType(known)


def _log(x: mpf) -> mpf:
    if x <= 0:
        raise ValueError("logarithm of a number that is not positive")
    return mpmath.log(x)


class _HighPrecision:
    """Definitions of functions worked out in mpmath, at the precision that is set."""

    def number(self, value: Fraction) -> mpf:
        return mpf(value.numerator) / value.denominator

    def pi(self) -> mpf:
        return +mpmath.pi

    def primitive(self, row: ElementaryFunction, argument: mpf) -> mpf:
        return _log(argument) if row.name == "log" else _primitive(row.name)(argument)


@cache
def _primitive(name: str) -> Callable[..., mpf]:
    row = BY_NAME[name]
    make = row.function if row.definition is None else row.definition
    return sympy.lambdify(_VARIABLE, make(_VARIABLE), "mpmath")  # type: ignore[no-any-return]


def _worked_out(row: ElementaryFunction) -> Callable[..., mpf]:
    return lambda *arguments: applied(row, arguments, _HighPrecision())


def environment_of(network: Network | None, loss: str | None, notation: Notation | None, rate: float | None) -> Knowledge:
    """Return what a network says: its definitions as formulas, its numbers by entry, the aliases of a notation."""
    found = Knowledge(functions=functions(), loss=loss, rate=mpf(str(rate)) if rate is not None else None)
    if notation is not None:
        found.aliases.update(notation.aliases)
    if network is not None:
        _tell(found, network)
    return found


def _tell(found: Knowledge, network: Network) -> None:
    """Put what a network says into what is known."""
    order: dict[str, Any] = {}
    for name, node in network.nodes.items():
        letters = tuple(str(index.label) for index in node.indices)
        if node.expression is not None:
            found.definitions[name] = Definition(name, _written(node.expression, order), letters)
        if node.indices:
            found.shapes[name] = tuple(map(str, node.shape))
            found.extents.update(zip(letters, found.shapes[name], strict=True))
    for label, index in network.declared_indices.items():
        found.extents.setdefault(label, str(index.upper - index.lower + 1))
    for name, value in network.values.items():
        found.given.update(entries(name, value))
    if network.values:
        found.sizes.update({str(name): int(size) for name, size in network.sizes(network.values).items()})


def _written(expression: Any, order: Mapping[str, Any]) -> Formula:
    return from_sympy(expression, order, Notation())


def entries(name: str, value: Any) -> dict[Key, mpf]:
    """Return the numbers of a scalar or an array by entry; places count from 1, as formulas do."""
    if np.ndim(value) == 0:
        return {(name,): _number(value)}
    array = np.asarray(value)
    return {(name, *(place + 1 for place in places)): mpf(repr(float(array[places]))) for places in np.ndindex(array.shape)}


def _number(value: Any) -> mpf:
    if isinstance(value, sympy.Basic):
        exact = sympy.Rational(value)
        return mpf(int(exact.p)) / int(exact.q)
    return mpf(repr(float(value)))
