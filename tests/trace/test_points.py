"""Points on the path of a trace, points on other branches, and balls around their values."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symbackprop.trace.graph.ball import balls, decides, rounding_bound
from symbackprop.trace.graph.graph import Graph, InputName
from symbackprop.trace.graph.points import boundary, frozen_inputs, nearby_points
from symbackprop.trace.run.trace import trace
from symbackprop.verify.equal.branches import find_flips


def relu_net(x, w, v):
    return float(0) + np.maximum(x @ w, 0) @ v


ARGUMENTS = {
    "x": np.array([0.5, -1.5]),
    "w": np.array([[1.0, -0.3, 0.8], [0.2, 0.9, -0.4]]),
    "v": np.array([1.5, -0.5, 0.7]),
}


def test_nearby_points_keep_every_comparison_and_differ_from_the_first() -> None:
    run = trace(relu_net, ARGUMENTS)
    found = nearby_points(run.graph, run.results[""].nodes, 5)
    assert len(found) == 5
    for near in found:
        x, w = (
            np.array([near.point[InputName(name, index)] for index in np.ndindex(value.shape)]).reshape(value.shape)
            for name, value in (("x", ARGUMENTS["x"]), ("w", ARGUMENTS["w"]))
        )
        assert ((x @ w > 0) == (ARGUMENTS["x"] @ ARGUMENTS["w"] > 0)).all()
        assert not np.allclose(x, ARGUMENTS["x"])


def test_a_narrow_path_is_found_closer_by() -> None:
    run = trace(lambda x: x * 2 if x > 0.999 else x, {"x": 1.0})
    (near,) = nearby_points(run.graph, run.results[""].nodes, 1)
    assert near.point[InputName("x")] > 0.999
    assert near.radius < 0.3 or near.point[InputName("x")] != 1.0


def test_single_precision_inputs_move_to_single_precision_numbers() -> None:
    run = trace(lambda x: x * 2, {"x": np.float32(0.1)})
    for near in nearby_points(run.graph, run.results[""].nodes, 3, single=["x"]):
        assert float(np.float32(near.point[InputName("x")])) == near.point[InputName("x")]


def test_equality_freezes_its_inputs_and_ties_are_boundaries() -> None:
    run = trace(lambda t, x: x if t == 1 else -x, {"t": 1.0, "x": 0.5})
    conditions = list(run.graph.conditions.values())
    assert frozen_inputs(run.graph, conditions) == {InputName("t")}
    assert len(boundary(run.graph, conditions)) == 1
    (near,) = nearby_points(run.graph, run.results[""].nodes, 1)
    assert InputName("t") not in near.point


def test_flips_visit_both_sides_of_every_unit() -> None:
    run = trace(relu_net, ARGUMENTS)
    flips = find_flips(run.graph)
    assert flips.unvisited == ()
    flipped = [condition for flip in flips.points for condition in flip.conditions]
    assert len(flipped) == len(set(flipped)) == 3
    for flip in flips.points:
        again = trace(relu_net, ARGUMENTS, at=flip.point)
        outcomes = [c.outcome for c in again.conditions]
        for position, condition in enumerate(run.conditions):
            if condition in flip.conditions:
                assert outcomes[position] != condition.outcome


def test_a_branch_far_away_is_reached_by_steps_and_an_impossible_one_is_listed() -> None:
    def rare(x, y):
        if x * y > 1e4:
            return x
        if x**2 + y**2 < 0:
            return y
        return x * y

    run = trace(rare, {"x": 0.5, "y": 0.25})
    flips = find_flips(run.graph)
    (unvisited,) = flips.unvisited
    assert str(unvisited.place) == f"line {rare.__code__.co_firstlineno + 3}"
    (flip,) = flips.points
    assert flip.far
    point = flip.point
    assert point[InputName("x")] * point[InputName("y")] > 1e4


def test_unequal_numbers_are_thin_not_unvisited() -> None:
    run = trace(lambda x: x if x == 0 else 1 / x, {"x": 0.5})
    flips = find_flips(run.graph)
    assert len(flips.thin) == 1
    assert flips.unvisited == ()
    assert flips.points == ()


def test_balls_enclose_the_value_that_mpmath_computes() -> None:
    graph = Graph()
    x, y = graph.input("x", (), 0.75), graph.input("y", (), 2.5)
    node = graph.div(
        graph.apply("erf", graph.sub(graph.power(x, Fraction(3)), graph.apply("log", y))),
        graph.add(graph.apply("sqrt", y), graph.mul(graph.pi(), graph.number(0.1))),
    )
    (ball,) = balls(graph, [node], {InputName("x"): 0.3125}, bits=200)
    with mpmath.workprec(300):
        expected = mpmath.erf(mpmath.mpf("0.3125") ** 3 - mpmath.log(mpmath.mpf("2.5")))
        expected /= mpmath.sqrt(mpmath.mpf("2.5")) + mpmath.pi / 10
        middle = mpmath.mpf(ball.mid().str(70, radius=False))
        assert abs(middle - expected) < mpmath.mpf(2) ** -180
    assert float(ball.rad()) < 1e-55


def test_conditions_are_decided_by_balls_only_when_certain() -> None:
    graph = Graph()
    x = graph.input("x", (), 1.0)
    graph.compare(x, "<", graph.constant(2))
    (condition,) = graph.conditions.values()
    wide, one, three = (balls(graph, [x], {InputName("x"): v})[0] for v in (1.0, 1.0, 3.0))
    two = balls(graph, [graph.constant(2)], {})[0]
    assert decides(condition, one, two)
    assert not decides(condition, three, two)
    uncertain = wide + (type(wide)(0, 5))
    assert not decides(condition, uncertain, two)


def test_rounding_bound_covers_constants_that_cancel() -> None:
    graph = Graph()
    x, near = graph.input("x", (), 1.0), graph.number(1 - 1e-15)
    node = graph.div(x, graph.mul(near, graph.sub(graph.constant(1), near)))
    as_run = 1 / 3 / ((1 - 1e-15) * (1 - (1 - 1e-15)))
    (bound,) = rounding_bound(graph, [node], {InputName("x"): 1 / 3}, 53)
    exact = float(balls(graph, [node], {InputName("x"): 1 / 3})[0])
    assert 1e-5 * exact < abs(as_run - exact) <= bound < 0.1 * exact


@pytest.mark.parametrize("bits", [24, 53])
def test_rounding_bound_covers_cancellation(bits: int) -> None:
    graph = Graph()
    x = graph.input("x", (), 1.0)
    huge = graph.number(1e6)
    node = graph.sub(graph.add(x, huge), huge)
    kind = np.float32 if bits == 24 else np.float64
    value = 1 / 3
    rounded = float((kind(value) + kind(1e6)) - kind(1e6))
    (bound,) = rounding_bound(graph, [node], {InputName("x"): value}, bits)
    assert 0 < abs(rounded - value) <= bound < 1e4 * abs(rounded - value)
