"""Guards: small numbers that keep code from dividing by 0, recognised by what they do, not by how they are written.

A guard is a small constant that is added on the way to a denominator, a logarithm or a root, and nowhere else. Two results are
equal up to it when their difference vanishes with it. The step of a finite difference, which is added and divided by, is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import flint

from symbackprop.trace.graph.ball import balls
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph, Place
from symbackprop.verify.reference.limits import LARGEST

_START, _SHRINK = 100, 10
"""Bits by which the constants are made smaller at first, below anything that they keep from being 0, and three times over."""
_BITS = 600
_PROTECTORS = frozenset({"log", "log1p", "sqrt", "cbrt"})


@dataclass(frozen=True, slots=True)
class Guard:
    """Small constants with which a difference vanishes: the largest of them, and the line that adds it."""

    value: Fraction
    place: Place | None
    is_step: bool = False

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place is not None else ""
        kind = "right up to a finite difference of step" if self.is_step else "right up to the guard"
        return f"{kind} {float(self.value):g}{where}"


def guard_between(graph: Graph, pairs: Sequence[tuple[int, int]]) -> Guard | None:
    """Return the guard up to which all pairs of nodes are equal, if there is one."""
    ends = list(chain.from_iterable(pairs))
    added, divided = _small_constants(graph, ends)
    protected = {node: adder for node, adder in added.items() if _is_protected(graph, adder, ends)}
    steps = {node: adder for node, adder in added.items() if _is_step(graph, node, divided)}
    for shrunk, is_step in ((protected, False), (steps, True)):
        constants = [*shrunk, *(divided if is_step else ())]
        if shrunk and _vanishes(graph, ends, constants):
            largest = max(shrunk, key=lambda node: abs(graph.values[node]))
            return Guard(abs(_fraction(graph, largest)), graph.places[shrunk[largest][0]], is_step)
    return None


def _fraction(graph: Graph, node: int) -> Fraction:
    return graph.fraction(node) or Fraction(0)


def _small_constants(graph: Graph, ends: Sequence[int]) -> tuple[dict[int, list[int]], list[int]]:
    """Return constant → the sums it is added in, for small ones that are used in no other way, and those divided by."""
    used: dict[int, set[str]] = {}
    sums: dict[int, list[int]] = {}
    for node in reachable(graph, ends):
        for position, argument in enumerate(graph.arguments[node]):
            if 0 < abs(_fraction(graph, argument)) <= LARGEST:
                operation = graph.operations[node]
                used.setdefault(argument, set()).add("divisor" if (operation, position) == ("div", 1) else operation)
                sums.setdefault(argument, []).append(node)
    added = {node: sums[node] for node, ways in used.items() if ways == {"add"}}
    return added, [node for node, ways in used.items() if ways == {"divisor"}]


def _is_step(graph: Graph, node: int, divided: Sequence[int]) -> bool:
    """Whether a number that is added, or its double, is also divided by."""
    return any(abs(_fraction(graph, other) / _fraction(graph, node)) in (1, 2) for other in divided)


def _is_protected(graph: Graph, sums: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether everything that a sum goes into passes a denominator, a logarithm or a root before it is a result."""
    bare = set(sums)
    for node in reachable(graph, ends):
        if any(argument in bare and not _protects(graph, node, k) for k, argument in enumerate(graph.arguments[node])):
            bare.add(node)
    return not bare & set(ends)


def _protects(graph: Graph, node: int, position: int) -> bool:
    operation, payload = graph.operations[node], graph.payloads[node]
    if operation == "power":
        return isinstance(payload, Fraction) and (payload < 0 or payload.denominator > 1)
    return operation in _PROTECTORS or (operation, position) == ("div", 1)


def _vanishes(graph: Graph, ends: Sequence[int], constants: Sequence[int]) -> bool:
    """Whether every difference shrinks with the constants: by a root of them at least.

    What a guard keeps from being 0 may itself be much smaller than the guard, such as a probability in `log(p + 1e-7)`.
    """
    before: list[flint.arb] = []
    for shrinking in range(4):
        factor = Fraction(1, 2 ** (_START + _SHRINK * shrinking))
        values = balls(graph, ends, {}, _BITS, {node: _fraction(graph, node) * factor for node in constants})
        with flint.ctx.workprec(_BITS):
            gaps = [abs(left - right) for left, right in zip(values[::2], values[1::2], strict=True)]
            finite = all(gap.is_finite() for gap in gaps)
            if not finite or not all(gap <= old / 8 or gap < 1e-60 for gap, old in zip(gaps, before, strict=False)):
                return False
        before = gaps
    return True
