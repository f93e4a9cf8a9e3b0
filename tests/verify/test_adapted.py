"""Arguments that the failures of code tell: files without an example whose arrays no name says, each right and with a mistake."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from symbackprop.cli import cli
from symbackprop.verify.binding.tables import is_table
from symbackprop.verify.passes.inventing.adapted import adapted

HEAD = "import numpy as np\n"
FILES: dict[str, tuple[str, str, str]] = {
    "a constant of the file says the rows": (
        """
OFFSETS = np.sin(np.arange(5)[:, None] / 10.0 ** np.arange(4)[None, :])
def loss(x, W, b, t):
    y = np.tanh((x + OFFSETS) @ W + b)
    return 0.5 * np.mean(np.sum((y - t) ** 2, axis=1))
def grad(x, W, b, t):
    h = x + OFFSETS
    y = np.tanh(h @ W + b)
    d = (y - t) * (1 - y * y) / len(x)
    return {"W": h.T @ d, "b": d.sum(0)}
""",
        "(1 - y * y)",
        "(1 - y)",
    ),
    "a scale for each column takes the shape of its gradient": (
        """
def loss(V, g, X, t):
    W = g * V / np.linalg.norm(V, axis=0)
    return np.mean((X @ W - t) ** 2)
def grad(V, g, X, t):
    n = np.linalg.norm(V, axis=0)
    y = X @ (g * V / n)
    dW = 2 * X.T @ (y - t) / y.size
    dg = np.sum(dW * V / n, axis=0)
    return g / n * dW - g * dg / n**2 * V, dg
""",
        "g * dg / n**2 * V",
        "g * dg / n * V",
    ),
    "all parameters in one vector": (
        """
def cost(theta, X, y, n_hidden, n_labels, lam):
    n, m = X.shape[1], len(X)
    T1 = theta[: n_hidden * (n + 1)].reshape(n_hidden, n + 1)
    T2 = theta[n_hidden * (n + 1):].reshape(n_labels, n_hidden + 1)
    A2 = np.c_[np.ones(m), 1 / (1 + np.exp(-np.c_[np.ones(m), X] @ T1.T))]
    H, Y = 1 / (1 + np.exp(-A2 @ T2.T)), np.eye(n_labels)[y]
    J = -np.sum(Y * np.log(H) + (1 - Y) * np.log(1 - H)) / m
    return J + lam / (2 * m) * (np.sum(T1[:, 1:] ** 2) + np.sum(T2[:, 1:] ** 2))
def cost_gradient(theta, X, y, n_hidden, n_labels, lam):
    n, m = X.shape[1], len(X)
    T1 = theta[: n_hidden * (n + 1)].reshape(n_hidden, n + 1)
    T2 = theta[n_hidden * (n + 1):].reshape(n_labels, n_hidden + 1)
    A1 = np.c_[np.ones(m), X]
    A2 = np.c_[np.ones(m), 1 / (1 + np.exp(-A1 @ T1.T))]
    d3 = 1 / (1 + np.exp(-A2 @ T2.T)) - np.eye(n_labels)[y]
    d2 = d3 @ T2[:, 1:] * A2[:, 1:] * (1 - A2[:, 1:])
    G1, G2 = d2.T @ A1 / m, d3.T @ A2 / m
    G1[:, 1:] += lam / m * T1[:, 1:]
    G2[:, 1:] += lam / m * T2[:, 1:]
    return np.concatenate([G1.ravel(), G2.ravel()])
""",
        "G2[:, 1:] += lam / m * T2[:, 1:]",
        "G2 += lam / m * T2",
    ),
    "four gates side by side": (
        """
def cell_forward(xs, h, c, Wx, Wh, b):
    (T, N, D), H, hs, kept = xs.shape, h.shape[1], [], []
    for t in range(T):
        a = xs[t] @ Wx + h @ Wh + b
        i, f, o = (1 / (1 + np.exp(-a[:, k * H : (k + 1) * H])) for k in range(3))
        g, before = np.tanh(a[:, 3 * H :]), (h, c)
        c = f * c + i * g
        h = o * np.tanh(c)
        kept.append((xs[t], *before, i, f, o, g, np.tanh(c)))
        hs.append(h)
    return np.stack(hs), (kept, Wx, Wh)
def cell_backward(dhs, cache):
    kept, Wx, Wh = cache
    T, N, H = dhs.shape
    dWx, dWh, db, dxs = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(4 * H), np.zeros((T, N, len(Wx)))
    dh, dc = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        x, h0, c0, i, f, o, g, tc = kept[t]
        dh = dhs[t] + dh
        dc = dc + dh * o * (1 - tc ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * c0 * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g ** 2)])
        dxs[t], dh, dc = da @ Wx.T, da @ Wh.T, dc * f
        dWx += x.T @ da
        dWh += h0.T @ da
        db += da.sum(0)
    return dxs, dh, dc, dWx, dWh, db
""",
        "dhs[t] + dh\n",
        "dhs[t]\n",
    ),
    "a table that the object holds, and pictures": (
        """
class Normalised:
    def __init__(self):
        self.mean = np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
        self.std = np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
        self.W = np.random.randn(6, 3) * 0.1
    def forward(self, img):
        self.n = (img - self.mean) / self.std
        return np.einsum("oc,bchw->bohw", self.W, self.n)
    def backward(self, g):
        self.dW = np.einsum("bohw,bchw->oc", g, self.n)
        return np.einsum("oc,bohw->bchw", self.W, g) / self.std
""",
        ', self.n)\n        return np.einsum("oc,bohw',
        ', self.n + self.mean)\n        return np.einsum("oc,bohw',
    ),
    "steps of a sequence, and a table of their places": (
        """
def waves(T, d):
    angle = np.arange(T)[:, None] / 10000.0 ** (2 * (np.arange(d)[None, :] // 2) / d)
    found = np.zeros((T, d))
    found[:, 0::2], found[:, 1::2] = np.sin(angle[:, 0::2]), np.cos(angle[:, 1::2])
    return found
class Placed:
    def __init__(self, d=4, T=5, k=3):
        self.W = np.random.randn(d, k) * 0.1
        self.pe = waves(T, d)
        self.b = np.zeros(k)
    def forward(self, x):
        self.h = x + self.pe
        return self.h @ self.W + self.b
    def backward(self, dout):
        self.dW = np.einsum("btd,btk->dk", self.h, dout)
        self.db = dout.sum(axis=(0, 1))
        return dout @ self.W.T
""",
        "self.h, dout)",
        "self.h - self.pe, dout)",
    ),
    "what both passes take under the name of a rate": (
        """
def focal(z, y, gamma=2.0, alpha=0.25):
    p = 1 / (1 + np.exp(-z))
    pt, a = np.where(y == 1, p, 1 - p), np.where(y == 1, alpha, 1 - alpha)
    return np.sum(-a * (1 - pt) ** gamma * np.log(pt))
def focal_grad(z, y, gamma=2.0, alpha=0.25):
    p = 1 / (1 + np.exp(-z))
    pt, a = np.where(y == 1, p, 1 - p), np.where(y == 1, alpha, 1 - alpha)
    return np.where(y == 1, 1, -1) * a * (1 - pt) ** gamma * (gamma * pt * np.log(pt) + pt - 1)
""",
        "(gamma * pt * np.log(pt) + pt - 1)",
        "(gamma * np.log(pt) + pt - 1)",
    ),
    "a slope that only forward has a value for": (
        """
def leaky(x, alpha=0.01):
    return np.where(x > 0, x, alpha * x)
def leaky_backward(dout, x, alpha):
    return dout * np.where(x > 0, 1, alpha)
""",
        "np.where(x > 0, 1, alpha)",
        "np.where(x > 0, 1, 0)",
    ),
    "one slope by default, the same in both": (
        """
def elu_forward(x, alpha=1.3):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1)), x
def elu_backward(dout, cache, alpha=1.3):
    return dout * np.where(cache > 0, 1, alpha * np.exp(cache))
""",
        "cache, alpha=1.3",
        "cache, alpha=1.0",
    ),
    "the file's own call says the arguments": (
        """
def objective(P, Q, bu, bi, mu, users, items, ratings, lam):
    err = ratings - (mu + bu[users] + bi[items] + np.sum(P[users] * Q[items], axis=1))
    return 0.5 * np.sum(err ** 2) + 0.5 * lam * (np.sum(P ** 2) + np.sum(Q ** 2) + np.sum(bu ** 2) + np.sum(bi ** 2))
def gradient(P, Q, bu, bi, mu, users, items, ratings, lam):
    err = ratings - (mu + bu[users] + bi[items] + np.sum(P[users] * Q[items], axis=1))
    gP, gQ, gbu, gbi = lam * P, lam * Q, lam * bu, lam * bi
    np.add.at(gP, users, -err[:, None] * Q[items])
    np.add.at(gQ, items, -err[:, None] * P[users])
    np.add.at(gbu, users, -err)
    np.add.at(gbi, items, -err)
    return gP, gQ, gbu, gbi
if __name__ == "__main__":
    users, items = np.random.randint(0, 6, 20), np.random.randint(0, 5, 20)
    ratings = np.random.randint(1, 6, 20).astype(float)
    P, Q, bu, bi = np.random.randn(6, 2), np.random.randn(5, 2), np.zeros(6), np.zeros(5)
    for epoch in range(1000000):
        gP, gQ, gbu, gbi = gradient(P, Q, bu, bi, ratings.mean(), users, items, ratings, 0.02)
        P -= 0.01 * gP
""",
        "np.add.at(gbi, items, -err)",
        "gbi[items] += -err",
    ),
    "weights in a dictionary of the file": (
        """
def run(p, xs):
    h, tape = np.zeros(len(p["b"])), []
    for x in xs:
        tape.append((h, x))
        h = np.tanh(p["U"] @ h + p["W"] @ x + p["b"])
    return h, tape
def sq_loss(p, xs, target):
    return 0.5 * np.sum((p["V"] @ run(p, xs)[0] - target) ** 2)
def sq_loss_grad(p, xs, target):
    h, tape = run(p, xs)
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    dy = p["V"] @ h - target
    grads["V"] += np.outer(dy, h)
    dh = p["V"].T @ dy
    for before, x in reversed(tape):
        da = dh * (1 - h ** 2)
        grads["U"] += np.outer(da, before)
        grads["W"] += np.outer(da, x)
        grads["b"] += da
        dh, h = p["U"].T @ da, before
    return grads
p = {"U": np.arange(9.0).reshape(3, 3) / 8, "W": np.arange(6.0).reshape(3, 2) / 7, "b": np.arange(3) / 9, "V": np.ones((2, 3))}
xs, target = np.arange(8.0).reshape(4, 2) / 9, np.array([0.5, -1.0])
""",
        'p["U"].T @ da',
        'p["U"] @ da',
    ),
    "lists of gradients like the lists of the object": (
        """
class Network:
    def __init__(self, sizes=[3, 4, 3, 2]):
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
    def cost(self, x, y):
        for b, w in zip(self.biases, self.weights):
            x = 1 / (1 + np.exp(-(w @ x + b)))
        return 0.5 * np.sum((x - y) ** 2)
    def backprop(self, x, y):
        a = [x]
        for b, w in zip(self.biases, self.weights):
            a.append(1 / (1 + np.exp(-(w @ a[-1] + b))))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        nabla_b, nabla_w = [delta], [delta @ a[-2].T]
        for l in range(2, 4):
            delta = self.weights[-l + 1].T @ delta * a[-l] * (1 - a[-l])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ a[-l - 1].T)
        return nabla_b, nabla_w
""",
        "a[-l] * (1 - a[-l])",
        "(1 - a[-l])",
    ),
    "several shapes in a line of the docstring": (
        '''
def separable_forward(x, wd, wp, b):
    """depthwise, then pointwise

    x: (N, C, H, W)   wd: (C, k, k)   wp: (F, C)   b: (F,)"""
    k, (N, C, H, W) = wd.shape[1], x.shape
    mid = np.zeros((N, C, H - k + 1, W - k + 1))
    for i in range(H - k + 1):
        for j in range(W - k + 1):
            mid[:, :, i, j] = np.sum(x[:, :, i : i + k, j : j + k] * wd, axis=(2, 3))
    return np.einsum("fc,ncij->nfij", wp, mid) + b[:, None, None], (x, wd, wp, mid)
def separable_backward(dout, cache):
    x, wd, wp, mid = cache
    k, dwd, dx = wd.shape[1], np.zeros_like(wd), np.zeros_like(x)
    dmid = np.einsum("fc,nfij->ncij", wp, dout)
    for i in range(dmid.shape[2]):
        for j in range(dmid.shape[3]):
            g = dmid[:, :, i, j][:, :, None, None]
            dwd += np.sum(g * x[:, :, i : i + k, j : j + k], axis=0)
            dx[:, :, i : i + k, j : j + k] += g * wd
    return dx, dwd, np.einsum("nfij,ncij->fc", dout, mid), np.sum(dout, axis=(0, 2, 3))
''',
        "] += g * wd",
        "] = g * wd",
    ),
    "a graph in which everything is its own neighbour": (
        """
class Attention:
    def __init__(self, d=3, k=4):
        self.W, self.a, self.c = np.random.randn(d, k), np.random.randn(k), np.random.randn(k)
    def forward(self, X, adj):
        self.X, self.H = X, X @ self.W
        e = (self.H @ self.a)[:, None] + (self.H @ self.c)[None, :]
        e = np.where(adj > 0, e, -1e9)
        e = np.exp(e - e.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p @ self.H
    def backward(self, dout):
        dp, dH = dout @ self.H.T, self.p.T @ dout
        de = self.p * (dp - (self.p * dp).sum(axis=1, keepdims=True))
        row, col = de.sum(axis=1), de.sum(axis=0)
        self.da, self.dc = self.H.T @ row, self.H.T @ col
        dH += np.outer(row, self.a) + np.outer(col, self.c)
        self.dW = self.X.T @ dH
        return dH @ self.W.T
example = dict(X=np.arange(12.0).reshape(4, 3) / 7 - 1, adj=np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]))
""",
        "+ np.outer(col, self.c)",
        "+ np.outer(row, self.c)",
    ),
    "a slope that is a Jacobian": (
        """
def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)
def softmax_derivative(z):
    s = softmax(z).reshape(-1, 1)
    return np.diagflat(s) - np.dot(s, s.T)
""",
        "- np.dot(s, s.T)",
        "- np.dot(s, s.T) / 2",
    ),
    "a Jacobian of a column, filled in loops": (
        """
def scores(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)
def scores_gradient(z):
    s, N = scores(z), z.shape[0]
    D = np.zeros((N, N))
    for i in range(N):
        for j in range(N):
            D[i, j] = s[i, 0] * ((i == j) - s[j, 0])
    return D
""",
        "((i == j) - s[j, 0])",
        "((i == j) - s[i, 0])",
    ),
    "a Jacobian with a column for each output": (
        """
def taken(z, A=np.arange(9.0).reshape(3, 3) / 7 - 0.5):
    return np.tanh(A @ z)
def taken_grad(z, A=np.arange(9.0).reshape(3, 3) / 7 - 0.5):
    return A.T * (1 - np.tanh(A @ z) ** 2)
""",
        "A.T * (1 - np.tanh(A @ z) ** 2)",
        "A.T * (1 - np.tanh(A @ z))",
    ),
    "a softmax over columns, without a word of the target": (
        """
def loss(W, b, X, Y):
    Z = W @ X + b
    E = np.exp(Z - Z.max(axis=0, keepdims=True))
    return -np.sum(Y * np.log(E / E.sum(axis=0, keepdims=True))) / X.shape[1]
def grad(W, b, X, Y):
    Z = W @ X + b
    E = np.exp(Z - Z.max(axis=0, keepdims=True))
    dZ = (E / E.sum(axis=0, keepdims=True) - Y) / X.shape[1]
    return dZ @ X.T, dZ.sum(axis=1, keepdims=True)
""",
        "- Y) / X.shape[1]",
        "- Y) / X.shape[0]",
    ),
    "one-hot columns that may be one-hot rows as well": (
        """
def loss(W, X, Y):
    E = np.exp(W @ X)
    return -np.sum(Y * np.log(E / E.sum(axis=0, keepdims=True))) / X.shape[1]
def grad(W, X, Y):
    E = np.exp(W @ X)
    return (E / E.sum(axis=0, keepdims=True) - Y) @ X.T / X.shape[1]
example = dict(W=np.arange(6.0).reshape(3, 2) / 7, X=np.arange(6.0).reshape(2, 3) / 5, Y=np.eye(3)[[1, 0, 2]])
""",
        "/ E.sum(axis=0, keepdims=True) - Y",
        "/ E.sum(axis=1, keepdims=True) - Y",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_right_and_wrong_are_told_where_no_name_says_the_shapes(name: str, tmp_path: Path) -> None:
    right, old, new = FILES[name]
    assert right.count(old) == 1
    for text, code in ((right, 0), (right.replace(old, new), 1)):
        file = tmp_path / "code.py"
        file.write_text(HEAD + text, encoding="utf-8")
        result = CliRunner().invoke(cli, ["check", str(file)])
        assert result.exit_code == code, result.output


def test_sizes_that_differ_become_one() -> None:
    weights, data = np.zeros((7, 2)), np.zeros((4, 3))
    found = next(adapted([{"x": data}], lambda values: values["x"] @ weights, lambda key: False))
    assert found.shape == (4, 2)


def test_what_no_size_mends_is_given_up() -> None:
    def fails(values: dict[str, object]) -> None:
        raise RuntimeError("operands could not be broadcast together with shapes (4,3) (5,3)")

    assert list(adapted([{"x": np.zeros((4, 3))}], fails, lambda key: False)) == []


def test_nothing_is_decided_where_the_derivation_goes_through_infinity(tmp_path: Path) -> None:
    file = tmp_path / "ordinal.py"
    text = """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def nll(w, a, X, y):
    c = np.concatenate([[-np.inf], a, [np.inf]])
    return -np.mean(np.log(sigmoid(c[y + 1] - X @ w) - sigmoid(c[y] - X @ w)))
def nll_grad(w, a, X, y):
    c = np.concatenate([[-np.inf], a, [np.inf]])
    up, low = sigmoid(c[y + 1] - X @ w), sigmoid(c[y] - X @ w)
    d = (up * (1 - up) - low * (1 - low)) / (up - low) / len(y)
    return {"w": X.T @ d}
example = dict(w=np.array([0.3, -0.2]), a=np.array([-0.5, 0.4]), X=np.arange(8.0).reshape(4, 2) / 9, y=np.array([0, 1, 2, 1]))
"""
    file.write_text(HEAD + text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", f"{file}:nll", f"{file}:nll_grad", "--wrt", "w"])
    assert "not decided" in result.output
    assert "differs" not in result.output
    assert result.exit_code == 1  # no verdict is no success


def test_a_file_that_waits_does_not_keep_its_check_waiting(tmp_path: Path) -> None:
    file = tmp_path / "waits.py"
    calls = "    name = input()\n    time.sleep(10000)\n    objective(np.array([0.5, 2.0]), {'at': 1})\n"
    text = """
import time
def loss(w, where):
    return float(w[where["at"]] ** 3)
def grad(w, where):
    d = np.zeros(len(w))
    d[where["at"]] = 3 * w[where["at"]] ** 2
    return d
def objective(w, where):
    return loss(w, where), grad(w, where)
if __name__ == "__main__":
"""
    file.write_text(HEAD + text + calls, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", f"{file}:loss", f"{file}:grad", "--timeout", "60", "--wrt", "w"])
    assert result.exit_code == 0, result.output


TABLES = {
    "self.t = np.linspace(0, 1, 4)": True,
    "self.t = waves(4)": True,
    "n = np.arange(4)\n        self.t = n / 3": True,
    "self.t = np.zeros(4)": False,  # a parameter begins so
    "self.t = np.random.randn(4)": False,
    "self.t = drawn(4)": False,
    "n = drawn(4)\n        self.t = n / 3": False,
    "self.W = np.linspace(0, 1, 4)": False,  # called like a weight
    "self.t = np.load('t.npy') if False else np.arange(4) / 3": False,  # what comes from outside may be trained
}


@pytest.mark.parametrize("line", TABLES)
def test_a_table_is_told_from_a_parameter(line: str, tmp_path: Path) -> None:
    file = tmp_path / "held.py"
    text = f"{HEAD}def waves(n):\n    return np.sin(np.arange(n))\ndef drawn(n):\n    return np.random.rand(n)\n"
    file.write_text(f"{text}class Held:\n    def __init__(self):\n        {line}\n", encoding="utf-8")
    names: dict[str, type] = {}
    code = compile(file.read_text(encoding="utf-8"), str(file), "exec")
    types.FunctionType(code, names)()
    held = names["Held"]()
    assert is_table(held, next(iter(vars(held)))) is TABLES[line]


INTERVALS = """
class Bounds:
    def __init__(self, ins=3, hidden=5, levels=(0.2, 0.5, 0.8)):
        self.levels = np.array(levels)
        self.b = np.random.randn(len(levels))
        self.W1, self.W2 = np.random.randn(ins, hidden), np.random.randn(hidden, len(levels))
    def predict(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        return self.h @ self.W2 + self.b
    def loss(self, x, targets):
        off = targets[:, None] - self.predict(x)
        return np.sum(np.maximum(self.levels * off, (self.levels - 1) * off)) / len(targets)
    def gradient(self, x, targets):
        off = targets[:, None] - self.predict(x)
        d = np.where(off > 0, -self.levels, 1 - self.levels) / len(targets)
        dh = (d @ self.W2.T) * (1 - self.h ** 2)
        return {"W2": self.h.T @ d, "b": d.sum(axis=0), "W1": self.x.T @ dh}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dh = (d @ self.W2.T) *", "dh = d @ self.W2.T #"),
        ("(1 - self.h ** 2)", "(1 - self.h)"),
        ("self.h.T @ d", "-self.h.T @ d"),
    ],
)
def test_wrong_code_is_shown_with_targets_that_give_every_gradient_its_shape(old: str, new: str, tmp_path: Path) -> None:
    assert INTERVALS.count(old) == 1
    file = tmp_path / "code.py"
    file.write_text(HEAD + INTERVALS.replace(old, new), encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert "differs" in result.output
    assert "shape (" not in result.output
    assert "proved with this change" in result.output
