"""What a mend may change: for each kind of change a text with the mistake and the text a person would have written.

The change must be among those that are tried on the mistaken text; no text that is right needs one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient, check_layer
from symbackprop.loading import passes_in
from symbackprop.verify.check import check_passes
from symbackprop.verify.mend.changes.edits import edits
from symbackprop.verify.mend.changes.splices import ParsedSource
from symbackprop.verify.mend.editable import Editable
from symbackprop.verify.mend.search import _AXIS, ranked

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
    ("subtracted at places that occur more than once", plain("dW[y] -= s * x"), plain("np.subtract.at(dW, y, s * x)")),
    ("an entry among summands", looped("s += x[t] + w"), looped("s += x[t] + w + d[t]")),
    ("an entry among what is subtracted", looped("s += x[t] - w"), looped("s += x[t] - (w + d[t])")),
    ("a result scaled like the others", plain("s = (dW / N, x)"), plain("s = (dW / N, x / N)")),
    ("a result in a dictionary scaled like the others", plain("s = {0: W * H, 1: dW}"), plain("s = {0: W * H, 1: dW * H}")),
    ("a result scaled alone", plain("s = [0, (dW / N, x)]", "s = (x, dW / N)"), plain("s = [0, (dW / N, x)]", "s = (x, dW)")),
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
    ("an exponent over 2", plain("s = (x + y) ** (-1 / 2)"), plain("s = (x + y) ** (-3 / 2)")),
    ("the 3 of a cube", plain("s = y * (1 + 0.5 * x ** 2)"), plain("s = y * (1 + 3 * 0.5 * x ** 2)")),
    ("the slope of a cosh", plain("s = np.sinh(x)"), plain("s = np.tanh(x)")),
    ("places that occur more than once", plain("dW[y] = x"), plain("np.add.at(dW, y, x)")),
    ("several axes", plain("s = x.sum(axis=0)"), plain("s = x.sum(axis=(0, 1))")),
    ("one axis of several", plain("s = x.sum(axis=(0, 1))"), plain("s = x.sum(axis=(0, 2, 3))")),
    ("rows before they are reshaped", plain("s = x.reshape(N, -1)"), plain("s = x.T.reshape(N, -1)")),
    ("channels last before they are reshaped", plain("s = x.reshape(N, -1)"),
     plain("s = x.transpose(0, 2, 3, 1).reshape(N, -1)")),
    ("another order of axes", plain("s = x.transpose(0, 3, 1, 2)"), plain("s = x.transpose(0, 2, 3, 1)")),
    ("the padding at both ends", plain("p = 1", "s = x[:, :H, :N]"), plain("p = 1", "s = x[:, p:p + H, p:p + N]")),
    ("the slope of a sigmoid undone", plain("s = x - y"), plain("s = (x - y) / (s * (1 - s))")),
    ("the other class", plain("s = y / (x / N)"), plain("s = y / ((1 - x) / N)")),
    ("all numbers", plain("s = y"), plain("s = y / x.size")),
    ("the slope of a leaky relu", plain("alpha = 0.1", "s = dW"), plain("alpha = 0.1", "s = dW * np.where(x > 0, 1, alpha)")),
    ("a relu's slope for a leaky one", plain("a = 0.1", "s = dW * (x > 0)"),
     plain("a = 0.1", "s = dW * np.where(x > 0, 1, a)")),
    ("what is carried on through a matrix", looped("s = -h @ w.T"), looped("s = -h @ w.T + s @ w.T")),
    ("a path through a vector", plain("y = 2 * x", "s = np.outer(x, W)"),
     plain("y = 2 * x", "s = np.outer(x, W) + np.outer(y, W)")),
    ("the statement of the other index", looped("h[t] += w * x[j]"),
     looped("h[t] += w * x[j]\n            h[j] += w * x[j]")),
    ("a variable that nothing reads", plain("N = y.sum()", "s = x / len(y)"), plain("N = y.sum()", "s = x / N")),
    ("set from the second on", plain("s = 0 * W", "s = W"), plain("s = 0 * W", "s[1:] = W[1:]")),
    ("parts put together in another order", plain("s = np.concatenate([x, y], axis=1)"),
     plain("s = np.concatenate([y, x], axis=1)")),
    ("matrices of a stack transposed", plain("y = x.transpose(0, 2, 1) @ s", "s = x @ s"),
     plain("y = x.transpose(0, 2, 1) @ s", "s = x.transpose(0, 2, 1) @ s")),
    ("a scale that should divide", plain("N = np.sqrt(H)", "s = x * N"), plain("N = 1 / np.sqrt(H)", "s = x * N")),
    ("the decay that another layer has", plain("W2 = 2 * W", "W1 = W", "d2 = x.T @ s / N + H * W2", "d1 = y.T @ x / N"),
     plain("W2 = 2 * W", "W1 = W", "d2 = x.T @ s / N + H * W2", "d1 = y.T @ x / N + H * W1")),
    ("the mask that another layer has", plain("z2 = 2 * W", "z1 = W", "d2 = x @ s.T * (z2 > 0)", "d1 = y @ x.T"),
     plain("z2 = 2 * W", "z1 = W", "d2 = x @ s.T * (z2 > 0)", "d1 = y @ x.T * (z1 > 0)")),
    ("a path beside another", plain("s += x @ W.T", "dx = dW", "y = 2"),
     plain("s += x @ W.T", "s += dx @ dW.T", "dx = dW", "y = 2")),
    ("where windows begin, several at once", looped("a, d = t, j\n            s += x[a:a + w]"),
     looped("a, d = t * w, j * w\n            s += x[a:a + w]")),
    ("a size that is one too large", plain("p = N", "s = x[:N]"), plain("p = N - 1", "s = x[:N]")),
    ("subscripts of an einsum", plain('s = np.einsum("ij,jk->ik", x, W)'), plain('s = np.einsum("ji,jk->ik", x, W)')),
    ("the part that another statement fills", looped("x[:, j] += w\n            s += d"),
     looped("x[:, j] += w\n            s[:, j] += d")),
    ("a kernel along its last axis", plain("s = W"), plain("s = W[..., ::-1]")),
    ("a kernel read forwards in part", plain("s = x[::-1, ::-1, :, H]"), plain("s = x[:, :, :, H]")),
    ("what stands elsewhere for a part", looped("x[t, :, j:j + T] += d\n            s += h[w] * d"),
     looped("x[t, :, j:j + T] += d\n            s += a[t, :, j:j + T] * d")),
    ("a quotient of sizes that stands elsewhere", plain("s = x.reshape(N, H // 2, -1)", "y = N * H"),
     plain("s = x.reshape(N, H // 2, -1)", "y = N * (H // 2)")),
    ("a function at each place", plain("y = np.tanh(x)", "s = W * (x * (1 - x))"),
     plain("y = np.tanh(x)", "s = W * (np.tanh(x) * (1 - np.tanh(x)))")),
    ("written as its twin", plain("dW1 = (x - W1 * s) / N1", "dW2 = x / N2", "W1, W2, N1, N2 = s"),
     plain("dW1 = (x - W1 * s) / N1", "dW2 = (x - W2 * s) / N2", "W1, W2, N1, N2 = s")),
    ("a path with a key of its own", plain('s = dz @ x["Uz"].T', 'y = dr * x["Ur"]', "dz, dr = y, H"),
     plain('s = dz @ x["Uz"].T + dr @ x["Ur"].T', 'y = dr * x["Ur"]', "dz, dr = y, H")),
    ("a statement that its twin has", plain("W1, W2, g1, g2 = s", "g1[:, 1:] += H * W1[:, 1:]"),
     plain("W1, W2, g1, g2 = s", "g1[:, 1:] += H * W1[:, 1:]", "g2[:, 1:] += H * W2[:, 1:]")),
    ("a path of two factors", looped("d = w * a[t] + s * h[t]"), looped("d = w * a[t] + s * h[t] + x * h[t]")),
    ("a division that is missing afterwards", plain("s[y] -= 1"), plain("s[y] -= 1", "s /= N")),
    ("the product of two sizes", plain("N, H = x.shape", "s = W"), plain("N, H = x.shape", "s = W / (N * H)")),
    ("a matrix on the way", plain("s = x.T @ dW"), plain("s = x.T @ (W.T @ dW)")),
    ("a factor for each row", plain("s = x / N"), plain("s = x / N * mask[:, None]")),
    ("before it is reshaped", plain("s = x.reshape(N, -1)"), plain("s = (x * W).reshape(N, -1)")),
    ("a mean that is missing", plain("y = x.sum(-1, keepdims=True)", "s = x - W * y"),
     plain("y = x.sum(-1, keepdims=True)", "s = x - W * y - dW.sum(-1, keepdims=True)")),
    ("the number of rows that a mask keeps", plain("s = x / len(mask)"), plain("s = x / np.sum(mask)")),
    ("a mask that holds a scale", plain("s = x * (mask > 0)"), plain("s = x * (mask)")),
    ("a 1 that is missing in a factor", plain("s = x * y"), plain("s = (x + 1) * y")),
    ("a 1 that is missing in an exponent", plain("s = x ** y"), plain("s = x ** (y - 1)")),
    ("a 1 that is missing in front", plain("s -= x * y"), plain("s -= x * y - 1")),
    ("the complement in a call", plain("s = np.log(x)"), plain("s = np.log(1 - x)")),
    ("two variables exchanged", plain("s = x @ W.T + y @ dW.T"), plain("s = x @ dW.T + y @ W.T")),
    ("a list that is filled from its other end", looped("a.append(w * d)"), looped("a.insert(0, w * d)")),
    ("a list that is filled from its end", looped("a.insert(0, w * d)"), looped("a.append(w * d)")),
    ("what another array has at this place", looped("s += np.exp(d[t + 1])"), looped("s += np.exp((a[t + 1] + d[t + 1]))")),
    ("the padding from 0 on", plain("p = H", "s = x[:, 0:N]"), plain("p = H", "s = x[:, p:p + N]")),
    ("the padding at the end", plain("N, p = x.shape", "s = x[:, p:]"), plain("N, p = x.shape", "s = x[:, p:p + N]")),
    ("a factor of what is carried on", looped("w = d\n            a = w * x\n            d = s"),
     looped("w = d * a\n            a = w * x\n            d = s")),
    ("a path to the next step", looped("w = x[t]\n            a = w * d\n            d = w @ h + a"),
     looped("w = x[t]\n            a = w * d\n            d = w @ h + a + w * a")),
    ("what is carried on and never read", looped("a = h[t]\n            d = a * w").replace("s = 0", "d = s = 0"),
     looped("a = h[t] + d\n            d = a * w").replace("s = 0", "d = s = 0")),
    ("a product with what is never read", plain("m = x.mean()", "s = W * (x)"), plain("m = x.mean()", "s = W * (x - y * m)")),
    ("a quotient of what is never read", plain("m = x.mean()", "s = W * x"), plain("m = x.mean()", "s = W * x + m * x / N")),
    ("another key", plain('s = x["W"] * x["V"]'), plain('s = x["V"] * x["V"]')),
    ("the target of a step", looped("dy = np.copy(x[t])", "range(T)").replace("def f(x,", "def f(labels, x,"),
     looped("dy = np.copy(x[t])\n            dy[labels[t]] -= 1").replace("def f(x,", "def f(labels, x,")),
)  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_a_person_would_write_is_tried(before: str, after: str) -> None:
    assert after in {edit.apply(before) for edit in edits(ParsedSource(before))}


def test_of_a_kind_with_few_changes_all_are_tried() -> None:
    found = list(edits(ParsedSource(looped("a.append(w * d)"))))
    assert [edit.rare for edit in found if edit.new.startswith("a.insert")] == [True]
    assert not all(edit.rare for edit in found)


class Called:
    def __call__(self, x: Any) -> Any:
        self.x = x
        return self.params["W"] * x + self.params["V"]

    def backward(self, grad: Any) -> Any:
        return grad * self.params["V"]


def test_a_layer_that_is_called_holds_what_it_sets_and_looks_up() -> None:
    place = Editable(Called.backward, "", "", 1)
    assert place.held == ("self.x", "self.params")
    text = 'def backward(self, grad):\n    return grad * self.params["V"]\n'
    tried = {edit.apply(text) for edit in edits(ParsedSource(text, place.held, place.beside))}
    assert text.replace('"V"', '"W"') in tried


METHOD = "def backward(self, grad):\n    return grad * {factor} * (1 - {factor})\n"


def test_what_the_object_holds_is_a_variable_of_its_methods() -> None:
    before = ParsedSource(METHOD.format(factor="self.x"), ("self.x", "self.out"))
    assert METHOD.format(factor="self.out") in {
        other.apply(edit.apply(before.text)) for edit in edits(before) if edit.new == "self.out"
        for other in edits(ParsedSource(edit.apply(before.text), before.held)) if other.new == "self.out"
    }  # fmt: skip
    alone = ParsedSource("def backward(self, grad):\n    return grad\n", ("self.mask",))
    assert "def backward(self, grad):\n    return grad * self.mask\n" in {edit.apply(alone.text) for edit in edits(alone)}


class Layer:
    def __init__(self) -> None:
        self.rate = 0.1

    def forward(self, x: Any) -> Any:
        self.x = x
        self.mask = x > 0
        return self.scaled(x * self.mask)

    def scaled(self, x: Any) -> Any:
        return 2 * x

    def backward(self, grad: Any) -> Any:
        self.dx = 2 * grad
        return self.dx


def test_a_method_knows_what_the_others_hold() -> None:
    def held(function: Any) -> tuple[str, ...]:
        return Editable(function, "", "", 1).held

    assert held(Layer.backward) == ("self.x", "self.mask")
    assert held(Layer.scaled) == ("self.x", "self.mask", "self.dx")
    assert held(pooled_loss) == ()


def likeliest(text: str, *among: str) -> str:
    """Return which of some texts is tried first."""
    place = Editable(pooled_loss, text, "f.py", 1)
    return next(candidate.text for candidate in ranked([place], {}, {}, ()) if candidate.text in among)


@pytest.mark.parametrize(
    ("text", "meant", "other"),
    [
        (plain("N = y.sum()", "s = x * y"), plain("N = y.sum()", "s = x * y / N"), plain("N = y.sum()", "s = x * y / H")),
        (plain("dW = x.T @ s / N", "s = x @ y"), plain("dW = x.T @ s / N", "s = x.T @ y"),
         plain("dW = x.T @ s / N", "s = x @ y.T")),
        (plain("y = y * (x - mask)", "s = x * y"), plain("y = y * (x - mask)", "s = (x - mask) * y"),
         plain("y = y * (x - mask)", "s = (x - s) * y")),
    ],
    ids=["unread", "twin", "written"],
)  # fmt: skip
def test_what_stands_elsewhere_speaks_for_a_change(text: str, meant: str, other: str) -> None:
    assert likeliest(text, meant, other) == meant


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


class Dropped:
    def forward(self, x: Any) -> Any:
        self.x = x
        self.kept = np.random.binomial(1, 0.75, size=x.shape) / 0.75
        return x * self.kept

    def backward(self, grad: Any) -> Any:
        return grad * self.kept


class WithoutItsMask(Dropped):
    def backward(self, grad: Any) -> Any:
        return grad * self.x


@pytest.mark.slow
def test_all_changes_are_tried_with_the_same_random_numbers() -> None:
    """The mask of a dropout is drawn at each run; one change after another has to meet the same one."""
    x = np.arange(1.0, 13.0).reshape(4, 3)
    assert check_layer(Dropped(), x).ok
    (repair,) = check_layer(WithoutItsMask(), x).repairs
    assert repair.after == "return grad * self.kept"


FORWARD = "def f(x, W):\n    mask = x < 0\n    out = x @ W\n    return out, (x, W)\n"


def test_what_only_the_reference_runs_is_left_alone() -> None:
    """A forward pass is not changed so that a wrong backward pass comes out right; a mask that it keeps may be."""
    place = Editable(pooled_loss, FORWARD, "f.py", 1)
    offered = ranked([place], {}, {("f.py", 9): 1.0}, [("f.py", 3)])
    assert {candidate.line for candidate in offered} == {2}
    assert {candidate.line for candidate in ranked([place], {}, {("f.py", 4): 1.0}, [("f.py", 3)])} >= {2, 4}


KINDS = """def f(x, y, params, size, flag):
    N, D = x.shape
    top = N * size
    s = x[top:top + size] * params["W"]
    s[y] -= 1
    mask = s > 0
    s[mask] = 0
    return s
"""


def test_positions_and_containers_stand_in_no_formula() -> None:
    source = ParsedSource(KINDS)
    assert set(source.whole) == {"N", "D", "top", "size"}
    assert source.measured == {"N", "D"}
    assert set(source.arrays) == {"x", "flag", "s", "mask"}


class Window:
    """An average over windows of a size that is given, and of which no other value is ever tried."""

    def __init__(self, size: int = 2, has_units: bool = True) -> None:
        self.size = size
        self.has_units = has_units

    def forward(self, x: Any) -> Any:
        N, C, H, W = x.shape
        s = self.size
        y = x.reshape(N, C, H // s, s, W // s, s).mean(axis=(3, 5))
        return y if self.has_units else x

    def backward(self, grad: Any) -> Any:
        s = self.size
        up = np.repeat(np.repeat(grad, s, axis=2), s, axis=3)
        return up / s


class Steps:
    """A chain of steps of one length; `dt` and `1 / steps` are the same number by default."""

    def __init__(self, steps: int = 4, span: float = 1.0) -> None:
        self.steps = steps
        self.dt = span / steps
        self.W = np.array([[0.5, -0.3], [0.2, 0.4]])

    def loss(self, x: Any) -> Any:
        for _ in range(self.steps):
            x = x + self.dt * (x @ self.W)
        return 0.5 * (x * x).sum()

    def gradient(self, x: Any) -> Any:
        xs = [x]
        for _ in range(self.steps):
            xs.append(xs[-1] + self.dt * (xs[-1] @ self.W))
        adj, dW = xs[-1], np.zeros_like(self.W)
        for k in reversed(range(self.steps)):
            dW += self.dt * xs[k].T @ adj
            adj = adj + self.dt * (adj @ self.W.T)
        return {"W": dW}


class WithoutItsLength(Steps):
    def gradient(self, x: Any) -> Any:
        xs = [x]
        for _ in range(self.steps):
            xs.append(xs[-1] + self.dt * (xs[-1] @ self.W))
        adj, dW = xs[-1], np.zeros_like(self.W)
        for k in reversed(range(self.steps)):
            dW += xs[k].T @ adj
            adj = adj + self.dt * (adj @ self.W.T)
        return {"W": dW}


def decayed_loss(W: Any, x: Any, lam: float = 0.1, noise: float = 0.1) -> Any:
    return ((x @ W) ** 2).sum() * noise + 0.5 * lam * (W * W).sum()


def decayed(W: Any, x: Any, lam: float = 0.1, noise: float = 0.1) -> Any:
    return {"W": 2 * noise * x.T @ (x @ W) + lam * W}


def decayed_by_the_other(W: Any, x: Any, lam: float = 0.1, noise: float = 0.1) -> Any:
    return {"W": 2 * noise * x.T @ (x @ W) + W}


@pytest.mark.slow
def test_a_mend_holds_when_each_option_moves_alone() -> None:
    """What is the same by the defaults alone is another thing: `1 / steps` for `dt`, `noise` for `lam`."""
    x = np.array([[1.0, 0.5], [-0.4, 0.3], [0.2, 0.9]])
    for kind, ok in ((Steps, True), (WithoutItsLength, False)):
        chain = kind()
        report = check_gradient(chain.loss, chain.gradient, example={"x": x, "W": chain.W}, wrt=["W"])
        assert report.ok is ok
        assert all("self.dt" in repair.after and "self.steps" not in repair.after for repair in report.repairs)
        assert bool(report.repairs) is not ok
    example = {"W": np.array([0.3, -0.7]), "x": x}
    assert check_gradient(decayed_loss, decayed, example=example).ok
    (repair,) = check_gradient(decayed_loss, decayed_by_the_other, example=example).repairs
    assert "lam" in repair.after
    assert repair.after.count("noise") == 1


POWERS = """
import numpy as np

def powers(w, x, y, exponent=2.0, scale=0.5):
    p = np.exp(x @ w) / scale
    loss = np.sum(y * p ** exponent)
    dp = {slope}
    grads = {{"w": x.T @ ({factor})}}
    return loss, grads

example = {{"w": np.array([0.3, -0.2]), "x": np.array([[1.0, 0.5], [0.2, -0.4], [0.7, 0.1]]), "y": np.array([0.5, 1.5, 0.8])}}
"""
RIGHT_POWERS = {"slope": "exponent * y * p ** (exponent - 1)", "factor": "dp * p"}


@pytest.mark.slow
def test_a_number_that_is_a_default_is_its_name(tmp_path: Path) -> None:
    """One function that gives loss and gradients holds its options by default: 2 is no exponent, though it is one here."""
    changed = "y * p ** (exponent - 1)"
    for name, slope in (("right", RIGHT_POWERS["slope"]), ("wrong", changed)):
        (tmp_path / f"{name}.py").write_text(POWERS.format(**{**RIGHT_POWERS, "slope": slope}), encoding="utf-8")
    assert check_passes(passes_in(str(tmp_path / "right.py"), None)).ok
    (repair,) = check_passes(passes_in(str(tmp_path / "wrong.py"), None)).repairs
    assert repair.after.count("exponent") == 2
    assert not re.search(r"(?<![\w.])2(?![\w.])", repair.after)
    assert repair.line == 7


def chain_loss(A: Any, x0: Any) -> Any:
    for _ in range(3):
        x0 = A @ x0
    return 0.5 * (x0 @ x0)


def chain_states(A: Any, x0: Any) -> list[Any]:
    xs = [x0]
    for _ in range(3):
        xs.append(A @ xs[-1])
    return xs


def chain_gradient(A: Any, x0: Any) -> Any:
    xs = chain_states(A, x0)
    lam, dA = xs[-1], np.zeros_like(A)
    for k in reversed(range(3)):
        dA += np.outer(lam, xs[k])
        lam = A.T @ lam
    return dA, lam


def chain_gradient_turned(A: Any, x0: Any) -> Any:
    xs = chain_states(A, x0)
    lam, dA = xs[-1], np.zeros_like(A)
    for k in reversed(range(3)):
        dA += np.outer(lam, xs[k])
        lam = A @ lam
    return dA, lam


def test_what_is_compared_with_nothing_follows_a_mend() -> None:
    """The last adjoint is returned beside a gradient, and nothing is asked of it."""
    example = {"A": np.array([[0.5, -0.3], [0.2, 0.4]]), "x0": np.array([1.0, 0.7])}
    assert check_gradient(chain_loss, chain_gradient, example=example, wrt="A").ok
    (repair,) = check_gradient(chain_loss, chain_gradient_turned, example=example, wrt="A").repairs
    assert repair.after == "lam = A.T @ lam"


def pooled_mean(x: Any, w: Any) -> Any:
    """The mean over windows of two, of which none fits on a single column."""
    windows = [w @ x[:, k : k + 2].sum(axis=1) for k in range(0, x.shape[1] - 1, 2)]
    return np.sum(windows) / len(windows) if windows else np.mean([])


def pooled_slope(x: Any, w: Any) -> Any:
    starts = range(0, x.shape[1] - 1, 2)
    return {"w": sum(x[:, k : k + 2].sum(axis=1) for k in starts) / len(starts)}


def test_the_mean_of_nothing_is_no_size_that_a_loss_takes() -> None:
    example = {"x": np.array([[0.3, 0.1, -0.2, 0.7], [0.5, -0.4, 0.9, 0.2]]), "w": np.array([0.3, -0.8])}
    assert check_gradient(pooled_mean, pooled_slope, example=example, wrt="w").ok
    assert not check_gradient(pooled_mean, lambda x, w: {"w": 2 * pooled_slope(x, w)["w"]}, example=example, wrt="w").ok


@pytest.mark.slow
def test_a_size_that_is_given_is_named() -> None:
    """`/ s / 2` and `/ s / has_units / 2` hold for a window of 2 alone."""
    report = check_layer(Window(), np.arange(32.0).reshape(1, 2, 4, 4) / 7)
    assert not report.ok
    for repair in report.repairs:
        assert not re.search(r"\d|has_units", repair.after), repair


@pytest.mark.parametrize(
    ("text", "is_axis"),
    [
        ("a.swapaxes(-", True),
        ("np.sum(d, axis=", True),
        ("np.sum(d, axis=(0, ", True),
        ("x[i * ", False),
        ("f(a.swapaxes(1, 2), ", False),
    ],
)
def test_the_number_of_an_axis_is_no_setting(text: str, is_axis: bool) -> None:
    assert bool(_AXIS.search(text)) == is_axis
