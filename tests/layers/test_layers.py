"""Layers: gradients, which no layer states, against torch in float64 and against differences of 200-bit numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb
from sympy import tanh

from symbackprop import derive, layers
from symbackprop.errors import DefinitionError
from symbackprop.network import Network, Role
from symbackprop.numeric import function
from tests.derive.interpreter import check_gradients
from tests.layers.cases import CASES, ONES, ORDINARY, Case

RANDOM_SHAPES = 3
QUICK = {"dense", "layer_norm", "causal_attention", "cross_entropy_of_labels", "average_pool1d"}
CASE = pytest.mark.parametrize(
    "case", [pytest.param(c, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, c in CASES.items()]
)


def sizes_of(case: Case, trial: int) -> dict[str, int]:
    """Return sizes: ordinary ones, all of size 1, then random ones."""
    if trial < 2:
        return {**ORDINARY, **case.sizes} if not trial else dict(ONES)
    rng = np.random.default_rng(trial)
    drawn = {name: int(rng.integers(1, 6)) for name in ORDINARY}
    return {**drawn, **{name: size + int(rng.integers(0, 3)) for name, size in case.sizes.items()}}


def exact(value: Any) -> dict[tuple[int, ...], Any]:
    """Return a value as a table of exact numbers."""
    array = np.asarray(value)
    return {place: arb(array[place].item()) for place in np.ndindex(array.shape)}


@CASE
def test_gradients_are_those_of_torch(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="torch, the judge of this test, is not installed")
    net, loss = case.network()
    names = [node.name for node in net.nodes.values() if node.role in (Role.PARAMETER, Role.INPUT)]
    made = function(derive(net, loss, names))
    for trial in range(2 + RANDOM_SHAPES):
        values = case.values(net, sizes_of(case, trial), trial)
        tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=name in names) for name, value in values.items()}
        expected = case.loss(torch, tensors)
        found, gradients = made(**{name: values[name] for name in made.arguments})
        assert found == pytest.approx(float(expected.detach()), rel=1e-10, abs=1e-10)
        judged = torch.autograd.grad(expected, [tensors[name] for name in names], allow_unused=True)
        for name, gradient in zip(names, judged, strict=True):
            true = np.zeros(np.shape(values[name])) if gradient is None else gradient.numpy()
            np.testing.assert_allclose(gradients[name], true, rtol=1e-10, atol=1e-10, err_msg=f"{name} at trial {trial}")


@CASE
def test_gradients_of_all_nodes_are_differences(case: Case) -> None:
    net, loss = case.network()
    small = {**ORDINARY, "K": 3, "H": 2, "T": 3, "R": 3, "N": 2, **case.sizes}
    given = {name: exact(value) for name, value in case.values(net, small, 7).items()}
    errors = check_gradients(derive(net, loss), small, 7, tolerance=1e-23, given=given)
    assert {node.name for node in net.of_role(Role.PARAMETER)} <= set(errors)


def test_the_judge_sees_a_wrong_layer() -> None:
    """What is compared can differ: values of one layer do not pass for another's."""
    net, loss = CASES["layer_norm"].network()
    made = function(derive(net, loss))
    values = CASES["layer_norm"].values(net, ORDINARY, 0)
    _, gradients = made(**{name: values[name] for name in made.arguments})
    other, loss = CASES["batch_norm"].network()
    _, others = function(derive(other, loss))(**{name: values[name] for name in made.arguments})
    assert not np.allclose(gradients["y_gamma"], others["y_gamma"], rtol=1e-3)


def test_names_and_shapes_of_a_dense_layer() -> None:
    net = Network()
    n, i, j = net.indices("n:N i:D j:K")
    layers.dense(net, "h", net.input("x", n, i), (n, i), j, activation=tanh)
    assert {name: str(node.shape) for name, node in net.nodes.items()} == {
        "x": "(N, D)",
        "h_W": "(D, K)",
        "h_b": "(K,)",
        "h_net": "(N, K)",
        "h": "(N, K)",
    }


@pytest.mark.slow
def test_only_definitions_no_gradients() -> None:
    """What a layer adds is declared or defined, so nothing but the sweep differentiates it."""
    for case in CASES.values():
        net, _ = case.network()
        assert all(node.defined or not node.parents for node in net.nodes.values())


def test_every_layer_is_tried() -> None:
    sources = " ".join(name for case in CASES.values() for name in case.build.__code__.co_names)
    within = {"gru_cell": "gru", "lstm_cell": "lstm", "rnn_cell": "rnn", "scalar_mlp": "gru"}  # tried by what is made of them
    assert [name for name in layers.__all__ if within.get(name, name) not in sources.split()] == []


def test_textbook_names_of_a_scalar_network() -> None:
    net, loss = layers.scalar_mlp(2, 3, 2)
    assert loss.name == "E_total"
    assert [node.name for node in net.of_role(Role.PARAMETER)] == [
        *("w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"),
        *("w7", "w8", "w9", "b4", "w10", "w11", "w12", "b5"),
    ]
    assert str(net.nodes["net_o2"].expression) == "b5 + out_h1*w10 + out_h2*w11 + out_h3*w12"
    values = {node.name: 0.1 * at for at, node in enumerate(net.nodes.values(), start=1) if not node.defined}
    check_gradients(derive(net, loss), {}, 3, tolerance=1e-25)
    assert derive(net, loss)["w1"].terms
    assert len(values) == 21


def test_a_deeper_scalar_network_counts_its_layers() -> None:
    net, _ = layers.scalar_mlp(1, 2, 2, 1, activation=tanh, one_bias_a_layer=True)
    assert {"h1_1", "h2_2"} <= {name.removeprefix("out_") for name in net.nodes}
    assert [node.name for node in net.of_role(Role.PARAMETER) if node.name.startswith("b")] == ["b1", "b2", "b3"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda net, n, i: layers.batch_norm(net, "y", net.input("x", i), (i,), 1), "at least one sample index"),
        (
            lambda net, n, i: layers.average_pool1d(net, "y", net.input("x", n), (n,), n, i),
            r"expected a number as size of i, got D; give a stride, or declare indices\('i:2'\)",
        ),
        (
            lambda net, n, i: layers.rnn(net, "y", net.input("x", n, i), (n, i, n), *net.indices("j:H"), net.input("h", n)),
            "expected a number of steps as size of i, got D",
        ),
        (
            lambda net, n, i: layers.dense(net, "y", net.input("x", i), (n, i), *net.indices("j:H")),
            r"x\[n, i\]: expected 1 indices",
        ),
        (lambda net, n, i: layers.scalar_mlp(2), "at least an input and an output layer"),
    ],
)
def test_what_is_wrong_is_said(wrong: Any, words: str) -> None:
    net = Network()
    n, i = net.indices("n:N i:D")
    with pytest.raises(DefinitionError, match=words) as caught:
        wrong(net, n, i)
    assert "\n" not in str(caught.value)
