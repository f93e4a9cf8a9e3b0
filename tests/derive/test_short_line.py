"""The definition of an array on one line: checked against numpy, which computes what the line says."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Sum, exp, tanh

from symbackprop import numeric
from symbackprop.derive.matrix.short_line import short_line
from symbackprop.network import Network


@pytest.fixture(scope="module")
def network() -> Network:
    """A network of one definition of each kind, at numbers that tell everything apart."""
    net = Network("short lines")
    n, i, j, k = net.indices("n:N i:D j:K k:K")
    dice = np.random.default_rng(3)
    X = net.input("X", n, i, value=dice.normal(size=(4, 3)))
    x = net.input("x", i, value=dice.normal(size=3))
    W = net.parameter("W", i, j, value=dice.normal(size=(3, 2)))
    V = net.parameter("V", j, i, value=dice.normal(size=(2, 3)))
    b, c = net.parameter("b", j, value=dice.normal(size=2)), net.parameter("c", value=0.7)
    S = net.parameter("S", n, j, value=dice.normal(size=(4, 2)))
    Z = net.define("affine", n, j, Sum(X[n, i] * W[i, j], i) + b[j])
    net.define("turned", n, j, Sum(X[n, i] * V[j, i], i) - b[j])
    net.define("vector", j, Sum(x[i] * W[i, j], i) + b[j])
    net.define("number", n, Sum(X[n, i] * x[i], i) + c)
    net.define("outer", i, j, x[i] * b[j])
    net.define("function", n, j, tanh(Z[n, j]))
    net.define("softmax_", n, j, exp(Z[n, j]) / Sum(exp(Z[n, k]), k))
    net.define("difference", n, j, -S[n, j] + Z[n, j])
    net.define("entrywise", n, j, S[n, j] * Z[n, j])
    net.define("scaled", n, j, 2 * Z[n, j])
    net.define("wrong_axis", n, j, exp(Z[n, j]) / Sum(exp(S[n, k]), k))
    net.define("summed", j, Sum(Z[n, j], n))
    return net


LINES = {
    "affine": "X W + b", "turned": "X Vᵀ - b", "vector": "Wᵀ x + b", "number": "X x + c", "outer": "x bᵀ",
    "function": "tanh(affine)", "softmax_": "softmax(affine)", "difference": "affine - S",
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_the_line_says_what_the_definition_computes(network: Network, name: str) -> None:
    assert short_line(network.nodes[name]) == LINES[name]
    values = numeric.evaluate(network)
    v = {key: np.asarray(value) for key, value in values.items()}
    scores = np.exp(v["affine"])
    said = {
        "affine": v["X"] @ v["W"] + v["b"], "turned": v["X"] @ v["V"].T - v["b"], "vector": v["W"].T @ v["x"] + v["b"],
        "number": v["X"] @ v["x"] + v["c"], "outer": np.outer(v["x"], v["b"]), "function": np.tanh(v["affine"]),
        "softmax_": scores / scores.sum(axis=1, keepdims=True), "difference": v["affine"] - v["S"],
    }[name]  # fmt: skip
    np.testing.assert_allclose(v[name], said)


@pytest.mark.parametrize("name", ["entrywise", "scaled", "wrong_axis", "summed"])
def test_what_has_no_short_line_has_none(network: Network, name: str) -> None:
    assert short_line(network.nodes[name]) is None
