"""The six derivations, derived: the gradients are right, and stand to the handwritten ones as we say.

The judge of a derived gradient is a loss written in plain numpy in `tests/derivation_losses.py`,
differentiated by complex steps.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbackprop.derive import DerivationRecord, derive
from tests import brute_force
from tests.derivation_losses import LOSSES, complex_step, neuron_actual_loss, random_values

Load = Callable[[str, str], ModuleType]


def derived(load: Load, name: str, loss: str = "loss") -> DerivationRecord:
    """Return the derivation of one of a network's losses."""
    module = load(name, "network")
    return derive(module.network, getattr(module, loss))


def values_of(derivation: DerivationRecord, given: dict[str, Any]) -> dict[str, Any]:
    """Return the derived gradients as numbers, evaluated entry by entry."""
    network = derivation.network
    values, sizes = brute_force.forward(network, given), network.sizes(given)
    return {
        name: brute_force.tabulate(derivation[name].expression, network.nodes[name].indices, values, sizes)
        for name in derivation.wrt
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LOSSES)
def test_derived_gradients_are_right(derivation_file: Load, name: str, seed: int) -> None:
    derivation = derived(derivation_file, name)
    given = random_values(derivation.network, seed, name)
    for parameter, value in values_of(derivation, given).items():
        true = complex_step(LOSSES[name], given, parameter)
        np.testing.assert_allclose(value, true, rtol=1e-11, atol=1e-13, err_msg=parameter)


@pytest.mark.parametrize("seed", range(3))
def test_derived_gradients_of_the_tanh_neurons_actual_loss(derivation_file: Load, seed: int) -> None:
    derivation = derived(derivation_file, "tanh_neuron", "actual_loss")
    given = random_values(derivation.network, seed, "tanh_neuron")
    for parameter, value in values_of(derivation, given).items():
        true = complex_step(neuron_actual_loss, given, parameter)
        np.testing.assert_allclose(value, true, rtol=1e-12, err_msg=parameter)


HAND_OVER_DERIVED = (
    ("tanh_neuron", "actual_loss", 1),
    ("perceptron", "loss", 1),
    ("linear_regression", "loss", 0.5),
    ("two_two_one", "loss", 1),
    ("two_three_two", "loss", 1),
    ("mlp_softmax", "loss", 1),
)


@pytest.mark.parametrize(("name", "loss", "ratio"), HAND_OVER_DERIVED, ids=[row[0] for row in HAND_OVER_DERIVED])
def test_ratio_of_handwritten_to_derived(derivation_file: Load, name: str, loss: str, ratio: float) -> None:
    derivation = derived(derivation_file, name, loss)
    given = random_values(derivation.network, 6, name)
    found = values_of(derivation, given)
    for parameter, hand in derivation_file(name, "handwritten").gradients(**given).items():
        np.testing.assert_allclose(hand, ratio * found[parameter], rtol=1e-11, atol=1e-13, err_msg=parameter)


def test_tanh_neuron_hand_gradient_is_not_that_of_the_stated_loss(derivation_file: Load) -> None:
    derivation = derived(derivation_file, "tanh_neuron")
    given = random_values(derivation.network, 6, "tanh_neuron")
    found = values_of(derivation, given)
    for parameter, hand in derivation_file("tanh_neuron", "handwritten").gradients(**given).items():
        assert abs(hand / found[parameter] - 1) > 0.01, parameter


def test_only_the_perceptron_needs_a_convention(derivation_file: Load) -> None:
    for name in LOSSES:
        assumptions = [(a.node, a.function) for a in derived(derivation_file, name).assumptions]
        assert assumptions == ([("y_pre", "step")] if name == "perceptron" else []), name


def test_numbers_of_the_2_3_2_network(derivation_file: Load) -> None:
    derivation = derived(derivation_file, "two_three_two")
    given = dict(derivation.network.values)
    values = brute_force.forward(derivation.network, given)
    assert values["E_total"] == pytest.approx(0.3918291766685041, rel=1e-15)
    assert values["out_o1"] == pytest.approx(0.8910896614765176, rel=1e-15)
    found = values_of(derivation, given)
    assert found["w7"] == pytest.approx(0.07806387550033887, rel=1e-14)
    expected = (0.03420350476244207 - 0.003335375074384934) * 0.07948532370965024 * 5
    assert found["w1"] == pytest.approx(expected, rel=1e-14)


def test_numbers_of_the_2_2_1_network(derivation_file: Load) -> None:
    derivation = derived(derivation_file, "two_two_one")
    given = dict(derivation.network.values)
    assert values_of(derivation, given)["w1"] == pytest.approx(0.002639060955281471, rel=1e-13)
    assert values_of(derivation, {**given, "x1": 5, "x2": -2})["w1"] == pytest.approx(-0.006597652388203677, rel=1e-13)


def test_brute_force_finds_a_wrong_derivative(derivation_file: Load) -> None:
    """The comparison above can fail: a derivation of the wrong loss does not pass it."""
    derivation = derived(derivation_file, "tanh_neuron", "actual_loss")
    given = random_values(derivation.network, 0, "tanh_neuron")
    true = complex_step(LOSSES["tanh_neuron"], given, "w1")
    assert not np.allclose(values_of(derivation, given)["w1"], true, rtol=1e-3)
