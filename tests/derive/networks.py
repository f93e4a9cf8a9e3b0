"""Scalar networks for the tests of chains and steps: the ways in which paths can part and meet."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Rational, exp, log, sqrt, tanh

from symbackprop.network import Network, relu, sigmoid, softplus


def two_layers() -> Network:
    """Two hidden units, two outputs, shared biases, an unweighted sum as loss."""
    net = Network("2-2-2")
    x1, x2 = net.inputs("x1 x2", values=(0.7, -1.3))
    w = net.parameters("w1:9", values=(0.3, -0.2, 0.5, 0.4, -0.6, 0.8, 0.2, -0.9))
    b1, b2 = net.parameters("b1 b2", values=(0.1, -0.4))
    t1, t2 = net.targets("t1 t2", values=(0.2, 0.9))
    z1 = net.define("net_h1", w[0] * x1 + w[1] * x2 + b1)
    z2 = net.define("net_h2", w[2] * x1 + w[3] * x2 + b1)
    h1, h2 = net.define("h1", sigmoid(z1)), net.define("h2", tanh(z2))
    o1 = net.define("o1", sigmoid(w[4] * h1 + w[5] * h2 + b2))
    o2 = net.define("o2", softplus(w[6] * h1 + w[7] * h2 + b2))
    e1, e2 = net.define("E_1", (t1 - o1) ** 2 / 2), net.define("E_2", (t2 - o2) ** 2)
    net.define("E", e1 + 3 * e2)
    return net


def skip() -> Network:
    """A residual connection: a node used directly and through a branch; the direct use has weight 1."""
    net = Network("skip")
    x = net.input("x", value=0.8)
    w, v = net.parameters("w v", values=(0.6, -1.1))
    a = net.define("a", w * x)
    r = net.define("r", relu(v * a + 1))
    s = net.define("s", a + r)
    net.define("E", s**3 / 3)
    return net


def shared() -> Network:
    """One weight used in three layers, products of nodes, a quotient, a root and a logarithm."""
    net = Network("shared")
    x = net.input("x", value=0.4)
    w, c = net.parameters("w c", values=(0.9, 1.7))
    a = net.define("a", exp(w * x))
    b = net.define("b", sqrt(a + c**2))
    p = net.define("p", a * b * w / (1 + b))
    net.define("E", log(p**2 + Rational(1, 10)) * w)
    return net


NETWORKS: dict[str, Callable[[], Network]] = {"two_layers": two_layers, "skip": skip, "shared": shared}
