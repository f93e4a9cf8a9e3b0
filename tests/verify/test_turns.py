"""Scripts, functions and methods that train in a loop are checked as they stand: one turn of the loop is taken."""

from __future__ import annotations

import ast
import linecache
from pathlib import Path

import pytest

from symbackprop.loading import load_definitions, passes_in
from symbackprop.verify.check import check_passes
from symbackprop.verify.report.report import Report
from symbackprop.verify.turns.loops import free, training_loops
from symbackprop.verify.turns.turn import turns

SCRIPT = """
import numpy as np

def act(z, deriv=False):
    if deriv:
        return z * (1 - z)
    return 1 / (1 + np.exp(-z))

X = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 1]])
y = np.array([[1], [1], [0], [0], [1]])
first = 2 * np.random.random((3, 4)) - 1
second = 2 * np.random.random((4, 1)) - 1
seen = 0

for turn in range(20000):
    hidden = act(X @ first)
    guess = act(hidden @ second)
    miss = guess - y
    if turn % 500 == 0:
        print(np.abs(miss).mean())
        if np.abs(miss).mean() < 1e-3:
            break
    seen += len(X)
    d_guess = miss * act(guess, deriv=True)
    d_hidden = d_guess @ second.T * act(hidden, deriv=True)
    second -= hidden.T @ d_guess
    first -= X.T @ d_hidden
"""
FUNCTION = """
import numpy as np

X = np.random.RandomState(1).randn(8, 3)
t = np.array([0, 1, 1, 0, 1, 0, 0, 1])
decay, rate = 0.05, 0.02

def train(units, turns=500):
    W = np.random.randn(3, units)
    b = np.zeros((1, units))
    V = np.random.randn(units, 2)
    for i in range(turns):
        h = np.tanh(X @ W + b)
        scores = np.exp(h @ V)
        p = scores / scores.sum(axis=1, keepdims=True)
        d = p.copy()
        d[np.arange(len(X)), t] -= 1
        dV = h.T @ d + decay * V
        dh = d @ V.T * (1 - h ** 2)
        dW = X.T @ dh + decay * W
        db = dh.sum(axis=0, keepdims=True)
        W -= rate * dW
        b -= rate * db
        V -= rate * dV
    return W, b, V
"""
METHOD = """
import random
import numpy as np

def squash(z):
    return 1 / (1 + np.exp(-z))

def distance(target, out):
    return ((target - out) ** 2).mean()

class TwoNeurons:
    def __init__(self):
        self.a = np.random.normal()
        self.b = np.random.normal()
        self.c = np.random.normal()
        self.e = np.random.normal()

    def answer(self, x):
        return squash(self.e * squash(self.a * x[0] + self.b * x[1] + self.c))

    def train(self, points, targets):
        speed = 0.2
        for epoch in range(1000):
            for x, target in zip(points, targets):
                h = squash(self.a * x[0] + self.b * x[1] + self.c)
                out = squash(self.e * h)
                d_out = -2 * (target - out) * out * (1 - out)
                d_h = d_out * self.e * h * (1 - h)
                self.a -= speed * d_h * x[0]
                self.b -= speed * d_h * x[1]
                self.c -= speed * d_h
                self.e -= speed * d_out * h
            print(epoch, distance(targets, np.array([self.answer(p) for p in points])))

points = np.array([[1.0, -0.5], [0.3, 2.0], [-1.2, 0.7]])
targets = np.array([1.0, 0.0, 1.0])
TwoNeurons().train(points, targets)
"""
#: A file, what is changed in it, and the weights whose gradients are wrong then.
CASES: dict[str, tuple[str, str, str, set[str]]] = {
    "a script": (SCRIPT, "", "", set()),
    "a script whose slope is taken of the wrong thing": (SCRIPT, "act(hidden, deriv=True)", "act(miss, deriv=True)", {"first"}),
    "a function": (FUNCTION, "", "", set()),
    "a function that doubles a gradient": (FUNCTION, "dW = X.T @ dh +", "dW = 2 * X.T @ dh +", {"W"}),
    "a method": (METHOD, "", "", set()),
    "a method that forgets a factor": (METHOD, "d_out * self.e * h * (1 - h)", "d_out * h * (1 - h)", {"a", "b", "c"}),
}


def checked(folder: Path, text: str) -> Report:
    file = folder / "their_code.py"
    file.write_text(text, encoding="utf-8")
    return check_passes(passes_in(str(file), None), explain=False, repair=False)


@pytest.mark.parametrize("kind", CASES)
def test_a_turn_of_a_training_loop_is_judged(kind: str, tmp_path: Path) -> None:
    text, old, new, wrong = CASES[kind]
    assert old in text
    report = checked(tmp_path, text.replace(old, new))
    assert {name for name, found in report.verdicts.items() if str(found.status) != "proved"} == wrong, report
    assert any(note.startswith("one turn of the loop in line") for note in report.notes)


@pytest.mark.slow
def test_a_mend_is_shown_in_the_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "their_code.py"
    file.write_text(SCRIPT.replace("d_guess @ second.T *", "miss @ second.T *"), encoding="utf-8")
    report = check_passes(passes_in(str(file), None))
    (mend,) = report.repairs
    number = file.read_text(encoding="utf-8").splitlines().index(f"    {mend.before}") + 1
    assert (mend.line, mend.after) == (number, "d_hidden = d_guess @ second.T * act(hidden, deriv=True)")


def test_counters_sums_and_what_a_turn_makes_are_no_weights() -> None:
    text = """
for i in range(9):
    total += loss(W)
    count += 1
    g = x * W
    g += 0.1 * W
    W -= lr * g
    history += [g]
"""
    (loop,) = training_loops(ast.parse(text))
    assert loop.weights == ("W",)
    assert free(loop.body) == ["total", "loss", "W", "count", "x", "lr", "history"]


@pytest.mark.parametrize(
    "text", ["for i in range(3):\n    print(i)\n", "for x in data:\n    s += x\n", "while True:\n    break\n"]
)
def test_other_loops_train_nothing(text: str, tmp_path: Path) -> None:
    assert not [*training_loops(ast.parse(text))]
    file = tmp_path / "other.py"
    file.write_text(f"data = [1.0, 2.0]\ns = 0.0\n{text}", encoding="utf-8")
    assert not [*turns(load_definitions(file))]


BIAS = """
import numpy as np

def act(z):
    return np.maximum(z, 0)

def act_deriv(z):
    return z > 0

def forward_prop(W, b, V, c, X):
    Z = W @ X + b
    A = act(Z)
    return Z, A, V @ A + c

def backward_prop(Z, A, out, V, X, Y):
    count = Y.shape[1]
    d = 2 / count * (out - Y)
    dV = d @ A.T
    dc = np.sum(d, axis=1, keepdims=True)
    e = V.T @ d * act_deriv(Z)
    dW = e @ X.T
    db = np.sum(e, axis=1, keepdims=True)
    return dW, db, dV, dc

def gradient_descent(X, Y, rate, turns):
    pass
"""


@pytest.mark.parametrize("line", ["", "db = np.sum(e)", "db = e", "db = np.sum(e, axis=1)"])
def test_a_bias_whose_gradient_has_another_shape_is_not_left_out(line: str, tmp_path: Path) -> None:
    """Of a file the whole passes are meant, not the activation that they call; a name says what a wrong sum is for."""
    report = checked(tmp_path, BIAS.replace("db = np.sum(e, axis=1, keepdims=True)", line) if line else BIAS)
    assert {name: str(found.status) for name, found in report.verdicts.items()} == {
        "W": "proved", "V": "proved", "c": "proved", "b": "differs" if line else "proved"
    }, report  # fmt: skip


def test_a_loop_that_is_no_use_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """What is checked instead is shown in its own lines."""
    file = tmp_path / "their_code.py"
    file.write_text(METHOD, encoding="utf-8")
    for turn in turns(load_definitions(file)):
        assert "_turn_of_the_loop" in "".join(linecache.getlines(str(file))), turn
    assert "".join(linecache.getlines(str(file))) == METHOD
