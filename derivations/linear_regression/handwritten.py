"""The handwritten layer of the linear regression: forward, backward, squared error, and the training loop.

Kept as it is found: `dy` has no factor 2, so dW and db are half the gradient of the stated loss; and the mean
over the batch is divided out in dw and db but not in dz, which is therefore N times what a further layer
below would need.
"""

from __future__ import annotations

import numpy as np

SAMPLES = 500
BATCH = 2


def fc_forward(z, W, b):
    """Return the layer's output z W + b; z: (N, D), W: (D, K), b: (K,)."""
    return np.dot(z, W) + b


def fc_backward(next_dz, W, z):
    """Return dw, db (both divided by the number of rows) and dz (not divided) from the output's gradient."""
    N = z.shape[0]
    dz = np.dot(next_dz, W.T)
    dw = np.dot(z.T, next_dz)
    db = np.sum(next_dz, axis=0)
    return dw / N, db / N, dz


def mean_squared_loss(y_predict, y_true):
    """Return the squared error, summed over outputs and averaged over rows, and its supposed gradient."""
    loss = np.mean(np.sum(np.square(y_predict - y_true), axis=-1))
    dy = y_predict - y_true
    return loss, dy


def gradients(z, W, b, y_true):
    """Return the gradient that the training loop uses."""
    y = fc_forward(z, W, b)
    _, dy = mean_squared_loss(y, y_true)
    dw, db, _ = fc_backward(dy, W, z)
    return {"W": dw, "b": db}


def make_data(W, b, rng):
    """Return 500 samples of integers 0..9 in two columns, and their exact outputs."""
    x_data = rng.integers(0, 10, size=(SAMPLES, 2))
    return x_data, np.dot(x_data, W) + b


def next_sample(x_data, y_data, rng, batch_size=BATCH):
    """Return some consecutive rows from a random place on; at the very end of the table they are fewer."""
    idx = rng.integers(SAMPLES)
    return x_data[idx : idx + batch_size], y_data[idx : idx + batch_size]


def train(x_data, y_data, W1, b1, rng, lr=0.01, stop=1e-15, max_updates=50_000):
    """Return W1, b1, the last minibatch's loss and the number of updates; ends once that loss is <= stop."""
    loss = 100.0
    i = 0
    while loss > stop and i < max_updates:
        x, y_true = next_sample(x_data, y_data, rng)
        y = fc_forward(x, W1, b1)
        loss, dy = mean_squared_loss(y, y_true)
        dw, db, _ = fc_backward(dy, W1, x)
        W1 = W1 - lr * dw
        b1 = b1 - lr * db
        i += 1
    return W1, b1, loss, i
