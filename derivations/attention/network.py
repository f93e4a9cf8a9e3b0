"""Causal self-attention of one head with biases, and a squared error.

    Q = x WQ + bQ      K = x WK + bK      V = x WV + bV      S[a,b] = Σ_h Q[a,h] K[b,h] / √H
    P[a,b] = exp S[a,b] / Σ_{c ≤ a} exp S[a,c] where b ≤ a, else 0      y[a,h] = Σ_b P[a,b] V[b,h]      E = 1/T Σ (y - target)²

x: (T, D), WQ, WK, WV: (D, H), bQ, bK, bV: (H,), S, P: (T, T), y, target: (T, H). The gradient of bK is 0: it moves each row
of S as a whole, which softmax does not see.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop import layers
from symbackprop.network import Network

_rng = np.random.default_rng(6)
_T, _D, _H = 4, 3, 2

network = Network({"en": "causal self-attention", "zh": "因果自注意力"})
a, b, c, i, h = network.indices("a:T b:T c:T i:D h:H")
x = network.input("x", a, i, value=_rng.normal(size=(_T, _D)))
weights = {f"W{part}": network.parameter(f"W{part}", i, h, value=_rng.normal(size=(_D, _H)) / 2) for part in "QKV"}
weights |= {f"b{part}": network.parameter(f"b{part}", h, value=_rng.normal(size=_H) / 4) for part in "QKV"}
target = network.target("target", a, h, value=_rng.normal(size=(_T, _H)))

y = layers.attention(network, "y", x, (a, i), h, causal=True, weights=weights)
loss = network.define("E", Sum((y[a, h] - target[a, h]) ** 2, a, h) / network.size("T"))
