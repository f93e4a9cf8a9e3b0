"""Numbers only, in float32: right code is accepted with its precision said, and rounding never hides a mistake.

The twelve right gradients and the mutants are given float32 arguments; some return float64 all the same. How far a mutant is
wrong is measured against the right code in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop.derive import derive
from symbackprop.network import Network, sigmoid
from symbackprop.verify.binding.arguments import bind_call
from symbackprop.verify.binding.binding import run
from symbackprop.verify.binding.results import bind_results, read
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.precision import precision_of
from symbackprop.verify.report.report import Report
from tests.verify.mutants.hand import SOURCES
from tests.verify.mutants.score import derivation, load, original
from tests.verify.mutants.table import MUTANTS
from tests.verify.test_conditions import float32

SEEDS = range(4)
cases = pytest.mark.parametrize("case", [c if c == "chain" else pytest.param(c, marks=pytest.mark.slow) for c in SOURCES])


def numbers_only(derived: Any, hand: Any, **options: Any) -> Report:
    return check_gradient(derived, hand, exact=False, explain=False, repair=False, **options)


def times(function: Callable[..., Any], factor: float) -> Callable[..., Any]:
    """Return code whose gradients are all too large by a factor, in the precision they have."""

    def too_large(*args: Any, **named: Any) -> Any:
        found = function(*args, **named)
        if isinstance(found, dict):
            return {name: value * np.asarray(value).dtype.type(factor) for name, value in found.items()}
        return tuple(value * np.asarray(value).dtype.type(factor) for value in found)

    too_large.__wrapped__ = function  # type: ignore[attr-defined]
    return too_large


@cases
def test_right_code_in_float32_is_accepted_and_one_in_ten_thousand_is_not(case: str, tmp_path: Path) -> None:
    derived, right = derivation(case), float32(original(tmp_path, case).gradients)
    for seed in SEEDS:
        report = numbers_only(derived, right, seed=seed)
        assert {v.status for v in report.verdicts.values()} == {Status.AGREES}, str(report)
        assert all("computed in float32: agrees to" in v.note and v.digits >= 3 for v in report.verdicts.values()), str(report)
        wrong = numbers_only(derived, times(right, 1.0001), seed=seed)
        assert {v.status for v in wrong.verdicts.values()} == {Status.DIFFERS}, str(wrong)


@cases
def test_a_float32_example_with_code_in_float64(case: str, tmp_path: Path) -> None:
    """Rows that sum to one do so only nearly in float32; the example is meant to keep what the network states."""
    derived = derivation(case)
    for seed in SEEDS:
        point = DerivationReference(derived).points(seed)[0]
        example = {name: np.float32(value) for name, value in point.values.items()}
        report = numbers_only(derived, original(tmp_path, case).gradients, example=example)
        assert all(v.status is Status.AGREES and v.digits >= 12 for v in report.verdicts.values()), str(report)


def difference(case: str, folder: Path, module: Any, seed: int) -> float:
    """Return the largest relative error of a mutant in float64 over the points of a check."""
    source, right = DerivationReference(derivation(case)), original(folder, case)
    worst = 0.0
    for point in source.points(seed):
        found = []
        for code in (module, right):
            call = bind_call(code.gradients, source.vocabulary, {}, point.values)
            outcome = run(call, point.values)
            results, _ = bind_results(call, outcome, source.vocabulary, {}, point.values)
            found.append(read(call, results, outcome, point.values))
        for name, value in found[1].items():
            if np.shape(value) != np.shape(found[0][name]):
                return np.inf
            scale = np.max(np.abs(value)) or 1.0
            worst = max(worst, float(np.max(np.abs(found[0][name] - value)) / scale))
    return worst


@pytest.mark.slow
def test_mutants_in_float32(tmp_path: Path) -> None:
    accepted, rejected = [], 0
    for number, mutant in enumerate(MUTANTS):
        module = load(tmp_path, f"{mutant.case}_{number}", mutant.source)
        report = numbers_only(derivation(mutant.case), float32(module.gradients))
        if mutant.equivalent:
            assert report.ok, str(report)
        elif report.ok:
            accepted.append((str(mutant), difference(mutant.case, tmp_path, module, 0)))
        else:
            rejected += 1
    assert rejected >= 200
    assert [name for name, worst in accepted if worst > 1e-3] == []


# ---- the noise itself


def small() -> Any:
    net = Network("one neuron")
    x = net.input("x", value=0.7)
    w, b = net.parameters("w b", values=(0.4, -0.3))
    return derive(net, net.define("E", sigmoid(w * x + b)))


def leaky(x, w, b):
    """Right, with one intermediate value rounded to float32."""
    h = float(np.float32(1 / (1 + np.exp(-(w * x + b)))))
    return {"w": h * (1 - h) * x, "b": h * (1 - h)}


def nearly(x, w, b):
    """In float64, and wrong in the seventh digit."""
    h = 1 / (1 + np.exp(-(w * x + b)))
    return {"w": h * (1 - h) * x * (1 + 1e-7), "b": h * (1 - h)}


def half(x, w, b):
    x, w, b = np.float16(x), np.float16(w), np.float16(b)
    h = 1 / (1 + np.exp(-(w * x + b)))
    return {"w": h * (1 - h) * x, "b": h * (1 - h)}


@pytest.mark.parametrize("values", [(0.7, 0.4, -0.3), (2.0, 3.0, -5.0)], ids=["generic", "whole numbers"])
def test_a_narrow_value_inside_is_found_by_its_noise(values: tuple[float, ...]) -> None:
    report = numbers_only(small(), leaky, example=dict(zip("xwb", values, strict=True)))
    assert report.ok
    assert "computed in float32: agrees to" in report["b"].note


def test_a_small_mistake_in_float64_is_no_noise() -> None:
    report = numbers_only(small(), nearly)
    assert (report["w"].status, report["b"].status) == (Status.DIFFERS, Status.AGREES)


def test_half_precision() -> None:
    report = numbers_only(small(), half)
    assert report.ok
    assert "computed in float16" in report["w"].note
    assert not numbers_only(small(), times(half, 1.05)).ok


def test_code_that_changes_at_a_whole_number_is_not_excused() -> None:
    def at_two(x, w, b):
        h = 1 / (1 + np.exp(-(w * x + b)))
        found = {"w": h * (1 - h) * x, "b": h * (1 - h)}
        return {**found, "w": found["w"] * 1.001} if x == 2 else found

    report = numbers_only(small(), at_two, example={"x": 2.0, "w": 0.4, "b": -0.3})
    assert (report["w"].status, report["b"].status) == (Status.DIFFERS, Status.AGREES)


def test_code_that_fails_nearby_has_no_noise() -> None:
    def both(_: Any) -> Any:
        raise ValueError

    found = precision_of({"w": np.float64(1.0)}, {"w": np.float64(1.0 + 1e-7)}, 1.0, {"w": 0.3}, both)
    assert found.kind == "float64"
    assert found.noise == {"w": 0.0}


def test_an_example_that_is_not_as_given_is_noted(tmp_path: Path) -> None:
    derived = derivation("mlp")
    values = dict(DerivationReference(derived).points(0)[0].values)
    report = numbers_only(derived, original(tmp_path, "mlp").gradients, example={**values, "t": values["t"] * 1.1})
    assert not report.ok
    assert any("the example is not as given (t is off by" in note for note in report.notes)
    assert "Σ_k t[n,k] = 1" in str(report)
