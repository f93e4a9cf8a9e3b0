"""Max pooling with overlapping windows over a weighted sequence, and a squared error.

    z[n,s] = w[s] x[n,s]       y[n,t] = max_u z[n, 2t + u]       E = 1/N Σ_n Σ_t (y[n,t] - target[n,t])²

x, z: (N, S) with S = 2T + U - 2, w: (S,), y, target: (N, T); windows of U = 3 entries begin at every second one. Where several
entries of a window are the largest, they share its gradient equally.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop.functions import IndexMax
from symbackprop.network import Network

_rng = np.random.default_rng(5)
_N, _T = 2, 2
_S = 2 * _T + 1

network = Network({"en": "max pooling", "zh": "最大汇聚"})
n, s, t, u = network.indices("n:N s:T+T+1 t:T u:3")
x = network.input("x", n, s, value=_rng.normal(size=(_N, _S)))
w = network.parameter("w", s, value=_rng.normal(size=_S))
target = network.target("target", n, t, value=_rng.normal(size=(_N, _T)))

z = network.define("z", n, s, w[s] * x[n, s])
y = network.define("y", n, t, IndexMax(z[n, 2 * t + u], u))
loss = network.define("E", Sum((y[n, t] - target[n, t]) ** 2, n, t) / network.size("N"))
