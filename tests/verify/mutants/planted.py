"""For every reason that can be printed a planted mistake that brings it out.

A row of `PLANTED` is (the reason's key, the gradient of `hand` that is changed, what is replaced, by what); the key is that of
`catalog.MISTAKES`, or the name of the trial in `catalog.LOCAL`. `AGAINST_A_LOSS` are those that need other code.
"""

from __future__ import annotations

PLANTED: tuple[tuple[str, str, str, str], ...] = (
    ("slope_left_out", "chain", "dL_da2 * (1 - a2 ** 2)", "dL_da2"),
    ("slope_of_output", "chain", "(1 - a2 ** 2)", "(1 - np.tanh(a2) ** 2)"),
    ("slope_of_argument", "mlp", "(1 - A1 ** 2)", "(1 - (X @ W1 + b1) ** 2)"),
    ("slope_misremembered", "chain", "(1 - a1 ** 2)", "(1 - a1)"),
    ("slope_of_another", "two_outputs", "out_o1 * (1 - out_o1)", "(1 - out_o1 ** 2)"),
    ("factor_left_out", "chain", "dL_da1 = dL_dz2 * w2", "dL_da1 = dL_dz2"),
    ("upstream_left_out", "perceptron", "dw = dv @ X", "dw = np.ones(len(X)) @ X"),
    ("factor_twice", "dense", "2 * (y - t) / N", "2 * (y - t) ** 2 / N"),
    ("term_left_out", "dense", "2 * (y - t) / N", "2 * y / N"),
    ("function_left_out", "lstm", "dy * tc * ot", "dy * c * ot"),
    ("index_moved", "conv", "dz * k[u]", "dz * k[F - 1 - u]"),
    ("condition_turned", "conv", "(z > 0)", "(z < 0)"),
    ("condition_with_minus_one", "conv", "(z > 0)", "np.where(z > 0, 1.0, -1.0)"),
    ("condition_left_out", "perceptron", "-(t - y)", "-(t - 1)"),
    ("condition_never", "perceptron", "-(t - y)", "-t"),
    ("upstream_exchanged", "attention", "dV = P.T @ dO", "dV = P.T @ t"),
    ("name_exchanged", "chain", "dL_dw3 = dL_dy * a2", "dL_dw3 = dL_dy * a1"),
    ("name_transposed", "recurrent", "dz2 @ U.T", "dz2 @ U"),
    ("shape", "dense", "dy.sum(axis=0)", "dy.sum(axis=0, keepdims=True)"),
    ("zero", "dense", "dW = X.T @ dy", "dW = 0 * W"),
    ("sign", "dense", "2 * (y - t) / N", "2 * (t - y) / N"),
    ("ratio", "chain", "2 * (y - t)", "3 * (y - t)"),
    ("sum for mean", "dense", "2 * (y - t) / N", "2 * (y - t)"),
    ("mean twice", "dense", "dW = X.T @ dy", "dW = X.T @ dy / N"),
    ("no half", "chain", "2 * (y - t)", "(y - t)"),
    ("square twice", "dense", "2 * (y - t) / N", "4 * (y - t) / N"),
    ("transpose", "recurrent", "dU = np.outer(h1, dz2)", "dU = np.outer(dz2, h1)"),
    ("exchanged", "two_outputs", '"w5": dw5, "w6": dw6', '"w5": dw6, "w6": dw5'),
    ("of another", "two_outputs", "dw2 = delta_h1 * x2", "dw2 = delta_h1 * x1"),
    ("element of another", "perceptron", "db = dv.sum()", "db = (dv @ X)[0]"),
    ("one unfilled", "conv", "for u in range(F):\n        dk", "for u in range(F - 1):\n        dk"),
    ("offset", "chain", "dL_db3 = dL_dy", "dL_db3 = dL_dy + 1"),
    ("extra term", "logistic", "db = np.sum(dz)", "db = np.sum(dz) + 2 * lam * b"),
    ("epsilon", "logistic", "(p - t) / N", "(p - t) / (p * (1 - p) + 1e-7) * p * (1 - p) / N"),
    ("quadratic", "chain", "2 * (y - t)", "2 * (y - 0.5)"),
    ("path missing", "two_outputs", "(delta_o1 * w5 + delta_o2 * w7)", "delta_o1 * w5"),
    ("own term missing", "logistic", " + 2 * lam * w", ""),
    ("counted as 0", "recurrent", "dh1 = dz2 @ U.T", "dh1 = 0 * h1"),
    ("adjoint negated", "two_outputs", "-(t1 - out_o1)", "(t1 - out_o1)"),
    ("adjoint counted", "two_outputs", "-(t2 - out_o2)", "-2 * (t2 - out_o2)"),
    ("term negated", "two_outputs", "delta_o1 * w5 + delta_o2 * w7", "delta_o1 * w5 - delta_o2 * w7"),
    ("term counted", "logistic", "2 * lam * w", "lam * w"),
    ("wrong axis", "layer_norm", "s1 = dxh.sum(axis=1, keepdims=True)", "s1 = dxh.sum(axis=0, keepdims=True)"),
    ("elementwise", "attention", "P * (dP - (dP * P).sum(axis=1, keepdims=True))", "P * (1 - P) * dP"),
    ("target left out", "logistic", "(p - t) / N", "p / N"),
    ("factor missing", "layer_norm", "(dxh - s1 / D - xh * s2 / D) / std", "dxh / std - s1 / D - xh * s2 / D"),
    ("factor too many", "two_outputs", "db1 = delta_h1 + delta_h2", "db1 = (delta_h1 + delta_h2) * x1"),
    ("last term left out", "dense", "dW = X.T @ dy", "dW = X[:-1].T @ dy[:-1]"),
    ("first term left out", "dense", "dW = X.T @ dy", "dW = X[1:].T @ dy[1:]"),
    ("last term only", "dense", "dW = X.T @ dy", "dW = np.outer(X[-1], dy[-1])"),
    ("first term only", "dense", "dW = X.T @ dy", "dW = np.outer(X[0], dy[0])"),
    ("overwritten", "conv", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] = dz * k[u]"),
    ("range of another", "dense", "dW = X.T @ dy", "dW = X[: W.shape[1]].T @ dy[: W.shape[1]]"),
    ("forward value", "chain", "a1 = np.tanh(w1 * x + b1)", "a1 = np.tanh(w1 * x + b1) + 0.25"),
    ("forward summand", "dense", "y = X @ W + b", "y = X @ W"),
    ("forward sign", "dense", "y = X @ W + b", "y = X @ W - b"),
    ("forward exchanged", "mlp", "np.tanh(X @ W1 + b1)", "sigmoid(X @ W1 + b1)"),
    ("forward name", "two_outputs", "out_h2 = sigmoid(w3 * x1 + w4 * x2 + b1)", "out_h2 = sigmoid(w3 * x1 + w4 * x1 + b1)"),
    ("forward condition", "perceptron", "v > 0", "v < 0"),
    ("forward minus one", "perceptron", "np.where(v > 0, 1.0, 0.0)", "np.where(v > 0, 1.0, -1.0)"),
    ("forward factor", "two_outputs", "out_h2 = sigmoid(w3 * x1 + w4 * x2 + b1)", "out_h2 = sigmoid(w3 + w4 * x2 + b1)"),
)

DECAYED = """
def gradients(x, w, t):
    return {"w": 2 * (w * x**2 - t) * {slope}}
"""  # of data + w² where data = (w x² - t)²: without the decay, and with a power left out

STALE = """
import numpy as np


def gradients(x, w1, w2, w3, b1, b2, b3, t, lr=0.5):
    a1 = np.tanh(w1 * x + b1)
    a2 = np.tanh(w2 * a1 + b2)
    dy = 2 * (w3 * a2 + b3 - t)
    w3 = w3 - lr * dy * a2
    da2 = dy * w3
    w2 = w2 - lr * da2 * (1 - a2**2) * a1
    return {"w3": w3, "w2": w2}
"""

ELEMENTWISE = """
import numpy as np


def loss({name}, r):
    return {loss}


def gradient({name}, r):
    return {{"{name}": {wrong}}}


example = dict({name}={value}, r=np.array([[0.3, -1.2, 0.7], [0.4, 0.9, -0.5]]))
wrt = "{name}"
"""
VALUES = "np.array([[0.4, 1.3, 0.8], [2.1, 0.6, 1.7]])"
LOGARITHMS = "np.log(np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]))"


def elementwise(name: str, loss: str, wrong: str, value: str = VALUES) -> str:
    return ELEMENTWISE.format(name=name, loss=loss, wrong=wrong, value=value)


AGAINST_A_LOSS: dict[str, str] = {
    "by logarithm": elementwise("s", "np.sum(r * s**2)", "2 * r * s**2"),
    "by exponential": elementwise("s", "np.sum(r * s**2)", "2 * r * s * np.exp(-s)"),
    "by logits": elementwise("lp", "-np.sum(r * lp)", "np.exp(lp) * r.sum(axis=1, keepdims=True) - r", LOGARITHMS),
    "lacking term": elementwise("s", "np.sum(r * s) + np.sum(s**2)", "r + s"),
    "reversed": elementwise("s", "np.sum(r * s**2)", "(2 * r * s)[:, ::-1]"),
    "partly filled": elementwise(
        "s", "np.sum(r * s**2)", "np.where(np.arange(s.shape[1]) < max(1, s.shape[1] - 2), 2 * r * s, 0 * s)"
    ),
}

# What is changed in a statement, and what that is called.
CHANGES: tuple[tuple[str, str, str], ...] = (
    ("name", "d = a * b", "d = a * c"),
    ("name", "d = y * (1 - y)", "d = h * (1 - h)"),
    ("constant", "d = 0.25 * a", "d = 0.5 * a"),
    ("index", "for i in range(x.shape[0]):\n        pass", "for i in range(x.shape[1]):\n        pass"),
    ("power", "d = 1 - a", "d = 1 - a ** 2"),
    ("slope", "d = e * y * (1 - y)", "d = e * (1 - y ** 2)"),
    ("factor exchanged", "d = e * a * b", "d = e * c * k"),
    ("term exchanged", "d = e + a + b", "d = e + c + f(k)"),
    ("condition", "m = x > 0", "m = x >= 0"),
    ("operator", "d = a * b", "d = a / b"),
    ("function", "d = np.exp(a)", "d = np.tanh(a)"),
    ("axis", "d = x.sum(axis=0)", "d = x.sum(axis=1)"),
    ("exchanged", "d = a @ b", "d = b @ a"),
    ("transpose", "d = W @ e", "d = W.T @ e"),
    ("sign", "d = a - b", "d = a + b"),
    ("sign", "d = e", "d = -e"),
    ("sign", "d -= e", "d += e"),
    ("index", "d += a * e", "d[1:] += a * e[1:]"),
    ("bracket", "d = a * b + c", "d = a * (b + c)"),
    ("factor missing", "d = a * b", "d = a * b / N"),
    ("factor too many", "d = a * b * c", "d = a * b"),
    ("term missing", "d = a", "d = a + b * c"),
    ("term too many", "d = a + b", "d = a"),
    ("accumulation", "d[i] = e", "d[i] += e"),
    ("accumulation", "d[ids] += e", "np.add.at(d, ids, e)"),
    ("order", "w = w - d\n    e = w * d", "e = w * d\n    w = w - d"),
    ("statement missing", "a = b", "a = b\n    c = a"),
    ("step missing", "a[i] -= b", "a[i] -= b\n    a /= c"),
    ("statement too many", "a = b\n    a *= c", "a = b\n    pass"),
    ("statement", "d = [a for a in b]", "d = {a: b}"),
)
