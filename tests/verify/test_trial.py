"""Right code is accepted and wrong code is not, whatever the values of the example, the way of returning, labels and guards."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from sympy import Sum, log

from symbackprop import Network, check_gradient, derive, layers, relu, sigmoid
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.verify.equal import compare
from symbackprop.verify.records import Status
from symbackprop.verify.reference.samples import numeric_sample
from symbackprop.verify.report.report import Report

Gradients = Callable[..., Any]
QUICK: dict[str, Any] = {"explain": False, "repair": False}


def statuses(report: Report) -> set[Status]:
    return {found.status for found in report.verdicts.values()}


# ---- roles come from what is asked and returned, never from values ---------------------------------------------------

RANDOM = np.random.default_rng(0)
DATA = {"X": np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.1]]), "t": np.array([[0.5, 1.0], [2.0, -1.0], [0.3, 0.3]])}
STARTS: dict[str, Any] = {
    "random": (RANDOM.normal(size=(2, 2)), RANDOM.normal(size=2)),
    "eye and zeros": (np.eye(2), np.zeros(2)),
    "ones": (np.ones((2, 2)), np.ones(2)),
    "one-hot": (np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0])),
    "integers": (np.array([[2, 3], [1, 5]]), np.array([1, 2])),
}
WAYS: dict[str, Gradients] = {
    "names": lambda dW, db: {"W": dW, "b": db},
    "gradient names": lambda dW, db: {"dW": dW, "db": db},
    "tuple": lambda dW, db: (dW, db),
    "list": lambda dW, db: [dW, db],
}


def affine_loss(W: Any, b: Any, X: Any, t: Any) -> Any:
    return np.sum((X @ np.asarray(W) + np.asarray(b) - t) ** 2)


def affine_network() -> DerivationRecord:
    net = Network("affine")
    n, i, j = net.indices("n:N i:D j:K")
    X, t = net.input("X", n, i), net.target("t", n, j)
    W, b = net.parameter("W", i, j), net.parameter("b", j)
    y = net.define("y", n, j, Sum(X[n, i] * W[i, j], i) + b[j])
    return derive(net, net.define("E", Sum((y[n, j] - t[n, j]) ** 2, n, j)))


@pytest.mark.parametrize("factor", [1, 0], ids=["right", "wrong"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("reference", ["loss", pytest.param("loss, wrt", marks=pytest.mark.slow), "network"])
def test_values_say_nothing_about_roles(reference: str, start: str, way: str, factor: int) -> None:
    W, b = STARTS[start]
    returns = WAYS[way]

    def gradients(W: Any, b: Any, X: Any, t: Any) -> Any:
        d = 2 * (X @ np.asarray(W) + np.asarray(b) - t)
        return returns(X.T @ d, factor * d.sum(axis=0))

    asked = {"wrt": ["W", "b"]} if reference == "loss, wrt" else {}
    source: Any = affine_network() if reference == "network" else affine_loss
    report = check_gradient(source, gradients, example={**DATA, "W": W, "b": b}, **asked, **QUICK)
    assert {"W": Status.PROVED, "b": Status.PROVED if factor else Status.DIFFERS} == {k: report[k].status for k in report}


def test_a_number_of_an_integer_type_is_varied() -> None:
    """3 written in where x belongs is wrong, though x is 3 in the example."""
    report = check_gradient(lambda w, x: (w * x) ** 2, lambda w, x: {"w": 2 * w * 3 * x}, example={"w": 0.5, "x": 3}, **QUICK)
    assert report["w"].status is Status.DIFFERS


def test_a_result_without_a_derivative_is_no_zero() -> None:
    def loss(W: Any, ids: Any) -> Any:
        return np.sum(W[ids] ** 2)

    def gradients(W: Any, ids: Any) -> Any:
        dW = np.zeros_like(W)
        np.add.at(dW, ids, 2 * W[ids])
        return {"W": dW, "ids": np.zeros(2)}

    report = check_gradient(loss, gradients, example={"W": RANDOM.normal(size=(3, 2)), "ids": np.array([2, 0])}, **QUICK)
    assert (report["W"].status, report["ids"].status) == (Status.PROVED, Status.ERROR)


# ---- only what was named is varied -----------------------------------------------------------------------------------


class Ridge:
    def __init__(self, lam: float) -> None:
        self.lam, self.twice = lam, 2 * lam

    def loss(self, w: Any) -> Any:
        return self.lam * np.sum(w * w)

    def gradient(self, w: Any) -> Any:
        return self.twice * w

    def wrong(self, w: Any) -> Any:
        return self.lam * w


def test_attributes_stay_as_they_are() -> None:
    ridge, example = Ridge(0.3), {"w": np.array([-1.5, 0.4, 2.0])}
    assert check_gradient(ridge.loss, ridge.gradient, example=example, **QUICK)["w"].status is Status.PROVED
    assert check_gradient(lambda w: ridge.loss(w), ridge.gradient, example=example, **QUICK)["w"].status is Status.PROVED
    wrong = check_gradient(ridge.loss, ridge.wrong, example=example, **QUICK)
    assert (wrong["w"].status, wrong["w"].ratio) == (Status.DIFFERS, "1/2")


def test_attributes_are_varied_when_their_gradients_are_given() -> None:
    class Layer:
        def __init__(self) -> None:
            self.W, self.scale = np.eye(2), 2.0

        def loss(self, x: Any) -> Any:
            return self.scale * np.sum((x @ self.W) ** 2)

        def gradient(self, x: Any) -> Any:
            return {"W": 2 * self.scale * x.T @ (x @ self.W)}

        def only_here(self, x: Any) -> Any:
            return {"W": 2 * self.scale * x.T @ x}

    layer, example = Layer(), {"x": RANDOM.normal(size=(3, 2))}
    assert check_gradient(layer.loss, layer.gradient, example=example, **QUICK)["W"].status is Status.PROVED
    assert check_gradient(layer.loss, layer.only_here, example=example, **QUICK)["W"].status is Status.DIFFERS


# ---- points ----------------------------------------------------------------------------------------------------------


def mean_square(N: int, D: int) -> DerivationRecord:
    net = Network("mean square")
    n, i = net.indices("n:N i:D")
    w = net.parameter("w", i, value=RANDOM.normal(size=D))
    x, t = net.input("x", n, i, value=RANDOM.normal(size=(N, D))), net.target("t", n, value=RANDOM.normal(size=N))
    y = net.define("y", n, Sum(x[n, i] * w[i], i))
    return derive(net, net.define("L", Sum((y[n] - t[n]) ** 2, n) / net.size("N")))


@pytest.mark.parametrize("N", [2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("D", [2, 3, 4, 7])
def test_a_size_written_in_differs_whatever_the_example(N: int, D: int) -> None:
    derived = mean_square(N, D)
    for divisor, status in ((len, Status.PROVED), (lambda x: N, Status.DIFFERS)):
        found = check_gradient(derived, lambda w, x, t, by=divisor: {"w": 2 * x.T @ (x @ w - t) / by(x)}, **QUICK)
        assert found["w"].status is status


def convolution(R: int, Q: int, F: int, G: int) -> DerivationRecord:
    net = Network("convolution")
    r, q, u, v = net.indices("r:R q:Q u:F v:G")
    s, p = net.indices("s:R-F+1 p:Q-G+1")
    values = {"x": RANDOM.normal(size=(R, Q)), "k": RANDOM.normal(size=(F, G))}
    x, k = net.input("x", r, q, value=values["x"]), net.parameter("k", u, v, value=values["k"])
    y = net.define("y", s, p, Sum(x[s + u, p + v] * k[u, v], u, v))
    return derive(net, net.define("E", Sum(y[s, p] ** 2, s, p)))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(6, 6, 3, 3), (6, 5, 3, 2), (7, 5, 3, 3)])
def test_a_derived_extent_for_another_differs(sizes: tuple[int, ...]) -> None:
    derived = convolution(*sizes)

    def gradients(x: Any, k: Any, swapped: bool) -> Any:
        S, P = x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1
        y = sum(x[u : u + S, v : v + P] * k[u, v] for u in range(k.shape[0]) for v in range(k.shape[1]))
        dk = [[2 * np.sum(y * x[u : u + S, v : v + P]) for v in range(k.shape[1])] for u in range(k.shape[0])]
        return {"k": np.array(dk) * (P / S if swapped else 1)}

    assert check_gradient(derived, lambda x, k: gradients(x, k, False), **QUICK).ok
    assert check_gradient(derived, lambda x, k: gradients(x, k, True), **QUICK)["k"].status is Status.DIFFERS


@pytest.mark.slow
def test_a_point_too_large_to_be_traced_is_compared_in_numbers() -> None:
    """A convolution over many axes: at the sizes that tell all of them apart only numbers are compared."""
    net = Network("many axes")
    n, c, r, q, o, u, v = net.indices("n:N c:C r:R q:Q o:O u:F v:G")
    s, p = net.indices("s:R-F+1 p:Q-G+1")
    x, t = net.input("x", n, c, r, q), net.target("t", n, o, s, p)
    y = layers.conv2d(net, "y", x, (n, c, r, q), o, (s, p), (u, v))
    derived = derive(net, layers.mean_squared_error(net, "E", y, t, (n, o, s, p)))

    def gradients(x: Any, t: Any, y_W: Any, y_b: Any, wrong: bool) -> Any:
        (N, _, R, Q), (_, _, F, G) = x.shape, y_W.shape
        S, P = R - F + 1, Q - G + 1
        y = sum(np.einsum("ncsp,oc->nosp", x[:, :, i : i + S, j : j + P], y_W[:, :, i, j]) for i in range(F) for j in range(G))
        d = 2 * (y + y_b[:, None, None] - t) / (N * len(y_b) * (P if wrong else S))
        return {"y_b": d.sum(axis=(0, 2, 3))}

    right = check_gradient(derived, lambda x, t, y_W, y_b: gradients(x, t, y_W, y_b, False), **QUICK)
    assert right.scope.floats
    assert right["y_b"].status is Status.PROVED
    wrong = check_gradient(derived, lambda x, t, y_W, y_b: gradients(x, t, y_W, y_b, True), **QUICK)
    assert wrong["y_b"].status is Status.DIFFERS


# ---- labels ----------------------------------------------------------------------------------------------------------


def logistic() -> DerivationRecord:
    net = Network("logistic")
    n, i = net.indices("n:N i:D")
    X, y, w = net.input("X", n, i), net.target("y", n), net.parameter("w", i)
    p = net.define("p", n, sigmoid(Sum(X[n, i] * w[i], i)))
    return derive(net, net.define("E", -Sum(y[n] * log(p[n]) + (1 - y[n]) * log(1 - p[n]), n) / net.size("N")))


def logistic_loss(X: Any, y: Any, w: Any) -> Any:
    p = 1 / (1 + np.exp(-X @ w))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def by_cases(X: Any, y: Any, w: Any, sign: int = 1) -> Any:
    p = 1 / (1 + np.exp(-X @ w))
    return {"w": X.T @ np.where(y == 1, p - sign, p) / len(y)}


@pytest.mark.slow
@pytest.mark.parametrize("labels", [np.array([0, 1, 1, 0]), np.array([0.0, 1.0, 1.0, 0.0])], ids=["integers", "reals"])
@pytest.mark.parametrize("reference", ["network", "loss"])
def test_labels_are_labels_where_code_treats_them_so(reference: str, labels: Any) -> None:
    example = {"X": RANDOM.normal(size=(4, 3)), "y": labels, "w": RANDOM.normal(size=3)}
    source: Any = logistic() if reference == "network" else logistic_loss
    asked = {} if reference == "network" else {"wrt": "w"}
    right = check_gradient(source, by_cases, example=example, **asked, **QUICK)["w"]
    assert (right.status, right.note) == (Status.PROVED, "where y is 0 or 1")
    wrong = check_gradient(source, lambda X, y, w: by_cases(X, y, w, 2), example=example, **asked, **QUICK)
    assert wrong["w"].status is Status.DIFFERS


def test_labels_that_code_does_not_need_are_no_condition() -> None:
    example = {"X": RANDOM.normal(size=(4, 3)), "y": np.array([0, 1, 1, 0]), "w": RANDOM.normal(size=3)}
    found = check_gradient(
        logistic(), lambda X, y, w: {"w": X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y)}, example=example, **QUICK
    )
    assert (found["w"].status, found["w"].note) == (Status.PROVED, "")


def test_signs_in_a_margin() -> None:
    net = Network("margin")
    n, i = net.indices("n:N i:D")
    X, y, w = net.input("X", n, i), net.target("y", n), net.parameter("w", i)
    s = net.define("s", n, Sum(X[n, i] * w[i], i))
    derived = derive(net, net.define("E", Sum(relu(1 - y[n] * s[n]), n)))

    def by_sign(X: Any, y: Any, w: Any) -> Any:
        s = X @ w
        return {"w": X.T @ np.where(y > 0, np.where(s < 1, -1.0, 0.0), np.where(s > -1, 1.0, 0.0))}

    example = {"X": RANDOM.normal(size=(4, 3)), "y": np.array([1, -1, 1, -1]), "w": RANDOM.normal(size=3)}
    assert check_gradient(derived, by_sign, example=example, **QUICK)["w"].note == "where y is -1 or 1"


@pytest.mark.slow
@pytest.mark.parametrize("target", [np.eye(3)[[0, 2]], np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])], ids=["one-hot", "soft"])
def test_rows_that_sum_to_one(target: Any) -> None:
    net = Network("softmax")
    n, k = net.indices("n:N k:K")
    Z, t = net.parameter("Z", n, k, value=RANDOM.normal(size=(2, 3))), net.target("t", n, k, value=target)
    P = layers.softmax(net, "P", Z, (n, k))
    derived = derive(net, layers.cross_entropy(net, "E", P, t, (n, k), distributions=False))

    def hand(Z: Any, t: Any) -> Any:
        P = np.exp(Z) / np.exp(Z).sum(1, keepdims=True)
        return {"Z": (P - t) / len(Z)}

    def loss(Z: Any, t: Any) -> Any:
        P = np.exp(Z) / np.exp(Z).sum(1, keepdims=True)
        return -(t * np.log(P)).sum() / len(Z)

    for source, asked in ((derived, {}), (loss, {"wrt": "Z"})):
        found = check_gradient(source, hand, example=net.values, **asked, **QUICK)["Z"]
        assert (found.status, found.note) == (Status.PROVED, "where each row of t sums to 1")
        wrong = check_gradient(source, lambda Z, t: {"Z": 2 * hand(Z, t)["Z"]}, example=net.values, **asked, **QUICK)["Z"]
        assert (wrong.status, wrong.ratio) == (Status.DIFFERS, "2")


# ---- guards ----------------------------------------------------------------------------------------------------------

EPS = 1e-8
HOLDER = types.SimpleNamespace(eps=1e-8)
GUARDS: Mapping[str, Gradients] = {
    "literal": lambda W: W / (np.abs(W) + 1e-8),
    "global": lambda W: W / (np.abs(W) + EPS),
    "attribute": lambda W: W / (np.abs(W) + HOLDER.eps),
    "under a root": lambda W: W / np.sqrt(W**2 + 1e-12),
    "twice": lambda W: W * np.abs(W) / (np.abs(W) ** 2 + 2 * 1e-8),
}


@pytest.mark.slow
@pytest.mark.parametrize("spelling", GUARDS)
def test_a_guard_is_recognised_by_its_effect(spelling: str) -> None:
    guarded, example = GUARDS[spelling], {"W": np.array([[0.5, -1.0], [2.0, 0.3]])}

    def loss(W: Any) -> Any:
        return np.sum(np.abs(W))

    report = check_gradient(loss, lambda W: {"W": guarded(W)}, example=example)
    assert statuses(report) == {Status.GUARDED}
    assert "right up to the guard" in report["W"].note
    assert report.ok
    assert report.repairs == ()
    assert statuses(check_gradient(loss, lambda W: {"W": 2 * guarded(W)}, example=example, **QUICK)) == {Status.DIFFERS}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda w: 2 * w + 1e-4,
        lambda w: 2 * w * (1 - 1e-6),
        lambda w: 2.000002 * w,
        lambda w: 2 * w + 1e-4 * w,
        lambda w: 2 * (w + 1e-5),
    ],
)
def test_a_small_number_elsewhere_is_no_guard(wrong: Gradients) -> None:
    found = check_gradient(lambda w: np.sum(w**2), lambda w: {"w": wrong(w)}, example={"w": np.array([0.5, -1.5])}, **QUICK)
    assert found["w"].status is Status.DIFFERS
    assert found["w"].ratio != "1"


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_a_probability_far_below_the_guard(factor: float) -> None:
    """The label's probability is 1e-12, the guard 1e-7: most of the number is the guard, and the code is right up to it."""

    def probabilities(a: Any) -> Any:
        e = np.exp(a - a.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(X: Any, W: Any, t: Any) -> Any:
        return -np.sum(t * np.log(probabilities(X @ W) + 1e-7)) / len(X)

    def gradient(X: Any, W: Any, t: Any) -> Any:
        return {"W": X.T @ (factor * probabilities(X @ W) - t) / len(X)}

    X, W = np.array([[3.0, 1.0], [-2.0, 2.0], [1.0, 1.0]]), np.array([[5.0, -4.0, 0.5], [1.0, 2.0, -3.0]])
    assert np.min(probabilities(X @ W)[:, 1]) < 1e-10
    example = {"X": X, "W": W, "t": np.eye(3)[[1, 1, 1]]}
    report = check_gradient(loss, gradient, example=example, wrt="W", explain=False, repair=False)
    assert report["W"].status is (Status.GUARDED if factor == 1 else Status.DIFFERS)


def test_weight_decay_that_is_forgotten_is_no_guard() -> None:
    def loss(w: Any) -> Any:
        return np.sum(w**4) + 1e-4 * np.sum(w**2)

    found = check_gradient(loss, lambda w: {"w": 4 * w**3}, example={"w": np.array([0.5, -1.5])}, **QUICK)
    assert found["w"].status is Status.DIFFERS


def test_a_finite_difference_is_said_to_be_one() -> None:
    def loss(w: float) -> Any:
        return np.sin(w) * w

    found = check_gradient(loss, lambda w: {"w": (loss(w + 1e-5) - loss(w - 1e-5)) / 2e-5}, example={"w": 0.4}, **QUICK)
    assert (found["w"].status, found["w"].note.partition(" (")[0]) == (
        Status.GUARDED,
        "right up to a finite difference of step 1e-05",
    )


@pytest.mark.slow
def test_overflow_guards_far_out_do_no_harm() -> None:
    def clipped(z: Any) -> Any:
        return 1 / (1 + np.exp(-np.clip(z, -500, 500)))

    net = Network("one unit")
    x, w, t = net.input("x", value=2), net.parameter("w", value=0.5), net.target("t", value=0.3)
    y = net.define("y", sigmoid(w * x))
    derived = derive(net, net.define("E", (y - t) ** 2))

    def right(x: Any, w: Any, t: Any) -> Any:
        y = clipped(w * x)
        return {"w": 2 * (y - t) * y * (1 - y) * x}

    assert check_gradient(derived, right).ok
    assert not check_gradient(derived, lambda x, w, t: {"w": right(x, w, t)["w"] * (1 + (w * x > 3))}, **QUICK).ok


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e308])
@pytest.mark.parametrize("exact", [True, False])
def test_what_is_not_finite_differs(value: float, exact: bool) -> None:
    found = check_gradient(lambda w: np.sum(w**2), lambda w: np.full(w.shape, value), example={"w": np.ones(2)}, exact=exact)
    assert statuses(found) == {Status.DIFFERS}


def test_code_that_compares_what_its_network_does_is_run_at_few_further_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else it compares may differ between two borders alone; the same comparison has no second border."""
    net = Network("hinge")
    n, i = net.indices("n:N i:D")
    x, w, margin = net.input("x", n, i), net.parameter("w", i), net.constant("margin", value=0.05)
    s = net.define("s", n, Sum(x[n, i] * w[i], i) + margin)
    derivation = derive(net, net.define("E", Sum(relu(s[n]), n)))
    drawn: list[Any] = []

    def counted(*given: Any) -> Any:
        drawn.append(given)
        return numeric_sample(*given)

    monkeypatch.setattr(compare, "numeric_sample", counted)
    assert check_gradient(derivation, lambda x, w, margin: {"w": x.T @ (x @ w + margin > 0)}, **QUICK).ok
    assert len(drawn) == compare.DRAWS
    assert not check_gradient(derivation, lambda x, w, margin: {"w": x.T @ (x @ w > 0)}, **QUICK).ok


def test_between_the_borders_of_two_comparisons_code_is_tried_too() -> None:
    """Both comparisons go both ways at the samples, and differ only where the score lies between 0 and the margin."""

    def loss(w: Any, x: Any, margin: Any) -> Any:
        return np.mean(np.maximum(0, x @ w + margin))

    def gradients(w: Any, x: Any, margin: Any, border: float = 1.0) -> Any:
        return {"w": x.T @ (x @ w + border * margin > 0) / len(x)}

    rng = np.random.default_rng(4)
    example = {"w": rng.normal(size=3), "x": rng.normal(size=(4, 3)), "margin": 0.05}
    assert check_gradient(loss, gradients, example=example).ok
    without = check_gradient(loss, lambda w, x, margin: gradients(w, x, margin, 0.0), example=example, repair=False)
    assert not without.ok
