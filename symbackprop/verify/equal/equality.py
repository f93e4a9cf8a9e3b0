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
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

import flint
import sympy

from symbackprop.trace.graph.ball import Ball, balls, decides
from symbackprop.trace.graph.evaluate import reachable, to_sympy
from symbackprop.trace.graph.exponents import OutOfReach
from symbackprop.trace.graph.graph import Graph, InputName, sides_of
from symbackprop.trace.graph.modular_signature import Signatures, signatures
from symbackprop.trace.graph.points import Coordinates, boundary, nearby_points
from symbackprop.verify.budget import Budget

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
_FEWEST_DIGITS = 6
"""Digits below which enclosures that overlap say nothing."""
_SMALL = 40
"""Nodes of an expression small enough for sympy."""
_MOST_SIMPLIFIED = 80
_MOST_TRIGONOMETRIC = 24
"""Operations of an expression that sympy simplifies as a whole, or by trigonometric identities: minutes pass beyond."""
_MOST_REWRITTEN = 1200
"""Nodes of the expressions that sympy rewrites for one call, all together (about six seconds); no further one is tried then."""


@dataclass(frozen=True, slots=True)
class Counterexample:
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
    witness: Counterexample | None = None
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
    graph: Graph, pairs: Sequence[tuple[int, int]], *, points: int = 3, seed: int = 0, near: Coordinates | None = None
) -> list[Decision]:
    """Decide about many pairs of nodes at once: one evaluation for each point and one signature serve all of them.

    What the trace's own point tells apart is not looked at further; for the rest the signature says how many other points are
    worth their time. `near` is such a point, if one is known.
    """
    numbered = dict(enumerate(pairs))
    decisions = {k: Decision("proved", "identical") for k, (left, right) in numbered.items() if left == right}
    decisions |= _at_own_point(graph, _without(numbered, decisions))
    waiting = _without(numbered, decisions)
    proofs = _signed(graph, {k: pair for k, pair in waiting.items() if _are_finite(graph, pair)}, seed)
    numbers = _numbers(graph, waiting, proofs.keys() >= waiting.keys(), points, seed, near)
    agreeing = {k: pair for k, pair in waiting.items() if numbers[k].status == "agrees"}
    decisions |= numbers | _proofs(graph, agreeing, proofs, seed)
    return [decisions[k] for k in numbered]


Pairs = Mapping[int, tuple[int, int]]


def _proofs(graph: Graph, agreeing: Pairs, signed: Mapping[int, Decision], seed: int) -> dict[int, Decision]:
    """Return what is proved of pairs that agree in numbers: by the signature, else by rewriting them."""
    signed = {**signed, **_signed(graph, {k: pair for k, pair in agreeing.items() if not _are_finite(graph, pair)}, seed)}
    budget = Budget(_MOST_REWRITTEN)
    proofs = ((k, signed.get(k) or _by_normal_form(graph, pair, budget)) for k, pair in agreeing.items())
    return {k: proof for k, proof in proofs if proof is not None}


def _without(pairs: Pairs, decisions: Mapping[int, Decision]) -> dict[int, tuple[int, int]]:
    return {k: pair for k, pair in pairs.items() if k not in decisions}


def _are_finite(graph: Graph, nodes: Sequence[int]) -> bool:
    return all(math.isfinite(graph.values[node]) for node in nodes)


def _numbers(graph: Graph, pairs: Pairs, signed: bool, points: int, seed: int, near: Coordinates | None) -> dict[int, Decision]:
    """Return what the balls say at other points of the path.

    What a signature proves (`signed`) is enclosed at one more point: it settles the signs of roots, and refutes what is wrong.
    """
    numbers = _by_balls(graph, pairs, [near]) if signed and near else {}
    rest = _without(pairs, numbers)
    ends = [node for pair in rest.values() for node in pair]
    found = [other.point for other in nearby_points(graph, ends, 1 if signed else points, seed=seed + 11)] if rest else []
    # The point of the trace itself always lies on its path; it serves when no other one was found.
    return numbers | dict.fromkeys(rest, Decision("undecided", "none")) | _by_balls(graph, rest, found or [{}])


# ---- balls


def _at_own_point(graph: Graph, pairs: Pairs) -> dict[int, Decision]:
    """Return the pairs that differ, rigorously, at the point of the trace itself, of those whose float64 values say so.

    Not where a comparison was decided by a tie: on a border the two may differ and yet be the same function beside it.
    """
    suspects = {k: pair for k, pair in pairs.items() if _far_apart(*(graph.values[node] for node in pair))}
    if not suspects or boundary(graph, graph.conditions.values()):
        return {}
    outcomes = zip(suspects, _at_point(graph, list(suspects.values()), {}), strict=True)
    return {
        k: Decision("differs", "balls", points=1, witness=found) for k, found in outcomes if isinstance(found, Counterexample)
    }


def _far_apart(left: float, right: float) -> bool:
    return math.isfinite(left) and math.isfinite(right) and abs(left - right) > _APART * (abs(left) + abs(right))


def _by_balls(graph: Graph, pairs: Pairs, found: Sequence[Coordinates]) -> dict[int, Decision]:
    """Evaluate every pair at points of the path: a difference at one of them decides; otherwise count the digits that agree.

    Pairs that have a finite enclosure at none of the points are left out.
    """
    decisions: dict[int, Decision] = {}
    for point in found:
        waiting = [k for k in pairs if k not in decisions or decisions[k].status == "agrees"]
        for k, outcome in zip(waiting, _at_point(graph, [pairs[k] for k in waiting], point), strict=True):
            earlier = decisions.get(k, Decision("agrees", "digits", digits=300))
            if isinstance(outcome, Counterexample):
                decisions[k] = Decision("differs", "balls", points=earlier.points + 1, witness=outcome)
            elif outcome is not None:
                digits = min(earlier.digits, int(outcome))
                decisions[k] = Decision("agrees", "digits", digits=digits, points=earlier.points + 1)
    return decisions


def _at_point(graph: Graph, pairs: Sequence[tuple[int, int]], point: Coordinates) -> list[Counterexample | float | None]:
    """At one point: a witness, or the number of agreeing digits, or None where no precision gives a finite ball."""
    outcomes: list[Counterexample | float | None] = [None] * len(pairs)
    waiting = list(range(len(pairs)))
    conditions = list(graph.conditions.values()) if point else []
    sides = sides_of(conditions)
    for bits in _BITS:
        nodes = list(chain.from_iterable(pairs[k] for k in waiting))
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


def _compare(left: Ball, right: Ball, point: Coordinates) -> Counterexample | float | None:
    difference = left - right
    if not difference.is_finite():
        return None
    if difference != 0:
        # Below the smallest float64 (exp(-1e9) of a masked score against 0) no code can tell the two apart.
        if float(abs(difference).upper()) > _SMALLEST:
            return Counterexample(dict(point), float(left.mid()), float(right.mid()), float(difference.mid()))
        return 300.0
    error = difference.abs_upper()
    if error == 0:
        return 300.0
    scale = left.abs_upper().max(right.abs_upper())
    relative = error if scale == 0 or left.contains(0) else error / scale
    digits = -float(relative.log()) / math.log(10)
    return digits if digits >= _FEWEST_DIGITS else None


# ---- signatures


def _signed(graph: Graph, pairs: Pairs, seed: int) -> dict[int, Decision]:
    """Return what the modular signature proves."""
    found = zip(pairs, _by_signature(graph, list(pairs.values()), seed), strict=True)
    return {k: proof for k, proof in found if proof is not None}


def _by_signature(graph: Graph, pairs: Sequence[tuple[int, int]], seed: int) -> list[Decision | None]:
    """Prove what the modular signature proves, by as many draws as the bound on the error takes.

    With square roots one unequal draw means nothing, as the signs of roots of perfect squares are free; the balls have
    settled them.
    """
    signing = _Signing([0.0] * len(pairs), [None] * len(pairs), list(range(len(pairs))))
    for draw in range(_DRAWS):
        if not signing.waiting:
            break
        try:
            drawn = signatures(graph, [node for k in signing.waiting for node in pairs[k]], seed=seed * 64 + draw)
        except OutOfReach:
            alone = draw == 0 and 1 < len(pairs) <= _SMALL  # what is out of reach together may be in reach alone
            return [_by_signature(graph, [pair], seed)[0] for pair in pairs] if alone else signing.decisions
        if drawn.error_bits > _USELESS_BITS:
            break
        signing.take(drawn)
    return signing.decisions


@dataclass(slots=True)
class _Signing:
    """Of each pair, the bound on the error so far as a binary logarithm, and what is proved; the pairs to be drawn again."""

    bits: list[float]
    decisions: list[Decision | None]
    waiting: list[int]

    def take(self, drawn: Signatures) -> None:
        """Count a draw. Of draws with roots any may be the equal one: their number enters the bound."""
        slack = _DRAWS if drawn.has_roots else 0
        sides = zip(self.waiting, drawn.residues[::2], drawn.residues[1::2], strict=True)
        equal = {k for k, left, right in sides if left == right}
        for k in equal:
            self.bits[k] += drawn.error_bits
            if self.bits[k] + slack <= ERROR_BITS:
                self.decisions[k] = Decision("proved", "modular", error_bits=self.bits[k] + slack)
        again = self.waiting if drawn.has_roots else equal
        self.waiting = [k for k in self.waiting if k in again and self.decisions[k] is None]


# ---- normal form


def _by_normal_form(graph: Graph, pair: tuple[int, int], budget: Budget) -> Decision | None:
    """Let sympy rewrite the difference of two small expressions, the signs of the inputs being those at the point of
    the trace."""
    nodes = reachable(graph, pair)
    if len(nodes) > _SMALL or not _are_finite(graph, nodes) or not budget.spend(len(nodes)):
        return None
    signed = _signed_inputs(graph, nodes)
    a, b = (to_sympy(graph, node, signed) for node in pair)
    proof = _rewritten_to_zero(a - b)
    return Decision("proved", "normal form", proof=f"{a} = {b} by {proof}") if proof else None


@lru_cache(maxsize=256)
def _rewritten_to_zero(difference: Any) -> str | None:
    """Return by what a difference becomes 0; at further points it is the same one, unless an input has another sign there."""
    return next((name for name, rewrite in _REWRITES if rewrite(difference) == 0), None)


def _signed_inputs(graph: Graph, nodes: Sequence[int]) -> dict[int, Any]:
    """Return symbols for the inputs among nodes, of the signs that they have."""
    signed = {}
    for node in nodes:
        if graph.operations[node] == "input" and graph.values[node] != 0:
            symbol = sympy.Symbol(str(graph.payloads[node]), positive=True)
            signed[node] = symbol if graph.values[node] > 0 else -symbol
    return signed


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
