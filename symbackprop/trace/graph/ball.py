"""A traced graph in ball arithmetic: every value comes with a rigorous bound on its error (python-flint's `arb`).

A ball that does not contain zero is a proof that the number is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

import flint

from symbackprop.errors import InternalError
from symbackprop.trace.graph.elementary import TABLE
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Condition, Graph, InputName

Ball = flint.arb


def balls(
    graph: Graph,
    outputs: Sequence[int],
    point: Mapping[InputName, float],
    bits: int = 200,
    constants: Mapping[int, Fraction] = MappingProxyType({}),
) -> list[Ball]:
    """Return enclosures of the outputs at a point whose coordinates are taken as exact numbers.

    Inputs that the point does not name keep the value of the trace; `constants` gives other numbers for some constant nodes.
    A ball that is not finite means that the precision (or the domain) did not suffice.
    """
    with flint.ctx.workprec(bits):
        known = {node: _constant(number) for node, number in constants.items()}
    return _all_balls(graph, outputs, point, bits, known)


def _all_balls(
    graph: Graph, outputs: Sequence[int], point: Mapping[InputName, float], bits: int, known: Mapping[int, Ball]
) -> list[Ball]:
    """Return enclosures of the outputs where those of some nodes are known."""
    results = dict(known)
    with flint.ctx.workprec(bits):
        for node in reachable(graph, outputs):
            if node not in results:
                results[node] = _ball(graph, node, results, point)
    return [results[node] for node in outputs]


def _ball(graph: Graph, node: int, results: Mapping[int, Ball], point: Mapping[InputName, float]) -> Ball:
    operation, arguments, payload = graph.operations[node], graph.arguments[node], graph.payloads[node]
    if operation == "add":
        return results[arguments[0]] + results[arguments[1]]
    if operation == "mul":
        return results[arguments[0]] * results[arguments[1]]
    if operation == "neg":
        return -results[arguments[0]]
    if operation == "div":
        return results[arguments[0]] / results[arguments[1]]
    if operation == "input":
        return Ball(point.get(payload, graph.values[node]))  # type: ignore[arg-type]
    if operation == "constant":
        return _constant(payload)
    if operation == "pi":
        return Ball.pi()
    if operation == "power":
        return _power(results[arguments[0]], payload)
    ball: Ball = TABLE[operation].ball(results[arguments[0]])
    return ball


def _constant(payload: object) -> Ball:
    if isinstance(payload, Fraction):
        return Ball(flint.fmpq(payload.numerator, payload.denominator))
    if isinstance(payload, float):
        return Ball.nan() if math.isnan(payload) else Ball.pos_inf() if payload > 0 else Ball.neg_inf()
    raise InternalError(f"constant node with payload {payload!r}")


def _power(base: Ball, exponent: object) -> Ball:
    if not isinstance(exponent, Fraction):
        raise InternalError(f"power node with exponent {exponent!r}")
    if exponent.denominator == 1:
        return base**exponent.numerator
    return base ** Ball(flint.fmpq(exponent.numerator, exponent.denominator))


def decides(condition: Condition, left: Ball, right: Ball) -> bool:
    """Whether the balls prove that a comparison has the outcome it had in the trace."""
    if condition.relation == "==":
        return bool(left == right) if condition.outcome else bool(left != right)
    less = bool(left < right) if condition.relation == "<" else bool(left <= right)
    not_less = bool(left >= right) if condition.relation == "<" else bool(left > right)
    return less if condition.outcome else not_less


def rounding_bound(graph: Graph, outputs: Sequence[int], point: Mapping[InputName, float], bits: int) -> list[float]:
    """Return a bound on what rounding to `bits` bits may do to each output: a few radii of the balls of that precision.

    Constants that floats make other numbers are balls as well.
    """
    results = {node: Ball(graph.values[node], abs(number - graph.values[node])) for node, number in graph.rounded.items()}
    return [_radius(ball) for ball in _all_balls(graph, outputs, point, bits, results)]


def _radius(ball: Ball) -> float:
    return 16 * float(ball.rad()) if ball.is_finite() else 0.0
