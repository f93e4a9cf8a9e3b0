# ruff: noqa: B905, RUF059, E741
# ruff: noqa: E741 - written as people write them
"""Norms, convolutions, pooling, attention, recurrent networks, embeddings, sequence losses."""

from __future__ import annotations

import numpy as np

from tests.capturing.passes.case import Case, numbers, positive

n, u = numbers(2), positive(2)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


# ---- norms


def batch_norm(x, gamma, beta, dout):
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + 1e-5)
    x_hat = xc / std
    out = gamma * x_hat + beta
    return np.sum(out * dout)


def batch_norm_var(x, gamma, beta, r):
    out = gamma * (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-8) + beta
    return np.sum(out * r)


def batch_norm_images(x, gamma, beta, r):
    N, C, H, W = x.shape
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + 1e-5)
    out = gamma.reshape(1, C, 1, 1) * x_hat + beta.reshape(1, C, 1, 1)
    return np.sum(out * r)


def layer_norm(x, g, b, r):
    mean = x.mean(-1, keepdims=True)
    sd = x.std(-1, keepdims=True)
    y = g * (x - mean) / (sd + 1e-6) + b
    return np.sum(y * r)


def group_norm(x, gamma, beta, r):
    N, C, L = x.shape
    G = 2
    xg = x.reshape(N, G, C // G, L)
    mu = xg.mean(axis=(2, 3), keepdims=True)
    var = xg.var(axis=(2, 3), keepdims=True)
    xn = ((xg - mu) / np.sqrt(var + 1e-5)).reshape(N, C, L)
    y = xn * gamma[None, :, None] + beta[None, :, None]
    return np.sum(y * r)


def instance_norm(x, r):
    mu = x.mean(axis=2, keepdims=True)
    v = ((x - mu) ** 2).mean(axis=2, keepdims=True)
    return np.sum((x - mu) / np.sqrt(v + 1e-5) * r)


def rms_norm(x, w, r):
    ms = np.mean(x * x, axis=-1, keepdims=True)
    return np.sum(x / np.sqrt(ms + 1e-6) * w * r)


def weight_norm(v, g, x, t):
    w = g * v / np.sqrt(np.sum(v**2))
    return np.sum((x @ w - t) ** 2)


# ---- convolutions


def conv_loops(x, w, b, r):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    stride = 2
    out = np.zeros((N, F, (H - HH) // stride + 1, (W - WW) // stride + 1))
    for n_ in range(N):
        for f in range(F):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    window = x[n_, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n_, f, i, j] = np.sum(window * w[f]) + b[f]
    return np.sum(out * r)


def conv_padded(x, w, t):
    p = 1
    xp = np.pad(x, ((p, p), (p, p)))
    H, W = x.shape
    y = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            y[i, j] = np.sum(xp[i : i + 3, j : j + 3] * w)
    return np.sum((y - t) ** 2)


def conv_im2col(x, w):
    H, W = x.shape
    kh, kw = w.shape
    cols = []
    for i in range(H - kh + 1):
        for j in range(W - kw + 1):
            cols.append(x[i : i + kh, j : j + kw].ravel())
    cols = np.array(cols)
    y = (cols @ w.ravel()).reshape(H - kh + 1, W - kw + 1)
    return np.sum(y**2)


def conv_1d(x, w, b):
    T, F = len(x), len(w)
    y = np.array([np.dot(x[t : t + F], w) + b for t in range(T - F + 1)])
    a = np.maximum(y, 0)
    return np.sum(a**2)


def conv_numpy(x, w, r):
    return np.sum(np.convolve(x, w, mode="valid") * r)


def conv_windows(x, w, r):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[-2:], axis=(1, 2))
    y = np.einsum("chwij,fcij->fhw", windows, w)
    return np.sum(y * r)


def depthwise(x, w, r):
    C, T = x.shape
    K = w.shape[1]
    out = np.zeros((C, T - K + 1))
    for k in range(K):
        out += w[:, k : k + 1] * x[:, k : k + T - K + 1]
    return np.sum(np.tanh(out) * r)


def max_pool(x, r):
    H, W = x.shape
    out = np.zeros((H // 2, W // 2))
    for i in range(H // 2):
        for j in range(W // 2):
            out[i, j] = np.max(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    return np.sum(out * r)


def max_pool_reshape(x, r):
    N, H, W = x.shape
    out = x.reshape(N, H // 2, 2, W // 2, 2).max(axis=4).max(axis=2)
    return np.sum(out * r)


def avg_pool(x, r):
    H, W = x.shape
    out = x.reshape(H // 2, 2, W // 2, 2).mean(axis=(1, 3))
    return np.sum(out**2 * r)


def global_pool(x, W, y):
    f = x.mean(axis=(2, 3))
    p = softmax(f @ W)
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def cnn(x, k, b, W, c, y):
    out = np.zeros((x.shape[0], k.shape[0], x.shape[1] - k.shape[1] + 1, x.shape[2] - k.shape[2] + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = x[:, i : i + k.shape[1], j : j + k.shape[2]]
            out[:, :, i, j] = np.tensordot(patch, k, axes=([1, 2], [1, 2])) + b
    a = np.maximum(out, 0)
    flat = a.reshape(len(x), -1)
    p = softmax(flat @ W + c)
    return -np.sum(np.log(p[np.arange(len(y)), y])) / len(y)


def upsample(x, r):
    y = np.repeat(np.repeat(x, 2, axis=0), 2, axis=1)
    return np.sum(y**2 * r)


# ---- attention


def attention(x, Wq, Wk, Wv, t):
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    scores = q @ k.T / np.sqrt(q.shape[-1])
    a = softmax(scores)
    y = a @ v
    return 0.5 * np.sum((y - t) ** 2)


def attention_causal(x, Wq, Wk, Wv, t):
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    s = q @ k.T / np.sqrt(k.shape[1])
    mask = np.triu(np.ones((len(x), len(x))), 1)
    s = s - 1e9 * mask
    a = softmax(s)
    return np.sum((a @ v - t) ** 2)


def multi_head(x, Wq, Wk, Wv, Wo, t):
    B, T, D = x.shape
    h = 2
    d = D // h
    q = (x @ Wq).reshape(B, T, h, d).transpose(0, 2, 1, 3)
    k = (x @ Wk).reshape(B, T, h, d).transpose(0, 2, 1, 3)
    v = (x @ Wv).reshape(B, T, h, d).transpose(0, 2, 1, 3)
    att = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(d))
    y = (att @ v).transpose(0, 2, 1, 3).reshape(B, T, D)
    out = y @ Wo
    return np.sum((out - t) ** 2) / B


def additive_attention(h, s, W, U, v, r):
    e = np.tanh(h @ W + s @ U) @ v
    a = np.exp(e) / np.sum(np.exp(e))
    c = a @ h
    return c @ r


def transformer_block(x, Wq, Wk, Wv, W1, W2, g, t):
    a = softmax((x @ Wq) @ (x @ Wk).T / np.sqrt(Wq.shape[1])) @ (x @ Wv)
    h = x + a
    mu = h.mean(axis=1, keepdims=True)
    hn = g * (h - mu) / np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
    f = np.maximum(hn @ W1, 0) @ W2
    return np.mean((hn + f - t) ** 2)


# ---- recurrent networks


def rnn(xs, Wx, Wh, b, Wy, ts):
    h = np.zeros(Wh.shape[0])
    loss = 0
    for x, t in zip(xs, ts):
        h = np.tanh(Wx @ x + Wh @ h + b)
        y = Wy @ h
        loss += 0.5 * np.sum((y - t) ** 2)
    return loss


def rnn_array(xs, W, U, b):
    hs = np.zeros((len(xs) + 1, len(W)))
    for t in range(len(xs)):
        hs[t + 1] = np.tanh(W @ hs[t] + U @ xs[t] + b)
    return np.sum(hs[-1] ** 2)


def rnn_characters(inputs, targets, Wxh, Whh, Why, bh, by, hprev):
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((Wxh.shape[1], 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    return loss


def lstm(xs, Wf, Wi, Wg, Wo, T):
    h, C = np.zeros(len(Wf)), np.zeros(len(Wf))
    loss = 0.0
    for x, t in zip(xs, T):
        z = np.concatenate([h, x])
        f = sigmoid(Wf @ z)
        i = sigmoid(Wi @ z)
        g = np.tanh(Wg @ z)
        o = sigmoid(Wo @ z)
        C = f * C + i * g
        h = o * np.tanh(C)
        loss = loss + np.sum((h - t) ** 2) / 2
    return loss


def lstm_gates(x, h, c, Wx, Wh, b, r):
    H = h.shape[1]
    A = x @ Wx + h @ Wh + b
    i = sigmoid(A[:, :H])
    f = sigmoid(A[:, H : 2 * H])
    o = sigmoid(A[:, 2 * H : 3 * H])
    g = np.tanh(A[:, 3 * H :])
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    return np.sum(h_next * r)


def lstm_split(x, h, c, W, b, r):
    z = np.hstack((x, h)) @ W + b
    i, f, o, g = np.split(z, 4, axis=1)
    c2 = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return np.sum(sigmoid(o) * np.tanh(c2) * r)


def gru(xs, Wz, Wr, Wh, Uz, Ur, Uh, u):
    h = np.zeros(Uz.shape[0])
    for x in xs:
        z = sigmoid(x @ Wz + h @ Uz)
        r = sigmoid(x @ Wr + h @ Ur)
        c = np.tanh(x @ Wh + (r * h) @ Uh)
        h = (1 - z) * h + z * c
    return np.sum(h * u)


# ---- words and sequences


def embedding_mean(E, W, ids, t):
    v = E[ids].mean(axis=1)
    return np.sum((v @ W - t) ** 2)


def skip_gram(V, U, center, context):
    v = V[center]
    scores = U @ v
    p = np.exp(scores) / np.sum(np.exp(scores))
    return -np.log(p[context])


def negative_sampling(V, U, w, c, neg):
    v = V[w]
    pos = np.log(sigmoid(np.sum(v * U[c], axis=1)))
    other = np.log(sigmoid(-np.einsum("nd,nkd->nk", v, U[neg])))
    return -np.sum(pos) - np.sum(other)


def crf(emit, trans, tags):
    score = emit[0, tags[0]]
    for t in range(1, len(emit)):
        score = score + trans[tags[t - 1], tags[t]] + emit[t, tags[t]]
    alpha = emit[0]
    for t in range(1, len(emit)):
        alpha = np.log(np.sum(np.exp(alpha[:, None] + trans + emit[t][None, :]), axis=0))
    return np.log(np.sum(np.exp(alpha))) - score


PATHS = [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)]


def ctc_paths(lp):
    total = 0
    for path in PATHS:
        total = total + np.exp(lp[0, path[0]] + lp[1, path[1]] + lp[2, path[2]])
    return -np.log(total)


def graph_convolution(A, X, W1, W2, y):
    deg = A.sum(axis=1)
    An = A / np.sqrt(np.outer(deg, deg))
    H = np.maximum(An @ X @ W1, 0)
    P = softmax(An @ H @ W2)
    return -np.mean(np.log(P[np.arange(len(y)), y]))


def kernel(l, X, A):
    d2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    return np.sum(A * np.exp(-d2 / (2 * l**2)))


def gaussian_process(m, s, x, y):
    K = np.exp(-((x[:, None] - x[None, :]) ** 2) / 2) + np.exp(s) * np.eye(len(x))
    r = y - m
    return 0.5 * r @ np.linalg.solve(K, r) + 0.5 * np.log(np.linalg.det(K))


def cox(b, X, event):
    eta = X @ b
    risk = np.cumsum(np.exp(eta)[::-1])[::-1]
    return -np.sum(event * (eta - np.log(risk)))


def total_variation(x):
    return np.sum((x[1:, :] - x[:-1, :]) ** 2) + np.sum((x[:, 1:] - x[:, :-1]) ** 2)


def scatter(v, ids, t):
    out = np.zeros(4)
    np.add.at(out, ids, v)
    return np.sum((out - t) ** 2)


R4 = n(2, 2, 3, 2)
CASES = [
    Case(
        batch_norm,
        {"x": n(5, 3), "gamma": n(3), "beta": n(3), "dout": n(5, 3)},
        ("x", "gamma", "beta"),
        {"x_hat": "xc[n, i]/std[i]"},
    ),
    Case(batch_norm_var, {"x": n(5, 3), "gamma": n(3), "beta": n(3), "r": n(5, 3)}, ("x", "gamma", "beta")),
    Case(batch_norm_images, {"x": n(2, 3, 4, 2), "gamma": n(3), "beta": n(3), "r": n(2, 3, 4, 2)}, ("x", "gamma", "beta")),
    Case(layer_norm, {"x": n(5, 3), "g": n(3), "b": n(3), "r": n(5, 3)}, ("x", "g", "b")),
    Case(group_norm, {"x": n(3, 4, 5), "gamma": n(4), "beta": n(4), "r": n(3, 4, 5)}, ("x", "gamma", "beta")),
    Case(instance_norm, {"x": n(2, 3, 5), "r": n(2, 3, 5)}, ("x",)),
    Case(rms_norm, {"x": n(5, 3), "w": n(3), "r": n(5, 3)}, ("x", "w")),
    Case(weight_norm, {"v": n(3), "g": 1.3, "x": n(5, 3), "t": n(5)}, ("v", "g")),
    Case(conv_loops, {"x": n(2, 3, 5, 4), "w": n(2, 3, 2, 2), "b": n(2), "r": n(2, 2, 2, 2)}, ("x", "w", "b")),
    Case(conv_padded, {"x": n(4, 5), "w": n(3, 3), "t": n(4, 5)}, ("x", "w")),
    Case(conv_im2col, {"x": n(4, 5), "w": n(2, 3)}, ("x", "w")),
    Case(conv_1d, {"x": n(7), "w": n(3), "b": 0.2}, ("x", "w", "b")),
    Case(conv_numpy, {"x": n(7), "w": n(3), "r": n(5)}, ("x", "w")),
    Case(conv_windows, {"x": n(2, 4, 5), "w": n(3, 2, 2, 3), "r": n(3, 3, 3)}, ("x", "w")),
    Case(depthwise, {"x": n(3, 6), "w": n(3, 2), "r": n(3, 5)}, ("x", "w")),
    Case(max_pool, {"x": n(4, 6), "r": n(2, 3)}, ("x",)),
    Case(max_pool_reshape, {"x": n(3, 4, 6), "r": n(3, 2, 3)}, ("x",)),
    Case(avg_pool, {"x": n(4, 6), "r": n(2, 3)}, ("x",)),
    Case(global_pool, {"x": n(5, 3, 2, 4), "W": n(3, 4), "y": np.array([0, 3, 1, 2, 2])}, ("x", "W")),
    Case(cnn, {"x": n(3, 4, 4), "k": n(2, 2, 3), "b": n(2), "W": n(12, 3), "c": n(3), "y": np.array([0, 2, 1])}),
    Case(upsample, {"x": n(3, 4), "r": n(6, 8)}, ("x",)),
    Case(attention, {"x": n(5, 3), "Wq": n(3, 2), "Wk": n(3, 2), "Wv": n(3, 4), "t": n(5, 4)}),
    Case(attention_causal, {"x": n(4, 3), "Wq": n(3, 2), "Wk": n(3, 2), "Wv": n(3, 2), "t": n(4, 2)}),
    Case(multi_head, {"x": n(2, 3, 4), "Wq": n(4, 4), "Wk": n(4, 4), "Wv": n(4, 4), "Wo": n(4, 4), "t": n(2, 3, 4)}),
    Case(
        additive_attention, {"h": n(4, 3), "s": n(2), "W": n(3, 5), "U": n(2, 5), "v": n(5), "r": n(3)}, ("h", "s", "W", "U", "v")
    ),
    Case(
        transformer_block,
        {"x": n(4, 3), "Wq": n(3, 2), "Wk": n(3, 2), "Wv": n(3, 3), "W1": n(3, 5), "W2": n(5, 3), "g": n(3), "t": n(4, 3)},
    ),
    Case(rnn, {"xs": n(3, 2), "Wx": n(4, 2), "Wh": n(4, 4), "b": n(4), "Wy": n(2, 4), "ts": n(3, 2)}),
    Case(rnn_array, {"xs": n(3, 2), "W": n(4, 4), "U": n(4, 2), "b": n(4)}),
    Case(
        rnn_characters,
        {
            "inputs": np.array([0, 2, 1]),
            "targets": np.array([2, 1, 4]),
            "Wxh": n(3, 5),
            "Whh": n(3, 3),
            "Why": n(5, 3),
            "bh": n(3, 1),
            "by": n(5, 1),
            "hprev": n(3, 1),
        },
        ("Wxh", "Whh", "Why", "bh", "by"),
    ),
    Case(lstm, {"xs": n(2, 2), **{name: n(3, 5) for name in ("Wf", "Wi", "Wg", "Wo")}, "T": n(2, 3)}),
    Case(
        lstm_gates,
        {"x": n(2, 4), "h": n(2, 3), "c": n(2, 3), "Wx": n(4, 12), "Wh": n(3, 12), "b": n(12), "r": n(2, 3)},
        ("Wx", "Wh", "b", "c"),
    ),
    Case(lstm_split, {"x": n(2, 4), "h": n(2, 3), "c": n(2, 3), "W": n(7, 12), "b": n(12), "r": n(2, 3)}, ("W", "b", "c")),
    Case(
        gru,
        {
            "xs": n(2, 2),
            **{name: n(2, 3) for name in ("Wz", "Wr", "Wh")},
            **{name: n(3, 3) for name in ("Uz", "Ur", "Uh")},
            "u": n(3),
        },
    ),
    Case(embedding_mean, {"E": n(5, 3), "W": n(3, 2), "ids": np.array([[0, 2], [4, 2], [1, 1], [3, 0]]), "t": n(4, 2)}),
    Case(skip_gram, {"V": n(5, 3), "U": n(5, 3), "center": np.array(2), "context": np.array(4)}, ("V", "U")),
    Case(
        negative_sampling,
        {"V": n(5, 3), "U": n(5, 3), "w": np.array([0, 2]), "c": np.array([1, 4]), "neg": np.array([[2, 3, 0], [0, 0, 1]])},
        ("V", "U"),
    ),
    Case(crf, {"emit": n(3, 4), "trans": n(4, 4), "tags": np.array([1, 0, 3])}),
    Case(ctc_paths, {"lp": n(3, 2)}),
    Case(
        graph_convolution, {"A": u(4, 4), "X": n(4, 3), "W1": n(3, 5), "W2": n(5, 2), "y": np.array([0, 1, 1, 0])}, ("W1", "W2")
    ),
    Case(kernel, {"l": 1.7, "X": n(4, 2), "A": n(4, 4)}, ("l", "X")),
    Case(gaussian_process, {"m": 0.2, "s": -0.5, "x": n(3), "y": n(3)}, ("m", "s")),
    Case(cox, {"b": n(3), "X": n(4, 3), "event": np.array([1.0, 0, 1, 1])}),
    Case(total_variation, {"x": n(3, 4)}, ("x",)),
    Case(scatter, {"v": n(5), "ids": np.array([0, 2, 2, 3, 0]), "t": n(4)}, ("v",)),
]


def gram(x, t):
    K = x @ x.T
    return np.sum((K - t) ** 2)


def self_attention_tied(x, t):
    a = softmax(x @ x.T)
    return np.sum((a @ x - t) ** 2)


CASES += [
    Case(gram, {"x": n(4, 3), "t": n(4, 4)}, ("x",)),
    Case(self_attention_tied, {"x": n(4, 3), "t": n(4, 3)}, ("x",)),
]
