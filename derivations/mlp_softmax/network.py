"""A two-layer network: tanh, softmax and cross-entropy over a batch, in index notation.

    Z1[n,j] = Σ_i X[n,i] W1[i,j] + b1[j]         A1[n,j] = tanh(Z1[n,j])
    Z2[n,k] = Σ_j A1[n,j] W2[j,k] + b2[k]        P[n,k] = exp(Z2[n,k]) / Σ_l exp(Z2[n,l])
    E = -1/N Σ_n Σ_k t[n,k] log P[n,k]

X: (N, D), W1: (D, M), b1: (M,), W2: (M, K), b2: (K,), t: (N, K) with one 1 in each row. The example values
are random, from a fixed seed; learning rate, if one is wanted: 0.5.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum, exp, log, tanh

from symbackprop.network import Network

_rng = np.random.default_rng(20)
_N, _D, _M, _K = 5, 4, 6, 3

network = Network({"en": "two-layer network with softmax", "zh": "带 softmax 的两层网络"})
n, i, j, k, l = network.indices("n:N i:D j:M k:K l:K")  # noqa: E741 - the second class index, as in the formula
N = network.size("N")
X = network.input("X", n, i, value=_rng.normal(size=(_N, _D)))
W1 = network.parameter("W1", i, j, value=_rng.normal(size=(_D, _M)) / 2)
b1 = network.parameter("b1", j, value=_rng.normal(size=_M) / 10)
W2 = network.parameter("W2", j, k, value=_rng.normal(size=(_M, _K)) / 2)
b2 = network.parameter("b2", k, value=_rng.normal(size=_K) / 10)
t = network.target("t", n, k, value=np.eye(_K)[_rng.integers(0, _K, size=_N)])
network.assume(Sum(t[n, k], k), 1, because="each row of t has a single 1, so it sums to one")

Z1 = network.define("Z1", n, j, Sum(X[n, i] * W1[i, j], i) + b1[j])
A1 = network.define("A1", n, j, tanh(Z1[n, j]))
Z2 = network.define("Z2", n, k, Sum(A1[n, j] * W2[j, k], j) + b2[k])
P = network.define("P", n, k, exp(Z2[n, k]) / Sum(exp(Z2[n, l]), l))
loss = network.define("E", -Sum(Sum(t[n, k] * log(P[n, k]), k), n) / N)
