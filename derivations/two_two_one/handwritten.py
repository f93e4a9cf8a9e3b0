"""The handwritten backpropagation of the 2-2-1 network, one sample at a time.

`gradients` multiplies the handwritten partial derivatives as the chain rule of the accompanying text says.
Kept as found: three partials of h2 carry the name of h1 (`d_h1_d_w3`, `d_h1_d_w4`, `d_h1_d_b2`), and
`feedforward` returns nothing. `gradients_as_printed` multiplies them as the printed listing does in its
update: the weights of h2 are sent down the path through h1, and w5, w6, b3 get a factor ∂y_pred/∂h1 that does
not belong to them. Training with it does not converge.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

PARAMETERS = ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")


def sigmoid(x):
    """Return the activation, between 0 and 1."""
    return 1 / (1 + np.exp(-x))


def der_of_sigmoid(x):
    """Return the activation's derivative f(x)(1 - f(x))."""
    f = sigmoid
    return f(x) * (1 - f(x))


def mse_loss(y_true, y_predict):
    """Return the mean squared error over samples."""
    return ((y_true - y_predict) ** 2).mean()


def feedforward(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3):
    """Work out the prediction for one sample, and forget to return it."""
    h1 = sigmoid(w1 * x1 + w2 * x2 + b1)
    h2 = sigmoid(w3 * x1 + w4 * x2 + b2)
    o1 = sigmoid(w5 * h1 + w6 * h2 + b3)  # noqa: F841 - the missing return is one of the mistakes kept here


def predict(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3):
    """Return h1, h2 and the prediction: `feedforward` with its return."""
    h1 = sigmoid(w1 * x1 + w2 * x2 + b1)
    h2 = sigmoid(w3 * x1 + w4 * x2 + b2)
    return h1, h2, sigmoid(w5 * h1 + w6 * h2 + b3)


def partials(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y_true):
    """Return the handwritten partial derivatives under the names they have in the listing."""
    sum_h1 = w1 * x1 + w2 * x2 + b1
    h1 = sigmoid(sum_h1)
    sum_h2 = w3 * x1 + w4 * x2 + b2
    h2 = sigmoid(sum_h2)
    sum_o1 = w5 * h1 + w6 * h2 + b3
    y_pred = sigmoid(sum_o1)

    d_L_d_ypred = -2 * (y_true - y_pred)

    # o1
    d_ypred_d_w5 = h1 * der_of_sigmoid(sum_o1)
    d_ypred_d_w6 = h2 * der_of_sigmoid(sum_o1)
    d_ypred_d_b3 = der_of_sigmoid(sum_o1)
    d_ypred_d_h1 = w5 * der_of_sigmoid(sum_o1)
    d_ypred_d_h2 = w6 * der_of_sigmoid(sum_o1)

    # h1
    d_h1_d_w1 = x1 * der_of_sigmoid(sum_h1)
    d_h1_d_w2 = x2 * der_of_sigmoid(sum_h1)
    d_h1_d_b1 = der_of_sigmoid(sum_h1)

    # h2
    d_h1_d_w3 = x1 * der_of_sigmoid(sum_h2)
    d_h1_d_w4 = x2 * der_of_sigmoid(sum_h2)
    d_h1_d_b2 = der_of_sigmoid(sum_h2)

    return SimpleNamespace(
        d_L_d_ypred=d_L_d_ypred,
        d_ypred_d_w5=d_ypred_d_w5,
        d_ypred_d_w6=d_ypred_d_w6,
        d_ypred_d_b3=d_ypred_d_b3,
        d_ypred_d_h1=d_ypred_d_h1,
        d_ypred_d_h2=d_ypred_d_h2,
        d_h1_d_w1=d_h1_d_w1,
        d_h1_d_w2=d_h1_d_w2,
        d_h1_d_b1=d_h1_d_b1,
        d_h1_d_w3=d_h1_d_w3,
        d_h1_d_w4=d_h1_d_w4,
        d_h1_d_b2=d_h1_d_b2,
    )


def gradients(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y_true):
    """Return ∂L/∂parameter as the product of the partial derivatives along its path."""
    d = partials(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y_true)
    return {
        "w1": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w1,
        "w2": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w2,
        "b1": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_b1,
        "w3": d.d_L_d_ypred * d.d_ypred_d_h2 * d.d_h1_d_w3,
        "w4": d.d_L_d_ypred * d.d_ypred_d_h2 * d.d_h1_d_w4,
        "b2": d.d_L_d_ypred * d.d_ypred_d_h2 * d.d_h1_d_b2,
        "w5": d.d_L_d_ypred * d.d_ypred_d_w5,
        "w6": d.d_L_d_ypred * d.d_ypred_d_w6,
        "b3": d.d_L_d_ypred * d.d_ypred_d_b3,
    }


def gradients_as_printed(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y_true):
    """Return what the printed listing multiplies the learning rate with; right for w1, w2 and b1 only."""
    d = partials(x1, x2, w1, w2, w3, w4, w5, w6, b1, b2, b3, y_true)
    return {
        "w1": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w1,
        "w2": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w2,
        "b1": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_b1,
        "w3": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w3,
        "w4": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_w4,
        "b2": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_h1_d_b2,
        "w5": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_ypred_d_w5,
        "w6": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_ypred_d_w6,
        "b3": d.d_L_d_ypred * d.d_ypred_d_h1 * d.d_ypred_d_b3,
    }


def train(data, all_y_true, parameters, gradients=gradients, learn_rate=0.1, max_iter=1000):
    """Return the parameters after `max_iter` passes (one update per sample), and every tenth loss."""
    values = dict(parameters)
    losses = []
    for i in range(max_iter):
        for (x1, x2), y_true in zip(data, all_y_true, strict=True):
            gradient = gradients(x1, x2, y_true=y_true, **values)
            for name in PARAMETERS:
                values[name] -= learn_rate * gradient[name]
        if i % 10 == 0:
            losses.append(total_loss(data, all_y_true, values))
    return values, losses


def total_loss(data, all_y_true, parameters):
    """Return the mean squared error over all samples."""
    y_preds = np.array([predict(x1, x2, **parameters)[2] for x1, x2 in data])
    return mse_loss(np.asarray(all_y_true), y_preds)
