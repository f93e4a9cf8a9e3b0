"""The reverse sweep: order, names, long chains; and deriving again for second derivatives."""

from __future__ import annotations

from typing import Any

import flint
import pytest
from flint import arb
from sympy import Add, Integer, Sum, Symbol, sin, tanh

from symbackprop import layers
from symbackprop.derive import DerivationRecord, derive
from symbackprop.derive.sweep.records import product_of
from symbackprop.derive.textbook.gradient_network import gradient_network
from symbackprop.errors import UserError
from symbackprop.network import Network, relu, sigmoid, softplus, step
from tests.derive.interpreter import BITS, Machine, Table, check_gradients, relative

# ---- the record -----------------------------------------------------------------------------------------------------------


def small() -> tuple[Network, Any]:
    net = Network("small")
    x, w, b = net.input("x"), net.parameter("w"), net.parameter("b")
    unused = net.parameter("unused")
    net_h = net.define("net_h", w * x + b)
    out = net.define("out", sigmoid(net_h))
    net.define("aside", out * unused)
    return net, net.define("E", (out - 1) ** 2 / 2)


def test_adjoints_come_loss_first_in_reverse_order_of_definition() -> None:
    derivation = derive(*small())
    assert list(derivation.adjoints) == ["E", "out", "net_h", "b", "w", "x"]
    assert derivation.adjoints["E"].expression == 1
    assert [str(adjoint.symbol) for adjoint in derivation.adjoints.values()][:3] == ["dE_dE", "dE_dout", "dE_dnet_h"]


def test_what_the_loss_does_not_depend_on_has_gradient_zero() -> None:
    derivation = derive(*small())
    assert derivation["unused"].expression == 0
    assert derivation["unused"].terms == ()
    assert "aside" not in derivation.adjoints


def test_an_adjoints_name_is_never_a_nodes_name() -> None:
    net = Network()
    w = net.parameter("w")
    clash = net.define("dE_dw", w**2)
    loss = net.define("E", clash * w)
    derivation = derive(net, loss)
    assert str(derivation.adjoints["w"].symbol) == "dE_dw_"
    assert str(derivation.adjoints["dE_dw"].symbol) == "dE_ddE_dw"
    check_gradients(derivation, {}, 1)


def test_two_derivations_are_the_same_to_the_letter() -> None:
    first, second = derive(*small()), derive(*small())
    assert [str(a.expression) for a in first.adjoints.values()] == [str(a.expression) for a in second.adjoints.values()]


def test_conventions_are_carried_along() -> None:
    net = Network()
    w = net.parameter("w")
    loss = net.define("E", net.define("h", relu(w) + step(w)) ** 2)
    functions = [(assumption.node, assumption.function) for assumption in derive(net, loss).assumptions]
    assert sorted(functions) == [("h", "relu"), ("h", "step")]


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("Z", r"the loss must be a scalar, got Z\[n\]"),
        ("w", "the loss must be a defined node, got the parameter w"),
        ("F", r"unknown name F; known: .* Did you mean E\?|unknown name F"),
    ],
)
def test_what_cannot_be_a_loss(loss: str, words: str) -> None:
    net = Network()
    (n,) = net.indices("n:N")
    x, w = net.input("x", n), net.parameter("w")
    z = net.define("Z", n, w * x[n])
    net.define("E", Sum(z[n], n))
    with pytest.raises(UserError, match=words):
        derive(net, loss)


# ---- long, wide and shared --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("length", [1_200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_chain_longer_than_the_recursion_limit(length: int) -> None:
    net = Network("chain")
    w = node = net.parameter("w")
    for at in range(length):
        node = net.define(f"h{at}", sin(node) if at % 2 else node * Integer(3) / 4 + Integer(1) / 5)
    derivation = derive(net, node)
    assert len(derivation.adjoints) == length + 1
    expression = derivation[w].expression
    assert expression.is_Mul
    assert len(expression.args) == length // 2 + 1  # a cosine for each sine, and one number
    with flint.ctx.workprec(BITS):
        machine = Machine(net, {})
        values = machine.forward({"w": {(): arb(1) / 3}})
        slope = machine.slope(derivation.loss, net.nodes["w"], values, {(): arb(1)})
        assert relative(machine.table(expression, (), values)[()], slope) < 1e-25


def test_a_ladder_of_shared_uses_stays_linear() -> None:
    """Every node is used twice; the number of paths is 2^200, the number of contributions 400."""
    net = Network("ladder")
    w = node = net.parameter("w")
    for at in range(200):
        node = net.define(f"h{at}", tanh(node) * node / 2 + node / 2)
    derivation = derive(net, node)
    assert sum(len(adjoint.contributions) for adjoint in derivation.adjoints.values()) <= 400
    with flint.ctx.workprec(BITS):
        machine = Machine(net, {})
        values = machine.forward({"w": {(): arb(2) / 3}})
        slope = machine.slope(derivation.loss, net.nodes["w"], values, {(): arb(1)})
        assert relative(machine.backward(derivation, values)["w"][()], slope) < 1e-25
    assert str(w) == "w"


def test_a_wide_sum_is_read_term_by_term() -> None:
    net = Network("wide")
    weights, inputs = net.parameters("w0:300"), net.inputs("x0:300")
    total = net.define("total", Add(*(w * x for w, x in zip(weights, inputs, strict=True))))
    derivation = derive(net, net.define("E", total**2))
    assert all(derivation[w].terms[0].local == x for w, x in zip(weights, inputs, strict=True))


# ---- deriving again -----------------------------------------------------------------------------------------------------------


def second(derivation: DerivationRecord, first: str, other: str) -> DerivationRecord:
    """Return the derivation of ∂²loss/∂first∂other."""
    return derive(gradient_network(derivation, [first]), str(derivation.adjoints[first].symbol), other)


def logistic_regression() -> tuple[Network, Any]:
    """E = softplus(z) - t z with z = w1 x1 + w2 x2 + b: cross-entropy of a sigmoid; its Hessian is p(1 - p) x_i x_j."""
    net = Network("logistic regression")
    x1, x2, t = (*net.inputs("x1 x2"), net.target("t"))
    w1, w2, b = net.parameters("w1 w2 b")
    z = net.define("z", w1 * x1 + w2 * x2 + b)
    net.define("p", sigmoid(z))
    return net, net.define("E", softplus(z) - t * z)


@pytest.mark.parametrize(("first", "factor"), [("w1", "x1"), ("w2", "x2"), ("b", None)])
@pytest.mark.parametrize(("other", "other_factor"), [("w1", "x1"), ("w2", "x2"), ("b", None)])
def test_hessian_of_logistic_regression(first: str, factor: str | None, other: str, other_factor: str | None) -> None:
    derivation = derive(*logistic_regression())
    hessian = second(derivation, first, other)
    with flint.ctx.workprec(BITS):
        machine = Machine(hessian.network, {})
        values = machine.forward(machine.random(4))
        x = {name: values[name][()] if name else 1 for name in (factor, other_factor)}
        p = values["p"][()]
        found = machine.backward(hessian, values)[other][()]
        assert relative(found, p * (1 - p) * x[factor] * x[other_factor]) < 1e-40


def test_second_derivatives_against_differences_of_the_loss() -> None:
    derivation = derive(*_scalar_net())
    for first in derivation.wrt:
        again = derive(gradient_network(derivation, [first]), str(derivation.adjoints[first].symbol))
        with flint.ctx.workprec(BITS):
            machine = Machine(again.network, {})
            values = machine.forward(machine.random(9))
            found = machine.backward(again, values)
            for other in derivation.wrt:
                expected = _mixed(derivation, values, first, other)
                assert relative(found[other][()], expected) < 1e-20, (first, other)


def _scalar_net() -> tuple[Network, Any]:
    net = Network("second derivatives")
    x, t = net.input("x"), net.target("t")
    w, v, b = net.parameters("w v b")
    h = net.define("h", tanh(w * x + b))
    o = net.define("o", sigmoid(v * h + w * h**2))
    return net, net.define("E", (o - t) ** 2 / 2 + w**2 * v / 7)


def _mixed(derivation: DerivationRecord, values: dict[str, Table], first: str, other: str) -> Any:
    """Return ∂²E/∂first∂other by differences of the loss's own values: E(+,+) - E(+,-) - E(-,+) + E(-,-) over 4h²."""
    machine, h = Machine(derivation.network, {}), arb(2) ** -40
    declared = {name: values[name] for name, node in derivation.network.nodes.items() if not node.defined}

    def at(a: int, b: int) -> Any:
        moved = {**declared, first: {(): declared[first][()] + a * h}}
        moved[other] = {(): moved[other][()] + b * h}
        return machine.forward(moved)[derivation.loss][()]

    return (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h)


def test_deriving_again_with_indices() -> None:
    """The loss of the second derivation is a weighted sum of the first gradient: a Hessian-vector product."""
    net = Network("softmax")
    n, i, k, _ = net.indices("n:N i:D k:K l:K")
    x, t, a = net.input("x", n, i), net.target("t", n, k), net.constant("a", i, k)
    p = layers.softmax(net, "p", layers.dense(net, "z", x, (n, i), k), (n, k))
    derivation = derive(net, layers.cross_entropy(net, "E", p, t, (n, k)))
    again = gradient_network(derivation, ["z_W"])
    gradient = again.nodes["dE_dz_W"].symbol
    hv = again.define("Hv", Sum(gradient[i, k] * a[i, k], i, k))
    errors = check_gradients(derive(again, hv), {"N": 3, "D": 2, "K": 5}, 6, tolerance=1e-25)
    assert "z_W" in errors


def test_gradient_network_keeps_values_facts_and_names() -> None:
    net = Network("kept")
    n, k = net.indices("n:N k:K")
    w, t = net.parameter("w", n, k, value=[[1, 2, 3]]), net.target("t", n, k)
    net.assume(Sum(t[n, k], k), 1, because="one-hot")
    loss = net.define("E", Sum(w[n, k] ** 2 * t[n, k], n, k), note="weighted")
    again = gradient_network(derive(net, loss))
    assert list(again.nodes) == ["w", "t", "E", "dE_dw"]
    assert again.values["w"].tolist() == [[1, 2, 3]]
    assert again.facts == net.facts
    assert (again.nodes["E"].note, again.nodes["dE_dw"].note) == ("weighted", "∂E/∂w")
    assert list(net.nodes) == ["w", "t", "E"]


@pytest.mark.parametrize("names", ["a b", "b a", "w10 w2", "dE_dy x", "Z a", "out_h1 δ", "é e"])
def test_a_product_of_two_symbols_is_that_of_sympy(names: str) -> None:
    first, second = (Symbol(name, real=True) for name in names.split())
    made = product_of(first, second)
    assert made == first * second
    assert made.args == (first * second).args
    assert hash(made) == hash(first * second)
    assert product_of(first, first) == first**2
    assert product_of(first, Integer(1)) == first
