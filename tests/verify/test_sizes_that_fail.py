"""A mend of code that fails at some sizes by itself: it need not work there, has to everywhere else, and is not called proved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.verify.records import Status

RNG = np.random.default_rng(4)
EXAMPLE = {
    "x": RNG.normal(size=(4, 2)),
    "W": RNG.normal(size=(3, 2)),
    "U": 0.5 * RNG.normal(size=(3, 3)),
    "v": RNG.normal(size=3),
}


def states(x: Any, W: Any, U: Any) -> dict[int, Any]:
    h = {-1: np.zeros(len(U))}
    for t in range(len(x)):
        h[t] = np.tanh(W @ x[t] + U @ h[t - 1])
    return h


def loss(x: Any, W: Any, U: Any, v: Any) -> Any:
    h = states(x, W, U)
    return sum((v @ h[t]) ** 2 for t in range(len(x)))


def backward(x: Any, W: Any, U: Any, v: Any) -> Any:  # what came from the step after is forgotten
    h = states(x, W, U)
    h[0] + h[1]  # one step of time is too few for it
    dW, dU, dv, later = np.zeros_like(W), np.zeros_like(U), np.zeros_like(v), np.zeros(len(U))
    for t in reversed(range(len(x))):
        dy = 2 * (v @ h[t])
        dv += dy * h[t]
        dh = dy * v
        da = dh * (1 - h[t] ** 2)
        dW += np.outer(da, x[t])
        dU += np.outer(da, h[t - 1])
        later[:] = U.T @ da
    return {"W": dW, "U": dU, "v": dv}


@pytest.mark.slow
def test_code_that_takes_no_single_step_is_mended() -> None:
    report = check_gradient(loss, backward, example=EXAMPLE, wrt=["W", "U", "v"])
    assert {name: verdict.status for name, verdict in report.verdicts.items()} == {
        "W": Status.DIFFERS, "U": Status.DIFFERS, "v": Status.PROVED,
    }  # fmt: skip
    (mend,) = report.repairs
    assert not mend.proved
    assert (mend.before, mend.after) in (  # either adds it before the slope
        ("dh = dy * v", "dh = dy * v + later"),
        ("da = dh * (1 - h[t] ** 2)", "da = (dh + later) * (1 - h[t] ** 2)"),
    )


@pytest.mark.parametrize("right", [True, False])
def test_a_size_at_which_a_mean_is_that_of_nothing_is_none(right: bool) -> None:
    """Two strided layers leave nothing of a small input: numpy warns and gives NaN."""

    def maps(x: Any, w: Any) -> Any:
        first = w[0] * x[:, 1::2] + w[1] * x[:, :-1:2]
        return first, first[:, 1:] * first[:, :-1]

    def loss(x: Any, w: Any) -> Any:
        return np.sum(maps(x, w)[1].mean(axis=1) ** 2)

    def gradient(x: Any, w: Any) -> Any:
        first, second = maps(x, w)
        d = np.repeat(2 * second.mean(axis=1)[:, None], second.shape[1], 1) / (second.shape[1] if right else second.size)
        back = np.zeros_like(first)
        back[:, 1:] += d * first[:, :-1]
        back[:, :-1] += d * first[:, 1:]
        return {"w": np.array([np.sum(back * x[:, 1::2]), np.sum(back * x[:, :-1:2])])}

    rng = np.random.default_rng(0)
    report = check_gradient(loss, gradient, example={"x": rng.normal(size=(3, 6)), "w": rng.normal(size=2)}, wrt=["w"])
    assert report.ok == right
    assert str(report["w"].status) == ("proved" if right else "differs")
