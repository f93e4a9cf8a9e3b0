"""Results of which nobody says what they are gradients of: single numbers, and what has no name. None is left out in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli

NEURON = """
import numpy as np
def forward(x, k, b):
    return np.tanh(x * k + b)
def backward(dout, x, k, b):
    y = np.tanh(x * k + b)
    d = dout * (1 - y ** 2)
    return d * k, np.sum(d * x), np.sum(d)
"""
FILTER = """
import numpy as np
def conv_forward(x, k, b):
    y = np.array([np.sum(x[i:i + len(k)] * k) for i in range(len(x) - len(k) + 1)]) + b
    return y, (x, k, b)
def conv_backward(dy, cache):
    x, k, b = cache
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(len(dy)):
        dx[i:i + len(k)] += dy[i] * k
        dk += dy[i] * x[i:i + len(k)]
    db = dy.sum()
    return dx, dk, db
"""
GAINS = """
import numpy as np
def gain_forward(x, params):
    y = params["gain"] * np.sin(x) + params["shift"]
    return y, (x, params)
def gain_backward(dy, cache):
    x, params = cache
    return {"x": dy * params["gain"] * np.cos(x), "gain": np.sum(dy * np.sin(x)), "shift": np.sum(dy)}
"""
AFFINE = """
import numpy as np
def affine_forward(x, W, b):
    return x @ W + b, (x, W, b)
def affine_backward(dout, cache):
    x, W, b = cache
    return dout @ W.T, x.T @ dout, np.sum(dout, axis=0)
"""
CALLS = {
    NEURON: "x = np.array([0.3, -0.4, 0.9])\ny = forward(x, 0.7, 0.2)\n",
    FILTER: "if __name__ == '__main__':\n    y, c = conv_forward(np.arange(6.0) / 4, np.array([0.2, -0.1, 0.4]), 0.5)\n",
    GAINS: "y, c = gain_forward(np.linspace(-1, 1, 4), {'gain': 0.7, 'shift': -0.2})\n",
    AFFINE: "rng = np.random.default_rng(0)\ny = affine_forward(rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros(2))\n",
}
TEMPERATURE = """
import numpy as np
def temperature_forward(logits, tau):
    e = np.exp((logits - logits.max(axis=1, keepdims=True)) / tau)
    p = e / e.sum(axis=1, keepdims=True)
    return p, (p, logits, tau)
def temperature_backward(dp, cache):
    p, logits, tau = cache
    dz = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    d_tau = -np.sum(dz * logits) / tau ** 2
    return dz / tau, d_tau
"""
POOLED = """
import numpy as np
def pool_forward(H, v, c):
    s = np.tanh(H) @ v + c * np.arange(len(H))
    a = np.exp(s - s.max())
    a /= a.sum()
    return a @ H, (H, v, a)
def pool_backward(dout, cache):
    H, v, a = cache
    da = H @ dout
    ds = a * (da - a @ da)
    T = np.tanh(H)
    dH = np.outer(a, dout) + np.outer(ds, v) * (1 - T ** 2)
    dc = np.sum(ds * np.arange(len(H)))
    return dH, T.T @ ds, dc
"""
OF_MATH = """
import math
class Neuron:
    def __init__(self, w1, w2, bias):
        self.w1, self.w2, self.bias = w1, w2, bias
    def forward(self, a, b):
        self.a, self.b = a, b
        self.out = 1.0 / (1.0 + math.exp(-(self.w1 * a + self.w2 * b + self.bias)))
        return self.out
    def backward(self, dout):
        s = self.out * (1 - self.out) * dout
        return {"w1": s * self.a, "w2": s * self.b, "bias": s, "a": s * self.w1, "b": s * self.w2}
"""
LISTS = """
from math import exp, log
def chance(w, b, x):
    return 1 / (1 + exp(-sum(u * v for u, v in zip(w, x)) - b))
def cost(w, b, xs, ts):
    return -sum(t * log(chance(w, b, x)) + (1 - t) * log(1 - chance(w, b, x)) for x, t in zip(xs, ts)) / len(xs)
def grad(w, b, xs, ts):
    dw, db = [0.0] * len(w), 0.0
    for x, t in zip(xs, ts):
        e = chance(w, b, x) - t
        for i in range(len(w)):
            dw[i] += e * x[i]
        db += e
    return [d / len(xs) for d in dw], db / len(xs)
"""
DEGREES = """
import numpy as np
def graph_forward(A, X, W):
    degree = A.sum(axis=1)
    norm = A / np.sqrt(np.outer(degree, degree))
    return np.tanh(norm @ X @ W), (norm, X, W)
def graph_backward(dout, cache):
    norm, X, W = cache
    dH = dout * (1 - np.tanh(norm @ X @ W) ** 2)
    return norm.T @ dH @ W.T, (norm @ X).T @ dH
"""
WITHOUT_CALL = [
    (LISTS, "dw[i] += e * x[i]", "dw[i] += e"),
    (LISTS, "], db / len(xs)", "], db"),
    (DEGREES, "norm.T @ dH", "norm @ dH"),
    (TEMPERATURE, "-np.sum(dz * logits) / tau ** 2", "np.sum(dz * logits) / tau ** 2"),
    (TEMPERATURE, "return dz / tau", "return dz"),
    (POOLED, "np.outer(a, dout) + np", "np.outer(a, dout) - np"),
    (POOLED, "T.T @ ds, dc", "H.T @ ds, dc"),
    (OF_MATH, '"w2": s * self.b', '"w2": s * self.a'),
    (OF_MATH, '"bias": s,', '"bias": 2 * s,'),
]
MISTAKES = [
    (NEURON, "np.sum(d)", "np.mean(d)", {"b"}),
    (NEURON, "np.sum(d * x)", "np.sum(d)", {"k"}),
    (NEURON, "return d * k", "return d * x", {"x"}),
    (FILTER, "db = dy.sum()", "db = 2 * dy.sum()", {"b"}),
    (FILTER, "db = dy.sum()", "db = dy[0]", {"b"}),
    (FILTER, "+= dy[i] * k", "+= dy[i] * k[::-1]", {"x"}),
    (GAINS, "np.sum(dy * np.sin(x))", "np.mean(dy * np.sin(x))", {"gain"}),
    (GAINS, "np.sum(dy)}", "-np.sum(dy)}", {"shift"}),
    (AFFINE, "np.sum(dout, axis=0)", "np.sum(dout)", {"b"}),
]


def checked(tmp_path: Path, text: str) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "passes.py"
    file.write_text(text)
    done = CliRunner().invoke(cli, ["check", str(file), "--json"])
    return done.exit_code, {verdict["name"]: verdict for verdict in json.loads(done.stdout)["verdicts"]}


@pytest.mark.parametrize("text", CALLS, ids=["neuron", "filter", "gains", "affine"])
def test_numbers_are_compared_as_the_file_calls_its_functions(text: str, tmp_path: Path) -> None:
    code, verdicts = checked(tmp_path, text + CALLS[text])
    assert code == 0, verdicts
    assert len(verdicts) == 3
    assert {verdict["status"] for verdict in verdicts.values()} == {"proved"}


@pytest.mark.parametrize(("text", "right", "wrong", "names"), MISTAKES)
def test_a_wrong_number_differs(text: str, right: str, wrong: str, names: set[str], tmp_path: Path) -> None:
    assert text.count(right) == 1
    code, verdicts = checked(tmp_path, text.replace(right, wrong) + CALLS[text])
    assert code == 1
    assert {name.rpartition("_")[2] for name, verdict in verdicts.items() if verdict["status"] == "differs"} == names


@pytest.mark.slow
@pytest.mark.parametrize(("text", "right", "wrong"), WITHOUT_CALL)
def test_a_number_is_no_array_that_differs(text: str, right: str, wrong: str, tmp_path: Path) -> None:
    """Without a call an array is invented for a temperature; that the code is right for a number is said, and accuses nobody."""
    code, verdicts = checked(tmp_path, text)
    assert (code, {verdict["status"] for verdict in verdicts.values()}) == (0, {"proved"}), verdicts
    assert text.count(right) == 1
    code, verdicts = checked(tmp_path, text.replace(right, wrong))
    assert code == 1
    assert "differs" in {verdict["status"] for verdict in verdicts.values()}


@pytest.mark.slow
@pytest.mark.parametrize("text", [NEURON, GAINS], ids=["neuron", "gains"])
def test_without_a_call_no_number_is_accepted_unseen(text: str, tmp_path: Path) -> None:
    code, verdicts = checked(tmp_path, text)
    assert "differs" not in {verdict["status"] for verdict in verdicts.values()}
    assert code == (1 if text is GAINS else 0)
    for _, right, wrong, _ in (mistake for mistake in MISTAKES if mistake[0] == text):
        assert checked(tmp_path, text.replace(right, wrong))[0] == 1, wrong


def test_a_value_beside_gradients_is_no_gradient(tmp_path: Path) -> None:
    """A loss, an accuracy or a cache that a backward pass returns as well leaves nothing undecided."""
    more = AFFINE.replace("return dout @", "loss = 0.5 * np.sum(dout ** 2)\n    grads = dout @").replace(
        "axis=0)\n", "axis=0)\n    dx, dW, db = grads\n    return dx, dW, db, loss\n"
    )
    code, verdicts = checked(tmp_path, more)
    assert (code, set(verdicts)) == (0, {"x", "W", "b"}), verdicts
