"""The line that is named where one result comes through many lines: the first whose numbers no right derivation has.

The code uses other names than the loss, so that only the numbers tell.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.verify.check import check_gradient
from tests.verify.mutants.score import load

SOURCE = """
import numpy as np


def loss(x, w, u, t):
    h = np.zeros(len(w))
    for k in range(len(x)):
        h = np.tanh(x[k] + w @ h + u)
    return np.sum((h - t) ** 2)


def gradient(x, w, u, t):
    states = [np.zeros(len(w))]
    for k in range(len(x)):
        states.append(np.tanh(x[k] + w @ states[-1] + u))
    err = 2 * (states[-1] - t)
    out = np.zeros_like(w)
    for k in reversed(range(len(x))):
        slope = 1 - states[k + 1] ** 2
        pre = err * slope
        out += np.outer(pre, states[k])
        err = w.T @ pre
    return {"w": out}


rng = np.random.default_rng(3)
example = {"x": rng.normal(size=(3, 2)), "w": rng.normal(size=(2, 2)), "u": rng.normal(size=2), "t": rng.normal(size=2)}
"""
MISTAKES = (
    ("slope = 1 - states[k + 1] ** 2", "slope = states[k + 1] ** 2 - 1"),
    ("err = 2 * (states[-1] - t)", "err = 4 * (states[-1] - t)"),
    ("err = 2 * (states[-1] - t)", "err = 2 * (t - states[-1])"),
    ("slope = 1 - states[k + 1] ** 2", "slope = 1 - states[k] ** 2"),
    ("out += np.outer(pre, states[k])", "out += np.outer(states[k], pre)"),
    ("err = w.T @ pre", "err = w @ pre"),
    ("err = w.T @ pre", "err = w.T @ err"),
)


def test_right_code_has_no_place(tmp_path: Path) -> None:
    module = load(tmp_path, "right", SOURCE)
    report = check_gradient(module.loss, module.gradient, example=module.example)
    assert report.ok
    assert report.locations == ()


@pytest.mark.parametrize(("right", "wrong"), MISTAKES)
def test_the_line_is_the_one_that_departs(right: str, wrong: str, tmp_path: Path) -> None:
    assert SOURCE.count(right) == 1
    module = load(tmp_path, "wrong", SOURCE.replace(right, wrong))
    report = check_gradient(module.loss, module.gradient, example=module.example, explain=True, repair=False)
    assert [place.source.strip() for place in report.locations] == [wrong], str(report)
