"""A user's own file, with types, passes mypy --strict: what is exported says its types (py.typed)."""

from __future__ import annotations

from pathlib import Path

import pytest

USER = """
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop import (
    Derivation, Network, Notation, SymbackpropError, UserError, capture, check_gradient, check_layer, derive, evaluate, explain,
    layers, proofread, read, sigmoid, train,
)
from symbackprop.testing import WrongGradient, assert_gradient, assert_layer

Array = NDArray[np.float64]


def built() -> Derivation:
    net = Network("one neuron")
    x, w, t = net.input("x", value=2), net.parameter("w", value=0.5), net.target("t", value=1)
    y = net.define("y", sigmoid(w * x))
    return derive(net, net.define("E", (t - y) ** 2 / 2))


def batch() -> Derivation:
    net = Network("dense")
    n, i, j = net.indices("n:N i:D j:K")
    x, t = net.input("x", n, i), net.target("t", n, j)
    return derive(net, layers.mean_squared_error(net, "E", layers.dense(net, "y", x, (n, i), j), t, (n, j)), wrt=["y_W"])


def loss(W: Array, X: Array) -> float:
    return float(np.sum((X @ W) ** 2))


def gradients(W: Array, X: Array) -> dict[str, Array]:
    return {"W": 2 * X.T @ (X @ W)}


class Double:
    def forward(self, x: Array) -> Array:
        return 2 * x

    def backward(self, dout: Array) -> Array:
        return 2 * dout


def used() -> str:
    d = built()
    value: Any = d["w"].value()
    number, found = d.function()(x=2.0, w=0.5, t=1.0)
    example: dict[str, Array] = {"W": np.ones((2, 2)), "X": np.ones((3, 2))}
    report = check_gradient(loss, gradients, example=example)
    verdict = report["W"].status
    lines = [step.why() for step in d["w"].steps(Notation(), "standard")]
    try:
        assert_gradient(loss, gradients, example=example, proved=True)
        assert_layer(Double(), np.ones((2, 3)))
    except (WrongGradient, UserError, SymbackpropError) as error:
        print(error)
    texts = [d["w"].latex(), d["w"].text(steps="standard"), d.source(), report.to_json(), report.to_text("zh"), str(verdict)]
    history = train(d, epochs=1, lr=0.1)
    print(number + 1.0, sorted(found), value, history, evaluate(d.network), read("w x", d.network), proofread, explain, capture)
    print(check_layer(Double(), np.ones((2, 3))).ok)
    return "\\n".join([*texts, *lines])
"""
WRONG = 'from symbackprop import Network, derive\nnet: Network = derive(3, "E")\nnet.define(1, 2)\nderive(net, colour="red")\n'


@pytest.mark.slow
@pytest.mark.parametrize(("text", "mistakes"), [(USER, set()), (WRONG, {2, 3, 4})], ids=["right", "wrong"])
def test_a_typed_file_is_accepted_and_a_wrong_one_is_not(text: str, mistakes: set[int], tmp_path: Path, root: Path) -> None:
    from mypy import api  # loading it takes as long as a fast test may

    (tmp_path / "user.py").write_text(text, encoding="utf-8")
    cache = ["--cache-dir", str(root / ".mypy_cache"), "--config-file", str(root / "pyproject.toml")]
    said, trouble, code = api.run(["--strict", *cache, "--follow-imports=silent", str(tmp_path / "user.py")])
    lines = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    assert (lines, trouble, code) == (mistakes, "", int(bool(mistakes))), said
