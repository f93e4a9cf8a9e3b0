"""Right gradients are accepted and wrong ones differ where checkers are deceived: at typical initial values, in saturation, at
kinks, with huge losses and tiny gradients, and in float32.

The derivation gets the condition as example values; the random points that `check_gradient` adds stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sympy import Abs, Piecewise

from symbackprop.derive import derive
from symbackprop.network import Network, Role
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.reference.facts import satisfy
from symbackprop.verify.reference.sampling import equations, random_values, size_choices
from symbackprop.verify.report.report import Report
from tests.verify.mutants.hand import SOURCES
from tests.verify.mutants.networks import NETWORKS
from tests.verify.mutants.score import load, original
from tests.verify.mutants.table import MUTANTS

Values = dict[str, Any]


def _parameters(net: Network, values: Values, change: Callable[[str, Any], Any]) -> Values:
    names = {node.name for node in net.of_role(Role.PARAMETER)}
    return {name: change(name, value) if name in names else value for name, value in values.items()}


def _initial(name: str, value: Any) -> Any:
    if name.startswith("b") or name == "c":
        return value * 0
    return value * 0 + 1 if name == "g" else value * 0.1


CONDITIONS: dict[str, Callable[[Network, Values], Values]] = {
    "generic": lambda net, values: values,
    "typical initialisation": lambda net, values: _parameters(net, values, _initial),
    "saturated": lambda net, values: _parameters(net, values, lambda name, value: value * 12),
    "kink": lambda net, values: _parameters(net, values, lambda name, value: value if name == "x" else value * 0),
    "large loss": lambda net, values: {k: v * 1e6 if net.nodes[k].role is Role.TARGET else v for k, v in values.items()},
    "tiny gradient": lambda net, values: _parameters(net, values, lambda name, value: value * 1e-7),
}


def at(condition: str, case: str) -> tuple[Any, Values]:
    """Return a derivation and the values of a condition at the sizes the checks use first."""
    network, loss = NETWORKS[case]()
    sizes = size_choices(network)[0]
    values = CONDITIONS[condition](network, random_values(network, sizes, np.random.default_rng(5)))
    satisfy(values, equations(network, sizes, values))
    return derive(network, loss), values


def float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same code working in single precision."""

    def narrow(*args: Any, **named: Any) -> Any:
        given = {key: np.float32(value) if isinstance(value, float) else value.astype(np.float32) for key, value in named.items()}
        return function(*args, **given)

    narrow.__wrapped__ = function  # type: ignore[attr-defined]
    return narrow


LIGHT = ("chain", "perceptron")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    folder = tmp_path_factory.mktemp("right")
    return lambda case: original(folder, case)


def pairs(light: tuple[str, ...]) -> list[Any]:
    return [
        (condition, case) if case in light else pytest.param(condition, case, marks=pytest.mark.slow)
        for condition in CONDITIONS
        for case in SOURCES
    ]


def accepted(report: Report) -> bool:
    return report.ok and all(v.status in (Status.PROVED, Status.NOT_DIFFERENTIABLE) for v in report.verdicts.values())


@pytest.mark.parametrize(("condition", "case"), pairs(LIGHT))
def test_right_gradients_are_accepted(condition: str, case: str, right: Callable[[str], ModuleType]) -> None:
    derivation, values = at(condition, case)
    report = check_gradient(derivation, right(case).gradients, example=values)
    assert accepted(report), str(report)
    assert report.notes == ()


@pytest.mark.parametrize(
    "case",
    [c if c == "chain" else pytest.param(c, marks=pytest.mark.slow) for c in SOURCES],
)
def test_right_gradients_in_numbers_only_are_never_said_to_differ(case: str, right: Callable[[str], ModuleType]) -> None:
    for condition in CONDITIONS:
        derivation, values = at(condition, case)
        report = check_gradient(derivation, right(case).gradients, example=values, exact=False, explain=False, repair=False)
        assert report.ok, f"{condition}\n{report}"
        assert all(v.status is not Status.PROVED for v in report.verdicts.values())


def one_mutant(case: str) -> Any:
    return next(m for m in MUTANTS if m.case == case and not m.equivalent)


@pytest.mark.parametrize(("condition", "case"), pairs(("chain",)))
def test_wrong_gradients_differ(condition: str, case: str, tmp_path: Path) -> None:
    derivation, values = at(condition, case)
    wrong = load(tmp_path, f"{case}_wrong", one_mutant(case).source)
    report = check_gradient(derivation, wrong.gradients, example=values, explain=False, repair=False)
    assert not report.ok
    assert any(v.status is Status.DIFFERS for v in report.verdicts.values()), str(report)


@pytest.mark.parametrize("case", [c if c in LIGHT else pytest.param(c, marks=pytest.mark.slow) for c in SOURCES])
def test_single_precision_is_accepted_and_said(case: str, right: Callable[[str], ModuleType]) -> None:
    derivation, values = at("generic", case)
    report = check_gradient(derivation, float32(right(case).gradients), example=values, explain=False, repair=False)
    assert report.ok, str(report)
    assert all("computed in float32" in v.note and v.status is Status.AGREES for v in report.verdicts.values()), str(report)


@pytest.mark.parametrize("case", [c if c == "chain" else pytest.param(c, marks=pytest.mark.slow) for c in SOURCES])
def test_a_mistake_in_single_precision_differs(case: str, tmp_path: Path) -> None:
    derivation, values = at("generic", case)
    wrong = load(tmp_path, f"{case}_wrong", one_mutant(case).source)
    report = check_gradient(derivation, float32(wrong.gradients), example=values, explain=False, repair=False)
    assert any(v.status is Status.DIFFERS for v in report.verdicts.values()), str(report)


def _softmax(scores: Any) -> Any:
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


_X, _T = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.0], [2.0, 0.1, 0.4], [-0.6, 1.5, 0.2]]), np.eye(2)[[0, 1, 1, 0]]
_V = np.array([1.0, 2.0, 3.0])
_ZEROS, _FLAT = {"w": np.zeros((3, 2))}, {"w": np.zeros(3)}
#: A loss with a tie at its example, a right gradient, and what it is said to be there.
TIES: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any], Status]] = {
    "scores that are equal before a softmax": (
        lambda w: -np.sum(_T * np.log(_softmax(_X @ w))) / 4, lambda w: {"w": _X.T @ (_softmax(_X @ w) - _T) / 4}, _ZEROS,
        Status.PROVED,
    ),
    "a shift that is added again": (
        lambda w: np.max(w * _V) + np.log(np.sum(np.exp(w * _V - np.max(w * _V)))), lambda w: {"w": _V * _softmax(w * _V)}, _FLAT,
        Status.PROVED,
    ),
    "a half parabola": (
        lambda w: np.sum(np.maximum(0, w * _V) ** 2), lambda w: {"w": 2 * np.maximum(0, w * _V) * _V}, _FLAT, Status.PROVED
    ),
    "both sides alike": (lambda w: np.sum(np.where(w > 0, w * _V, _V * w)), lambda w: {"w": _V}, _FLAT, Status.PROVED),
    "a rectifier": (
        lambda w: np.sum(np.maximum(0, _X @ w)), lambda w: {"w": _X.T @ (_X @ w > 0)}, _ZEROS, Status.NOT_DIFFERENTIABLE
    ),
    "a size": (lambda w: np.sum(np.abs(w * _V)), lambda w: {"w": np.sign(w * _V) * _V}, _FLAT, Status.NOT_DIFFERENTIABLE),
    "the largest": (
        lambda w: np.max(w * _V), lambda w: {"w": _V * (np.arange(3) == np.argmax(w * _V))}, _FLAT, Status.NOT_DIFFERENTIABLE
    ),
}  # fmt: skip


@pytest.mark.slow
def test_one_tie_among_many_numbers_is_seen_whichever_way_it_goes() -> None:
    def loss(w: Any, X: Any) -> Any:
        return np.sum(np.maximum(0, X @ w))

    for seed in range(12):
        X = np.random.default_rng(seed).normal(size=(3, 4))
        X[0] = np.eye(4)[seed % 4]
        w = np.random.default_rng(seed + 100).normal(size=4)
        w[seed % 4] = 0.0  # X[0] @ w is 0
        for right in (lambda w, X: {"w": X.T @ (X @ w > 0)}, lambda w, X: {"w": X.T @ (X @ w >= 0)}):
            report = check_gradient(loss, right, example={"w": w, "X": X}, wrt="w", explain=False, repair=False)
            assert report["w"].status is not Status.PROVED, seed


@pytest.mark.parametrize("kind", TIES)
def test_a_tie_is_a_kink_only_where_the_slopes_of_its_sides_differ(kind: str) -> None:
    loss, right, example, status = TIES[kind]
    report = check_gradient(loss, right, example=example, explain=False, repair=False)
    assert report["w"].status is status
    wrong = check_gradient(loss, lambda w: {"w": 2 * right(w)["w"]}, example=example, explain=False, repair=False)
    assert wrong["w"].status is Status.DIFFERS


def _data(rows: int = 6, columns: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {"w": rng.normal(size=columns), "X": rng.normal(size=(rows, columns)), "y": rng.normal(size=rows)}


def _huber(w: Any, X: Any, y: Any, delta: Any) -> Any:
    size = np.abs(X @ w - y)
    return np.sum(np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)))


def _steepest(w: Any, X: Any, y: Any, slope: Any) -> Any:
    return np.sum((np.maximum(slope * (X @ w), X @ w) - y) ** 2) / 2


def _temperature(w: Any, X: Any, y: Any, T: Any) -> Any:
    return np.sum(np.logaddexp(0, X @ w / np.abs(T)) - y * (X @ w))


def _annulus(w: Any, X: Any, y: Any, margin: Any) -> Any:
    return np.sum(np.maximum(0, np.abs(X @ w - y) - margin))


#: A loss with a number that is a size, its value, a gradient that is right where it is one, a wrong one, and the condition.
SIZES_OF_NUMBERS: dict[str, tuple[Callable[..., Any], str, float, Callable[..., Any], Callable[..., Any], str]] = {
    "a threshold": (
        _huber, "delta", 1.0, lambda w, X, y, delta: {"w": X.T @ np.clip(X @ w - y, -delta, delta)},
        lambda w, X, y, delta: {"w": X.T @ np.clip(X @ w - y, -1, 1)}, "where delta is positive",
    ),
    "a slope": (
        _steepest, "slope", 0.1,
        lambda w, X, y, slope: {"w": X.T @ ((np.maximum(slope * (X @ w), X @ w) - y) * np.where(X @ w > 0, 1, slope))},
        lambda w, X, y, slope: {"w": X.T @ ((np.maximum(slope * (X @ w), X @ w) - y) * np.where(X @ w > 0, 1, 0.1))},
        "where slope is between 0 and 1",
    ),
    "a temperature": (
        _temperature, "T", 1.0, lambda w, X, y, T: {"w": X.T @ (1 / (1 + np.exp(-X @ w / T)) / T - y)},
        lambda w, X, y, T: {"w": X.T @ (1 / (1 + np.exp(-X @ w / T)) - y)}, "where T is positive",
    ),
    "a dead zone": (
        _annulus, "margin", 0.5,
        lambda w, X, y, margin: {"w": X.T @ (np.where(X @ w - y > margin, 1, 0) - np.where(y - X @ w > margin, 1, 0))},
        lambda w, X, y, margin: {"w": X.T @ np.where(np.abs(X @ w - y) > 0.5, np.sign(X @ w - y), 0)}, "where margin is positive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SIZES_OF_NUMBERS)
def test_a_number_that_is_a_size_stays_one(kind: str) -> None:
    loss, name, value, right, wrong, condition = SIZES_OF_NUMBERS[kind]
    example = {**_data(), name: value}
    found = check_gradient(loss, right, example=example, explain=False, repair=False)["w"]
    assert (found.status, found.note) == (Status.PROVED, condition)
    assert check_gradient(loss, wrong, example=example, explain=False, repair=False)["w"].status is Status.DIFFERS


def test_a_constant_of_a_network_that_is_a_size_stays_one() -> None:
    network = Network("a threshold")
    w, x, t = network.parameter("w"), network.input("x"), network.target("t")
    delta = network.constant("delta")
    r = network.define("r", w * x - t)
    huber = Piecewise((r**2 / 2, Abs(r) <= delta), (delta * (Abs(r) - delta / 2), True))
    derivation = derive(network, network.define("E", huber))
    example = {"w": 0.7, "x": 1.5, "t": -0.4, "delta": 1.0}
    right = check_gradient(derivation, lambda w, x, t, delta: {"w": x * np.clip(w * x - t, -delta, delta)}, example=example)
    assert (right["w"].status, right["w"].note) == (Status.PROVED, "where delta is positive")
    wrong = check_gradient(derivation, lambda w, x, t, delta: {"w": x * np.clip(w * x - t, -1, 1)}, example=example)
    assert wrong["w"].status is Status.DIFFERS
