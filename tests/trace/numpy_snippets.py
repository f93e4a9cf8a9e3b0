"""Features of numpy that need more than a line, written the way people write them in gradients by hand."""

from __future__ import annotations

import functools
import math

import numpy as np

SHIFT = np.array([0.25, -0.5, 1.5])
PARAMETERS = {"W": np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.25]]), "b": np.zeros(2)}
ROOT_TWO = 2**0.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


vector_sigmoid = np.vectorize(lambda x: 1.0 / (1.0 + math.exp(-x)))
cached = functools.partial(np.clip, a_min=-0.5, a_max=0.5)


@functools.lru_cache
def scale(n):
    return 1.0 / n


class Layer:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return x @ self.w


class Tanh(Layer):
    def __init__(self, w):
        super().__init__(w)

    def forward(self, x):
        return np.tanh(super().forward(x))


def augmented_zeros(x):
    total = np.zeros(3)
    for row in x:
        total += row
    return total


def fill_by_index(x, w):
    out = np.zeros((2, 4))
    for i in range(2):
        for j in range(4):
            for k in range(3):
                out[i, j] += x[i, k] * w[k, j]
    return out


def empty_fill(x):
    out = np.empty((2, 3), dtype=np.float64)
    out[:, :] = x**2
    return out


def relu_mask_assignment(x):
    dx = x.copy() * 2
    dx[x <= 0] = 0
    return dx


def softmax_cross_entropy(x, labels):
    p = np.exp(x - np.max(x, axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[range(2), labels] -= 1
    return p / len(labels)


def one_hot_eye(x, labels):
    return x - np.eye(3)[labels]


def one_hot_arange(x, labels):
    t = np.zeros_like(x)
    t[np.arange(labels.size), labels] = 1
    return (x - t) ** 2


def add_at(x, ids):
    out = np.zeros((3, 3))
    np.add.at(out, ids, np.concatenate([x, x * 2]))
    return out


def convolution(image, kernel):
    out = np.zeros((1, 3, 4, 4))
    for i in range(4):
        for j in range(4):
            window = image[:, :, i : i + 2, j : j + 2]
            out[:, :, i, j] = np.tensordot(window, kernel, axes=([1, 2, 3], [1, 2, 3]))
    return out


def windows(image):
    view = np.lib.stride_tricks.sliding_window_view(image, (2, 2), axis=(2, 3))
    return view.max(axis=(-1, -2))


def strided(u):
    view = np.lib.stride_tricks.as_strided(u, shape=(2, 2), strides=(u.strides[0], u.strides[0]))
    return view * 2


def max_pool_argmax(image):
    flat = image[0, 0, :2, :2].reshape(-1)
    out = np.zeros(4)
    out[np.argmax(flat)] = flat.sum()
    return out


def finished_loop(x):
    h = np.zeros(3)
    states = []
    for row in x:
        h = np.tanh(row + 0.5 * h)
        states.append(h)
    return np.array(states)


def where_out(x, mask):
    out = np.zeros_like(x)
    np.exp(x, out=out, where=mask)
    return out


def out_argument(x, y):
    out = np.empty_like(x)
    np.multiply(x, y, out=out)
    return out


def module_parameters(x):
    return x @ PARAMETERS["W"] + PARAMETERS["b"]


def inner_import(x):
    import numpy as inner

    return inner.tanh(x)


def closure(x, s):
    def inner(value):
        return value * s

    return inner(x)


def with_iteration(x):
    total = 0.0
    for _, value in np.ndenumerate(x):
        total += value**2
    return total


def by_index(x):
    out = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        out[index] = math.sin(x[index])
    return out


def branch(s):
    if s > 0:
        return s * 3
    return s * 0.01


def adam(x, y):
    m, v = 0.9 * y + 0.1 * x, 0.999 * y**2 + 0.001 * x**2
    return m / (1 - 0.9**3) / (np.sqrt(v / (1 - 0.999**3)) + 1e-8)


def batch_norm(x, u, v):
    mean, variance = x.mean(0), x.var(axis=0)
    return u * (x - mean) / np.sqrt(variance + 1e-5) + v


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(x, y):
    scores = x @ y.T / np.sqrt(x.shape[-1])
    scores = np.where(np.tril(np.ones((2, 2), dtype=bool)), scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ y


def copyto(x, y, mask):
    out = x.copy()
    np.copyto(out, y, where=mask)
    return out


def fill_diagonal(a):
    out = a * 1
    np.fill_diagonal(out, 0.0)
    return out


def put_along(x):
    out = np.zeros_like(x)
    np.put_along_axis(out, np.argmax(x, axis=1, keepdims=True), x.sum(axis=1, keepdims=True), axis=1)
    return out


def dropout(x):
    keep = (np.random.rand(*x.shape) < 0.8) / 0.8
    return x * keep


def generator_noise(x):
    noise = np.random.default_rng(3).normal(size=x.shape)
    return x * noise


def dict_result(x, w):
    h = x @ w
    cache = (x, w, h)
    x_, w_, _ = cache
    return {"dx": np.ones_like(h) @ w_.T, "dw": x_.T @ h}


def sort_twice(u):
    order = np.argsort(-u)
    return u[order] * np.array([1.0, 2.0, 3.0])


def flat_assignment(x):
    out = np.zeros_like(x)
    out.flat[::2] = x.flat[::2]
    return out


def nditer_loop(x):
    out = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        index = it.multi_index
        out[index] = x[index] ** 2
        it.iternext()
    return out


def try_errstate(x):
    with np.errstate(divide="ignore"):
        return 1 / x


def integer_labels(x):
    predicted = (x > 0).astype(int)
    return (predicted - 1) * x


def label_mean(x, labels):
    return x * labels.mean() + labels.astype(float)[:, None]


def float_cast(s, t):
    return float(s) * float(t) + float("0.5")


def asserting(x):
    assert x.shape == (2, 3)
    assert isinstance(x, np.ndarray)
    assert np.issubdtype(x.dtype, np.floating)
    return x * 2


def isinstance_float(s):
    return s * 2 if isinstance(s, (int, float)) else None


def printing(x):
    text = f"{x.sum():.3f} %.2f {x}" % x[0, 0]
    return x * len(text[:1])


def meshgrid(u, v):
    first, second = np.meshgrid(u, v)
    return first * second


def huge_mask(x):
    return np.exp(np.where(x > 0, x, -1e9))


def choose_by_sign(x):
    return np.sign(x) * np.sqrt(np.abs(x))
