"""Networks of every kind that generated code has to get right, each with sizes that are distinct primes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Abs, Integer, KroneckerDelta, Piecewise, Sum, cos, cosh, erf, exp, log, sin, sinh, sqrt, tan, tanh
from sympy.functions.elementary.complexes import sign

from symbackprop.network import (
    Network,
    elu,
    gelu,
    gelu_tanh,
    leaky_relu,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    softplus,
    step,
)
from symbackprop.network.indices import size_symbol

Sizes = dict[str, int]


@dataclass(frozen=True)
class Case:
    """A network, its loss, and sizes to try it at; `positive` names need positive values."""

    network: Network
    loss: str
    sizes: Sizes
    positive: tuple[str, ...] = ()

    def values(self, seed: int = 0, **sizes: int) -> dict[str, Any]:
        """Return random values of the declared names."""
        generator = np.random.default_rng(seed)
        known = {size_symbol(name): size for name, size in {**self.sizes, **sizes}.items()}
        found: dict[str, Any] = {}
        for node in self.network.nodes.values():
            if not node.defined:
                value = generator.normal(size=tuple(int(extent.subs(known)) for extent in node.shape))
                value = np.abs(value) + 0.5 if node.name in self.positive else value
                found[node.name] = value if node.indices else float(value)
        return found

    @property
    def declared(self) -> list[str]:  # the names that need values
        return [node.name for node in self.network.nodes.values() if not node.defined]


CASES: dict[str, Callable[[], Case]] = {}


def case(build: Callable[[], Case]) -> Callable[[], Case]:
    """Register a case under its function's name."""
    assert build.__name__ not in CASES
    CASES[build.__name__] = build
    return build


@case
def linear_regression() -> Case:
    net = Network("linear regression")
    n, i, k = net.indices("n:N i:D k:K")
    z, t, W, b = net.input("z", n, i), net.target("t", n, k), net.parameter("W", i, k), net.parameter("b", k)
    y = net.define("y", n, k, Sum(z[n, i] * W[i, k], i) + b[k])
    net.define("E", Sum((y[n, k] - t[n, k]) ** 2, n, k) / net.size("N"))
    return Case(net, "E", {"N": 7, "D": 3, "K": 5})


@case
def softmax_classifier() -> Case:
    net = Network("two layers, softmax, cross-entropy")
    n, i, h, j, k = net.indices("n:N i:D h:H j:K k:K")
    X, t = net.input("X", n, i), net.target("t", n, j)
    W1, b1, W2, b2 = net.parameter("W1", i, h), net.parameter("b1", h), net.parameter("W2", h, j), net.parameter("b2", j)
    Z1 = net.define("Z1", n, h, Sum(X[n, i] * W1[i, h], i) + b1[h])
    A = net.define("A", n, h, tanh(Z1[n, h]))
    Z2 = net.define("Z2", n, j, Sum(A[n, h] * W2[h, j], h) + b2[j])
    P = net.define("P", n, j, exp(Z2[n, j]) / Sum(exp(Z2[n, k]), k))
    net.define("E", -Sum(t[n, j] * log(P[n, j]), n, j) / net.size("N"))
    return Case(net, "E", {"N": 5, "D": 3, "H": 7, "K": 2})


@case
def binary_cross_entropy() -> Case:
    net = Network("logistic regression, loss per sample")
    n, i = net.indices("n:N i:D")
    X, t, w, b = net.input("X", n, i), net.target("t", n), net.parameter("w", i), net.parameter("b")
    z = net.define("z", n, Sum(X[n, i] * w[i], i) + b)
    y = net.define("y", n, sigmoid(z[n]))
    L = net.define("L", n, -t[n] * log(y[n]) - (1 - t[n]) * log(1 - y[n]))
    net.define("E", Sum(L[n], n) / net.size("N") + Sum(w[i] ** 2, i) / 10)
    return Case(net, "E", {"N": 7, "D": 3})


@case
def log_sum_exp() -> Case:
    net = Network("log-softmax and log-sum-exp written out")
    n, i, k, l = net.indices("n:N i:D k:K l:K")  # noqa: E741
    X, W, t = net.input("X", n, i), net.parameter("W", i, k), net.target("t", n, k)
    Z = net.define("Z", n, k, Sum(X[n, i] * W[i, k], i))
    G = net.define("G", n, k, Z[n, k] - log(Sum(exp(Z[n, l]), l)))
    S = net.define("S", n, log(Sum(exp(2 * Z[n, k]), k)))
    net.define("E", -Sum(t[n, k] * G[n, k], n, k) + Sum(S[n] ** 2, n))
    return Case(net, "E", {"N": 2, "D": 3, "K": 5})


@case
def attention() -> Case:
    net = Network("attention in a batch")
    b, q, k, m, d, e = net.indices("b:B q:S k:S m:S d:D e:M")
    X = net.input("X", b, q, e)
    Wq, Wk, Wv = (net.parameter(name, e, d) for name in ("Wq", "Wk", "Wv"))
    Q = net.define("Q", b, q, d, Sum(X[b, q, e] * Wq[e, d], e))
    K = net.define("K", b, k, d, Sum(X[b, k, e] * Wk[e, d], e))
    V = net.define("V", b, k, d, Sum(X[b, k, e] * Wv[e, d], e))
    S = net.define("scores", b, q, k, Sum(Q[b, q, d] * K[b, k, d], d) / sqrt(net.size("D")))
    A = net.define("A", b, q, k, exp(S[b, q, k]) / Sum(exp(S[b, q, m]), m))
    Y = net.define("Y", b, q, d, Sum(A[b, q, k] * V[b, k, d], k))
    net.define("E", Sum(Y[b, q, d] ** 2, b, q, d))
    return Case(net, "E", {"B": 2, "S": 3, "D": 5, "M": 2})


@case
def layer_norm() -> Case:
    net = Network("layer norm")
    n, i = net.indices("n:N i:D")
    X, g, b, t = net.input("X", n, i), net.parameter("g", i), net.parameter("b", i), net.target("t", n, i)
    D = net.size("D")
    mu = net.define("mu", n, Sum(X[n, i], i) / D)
    var = net.define("var", n, Sum((X[n, i] - mu[n]) ** 2, i) / D)
    xhat = net.define("xhat", n, i, (X[n, i] - mu[n]) / sqrt(var[n] + Integer(1) / 1000))
    Y = net.define("Y", n, i, g[i] * xhat[n, i] + b[i])
    net.define("E", Sum((Y[n, i] - t[n, i]) ** 2, n, i) / (net.size("N") * D))
    return Case(net, "E", {"N": 5, "D": 3})


@case
def batch_norm() -> Case:
    net = Network("batch norm")
    n, i = net.indices("n:N i:D")
    X, g, t = net.parameter("X", n, i), net.parameter("g", i), net.target("t", n, i)
    N = net.size("N")
    mu = net.define("mu", i, Sum(X[n, i], n) / N)
    s = net.define("s", i, sqrt(Sum((X[n, i] - mu[i]) ** 2, n) / N + 1))
    Y = net.define("Y", n, i, g[i] * (X[n, i] - mu[i]) / s[i])
    net.define("E", Sum((Y[n, i] - t[n, i]) ** 3, n, i))
    return Case(net, "E", {"N": 5, "D": 3})


@case
def convolution() -> Case:
    net = Network("convolution over time, several channels, stride 2")
    n, f, c, i, u, p = net.indices("n:N f:F c:C i:I u:U p:I+I+U-2")
    x, w, b = net.parameter("x", n, c, p), net.parameter("w", f, c, u), net.parameter("b", f)
    y = net.define("y", n, f, i, Sum(x[n, c, 2 * i + u] * w[f, c, u], c, u) + b[f])
    t = net.target("t", n, f, i)
    net.define("E", Sum((relu(y[n, f, i]) - t[n, f, i]) ** 2, n, f, i))
    return Case(net, "E", {"N": 2, "F": 3, "C": 2, "I": 5, "U": 3})


@case
def convolution_1d() -> Case:
    net = Network("moving weights")
    n, i, u, p = net.indices("n:N i:T-U+1 u:U p:T")
    x, w = net.parameter("x", n, p), net.parameter("w", u)
    y = net.define("y", n, i, Sum(x[n, i + u] * w[u], u))
    net.define("E", Sum(y[n, i] ** 2, n, i) / net.size("T"))
    return Case(net, "E", {"N": 3, "T": 11, "U": 5})


@case
def convolution_2d() -> Case:
    net = Network("convolution of images")
    n, f, c, i, j, u, v, p, q = net.indices("n:N f:F c:C i:H-U+1 j:W-V+1 u:U v:V p:H q:W")
    x, w = net.parameter("x", n, c, p, q), net.parameter("w", f, c, u, v)
    y = net.define("y", n, f, i, j, Sum(x[n, c, i + u, j + v] * w[f, c, u, v], c, u, v))
    net.define("E", Sum(tanh(y[n, f, i, j]), n, f, i, j))
    return Case(net, "E", {"N": 2, "F": 1, "C": 2, "H": 3, "W": 4, "U": 2, "V": 3})


@case
def odd_addresses() -> Case:
    net = Network("shifts, reversal, a fixed place")
    n, t, s = net.indices("n:N t:T s:T-1")
    x, a = net.parameter("x", n, t), net.parameter("a", t)
    T = net.size("T")
    d = net.define("d", n, s, (x[n, s + 1] - a[T - 1 - s]) * a[s + 1])
    r = net.define("r", n, t, x[n, T - 1 - t] * a[t])
    e = net.define("e", n, x[n, 0] * x[n, T - 1] + x[n, 0] ** 2)
    net.define("E", Sum(d[n, s] ** 2, n, s) + Sum(sin(r[n, t]), n, t) + Sum(e[n], n))
    return Case(net, "E", {"N": 3, "T": 5})


@case
def diagonals() -> Case:
    net = Network("a repeated index")
    i, j, n = net.indices("i:D j:D n:N")
    A, B = net.parameter("A", i, j), net.parameter("B", n, i, j)
    d = net.define("d", i, A[i, i] ** 2 + Sum(B[n, i, i] * A[j, i], n, j))
    net.define("E", Sum(d[i] * A[i, i], i) + Sum(A[i, j] * A[j, i], i, j))
    return Case(net, "E", {"D": 3, "N": 2})


@case
def deltas() -> Case:
    net = Network("Kronecker deltas")
    i, j, n = net.indices("i:D j:D n:N")
    A, x = net.parameter("A", i, j), net.parameter("x", n, i)
    M = net.define("M", i, j, A[i, j] + 3 * KroneckerDelta(i, j))
    y = net.define("y", n, i, Sum(M[i, j] * x[n, j], j) + Sum(KroneckerDelta(i, j) * x[n, j] ** 2, j))
    net.define("E", Sum(y[n, i] ** 2, n, i))
    return Case(net, "E", {"D": 3, "N": 2})


@case
def broadcasts() -> Case:
    net = Network("pieces of different shapes")
    n, i, k = net.indices("n:N i:D k:K")
    a, b, c, s = net.parameter("a", n), net.parameter("b", k), net.parameter("c", k, n), net.parameter("s")
    d = net.parameter("d", i)
    M = net.define("M", n, k, a[n] * b[k] + c[k, n] + s * a[n] - b[k] / 3)
    R = net.define("R", i, k, b[k] ** 2 + s)
    O = net.define("O", i, k, n, d[i] * a[n] + c[k, n])  # noqa: E741
    Q = net.define("Q", k, n, exp(-(M[n, k] ** 2)) * b[k])
    net.define(
        "E",
        Sum(M[n, k] * Q[k, n], n, k)
        + Sum(R[i, k] * s, i, k)
        + Sum(a[n], n) * Sum(b[k], k) * net.size("D")
        + Sum(O[i, k, n] ** 2, i, k, n),
    )
    return Case(net, "E", {"N": 3, "D": 2, "K": 5})


@case
def missing_axes() -> Case:
    net = Network("nodes that are the same along an axis")
    n, i = net.indices("n:N i:D")
    a, b = net.parameter("a", n, i), net.parameter("b", n)
    c = net.define("c", n, i, b[n] + 0 * a[n, i] + 1)
    d = net.define("d", n, i, c[n, i] ** 2)
    s = net.define("s", n, Sum(d[n, i] + b[n], i))
    net.define("E", Sum(s[n] * d[n, i], n, i) + Sum(a[n, i], n, i))
    return Case(net, "E", {"N": 3, "D": 5})


@case
def bilinear() -> Case:
    net = Network("three factors")
    n, i, j, k = net.indices("n:N i:D j:H k:K")
    x, y, A, g = net.input("x", n, i), net.input("y", n, j), net.parameter("A", i, j, k), net.parameter("g", j)
    z = net.define("z", n, k, Sum(x[n, i] * A[i, j, k] * y[n, j] * g[j], i, j))
    v = net.define("v", k, n, Sum(x[n, i] * g[j] * A[i, j, k] / (1 + y[n, j] ** 2), i, j))
    net.define("E", Sum(z[n, k] ** 2 + z[n, k] * v[k, n], n, k))
    return Case(net, "E", {"N": 3, "D": 2, "H": 5, "K": 2})


@case
def bounded_sums() -> Case:
    net = Network("a sum with bounds of its own")
    n, i, j = net.indices("n:N i:D j:D")
    x, w = net.parameter("x", n, i), net.parameter("w", i)
    y = net.define("y", n, Sum(x[n, i] * w[i], (i, 1, net.size("D") - 1)))
    c = net.define("c", n, i, Sum(x[n, j] * w[j], (j, 0, i)))
    net.define("E", Sum(y[n] ** 2, n) + Sum(c[n, i] ** 2 * w[i], n, i))
    return Case(net, "E", {"N": 2, "D": 5})


@case
def shared_weights() -> Case:
    net = Network("an autoencoder with tied weights")
    n, i, h = net.indices("n:N i:D h:H")
    X, W, b = net.input("X", n, i), net.parameter("W", i, h), net.parameter("b", h)
    A = net.define("A", n, h, silu(Sum(X[n, i] * W[i, h], i) + b[h]))
    Y = net.define("Y", n, i, Sum(A[n, h] * W[i, h], h))
    net.define("E", Sum((Y[n, i] - X[n, i]) ** 2, n, i) + Sum(W[i, h] ** 2, i, h) / 7)
    return Case(net, "E", {"N": 5, "D": 3, "H": 2})


@case
def every_function_of_arrays() -> Case:
    net = Network("every elementary function, arrays")
    n, i = net.indices("n:N i:D")
    x, y, a, g = net.parameter("x", n, i), net.parameter("y", n, i), net.parameter("a"), net.parameter("p", n)
    terms = _every_function(x[n, i], y[n, i], a)
    names = [net.define(f"f{at}", n, i, term) for at, term in enumerate(terms)]
    net.define("E", Sum(sum(f[n, i] * (at + 1) for at, f in enumerate(names)) * g[n], n, i))
    return Case(net, "E", {"N": 3, "D": 2}, positive=("y",))


@case
def every_function_of_scalars() -> Case:
    net = Network("every elementary function, scalars")
    x, y, a = net.parameters("x y a")
    names = [net.define(f"f{at}", term) for at, term in enumerate(_every_function(x, y, a))]
    net.define("E", sum(f * (at + 1) for at, f in enumerate(names)))
    return Case(net, "E", {}, positive=("y",))


def _every_function(x: Any, y: Any, a: Any) -> list[Any]:
    return [
        sigmoid(x * y), tanh(x - y), exp(x / 3), log(y), sin(x), cos(y), tan(x / 5), sinh(x / 2), cosh(y / 2), erf(x),
        step(x) * y, sign(x) * y, relu(x - y), leaky_relu(x, Integer(1) / 10), leaky_relu(-x, a), elu(x, Integer(1)),
        elu(-x, a), Abs(x * y), softplus(x), silu(x), gelu(x), gelu_tanh(x), maximum(x, y), minimum(x, y - 1), sqrt(y),
        1 / sqrt(y), y ** Integer(-2), x**3, y ** (Integer(3) / 2), 2**x, y**a, x / (3 * y),
        Piecewise((x * y, x > y), (x**2 - y, x < 0), (y, True)), (x - y) ** 2 / 2, Integer(7) / 20 * x - Integer(1) / 3,
    ]  # fmt: skip


@case
def two_three_two() -> Case:
    net = Network("2-3-2")
    l1, l2 = net.inputs("l1 l2")
    w = net.parameters("w1:13")
    b1, b2 = net.parameters("b1 b2")
    t1, t2 = net.targets("target_o1 target_o2")
    h = [net.define(f"out_h{k + 1}", sigmoid(net.define(f"net_h{k + 1}", w[2 * k] * l1 + w[2 * k + 1] * l2 + b1)))
         for k in range(3)]  # fmt: skip
    o = [net.define(f"out_o{k + 1}",
                    sigmoid(net.define(f"net_o{k + 1}", w[6 + k] * h[0] + w[8 + k] * h[1] + w[10 + k] * h[2] + b2)))
         for k in range(2)]  # fmt: skip
    E = [net.define(f"E_o{k + 1}", (t - out) ** 2 / 2) for k, (t, out) in enumerate(zip((t1, t2), o, strict=True))]
    net.define("E_total", E[0] + E[1])
    return Case(net, "E_total", {})


@case
def scalar_softmax() -> Case:
    net = Network("softmax of three numbers")
    x, w1, w2, w3, t1, t2 = net.parameters("x w1 w2 w3 t1 t2")
    z = [net.define(f"z{k}", w * x + k) for k, w in enumerate((w1, w2, w3))]
    total = sum(exp(v) for v in z)
    p = [net.define(f"p{k}", exp(v) / total) for k, v in enumerate(z)]
    s = net.define("s", log(total))
    q = net.define("q", exp(w1) / (exp(w1) + exp(w2)))
    net.define("E", -t1 * log(p[0]) - t2 * log(p[1]) + p[2] ** 2 + s * q)
    return Case(net, "E", {})


@case
def scalar_cross_entropy() -> Case:
    net = Network("one logistic neuron, written with exp")
    x, w, b, t = net.input("x"), net.parameter("w"), net.parameter("b"), net.target("t")
    z = net.define("z", w * x + b)
    y = net.define("y", sigmoid(z))
    u = net.define("u", 1 / (1 + exp(-z)))
    net.define("E", -t * log(y) - (1 - t) * log(1 - y) + log(1 + exp(z)) + u**2 + 3 * w**2)
    return Case(net, "E", {})


@case
def recurrent() -> Case:
    net = Network("a recurrent network, unrolled")
    n, t, i, h, g = net.indices("n:N t:3 i:D h:H g:H")
    X, U, W, b = net.input("X", n, t, i), net.parameter("U", i, h), net.parameter("W", g, h), net.parameter("b", h)
    s = net.define("s0", n, h, tanh(Sum(X[n, 0, i] * U[i, h], i) + b[h]))
    for at in (1, 2):
        s = net.define(f"s{at}", n, h, tanh(Sum(X[n, at, i] * U[i, h], i) + Sum(s[n, g] * W[g, h], g) + b[h]))
    net.define("E", Sum(s[n, h] ** 2, n, h) / net.size("N"))
    return Case(net, "E", {"N": 5, "D": 2, "H": 3})


@case
def awkward_names() -> Case:
    net = Network("names that Python and numpy use")
    n, i = net.indices("n:N i:D")
    x, la, sm = net.input("np", n, i), net.parameter("lambda", i), net.parameter("sum")
    e = net.define("exp", n, Sum(x[n, i] * la[i], i) * sm)
    f = net.define("sigmoid", n, sigmoid(e[n]))
    net.define("log", Sum(f[n] ** 2, n))
    return Case(net, "log", {"N": 3, "D": 2})


@case
def awkward_scalar_names() -> Case:
    net = Network("scalar names that Python and math use")
    x, la = net.input("exp"), net.parameter("lambda")
    s = net.define("sqrt", sqrt(la**2 + exp(x)))
    net.define("max", sigmoid(s * x) + maximum(x, la))
    return Case(net, "max", {})


@case
def unused() -> Case:
    net = Network("parameters that the loss does not depend on")
    n, i = net.indices("n:N i:D")
    x, w, v, s = net.input("x", n, i), net.parameter("w", i), net.parameter("v", i), net.parameter("s")
    y = net.define("y", n, Sum(x[n, i] * w[i], i))
    net.define("F", Sum(v[i], i) * s)
    net.define("E", Sum(y[n] ** 2, n))
    return Case(net, "E", {"N": 3, "D": 2})
