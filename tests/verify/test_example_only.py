"""Code that is right for its example alone: for its classes, for its batch of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.reference.class_numbers import redrawn, single_labels
from symbackprop.verify.report.report import Report

RANDOM = np.random.default_rng(5)


def checked(loss: Callable[..., Any], hand: Callable[..., Any], **example: Any) -> Report:
    return check_gradient(loss, hand, example=example, explain=False, repair=False)


def softmax(scores: Any) -> Any:
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def loss_of_rows(W: Any, X: Any, y: Any) -> Any:
    return -np.sum(np.log(softmax(X @ W)[np.arange(len(y)), y]))


def right_rows(W: Any, X: Any, y: Any) -> Any:
    P = softmax(X @ W)
    P[np.arange(len(y)), y] -= 1
    return X.T @ P


def no_class_zero(W: Any, X: Any, y: Any) -> Any:
    P = softmax(X @ W)
    for row, number in enumerate(y):
        if number:
            P[row, number] -= 1
    return X.T @ P


def second_class(W: Any, X: Any, y: Any) -> Any:
    P = softmax(X @ W)
    P[np.arange(len(y)), 1] -= 1
    return X.T @ P


@pytest.mark.parametrize(("hand", "is_right"), [(right_rows, True), (no_class_zero, False), (second_class, False)])
def test_other_classes_are_tried_than_those_of_the_example(hand: Callable[..., Any], is_right: bool) -> None:
    X, W = RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(2, 3))
    y = np.array([1, 1, 1, 1] if hand is second_class else [1, 2, 2, 1])
    assert (checked(loss_of_rows, hand, W=W, X=X, y=y)["W"].status is Status.PROVED) is is_right


def loss_of_one(W: Any, x: Any, y: Any) -> Any:
    return -np.log(softmax(x @ W)[y])


def right_one(W: Any, x: Any, y: Any) -> Any:
    return np.outer(x, softmax(x @ W) - np.eye(W.shape[1])[y])


def no_class_zero_of_one(W: Any, x: Any, y: Any) -> Any:
    p = softmax(x @ W)
    if y > 0:
        p[y] -= 1
    return np.outer(x, p)


@pytest.mark.parametrize(("hand", "is_right"), [(right_one, True), (no_class_zero_of_one, False)])
def test_a_single_label_takes_every_class(hand: Callable[..., Any], is_right: bool) -> None:
    found = checked(loss_of_one, hand, W=RANDOM.normal(size=(2, 4)), x=RANDOM.normal(size=2), y=3)
    assert (found["W"].status is Status.PROVED) is is_right


def loss_of_places(E: Any, places: Any, t: Any) -> Any:
    return np.sum((E[places] - t) ** 2)


def added_up(E: Any, places: Any, t: Any) -> Any:
    dE = np.zeros_like(E)
    np.add.at(dE, places, 2 * (E[places] - t))
    return dE


def assigned(E: Any, places: Any, t: Any) -> Any:
    dE = np.zeros_like(E)
    dE[places] = 2 * (E[places] - t)
    return dE


@pytest.mark.parametrize(
    ("hand", "places", "is_right"),
    [(added_up, [0, 2], True), (added_up, [2, 2], True), (assigned, [0, 2], True), (assigned, [2, 2], False)],
)
def test_places_stay_as_distinct_as_they_are(hand: Callable[..., Any], places: list[int], is_right: bool) -> None:
    found = checked(loss_of_places, hand, E=RANDOM.normal(size=(4, 2)), places=np.array(places), t=RANDOM.normal(size=(2, 2)))
    assert (found["E"].status is Status.PROVED) is is_right


def test_numbers_are_drawn_up_to_the_last_with_which_the_loss_runs() -> None:
    values = {"W": np.zeros((2, 7)), "y": np.array([1, 0, 1]), "count": 2}
    drawn = [redrawn(values, {"y", "count"}, np.random.default_rng(k), lambda v: bool(np.max(v["y"]) < 5)) for k in range(20)]
    assert {int(number) for other in drawn for number in other["y"]} == {
        0,
        1,
        2,
    }  # 1, 2 and 6 are the last places of axes, 6 is refused
    assert {other["count"] for other in drawn} == {2}
    wide = [redrawn(values, {"y"}, np.random.default_rng(k), lambda v: True)["y"] for k in range(20)]
    assert {int(number) for other in wide for number in other} == set(range(7))
    kept = redrawn({"k": np.array([1, 4, 6])}, {"k"}, np.random.default_rng(0), lambda v: True)["k"]
    assert len(set(kept)) == 3
    assert sorted(kept) == list(kept)
    assert [v["y"] for v in single_labels({"W": np.zeros((2, 3)), "y": 1}, {"y"}, lambda v: True)] == [0, 2]


def mean_loss(W: Any, b: Any, x: Any, y: Any) -> Any:
    return np.mean((x @ W + b - y) ** 2)


def mean_right(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = 2 * (x @ W + b - y) / np.size(y)
    return x.T @ r, np.sum(r, axis=0, keepdims=True)


def mean_forgotten(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = 2 * (x @ W + b - y) / np.shape(y)[1]
    return x.T @ r, np.sum(r, axis=0, keepdims=True)


def of_one_row(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = 2 * (x @ W + b - y) / np.size(y)
    return x.T @ r, r


@pytest.mark.parametrize(("hand", "is_right"), [(mean_right, True), (mean_forgotten, False), (of_one_row, True)])
def test_a_batch_of_one_is_made_larger(hand: Callable[..., Any], is_right: bool) -> None:
    example = {name: RANDOM.normal(size=shape) for name, shape in {"W": (3, 2), "b": (1, 2), "x": (1, 3), "y": (1, 2)}.items()}
    found = checked(mean_loss, hand, **example)
    assert ({v.status for v in found.verdicts.values()} == {Status.PROVED}) is is_right
    assert any("batch of 1 only" in note for note in found.notes) is (hand is of_one_row)


def test_a_column_is_no_batch_of_one() -> None:
    def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
        return np.sum((W @ x + b - y) ** 2)

    def hand(W: Any, b: Any, x: Any, y: Any) -> Any:
        delta = 2 * (W @ x + b - y)
        return delta @ x.T, delta

    example = {name: RANDOM.normal(size=shape) for name, shape in {"W": (2, 3), "b": (2, 1), "x": (3, 1), "y": (2, 1)}.items()}
    found = checked(loss, hand, **example)
    assert {v.status for v in found.verdicts.values()} == {Status.PROVED}
