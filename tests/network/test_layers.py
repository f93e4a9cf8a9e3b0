"""Layers: their values against plain numpy, their gradients (which no layer states) against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
from sympy import Sum, tanh

from symbackprop.derive import derive
from symbackprop.errors import DefinitionError
from symbackprop.network import Network, Role, layers, sigmoid
from tests.derive.interpreter import BITS, Machine, check_gradients

SIZES = {"N": 3, "D": 2, "K": 5, "T": 4, "F": 3, "C": 2, "O": 3, "H": 2, "G": 2, "R": 3}
Build = Callable[[Network], str]
Arrays = dict[str, Any]


def squared(net: Network, name: str) -> str:
    """Define a loss that weighs every entry of a node differently; returns its name."""
    indices = net.nodes[name].indices
    node, weight = net.nodes[name].symbol, net.constant("weight", *indices)
    net.define("E", Sum(node[indices] ** 2 + weight[indices] * node[indices], *indices))
    return "E"


def dense(net: Network) -> str:
    n, i, j = net.indices("n:N i:D j:K")
    layers.dense(net, "y", net.input("x", n, i), (n, i), j, activation=sigmoid)
    return squared(net, "y")


def linear(net: Network) -> str:
    n, i, j = net.indices("n:N i:D j:K")
    layers.dense(net, "y", net.input("x", n, i), (n, i), j, bias=False)
    return squared(net, "y")


def softmax(net: Network) -> str:
    n, k = net.indices("n:N k:K")
    layers.softmax(net, "y", net.input("x", n, k), (n, k))
    return squared(net, "y")


def vector_softmax(net: Network) -> str:
    (k,) = net.indices("k:K")
    layers.softmax(net, "y", net.input("x", k), (k,))
    return squared(net, "y")


def log_softmax(net: Network) -> str:
    n, k = net.indices("n:N k:K")
    layers.log_softmax(net, "y", net.input("x", n, k), (n, k))
    return squared(net, "y")


def cross_entropy(net: Network) -> str:
    n, k = net.indices("n:N k:K")
    p = layers.softmax(net, "p", net.input("x", n, k), (n, k))
    layers.cross_entropy(net, "y", p, net.target("t", n, k), (n, k))
    return "y"


def mean_squared_error(net: Network) -> str:
    n, k = net.indices("n:N k:K")
    layers.mean_squared_error(net, "y", net.input("x", n, k), net.target("t", n, k), (n, k))
    return "y"


def layer_norm(net: Network) -> str:
    n, i = net.indices("n:N i:K")
    layers.layer_norm(net, "y", net.input("x", n, i), (n, i), 2 + net.constant("eps"))
    return squared(net, "y")


def batch_norm(net: Network) -> str:
    n, i = net.indices("n:N i:K")
    layers.batch_norm(net, "y", net.input("x", n, i), (n, i), 2 + net.constant("eps"))
    return squared(net, "y")


def attention(net: Network) -> str:
    a, _, _, i, h = net.indices("a:T b:T q:T i:D h:H")
    layers.attention(net, "y", net.input("x", a, i), a, i, h)
    return squared(net, "y")


def causal_attention(net: Network) -> str:
    a, _, i, h = net.indices("a:T b:T i:D h:H")
    layers.attention(net, "y", net.input("x", a, i), a, i, h, causal=True)
    return squared(net, "y")


def conv1d(net: Network) -> str:
    n, c, s, o, t, u = net.indices("n:N c:C s:T o:O t:T-F+1 u:F")
    layers.conv1d(net, "y", net.input("x", n, c, s), (n, c, s), o, t, u)
    return squared(net, "y")


def conv2d(net: Network) -> str:
    n, c, r, s, o, a, b, u, v = net.indices("n:N c:C r:R s:T o:O a:R-G+1 b:T-F+1 u:G v:F")
    layers.conv2d(net, "y", net.input("x", n, c, r, s), (n, c, r, s), o, (a, b), (u, v))
    return squared(net, "y")


def average_pool1d(net: Network) -> str:
    n, c, s, t, u = net.indices("n:N c:C s:K+K+K t:K u:3")
    layers.average_pool1d(net, "y", net.input("x", n, c, s), (n, c, s), t, u)
    return squared(net, "y")


def lstm_cell(net: Network) -> str:
    n, i, j, _ = net.indices("n:N i:D j:H m:H")
    layers.lstm_cell(net, "y", net.input("x", n, i), net.input("h", n, j), net.input("c", n, j), (n, i), j)
    return squared(net, "y_h")


# ---- the same in numpy ----------------------------------------------------------------------------------------------------


def np_softmax(z: Any) -> Any:
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def np_sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def np_norm(v: Arrays, axis: int) -> Any:
    centred = v["x"] - v["x"].mean(axis=axis, keepdims=True)
    return centred / np.sqrt(v["x"].var(axis=axis, keepdims=True) + 2 + v["eps"]) * v["y_gamma"] + v["y_beta"]


def np_attention(v: Arrays, mask: Any) -> Any:
    q, k, value = (v["x"] @ v[f"y_W{part}"] for part in "QKV")
    return np_softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf)) @ value


def np_conv1d(v: Arrays) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(v["x"], v["y_W"].shape[2], axis=2)
    return np.einsum("nctu,ocu->not", windows, v["y_W"]) + v["y_b"][:, None]


def np_conv2d(v: Arrays) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(v["x"], v["y_W"].shape[2:], axis=(2, 3))
    return np.einsum("ncabuv,ocuv->noab", windows, v["y_W"]) + v["y_b"][:, None, None]


def np_lstm(v: Arrays) -> Any:
    gate = {g: v["x"] @ v[f"y_W{g}"] + v["h"] @ v[f"y_U{g}"] + v[f"y_b{g}"] for g in "ifog"}
    cell = np_sigmoid(gate["f"]) * v["c"] + np_sigmoid(gate["i"]) * np.tanh(gate["g"])
    return np_sigmoid(gate["o"]) * np.tanh(cell)


LAYERS: dict[Build, Callable[[Arrays], Any]] = {
    dense: lambda v: np_sigmoid(v["x"] @ v["y_W"] + v["y_b"]),
    linear: lambda v: v["x"] @ v["y_W"],
    softmax: lambda v: np_softmax(v["x"]),
    vector_softmax: lambda v: np_softmax(v["x"]),
    log_softmax: lambda v: np.log(np_softmax(v["x"])),
    cross_entropy: lambda v: -(v["t"] * np.log(np_softmax(v["x"]))).sum() / len(v["x"]),
    mean_squared_error: lambda v: ((v["x"] - v["t"]) ** 2).sum() / len(v["x"]),
    layer_norm: lambda v: np_norm(v, axis=1),
    batch_norm: lambda v: np_norm(v, axis=0),
    attention: lambda v: np_attention(v, np.ones((len(v["x"]),) * 2, dtype=bool)),
    causal_attention: lambda v: np_attention(v, np.tri(len(v["x"]), dtype=bool)),
    conv1d: np_conv1d,
    conv2d: np_conv2d,
    average_pool1d: lambda v: v["x"].reshape(*v["x"].shape[:2], -1, 3).mean(axis=3),
    lstm_cell: np_lstm,
}


def array(table: Any) -> Any:
    """Return a table of the interpreter as an array."""
    shape = tuple(max(place[axis] for place in table) + 1 for axis in range(len(next(iter(table)))))
    found = np.empty(shape)
    for place, value in table.items():
        found[place] = float(value.mid())
    return found


@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
def test_values_are_those_of_numpy(build: Build) -> None:
    net = Network()
    build(net)
    with flint.ctx.workprec(BITS):
        machine = Machine(net, SIZES)
        given = machine.random(5)
        found = machine.forward(given)
    arrays = {name: array(table) for name, table in given.items()}
    np.testing.assert_allclose(array(found["y_h" if build is lstm_cell else "y"]), LAYERS[build](arrays), rtol=1e-12)


@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
def test_gradients_of_all_nodes(build: Build) -> None:
    net = Network(build.__name__)
    derivation = derive(net, build(net))
    errors = check_gradients(derivation, SIZES, 7, tolerance=1e-25)
    assert {node.name for node in net.of_role(Role.PARAMETER)} <= set(errors)


def test_names_and_shapes_of_a_dense_layer() -> None:
    net = Network()
    n, i, j = net.indices("n:N i:D j:K")
    layers.dense(net, "h", net.input("x", n, i), (n, i), j, activation=tanh)
    assert {name: str(node.shape) for name, node in net.nodes.items()} == {
        "x": "(N, D)",
        "h_W": "(D, K)",
        "h_b": "(K,)",
        "h_net": "(N, K)",
        "h": "(N, K)",
    }


def test_only_definitions_no_gradients() -> None:
    """Each layer's nodes are of the roles parameter and defined, so nothing but the sweep differentiates them."""
    for build in LAYERS:
        net = Network()
        build(net)
        own = [node for name, node in net.nodes.items() if name.startswith("y")]
        assert {node.role for node in own} <= {Role.PARAMETER, Role.DEFINED}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda net, n, i: layers.attention(net, "y", net.input("x", n, i), n, i, i), "twice|second index"),
        (lambda net, n, i: layers.batch_norm(net, "y", net.input("x", i), (i,), 1), "at least one sample index"),
        (
            lambda net, n, i: layers.average_pool1d(net, "y", net.input("x", n), (n,), n, i),
            r"expected a number as size of i, got D",
        ),
        (
            lambda net, n, i: layers.lstm_cell(
                net, "y", net.input("x", n, i), net.input("h", n, i), net.input("c", n, i), (n, i), i
            ),
            r'second index over the range of i; declare one, e.g. indices\("i2:D"\)',
        ),
    ],
)
def test_what_is_wrong_is_said(wrong: Callable[..., Any], words: str) -> None:
    net = Network()
    n, i = net.indices("n:N i:D")
    with pytest.raises(DefinitionError, match=words) as caught:
        wrong(net, n, i)
    assert "\n" not in str(caught.value)
