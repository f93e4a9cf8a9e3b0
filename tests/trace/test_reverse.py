"""The backward pass over a graph, against differences in 40 digits (mpmath)."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from symbackprop.trace.graph.elementary import TABLE
from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.graph import Graph, InputName
from symbackprop.trace.graph.reverse import SLOPES, gradients

MPMATH = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    **{f"arc{name}": getattr(mpmath, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}


def test_every_function_has_a_slope() -> None:
    assert SLOPES.keys() == TABLE.keys()


@pytest.mark.parametrize("name", sorted(TABLE))
@pytest.mark.parametrize("x", [0.3, 0.85, 1.7])
def test_slopes_against_differences(name: str, x: float) -> None:
    x = x + 1 if name == "arccosh" else min(x, 0.9) if name in ("arcsin", "arccos", "arctanh") else x
    graph = Graph()
    node = graph.input("x", (), x)
    slope = gradients(graph, graph.apply(name, node))[node]
    with mpmath.workdps(40):
        expected = mpmath.diff(MPMATH.get(name, getattr(mpmath, name, None)), mpmath.mpf(x))
    assert graph.values[slope] == pytest.approx(float(expected), rel=1e-12)


def test_a_shared_node_gets_the_sum_of_its_paths() -> None:
    graph = Graph()
    x, y = graph.input("x", (), 0.7), graph.input("y", (), -1.3)
    shared = graph.mul(x, x)
    output = graph.add(graph.div(graph.sub(shared, y), graph.apply("cosh", y)), graph.power(shared, Fraction(3)))
    found = gradients(graph, output)
    for node, name in ((x, "x"), (y, "y")):
        step = 1e-6
        moved = [evaluate(graph, [output], {InputName(name): graph.values[node] + s})[0] for s in (step, -step)]
        assert graph.values[found[node]] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-8)


def test_inputs_without_a_path_are_left_out() -> None:
    graph = Graph()
    x, other = graph.input("x", (), 2.0), graph.input("other", (), 1.0)
    assert gradients(graph, graph.mul(x, x)).keys() == {x}
    assert gradients(graph, x)[x] == graph.constant(1)
    assert other not in gradients(graph, graph.constant(3))
