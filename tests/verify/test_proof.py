"""When a change of code is a mend: it holds wherever the reference does, also where the code as it stands raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop import Network, check_gradient, derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.verify.binding.arguments import bind_call, first_call
from symbackprop.verify.binding.results import bind_results
from symbackprop.verify.mend.proof import Case, proved
from symbackprop.verify.records import Status
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.trial import tried

Gradient = Callable[..., Any]


def squares() -> DerivationRecord:
    net = Network("squares")
    (n,) = net.indices("n:N")
    x, w = net.input("x", n), net.parameter("w")
    return derive(net, net.define("E", Sum((w * x[n]) ** 2, n)))


def wrong(x: Any, w: Any) -> Any:
    return {"w": np.sum(x * x) * w * x[1] / x[1]}  # twice as much is right; with one sample it raises


def right(x: Any, w: Any) -> Any:
    return {"w": 2 * np.sum(x * x) * w}


def raises(x: Any, w: Any) -> Any:
    return {"w": 2 * np.sum(x * x) * w * x[1] / x[1]}


def not_far_out(x: Any, w: Any) -> Any:
    return {"w": 2 * np.sum(x * x) * w if np.max(np.abs(x)) < 20 else 0.0 * w}


def of_one_size(x: Any, w: Any) -> Any:
    return {"w": 2 * np.sum(x[:4] * x[:4]) * w}


def changes_x(x: Any, w: Any) -> Any:
    found = 2 * np.sum(x * x) * w
    x *= 2
    return {"w": found}


@pytest.mark.parametrize(
    ("changed", "status"),
    [(right, Status.PROVED), (raises, Status.AGREES), (not_far_out, None), (of_one_size, None), (changes_x, None), (wrong, None)],
)
def test_a_mend_holds_wherever_the_reference_does(changed: Gradient, status: Status | None) -> None:
    source = DerivationReference(squares())
    values = source.start(0).values

    def bound(code: Gradient) -> Any:
        return first_call(bind_call(code, source.vocabulary, {}, values), values, at_home=True)

    call, outcome = bound(wrong)
    results, _ = bind_results(call, outcome, source.vocabulary, {}, values)
    trial = tried(source, call, results, 0, exact=True)
    case = Case(source, call, tuple(results), tuple(trial.samples), trial.verdicts)
    assert proved(case, bound(changed)[0]) is status


def test_complex_numbers_are_no_gradient() -> None:
    report = check_gradient(squares(), lambda x, w: {"w": 2 * np.sum(x * x) * w + 1j})
    assert (report["w"].status, "complex" in report["w"].note) == (Status.ERROR, True)
    assert check_gradient(squares(), right).ok


@pytest.mark.slow
def test_nothing_follows_from_infinity() -> None:
    report = check_gradient(squares(), lambda x, w: {"w": float("inf")})
    assert (report["w"].status, report.causes) == (Status.DIFFERS, ())


def step_on_a_view(v: Any, U: Any, t: Any, lr: Any = 0.1) -> Any:
    rows = U[:]
    e = (U @ v - t) * lr
    U -= np.outer(e, v)
    return {"v": v - e @ rows, "U": U}


@pytest.mark.slow
def test_a_view_is_copied_and_no_mask_is_made_up() -> None:
    rng = np.random.default_rng(2)
    example = {"v": rng.normal(size=3), "U": rng.normal(size=(4, 3)), "t": rng.normal(size=4)}
    report = check_gradient(lambda v, U, t: 0.5 * np.sum((U @ v - t) ** 2), step_on_a_view, example=example)
    assert [repair.after for repair in report.repairs] == ["rows = U.copy()"]
