"""A fully connected layer trained as a linear regression, in index notation.

    y[n,k] = Σ_i z[n,i] W[i,k] + b[k]        loss = 1/N Σ_n Σ_k (y[n,k] - y_true[n,k])^2

z: (N, D), W: (D, K), b: (K,), y and y_true: (N, K). The data come from W = [[3,7,4],[5,2,6]], b = [2,9,3]
without noise, so the loss can reach 0. The example is one minibatch of two samples at a start with b = 0; the
learning rate that goes with it is 0.01.
"""

from __future__ import annotations

import numpy as np
from sympy import Sum

from symbackprop.network import Network

TRUE_W = np.array([[3, 7, 4], [5, 2, 6]])
TRUE_B = np.array([2, 9, 3])
EXAMPLE_Z = np.array([[4, 7], [9, 2]])

network = Network({"en": "linear regression", "zh": "线性回归"})
n, i, k = network.indices("n:N i:D k:K")
N = network.size("N")
z = network.input("z", n, i, value=EXAMPLE_Z)
W = network.parameter("W", i, k, value=[[0.5, -1.25, 0.75], [-0.25, 1.5, 2.0]])
b = network.parameter("b", k, value=[0, 0, 0])
y_true = network.target("y_true", n, k, value=EXAMPLE_Z @ TRUE_W + TRUE_B)

y = network.define("y", n, k, Sum(z[n, i] * W[i, k], i) + b[k])
loss = network.define("loss", Sum(Sum((y[n, k] - y_true[n, k]) ** 2, k), n) / N)
