# ruff: noqa: B905, RET504
"""Backward passes as people write them, right ones and wrong ones: what they compute is explained either way."""

from __future__ import annotations

import numpy as np

from tests.capturing.passes.case import Case, numbers, positive

n, u = numbers(3), positive(3)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def affine(dout, x, w, b):
    N = x.shape[0]
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_backward(dout, x):
    dx = dout * (x > 0)
    return dx


def sigmoid_backward(dA, Z):
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def tanh_backward(dout, z):
    a = np.tanh(z)
    return dout * (1 - np.power(a, 2))


def softmax_loss(x, y):
    p = softmax(x)
    dx = p.copy()
    dx[np.arange(len(y)), y] -= 1
    dx /= len(y)
    return dx


def softmax_jacobian(dp, z):
    p = softmax(z)
    dz = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    return dz


def svm_gradient(W, X, y, reg):
    num = X.shape[0]
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(num), y][:, None] + 1)
    margins[np.arange(num), y] = 0
    on = (margins > 0).astype(float)
    on[np.arange(num), y] = -on.sum(axis=1)
    dW = X.T @ on / num + 2 * reg * W
    return dW


def batch_norm_chain(x, gamma, dout):
    N = x.shape[0]
    mu = x.sum(axis=0) / N
    xc = x - mu
    var = (xc**2).sum(axis=0) / N
    std = np.sqrt(var + 1e-5)
    x_hat = xc / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    dvar = -0.5 * (dx_hat * xc).sum(axis=0) / std**3
    dmu = -(dx_hat / std).sum(axis=0)
    dx = dx_hat / std + 2 * dvar * xc / N + dmu / N
    return dx, dgamma, dbeta


def batch_norm_short(dout, x_hat, gamma, std):
    N = len(dout)
    dx = gamma / (N * std) * (N * dout - dout.sum(axis=0) - x_hat * np.sum(dout * x_hat, axis=0))
    return dx


def layer_norm_backward(dy, x, g):
    mu = x.mean(axis=1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    xh = (x - mu) * rstd
    dg = np.sum(dy * xh, axis=0)
    dxh = dy * g
    dx = rstd * (dxh - dxh.mean(axis=1, keepdims=True) - xh * (dxh * xh).mean(axis=1, keepdims=True))
    return dx, dg


def dropout_backward(dout, mask):
    return dout * mask / 0.8


def two_layer(X, W1, b1, W2, b2, t):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    y = a1 @ W2 + b2
    dy = 2 * (y - t) / len(X)
    dW2 = a1.T @ dy
    db2 = dy.sum(axis=0)
    da1 = dy @ W2.T
    dz1 = da1 * (1 - z1**2)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def two_layer_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


def scalar_net(w5, w6, h1, h2, o, t):
    delta = (o - t) * o * (1 - o)
    dw5 = delta * h1
    dw6 = delta * h2
    dh1 = delta * w5 * h1 * (1 - h1)
    dh2 = delta * w6 * h2 * (1 - h2)
    return dw5, dw6, dh1, dh2


def nielsen(x, y, w1, b1, w2, b2):
    z1 = w1 @ x + b1
    a1 = sigmoid(z1)
    z2 = w2 @ a1 + b2
    a2 = sigmoid(z2)
    delta = a2 - y
    nabla_b2 = delta
    nabla_w2 = np.outer(delta, a1)
    delta = (w2.T @ delta) * sigmoid(z1) * (1 - sigmoid(z1))
    nabla_b1 = delta
    nabla_w1 = np.outer(delta, x)
    return nabla_w1, nabla_b1, nabla_w2, nabla_b2


def step_of_descent(w, X, t, lr):
    y = X @ w
    grad = X.T @ (y - t) / len(t)
    w_new = w - lr * grad
    return w_new


def conv_backward(x, w, dout):
    H, W = dout.shape
    A, B = w.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(H):
        for j in range(W):
            dx[i : i + A, j : j + B] += w * dout[i, j]
            dw += x[i : i + A, j : j + B] * dout[i, j]
    return dx, dw


def conv_backward_strided(x, w, dout):
    s = 2
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(dout.shape[0]):
        for j in range(dout.shape[1]):
            dw += x[i * s : i * s + w.shape[0], j * s : j * s + w.shape[1]] * dout[i, j]
            dx[i * s : i * s + w.shape[0], j * s : j * s + w.shape[1]] += w * dout[i, j]
    db = dout.sum()
    return dx, dw, db


def avg_pool_backward(dout):
    dx = np.repeat(np.repeat(dout, 2, axis=0), 2, axis=1) / 4
    return dx


def attention_backward(Q, K, V, dY):
    d = Q.shape[1]
    S = Q @ K.T / np.sqrt(d)
    A = softmax(S)
    dV = A.T @ dY
    dA = dY @ V.T
    dS = A * (dA - np.sum(dA * A, axis=1, keepdims=True))
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    return dQ, dK, dV


def lstm_cell_backward(x, h, c, Wf, Wi, Wg, Wo, dh_next, dc_next):
    z = np.concatenate([h, x])
    f, i, g, o = sigmoid(Wf @ z), sigmoid(Wi @ z), np.tanh(Wg @ z), sigmoid(Wo @ z)
    c_new = f * c + i * g
    do = dh_next * np.tanh(c_new) * o * (1 - o)
    dc = dh_next * o * (1 - np.tanh(c_new) ** 2) + dc_next
    df = dc * c * f * (1 - f)
    di = dc * g * i * (1 - i)
    dg = dc * i * (1 - g**2)
    dWf = np.outer(df, z)
    dWo = np.outer(do, z)
    dz = Wf.T @ df + Wi.T @ di + Wg.T @ dg + Wo.T @ do
    return dWf, dWo, dz


def rnn_backward(xs, Wx, Wh, dhs):
    hs = np.zeros((len(xs) + 1, len(Wh)))
    for t in range(len(xs)):
        hs[t + 1] = np.tanh(Wx @ xs[t] + Wh @ hs[t])
    dWx, dWh, dnext = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))
    for t in reversed(range(len(xs))):
        dh = dhs[t] + dnext
        draw = (1 - hs[t + 1] ** 2) * dh
        dWx += np.outer(draw, xs[t])
        dWh += np.outer(draw, hs[t])
        dnext = Wh.T @ draw
    return dWx, dWh


def embedding_backward(dout, ids, C):
    dC = np.zeros_like(C)
    np.add.at(dC, ids, dout)
    return dC


def vae_backward(mu, logvar, eps, dz):
    std = np.exp(0.5 * logvar)
    dmu = dz + mu
    dlogvar = dz * eps * 0.5 * std - 0.5 * (1 - np.exp(logvar))
    return dmu, dlogvar


def skip_gram_backward(U, v, target):
    p = np.exp(U @ v) / np.sum(np.exp(U @ v))
    err = p.copy()
    err[target] -= 1
    dv = U.T @ err
    dU = np.outer(err, v)
    return dv, dU


def logistic_newton(w, X, y):
    p = sigmoid(X @ w)
    g = X.T @ (p - y)
    H = X.T @ (X * (p * (1 - p))[:, None])
    return g, H


def cross_entropy_clipped(p, t):
    q = np.clip(p, 1e-3, 1 - 1e-3)
    dp = -t / q + (1 - t) / (1 - q)
    return dp


class Layer:
    """A layer with a cache and gradients as attributes."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        self.a = np.maximum(self.z, 0)
        return self.a

    def backward(self, da):
        dz = da * (self.z > 0)
        self.dW = self.x.T @ dz
        self.db = dz.sum(axis=0)
        return dz @ self.W.T


def layer_class(x, W, b, da):
    layer = Layer(W, b)
    layer.forward(x)
    dx = layer.backward(da)
    return dx, layer.dW, layer.db


CASES = [
    Case(affine, {"dout": n(5, 4), "x": n(5, 3), "w": n(3, 4), "b": n(4)}, shows={"dw": "dw[j,i] = Σ_n dout[n,i]·x[n,j]"}),
    Case(relu_backward, {"dout": n(5, 4), "x": n(5, 4)}),
    Case(sigmoid_backward, {"dA": n(5, 4), "Z": n(5, 4)}),
    Case(tanh_backward, {"dout": n(5, 4), "z": n(5, 4)}),
    Case(softmax_loss, {"x": n(5, 3), "y": np.array([0, 2, 1, 1, 0])}),
    Case(softmax_jacobian, {"dp": n(5, 3), "z": n(5, 3)}),
    Case(svm_gradient, {"W": n(4, 3), "X": n(5, 4), "y": np.array([0, 2, 1, 1, 0]), "reg": 0.1}),
    Case(batch_norm_chain, {"x": n(5, 3), "gamma": n(3), "dout": n(5, 3)}),
    Case(batch_norm_short, {"dout": n(5, 3), "x_hat": n(5, 3), "gamma": n(3), "std": u(3)}),
    Case(layer_norm_backward, {"dy": n(5, 3), "x": n(5, 3), "g": n(3)}),
    Case(dropout_backward, {"dout": n(5, 3), "mask": (n(5, 3) > 0).astype(float)}),
    Case(
        two_layer,
        {"X": n(5, 3), "W1": n(3, 4), "b1": n(4), "W2": n(4, 2), "b2": n(2), "t": n(5, 2)},
        shows={"dz1": "dz1[n,j] = (1 - z1[n,j]²)·da1[n,j]"},
    ),
    Case(two_layer_columns, {"X": n(3, 5), "Y": n(2, 5), "W1": n(4, 3), "b1": n(4, 1), "W2": n(2, 4), "b2": n(2, 1)}),
    Case(scalar_net, dict(zip(["w5", "w6", "h1", "h2", "o", "t"], n(6).tolist()))),
    Case(nielsen, {"x": n(3), "y": n(2), "w1": n(4, 3), "b1": n(4), "w2": n(2, 4), "b2": n(2)}),
    Case(step_of_descent, {"w": n(3), "X": n(5, 3), "t": n(5), "lr": 0.1}),
    Case(conv_backward, {"x": n(6, 7), "w": n(2, 3), "dout": n(5, 5)}),
    Case(conv_backward_strided, {"x": n(5, 7), "w": n(3, 3), "dout": n(2, 3)}),
    Case(avg_pool_backward, {"dout": n(3, 2)}),
    Case(attention_backward, {"Q": n(4, 3), "K": n(5, 3), "V": n(5, 2), "dY": n(4, 2)}),
    Case(
        lstm_cell_backward,
        {"x": n(2), "h": n(3), "c": n(3), **{f"W{gate}": n(3, 5) for gate in "figo"}, "dh_next": n(3), "dc_next": n(3)},
    ),
    Case(rnn_backward, {"xs": n(3, 2), "Wx": n(4, 2), "Wh": n(4, 4), "dhs": n(3, 4)}),
    Case(embedding_backward, {"dout": n(4, 3), "ids": np.array([0, 2, 2, 1]), "C": n(5, 3)}),
    Case(vae_backward, {"mu": n(4, 2), "logvar": n(4, 2), "eps": n(4, 2), "dz": n(4, 2)}),
    Case(skip_gram_backward, {"U": n(5, 3), "v": n(3), "target": 2}),
    Case(logistic_newton, {"w": n(3), "X": n(5, 3), "y": np.array([1.0, 0, 0, 1, 1])}),
    Case(cross_entropy_clipped, {"p": np.clip(u(5) / 3, 0.1, 0.9), "t": np.array([1.0, 0, 0, 1, 1])}),
    Case(layer_class, {"x": n(5, 3), "W": n(3, 4), "b": n(4), "da": n(5, 4)}),
]
