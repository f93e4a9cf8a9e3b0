"""A transformer block with the norms in front: attention of several heads and a network of two layers, each with a residual.

    u = layer norm of x      q = x + attention(u)      w = layer norm of q      y = q + gelu(w W1 + b1) W2 + b2
    E = 1/T Σ_a Σ_i (y[a,i] - target[a,i])²

x, y, target: (T, D); W_Q, W_K, W_V: (G, D, H), W_O: (G, H, D), W1: (D, F), W2: (F, D); gelu in its tanh form.
"""

from __future__ import annotations

import numpy as np
from sympy import Rational, Sum

from symbackprop import layers
from symbackprop.functions import gelu_tanh
from symbackprop.network import Network

_rng = np.random.default_rng(10)
_SIZES = {"T": 3, "D": 4, "G": 2, "H": 2, "F": 5}

network = Network({"en": "transformer block", "zh": "Transformer 块"})
a, b, c, i, o, g, h, f = network.indices("a:T b:T c:T i:D o:D g:G h:H f:F")
epsilon = Rational(1, 100000)
x = network.input("x", a, i)
target = network.target("target", a, i)

u = layers.layer_norm(network, "u", x, (a, i), epsilon)
attended = layers.multi_head_attention(network, "att", u, (a, i), g, h)
q = layers.residual(network, "q", x, attended, (a, i))
w = layers.layer_norm(network, "w", q, (a, i), epsilon)
wide = layers.dense(network, "wide", w, (a, i), f, gelu_tanh)
narrow = layers.dense(network, "narrow", wide, (a, f), i)
y = layers.residual(network, "y", q, narrow, (a, i))
loss = network.define("E", Sum((y[a, i] - target[a, i]) ** 2, a, i) / network.size("T"))

_declared = [node for node in network.nodes.values() if not node.defined]
network.set_values({node.name: _rng.normal(size=[_SIZES[str(extent)] for extent in node.shape]) / 2 for node in _declared})
