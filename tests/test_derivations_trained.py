"""The six derivations, trained with their derived gradients: they arrive where the handwritten training arrives."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from symbackprop.derive import DerivationRecord, derive
from symbackprop.numeric import train
from tests.derivation_numbers import EPOCHS, PEOPLE, SEXES, UPDATED

Load = Callable[[str, str], ModuleType]

WEIGHTS = tuple(f"w{number}" for number in range(1, 13))


def derived(load: Load, name: str, loss: str = "loss") -> DerivationRecord:
    """Return the derivation of one of a network's losses."""
    module = load(name, "network")
    return derive(module.network, getattr(module, loss))


def test_tanh_neuron_on_its_actual_loss(derivation_file: Load) -> None:
    history = train(derived(derivation_file, "tanh_neuron", "actual_loss"), lr=0.01, epochs=104, progress=False)
    assert history.updates == 104
    residuals = [-np.sqrt(2 * loss) for loss in history.losses[1:4]]
    assert residuals == pytest.approx([-3.808598, -3.58008212, -3.3652771928], rel=1e-14)
    end = {"w1": 0.8741999483654423, "w2": 1.6483998967308846, "b": 0.7741999483654424}
    assert history.parameters == pytest.approx(end, rel=1e-14)


def test_tanh_neuron_on_its_stated_loss_goes_elsewhere(derivation_file: Load) -> None:
    """The stated loss falls much more slowly than the handwritten update makes it fall: tanh is nearly flat there."""
    history = train(derived(derivation_file, "tanh_neuron"), lr=0.01, epochs=104, progress=False)
    assert list(history.losses) == sorted(history.losses, reverse=True)
    assert history.losses[0] == pytest.approx(0.08048689845360957, rel=1e-14)
    assert history.loss > 1e-3 > 1.0264179571575258e-08


def test_perceptron_epochs(derivation_file: Load) -> None:
    history = train(derived(derivation_file, "perceptron"), lr=0.9, epochs=50, stop=0.0, keep=True, progress=False)
    assert history.epochs == 4
    for loss, at, (w, b, _, loss_known) in zip(history.losses, history.trajectory, EPOCHS, strict=True):
        assert at["w"] == pytest.approx(w, abs=1e-15)
        assert at["b"] == pytest.approx(b, abs=1e-15)
        assert loss == pytest.approx(loss_known, abs=1e-15)


@pytest.mark.slow
def test_linear_regression_converges(derivation_file: Load) -> None:
    network = derivation_file("linear_regression", "network")
    rng = np.random.default_rng(0)
    z, y_true = derivation_file("linear_regression", "handwritten").make_data(network.TRUE_W, network.TRUE_B, rng)
    history = train(
        derived(derivation_file, "linear_regression"),
        {"z": z, "y_true": y_true},
        lr=0.005,  # half of the handwritten one: the true gradient is twice the handwritten gradient
        epochs=80,
        batch_size=2,
        order="shuffled",
        seed=0,
        stop=1e-15,
        initial={"W": rng.normal(size=(2, 3)), "b": np.zeros(3)},
        progress=False,
    )
    assert history.loss <= 1e-15
    assert np.abs(history.parameters["W"] - network.TRUE_W).max() < 1e-5
    assert np.abs(history.parameters["b"] - network.TRUE_B).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "converges"), [(0, True), (3, False)])
def test_two_two_one_online(derivation_file: Load, seed: int, converges: bool) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    start = dict(zip(hand.PARAMETERS, np.random.default_rng(seed).normal(size=9), strict=True))
    x1, x2 = zip(*PEOPLE, strict=True)
    history = train(
        derived(derivation_file, "two_two_one"),
        {"x1": x1, "x2": x2, "y_true": SEXES},
        lr=0.1,
        epochs=1000,
        batch_size=1,
        initial=start,
        progress=False,
    )
    assert (history.loss < 0.01) is converges
    with np.errstate(over="ignore"):  # exp of a large sum is inf in the handwritten sigmoid, which is then rightly 0
        by_hand, _ = hand.train(PEOPLE, SEXES, start)
    assert history.parameters == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("targets", UPDATED)
def test_two_three_two_updated_weights(derivation_file: Load, targets: tuple[float, float]) -> None:
    data = dict(zip(("target_o1", "target_o2"), targets, strict=True))
    derivation = derived(derivation_file, "two_three_two")
    history = train(derivation, data, lr=0.5, epochs=1, update=WEIGHTS, progress=False)
    assert tuple(history.parameters[name] for name in WEIGHTS) == UPDATED[targets]
    assert (history.parameters["b1"], history.parameters["b2"]) == (0.35, 0.65)


def test_mlp_follows_the_handwritten_training(derivation_file: Load) -> None:
    derivation = derived(derivation_file, "mlp_softmax")
    history = train(derivation, lr=0.5, epochs=200, progress=False)
    by_hand, losses = derivation_file("mlp_softmax", "handwritten").train(**derivation.network.values)
    np.testing.assert_allclose(history.losses[:-1], losses, rtol=1e-10)
    for name, value in by_hand.items():
        np.testing.assert_allclose(history.parameters[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
