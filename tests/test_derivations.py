"""The six derivations: the known numbers are reproduced, and what is right or wrong by hand is what we say.

Numbers given in full are compared exactly. Truth about gradients comes from complex steps through losses
written a second time, so the handwritten code is not its own judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.derivation_losses import LOSSES, complex_step, neuron_actual_loss, random_values
from tests.derivation_numbers import EPOCHS, PEOPLE, SEXES, UPDATED

Load = Callable[[str, str], ModuleType]
Values = dict[str, Any]


def hand_and_true(load: Load, name: str, seed: int, hand: str = "gradients") -> dict[str, tuple[Any, Any]]:
    """Return, for each parameter with a handwritten gradient, that and the true one at a random point."""
    network = load(name, "network").network
    values = random_values(network, seed, name)
    written = getattr(load(name, "handwritten"), hand)(**values)
    return {key: (value, complex_step(LOSSES[name], values, key)) for key, value in written.items()}


def is_close(hand: Any, true: Any) -> bool:
    return np.shape(hand) == np.shape(true) and np.allclose(hand, true, rtol=1e-12, atol=1e-14)


# ---- what is right and what is wrong in the handwritten gradients ------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["perceptron", "two_two_one", "two_three_two", "mlp_softmax"])
def test_right_handwritten_gradients(derivation_file: Load, name: str, seed: int) -> None:
    for parameter, (hand, true) in hand_and_true(derivation_file, name, seed).items():
        assert is_close(hand, true), parameter


@pytest.mark.parametrize("seed", range(5))
def test_regression_gradient_is_half_the_true_one(derivation_file: Load, seed: int) -> None:
    for parameter, (hand, true) in hand_and_true(derivation_file, "linear_regression", seed).items():
        assert is_close(hand, true / 2), parameter
        assert not is_close(hand, true), parameter


@pytest.mark.parametrize("seed", range(5))
def test_tanh_neuron_gradient_belongs_to_the_actual_loss(derivation_file: Load, seed: int) -> None:
    values = random_values(derivation_file("tanh_neuron", "network").network, seed, "tanh_neuron")
    for parameter, (hand, stated) in hand_and_true(derivation_file, "tanh_neuron", seed).items():
        assert not is_close(hand, stated), parameter
        assert is_close(hand, complex_step(neuron_actual_loss, values, parameter)), parameter


@pytest.mark.parametrize("seed", range(5))
def test_printed_update_of_the_2_2_1_network_is_wrong_for_six_of_nine(derivation_file: Load, seed: int) -> None:
    compared = hand_and_true(derivation_file, "two_two_one", seed, hand="gradients_as_printed")
    right = {parameter for parameter, (hand, true) in compared.items() if is_close(hand, true)}
    assert right == {"w1", "w2", "b1"}


def test_which_parameters_have_a_handwritten_gradient(derivation_file: Load) -> None:
    for name in LOSSES:
        network = derivation_file(name, "network").network
        written = derivation_file(name, "handwritten").gradients(**network.values)
        parameters = {node.name for node in network.nodes.values() if node.role.value == "parameter"}
        assert parameters - set(written) == ({"b1", "b2"} if name == "two_three_two" else set()), name
        assert set(written) <= parameters, name


# ---- one tanh neuron ---------------------------------------------------------------------------------------


def test_tanh_neuron_start(derivation_file: Load) -> None:
    hand = derivation_file("tanh_neuron", "handwritten")
    f = hand.f(1, 2, 0.2, 0.3, 0.1)
    assert f == pytest.approx(0.9, abs=1e-15)
    assert hand.activation(f) == 0.7162978701990245
    assert hand.loss(hand.activation(f), 1) == 0.08048689845360957
    assert math.atanh(0.9999) == 4.951718775643098
    assert round(math.atanh(0.9999), 4) == hand.GOAL


def test_tanh_neuron_residuals_and_end(derivation_file: Load) -> None:
    hand = derivation_file("tanh_neuron", "handwritten")
    (w1, w2, b), residuals = hand.train(1, 2, 0.2, 0.3, 0.1, n=104)
    assert residuals[1:4] == [-3.808598, -3.58008212, -3.3652771928]
    assert residuals[4] == pytest.approx(-3.1633605612, abs=5e-11)
    assert (w1, w2, b) == (0.8741999483654423, 1.6483998967308846, 0.7741999483654424)
    f = hand.f(1, 2, w1, w2, b)
    assert f == 4.945199690192654
    assert hand.activation(f) == 0.9998986877126328
    assert hand.loss(hand.activation(f), 1) == 1.0264179571575258e-08


def test_tanh_neuron_loss_derivative_is_right_for_target_one_only(derivation_file: Load) -> None:
    hand = derivation_file("tanh_neuron", "handwritten")
    for target, right in ((1, True), (0, False), (0.5, False)):
        true = complex_step(hand.loss, {"x": 0.3, "target": target}, "x")
        assert is_close(hand.lossGrad(0.3), true) is right


# ---- the perceptron ----------------------------------------------------------------------------------------


def test_perceptron_epochs(derivation_file: Load) -> None:
    network = derivation_file("perceptron", "network").network
    hand = derivation_file("perceptron", "handwritten")
    start = (network.values[name] for name in ("x", "t", "w", "b"))
    records = hand.train(*start, lr=0.9)
    assert len(records) == len(EPOCHS)
    for (w, b, y_pre, loss), (w_known, b_known, classes, loss_known) in zip(records, EPOCHS, strict=True):
        assert w == pytest.approx(w_known, abs=1e-15)
        assert b == pytest.approx(b_known, abs=1e-15)
        assert "".join(str(int(y)) for y in y_pre) == classes
        assert loss == pytest.approx(loss_known, abs=1e-15)
    assert records[-1][3] == 0


def test_perceptron_starts_on_the_step(derivation_file: Load) -> None:
    values = derivation_file("perceptron", "network").network.values
    _, val = derivation_file("perceptron", "handwritten").forward(values["x"], values["w"], values["b"])
    assert list(val) == [2, 0, -1.5, 0.5]


# ---- the linear regression ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_regression_converges(derivation_file: Load, seed: int) -> None:
    network = derivation_file("linear_regression", "network")
    hand = derivation_file("linear_regression", "handwritten")
    rng = np.random.default_rng(seed)
    x_data, y_data = hand.make_data(network.TRUE_W, network.TRUE_B, rng)
    assert x_data.shape == (500, 2)
    assert y_data.shape == (500, 3)
    W, b, loss, updates = hand.train(x_data, y_data, rng.normal(size=(2, 3)), np.zeros(3), rng)
    assert loss <= 1e-15
    assert 6_000 < updates < 12_000
    assert np.abs(W - network.TRUE_W).max() < 1e-5
    assert np.abs(b - network.TRUE_B).max() < 1e-5


def test_regression_sampling_may_return_one_row(derivation_file: Load) -> None:
    hand = derivation_file("linear_regression", "handwritten")
    x_data, y_data = hand.make_data(np.ones((2, 3)), np.zeros(3), np.random.default_rng(0))

    class LastRow:
        def integers(self, high: int) -> int:
            return high - 1

    x, y = hand.next_sample(x_data, y_data, LastRow())
    assert x.shape == (1, 2)
    assert y.shape == (1, 3)


def test_regression_mean_is_divided_out_of_dw_and_db_but_not_of_dz(derivation_file: Load) -> None:
    hand = derivation_file("linear_regression", "handwritten")
    rng = np.random.default_rng(3)
    z, W, next_dz = rng.normal(size=(5, 2)), rng.normal(size=(2, 3)), rng.normal(size=(5, 3))
    dw, db, dz = hand.fc_backward(next_dz, W, z)

    def linear(z: Any, W: Any, b: Any) -> Any:
        return (next_dz * (z @ W + b)).sum()

    values = {"z": z, "W": W, "b": np.zeros(3)}
    assert is_close(5 * dw, complex_step(linear, values, "W"))
    assert is_close(5 * db, complex_step(linear, values, "b"))
    assert is_close(dz, complex_step(linear, values, "z"))


# ---- the 2-2-1 network -------------------------------------------------------------------------------------

ONES = {**{f"w{number}": 1 for number in range(1, 7)}, **{f"b{number}": 0 for number in range(1, 4)}}


def test_two_two_one_worked_case(derivation_file: Load) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    h1, h2, y_pred = hand.predict(-2, 5, **ONES)
    assert (h1, h2) == (0.9525741268224334, 0.9525741268224334)
    assert y_pred == 0.8704730975500355
    assert (1 - y_pred) ** 2 == 0.016777218458282606
    assert hand.gradients(5, -2, y_true=1, **ONES)["w1"] == -0.006597652388203677
    assert hand.gradients(-2, 5, y_true=1, **ONES)["w1"] == 0.002639060955281471


def test_two_two_one_forgets_to_return(derivation_file: Load) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    assert hand.feedforward(-2, 5, **ONES) is None
    with pytest.raises(TypeError):
        hand.mse_loss(np.array(SEXES), np.array([hand.feedforward(*person, **ONES) for person in PEOPLE]))


def test_two_two_one_partials_of_h2_are_right_under_a_wrong_name(derivation_file: Load) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    values = random_values(derivation_file("two_two_one", "network").network, 8, "two_two_one")
    partials = vars(hand.partials(**values))

    def h(number: int) -> Callable[..., Any]:
        return lambda x1, x2, y_true, **parameters: hand.predict(x1, x2, **parameters)[number - 1]

    for name, written in {"w3": "d_h1_d_w3", "w4": "d_h1_d_w4", "b2": "d_h1_d_b2"}.items():
        assert is_close(partials[written], complex_step(h(2), values, name))
        assert complex_step(h(1), values, name) == 0


def train_people(hand: ModuleType, seed: int, **options: Any) -> list[float]:
    start = dict(zip(hand.PARAMETERS, np.random.default_rng(seed).normal(size=9), strict=True))
    with np.errstate(over="ignore"):  # a sum of -800 makes exp overflow to inf, and the sigmoid rightly 0
        return hand.train(PEOPLE, SEXES, start, **options)[1]


def test_two_two_one_trains_from_some_starts_and_stalls_from_others(derivation_file: Load) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    ends = [train_people(hand, seed)[-1] for seed in (0, 3)]
    assert ends[0] < 0.006
    assert 0.16 < ends[1] < 0.25


@pytest.mark.slow
def test_two_two_one_printed_update_does_not_train(derivation_file: Load) -> None:
    hand = derivation_file("two_two_one", "handwritten")
    right = [train_people(hand, seed)[-1] for seed in range(12)]
    printed = [train_people(hand, seed, gradients=hand.gradients_as_printed)[-1] for seed in range(12)]
    assert 4 <= sum(loss < 0.01 for loss in right) <= 8  # about half of the starts converge
    assert sum(loss < 0.01 for loss in printed) == 0


# ---- the 2-3-2 network -------------------------------------------------------------------------------------


def two_three_two_start(load: Load) -> tuple[ModuleType, Values, Values]:
    hand = load("two_three_two", "handwritten")
    values = dict(load("two_three_two", "network").network.values)
    return hand, values, {name: values[name] for name in hand.WEIGHTS}


def test_two_three_two_forward(derivation_file: Load) -> None:
    hand, values, weights = two_three_two_start(derivation_file)
    *hidden, o1, o2 = hand.forward(5, 10, **weights, b1=values["b1"], b2=values["b2"])
    assert hidden == [0.9129342275597286, 0.9791636554813196, 0.9952742873976046]
    assert (o1, o2) == (0.8910896614765176, 0.9043299248500164)
    assert hand.total_error(o1, o2, 0.01, 0.99) == 0.3918291766685041


def test_two_three_two_factors(derivation_file: Load) -> None:
    hand, values, weights = two_three_two_start(derivation_file)
    h1, _, _, o1, o2 = hand.forward(5, 10, **weights, b1=values["b1"], b2=values["b2"])
    assert hand.w7_factors(o1, h1, 0.01) == (0.8810896614765176, 0.09704887668618288, 0.9129342275597286)
    gradient = hand.gradients(**values)
    assert gradient["w7"] == 0.07806387550033887
    first, second, local, last = hand.w1_factors(h1, o1, o2, 0.4, 0.45, 5, 0.01, 0.99)
    assert (first, second) == (0.03420350476244207, -0.003335375074384934)
    assert (local, last) == (0.07948532370965024, 5)
    assert (first + second) * local * last == pytest.approx(gradient["w1"], rel=1e-14)


@pytest.mark.parametrize("targets", UPDATED)
def test_two_three_two_updated_weights(derivation_file: Load, targets: tuple[float, float]) -> None:
    hand, values, weights = two_three_two_start(derivation_file)
    updated = hand.update(5, 10, weights, values["b1"], values["b2"], *targets, alpha=0.5)
    assert tuple(updated[name] for name in hand.WEIGHTS) == UPDATED[targets]


def test_two_three_two_update_is_one_step_of_its_gradient(derivation_file: Load) -> None:
    hand, values, weights = two_three_two_start(derivation_file)
    updated = hand.update(5, 10, weights, values["b1"], values["b2"], 0.01, 0.99, alpha=0.5)
    gradient = hand.gradients(**values)
    for name in hand.WEIGHTS:
        assert updated[name] == pytest.approx(weights[name] - 0.5 * gradient[name], rel=1e-14)


# ---- the two-layer network with softmax --------------------------------------------------------------------


def test_mlp_trains(derivation_file: Load) -> None:
    values = derivation_file("mlp_softmax", "network").network.values
    trained, losses = derivation_file("mlp_softmax", "handwritten").train(**values)
    assert losses[-1] < 0.02 < losses[0]
    predicted = derivation_file("mlp_softmax", "handwritten").forward(values["X"], **trained)[1]
    assert (predicted.argmax(axis=1) == values["t"].argmax(axis=1)).all()


def test_mlp_softmax_survives_large_sums(derivation_file: Load) -> None:
    P = derivation_file("mlp_softmax", "handwritten").softmax(np.array([[1000.0, 999.0], [-1000.0, -1001.0]]))
    assert P[0] == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))], rel=1e-14)
    assert P[1] == pytest.approx(P[0], rel=1e-14)
