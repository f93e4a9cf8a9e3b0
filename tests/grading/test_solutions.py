"""Grading against a solution: code in which nothing is described, right work and wrong work of each kind."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbackprop.cli import cli
from symbackprop.errors import UserError
from symbackprop.grading.reference import Asked, assignment
from tests.grading.generated_class import notebook

PAIR = """
import numpy as np
def loss(X, y, W1, b1, W2):
    h = np.tanh(X @ W1 + b1)
    return np.mean((h @ W2 - y) ** 2)
def gradients(X, y, W1, b1, W2):
    h = np.tanh(X @ W1 + b1)
    d = 2 * (h @ W2 - y) / y.size
    dW2 = h.T @ d
    dh = d @ W2.T * (1 - h ** 2)
    return {"W1": X.T @ dh, "b1": dh.sum(axis=0), "W2": dW2}
"""
LAYER = """
import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T
"""
CACHED = """
import numpy as np
def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)
"""
MODEL = """
import numpy as np
class Net:
    def __init__(self, n=3, h=4, k=2):
        self.W1, self.W2 = np.random.randn(n, h), np.random.randn(h, k)
    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        return self.h @ self.W2
    def backward(self, X, y):
        d = (self.forward(X) - y) / len(X)
        self.dW2 = self.h.T @ d
        self.dW1 = X.T @ ((d @ self.W2.T) * (1 - self.h ** 2))
"""
FORWARD = """
import numpy as np
def forward(X, W1, W2):
    return np.tanh(X @ W1) @ W2
def gradients(X, y, W1, W2):
    h = np.tanh(X @ W1)
    d = (h @ W2 - y) / len(X)
    return X.T @ ((d @ W2.T) * (1 - h ** 2)), h.T @ d
"""
ALL, RIGHT = "every gradient", ""
WORK: dict[str, tuple[str, tuple[str, ...], dict[str, tuple[str, str, str]]]] = {
    "a loss and its gradients": (PAIR, ("W1", "b1", "W2"), {
        "right, otherwise written": ("2 * (h @ W2 - y) / y.size", "(h @ W2 - y) * 2 / np.prod(y.shape)", RIGHT),
        "right, a tuple": ('{"W1": X.T @ dh, "b1": dh.sum(axis=0), "W2": dW2}', "X.T @ dh, dh.sum(axis=0), dW2", RIGHT),
        "right, another loss beside it": ("np.mean(", "np.sum(", RIGHT),
        "no slope": ("(1 - h ** 2)", "(1 - h)", "W1 b1"),
        "one gradient missing": (', "b1": dh.sum(axis=0)', "", "b1"),
    }),
    "a class": (LAYER, ("W", "b", "x"), {
        "right, otherwise written": ("dout @ self.W.T", "np.dot(dout, self.W.T)", RIGHT),
        "a mean": ("dout.sum(axis=0)", "dout.mean(axis=0)", "b"),
        "another forward pass": ("self.x = x", "self.x = 2 * x", "W"),
        "one gradient missing": ("self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)", "self.dW = self.x.T @ dout", "b"),
    }),
    "functions with a cache": (CACHED, ("w", "b", "x"), {
        "right, otherwise written": ("dout @ w.T", "(w @ dout.T).T", RIGHT),
        "a mean": ("x.T @ dout", "x.T @ dout / len(x)", "w"),
        "right for its own wrong forward pass": ("cache\n    return", "cache\n    x = x * 2\n    return", "w"),
    }),
    "a class without a loss": (MODEL, ("W1", "W2"), {
        "right, otherwise written": ("(1 - self.h ** 2)", "(1 - self.h * self.h)", RIGHT),
        "no mean": (" / len(X)", "", "W1 W2"),
        "no slope": ("(1 - self.h ** 2)", "(1 - self.h)", "W1"),
    }),
    "functions without a loss": (FORWARD, ("W1", "W2"), {
        "right, otherwise written": ("(1 - h ** 2)", "(1 - h * h)", RIGHT),
        "right, without a forward pass": ("def forward(X, W1, W2):\n    return np.tanh(X @ W1) @ W2\n", "", RIGHT),
        "no mean": (" / len(X)", "", "W1 W2"),
        "no slope": ("(1 - h ** 2)", "(1 - h)", "W1"),
    }),
}  # fmt: skip
"""A solution, the names of its gradients, and changes of it: (what stands there, what a student wrote, what is wrong then)."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["grade", *map(str, arguments)], catch_exceptions=True)


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORK)
def test_work_is_graded_against_a_solution(kind: str, tmp_path: Path) -> None:
    solution, names, changes = WORK[kind]
    submissions = tmp_path / "in"
    submissions.mkdir()
    (tmp_path / "solution.py").write_text(solution, encoding="utf-8")
    (submissions / "the same.ipynb").write_text(notebook(*solution.strip().split("\n", 1)), encoding="utf-8")
    for student, (old, new, _) in changes.items():
        assert old in solution
        (submissions / f"{student}.py").write_text(solution.replace(old, new), encoding="utf-8")
    result = run(tmp_path / "solution.py", submissions, "--timeout", 60)
    assert result.exit_code == 1, (result.output, result.exception)
    rows = table(tmp_path / "in-graded")
    wrong = {student: set(said.split()) for student, (_, _, said) in changes.items()} | {"the same": set()}
    found = {student: {name for name in names if row[f"∂/∂{name}"] == "0"} for student, row in rows.items()}
    assert found == wrong, {student: row["reason"] for student, row in rows.items()}
    assert {row["of"] for row in rows.values()} == {str(len(names))}


@pytest.mark.slow
def test_values_under_other_names_are_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(LAYER, encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.py").write_text(LAYER.replace("self.W", "self.weights"), encoding="utf-8")
    assert run(f"{tmp_path / 'solution.py'}:Dense", tmp_path / "in").exit_code == 1
    row = table(tmp_path / "in-graded")["ada"]
    assert (row["state"], "weights: not in the solution, which has" in row["reason"]) == ("no verdict", True), row


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAIR.replace("(1 - h ** 2)", "(1 - h)"), "the solution itself is not right: W1 differs, b1 differs; symbackprop check"),
        (LAYER.replace("dout.sum(axis=0)", "dout.mean(axis=0)"), "the solution itself is not right: b differs"),
        ("def helper(x):\n    return x\n", "no forward and backward pass found"),
    ],
)
def test_a_solution_that_is_not_right_grades_nobody(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        assignment(Asked(str(tmp_path / "solution.py")))
