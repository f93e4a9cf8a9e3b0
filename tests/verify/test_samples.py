"""Code that comes without an example: values are found with which it runs, right code is never accused, wrong code always."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

from symbackprop.errors import UserError
from symbackprop.isolation import Request, check_isolated
from symbackprop.loading import load_definitions, read_shapes
from symbackprop.verify.passes.samples import sample_of_pair, shapes_that_run

PAIRS = {
    "logistic regression, in loops": (
        """
import numpy as np
def cost(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / X.shape[0]
def gradient(X, y, w, b):
    m, n = X.shape
    dw, db = np.zeros(n), 0.0
    for i in range(m):
        r = 1 / (1 + np.exp(-(X[i] @ w + b))) - y[i]
        for j in range(n):
            dw[j] += r * X[i, j]
        db += r
    return db / m, dw / m
""",
        ("X:4,3 y:4 w:3 b:", {"w", "b"}),
        (("r * X[i, j]", "r * X[i, 0]"), ("dw / m", "dw"), ("- y[i]", "+ y[i]"), ("db += r", "db -= r")),
    ),
    "two layers, biases that are rows": (
        """
import numpy as np
def hidden(X, W1, b1):
    return np.maximum(0, X @ W1 + b1)
def cost(X, y, W1, b1, W2, b2):
    z = hidden(X, W1, b1) @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return -np.mean(np.sum(y * np.log(e / e.sum(axis=1, keepdims=True)), axis=1))
def gradient(X, y, W1, b1, W2, b2):
    h = hidden(X, W1, b1)
    z = h @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    d2 = (e / e.sum(axis=1, keepdims=True) - y) / X.shape[0]
    d1 = d2 @ W2.T * (h > 0)
    return X.T @ d1, d1.sum(axis=0, keepdims=True), h.T @ d2, d2.sum(axis=0, keepdims=True)
""",
        ("X:4,3 y:4,5 W1:3,5 b1:5 W2:5,5 b2:5", {"W1", "b1", "W2", "b2"}),
        ((" * (h > 0)", ""),),
    ),
    "least squares": (
        """
import numpy as np
def cost(y, tx, w):
    e = y - tx @ w
    return e @ e / (2 * len(y))
def gradient(y, tx, w):
    return -tx.T @ (y - tx @ w) / len(y)
""",
        ("y:4 tx:4,3 w:3", {"w"}),
        (("return -tx", "return tx"), ("/ len(y)\n", "* 1\n"), ("- tx @ w) /", "- 2 * tx @ w) /")),
    ),
    "a line, in numbers": (
        """
def cost(x, y, w, b):
    total = 0
    for i in range(x.shape[0]):
        total = total + (w * x[i] + b - y[i]) ** 2
    return total / (2 * x.shape[0])
def gradient(x, y, w, b):
    dw = db = 0
    for i in range(x.shape[0]):
        dw = dw + (w * x[i] + b - y[i]) * x[i]
        db = db + (w * x[i] + b - y[i])
    return dw / x.shape[0], db / x.shape[0]
""",
        ("x:4 y:4 w: b:", {"w", "b"}),
        (("* x[i]\n", "* x[i] ** 2\n"), ("return dw / x.shape[0]", "return dw")),
    ),
    "ridge, a dictionary": (
        """
import numpy as np
def cost(X, y, w, b, lam):
    return np.mean((X @ w + b - y) ** 2) + lam * np.sum(w ** 2)
def gradient(X, y, w, b, lam):
    e = X @ w + b - y
    return {"dw": 2 * X.T @ e / len(y) + 2 * lam * w, "db": 2 * e.mean()}
""",
        ("X:4,3 y:4 w:3 b: lam:", {"w", "b"}),
        (("+ 2 * lam", "+ lam"), ("2 * e.mean()", "e.mean()")),
    ),
}


def functions(text: str, folder: Path) -> tuple[Any, Any, ModuleType]:
    (folder / "own.py").write_text(text, encoding="utf-8")
    module = load_definitions(folder / "own.py")
    return module.cost, module.gradient, module


@pytest.mark.parametrize("title", PAIRS)
def test_shapes_are_found_and_can_be_typed(title: str, tmp_path: Path) -> None:
    text, (shapes, _), _ = PAIRS[title]
    cost, _, module = functions(text, tmp_path)
    assert shapes_that_run(cost, read_shapes, scalar=True) == shapes
    assert np.isfinite(cost(**read_shapes(shapes)))
    helper = next(value for value in vars(module).values() if isinstance(value, FunctionType))
    assert shapes_that_run(helper, read_shapes, scalar=False)
    assert shapes_that_run(_with_gradients(cost), read_shapes, scalar=True) == shapes


def _with_gradients(cost: Any) -> Any:
    """Return a function that returns the loss and something else, as one that gives loss and gradients does."""

    @wraps(cost)
    def both(*args: Any, **kwargs: Any) -> Any:
        return cost(*args, **kwargs), {}

    return both


@pytest.mark.slow
@pytest.mark.parametrize("title", PAIRS)
def test_right_code_is_right_and_every_gradient_has_a_verdict(title: str, tmp_path: Path) -> None:
    text, (_, names), _ = PAIRS[title]
    functions(text, tmp_path)
    file = tmp_path / "own.py"
    judged = check_isolated(Request(f"{file}:gradient", None, f"{file}:cost", complete=True))
    assert judged.ok, (judged.report, judged.missing)
    assert {name for name, verdict in judged.report.verdicts.items() if verdict.status == "proved"} == names


@pytest.mark.slow
@pytest.mark.parametrize(("title", "change"), [(title, change) for title, (_, _, changes) in PAIRS.items() for change in changes])
def test_wrong_code_is_wrong(title: str, change: tuple[str, str], tmp_path: Path) -> None:
    text = PAIRS[title][0]
    assert text.count(change[0]) == 1
    functions(text.replace(*change), tmp_path)
    file = tmp_path / "own.py"
    judged = check_isolated(Request(f"{file}:gradient", None, f"{file}:cost"))
    assert not judged.ok, judged.report


DICTIONARIES = {
    "layers, samples are rows": """
def forward(model, X):
    return np.tanh(X @ model['W1'] + model['b1']) @ model['W2'] + model['b2']
def cost(model, X, y):
    e = np.exp(forward(model, X))
    return -np.mean(np.log(e / e.sum(1, keepdims=True))[range(len(y)), y])
""",
    "layers, samples are columns": """
def cost(params, X, Y):
    A = X
    for l in (1, 2):
        A = np.tanh(params['W' + str(l)] @ A + params[f'b{l}'])
    return np.sum((A - Y) ** 2) / Y.shape[1]
""",
    "one weight": """
def cost(params, X, y):
    return np.mean((X @ params['w'] + params['b'] - y) ** 2)
""",
    "a recurrent layer": """
def cost(params, xs, y):
    h = np.zeros(params['Whh'].shape[0])
    for x in xs:
        h = np.tanh(params['Wxh'] @ x + params['Whh'] @ h + params['bh'])
    return np.sum((params['Why'] @ h + params['by'] - y) ** 2)
""",
}
SHAPES = {
    "layers, samples are rows": {"model.W1:3,5", "model.b1:5", "model.W2:5,3", "model.b2:3", "X:4,3", "y:4<2"},
    "layers, samples are columns": {"params.W1:5,4", "params.W2:1,5", "params.b1:5,1", "params.b2:1,1", "X:4,3", "Y:4,3"},
}


@pytest.mark.parametrize("title", DICTIONARIES)
def test_a_dictionary_of_weights_is_made_of_what_is_looked_up_in_it(title: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import numpy as np\n" + DICTIONARIES[title], encoding="utf-8")
    cost = load_definitions(tmp_path / "own.py").cost
    found = shapes_that_run(cost, read_shapes, scalar=True)
    assert set(found.split()) >= SHAPES.get(title, set())
    assert np.isfinite(cost(**read_shapes(found)))


def test_shapes_with_dots_are_inside() -> None:
    found = read_shapes("params.W1:2,3 layers.0.b:4 layers.1.b:5 rate:")
    assert found["params"]["W1"].shape == (2, 3)
    assert [layer["b"].shape for layer in found["layers"]] == [(4,), (5,)]
    with pytest.raises(UserError, match="params is an array already"):
        read_shapes("params:3 params.W:4")


def test_code_that_writes_files_is_not_tried(tmp_path: Path) -> None:
    cost, gradient, _ = functions(
        f"def cost(w):\n    open({str(tmp_path / 'left')!r}, 'w').close()\n    return w\ngradient = cost\n", tmp_path
    )
    assert sample_of_pair(cost, gradient) is None
    assert shapes_that_run(cost, read_shapes, scalar=True) == ""
    assert not (tmp_path / "left").exists()
