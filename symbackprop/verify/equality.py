"""Whether two nodes of a graph are the same function of the inputs, on the path of the trace.

The tiers, in this order; each decision names the one that made it.

* `identical`: the same node. Proved.
* `balls`: at a point on the path (the trace's own, or one nearby) an enclosure (200 bits) of the difference excludes zero.
A rigorous counterexample.
* `modular`: equal signatures (see `signature` for exactly what this establishes), with a chance of error below
2^-100. Proved.
* `normal form`: sympy rewrites the difference of two small expressions to zero. Proved, printable.
* `digits`: equal to so many digits at so many points. Agrees, never more.

Functions are compared where the trace's comparisons have the outcome they had; nothing is said about other branches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

import flint
import sympy

from symbackprop.verify.ball import Ball, balls, decides
from symbackprop.verify.evaluate import reachable, to_sympy
from symbackprop.verify.exponents import OutOfReach
from symbackprop.verify.graph import Graph, InputName
from symbackprop.verify.points import Point, boundary, nearby_points
from symbackprop.verify.signature import signatures

Status = Literal["proved", "agrees", "differs", "undecided"]
Tier = Literal["identical", "balls", "modular", "normal form", "digits", "none"]

ERROR_BITS = -100.0
"""The modular tier says "proved" only where the chance of error is below 2 to this power."""
_BITS = (200, 800)
_APART = 1e-6
"""Relative difference of two float64 values at the point of the trace above which an enclosure there is worth its time."""
_SMALLEST = 2.0**-1074
_DRAWS = 6
_USELESS_BITS = -16.0
"""Draws of the modular signature at most, and the error of one draw above which more of them are not worth their time."""
_SMALL = 40
"""Nodes of an expression small enough for sympy."""
_MOST_SIMPLIFIED = 80
_MOST_TRIGONOMETRIC = 24
"""Operations of an expression that sympy simplifies as a whole, or by trigonometric identities: minutes pass beyond."""
_SECONDS = 6.0
"""Time after which no further normal form is tried for the pairs of one call."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A point where two functions differ, with both values (midpoints of balls whose difference excludes zero)."""

    point: dict[InputName, float]
    left: float
    right: float
    difference: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and its scope: `digits` significant digits agree at `points` points; `error_bits` is log2 of the
    chance of error."""

    status: Status
    tier: Tier
    digits: int = 0
    points: int = 0
    witness: Witness | None = None
    error_bits: float | None = None
    proof: str = ""

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against equality."""
        return self.status in ("proved", "agrees")

    def __str__(self) -> str:
        match self.tier:
            case "identical":
                return "proved: the same computation"
            case "balls" if self.witness is not None:
                witness = self.witness
                return f"differs: {witness.left:.12g} and {witness.right:.12g} at a point (error bounds exclude equality)"
            case "modular":
                return f"proved: equal signatures, chance of error below 2^{math.ceil(self.error_bits or 0)}"
            case "normal form":
                return f"proved: {self.proof}"
            case "digits":
                return f"agrees to {self.digits} digits at {self.points} points"
        return "undecided: no point could be evaluated"


def decide(graph: Graph, left: int, right: int, *, points: int = 3, seed: int = 0) -> Decision:
    """Decide whether two nodes are the same function of the inputs."""
    return decide_all(graph, [(left, right)], points=points, seed=seed)[0]


def decide_all(
    graph: Graph, pairs: Sequence[tuple[int, int]], *, points: int = 3, seed: int = 0, near: Point | None = None
) -> list[Decision]:
    """Decide about many pairs of nodes at once: one evaluation for each point and one signature serve all of them.

    What the trace's own point tells apart is not looked at further; for the rest the signature says how many other points are
    worth their time. `near` is such a point, if one is known.
    """
    decisions = {k: Decision("proved", "identical") for k, (left, right) in enumerate(pairs) if left == right}
    decisions |= _at_own_point(graph, {k: pair for k, pair in enumerate(pairs) if k not in decisions})
    open_ = {k: pair for k, pair in enumerate(pairs) if k not in decisions}
    finite = {k: pair for k, pair in open_.items() if all(math.isfinite(graph.values[node]) for node in pair)}
    proofs = dict(zip(finite, _by_signature(graph, list(finite.values()), seed), strict=True))
    # What a signature proves is enclosed at one more point: it settles the signs of roots, and refutes what is wrong.
    signed = all(proofs.get(k) for k in open_)
    numbers = _by_balls(graph, open_, [near]) if signed and near else {}
    rest = {k: pair for k, pair in open_.items() if k not in numbers}
    ends = [node for pair in rest.values() for node in pair]
    found = [other.point for other in nearby_points(graph, ends, 1 if signed else points, seed=seed + 11)] if rest else []
    # The point of the trace itself always lies on its path; it serves when no other one was found.
    numbers |= {k: Decision("undecided", "none") for k in rest} | _by_balls(graph, rest, found or [{}])
    late = {k: pair for k, pair in open_.items() if k not in finite and numbers[k].status == "agrees"}
    proofs |= zip(late, _by_signature(graph, list(late.values()), seed), strict=True)
    deadline = monotonic() + _SECONDS
    for k, number in numbers.items():
        proof = proofs.get(k) if number.status == "agrees" else None
        if proof is None and number.status == "agrees" and monotonic() < deadline:
            proof = _by_normal_form(graph, *pairs[k])
        decisions[k] = proof or number
    return [decisions[k] for k in range(len(pairs))]


# ---- balls


def _at_own_point(graph: Graph, pairs: Mapping[int, tuple[int, int]]) -> dict[int, Decision]:
    """Return the pairs that differ, rigorously, at the point of the trace itself, of those whose float64 values say so.

    Not where a comparison was decided by a tie: on a border the two may differ and yet be the same function beside it.
    """
    suspects = {k: pair for k, pair in pairs.items() if _far_apart(*(graph.values[node] for node in pair))}
    if not suspects or boundary(graph, graph.conditions.values()):
        return {}
    outcomes = zip(suspects, _at_point(graph, list(suspects.values()), {}), strict=True)
    return {k: Decision("differs", "balls", points=1, witness=found) for k, found in outcomes if isinstance(found, Witness)}


def _far_apart(left: float, right: float) -> bool:
    return math.isfinite(left) and math.isfinite(right) and abs(left - right) > _APART * (abs(left) + abs(right))


def _by_balls(graph: Graph, pairs: Mapping[int, tuple[int, int]], found: Sequence[Point]) -> dict[int, Decision]:
    """Evaluate every pair at points of the path: a difference at one of them decides; otherwise count the digits that agree.

    Pairs that have a finite enclosure at none of the points are left out.
    """
    decisions: dict[int, Decision] = {}
    for point in found:
        waiting = [k for k in pairs if k not in decisions or decisions[k].status == "agrees"]
        for k, outcome in zip(waiting, _at_point(graph, [pairs[k] for k in waiting], point), strict=True):
            earlier = decisions.get(k, Decision("agrees", "digits", digits=300))
            if isinstance(outcome, Witness):
                decisions[k] = Decision("differs", "balls", points=earlier.points + 1, witness=outcome)
            elif outcome is not None:
                digits = min(earlier.digits, int(outcome))
                decisions[k] = Decision("agrees", "digits", digits=digits, points=earlier.points + 1)
    return decisions


def _at_point(graph: Graph, pairs: Sequence[tuple[int, int]], point: Point) -> list[Witness | float | None]:
    """At one point: a witness, or the number of agreeing digits, or None where no precision gives a finite ball."""
    outcomes: list[Witness | float | None] = [None] * len(pairs)
    waiting = list(range(len(pairs)))
    conditions = list(graph.conditions.values()) if point else []
    sides = [node for c in conditions for node in (c.left, c.right)]
    for bits in _BITS:
        nodes = [node for k in waiting for node in pairs[k]]
        values = balls(graph, [*nodes, *sides], point, bits)
        borders = values[len(nodes) :]
        if not all(decides(c, borders[2 * j], borders[2 * j + 1]) for j, c in enumerate(conditions)):
            continue
        with flint.ctx.workprec(bits):
            for j, k in enumerate(waiting):
                outcomes[k] = _compare(values[2 * j], values[2 * j + 1], point)
        waiting = [k for k in waiting if outcomes[k] is None]
        if not waiting:
            break
    return outcomes


def _compare(left: Ball, right: Ball, point: Point) -> Witness | float | None:
    difference = left - right
    if not difference.is_finite():
        return None
    if difference != 0:
        # Below the smallest float64 (exp(-1e9) of a masked score against 0) no code can tell the two apart.
        if float(abs(difference).upper()) > _SMALLEST:
            return Witness(dict(point), float(left.mid()), float(right.mid()), float(difference.mid()))
        return 300.0
    error = difference.abs_upper()
    if error == 0:
        return 300.0
    scale = left.abs_upper().max(right.abs_upper())
    relative = error if scale == 0 or left.contains(0) else error / scale
    return max(0.0, -float(relative.log()) / math.log(10))


# ---- signatures


def _by_signature(graph: Graph, pairs: Sequence[tuple[int, int]], seed: int) -> list[Decision | None]:
    """Prove what the modular signature proves, by as many draws as the bound on the error takes.

    With square roots one unequal draw means nothing, as the signs of roots of perfect squares are free; the balls have
    settled them.
    """
    decisions: list[Decision | None] = [None] * len(pairs)
    bits = [0.0] * len(pairs)
    waiting = list(range(len(pairs)))
    for draw in range(_DRAWS):
        if not waiting:
            break
        try:
            drawn = signatures(graph, [node for k in waiting for node in pairs[k]], seed=seed * 64 + draw)
        except OutOfReach:
            return _one_by_one(graph, pairs, decisions, seed) if len(pairs) > 1 and draw == 0 else decisions
        if drawn.error_bits > _USELESS_BITS:
            break
        equal = {k for j, k in enumerate(waiting) if drawn.residues[2 * j] == drawn.residues[2 * j + 1]}
        for k in equal:
            bits[k] += drawn.error_bits
            # Any of the draws may be the equal one: their number enters the bound.
            error = bits[k] + (_DRAWS if drawn.has_roots else 0)
            if error <= ERROR_BITS:
                decisions[k] = Decision("proved", "modular", error_bits=error)
        waiting = [k for k in waiting if decisions[k] is None and (k in equal or drawn.has_roots)]
    return decisions


def _one_by_one(
    graph: Graph, pairs: Sequence[tuple[int, int]], decisions: list[Decision | None], seed: int
) -> list[Decision | None]:
    """What is out of reach together (one bad pair, or too many roots) may be in reach alone; tried for a few pairs
    only."""
    if len(pairs) > _SMALL:
        return decisions
    return [_by_signature(graph, [pair], seed)[0] for pair in pairs]


# ---- normal form


def _by_normal_form(graph: Graph, left: int, right: int) -> Decision | None:
    """Let sympy rewrite the difference of two small expressions, the signs of the inputs being those at the point of
    the trace."""
    nodes = reachable(graph, [left, right])
    if len(nodes) > _SMALL or any(not math.isfinite(graph.values[node]) for node in nodes):
        return None
    signed = {}
    for node in nodes:
        if graph.operations[node] == "input" and graph.values[node] != 0:
            symbol = sympy.Symbol(str(graph.payloads[node]), positive=True)
            signed[node] = symbol if graph.values[node] > 0 else -symbol
    a, b = to_sympy(graph, left, signed), to_sympy(graph, right, signed)
    for name, rewrite in _REWRITES:
        if rewrite(a - b) == 0:
            return Decision("proved", "normal form", proof=f"{a} = {b} by {name}")
    return None


def _within(most: int, rewrite: Callable[[Any], Any], expression: Any) -> Any:
    """Rewrite an expression of at most so many operations; a larger one is left as it is, as the time has no bound there."""
    return rewrite(expression) if sympy.count_ops(expression) <= most else expression


_REWRITES: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("expansion", lambda e: sympy.expand(e)),
    ("the laws of logarithms", lambda e: sympy.expand(sympy.expand_log(e))),
    ("common denominators", lambda e: sympy.cancel(sympy.together(e))),
    ("combined logarithms", lambda e: _within(_MOST_SIMPLIFIED, sympy.simplify, sympy.logcombine(e))),
    ("trigonometric identities", lambda e: _within(_MOST_TRIGONOMETRIC, sympy.trigsimp, e)),
)
