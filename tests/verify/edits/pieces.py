"""Losses and their gradients, each with a function that draws values of the k-th choice of sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = dict[str, Any]
SIZES = 3
"""Choices of sizes; the first is the example's."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of `loss` and `hand`, the names that are differentiated, and how values are drawn."""

    text: str
    wrt: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], Values]


def _network(r: np.random.Generator, k: int) -> Values:
    n, d, h, c = ((5, 3, 4, 2), (3, 4, 6, 3), (7, 2, 3, 5))[k]
    return {
        "W": r.normal(size=(d, h)), "b": r.normal(size=h), "V": r.normal(size=(h, c)), "X": r.normal(size=(n, d)),
        "Y": np.eye(c)[r.integers(0, c, n)],
    }  # fmt: skip


def _normed(r: np.random.Generator, k: int) -> Values:
    n, d = ((3, 5), (4, 3), (2, 4))[k]
    return {"x": r.normal(size=(n, d)), "g": r.normal(size=d), "b": r.normal(size=d), "t": r.normal(size=(n, d))}


def _windows(r: np.random.Generator, k: int) -> Values:
    n, length, f, c = ((2, 6, 3, 4), (3, 7, 2, 2), (1, 5, 3, 3))[k]
    return {
        "x": r.normal(size=(n, length)), "w": r.normal(size=(c, f)), "b": r.normal(size=c),
        "t": r.normal(size=(n, c, length - f + 1)),
    }  # fmt: skip


def _attended(r: np.random.Generator, k: int) -> Values:
    n, m, d, v = ((3, 4, 2, 5), (2, 5, 3, 4), (4, 3, 5, 2))[k]
    return {"Q": r.normal(size=(n, d)), "K": r.normal(size=(m, d)), "V": r.normal(size=(m, v)), "T": r.normal(size=(n, v))}


def _margins(r: np.random.Generator, k: int) -> Values:
    n, d, c = ((5, 3, 4), (3, 4, 3), (7, 2, 5))[k]
    return {"W": r.normal(size=(d, c)), "X": r.normal(size=(n, d)), "y": r.integers(0, c, n), "reg": float(r.uniform(0.1, 1))}


def _pooled(r: np.random.Generator, k: int) -> Values:
    n, h, w = ((3, 2, 3), (2, 1, 2), (1, 3, 1))[k]
    return {"x": r.normal(size=(n, 2 * h, 2 * w)), "w": r.normal(size=(h, w)), "t": r.normal(size=n)}


def _bounded(r: np.random.Generator, k: int) -> Values:
    n, d = ((6, 3), (4, 2), (3, 5))[k]
    return {"w": r.normal(size=d), "X": r.normal(size=(n, d)), "y": r.normal(size=n), "delta": float(r.uniform(0.5, 1.5))}


def _through_time(r: np.random.Generator, k: int) -> Values:
    steps, d, h = ((3, 2, 3), (4, 3, 2), (2, 4, 5))[k]
    return {
        "A": r.normal(size=(h, d)) / 2, "U": r.normal(size=(h, h)) / 2, "b": r.normal(size=(h, 1)),
        "xs": r.normal(size=(steps, d, 1)), "ts": r.normal(size=(steps, h, 1)),
    }  # fmt: skip


PIECES: dict[str, Piece] = {
    "network": Piece(
        """
def loss(W, b, V, X, Y):
    z = np.tanh(X @ W + b) @ V
    z = z - z.max(axis=1, keepdims=True)
    return -np.sum(Y * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))) / len(X)

def hand(W, b, V, X, Y):
    n = X.shape[0]
    h = np.tanh(X @ W + b)
    s = h @ V
    e = np.exp(s - np.max(s, axis=1, keepdims=True))
    d = (e / np.sum(e, axis=1, keepdims=True) - Y) / n
    back = d @ V.T * (1 - h ** 2)
    return {"W": X.T @ back, "b": np.sum(back, axis=0), "V": h.T @ d}
""",
        ("W", "b", "V"), _network,
    ),
    "layer norm": Piece(
        """
def loss(x, g, b, t):
    c = x - x.mean(axis=-1, keepdims=True)
    y = g * c / np.sqrt((c * c).mean(axis=-1, keepdims=True) + 1e-5) + b
    return np.sum((y - t) ** 2) / 2

def hand(x, g, b, t):
    D = x.shape[1]
    c = x - np.mean(x, axis=1, keepdims=True)
    s = 1 / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    y = c * s
    d = g * y + b - t
    e = d * g
    dx = s / D * (D * e - e.sum(axis=1, keepdims=True) - y * (e * y).sum(axis=1, keepdims=True))
    return {"x": dx, "g": (d * y).sum(axis=0), "b": d.sum(axis=0)}
""",
        ("x", "g", "b"), _normed,
    ),
    "windows": Piece(
        """
def loss(x, w, b, t):
    total = 0.0
    for k in range(t.shape[2]):
        y = np.maximum(x[:, k:k + w.shape[1]] @ w.T + b, 0)
        total += np.sum((y - t[:, :, k]) ** 2)
    return total / t.size

def hand(x, w, b, t):
    c, f = w.shape
    m = x.shape[1] - f + 1
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for k in range(m):
        z = x[:, k:k + f] @ w.T + b
        d = 2 * (np.maximum(z, 0) - t[:, :, k]) / t.size * (z > 0)
        dw += d.T @ x[:, k:k + f]
        db += d.sum(axis=0)
        dx[:, k:k + f] += d @ w
    return {"x": dx, "w": dw, "b": db}
""",
        ("x", "w", "b"), _windows,
    ),
    "attention": Piece(
        """
def loss(Q, K, V, T):
    e = np.exp(Q @ K.T / np.sqrt(Q.shape[1]))
    return np.mean((e / e.sum(axis=1, keepdims=True) @ V - T) ** 2) / 2

def hand(Q, K, V, T):
    d = Q.shape[1]
    e = np.exp(Q @ K.T / np.sqrt(d))
    A = e / e.sum(axis=1, keepdims=True)
    o = (A @ V - T) / T.size
    a = o @ V.T
    s = A * (a - np.sum(a * A, axis=1, keepdims=True)) / np.sqrt(d)
    return {"Q": s @ K, "K": s.T @ Q, "V": A.T @ o}
""",
        ("Q", "K", "V"), _attended,
    ),
    "margins": Piece(
        """
def loss(W, X, y, reg):
    s = X @ W
    n = X.shape[0]
    m = np.maximum(0, s - s[np.arange(n), y][:, None] + 1)
    m[np.arange(n), y] = 0
    return m.sum() / n + reg * np.sum(W * W)

def hand(W, X, y, reg):
    n = X.shape[0]
    s = X @ W
    m = np.maximum(0, s - s[np.arange(n), y].reshape(-1, 1) + 1)
    m[np.arange(n), y] = 0
    over = (m > 0).astype(float)
    over[np.arange(n), y] = -over.sum(axis=1)
    return {"W": X.T @ over / n + 2 * reg * W}
""",
        ("W",), _margins,
    ),
    "max pooling": Piece(
        """
def loss(x, w, t):
    n, h, l = x.shape
    p = x.reshape(n, h // 2, 2, l // 2, 2).max(axis=(2, 4))
    return np.sum((np.einsum("nij,ij->n", p, w) - t) ** 2)

def hand(x, w, t):
    n, h, l = x.shape
    p = x.reshape(n, h // 2, 2, l // 2, 2).max(axis=(2, 4))
    d = 2 * ((p * w).sum(axis=(1, 2)) - t)
    dw = np.sum(d[:, None, None] * p, axis=0)
    up = np.repeat(np.repeat(d[:, None, None] * w, 2, axis=1), 2, axis=2)
    return {"w": dw, "x": (x == np.repeat(np.repeat(p, 2, axis=1), 2, axis=2)) * up}
""",
        ("w", "x"), _pooled,
    ),
    "bounded errors": Piece(
        """
def loss(w, X, y, delta):
    a = np.abs(X @ w - y)
    return np.mean(np.where(a <= delta, a ** 2 / 2, delta * (a - delta / 2)))

def hand(w, X, y, delta):
    r = X @ w - y
    g = np.clip(r, -delta, delta)
    return {"w": X.T @ g / len(y)}
""",
        ("w",), _bounded,
    ),
    "through time": Piece(
        """
def loss(A, U, b, xs, ts):
    h = np.zeros_like(b)
    total = 0
    for x, t in zip(xs, ts):
        h = np.tanh(A @ x + U @ h + b)
        total += np.sum((h - t) ** 2) / 2
    return total

def hand(A, U, b, xs, ts):
    hs = {-1: np.zeros_like(b)}
    for k in range(len(xs)):
        hs[k] = np.tanh(A @ xs[k] + U @ hs[k - 1] + b)
    dA, dU, db = np.zeros_like(A), np.zeros_like(U), np.zeros_like(b)
    carry = np.zeros_like(b)
    for k in reversed(range(len(xs))):
        d = (1 - hs[k] * hs[k]) * (hs[k] - ts[k] + carry)
        dA += d @ xs[k].T
        dU += d @ hs[k - 1].T
        db += d
        carry = U.T @ d
    return {"A": dA, "U": dU, "b": db}
""",
        ("A", "U", "b"), _through_time,
    ),
}  # fmt: skip
