"""The handwritten update of the 2-3-2 network: twelve weights from two shared factors, t1 and t2.

The biases are left alone. The factors of w7 and w1 are also worked out one by one, as it is done on the way
to the twelve lines.
"""

from __future__ import annotations

import numpy as np

WEIGHTS = tuple(f"w{number}" for number in range(1, 13))


def sigmoid(z):
    """Return the activation, between 0 and 1."""
    return 1.0 / (1 + np.exp(-z))


def forward(l1, l2, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, b1, b2):
    """Return the three hidden and the two final outputs."""
    h1 = sigmoid(w1 * l1 + w2 * l2 + b1)
    h2 = sigmoid(w3 * l1 + w4 * l2 + b1)
    h3 = sigmoid(w5 * l1 + w6 * l2 + b1)
    o1 = sigmoid(w7 * h1 + w9 * h2 + w11 * h3 + b2)
    o2 = sigmoid(w8 * h1 + w10 * h2 + w12 * h3 + b2)
    return h1, h2, h3, o1, o2


def total_error(o1, o2, target_o1, target_o2):
    """Return E_total, half the squared distance between outputs and targets."""
    return 1 / 2 * (target_o1 - o1) ** 2 + 1 / 2 * (target_o2 - o2) ** 2


def w7_factors(o1, h1, target_o1):
    """Return ∂E_total/∂out_o1, ∂out_o1/∂net_o1 and ∂net_o1/∂w7, whose product is ∂E_total/∂w7."""
    return (target_o1 - o1) * (-1), o1 * (1 - o1), 1 * h1 * 1


def w1_factors(h1, o1, o2, w7, w8, l1, target_o1, target_o2):
    """Return ∂E_o1/∂out_h1, ∂E_o2/∂out_h1, ∂out_h1/∂net_h1, ∂net_h1/∂w1; the first two are added."""
    return (
        -(target_o1 - o1) * o1 * (1 - o1) * w7,
        -(target_o2 - o2) * o2 * (1 - o2) * w8,
        h1 * (1 - h1),
        l1,
    )


def gradients(
    l1, l2, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, b1, b2, target_o1, target_o2
):  # fmt: skip
    """Return ∂E_total/∂w for the twelve weights; there is none for the biases."""
    h1, h2, h3, o1, o2 = forward(l1, l2, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, b1, b2)
    t1 = (o1 - target_o1) * o1 * (1 - o1)
    t2 = (o2 - target_o2) * o2 * (1 - o2)
    return {
        "w1": (t1 * w7 + t2 * w8) * h1 * (1 - h1) * l1,
        "w2": (t1 * w7 + t2 * w8) * h1 * (1 - h1) * l2,
        "w3": (t1 * w9 + t2 * w10) * h2 * (1 - h2) * l1,
        "w4": (t1 * w9 + t2 * w10) * h2 * (1 - h2) * l2,
        "w5": (t1 * w11 + t2 * w12) * h3 * (1 - h3) * l1,
        "w6": (t1 * w11 + t2 * w12) * h3 * (1 - h3) * l2,
        "w7": t1 * h1,
        "w8": t2 * h1,
        "w9": t1 * h2,
        "w10": t2 * h2,
        "w11": t1 * h3,
        "w12": t2 * h3,
    }


def update(l1, l2, weights, b1, b2, target_o1, target_o2, alpha=0.5):
    """Return the twelve weights after one step, given and returned by name.

    They are assigned one after another; the hidden weights come first, so every line still reads old values.
    """
    w = dict(weights)
    h1, h2, h3, o1, o2 = forward(l1, l2, **w, b1=b1, b2=b2)
    t1 = (o1 - target_o1) * o1 * (1 - o1)
    t2 = (o2 - target_o2) * o2 * (1 - o2)
    w["w1"] = w["w1"] - alpha * (t1 * w["w7"] + t2 * w["w8"]) * h1 * (1 - h1) * l1
    w["w2"] = w["w2"] - alpha * (t1 * w["w7"] + t2 * w["w8"]) * h1 * (1 - h1) * l2
    w["w3"] = w["w3"] - alpha * (t1 * w["w9"] + t2 * w["w10"]) * h2 * (1 - h2) * l1
    w["w4"] = w["w4"] - alpha * (t1 * w["w9"] + t2 * w["w10"]) * h2 * (1 - h2) * l2
    w["w5"] = w["w5"] - alpha * (t1 * w["w11"] + t2 * w["w12"]) * h3 * (1 - h3) * l1
    w["w6"] = w["w6"] - alpha * (t1 * w["w11"] + t2 * w["w12"]) * h3 * (1 - h3) * l2
    w["w7"] = w["w7"] - alpha * t1 * h1
    w["w8"] = w["w8"] - alpha * t2 * h1
    w["w9"] = w["w9"] - alpha * t1 * h2
    w["w10"] = w["w10"] - alpha * t2 * h2
    w["w11"] = w["w11"] - alpha * t1 * h3
    w["w12"] = w["w12"] - alpha * t2 * h3
    return w
