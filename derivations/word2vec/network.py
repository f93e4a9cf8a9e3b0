"""Skip-gram with negative sampling: word vectors that tell the words which occur together from words drawn at random.

    s[n] = Σ_d U[centre[n], d] V[context[n], d]       r[n,k] = Σ_d U[centre[n], d] V[negative[n,k], d]
    E = -1/N Σ_n (log σ(s[n]) + Σ_k log σ(-r[n,k]))

centre, context: (N,) and negative: (N, K) are numbers of words; U, V: (W, D). A row that is used several times gets every
gradient (Mikolov et al. 2013).
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop.functions import logsigmoid
from symbackprop.network import Network

_rng = np.random.default_rng(8)
_W, _D = 5, 3

network = Network({"en": "skip-gram with negative sampling", "zh": "带负采样的 skip-gram 模型"})
n, k, w, d = network.indices("n:N k:K w:W d:D")
U = network.parameter("U", w, d, value=_rng.normal(size=(_W, _D)))
V = network.parameter("V", w, d, value=_rng.normal(size=(_W, _D)))
centre = network.input("centre", n, value=[0, 2, 0, 4])
context = network.input("context", n, value=[1, 3, 3, 0])
negative = network.input("negative", n, k, value=[[2, 4], [2, 1], [4, 4], [1, 3]])

s = network.define("s", n, Sum(U[centre[n], d] * V[context[n], d], d))
r = network.define("r", n, k, Sum(U[centre[n], d] * V[negative[n, k], d], d))
loss = network.define("E", -Sum(logsigmoid(s[n]) + Sum(logsigmoid(-r[n, k]), k), n) / network.size("N"))
