"""The layers that are timed: each as a network, as an expert writes its gradients in numpy, and as a loss for the peers.

An expert is given what the derived function is given and returns what it returns. A loss first takes its library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sympy import Expr, Piecewise, Sum, exp, tanh

from benchmarks.large import transformer
from symbackprop import Network, gelu_tanh, layers

Values = dict[str, Any]
Result = tuple[float, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer at the sizes it is timed at; `loss(xp, values)` is None where the peers write it otherwise."""

    title: str
    build: Callable[[], tuple[Network, Expr]]
    sizes: Mapping[str, int]
    expert: Callable[..., Result]
    loss: Callable[[Any, Values], Any] | None = None

    def values(self, network: Network, seed: int = 1) -> Values:
        """Return random values of every declared name; targets of a cross-entropy are one-hot."""
        rng = np.random.default_rng(seed)
        found: Values = {}
        for node in network.nodes.values():
            if node.defined:
                continue
            shape = tuple(int(extent.subs({s: self.sizes[s.name] for s in extent.free_symbols})) for extent in node.shape)
            if node.name == "eps":
                found[node.name] = 1e-5
            elif node.name == "t" and network.facts:
                found[node.name] = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
            else:
                found[node.name] = rng.normal(size=shape) / np.sqrt(shape[0] if node.role.value == "parameter" else 1)
        return found


# ---- networks ------------------------------------------------------------------------------------------------------------


def mlp(activation: Any = tanh) -> tuple[Network, Expr]:
    """A layer with an activation, a second one, softmax and cross-entropy."""
    net = Network("MLP")
    n, i, j, k, _ = net.indices("n:N i:D j:H k:K m:K")
    h = layers.dense(net, "h", net.input("X", n, i), (n, i), j, activation=activation)
    z = layers.dense(net, "z", h, (n, j), k)
    return net, layers.cross_entropy(net, "E", layers.softmax(net, "p", z, (n, k)), net.target("t", n, k), (n, k))


def softmax_regression() -> tuple[Network, Expr]:
    """One layer, softmax and cross-entropy."""
    net = Network("softmax regression")
    n, i, k, _ = net.indices("n:N i:D k:K m:K")
    z = layers.dense(net, "z", net.input("X", n, i), (n, i), k)
    return net, layers.cross_entropy(net, "E", layers.softmax(net, "p", z, (n, k)), net.target("t", n, k), (n, k))


def normalised(layer: Callable[..., Any]) -> Callable[[], tuple[Network, Expr]]:
    """A layer or batch norm of a parameter, with the squared error."""

    def build() -> tuple[Network, Expr]:
        net = Network("norm")
        n, i = net.indices("n:N i:D")
        y = layer(net, "y", net.parameter("x", n, i), (n, i), net.constant("eps"))
        return net, layers.mean_squared_error(net, "E", y, net.target("t", n, i), (n, i))

    return build


def attention() -> tuple[Network, Expr]:
    """One head of self-attention."""
    net = Network("attention")
    a, _, _, d, h = net.indices("a:T b:T q:T d:D h:H")
    y = layers.attention(net, "y", net.parameter("x", a, d), (a, d), h)
    return net, layers.mean_squared_error(net, "E", y, net.target("t", a, h), (a, h))


def lstm_cell() -> tuple[Network, Expr]:
    """One step of an LSTM, with gradients for the state before it."""
    net = Network("LSTM cell")
    n, i, j, _ = net.indices("n:N i:D j:H k:H")
    h, _ = layers.lstm_cell(net, "L", net.input("x", n, i), net.parameter("h0", n, j), net.parameter("c0", n, j), (n, i), j)
    return net, layers.mean_squared_error(net, "E", h, net.target("t", n, j), (n, j))


def conv2d() -> tuple[Network, Expr]:
    """A convolution of images, with the gradient for the images."""
    net = Network("conv2d")
    n, c, r, q, o, u, v = net.indices("n:N c:C r:R q:Q o:O u:F v:G")
    s, p = net.indices("s:R-F+1 p:Q-G+1")
    y = layers.conv2d(net, "y", net.parameter("x", n, c, r, q), (n, c, r, q), o, (s, p), (u, v))
    return net, net.define("E", Sum((y[n, o, s, p] - net.target("t", n, o, s, p)[n, o, s, p]) ** 2, n, o, s, p))


def gelu_mlp() -> tuple[Network, Expr]:
    """Two layers with GELU between them and the squared error."""
    net = Network("GELU MLP")
    n, i, j, k = net.indices("n:N i:D j:H k:K")
    h = layers.dense(net, "h", net.input("X", n, i), (n, i), j, activation=gelu_tanh)
    z = layers.dense(net, "z", h, (n, j), k)
    return net, net.define("E", Sum((z[n, k] - net.target("t", n, k)[n, k]) ** 2, n, k))


def pairwise_distances() -> tuple[Network, Expr]:
    """A kernel of squared distances between two sets of points."""
    net = Network("pairwise distances")
    n, k, d = net.indices("n:N k:K d:D")
    x, c, t = net.parameter("x", n, d), net.parameter("c", k, d), net.target("t", n, k)
    y = net.define("y", n, k, Sum((x[n, d] - c[k, d]) ** 2, d))
    p = net.define("p", n, k, exp(-y[n, k] / 100))
    return net, net.define("E", Sum((p[n, k] - t[n, k]) ** 2, n, k))


def bilinear() -> tuple[Network, Expr]:
    """A bilinear form for each output."""
    net = Network("bilinear form")
    n, i, j, k = net.indices("n:N i:D j:D k:K")
    x, y, W, t = net.input("x", n, i), net.input("y", n, j), net.parameter("W", k, i, j), net.target("t", n, k)
    z = net.define("z", n, k, Sum(x[n, i] * W[k, i, j] * y[n, j], i, j))
    return net, net.define("E", Sum((z[n, k] - t[n, k]) ** 2, n, k))


def prefix_sum() -> tuple[Network, Expr]:
    """Sums of all entries up to each place."""
    net = Network("prefix sum")
    a, b = net.indices("a:T b:T")
    x = net.parameter("x", b)
    y = net.define("y", a, Sum(Piecewise((x[b], b <= a), (0, True)), b))
    return net, net.define("E", Sum(y[a] ** 2, a))


# ---- experts -------------------------------------------------------------------------------------------------------------


def _softmax_cross_entropy(z: Any, t: Any) -> tuple[float, Any]:
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    s = e.sum(axis=1, keepdims=True)
    return -(t * (z - np.log(s))).sum() / len(z), (e / s - t) / len(z)


def mlp_expert(X: Any, t: Any, h_W: Any, h_b: Any, z_W: Any, z_b: Any) -> Result:
    a = np.tanh(X @ h_W + h_b)
    loss, d = _softmax_cross_entropy(a @ z_W + z_b, t)
    g = (d @ z_W.T) * (1 - a * a)
    return loss, {"h_W": X.T @ g, "h_b": g.sum(0), "z_W": a.T @ d, "z_b": d.sum(0)}


def softmax_regression_expert(X: Any, t: Any, z_W: Any, z_b: Any) -> Result:
    loss, d = _softmax_cross_entropy(X @ z_W + z_b, t)
    return loss, {"z_W": X.T @ d, "z_b": d.sum(0)}


def norm_expert(axis: int) -> Callable[..., Result]:
    def expert(x: Any, t: Any, eps: float, y_gamma: Any, y_beta: Any) -> Result:
        c = x - x.mean(axis, keepdims=True)
        r = 1 / np.sqrt((c * c).mean(axis, keepdims=True) + eps)
        h = c * r
        d = y_gamma * h + y_beta - t
        loss = (d * d).sum() / len(x)
        d *= 2 / len(x)
        g = d * y_gamma
        dx = r * (g - g.mean(axis, keepdims=True) - h * (g * h).mean(axis, keepdims=True))
        return loss, {"x": dx, "y_gamma": (d * h).sum(0), "y_beta": d.sum(0)}

    return expert


def attention_expert(x: Any, t: Any, y_WQ: Any, y_WK: Any, y_WV: Any) -> Result:
    scale = 1 / np.sqrt(y_WQ.shape[1])
    q, k, v = x @ y_WQ, x @ y_WK, x @ y_WV
    s = q @ k.T * scale
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    d = p @ v - t
    loss = (d * d).sum() / len(x)
    d *= 2 / len(x)
    dv, dp = p.T @ d, d @ v.T
    ds = p * (dp - (dp * p).sum(1, keepdims=True)) * scale
    dq, dk = ds @ k, ds.T @ q
    return loss, {"x": dq @ y_WQ.T + dk @ y_WK.T + dv @ y_WV.T, "y_WQ": x.T @ dq, "y_WK": x.T @ dk, "y_WV": x.T @ dv}


def lstm_expert(x: Any, h0: Any, c0: Any, t: Any, **P: Any) -> Result:
    z = {gate: x @ P[f"L_W{gate}"] + h0 @ P[f"L_U{gate}"] + P[f"L_b{gate}"] for gate in "ifog"}
    i, f, o = (1 / (1 + np.exp(-z[gate])) for gate in "ifo")
    g = np.tanh(z["g"])
    T = np.tanh(f * c0 + i * g)
    d = o * T - t
    loss = (d * d).sum() / len(x)
    d *= 2 / len(x)
    dc = d * o * (1 - T * T)
    dz = {"i": dc * g * i * (1 - i), "f": dc * c0 * f * (1 - f), "o": d * T * o * (1 - o), "g": dc * i * (1 - g * g)}
    found = {"c0": dc * f, "h0": sum(dz[gate] @ P[f"L_U{gate}"].T for gate in "ifog")}
    for gate in "ifog":
        found |= {f"L_W{gate}": x.T @ dz[gate], f"L_U{gate}": h0.T @ dz[gate], f"L_b{gate}": dz[gate].sum(0)}
    return loss, found


def block_expert(x: Any, eps: float, t: Any, **parameters: Any) -> Result:
    P = {name.removeprefix("B0_"): value for name, value in parameters.items()}
    (N, T, D), (G, _, H) = x.shape, P["WQ"].shape
    k, scale = np.sqrt(2 / np.pi), 1 / np.sqrt(H)

    def norm(z: Any, name: str) -> tuple[Any, Any, Any]:
        c = z - z.mean(-1, keepdims=True)
        r = 1 / np.sqrt((c * c).mean(-1, keepdims=True) + eps)
        return P[f"{name}_gamma"] * (c * r) + P[f"{name}_beta"], c * r, r

    def norm_back(d: Any, name: str, h: Any, r: Any) -> Any:
        found[f"{name}_gamma"], found[f"{name}_beta"] = (d * h).sum((0, 1)), d.sum((0, 1))
        g = d * P[f"{name}_gamma"]
        return r * (g - g.mean(-1, keepdims=True) - h * (g * h).mean(-1, keepdims=True))

    def rows(z: Any) -> Any:
        return z.reshape(N * T, -1)

    def merged(z: Any) -> Any:
        return z.transpose(0, 2, 1, 3).reshape(N * T, G * H)

    found: dict[str, Any] = {}
    y1, h1, r1 = norm(x, "norm1")
    Q, K, V = (y1[:, None] @ P[m] for m in ("WQ", "WK", "WV"))
    S = Q @ K.swapaxes(-1, -2) * scale
    A = np.exp(S - S.max(-1, keepdims=True))
    A /= A.sum(-1, keepdims=True)
    heads, Wo = merged(A @ V), P["Wo"].reshape(G * H, D)
    r = x + (heads @ Wo).reshape(x.shape)
    y2, h2, r2 = norm(r, "norm2")
    u = y2 @ P["W1"] + P["b1"]
    tanh_u = np.tanh(k * (u + 0.044715 * u * u * u))
    v = 0.5 * u * (1 + tanh_u)
    d = r + v @ P["W2"] + P["b2"] - t
    loss = (d * d).sum() / (N * T)
    d *= 2 / (N * T)
    found |= {"W2": rows(v).T @ rows(d), "b2": d.sum((0, 1))}
    du = d @ P["W2"].T * (0.5 * (1 + tanh_u) + 0.5 * u * (1 - tanh_u * tanh_u) * k * (1 + 0.134145 * u * u))
    found |= {"W1": rows(y2).T @ rows(du), "b1": du.sum((0, 1))}
    d += norm_back(du @ P["W1"].T, "norm2", h2, r2)
    found["Wo"] = (heads.T @ rows(d)).reshape(G, H, D)
    dO = (rows(d) @ Wo.T).reshape(N, T, G, H).transpose(0, 2, 1, 3)
    dA = dO @ V.swapaxes(-1, -2)
    dS = A * (dA - (dA * A).sum(-1, keepdims=True)) * scale
    dy = np.zeros((N * T, D))
    for m, slope in (("WQ", dS @ K), ("WK", dS.swapaxes(-1, -2) @ Q), ("WV", A.swapaxes(-1, -2) @ dO)):
        found[m] = (rows(y1).T @ merged(slope)).reshape(D, G, H).transpose(1, 0, 2)
        dy += merged(slope) @ P[m].transpose(0, 2, 1).reshape(G * H, D)
    d += norm_back(dy.reshape(x.shape), "norm1", h1, r1)
    return loss, {"x": d} | {f"B0_{name}": slope for name, slope in found.items()}


def conv_expert(x: Any, t: Any, y_W: Any, y_b: Any) -> Result:
    (N, C, _, _), (channels, _, F, G) = x.shape, y_W.shape
    windows = sliding_window_view(x, (F, G), axis=(2, 3))
    S, P = windows.shape[2:4]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * S * P, -1)
    d = (columns @ y_W.reshape(channels, -1).T + y_b).reshape(N, S, P, channels) - t.transpose(0, 2, 3, 1)
    loss = (d * d).sum()
    D = 2 * d.reshape(-1, channels)
    back = (D @ y_W.reshape(channels, -1)).reshape(N, S, P, C, F, G)
    dx = np.zeros_like(x)
    for u in range(F):
        for v in range(G):
            dx[:, :, u : u + S, v : v + P] += back[..., u, v].transpose(0, 3, 1, 2)
    return loss, {"x": dx, "y_W": (D.T @ columns).reshape(y_W.shape), "y_b": D.sum(0)}


def gelu_expert(X: Any, t: Any, h_W: Any, h_b: Any, z_W: Any, z_b: Any) -> Result:
    k = np.sqrt(2 / np.pi)
    u = X @ h_W + h_b
    T = np.tanh(k * (u + 0.044715 * u * u * u))
    h = 0.5 * u * (1 + T)
    d = h @ z_W + z_b - t
    loss = (d * d).sum()
    d *= 2
    g = (d @ z_W.T) * (0.5 * (1 + T) + 0.5 * u * (1 - T * T) * k * (1 + 0.134145 * u * u))
    return loss, {"h_W": X.T @ g, "h_b": g.sum(0), "z_W": h.T @ d, "z_b": d.sum(0)}


def distances_expert(x: Any, c: Any, t: Any) -> Result:
    y = (x * x).sum(1)[:, None] - 2 * (x @ c.T) + (c * c).sum(1)
    p = np.exp(-0.01 * y)
    d = p - t
    g = -0.02 * d * p
    return (d * d).sum(), {"x": 2 * (x * g.sum(1)[:, None] - g @ c), "c": 2 * (c * g.sum(0)[:, None] - g.T @ x)}


def bilinear_expert(x: Any, y: Any, W: Any, t: Any) -> Result:
    xy = (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)
    d = xy @ W.reshape(len(W), -1).T - t
    return (d * d).sum(), {"W": (2 * d.T @ xy).reshape(W.shape)}


def prefix_expert(x: Any) -> Result:
    y = np.cumsum(x)
    return (y * y).sum(), {"x": 2 * np.cumsum(y[::-1])[::-1]}


# ---- losses for the peers ------------------------------------------------------------------------------------------------


def _cross_entropy(xp: Any, z: Any, t: Any) -> Any:
    return -xp.sum(t * (z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)))) / t.shape[0]


def _mean_square(xp: Any, y: Any, t: Any) -> Any:
    return xp.sum((y - t) ** 2) / y.shape[0]


def mlp_loss(xp: Any, v: Values) -> Any:
    return _cross_entropy(xp, xp.tanh(v["X"] @ v["h_W"] + v["h_b"]) @ v["z_W"] + v["z_b"], v["t"])


def softmax_regression_loss(xp: Any, v: Values) -> Any:
    return _cross_entropy(xp, v["X"] @ v["z_W"] + v["z_b"], v["t"])


def norm_loss(axis: int) -> Callable[[Any, Values], Any]:
    def loss(xp: Any, v: Values) -> Any:
        c = v["x"] - xp.mean(v["x"], axis=axis, keepdims=True)
        s = xp.mean(c**2, axis=axis, keepdims=True)
        return _mean_square(xp, v["y_gamma"] * c / xp.sqrt(s + v["eps"]) + v["y_beta"], v["t"])

    return loss


def attention_loss(xp: Any, v: Values) -> Any:
    q, k, w = v["x"] @ v["y_WQ"], v["x"] @ v["y_WK"], v["x"] @ v["y_WV"]
    e = xp.exp(q @ k.T / np.sqrt(q.shape[1]))
    return _mean_square(xp, e / xp.sum(e, axis=1, keepdims=True) @ w, v["t"])


def lstm_loss(xp: Any, v: Values) -> Any:
    z = {gate: v["x"] @ v[f"L_W{gate}"] + v["h0"] @ v[f"L_U{gate}"] + v[f"L_b{gate}"] for gate in "ifog"}
    i, f, o = (1 / (1 + xp.exp(-z[gate])) for gate in "ifo")
    return _mean_square(xp, o * xp.tanh(f * v["c0"] + i * xp.tanh(z["g"])), v["t"])


LAYERS: Mapping[str, Layer] = {
    "MLP 784-128-10": Layer("MLP", mlp, {"N": 64, "D": 784, "H": 128, "K": 10}, mlp_expert, mlp_loss),
    "layer norm": Layer("layer norm", normalised(layers.layer_norm), {"N": 64, "D": 512}, norm_expert(1), norm_loss(1)),
    "batch norm": Layer("batch norm", normalised(layers.batch_norm), {"N": 64, "D": 512}, norm_expert(0), norm_loss(0)),
    "attention": Layer("attention", attention, {"T": 64, "D": 64, "H": 64}, attention_expert, attention_loss),
    "LSTM cell": Layer("LSTM cell", lstm_cell, {"N": 64, "D": 128, "H": 128}, lstm_expert, lstm_loss),
    "transformer block": Layer("transformer", lambda: transformer(1), {"N": 4, "T": 64, "D": 128, "G": 4, "H": 32, "F": 512},
                               block_expert),
    "softmax regression": Layer("softmax regression", softmax_regression, {"N": 10000, "D": 100, "K": 10},
                                softmax_regression_expert, softmax_regression_loss),
    "GELU MLP": Layer("GELU MLP", gelu_mlp, {"N": 256, "D": 64, "H": 512, "K": 10}, gelu_expert),
    "small conv2d": Layer("conv2d", conv2d, {"N": 16, "C": 1, "R": 28, "Q": 28, "O": 8, "F": 3, "G": 3}, conv_expert),
    "larger conv2d": Layer("conv2d", conv2d, {"N": 16, "C": 8, "R": 28, "Q": 28, "O": 16, "F": 3, "G": 3}, conv_expert),
    "pairwise distances": Layer("distances", pairwise_distances, {"N": 500, "K": 300, "D": 64}, distances_expert),
    "bilinear form": Layer("bilinear", bilinear, {"N": 200, "D": 40, "K": 20}, bilinear_expert),
    "prefix sum": Layer("prefix sum", prefix_sum, {"T": 4000}, prefix_expert),
}  # fmt: skip
