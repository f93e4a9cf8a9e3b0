"""The perceptron criterion on a table of samples, in index notation.

    val[n] = Σ_i x[n,i] w[i] + b      y_pre[n] = step(val[n])      loss = -1/4 Σ_n (t[n] - y_pre[n]) val[n]

x: (N, D), t: (N,), w: (D,), b a number. The total loss is a sum over samples, so its derivative is the sum of
theirs, each the product of a forward part ∂val/∂w and a backward part ∂loss/∂val. The 4 is the number of
samples of the example, and a fixed number in the loss: with another number of samples it stays 4. The step
has derivative 0 except at val = 0, where it has none; at the start the second sample lies on that very spot.
"""

from __future__ import annotations

from sympy import Sum

from symbackprop.network import Network, step

network = Network({"en": "perceptron", "zh": "感知机"})
n, i = network.indices("n:N i:D")
x = network.input("x", n, i, value=[[1, 1], [-1, 1], [-1, -0.5], [-1, 1.5]])
w = network.parameter("w", i, value=[1, 1])
b = network.parameter("b", value=0)
t = network.target("t", n, value=[0, 1, 0, 1])

val = network.define("val", n, Sum(x[n, i] * w[i], i) + b)
y_pre = network.define("y_pre", n, step(val[n]))
loss = network.define("loss", -Sum((t[n] - y_pre[n]) * val[n], n) / 4)
