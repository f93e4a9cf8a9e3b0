"""The numpy features that people use in gradients written by hand, each as a tiny function.

A function's parameters pick its arguments from `STANDARD`. Features at the end of the list are known to be refused, and must say so.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt
from math import log as natural_log
from typing import Any

import numpy as np
import scipy.special
from numpy import exp as np_exp
from numpy import zeros
from scipy.special import erf as special_erf
from scipy.special import expit, logsumexp, softmax

_random = np.random.default_rng(20)

STANDARD: dict[str, Any] = {
    "x": _random.normal(size=(2, 3)),
    "y": _random.normal(size=(2, 3)),
    "z": _random.normal(size=(3, 2)),
    "w": _random.normal(size=(3, 4)),
    "u": _random.normal(size=3),
    "v": _random.normal(size=3),
    "s": 0.7,
    "t": -1.3,
    "p": _random.uniform(0.5, 2.0, size=(2, 3)),
    "q": _random.uniform(0.1, 0.9, size=(2, 3)),
    "a": np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]) + 0.01 * _random.normal(size=(3, 3)),
    "image": _random.normal(size=(1, 2, 5, 5)),
    "kernel": _random.normal(size=(3, 2, 2, 2)),
    "cube": _random.normal(size=(2, 3, 4)),
    "labels": np.array([2, 0]),
    "mask": np.array([[True, False, True], [False, True, True]]),
    "ids": np.array([0, 2, 0, 1]),
    "n": 2,
}

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


@dataclass(frozen=True)
class Feature:
    """One feature: its name, a function that uses it, and whether it is known to be refused."""

    name: str
    function: Callable[..., Any]
    refused: bool = False


def _features() -> list[Feature]:
    rows: dict[str, Callable[..., Any]] = {
        # arithmetic and operators
        "x + y": lambda x, y: x + y,
        "x - y": lambda x, y: x - y,
        "x * y": lambda x, y: x * y,
        "x / y": lambda x, y: x / y,
        "-x": lambda x: -x,
        "+x": lambda x: +x,
        "x ** 2": lambda x: x**2,
        "x ** 0.5": lambda p: p**0.5,
        "x ** -1.5": lambda p: p**-1.5,
        "p ** y": lambda p, y: p**y,
        "2 ** x": lambda x: 2**x,
        "x @ w": lambda x, w: x @ w,
        "u @ v": lambda u, v: u @ v,
        "x % 1": lambda x: x % 1,
        "x // 1 * x": lambda x: x // 1 * x,
        "divmod": lambda x: divmod(x, 0.5)[1],
        "scalar arithmetic": lambda s, t: (s + t) * s / (t - 2) - s**3,
        "scalar on array": lambda x, s: s * x + s,
        "abs(x)": lambda x: abs(x),
        "sum(list)": lambda u: sum(list(u)),
        "sum(generator)": lambda u, v: sum(a * b for a, b in zip(u, v, strict=True)),
        "max(a, b)": lambda s, t: max(s, t),
        "min(a, 0)": lambda t: min(t, 0),
        "round(s, 1) * s": lambda s: round(s, 1) * s,
        "pow(s, 3)": lambda s: pow(s, 3),
        "in place +=": augmented_zeros,
        "in place by index": fill_by_index,
        "float(s)": float_cast,
        "isinstance(s, float)": isinstance_float,
        "if s > 0": branch,
        "printing": printing,
        # indexing
        "x[0]": lambda x: x[0] * 2,
        "x[:, 1]": lambda x: x[:, 1] * 2,
        "x[::-1]": lambda x: x[::-1] * x,
        "x[..., None]": lambda x: x[..., None] * 2,
        "x[np.newaxis]": lambda x: x[np.newaxis] * 2,
        "x[range, labels]": softmax_cross_entropy,
        "x[mask]": lambda x, mask: x[mask] * 2,
        "x[x > 0]": lambda x: x[x > 0] ** 2,
        "dx[x <= 0] = 0": relu_mask_assignment,
        "np.ix_": lambda a: a[np.ix_([0, 2], [1, 2])] * 2,
        "np.r_": lambda u, v: np.r_[u, v] * 2,
        "np.c_": lambda u, v: np.c_[u, v] * 2,
        "np.s_": lambda x: x[np.s_[:, 1:]] * 2,
        "x.flat": flat_assignment,
        "ndenumerate": with_iteration,
        "ndindex": by_index,
        "nditer multi_index": nditer_loop,
        "x.item()": lambda x: x[0, 0].item() * x.sum().item(),
        "x.tolist()": lambda x: [value * 2 for value in x[0].tolist()],
        # elementary functions
        "np.exp": lambda x: np.exp(x),
        "np.exp of a scalar": lambda s: np.exp(s),
        "np.exp imported by name": lambda x: np_exp(x),
        "np.log": lambda p: np.log(p),
        "np.log1p": lambda p: np.log1p(p),
        "np.expm1": lambda x: np.expm1(x),
        "np.exp2": lambda x: np.exp2(x),
        "np.log2": lambda p: np.log2(p),
        "np.log10": lambda p: np.log10(p),
        "np.sqrt": lambda p: np.sqrt(p),
        "np.cbrt": lambda x: np.cbrt(x),
        "np.square": lambda x: np.square(x),
        "np.power": lambda x: np.power(x, 3),
        "np.float_power": lambda p: np.float_power(p, 1.5),
        "np.reciprocal": lambda p: np.reciprocal(p),
        "np.sin": lambda x: np.sin(x),
        "np.cos": lambda x: np.cos(x),
        "np.tan": lambda x: np.tan(x),
        "np.arcsin": lambda q: np.arcsin(q),
        "np.arccos": lambda q: np.arccos(q),
        "np.arctan": lambda x: np.arctan(x),
        "np.arctan2": lambda x, y: np.arctan2(x, y),
        "np.sinh": lambda x: np.sinh(x),
        "np.cosh": lambda x: np.cosh(x),
        "np.tanh": lambda x: np.tanh(x),
        "np.arcsinh": lambda x: np.arcsinh(x),
        "np.arccosh": lambda p: np.arccosh(p + 1),
        "np.arctanh": lambda q: np.arctanh(q),
        "np.hypot": lambda x, y: np.hypot(x, y),
        "np.logaddexp": lambda x, y: np.logaddexp(x, y),
        "np.logaddexp2": lambda x, y: np.logaddexp2(x, y),
        "np.abs": lambda x: np.abs(x),
        "np.fabs": lambda x: np.fabs(x),
        "np.sign": choose_by_sign,
        "np.heaviside": lambda x: np.heaviside(x, 0.5) * x,
        "np.copysign": lambda x, y: np.copysign(x, y),
        "np.maximum": lambda x: np.maximum(0, x),
        "np.minimum": lambda x, y: np.minimum(x, y),
        "np.fmax": lambda x: np.fmax(x, 0.0),
        "np.clip": lambda x: np.clip(x, -0.5, 0.5),
        "x.clip": lambda x: x.clip(min=0),
        "np.floor": lambda x: np.floor(x) * x,
        "np.ceil": lambda x: np.ceil(x) * x,
        "np.round": lambda x: np.round(x, 1) * x,
        "np.rint": lambda x: np.rint(x) * x,
        "np.trunc": lambda x: np.trunc(x) + x,
        "np.fmod": lambda x: np.fmod(x, 0.3),
        "np.sinc": lambda x: np.sinc(x),
        "np.deg2rad": lambda x: np.deg2rad(x),
        "np.degrees": lambda x: np.degrees(x),
        "np.nan_to_num": lambda x: np.nan_to_num(x),
        "np.isnan": lambda x: np.where(np.isnan(x), 0, x),
        "np.isfinite": lambda x: x * np.isfinite(x),
        "np.logical_and": lambda x, y: x * np.logical_and(x > 0, y > 0),
        "np.logical_not": lambda x: x * np.logical_not(x > 0),
        "np.pi": lambda x: x * np.pi,
        "np.e": lambda x: x / np.e,
        "np.inf": lambda u: max([-np.inf, *u]),
        "np.float64(s)": lambda s: np.float64(s) * 2,
        "np.add.at": add_at,
        "np.add.reduce": lambda x: np.add.reduce(x, axis=1),
        "np.multiply.outer": lambda u, v: np.multiply.outer(u, v),
        "np.maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
        "np.negative, np.subtract": lambda x, y: np.negative(np.subtract(x, y)),
        "np.divide": lambda x, p: np.divide(x, p),
        "np.multiply out=": out_argument,
        "np.exp out= where=": where_out,
        # math, scipy.special
        "math.exp": lambda s: math.exp(s),
        "from math import exp": lambda s: exp(-s) + sqrt(s) + natural_log(s),
        "math.tanh": lambda s: math.tanh(s),
        "math.pow": lambda s: math.pow(s, 2.5),
        "math.log(x, 2)": lambda s: math.log(s, 2),
        "math.hypot": lambda s, t: math.hypot(s, t),
        "math.fsum": lambda u: math.fsum(u),
        "math.erf": lambda s: math.erf(s),
        "math.floor": lambda s: math.floor(s) + s,
        "math.sqrt(2)": lambda s: s / math.sqrt(2),
        "scipy.special.expit": lambda x: scipy.special.expit(x),
        "expit imported by name": lambda x: expit(x) * (1 - expit(x)),
        "scipy softmax": lambda x: softmax(x, axis=1),
        "scipy log_softmax": lambda x: scipy.special.log_softmax(x, axis=-1),
        "scipy logsumexp": lambda x: logsumexp(x, axis=1, keepdims=True),
        "scipy erf": lambda x: special_erf(x / ROOT_TWO),
        "scipy xlogy": lambda q: scipy.special.xlogy(q, q),
        "scipy logit": lambda q: scipy.special.logit(q),
        # creation
        "np.zeros": lambda x: np.zeros(3) + x,
        "zeros imported by name": lambda x: zeros((2, 3)) + x,
        "np.ones": lambda x: np.ones((3, 1)) * x[0],
        "np.empty": empty_fill,
        "np.full": lambda s: np.full((2, 2), s),
        "np.full constant": lambda x: np.full((2, 3), 0.1) * x,
        "np.zeros_like": one_hot_arange,
        "np.ones_like": lambda x: np.ones_like(x) + x,
        "np.empty_like": out_argument,
        "np.full_like": lambda x: np.full_like(x, 0.5) * x,
        "np.eye": one_hot_eye,
        "np.identity": lambda a: a - np.identity(3),
        "np.arange": lambda x: x * np.arange(3),
        "np.linspace": lambda x: x * np.linspace(0, 1, 3),
        "np.array(list)": lambda s, t: np.array([[s, t], [t, 1.0]]),
        "np.array(rows)": lambda u, v: np.array([u, v]),
        "np.array(dtype=float)": lambda s: np.array([s, 2], dtype=float) * s,
        "np.asarray": lambda x: np.asarray(x, dtype=np.float64) * 2,
        "np.copy": lambda x: np.copy(x) * 2,
        "np.tri": lambda a: np.tri(3) * a,
        "np.fromfunction": lambda a: np.fromfunction(lambda i, j: i + j, (3, 3)) * a,
        "np.fromiter": lambda u: np.fromiter((value * 2 for value in u), dtype=float),
        "np.meshgrid": meshgrid,
        "np.diag": lambda u: np.diag(u),
        "np.diag of a softmax": lambda u: np.diag(softmax(u)) - np.outer(softmax(u), softmax(u)),
        "np.random mask": dropout,
        "np.random.default_rng": generator_noise,
        "astype(int) of a mask": integer_labels,
        "astype(float)": lambda x: (x > 0).astype(float) * x,
        "x.astype(np.float64)": lambda x: x.astype(np.float64) * 2,
        "labels.mean()": label_mean,
        # shape
        "reshape": lambda x: x.reshape(3, 2) * 2,
        "np.reshape -1": lambda x: np.reshape(x, -1) * 2,
        "x.T": lambda x: x.T * 2,
        "np.transpose": lambda cube: np.transpose(cube, (2, 0, 1)) * 2,
        "x.transpose": lambda cube: cube.transpose(0, 2, 1) * 2,
        "np.swapaxes": lambda cube: np.swapaxes(cube, 0, 1) * 2,
        "np.moveaxis": lambda cube: np.moveaxis(cube, 0, -1) * 2,
        "ravel": lambda x: x.ravel() * 2,
        "flatten": lambda x: x.flatten() * 2,
        "np.squeeze": lambda image: np.squeeze(image, 0) * 2,
        "np.expand_dims": lambda x: np.expand_dims(x, 1) * 2,
        "np.atleast_2d": lambda u: np.atleast_2d(u) * 2,
        "np.concatenate": lambda x, y: np.concatenate([x, y], axis=1) * 2,
        "np.vstack": lambda u, v: np.vstack((u, v)) * 2,
        "np.hstack": lambda u, v: np.hstack((u, v)) * 2,
        "np.stack": lambda u, v: np.stack([u, v], axis=1) * 2,
        "np.column_stack": lambda u, v: np.column_stack([u, v]) * 2,
        "np.stack of numbers": lambda s, t: np.stack([s, t]) * 2,
        "np.split": lambda x: np.split(x, 3, axis=1)[1] * 2,
        "np.array_split": lambda x: np.array_split(x, 2)[0] * 2,
        "np.tile": lambda u: np.tile(u, (2, 1)) * 2,
        "np.repeat": lambda u: np.repeat(u, 2) * 2,
        "np.broadcast_to": lambda u: np.broadcast_to(u, (2, 3)) * 2,
        "np.pad": lambda image: np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant") * 2,
        "np.roll": lambda u: np.roll(u, 1) * u,
        "np.flip": lambda u: np.flip(u) * u,
        "np.rot90": lambda a: np.rot90(a, 2) * a,
        "np.tril": lambda a: np.tril(a) * 2,
        "np.triu": lambda a: np.triu(a, k=1) * 2,
        "np.append": lambda u, s: np.append(u, s) * 2,
        "np.insert": lambda u: np.insert(u, 0, 1.0) * 2,
        "np.delete": lambda u: np.delete(u, 1) * 2,
        "np.block": lambda a: np.block([[a, a], [a, a]]) * 2,
        "np.take": lambda x, ids: np.take(x, ids, axis=1) * 2,
        "np.take_along_axis": lambda x, labels: np.take_along_axis(x, labels[:, None], axis=1) * 2,
        "np.put_along_axis": put_along,
        "np.copyto": copyto,
        "np.fill_diagonal": fill_diagonal,
        # reductions
        "np.sum": lambda x: np.sum(x),
        "x.sum(axis)": lambda x: x.sum(axis=0),
        "np.sum keepdims": lambda x: np.sum(x, axis=1, keepdims=True),
        "x.sum(axis=(0, 2))": lambda cube: cube.sum(axis=(0, 2)),
        "np.mean": lambda x: np.mean(x, axis=0),
        "x.mean()": lambda x: x.mean(),
        "x.var": lambda x: x.var(axis=1, keepdims=True),
        "np.std": lambda x: np.std(x, axis=0),
        "np.std ddof": lambda u: np.std(u, ddof=1),
        "np.average": lambda x, p: np.average(x, axis=1, weights=p),
        "np.median": lambda u: np.median(u),
        "np.prod": lambda x: np.prod(x, axis=1),
        "np.cumsum": lambda x: np.cumsum(x, axis=1),
        "np.cumprod": lambda u: np.cumprod(u),
        "x.max": lambda x: x.max(axis=1),
        "np.max keepdims": lambda x: x - np.max(x, axis=1, keepdims=True),
        "np.amin": lambda x: np.amin(x),
        "np.ptp": lambda u: np.ptp(u),
        "np.argmax": lambda x: x[np.arange(2), np.argmax(x, axis=1)],
        "argmax of pooling": max_pool_argmax,
        "np.argsort": sort_twice,
        "np.sort": lambda u: np.sort(u) * np.arange(3),
        "np.any, np.all": lambda x: x * 2 if np.any(x > 0) and not np.all(x > 0) else x,
        "np.count_nonzero": lambda x: x * np.count_nonzero(x > 0),
        "np.nonzero": lambda x: x[np.nonzero(x > 0)] * 2,
        "np.diff": lambda u: np.diff(u),
        "np.trace": lambda a: np.trace(a),
        "np.nansum": lambda x: np.nansum(x, axis=0),
        "np.unique of labels": lambda x, ids: x * len(np.unique(ids)),
        "np.allclose": lambda x: x if np.allclose(x, 0) else x * 2,
        "np.array_equal": lambda x, y: x if np.array_equal(x, y) else y,
        # choice
        "np.where": lambda x: np.where(x > 0, x, 0.01 * x),
        "np.select": lambda x: np.select([x > 1, x > 0], [x**2, x], default=0),
        "np.piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: 0.1 * v, lambda v: v**2]),
        "np.choose": lambda u, v, ids: np.choose(ids[:3] % 2, [u, v]),
        "huge mask": huge_mask,
        "np.compress": lambda u: np.compress([True, False, True], u) * 2,
        # products
        "np.dot": lambda x, w: np.dot(x, w),
        "x.dot": lambda x, z: x.dot(z),
        "np.matmul": lambda cube, w: np.matmul(cube.transpose(0, 2, 1), w),
        "np.outer": lambda u, v: np.outer(u, v),
        "np.inner": lambda u, v: np.inner(u, v),
        "np.vdot": lambda x, y: np.vdot(x, y),
        "np.einsum": lambda x, w: np.einsum("ni,ij->nj", x, w),
        "np.einsum implicit": lambda x, y: np.einsum("ij,ij->i", x, y),
        "np.einsum optimize": lambda x, w, u: np.einsum("ni,ij,i->j", x, w, u, optimize=True),
        "np.tensordot": lambda cube, w: np.tensordot(cube, w, axes=(1, 0)),
        "np.kron": lambda u, v: np.kron(u, v),
        "np.cross": lambda u, v: np.cross(u, v),
        "np.convolve": lambda u, v: np.convolve(u, v, mode="full"),
        "np.correlate": lambda u, v: np.correlate(u, v, mode="same"),
        "np.polyval": lambda u, s: np.polyval(u, s),
        "np.linalg.norm": lambda x: np.linalg.norm(x),
        "np.linalg.norm axis": lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
        "np.linalg.inv": lambda a: np.linalg.inv(a),
        "np.linalg.solve": lambda a, u: np.linalg.solve(a, u),
        "np.linalg.det": lambda a: np.linalg.det(a),
        "np.linalg.slogdet": lambda a: np.linalg.slogdet(a)[1],
        "np.linalg.cholesky": lambda a: np.linalg.cholesky((a + a.T) / 2),
        "np.linalg.matrix_power": lambda a: np.linalg.matrix_power(a, 3),
        "np.linalg.multi_dot": lambda x, w: np.linalg.multi_dot([x, w, w.T]),
        "np.cov": lambda x: np.cov(x),
        "np.interp": lambda u: np.interp(u, [-3.0, 0.0, 3.0], [1.0, 2.0, 5.0]),
        "np.trapezoid": lambda u: np.trapezoid(u, dx=0.5),
        "np.apply_along_axis": lambda x: np.apply_along_axis(lambda row: row / row.sum(), 1, x),
        "np.vectorize": lambda x: np.vectorize(lambda v: v if v > 0 else 0.1 * v)(x),
        "module-level np.vectorize": lambda x: vector_sigmoid(x),
        "sliding_window_view": windows,
        "as_strided": strided,
        # code
        "helper function": lambda x: sigmoid(x) * (1 - sigmoid(x)),
        "functools.partial": lambda x: cached(x),
        "functools.lru_cache": lambda x: x * scale(3),
        "class": lambda x, w: Layer(w).forward(x),
        "inheritance and super()": lambda x, w: Tanh(w).forward(x),
        "module global array": lambda x: x + SHIFT,
        "module global dict": module_parameters,
        "import inside": inner_import,
        "closure": closure,
        "recurrent loop": finished_loop,
        "errstate": try_errstate,
        "assertions": asserting,
        "dict and cache": dict_result,
        "convolution loops": convolution,
        "Adam step": adam,
        "batch norm": batch_norm,
        "gelu": gelu,
        "attention": attention,
        "map and lambda": lambda u: np.array(list(map(math.tanh, u))),
        "list comprehension": lambda x: np.array([row.sum() for row in x]),
        "reversed, enumerate, zip": lambda u, v: sum(i * a * b for i, (a, b) in enumerate(zip(reversed(u), v, strict=True))),
        "sorted": lambda u: sorted(u)[0] * 2,
        "np.finfo eps": lambda x: x * x / (1 + np.finfo(float).eps),
    }
    refused: dict[str, Callable[..., Any]] = {
        "np.fft.fft": lambda u: np.abs(np.fft.fft(u)),
        "np.linalg.svd": lambda x: np.linalg.svd(x)[1],
        "np.linalg.eigh": lambda a: np.linalg.eigh(a)[0],
        "np.linalg.pinv": lambda x: np.linalg.pinv(x),
        "np.linalg.qr": lambda a: np.linalg.qr(a)[1],
        "np.histogram": lambda u: np.histogram(u)[0] * u[0],
        "np.percentile": lambda u: np.percentile(u, 30),
        "np.gradient": lambda u: np.gradient(u),
        "int(s)": lambda s: int(s * 10) * s,
        "array of floats as a target": lambda s: np.arange(3).astype(float).__setitem__(0, s),
    }
    return [*(Feature(n, f) for n, f in rows.items()), *(Feature(n, f, refused=True) for n, f in refused.items())]


FEATURES = _features()
