"""A 2-2-1 sigmoid network that judges one sample at a time.

    sum_h1 = w1 x1 + w2 x2 + b1        h1 = σ(sum_h1)
    sum_h2 = w3 x1 + w4 x2 + b2        h2 = σ(sum_h2)
    sum_o1 = w5 h1 + w6 h2 + b3        y_pred = σ(sum_o1)        L = (y_true - y_pred)^2

x1 is a person's weight and x2 the height, both less their mean; y_true is the sex. The example is the case
worked by hand: all weights 1, all biases 0, one sample.
"""

from __future__ import annotations

from symbackprop.network import Network, sigmoid

network = Network({"en": "2-2-1 sigmoid network", "zh": "2-2-1 sigmoid 网络"})
x1, x2 = network.inputs("x1 x2", values=(-2, 5))
w1, w2, w3, w4, w5, w6 = network.parameters("w1:7", values=(1, 1, 1, 1, 1, 1))
b1, b2, b3 = network.parameters("b1:4", values=(0, 0, 0))
y_true = network.targets("y_true", values=(1,))

sum_h1 = network.define("sum_h1", w1 * x1 + w2 * x2 + b1)
h1 = network.define("h1", sigmoid(sum_h1))
sum_h2 = network.define("sum_h2", w3 * x1 + w4 * x2 + b2)
h2 = network.define("h2", sigmoid(sum_h2))
sum_o1 = network.define("sum_o1", w5 * h1 + w6 * h2 + b3)
y_pred = network.define("y_pred", sigmoid(sum_o1))
loss = network.define("L", (y_true - y_pred) ** 2)
