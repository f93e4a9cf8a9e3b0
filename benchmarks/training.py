"""Training runs, each beside the same updates written by hand."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from sympy import Sum

from benchmarks.layers import LAYERS, mlp_expert, mlp_loss
from symbackprop import Network, derive, sigmoid, train

Runs = dict[str, Any]

_POINTS = {"x1": [-2.0, -5.0, -23.0, 30.0], "x2": [5.0, -2.0, -11.0, 8.0], "t": [1.0, 1.0, 0.0, 0.0]}
_START = {"w1": 0.1, "w2": 0.6, "w3": 0.6, "w4": 0.1, "w5": -0.5, "w6": 0.4, "b1": 1.3, "b2": 0.9, "b3": -0.7}


def online() -> Runs:
    """4,000 updates by one sample each of a 2-2-1 sigmoid network, on floats."""
    net = Network("2-2-1")
    x1, x2 = net.inputs("x1 x2")
    w, b, t = net.parameters("w1:7"), net.parameters("b1:4"), net.target("t")
    h1 = net.define("h1", sigmoid(net.define("n1", w[0] * x1 + w[1] * x2 + b[0])))
    h2 = net.define("h2", sigmoid(net.define("n2", w[2] * x1 + w[3] * x2 + b[1])))
    o = net.define("o", sigmoid(net.define("no", w[4] * h1 + w[5] * h2 + b[2])))
    derivation = derive(net, net.define("L", (t - o) ** 2))

    def ours() -> float:
        options: dict[str, Any] = {"lr": 0.1, "epochs": 1000, "batch_size": 1, "initial": _START, "progress": False}
        return train(derivation, _POINTS, **options).loss

    return {"by hand": _online_by_hand, "symbackprop": ours}


def _online_by_hand() -> float:
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = _START.values()
    loss = 0.0
    for epoch in range(1001):
        total = 0.0
        for x1, x2, t in zip(*_POINTS.values(), strict=True):
            h1, h2 = 1 / (1 + exp(-w1 * x1 - w2 * x2 - b1)), 1 / (1 + exp(-w3 * x1 - w4 * x2 - b2))
            total += (t - 1 / (1 + exp(-w5 * h1 - w6 * h2 - b3))) ** 2
        loss = total / 4
        if epoch == 1000:
            break
        for x1, x2, t in zip(*_POINTS.values(), strict=True):
            h1, h2 = 1 / (1 + exp(-w1 * x1 - w2 * x2 - b1)), 1 / (1 + exp(-w3 * x1 - w4 * x2 - b2))
            o = 1 / (1 + exp(-w5 * h1 - w6 * h2 - b3))
            g = 2 * (o - t) * o * (1 - o)
            g1, g2 = g * w5 * h1 * (1 - h1), g * w6 * h2 * (1 - h2)
            w1, w2, b1 = w1 - 0.1 * g1 * x1, w2 - 0.1 * g1 * x2, b1 - 0.1 * g1
            w3, w4, b2 = w3 - 0.1 * g2 * x1, w4 - 0.1 * g2 * x2, b2 - 0.1 * g2
            w5, w6, b3 = w5 - 0.1 * g * h1, w6 - 0.1 * g * h2, b3 - 0.1 * g
    return loss


def regression() -> Runs:
    """7,398 updates by one row each of a linear regression, on arrays."""
    net = Network("linear regression")
    n, i = net.indices("n:N i:D")
    X, t, W, b = net.input("X", n, i), net.target("t", n), net.parameter("W", i), net.parameter("b")
    y = net.define("y", n, Sum(X[n, i] * W[i], i) + b)
    derivation = derive(net, net.define("E", Sum((y[n] - t[n]) ** 2, n) / net.size("N")))
    rows = np.random.default_rng(0).normal(size=(7398, 3))
    targets = rows @ [1.0, 2.0, 3.0] + 0.5

    def ours() -> float:
        start = {"W": np.zeros(3), "b": 0.0}
        data = {"X": rows, "t": targets}
        return train(derivation, data, lr=0.01, epochs=1, batch_size=1, initial=start, progress=False).loss

    def by_hand() -> float:
        w, c = np.zeros(3), 0.0
        losses = [((rows @ w + c - targets) ** 2).mean()]
        for at in range(len(rows)):
            x = rows[at : at + 1]
            d = 2 * (x @ w + c - targets[at : at + 1])
            w -= 0.01 * (x.T @ d)
            c -= 0.01 * d.sum()
        losses.append(((rows @ w + c - targets) ** 2).mean())
        return float(losses[-1])

    return {"by hand": by_hand, "symbackprop": ours}


def minibatches() -> Runs:
    """471 minibatches of 64 rows of an MLP 64-64-10."""
    layer = LAYERS["MLP 784-128-10"]
    net, loss = layer.build()
    sized = type(layer)(layer.title, layer.build, {"N": 10000, "D": 64, "H": 64, "K": 10}, layer.expert, layer.loss)
    values = sized.values(net, seed=2)
    derivation = derive(net, loss)
    start = {name: values[name] for name in derivation}

    def ours() -> float:
        data = {"X": values["X"], "t": values["t"]}
        return train(derivation, data, lr=0.1, epochs=3, batch_size=64, initial=start, progress=False).loss

    def by_hand() -> float:
        P = {name: value.copy() for name, value in start.items()}
        losses = [mlp_loss(np, {**values, **P})]
        for _ in range(3):
            for at in range(0, 10000, 64):
                for name, slope in mlp_expert(values["X"][at : at + 64], values["t"][at : at + 64], **P)[1].items():
                    P[name] -= 0.1 * slope
            losses.append(mlp_loss(np, {**values, **P}))
        return float(losses[-1])

    return {"by hand": by_hand, "symbackprop": ours}


RUNS = {
    "4,000 online steps of a 2-2-1 network": (online, "2"),
    "7,398 online steps of a linear regression": (regression, "1.5"),
    "471 minibatches of an MLP": (minibatches, "1.1"),
}
