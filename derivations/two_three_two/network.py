"""A 2-3-2 sigmoid network with two outputs and a squared error, every weight a number with a name.

    net_h1 = w1 l1 + w2 l2 + b1   …h2: w3 w4   …h3: w5 w6                     out_h = σ(net_h)
    net_o1 = w7 out_h1 + w9 out_h2 + w11 out_h3 + b2   …o2: w8 w10 w12        out_o = σ(net_o)
    E_o1 = 1/2 (target_o1 - out_o1)^2                                       E_total = E_o1 + E_o2

One bias b1 is shared by the three hidden neurons and one, b2, by the two outputs. The learning rate that goes
with it is 0.5.
"""

from __future__ import annotations

from sympy import Rational

from symbackprop.network import Network, sigmoid

network = Network({"en": "2-3-2 sigmoid network", "zh": "2-3-2 sigmoid 网络"})
l1, l2 = network.inputs("l1 l2", values=(5, 10))
w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12 = network.parameters(
    "w1:13", values=(0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
)
b1, b2 = network.parameters("b1 b2", values=(0.35, 0.65))
target_o1, target_o2 = network.targets("target_o1 target_o2", values=(0.01, 0.99))

net_h1 = network.define("net_h1", w1 * l1 + w2 * l2 + b1)
net_h2 = network.define("net_h2", w3 * l1 + w4 * l2 + b1)
net_h3 = network.define("net_h3", w5 * l1 + w6 * l2 + b1)
out_h1 = network.define("out_h1", sigmoid(net_h1))
out_h2 = network.define("out_h2", sigmoid(net_h2))
out_h3 = network.define("out_h3", sigmoid(net_h3))

net_o1 = network.define("net_o1", w7 * out_h1 + w9 * out_h2 + w11 * out_h3 + b2)
net_o2 = network.define("net_o2", w8 * out_h1 + w10 * out_h2 + w12 * out_h3 + b2)
out_o1 = network.define("out_o1", sigmoid(net_o1))
out_o2 = network.define("out_o2", sigmoid(net_o2))

E_o1 = network.define("E_o1", Rational(1, 2) * (target_o1 - out_o1) ** 2)
E_o2 = network.define("E_o2", Rational(1, 2) * (target_o2 - out_o2) ** 2)
loss = network.define("E_total", E_o1 + E_o2)

notation = "two_three_two"  # as the document writes
