"""What a mend may change: for each kind of change a text with the mistake and the text a person would have written.

The change must be among those that are tried on the mistaken text; no text that is right needs one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.verify.mend.edits import edits
from symbackprop.verify.mend.splices import ParsedSource

LOOP = """def f(x, h, w, d, a, T):
    s = 0
    for t in {walk}:
        for j in range(3):
            {line}
    return s
"""


def looped(line: str, walk: str = "range(T)") -> str:
    return LOOP.format(line=line, walk=walk)


def plain(*lines: str) -> str:
    return "\n    ".join(["def f(x, y, s, W, dW, mask, N, H):", *lines, "return s\n"])


CHANGES: tuple[tuple[str, str, str], ...] = (
    ("an index that stands still among others", looped("s += d[t, 0] * w"), looped("s += d[t, j] * w")),
    ("an index among others shifted", looped("s += d[t, j] * w"), looped("s += d[t - 1, j] * w")),
    ("an index that another belongs to", looped("s += x[t] * w"), looped("s += x[t + j] * w")),
    ("a loop that runs forwards", looped("s = s * w", "range(T)"), looped("s = s * w", "reversed(range(T))")),
    ("a loop that runs backwards", looped("s = s * w", "reversed(range(T))"), looped("s = s * w", "range(T)")),
    ("the other part of an array", plain("s = x[:, :H]"), plain("s = x[:, H:]")),
    ("all but the first for all but the last", plain("s = x[:-1] * 2"), plain("s = x[1:] * 2")),
    ("counted from the end", plain("s = x[-H:]"), plain("s = x[:H]")),
    ("the other part of a gate", plain("s = x * s"), plain("s = x * (1 - s)")),
    ("the other part of a gate at a step", looped("s = s * a[t]"), looped("s = s * (1 - a[t])")),
    ("the other half of a slope", plain("s = x * y * y"), plain("s = x * y * (1 - y)")),
    ("a number on a fraction line", plain("s = 4.0 / N * x"), plain("s = 1 / N * x")),
    ("the smallest for the largest", plain("s = x == np.min(x)"), plain("s = x == np.max(x)")),
    ("unequal for equal", plain("s = x == y"), plain("s = x != y")),
    ("set again for added", plain("dW = x.T @ y", "dW = s * W"), plain("dW = x.T @ y", "dW += s * W")),
    ("one step of windows", looped("s += x[t:t + 2, t:t + 2]"), looped("s += x[t:t + 2, j:j + 2]")),
    ("a kernel read forwards", plain("s = x[::-1, ::-1]"), plain("s = x")),
    ("all numbers for the rows", plain("s = x * y / N"), plain("s = x * y / y.size")),
    ("a square in a divisor", plain("s = x / y[:, None]"), plain("s = x / y[:, None] ** 2")),
    ("one of two values set together", plain("s, y = x - y, H"), plain("s, y = 2 * (x - y), H")),
    ("a factor that lacks a summand", plain("s = x * y"), plain("s = x * (y - s)")),
    ("the weight of the bias", plain("s = x.T @ y", "s += H / N * W"), plain("s = x.T @ y", "s[1:] += H / N * W[1:]")),
    ("a fraction that stands elsewhere", plain("y = 0.1 * x", "s = np.where(x > 0, 1.0, 0.0)"),
     plain("y = 0.1 * x", "s = np.where(x > 0, 1.0, 0.1)")),
    ("a square that lacks its 1", plain("s = x * y ** 2"), plain("s = x * (y ** 2 - 1)")),
    ("the whole Jacobian of a softmax", plain("s = x * y"), plain("s = x * (y - (y * x).sum(axis=-1, keepdims=True))")),
    ("the slope at a step", looped("s = s @ w * d[t]\n            a = h[t - 1]"),
     looped("s = s @ w * d[t] * h[t - 1] * (1 - h[t - 1])\n            a = h[t - 1]")),
    ("a mask that is not applied", plain("m = x > y", "s = 2 * x"), plain("m = x > y", "s = 2 * x * m")),
    ("another path of a weight", plain("s = x.T @ y"), plain("s = x.T @ y + W.T @ dW")),
    ("what is carried on lacks its factor", looped("s = s + a * x[t]\n            a = d * w"),
     looped("s = s + a * x[t]\n            a = d * w").replace("    return", "        s = s * a\n    return")),
)  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_a_person_would_write_is_tried(before: str, after: str) -> None:
    assert after in {edit.apply(before) for edit in edits(ParsedSource(before))}


@pytest.mark.parametrize("line", ["s = x[:, 0] * 2", "s = x * 4.0 / N", "s = x + s"])
def test_no_change_makes_a_factor_one_or_a_summand_a_gate(line: str) -> None:
    texts = {edit.apply(plain(line)) for edit in edits(ParsedSource(plain(line)))}
    assert texts
    assert not texts & {plain("s = x + 4.0 / N"), plain("s = x * 1 / N"), plain("s = x[:, j] * 2"), plain("s = x + (1 - s)")}


def pooled_loss(x: Any, W: Any, t: Any) -> Any:
    N, C, H, V = x.shape
    p = x.reshape(N, C, H // 2, 2, V // 2, 2).mean(axis=(3, 5))
    return np.sum((p.reshape(N, -1) @ W - t) ** 2) / N


def pooled_gradients(x: Any, W: Any, t: Any) -> Any:
    N, C, H, V = x.shape
    f = x.reshape(N, C, H // 2, 2, V // 2, 2).mean(axis=(3, 5)).reshape(N, -1)
    dy = 2 * (f @ W - t)
    df = dy @ W.T / N
    dx = np.repeat(np.repeat(df.reshape(N, C, H // 2, V // 2), 2, axis=2), 2, axis=3)
    return {"x": dx, "W": f.T @ dy / N}


def unscaled_gradients(x: Any, W: Any, t: Any) -> Any:
    N, C, H, V = x.shape
    f = x.reshape(N, C, H // 2, 2, V // 2, 2).mean(axis=(3, 5)).reshape(N, -1)
    dy = 2 * (f @ W - t)
    df = dy @ W.T / N
    dx = np.repeat(np.repeat(df.reshape(N, C, H // 2, V // 2), 2, axis=2), 2, axis=3) / 4
    return {"x": dx, "W": f.T @ dy}


@pytest.mark.slow
@pytest.mark.parametrize(("hand", "added"), [(pooled_gradients, "/ 4"), (unscaled_gradients, "/ N")])
def test_a_size_that_never_took_another_value_is_a_number(hand: Any, added: str) -> None:
    """The height of the images is 4 with this W, as their windows have 4 places; the number of images is free."""
    rng = np.random.default_rng(0)
    example = {"x": rng.normal(size=(3, 2, 4, 4)), "W": rng.normal(size=(8, 3)), "t": rng.normal(size=(3, 3))}
    (repair,) = check_gradient(pooled_loss, hand, example=example).repairs
    assert repair.proved
    assert added in repair.after
    assert "H" not in repair.after.replace("H // 2", "")
