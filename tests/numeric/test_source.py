"""Generated source computes what the definitions say, and its gradients are the derivatives, on networks of every kind."""

from __future__ import annotations

import ast
import keyword
from copy import copy
from functools import cache

import numpy as np
import pytest
from sympy import Sum

from symbackprop.derive import derive
from symbackprop.network import Network
from symbackprop.numeric import GradientFunction, evaluate, function, source
from tests.numeric.complex_step import Judge, assert_gradient
from tests.numeric.zoo import CASES, Case


@cache
def prepared(name: str) -> tuple[Case, Judge, GradientFunction]:
    """Return a case, its judge, and the function of its loss and all gradients, each made once."""
    case = CASES[name]()
    return case, Judge(case.network), function(derive(case.network, case.loss, case.declared))


def check_gradients(name: str, values: dict[str, object], most: int) -> None:
    case, judge, run = prepared(name)
    loss, gradients = run(**values)
    assert loss == pytest.approx(judge.loss(case.loss, values).real, rel=1e-12, abs=1e-12)
    assert sorted(gradients) == sorted(case.declared)
    for name, gradient in gradients.items():
        assert_gradient(gradient, judge.gradient(case.loss, values, name, most), name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "every_function_of_arrays" else n for n in CASES]
)
def test_gradients_are_the_complex_step_derivatives(name: str) -> None:
    check_gradients(name, prepared(name)[0].values(seed=1), most=6)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_entry_of_every_gradient(name: str) -> None:
    check_gradients(name, prepared(name)[0].values(seed=11), most=10_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, build in CASES.items() if "N" in build().sizes])
def test_gradients_for_a_single_sample(name: str) -> None:
    check_gradients(name, prepared(name)[0].values(seed=2, N=1), most=3)


@pytest.mark.parametrize("name", CASES)
def test_all_intermediate_values_are_those_of_the_definitions(name: str) -> None:
    case, judge, _ = prepared(name)
    values = case.values(seed=3)
    found = evaluate(case.network, values)
    expected = judge.forward(values)
    assert set(found) == set(expected)
    for node, value in expected.items():
        assert np.shape(found[node]) == value.shape, node
        np.testing.assert_allclose(found[node], value.real, rtol=1e-11, atol=1e-13, err_msg=node)


FEW_NODES = [name for name in CASES if not name.startswith("every_function")]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FEW_NODES, "every_function_of_arrays"])
def test_all_adjoints_are_derivatives_with_respect_to_the_node(name: str) -> None:
    """Each adjoint against a copy of the network in which the node is a value from outside."""
    case, judge, _ = prepared(name)
    values = case.values(seed=4)
    derivation = derive(case.network, case.loss)
    found, nodes = evaluate(derivation, values), judge.forward(values)
    for node, adjoint in derivation.adjoints.items():
        if case.network.nodes[node].defined:
            cut = copy(judge)
            cut.definitions = {key: value for key, value in judge.definitions.items() if key != node}
            expected = cut.gradient(case.loss, {**values, node: nodes[node]}, node, most=2)
            label = str(getattr(adjoint.symbol, "label", adjoint.symbol))
            assert_gradient(found[label], expected, node, rtol=1e-11, atol=1e-12)


HEAVY = {"every_function_of_arrays", "attention", "recurrent", "batch_norm", "bounded_sums", "broadcasts", "convolution_2d"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in CASES])
def test_source_is_deterministic_and_runs_on_its_own(name: str) -> None:
    first, second = (source(derive(case.network, case.loss)) for case in (CASES[name](), CASES[name]()))
    assert first == second
    tree = ast.parse(first)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"math", "numpy", "numpy.lib.stride_tricks"}
    assert max(len(line) for line in first.splitlines()) <= 130
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert not any(keyword.iskeyword(word) for word in stored)
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    outputs = {word for word in stored if word not in loaded}
    assert not outputs, f"computed and not used: {outputs}"


def lines_of(name: str, *wrt: str) -> list[str]:
    case = CASES[name]()
    return [line.strip() for line in source(derive(case.network, case.loss, list(wrt) or None)).splitlines()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear_regression", ["y = z @ W + b", "y_minus_t = y - t", "E = (y_minus_t.ravel() @ y_minus_t.ravel())/N",
                                   "dE_db = dE_dy.sum(axis=0)", "dE_dW = z.T @ dE_dy"]),
        ("softmax_classifier", ["Z1 = X @ W1 + b1", "log_P = log_softmax(Z2, axis=1)", "dE_dA = dE_dZ2 @ W2.T",
                                "dE_dZ1 = dE_dA*(1 - A**2)", "dE_dW2 = A.T @ dE_dZ2"]),
        ("attention", ["scores = 1/np.sqrt(D)*(Q @ K.swapaxes(-1, -2))", "A = softmax(scores, axis=2)", "Y = A @ V"]),
        ("convolution_1d", ["y = sliding_window_view(x, U, axis=1) @ w", "for u in range(U):"]),
        ("two_three_two", ["net_h1 = l1*w1 + l2*w2 + b1", "dE_total_dnet_h1 = dE_total_dout_h1*out_h1*(1.0 - out_h1)"]),
        ("bilinear", ["z = np.tensordot(x[:, :, None]*(g*y)[:, None, :], A, axes=((1, 2), (0, 1)))"]),
    ],
)  # fmt: skip
def test_source_is_what_an_expert_would_write(name: str, expected: list[str]) -> None:
    found = lines_of(name)
    assert [line for line in expected if line not in found] == []


def test_what_nobody_needs_is_not_computed() -> None:
    text = "\n".join(lines_of("softmax_classifier", "W2"))
    assert "dE_dW2 =" in text
    assert "dE_dZ1" not in text
    assert "dE_dX" not in text
    assert "dE_dP" not in text


def test_an_assumption_is_used_and_said() -> None:
    case = CASES["softmax_classifier"]()
    net = case.network
    n, j = net.nodes["t"].indices
    net.assume(Sum(net.nodes["t"].symbol[n, j], j), 1, because="each row of t is one-hot")
    text = source(derive(net, case.loss))
    assert "dE_dZ2 = (P - t)/N" in text
    assert "each row of t is one-hot" in text


def test_the_formula_stands_above_the_line() -> None:
    found = lines_of("linear_regression")
    assert found[found.index("dE_dW = z.T @ dE_dy") - 1] == "# dE_dW[i, k] = Sum(dE_dy[n, k]*z[n, i], n)"


def test_a_complex_step_goes_through_the_generated_loss() -> None:
    """Im L(x + ih)/h is the slope: what is generated for sums of squares and of products takes no conjugate."""
    net = Network("squares")
    n, k = net.indices("n:N k:K")
    a, b = net.parameter("a", n, k), net.target("b", n, k)
    E = net.define("E", Sum(Sum((a[n, k] - b[n, k]) ** 2 + a[n, k] * b[n, k], k), n))
    call = function(derive(net, E))
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    step = np.zeros((3, 4), dtype=complex)
    step[1, 2] = 1e-30j
    assert call(a=left + step, b=right)[0].imag / 1e-30 == pytest.approx(call(a=left, b=right)[1]["a"][1, 2], rel=1e-14)
