"""A forgotten `return` is found, said where it matters, and procedures are not accused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from symbackprop.derive import derive
from symbackprop.errors import UserError
from symbackprop.verify.binding.returns import forgotten, last_assigned
from symbackprop.verify.check import check_gradient

Load = Callable[[str, str], ModuleType]
EXAMPLE = {"x": 0.5, "w": 0.3, "t": 0.2}
HEAD = "import numpy as np\nfrom math import exp\n\n\ndef here():\n    return 1\n\n\n"


def module(folder: Path, text: str) -> ModuleType:
    path = folder / "user_code.py"
    path.write_text(HEAD + text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("user_code", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


PLANTED = {
    "plain": ("def f(x, w):\n    h = np.tanh(w * x)\n    y = exp(h)", "y"),
    "calls its own helpers": ("def s(z):\n    return 1 / (1 + np.exp(-z))\n\n\ndef f(x, w):\n    o1 = s(w * x)", "o1"),
    "helper under another name": ("def s(z):\n    g = here\n    return g() * z\n\n\ndef f(x):\n    y = s(x)", "y"),
    "helper is a lambda": ("s = lambda z: z * z\n\n\ndef f(x):\n    y = s(x)", "y"),
    "fills an array of its own": ("def f(x):\n    a = np.zeros(3)\n    a[0] = x\n    a += 1\n    y = a.sum()", "y"),
    "below with": ("def f(x):\n    with np.errstate(all='ignore'):\n        y = np.log(x)", "y"),
    "method": ("class A:\n    def s(self, z):\n        return z\n\n    def f(self, x):\n        y = self.s(self.w * x)", "y"),
    "two values": ("def f(x, t):\n    loss, dx = (x - t) ** 2, 2 * (x - t)", "dx"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_forgotten_return_is_found(name: str, tmp_path: Path) -> None:
    text, variable = PLANTED[name]
    (found,) = forgotten(module(tmp_path, text).here)
    assert found.variable == variable
    assert found.note.endswith(f"returns nothing: is `return {variable}` missing?")
    line = (tmp_path / "user_code.py").read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert "def f(" in line


RIGHT = {
    "returns": "def f(x):\n    y = x * x\n    return y",
    "sets an attribute": "def f(net, x):\n    net.h = x\n    y = x * x",
    "sets an element of an argument": "def f(cache, x):\n    cache['h'] = x\n    y = x * x",
    "steps an argument in place": "def f(w, dw):\n    w -= 0.1 * dw\n    done = 1",
    "steps another name of an argument": "def f(p, dw):\n    w = p['w']\n    w -= dw\n    done = 1",
    "out=": "def f(x, y):\n    z = np.exp(x, out=y)",
    "prints": "def f(x):\n    y = x * x\n    print(y)\n    z = y",
    "appends": "def f(x, seen):\n    seen.append(x)\n    y = x",
    "global": "def f(x):\n    global total\n    total = x",
    "ends with a step": "def f(w, dw):\n    w -= dw",
    "calls a procedure": "def p(a):\n    a[0] = 1\n    return a\n\n\ndef f(x):\n    y = p(x)",
    "calls a method that may change its object": "def f(model, x):\n    y = model.step(x)",
    "calls what it was given": "def f(g, x):\n    y = g(x)",
    "yields": "def f(x):\n    y = yield x",
    "early return": "def f(x):\n    if x:\n        return\n    y = x",
    "read by an inner function": "def f(x):\n    def g():\n        return y\n    y = x",
    "thrown away": "def f(x):\n    _ = x * x",
    "decorated": "def d(g):\n    return g\n\n\n@d\ndef f(x):\n    y = x",
    "empty": "def f(x):\n    pass",
    "only a text": 'def f(x):\n    """Nothing yet."""',
}


@pytest.mark.parametrize("name", RIGHT)
def test_procedures_are_not_accused(name: str, tmp_path: Path) -> None:
    assert forgotten(module(tmp_path, RIGHT[name]).here) == ()


def test_libraries_are_left_alone() -> None:
    assert forgotten(pytest.approx) == ()
    assert forgotten(len) == ()
    assert last_assigned(len) is None


def test_the_document_without_a_return(derivation_file: Load) -> None:
    file, hand = derivation_file("two_two_one", "network"), derivation_file("two_two_one", "handwritten")
    derivation = derive(file.network, file.loss)
    (note,) = check_gradient(derivation, hand.gradients, explain=False).notes
    assert "feedforward computes o1 and returns nothing: is `return o1` missing?" in note
    with pytest.raises(UserError, match=r"feedforward returns nothing: is a `return` missing after line \d+ .* `return o1`"):
        check_gradient(derivation, hand.feedforward)
    with pytest.raises(UserError, match="feedforward returns nothing"):
        check_gradient(hand.feedforward, hand.gradients, example=dict.fromkeys(("x1", "x2", *hand.PARAMETERS, "y_true"), 0.5))


TEXT = """def predict(x, w):
    y = np.tanh(w * x)


def loss_of_nothing(x, w, t):
    return (predict(x, w) - t) ** 2


def loss(x, w, t):
    return (np.tanh(w * x) - t) ** 2


def uses_nothing(x, w, t):
    y = predict(x, w)
    return {"w": 2 * (y - t) * (1 - y * y) * x}


def one_branch(x, w, t):
    y = np.tanh(w * x)
    if x == 0.5:
        return {"w": 2 * (y - t) * (1 - y * y) * x}


def right(x, w, t):
    y = np.tanh(w * x)
    return {"w": 2 * (y - t) * (1 - y * y) * x}
"""


def test_code_that_fails_on_nothing_says_whose_return_it_is(tmp_path: Path) -> None:
    code = module(tmp_path, TEXT)
    report = check_gradient(code.loss, code.uses_nothing, example=EXAMPLE, wrt="w")
    assert report["w"].status == "error"
    assert "predict computes y" in report.notes[0]
    with pytest.raises(UserError, match=r"NoneType.*predict computes y and returns nothing"):
        check_gradient(code.loss_of_nothing, code.right, example=EXAMPLE, wrt="w")


def test_a_branch_without_a_return_is_never_accepted(tmp_path: Path) -> None:
    code = module(tmp_path, TEXT)
    report = check_gradient(code.loss, code.one_branch, example=EXAMPLE, wrt="w", repair=False)
    assert report["w"].status == "error"
    assert "is a `return` missing on a branch" in report["w"].note
    assert check_gradient(code.loss, code.right, example=EXAMPLE, wrt="w").ok
