"""Logistic regression by hand: the gradient from p - t, and the Hessian from p (1 - p)."""

from __future__ import annotations

import numpy as np


def predict(x, w, b):
    """Return the probabilities: (N,)."""
    return 1 / (1 + np.exp(-(x @ w + b)))


def gradients(x, w, b, t):
    """Return the gradient of the cross-entropy, averaged over the samples."""
    residual = (predict(x, w, b) - t) / len(t)
    return {"w": x.T @ residual, "b": residual.sum()}


def hessian(x, w, b):
    """Return ∂²E/∂w∂w: (D, D), which does not depend on the targets."""
    p = predict(x, w, b)
    return (x * (p * (1 - p))[:, None]).T @ x / len(x)
