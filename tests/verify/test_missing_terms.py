"""Summands that are left out of one line, of variables that the code has: each is found by the shapes that fit, and proved.

Each piece is right as it stands; without the part that is taken away it differs, and the mend holds.
"""

from __future__ import annotations

import linecache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient, check_layer
from symbackprop.verify.mend.changes.edits import edits
from symbackprop.verify.mend.changes.splices import ParsedSource
from symbackprop.verify.mend.changes.terms import summands

DECAY = """
import numpy as np

def loss(p, x, y):
    r = x @ p["w"] + p["c"] - y
    return 0.5 * np.mean(r ** 2) + p["decay"] / 2 * np.sum(p["w"] ** 2)

def gradient(p, x, y):
    w, c = p["w"], p["c"]
    r = (x @ w + c - y) / len(y)
    out = {}
    out["w"] = x.T @ r + p["decay"] * w
    out["c"] = r.sum()
    return out
"""
NORM = """
import numpy as np

def loss(V, x, t):
    size = np.sqrt(np.sum(V ** 2, axis=1, keepdims=True))
    U = V / size
    return 0.5 * np.sum((x @ U.T - t) ** 2)

def gradient(V, x, t):
    size = np.sqrt(np.sum(V ** 2, axis=1, keepdims=True))
    U = V / size
    dU = (x @ U.T - t).T @ x
    dV = (dU - U * np.sum(dU * U, axis=1, keepdims=True)) / size
    return dV
"""
SPREAD = """
import numpy as np

def loss(a, w, t):
    s = a.mean(axis=1)
    return 0.5 * np.sum(((a * w).sum(axis=1) + s * s - t) ** 2)

def gradient(a, w, t):
    N, K = a.shape
    s = a.mean(axis=1)
    d = (a * w).sum(axis=1) + s * s - t
    da = d[:, None] * w
    dw = (d[:, None] * a).sum(axis=0)
    ds = 2 * d * s
    da += ds[:, None] / K
    return da, dw
"""
TARGET = """
import numpy as np

def loss(W, x, labels):
    z = x @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels]).mean()

def gradient(W, x, labels):
    z = x @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    dz = e / e.sum(axis=1, keepdims=True)
    dz[np.arange(len(labels)), labels] -= 1
    return x.T @ dz / len(labels)
"""
ROUGH = """
import numpy as np

def loss(c, x, y):
    r = x @ c - y
    return np.sum(r ** 2) + 0.3 * np.sum((c[1:] - c[:-1]) ** 2)

def gradient(c, x, y):
    out = 2 * x.T @ (x @ c - y)
    jump = c[1:] - c[:-1]
    out[1:] += 0.6 * jump
    out[:-1] -= 0.6 * jump
    return out
"""
STRIDED = """
import numpy as np

def passed(x, w, goal, step=2):
    n = (len(x) - len(w)) // step + 1
    r = np.array([np.dot(x[i * step:i * step + len(w)], w) for i in range(n)]) - goal
    return 0.5 * np.sum(r ** 2) + np.sum(w ** 4), (x, w, r, step)

def back(cache):
    x, w, r, step = cache
    dw = np.zeros_like(w)
    for i in range(len(r)):
        dw += r[i] * x[i * step:i * step + len(w)]
    dw += 2 * 2 * w ** 3
    return dw
"""
rng = np.random.default_rng(8)
draw = rng.normal
CASES: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    (
        "weight decay of a number in a dictionary",
        DECAY,
        ' + p["decay"] * w',
        {
            "p": {"w": draw(size=3), "c": 0.3, "decay": 0.2},
            "x": draw(size=(5, 3)),
            "y": draw(size=5),
        },
        "w,c",
    ),
    ("through a norm", NORM, " - U * np.sum(dU * U, axis=1, keepdims=True)", {
        "V": draw(size=(2, 3)), "x": draw(size=(4, 3)), "t": draw(size=(4, 2))
    }, "V"),
    ("worked out and never used", SPREAD, "\n    da += ds[:, None] / K", {
        "a": draw(size=(4, 3)), "w": draw(size=3), "t": draw(size=4)
    }, "a,w"),
    ("the label of a softmax", TARGET, "\n    dz[np.arange(len(labels)), labels] -= 1", {
        "W": draw(size=(3, 4)), "x": draw(size=(5, 3)), "labels": np.array([0, 3, 1, 2, 1])
    }, "W"),
    ("the other half of a difference", ROUGH, "\n    out[:-1] -= 0.6 * jump", {
        "c": draw(size=4), "x": draw(size=(5, 4)), "y": draw(size=5)
    }, "c"),
)  # fmt: skip


def made(text: str, name: str) -> ModuleType:
    module, filename = ModuleType(name), f"{name}.py"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    exec(compile(text, filename, "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("kind", "text", "left_out", "example", "wrt"), CASES, ids=[case[0] for case in CASES])
def test_what_is_left_out_is_found(kind: str, text: str, left_out: str, example: dict[str, Any], wrt: str) -> None:
    right = made(text, "right_" + kind.replace(" ", "_"))
    assert check_gradient(right.loss, right.gradient, example=example, wrt=wrt.split(",")).ok
    assert text.count(left_out) == 1
    wrong = made(text.replace(left_out, ""), "wrong_" + kind.replace(" ", "_"))
    report = check_gradient(wrong.loss, wrong.gradient, example=example, wrt=wrt.split(","))
    assert not report.ok
    (repair,) = report.repairs
    assert repair.proved
    assert report.causes
    body = wrong_lines = text.replace(left_out, "").splitlines()
    mended = [line.replace(repair.before, repair.after.replace(" ⏎ ", "\n    ")) for line in body]
    assert mended != wrong_lines
    again = made("\n".join(mended), "mended_" + kind.replace(" ", "_"))
    assert check_gradient(again.loss, again.gradient, example=example, wrt=wrt.split(",")).ok


def test_what_holds_at_one_setting_is_not_proved() -> None:
    """The length of the goal goes with the step, so no other step can be tried: 2 and the step are told apart by nothing."""
    example = {"x": draw(size=9), "w": draw(size=3), "goal": draw(size=4), "step": 2}
    right, wrong = made(STRIDED, "right_step"), made(STRIDED.replace("2 * 2 * w", "2 * w"), "wrong_step")
    assert check_layer((right.passed, right.back), **example).ok
    report = check_layer((wrong.passed, wrong.back), **example)
    assert not report.ok
    assert not any(repair.proved and "step" in repair.after for repair in report.repairs)


def test_products_have_the_shape_of_the_sum() -> None:
    source = ParsedSource("def f(a, b, c):\n    s = a * b\n    return s\n")
    shapes = {"a": (4, 3), "b": (4, 3), "c": (5,), "s": (4, 3)}
    added = {edit.new for edit in summands(source, shapes, {2})}
    assert "a * b + b * b" in added
    assert not any("c" in new for new in added)


def test_nothing_is_added_where_the_label_is_taken_off_already() -> None:
    text = "def f(p, y):\n    d = p.copy()\n    d[y] -= 1\n    return d\n"
    assert not any("-= 1\n    d[" in edit.apply(text) for edit in edits(ParsedSource(text)))


PULLBACK = """def step(x, W, y):
    T = np.tanh(x @ W)
    y = T * x
    def pullback(dy):
        dT = dy * x * (1 - T)
        dx = dT @ W.T
        return dx
    return y, pullback
"""


def test_a_pullback_is_mended_with_what_it_is_given() -> None:
    shapes = {"x": (3, 2), "W": (2, 2), "T": (3, 2), "y": (3, 2), "dy": (3, 2), "dT": (3, 2), "dx": (3, 2)}
    found = [edit.new for edit in summands(ParsedSource(PULLBACK), shapes, [6])]
    given, around = (found.index(f"dT @ W.T + {name} * (1 - T)") for name in ("dy", "y"))
    assert given < around
