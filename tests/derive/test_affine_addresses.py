"""Addresses that share an index, reversed, strided and shifted: each derived gradient against exact differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import Expr, Sum, sin

from symbackprop.derive import derive
from symbackprop.network import Network
from tests.derive.interpreter import check_gradients

SIZES = {"T": 5, "F": 3, "G": 2, "K": 4}
Build = Callable[[Network, dict[str, Any]], Expr]


def window_and_reversed(net: Network, at: dict[str, Any]) -> Expr:
    t, u = at["t"], at["u"]
    x = net.parameter("x", at["s"], u)
    h = net.define("h", t, sin(Sum(x[t + u, u.upper - u], u)))
    return Sum(h[t] ** 2, t)


def stride_and_reversed(net: Network, at: dict[str, Any]) -> Expr:
    g, u = at["g"], at["u"]
    x, w = net.parameter("x", at["q"], g), net.parameter("w", u)
    h = net.define("h", g, sin(Sum(w[u] * x[2 * g + u, g.upper - g], u)))
    return Sum(h[g] ** 2, g)


def both_axes_by_one(net: Network, at: dict[str, Any]) -> Expr:
    t, u, k = at["t"], at["u"], at["k"]
    x = net.parameter("x", at["s"], at["t"], k)
    h = net.define("h", t, k, sin(Sum(x[t + u, t.upper - t, k.upper - k], u)))
    return Sum(h[t, k] ** 2, t, k)


def one_axis_twice(net: Network, at: dict[str, Any]) -> Expr:
    t, u = at["t"], at["u"]
    x = net.parameter("x", at["s"], at["s2"])
    h = net.define("h", t, u, sin(x[t + u, t + u]) * x[t + u, 0])
    return Sum(h[t, u] ** 2, t, u)


@pytest.mark.parametrize("build", [window_and_reversed, stride_and_reversed, both_axes_by_one, one_axis_twice])
def test_gradients_are_differences(build: Build) -> None:
    net = Network(build.__name__)
    net.indices("t:T-F+1 u:F s:T s2:T g:G q:G+G+F-2 k:K")
    derivation = derive(net, net.define("E", build(net, dict(net.declared_indices))))
    assert check_gradients(derivation, SIZES, 3)
