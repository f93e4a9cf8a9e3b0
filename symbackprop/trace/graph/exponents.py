"""What the modular signature must know before a node: exponents and logarithms taken apart, the order of evaluation.

An `exp` in the field of one prime needs its argument in the field below, so a node is wanted at several depths: the
number of exponentials that it lies under.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import compress

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
        multiple = _rational_multiple(graph, current)
        if operation == "add":
            stack += [(coefficient, argument) for argument in arguments]
        elif multiple is not None:
            stack.append((coefficient * multiple[0], multiple[1]))
        elif operation in LOGARITHMS and coefficient.denominator == 1:
            parts.factors.append((coefficient.numerator, operation, arguments[0]))
        else:
            parts.linear.append((coefficient, current))
    return parts


def _rational_multiple(graph: Graph, node: int) -> tuple[Fraction, int] | None:
    """Return (c, rest) where a node is c·rest with a rational c."""
    operation, arguments = graph.operations[node], graph.arguments[node]
    if operation == "neg":
        return Fraction(-1), arguments[0]
    if operation not in ("mul", "div"):
        return None
    first, last = map(graph.fraction, arguments)
    if last:
        return last if operation == "mul" else 1 / last, arguments[0]
    return (first, arguments[1]) if operation == "mul" and first is not None else None


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
    levels = [bytearray(size) for _ in range(reach + 2)]  # the last is out of reach
    for node in outputs:
        levels[0][node] = 1
    for depth, level in enumerate(levels[:-1]):
        for node in range(level.rfind(1), -1, -1):
            if not level[node]:
                continue
            if operations[node] in _ARITHMETIC:
                for argument in arguments[node]:
                    level[argument] = 1
                continue
            for required, drop in _requirements(anatomy, node):
                levels[depth + drop][required] = 1
    if any(levels.pop()):
        raise OutOfReach(f"exponentials nested more than {reach} deep")
    return _roots_first(anatomy, levels)


def _roots_first(anatomy: Anatomy, levels: Sequence[bytearray]) -> list[Key]:
    """Return what is marked in the levels, the deepest first.

    Every square root is moved to the front, right after what it needs: most draws fail at one of them, and should fail early.
    """
    used = [(depth, level) for depth, level in enumerate(levels) if any(level)]
    order = [(node, depth) for depth, level in reversed(used) for node in compress(range(len(level)), level)]
    operations = anatomy.graph.operations
    roots = [key for key in order if operations[key[0]] == "sqrt"]
    place = {key: k for k, key in enumerate(order)} if roots else {}
    placed: dict[Key, None] = {}
    for key in roots:
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
