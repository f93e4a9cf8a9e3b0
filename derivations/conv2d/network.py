"""A convolution of images (a cross-correlation, as it is called in this field), a rectifier, and a squared error.

    y[n,o,s,t] = Σ_c Σ_u Σ_v x[n,c,s+u,t+v] W[o,c,u,v] + b[o]      a = max(y, 0)      E = 1/N Σ (a - target)²

x: (N, C, R, Q), W: (O, C, F, G), b: (O,), y, a, target: (N, O, R-F+1, Q-G+1). Gradients are asked for x, too.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop.functions import relu
from symbackprop.network import Network

_rng = np.random.default_rng(4)
_N, _C, _R, _Q, _O, _F, _G = 2, 2, 5, 4, 3, 3, 2

network = Network({"en": "convolution of images", "zh": "图像卷积"})
n, c, r, q, o, u, v, s, t = network.indices("n:N c:C r:R q:Q o:O u:F v:G s:R-F+1 t:Q-G+1")
x = network.parameter("x", n, c, r, q, value=_rng.normal(size=(_N, _C, _R, _Q)))
W = network.parameter("W", o, c, u, v, value=_rng.normal(size=(_O, _C, _F, _G)) / 3)
b = network.parameter("b", o, value=_rng.normal(size=_O) / 10)
target = network.target("target", n, o, s, t, value=_rng.normal(size=(_N, _O, _R - _F + 1, _Q - _G + 1)))

y = network.define("y", n, o, s, t, Sum(x[n, c, s + u, t + v] * W[o, c, u, v], c, u, v) + b[o])
a = network.define("a", n, o, s, t, relu(y[n, o, s, t]))
loss = network.define("E", Sum((a[n, o, s, t] - target[n, o, s, t]) ** 2, n, o, s, t) / network.size("N"))
