"""The handwritten update of the tanh neuron: plain numbers, four single steps, then a loop of a hundred.

Kept as it is found: `lossGrad` is the derivative of the loss for target = 1 only and is used for nothing but
the argument that the loss is least at x = 1; the update descends towards f = 4.9517, so the target and tanh
do not occur in it; and the residual `lossTmp` is what gets printed as "the loss".
"""

from __future__ import annotations

import math

GOAL = 4.9517  # atanh(0.9999), rounded
LEARNING_RATE = 0.01


def f(x1, x2, w1, w2, b):
    """Return the weighted sum before the activation."""
    return x1 * w1 + x2 * w2 + b


def activation(x):
    """Return the neuron's output for the weighted sum x."""
    return math.tanh(x)


def loss(x, target):
    """Return the squared distance between the output x and the target."""
    return (target - x) ** 2


def lossGrad(x):
    """Return the derivative of the loss at the output x, with the target taken to be 1."""
    return 2 * x - 2


def fGradW1(x1):
    """Return ∂f/∂w1."""
    return x1


def fGradW2(x2):
    """Return ∂f/∂w2."""
    return x2


def fGradB():
    """Return ∂f/∂b."""
    return 1


def gradients(x1, x2, w1, w2, b, target):
    """Return what the update multiplies the learning rate with, for each parameter."""
    lossTmp = f(x1, x2, w1, w2, b) - GOAL
    return {
        "w1": fGradW1(x1) * lossTmp,
        "w2": fGradW2(x2) * lossTmp,
        "b": fGradB() * lossTmp,
    }


def update(x1, x2, w1, w2, b):
    """Return w1, w2, b after one step, and the residual f - 4.9517 from before it."""
    lossTmp = f(x1, x2, w1, w2, b) - GOAL
    w1 = w1 - LEARNING_RATE * fGradW1(x1) * lossTmp
    w2 = w2 - LEARNING_RATE * fGradW2(x2) * lossTmp
    b = b - LEARNING_RATE * fGradB() * lossTmp
    return (w1, w2, b), lossTmp


def train(x1, x2, w1, w2, b, n):
    """Return w1, w2, b after n steps, and the residual before each of them."""
    residuals = []
    for _ in range(n):
        (w1, w2, b), lossTmp = update(x1, x2, w1, w2, b)
        residuals.append(lossTmp)
    return (w1, w2, b), residuals
