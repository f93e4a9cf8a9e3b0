"""One tanh neuron with two inputs: the stated loss, and the one its training really descends.

    f = x1 w1 + x2 w2 + b        o1 = tanh(f)
    loss = (target - o1)^2                               what is stated
    lossTmp = f - 4.9517        actual_loss = 1/2 lossTmp^2       what the handwritten update descends

tanh never reaches the target 1, so the training aims at o1 = 0.9999 instead, that is at f = atanh(0.9999) =
4.9517…. Every definition is a number; the learning rate that goes with it is 0.01.
"""

from __future__ import annotations

from sympy import Rational, tanh

from symbackprop.network import Network

network = Network({"en": "tanh neuron", "zh": "tanh 神经元"})
x1, x2 = network.inputs("x1 x2", values=(1, 2))
w1, w2 = network.parameters("w1 w2", values=(0.2, 0.3))
b = network.parameters("b", values=(0.1,))
target = network.targets("target", values=(1,))

f = network.define("f", x1 * w1 + x2 * w2 + b)
o1 = network.define("o1", tanh(f))
loss = network.define("loss", (target - o1) ** 2)

lossTmp = network.define("lossTmp", f - 4.9517)
actual_loss = network.define("actual_loss", Rational(1, 2) * lossTmp**2)
