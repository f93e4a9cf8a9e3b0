"""The handwritten losses and gradients of `networks`, right as they stand: text, so that mutants are made by replacing a piece
of it."""

from __future__ import annotations

HEAD = """import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


"""

SOURCES: dict[str, str] = {
    "two_outputs": """
def loss(x1, x2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, t1, t2):
    h1, h2 = sigmoid(w1 * x1 + w2 * x2 + b1), sigmoid(w3 * x1 + w4 * x2 + b1)
    o1, o2 = sigmoid(w5 * h1 + w6 * h2 + b2), sigmoid(w7 * h1 + w8 * h2 + b2)
    return 0.5 * (t1 - o1) ** 2 + 0.5 * (t2 - o2) ** 2


def gradients(x1, x2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, t1, t2):
    out_h1 = sigmoid(w1 * x1 + w2 * x2 + b1)
    out_h2 = sigmoid(w3 * x1 + w4 * x2 + b1)
    out_o1 = sigmoid(w5 * out_h1 + w6 * out_h2 + b2)
    out_o2 = sigmoid(w7 * out_h1 + w8 * out_h2 + b2)
    delta_o1 = -(t1 - out_o1) * out_o1 * (1 - out_o1)
    delta_o2 = -(t2 - out_o2) * out_o2 * (1 - out_o2)
    delta_h1 = (delta_o1 * w5 + delta_o2 * w7) * out_h1 * (1 - out_h1)
    delta_h2 = (delta_o1 * w6 + delta_o2 * w8) * out_h2 * (1 - out_h2)
    dw1 = delta_h1 * x1
    dw2 = delta_h1 * x2
    dw3 = delta_h2 * x1
    dw4 = delta_h2 * x2
    dw5 = delta_o1 * out_h1
    dw6 = delta_o1 * out_h2
    dw7 = delta_o2 * out_h1
    dw8 = delta_o2 * out_h2
    db1 = delta_h1 + delta_h2
    db2 = delta_o1 + delta_o2
    return {"w1": dw1, "w2": dw2, "w3": dw3, "w4": dw4, "w5": dw5, "w6": dw6, "w7": dw7, "w8": dw8, "b1": db1, "b2": db2}
""",
    "chain": """
def loss(x, w1, w2, w3, b1, b2, b3, t):
    return (w3 * np.tanh(w2 * np.tanh(w1 * x + b1) + b2) + b3 - t) ** 2


def gradients(x, w1, w2, w3, b1, b2, b3, t):
    a1 = np.tanh(w1 * x + b1)
    a2 = np.tanh(w2 * a1 + b2)
    y = w3 * a2 + b3
    dL_dy = 2 * (y - t)
    dL_dw3 = dL_dy * a2
    dL_db3 = dL_dy
    dL_da2 = dL_dy * w3
    dL_dz2 = dL_da2 * (1 - a2 ** 2)
    dL_dw2 = dL_dz2 * a1
    dL_db2 = dL_dz2
    dL_da1 = dL_dz2 * w2
    dL_dz1 = dL_da1 * (1 - a1 ** 2)
    dL_dw1 = dL_dz1 * x
    dL_db1 = dL_dz1
    return dL_dw1, dL_dw2, dL_dw3, dL_db1, dL_db2, dL_db3
""",
    "dense": """
def loss(X, W, b, t):
    return np.sum((X @ W + b - t) ** 2) / len(X)


def gradients(X, W, b, t):
    N = X.shape[0]
    y = X @ W + b
    dy = 2 * (y - t) / N
    dW = X.T @ dy
    db = dy.sum(axis=0)
    return dW, db
""",
    "mlp": """
def loss(X, W1, b1, W2, b2, t):
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    return -np.sum(t * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))) / len(X)


def gradients(X, W1, b1, W2, b2, t):
    N = len(X)
    A1 = np.tanh(X @ W1 + b1)
    P = softmax(A1 @ W2 + b2)
    dZ2 = (P - t) / N
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
""",
    "perceptron": """
def loss(X, w, b, t):
    v = X @ w + b
    return -np.sum((t - (np.real(v) > 0)) * v) / len(X)


def gradients(X, w, b, t):
    v = X @ w + b
    y = np.where(v > 0, 1.0, 0.0)
    dv = -(t - y) / len(X)
    dw = dv @ X
    db = dv.sum()
    return dw, db
""",
    "logistic": """
def loss(X, w, b, t, lam):
    p = sigmoid(X @ w + b)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)) + lam * np.sum(w ** 2)


def gradients(X, w, b, t, lam):
    N = X.shape[0]
    p = sigmoid(X @ w + b)
    dz = (p - t) / N
    dw = X.T @ dz + 2 * lam * w
    db = np.sum(dz)
    return {"w": dw, "b": db}
""",
    "layer_norm": """
def loss(x, g, b, t):
    mu = x.mean(axis=1, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=1, keepdims=True)
    return np.sum((g * (x - mu) / np.sqrt(var + 0.01) + b - t) ** 2) / 2


def gradients(x, g, b, t):
    D = x.shape[1]
    mu = x.mean(axis=1, keepdims=True)
    xc = x - mu
    std = np.sqrt((xc ** 2).mean(axis=1, keepdims=True) + 0.01)
    xh = xc / std
    dy = g * xh + b - t
    dg = (dy * xh).sum(axis=0)
    db = dy.sum(axis=0)
    dxh = dy * g
    s1 = dxh.sum(axis=1, keepdims=True)
    s2 = (dxh * xh).sum(axis=1, keepdims=True)
    dx = (dxh - s1 / D - xh * s2 / D) / std
    return {"x": dx, "g": dg, "b": db}
""",
    "batch_norm": """
def loss(x, g, b, t):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    return np.sum((g * (x - mu) / np.sqrt(var + 0.01) + b - t) ** 2) / 2


def gradients(x, g, b, t):
    N = x.shape[0]
    mu = x.mean(axis=0)
    xc = x - mu
    var = (xc ** 2).mean(axis=0)
    inv = 1 / np.sqrt(var + 0.01)
    xh = xc * inv
    dy = g * xh + b - t
    dg = np.sum(dy * xh, axis=0)
    db = np.sum(dy, axis=0)
    dxh = dy * g
    dvar = np.sum(dxh * xc, axis=0) * -0.5 * inv ** 3
    dmu = -np.sum(dxh * inv, axis=0) + dvar * np.mean(-2 * xc, axis=0)
    dx = dxh * inv + dvar * 2 * xc / N + dmu / N
    return {"x": dx, "g": dg, "b": db}
""",
    "conv": """
def loss(x, k, c, t):
    S = t.shape[1]
    z = sum(x[:, u:u + S] * k[u] for u in range(len(k))) + c
    return np.sum((z * (np.real(z) > 0) - t) ** 2) / 2


def gradients(x, k, c, t):
    F, S = k.shape[0], t.shape[1]
    z = np.zeros(t.shape) + c
    for u in range(F):
        z = z + x[:, u:u + S] * k[u]
    a = np.maximum(z, 0)
    da = a - t
    dz = da * (z > 0)
    dk = np.zeros(k.shape)
    dx = np.zeros(x.shape)
    for u in range(F):
        dk[u] = (dz * x[:, u:u + S]).sum()
        dx[:, u:u + S] += dz * k[u]
    dc = dz.sum()
    return {"x": dx, "k": dk, "c": dc}
""",
    "attention": """
def loss(Q, K, V, t):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    E = np.exp(S)
    return np.sum((E / E.sum(axis=1, keepdims=True) @ V - t) ** 2) / 2


def gradients(Q, K, V, t):
    scale = 1 / np.sqrt(Q.shape[1])
    P = softmax(Q @ K.T * scale)
    dO = P @ V - t
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dQ = dS @ K * scale
    dK = dS.T @ Q * scale
    return dQ, dK, dV
""",
    "lstm": """
def loss(x, c0, Wf, Wi, Wo, Wg, bf, bi, bo, bg, t):
    c = sigmoid(x @ Wf + bf) * c0 + sigmoid(x @ Wi + bi) * np.tanh(x @ Wg + bg)
    return np.sum((sigmoid(x @ Wo + bo) * np.tanh(c) - t) ** 2) / 2


def gradients(x, c0, Wf, Wi, Wo, Wg, bf, bi, bo, bg, t):
    ft = sigmoid(x @ Wf + bf)
    it = sigmoid(x @ Wi + bi)
    ot = sigmoid(x @ Wo + bo)
    gt = np.tanh(x @ Wg + bg)
    c = ft * c0 + it * gt
    tc = np.tanh(c)
    dy = ot * tc - t
    dc = dy * ot * (1 - tc ** 2)
    dzo = dy * tc * ot * (1 - ot)
    dzf = dc * c0 * ft * (1 - ft)
    dzi = dc * gt * it * (1 - it)
    dzg = dc * it * (1 - gt ** 2)
    return {
        "Wf": np.outer(x, dzf),
        "Wi": np.outer(x, dzi),
        "Wo": np.outer(x, dzo),
        "Wg": np.outer(x, dzg),
        "bf": dzf,
        "bi": dzi,
        "bo": dzo,
        "bg": dzg,
    }
""",
    "recurrent": """
def loss(x1, x2, W, U, b, t):
    h1 = np.tanh(x1 @ W + b)
    return np.sum((np.tanh(x2 @ W + h1 @ U + b) - t) ** 2) / 2


def gradients(x1, x2, W, U, b, t):
    h1 = np.tanh(x1 @ W + b)
    h2 = np.tanh(x2 @ W + h1 @ U + b)
    dh2 = h2 - t
    dz2 = dh2 * (1 - h2 ** 2)
    dU = np.outer(h1, dz2)
    dh1 = dz2 @ U.T
    dz1 = dh1 * (1 - h1 ** 2)
    dW = np.outer(x1, dz1) + np.outer(x2, dz2)
    db = dz1 + dz2
    return {"W": dW, "U": dU, "b": db}
""",
}
