"""Logistic regression: one probability for each sample, the binary cross-entropy, and its second derivatives.

    z[n] = Σ_i x[n,i] w[i] + b       p[n] = σ(z[n])
    E = -1/N Σ_n (t[n] log p[n] + (1 - t[n]) log(1 - p[n]))

x: (N, D), w: (D,), b: a number, t: (N,) of zeros and ones. The Hessian is derived from the network of the gradient,
`derive(network, loss).as_network(["w"])`, where `dE_dw` is a node like any other.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum, log

from symbackprop.functions import sigmoid
from symbackprop.network import Network

_rng = np.random.default_rng(1)
_N, _D = 6, 3

network = Network({"en": "logistic regression", "zh": "逻辑回归"})
n, i = network.indices("n:N i:D")
x = network.input("x", n, i, value=_rng.normal(size=(_N, _D)))
w = network.parameter("w", i, value=_rng.normal(size=_D) / 2)
b = network.parameter("b", value=0.1)
t = network.target("t", n, value=[0, 1, 1, 0, 1, 0])

z = network.define("z", n, Sum(x[n, i] * w[i], i) + b)
p = network.define("p", n, sigmoid(z[n]))
loss = network.define("E", -Sum(t[n] * log(p[n]) + (1 - t[n]) * log(1 - p[n]), n) / network.size("N"))
