# ruff: noqa: B905, RET504
"""Fully connected networks and classifiers, in several styles."""

from __future__ import annotations

import math
from math import exp
from typing import Any

import numpy as np

from tests.capturing.passes.case import Case, numbers, positive

n, u = numbers(1), positive(1)
LABELS = np.array([0, 2, 1, 2, 0])


def mlp_softmax(X, W1, b1, W2, b2, y):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    scores = a1 @ W2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    p = e / e.sum(axis=1, keepdims=True)
    data_loss = -np.mean(np.log(p[np.arange(len(y)), y]))
    reg = 0.5 * 0.01 * (np.sum(W1 * W1) + np.sum(W2**2))
    return data_loss + reg


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mlp_params(params, x, t):
    a1 = np.dot(x, params["W1"]) + params["b1"]
    z1 = sigmoid(a1)
    a2 = np.dot(z1, params["W2"]) + params["b2"]
    y = a2
    return 0.5 * np.sum((y - t) ** 2) / x.shape[0]


def mlp_layers(x, weights, biases, t):
    a = x
    for W, b in zip(weights, biases):
        z = W @ a + b
        a = sigmoid(z)
    return 0.5 * np.sum((a - t) ** 2)


def mlp_columns(X, W1, b1, W2, b2, Y):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(1 - Y, np.log(1 - A2))
    return -np.sum(logprobs) / m


def mlp_scalar(w1, w2, w3, w4, w5, w6, b, l1, l2, t1):
    net_h1 = w1 * l1 + w2 * l2 + b
    net_h2 = w3 * l1 + w4 * l2 + b
    out_h1 = 1 / (1 + math.exp(-net_h1))
    out_h2 = 1 / (1 + exp(-net_h2))
    net_o = w5 * out_h1 + w6 * out_h2
    out_o = math.tanh(net_o)
    E = 0.5 * (t1 - out_o) ** 2
    return E


def mlp_loops(W1, b1, W2, b2, x, t):
    h = np.zeros(len(b1))
    for j in range(len(b1)):
        s = b1[j]
        for i in range(len(x)):
            s += W1[j, i] * x[i]
        h[j] = 1 / (1 + np.exp(-s))
    o = np.zeros(len(b2))
    for k in range(len(b2)):
        o[k] = sum(W2[k, j] * h[j] for j in range(len(h))) + b2[k]
    return 0.5 * sum((t[k] - o[k]) ** 2 for k in range(len(o)))


def mlp_lists(w, x, t):
    hidden = []
    for row in w[0]:
        total = 0.0
        for a, b in zip(row, x):
            total += a * b
        hidden.append(math.tanh(total))
    out = sum(v * h for v, h in zip(w[1], hidden))
    return (out - t) ** 2


def linear_regression(w, b, X, y):
    y_hat = X @ w + b
    return np.mean((y_hat - y) ** 2)


def ridge(w, X, y, lam):
    r = y - X.dot(w)
    return r.T.dot(r) / (2 * len(y)) + lam / 2 * w.dot(w)


def lasso(w, X, y):
    return np.sum((X @ w - y) ** 2) / 2 + 0.3 * np.sum(np.abs(w))


def logistic(theta, X, y):
    m = len(y)
    h = sigmoid(X @ theta)
    return (1 / m) * np.sum(-y * np.log(h) - (1 - y) * np.log(1 - h))


def logistic_labels(w, X, y):
    z = X @ w
    return np.mean(np.log(1 + np.exp(-(2 * y - 1) * z)))


def svm(W, X, y, reg):
    scores = X.dot(W)
    correct = scores[np.arange(X.shape[0]), y][:, np.newaxis]
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(X.shape[0]), y] = 0
    return np.sum(margins) / X.shape[0] + reg * np.sum(W * W)


def softmax_eye(W, X, y):
    Z = X @ W
    logp = Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))
    T = np.eye(W.shape[1])[y]
    return -np.sum(T * logp) / len(y)


def softmax_one_hot_filled(W, X, y):
    onehot = np.zeros((y.size, W.shape[1]))
    onehot[np.arange(y.size), y] = 1
    P = np.exp(X @ W)
    P /= P.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(onehot * np.log(P), axis=1))


def softmax_loop(W, X, y):
    loss = 0.0
    for i in range(len(X)):
        f = X[i] @ W
        f = f - np.max(f)
        p = np.exp(f) / np.sum(np.exp(f))
        loss += -np.log(p[y[i]])
    return loss / len(X)


def label_smoothing(W, X, y):
    Z = X @ W
    K = Z.shape[1]
    p = np.exp(Z) / np.exp(Z).sum(1)[:, None]
    T = np.eye(K)[y] * (1 - 0.1) + 0.1 / K
    return -(T * np.log(p)).sum() / len(X)


def focal(W, X, t):
    p = sigmoid(X @ W)
    pt = p * t + (1 - p) * (1 - t)
    return -np.mean((1 - pt) ** 2 * np.log(pt))


def huber(w, X, y):
    r = X @ w - y
    small = np.abs(r) < 1.0
    return np.sum(np.where(small, 0.5 * r**2, np.abs(r) - 0.5))


def hinge_squared(w, X, y):
    return np.mean(np.maximum(0, 1 - y * (X @ w)) ** 2)


def leaky(X, W1, W2, t):
    z = X @ W1
    a = np.where(z > 0, z, 0.01 * z)
    return np.sum((a @ W2 - t) ** 2)


def relu_by_mask(X, W1, W2, t):
    z = X @ W1
    a = z.copy()
    a[z < 0] = 0
    return np.sum((a @ W2 - t) ** 2) / 2


def relu_times_mask(X, W1, W2, t):
    z = X @ W1
    a = z * (z > 0)
    return np.sum((a @ W2 - t) ** 2) / 2


def elu_net(X, W, t):
    z = X @ W
    a = np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
    return np.sum((a - t) ** 2)


def gelu_net(X, W, t):
    z = X @ W
    a = 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    return np.sum((a - t) ** 2)


def swish_net(X, W, t):
    z = X @ W
    return np.sum((z * sigmoid(z) - t) ** 2)


def dropout(X, W1, W2, t):
    h = np.tanh(X @ W1)
    mask = (np.random.rand(*h.shape) < 0.8) / 0.8
    h = h * mask
    return np.sum((h @ W2 - t) ** 2)


def residual(x, W1, W2, t):
    h = x @ W1
    h = h + np.tanh(h @ W2)
    h = h + np.tanh(h @ W2)
    return np.mean((h - t) ** 2)


def autoencoder_tied(X, W, b, c):
    h = sigmoid(X @ W + b)
    r = sigmoid(h @ W.T + c)
    return -np.sum(X * np.log(r) + (1 - X) * np.log(1 - r)) / len(X)


def vae(x, We, be, Wm, Ws, Wd, bd, eps):
    h = np.tanh(x @ We + be)
    mu = h @ Wm
    logvar = h @ Ws
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    xr = sigmoid(z @ Wd + bd)
    bce = -np.sum(x * np.log(xr) + (1 - x) * np.log(1 - xr))
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return (bce + kl) / x.shape[0]


def mixture(x, mu, log_s, a):
    pi = np.exp(a) / np.sum(np.exp(a))
    s = np.exp(log_s)
    d = (x[:, None] - mu[None, :]) / s
    dens = pi * np.exp(-0.5 * d**2) / (s * np.sqrt(2 * np.pi))
    return -np.sum(np.log(dens.sum(axis=1)))


def factorisation(U, V, R):
    E = R - U @ V.T
    return np.sum(E**2) + 0.02 * (np.linalg.norm(U) ** 2 + np.linalg.norm(V) ** 2)


def bilinear(A, B, W, t):
    s = np.einsum("ni,ij,nj->n", A, W, B)
    return np.sum((s - t) ** 2)


def triplet(W, a, p, q):
    fa, fp, fq = a @ W, p @ W, q @ W
    dp = np.sum((fa - fp) ** 2, axis=1)
    dn = np.sum((fa - fq) ** 2, axis=1)
    return np.mean(np.maximum(dp - dn + 0.2, 0))


def cosine(W, x, t):
    v = x @ W
    return 1 - np.mean(np.sum(v * t, axis=1) / (np.linalg.norm(v, axis=1) * np.linalg.norm(t, axis=1)))


class Net:
    """A model whose parameters are attributes."""

    def __init__(self) -> None:
        draw = numbers(5)
        self.W1, self.b1, self.W2 = draw(3, 4), draw(4), draw(4, 2)

    def forward(self, x: Any) -> Any:
        self.z1 = x @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        return self.a1 @ self.W2

    def loss(self, x: Any, t: Any) -> Any:
        y = self.forward(x)
        return np.sum((y - t) ** 2) / len(x)


def net_class(x, t, W1, b1, W2):
    net = Net()
    net.W1, net.b1, net.W2 = W1, b1, W2
    return net.loss(x, t)


FLAT = {"X": n(5, 3), "W1": n(3, 4), "W2": n(4, 2), "t": n(5, 2)}
CASES = [
    Case(
        mlp_softmax,
        {"X": n(5, 3), "W1": n(3, 4), "b1": n(4), "W2": n(4, 3), "b2": n(3), "y": LABELS},
        shows={"a1": "tanh(z1[n, j])"},
    ),
    Case(mlp_params, {"params": {"W1": n(3, 4), "b1": n(4), "W2": n(4, 2), "b2": n(2)}, "x": n(5, 3), "t": n(5, 2)}),
    Case(mlp_layers, {"x": n(3), "weights": [n(4, 3), n(2, 4)], "biases": [n(4), n(2)], "t": n(2)}),
    Case(
        mlp_columns,
        {"X": n(3, 5), "W1": n(4, 3), "b1": n(4, 1), "W2": n(1, 4), "b2": n(1, 1), "Y": np.array([[1.0, 0, 1, 1, 0]])},
    ),
    Case(mlp_scalar, dict(zip(["w1", "w2", "w3", "w4", "w5", "w6", "b", "l1", "l2", "t1"], n(10).tolist()))),
    Case(mlp_loops, {"W1": n(4, 3), "b1": n(4), "W2": n(2, 4), "b2": n(2), "x": n(3), "t": n(2)}),
    Case(mlp_lists, {"w": [n(4, 3).tolist(), n(4).tolist()], "x": n(3).tolist(), "t": 0.3}),
    Case(linear_regression, {"w": n(3), "b": 0.2, "X": n(5, 3), "y": n(5)}),
    Case(ridge, {"w": n(3), "X": n(5, 3), "y": n(5), "lam": 0.1}),
    Case(lasso, {"w": n(3), "X": n(5, 3), "y": n(5)}),
    Case(logistic, {"theta": n(3), "X": n(5, 3), "y": np.array([1.0, 0, 0, 1, 1])}),
    Case(logistic_labels, {"w": n(3), "X": n(5, 3), "y": np.array([1, 0, 0, 1, 1])}),
    Case(svm, {"W": n(4, 3), "X": n(5, 4), "y": LABELS, "reg": 0.1}, ("W",)),
    Case(softmax_eye, {"W": n(4, 3), "X": n(5, 4), "y": LABELS}),
    Case(softmax_one_hot_filled, {"W": n(4, 3), "X": n(5, 4), "y": LABELS}),
    Case(softmax_loop, {"W": n(4, 3), "X": n(5, 4), "y": LABELS}),
    Case(label_smoothing, {"W": n(4, 3), "X": n(5, 4), "y": LABELS}),
    Case(focal, {"W": n(3), "X": n(5, 3), "t": np.array([1.0, 0, 0, 1, 1])}),
    Case(huber, {"w": n(3), "X": n(5, 3), "y": n(5)}),
    Case(hinge_squared, {"w": n(3), "X": n(5, 3), "y": np.array([1.0, -1, -1, 1, 1])}),
    Case(leaky, FLAT),
    Case(relu_by_mask, FLAT),
    Case(relu_times_mask, FLAT),
    Case(elu_net, {"X": n(5, 3), "W": n(3, 2), "t": n(5, 2)}),
    Case(gelu_net, {"X": n(5, 3), "W": n(3, 2), "t": n(5, 2)}),
    Case(swish_net, {"X": n(5, 3), "W": n(3, 2), "t": n(5, 2)}),
    Case(dropout, FLAT),
    Case(residual, {"x": n(5, 3), "W1": n(3, 4), "W2": n(4, 4), "t": n(5, 4)}),
    Case(autoencoder_tied, {"X": np.clip(u(5, 4) / 3, 0.1, 0.9), "W": n(4, 3), "b": n(3), "c": n(4)}),
    Case(
        vae,
        {
            "x": np.clip(u(4, 5) / 3, 0.1, 0.9),
            "We": n(5, 3),
            "be": n(3),
            "Wm": n(3, 2),
            "Ws": n(3, 2),
            "Wd": n(2, 5),
            "bd": n(5),
            "eps": n(4, 2),
        },
        ("We", "be", "Wm", "Ws", "Wd", "bd"),
    ),
    Case(mixture, {"x": n(5), "mu": n(3), "log_s": n(3), "a": n(3)}),
    Case(factorisation, {"U": n(4, 2), "V": n(5, 2), "R": n(4, 5)}, ("U", "V")),
    Case(bilinear, {"A": n(5, 3), "B": n(5, 4), "W": n(3, 4), "t": n(5)}, ("W",)),
    Case(triplet, {"W": n(4, 3), "a": n(5, 4), "p": n(5, 4), "q": n(5, 4)}, ("W",)),
    Case(cosine, {"W": n(4, 3), "x": n(5, 4), "t": n(5, 3)}),
    Case(net_class, {"x": n(5, 3), "t": n(5, 2), "W1": n(3, 4), "b1": n(4), "W2": n(4, 2)}),
]
