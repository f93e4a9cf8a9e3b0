"""Comparisons that keep a value away from a limit: `clip(p, 1e-7, 1 - 1e-7)`, `maximum(norm, 1e-12)`, `exp(-clip(z, -500, 500))`.

Which side is the usual one is seen in the example: what is said of code holds there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from itertools import compress

from symbackprop.trace.graph.graph import Condition, Graph, sides_of

LARGEST = Fraction(1, 1000)
"""A number above is no guard."""

FAR = 20
"""What is compared with a number of at least this size on its way to an exponential is kept from overflow."""

EXPONENTIALS = frozenset({"exp", "expm1", "sinh", "cosh"})

Side = tuple[str, str, Fraction | None, Fraction | None, bool]
"""A comparison as it stands in the code, and which way it went."""


def is_near_a_limit(number: Fraction | None) -> bool:
    """Whether comparing with a number asks for values that nobody uses: nearly 0, nearly 1."""
    return number is not None and any(0 < gap <= LARGEST for gap in (abs(number), abs(1 - abs(number))))


def limits(graph: Graph, conditions: Iterable[Condition]) -> list[Condition]:
    """Return the comparisons with a number near a limit, and those of the same values with other numbers: `clip(p, 1e-7, 1)`."""
    with_numbers = [condition for condition in conditions if len(_values(graph, condition)) < 2]
    near = _near(graph, with_numbers)
    return [*near, *(condition for condition in _far(graph, with_numbers) if condition not in near)]


def _near(graph: Graph, conditions: Sequence[Condition]) -> list[Condition]:
    """Return the comparisons with a number nearly 0 or 1, and those of the same values with other numbers."""
    limits_met = {node for node in {*sides_of(conditions)} if is_near_a_limit(graph.fraction(node))}
    if not limits_met:
        return []
    near = [not limits_met.isdisjoint(condition.sides) for condition in conditions]
    kept = {node for condition in compress(conditions, near) for node in _values(graph, condition)}
    return [at for at, is_near in zip(conditions, near, strict=True) if is_near or kept & _values(graph, at)]


def _far(graph: Graph, conditions: Sequence[Condition]) -> list[Condition]:
    """Return the comparisons with a large number of what goes into an exponential."""
    far = [condition for condition in conditions if _is_far(graph, condition)]
    exponents = _exponents(graph) if far else frozenset()
    return [condition for condition in far if _is_exponent(graph, condition, exponents)]


def _values(graph: Graph, condition: Condition) -> set[int]:
    """Return the sides of a comparison that are no numbers."""
    return {node for node in condition.sides if graph.fraction(node) is None}


def _is_far(graph: Graph, condition: Condition) -> bool:
    return any(number is not None and abs(number) >= FAR for number in map(graph.fraction, condition.sides))


def _is_exponent(graph: Graph, condition: Condition, exponents: Collection[int]) -> bool:
    """Whether a side of a comparison goes into an exponential: the value, or beyond the guard the number itself."""
    numbers = {abs(number) for node in exponents if (number := graph.fraction(node)) is not None}
    return bool(_values(graph, condition) & set(exponents)) or any(
        abs(graph.fraction(n) or 0) in numbers for n in condition.sides
    )


def _exponents(graph: Graph) -> frozenset[int]:
    """Return what goes into an exponential, perhaps with another sign or as a multiple."""
    waiting = [parts[0] for operation, parts in zip(graph.operations, graph.arguments, strict=True) if operation in EXPONENTIALS]
    found: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.arguments[node] if _is_multiple(graph, node) else ()
    return frozenset(found)


def _is_multiple(graph: Graph, node: int) -> bool:
    """Whether a node is one other node, times a number perhaps."""
    parts = graph.arguments[node]
    alone = sum(graph.fraction(part) is None for part in parts) == 1
    return graph.operations[node] == "neg" or (graph.operations[node] in ("mul", "div") and alone)


def sides(graph: Graph, conditions: Iterable[Condition]) -> set[Side]:
    """Return which ways the comparisons near a limit went."""
    return {
        (str(met.place), met.relation, graph.fraction(met.left), graph.fraction(met.right), met.outcome)
        for met in limits(graph, conditions)
    }


def is_beyond(found: Collection[Side], usual: Collection[Side]) -> bool:
    """Whether a comparison near a limit went a way that it never goes where all is usual, though it is made there."""
    return any(side not in usual and (*side[:-1], not side[-1]) in usual for side in found)
