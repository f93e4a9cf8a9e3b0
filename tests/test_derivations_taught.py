"""The derivations of what is taught beyond the six documents: the handwritten gradients are right, and each is proved so."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop import check_gradient
from symbackprop.api import derive
from symbackprop.network import Network
from symbackprop.numeric import function
from symbackprop.verify.records import Status

Load = Callable[[str, str], ModuleType]
NAMES = (
    *("logistic_regression", "batch_norm", "layer_norm", "conv2d", "max_pool", "attention", "lstm_through_time"),
    *("word2vec", "vae", "transformer_block"),
)
AGREES = ("transformer_block",)  # to 48 digits: of tanh under a root there is no signature


def differences(loss: Callable[[Any], float], value: Any) -> Any:
    """Return the central differences of a loss, element by element."""
    found = np.zeros(np.shape(value))
    for place in np.ndindex(found.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = np.array(value, dtype=float)
            moved[place] += step
            ends.append(loss(moved if moved.ndim else float(moved)))
        found[place] = (ends[0] - ends[1]) / 2e-6
    return found


LARGE = ("conv2d", "lstm_through_time", "transformer_block")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in NAMES])
def test_handwritten_gradients_are_differences_of_the_loss(derivation_file: Load, name: str) -> None:
    network, loss = (getattr(derivation_file(name, "network"), what) for what in ("network", "loss"))
    made = function(derive(network, loss))
    values = {argument: network.values[argument] for argument in made.arguments}
    hand = derivation_file(name, "handwritten").gradients(**values)
    assert set(hand) == set(made.gradients)
    for parameter, gradient in hand.items():
        true = differences(lambda moved, name=parameter: made(**{**values, name: moved})[0], values[parameter])
        np.testing.assert_allclose(gradient, true, rtol=1e-6, atol=1e-8, err_msg=parameter)
        np.testing.assert_allclose(gradient, made(**values)[1][parameter], rtol=1e-10, atol=1e-12, err_msg=parameter)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "max_pool"])  # whose branches take minutes
def test_handwritten_gradients_are_proved(derivation_file: Load, name: str) -> None:
    network, loss = (getattr(derivation_file(name, "network"), what) for what in ("network", "loss"))
    report = check_gradient(derive(network, loss), derivation_file(name, "handwritten").gradients)
    expected = Status.AGREES if name in AGREES else Status.PROVED
    assert {parameter: report[parameter].status for parameter in report} == dict.fromkeys(report, expected)


@pytest.mark.slow
def test_a_wrong_gradient_of_the_norm_is_not(derivation_file: Load) -> None:
    network, loss = (getattr(derivation_file("layer_norm", "network"), what) for what in ("network", "loss"))
    right = derivation_file("layer_norm", "handwritten").gradients

    def without_the_mean(x: Any, gamma: Any, beta: Any, t: Any) -> Any:
        found = right(x, gamma, beta, t)
        return {**found, "x": found["x"] + 1e-3}

    report = check_gradient(derive(network, loss), without_the_mean)
    assert report["x"].status is Status.DIFFERS
    assert report["gamma"].status is Status.PROVED


def test_the_hessian_of_logistic_regression(derivation_file: Load) -> None:
    """∂²E/∂w∂w of one sample and one feature is p (1 - p) x², and the handwritten Hessian is the derived one."""
    network, loss = (getattr(derivation_file("logistic_regression", "network"), what) for what in ("network", "loss"))
    values = dict(network.values)
    hessian = derivation_file("logistic_regression", "handwritten").hessian(values["x"], values["w"], values["b"])
    gradient: Network = derive(network, loss).as_network(["w"])
    i = gradient.node("w").indices[0]
    direction = gradient.constant("direction", i)
    along = gradient.define("along", Sum(direction[i] * gradient.node("dE_dw").symbol[i], i))
    second = function(derive(gradient, along, ["w"]))
    for k, row in enumerate(hessian):
        _, found = second(**{name: values[name] for name in second.arguments if name != "direction"}, direction=np.eye(3)[k])
        np.testing.assert_allclose(found["w"], row, rtol=1e-12)
    assert np.all(np.linalg.eigvalsh(hessian) > 0)
