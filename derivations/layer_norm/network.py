"""Layer normalisation: mean and variance over the features of each sample, below a squared error.

    μ[n] = 1/D Σ_i x[n,i]      c[n,i] = x[n,i] - μ[n]      v[n] = 1/D Σ_i c[n,i]²      r[n] = 1/√(v[n] + ε)
    h[n,i] = c[n,i] r[n]       y[n,i] = γ[i] h[n,i] + β[i]      E = 1/N Σ_n Σ_i (y[n,i] - t[n,i])²

x, t: (N, D); γ, β: (D,), here `gamma` and `beta`. Gradients are asked for x, too.
"""

from __future__ import annotations

import numpy as np
from sympy import Rational, Sum, sqrt

from symbackprop.network import Network

_rng = np.random.default_rng(3)
_N, _D = 4, 5

network = Network({"en": "layer normalisation", "zh": "层归一化"})
n, i = network.indices("n:N i:D")
N, D = network.size("N"), network.size("D")
x = network.parameter("x", n, i, value=_rng.normal(size=(_N, _D)))
gamma = network.parameter("gamma", i, value=_rng.uniform(0.5, 2, size=_D))
beta = network.parameter("beta", i, value=_rng.normal(size=_D))
t = network.target("t", n, i, value=_rng.normal(size=(_N, _D)))

mu = network.define("mu", n, Sum(x[n, i], i) / D)
c = network.define("c", n, i, x[n, i] - mu[n])
v = network.define("v", n, Sum(c[n, i] ** 2, i) / D)
r = network.define("r", n, 1 / sqrt(v[n] + Rational(1, 100000)))
h = network.define("h", n, i, c[n, i] * r[n])
y = network.define("y", n, i, gamma[i] * h[n, i] + beta[i])
loss = network.define("E", Sum((y[n, i] - t[n, i]) ** 2, n, i) / N)
