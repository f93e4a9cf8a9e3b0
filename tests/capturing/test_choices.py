"""Choices between an array and a number, masks of 0 and 1 that are compared with 0, and places that values decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import capture, derive, numeric
from symbackprop.errors import NotSupportedError

RNG = np.random.default_rng(3)
PHI, MASK = RNG.normal(size=(3, 4, 2)), np.array([[1, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1.0]])


def leaky(phi: Any) -> Any:
    return np.sum(np.where(phi > 0, phi, -0.5) ** 2)


def number_first(phi: Any) -> Any:
    return np.sum(np.where(phi > 0.1, 2, phi) ** 3)


def masked(phi: Any, mask: Any) -> Any:
    return np.sum(np.tanh(np.where(mask[:, :, None] > 0, phi, 0.25)))


def two_numbers(phi: Any, mask: Any) -> Any:
    return np.sum(np.where(mask > 0, 1.5, -1) * phi[:, :, 0])


@pytest.mark.parametrize("loss", [leaky, number_first, masked, two_numbers])
def test_a_choice_of_a_number_is_captured(loss: Callable[..., Any]) -> None:
    example = {"phi": PHI} if loss in (leaky, number_first) else {"phi": PHI, "mask": MASK}
    captured = capture(loss, example, wrt=["phi"])
    function = numeric.function(derive(captured.network, captured.loss, wrt=["phi"]))
    value, gradients = function(**{name: example[name] for name in captured.inputs})
    assert value == pytest.approx(loss(**example), rel=1e-12)
    along = RNG.normal(size=PHI.shape)
    sides = [loss(**{**example, "phi": PHI + sign * 1e-6 * along}) for sign in (1, -1)]
    assert np.sum(gradients["phi"] * along) == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6)


def test_a_mask_needs_no_gradient_where_it_is_compared() -> None:
    assert set(capture(masked, {"phi": PHI, "mask": MASK}).inputs) == {"phi", "mask"}


def hottest(phi: Any, mask: Any) -> Any:
    best = np.argmax(np.where(mask[:, :, None] > 0, phi, -9.0), axis=1)
    return np.sum(phi[np.arange(3)[:, None], best, np.arange(2)] ** 2)


def sorted_by(phi: Any, mask: Any) -> Any:
    return np.sum(phi[np.argsort(phi[:, 0, 0])] * np.arange(24.0).reshape(3, 4, 2))


@pytest.mark.parametrize("loss", [hottest, sorted_by])
def test_places_that_values_decide_are_no_formula_even_where_no_small_change_moves_them(loss: Callable[..., Any]) -> None:
    apart = {"phi": PHI + 5 * np.arange(24.0).reshape(3, 4, 2), "mask": MASK}
    with pytest.raises(NotSupportedError, match="decides by value at line"):
        capture(loss, apart)


def test_numbers_of_a_list_are_what_their_list_is() -> None:
    def error(weights: Any, row: Any, expected: Any) -> Any:
        return sum((w * r - e) ** 2 for w, r, e in zip(weights, row, expected, strict=True))

    captured = capture(error, {"weights": [0.3, -0.2], "row": [1.5, 2.25], "expected": [0.5, 0.1]})
    roles = {
        captured.inputs[node.name]: node.role.value for node in captured.network.nodes.values() if node.name in captured.inputs
    }
    assert roles == {
        **dict.fromkeys(("weights.0", "weights.1"), "parameter"),
        **dict.fromkeys(("row.0", "row.1"), "input"),
        **dict.fromkeys(("expected.0", "expected.1"), "target"),
    }


@pytest.mark.parametrize("far", [-1e30, -1e9, -(2.0**80)])
def test_numbers_beyond_all_integers_are_floats_in_code(far: float) -> None:
    def attention(phi: Any) -> Any:
        scores = np.where(np.arange(4)[:, None] >= np.arange(4), phi[0, :, :1] - phi[0, :, 0], far)
        top = np.exp((scores - scores.max(axis=1, keepdims=True)) / 2)
        return np.sum((top / top.sum(axis=1, keepdims=True)) ** 2)

    confirmed = capture(attention, {"phi": PHI}).confirmed  # the generated code beside this one
    assert confirmed.points > 0
    assert confirmed.loss < 1e-12


def softmax_rows(scores: Any) -> Any:
    top = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return top / top.sum(axis=-1, keepdims=True)


def causal_where(phi: Any) -> Any:
    return np.where(np.tril(np.ones((len(phi), len(phi)))) == 1, phi, -1e9)


def causal_named(phi: Any) -> Any:
    later = np.triu(np.ones(phi.shape, dtype=bool), k=1)
    return np.where(later, -1e4, phi)


def causal_places(phi: Any) -> Any:
    scores = phi * 1.0
    scores[np.triu_indices(len(phi), 1)] = -1e30
    return scores


def causal_written(phi: Any) -> Any:
    scores = phi * 1.0
    scores[np.triu(np.ones(phi.shape), 1) == 1] = -1e9
    return scores


def without_itself(phi: Any) -> Any:
    scores = phi @ phi.T
    np.fill_diagonal(scores, -1e9)
    return scores


def small_number(phi: Any) -> Any:
    return np.where(np.eye(len(phi), dtype=bool), -2.0, phi)


MASKS = [causal_where, causal_named, causal_places, causal_written, without_itself, small_number]


@pytest.mark.parametrize("masked_by", MASKS)
def test_what_a_known_mask_leaves_out_of_a_softmax_keeps_its_place(masked_by: Callable[[Any], Any]) -> None:
    def attention(phi: Any, wanted: Any) -> Any:
        return np.sum((softmax_rows(masked_by(phi)) - wanted) ** 2)

    example = {"phi": RNG.normal(size=(4, 4)), "wanted": RNG.normal(size=(4, 4))}
    captured = capture(attention, example, wrt=["phi"])
    function = numeric.function(derive(captured.network, captured.loss, wrt=["phi"]))
    value, gradients = function(**{**captured.network.values, **example})
    assert value == pytest.approx(attention(**example), rel=1e-12)
    for place in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[place] = 1e-6
        slope = (attention(example["phi"] + step, example["wanted"]) - attention(example["phi"] - step, example["wanted"])) / 2e-6
        assert gradients["phi"][place] == pytest.approx(slope, rel=1e-5, abs=1e-8)
    assert len(captured.network.nodes) < 9  # one formula for all rows


def test_a_diagonal_that_wraps_is_refused_by_name() -> None:
    def wrapped(phi: Any) -> Any:
        tall = phi * 1.0
        np.fill_diagonal(tall, 0.0, wrap=True)
        return np.sum(tall**2)

    with pytest.raises(NotSupportedError, match="fill_diagonal with wrap"):
        capture(wrapped, {"phi": RNG.normal(size=(7, 3))})
