"""Sums up to a place are running sums, products of arrays are matrix products; the judges are loops and einsum."""

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


def convolution(axes: int) -> DerivationRecord:
    """y[n,o,s,p] = Σ x[n,c,s+u,p+v] W[o,c,u,v] or the same along one axis, E = Σ w y."""
    net = Network("convolution")
    n, c, o, *others = net.indices("n:N c:C o:O r:S+F-1 u:F s:S q:P+G-1 v:G p:P")
    wide, short, place = others[: 3 * axes : 3], others[1 : 3 * axes : 3], others[2 : 3 * axes : 3]
    x, W, w = net.parameter("x", n, c, *wide), net.parameter("W", o, c, *short), net.constant("w", n, o, *place)
    read = x[(n, c, *(a + b for a, b in zip(place, short, strict=True)))]
    y = net.define("y", n, o, *place, Sum(read * W[(o, c, *short)], c, *short))
    return derive(net, net.define("E", Sum(w[(n, o, *place)] * y[(n, o, *place)], n, o, *place)))


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("sizes", [(2, 3, 4, 5, 2), (1, 1, 1, 1, 1), (3, 1, 2, 2, 3), (0, 2, 3, 2, 2)])
def test_a_convolution_is_made_of_matrix_products(axes: int, sizes: tuple[int, ...]) -> None:
    samples, channels, outputs, places, width = sizes
    rng, made = np.random.default_rng(5), function(convolution(axes))
    x = rng.normal(size=(samples, channels, *[places + width - 1] * axes))
    W = rng.normal(size=(outputs, channels, *[width] * axes))
    w = rng.normal(size=(samples, outputs, *[places] * axes))
    loss, gradients = made(x=x, W=W, w=w)
    dx, dW, total = np.zeros_like(x), np.zeros_like(W), 0.0
    for at in np.ndindex(*[width] * axes):
        part = (slice(None), slice(None), *(slice(first, first + places) for first in at))
        taps = (slice(None), slice(None), *at)
        total += float((np.einsum("nc...,oc->no...", x[part], W[taps]) * w).sum())
        dx[part] += np.einsum("oc,no...->nc...", W[taps], w)
        flat_x, flat_w = x[part].reshape(samples, channels, places**axes), w.reshape(samples, outputs, places**axes)
        dW[taps] = np.einsum("ncs,nos->oc", flat_x, flat_w)
    assert loss == pytest.approx(total, abs=1e-12)
    np.testing.assert_allclose(gradients["x"], dx, atol=1e-12)
    np.testing.assert_allclose(gradients["W"], dW, atol=1e-12)
    assert "einsum" not in made.source


def test_a_window_is_copied_with_its_short_axes_first() -> None:
    """What lies together in memory is copied together: the windows' own axes come before the places, in both products."""
    text = " ".join(source(convolution(2)).split())
    window = "sliding_window_view(x, (F, G), axis=(2, 3))"
    assert f"y = np.tensordot(W, {window}, axes=((1, 2, 3), (1, 4, 5)))" in text
    assert f"dE_dW = np.tensordot({window}, dE_dy, axes=((0, 2, 3), (0, 2, 3)))" in text
