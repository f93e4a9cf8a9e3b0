"""Which definitions are one unit, what connects them, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from sympy import Integer, Rational, Sum, exp, tanh

from symbackprop.errors import UserError
from symbackprop.network import Network, relu, sigmoid
from symbackprop.writeup.drawing.unit_graph import UnitKind, find_units, path_to_loss
from tests.writeup.drawings import dense

Units = dict[str, tuple[str, tuple[str, ...], tuple[str, ...], int]]


def units_of(net: Network, loss: object = None) -> Units:
    """Return the units of a network as plain data: kind, members, tags, column."""
    graph = find_units(net, loss)
    return {unit.name: (unit.kind.value, unit.members, unit.tags, unit.column) for unit in graph.units}


def links_of(net: Network, loss: object = None) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(link.source, link.target, link.weights) for link in find_units(net, loss).links}


def test_the_2_3_2_network(two_three_two: Network) -> None:
    units = units_of(two_three_two)
    assert units["l2"] == ("input", ("l2",), (), 0)
    assert units["h3"] == ("hidden", ("net_h3", "out_h3"), ("b1",), 1)
    assert units["o1"] == ("output", ("net_o1", "out_o1"), ("b2",), 2)
    assert units["E_o2"] == ("loss", ("E_o2",), ("target_o2",), 3)
    assert units["E_total"] == ("loss", ("E_total",), (), 4)
    assert len(units) == 10
    links = links_of(two_three_two)
    assert {("l1", "h1", ("w1",)), ("l2", "h3", ("w6",)), ("h3", "o1", ("w11",)), ("o2", "E_o2", ())} <= links
    assert len(links) == 16


def test_units_are_called_by_what_their_members_share(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("two_two_one", "network")
    units = units_of(module.network, module.loss)
    assert list(units) == ["x1", "x2", "h1", "h2", "y_pred", "L"]
    assert units["y_pred"][1] == ("sum_o1", "y_pred")


def test_only_what_the_loss_needs_is_found(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("tanh_neuron", "network")
    assert list(units_of(module.network, "loss")) == ["x1", "x2", "o1", "loss"]


def test_a_layer_of_tensors_is_a_unit(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("mlp_softmax", "network")
    units = units_of(module.network, module.loss)
    assert units["A1"] == ("hidden", ("Z1", "A1"), ("b1",), 1)
    assert units["P"] == ("output", ("Z2", "P"), ("b2",), 2)
    assert units["E"] == ("loss", ("E",), ("t",), 3)
    assert links_of(module.network, module.loss) == {("X", "A1", ("W1",)), ("A1", "P", ("W2",)), ("P", "E", ())}


@pytest.fixture
def small() -> Network:
    """A network with all sorts of definitions."""
    net = Network("odd")
    x, y = net.inputs("x y")
    w, v, b = net.parameters("w v b")
    c = net.constants("c")
    direct = net.define("direct", sigmoid(w * x + v * y + b))  # activation and sum in one definition
    twice = net.define("twice", w * direct + v * direct)  # two weights on one link
    scaled = net.define("scaled", c * twice)  # merely scaled: its own unit
    bent = net.define("bent", tanh(scaled))
    product = net.define("product", bent * x)  # no weight, a link over columns
    net.define("E", (net.targets("t") - product) ** 2 + Rational(1, 2) * b**2)
    return net


def test_odd_definitions(small: Network) -> None:
    units = units_of(small)
    assert units["direct"][:3] == ("hidden", ("direct",), ("b",))
    assert units["bent"] == ("hidden", ("scaled", "bent"), ("c",), 3)
    assert units["product"] == ("output", ("product",), (), 4)
    assert units["E"][2] == ("b", "t")
    assert links_of(small) == {
        ("x", "direct", ("w",)),
        ("y", "direct", ("v",)),
        ("direct", "twice", ("w", "v")),
        ("twice", "bent", ()),
        ("bent", "product", ()),
        ("x", "product", ()),
        ("product", "E", ()),
    }


def test_a_sum_with_two_activations_stays_apart() -> None:
    net = Network("gate")
    z = net.define("z", net.parameters("w") * net.inputs("x"))
    first, second = net.define("first", tanh(z)), net.define("second", relu(z))
    net.define("E", first * second)
    units = units_of(net)
    assert [units[name][1] for name in ("z", "first", "second")] == [("z",), ("first",), ("second",)]


def test_a_shift_is_no_activation() -> None:
    net = Network("shift")
    z = net.define("z", net.parameters("w") * net.inputs("x"))
    net.define("E", net.define("moved", 3 * z + 1) ** 2)
    assert units_of(net)["z"][1] == ("z",)


def test_a_reduction_is_no_activation() -> None:
    net = Network("pool")
    n, i = net.indices("n:N i:D")
    x, w = net.input("x", n, i), net.parameter("w", i)
    z = net.define("z", n, i, x[n, i] * w[i])
    pooled = net.define("pooled", n, Sum(exp(z[n, i]), i))
    net.define("E", Sum(pooled[n], n))
    assert units_of(net)["z"][1] == ("z",)


def test_an_input_stands_next_to_what_it_first_enters() -> None:
    net = Network("unrolled")
    state: object = Integer(0)
    w, u = net.parameters("w u")
    for k in range(1, 4):
        x = net.inputs(f"x{k}")
        state = net.define(f"s{k}", tanh(w * x + u * state))
    net.define("E", (net.targets("t") - state) ** 2)
    units = units_of(net)
    assert [units[f"x{k}"][3] for k in (1, 2, 3)] == [0, 1, 2]
    assert [units[f"s{k}"][3] for k in (1, 2, 3)] == [1, 2, 3]


def test_names_that_clash_fall_back_to_the_last_member() -> None:
    net = Network("clash")
    x, h1 = net.inputs("x h1")
    z = net.define("net_h1", net.parameters("w") * x)
    net.define("E", net.define("out_h1", sigmoid(z)) * h1)
    assert "out_h1" in units_of(net)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 2), (4, 6, 6, 4)])
def test_dense_networks_have_their_sizes_as_columns(sizes: tuple[int, ...]) -> None:
    graph = find_units(*dense(*sizes))
    assert tuple(len(column) for column in graph.columns) == (*sizes, 1)
    assert [unit.kind for unit in graph.columns[-2]] == [UnitKind.OUTPUT] * sizes[-1]


def test_the_path_of_a_weight(two_three_two: Network) -> None:
    assert path_to_loss(two_three_two, "w7") == ("w7", "net_o1", "out_o1", "E_o1", "E_total")
    path = path_to_loss(two_three_two, "w1")
    assert {"w1", "net_h1", "out_h1", "net_o2", "E_o2"} <= set(path)
    assert "net_h2" not in path


def test_a_path_that_is_not_there(two_three_two: Network) -> None:
    with pytest.raises(UserError, match="E_o1 does not depend on w8"):
        path_to_loss(two_three_two, "w8", "E_o1")
    with pytest.raises(UserError, match="Did you mean w1"):
        path_to_loss(two_three_two, "w1x")


def test_nothing_to_draw() -> None:
    net = Network("empty")
    net.inputs("x")
    with pytest.raises(UserError, match="nothing is defined"):
        find_units(net)
