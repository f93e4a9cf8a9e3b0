"""Backpropagation through time by hand: the steps are kept on the way forward and walked backwards."""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def gradients(x, h0, c0, Wi, Ui, bi, Wf, Uf, bf, Wo, Uo, bo, Wg, Ug, bg, target):
    """Return the gradients of the squared error of the last output, averaged over the samples."""
    h, c, kept = h0, c0, []
    for t in range(x.shape[1]):
        i = sigmoid(x[:, t] @ Wi + h @ Ui + bi)
        f = sigmoid(x[:, t] @ Wf + h @ Uf + bf)
        o = sigmoid(x[:, t] @ Wo + h @ Uo + bo)
        g = np.tanh(x[:, t] @ Wg + h @ Ug + bg)
        kept.append((h, c, i, f, o, g))
        c = f * c + i * g
        kept[-1] += (np.tanh(c),)
        h = o * kept[-1][-1]
    shapes = {"i": (Wi, Ui, bi), "f": (Wf, Uf, bf), "o": (Wo, Uo, bo), "g": (Wg, Ug, bg)}
    found = {letter + gate: np.zeros(w.shape) for gate, ws in shapes.items() for letter, w in zip("WUb", ws, strict=True)}
    dh, dc = 2 * (h - target) / len(x), np.zeros(c0.shape)
    for t in range(x.shape[1] - 1, -1, -1):
        before, cell, i, f, o, g, tanh_c = kept[t]
        dc = dc + dh * o * (1 - tanh_c**2)
        nets = {
            "i": dc * g * i * (1 - i),
            "f": dc * cell * f * (1 - f),
            "o": dh * tanh_c * o * (1 - o),
            "g": dc * i * (1 - g**2),
        }
        dh = nets["i"] @ Ui.T + nets["f"] @ Uf.T + nets["o"] @ Uo.T + nets["g"] @ Ug.T
        dc = dc * f
        for gate, net in nets.items():
            found["W" + gate] += x[:, t].T @ net
            found["U" + gate] += before.T @ net
            found["b" + gate] += net.sum(axis=0)
    return found
