"""Twelve networks in index notation: what the handwritten gradients of `hand` are checked against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Rational, Sum, exp, log, sqrt, tanh

from symbackprop.network import Network, relu, sigmoid, step

Built = tuple[Network, Any]


def two_outputs() -> Built:
    net = Network("2-2-2 sigmoid network")
    x1, x2 = net.inputs("x1 x2", values=(0.5, -0.3))
    w = net.parameters("w1:9", values=(0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55))
    b1, b2 = net.parameters("b1 b2", values=(0.35, 0.6))
    t1, t2 = net.targets("t1 t2", values=(0.01, 0.99))
    net_h1 = net.define("net_h1", w[0] * x1 + w[1] * x2 + b1)
    net_h2 = net.define("net_h2", w[2] * x1 + w[3] * x2 + b1)
    out_h1 = net.define("out_h1", sigmoid(net_h1))
    out_h2 = net.define("out_h2", sigmoid(net_h2))
    net_o1 = net.define("net_o1", w[4] * out_h1 + w[5] * out_h2 + b2)
    net_o2 = net.define("net_o2", w[6] * out_h1 + w[7] * out_h2 + b2)
    out_o1 = net.define("out_o1", sigmoid(net_o1))
    out_o2 = net.define("out_o2", sigmoid(net_o2))
    E_o1 = net.define("E_o1", Rational(1, 2) * (t1 - out_o1) ** 2)
    E_o2 = net.define("E_o2", Rational(1, 2) * (t2 - out_o2) ** 2)
    return net, net.define("E", E_o1 + E_o2)


def chain() -> Built:
    net = Network("tanh chain")
    x = net.inputs("x", values=(0.7,))
    w1, w2, w3 = net.parameters("w1 w2 w3", values=(0.5, -0.4, 0.9))
    b1, b2, b3 = net.parameters("b1 b2 b3", values=(0.1, 0.2, -0.1))
    t = net.targets("t", values=(0.3,))
    z1 = net.define("z1", w1 * x + b1)
    a1 = net.define("a1", tanh(z1))
    z2 = net.define("z2", w2 * a1 + b2)
    a2 = net.define("a2", tanh(z2))
    y = net.define("y", w3 * a2 + b3)
    return net, net.define("L", (y - t) ** 2)


def dense() -> Built:
    net = Network("dense layer, mean squared error")
    n, i, k = net.indices("n:N i:D k:K")
    X, W, b = net.input("X", n, i), net.parameter("W", i, k), net.parameter("b", k)
    t = net.target("t", n, k)
    y = net.define("y", n, k, Sum(X[n, i] * W[i, k], i) + b[k])
    return net, net.define("L", Sum(Sum((y[n, k] - t[n, k]) ** 2, k), n) / net.size("N"))


def mlp() -> Built:
    net = Network("two-layer network, softmax and cross-entropy")
    n, i, j, k, m = net.indices("n:N i:D j:H k:K m:K")
    X, t = net.input("X", n, i), net.target("t", n, k)
    W1, b1 = net.parameter("W1", i, j), net.parameter("b1", j)
    W2, b2 = net.parameter("W2", j, k), net.parameter("b2", k)
    net.assume(Sum(t[n, k], k), 1, because="each row of t has a single 1")
    Z1 = net.define("Z1", n, j, Sum(X[n, i] * W1[i, j], i) + b1[j])
    A1 = net.define("A1", n, j, tanh(Z1[n, j]))
    Z2 = net.define("Z2", n, k, Sum(A1[n, j] * W2[j, k], j) + b2[k])
    P = net.define("P", n, k, exp(Z2[n, k]) / Sum(exp(Z2[n, m]), m))
    return net, net.define("L", -Sum(Sum(t[n, k] * log(P[n, k]), k), n) / net.size("N"))


def perceptron() -> Built:
    net = Network("perceptron")
    n, i = net.indices("n:N i:D")
    X, w, b, t = net.input("X", n, i), net.parameter("w", i), net.parameter("b"), net.target("t", n)
    v = net.define("v", n, Sum(X[n, i] * w[i], i) + b)
    y = net.define("y", n, step(v[n]))
    return net, net.define("L", -Sum((t[n] - y[n]) * v[n], n) / net.size("N"))


def logistic() -> Built:
    net = Network("logistic regression with weight decay")
    n, i = net.indices("n:N i:D")
    X, w, b, t = net.input("X", n, i), net.parameter("w", i), net.parameter("b"), net.target("t", n)
    lam = net.constant("lam", value=0.1)
    z = net.define("z", n, Sum(X[n, i] * w[i], i) + b)
    p = net.define("p", n, sigmoid(z[n]))
    data = net.define("data", -Sum(t[n] * log(p[n]) + (1 - t[n]) * log(1 - p[n]), n) / net.size("N"))
    return net, net.define("L", data + lam * Sum(w[i] ** 2, i))


def layer_norm() -> Built:
    net = Network("layer norm")
    n, i, j = net.indices("n:N i:D j:D")
    x, g, b, t = net.parameter("x", n, i), net.parameter("g", i), net.parameter("b", i), net.target("t", n, i)
    eps, D = Rational(1, 100), net.size("D")
    mu = net.define("mu", n, Sum(x[n, j], j) / D)
    var = net.define("var", n, Sum((x[n, j] - mu[n]) ** 2, j) / D)
    xh = net.define("xh", n, i, (x[n, i] - mu[n]) / sqrt(var[n] + eps))
    y = net.define("y", n, i, g[i] * xh[n, i] + b[i])
    return net, net.define("L", Sum(Sum((y[n, i] - t[n, i]) ** 2, i), n) / 2)


def batch_norm() -> Built:
    net = Network("batch norm")
    n, m, i = net.indices("n:N m:N i:D")
    x, g, b, t = net.parameter("x", n, i), net.parameter("g", i), net.parameter("b", i), net.target("t", n, i)
    eps, N = Rational(1, 100), net.size("N")
    mu = net.define("mu", i, Sum(x[m, i], m) / N)
    var = net.define("var", i, Sum((x[m, i] - mu[i]) ** 2, m) / N)
    xh = net.define("xh", n, i, (x[n, i] - mu[i]) / sqrt(var[i] + eps))
    y = net.define("y", n, i, g[i] * xh[n, i] + b[i])
    return net, net.define("L", Sum(Sum((y[n, i] - t[n, i]) ** 2, i), n) / 2)


def conv() -> Built:
    net = Network("convolution and relu")
    n, s, u = net.indices("n:N s:T-F+1 u:F")
    (full,) = net.indices("v:T")
    x, k, c = net.parameter("x", n, full), net.parameter("k", u), net.parameter("c")
    t = net.target("t", n, s)
    z = net.define("z", n, s, Sum(x[n, s + u] * k[u], u) + c)
    a = net.define("a", n, s, relu(z[n, s]))
    return net, net.define("L", Sum(Sum((a[n, s] - t[n, s]) ** 2, s), n) / 2)


def attention() -> Built:
    net = Network("attention")
    i, j, m, d, e = net.indices("i:T j:J m:J d:D e:M")
    Q, K, V, t = net.parameter("Q", i, d), net.parameter("K", j, d), net.parameter("V", j, e), net.target("t", i, e)
    S = net.define("S", i, j, Sum(Q[i, d] * K[j, d], d) / sqrt(net.size("D")))
    P = net.define("P", i, j, exp(S[i, j]) / Sum(exp(S[i, m]), m))
    O = net.define("O", i, e, Sum(P[i, j] * V[j, e], j))  # noqa: E741 - the usual letter
    return net, net.define("L", Sum(Sum((O[i, e] - t[i, e]) ** 2, e), i) / 2)


def lstm() -> Built:
    net = Network("LSTM cell")
    i, h = net.indices("i:D h:H")
    x, c0, t = net.input("x", i), net.input("c0", h), net.target("t", h)
    W = [net.parameter(f"W{gate}", i, h) for gate in "fiog"]
    b = [net.parameter(f"b{gate}", h) for gate in "fiog"]
    gates = []
    for gate, weight, bias in zip("fiog", W, b, strict=True):
        z = net.define(f"z{gate}", h, Sum(x[i] * weight[i, h], i) + bias[h])
        gates.append(net.define(gate + "t", h, tanh(z[h]) if gate == "g" else sigmoid(z[h])))
    f, u, o, g = gates
    c = net.define("c", h, f[h] * c0[h] + u[h] * g[h])
    y = net.define("y", h, o[h] * tanh(c[h]))
    return net, net.define("L", Sum((y[h] - t[h]) ** 2, h) / 2)


def recurrent() -> Built:
    net = Network("recurrent network, two steps")
    i, h, k = net.indices("i:D h:H k:H")
    x1, x2, t = net.input("x1", i), net.input("x2", i), net.target("t", h)
    W, U, b = net.parameter("W", i, h), net.parameter("U", k, h), net.parameter("b", h)
    z1 = net.define("z1", h, Sum(x1[i] * W[i, h], i) + b[h])
    h1 = net.define("h1", h, tanh(z1[h]))
    z2 = net.define("z2", h, Sum(x2[i] * W[i, h], i) + Sum(h1[k] * U[k, h], k) + b[h])
    h2 = net.define("h2", h, tanh(z2[h]))
    return net, net.define("L", Sum((h2[h] - t[h]) ** 2, h) / 2)


NETWORKS: dict[str, Callable[[], Built]] = {
    build.__name__: build
    for build in (
        two_outputs,
        chain,
        dense,
        mlp,
        perceptron,
        logistic,
        layer_norm,
        batch_norm,
        conv,
        attention,
        lstm,
        recurrent,
    )
}
