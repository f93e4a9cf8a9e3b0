"""A traced scalar: behaves like a float, and is a node of a graph.

It carries a concrete value, so comparisons decide as the plain run would and record the decision. It has no silent way back to a
float: `float(x)`, `int(x)` and `x` as an index raise, because each of them would lose what the number depends on.
"""

from __future__ import annotations

import dis
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.trace.arrays.numpy_protocol import PROTOCOL
from symbackprop.trace.graph.graph import CannotTrace, Graph

_EXACT = frozenset({int, bool, Fraction})
_NUMBERS = (int, float, bool, Fraction, np.integer, np.floating, np.bool_)


class Traced:
    """One node of a graph, with the arithmetic of a float."""

    __slots__ = ("graph", "node")

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph = graph
        self.node = node

    @property
    def value(self) -> float:
        """The float64 value at the point of the trace."""
        return self.graph.values[self.node]

    @property
    def is_constant(self) -> bool:
        """Whether the number is a literal constant, so that reading it as a float loses nothing."""
        return self.graph.operations[self.node] == "constant"

    # ---- arithmetic

    def __add__(self, other: Any) -> Any:
        right = node_of(self.graph, other)
        return NotImplemented if right is None else Traced(self.graph, self.graph.add(self.node, right))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        right = node_of(self.graph, other)
        return NotImplemented if right is None else Traced(self.graph, self.graph.sub(self.node, right))

    def __rsub__(self, other: Any) -> Any:
        left = node_of(self.graph, other)
        return NotImplemented if left is None else Traced(self.graph, self.graph.sub(left, self.node))

    def __mul__(self, other: Any) -> Any:
        right = node_of(self.graph, other)
        return NotImplemented if right is None else Traced(self.graph, self.graph.mul(self.node, right))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        right = node_of(self.graph, other)
        return NotImplemented if right is None else Traced(self.graph, self.graph.div(self.node, right))

    def __rtruediv__(self, other: Any) -> Any:
        left = node_of(self.graph, other)
        return NotImplemented if left is None else Traced(self.graph, self.graph.div(left, self.node))

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        right = node_of(self.graph, other)
        return NotImplemented if right is None else Traced(self.graph, _power(self.graph, self.node, right))

    def __rpow__(self, other: Any) -> Any:
        left = node_of(self.graph, other)
        return NotImplemented if left is None else Traced(self.graph, _power(self.graph, left, self.node))

    def __neg__(self) -> Traced:
        return Traced(self.graph, self.graph.neg(self.node))

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Traced:
        return -self if self < 0 else self

    def __floordiv__(self, other: Any) -> Any:
        quotient = self.__truediv__(other)
        return quotient if quotient is NotImplemented else quotient.floor()

    def __rfloordiv__(self, other: Any) -> Any:
        quotient = self.__rtruediv__(other)
        return quotient if quotient is NotImplemented else quotient.floor()

    def __mod__(self, other: Any) -> Any:
        whole = self.__floordiv__(other)
        return whole if whole is NotImplemented else self - whole * other

    def __rmod__(self, other: Any) -> Any:
        whole = self.__rfloordiv__(other)
        return whole if whole is NotImplemented else other - whole * self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    # ---- comparisons: decided by value, recorded

    def _compare(self, other: Any, relation: str, swapped: bool = False) -> Any:
        right = node_of(self.graph, other)
        if right is None:
            return NotImplemented
        left, right = (right, self.node) if swapped else (self.node, right)
        return self.graph.compare(left, relation, right)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, "<")

    def __le__(self, other: Any) -> Any:
        return self._compare(other, "<=")

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, "<", swapped=True)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, "<=", swapped=True)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, "==")

    def __ne__(self, other: object) -> Any:
        outcome = self._compare(other, "==")
        return outcome if outcome is NotImplemented else not outcome

    def __hash__(self) -> int:
        return hash((id(self.graph), self.node))

    def __bool__(self) -> bool:
        return self.graph.truth(self.node)

    # ---- whole numbers: constant on a region, whose borders become conditions

    def floor(self) -> Traced:
        """Return the floor, a constant on the interval that the recorded conditions describe."""
        if not math.isfinite(self.value):
            return self
        whole = math.floor(self.value)
        if not self.is_constant:
            self.graph.compare(self.graph.constant(whole), "<=", self.node)
            self.graph.compare(self.node, "<", self.graph.constant(whole + 1))
        return Traced(self.graph, self.graph.constant(whole))

    def ceil(self) -> Traced:
        """Return the ceiling."""
        return -((-self).floor())

    def trunc(self) -> Traced:
        """Return the whole number towards zero."""
        return self.ceil() if self < 0 else self.floor()

    def rint(self) -> Traced:
        """Return the nearest whole number (ties to even, as numpy does)."""
        if self.is_constant:
            return Traced(self.graph, self.graph.number(float(np.rint(self.value))))
        nearest = Traced(self.graph, self.graph.number(float(np.rint(self.value))))
        _ = nearest - Fraction(1, 2) <= self, self <= nearest + Fraction(1, 2)
        return nearest

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return int(self.rint().value)
        scale = Fraction(10) ** digits
        return (self * scale).rint() / scale

    # ---- ways out, closed

    def __float__(self) -> float:
        if self.is_constant or _formats_text():
            return self.value
        raise self.graph.refuse("`float(…)` of a value that depends on the inputs (also a store into a float array)")

    def __int__(self) -> int:
        if self.is_constant or _formats_text():
            return int(self.value)
        raise self.graph.refuse("`int(…)` of a value that depends on the inputs")

    def __index__(self) -> int:
        if self.is_constant and self.value == int(self.value):
            return int(self.value)
        raise self.graph.refuse("a value that depends on the inputs as an index")

    def __complex__(self) -> complex:
        raise self.graph.refuse("`complex(…)`")

    # ---- copies, text

    def __copy__(self) -> Traced:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Traced:
        return self

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"Traced({self.value!r}, node {self.node})"

    # ---- numpy: its universal functions, the methods that they call on the elements of an object array (`exp`), and the
    # attributes of an array without axes.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return PROTOCOL["__array_ufunc__"](self.graph, ufunc, method, inputs, kwargs)

    def __getattr__(self, name: str) -> Any:
        return PROTOCOL["__getattr__"](self, name)

    def conjugate(self) -> Traced:
        """Return itself: a real number."""
        return self

    conj = conjugate

    def is_integer(self) -> bool:
        """Return whether the value is whole at the point of the trace."""
        return self.value == math.floor(self.value)


def _formats_text() -> bool:
    """Whether the caller is a line of Python that formats text: `"%f" % x` asks for a float and harms nothing."""
    frame = sys._getframe(2)
    code = frame.f_code.co_code
    # In `left % right` the conversion comes from the operator itself; traced and float operands never reach this point.
    return 0 <= frame.f_lasti < len(code) - 1 and (code[frame.f_lasti], code[frame.f_lasti + 1]) in _PERCENT


def _percent_instruction() -> frozenset[tuple[int, int]]:
    code = compile("a % b", "<percent>", "eval").co_code
    operation = dis.opmap["BINARY_OP"]
    return frozenset((code[k], code[k + 1]) for k in range(0, len(code), 2) if code[k] == operation)


_PERCENT = _percent_instruction()


def node_of(graph: Graph, number: Any) -> int | None:
    """Return the node of a number, traced or plain; None when it is not a real scalar."""
    kind = type(number)
    if kind is Traced:
        if number.graph is not graph:
            raise CannotTrace("two values of different traces meet in one operation")
        node: int = number.node
        return node
    if kind is float:
        return graph.number(number)
    if kind in _EXACT:
        return graph.constant(number)
    standing_for = getattr(number, "stands_for", None)  # a whole number of the arguments whose dependence is followed
    if standing_for is not None:
        return int(standing_for(graph))
    if not isinstance(number, _NUMBERS):
        return None
    if isinstance(number, np.floating):
        return graph.number(shortest(number))
    return graph.constant(number if isinstance(number, Fraction) else int(number))


def shortest(number: np.floating[Any] | float) -> float:
    """Return a numpy float as the float64 that is meant: `float32(0.1)` means 0.1, not 0.10000000149."""
    if isinstance(number, (np.float32, np.float16)):
        return float(str(number))
    return float(number)


def _power(graph: Graph, base: int, exponent: int) -> int:
    number = graph.fraction(exponent)
    if number is not None:
        return graph.power(base, number)
    if graph.values[base] > 0:
        return graph.apply("exp", graph.mul(exponent, graph.apply("log", base)))
    raise graph.refuse("a power with a base that is not positive and an exponent that depends on the inputs")


def lift(graph: Graph, number: Any) -> Any:
    """Return a number as a traced scalar; anything that is not a real number is returned as it is."""
    node = node_of(graph, number)
    return number if node is None else Traced(graph, node)


def apply(name: str) -> Callable[[Any], Any]:
    """Return the function that applies an elementary function to a traced scalar."""

    def method(self: Traced) -> Traced:
        return Traced(self.graph, self.graph.apply(name, self.node))

    method.__name__ = name
    return method
