"""Handwritten backpropagation of the two-layer network: (P - t)/N at the top, then layer by layer."""

from __future__ import annotations

import numpy as np


def softmax(Z):
    """Return exp(Z) over its row sums; taking the row maximum off first keeps exp in range."""
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(X, W1, b1, W2, b2):
    """Return the hidden output A1: (N, M) and the class probabilities P: (N, K)."""
    A1 = np.tanh(X @ W1 + b1)
    return A1, softmax(A1 @ W2 + b2)


def loss(P, t):
    """Return the cross-entropy, averaged over the rows."""
    return -np.sum(t * np.log(P)) / t.shape[0]


def gradients(X, W1, b1, W2, b2, t):
    """Return the loss's gradient for the four parameters; the rows of t must sum to one."""
    A1, P = forward(X, W1, b1, W2, b2)
    dZ2 = (P - t) / X.shape[0]
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=0), "W2": A1.T @ dZ2, "b2": dZ2.sum(axis=0)}


def train(X, W1, b1, W2, b2, t, lr=0.5, epochs=200):
    """Return the parameters by name after full-batch steps, and the loss before each step."""
    values = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    losses = []
    for _ in range(epochs):
        losses.append(loss(forward(X, **values)[1], t))
        gradient = gradients(X, t=t, **values)
        values = {name: value - lr * gradient[name] for name, value in values.items()}
    return values, losses
