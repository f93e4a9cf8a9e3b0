"""Code as formulas: each is evaluated again, by an interpreter of its own, and gives the code's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flint import arb

from symbackprop import Network, explain
from symbackprop.capturing.explanation_text import FORMATS, Explanation
from symbackprop.cli import cli
from tests.capturing.passes import backward, dense, structured
from tests.capturing.passes.case import Case
from tests.derive.interpreter import Machine

CASES = {case.name: case for case in backward.CASES}
FAST = ("softmax_loss", "scalar_net")


def interpreted(network: Network) -> dict[str, Any]:
    """Return the values of all nodes at the example's, by the interpreter of the tests, 200 bits."""
    machine = Machine(network, network.sizes())
    given = {
        name: {place: arb(float(np.asarray(value)[place])) for place in np.ndindex(np.shape(value))}
        for name, value in network.values.items()
    }
    return {name: np.array([float(entry.mid()) for entry in table.values()]) for name, table in machine.forward(given).items()}


def explained(case: Case) -> None:
    """Compare what is returned with what the formulas give, and the formulas that are stated."""
    explanation = explain(case.function, case.example)
    assert explanation.lines
    returned = case.function(**case.example)
    found = (
        returned if isinstance(returned, dict) else dict(enumerate(returned)) if isinstance(returned, tuple) else {"": returned}
    )
    values = interpreted(explanation.network)
    for path, value in found.items():
        name = explanation.results.get(str(path))
        if name is not None:
            np.testing.assert_allclose(values[name], np.ravel(value), rtol=1e-9, atol=1e-12)
    shown = {line.name: line.text for line in explanation.lines}
    assert {name: shown[name] for name in case.shows} == case.shows


@pytest.mark.parametrize("name", FAST)
def test_a_backward_pass_is_explained(name: str) -> None:
    explained(CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in FAST])
def test_every_backward_pass_is_explained(name: str) -> None:
    explained(CASES[name])


@pytest.fixture(scope="module")
def affine() -> Explanation:
    return explain(CASES["affine"].function, CASES["affine"].example)


@pytest.mark.slow
def test_results_are_named(affine: Explanation) -> None:
    assert affine.results == {"0": "dx", "1": "dw", "2": "db"}


def test_code_and_line_stand_beside_the_formula(affine: Explanation) -> None:
    lines = {line.name: line for line in affine.lines}
    assert lines["db"].code == "db = np.sum(dout, axis=0)"
    assert lines["db"].text == "db[i] = Σ_n dout[n,i]"
    assert lines["db"].shape == "(I,)"


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_shows_every_variable(form: str, affine: Explanation) -> None:
    written = FORMATS[form](affine)
    assert all(line.code in written for line in affine.lines)


def test_code_is_escaped_in_html() -> None:
    def f(x: Any) -> Any:
        y = x * (x < 1)  # <b>&
        return y  # noqa: RET504

    assert "&lt;b&gt;&amp;" in FORMATS["html"](explain(f, {"x": np.array([0.5, 2.0, -1.0])}))


def test_the_command_line_explains(tmp_path: Any) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def backward(x, dout):\n    dw = x.T @ dout\n    return dw\n")
    result = CliRunner().invoke(cli, ["explain", f"{file}:backward", "--shapes", "x:5,3 dout:5,4"])
    assert result.exit_code == 0, result.output
    assert "dw[i,j] = Σ_n" in result.output
    assert "2: dw = x.T @ dout" in result.output


def test_the_command_line_derives_a_forward_pass(tmp_path: Any) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import numpy as np\ndef loss(X, W, t):\n    y = np.tanh(X @ W)\n    return np.sum((y - t) ** 2) / len(X)\n")
    arguments = ["--shapes", "X:5,3 W:3,2 t:5,2"]
    derived = CliRunner().invoke(cli, ["derive", f"{file}:loss", *arguments])
    assert derived.output.strip() == "∂loss/∂W[i,j] = 2/N·Σ_n (y[n,j] - t[n,j])·(1 - y[n,j]²)·X[n,i]"
    assert "def loss_and_gradients(X, W, t)" in CliRunner().invoke(cli, ["code", f"{file}:loss", *arguments]).output


@pytest.mark.slow
@pytest.mark.parametrize("case", [dense.CASES[0], structured.CASES[0]], ids=lambda case: case.name)
def test_forward_passes_are_explained_too(case: Case) -> None:
    explained(Case(case.function, case.example))


def test_a_function_that_returns_nothing_is_said_to() -> None:
    def forgets(x, w):
        y = x @ w  # noqa: F841

    def gives(x, w):
        return x @ w

    def writes(x, out):
        out[...] = 2 * x

    example = {"x": np.ones((4, 3)), "w": np.ones((3, 2))}
    assert "forgets returns nothing: is a `return` missing, or" in FORMATS["text"](explain(forgets, example))
    assert "returns nothing" not in FORMATS["text"](explain(gives, example))
    assert "returns nothing" not in FORMATS["text"](explain(writes, {"x": np.ones(3), "out": np.zeros(3)}))
