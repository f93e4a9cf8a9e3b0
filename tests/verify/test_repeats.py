"""Code that is no function of its arguments, and code that changes them, is said to be."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.verify.records import Status

EXAMPLE = {"w": np.array([0.5, -1.5, 2.0])}
CALLS: list[int] = []
OWN = np.random.default_rng(1)
SEEN: list[Any] = []


def loss(w: Any) -> Any:
    return np.sum(w**2)


def counted(w: Any, most: int) -> Any:
    CALLS.append(0)
    return 2 * w if len(CALLS) <= most else 4 * w


UNSTEADY = {
    "python's random": lambda w: 2 * w * (2 if random.random() < 0.5 else 1),
    "numpy's random": lambda w: 2 * w * np.random.choice([1.0, 2.0]),
    "noise": lambda w: 2 * w + 1e-6 * np.random.normal(size=w.shape),
    "first call": lambda w: counted(w, 1),
    "third call": lambda w: counted(w, 3),
    "tenth call": lambda w: counted(w, 9),
    "two hundredth call": lambda w: counted(w, 200),
    "one draw in thirty": lambda w: 2 * w * (1 if np.random.rand() < 0.97 else 2),
    "a generator of its own": lambda w: 2 * w * (1 if OWN.random() < 0.97 else 2),
}


@pytest.mark.parametrize("kind", UNSTEADY)
def test_other_results_for_the_same_arguments_are_no_gradient(kind: str) -> None:
    CALLS.clear()
    found = check_gradient(loss, lambda w: {"w": UNSTEADY[kind](w)}, example=EXAMPLE, explain=False, repair=False)
    assert found["w"].status is Status.ERROR
    assert "other results for the same arguments" in found["w"].note


def test_drawing_without_an_effect_is_fine() -> None:
    def gradient(w: Any) -> Any:
        np.random.normal()
        return {"w": 2 * w}

    assert check_gradient(loss, gradient, example=EXAMPLE)["w"].status is Status.PROVED


def test_a_loss_that_draws_is_compared_with_its_own_draws() -> None:
    def mask(w: Any) -> Any:
        return np.random.random(w.shape) < 0.5

    found = check_gradient(lambda w: np.sum(mask(w) * w**2), lambda w: {"w": 2 * w * mask(w)}, example=EXAMPLE, repair=False)
    assert found["w"].status is Status.PROVED


def test_an_argument_changed_in_place_is_noted() -> None:
    def backward(dout: Any, x: Any) -> Any:
        dout[x < 0] = 0
        return {"x": dout}

    example = {"x": np.array([0.5, -1.0, 2.0]), "dout": np.array([1.0, 2.0, 3.0])}
    found = check_gradient(lambda x, dout: np.sum(np.maximum(0, x) * dout), backward, example=example, wrt=["x"])
    assert found["x"].status is Status.PROVED
    assert "the code changes what it is given in place: dout" in found.notes
    tidy = check_gradient(loss, lambda w: {"w": 2 * w}, example=EXAMPLE)
    assert not any("in place" in note for note in tidy.notes)


def test_what_is_kept_between_calls_is_said_and_does_no_harm() -> None:
    def gradient(w: Any) -> Any:
        SEEN.append(0)
        return {"w": 2 * w + SEEN[-1]}

    found = check_gradient(loss, gradient, example=EXAMPLE)
    assert found["w"].status is Status.PROVED
    assert "the code keeps something between calls: SEEN; 300 calls gave the same" in found.notes
    assert not any("between calls" in note for note in check_gradient(loss, lambda w: {"w": 2 * w}, example=EXAMPLE).notes)
