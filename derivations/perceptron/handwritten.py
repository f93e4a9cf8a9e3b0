"""The handwritten perceptron: threshold, criterion, and the update repeated until the criterion is 0.

Kept as it is found: the mean is taken by dividing by 4, the number of samples, whatever the table's length.
"""

from __future__ import annotations

import numpy as np


def forward(x, w, b):
    """Return the predicted classes (1 where the weighted sum is above 0) and the weighted sums."""
    val = np.matmul(x, w.T) + b
    y_pre = np.zeros_like(val)
    for i in range(x.shape[0]):
        if val[i] > 0:
            y_pre[i] = 1
        else:
            y_pre[i] = 0
    return y_pre, val


def loss_func(x, t, y_pre, w, b):
    """Return the criterion: the weighted sums of the misjudged samples, each counted positive."""
    val = np.matmul(x, w.T) + b
    return -(np.matmul(t - y_pre, val) / 4)


def gradients(x, w, b, t):
    """Return the criterion's gradient with the predicted classes held fixed."""
    y_pre, _ = forward(x, w, b)
    grad_w = -np.matmul(t - y_pre, x) / 4.0
    one = np.ones_like(t - y_pre).T
    grad_b = -np.matmul(t - y_pre, one) / 4.0
    return {"w": grad_w, "b": grad_b}


def grad_update(x, t, w_old, b_old, lr):
    """Return w and b after one step against the gradient of the whole table."""
    gradient = gradients(x, w_old, b_old, t)
    w_new = w_old - lr * gradient["w"]
    b_new = b_old - lr * gradient["b"]
    return w_new, b_new


def train(x, t, w, b, lr, max_epochs=1000):
    """Return one record (w, b, y_pre, loss) for each epoch from the start until the loss is exactly 0."""
    y_pre, _ = forward(x, w, b)
    loss = loss_func(x, t, y_pre, w, b)
    records = [(w, b, y_pre, loss)]
    while loss != 0 and len(records) <= max_epochs:
        w, b = grad_update(x, t, w, b, lr)
        y_pre, _ = forward(x, w, b)
        loss = loss_func(x, t, y_pre, w, b)
        records.append((w, b, y_pre, loss))
    return records
