"""The cells of a notebook run one after the other, and what they build is the network they came from."""

from __future__ import annotations

import json

import pytest

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


def test_the_students_cells_run_and_hold_no_gradient():
    space = run_cells("tanh_neuron", "student")
    assert "loss_and_gradients" not in space
    assert space["gradients"] == {}


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
