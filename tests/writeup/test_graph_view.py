"""The computational graph: nodes, uses, local derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import pytest

from symbackprop.errors import UserError
from symbackprop.formula.tree.build import multiply, subtract
from symbackprop.formula.tree.tree import Number
from symbackprop.network import Network
from symbackprop.writeup.drawing.graph_view import graph_picture
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.drawing.unit_graph import path_to_loss
from tests.writeup.drawings import faults, read_drawing


def test_nodes_are_definitions_and_edges_are_uses(two_three_two: Network) -> None:
    drawn = read_drawing(svg(graph_picture(two_three_two)))
    defined = {f"unit-{node.name}" for node in two_three_two.nodes.values() if node.defined}
    assert set(drawn.bodies) == defined
    uses = {
        f"edge-{parent}-{node.name}"
        for node in two_three_two.nodes.values()
        for parent in node.parents
        if two_three_two.nodes[parent].defined
    }
    assert set(drawn.lines) == uses
    assert drawn.labels == {}


def test_every_use_points_downwards(two_three_two: Network, local_texts: Mapping[tuple[str, str], str]) -> None:
    drawn = read_drawing(svg(graph_picture(two_three_two, locals_=local_texts)))
    assert all(line[0][1] < line[-1][1] for line in drawn.lines.values())


def test_local_derivatives_stand_on_their_edges(two_three_two: Network, local_texts: Mapping[tuple[str, str], str]) -> None:
    drawn = read_drawing(svg(graph_picture(two_three_two, locals_=local_texts, values={"out_h1": "0.91"})))
    assert drawn.texts["edge-w1-net_h1"] == ["l1"]
    assert drawn.texts["edge-out_h1-net_o2"] == ["w8"]
    shown = drawn.texts["edge-net_h1-out_h1"][0].replace("\u00a0", "").replace(" ", "")
    assert shown == "outh1·(1−outh1)"
    assert drawn.texts["unit-out_h1"] == ["outh1", "0.91"]
    assert {"unit-w1", "unit-w7"} <= set(drawn.bodies)


def test_a_formula_is_as_good_as_a_text(two_three_two: Network) -> None:
    local = {("out_h1", "net_h1"): multiply("out_h1", subtract(Number("1"), "out_h1"))}
    drawn = read_drawing(svg(graph_picture(two_three_two, locals_=local)))
    assert drawn.texts["edge-net_h1-out_h1"][0].startswith("outh1·(1")


def test_declared_names_appear_where_they_are_needed(two_three_two: Network) -> None:
    def leaves(**options: object) -> set[str]:
        drawn = read_drawing(svg(graph_picture(two_three_two, **options)))  # type: ignore[arg-type]
        return {name.removeprefix("unit-") for name in drawn.bodies} - {n.name for n in two_three_two.nodes.values() if n.defined}

    assert leaves() == set()
    assert leaves(highlight=path_to_loss(two_three_two, "w5")) == {"w5"}
    assert leaves(show=("w1", "l1", "target_o2")) == {"w1", "l1", "target_o2"}
    everything = [node.name for node in two_three_two.nodes.values() if not node.defined]
    assert leaves(show=everything) == set(everything)


def test_the_whole_graph_is_readable(two_three_two: Network) -> None:
    everything = [node.name for node in two_three_two.nodes.values() if not node.defined]
    found = faults(read_drawing(svg(graph_picture(two_three_two, show=everything))))
    assert [fault for fault in found if " over " in fault or "off the sheet" in fault] == []


def test_tensors_have_the_same_graph(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("mlp_softmax", "network")
    drawn = read_drawing(
        svg(graph_picture(module.network, module.loss, highlight=path_to_loss(module.network, "W1", module.loss)))
    )
    assert set(drawn.bodies) == {f"unit-{name}" for name in ("W1", "Z1", "A1", "Z2", "P", "E")}


def test_texts_for_edges_that_are_not_there_are_refused(two_three_two: Network) -> None:
    with pytest.raises(UserError, match=r"net_h2 does not use w1; w1 is used by net_h1"):
        graph_picture(two_three_two, locals_={("net_h2", "w1"): "l1"})
    with pytest.raises(UserError, match=r"w1 is not shown; add it to show="):
        graph_picture(two_three_two, locals_={("net_h1", "w1"): "l1"}, show=())
    with pytest.raises(UserError, match=r"highlight: unknown name h1"):
        graph_picture(two_three_two, highlight=("h1",))
