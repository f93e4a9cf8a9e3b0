"""Arguments and results of handwritten code are bound by name, order, structure; what cannot be bound is an error that helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from sympy import Sum

from symbackprop.derive import DerivationRecord, derive
from symbackprop.errors import UserError
from symbackprop.network import Network
from symbackprop.verify.binding.binding import BindingError
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status

LEARNING_RATE = 0.25


def dense() -> DerivationRecord:
    net = Network("dense")
    n, i, k = net.indices("n:N i:D k:K")
    X, W, b = net.input("X", n, i), net.parameter("W", i, k), net.parameter("b", k)
    t = net.target("t", n, k)
    y = net.define("y", n, k, Sum(X[n, i] * W[i, k], i) + b[k])
    return derive(net, net.define("L", Sum(Sum((y[n, k] - t[n, k]) ** 2, k), n)))


def right(X: Any, W: Any, b: Any, t: Any) -> tuple[Any, Any]:
    dy = 2 * (X @ W + b - t)
    return X.T @ dy, dy.sum(axis=0)


def as_tuple(X, W, b, t):
    return right(X, W, b, t)


def as_named_locals(X, W, b, t):
    first, second = right(X, W, b, t)
    db, dW = second, first
    return db, dW


def as_dict(X, W, b, t):
    dW, db = right(X, W, b, t)
    return {"grad_b": db, "grad_W": dW}


def with_loss(X, W, b, t):
    loss = ((X @ W + b - t) ** 2).sum()
    dW, db = right(X, W, b, t)
    return loss, {"dL_dW": dW, "dL_db": db}


class Pair(NamedTuple):
    db: Any
    dW: Any


def as_named_tuple(X, W, b, t):
    dW, db = right(X, W, b, t)
    return Pair(db, dW)


@dataclass
class Gradients:
    b: Any
    W: Any


def as_dataclass(X, W, b, t):
    dW, db = right(X, W, b, t)
    return Gradients(db, dW)


def with_other_names(inputs, W, b, labels):
    return right(inputs, W, b, labels)


def with_parameters(params, X, y):
    dW, db = right(X, params["W"], params["b"], y)
    return {"W": dW, "b": db}


def with_cache(cache, X, t):
    dy = 2 * (cache["y"] - t)
    return {"W": X.T @ dy, "b": dy.sum(axis=0)}


def as_step(X, W, b, t, lr=0.1):
    dW, db = right(X, W, b, t)
    return {"W": W - lr * dW, "b": b - lr * db}


def as_step_with_a_global_rate(X, W, b, t):
    dW, db = right(X, W, b, t)
    W = W - LEARNING_RATE * dW
    b = b - LEARNING_RATE * db
    return W, b


def as_step_in_place(X, W, b, t, eta):
    dW, db = right(X, W, b, t)
    W -= eta * dW
    b -= eta * db


class Layer:
    def __init__(self):
        self.W = np.zeros((2, 3))
        self.b = np.zeros(3)

    def backward(self, X, t):
        self.dW, self.db = right(X, self.W, self.b, t)

    def step(self, X, t, lr=0.5):
        dW, db = right(X, self.W, self.b, t)
        self.W = self.W - lr * dW
        self.b = self.b - lr * db


ACCEPTED: tuple[Callable[..., Any], ...] = (
    as_tuple,
    as_named_locals,
    as_dict,
    with_loss,
    as_named_tuple,
    as_dataclass,
    with_other_names,
    with_parameters,
    with_cache,
    as_step,
    as_step_with_a_global_rate,
    as_step_in_place,
    Layer().backward,
    Layer().step,
)


@pytest.mark.slow
@pytest.mark.parametrize("hand", ACCEPTED, ids=lambda hand: hand.__qualname__)
def test_ways_to_write_a_gradient(hand: Callable[..., Any]) -> None:
    report = check_gradient(dense(), hand)
    assert {name: verdict.status for name, verdict in report.verdicts.items()} == {
        "W": Status.PROVED,
        "b": Status.PROVED,
    }, str(report)


def test_the_object_and_the_arrays_of_the_user_are_not_changed() -> None:
    layer = Layer()
    check_gradient(dense(), layer.step)
    assert not layer.W.any()
    assert not hasattr(layer, "dW")


def wrong_step(X, W, b, t, lr=0.1):
    dW, db = right(X, W, b, t)
    return {"W": W - 2 * lr * dW, "b": b + lr * db}


@pytest.mark.slow
def test_a_wrong_step_differs_by_its_factor() -> None:
    report = check_gradient(dense(), wrong_step, repair=False)
    assert (report["W"].ratio, report["b"].ratio) == ("2", "-1")


def test_an_explicit_mapping_decides() -> None:
    def hand(a1, a2, a3, a4):
        r1, r2 = right(a1, a2, a3, a4)
        return {"one": r1, "two": r2}

    mapping = {"a1": "X", "a2": "W", "a3": "b", "a4": "t", "one": "W", "two": "b"}
    assert check_gradient(dense(), hand, mapping=mapping).ok


def test_an_argument_that_is_no_name_is_named_with_the_candidates() -> None:
    def hand(X, weights_of_layer, b, t):
        return right(X, weights_of_layer, b, t)

    with pytest.raises(BindingError, match=r"weights_of_layer.*not yet bound: W.*mapping="):
        check_gradient(dense(), hand)


def test_results_without_names_and_of_the_wrong_number_are_listed() -> None:
    def hand(X, W, b, t):
        return [W * 1, b * 1, W * 2, b * 2]

    with pytest.raises(BindingError, match="cannot tell which results"):
        check_gradient(dense(), hand)


def test_nothing_returned_asks_for_the_return() -> None:
    def hand(X, W, b, t):
        right(X, W, b, t)

    with pytest.raises(BindingError, match=r"hand returns nothing: is a `return` missing after line [0-9]+ of test_binding\.py"):
        check_gradient(dense(), hand)


def test_a_mapping_to_an_unknown_name_is_an_error() -> None:
    with pytest.raises(BindingError, match="which is no node"):
        check_gradient(dense(), as_dict, mapping={"X": "XX"})


SHAPES: dict[str, tuple[tuple[int, ...], Callable[[Any], Any], str]] = {
    "a row for a vector": ((2,), lambda db: db[None, :], "differs"),
    "a vector for a row": ((1, 2), lambda db: db.reshape(-1), "proved"),
    "a row in a row for a vector": ((2,), lambda db: db[None, None, :], "differs"),
    "a column for a vector": ((2,), lambda db: db.reshape(-1, 1), "differs"),
    "a vector for a column": ((2, 1), lambda db: db.reshape(-1), "differs"),
    "a column for a row": ((1, 2), lambda db: db.reshape(-1, 1), "differs"),
    "other numbers": ((2,), lambda db: 2 * db[None, :], "differs"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_counts_where_it_makes_another_step(kind: str) -> None:
    shape, turned, status = SHAPES[kind]
    column = shape == (2, 1)

    def loss(W: Any, b: Any, X: Any, t: Any) -> Any:
        return np.sum((X @ W + (b.T if column else b) - t) ** 2)

    def hand(W: Any, b: Any, X: Any, t: Any) -> Any:
        r = 2 * (X @ W + (b.T if column else b) - t)
        return {"W": X.T @ r, "b": turned(r.sum(axis=0))}

    draw = np.random.default_rng(2)
    example = {
        "W": draw.normal(size=(3, 2)),
        "b": draw.normal(size=shape),
        "X": draw.normal(size=(4, 3)),
        "t": draw.normal(size=(4, 2)),
    }
    report = check_gradient(loss, hand, example=example, repair=False)
    assert {name: str(verdict.status) for name, verdict in report.verdicts.items()} == {"W": "proved", "b": status}
    said = " ".join([*report.notes, report["b"].note])
    assert "shape" in said
    assert ("a step would make it" in report["b"].note) == (status == "differs" and kind != "other numbers")


@pytest.mark.slow
def test_lists_of_numbers_are_arrays() -> None:
    """Plain Python gradients, by name and by shape; a nameless array is that of the only parameter of its shape."""

    def loss(w: Any, x: Any, y: Any) -> Any:
        return 0.5 * ((x @ w - y) ** 2).sum()

    def residuals(w: Any, x: Any, y: Any) -> list[Any]:
        return [sum(x[n][i] * w[i] for i in range(len(w))) - y[n] for n in range(len(y))]

    def named(w: Any, x: Any, y: Any) -> dict[str, Any]:
        e = residuals(w, x, y)
        return {
            "w": [sum(e[n] * x[n][i] for n in range(len(y))) for i in range(len(w))],
            "x": [[e[n] * w[i] for i in range(len(w))] for n in range(len(y))],
        }

    def nameless(w: Any, x: Any, y: Any) -> Any:
        return x.T @ (x @ w - y)

    def wrong(w: Any, x: Any, y: Any) -> Any:
        e = residuals(w, x, y)
        return [sum(e[n] * x[n][0] for n in range(len(y))) for _ in range(len(w))]

    example = {"w": np.array([0.5, -1.0]), "x": np.arange(6.0).reshape(3, 2) / 4, "y": np.array([1.0, 0.0, 2.0])}
    report = check_gradient(loss, named, example=example, explain=False, repair=False)
    assert {name: v.status for name, v in report.verdicts.items()} == {"w": Status.PROVED, "x": Status.PROVED}
    assert check_gradient(loss, nameless, example=example)["w"].status is Status.PROVED
    assert check_gradient(loss, wrong, example=example, explain=False, repair=False)["w"].status is Status.DIFFERS


def two_layers(X, y, W1, b1, W2):
    return np.mean((np.tanh(X @ W1 + b1) @ W2 - y) ** 2)


def one_is_named(X, y, W1, b1, W2):
    h = np.tanh(X @ W1 + b1)
    d = 2 * (h @ W2 - y) / y.size
    dW2 = h.T @ d
    dh = d @ W2.T * (1 - h**2)
    return X.T @ dh, dh.sum(axis=0), dW2


def one_is_named_one_wrong(X, y, W1, b1, W2):
    h = np.tanh(X @ W1 + b1)
    d = 2 * (h @ W2 - y) / y.size
    dW2 = h.T @ d
    dh = d @ W2.T * (1 - h**2)
    return X.T @ dh, dh.mean(axis=0), dW2


@pytest.mark.parametrize(("hand", "wrong"), [(one_is_named, ""), (one_is_named_one_wrong, "b1")])
@pytest.mark.parametrize("wrt", [None, ["W1", "b1", "W2"]])
def test_results_beside_one_that_is_named_count_by_their_order(hand: Callable[..., Any], wrong: str, wrt: Any) -> None:
    rng = np.random.default_rng(3)
    shapes = {"X": (4, 3), "y": (4, 2), "W1": (3, 5), "b1": (5,), "W2": (5, 2)}
    example = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    report = check_gradient(two_layers, hand, example=example, wrt=wrt, explain=False, repair=False)
    assert {name: str(verdict.status) for name, verdict in report.verdicts.items()} == {
        name: "differs" if name == wrong else "proved" for name in ("W1", "b1", "W2")
    }


def test_an_option_of_a_rates_name_keeps_its_default() -> None:
    def loss(w, t, alpha=None):
        return np.sum((w - t) ** 2) * (1 if alpha is None else alpha[0])

    def gradient(w, t, alpha=None):
        return {"w": 2 * (w - t) * (1 if alpha is None else alpha[0])}

    assert check_gradient(loss, gradient, example={"w": np.array([0.5, -1.5]), "t": np.array([1.0, 2.0])}).ok


@pytest.mark.parametrize("by_loss", [True, False])
def test_what_is_not_asked_for_is_not_judged(by_loss: bool) -> None:
    net = Network("line")
    x, w, b = net.input("x", value=2.0), net.parameter("w", value=3.0), net.parameter("b", value=0.5)
    E = net.define("E", (w * x + b) ** 2)

    def loss(x: Any, w: Any, b: Any) -> Any:
        return (w * x + b) ** 2

    def hand(x: Any, w: Any, b: Any) -> Any:
        return {"w": 2 * (w * x + b) * x, "b": (w * x + b)}

    given: Any = (loss, hand) if by_loss else (derive(net, E), hand)
    example = {"x": 2.0, "w": 3.0, "b": 0.5} if by_loss else None
    both, first, second = (check_gradient(*given, example=example, wrt=wrt, repair=False) for wrt in (None, "w", ["b"]))
    assert {name: verdict.status is Status.PROVED for name, verdict in both.verdicts.items()} == {"w": True, "b": False}
    assert (list(first.verdicts), first.ok, first.missing) == (["w"], True, ())
    assert (list(second.verdicts), second.ok) == (["b"], False)
    if not by_loss:
        with pytest.raises(UserError, match="unknown name v"):
            check_gradient(*given, wrt=["v"])
