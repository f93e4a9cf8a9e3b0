"""The equality decision: rewritten identities are accepted, near misses rejected, and no tier claims more than it knows."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symbackprop.trace.graph.graph import Graph, InputName
from symbackprop.trace.graph.modular_signature import Signatures
from symbackprop.trace.run.trace import trace
from symbackprop.verify.equal import equality
from symbackprop.verify.equal.equality import Decision, decide, decide_all

VALUES = {"a": 0.7, "b": 1.9, "c": 0.31, "d": 2.4, "m": -0.83, "x": 0.57, "y": -1.21, "z": 0.44}
VECTORS = {"u": np.array([0.3, -1.2, 0.8]), "v": np.array([1.1, 0.4, -0.6])}

Function = Callable[..., Any]


def _decision(left: Function, right: Function, values: dict[str, Any] | None = None, **options: Any) -> Decision:
    """Trace two functions of the same names into one graph and decide about their (first) results."""
    graph = Graph()
    everything = {**VALUES, **VECTORS} if values is None else values
    nodes = []
    for function in (left, right):
        arguments = {name: everything[name] for name in inspect.signature(function).parameters}
        nodes.append(next(iter(trace(function, arguments, graph=graph).results.values())).nodes[0])
    return decide(graph, *nodes, **options)


def _softmax(x: Any) -> Any:
    e = np.exp(x)
    return e / e.sum()


# (name, one way, another way, the tiers that may decide it)
IDENTITIES: list[tuple[str, Function, Function, str]] = [
    ("commuted", lambda a, b: a * b + a, lambda a, b: a + b * a, "identical"),
    ("distributed", lambda a, b, c: a * (b + c), lambda a, b, c: a * b + a * c, "modular"),
    ("binomial", lambda a, b: (a + b) ** 2, lambda a, b: a * a + 2 * a * b + b * b, "modular"),
    ("difference of squares", lambda x, y: (x - y) * (x + y), lambda x, y: x**2 - y**2, "modular"),
    ("fractions", lambda a, b: 1 / a + 1 / b, lambda a, b: (a + b) / (a * b), "modular"),
    ("nested fraction", lambda a, b: 1 / (1 + a / b), lambda a, b: b / (a + b), "modular"),
    ("cubes", lambda x, y: x**3 - y**3, lambda x, y: (x - y) * (x * x + x * y + y * y), "modular"),
    ("exp of a sum", lambda x, y: np.exp(x + y), lambda x, y: np.exp(x) * np.exp(y), "modular"),
    ("exp of a multiple", lambda x: np.exp(3 * x), lambda x: np.exp(x) ** 3, "modular"),
    ("exp of a half", lambda x: np.exp(x / 2) ** 2, lambda x: np.exp(x), "modular"),
    ("exp of a negative", lambda x: np.exp(-x), lambda x: 1 / np.exp(x), "modular"),
    ("exp of exp", lambda x: np.exp(np.exp(x) + x), lambda x: np.exp(np.exp(x)) * np.exp(x), "modular"),
    ("sigmoid two ways", lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(x) / (np.exp(x) + 1), "modular"),
    ("sigmoid by tanh", lambda x: 1 / (1 + np.exp(-x)), lambda x: 0.5 * (1 + np.tanh(x / 2)), "modular"),
    ("sigmoid'", lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
     lambda x: (lambda s: s * (1 - s))(1 / (1 + np.exp(-x))), "modular"),
    ("sigmoid of -x", lambda x: 1 / (1 + np.exp(x)), lambda x: 1 - 1 / (1 + np.exp(-x)), "modular"),
    ("tanh' by cosh", lambda x: 1 / np.cosh(x) ** 2, lambda x: 1 - np.tanh(x) ** 2, "modular"),
    ("tanh' by exp", lambda x: 4 / (np.exp(x) + np.exp(-x)) ** 2, lambda x: 1 - np.tanh(x) ** 2, "modular"),
    ("tanh addition", lambda x, y: np.tanh(x + y),
     lambda x, y: (np.tanh(x) + np.tanh(y)) / (1 + np.tanh(x) * np.tanh(y)), "modular"),
    ("hyperbolic one", lambda x: np.cosh(x) ** 2 - np.sinh(x) ** 2, lambda x: x / x, "modular"),
    ("expm1", lambda x: np.expm1(x), lambda x: np.exp(x) - 1, "modular"),
    ("softmax shift", lambda u: _softmax(u)[0], lambda u: _softmax(u - u.max())[0], "modular"),
    ("softmax sums to one", lambda u: _softmax(u).sum(), lambda u: u[0] / u[0], "modular"),
    ("softmax Jacobian", lambda u, v: ((np.diag(_softmax(u)) - np.outer(_softmax(u), _softmax(u))) @ v)[1],
     lambda u, v: _softmax(u)[1] * (v[1] - _softmax(u) @ v), "modular"),
    ("softmax by log-softmax", lambda u: _softmax(u)[0], lambda u: np.exp(u - np.log(np.exp(u).sum()))[0], "modular"),
    ("softmax by logsumexp shifted", lambda u: _softmax(u)[0],
     lambda u: np.exp(u - u.max() - np.log(np.exp(u - u.max()).sum()))[0], "modular"),
    ("log of a product", lambda a, b: np.log(a * b), lambda a, b: np.log(a) + np.log(b), "modular"),
    ("log of a quotient", lambda a, b: np.log(a / b), lambda a, b: np.log(a) - np.log(b), "modular"),
    ("log of a power", lambda a: np.log(a**3), lambda a: 3 * np.log(a), "modular"),
    ("log of a root", lambda a: np.log(np.sqrt(a)), lambda a: np.log(a) / 2, "modular"),
    ("log of exp", lambda x, a: np.log(a * np.exp(x)), lambda x, a: np.log(a) + x, "modular"),
    ("log of sigmoid", lambda x: np.log(1 / (1 + np.exp(-x))), lambda x: -np.log1p(np.exp(-x)), "modular"),
    ("log six", lambda a: a * np.log(6), lambda a: a * (np.log(2) + np.log(3)), "modular"),
    ("log2", lambda a: np.log2(8 * a), lambda a: 3 + np.log(a) / np.log(2), "modular"),
    ("log-sum-exp shift", lambda x, y: np.log(np.exp(x) + np.exp(y)),
     lambda x, y: x + np.log(1 + np.exp(y - x)), "normal form digits"),
    ("square root of a square", lambda c, a: np.sqrt(c**2 * a), lambda c, a: c * np.sqrt(a), "modular"),
    ("square root, c < 0", lambda m, a: np.sqrt(m**2 * a), lambda m, a: -m * np.sqrt(a), "modular"),
    ("square root of a product", lambda a, b: np.sqrt(a * b), lambda a, b: np.sqrt(a) * np.sqrt(b), "modular"),
    ("square root below", lambda a, b: 1 / np.sqrt(a + b), lambda a, b: np.sqrt(a + b) / (a + b), "modular"),
    ("power three halves", lambda a, b: (a + b) ** -1.5, lambda a, b: 1 / (np.sqrt(a + b) * (a + b)), "modular"),
    ("square root of a perfect square", lambda a, x: np.sqrt(a * a + 2 * a * x + x * x), lambda a, x: a + x, "modular digits"),
    ("norm", lambda u: (u / np.linalg.norm(u)) @ u, lambda u: np.sqrt(u @ u), "modular"),
    ("half power", lambda a: a**0.5 * a**0.5, lambda a: a * 1.0, "identical modular"),
    ("cube root", lambda a: (a ** (1 / 3)) ** 3, lambda a: a * 1, "modular normal form digits"),
    ("Pythagoras", lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, lambda x: x / x, "modular"),
    ("sine of a double", lambda x: np.sin(2 * x), lambda x: 2 * np.sin(x) * np.cos(x), "modular"),
    ("cosine of a sum", lambda x, y: np.cos(x + y), lambda x, y: np.cos(x) * np.cos(y) - np.sin(x) * np.sin(y), "modular"),
    ("tangent", lambda x: np.tan(x), lambda x: np.sin(x) / np.cos(x), "modular"),
    ("odd erf", lambda x, y: math.erf(y - x), lambda x, y: -math.erf(x - y), "modular"),
    ("erfc", lambda x: math.erfc(x) + math.erf(x), lambda x: x / x, "modular"),
    ("gelu by erfc", lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2, lambda x: x * math.erfc(-x / 2**0.5) / 2, "modular"),
    ("gelu constants", lambda x: np.sqrt(2 / np.pi) * x, lambda x: 2 * x / np.sqrt(2 * np.pi), "modular"),
    ("variance", lambda u: u.var(), lambda u: (u**2).mean() - u.mean() ** 2, "modular"),
    ("centred sum is zero", lambda u, a: a + (u - u.mean()).sum(), lambda a: a * 1, "modular"),
    ("mean absolute", lambda u: np.abs(u).mean(), lambda u: (np.sign(u) * u).sum() / 3, "identical modular"),
    ("maximum", lambda u: np.maximum(u, 0).sum(), lambda u: (u * (u > 0)).sum(), "identical modular"),
    ("swish'", lambda x: (lambda s: s + x * s * (1 - s))(1 / (1 + np.exp(-x))),
     lambda x: (np.exp(x) * (np.exp(x) + x + 1)) / (np.exp(x) + 1) ** 2, "modular"),
    ("acosh by log", lambda d: np.arccosh(d), lambda d: np.log(d + np.sqrt(d * d - 1)), "normal form digits"),
    ("arctan reciprocal", lambda a: np.arctan(a) + np.arctan(1 / a), lambda a: a / a * np.pi / 2, "normal form digits"),
]  # fmt: skip

NEAR_MISSES: list[tuple[str, Function, Function]] = [
    ("relative 1e-6", lambda a, b: a * b, lambda a, b: a * b * 1.000001),
    ("relative 1e-15", lambda a, b: a * b, lambda a, b: a * b * (1 + 1e-15)),
    ("absolute 1e-30", lambda a, b: a + b, lambda a, b: a + b + 1e-30),
    ("epsilon in a log", lambda a: np.log(a), lambda a: np.log(a + 1e-7)),
    ("epsilon in a root", lambda a: 1 / np.sqrt(a), lambda a: 1 / np.sqrt(a + 1e-12)),
    ("half", lambda x, y: (x - y) ** 2, lambda x, y: 0.5 * (x - y) ** 2),
    ("sign", lambda x, y: x - y, lambda x, y: y - x),
    ("wrong root sign", lambda m, a: np.sqrt(m**2 * a), lambda m, a: m * np.sqrt(a)),
    ("perfect square with the wrong sign", lambda a, x: np.sqrt((a - 2 * x) ** 2), lambda a, x: a - 2 * x),
    ("sigmoid' of out", lambda x: (lambda s: s * (1 - s))(1 / (1 + np.exp(-x))), lambda x: x * (1 - x)),
    ("tanh' without square", lambda x: 1 - np.tanh(x) ** 2, lambda x: 1 - np.tanh(x)),
    ("gelu decimal constant", lambda x: np.sqrt(2 / np.pi) * x, lambda x: 0.7978845608 * x),
    ("pi as 22/7", lambda x: np.pi * x, lambda x: 22 / 7 * x),
    ("pi to nine digits", lambda x: np.pi * x, lambda x: 3.141592654 * x),
    ("softmax without one term", lambda u: _softmax(u)[0], lambda u: np.exp(u[0]) / np.exp(u[1:]).sum()),
    ("log of a sum", lambda a, b: np.log(a + b), lambda a, b: np.log(a) + np.log(b)),
    ("ddof", lambda u: u.var(), lambda u: u.var(ddof=1)),
    ("sine for its argument", lambda c: np.sin(c / 1000), lambda c: c / 1000),
    ("exp for its series", lambda c: np.exp(c / 100), lambda c: 1 + c / 100 + c**2 / 20000 + c**3 / 6000000),
    ("erf for tanh", lambda x: np.tanh(x), lambda x: np.tanh(x) + 1e-12 * x**3),
    ("leaky slope", lambda y: np.where(y > 0, y, 0.01 * y), lambda y: np.where(y > 0, y, 0.02 * y)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "left", "right", "tiers"), IDENTITIES, ids=[row[0] for row in IDENTITIES])
def test_identity_is_accepted_by_the_stated_tier(name: str, left: Function, right: Function, tiers: str) -> None:
    decision = _decision(left, right)
    assert decision.accepted
    assert decision.tier in tiers, str(decision)
    assert (decision.status == "proved") == (decision.tier != "digits")
    if decision.tier == "modular":
        assert decision.error_bits is not None
        assert decision.error_bits < -100
    if decision.tier == "digits":
        assert decision.digits >= 45
        assert decision.points >= 3


@pytest.mark.parametrize(("name", "left", "right"), NEAR_MISSES, ids=[row[0] for row in NEAR_MISSES])
def test_near_miss_is_rejected_with_a_witness(name: str, left: Function, right: Function) -> None:
    decision = _decision(left, right)
    assert decision.status == "differs"
    assert decision.tier == "balls"
    witness = decision.witness
    assert witness is not None
    assert witness.difference != 0
    # The witness is a point that a plain run can confirm, as far as float64 resolves it: the trace's own where it names no other.
    values = {name: np.array(value) for name, value in {**VALUES, **VECTORS}.items()}
    for name, value in witness.point.items():
        values[name.name][name.index] = value
    plain = left(**{parameter: values[parameter][()] for parameter in inspect.signature(left).parameters})
    np.testing.assert_allclose(np.reshape(plain, -1)[0], witness.left, rtol=1e-9)


def test_enough_identities_and_near_misses() -> None:
    assert len(IDENTITIES) >= 40
    assert len(NEAR_MISSES) >= 15


def test_a_modular_tier_that_always_agrees_is_not_reached_by_unequal_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers come first: even a signature that accepts everything cannot turn a counterexample into a proof."""
    monkeypatch.setattr(equality, "signatures", lambda graph, nodes, seed: Signatures((1,) * len(nodes), -120.0, False))
    assert _decision(lambda a: a * 2, lambda a: a * 2 + 1e-20).status == "differs"


def _pair(x: float) -> tuple[Graph, int, int]:
    """Return |x|·(x + 1) and |x|·x + |x| at a point, with the comparison that |x| makes on the way."""
    graph = Graph()
    nodes = [
        trace(function, {"x": x}, graph=graph).results[""].nodes[0]
        for function in (lambda x: abs(x) * (x + 1), lambda x: abs(x) * x + abs(x))
    ]
    return graph, *nodes


def test_a_known_point_on_the_path_saves_looking_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, left, right = _pair(0.7)
    monkeypatch.setattr(equality, "nearby_points", lambda *_, **__: pytest.fail("looked for a point"))
    (decision,) = decide_all(graph, [(left, right)], near={InputName("x"): 0.9})
    assert (decision.status, decision.tier) == ("proved", "modular")


def test_a_known_point_beside_the_path_counts_for_nothing() -> None:
    graph, left, right = _pair(0.7)
    assert graph.conditions
    assert decide_all(graph, [(left, right)], near={InputName("x"): -0.9})[0].tier == "modular"
    shifted = graph.add(right, graph.mul(graph.constant(Fraction(1, 10**30)), graph.inputs[InputName("x")]))
    assert decide_all(graph, [(left, shifted)], near={InputName("x"): -0.9})[0].status == "differs"


def test_a_difference_beside_the_path_is_no_counterexample() -> None:
    """Where the run took x > 0, x and the root of x² are the same; at a negative point they differ, which says nothing."""
    graph = Graph()
    (left,) = trace(lambda x: x if x > 0 else -x, {"x": 0.7}, graph=graph).results[""].nodes
    right = graph.apply("sqrt", graph.mul(left, left))
    assert decide_all(graph, [(left, right)], near={InputName("x"): -0.9})[0].accepted


def test_a_tie_at_the_own_point_is_no_counterexample() -> None:
    """At x = 0 the run of `relu` took one side; the two slopes differ at the kink itself and agree beside it."""
    graph = Graph()
    x = graph.input("x", (), 0.0)
    graph.compare(x, "<=", graph.constant(0))
    near_by = equality._at_own_point(graph, {0: (graph.add(x, graph.constant(1)), graph.constant(2))})
    assert near_by == {}


@pytest.mark.parametrize(("bits", "tier"), [(-120.0, "modular"), (-60.0, "modular"), (-20.0, "modular"), (-10.0, "digits")])
def test_modular_tier_repeats_until_the_error_is_small_enough(bits: float, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = []

    def counted(graph: Graph, nodes: Any, seed: int) -> Signatures:
        draws.append(seed)
        return Signatures((1,) * len(nodes), bits, False)

    monkeypatch.setattr(equality, "signatures", counted)
    monkeypatch.setattr(equality, "_by_normal_form", lambda *arguments: None)
    decision = _decision(lambda a, b: a * (a + b), lambda a, b: a * a + a * b)
    assert decision.tier == tier
    assert len(set(draws)) == len(draws) == {-120.0: 1, -60.0: 2, -20.0: 5, -10.0: 1}[bits]
    if tier == "modular":
        assert decision.error_bits is not None
        assert decision.error_bits <= -100


def test_unequal_signature_claims_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "signatures", lambda graph, nodes, seed: Signatures(tuple(range(len(nodes))), -120.0, False))
    monkeypatch.setattr(equality, "_by_normal_form", lambda *arguments: None)
    decision = _decision(lambda a, b: a * (a + b), lambda a, b: a * a + a * b)
    assert (decision.status, decision.tier) == ("agrees", "digits")
    assert str(decision).startswith("agrees to ")


def test_many_pairs_are_decided_together_and_in_order() -> None:
    graph = Graph()
    x, y = graph.input("x", (), 0.3), graph.input("y", (), -0.8)
    double = graph.mul(graph.constant(2), x)
    pairs = [(graph.add(x, x), double), (x, y), (x, x), (graph.mul(x, y), graph.mul(y, x))]
    statuses = [decision.status for decision in decide_all(graph, pairs)]
    assert statuses == ["proved", "differs", "proved", "proved"]


def test_functions_are_compared_on_the_path_of_the_trace_only() -> None:
    values = {"x": 0.5}
    assert _decision(lambda x: x if x > 0 else 3 * x, lambda x: x * 1.0, values).accepted
    assert _decision(lambda x: x if x > 0 else 3 * x, lambda x: x * 1.0, {"x": -0.5}).status == "differs"


def test_undefined_values_are_undecided_never_equal() -> None:
    decision = _decision(lambda m: np.log(m), lambda m: np.log(2 * m))
    assert decision.status == "undecided"


def test_a_masked_score_differs_from_zero_by_less_than_float64_can_hold() -> None:
    decision = _decision(lambda x: np.exp(x - 1e9), lambda x: x * 0)
    assert decision.accepted
