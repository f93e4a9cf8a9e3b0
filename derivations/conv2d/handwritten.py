"""The convolution by hand, one place of the filter at a time."""

from __future__ import annotations

import numpy as np


def forward(x, W, b):
    """Return the output before the rectifier: (N, O, R-F+1, Q-G+1)."""
    height, width = W.shape[2:]
    rows, columns = x.shape[2] - height + 1, x.shape[3] - width + 1
    y = np.zeros((x.shape[0], W.shape[0], rows, columns)) + b[:, None, None]
    for u in range(height):
        for v in range(width):
            y = y + np.einsum("ncst,oc->nost", x[:, :, u : u + rows, v : v + columns], W[:, :, u, v])
    return y


def gradients(x, W, b, target):
    """Return the gradients of the squared error, averaged over the images."""
    y = forward(x, W, b)
    dy = 2 * (np.maximum(y, 0) - target) * (y > 0) / len(x)
    rows, columns = y.shape[2:]
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for u in range(W.shape[2]):
        for v in range(W.shape[3]):
            dW[:, :, u, v] = np.einsum("nost,ncst->oc", dy, x[:, :, u : u + rows, v : v + columns])
            dx[:, :, u : u + rows, v : v + columns] += np.einsum("nost,oc->ncst", dy, W[:, :, u, v])
    return {"x": dx, "W": dW, "b": dy.sum(axis=(0, 2, 3))}
