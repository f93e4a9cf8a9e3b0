"""A long short-term memory over three steps with shared weights, and a squared error of its last output.

    i, f, o = σ(x W + h U + b)     g = tanh(x Wg + h Ug + bg)     c' = f c + i g     h' = o tanh(c')     E = 1/N Σ (h_3 - target)²

x: (N, T, D) with T = 3; W…: (D, H), U…: (H, H), b…: (H,), target: (N, H). The state before the first step
is given: h0, c0: (N, H).
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop import layers
from symbackprop.network import Network

_rng = np.random.default_rng(7)
_N, _T, _D, _H = 2, 3, 2, 2

network = Network({"en": "long short-term memory through time", "zh": "长短期记忆网络随时间展开"})
n, t, d, j, m = network.indices("n:N t:3 d:D j:H m:H")
x = network.input("x", n, t, d, value=_rng.normal(size=(_N, _T, _D)))
h0 = network.constant("h0", n, j, value=_rng.normal(size=(_N, _H)) / 2)
c0 = network.constant("c0", n, j, value=_rng.normal(size=(_N, _H)) / 2)
weights = {}
for gate in "ifog":
    weights[f"W{gate}"] = network.parameter(f"W{gate}", d, j, value=_rng.normal(size=(_D, _H)) / 2)
    weights[f"U{gate}"] = network.parameter(f"U{gate}", m, j, value=_rng.normal(size=(_H, _H)) / 2)
    weights[f"b{gate}"] = network.parameter(f"b{gate}", j, value=_rng.normal(size=_H) / 4)
target = network.target("target", n, j, value=_rng.normal(size=(_N, _H)))

*_, last = layers.lstm(network, "s", x, (n, t, d), j, h0, c0, weights=weights)
loss = network.define("E", Sum((last[n, j] - target[n, j]) ** 2, n, j) / network.size("N"))
