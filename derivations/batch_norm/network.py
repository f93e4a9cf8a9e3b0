"""Batch normalisation in training, where mean and variance depend on the batch, below a squared error.

    μ[i] = 1/N Σ_n x[n,i]      c[n,i] = x[n,i] - μ[i]      v[i] = 1/N Σ_n c[n,i]²      r[i] = 1/√(v[i] + ε)
    h[n,i] = c[n,i] r[i]       y[n,i] = γ[i] h[n,i] + β[i]      E = 1/N Σ_n Σ_i (y[n,i] - t[n,i])²

x, t: (N, D); γ, β: (D,), here `gamma` and `beta`. Gradients are asked for x, too.
"""

from __future__ import annotations

import numpy as np
from sympy import Rational, Sum, sqrt

from symbackprop.network import Network

_rng = np.random.default_rng(2)
_N, _D = 5, 3

network = Network({"en": "batch normalisation", "zh": "批量归一化"})
n, i = network.indices("n:N i:D")
N = network.size("N")
x = network.parameter("x", n, i, value=_rng.normal(size=(_N, _D)))
gamma = network.parameter("gamma", i, value=_rng.uniform(0.5, 2, size=_D))
beta = network.parameter("beta", i, value=_rng.normal(size=_D))
t = network.target("t", n, i, value=_rng.normal(size=(_N, _D)))

mu = network.define("mu", i, Sum(x[n, i], n) / N)
c = network.define("c", n, i, x[n, i] - mu[i])
v = network.define("v", i, Sum(c[n, i] ** 2, n) / N)
r = network.define("r", i, 1 / sqrt(v[i] + Rational(1, 100000)))
h = network.define("h", n, i, c[n, i] * r[i])
y = network.define("y", n, i, gamma[i] * h[n, i] + beta[i])
loss = network.define("E", Sum((y[n, i] - t[n, i]) ** 2, n, i) / N)
