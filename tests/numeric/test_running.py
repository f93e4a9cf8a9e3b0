"""Sums up to a place are running sums, products of three arrays are matrix products; the judges are loops and einsum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Expr, Idx, Piecewise, Sum

from symbackprop.derive import DerivationRecord, derive
from symbackprop.network import Network
from symbackprop.numeric import function, source

Condition = Callable[[Idx, Idx], Any]
CONDITIONS: dict[str, tuple[Condition, Callable[[int, int], bool]]] = {
    "up to": (lambda b, a: b <= a, lambda b, a: b <= a),
    "before": (lambda b, a: b < a, lambda b, a: b < a),
    "from": (lambda b, a: b >= a, lambda b, a: b >= a),
    "after": (lambda b, a: b > a, lambda b, a: b > a),
    "up to, turned": (lambda b, a: a >= b, lambda b, a: b <= a),
    "apart": (lambda b, a: (b <= a) & (b >= 1), lambda b, a: 1 <= b <= a),
}


def sums(condition: Condition, factor: Callable[[Expr], Expr] = lambda x: x) -> DerivationRecord:
    """y[m,a] = v[a] Σ_b x[m,b] where the condition holds, E = Σ w y."""
    net = Network("running")
    m, a, b = net.indices("m:M a:T b:T")
    x, v, w = net.parameter("x", m, b), net.parameter("v", a), net.constant("w", m, a)
    inside = Piecewise((factor(x[m, b]) * v[a], condition(b, a)), (0, True))
    y = net.define("y", m, a, Sum(inside, b))
    return derive(net, net.define("E", Sum(y[m, a] * w[m, a], m, a)))


@pytest.mark.parametrize("name", CONDITIONS)
def test_sums_on_one_side_of_a_place(name: str) -> None:
    condition, holds = CONDITIONS[name]
    derivation = sums(condition)
    rng = np.random.default_rng(0)
    x, v, w = rng.normal(size=(2, 4)), rng.normal(size=4), rng.normal(size=(2, 4))
    mask = np.array([[float(holds(b, a)) for b in range(4)] for a in range(4)])
    loss, gradients = function(derivation)(x=x, v=v, w=w)
    assert loss == pytest.approx(np.einsum("mb,ab,a,ma->", x, mask, v, w))
    np.testing.assert_allclose(gradients["x"], np.einsum("ab,a,ma->mb", mask, v, w), atol=1e-14)
    np.testing.assert_allclose(gradients["v"], np.einsum("mb,ab,ma->a", x, mask, w), atol=1e-14)
    assert ("cumsum" in source(derivation)) == (name != "apart")


def test_a_summand_that_knows_its_place_is_no_running_sum() -> None:
    net = Network("not running")
    a, b = net.indices("a:T b:T")
    x = net.parameter("x", b)
    y = net.define("y", a, Sum(Piecewise(((x[b] - x[a]) ** 2, b <= a), (0, True)), b))
    derivation = derive(net, net.define("E", Sum(y[a], a)))
    x_ = np.array([0.5, -1.0, 2.0])
    assert function(derivation)(x=x_)[0] == pytest.approx(sum((x_[b] - x_[a]) ** 2 for a in range(3) for b in range(a + 1)))


@pytest.mark.parametrize("size", [1, 3])
def test_three_arrays_in_one_sum(size: int) -> None:
    net = Network("bilinear")
    n, i, j, k = net.indices("n:N i:D j:C k:K")
    x, y, W = net.parameter("x", n, i), net.parameter("y", n, j), net.parameter("W", k, i, j)
    t = net.target("t", n, k)
    z = net.define("z", n, k, Sum(x[n, i] * W[k, i, j] * y[n, j], i, j))
    derivation = derive(net, net.define("E", Sum(z[n, k] * t[n, k], n, k)))
    rng = np.random.default_rng(3)
    v = {name: rng.normal(size=tuple(size + extra for extra in shape))
         for name, shape in {"x": (1, 2), "y": (1, 0), "W": (3, 2, 0), "t": (1, 3)}.items()}  # fmt: skip
    loss, gradients = function(derivation)(**v)
    assert loss == pytest.approx(np.einsum("ni,kij,nj,nk->", v["x"], v["W"], v["y"], v["t"]))
    for name, spec in {"x": "kij,nj,nk->ni", "y": "ni,kij,nk->nj", "W": "ni,nj,nk->kij"}.items():
        order = {"x": ("W", "y", "t"), "y": ("x", "W", "t"), "W": ("x", "y", "t")}[name]
        np.testing.assert_allclose(gradients[name], np.einsum(spec, *(v[other] for other in order)), atol=1e-12)
