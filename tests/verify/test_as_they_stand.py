"""Objects as people write them: weights that are made late, sizes that are kept, steps that remember, clipped gradients."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symbackprop.errors import UserError
from symbackprop.guest.rewriting import as_python3, current
from symbackprop.loading import load_definitions, passes_in
from symbackprop.own_files import loss_and_gradient
from symbackprop.verify.check import check_passes
from symbackprop.verify.equal.clipped import clip_limits
from symbackprop.verify.passes.candidates import chosen, compared
from symbackprop.verify.report.report import Report

pytestmark = pytest.mark.slow


def report(folder: Path, code: str) -> Report:
    file = folder / "written.py"
    file.write_text(f"import numpy as np\n{code}", encoding="utf-8")
    return check_passes(compared(chosen(load_definitions(file), "written.py", ""), {}), explain=False, repair=False)


def statuses(found: Report) -> dict[str, str]:
    return {name: verdict.status.value for name, verdict in found.verdicts.items()}


LATE = """
class Dense:
    def __init__(self, units):
        self.units, self.W = units, None
    def build(self, SHAPE):
        self.W = np.random.randn(WIDTH, self.units)
        self.b = np.zeros(self.units)
    def forward(self, x):
        STARTED
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T
"""


@pytest.mark.parametrize(
    ("shape", "width", "started"),
    [
        ("input_shape", "input_shape[-1]", "if self.W is None: self.build(x.shape)"),
        ("input_shape", "input_shape[1]", "pass"),
        ("input_shape", "input_shape[0]", "if self.W is None: self.build(x.shape[1:])"),
    ],
)
def test_weights_that_are_made_late_are_parameters(shape: str, width: str, started: str, tmp_path: Path) -> None:
    code = LATE.replace("SHAPE", shape).replace("WIDTH", width).replace("STARTED", started)
    assert statuses(report(tmp_path, code)) == {"W": "proved", "b": "proved", "x": "proved"}
    wrong = code.replace("dout.sum(axis=0)", "dout.mean(axis=0)")
    assert statuses(report(tmp_path, wrong)) == {"W": "proved", "b": "differs", "x": "proved"}


@pytest.mark.parametrize(
    "kept", ["self.x = x", "if self.x is None: self.x = x", "self.seen = self.seen or [x]; self.x = self.seen[0]"]
)
def test_a_cache_of_the_first_batch_is_wrong_for_the_second(kept: str, tmp_path: Path) -> None:
    code = f"""
class Dense:
    def __init__(self):
        self.W, self.x, self.seen = np.random.randn(4, 3), None, []
    def forward(self, x):
        {kept}
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
"""
    assert statuses(report(tmp_path, code))["W"] == ("proved" if kept == "self.x = x" else "differs")


@pytest.mark.parametrize(
    ("first", "second"), [("self.k", "self.k"), ("self.d", "self.k"), ("self.k", "self.d"), ("self.k", "len(x)")]
)
def test_sizes_that_an_object_keeps_are_different_ones(first: str, second: str, tmp_path: Path) -> None:
    code = f"""
class Dense:
    def __init__(self, d, k):
        self.d, self.k, self.W = d, k, np.random.randn(d, k)
    def forward(self, x):
        self.x = x
        return x @ self.W / {first}
    def backward(self, dout):
        x = self.x
        self.dW = x.T @ dout / {second}
        return dout @ self.W.T / {first}
"""
    expected = "proved" if first == second else "differs"
    assert statuses(report(tmp_path, code)) == {"W": expected, "x": "proved"}


AUTO = """
class Tied:
    def __init__(self, d, h):
        self.W, self.c = np.random.randn(d, h), np.zeros(d)
    def forward(self, x):
        self.h = np.tanh(x @ self.W)
        return self.h @ self.W.T + self.c
    def loss(self, x):
        return 0.5 * np.sum((self.forward(x) - x) ** 2)
    def backward(self, x):
        e = self.forward(x) - x
        return {"W": x.T @ (e @ self.W * (1 - self.h**2)) + e.T @ self.h, "c": e.sum(axis=0)}
"""
PLAIN = """
class Linear:
    def __init__(self, d, k):
        self.W, self.c = np.random.randn(d, k), np.zeros(k)
    def forward(self, x):
        return x @ self.W + self.c
    def loss(self, x, y):
        return np.mean((self.forward(x) - y) ** 2)
    def backward(self, x, y):
        e = 2 * (self.forward(x) - y) / y.size
        return {"W": x.T @ e, "c": e.sum(axis=0)}
"""


@pytest.mark.parametrize(
    ("code", "right", "wrong", "expected"),
    [
        (AUTO, " + e.T @ self.h", "", {"W": "differs", "c": "proved"}),
        (PLAIN, "y.size", "len(x)", {"W": "differs", "c": "differs"}),
    ],
)
def test_a_loss_of_the_same_data_is_what_the_gradients_are_of(
    code: str, right: str, wrong: str, expected: dict[str, str], tmp_path: Path
) -> None:
    """`backward(x)` beside `loss(x)` is given data, no upstream gradient; beside `loss(x, y)` no loss is inferred."""
    assert statuses(report(tmp_path, code)) == {"W": "proved", "c": "proved"}
    assert statuses(report(tmp_path, code.replace(right, wrong))) == expected


@pytest.mark.parametrize(("given", "limit"), [(4.237, 0.0), (5.0, 5.0), (-5.0, 0.0), (7.13, 0.0)])
def test_one_smaller_element_is_no_clip_unless_at_a_number_that_is_written(given: float, limit: float) -> None:
    """Wrong at one element of one point alone: smaller there, and larger than all others."""
    derived = [np.array([1.0, 2.0, 3.0]), np.array([0.5, 7.13, 1.0])]
    hand = [derived[0], np.array([0.5, given, 1.0])]
    samples: Any = [SimpleNamespace(hand={"W": own}, derived={"W": wanted}) for own, wanted in zip(hand, derived, strict=True)]
    assert [*clip_limits(samples, ["W"])] == (["W"] if limit else [])


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ("np.clip(g, -5, 5)", "guarded"),
        ("np.clip(g, -5, 5) * 1.01", "differs"),
        ("np.clip(-g, -5, 5)", "differs"),
        ("g if np.linalg.norm(g) <= 5 else g * 5 / np.linalg.norm(g)", "guarded"),
        ("g * min(1, 5 / (np.linalg.norm(g) + 1e-6))", "guarded"),
        ("g / np.linalg.norm(g)", "differs"),
        ("np.sign(g)", "differs"),
    ],
)
def test_a_clipped_gradient_is_right_up_to_its_limit(clip: str, expected: str, tmp_path: Path) -> None:
    code = f"""
class Net:
    def __init__(self, d=4, k=2):
        self.W = np.random.randn(d, k) * 0.1
    def loss(self, X, y):
        return np.sum((X @ self.W - y) ** 2)
    def gradient(self, X, y):
        g = 2 * X.T @ (X @ self.W - y)
        return {{"W": {clip}}}
"""
    found = report(tmp_path, code)
    assert statuses(found) == {"W": expected}
    assert expected != "guarded" or "right up to the clip" in found.verdicts["W"].note


STEP = """
class Net:
    def __init__(self, n_in=4, n_out=2, lr=0.01):
        self.W, self.b, self.lr = np.random.randn(n_in, n_out), np.zeros(n_out), lr
        self.m, self.v, self.t = {"W": 0, "b": 0}, {"W": 0, "b": 0}, 0
    def forward(self, X):
        return X @ self.W + self.b
    def train_step(self, X, y):
        d = (self.forward(X) - y) / len(X)
        self.t += 1
        for k, g in {"W": X.T @ d, "b": d.sum(axis=0)}.items():
            MOVED
"""
ADAM = """self.m[k] = 0.9 * self.m[k] + 0.1 * g
            self.v[k] = 0.999 * self.v[k] + 0.001 * g**2
            setattr(self, k, getattr(self, k) - self.lr * self.m[k] / (np.sqrt(self.v[k]) + 1e-8))"""
RMS = """self.v[k] = 0.9 * self.v[k] + 0.1 * g**2
            setattr(self, k, getattr(self, k) - self.lr * g / (np.sqrt(self.v[k]) + 1e-8))"""


def test_no_loss_is_inferred_from_steps_that_remember(tmp_path: Path) -> None:
    """The first step of Adam is the sign of the gradient: that of some other loss, too."""
    for moved in (ADAM, RMS):
        with pytest.raises(UserError, match="the step depends on earlier ones"):
            report(tmp_path, STEP.replace("MOVED", moved))
    plain = STEP.replace("MOVED", "setattr(self, k, getattr(self, k) - self.lr * g)")
    assert statuses(report(tmp_path, plain)) == {"W": "proved", "b": "proved"}
    assert statuses(report(tmp_path, plain.replace("X.T @ d,", "X.T @ abs(d),")))["W"] == "differs"


def test_what_a_row_has_in_common_hides_no_missing_gradient(tmp_path: Path) -> None:
    """A bias before a softmax: the output does not change where all of it does."""
    code = """
class Layer:
    def __init__(self):
        self.W, self.b = np.random.randn(3, 5), np.zeros(5)
    def forward(self, x):
        self.x = x
        e = np.exp(x @ self.W + self.b)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p
    def backward(self, dout):
        d = self.p * (dout - (dout * self.p).sum(axis=1, keepdims=True))
        self.dW = self.x.T @ d
        return d @ self.W.T
"""
    assert report(tmp_path, code).missing == ("b",)


@pytest.mark.parametrize(
    "names", [("forward_propagate", "back_propagate"), ("feedForward", "backProp"), ("_forward", "_backward")]
)
def test_methods_by_any_spelling(names: tuple[str, str], tmp_path: Path) -> None:
    code = """
class Layer:
    def FIRST(self, x, save_cache=False):
        if save_cache: self.x = x
        return x**3
    def SECOND(self, dA):
        return 3 * self.x**2 * dA
"""
    code = code.replace("FIRST", names[0]).replace("SECOND", names[1])
    assert statuses(report(tmp_path, code)) == {"x": "proved"}


def test_what_is_not_installed_and_what_numpy_has_no_more(tmp_path: Path) -> None:
    """cupy is numpy on another device; loops of tqdm and numba run; no loop runs no time."""
    code = """
import cupy as cp
from numba import njit, prange
from tqdm import tqdm
class Dense:
    def __init__(self, n_in=4, n_out=3):
        self.W = cp.random.randn(n_in, n_out).astype(np.float)
    def forward(self, x):
        self.x = x
        out = cp.zeros((len(x), self.W.shape[1]))
        for n in prange(len(x)):
            out[n] = cp.dot(x[n], self.W)
        return cp.asnumpy(out)
    def backward(self, dout):
        self.dW = cp.zeros_like(self.W)
        for n in tqdm(range(len(dout))):
            self.dW += cp.outer(self.x[n], dout[n])
        return dout.dot(self.W.T)
"""
    assert statuses(report(tmp_path, code)) == {"W": "proved", "x": "proved"}
    assert statuses(report(tmp_path, code.replace("cp.outer", "0.5 * cp.outer"))) == {"W": "differs", "x": "proved"}
    file = tmp_path / "missing.py"
    file.write_text("import nowhere_to_be_found as nw\ndef f():\n    return [x for x in nw.things(3)]\n", encoding="utf-8")
    with pytest.raises(TypeError, match="not installed"):
        load_definitions(file).f()


def test_names_are_read_as_they_are_meant() -> None:
    import ast

    text = "import numpy as np\na = np.float(1) + np.product(x) + x.float + np.float64(2)\nfrom cupy import exp as e\n"
    new = ast.unparse(current(ast.parse(text)))
    assert new == "import numpy as np\na = float(1) + np.prod(x) + x.float + np.float64(2)\nfrom numpy import exp as e"
    assert as_python3("print 'a'\n") == "print('a')\n"


@pytest.mark.parametrize(("given", "slope", "expected"), [("eta", "(1 - self.y)", "proved"), ("eta", "self.y", "differs")])
def test_a_greek_letter_may_be_the_upstream_gradient(given: str, slope: str, expected: str, tmp_path: Path) -> None:
    """`backward(eta)` of a layer without weights takes no learning rate: the result was half of what is right."""
    code = f"""
class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y
    def backward(self, {given}):
        return self.y * {slope} * {given}
"""
    assert statuses(report(tmp_path, code)) == {"x": expected}


@pytest.mark.parametrize(("slope", "expected"), [("self.alpha * w", "proved"), ("2 * self.alpha * w", "differs")])
def test_what_is_a_number_for_a_vector_is_meant_for_vectors(slope: str, expected: str, tmp_path: Path) -> None:
    code = f"""
class L2:
    def __init__(self, alpha):
        self.alpha = alpha
    def __call__(self, w):
        return self.alpha * 0.5 * w.T.dot(w)
    def grad(self, w):
        return {slope}
"""
    assert statuses(report(tmp_path, code)) == {"w": expected}


def test_a_gradient_of_a_wrong_shape_is_no_reason_to_stop_looking(tmp_path: Path) -> None:
    code = """
def masked_loss(x, y, mask):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    N = len(x)
    loss = -np.sum(mask * np.log(p[np.arange(N), y])) / N
    dx = p.copy()
    dx[np.arange(N), y] -= 1
    dx = dx / N * mask[:, np.newaxis]
    return loss, dx
"""
    assert statuses(report(tmp_path, code)) == {"x": "proved"}
    assert statuses(report(tmp_path, code.replace("dx / N", "dx"))) == {"x": "differs"}


FUNCTIONS = """
def forward(X, params):
    A1 = np.tanh(params["W1"] @ X + params["b1"])
    A2 = 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"])))
    return A2, {"A1": A1, "A2": A2}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward(params, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = params["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    return {"dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m}
"""


def test_functions_that_hand_a_cache_on(tmp_path: Path) -> None:
    """A cost of predictions is no loss that `backward` is the gradient of; the cache is the part of what forward returns."""
    file = tmp_path / "functions.py"
    file.write_text("import numpy as np\n" + FUNCTIONS, encoding="utf-8")
    assert loss_and_gradient(str(file)) is None
    assert set(statuses(report(tmp_path, FUNCTIONS)).values()) == {"proved"}
    wrong = statuses(report(tmp_path, FUNCTIONS.replace("1 - cache", "cache")))
    assert [name for name, status in wrong.items() if status == "differs"] == ["W1", "b1"]


@pytest.mark.parametrize(("weight", "bias"), [("dW", "db"), ("W", "b"), ("grad_W", "grad_b")])
def test_dictionaries_of_weights_and_of_gradients(weight: str, bias: str, tmp_path: Path) -> None:
    code = f"""
class Dense:
    def __init__(self, units):
        self.units, self.params, self.cache, self.grads = units, {{}}, {{}}, {{}}
    def forward_propagate(self, X, save_cache=False):
        if "W" not in self.params:
            self.params["W"], self.params["b"] = np.random.randn(self.units, X.shape[0]), np.zeros((self.units, 1))
        if save_cache: self.cache["A"] = X
        return self.params["W"] @ X + self.params["b"]
    def back_propagate(self, dZ):
        self.grads["{weight}"] = dZ @ self.cache["A"].T
        self.grads["{bias}"] = dZ.sum(axis=1, keepdims=True)
        return self.params["W"].T @ dZ
"""
    assert statuses(report(tmp_path, code)) == {"W": "proved", "b": "proved", "X": "proved"}
    assert statuses(report(tmp_path, code.replace("dZ.sum", "dZ.mean")))["b"] != "proved"


OWN_LOSS = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
    def forward(self, X):
        self.a = np.tanh(X @ self.W1)
        return self.a @ self.W2
    def predict(self, X):
        return self.forward(X) > 0.5
    def NAME(self, X, y):
        return STATED
    def backward(self, X, y, out):
        d = 2 * (out - y) / COUNT
        self.dW2 = self.a.T @ d
        self.dW1 = X.T @ (d @ self.W2.T * (1 - self.a**2))
"""


@pytest.mark.parametrize(
    ("name", "stated", "count", "status"),
    [
        ("loss", "np.mean((self.forward(X) - y) ** 2)", "y.size", "proved"),
        ("loss", "np.mean((self.forward(X) - y) ** 2)", "len(X)", "differs"),
        ("compute_loss", "np.sum((self.forward(X) - y) ** 2) / len(X)", "len(X)", "proved"),
        ("loss", "np.mean(self.predict(X) != y)", "len(X)", "proved"),  # a share of errors is no loss that has a slope
    ],
)
def test_a_loss_of_the_data_that_a_class_states_is_meant(name: str, stated: str, count: str, status: str, tmp_path: Path) -> None:
    code = OWN_LOSS.replace("NAME", name).replace("STATED", stated).replace("COUNT", count)
    assert statuses(report(tmp_path, code)) == {"W1": status, "W2": status}


LAYER_FILE = """
import numpy as np
from ..tools.watch import watched
from .base import Base
try:
    import fastsum.contract as einsum
except ImportError:
    from numpy import einsum
class Scale(Base):
    def __init__(self, size):
        self.w = np.random.randn(size)
    @watched()
    def forward(self, x):
        self.x = x
        return einsum("ij,j->ij", x, self.w)
    @watched()
    def backward(self, dout):
        self.dw = (dout * self.x).sum(axis=0)
        return dout * self.w
"""
WATCH_FILE = """
from tools.counter import note
def watched():
    def made(function):
        def wrap(*args, **kwargs):
            wrap.calls += note()
            return function(*args, **kwargs)
        wrap.calls = 0
        return wrap
    return made
"""


def test_a_file_of_a_package_as_it_lies_there(tmp_path: Path) -> None:
    """Folders without `__init__.py`, a module called like its folder, wrappers that hide what they wrap, a spare import."""
    files = {"layers/scale": LAYER_FILE, "layers/base": "class Base: pass\n", "tools/watch": WATCH_FILE}
    files |= {
        "tools/counter": "def note():\n    return 1\n",
        "tools/tools": "raise ValueError('not this one')\n",
        "tools/__init__": "",
    }
    for name, text in files.items():
        file = tmp_path / "project" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    found = passes_in(f"{tmp_path / 'project/layers/scale.py'}:Scale", None)
    assert statuses(check_passes(found, explain=False, repair=False)) == {"w": "proved", "x": "proved"}
    assert not found.missing


KEPT = """
class Box:
    def __init__(self, data):
        self.data, self.grad = data, None
class Layer:
    def __init__(self, n_in, n_out):
        self._w, self._b = np.random.randn(n_in, n_out), np.random.randn(1, n_out)
        self._dw, self._db = None, None
        self.box = Box(np.random.randn(n_out))
    def forward(self, x):
        self.x = x
        self.Z = x @ self._w + self._b
        self.A = self.Z * self.box.data
        return RETURNED
    def backward(self, UPSTREAM):
        d = UPSTREAM * self.box.data
        self._dw, self._db = self.x.T @ d, d.sum(axis=0, keepdims=True)
        self.box.grad = (UPSTREAM * self.Z).sum(axis=0)
        return LEFT
"""
PLACES = {
    "beside with underscores, and in an object": ("self.A", "dout", "d @ self._w.T", "self.x.T @ d"),
    "in pairs with the parameters": (
        "self.A",
        "dout",
        "d @ self._w.T, [(self._b, d.sum(0)[None]), (self._w, self.x.T @ d)]",
        "self._w, self.x.T @ d",
    ),
    "of what is kept under that name": ("np.tanh(self.A)", "dA", "d @ self._w.T", "self.x.T @ d"),
}


@pytest.mark.parametrize("place", PLACES)
def test_where_gradients_of_parameters_are_left(place: str, tmp_path: Path) -> None:
    returned, upstream, left, part = PLACES[place]
    code = KEPT.replace("RETURNED", returned).replace("UPSTREAM", upstream).replace("LEFT", left)
    if "pairs" in place:
        code = code.replace("        self._dw, self._db = self.x.T @ d, d.sum(axis=0, keepdims=True)\n", "")
    file = tmp_path / "written.py"
    file.write_text(f"import numpy as np\n{code}", encoding="utf-8")
    found = statuses(check_passes(passes_in(f"{file}:Layer", None), explain=False, repair=False))
    assert found == dict.fromkeys(found, "proved")
    assert len(found) == 4
    file.write_text(f"import numpy as np\n{code.replace(part, part.replace('x.T @', 'x.T @ -'))}", encoding="utf-8")
    wrong = statuses(check_passes(passes_in(f"{file}:Layer", None), explain=False, repair=False))
    assert wrong["_w"] == "differs"
    assert {status for name, status in wrong.items() if name != "_w"} == {"proved"}
    if "kept" in place:
        twice = code.replace("backward(self, dA):\n", "backward(self, dA):\n        dA = 2 * dA\n")
        file.write_text(f"import numpy as np\n{twice}", encoding="utf-8")
        with pytest.raises(UserError, match=r"dA of Layer\.backward is the gradient of what Layer\.forward keeps"):
            passes_in(f"{file}:Layer", None)
        file.write_text(f"import numpy as np\n{twice.replace(returned, 'self.A')}", encoding="utf-8")
        doubled = statuses(check_passes(passes_in(f"{file}:Layer", None), explain=False, repair=False))
        assert set(doubled.values()) == {"differs"}, "what is kept and returned is the output itself"


SHARED = """
W1, W2 = np.random.randn(3, 4), np.random.randn(4, 2)
rate = 0.1
def sigmoid(x, deriv=False):
    return x * (1 - x) if deriv else 1 / (1 + np.exp(-x))
def forward(X):
    global h, out
    h = sigmoid(X @ W1)
    out = h @ W2
    return out
def loss(y, out):
    return np.mean((y - out) ** 2)
def backward(X, y):
    d2 = 2 * (out - y) / y.size
    d1 = d2 @ W2.T * sigmoid(h, True)
    return X.T @ d1, h.T @ d2
"""


def test_functions_that_share_the_arrays_of_their_file(tmp_path: Path) -> None:
    named = SHARED.replace("return X.T @ d1, h.T @ d2", "dW1, dW2 = X.T @ d1, h.T @ d2\n    return dW1, dW2")
    assert statuses(report(tmp_path, named)) == {"W1": "proved", "W2": "proved"}
    assert statuses(report(tmp_path, named.replace("h, True", "h"))) == {"W1": "differs", "W2": "proved"}
    rows = statuses(report(tmp_path, named.replace("y.size", "len(y)")))
    assert rows == {"W1": "differs", "W2": "differs"}


def test_a_loop_in_no_function_is_told_what_to_become(tmp_path: Path) -> None:
    loop = "W = np.random.randn(3, 2)\nfor step in range(9):\n    out = X @ W\n    W -= 0.1 * X.T @ (out - y)\n"
    with pytest.raises(UserError, match=r"written\.py:3: the passes stand in a loop, in no function; put its lines"):
        chosen(load_definitions(_written(tmp_path, loop)), str(tmp_path / "written.py"), "")


def _written(folder: Path, code: str) -> Path:
    file = folder / "written.py"
    file.write_text(f"import numpy as np\n{code}", encoding="utf-8")
    return file


def test_what_is_said_is_what_the_code_said_where_it_got_furthest(tmp_path: Path) -> None:
    """Lines of a notebook are passed over; sizes in a dictionary are sizes."""
    code = """
%matplotlib inline
class Dense:
    def __init__(self, settings):
        self.W = np.random.randn(settings["n_inputs"], settings["n_units"])
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.left = dout.sum()
        raise ValueError("no memory is left")
"""
    with pytest.raises(UserError, match=r"\(Dense\.backward fails: ValueError: no memory is left"):
        report(tmp_path, code)


STATES = """
class Cell:
    def __init__(self, D=3, H=4):
        self.params = [np.random.randn(D, H), np.random.randn(H, H), np.random.randn(H)]
        self.grads = [np.zeros_like(p) for p in self.params]
    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        h = np.tanh(x @ Wx + h_prev @ Wh + b)
        self.cache = x, h_prev, h
        return h
    def backward(self, dh):
        Wx, Wh, b = self.params
        x, h_prev, h = self.cache
        dz = dh * (1 - h**2)
        self.grads[0][...] = x.T @ dz
        self.grads[1][...] = h_prev.T @ dz
        self.grads[2][...] = dz.sum(axis=0)
        return dz @ Wx.T, dz @ Wh.T
"""


@pytest.mark.parametrize(("old", "new", "wrong"), [("", "", set()), ("h_prev.T @ dz", "h.T @ dz", {"params_1"})])
def test_a_state_has_a_row_for_each_sample(old: str, new: str, wrong: set[str], tmp_path: Path) -> None:
    """A vector and a batch fit together by accident; what the weights are made for is tried first."""
    found = statuses(report(tmp_path, STATES.replace(old, new) if old else STATES))
    assert {name for name, status in found.items() if status != "proved"} == wrong
