"""The graph: one node for one computation, exact constants, float64's own idea of nan and infinity."""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy

from symbackprop.errors import InternalError, UserError
from symbackprop.trace.arrays.numpy_functions import scalar_attribute
from symbackprop.trace.arrays.numpy_protocol import OWN, PROTOCOL, answers, own
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import METHODS
from symbackprop.trace.graph.elementary import TABLE, elementary, symbolic, value_of
from symbackprop.trace.graph.evaluate import dependencies, evaluate, reachable, to_sympy
from symbackprop.trace.graph.graph import Graph, InputName


@pytest.fixture
def graph() -> Graph:
    return Graph()


def test_same_computation_is_the_same_node(graph: Graph) -> None:
    x, y = graph.input("x", (), 1.5), graph.input("y", (), -2.0)
    assert graph.add(x, y) == graph.add(y, x)
    assert graph.mul(x, y) == graph.mul(y, x)
    assert graph.apply("exp", x) == graph.apply("exp", x)
    assert graph.neg(graph.neg(x)) == x
    assert graph.sub(x, y) != graph.sub(y, x)
    assert graph.div(x, y) != graph.div(y, x)
    assert graph.power(x, Fraction(3)) != graph.power(x, Fraction(-3))


def test_constants_stay_exact(graph: Graph) -> None:
    third = graph.div(graph.constant(1), graph.constant(3))
    assert graph.fraction(graph.mul(third, graph.constant(3))) == 1
    assert graph.fraction(graph.number(0.1)) == Fraction(1, 10)
    assert graph.fraction(graph.add(graph.number(0.1), graph.number(0.2))) == Fraction(3, 10)
    assert graph.fraction(graph.apply("sqrt", graph.constant(Fraction(9, 4)))) == Fraction(3, 2)
    assert graph.fraction(graph.apply("sqrt", graph.constant(2))) is None


def test_zero_and_one_fold_only_where_float64_agrees(graph: Graph) -> None:
    x, zero = graph.input("x", (), 2.0), graph.constant(0)
    infinite = graph.number(math.inf)
    assert graph.mul(x, zero) == zero
    assert graph.add(x, zero) == x
    assert graph.mul(x, graph.constant(1)) == x
    assert math.isnan(graph.values[graph.mul(infinite, zero)])
    assert math.isnan(graph.values[graph.sub(infinite, infinite)])
    assert graph.values[graph.div(graph.constant(-1), zero)] == -math.inf
    assert math.isnan(graph.values[graph.div(zero, zero)])
    assert graph.fraction(graph.apply("exp", graph.number(-math.inf))) == 0


def test_half_powers_are_square_roots(graph: Graph) -> None:
    x = graph.input("x", (), 2.0)
    assert graph.power(x, Fraction(1, 2)) == graph.apply("sqrt", x)
    assert graph.values[graph.power(x, Fraction(-3, 2))] == pytest.approx(2**-1.5)
    assert graph.power(x, Fraction(0)) == graph.constant(1)


def test_power_of_a_large_exponent_is_not_expanded(graph: Graph) -> None:
    node = graph.power(graph.constant(3), Fraction(10**9))
    assert graph.fraction(node) is None
    assert graph.values[node] == math.inf


def test_input_with_two_values_is_refused(graph: Graph) -> None:
    graph.input("x", (0,), 1.0)
    with pytest.raises(UserError, match=r"x\[0\].*1\.0 and 2\.0"):
        graph.input("x", (0,), 2.0)


def test_comparison_is_recorded_once_and_constants_are_not(graph: Graph) -> None:
    x = graph.input("x", (), 2.0)
    zero = graph.constant(0)
    assert graph.compare(zero, "<", x)
    assert graph.compare(zero, "<", x)
    assert not graph.compare(graph.constant(2), "<=", graph.constant(1))
    assert [(c.relation, c.outcome) for c in graph.conditions.values()] == [("<", True)]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_elementary_function_has_one_value_in_every_arithmetic(name: str) -> None:
    """Float64, balls and sympy are three implementations by three projects."""
    row = TABLE[name]
    x = 1.75 if name == "arccosh" else 0.375
    expected = float(symbolic(name, sympy.Rational(x)).evalf(30))
    assert value_of(name, x) == pytest.approx(expected, rel=1e-14)
    assert float(np.asarray(row.values(np.array([x])))[0]) == pytest.approx(expected, rel=1e-14)
    from_ball = row.ball(flint.arb(x))
    assert from_ball.contains(from_ball.mid())
    assert float(from_ball.mid()) == pytest.approx(expected, rel=1e-14)
    if row.parity:
        assert value_of(name, -x) == pytest.approx(row.parity * expected, rel=1e-14)


def test_elementary_table_refuses_strangers() -> None:
    with pytest.raises(InternalError, match=r"tanhh.*Did you mean tanh"):
        elementary("tanhh")


def test_evaluate_at_many_points_matches_numpy(graph: Graph) -> None:
    x, y = graph.input("x", (), 0.5), graph.input("y", (2,), 1.5)
    node = graph.div(graph.apply("tanh", graph.mul(x, y)), graph.power(graph.add(y, graph.pi()), Fraction(3)))
    xs, ys = np.linspace(-1, 1, 7), np.linspace(0.5, 2, 7)
    (values,) = evaluate(graph, [node], {InputName("x"): xs, InputName("y", (2,)): ys})
    np.testing.assert_allclose(values, np.tanh(xs * ys) / (ys + np.pi) ** 3, rtol=1e-14)
    (alone,) = evaluate(graph, [node], {InputName("x"): 0.25})
    assert alone == pytest.approx(math.tanh(0.25 * 1.5) / (1.5 + math.pi) ** 3)


def test_dependencies_and_reachable_follow_only_what_is_used(graph: Graph) -> None:
    x, y, z = (graph.input(name, (), 1.0 + k) for k, name in enumerate("xyz"))
    node = graph.mul(graph.add(x, z), x)
    graph.mul(y, y)
    assert dependencies(graph, [node]) == [InputName("x"), InputName("z")]
    assert reachable(graph, [node]) == sorted({x, z, graph.add(x, z), node})


def test_sympy_form_of_every_operation(graph: Graph) -> None:
    x = graph.input("x", (1,), 2.0)
    node = graph.neg(graph.div(graph.power(x, Fraction(2)), graph.add(graph.pi(), graph.apply("sqrt", x))))
    symbol = sympy.Symbol("x[1]", real=True)
    assert to_sympy(graph, node) == -(symbol**2) / (sympy.pi + sympy.sqrt(symbol))
    named = to_sympy(graph, node, {graph.apply("sqrt", x): sympy.Symbol("r")})
    assert named == -(symbol**2) / (sympy.pi + sympy.Symbol("r"))


@pytest.mark.parametrize("name", sorted(name for name in METHODS if hasattr(np, name)))
def test_an_element_has_the_methods_that_numpy_calls(graph: Graph, name: str) -> None:
    """numpy's loops over objects call `x.exp()`; each is what numpy says of the plain number."""
    value = 1.4 if "cosh" in name else 0.4  # the inverse of cosh begins at 1
    number = Traced(graph, graph.input("x", (), value))
    assert getattr(number, name)().value == pytest.approx(getattr(np, name)(value), rel=1e-14)
    assert getattr(np, name)(number).value == pytest.approx(getattr(np, name)(value), rel=1e-14)


def test_a_number_has_the_attributes_of_an_array_without_axes_and_no_others(graph: Graph) -> None:
    number = Traced(graph, graph.input("x", (), 0.5))
    assert PROTOCOL["__getattr__"] is scalar_attribute
    assert (number.shape, number.ndim, number.sum().node, number.item().node) == ((), 0, number.node, number.node)
    with pytest.raises(AttributeError, match="no attribute 'softmax'"):
        _ = number.softmax


def test_a_name_enters_a_table_once() -> None:
    before = dict(OWN), dict(PROTOCOL)
    with pytest.raises(InternalError, match="mean has two"):
        own("mean")(lambda graph: None)
    with pytest.raises(InternalError, match="__getattr__ has two"):
        answers("__getattr__")(lambda number, name: None)
    assert before == (OWN, PROTOCOL)
