"""Steps that remember earlier ones: their gradient is read from a buffer where it can be; elsewhere nobody is accused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.verify.records import Status

rng = np.random.default_rng(5)
EXAMPLE = {"X": rng.normal(size=(4, 3)), "y": rng.normal(size=(4, 2))}


class Model:
    """tanh(X W + b) and the mean of squares, stepped by `move`, which says how a weight moves for a gradient."""

    def __init__(self, slip: float = 1.0) -> None:
        self.lr = 0.1
        self.W, self.b, self.slip = rng.normal(size=(3, 2)), np.zeros((1, 2)), slip
        self.v: dict[str, Any] = {"W": np.zeros((3, 2)), "b": np.zeros((1, 2))}
        self.beta, self.t = 0.9, 0

    def loss(self, X, y):
        return np.mean((np.tanh(X @ self.W + self.b) - y) ** 2)

    def step(self, X, y):
        out = np.tanh(X @ self.W + self.b)
        d = 2 * (out - y) * (1 - self.slip * out**2) / y.size
        self.t += 1
        self.W = self.W + self.move("W", X.T @ d, self.lr)
        self.b = self.b + self.move("b", d.sum(axis=0, keepdims=True), self.lr)

    def move(self, name, gradient, lr):
        return -lr * gradient


class Classical(Model):
    def move(self, name, gradient, lr):
        self.v[name] = self.beta * self.v[name] - lr * gradient
        return self.v[name]


class Averaged(Model):
    def move(self, name, gradient, lr):
        self.v[name] = self.beta * self.v[name] + (1 - self.beta) * gradient
        return -lr * self.v[name]


class FromNothing(Averaged):
    """Its buffers come with the first step."""

    def __init__(self, slip: float = 1.0) -> None:
        super().__init__(slip)
        self.v = {}

    def move(self, name, gradient, lr):
        self.v.setdefault(name, np.zeros_like(gradient))
        return super().move(name, gradient, lr)


class Adam(Model):
    def __init__(self, slip: float = 1.0) -> None:
        super().__init__(slip)
        self.s = {"W": np.zeros((3, 2)), "b": np.zeros((1, 2))}

    def move(self, name, gradient, lr):
        self.v[name] = self.beta * self.v[name] + (1 - self.beta) * gradient
        self.s[name] = 0.999 * self.s[name] + 0.001 * gradient**2
        scaled = np.sqrt(self.s[name] / (1 - 0.999**self.t)) + 1e-8
        return -lr * self.v[name] / (1 - self.beta**self.t) / scaled


class RMSprop(Model):
    def move(self, name, gradient, lr):
        self.v[name] = self.beta * self.v[name] + (1 - self.beta) * gradient**2
        return -lr * gradient / (np.sqrt(self.v[name]) + 1e-8)


class Adagrad(Model):
    def move(self, name, gradient, lr):
        self.v[name] = self.v[name] + gradient**2
        return -lr * gradient / (np.sqrt(self.v[name]) + 1e-8)


class Counting(Model):
    """Keeps a history, which moves no step."""

    def __init__(self, slip: float = 1.0) -> None:
        super().__init__(slip)
        self.history: list[float] = []

    def move(self, name, gradient, lr):
        self.history.append(self.t)
        return super().move(name, gradient, lr)


class Renamed(Model):
    def step(self, X, y):
        out = np.tanh(X @ self.W + self.b)
        d = 2 * (out - y) * (1 - self.slip * out**2) / y.size
        self.t += 1
        self.W = self.W + self.moved(X.T @ d)
        self.b = self.b + self.moved(d.sum(axis=0, keepdims=True))

    def moved(self, gradient):
        return -0.2 * gradient / 0.8


def judged(model: Model) -> tuple[dict[str, str], tuple[str, ...]]:
    report = check_gradient(model.loss, model.step, example=EXAMPLE)
    return {name: str(verdict.status) for name, verdict in report.verdicts.items()}, report.notes


@pytest.mark.parametrize("kind", [Model, Classical, Averaged, FromNothing, Adam, Counting])
def test_a_right_step_is_proved(kind: type[Model]) -> None:
    statuses, notes = judged(kind())
    assert statuses == {"W": "proved", "b": "proved"}
    from_buffers = "W, b: read from v.W, v.b, where a first step from 0 leaves 0.1 times the gradient"
    assert (from_buffers in notes) == issubclass(kind, Averaged | Adam)


def test_a_rate_that_nothing_says_is_that_of_most_steps() -> None:
    statuses, notes = judged(Renamed())
    assert statuses == {"W": "proved", "b": "proved"}
    assert "W, b: read as a step with the rate 0.25" in notes
    assert judged(Renamed(slip=0.5))[0] == {"W": "differs", "b": "differs"}


@pytest.mark.parametrize("kind", [Model, Counting])
def test_a_wrong_step_differs(kind: type[Model]) -> None:
    assert judged(kind(slip=0.5))[0] == {"W": "differs", "b": "differs"}


@pytest.mark.parametrize(("kind", "slip"), [(RMSprop, 1.0), (Adagrad, 1.0), (RMSprop, 0.5), (Classical, 0.5), (Averaged, 0.5)])
def test_what_cannot_be_read_is_not_decided(kind: type[Model], slip: float) -> None:
    report = check_gradient(kind(slip).loss, kind(slip).step, example=EXAMPLE)
    assert {str(verdict.status) for verdict in report.verdicts.values()} == {"not decided"}
    assert not report.ok
    assert not report.wrong
    assert not report.repairs
    assert not report.causes
    assert "depends on earlier steps" in str(report)


def _squares(W, b, X, y):
    return np.mean((X @ W + b - y) ** 2)


def _right_step(W, b, X, y, lr):
    d = 2 * (X @ W + b - y) / y.size
    W = W - lr * X.T @ d
    b = b - lr * d.sum(axis=0)
    return W, b


def _rate_in_a_sum(W, b, X, y, lr):
    d = 2 * (X @ W + b - y) / y.size
    W = W - (lr + X.T @ d)
    b = b - lr * d.sum(axis=0)
    return W, b


def _old_weight_lost(W, b, X, y, lr):
    d = 2 * (X @ W + b - y) / y.size
    W = lr * X.T @ d
    b = b - lr * d.sum(axis=0)
    return W, b


def _gradient_for_weight(W, b, X, y, lr):
    d = 2 * (X @ W + b - y) / y.size
    W = X.T @ d
    b = b - lr * d.sum(axis=0)
    return W, b


@pytest.mark.parametrize(
    ("step", "wrong"), [(_right_step, ()), (_rate_in_a_sum, ("W",)), (_old_weight_lost, ("W",)), (_gradient_for_weight, ("W",))]
)
def test_a_wrong_step_is_no_gradient(step, wrong) -> None:
    """What is returned as a weight, beside steps, is read as a step, whatever it is; a mend does not make a gradient of it."""
    report = check_gradient(_squares, step, example={**EXAMPLE, "W": rng.normal(size=(3, 2)), "b": rng.normal(size=2), "lr": 0.1})
    assert (report["W"].status is not Status.PROVED, report["b"].status) == (bool(wrong), Status.PROVED)
    assert all("return" not in mend.after for mend in report.repairs)
