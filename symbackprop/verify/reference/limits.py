"""Comparisons that keep a value away from a limit: `clip(p, 1e-7, 1 - 1e-7)`, `maximum(norm, 1e-12)`.

Which side is the usual one is seen in the example: what is said of code holds there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction

from symbackprop.trace.graph.graph import Condition, Graph

LARGEST = Fraction(1, 1000)
"""A number above is no guard."""

Side = tuple[str, str, Fraction | None, Fraction | None, bool]
"""A comparison as it stands in the code, and which way it went."""


def is_near_a_limit(number: Fraction | None) -> bool:
    """Whether comparing with a number asks for values that nobody uses: nearly 0, nearly 1."""
    return number is not None and any(0 < gap <= LARGEST for gap in (abs(number), abs(1 - abs(number))))


def limits(graph: Graph, conditions: Iterable[Condition]) -> list[Condition]:
    """Return the comparisons with a number near a limit, and those of the same values with other numbers: `clip(p, 1e-7, 1)`."""
    with_numbers = [condition for condition in conditions if len(_values(graph, condition)) < 2]
    kept = {node for condition in with_numbers if _is_guard(graph, condition) for node in _values(graph, condition)}
    return [condition for condition in with_numbers if _is_guard(graph, condition) or kept & _values(graph, condition)]


def _values(graph: Graph, condition: Condition) -> set[int]:
    """Return the sides of a comparison that are no numbers."""
    return {node for node in condition.sides if graph.fraction(node) is None}


def _is_guard(graph: Graph, condition: Condition) -> bool:
    return any(is_near_a_limit(graph.fraction(node)) for node in condition.sides)


def sides(graph: Graph, conditions: Iterable[Condition]) -> set[Side]:
    """Return which ways the comparisons near a limit went."""
    return {
        (str(met.place), met.relation, graph.fraction(met.left), graph.fraction(met.right), met.outcome)
        for met in limits(graph, conditions)
    }


def is_beyond(found: Collection[Side], usual: Collection[Side]) -> bool:
    """Whether a comparison near a limit went a way that it never goes where all is usual, though it is made there."""
    return any(side not in usual and (*side[:-1], not side[-1]) in usual for side in found)
