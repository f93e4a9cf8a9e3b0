"""A hash-consed graph of real scalars: what a traced computation computed.

Every node is an integer; arguments come before the nodes that use them, so every traversal is a loop over increasing
integers. A node carries its operation, the float64 value it had when it was made, and the line of the user's code
that made it. The same operation on the same arguments is the same node, so two ways of writing one thing often meet
without any algebra.

Operations: `constant` (payload a `Fraction`, or ±inf/nan as float), `pi`, `input` (payload `InputName`), `add`,
`mul`, `div`, `neg`, `power` (payload the constant exponent, a `Fraction`), and the names of `elementary.TABLE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.trace.graph.constants import Exact, exact
from symbackprop.trace.graph.elementary import value_of


def words(text: str) -> frozenset[str]:
    """Return the words of a text: how the tables of names in this package are written."""
    return frozenset(text.split())


class CannotTrace(NotSupportedError):
    """The code uses something that cannot be followed symbolically; the message names it and its line."""


class InputName(NamedTuple):
    """One scalar input: the dotted name of an argument and the position in it (`()` for a number).

    A tuple because tens of thousands of them are hashed for a single evaluation.
    """

    name: str
    index: tuple[int, ...] = ()  # type: ignore[assignment]  # shadows tuple.index, which nothing uses

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code."""

    filename: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison `left relation right` that the run decided as `outcome`; relation is one of < <= ==."""

    left: int
    relation: str
    right: int
    outcome: bool
    place: Place | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """What is compared with what."""
        return self.left, self.right


def sides_of(conditions: Iterable[Condition]) -> list[int]:
    """Return the sides of comparisons, left and right in turn."""
    return [side for condition in conditions for side in condition.sides]


Payload: TypeAlias = Fraction | float | InputName | None
_Key: TypeAlias = tuple[str, tuple[int, ...], Payload]

RELATIONS = ("<", "<=", "==")
_CANCELLED = 1e-12
"""The relative distance from which on a constant is another number in floats."""


class Graph:
    """A growing list of nodes, one row each; a row never changes.

    A kind of graph may record more than the sums and products: `element_rules` stand before numpy's own loops over elements,
    `function_rules` before its other functions, `builtins` before Python's; `array_kind` is the class of its arrays.
    """

    element_rules: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    function_rules: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    builtins: Mapping[str, Any] = MappingProxyType({})
    array_kind: Any = None

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.arguments: list[tuple[int, ...]] = []
        self.payloads: list[Payload] = []
        self.values: list[float] = []
        self.places: list[Place | None] = []
        self.inputs: dict[InputName, int] = {}
        self.conditions: dict[tuple[int, str, int], Condition] = {}
        self.compared_again: set[tuple[int, str, int]] = set()
        """The comparisons, by their keys, that were made more than once: by two codes in one graph, by both."""
        self.casts: dict[str, Place | None] = {}
        self.rounded: dict[int, float] = {}
        """Constants worked out exactly, of which the same sums of floats are another number: `1 - (1 - 1e-15)`."""
        self.place: Place | None = None
        self._known: dict[_Key, int] = {}
        # Sums and products are most of a graph; they are looked up by one integer made of two.
        self._sums: dict[int, int] = {}
        self._products: dict[int, int] = {}
        self._fractions: dict[int, Fraction] = {}
        self._floats: dict[float, int] = {}

    def __len__(self) -> int:
        return len(self.operations)

    def _node(self, operation: str, arguments: tuple[int, ...], payload: Payload, value: float) -> int:
        node = self._append(operation, arguments, value)
        self.payloads[node] = payload
        self._known[operation, arguments, payload] = node
        return node

    def _append(self, operation: str, arguments: tuple[int, ...], value: float) -> int:
        """Add a row that is looked up elsewhere."""
        node = len(self.operations)
        self.operations.append(operation)
        self.arguments.append(arguments)
        self.payloads.append(None)
        self.values.append(value)
        self.places.append(self.place)
        return node

    # ---- leaves

    def constant(self, number: Fraction | int) -> int:
        """Return the node of an exact number."""
        fraction = Fraction(number)
        known = self._known.get(("constant", (), fraction))
        if known is None:
            known = self._node("constant", (), fraction, _as_float(fraction))
            self._fractions[known] = fraction
        return known

    def number(self, value: float) -> int:
        """Return the node of a float met in the code: the exact number it stands for (`constants.exact`)."""
        known = self._floats.get(value)
        if known is None:
            known = self._floats[value] = self._lift(value)
        return known

    def _lift(self, value: float) -> int:
        if not math.isfinite(value):
            return self._not_finite(value)
        meaning: Exact = exact(value)
        inside = self.constant(meaning.fraction)
        match meaning.form:
            case "fraction":
                return inside
            case "sqrt" | "exp" | "log":
                node = self.apply(meaning.form, inside)
            case "pi":
                node = self.mul(inside, self.pi())
            case "over pi":
                node = self.div(inside, self.pi())
            case "sqrt pi":
                node = self.apply("sqrt", self.mul(inside, self.pi()))
            case _:
                node = self.apply("sqrt", self.div(inside, self.pi()))
        return self.neg(node) if meaning.negative else node

    def _folded(self, number: Fraction, as_run: float) -> int:
        """Return the node of an exact number that floats make `as_run`; what cancels in floats is kept."""
        node = self.constant(number)
        if math.isfinite(as_run) and abs(as_run - self.values[node]) > _CANCELLED * abs(self.values[node]):
            self.rounded[node] = as_run
        return node

    def _as_run(self, constant: int) -> float:
        """Return the number that a run in floats has in the place of a constant."""
        return self.rounded.get(constant, self.values[constant])

    def _not_finite(self, value: float) -> int:
        payload = math.nan if math.isnan(value) else value
        known = self._known.get(("constant", (), payload))
        return self._node("constant", (), payload, payload) if known is None else known

    def pi(self) -> int:
        """Return the node of π."""
        known = self._known.get(("pi", (), None))
        return self._node("pi", (), None, math.pi) if known is None else known

    def input(self, name: str, index: tuple[int, ...], value: float) -> int:
        """Return the node of a scalar input; asking again for the same name and index gives the same node.

        Raises:
            UserError: it is known with another value.
        """
        payload = InputName(name, index)
        known = self.inputs.get(payload)
        if known is None:
            known = self.inputs[payload] = self._node("input", (), payload, value)
        elif self.values[known] != value and value == value:
            raise UserError(f"input {payload}: two values in one graph, {self.values[known]!r} and {value!r}")
        return known

    def fraction(self, node: int) -> Fraction | None:
        """Return the exact value of a rational constant, otherwise None."""
        return self._fractions.get(node)

    # ---- arithmetic. A fold is done only where float64 would agree: 0·x is 0 unless x is nan or infinite.

    def add(self, left: int, right: int) -> int:
        """Return left + right."""
        if left > right:
            left, right = right, left
        key = left << 32 | right
        known = self._sums.get(key)
        if known is None:
            known = self._sums[key] = self._sum(left, right)
        return known

    def _sum(self, left: int, right: int) -> int:
        value = self.values[left] + self.values[right]
        a, b = self._fractions.get(left), self._fractions.get(right)
        if a is None and b is None:
            return self._append("add", (left, right), value)
        if a is not None and b is not None:
            return self._folded(a + b, self._as_run(left) + self._as_run(right))
        if a == 0:
            return right
        if b == 0:
            return left
        return self._append("add", (left, right), value)

    def neg(self, node: int) -> int:
        """Return -node."""
        known = self._known.get(("neg", (node,), None))
        if known is not None:
            return known
        if self.operations[node] == "neg":
            return self.arguments[node][0]
        number = self.fraction(node)
        if number is not None:
            return self._folded(-number, -self._as_run(node))
        return self._node("neg", (node,), None, -self.values[node])

    def sub(self, left: int, right: int) -> int:
        """Return left - right."""
        if left == right and math.isfinite(self.values[left]):
            return self.constant(0)
        return self.add(left, self.neg(right))

    def mul(self, left: int, right: int) -> int:
        """Return left · right."""
        if left > right:
            left, right = right, left
        key = left << 32 | right
        known = self._products.get(key)
        if known is None:
            known = self._products[key] = self._product(left, right)
        return known

    def _product(self, left: int, right: int) -> int:
        value = self.values[left] * self.values[right]
        a, b = self._fractions.get(left), self._fractions.get(right)
        if a is None and b is None:
            return self._append("mul", (left, right), value)
        if a is not None and b is not None:
            return self._folded(a * b, self._as_run(left) * self._as_run(right))
        if 0 in (a, b) and value == 0:
            return self.constant(0)
        for number, other in ((a, right), (b, left)):
            if number == 1:
                return other
            if number == -1:
                return self.neg(other)
        return self._append("mul", (left, right), value)

    def div(self, left: int, right: int) -> int:
        """Return left / right; a division by an exact zero is ±inf or nan, as in numpy."""
        known = self._known.get(("div", (left, right), None))
        if known is not None:
            return known
        a, b = self.fraction(left), self.fraction(right)
        if b == 0:
            return self.number(_divide(self.values[left], 0.0))
        if a is not None and b is not None:
            return self._folded(a / b, _divide(self._as_run(left), self._as_run(right)))
        if b == 1:
            return left
        if a == 0 and self.values[right] not in (0.0,) and not math.isnan(self.values[right]):
            return self.constant(0)
        return self._node("div", (left, right), None, _divide(self.values[left], self.values[right]))

    def power(self, base: int, exponent: Fraction) -> int:
        """Return base ** exponent for a constant exponent; halves become square roots."""
        known = self._known.get(("power", (base,), exponent))
        if known is not None:
            return known
        if exponent == 0:
            return self.constant(1)
        if exponent == 1:
            return base
        if exponent.denominator == 2:
            root = self.apply("sqrt", base)
            if exponent < 0:
                return self.div(self.constant(1), self.power(root, Fraction(-exponent.numerator)))
            return self.power(root, Fraction(exponent.numerator))
        number = self.fraction(base)
        if number is not None and _is_worked_out(number, exponent):
            return self.constant(number**exponent.numerator)
        return self._node("power", (base,), exponent, _power(self.values[base], float(exponent)))

    def apply(self, name: str, node: int) -> int:
        """Return the elementary function `name` of a node."""
        known = self._known.get((name, (node,), None))
        if known is not None:
            return known
        folded = self._fold(name, node)
        if folded is not None:
            return folded
        return self._node(name, (node,), None, value_of(name, self.values[node]))

    def _fold(self, name: str, node: int) -> int | None:
        """Known values at constants: f(0), exp(-inf), log 1, and square roots of squares of fractions."""
        if self.operations[node] != "constant":
            return None
        number = self.fraction(node)
        if number is None:
            value = value_of(name, self.values[node])
            return self.constant(int(value)) if math.isfinite(value) and value == int(value) else self.number(value)
        if name == "sqrt" and number >= 0:
            root = _root(number)
            return None if root is None else self.constant(root)
        if number in (0, 1):
            value = value_of(name, float(number))
            if value in (0.0, 1.0, 0.5):
                # f(0) and f(1) are exactly 0, 1/2 or 1 for every function of the table whose float64 value says so.
                return self.constant(Fraction(value))
        return None

    # ---- comparisons

    def compare(self, left: int, relation: str, right: int) -> bool:
        """Decide `left relation right` by value, and record it unless both sides are constants."""
        a, b = self.values[left], self.values[right]
        outcome = a < b if relation == "<" else a <= b if relation == "<=" else a == b
        if left != right and (self.operations[left] != "constant" or self.operations[right] != "constant"):
            key = (left, relation, right)
            if key in self.conditions:
                self.compared_again.add(key)
            else:
                self.conditions[key] = Condition(left, relation, right, outcome, self.place)
        return outcome

    def truth(self, node: int) -> bool:
        """Decide whether a node is not 0, and record it as a comparison."""
        return not self.compare(node, "==", self.constant(0))

    def refuse(self, what: str) -> CannotTrace:
        """Return the error for something that cannot be traced, with the line being run."""
        return CannotTrace(f"cannot trace {what} at {self.place}" if self.place else f"cannot trace {what}")


def _is_worked_out(base: Fraction, exponent: Fraction) -> bool:
    """Whether a power of a fraction is a fraction, and not one of more digits than anybody wants."""
    return exponent.denominator == 1 and abs(exponent) <= 4096 and (base != 0 or exponent > 0)


def _root(number: Fraction) -> Fraction | None:
    """Return the square root of a fraction where it is a fraction."""
    root = Fraction(math.isqrt(number.numerator), math.isqrt(number.denominator))
    return root if root * root == number else None


def _as_float(fraction: Fraction) -> float:
    try:
        return float(fraction)
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


def _divide(top: float, bottom: float) -> float:
    if bottom != 0:
        return top / bottom
    if top == 0 or math.isnan(top):
        return math.nan
    return math.copysign(math.inf, top) * math.copysign(1.0, bottom)


def _power(base: float, exponent: float) -> float:
    try:
        value = base**exponent
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf
    return value if isinstance(value, float) else math.nan
