"""Training: what one update is, the order of samples, when it stops, what is kept when it diverges."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import Sum, exp

from symbackprop.derive import derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.network import Network, sigmoid
from symbackprop.numeric import History, TrainingDiverged, train
from symbackprop.numeric.run.updates import MOST_FLOATS


def line() -> DerivationRecord:
    """A line through samples: E = (w x + b - t)²."""
    net = Network("line")
    x, t, w, b = net.input("x"), net.target("t"), net.parameter("w", value=0.5), net.parameter("b", value=-1.0)
    y = net.define("y", w * x + b)
    net.define("E", (y - t) ** 2)
    return derive(net, "E")


def plane() -> DerivationRecord:
    """The same in index notation, with the mean over the samples."""
    net = Network("plane")
    n, i = net.indices("n:N i:D")
    x, t, w, b = net.input("x", n, i), net.target("t", n), net.parameter("w", i, value=[0.5, -1.0]), net.parameter("b", value=0)
    y = net.define("y", n, Sum(x[n, i] * w[i], i) + b)
    net.define("E", Sum((y[n] - t[n]) ** 2, n) / net.size("N"))
    return derive(net, "E")


X = [1.0, 2.0, -1.0, 0.5, 3.0]
T = [3.0, 5.0, -1.0, 2.0, 7.5]


def by_hand(batches: list[list[int]], lr: float) -> tuple[float, float]:
    """Return w, b after one update for each batch, in plain Python."""
    w, b = 0.5, -1.0
    for batch in batches:
        residuals = {k: 2 * (w * X[k] + b - T[k]) for k in batch}
        dw = sum(residuals[k] * X[k] for k in batch) / len(batch)
        db = sum(residuals.values()) / len(batch)
        w, b = w - lr * dw, b - lr * db
    return w, b


@pytest.mark.parametrize(
    ("batch_size", "batches"),
    [
        (None, [[0, 1, 2, 3, 4]]),
        (5, [[0, 1, 2, 3, 4]]),
        (1, [[0], [1], [2], [3], [4]]),
        (2, [[0, 1], [2, 3], [4]]),
    ],
)
def test_updates_of_one_epoch(batch_size: int | None, batches: list[list[int]]) -> None:
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=1, batch_size=batch_size)
    assert (history.parameters["w"], history.parameters["b"]) == pytest.approx(by_hand(batches, 0.05), rel=1e-14)
    assert history.updates == len(batches)
    assert history.epochs == 1


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3])
@pytest.mark.parametrize("order", ["sequential", "shuffled"])
def test_index_notation_and_lists_of_samples_train_alike(batch_size: int | None, order: Any) -> None:
    rows = np.column_stack([X, np.zeros(5)])
    options: dict[str, Any] = {"lr": 0.03, "epochs": 7, "batch_size": batch_size, "order": order, "seed": 4}
    one = train(line(), {"x": X, "t": T}, **options)
    other = train(plane(), {"x": rows, "t": np.array(T)}, initial={"w": np.array([0.5, 0]), "b": -1}, **options)
    assert one.losses == pytest.approx(other.losses, rel=1e-12)
    assert one.parameters["w"] == pytest.approx(other.parameters["w"][0], rel=1e-12)


def test_a_single_sample_of_numbers() -> None:
    history = train(line(), {"x": 2.0, "t": 5.0}, lr=0.1, epochs=1)
    assert history.losses == pytest.approx((25.0, 0.0))
    assert history.parameters == pytest.approx({"w": 0.5 + 0.1 * 2 * 5 * 2, "b": -1 + 0.1 * 2 * 5})


def test_losses_are_those_of_all_data_at_the_epoch() -> None:
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, batch_size=2, keep=True)
    assert len(history.losses) == len(history.trajectory) == 4
    for loss, parameters in zip(history.losses, history.trajectory, strict=True):
        expected = np.mean([(parameters["w"] * x + parameters["b"] - t) ** 2 for x, t in zip(X, T, strict=True)])
        assert loss == pytest.approx(expected, rel=1e-13)
    assert history.trajectory[-1] == history.parameters
    assert history.loss == history.losses[-1]


def test_shuffling_is_reproducible_and_matters() -> None:
    def run(seed: int) -> History:
        return train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, batch_size=1, order="shuffled", seed=seed)

    assert run(1) == run(1)
    assert run(1).parameters != run(2).parameters
    sequential = train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, batch_size=1, seed=1)
    assert run(1).parameters != sequential.parameters


def test_shuffled_epochs_use_every_sample_once() -> None:
    """One epoch with a tiny rate moves the parameters by the sum of all gradients, whatever the order."""
    lr = 1e-9
    history = train(line(), {"x": X, "t": T}, lr=lr, epochs=1, batch_size=1, order="shuffled", seed=3)
    total = sum(2 * (0.5 * x - 1 - t) * x for x, t in zip(X, T, strict=True))
    assert (0.5 - history.parameters["w"]) / lr == pytest.approx(total, rel=1e-6)


def test_stopping_at_a_loss_and_by_a_function() -> None:
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=10_000, stop=1e-1)
    assert history.losses[-1] <= 1e-1 < history.losses[-2]
    assert history.epochs == len(history.losses) - 1
    assert "is not above 0.1" in history.stopped_because
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=50, stop=lambda loss, parameters, epoch: epoch == 7)
    assert history.epochs == 7
    assert "stop() returned true" in history.stopped_because
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=4)
    assert history.stopped_because == "all 4 epochs are done"


def test_the_stop_function_sees_the_parameters_of_its_loss() -> None:
    seen: list[tuple[float, float]] = []

    def stop(loss: float, parameters: Any, epoch: int) -> bool:
        seen.append((loss, np.mean([(parameters["w"] * x + parameters["b"] - t) ** 2 for x, t in zip(X, T, strict=True)])))
        return False

    train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, stop=stop)
    assert len(seen) == 4
    for loss, expected in seen:
        assert loss == pytest.approx(expected, rel=1e-13)


def test_only_the_named_parameters_move() -> None:
    history = train(line(), {"x": X, "t": T}, lr=0.05, epochs=5, update=["w"])
    assert history.parameters["b"] == -1.0
    assert history.parameters["w"] != 0.5


def test_the_start_is_left_alone() -> None:
    start = {"w": np.array([1.0, 2.0]), "b": 0.0}
    derivation = plane()
    train(derivation, {"x": np.ones((3, 2)), "t": np.zeros(3)}, lr=0.1, epochs=3, initial=start)
    np.testing.assert_array_equal(start["w"], [1.0, 2.0])
    np.testing.assert_array_equal(derivation.network.values["w"], [0.5, -1.0])


def test_example_values_are_the_default_data() -> None:
    net = Network()
    x, w = net.input("x", value=2.0), net.parameter("w", value=1.0)
    net.define("E", (w * x) ** 2)
    assert train(derive(net, "E"), lr=0.01, epochs=1).parameters["w"] == pytest.approx(1 - 0.01 * 8)


def test_constants_come_with_the_data_or_the_network() -> None:
    net = Network()
    x, c, w = net.input("x"), net.constant("c", value=3.0), net.parameter("w", value=1.0)
    net.define("E", c * w * x)
    derivation = derive(net, "E")
    assert train(derivation, {"x": [1.0, 3.0]}, lr=0.1, epochs=1).parameters["w"] == pytest.approx(1 - 0.1 * 3 * 2)
    assert train(derivation, {"x": [1.0, 3.0], "c": 5.0}, lr=0.1, epochs=1).parameters["w"] == pytest.approx(1 - 0.1 * 5 * 2)


@pytest.mark.parametrize("arrays", [True, False])
def test_divergence_keeps_the_last_good_parameters(arrays: bool) -> None:
    data: dict[str, Any] = {"x": np.column_stack([X, X]), "t": np.array(T)} if arrays else {"x": X, "t": T}
    with pytest.raises(TrainingDiverged) as caught:
        train(plane() if arrays else line(), data, lr=1e3, epochs=1000)
    error = caught.value
    assert "smaller learning rate than 1000" in str(error)
    assert all(math.isfinite(loss) for loss in error.history.losses)
    assert all(np.all(np.isfinite(value)) for value in error.parameters.values())
    w, b = np.ravel(error.parameters["w"]), error.parameters["b"]
    again = np.mean([(w.sum() * x + b - t) ** 2 for x, t in zip(X, T, strict=True)])
    assert again == pytest.approx(error.history.losses[-1], rel=1e-12)
    assert error.history.stopped_because.startswith("diverged")


def test_divergence_by_overflow_of_floats() -> None:
    net = Network()
    x, w = net.input("x", value=1.0), net.parameter("w", value=1.0)
    net.define("E", exp(w * x))
    with pytest.raises(TrainingDiverged) as caught:
        train(derive(net, "E"), lr=-5.0, epochs=100)
    assert caught.value.history.losses[0] == pytest.approx(math.e)
    assert math.isfinite(caught.value.parameters["w"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"x": X, "t": T[:3]}}, "t has 3 samples but x has 5"),
        ({"data": {"x": X, "z": T}}, "z is not an input, target or constant"),
        ({"data": {"x": X, "w": 1.0}}, "w is not an input, target or constant"),
        ({"batch_size": 9}, "batch_size: expected 1 to 5"),
        ({"batch_size": 0}, "batch_size: expected 1 to 5"),
        ({"order": "random"}, "order: expected 'sequential' or 'shuffled', got 'random'"),
        ({"update": ["v"]}, "update: v is not among the gradients"),
        ({"update": []}, "nothing to update"),
        ({"initial": {"v": 1.0}}, "initial: v is not a parameter"),
        ({"epochs": -1}, "expected epochs >= 0"),
        ({"lr": math.nan}, "a number lr"),
        ({"data": {"x": X}}, "no value for the target t"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"data": {"x": X, "t": T}, "lr": 0.1, "epochs": 2, **change}
    with pytest.raises(UserError, match=message.replace("(", r"\(").replace(")", r"\)")):
        train(line(), **arguments)


def test_a_parameter_without_a_starting_value() -> None:
    net = Network()
    x, w = net.input("x", value=1.0), net.parameter("w")
    net.define("E", (w * x) ** 2)
    with pytest.raises(UserError, match="no starting value for the parameter w"):
        train(derive(net, "E"), epochs=1)


def test_progress_is_shown_when_wanted_only(capsys: pytest.CaptureFixture[str]) -> None:
    train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, progress=True)
    assert "training" in capsys.readouterr().out
    train(line(), {"x": X, "t": T}, lr=0.05, epochs=3, progress=False)
    train(line(), {"x": X, "t": T}, lr=0.05, epochs=3)
    assert capsys.readouterr().out == ""


def unit(names: str = "x t w v b") -> DerivationRecord:
    """A unit with names of one's choice: E = (σ(v·σ(w·x + b)) - t)²."""
    x, t, w, v, b = names.split()
    net = Network("unit")
    x_, t_ = net.input(x), net.target(t)
    w_, v_, b_ = (net.parameter(name, value=value) for name, value in ((w, 0.7), (v, -1.2), (b, 0.1)))
    h = net.define("h", sigmoid(w_ * x_ + b_))
    y = net.define("y", sigmoid(v_ * h))
    net.define("E", (y - t_) ** 2)
    return derive(net, "E")


@mpmath.workdps(40)
def one_by_one(xs: list[float], ts: list[float], lr: float, epochs: int) -> tuple[list[float], list[float]]:
    """Return the parameters and losses of online updates of `unit`, by difference quotients of the loss in high precision."""

    def loss(p: list[Any], x: float, t: float) -> Any:
        s = lambda z: 1 / (1 + mpmath.exp(-z))  # noqa: E731
        return (s(p[1] * s(p[0] * x + p[2])) - t) ** 2

    p = [mpmath.mpf(value) for value in (0.7, -1.2, 0.1)]
    losses = [sum(loss(p, x, t) for x, t in zip(xs, ts, strict=True)) / len(xs)]
    for _ in range(epochs):
        for x, t in zip(xs, ts, strict=True):
            h = mpmath.mpf(10) ** -15
            moved = [[q + h * (k == at) for k, q in enumerate(p)] for at in range(3)]
            back = [[q - h * (k == at) for k, q in enumerate(p)] for at in range(3)]
            p = [q - lr * (loss(m, x, t) - loss(b, x, t)) / (2 * h) for q, m, b in zip(p, moved, back, strict=True)]
        losses.append(sum(loss(p, x, t) for x, t in zip(xs, ts, strict=True)) / len(xs))
    return [float(q) for q in p], [float(value) for value in losses]


@pytest.mark.parametrize("names", ["x t w v b", "samples lr count total h_", "lambda t step_w w math"])
def test_online_updates_on_floats_are_those_of_the_loss(names: str) -> None:
    xs, ts = [0.5, -1.0, 2.0], [0.3, 0.8, 0.1]
    x, t, *parameters = names.split()
    history = train(unit(names), {x: xs, t: ts}, lr=0.9, epochs=3, batch_size=1)
    expected, losses = one_by_one(xs, ts, 0.9, 3)
    assert [history.parameters[name] for name in parameters] == pytest.approx(expected, rel=1e-12)
    assert history.losses == pytest.approx(losses, rel=1e-12)
    assert history.updates == 9


def test_many_samples_on_floats_have_the_losses_of_arrays() -> None:
    rng = np.random.default_rng(5)
    xs, ts = rng.normal(size=(2, 50))
    history = train(unit(), {"x": xs, "t": ts}, lr=0.1, epochs=2, batch_size=1, keep=True)
    assert len(xs) > MOST_FLOATS
    for loss, p in zip(history.losses, history.trajectory, strict=True):
        y = 1 / (1 + np.exp(-p["v"] / (1 + np.exp(-p["w"] * xs - p["b"]))))
        assert loss == pytest.approx(np.mean((y - ts) ** 2), rel=1e-13)


def test_online_updates_that_overflow_floats_go_on_as_arrays_do() -> None:
    """exp(800) is too large for a float; 1/(1 + exp(800)) is 0, which arrays find."""
    net = Network()
    x, w = net.input("x"), net.parameter("w", value=1.0)
    net.define("E", (w - 1 / (1 + exp(x))) ** 2)
    history = train(derive(net, "E"), {"x": [800.0, 0.0]}, lr=0.25, epochs=1, batch_size=1)
    assert history.parameters["w"] == pytest.approx(0.5)
    assert history.losses[0] == pytest.approx((1 + 0.25) / 2)


def test_gradients_that_are_other_parameters_are_taken_before_any_moves() -> None:
    net = Network()
    n, i = net.indices("n:N i:D")
    x = net.input("x", n)
    v, w = net.parameter("v", i, value=[1.0, 2.0]), net.parameter("w", i, value=[3.0, -1.0])
    net.define("E", Sum(v[i] * w[i], i) * Sum(x[n], n) / net.size("N"))
    for size in (None, 1):
        history = train(derive(net, "E"), {"x": np.ones(2)}, lr=0.5, epochs=1, batch_size=size)
        moved_v, moved_w = np.array([1.0, 2.0]), np.array([3.0, -1.0])
        for _ in range(history.updates):
            moved_v, moved_w = moved_v - 0.5 * moved_w, moved_w - 0.5 * moved_v
        np.testing.assert_allclose(history.parameters["v"], moved_v)
        np.testing.assert_allclose(history.parameters["w"], moved_w)


def test_what_is_kept_does_not_move_with_the_parameters() -> None:
    data = {"x": np.column_stack([X, X]), "t": np.array(T)}
    history = train(plane(), data, lr=0.01, epochs=3, batch_size=2, keep=True)
    for loss, p in zip(history.losses, history.trajectory, strict=True):
        assert loss == pytest.approx(np.mean((data["x"] @ p["w"] + p["b"] - data["t"]) ** 2), rel=1e-13)
