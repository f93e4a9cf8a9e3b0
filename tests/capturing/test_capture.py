"""Forward passes as people write them: the captured loss and gradients are the code's own, by differences of the code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symbackprop import NotSupportedError, UserError, capture, derive
from symbackprop.capturing.capture import Captured
from tests.capturing.differences import differences, loss_of
from tests.capturing.passes import dense, structured
from tests.capturing.passes.case import Case

CASES = {case.name: case for case in dense.CASES + structured.CASES}
FAST = ("mlp_scalar", "mlp_loops", "batch_norm", "conv_1d")


def agrees(case: Case) -> None:
    """Compare loss and all gradients with the code, and the formulas that are stated."""
    captured = capture(case.function, case.example, case.wrt)
    derivation = derive(captured.network, captured.loss, wrt=list(captured.wrt))
    loss, gradients = derivation.function()(**captured.values(case.example))
    assert loss == pytest.approx(loss_of(case.function, case.example), rel=1e-9, abs=1e-9)
    for name in captured.wrt:
        own = differences(case.function, case.example, captured.inputs[name])
        assert np.max(np.abs(gradients[name] - own)) <= 1e-6 * (1 + np.max(np.abs(own))), name
    for name, formula in case.shows.items():
        assert str(captured.network.node(name).expression) == formula


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_a_forward_pass_is_captured(name: str) -> None:
    agrees(CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in (*FAST, "dropout")])
def test_every_forward_pass_is_captured(name: str) -> None:
    agrees(CASES[name])


@pytest.fixture(scope="module")
def softmax() -> Captured:
    return capture(CASES["mlp_softmax"].function, CASES["mlp_softmax"].example)


def test_the_names_and_the_sizes_are_those_of_the_code(softmax: Captured) -> None:
    network, loss = softmax
    names = [node.name for node in network.nodes.values() if node.defined]
    assert names == ["z1", "reg", "a1", "scores", "e", "p", "data_loss", "loss"]
    assert str(loss) == "loss"
    assert str(network.node("data_loss").expression) == "-Sum(log(p[n, k])*y[n, k], (k, 0, K - 1), (n, 0, N - 1))/N"


def test_equal_sizes_of_the_example_are_not_one_size() -> None:
    def loss(X: Any, W: Any, b: Any) -> Any:
        return np.sum((X @ W + b) ** 2)

    network, _ = capture(loss, {"X": np.ones((3, 3)), "W": np.eye(3), "b": np.ones(3)}, wrt="W")
    assert len({str(size) for size in (*network.node("X").shape, *network.node("W").shape)}) == 3


def test_a_dropped_maximum_is_said(softmax: Captured) -> None:
    (shift,) = softmax.shifts
    assert "maximum" in str(shift)


def test_a_maximum_that_matters_stays() -> None:
    def loss(w: Any) -> Any:
        return np.sum(w) + np.max(w)

    captured = capture(loss, {"w": np.array([0.3, 0.5, -1.0])})
    assert captured.shifts == ()
    assert "maximum" in str(captured.network.node("loss").expression)


def test_a_decision_by_value_is_refused() -> None:
    def loss(w: Any, x: Any) -> Any:
        total = 0.0
        for a, b in zip(w, x, strict=True):
            if a * b > 0.05:
                total += a * b
        return total

    with pytest.raises(NotSupportedError, match="not captured"):
        capture(loss, {"w": np.array([0.06, -0.05, 0.1, 0.04]), "x": np.ones(4)}, wrt="w")


def test_an_unknown_name_is_said() -> None:
    case = CASES["batch_norm"]
    with pytest.raises(UserError, match="gamma"):
        capture(case.function, case.example, wrt=["gama"])


def test_derive_takes_a_function() -> None:
    case = CASES["batch_norm"]
    derivation = derive(case.function, example=case.example, wrt=["gamma"])
    assert derivation["gamma"].text() == "∂loss/∂γ[i] = Σ_n dout[n,i]·x_hat[n,i]"
    with pytest.raises(UserError, match="example"):
        derive(case.function)


def test_what_is_thrown_away_and_what_has_a_number_alone_take_the_name_of_the_helper() -> None:
    def forward(params, X):  # type: ignore[no-untyped-def]
        z1 = X @ params["W__1"] + params["_b"]
        a1 = np.tanh(z1)
        return a1 * 2, (z1, a1)

    def thrown(params, X):  # type: ignore[no-untyped-def]
        out_, _ = forward(params, X)
        return np.mean(out_**2)

    def kept(params, X):  # type: ignore[no-untyped-def]
        out_, cache = forward(params, X)
        return np.mean(out_**2) + 0 * cache[1].sum()

    example = {"params": {"W__1": np.array([[0.3, 0.1], [-0.2, 0.4]]), "_b": np.array([0.1, 0.2])}, "X": np.ones((3, 2))}
    for function in (thrown, kept):
        names = set(capture(function, example).network.nodes)
        assert names == {"W_1", "b", "X", "z1", "a1", "out", "loss"}, names


X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
LABELS = np.array([0, 1, 1, 0])
OUTPUT_WEIGHTS = np.array([0.3, -0.2])


class _Held:
    """Keeps data and whole-numbered targets, as many do."""

    def __init__(self) -> None:
        self.x, self.y = X.copy(), LABELS.copy()

    def loss(self, W, v):  # type: ignore[no-untyped-def]
        return np.mean((np.tanh(self.x @ W) @ v - self.y) ** 2)


def _hidden(W):  # type: ignore[no-untyped-def]
    return np.tanh(X @ W)


def _beside(W, v):  # type: ignore[no-untyped-def]
    return np.mean((_hidden(W) @ v - LABELS) ** 2)


def _all_beside(W):  # type: ignore[no-untyped-def]
    return np.mean((_hidden(W) @ OUTPUT_WEIGHTS - LABELS) ** 2)


@pytest.mark.parametrize(
    ("function", "given", "names", "wrt"),
    [
        (_Held().loss, "W v", {"x", "y", "W", "v"}, ("W", "v")),
        (_beside, "W v", {"X", "LABELS", "W", "v"}, ("W", "v")),
        (_all_beside, "W", {"X", "LABELS", "W", "OUTPUT_WEIGHTS"}, ("W",)),
    ],
)
def test_what_an_object_holds_and_what_stands_beside_a_function_has_its_name(
    function: Any, given: str, names: set[str], wrt: tuple[str, ...]
) -> None:
    example = {"W": np.array([[0.1, -0.4], [0.7, 0.2], [-0.3, 0.5]]), "v": OUTPUT_WEIGHTS}
    captured = capture(function, {name: example[name] for name in given.split()})
    declared = {node.name for node in captured.network.nodes.values() if not node.defined}
    assert (declared, captured.wrt) == (names, wrt)
    slopes = derive(captured.network, captured.loss)["W"].value()
    for place in np.ndindex(3, 2):
        step = np.zeros((3, 2))
        step[place] = 1e-6
        ends = [np.mean((np.tanh(X @ (example["W"] + sign * step)) @ OUTPUT_WEIGHTS - LABELS) ** 2) for sign in (1, -1)]
        assert np.asarray(slopes)[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-8)


def _two_inputs_and_noise(x1, x_2, eps, w, x1_scale):  # type: ignore[no-untyped-def]
    return np.sum((x1 * w + x_2 * x1_scale + eps) ** 2)


def test_numbered_inputs_and_noise_are_data() -> None:
    example = {name: np.array([0.5, -0.25]) * k for k, name in enumerate(("x1", "x_2", "eps", "w", "x1_scale"), start=1)}
    assert capture(_two_inputs_and_noise, example).wrt == ("w", "x1_scale")
    assert capture(_two_inputs_and_noise, example, wrt="x1").wrt == ("x1",)
