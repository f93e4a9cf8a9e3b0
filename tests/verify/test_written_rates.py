"""Training steps whose rate is written into the code are read as steps; gradients that look like steps are read as gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop import Network, check_gradient, derive, sigmoid
from symbackprop.verify.binding.binding import HandCall
from symbackprop.verify.binding.written_rates import WrittenRate, rate_of, written_rates
from symbackprop.verify.records import Status

RANDOM = np.random.default_rng(7)
STEP = 0.05


def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
    return 0.5 * np.sum((x @ W + b - y) ** 2)


def right_sides(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = x @ W + b - y
    return x.T @ r, np.sum(r, axis=0)


def renewed(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = x @ W + b - y
    W = W - 0.1 * x.T @ r
    b = b - 0.1 * np.sum(r, axis=0)
    return W, b


def in_place(W: Any, b: Any, x: Any, y: Any) -> None:
    r = x @ W + b - y
    W -= STEP * x.T @ r
    b -= STEP * np.sum(r, axis=0)


def residual_added(W: Any, b: Any, x: Any, y: Any) -> Any:
    e = y - (x @ W + b)
    W += 0.01 * (x.T @ e)
    b += 0.02 * np.sum(e, axis=0)
    return {"W": W, "b": b}


def of_rate_one(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = x @ W + b - y
    W -= x.T @ r
    b -= np.sum(r, axis=0)
    return W, b


def moved(weight: Any, slope: Any, rate: float = 0.25) -> Any:
    return weight - rate * slope


def by_a_helper(W: Any, b: Any, x: Any, y: Any) -> Any:
    dW, db = right_sides(W, b, x, y)
    return moved(W, dW), moved(b, db)


def mean_lost(W: Any, b: Any, x: Any, y: Any) -> Any:
    r = (x @ W + b - y) / len(x)
    W = W - 0.1 * x.T @ r
    b = b - 0.1 * np.sum(r, axis=0)
    return W, b


def uphill(W: Any, b: Any, x: Any, y: Any) -> Any:
    dW, db = right_sides(W, b, x, y)
    W = W + 0.1 * dW
    b = b + 0.1 * db
    return W, b


def mean_lost_in_place(W: Any, b: Any, x: Any, y: Any) -> None:
    dW, db = right_sides(W, b, x, y)
    W -= 0.1 * dW / len(x)
    b -= 0.1 * db / len(x)


def of_a_dictionary(params: Any, x: Any, y: Any) -> Any:
    W, b = params["W"], params["b"]
    r = x @ W + b - y
    dW, db = x.T @ r, np.sum(r, axis=0)
    params["W"] = W - 0.1 * dW
    params["b"] = b - 0.1 * db
    return params


def twice_in_a_dictionary(params: Any, x: Any, y: Any) -> Any:
    W, b = params["W"], params["b"]
    r = x @ W + b - y
    dW, db = x.T @ r, np.sum(r, axis=0)
    params["W"] = W - 0.1 * dW
    params["b"] = b - 0.1 * 2 * db
    return params


@pytest.mark.parametrize(("hand", "status"), [(of_a_dictionary, Status.PROVED), (twice_in_a_dictionary, Status.DIFFERS)])
def test_a_step_of_weights_that_are_taken_out_of_a_dictionary(hand: Callable[..., Any], status: Status) -> None:
    def cost(params: Any, x: Any, y: Any) -> Any:
        return loss(params["W"], params["b"], x, y)

    draw = RANDOM.normal
    example = {"params": {"W": draw(size=(2, 3)), "b": draw(size=3)}, "x": draw(size=(4, 2)), "y": draw(size=(4, 3))}
    found = check_gradient(cost, hand, example=example, wrt=["W", "b"], explain=False, repair=False)
    assert (found["W"].status, found["b"].status) == (Status.PROVED, status)


RIGHT = (renewed, in_place, residual_added, of_rate_one, by_a_helper, right_sides)
WRONG = (mean_lost, uphill, mean_lost_in_place)


@pytest.mark.parametrize("hand", [*RIGHT, *WRONG])
def test_a_step_of_a_written_rate(hand: Callable[..., Any]) -> None:
    example = {name: RANDOM.normal(size=shape) for name, shape in {"W": (2, 3), "b": (3,), "x": (4, 2), "y": (4, 3)}.items()}
    found = check_gradient(loss, hand, example=example, explain=False, repair=False)
    assert {v.status for v in found.verdicts.values()} == ({Status.PROVED} if hand in RIGHT else {Status.DIFFERS})
    assert set(found.verdicts) == {"W", "b"}
    assert any("read as a step with the rate" in note for note in found.notes) is (hand is not right_sides)


def test_a_step_of_a_network() -> None:
    net = Network("neuron")
    n, i = net.indices("n:N i:D")
    x, t, w = net.input("x", n, i), net.target("t", n), net.parameter("w", i)
    p = net.define("p", n, sigmoid(Sum(x[n, i] * w[i], i)))
    d = derive(net, net.define("E", Sum((p[n] - t[n]) ** 2, n)))

    def step(w: Any, x: Any, t: Any, factor: float = 2.0) -> Any:
        p = 1 / (1 + np.exp(-(x @ w)))
        return w - 0.5 * x.T @ (factor * (p - t) * p * (1 - p))

    def half(w: Any, x: Any, t: Any) -> Any:
        return step(w, x, t, 1.0)

    assert check_gradient(d, step, explain=False, repair=False)["w"].status is Status.PROVED
    assert check_gradient(d, half, explain=False, repair=False)["w"].status is Status.DIFFERS


def ridge(W: Any, x: Any, y: Any) -> Any:
    return 0.5 * np.sum((x @ W - y) ** 2) + 0.5 * np.sum(W**2)


def with_a_weight_added(W: Any, x: Any, y: Any) -> Any:
    p = x @ W
    e = p - 0.5 * y - 0.5 * y
    return x.T @ e + W


def with_a_difference_of_weights(W: Any, x: Any, y: Any) -> Any:
    return x.T @ (x @ W - y) + (W - 0.5 * W) + 0.5 * W


@pytest.mark.parametrize("hand", [with_a_weight_added, with_a_difference_of_weights])
def test_a_gradient_that_holds_the_weight_is_a_gradient(hand: Callable[..., Any]) -> None:
    example = {"W": RANDOM.normal(size=2), "x": RANDOM.normal(size=(3, 2)), "y": RANDOM.normal(size=3)}
    assert check_gradient(ridge, hand, example=example, explain=False, repair=False)["W"].status is Status.PROVED


def test_which_rate_is_whose() -> None:
    def rates(function: Callable[..., Any]) -> tuple[WrittenRate, ...]:
        return written_rates(HandCall(function, {}, {}))

    assert set(rates(residual_added)) == {WrittenRate(0.01, "W"), WrittenRate(0.02, "b")}
    assert {rate.value for rate in rates(by_a_helper)} == {0.25}
    assert rate_of("W", [WrittenRate(0.1, "W"), WrittenRate(0.2, "b")]) == 0.1
    assert rate_of("V", [WrittenRate(0.1, "W"), WrittenRate(0.2, "b")]) == 0
    assert rate_of("V", [WrittenRate(0.1, ""), WrittenRate(1.0, "W")]) == 0.1
    assert rate_of("V", [WrittenRate(1.0, "W")]) == 0
    assert rate_of("W", [WrittenRate(1.0, "W")]) == 1
