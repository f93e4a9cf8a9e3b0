"""The sizes of an example: which dimensions belong together, which may vary, and what a check does with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.reference.loss_reference import loss_reference
from symbackprop.verify.reference.shapes import Dimension, choices, free_sizes, label, resized

Values = dict[str, Any]


def random(seed: int = 0, **shapes: tuple[int, ...]) -> Values:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def square(N: int = 4, D: int = 4, K: int = 4) -> Values:
    return random(X=(N, D), W=(D, K), b=(K,), y=(N, K))


def sizes_found(loss: Callable[..., Any], example: Values, wrt: Any = None) -> set[frozenset[str]]:
    return {frozenset(f"{d.name}.{d.axis}" for d in size) for size in loss_reference(loss, example, wrt).asked(()).sizes}


def mean_square(X, W, b, y):
    return np.mean((X @ W + b - y) ** 2)


def mean_square_gradients(X, W, b, y):
    e = X @ W + b - y
    return {"W": 2 * X.T @ e / e.size, "b": 2 * e.sum(axis=0) / e.size}


LINEAR = {frozenset({"X.0", "y.0"}), frozenset({"X.1", "W.0"}), frozenset({"W.1", "b.0", "y.1"})}


@pytest.mark.parametrize("extents", [(4, 4, 4), (5, 3, 2), (3, 3, 2)], ids=str)
def test_sizes_that_are_equal_by_accident_are_told_apart(extents: tuple[int, int, int]) -> None:
    assert sizes_found(mean_square, square(*extents)) == LINEAR


def test_what_must_be_square_stays_square() -> None:
    def symmetric(A, x):
        return x @ (A + A.T) @ x

    assert sizes_found(symmetric, random(A=(3, 3), x=(3,))) == {frozenset({"A.0", "A.1", "x.0"})}


def test_a_loop_of_fixed_length_does_not_take_larger_arrays() -> None:
    def three(x, w):
        return sum(np.tanh(w[i] * x[i]) for i in range(3))

    assert sizes_found(three, random(x=(3,), w=(3,)), "w") == set()
    report = check_gradient(
        three,
        lambda x, w: {"w": np.array([(1 - np.tanh(w[i] * x[i]) ** 2) * x[i] for i in range(3)])},
        example=random(x=(3,), w=(3,)),
    )
    assert report["w"].status is Status.PROVED
    assert any("takes no other sizes than the example's" in note for note in report.notes)


def test_a_dimension_of_one_is_broadcast_and_stays() -> None:
    def scaled(X, g):
        return np.sum((X * g) ** 2)

    assert sizes_found(scaled, random(X=(4, 3), g=(1, 3))) == {frozenset({"X.0"}), frozenset({"X.1", "g.1"})}


def test_a_size_that_the_code_names_does_not_vary() -> None:
    def reshaped(X, w):
        return np.sum(X.reshape(-1, 2, 3) @ w)

    assert sizes_found(reshaped, random(X=(4, 6), w=(3,)), "w") == {frozenset({"X.0"})}


def labelled(X, W, y):
    Z = X @ W
    Z = Z - Z.max(axis=1, keepdims=True)
    return -np.mean((Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))[np.arange(len(y)), y])


def labelled_gradients(X, W, y):
    Z = X @ W
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    P[np.arange(len(y)), y] -= 1
    return {"W": X.T @ P / len(y)}


def test_class_labels_keep_to_the_classes_there_are() -> None:
    example = {**random(X=(6, 4), W=(4, 3)), "y": np.array([0, 1, 2, 2, 1, 0])}
    assert sizes_found(labelled, example) == {frozenset({"X.0", "y.0"}), frozenset({"X.1", "W.0"}), frozenset({"W.1"})}


@pytest.mark.slow
def test_class_labels_at_other_sizes() -> None:
    example = {**random(X=(6, 4), W=(4, 3)), "y": np.array([0, 1, 2, 2, 1, 0])}
    report = check_gradient(labelled, labelled_gradients, example=example)
    assert report["W"].status is Status.PROVED
    assert report.scope.shapes == ("X (6, 4), W (4, 3)", "X (3, 5), W (5, 2)", "X (4, 4), W (4, 4)")


def test_one_hot_rows_stay_one_hot() -> None:
    rows = np.eye(3)[[0, 2, 1, 1]]
    changed = resized({"t": rows}, {frozenset({Dimension("t", 0)}): 5, frozenset({Dimension("t", 1)}): 2})["t"]
    assert changed.shape == (5, 2)
    assert np.all(changed.sum(axis=1) == 1)
    assert set(np.unique(changed)) == {0.0, 1.0}


def test_the_label_shows_every_size_once() -> None:
    values = square(2, 3, 5)
    sizes = loss_reference(mean_square, values, None).asked(()).sizes
    assert label(values, sizes) == "X (2, 3), W (3, 5)"
    assert label(values, ()) == "X (2, 3), W (3, 5), b (5,), y (2, 5)"


def test_sizes_are_tried_distinct_and_square() -> None:
    sizes = loss_reference(mean_square, square(), None).asked(()).sizes
    primes, equal = choices(sizes)
    assert len(set(primes.values())) == 3
    assert set(equal.values()) == {4}
    assert choices(()) == ()


def test_the_trials_of_one_group_are_limited() -> None:
    calls = []

    def never(values: Values) -> bool:
        calls.append(values)
        return False

    def together(values: Values) -> bool:
        calls.append(values)
        return len({extent for value in values.values() for extent in value.shape}) == 1

    values = {f"a{k}": np.ones((4, 4)) for k in range(10)}
    assert free_sizes(values, list(values), never) == ()
    assert [len(size) for size in free_sizes(values, list(values), together)] == [20]
    assert len(calls) <= 250


# ---- what the check makes of it


@pytest.mark.slow
def test_right_code_is_proved_at_sizes_that_the_example_does_not_have() -> None:
    report = check_gradient(mean_square, mean_square_gradients, example=square())
    assert {v.status for v in report.verdicts.values()} == {Status.PROVED}
    assert report.scope.shapes == ("X (4, 4), W (4, 4)", "X (3, 5), W (5, 2)")


@pytest.mark.slow
def test_a_number_that_is_right_at_the_example_only() -> None:
    def sixteen(X, W, b, y):
        e = X @ W + b - y
        return {"W": 2 * X.T @ e / e.size, "b": 2 * e.sum(axis=0) / 16}

    report = check_gradient(mean_square, sixteen, example=square(), repair=False)
    assert (report["W"].status, report["b"].status) == (Status.PROVED, Status.DIFFERS)
    assert report["b"].note == "right at the example, wrong elsewhere"


@pytest.mark.slow
def test_a_transpose_that_runs_at_square_sizes_only() -> None:
    def forgotten(X, W, b, y):
        e = X @ W + b - y
        return {"W": 2 * X @ e / e.size, "b": 2 * e.sum(axis=0) / e.size}

    report = check_gradient(mean_square, forgotten, example=square(), repair=False)
    assert report["W"].status is Status.DIFFERS
    assert any("X (3, 5), W (5, 2)" in note and "fails" in note for note in report.notes)


# ---- a large example


def mlp(X, W1, b1, W2, b2, t):
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.sum(t * np.log(P)) / len(X)


def mlp_gradients(X, W1, b1, W2, b2, t):
    H = np.tanh(X @ W1 + b1)
    Z = H @ W2 + b2
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    d = (P - t) / len(X)
    dH = d @ W2.T * (1 - H**2)
    return {"W1": X.T @ dH, "b1": dH.sum(axis=0), "W2": H.T @ d, "b2": d.sum(axis=0)}


def large_example() -> Values:
    values = random(X=(10, 784), W1=(784, 30), b1=(30,), W2=(30, 10), b2=(10,))
    return {**values, "W1": values["W1"] / 28, "t": np.eye(10)[np.arange(10)]}


@pytest.mark.slow
def test_smaller_sizes_stand_for_a_large_example() -> None:
    start = time.process_time()
    report = check_gradient(mlp, mlp_gradients, example=large_example())
    assert time.process_time() - start < 3
    assert {v.status for v in report.verdicts.values()} == {Status.PROVED}
    assert report.scope.shapes == ("X (3, 5), W1 (5, 2), W2 (2, 7)", "X (4, 4), W1 (4, 4), W2 (4, 4)")
    assert any(note.startswith("the example has 31,800 numbers; smaller sizes stand for it") for note in report.notes)


@pytest.mark.slow
def test_a_mistake_at_a_large_example_differs() -> None:
    def tenth(**values: Any) -> Any:
        found = mlp_gradients(**values)
        return {**found, "W2": found["W2"] * len(values["X"]) / 10}

    tenth.__wrapped__ = mlp_gradients  # type: ignore[attr-defined]
    report = check_gradient(mlp, tenth, example=large_example(), repair=False)
    assert report["W2"].status is Status.DIFFERS
    assert report["W1"].status is Status.PROVED


@pytest.mark.slow
def test_labels_grow_with_the_rows_that_they_pick_from():
    """`p[arange(len(y)), y]` runs on a p with more rows than labels: that the two are one size is seen by what is left out."""

    def loss(X, W, y):
        z = X @ W
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])

    def gradient(X, W, y, count=None):
        p = np.exp(X @ W)
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        return {"W": X.T @ p / (count or len(y))}

    example = {"X": np.arange(8.0).reshape(4, 2) / 7, "W": np.eye(2, 3), "y": np.array([0, 2, 1, 1])}
    right = check_gradient(loss, gradient, example=example)
    assert right.ok, right
    assert not any("no other sizes" in note for note in right.notes)
    written_in = check_gradient(loss, lambda X, W, y: gradient(X, W, y, count=4), example=example)
    assert written_in["W"].status == "differs", written_in


def test_rows_that_are_only_compared_with_each_other_are_left_out() -> None:
    """The shift of a softmax, and a relu before it, compare all rows, those too that no label picks."""

    def loss(X: Any, W: Any, y: Any) -> Any:
        z = np.maximum(X @ W, 0)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(y)), y]).mean()

    example = {**random(X=(2, 3), W=(3, 4)), "y": np.array([0, 2])}
    assert sizes_found(loss, example, ["W"]) == {frozenset({"X.1", "W.0"}), frozenset({"W.1"}), frozenset({"X.0", "y.0"})}


def test_what_a_relu_blocks_is_used_at_other_numbers() -> None:
    """With two or three hidden units some are blocked for the whole batch; the sizes may vary nevertheless."""

    def loss(x: Any, y: Any, weights: Any) -> Any:
        h = np.maximum(0, weights["W1"] @ x + weights["b1"])
        return np.mean((weights["W2"] @ np.maximum(0, weights["V"] @ h) - y) ** 2)

    example = {**random(1, x=(4, 6), y=(1, 6)), "weights": random(2, W1=(5, 4), b1=(5, 1), V=(3, 5), W2=(1, 3))}
    assert sizes_found(loss, example) == {
        frozenset({"x.0", "W1.1"}), frozenset({"x.1", "y.1"}), frozenset({"W1.0", "b1.0", "V.1"}), frozenset({"V.0", "W2.1"})
    }  # fmt: skip


def _windows(x: Any, w: Any, t: Any) -> Any:
    """A loss of a convolution along a line: t has as many elements as there are places for the kernel."""
    places = x.shape[1] - w.shape[0] + 1
    return sum(np.sum((x[:, k : k + w.shape[0]] @ w - t[:, k]) ** 2) for k in range(places)) / t.size


def _of_windows(x: Any, w: Any, t: Any, count: Any = None) -> dict[str, Any]:
    places = x.shape[1] - w.shape[0] + 1
    dw, dx = np.zeros_like(w), np.zeros_like(x)
    for k in range(places):
        d = 2 * (x[:, k : k + w.shape[0]] @ w - t[:, k]) / (count or t.size)
        dw += d @ x[:, k : k + w.shape[0]]
        dx[:, k : k + w.shape[0]] += np.outer(d, w)
    return {"w": dw, "x": dx}


def _pooled(x: Any, w: Any, t: Any) -> Any:
    means = x.reshape(x.shape[0], -1, 2, x.shape[2]).mean(axis=2)
    return np.sum((np.einsum("nhd,hd->n", means, w) - t) ** 2)


def _of_pooled(x: Any, w: Any, t: Any, rows: Any = None) -> dict[str, Any]:
    means = x.reshape(x.shape[0], -1, 2, x.shape[2]).mean(axis=2)
    d = 2 * (np.einsum("nhd,hd->n", means, w) - t)
    return {
        "w": np.einsum("n,nhd->hd", d, means),
        "x": np.einsum("n,hd->nhd", d, np.repeat(w, 2, axis=0)) / (2 * w.shape[0] / (rows or w.shape[0])),
    }


def _gates(W: Any, x: Any, h: Any, t: Any) -> Any:
    z = np.tanh(np.hstack([x, h]) @ W)
    return np.sum((z - t) ** 2)


def _of_gates(W: Any, x: Any, h: Any, t: Any, split: Any = None) -> dict[str, Any]:
    both = np.hstack([x, h])
    z = np.tanh(both @ W)
    d = 2 * (z - t) * (1 - z * z)
    back = d @ W.T
    at = split or x.shape[1]
    return {"W": both.T @ d, "x": back[:, :at], "h": back[:, at:]}


#: A loss in whose example some extents follow from others, a right gradient, and one with a size of the example written in.
DERIVED: dict[str, tuple[Any, Any, Any, Values]] = {
    "places of a kernel": (
        _windows, _of_windows, lambda x, w, t: _of_windows(x, w, t, count=8), random(x=(2, 6), w=(3,), t=(2, 4))
    ),
    "an image's rows in twos": (
        _pooled, _of_pooled, lambda x, w, t: _of_pooled(x, w, t, rows=3), random(x=(2, 6, 5), w=(3, 5), t=(2,))
    ),
    "what stands side by side": (
        _gates, _of_gates, lambda W, x, h, t: _of_gates(W, x, h, t, split=3), random(W=(5, 4), x=(6, 3), h=(6, 2), t=(6, 4))
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DERIVED)
def test_sizes_that_follow_from_others_vary_too(kind: str) -> None:
    loss, right, written_in, example = DERIVED[kind]
    report = check_gradient(loss, right, example=example, explain=False, repair=False)
    assert report.ok, report
    assert not any("other sizes" in note for note in report.notes)
    wrong = check_gradient(loss, written_in, example=example, explain=False, repair=False)
    assert not wrong.ok or "the code does not take other sizes of all arrays" in "".join(wrong.notes), wrong
    assert wrong.ok == (kind == "what stands side by side")
