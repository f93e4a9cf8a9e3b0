"""Layers with a forward and a backward pass, the shapes of what they are given, and where their gradients are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """The text of a class, shapes of its input, and parameter → attribute with its gradient."""

    text: str
    shapes: tuple[Shape, ...]
    gradients: Mapping[str, str] = field(default_factory=dict)


LAYERS: dict[str, Layer] = {
    "Dense": Layer(
        """
class Dense:
    def __init__(self, n_in=3, n_out=4):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dout @ self.W.T
""",
        ((5, 3), (2, 3)), {"W": "dW", "b": "db"},
    ),
    "BatchNorm": Layer(
        """
class BatchNorm:
    def __init__(self, D=3):
        self.gamma = np.random.randn(D)
        self.beta = np.random.randn(D)
    def forward(self, x):
        self.c = x - x.mean(axis=0)
        self.s = np.sqrt(np.mean(self.c ** 2, axis=0) + 1e-5)
        self.n = self.c / self.s
        return self.gamma * self.n + self.beta
    def backward(self, dout):
        N = dout.shape[0]
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.n * dout, axis=0)
        d = self.gamma * dout
        e = d / self.s
        var = -0.5 * np.sum(d * self.c, axis=0) / self.s ** 3
        e += 2.0 / N * self.c * var
        return e - np.sum(e, axis=0) / N
""",
        ((5, 3), (4, 3)), {"gamma": "dgamma", "beta": "dbeta"},
    ),
    "Swish": Layer(
        """
class Swish:
    def __init__(self, slope=1.5):
        self.k = slope
    def forward(self, x):
        self.x = x
        self.s = 1 / (1 + np.exp(-self.k * x))
        return x * self.s
    def backward(self, dout):
        return dout * (self.s + self.k * self.x * self.s * (1 - self.s))
""",
        ((4, 3), (2, 5)),
    ),
    "Softmax": Layer(
        """
class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y
    def backward(self, dout):
        d = self.y * dout
        return d - self.y * d.sum(axis=1, keepdims=True)
""",
        ((4, 3), (2, 5)),
    ),
    "MeanPool": Layer(
        """
class MeanPool:
    def forward(self, x):
        self.shape = x.shape
        n, h, w = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
    def backward(self, dout):
        n, h, w = self.shape
        dx = np.zeros(self.shape)
        for i in range(h):
            for j in range(w):
                dx[:, i, j] = dout[:, i // 2, j // 2] / 4
        return dx
""",
        ((2, 4, 4), (3, 2, 6)),
    ),
    "Gate": Layer(
        """
class Gate:
    def __init__(self, D=3, H=4):
        self.W = np.random.randn(D, H) * 0.5
        self.U = np.random.randn(D, H) * 0.5
        self.b = np.zeros(H)
    def forward(self, x):
        self.x = x
        self.g = 1 / (1 + np.exp(-(x @ self.W + self.b)))
        self.h = np.tanh(x @ self.U)
        return self.g * self.h
    def backward(self, delta):
        dg = delta * self.h * self.g * (1 - self.g)
        dh = delta * self.g * (1 - self.h ** 2)
        self.dW = self.x.T @ dg
        self.dU = self.x.T @ dh
        self.db = dg.sum(axis=0)
        return dg @ self.W.T + dh @ self.U.T
""",
        ((5, 3), (2, 3)), {"W": "dW", "U": "dU", "b": "db"},
    ),
    "Conv": Layer(
        """
class Conv:
    def __init__(self, n_in=2, n_out=3, size=2):
        self.W = np.random.randn(n_out, n_in, size)
        self.b = np.random.randn(n_out)
    def forward(self, x):
        self.x = x
        f = self.W.shape[2]
        out = np.zeros((x.shape[0], self.W.shape[0], x.shape[2] - f + 1))
        for k in range(out.shape[2]):
            out[:, :, k] = np.einsum("ncf,ocf->no", x[:, :, k:k + f], self.W) + self.b
        return out
    def backward(self, grad_output):
        f = self.W.shape[2]
        dx = np.zeros_like(self.x)
        self.dW = np.zeros_like(self.W)
        for k in range(grad_output.shape[2]):
            self.dW += np.einsum("no,ncf->ocf", grad_output[:, :, k], self.x[:, :, k:k + f])
            dx[:, :, k:k + f] += np.einsum("no,ocf->ncf", grad_output[:, :, k], self.W)
        self.db = grad_output.sum(axis=(0, 2))
        return dx

example = {"x": np.random.default_rng(3).normal(size=(2, 2, 5))}
""",
        ((2, 2, 5), (3, 2, 4)), {"W": "dW", "b": "db"},
    ),
}  # fmt: skip
