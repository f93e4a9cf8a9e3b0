"""Code whose loss stands nowhere is right under the conventions that people have: means over samples, decays of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import check_layer
from symbackprop.verify.passes.conventions import Decay, Evidence, SidesAtPoint
from symbackprop.verify.reference.shapes import Dimension
from symbackprop.verify.report.report import Report

rng = np.random.default_rng(3)
Pair = tuple[Callable[..., Any], Callable[..., Any]]


def columns(scale_of_W: str, scale_of_b: str, *, added: str = "0", passed_on: str = "1") -> Pair:
    """Return a layer whose samples are columns, with the factors of its gradients as a text says them."""
    factors: dict[str, Callable[..., float]] = {
        "1": lambda A, W: 1.0,
        "1/m": lambda A, W: 1 / A.shape[1],
        "1/n": lambda A, W: 1 / A.shape[0],
        "2/m": lambda A, W: 2 / A.shape[1],
    }
    terms: dict[str, Callable[..., Any]] = {
        "0": lambda A, W: 0.0 * W,
        "λW": lambda A, W: 0.7 * W,
        "λW/m": lambda A, W: 0.7 / A.shape[1] * W,
        "-λW": lambda A, W: -0.7 * W,
        "λW²": lambda A, W: 0.7 * W**2,
        "λ sign W": lambda A, W: 0.7 * np.sign(W),
        "both": lambda A, W: 0.7 * W + 0.2 * np.sign(W),
        "λX": lambda A, W: 0.7 * np.outer(np.ones(len(W)), A.sum(axis=1)),
    }

    def forward(A, W, b):
        return W @ A + b, (A, W, b)

    def backward(dZ, cache):
        A, W, _ = cache
        dW = dZ @ A.T * factors[scale_of_W](A, W) + terms[added](A, W)
        db = dZ.sum(axis=1, keepdims=True) * factors[scale_of_b](A, W)
        return W.T @ dZ * factors[passed_on](A, W), dW, db

    return forward, backward


def judged(layer: Pair) -> Report:
    A, W, b = rng.normal(size=(3, 4)), rng.normal(size=(2, 3)), rng.normal(size=(2, 1))
    return check_layer(*layer, A, W=W, b=b, explain=False, repair=False)


MEANS = {"W": "where the loss is a mean over the samples", "b": "where the loss is a mean over the samples"}
RIGHT: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "plain": ({}, {}),
    "means": ({"scale_of_W": "1/m", "scale_of_b": "1/m"}, MEANS),
    "decay": ({"added": "λW"}, {"W": "where the loss has the decay 0.7/2·Σ W²"}),
    "decay over samples": ({"added": "λW/m"}, {"W": "where the loss has the decay 0.7/A.shape[1]/2·Σ W²"}),
    "absolute values": ({"added": "λ sign W"}, {"W": "where the loss has the decay 0.7·Σ |W|"}),
    "both decays": ({"added": "both"}, {"W": "where the loss has the decay 0.7/2·Σ W² + 0.2·Σ |W|"}),
    "means and decay": (
        {"scale_of_W": "1/m", "scale_of_b": "1/m", "added": "λW/m"},
        {**MEANS, "W": f"{MEANS['W']} with the decay 0.7/A.shape[1]/2·Σ W²"},
    ),
}
WRONG: dict[str, dict[str, str]] = {
    "only one is a mean": {"scale_of_W": "1/m"},
    "divided by the features": {"scale_of_W": "1/n", "scale_of_b": "1/n"},
    "a mean, twice": {"scale_of_W": "2/m", "scale_of_b": "2/m"},
    "a growth": {"added": "-λW"},
    "no slope of a usual term": {"added": "λW²"},
    "a term of the data": {"added": "λX"},
    "a mean that is passed on": {"scale_of_W": "1/m", "scale_of_b": "1/m", "passed_on": "1/m"},
}


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_usual_is_right_on_its_condition(kind: str) -> None:
    options, notes = RIGHT[kind]
    report = judged(columns(**{"scale_of_W": "1", "scale_of_b": "1", **options}))
    assert {name: str(verdict.status) for name, verdict in report.verdicts.items()} == dict.fromkeys("AWb", "proved"), str(report)
    assert {name: verdict.note for name, verdict in report.verdicts.items() if verdict.note} == notes


def test_what_a_mean_rests_on_is_said() -> None:
    report = judged(columns("1/m", "1/m"))
    (note,) = [note for note in report.notes if "means" in note]
    assert note.startswith("W, b: means over the A.shape[1] samples; right where dZ is the slope of each sample's own cost")


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_usual_differs(kind: str) -> None:
    report = judged(columns(**{"scale_of_W": "1", "scale_of_b": "1", **WRONG[kind]}))
    assert "differs" in {str(verdict.status) for verdict in report.verdicts.values()}, str(report)
    assert not any("means over" in note for note in report.notes)


def rows_of(slope: Callable[[Any, int], Any], sizes: tuple[int, ...] = (2, 3, 4)) -> Evidence:
    """Return points at which a gradient has something beyond the derived one, of the weights and the number of samples."""
    draw = np.random.default_rng(1)
    found = []
    for size in sizes:
        values = {"X": draw.normal(size=(size, 2)), "W": draw.normal(size=(2, 3))}
        derived = draw.normal(size=(2, 3))
        found.append(SidesAtPoint(values, {"W": derived + slope(values["W"], size)}, {"W": derived}))
    return Evidence(tuple(found), (frozenset({Dimension("X", 0)}),))


@pytest.mark.parametrize(
    ("slope", "wanted"),
    [
        (lambda W, m: 0.3 * W, (Decay(0.3),)),
        (lambda W, m: W / 3, (Decay(1 / 3),)),
        (lambda W, m: 0.3 / m * W, (Decay(0.3, per=Dimension("X", 0)),)),
        (lambda W, m: 0.3 * np.sign(W), (Decay(0.3, squares=False),)),
        (lambda W, m: 0.3 / m * (W + 2 * np.sign(W)), (Decay(0.3, per=Dimension("X", 0)), Decay(0.6, False, Dimension("X", 0)))),
        (lambda W, m: -0.3 * W, ()),
        (lambda W, m: 0.3 * W**3, ()),
        (lambda W, m: 0.3 / m**2 * W, ()),
        (lambda W, m: 0.3 * W.T.reshape(W.shape), ()),
    ],
)
def test_terms_are_those_whose_slopes_are_all_that_is_left(slope: Callable[[Any, int], Any], wanted: tuple[Decay, ...]) -> None:
    assert rows_of(slope).terms("W") == wanted


def test_one_number_at_one_point_says_nothing() -> None:
    row = SidesAtPoint({"W": np.ones(1)}, {"W": np.ones(1)}, {"W": np.zeros(1)})
    assert Evidence((row,), ()).terms("W") == ()
