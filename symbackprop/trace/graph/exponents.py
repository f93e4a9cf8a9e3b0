"""What the modular signature must know before a node: exponents and logarithms taken apart, the order of evaluation.

An `exp` in the field of one prime needs its argument in the field below, so a node is wanted at several depths: the
number of exponentials that it lies under.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.trace.graph.elementary import TABLE
from symbackprop.trace.graph.graph import Graph, words

Key = tuple[int, int]
"""A node and how many exponentials it lies under."""


class OutOfReach(Exception):
    """The expression nests exponentials deeper than the tower, or has no value (nan) in it."""


@dataclass(slots=True)
class Exponent:
    """exp(Σ c·node) · Π factor^c: the linear combination of an exponent with its logarithms taken out."""

    linear: list[tuple[Fraction, int]] = field(default_factory=list)
    factors: list[tuple[int, str, int]] = field(default_factory=list)


class Anatomy:
    """The exponents of the expressions behind some outputs, each taken apart once."""

    def __init__(self, graph: Graph, operations: Iterable[str]) -> None:
        self.graph = graph
        # Without logarithms there is nothing to take out of an exponent, however long a sum it is.
        self.has_logarithms = not LOGARITHMS.isdisjoint(operations)
        self._known: dict[int, Exponent] = {}

    def exponent(self, node: int) -> Exponent:
        """Return the parts of an exponent."""
        known = self._known.get(node)
        if known is None:
            known = exponent_parts(self.graph, node) if self.has_logarithms else Exponent([(Fraction(1), node)])
            self._known[node] = known
        return known


def exponent_parts(graph: Graph, node: int) -> Exponent:
    """Take an exponent apart: sums, signs and rational multiples, and in them logarithms with whole coefficients."""
    parts = Exponent()
    stack = [(Fraction(1), node)]
    while stack:
        coefficient, current = stack.pop()
        operation, arguments = graph.operations[current], graph.arguments[current]
        if operation == "add":
            stack += [(coefficient, argument) for argument in arguments]
        elif operation == "neg":
            stack.append((-coefficient, arguments[0]))
        elif operation in ("mul", "div") and graph.fraction(arguments[1]) not in (None, 0):
            scale = graph.fraction(arguments[1]) or Fraction(1)
            stack.append((coefficient * scale if operation == "mul" else coefficient / scale, arguments[0]))
        elif operation == "mul" and graph.fraction(arguments[0]) is not None:
            stack.append((coefficient * (graph.fraction(arguments[0]) or 0), arguments[1]))
        elif operation in LOGARITHMS and coefficient.denominator == 1:
            parts.factors.append((coefficient.numerator, operation, arguments[0]))
        else:
            parts.linear.append((coefficient, current))
    return parts


def logarithm_parts(graph: Graph, node: int) -> list[tuple[Fraction, int]]:
    """Take a logarithm apart: log|Π node^c| as a list of (c, node), down to sums, inputs and functions."""
    factors: list[tuple[Fraction, int]] = []
    stack = [(Fraction(1), node)]
    while stack:
        coefficient, current = stack.pop()
        operation, arguments = graph.operations[current], graph.arguments[current]
        if operation == "mul":
            stack += [(coefficient, argument) for argument in arguments]
        elif operation == "div":
            stack += [(coefficient, arguments[0]), (-coefficient, arguments[1])]
        elif operation == "neg":
            stack.append((coefficient, arguments[0]))
        elif operation == "sqrt":
            stack.append((coefficient / 2, arguments[0]))
        elif operation == "power":
            stack.append((coefficient * exact_payload(graph.payloads[current]), arguments[0]))
        else:
            factors.append((coefficient, current))
    return factors


def exact_payload(payload: object) -> Fraction:
    if not isinstance(payload, Fraction):
        raise OutOfReach("a constant that is not finite")
    return payload


_ARITHMETIC = words("add mul neg div input constant pi")
LOGARITHMS = frozenset(name for name, row in TABLE.items() if row.logarithm)
BY_EXP = frozenset(name for name, row in TABLE.items() if row.of_exponential is not None)
BY_ROTATION = frozenset(name for name, row in TABLE.items() if row.of_rotation is not None)
"""Functions evaluated by the exponential of their argument, and by that of i times it."""


def _requirements(anatomy: Anatomy, node: int) -> Iterator[tuple[int, int]]:
    graph = anatomy.graph
    operation, arguments = graph.operations[node], graph.arguments[node]
    if operation in BY_EXP or operation == "softplus":
        yield from _exponent_requirements(anatomy, arguments[0])
    elif operation in BY_ROTATION:
        yield arguments[0], 1
    elif operation in ("log", "log1p"):
        yield from _log_requirements(graph, operation, arguments[0], 0)
    elif operation == "power" and exact_payload(graph.payloads[node]).denominator != 1:
        yield from _log_requirements(graph, "log", arguments[0], 1)
    else:
        for argument in arguments:
            yield argument, 0


def _exponent_requirements(anatomy: Anatomy, node: int) -> Iterator[tuple[int, int]]:
    parts = anatomy.exponent(node)
    for _, current in parts.linear:
        yield current, 1
    for _, kind, argument in parts.factors:
        if kind == "softplus":
            yield from _exponent_requirements(anatomy, argument)
        else:
            yield argument, 0


def _log_requirements(graph: Graph, kind: str, node: int, drop: int) -> Iterator[tuple[int, int]]:
    if kind == "log1p":
        yield node, drop
        return
    for _, factor in logarithm_parts(graph, node):
        inner = graph.arguments[factor][0] if graph.operations[factor] == "exp" else factor
        yield inner, drop


def schedule_of(anatomy: Anatomy, outputs: Sequence[int], reach: int) -> list[Key]:
    """Return every (node, depth) needed, each after its requirements: at its own depth they are earlier nodes.

    Raises OutOfReach when exponentials are nested deeper than `reach`; nothing is scheduled beyond it.
    """
    operations, arguments = anatomy.graph.operations, anatomy.graph.arguments
    size = max(outputs) + 1
    levels = [bytearray(size)]
    for node in outputs:
        levels[0][node] = 1
    for depth, level in enumerate(levels):
        if depth > reach:
            raise OutOfReach(f"exponentials nested more than {reach} deep")
        for node in range(size - 1, -1, -1):
            if not level[node]:
                continue
            if operations[node] in _ARITHMETIC:
                for argument in arguments[node]:
                    level[argument] = 1
                continue
            for required, drop in _requirements(anatomy, node):
                while len(levels) <= depth + drop:
                    levels.append(bytearray(size))
                levels[depth + drop][required] = 1
    order = [(node, depth) for depth, level in reversed(list(enumerate(levels))) for node, mark in enumerate(level) if mark]
    return _roots_first(anatomy, order)


def _roots_first(anatomy: Anatomy, order: list[Key]) -> list[Key]:
    """Move every square root, right after what it needs, to the front: most draws fail at one of them, and should fail early."""
    place = {key: k for k, key in enumerate(order)}
    placed: dict[Key, None] = {}
    for key in order:
        if anatomy.graph.operations[key[0]] == "sqrt":
            placed.update(dict.fromkeys(sorted(_needed(anatomy, key, placed), key=place.__getitem__)))
    return [*placed, *(key for key in order if key not in placed)] if placed else order


def _needed(anatomy: Anatomy, key: Key, known: Container[Key]) -> set[Key]:
    """Return a key and what it needs, without what is known."""
    found, stack = {key}, [key]
    while stack:
        node, depth = stack.pop()
        for required, drop in _requirements(anatomy, node):
            below = (required, depth + drop)
            if below not in known and below not in found:
                found.add(below)
                stack.append(below)
    return found
