"""The arithmetics in which a reference is evaluated: float64 numbers, or nodes of a graph of traced scalars.

Both work on arrays element by element, so one interpreter of index notation serves both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.graph.elementary import elementary
from symbackprop.trace.graph.graph import Graph

Array = Any  # a number or array: float64 for `Floats`, nodes (Python integers) for `Nodes`


class Algebra(Protocol):
    """What the interpreter needs of an arithmetic."""

    def number(self, value: Fraction) -> Array:
        """Return the constant."""

    def irrational(self, name: str) -> Array:
        """Return `pi` or `e`."""

    def add(self, left: Array, right: Array) -> Array:
        """Return left + right, element by element."""

    def mul(self, left: Array, right: Array) -> Array:
        """Return left · right, element by element."""

    def power(self, base: Array, exponent: Fraction) -> Array:
        """Return base ** exponent."""

    def apply(self, name: str, argument: Array) -> Array:
        """Return an elementary function of `elementary.TABLE`."""

    def total(self, values: Array, axis: int) -> Array:
        """Return the sum along one axis."""

    def compare(self, left: Array, relation: str, right: Array) -> Any:
        """Return the truth values of `<`, `<=` or `==`."""

    def places(self, labels: Array) -> Any:
        """Return labels as whole numbers."""


class Floats:
    """float64 numbers; overflow and invalid operations give inf and nan, as data."""

    def number(self, value: Fraction) -> Array:
        return np.float64(value.numerator / value.denominator)

    def irrational(self, name: str) -> Array:
        return np.float64({"pi": math.pi, "e": math.e}[name])

    def add(self, left: Array, right: Array) -> Array:
        return left + right

    def mul(self, left: Array, right: Array) -> Array:
        return left * right

    def power(self, base: Array, exponent: Fraction) -> Array:
        if exponent == Fraction(1, 2):
            return np.sqrt(base)
        whole = int(exponent) if exponent.denominator == 1 else float(exponent)
        return np.power(np.asarray(base, dtype=float), whole)[()]

    def apply(self, name: str, argument: Array) -> Array:
        return elementary(name).values(argument)

    def total(self, values: Array, axis: int) -> Array:
        return np.sum(values, axis=axis)

    def compare(self, left: Array, relation: str, right: Array) -> Any:
        return _RELATIONS[relation](left, right)

    def places(self, labels: Array) -> Any:
        return np.asarray(labels).astype(int)


_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {"<": np.less, "<=": np.less_equal, "==": np.equal}


class Nodes:
    """Nodes of a graph: Python integers in object arrays."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._add = np.frompyfunc(graph.add, 2, 1)
        self._mul = np.frompyfunc(graph.mul, 2, 1)

    def number(self, value: Fraction) -> Array:
        return self.graph.constant(value)

    def irrational(self, name: str) -> Array:
        if name == "pi":
            return self.graph.pi()
        if name == "e":
            return self.graph.apply("exp", self.graph.constant(1))
        raise InternalError(f"the number {name} has no node")

    def add(self, left: Array, right: Array) -> Array:
        return self._add(left, right)

    def mul(self, left: Array, right: Array) -> Array:
        return self._mul(left, right)

    def power(self, base: Array, exponent: Fraction) -> Array:
        return np.frompyfunc(lambda node: self._power(node, exponent), 1, 1)(base)

    def _power(self, node: int, exponent: Fraction) -> int:
        if exponent == -1:
            return self.graph.div(self.graph.constant(1), node)
        return self.graph.power(node, exponent)

    def apply(self, name: str, argument: Array) -> Array:
        return np.frompyfunc(lambda node: self.graph.apply(name, node), 1, 1)(argument)

    def total(self, values: Array, axis: int) -> Array:
        return self._add.reduce(np.asarray(values, dtype=object), axis=axis)

    def compare(self, left: Array, relation: str, right: Array) -> Any:
        outcome = np.frompyfunc(lambda a, b: self.graph.compare(a, relation, b), 2, 1)(left, right)
        return np.asarray(outcome, dtype=bool)[()]

    def places(self, labels: Array) -> Any:
        return np.asarray(np.frompyfunc(lambda node: int(self.graph.values[node]), 1, 1)(labels)).astype(int)
