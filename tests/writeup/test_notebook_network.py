"""The cells of a notebook run one after the other, and what they build is the network they came from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from symbackprop import numeric
from symbackprop.writeup.outline.notebook_network import network_source, variable
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.notebook import notebook
from tests.writeup.support import ARRAYS, SCALAR, document, outline_of


def run_cells(name, audience):
    book = json.loads(notebook(outline_of(name, HandoutOptions(audience=audience))))
    space = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "<cell>", "exec"), space)
    return space


@pytest.mark.parametrize("name", ["tanh_neuron", "linear_regression", *(
    pytest.param(name, marks=pytest.mark.slow) for name in ("two_three_two", "mlp_softmax")
)])  # fmt: skip
def test_the_teachers_cells_run_and_the_code_passes_the_check(name, capsys):
    space = run_cells(name, "teacher")
    assert space["report"].ok
    assert "differs" not in capsys.readouterr().out


def true_results(name):
    """The results a worksheet asks for: values by running the network's code, gradients by the same code's backward pass."""
    derivation = document(name)
    given = derivation.network.values
    reached = derivation.network.ancestors(derivation.loss)
    _, gradients = derivation.function()(**{key: given[key] for key in reached if key in given})
    values = numeric.evaluate(derivation, given)
    found = {key: values[key] for key in reached if derivation.network.nodes[key].defined}
    return found | {f"gradient of {key}": value for key, value in gradients.items()}


@pytest.mark.parametrize("name", ["tanh_neuron", pytest.param("two_three_two", marks=pytest.mark.slow), "linear_regression"])
def test_the_students_cells_run_and_answer_nothing(name, capsys):
    space = run_cells(name, "student")
    assert {"loss_and_gradients", "forward", "build", "central_differences"}.isdisjoint(space)
    assert space["gradients"] == {}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["tanh_neuron", "linear_regression", pytest.param("mlp_softmax", marks=pytest.mark.slow)])
def test_the_students_check_knows_right_from_wrong(name, capsys):
    check = run_cells(name, "student")["check"]
    for key, value in true_results(name).items():
        capsys.readouterr()
        check(key, value)
        assert capsys.readouterr().out == f"{key} is right\n"
        check(key, np.asarray(value) * (1 + 2e-5))  # rounded on the way
        assert capsys.readouterr().out == f"{key} is right\n"
        for wrong in (np.asarray(value) * 1.01, -np.asarray(value), np.asarray(value) * 10):
            check(key, wrong + (wrong == 0))
            assert "not right" in capsys.readouterr().out
    check("no such name", 1.0)
    assert "is not asked for" in capsys.readouterr().out


def test_the_students_check_counts_the_entries_that_are_wrong(capsys):
    check = run_cells("linear_regression", "student")["check"]
    wrong = np.array(true_results("linear_regression")["gradient of W"], dtype=float)
    wrong[1, 2] += 1
    check("gradient of W", wrong)
    check("gradient of W", wrong[0])
    assert capsys.readouterr().out == "gradient of W is not right in 1 of 6 entries\ngradient of W has 6 entries, not 3\n"


@pytest.mark.parametrize("name", [*SCALAR, *ARRAYS])
def test_the_rebuilt_network_is_the_same(name):
    derivation = document(name)
    space = {}
    exec(network_source(derivation.network, derivation.loss), space)
    network = space["build"](dict(derivation.network.values))
    for rebuilt in network.nodes.values():
        node = derivation.network.nodes[rebuilt.name]
        assert (rebuilt.role, rebuilt.expression, rebuilt.indices) == (node.role, node.expression, node.indices)
    assert derivation.loss in network.nodes
    assert network.facts == derivation.network.facts


def test_a_name_that_python_keeps_gets_an_underscore():
    assert (variable("lambda"), variable("w1")) == ("lambda_", "w1")
