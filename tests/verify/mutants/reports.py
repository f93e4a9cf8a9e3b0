"""Public reports of mistakes in handwritten gradients, each made small again, with what is true of it.

A case is the text of a file with `loss`, `example` and `gradient`, the names of the gradients that are wrong, the number of the
line that has the mistake (counted by the mark `# here`), a piece of the line that mends it, and a piece of the reason.
"""

# ruff: noqa: E501, C408 - a table, a line for each case

from __future__ import annotations

from dataclasses import dataclass

HEAD = """import numpy as np

rng = np.random.default_rng(5)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


"""


@dataclass(frozen=True)
class Case:
    """One file, and what is true of it; `mend` and `reason` are empty where none is reached."""

    name: str
    source: str
    wrong: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()
    reason: str = ""
    wrt: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The whole file."""
        return HEAD + self.source.strip("\n") + "\n"

    @property
    def lines(self) -> set[int]:
        """The lines that are marked."""
        return {k for k, line in enumerate(self.text.splitlines(), 1) if "# here" in line}


SOFTMAX_SQUARES = """
def loss(X, W, b, T):
    return np.sum((softmax(X @ W + b) - T) ** 2) / len(X)


def gradient(X, W, b, T):
    P = softmax(X @ W + b)
    dP = 2 * (P - T) / len(X)
    dZ = {dZ}
    return {{"W": X.T @ dZ, "b": dZ.sum(axis=0)}}


example = dict(X=rng.normal(size=(4, 3)), W=rng.normal(size=(3, 5)), b=rng.normal(size=5), T=rng.normal(size=(4, 5)))
"""

POOL = """
def pool(x, size=2):
    out = np.zeros(len(x) - size + 1)
    for i in range(len(out)):
        out[i] = np.max(x[i : i + size])
    return out


def loss(x, r):
    return np.sum(pool(x) * r)


def gradient(x, r, size=2):
    dx = np.zeros_like(x)
    for i in range(len(r)):
        k = i + np.argmax(x[i : i + size])
        dx[k] {sign} r[i]  # here
    return {{"x": dx}}


example = dict(x=rng.normal(size=6), r=rng.normal(size=5))
"""

EMBEDDING = """
def loss(C, W, T):
    ids = np.array([1, 1, 3, 0])
    return np.sum((C[ids] @ W - T) ** 2) / 2


def gradient(C, W, T):
    ids = np.array([1, 1, 3, 0])
    e = C[ids] @ W - T
    dC = np.zeros_like(C)
    {scatter}  # here
    return {{"C": dC, "W": C[ids].T @ e}}


example = dict(C=rng.normal(size=(5, 2)), W=rng.normal(size=(2, 3)), T=rng.normal(size=(4, 3)))
"""

LAYERS = """
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = {dW}
        self.db = {db}
        return {dx}


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        return {slope}


def run(x, W1, b1, W2, b2):
    layers = [Affine(W1, b1), Tanh(), Affine(W2, b2)]
    for layer in layers:
        x = layer.forward(x)
    return layers, x


def loss(x, t, W1, b1, W2, b2):
    return np.sum((run(x, W1, b1, W2, b2)[1] - t) ** 2) / 2


def gradient(x, t, W1, b1, W2, b2):
    layers, y = run(x, W1, b1, W2, b2)
    d = y - t
    for layer in reversed(layers):
        d = layer.backward(d)
    return {{"W1": layers[0].dW, "b1": layers[0].db, "W2": layers[2].dW, "b2": layers[2].db}}


example = dict(x=rng.normal(size=(3, 4)), t=rng.normal(size=(3, 2)), W1=rng.normal(size=(4, 5)), b1=rng.normal(size=5),
               W2=rng.normal(size=(5, 2)), b2=rng.normal(size=2))
"""
RIGHT_LAYERS = dict(dW="self.x.T @ dout", db="dout.sum(axis=0)", dx="dout @ self.W.T", slope="dout * (1 - self.out**2)")
ALL = ("W1", "b1", "W2", "b2")

REGRESSION = """
def loss(w, x, t):
    return {loss}


def gradient(w, x, t):
    {before}
    return {{"w": {result}}}  # here


example = dict(w=rng.normal(size=3), x=rng.normal(size=(4, 3)), t={targets})
"""


def regression(loss: str, result: str, before: str = "e = x @ w - t", targets: str = "rng.normal(size=4)") -> str:
    return REGRESSION.format(loss=loss, result=result, before=before, targets=targets)


MEAN, HALF = "np.sum((x @ w - t) ** 2) / len(x)", "0.5 * np.sum((x @ w - t) ** 2)"
ENTROPY = "-np.sum(t * np.log(sigmoid(x @ w)) + (1 - t) * np.log(1 - sigmoid(x @ w)))"
LABELS = "np.array([0.0, 1.0, 1.0, 0.0])"

TIES = """
def loss(w, x, y):
    keep = y {stated} 3
    return np.sum(keep * (w * x - y) ** 2)


def gradient(w, x, y):
    keep = y {written} 3  # here
    return {{"w": np.sum(2 * keep * (w * x - y) * x)}}


example = dict(w=0.5, x=np.array([1.0, 2.0, 3.0, 4.0]), y=np.array([1.0, 2.0, 3.0, 4.0]))
"""

CONVOLUTION = """
def forward(x, w, s):
    f, g = w.shape
    y = np.zeros(((x.shape[0] - f) // s + 1, (x.shape[1] - g) // s + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(x[i * s : i * s + f, j * s : j * s + g] * w)
    return y


def loss(x, w, t):
    return np.sum((forward(x, w, 2) - t) ** 2) / 2


def gradient(x, w, t):
    s = 2
    f, g = w.shape
    dy = forward(x, w, s) - t
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range({rows}):  # here
        for j in range({columns}):  # here
            dx[i * s : i * s + f, j * s : j * s + g] += {dx}  # here
            dw += x[{window}] * dy[i, j]  # here
    return {{"x": dx, "w": dw}}


example = dict(x=rng.normal(size=(5, 7)), w=rng.normal(size=(3, 3)), t=rng.normal(size=(2, 3)))
"""
RIGHT_CONVOLUTION = dict(
    rows="dy.shape[0]", columns="dy.shape[1]", dx="w * dy[i, j]", window="i * s : i * s + f, j * s : j * s + g"
)

GRU = """
def loss(x, h, Wz, Wr, Wh, Uz, Ur, Uh, u):
    z = sigmoid(x @ Wz + h @ Uz)
    r = sigmoid(x @ Wr + h @ Ur)
    c = np.tanh(x @ Wh + (r * h) @ Uh)
    return np.sum(((1 - z) * h + z * c) * u)


def gradient(x, h, Wz, Wr, Wh, Uz, Ur, Uh, u):
    z = sigmoid(x @ Wz + h @ Uz)
    r = sigmoid(x @ Wr + h @ Ur)
    c = np.tanh(x @ Wh + (r * h) @ Uh)
    dc = u * z * (1 - c**2)
    dz = u * (c - h) * z * (1 - z)
    drh = dc @ Uh.T
    dr = drh * h * r * (1 - r)
    dh = {dh}  # here
    dUh = {dUh}  # here
    return {{"h": dh, "Uz": np.outer(h, dz), "Ur": np.outer(h, dr), "Uh": dUh}}


example = dict(x=rng.normal(size=2), h=rng.normal(size=3), u=rng.normal(size=3),
               **{{k: rng.normal(size=(2, 3)) for k in ("Wz", "Wr", "Wh")}}, **{{k: rng.normal(size=(3, 3)) for k in ("Uz", "Ur", "Uh")}})
"""
RIGHT_GRU = dict(dh="u * (1 - z) + dz @ Uz.T + drh * r + dr @ Ur.T", dUh="np.outer(r * h, dc)")

ATTENTION = """
def loss(Q, K, V, R):
    A = softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    return np.sum((A @ V) * R)


def gradient(Q, K, V, R):
    d = Q.shape[1]
    A = softmax(Q @ K.T / np.sqrt(d))
    dA = R @ V.T
    dS = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    dQ = {dQ}  # here
    dK = {dK}  # here
    return {{"Q": dQ, "K": dK, "V": A.T @ R}}


example = dict(Q=rng.normal(size=(3, 4)), K=rng.normal(size=(5, 4)), V=rng.normal(size=(5, 2)), R=rng.normal(size=(3, 2)))
"""
RIGHT_ATTENTION = dict(dQ="dS @ K / np.sqrt(d)", dK="dS.T @ Q / np.sqrt(d)")

RECURRENT = """
def states(xs, W, U):
    hs = [np.zeros(len(W))]
    for x in xs:
        hs.append(np.tanh(W @ hs[-1] + U @ x))
    return hs


def loss(xs, W, U, d):
    return np.sum(states(xs, W, U)[-1] * d)


def gradient(xs, W, U, d):
    hs = states(xs, W, U)
    dW, dU = np.zeros_like(W), np.zeros_like(U)
    for t in reversed(range(len(xs))):
        z = {z}
        dW {sign} np.outer(z, hs[t])
        dU += np.outer(z, xs[t])
        d = {d}
    return {{"W": dW, "U": dU}}


example = dict(xs=rng.normal(size=(3, 2)), W=rng.normal(size=(4, 4)), U=rng.normal(size=(4, 2)), d=rng.normal(size=4))
"""
RIGHT_RECURRENT = dict(z="(1 - hs[t + 1] ** 2) * d", sign="+=", d="W.T @ z")

CARRIED = """
def forward(xs, Wf, Wo):
    c, cache = np.zeros(Wf.shape[0]), []
    for x in xs:
        f, o = sigmoid(Wf @ x), sigmoid(Wo @ x)
        before, c = c, f * c + o
        cache.append((f, o, before, c))
    return cache


def loss(xs, Wf, Wo, T):
    return sum(np.sum((step[-1] - t) ** 2) / 2 for step, t in zip(forward(xs, Wf, Wo), T))


def gradient(xs, Wf, Wo, T):
    cache = forward(xs, Wf, Wo)
    dWf, dWo, dc_next = np.zeros_like(Wf), np.zeros_like(Wo), np.zeros(Wf.shape[0])
    for k in reversed(range(len(xs))):
        f, o, before, c = cache[k]
        dc = c - T[k] + dc_next
        df = {df}  # here
        dWf += np.outer(df, xs[k])
        dWo += np.outer(dc * o * (1 - o), xs[k])
        dc_prev = f * dc
        {carried}  # here
    return {{"Wf": dWf, "Wo": dWo}}


example = dict(xs=rng.normal(size=(3, 2)), T=rng.normal(size=(3, 4)), Wf=rng.normal(size=(4, 2)), Wo=rng.normal(size=(4, 2)))
"""

PADDED = """
def loss(x, w, pad, t):
    xp = np.pad(x, pad)
    y = np.array([np.sum(xp[i : i + len(w)] * w) for i in range(len(xp) - len(w) + 1)])
    return np.sum((y - t) ** 2) / 2


def gradient(x, w, pad, t):
    xp = np.pad(x, pad)
    n = len(xp) - len(w) + 1
    dy = np.array([np.sum(xp[i : i + len(w)] * w) for i in range(n)]) - t
    dxp = np.zeros_like(xp)
    for i in range(n):
        dxp[i : i + len(w)] += dy[i] * w
    return {{"x": dxp[pad:-pad]}}  # here


example = dict(x=rng.normal(size=5), w=rng.normal(size=3), pad={pad}, t=rng.normal(size={t}))
"""


def many(text: str, right: dict[str, str], **changed: str) -> str:
    return text.format(**{**right, **changed})


GATES = """
def sigmoid(a): return 1 / (1 + np.exp(-a))

def cell(x, h, Uz, Ur, Un):
    z, r = sigmoid(x + h @ Uz), sigmoid(x + h @ Ur)
    return z, r, np.tanh(x + (r * h) @ Un)

def loss(xs, h, Uz, Ur, Un, t):
    for x in xs:
        z, r, n = cell(x, h, Uz, Ur, Un)
        h = (1 - z) * n + z * h
    return 0.5 * np.sum((h - t) ** 2)

def gradient(xs, h, Uz, Ur, Un, t):
    grads = {{k: np.zeros_like(v) for k, v in (("Uz", Uz), ("Ur", Ur), ("Un", Un))}}
    seen = []
    for x in xs:
        z, r, n = cell(x, h, Uz, Ur, Un)
        seen.append((h, z, r, n))
        h = (1 - z) * n + z * h
    dh = h - t
    for hp, z, r, n in reversed(seen):
        dan = dh * (1 - z) * (1 - n ** 2)
        daz = dh * (hp - n) * z * (1 - z)
        drh = Un @ dan
        dar = drh * hp * r * (1 - r)
        grads["Un"] += np.outer(r * hp, dan)
        grads["Uz"] += np.outer(hp, daz)
        grads["Ur"] += np.outer(hp, dar)
        dh = dh * z + drh * r
        dh = {term}
    return grads

rng = np.random.default_rng(3)
example = dict(xs=rng.normal(size=(3, 2)), h=rng.normal(size=2), t=rng.normal(size=2))
example |= {{k: rng.normal(size=(2, 2)) for k in ("Uz", "Ur", "Un")}}
"""
STRIDED = """
def forward(x, w, stride=2):
    rows = (len(x) - len(w)) // stride + 1
    return np.array([x[k * stride:k * stride + len(w)] @ w for k in range(rows)])

def loss(x, w, t):
    return np.sum((np.tanh(forward(x, w)) - t) ** 2)

def gradient(x, w, t):
    stride = 2
    y = np.tanh(forward(x, w))
    dy = 2 * (y - t) * (1 - y ** 2)
    dw = np.zeros_like(w)
    for k in range(len(dy)):
        part = {part}
        dw += dy[k] * part
    return {{"w": dw}}

rng = np.random.default_rng(5)
example = dict(x=rng.normal(size=9), w=rng.normal(size=3), t=rng.normal(size=4))
"""
VIEW = """
def loss(v, U, t):
    return 0.5 * np.sum((U @ v - t) ** 2)

def gradient(v, U, t):
    W = U.copy()
    rows = {rows}
    e = U @ v - t
    W {taken} np.outer(e, v)
    return {{"v": e @ rows, "U": U - W}}

rng = np.random.default_rng(6)
example = dict(v=rng.normal(size=3), U=rng.normal(size=(4, 3)), t=rng.normal(size=4))
"""
WHOLE_BATCH = """
def by_row(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def loss(X, W, t):
    return -np.sum(t * np.log(by_row(X @ W))) / len(X)

def softmax(a):
    e = np.exp(a)
    return {softmax}

def gradient(X, W, t):
    return {{"W": X.T @ (softmax(X @ W) - t) / len(X)}}

rng = np.random.default_rng(7)
example = dict(X=rng.normal(size=(4, 3)), W=rng.normal(size=(3, 2)), t=np.eye(2)[[0, 1, 1, 0]])
"""

CASES: tuple[Case, ...] = (
    Case(
        "softmax, only the diagonal",
        SOFTMAX_SQUARES.format(dZ="dP * P * (1 - P)  # here"),
        ("W", "b"),
        ("P * (dP - (dP * P).sum(axis=1, keepdims=True))",),
        "belongs",
    ),
    Case(
        "softmax, other order",
        SOFTMAX_SQUARES.format(dZ="P * (1 - P) * dP  # here"),
        ("W", "b"),
        (".sum(axis=1, keepdims=True)",),
        "belongs",
    ),
    Case("softmax, right", SOFTMAX_SQUARES.format(dZ="P * (dP - (dP * P).sum(axis=1, keepdims=True))")),
    Case(
        "softmax, wrong axis",
        SOFTMAX_SQUARES.format(dZ="P * (dP - (dP * P).sum(axis=0, keepdims=True))  # here"),
        ("W", "b"),
        ("axis=1",),
        "axis=0",
    ),
    Case("pooling windows overlap", POOL.format(sign="="), ("x",), ("dx[k] += r[i]",), "must be added up"),
    Case("pooling, subtracted", POOL.format(sign="-="), ("x",), ("dx[k] += r[i]",), "sign"),
    Case("pooling, right", POOL.format(sign="+=")),
    Case(
        "an id stands twice",
        EMBEDDING.format(scatter="dC[ids] += e @ W.T"),
        ("C",),
        ("np.add.at(dC, ids, e @ W.T)",),
        "must be added up",
    ),
    Case("scattered right", EMBEDDING.format(scatter="np.add.at(dC, ids, e @ W.T)")),
    Case(
        "layer, mean for sum",
        many(LAYERS, RIGHT_LAYERS, db="dout.mean(axis=0)  # here"),
        ("b1", "b2"),
        ("self.db = dout.sum(axis=0)",),
        "1/len(x)",
    ),
    Case(
        "layer, square lost",
        many(LAYERS, RIGHT_LAYERS, slope="dout * (1 - self.out)  # here"),
        ("W1", "b1"),
        ("self.out ** 2",),
        "1 - ",
    ),
    Case("layer, right", many(LAYERS, RIGHT_LAYERS)),
    Case(
        "layer, sign",
        many(LAYERS, RIGHT_LAYERS, dW="-self.x.T @ dout  # here"),
        ("W1", "W2"),
        ("self.dW = self.x.T @ dout",),
        "opposite",
    ),
    Case("mean lost", regression(MEAN, "2 * x.T @ e"), ("w",), ("/ len(x)",), "a sum where the loss takes the mean over len(x)"),
    Case("mean twice", regression(MEAN, "2 * x.T @ e / len(x) / len(x)"), ("w",), ("2 * x.T @ e / len(x)",), "once too often"),
    Case(
        "root of a size", regression(MEAN, "2 * x.T @ e / len(x) * np.sqrt(x.shape[1])"), ("w",), ("2 * x.T @ e / len(x)",), "√"
    ),
    Case("half of a half", regression(HALF, "0.5 * x.T @ e"), ("w",), ('"w": x.T @ e',), "exactly 1/2"),
    Case(
        "twice an entropy",
        regression(ENTROPY, "2 * x.T @ e", "e = sigmoid(x @ w) - t", LABELS),
        ("w",),
        ('"w": x.T @ e',),
        "exactly 2",
    ),
    Case("entropy, right", regression(ENTROPY, "x.T @ e", "e = sigmoid(x @ w) - t", LABELS)),
    Case(
        "entropy with a slope too many",
        regression(ENTROPY, "x.T @ e", "e = (sigmoid(x @ w) - t) * sigmoid(x @ w) * (1 - sigmoid(x @ w))  # here", LABELS),
        ("w",),
        ("e = sigmoid(x @ w) - t",),
        "too many",
    ),
    Case("a tie", TIES.format(stated="<=", written="<"), ("w",), ("keep = y <= 3",), "belongs", ("w",)),
    Case("a tie, the other way", TIES.format(stated=">", written=">="), ("w",), ("keep = y > 3",), "belongs", ("w",)),
    Case("no tie", TIES.format(stated="<", written="<"), wrt=("w",)),
    Case(
        "height for width",
        many(CONVOLUTION, RIGHT_CONVOLUTION, columns="dy.shape[0]"),
        ("x", "w"),
        ("range(dy.shape[1])",),
        "last term",
    ),
    Case("stride left out", many(CONVOLUTION, RIGHT_CONVOLUTION, window="i : i + f, j : j + g"), ("w",), ("i * ",), "belongs"),
    Case("convolution, right", many(CONVOLUTION, RIGHT_CONVOLUTION)),
    Case("lost path", many(GRU, RIGHT_GRU, dh="u * (1 - z) + dz @ Uz.T + drh * r"), ("h",), ("+ dr @ Ur.T",), "is missing"),
    Case(
        "lost path and lost factor",
        many(GRU, RIGHT_GRU, dh="u * (1 - z) + dz @ Uz.T + drh * r", dUh="np.outer(h, dc)"),
        ("h", "Uh"),
        ("+ dr @ Ur.T", "np.outer(h * r, dc)"),
        "is missing",
    ),
    Case("cell, right", many(GRU, RIGHT_GRU)),
    Case("scale lost", many(ATTENTION, RIGHT_ATTENTION, dQ="dS @ K"), ("Q",), ("dS @ K / np.sqrt(d)",), "√"),
    Case("attention, right", many(ATTENTION, RIGHT_ATTENTION)),
    Case("W for its transpose", many(RECURRENT, RIGHT_RECURRENT, d="W @ z  # here"), ("W", "U"), ("d = W.T @ z",), "transpose"),
    Case(
        "assigned in time",
        many(RECURRENT, RIGHT_RECURRENT, sign="=").replace("hs[t])", "hs[t])  # here"),
        ("W",),
        ("dW += np.outer(z, hs[t])",),
        "must be added up",
    ),
    Case(
        "state of another step",
        many(RECURRENT, RIGHT_RECURRENT, z="(1 - hs[t] ** 2) * d  # here"),
        ("W", "U"),
        ("hs[t + 1]",),
        "belongs",
    ),
    Case("recurrent, right", many(RECURRENT, RIGHT_RECURRENT)),
    Case(
        "not carried on",
        CARRIED.format(df="dc * before * f * (1 - f)", carried="pass"),
        ("Wf", "Wo"),
        ("dc_next = dc_prev",),
        "carried",
    ),
    Case(
        "not carried on and a wrong slope",
        CARRIED.format(df="sigmoid(f) * (dc * before)", carried="pass"),
        ("Wf", "Wo"),
        ("dc_next = dc_prev", "f * (1 - f)"),
        "",
    ),
    Case("carried on", CARRIED.format(df="dc * before * f * (1 - f)", carried="dc_next = dc_prev")),
    Case("no padding", PADDED.format(pad=0, t=3), ("x",), ("len(dxp) - pad",), "shape (0,)"),
    Case("padding, right", PADDED.format(pad=1, t=5)),
    Case("a neighbour's term lost", GATES.format(term="dh + Uz @ daz  # here"), ("Uz", "Ur", "Un"), ("Ur @ dar",), "is missing"),
    Case(
        "another neighbour's term lost",
        GATES.format(term="dh + Ur @ dar  # here"),
        ("Uz", "Ur", "Un"),
        ("Uz @ daz",),
        "is missing",
    ),
    Case("gates, right", GATES.format(term="dh + Uz @ daz + Ur @ dar")),
    Case(
        "a selection without its stride",
        STRIDED.format(part="x[k:k + len(w)]  # here"),
        ("w",),
        ("k * stride:k * stride",),
        "belongs",
    ),
    Case("a selection, right", STRIDED.format(part="x[k * stride:k * stride + len(w)]")),
    Case("a view", VIEW.format(rows="W[:]", taken="-="), ("v",), ("rows = ",), "belongs"),
    Case("the array itself", VIEW.format(rows="W", taken="-="), ("v",), ("rows = W.copy()",), "belongs"),
    Case("a copy, right", VIEW.format(rows="W.copy()", taken="-=")),
    Case("a view of what stays, right", VIEW.format(rows="W[:]", taken="= W -")),
    Case(
        "normalised over the batch", WHOLE_BATCH.format(softmax="e / e.sum()  # here"), ("W",), ("axis=1, keepdims=True",), "axis"
    ),
    Case("normalised by row, right", WHOLE_BATCH.format(softmax="e / e.sum(axis=1, keepdims=True)")),
)
