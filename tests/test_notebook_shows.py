"""What a notebook shows of the results: pictures and formulas, no dataclass, nothing that changes the page around it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from symbackprop import Network, check_gradient, derive, explain, sigmoid, train
from symbackprop.api import Derivation


def derivation(title: str = "one neuron") -> Derivation:
    net = Network(title)
    x, w, t = net.input("x", value=2.0), net.parameter("w", value=0.5), net.target("t", value=1.0)
    return derive(net, net.define("E", (net.define("y", sigmoid(w * x)) - t) ** 2 / 2))


def wrong(x, w, t):
    return {"w": x}


def test_a_derivation_is_its_diagram_and_its_formulas() -> None:
    found = derivation()
    page = found._repr_html_()
    parts = list(ET.fromstring(f"<div>{page}</div>"))  # well-formed
    assert [child.tag.rpartition("}")[2] for part in parts for child in part] == ["svg", "math"]
    assert found._repr_markdown_().count("$$") == 2
    assert r"\frac{\partial E}{\partial w}" in found._repr_markdown_()


def test_a_report_stays_in_its_frame() -> None:
    report = check_gradient(derivation("<b>one</b>"), wrong, explain=False, repair=False)
    frame = ET.fromstring(report._repr_html_())
    assert frame.tag == "iframe"
    assert frame.attrib["srcdoc"].split() == report.to_html().split()
    assert report._repr_markdown_() == report.to_markdown()


def test_a_history_is_its_plot() -> None:
    history = train(derivation(), epochs=3)
    assert history._repr_html_() == history.plot_svg()


def test_a_network_is_its_diagram_as_soon_as_there_is_one() -> None:
    net = Network("n")
    net.input("x", value=1.0)
    assert net._repr_html_() is None
    page = derivation().network._repr_html_()
    assert [part.tag.rpartition("}")[2] for part in ET.fromstring(page)] == ["svg"]


def test_a_gradient_is_its_derivation() -> None:
    gradient = derivation()["w"]
    (table,) = ET.fromstring(gradient._repr_html_())
    assert [len(row) for row in table] == [2] * len(gradient.steps())
    assert "chain rule" in table[0][1].text


def test_a_line_of_a_console_says_what_it_is() -> None:
    found = derivation()
    shown = [found, found["w"], check_gradient(found, wrong, explain=False, repair=False), train(found, epochs=3)]
    explained = explain(wrong, {"x": 2.0, "w": 0.5, "t": 1.0})
    for value in (*shown, explained):
        assert len(repr(value).splitlines()) == 1
        assert len(repr(value)) < 120, "a dataclass in full is thousands of characters"
    assert repr(found["w"]) == "Gradient(∂E/∂w = (y - t)·y·(1 - y)·x)"
    assert repr(shown[2]) == "Report(w differs)"


def test_an_explanation_is_its_table() -> None:
    explained = explain(wrong, {"x": 2.0, "w": 0.5, "t": 1.0})
    assert "<table>" in explained._repr_html_()
    assert "<html" not in explained._repr_html_()
    assert str(explained).startswith("returned as w")
