"""What a notebook does with cells: `%%check`, and errors that are a line with the line of the cell."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import Any

import pytest

import symbackprop
from symbackprop.errors import SymbackpropError, UserError, in_a_notebook
from symbackprop.notebook import check_cell, load_ipython_extension
from symbackprop.testing import WrongGradient
from symbackprop.verify.report.report import Report


@dataclass
class Done:
    success: bool


@dataclass
class Shell:
    """What of IPython's shell is used: cells are run under a name, with their lines kept for tracebacks."""

    user_ns: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    magics: dict[tuple[str, str], Any] = field(default_factory=dict)
    ran: int = 0
    execution_count: int = 0

    def run_cell(self, cell: str) -> Done:
        self.ran += 1
        name = f"<cell {id(self)} {self.ran}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        try:
            exec(compile(cell, name, "exec"), self.user_ns)
        except ZeroDivisionError:
            return Done(False)
        return Done(True)

    def register_magic_function(self, function: Any, kind: str, name: str) -> None:
        self.magics[kind, name] = function

    def check(self, line: str, cell: str) -> Any:
        return self.magics["cell", "check"](line, cell)


@pytest.fixture
def shell() -> Shell:
    made = Shell()
    load_ipython_extension(made)
    made.run_cell(
        "import numpy as np\ndef loss(W, X):\n    return np.sum((X @ W) ** 2)\n"
        "values = {'W': np.ones((2, 2)), 'X': np.array([[1.0, 2.0], [0.5, -1.0], [0.2, 0.3]])}\n"
    )
    return made


RIGHT = "def gradients(W, X):\n    return {'W': 2 * X.T @ (X @ W)}\n"
LAYER = (
    "class Double:\n    def forward(self, x):\n        return 2 * x\n    def backward(self, dout):\n        return {} * dout\n"
)


def statuses(report: Report) -> list[str]:
    return [str(verdict.status) for verdict in report.verdicts.values()]


def test_a_cell_is_checked_when_it_has_run(shell: Shell) -> None:
    assert statuses(shell.check("loss values", RIGHT)) == ["proved"]
    wrong = shell.check("loss values", RIGHT.replace("2 * X.T", "3 * X.T"))
    assert statuses(wrong) == ["differs"]
    assert [place.line for place in wrong.locations] == [3], "the line of the command is the first"
    assert shell.check("loss values", "1 / 0") is None


def test_what_is_not_named_is_found(shell: Shell) -> None:
    helper = f"%time\ndef helper(W):\n    return W\n{RIGHT}"
    ran = helper.replace("%time", "")
    shell.run_cell(ran)
    assert statuses(check_cell("", helper, shell.user_ns)) == ["proved"], "values with which both run"
    shell.user_ns["example"] = shell.user_ns["values"]
    assert statuses(shell.check("", RIGHT)) == ["proved"]
    assert statuses(shell.check("", LAYER.format("2"))) == ["proved"]
    assert statuses(shell.check("", LAYER.format("3"))) == ["differs"]


def test_a_derivation_is_a_reference_too(shell: Shell) -> None:
    shell.run_cell("from symbackprop import derive\nd = derive(loss, example=values)\n")
    assert statuses(shell.check("d", RIGHT)) == ["proved"]
    assert statuses(shell.check("d", RIGHT.replace("2 *", "4 *"))) == ["differs"]


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        ("los", RIGHT, "%%check: nothing is called los in this notebook. Did you mean loss?"),
        ("loss", "x = 3", "%%check: the cell defines no function; expected one that returns gradients"),
        ("np", RIGHT, "%%check: np: expected a loss, a derivation or an example, got module"),
        ("loss values loss", RIGHT, "%%check: expected LOSS and EXAMPLE, names of this notebook; got loss values loss"),
    ],
)
def test_a_cell_that_cannot_be_checked_is_told(line: str, cell: str, message: str, shell: Shell) -> None:
    with pytest.raises(UserError) as failed:
        shell.check(line, cell)
    assert str(failed.value) == message


def test_an_error_is_one_line_and_the_line_of_the_cell(shell: Shell) -> None:
    with pytest.raises(SymbackpropError) as failed:
        shell.run_cell("from symbackprop import Network\nnet = Network()\nnet.input('x')\n\nnet.input('x')\n")
    assert failed.value._render_traceback_() == [
        "DefinitionError: x: name x is already declared (input); choose another name, e.g. x_2",
        "  line 5: net.input('x')",
    ]
    with pytest.raises(WrongGradient) as wrong:
        shell.run_cell(
            f"from symbackprop.testing import assert_gradient\n{RIGHT.replace('2 *', '3 *')}\n"
            "assert_gradient(loss, gradients, example=values)\n"
        )
    first, *_, last = "\n".join(wrong.value._render_traceback_()).splitlines()
    assert first == "WrongGradient: the handwritten gradient is wrong"
    assert last == "  line 5: assert_gradient(loss, gradients, example=values)"


def test_the_extension_is_found_by_its_name() -> None:
    assert symbackprop.load_ipython_extension is load_ipython_extension


def test_a_cell_of_a_magic_command_is_shown_as_it_was_written() -> None:
    error = UserError("wrong")
    name = "<cell of a magic command>"
    text = "get_ipython().run_cell_magic('check', 'lossy values', 'def f(x):\\n    return 1')\n"
    linecache.cache[name] = (len(text), None, [text], name)
    kernel = type("Kernel", (), {"run_cell_magic": _raising(error)})
    with pytest.raises(UserError):
        exec(compile(text, name, "exec"), {"get_ipython": kernel})
    assert in_a_notebook(error, "wrong") == ["UserError: wrong", "  line 1: %%check lossy values"]


def _raising(error: Exception) -> Any:
    """Return a method that raises, in no file that anybody wrote."""
    names: dict[str, Any] = {"error": error}
    exec("def run(*arguments):\n    raise error", names)
    return names["run"]


def test_a_checked_cell_has_the_number_that_stands_beside_it() -> None:
    shell = Shell()
    shell.user_ns["In"] = ["", "first", "%%check"]
    shell.execution_count, numbers = 3, []
    shell.run_cell = lambda cell: numbers.append(shell.execution_count) or Done(False)  # type: ignore[method-assign]
    load_ipython_extension(shell)
    assert shell.check("", "") is None
    assert (numbers, shell.execution_count) == ([2], 3)
