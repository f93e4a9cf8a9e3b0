"""What the command line loads: good files, and one clear line for each kind of bad one."""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop.api import derive
from symbackprop.errors import UserError
from symbackprop.loading import load_definitions, load_function, load_module, load_network, read_shapes

GOOD = """
from symbackprop.network import Network
network = Network("tiny")
x = network.input("x", value=2)
w = network.parameter("w", value=3)
loss = network.define("E", w * x)
other = network.define("F", w**2)
"""


def written(folder: Path, text: str, name: str = "net.py") -> str:
    """Write a file and return its path."""
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_file_and_a_folder_are_the_same_network(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "network.py")
    by_folder, by_file = load_network(str(tmp_path)), load_network(str(tmp_path / "network.py"))
    assert by_folder.loss == by_file.loss == "E"
    assert (by_folder.name, by_file.name) == (tmp_path.name, "network")
    assert load_network(str(tmp_path), "F").loss == "F"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "expected a variable `network` of type Network, there is none"),
        ("network = 3", "expected a variable `network` of type Network, got int"),
        (GOOD.replace("loss =", "lost ="), r"expected a variable `loss`.*--loss NAME"),
        (GOOD.replace("w * x", "w * y"), r"net.py:6: NameError: name 'y' is not defined"),
        (GOOD.replace('"E", w', '"w", w'), r"net.py:6: w: name w is already declared \(parameter\)"),
        ("def (", r"net.py:1: not valid Python"),
    ],
)
def test_a_bad_network_file_is_one_line_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        load_network(written(tmp_path, text))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("network", "net").replace("symbackprop.net", "symbackprop.network").replace("other = ", "# "),
        "from symbackprop import Network\nnn = Network('n')\nx, w = nn.input('x'), nn.parameter('w')\nnn.define('E', w * x)\n",
        "from symbackprop.layers import scalar_mlp\nmodel, E = scalar_mlp(2, 3, 1)\n",
    ],
)
def test_one_network_under_any_name_is_meant_and_its_last_scalar(tmp_path: Path, text: str) -> None:
    loaded = load_network(written(tmp_path, text))
    assert loaded.loss in ("E", "E_total")


PASSES = """
import numpy as np

class Net:
    def __init__(self, inputs, hidden, classes):
        self.W1 = np.random.randn(inputs, hidden)
        self.b1 = np.zeros(hidden)
        self.W2 = np.random.randn(hidden, classes)

    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        s = self.h @ self.W2
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, X, y):
        m = len(y)
        d = self.p.copy()
        d[np.arange(m), y] -= 1
        d = d / m
        self.dW2 = self.h.T @ d
        d = d @ self.W2.T * (1 - self.h**2)
        self.dW1, self.db1 = X.T @ d, d.sum(axis=0)
"""
LAYER = """
import numpy as np

def scale_forward(x, gamma):
    r = np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
    return gamma * x / r, (x, gamma, r)

def scale_backward(dout, cache):
    x, gamma, r = cache
    d = dout * gamma
    return d / r - x * (d * x).mean(axis=1, keepdims=True) / r**3, (dout * x / r).sum(axis=0)
"""


def _cross_entropy(X: Any, W1: Any, b1: Any, W2: Any, y: Any) -> float:
    scores = np.tanh(X @ W1 + b1) @ W2
    return float(-np.sum(y * (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))) / len(X))


def _scaled(x: Any, gamma: Any, dout: Any) -> float:
    return float(np.sum(dout * gamma * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)))


@pytest.mark.parametrize(
    ("text", "place", "loss", "said"),
    [
        (PASSES, "net.py", _cross_entropy, "net.py: taken: L = -Σ log Net.forward[n, y[n]] / number of rows"),
        (PASSES, "net.py:Net", _cross_entropy, "the loss is stated nowhere; inferred"),
        (LAYER, "net.py", _scaled, "net.py: taken: L = Σ scale_forward·dout"),
    ],
)
def test_a_forward_and_a_backward_pass_are_derived_from_what_they_stand_for(
    tmp_path: Path, text: str, place: str, loss: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, text)
    loaded = load_network(str(tmp_path / place))
    assert said in capsys.readouterr().err.replace(f"{tmp_path}/", "")
    derivation = derive(loaded.network, loaded.loss)
    values = {name: np.asarray(value, dtype=float) for name, value in loaded.network.values.items()}
    for name in derivation:
        for place_of in np.ndindex(values[name].shape):
            step = np.zeros_like(values[name])
            step[place_of] = 1e-6
            ends = [loss(**{**values, name: values[name] + sign * step}) for sign in (1, -1)]
            assert np.asarray(derivation[name].value())[place_of] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-7)


def test_a_missing_network_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "perceptron.py")
    with pytest.raises(UserError, match=r"no such network.*Did you mean perceptron.py\?"):
        load_network(str(tmp_path / "percepton.py"))


def test_an_unknown_loss_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown name EE"):
        load_network(written(tmp_path, GOOD), "EE")


def test_functions_are_loaded_by_name(tmp_path: Path) -> None:
    place = written(tmp_path, "def gradients(x):\n    return 2 * x\n", "hand.py")
    assert load_function(f"{place}:gradients")(4) == 8
    assert load_function(place, "gradients")(4) == 8
    with pytest.raises(UserError, match=r"no function gradient; defined there: gradients. Did you mean gradients\?"):
        load_function(f"{place}:gradient")
    with pytest.raises(UserError, match="expected FILE:function"):
        load_function(place)
    with pytest.raises(UserError, match="expected a Python file"):
        load_function("nowhere.txt:f")


def test_a_file_with_a_loss_alone_is_meant_by_that_loss(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "import numpy as np\nexample = {'w': np.array([0.5, -1.0]), 'x': np.array([2.0, 3.0])}\n"
        "def loss(w, x): return np.sum((w * x) ** 2)\n",
        encoding="utf-8",
    )
    named, alone = load_network(f"{file}:loss"), load_network(str(file))
    assert (alone.loss, list(alone.network.nodes), alone.name) == (named.loss, list(named.network.nodes), named.name)
    assert load_network(str(file), shapes="w:3 x:3").network.values["w"].shape == (3,)


def test_a_file_is_taken_as_it_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of the same second and length is what Python's own loader takes for the one it compiled."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    written(tmp_path, "SLOPE = 3\n", "beside.py")
    for number in (1, 2):
        file = Path(written(tmp_path, f"from beside import SLOPE\n\ndef slope():\n    return {number}\n", "hand.py"))
        os.utime(file, (1_000_000_000, 1_000_000_000))
        assert load_function(f"{file}:slope")() == number
    assert {path.name for path in tmp_path.iterdir()} == {"hand.py", "beside.py"}, "no compiled copy is left"
    assert sys.dont_write_bytecode is False


SIZED = """
import numpy as np
class Net:
    def __init__(self, sizes, rate=0.5):
        self.W = [np.random.randn(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
        self.depth = len(sizes)
    def loss(self, X, y):
        for W in self.W:
            X = np.tanh(X @ W)
        return np.sum((X - y) ** 2) + self.rate
    rate = 0
"""


def test_an_object_is_made_with_the_arguments_that_are_written(tmp_path: Path) -> None:
    place = written(tmp_path, SIZED)
    method = load_function(f"{place}:Net([3, 4, 2], rate=0.1).loss")
    assert [W.shape for W in method.__self__.W] == [(3, 4), (4, 2)]
    for bad in ("Net([3, len('ab')]).loss", "Net([3, 4, 2).loss", "Net(**{}).loss"):
        with pytest.raises(UserError, match="expected numbers, texts or lists as arguments"):
            load_function(f"{place}:{bad}")
    with pytest.raises(UserError, match=r"Net\(\) fails: .*give its arguments"):
        load_function(f"{place}:Net.loss")


def test_arguments_with_which_a_method_runs_are_found_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = written(tmp_path, SIZED)
    loaded = load_network(f"{place}:Net.loss")
    assert "W_0" in loaded.network.nodes
    assert re.search(r'taken: ".*net.py:Net\(sizes=[\[(]3.*\)\.loss" --shapes "X:4,3', capsys.readouterr().err)
    assert load_network(f"{place}:Net([3, 4, 2]).loss", shapes="X:5,3 y:5,2").network.node("W_0")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_read_as_its_editor_writes_it(encoding: str, tmp_path: Path) -> None:
    text = "# 两层网络\ndef 损失(w):\n    名 = '误差'\n    return w * w if 名 else w\n"
    (tmp_path / "own.py").write_bytes(text.encode(encoding))
    for load in (load_module, load_definitions):
        function = load(tmp_path / "own.py").损失
        assert function(3.0) == 9.0
        assert inspect.getsource(function).splitlines()[0] == "def 损失(w):"


def test_a_file_in_no_encoding_is_told_what_to_save_it_as(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_bytes(b"x = '\xe9\xff'\n")
    with pytest.raises(UserError, match=r"own\.py: not valid Python: the text is not UTF-8, .*; save it as UTF-8"):
        load_module(tmp_path / "own.py")


def test_an_argument_has_one_shape() -> None:
    with pytest.raises(UserError, match="--shapes: W stands twice; give each argument once"):
        read_shapes("W:2,2 X:3 W:2")
