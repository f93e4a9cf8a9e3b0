"""`KroneckerDelta(y[n], k)`: a loss over class labels is derived, written as numpy and checked; labels have no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import KroneckerDelta, Sum, exp, log

from symbackprop import Network, check_gradient, derive
from symbackprop.derive import DerivationRecord
from symbackprop.errors import DefinitionError
from tests.numeric.complex_step import Judge, assert_gradient


def classifier() -> DerivationRecord:
    net = Network("softmax over class labels")
    n, i, k, m = net.indices("n:N i:D k:K m:K")
    x = net.input("X", n, i, value=[[1.0, 2.0], [0.3, -0.4], [0.5, 1.0]])
    y, w = net.target("y", n, value=[0, 2, 1]), net.parameter("W", i, k, value=[[0.1, 0.2, 0.3], [0.4, 0.5, -0.6]])
    z = net.define("z", n, k, Sum(x[n, i] * w[i, k], i))
    fit = Sum(KroneckerDelta(y[n], k) * (z[n, k] - log(Sum(exp(z[n, m]), m))), n, k)
    return derive(net, net.define("E", -fit / net.size("N")))


def hinge() -> DerivationRecord:
    """A loss that takes the score of the right class as a node, then a margin."""
    net = Network("margin of class labels")
    n, k = net.indices("n:N k:K")
    w, y = net.parameter("W", n, k, value=[[0.4, -1.0], [0.3, 2.0], [1.5, 0.7]]), net.target("y", n, value=[1, 0, 1])
    right = net.define("s", n, Sum(w[n, k] * KroneckerDelta(k, y[n]), k))
    return derive(net, net.define("E", Sum((w[n, k] - right[n] + 1) ** 2 * (1 - KroneckerDelta(y[n], k)), n, k)))


def shares(X: Any, W: Any) -> Any:
    e = np.exp(X @ W)
    return e / e.sum(axis=1, keepdims=True)


def by_place(X: Any, y: Any, W: Any) -> dict[str, Any]:
    p = shares(X, W)
    p[np.arange(len(y)), y.astype(int)] -= 1
    return {"W": X.T @ p / len(y)}


def by_comparison(X: Any, y: Any, W: Any) -> dict[str, Any]:
    return {"W": X.T @ (shares(X, W) - (y[:, None] == np.arange(W.shape[1]))) / len(y)}


def wrong_sign(X: Any, y: Any, W: Any) -> dict[str, Any]:
    return {"W": X.T @ (shares(X, W) + (y[:, None] == np.arange(W.shape[1]))) / len(y)}


def next_class(X: Any, y: Any, W: Any) -> dict[str, Any]:
    return {"W": X.T @ (shares(X, W) - (y[:, None] == np.arange(W.shape[1]) + 1)) / len(y)}


def margin(W: Any, y: Any) -> dict[str, Any]:
    t = (y[:, None] == np.arange(W.shape[1])) * 1.0
    slack = 2 * (W - (W * t).sum(axis=1, keepdims=True) + 1) * (1 - t)
    return {"W": slack - t * slack.sum(axis=1, keepdims=True)}


def margin_without_the_right_class(W: Any, y: Any) -> dict[str, Any]:
    t = (y[:, None] == np.arange(W.shape[1])) * 1.0
    return {"W": 2 * (W - (W * t).sum(axis=1, keepdims=True) + 1) * (1 - t)}


@pytest.mark.parametrize("build", [classifier, hinge])
def test_generated_gradients_are_derivatives(build: Callable[[], DerivationRecord]) -> None:
    derivation = build()
    values = derivation.network.values
    loss, gradients = derivation.function()(**values)
    judge = Judge(derivation.network)
    assert loss == pytest.approx(judge.loss("E", values).real, rel=1e-13)
    assert_gradient(gradients["W"], judge.gradient("E", values, "W"), "W")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "hand", "status"),
    [
        (classifier, by_place, "proved"),
        (classifier, by_comparison, "proved"),
        (classifier, wrong_sign, "differs"),
        (classifier, next_class, "differs"),
        (hinge, margin, "proved"),
        (hinge, margin_without_the_right_class, "differs"),
    ],
)
def test_handwritten_gradients_are_judged(build: Callable[[], DerivationRecord], hand: Any, status: str) -> None:
    assert check_gradient(build(), hand, explain=False)["W"].status.value == status


def test_only_labels_are_compared() -> None:
    net = Network("no labels")
    n, k = net.indices("n:N k:K")
    w, y = net.parameter("w", n), net.target("y", n)
    z = net.define("z", n, 2 * y[n])
    for name, label in (("w", w), ("z", z)):
        with pytest.raises(DefinitionError, match=f"{name} is used as a label; expected a declared input, target or constant"):
            net.define("E", Sum(KroneckerDelta(label[n], k) * y[n], n, k))
    with pytest.raises(DefinitionError, match="not bound"):
        net.define("E", Sum(KroneckerDelta(y[n], k), n))
