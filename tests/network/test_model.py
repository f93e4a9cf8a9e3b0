"""The network: what its calls return, what it keeps, and in which order."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, Symbol

from symbackprop.errors import DefinitionError, UserError
from symbackprop.network import Network, Role, sigmoid


def test_scalars_are_symbols_in_sympys_naming_syntax() -> None:
    net = Network()
    assert net.inputs("l1 l2", values=(5, 10)) == (Symbol("l1", real=True), Symbol("l2", real=True))
    assert [w.name for w in net.parameters("w1:4")] == ["w1", "w2", "w3"]
    assert net.targets("t") == Symbol("t", real=True)
    assert dict(net.values) == {"l1": 5.0, "l2": 10.0}


def test_arrays_are_indexed_bases_with_shapes() -> None:
    net = Network()
    n, i = net.indices("n:N i:3")
    x = net.input("X", n, i, value=[[1, 2, 3], [4, 5, 6]])
    assert isinstance(x, IndexedBase)
    assert isinstance(n, Idx)
    node = net.nodes["X"]
    assert (node.entry, str(node.shape), node.role) == (x[n, i], "(N, 3)", Role.INPUT)
    assert net.sizes() == {"N": 2}
    assert net.sizes({"X": np.zeros((7, 3))}) == {"N": 7}


def test_definitions_know_their_parents_in_order_of_declaration() -> None:
    net = Network()
    x, w = net.input("x"), net.parameter("w")
    h = net.define("h", sigmoid(w * x), note="hidden")
    net.define("o", h * x + w)
    assert net.nodes["o"].parents == ("x", "w", "h")
    assert [(node.name, node.position) for node in net.nodes.values()] == [("x", 0), ("w", 1), ("h", 2), ("o", 3)]
    assert (net.nodes["h"].note, net.nodes["h"].defined, net.nodes["x"].defined) == ("hidden", True, False)
    assert [node.name for node in net.of_role(Role.PARAMETER)] == ["w"]


def test_a_node_is_found_by_name_symbol_base_or_entry() -> None:
    net = Network()
    (n,) = net.indices("n:N")
    v, c = net.input("v", n), net.constant("c")
    for key in ("v", v, v[n]):
        assert net.node(key).name == "v"
    assert net.node(c).name == "c"
    with pytest.raises(UserError, match=r"unknown name d; known: v, c"):
        net.node("d")


def test_nodes_and_values_cannot_be_changed_from_outside() -> None:
    net = Network()
    net.input("x", value=1)
    with pytest.raises(TypeError):
        net.nodes["y"] = net.nodes["x"]  # type: ignore[index]
    with pytest.raises(TypeError):
        net.values["x"] = 2  # type: ignore[index]


def test_values_are_replaced_by_set_values() -> None:
    net = Network()
    (n,) = net.indices("n:N")
    net.input("v", n, value=[1, 2])
    net.set_values({"v": [1, 2, 3]})
    assert net.sizes() == {"N": 3}


def test_a_refused_value_leaves_no_trace() -> None:
    net = Network()
    (n,) = net.indices("n:N")
    net.input("v", n, value=[1, 2])
    with pytest.raises(UserError, match="N is 2 in v but 3 in u"):
        net.input("u", n, value=[1, 2, 3])
    assert list(net.nodes) == ["v"]
    assert list(net.values) == ["v"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": np.zeros(5), "w": np.zeros(2), "y": np.zeros(3)}, "y should have"),
        ({"x": np.zeros(5), "w": np.zeros(6), "y": np.zeros(1)}, "y should have"),
    ],
)
def test_sizes_computed_from_others_are_checked(values: dict[str, object], words: str) -> None:
    net = Network()
    s, u, t = net.indices("s:T u:F t:T-F+1")
    net.input("x", s), net.input("w", u), net.input("y", t)
    with pytest.raises(UserError, match=words):
        net.sizes(values)
    assert net.sizes({"x": np.zeros(5), "w": np.zeros(2), "y": np.zeros(4)}) == {"T": 5, "F": 2}


def test_a_size_is_a_positive_integer_symbol() -> None:
    net = Network()
    net.indices("n:N t:T-F+1")
    assert net.size("N").is_positive
    assert str(net.size("T-F+1")) == "-F + T + 1"


def test_facts_are_kept_with_their_reason() -> None:
    net = Network()
    n, k = net.indices("n:N k:K")
    t = net.target("t", n, k)
    net.assume(Sum(t[n, k], k), 1, because="one-hot")
    (fact,) = net.facts
    assert (fact.left, fact.right, fact.because) == (Sum(t[n, k], k), 1, "one-hot")


def test_declaring_the_same_index_again_is_the_same_index() -> None:
    net = Network()
    assert net.indices("n:N") == net.indices("n:N")
    assert list(net.declared_indices) == ["n"]


def test_ancestors_and_what_lies_between() -> None:
    net = Network("two paths")
    x, w, unused = net.input("x"), net.parameter("w"), net.parameter("unused")
    a = net.define("a", w * x)
    b = net.define("b", w + 1)
    net.define("aside", unused * x)
    net.define("E", a * b)
    assert net.ancestors("E") == ("x", "w", "a", "b", "E")
    assert net.ancestors("a", "aside") == ("x", "w", "unused", "a", "aside")
    assert net.between("w", "E") == ("w", "a", "b", "E")
    assert net.between("x", "E") == ("x", "a", "E")
    assert net.between("unused", "E") == ()
    assert net.between("a", "a") == ("a",)


def test_a_long_chain_has_its_ancestors() -> None:
    net = Network("chain")
    node = net.input("x0")
    for at in range(1, 2000):
        node = net.define(f"x{at}", node + 1)
    assert len(net.ancestors("x1999")) == len(net.between("x0", "x1999")) == 2000


@pytest.mark.parametrize(("one", "other"), [("ϕ", "φ"), ("ﬁ", "fi"), ("x𝐚", "xa"), ("w²", "w2"), ("ℓ", "l")])
def test_names_that_python_takes_for_one_are_one(one: str, other: str) -> None:
    net = Network("names")
    symbol = net.parameter(one, value=2.0)
    assert list(net.nodes) == [other]
    assert str(symbol) == other
    with pytest.raises(DefinitionError, match=f"name {other} is already declared"):
        net.input(other)
    with pytest.raises(DefinitionError, match=f"name {other} is already declared"):
        net.define(one, 2 * symbol)
    assert net.node(one) is net.node(other)
    net.define("E", symbol**2)
    net.set_values({one: 3.0})
    assert net.values == {other: 3.0}


def test_an_index_and_a_node_that_python_takes_for_one_clash() -> None:
    net = Network("names")
    net.indices("φ:N")
    with pytest.raises(DefinitionError, match="name φ is already an index"):
        net.parameter("ϕ")
