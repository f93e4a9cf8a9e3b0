"""`assert_gradient`: passes on right code, and fails on wrong code with the diagnosis."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from symbackprop import Network, derive
from symbackprop.testing import assert_gradient

EXAMPLE = {"W": np.array([[0.3, -0.2], [0.5, 0.1]]), "X": np.array([[1.0, 2.0], [0.5, -1.0], [2.5, 1.5]])}


def loss(W, X):
    return np.sum((X @ W) ** 2)


def right(W, X):
    return {"W": 2 * X.T @ (X @ W)}


def wrong(W, X):
    return {"W": X.T @ (X @ W)}


def only_numbers(W, X):
    return {"W": np.array([[float(str(x)) for x in row] for row in right(W, X)["W"]])}


def test_right_code_passes_and_returns_the_report() -> None:
    report = assert_gradient(loss, right, example=EXAMPLE, wrt="W", proved=True)
    assert report["W"].status == "proved"


@pytest.mark.slow
def test_wrong_code_fails_with_the_diagnosis() -> None:
    with pytest.raises(AssertionError) as failure:
        assert_gradient(loss, wrong, example=EXAMPLE, wrt="W")
    message = str(failure.value)
    assert "W      differs   hand = 1/2 · derived" in message
    assert "why" in message


@pytest.mark.slow
def test_agreement_is_not_proof() -> None:
    assert assert_gradient(loss, only_numbers, example=EXAMPLE, wrt="W").ok
    with pytest.raises(AssertionError, match="not proved"):
        assert_gradient(loss, only_numbers, example=EXAMPLE, wrt="W", proved=True)


@pytest.mark.slow
def test_a_missing_gradient_is_an_error_on_request() -> None:
    with pytest.raises(AssertionError, match=r"X\s+error\s+no handwritten gradient"):
        assert_gradient(loss, right, example=EXAMPLE, wrt=["W", "X"])
    network = Network("two weights")
    w, b, x = network.parameter("w"), network.parameter("b"), network.input("x")
    derivation = derive(network, network.define("E", (w * x + b) ** 2))
    assert assert_gradient(derivation, lambda w, b, x: {"w": 2 * (w * x + b) * x}).missing == ("b",)
    with pytest.raises(AssertionError, match="missing: b"):
        assert_gradient(derivation, lambda w, b, x: {"w": 2 * (w * x + b) * x}, complete=True)


STUDENT = "import numpy as np\ndef gradients(W, X):\n    return {{'W': {} * X.T @ (X @ W)}}\n"
CELL = "from symbackprop.testing import assert_gradient\nassert_gradient(loss, gradients, example=example, complete=True)\n"
DOCTEST = ">>> from symbackprop.testing import assert_gradient\n>>> assert_gradient(loss, gradients, example=example).ok\nTrue\n"


def handed_in(factor: int) -> dict[str, object]:
    """Return what a notebook has defined when the cells that test it are run."""
    scope: dict[str, object] = {"example": {"W": np.ones((2, 2)), "X": np.array([[1.0, 2.0], [0.5, -1.0], [0.2, 0.3]])}}
    exec("import numpy as np\ndef loss(W, X):\n    return np.sum((X @ W) ** 2)\n", scope)
    exec(STUDENT.format(factor), scope)
    return scope


def test_in_a_cell_that_graders_of_notebooks_run() -> None:
    exec(CELL, handed_in(2))
    with pytest.raises(AssertionError, match=r"the handwritten gradient is wrong\n.*\n.*differs"):
        exec(CELL, handed_in(3))


@pytest.mark.parametrize(("factor", "failed"), [(2, 0), (3, 1)])
def test_in_a_doctest_that_graders_of_notebooks_run(factor: int, failed: int) -> None:
    test = doctest.DocTestParser().get_doctest(DOCTEST, handed_in(factor), "q1", None, 0)
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == failed
    assert ("the handwritten gradient is wrong" in "".join(said)) == bool(failed)
