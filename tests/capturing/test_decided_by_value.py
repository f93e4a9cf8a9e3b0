"""What code decides by the value of a number is followed where a formula says it, and refused with its line where none does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symbackprop import NotSupportedError, capture, derive
from tests.capturing.differences import differences, loss_of

RNG = np.random.default_rng(5)
Z = RNG.uniform(0.1, 0.9, (5, 3))
LABELS = np.array([0, 2, 1, 1, 0])


def picked(z: Any, t: Any) -> Any:
    return -np.sum(np.log(z[np.arange(len(z)), t.argmax(axis=1)]))


def picked_in_columns(z: Any, t: Any) -> Any:
    where = np.argmax(t, axis=0)
    total = 0.0
    for n in range(z.shape[1]):
        total -= np.log(z[where[n], n])
    return total


def as_a_number(z: Any, t: Any) -> Any:
    return np.sum((z[:, 0] - np.argmax(t, 1)) ** 2)


def moved(z: Any, t: Any) -> Any:
    return np.sum(z[np.arange(len(z)), 2 - np.argmax(t, axis=-1)] ** 2)


@pytest.mark.parametrize("t", [np.eye(3)[LABELS], np.eye(3, dtype=int)[LABELS]], ids=["real", "whole"])
@pytest.mark.parametrize("function", [picked, as_a_number, moved])
def test_the_place_of_the_1_in_a_row_is_a_label(function: Any, t: Any) -> None:
    agrees(function, {"z": Z, "t": t})


def test_the_place_of_the_1_in_a_column_is_a_label() -> None:
    agrees(picked_in_columns, {"z": Z.T, "t": np.eye(3)[LABELS].T})


def test_rows_are_in_the_formula_not_the_labels_of_the_example() -> None:
    """With two samples and two classes one draw in four is the example again: once compared is not enough."""
    z = Z[:2, :2]
    captured = capture(picked, {"z": z, "t": np.eye(2)[[1, 1]]}, wrt="z")
    assert "t[n, i]" in str(captured.network.node("loss").expression)


def test_the_place_of_the_largest_of_other_numbers_is_refused_with_its_line() -> None:
    def loss(z: Any, w: Any) -> Any:
        return np.sum(w[np.argmax(z, axis=1)])

    with pytest.raises(NotSupportedError, match=r"decides by value at line \d+.* np\.where"):
        capture(loss, {"z": Z, "w": np.ones(3) * [1, 2, 3]}, wrt="w")


def one_hot(y: Any) -> Any:
    rows = np.zeros((len(y), y.max() + 1))
    rows[np.arange(len(y)), y] = 1
    return rows


def by_the_largest_label(z: Any, y: Any) -> Any:
    return np.sum((z - one_hot(y)) ** 2)


def by_the_identity(z: Any, y: Any) -> Any:
    return np.sum((z - np.eye(np.max(y) + 1)[y]) ** 2)


@pytest.mark.parametrize("function", [by_the_largest_label, by_the_identity])
def test_how_many_classes_there_are_is_a_size(function: Any) -> None:
    agrees(function, {"z": Z, "y": LABELS})


def test_the_largest_label_is_no_number_of_a_formula() -> None:
    def loss(z: Any, y: Any) -> Any:
        return np.sum((z - y / y.max()) ** 2)

    with pytest.raises(NotSupportedError, match="not captured"):
        capture(loss, {"z": Z[:, 0], "y": LABELS}, wrt="z")


class Net:
    """Biases of zero: where the first layer is dead, the second stands at its kink."""

    def __init__(self) -> None:
        self.W1, self.b1 = -np.abs(RNG.normal(size=(3, 4))), np.zeros(4)
        self.W2, self.b2 = RNG.normal(size=(4, 2)), np.zeros(2)
        self.grads = [np.zeros_like(self.W1), np.zeros_like(self.W2)]

    def loss(self, x: Any) -> Any:
        hidden = np.maximum(0, x @ self.W1 + self.b1)
        return np.sum(np.maximum(0, hidden @ self.W2 + self.b2) ** 2)


def test_what_an_object_holds_is_moved_as_arguments_are_and_asked_for_where_it_is_used() -> None:
    captured = capture(Net().loss, {"x": np.abs(RNG.normal(size=(5, 3)))})
    assert captured.wrt == ("W1", "b1", "W2", "b2")


def agrees(function: Any, example: dict[str, Any]) -> None:
    captured = capture(function, example, wrt="z")
    loss, gradients = derive(captured.network, captured.loss, wrt=["z"]).function()(**captured.values(example))
    assert loss == pytest.approx(loss_of(function, example), rel=1e-9)
    own = differences(function, example, "z")
    assert np.max(np.abs(gradients["z"] - own)) <= 1e-6 * (1 + np.max(np.abs(own)))
