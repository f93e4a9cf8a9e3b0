"""A graph that records choices: `np.maximum`, comparisons and masks are operations on it, not the branch taken.

A comparison is a number that is 0 or 1 (`less`, `at_most`, `same`); `choose(c, a, b)` is a where c is 1 and b elsewhere. Python's
own `if` still goes by value, and is listed in `conditions`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.arrays.scalar import Traced, lift, node_of
from symbackprop.trace.graph.graph import Condition, Graph, Place

VALUES: dict[str, Callable[..., Any]] = {
    "less": lambda a, b: float(a < b),
    "at_most": lambda a, b: float(a <= b),
    "same": lambda a, b: float(a == b),
    "choose": lambda c, a, b: a if c else b,
    "masked": lambda c, a, b: a if c else b,
    "maximum": max,
    "minimum": min,
    "absolute": abs,
    "sign": lambda a: float(np.sign(a)),
}
"""The value of each operation that this graph adds, from those of its arguments."""

_RELATIONS = {"<": "less", "<=": "at_most", "==": "same"}


class ChoiceGraph(Graph):
    """A graph in which comparisons and choices are nodes.

    `truths` are the nodes that are 0 or 1, `decided` the lines that went by the values of labels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.truths: set[int] = set()
        self.decided: list[Place | None] = []

    def decided_here(self) -> None:
        """Say that the line that runs goes by the values of labels."""
        self.decided.append(self.place)

    def one_of(self, name: str, place: tuple[int, ...], holds: bool) -> int:
        """Return an input that is 0 or 1."""
        node = self.input(name, place, float(holds))
        self.truths.add(node)
        return node

    def held(self, holds: bool) -> int:
        """Return a number that is 0 or 1 and is not worked out with others: the entry of a mask, the same expression for both."""
        payload = Fraction(int(holds))
        known = self._known.get(("held", (), payload))
        node = self._node("held", (), payload, float(holds)) if known is None else known
        self.truths.add(node)
        return node

    def record(self, operation: str, *arguments: int) -> int:
        """Return the node of an operation in `VALUES`; of constants, the constant."""
        known = self._known.get((operation, arguments, None))
        if known is not None:
            return known
        value = VALUES[operation](*(self.values[argument] for argument in arguments))
        if all(self.operations[argument] == "constant" for argument in arguments):
            return self.number(float(value))
        node = self._node(operation, arguments, None, float(value))
        if operation in _RELATIONS.values():
            self.truths.add(node)
        return node

    def add(self, left: int, right: int) -> int:
        """Return left + right, a node of its own: that K[i,j] is K[j,i] would make one element of two."""
        return self._sum(left, right)

    def mul(self, left: int, right: int) -> int:
        """Return left · right, a node of its own."""
        return self._product(left, right)

    def sub(self, left: int, right: int) -> int:
        """Return left - right; `x - x` stays, for it is one element of an array of differences."""
        return self.add(left, self.neg(right))

    def is_truth(self, node: int) -> bool:
        """Whether a node is 0 or 1 by its making."""
        return node in self.truths or self.fraction(node) in (0, 1)

    def compare(self, left: int, relation: str, right: int) -> Any:
        """Return the comparison as a number that is 0 or 1; of two constants, the truth value."""
        if self.operations[left] == self.operations[right] == "constant":
            return super().compare(left, relation, right)
        return Traced(self, self.record(_RELATIONS[relation], left, right))

    def truth(self, node: int) -> bool:
        """Decide by value, as Python's `if` does; the decision is listed in `conditions`."""
        outcome = self.values[node] != 0
        if self.arguments[node] or self.operations[node] == "input":
            self.conditions.setdefault((node, "==", 0), Condition(node, "==", 0, not outcome, self.place))
        return outcome

    def negated(self, node: int) -> int:
        """Return 1 - node, of a truth."""
        found = self.sub(self.constant(1), node)
        self.truths.add(found)
        return found

    def both(self, left: int, right: int) -> int:
        """Return left · right, of two truths."""
        found = self.mul(left, right)
        self.truths.add(found)
        return found

    def choose(self, condition: int, chosen: int, other: int) -> int:
        """Return `chosen` where the condition is 1 and `other` where it is 0."""
        if chosen == other or self.fraction(condition) == 1:
            return chosen
        if self.fraction(condition) == 0:
            return other
        return self.record("masked" if self.operations[condition] == "held" else "choose", condition, chosen, other)


# ---- the rules, on traced numbers


def _graph(*numbers: Any) -> ChoiceGraph:
    graph = next(number.graph for number in numbers if isinstance(number, Traced))
    if not isinstance(graph, ChoiceGraph):
        raise InternalError("a choice is recorded on a graph that has none")
    return graph


def _recorded(operation: str) -> Callable[..., Any]:
    def rule(*numbers: Any) -> Any:
        graph = _graph(*numbers)
        return Traced(graph, graph.record(operation, *(node_of(graph, number) for number in numbers)))  # type: ignore[arg-type]

    return rule


def _relation(relation: str, swapped: bool = False, negated: bool = False) -> Callable[[Any, Any], Any]:
    def rule(left: Any, right: Any) -> Any:
        graph = _graph(left, right)
        first, second = (right, left) if swapped else (left, right)
        outcome = graph.compare(first.node, relation, second.node)
        node = outcome.node if isinstance(outcome, Traced) else graph.constant(int(outcome))
        return Traced(graph, graph.negated(node) if negated else node)

    return rule


def _as_truth(number: Any) -> int:
    graph = _graph(number)
    if graph.is_truth(number.node):
        return int(number.node)
    return graph.negated(graph.record("same", number.node, graph.constant(0)))


def _not(number: Any) -> Any:
    return Traced(number.graph, number.graph.negated(_as_truth(number)))


def _and(left: Any, right: Any) -> Any:
    return Traced(left.graph, left.graph.both(_as_truth(left), _as_truth(right)))


def _or(left: Any, right: Any) -> Any:
    return _not(_and(_not(left), _not(right)))


def _xor(left: Any, right: Any) -> Any:
    return _or(_and(left, _not(right)), _and(_not(left), right))


def _heaviside(number: Any, at_zero: Any) -> Any:
    graph = _graph(number)
    zero = graph.constant(0)
    rest = graph.choose(graph.record("same", number.node, zero), at_zero.node, zero)
    return Traced(graph, graph.choose(graph.record("less", zero, number.node), graph.constant(1), rest))


_absolute = _recorded("absolute")

ELEMENT_RULES: dict[str, Callable[..., Any]] = {
    "less": _relation("<"),
    "less_equal": _relation("<="),
    "greater": _relation("<", swapped=True),
    "greater_equal": _relation("<=", swapped=True),
    "equal": _relation("=="),
    "not_equal": _relation("==", negated=True),
    **dict.fromkeys(("maximum", "fmax"), _recorded("maximum")),
    **dict.fromkeys(("minimum", "fmin"), _recorded("minimum")),
    **dict.fromkeys(("absolute", "fabs"), _absolute),
    "sign": _recorded("sign"),
    "clip": lambda x, low, high: _recorded("minimum")(_recorded("maximum")(x, low), high),
    "heaviside": _heaviside,
    "logaddexp": lambda x, y: (x.exp() + y.exp()).log(),
    **dict.fromkeys(("logical_not", "invert"), _not),
    **dict.fromkeys(("logical_and", "bitwise_and"), _and),
    **dict.fromkeys(("logical_or", "bitwise_or"), _or),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), _xor),
}


def _builtin(rule: Callable[[Any, Any], Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Return Python's `max` or `min` for traced numbers; of anything else it is the original."""

    def function(*values: Any, **options: Any) -> Any:
        items = list(values[0]) if len(values) == 1 else list(values)
        traced = next((item for item in items if isinstance(item, Traced)), None)
        if traced is None or options:
            return original(items, **options)
        return reduce(rule, (lift(traced.graph, item) for item in items))

    return function


BUILTINS: dict[str, Any] = {
    "max": _builtin(_recorded("maximum"), builtins.max),
    "min": _builtin(_recorded("minimum"), builtins.min),
    "abs": lambda value: _absolute(value) if isinstance(value, Traced) else builtins.abs(value),
}
