"""Gradients that are 0 whatever the values are: exactly those whose differences vanish are said to be, over layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Idx, Sum, exp, tanh

from symbackprop import derive, layers
from symbackprop.network import Network, Role
from symbackprop.numeric import function
from tests.layers.cases import CASES, EPSILON, ORDINARY, Case

TRIED = ("causal_attention", "batch_norm", "layer_norm", "conv1d", "dense")
Build = Callable[[Network, Any, Idx, Idx], Any]


def is_said(net: Network, loss: str, name: str) -> bool:
    return derive(net, loss, [name])[name].text(steps="brief").endswith("= 0")


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in TRIED])
def test_only_what_vanishes_is_said_to(case: Case) -> None:
    net, loss = case.network()
    names = [node.name for node in net.nodes.values() if node.role in (Role.PARAMETER, Role.INPUT)]
    made = function(derive(net, loss, names))
    values = case.values(net, {**ORDINARY, **case.sizes}, 3)
    _, gradients = made(**{name: values[name] for name in made.arguments})
    for name in names:
        if is_said(net, loss, name):
            np.testing.assert_allclose(gradients[name], 0, atol=1e-10, err_msg=name)


def biased(before: Build) -> tuple[Network, str]:
    net = Network()
    n, i, j = net.indices("n:N i:D j:K")
    h = layers.dense(net, "h", net.input("x", n, i), (n, i), j)
    y = before(net, h, n, j)
    weight = net.constant("a", n, j)
    net.define("E", Sum(weight[n, j] * y[n, j] ** 2, n, j))
    return net, "E"


def softmax_over(index: int) -> Build:
    def build(net: Network, h: Any, n: Idx, j: Idx) -> Any:
        (q,) = net.indices("q:N" if index == 0 else "q:K")
        total = Sum(exp(h[q, j]) if index == 0 else exp(h[n, q]), q)
        return net.define("p", n, j, exp(h[n, j]) / total)

    return build


VANISHING: dict[str, Build] = {
    "batch norm": lambda net, h, n, j: layers.batch_norm(net, "y", h, (n, j), EPSILON),
    "softmax over samples": softmax_over(0),
}
STAYING: dict[str, Build] = {
    "layer norm": lambda net, h, n, j: layers.layer_norm(net, "y", h, (n, j), EPSILON),
    "softmax over features": softmax_over(1),
    "batch norm at test time": lambda net, h, n, j: layers.batch_norm_at_test_time(
        net, "y", h, (n, j), EPSILON, net.constant("m", j), net.constant("v", j)
    ),
    "batch norm and a road around it": lambda net, h, n, j: layers.residual(
        net, "r", layers.batch_norm(net, "y", h, (n, j), EPSILON), h, (n, j)
    ),
    "tanh before batch norm": lambda net, h, n, j: layers.batch_norm(
        net, "y", net.define("t", n, j, tanh(h[n, j])), (n, j), EPSILON
    ),
}


@pytest.mark.parametrize("before", VANISHING.values(), ids=VANISHING)
def test_a_bias_that_the_next_layer_takes_away(before: Build) -> None:
    net, loss = biased(before)
    assert is_said(net, loss, "h_b")
    assert not is_said(net, loss, "h_W")
    rng = np.random.default_rng(1)
    made = function(derive(net, loss))
    values = {name: rng.normal(size=(3, 3)[: len(net.nodes[name].indices)]) for name in made.arguments}
    assert not np.any(made(**values)[1]["h_b"])  # exactly


def test_a_bias_of_a_convolution_before_batch_norm() -> None:
    net = Network()
    n, c, s, o, t, u = net.indices("n:N c:C s:T o:O t:T-F+1 u:F")
    h = layers.conv1d(net, "h", net.input("x", n, c, s), (n, c, s), o, t, u)
    y = layers.batch_norm(net, "y", h, (n, o, t), EPSILON, channel=1)
    net.define("E", Sum(y[n, o, t] ** 3, n, o, t))
    assert is_said(net, "E", "h_b")
    assert not is_said(net, "E", "h_W")
    assert '"h_b": np.zeros_like(h_b' in function(derive(net, "E")).source


def test_what_passes_through_a_number_is_seen() -> None:
    net = Network()
    (i,) = net.indices("i:D")
    x, y = net.parameter("x", i), net.parameter("y", i)
    total = net.define("total", Sum(x[i] - y[i], i))
    net.define("apart", i, total * y[i])
    assert not is_said(net, net.define("E", total**2).name, "x")


@pytest.mark.parametrize("before", STAYING.values(), ids=STAYING)
def test_a_bias_that_stays(before: Build) -> None:
    net, loss = biased(before)
    assert not is_said(net, loss, "h_b")
    rng = np.random.default_rng(1)
    values = {node.name: rng.random((4, 4)[: len(node.indices)]) for node in net.nodes.values() if not node.defined}
    made = function(derive(net, loss))
    _, gradients = made(**{name: values[name] for name in made.arguments})
    assert np.abs(gradients["h_b"]).max() > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_the_bias_of_the_keys(several: bool, causal: bool) -> None:
    net = Network()
    n, a, i, g, h = net.indices("n:N a:T i:D g:G h:H")
    x = net.input("x", n, a, i)
    if several:
        y = layers.multi_head_attention(net, "y", x, (n, a, i), g, h, causal=causal, bias=True)
        net.define("E", Sum(y[n, a, i] ** 2, n, a, i))
    else:
        y = layers.attention(net, "y", x, (n, a, i), h, causal=causal, bias=True)
        net.define("E", Sum(y[n, a, h] ** 2, n, a, h))
    assert [part for part in "QKV" if is_said(net, "E", f"y_b{part}")] == ["K"]
    for level in ("standard", "full"):
        assert derive(net, "E")["y_bK"].text(steps=level).splitlines()[-1].endswith("= 0")
    last = derive(net, "E")["y_bK"].steps(level="brief")[-1]
    assert "does not change y_P" in last.why()
