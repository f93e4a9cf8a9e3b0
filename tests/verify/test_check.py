"""`check_gradient` end to end: the documents' verdicts, the statuses, several shapes, branches, kinks, tiny and huge numbers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sympy import Sum, exp, log

from symbackprop.derive import DerivationRecord, derive
from symbackprop.errors import UserError
from symbackprop.network import Network, relu
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status

Load = Callable[[str, str], ModuleType]


def document(load: Load, name: str) -> tuple[DerivationRecord, ModuleType]:
    file = load(name, "network")
    return derive(file.network, file.loss), load(name, "handwritten")


# ---- the documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two_three_two", "two_two_one", "mlp_softmax"])
def test_right_documents_are_proved(derivation_file: Load, name: str) -> None:
    derivation, hand = document(derivation_file, name)
    report = check_gradient(derivation, hand.gradients)
    assert report.ok
    assert {verdict.status for verdict in report.verdicts.values()} == {Status.PROVED}
    assert report.missing == (("b1", "b2") if name == "two_three_two" else ())


def test_an_update_step_of_a_document_is_proved(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "two_three_two")
    report = check_gradient(derivation, hand.update)
    assert report.ok
    assert set(report.verdicts) == set(hand.WEIGHTS)


def test_half_the_gradient(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "linear_regression")
    report = check_gradient(derivation, hand.gradients)
    assert [verdict.ratio for verdict in report.verdicts.values()] == ["1/2", "1/2"]
    assert "exactly 1/2" in report.causes[0].text
    assert report.locations[0].source == "dy = y_predict - y_true"
    assert report.repairs[0].after == "dy = 2 * (y_predict - y_true)"
    assert report.repairs[0].proved


def test_the_gradient_of_another_loss(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "tanh_neuron")
    report = check_gradient(derivation, hand.gradients, repair=False)
    assert not report.ok
    assert [cause.text for cause in report.causes] == ["it is the gradient of 1/2 · (f - 4.9517)^2, not of loss"]


def test_a_kink_at_the_start_is_said(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "perceptron")
    report = check_gradient(derivation, hand.gradients)
    assert report.ok
    for verdict in report.verdicts.values():
        assert verdict.status == "not differentiable"
        assert "val[1] = 0" in verdict.note
        assert "elsewhere proved" in verdict.note


def test_right_values_under_wrong_names(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "two_two_one")
    report = check_gradient(derivation, hand.gradients)
    assert {place.variable: place.text.split(":")[0] for place in report.locations} == {
        "d_h1_d_w3": "holds ∂h2/∂w3",
        "d_h1_d_w4": "holds ∂h2/∂w4",
        "d_h1_d_b2": "holds ∂h2/∂b2",
    }


def test_the_printed_update_is_wrong_for_six_of_nine(derivation_file: Load) -> None:
    derivation, hand = document(derivation_file, "two_two_one")
    report = check_gradient(derivation, hand.gradients_as_printed, explain=False, repair=False)
    assert {name for name, v in report.verdicts.items() if v.status == "proved"} == {"w1", "w2", "b1"}
    assert {name for name, v in report.verdicts.items() if v.status == "differs"} == {"w3", "w4", "w5", "w6", "b2", "b3"}


# ---- statuses ------------------------------------------------------------------------------------------------------


def scalar() -> DerivationRecord:
    net = Network("scalar")
    x, w, t = net.inputs("x"), net.parameters("w"), net.targets("t")
    y = net.define("y", w * x)
    return derive(net, net.define("L", (y - t) ** 2))


def test_numbers_only_agree_and_never_more() -> None:
    report = check_gradient(scalar(), lambda x, w, t: {"w": 2 * (w * x - t) * x}, exact=False)
    assert report["w"].status is Status.AGREES
    assert report["w"].digits >= 14
    assert not report.scope.exact


def test_code_that_cannot_be_traced_is_compared_in_numbers_with_the_reason() -> None:
    def hand(x, w, t):
        return {"w": float(2 * (w * x - t)) * np.float64(str(float(x)))}

    report = check_gradient(scalar(), hand)
    assert report["w"].status is Status.AGREES
    assert "cannot trace" in report.scope.fallback


def test_a_small_relative_mistake_differs_with_a_witness() -> None:
    report = check_gradient(scalar(), lambda x, w, t: {"w": 2.000002 * (w * x - t) * x}, repair=False)
    witness = report["w"].witness
    assert report["w"].status is Status.DIFFERS
    assert witness is not None
    assert witness.rigorous
    values = dict(witness.inputs)
    derived = 2 * (values["w"] * values["x"] - values["t"]) * values["x"]
    assert witness.derived == pytest.approx(derived, rel=1e-12)
    assert witness.hand == pytest.approx(1.000001 * derived, rel=1e-12)


def test_a_small_mistake_differs_in_numbers_too() -> None:
    report = check_gradient(scalar(), lambda x, w, t: {"w": 2.000002 * (w * x - t) * x}, exact=False, repair=False)
    assert report["w"].status is Status.DIFFERS


def test_code_that_fails_is_an_error_with_its_message() -> None:
    def hand(x, w, t):
        return {"w": undefined_name * x}  # noqa: F821 - the mistake

    report = check_gradient(scalar(), hand)
    assert report["w"].status is Status.ERROR
    assert "undefined_name" in report["w"].note
    assert not report.ok


def test_float32_inside_is_accepted_with_its_precision() -> None:
    def hand(x, w, t):
        return {"w": np.float32(2) * (np.float32(w) * np.float32(x) - np.float32(t)) * np.float32(x)}

    report = check_gradient(scalar(), hand)
    assert report.ok
    assert report["w"].status is Status.AGREES
    assert report["w"].digits <= 7


def test_a_gradient_that_is_exactly_zero_is_accepted() -> None:
    net = Network("key bias")
    i, j, m = net.indices("i:T j:S m:S")
    q, c, v = net.input("q", i), net.parameter("c"), net.parameter("v", j)
    s = net.define("s", i, j, q[i] * (v[j] + c))
    p = net.define("p", i, j, exp(s[i, j]) / Sum(exp(s[i, m]), m))
    derivation = derive(net, net.define("L", -Sum(Sum(log(p[i, j]) * v[j], j), i)), ["c"])

    def zero(q, c, v):
        return {"c": 0.0 * c}

    def noise(q, c, v):
        s = np.outer(q, v + c)
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        return {"c": -np.sum((v - p * v.sum()) * q[:, None])}

    assert check_gradient(derivation, noise, exact=False).ok
    assert check_gradient(derivation, noise).ok
    assert check_gradient(derivation, zero).ok


# ---- branches and kinks --------------------------------------------------------------------------------------------


def rectified() -> DerivationRecord:
    net = Network("rectified")
    n, i = net.indices("n:N i:D")
    X, w = net.input("X", n, i), net.parameter("w", i)
    a = net.define("a", n, relu(Sum(X[n, i] * w[i], i)))
    return derive(net, net.define("L", Sum(a[n], n)))


def test_both_sides_of_a_branch_are_visited() -> None:
    def hand(X, w):
        z = X @ w
        return {"w": (z > 0).astype(float) @ X}

    report = check_gradient(rectified(), hand)
    assert report.ok
    assert report.scope.branches == 1
    assert not report.scope.unvisited


@pytest.mark.slow
def test_a_mistake_in_a_rare_branch_is_found() -> None:
    def hand(X, w):
        z = X @ w
        return {"w": (z > 0).astype(float) @ X if abs(w[0]) < 50 else 2 * (z > 0).astype(float) @ X}

    assert check_gradient(rectified(), hand, repair=False)["w"].status is Status.DIFFERS


def test_a_kink_in_the_example_is_no_difference() -> None:
    def other_convention(X, w):
        z = X @ w
        return {"w": (z >= 0).astype(float) @ X}

    example = {"X": np.array([[1.0, -1.0], [2.0, 0.5]]), "w": np.array([1.0, 1.0])}
    report = check_gradient(rectified(), other_convention, example=example)
    assert report.ok
    assert report["w"].status is Status.NOT_DIFFERENTIABLE


# ---- shapes --------------------------------------------------------------------------------------------------------


def mean_over_rows(divisor: Callable[..., float]) -> Callable[..., Any]:
    def hand(X, w):
        return {"w": np.where(X @ w > 0, 1.0, 0.0) @ X / divisor(X, w)}

    return hand


@pytest.mark.parametrize(
    ("divisor", "ratio"), [(lambda X, w: len(X), "1/N"), (lambda X, w: len(w), "1/D"), (lambda X, w: 3, "1/3")]
)
def test_a_size_is_told_from_another_and_from_a_number(divisor: Callable[..., float], ratio: str) -> None:
    assert check_gradient(rectified(), mean_over_rows(divisor), repair=False)["w"].ratio == ratio


# ---- a loss function as the reference ------------------------------------------------------------------------------


def loss(params, X, t):
    h = np.tanh(X @ params["W"] + params["b"])
    return np.mean(np.sum((h - t) ** 2, axis=1))


def gradients(params, X, t):
    h = np.tanh(X @ params["W"] + params["b"])
    dz = 2 * (h - t) / len(X) * (1 - h**2)
    return {"W": X.T @ dz, "b": dz.sum(axis=0)}


def half(params, X, t):
    return {name: value / 2 for name, value in gradients(params, X, t).items()}


EXAMPLE = {
    "params": {"W": np.array([[0.3, -0.2], [0.5, 0.1], [-0.4, 0.2]]), "b": np.array([0.1, -0.3])},
    "X": np.arange(12.0).reshape(4, 3) / 7 - 0.6,
    "t": np.arange(8.0).reshape(4, 2) / 9 - 0.4,
}


def test_plain_code_needs_nothing_else() -> None:
    report = check_gradient(loss, gradients, example=EXAMPLE, wrt=["W", "b"])
    assert [verdict.status for verdict in report.verdicts.values()] == ["proved", "proved"]


def test_plain_code_that_is_wrong() -> None:
    report = check_gradient(loss, half, example=EXAMPLE, wrt=["W", "b"], repair=False)
    assert [verdict.ratio for verdict in report.verdicts.values()] == ["1/2", "1/2"]


def cross_entropy(W, X, t):
    z = X @ W
    return -np.sum(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True))))


def cross_entropy_gradient(W, X, t):
    e = np.exp(X @ W)
    return X.T @ (e / e.sum(axis=1, keepdims=True) - t)


def test_one_hot_labels_are_taken_as_they_are() -> None:
    example = {"W": np.array([[0.3, -0.2], [0.5, 0.1], [-0.4, 0.2]]), "X": EXAMPLE["X"], "t": np.eye(2)[[0, 1, 1, 0]]}
    assert check_gradient(cross_entropy, cross_entropy_gradient, example=example, wrt="W").ok


def test_an_argument_without_a_value_is_named() -> None:
    with pytest.raises(UserError, match="no value for the argument params of loss; it has X"):
        check_gradient(loss, gradients, example={"X": EXAMPLE["X"]})


def test_what_is_no_reference_is_an_error() -> None:
    with pytest.raises(UserError, match="expected a derivation or a loss function, got int"):
        check_gradient(3, gradients)


def test_comparisons_of_the_reference_alone_are_visited_both_ways() -> None:
    """A relu's mask that the code leaves out shows only where the relu is off; a repair must hold there as well."""
    net = Network("one relu")
    x, w, t = net.input("x", value=2.0), net.parameter("w", value=0.5), net.target("t", value=1.0)
    y = net.define("y", relu(w * x))
    d = derive(net, net.define("E", (y - t) ** 2 / 2))

    def without_mask(x: float, w: float, t: float) -> dict[str, float]:
        return {"w": (w * x - t) * x}

    def with_mask(x: float, w: float, t: float) -> dict[str, float]:
        return {"w": (w * x - t) * x * (w * x > 0)}

    assert check_gradient(d, without_mask, explain=False, repair=False)["w"].status is Status.DIFFERS

    def mask_of_the_input(x: float, w: float, t: float) -> dict[str, float]:
        return {"w": (w * x - t) * x * (x > 0)}

    assert check_gradient(d, with_mask)["w"].status is Status.PROVED
    assert check_gradient(d, mask_of_the_input, explain=False, repair=False)["w"].status is Status.DIFFERS


def test_a_repair_is_proved_at_the_sizes_of_the_example_as_well() -> None:
    """Where the example's sizes tell the indices apart the other point is square, and there one size is as good as another."""
    net = Network("mean")
    n, i = net.indices("n:N i:D")
    x, w = net.input("x", n, i, value=np.arange(6.0).reshape(3, 2) + 1), net.parameter("w", i, value=np.array([0.5, -1.0]))
    d = derive(net, net.define("E", Sum((x[n, i] * w[i]) ** 2, n, i) / (2 * net.size("N"))))

    def by_all(x: Any, w: Any) -> dict[str, Any]:
        return {"w": (x**2).sum(axis=0) * w / (w.size * len(w))}

    for repair in check_gradient(d, by_all, explain=False).repairs:
        assert "x" in repair.after.rpartition("/")[2]


@pytest.mark.slow
def test_large_trigonometric_differences_end() -> None:
    """Two ways to write softplus below a sine are equal in numbers; the search for a proof has an end."""

    def loss(w: float, v: float, x: float) -> Any:
        return (np.sin(v * np.log1p(np.exp(w * x))) - 0.4) ** 4

    def gradients(w: float, v: float, x: float) -> dict[str, Any]:
        h = np.logaddexp(0, w * x)
        d = 4 * (np.sin(v * h) - 0.4) ** 3 * np.cos(v * h)
        return {"w": d * v * x / (1 + np.exp(-w * x)), "v": d * h}

    report = check_gradient(loss, gradients, example={"w": 0.7, "v": -1.2, "x": 1.5})
    assert report.ok


def test_an_example_with_equal_sizes_does_not_hide_a_division_by_the_wrong_one() -> None:
    """Divided by D instead of N: right in every example with N = D, so other sizes must be tried as well."""
    net = Network("mean of squares")
    n, i = net.indices("n:N i:D")
    X, w = net.input("X", n, i), net.parameter("w", i)
    y = net.define("y", n, Sum(X[n, i] * w[i], i))
    derived = derive(net, net.define("L", Sum(y[n] ** 2, n) / net.size("N")))
    example = {"X": np.arange(9.0).reshape(3, 3) - 3.5, "w": np.array([0.5, -1.0, 2.0])}

    def by_samples(X: Any, w: Any) -> Any:
        return {"w": 2 * X.T @ (X @ w) / X.shape[0]}

    def by_features(X: Any, w: Any) -> Any:
        return {"w": 2 * X.T @ (X @ w) / X.shape[1]}

    assert check_gradient(derived, by_samples, example=example).ok
    assert check_gradient(derived, by_features, example=example, explain=False, repair=False)["w"].status is Status.DIFFERS


def test_an_example_with_nan_is_refused() -> None:
    def loss(w: Any, x: Any) -> Any:
        return ((w * x) ** 2).sum()

    def gradient(w: Any, x: Any) -> Any:
        return {"w": 2 * w * x**2}

    with pytest.raises(UserError, match="w holds NaN in the example"):
        check_gradient(loss, gradient, example={"w": np.array([1.0, np.nan]), "x": np.array([1.0, 2.0])}, wrt="w")
