"""Diagrams as a page uses them: identifiers, values, highlighting, views, errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.network import Network, sigmoid
from symbackprop.writeup.drawing.diagram import network_picture
from symbackprop.writeup.drawing.faces import DiagramWords
from symbackprop.writeup.drawing.graph_view import graph_picture
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.drawing.tikz import tikz
from symbackprop.writeup.drawing.unit_graph import path_to_loss
from tests.writeup.drawings import SVG, dense, faults, read_drawing

VALUES = {
    "w1": "0.1234",
    "w7": "-0.4321",
    "l1": "5.25",
    "b1": "0.3579",
    "target_o1": "0.0101",
    "net_h1": "2.3571",
    "E_total": "0.3919",
}


def groups(text: str) -> dict[str, ET.Element]:
    """Return the items of an SVG by identifier."""
    return {group.attrib["id"]: group for group in ET.fromstring(text).iter(f"{SVG}g")}


def numbers(text: str) -> set[str]:
    """Return the decimal numbers in a text."""
    return set(re.findall(r"\d*\.\d+", text))


# ---- identifiers and structure ---------------------------------------------------------------------------------------


def test_every_element_can_be_pointed_at(two_three_two: Network) -> None:
    text = svg(network_picture(two_three_two))
    found = groups(text)
    expected = {f"edge-w{k}" for k in range(1, 13)} | {
        "unit-l1",
        "unit-h3",
        "unit-o2",
        "unit-E_total",
        "bias-b1-h2",
        "target-target_o1",
    }
    assert expected <= set(found)
    assert found["edge-w7"].attrib["data-names"] == "w7"
    assert found["unit-h1"].attrib["data-names"].split() == ["h1", "net_h1", "out_h1"]
    assert found["edge-w7"].attrib["class"].split() == ["sb-item", "sb-edge"]
    assert found["unit-o1"].attrib["class"].split() == ["sb-item", "sb-output"]
    assert found["edge-w7"].findtext(f"{SVG}title") == "w7: h1 → o1"
    assert found["bias-b1-h2"].attrib["data-names"] == "b1"


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 3, 2), (2, 2, 1), (4, 6, 6, 4), (1, 1, 1), (12, 20, 3)])
def test_identifiers_are_unique_and_prefixed(sizes: tuple[int, ...]) -> None:
    root = ET.fromstring(svg(network_picture(*dense(*sizes)), prefix="fig2-"))
    identifiers = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(identifiers) == len(set(identifiers))
    assert all(identifier.startswith("fig2-") for identifier in identifiers)
    assert set(root.attrib["aria-labelledby"].split()) <= set(identifiers)


def test_a_weight_on_two_links_has_two_identifiers() -> None:
    net = Network("tied")
    w, v = net.parameters("w v")
    first = net.define("first", sigmoid(w * net.inputs("x")))
    second = net.define("second", sigmoid(w * first))
    net.define("E", (net.targets("t") - v * second) ** 2)
    found = groups(svg(network_picture(net)))
    assert {"edge-x-first", "edge-first-second"} <= set(found)
    assert found["edge-x-first"].attrib["data-names"] == found["edge-first-second"].attrib["data-names"] == "w"


def test_it_is_described_in_words(two_three_two: Network) -> None:
    root = ET.fromstring(svg(network_picture(two_three_two)))
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == "Network diagram: 2-3-2 sigmoid network"
    assert "h1, h2, h3 → o1, o2" in (root.findtext(f"{SVG}desc") or "")
    own = ET.fromstring(svg(network_picture(two_three_two, title="A < B & C")))
    assert own.findtext(f"{SVG}title") == "A < B & C"


def test_items_can_be_reached_with_the_keyboard(two_three_two: Network) -> None:
    root = ET.fromstring(svg(network_picture(two_three_two), focusable=True))
    assert root.attrib["role"] == "group"
    reachable = [group for group in root.iter(f"{SVG}g") if group.attrib.get("tabindex") == "0"]
    assert {group.attrib["id"] for group in reachable} >= {"edge-w1", "unit-h1"}
    assert all(group.attrib["aria-label"] for group in reachable)
    assert "tabindex" not in svg(network_picture(two_three_two))


def test_words_and_notation_are_the_readers(two_three_two: Network) -> None:
    words = DiagramWords("网络图", "计算图", "输入层", "隐藏层", "输出层", "损失")
    text = svg(network_picture(two_three_two, words=words, notation=Notation(names={"w7": r"\omega"})))
    assert "隐藏层" in text
    assert "hidden</text>" not in text
    assert read_drawing(text).texts["edge-w7"] == ["ω"]
    assert faults(read_drawing(text)) == []


# ---- values ----------------------------------------------------------------------------------------------------------


def test_values_stand_where_they_belong(two_three_two: Network) -> None:
    drawn = read_drawing(svg(network_picture(two_three_two, values=VALUES)))
    assert drawn.texts["edge-w1"] == ["w1=0.1234"]
    assert drawn.texts["edge-w7"][0].endswith("−0.4321")
    assert drawn.texts["unit-h1"][0] == "h1"
    assert drawn.texts["unit-h1"][1].startswith("net")
    assert drawn.texts["unit-h1"][1].endswith("2.3571")
    assert drawn.texts["unit-l1"] == ["l1", "5.25"]
    assert drawn.texts["unit-E_total"] == ["Etotal", "0.3919"]
    assert drawn.texts["bias-b1-h3"][0].endswith("0.3579")
    assert drawn.texts["edge-w2"] == ["w2"]


@pytest.mark.parametrize("printer", [svg, tikz])
@pytest.mark.parametrize("view", [network_picture, graph_picture])
def test_no_number_appears_that_was_not_given(
    two_three_two: Network, printer: Callable[[Picture], str], view: Callable[..., Picture]
) -> None:
    assert numbers(printer(view(two_three_two))) == set()
    path = path_to_loss(two_three_two, "w1")
    given = {value.lstrip("-") for name, value in VALUES.items() if view is network_picture or name in {*path, "l1"}}
    shown = numbers(printer(view(two_three_two, values=VALUES, highlight=path)))
    assert shown <= given
    assert {"0.1234", "2.3571", "0.3919"} <= shown


def test_an_answer_left_out_is_nowhere(two_three_two: Network) -> None:
    answers = {"net_h1": "2.3571", "E_total": "0.3919"}
    given = {name: value for name, value in VALUES.items() if name not in answers}
    everything = svg(network_picture(two_three_two, values=VALUES), focusable=True)
    student = svg(network_picture(two_three_two, values=given), focusable=True)
    for answer in answers.values():
        assert answer in everything
        assert answer not in student


# ---- highlighting ----------------------------------------------------------------------------------------------------


def geometry(group: ET.Element) -> list[tuple[str, Mapping[str, str], str | None]]:
    """Return a group's shapes without what a highlight may change: colours, line widths, the arrowhead's size."""
    paint = ("stroke", "stroke-width", "fill")
    result = []
    for element in group.iter():
        if element.tag.endswith(("}g", "}path")):
            continue
        result.append((element.tag, {name: value for name, value in element.attrib.items() if name not in paint}, element.text))
    return result


def test_a_highlight_changes_the_path_alone(two_three_two: Network) -> None:
    plain = groups(svg(network_picture(two_three_two)))
    lit = groups(svg(network_picture(two_three_two, highlight=("w7", "o1"))))
    assert list(plain) == list(lit)
    changed = {name for name in plain if ET.tostring(plain[name]) != ET.tostring(lit[name])}
    assert changed == {"edge-w7", "unit-o1"}
    for name in changed:
        assert "sb-on-path" in lit[name].attrib["class"]
        assert geometry(plain[name]) == geometry(lit[name])


def test_the_path_is_thicker_and_red(two_three_two: Network) -> None:
    lit = groups(svg(network_picture(two_three_two, highlight=("w7",))))

    def line(name: str) -> ET.Element:
        return next(element for element in lit[name].iter(f"{SVG}path") if element.attrib["class"] == "sb-line")

    assert int(line("edge-w7").attrib["stroke-width"]) >= 2 * int(line("edge-w8").attrib["stroke-width"])
    red, green, blue = (int(line("edge-w7").attrib["stroke"][k : k + 2], 16) for k in (1, 3, 5))
    assert red > 2 * max(green, blue)


@pytest.mark.parametrize(
    ("weight", "edges"),
    [
        ("w7", {"edge-w7", "edge-o1-E_o1", "edge-E_o1-E_total"}),
        ("w3", {"edge-w3", "edge-w9", "edge-w10", "edge-o1-E_o1", "edge-o2-E_o2", "edge-E_o1-E_total", "edge-E_o2-E_total"}),
    ],
)
def test_the_path_of_a_gradient_is_every_way_to_the_loss(two_three_two: Network, weight: str, edges: set[str]) -> None:
    lit = groups(svg(network_picture(two_three_two, highlight=path_to_loss(two_three_two, weight))))
    assert {name for name, group in lit.items() if name.startswith("edge") and "sb-on-path" in group.attrib["class"]} == edges


def test_a_shared_bias_is_highlighted_everywhere(two_three_two: Network) -> None:
    lit = groups(svg(network_picture(two_three_two, highlight=("b1",))))
    assert {name for name, group in lit.items() if "sb-on-path" in group.attrib["class"]} == {
        "bias-b1-h1",
        "bias-b1-h2",
        "bias-b1-h3",
    }


# ---- views -----------------------------------------------------------------------------------------------------------


def test_layers_of_tensors_are_boxes_with_shapes(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("mlp_softmax", "network")
    drawn = read_drawing(svg(network_picture(module.network, module.loss)))
    assert drawn.texts["unit-X"] == ["X", "(N,D)"]
    compact = {name: [text.replace(" ", "").replace("\u00a0", "") for text in texts] for name, texts in drawn.texts.items()}
    assert compact["unit-A1"] == ["A1", "Z1=XW1+b1", "A1=tanh(Z1)", "(N,M)"]
    assert compact["unit-P"] == ["P", "Z2=A1W2+b2", "P=softmax(Z2)", "(N,K)"]
    assert compact["edge-W1"] == ["W1(D,M)"]
    assert compact["bias-b2"] == ["b2(K)"]
    assert compact["target-t"] == ["t(N,K)"]


def test_a_formula_may_replace_the_line_in_a_box(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("mlp_softmax", "network")
    drawn = read_drawing(svg(network_picture(module.network, module.loss, formulas={"E": "H(t, P)"})))
    assert "H(t," in drawn.texts["unit-E"][1]


def test_a_large_network_of_numbers_becomes_layers() -> None:
    drawn = read_drawing(svg(network_picture(*dense(12, 20, 3))))
    headings = {name: texts[0] for name, texts in drawn.texts.items() if name.startswith("unit")}
    assert list(headings.values()) == ["x1…x12", "g1…g20", "o1…o3", "E"]
    edges = [texts[0] for name, texts in drawn.texts.items() if name.startswith("edge") and texts]
    assert edges == ["w1…w240", "w241…w300"]
    assert faults(drawn) == []


def test_a_small_network_becomes_layers_when_asked(two_three_two: Network) -> None:
    found = groups(svg(network_picture(two_three_two, view="layers", highlight=("w7",))))
    assert "unit-h1" not in found
    lit = [name for name, group in found.items() if "sb-on-path" in group.attrib["class"]]
    assert lit == ["edge-layer-1-hidden-layer-2-output"]


def test_unknown_names_and_views_are_refused(two_three_two: Network, derivation_file: Callable[[str, str], ModuleType]) -> None:
    with pytest.raises(UserError, match=r"highlight: unknown name out_h4.*Did you mean out_h"):
        network_picture(two_three_two, highlight=("out_h4",))
    with pytest.raises(UserError, match=r"values: unknown name w13.*Did you mean w"):
        network_picture(two_three_two, values={"w13": "1"})
    with pytest.raises(UserError, match="formulas: unknown name Q"):
        network_picture(two_three_two, formulas={"Q": "1"})
    with pytest.raises(UserError, match=r"view 'unit'.*Did you mean units"):
        network_picture(two_three_two, view="unit")
    module = derivation_file("mlp_softmax", "network")
    with pytest.raises(UserError, match="X has indices; use view='layers'"):
        network_picture(module.network, module.loss, view="units")


def test_the_same_network_gives_the_same_drawing() -> None:
    first, second = (svg(network_picture(*dense(3, 4, 2), values={"w3": "0.5"})) for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_another_process_gives_the_same_bytes(root: Path) -> None:
    script = (
        "from tests.writeup.drawings import dense\n"
        "from symbackprop.writeup.drawing.diagram import network_picture\n"
        "from symbackprop.writeup.drawing.svg import svg\n"
        "print(svg(network_picture(*dense(3, 4, 2), values={'w3': '0.5'}, highlight=('w3',))), end='')"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    ]
    here = svg(network_picture(*dense(3, 4, 2), values={"w3": "0.5"}, highlight=("w3",)))
    assert printed == [here, here]


@pytest.mark.parametrize("sizes", [(2, 3, 2), pytest.param((4, 6, 6, 4), marks=pytest.mark.slow)])
def test_a_diagram_full_of_values_is_still_readable_on_a_page(sizes: tuple[int, ...]) -> None:
    """Labels of 13 pixels stay 8 high on a page of 670; what does not fit there stands in the titles."""
    net, loss = dense(*sizes)
    values = {name: f"-0.{100000 + k}" for k, name in enumerate(net.nodes)}
    drawn = network_picture(net, loss, values=values)
    assert drawn.width <= 670 * 13 / 8
    text = svg(drawn)
    assert faults(read_drawing(text)) == []
    weights = [name for name in net.nodes if name.startswith("w")]
    found = groups(text)
    for weight in weights:
        item = found[f"edge-{weight}"]
        assert values[weight] in item.find(f"{SVG}title").text
        assert weight.replace("w", "") in "".join(item.find(f"{SVG}text").itertext())
