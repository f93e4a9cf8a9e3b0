"""Largest, smallest and product along an index, and entries chosen by labels: derived, in numpy, and as reference of a check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop import IndexMax, IndexMin, IndexProduct, check_gradient, derive
from symbackprop.errors import DefinitionError
from symbackprop.network import Network
from symbackprop.numeric import function
from tests.derive.interpreter import check_gradients


def reductions() -> tuple[Network, Any]:
    net = Network("reductions")
    n, i, k = net.indices("n:N i:D k:K")
    x, W = net.parameter("x", n, i), net.parameter("W", i, k)
    z = net.define("z", n, i, k, x[n, i] * W[i, k])
    q = net.define("q", n, k, IndexMax(z[n, i, k], i) + IndexProduct(z[n, i, k] + W[i, k], i))
    p = net.define("p", n, 1 + IndexProduct(x[n, i], (i, 0, 1)) * IndexMin(x[n, i], i))
    return net, net.define("E", Sum(q[n, k] ** 2 * p[n], n, k))


def embedding() -> tuple[Network, Any]:
    net = Network("embedding")
    n, t, v, d = net.indices("n:N t:T v:V d:D")
    W, ids, y = net.parameter("W", v, d), net.input("ids", n, t), net.target("y", n)
    h = net.define("h", n, d, Sum(W[ids[n, t], d] ** 2, t))
    return net, net.define("E", Sum(h[n, d] ** 2, n, d) - Sum(h[n, y[n]], n))


SIZES = {"N": 3, "D": 4, "K": 2, "T": 3, "V": 5}


@pytest.mark.parametrize("build", [reductions, embedding], ids=lambda build: build.__name__)
def test_gradients_are_differences(build: Any) -> None:
    check_gradients(derive(*build()), SIZES, 3, tolerance=1e-20)


def test_a_factor_of_zero_has_a_gradient() -> None:
    net = Network()
    (i,) = net.indices("i:D")
    x = net.parameter("x", i)
    made = function(derive(net, net.define("E", IndexProduct(x[i], i))))
    assert made(x=np.array([2.0, 0.0, 3.0]))[1]["x"].tolist() == [0.0, 6.0, 0.0]


def test_equal_entries_share_the_gradient_and_the_convention_is_stated() -> None:
    net = Network()
    n, i = net.indices("n:N i:D")
    x = net.parameter("x", n, i)
    derivation = derive(net, net.define("E", Sum(IndexMax(x[n, i], i) ** 2, n)))
    _, gradients = function(derivation)(x=np.array([[1.0, 3.0, 3.0], [4.0, 2.0, 1.0]]))
    assert gradients["x"].tolist() == [[0.0, 3.0, 3.0], [8.0, 0.0, 0.0]]
    (assumption,) = derivation.assumptions
    assert "where several entries are the largest, they share the gradient equally" in str(assumption)


def test_what_is_recomputed_is_not_compared() -> None:
    net = Network()
    n, i = net.indices("n:N i:D")
    x = net.parameter("x", n, i)
    with pytest.raises(DefinitionError, match="expected entries of a node"):
        net.define("m", n, IndexMax(x[n, i] * x[n, i], i))
    with pytest.raises(DefinitionError, match="over its whole range"):
        net.define("m", n, IndexMax(x[n, i], (i, 0, 1)))


def test_a_label_is_declared() -> None:
    net = Network()
    n, v = net.indices("n:N v:V")
    W, w = net.parameter("W", v), net.parameter("w", n)
    with pytest.raises(
        DefinitionError, match="w is used as a label; expected a declared input, target or constant, got a parameter"
    ):
        net.define("h", n, W[w[n]])


def scattered(W: Any, ids: Any, y: Any) -> dict[str, Any]:
    rows = W[ids.astype(int)]
    h = (rows**2).sum(1)
    dh = 2 * h
    dh[np.arange(len(y)), y.astype(int)] -= 1
    dW = np.zeros_like(W)
    np.add.at(dW, ids.astype(int), dh[:, None] * 2 * rows)
    return {"W": dW}


def overwritten(W: Any, ids: Any, y: Any) -> dict[str, Any]:
    rows = W[ids.astype(int)]
    h = (rows**2).sum(1)
    dh = 2 * h
    dh[np.arange(len(y)), y.astype(int)] -= 1
    dW = np.zeros_like(W)
    dW[ids.astype(int)] += dh[:, None] * 2 * rows  # a row that is used twice is added to once
    return {"W": dW}


@pytest.mark.slow
def test_the_check_tells_scattered_from_overwritten() -> None:
    derivation = derive(*embedding())
    assert check_gradient(derivation, scattered).ok
    assert not check_gradient(derivation, overwritten).ok
