"""The TikZ printer: the same places as the SVG, and a document that compiles where TeX is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from symbackprop.network import Network
from symbackprop.writeup.drawing.diagram import network_picture
from symbackprop.writeup.drawing.graph_view import graph_picture
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.drawing.tikz import tikz
from tests.writeup.drawings import dense, read_drawing
from tests.writeup.typeset import amiss, needs_tex


def test_units_stand_where_the_svg_has_them() -> None:
    picture = network_picture(*dense(2, 3, 2))
    drawn = read_drawing(svg(picture))
    blocks = dict(re.findall(r"^% (unit-\S+)\n(.*?)(?=^%|\Z)", tikz(picture), re.M | re.S))
    for name, polygon in drawn.bodies.items():
        left, right = min(x for x, _ in polygon), max(x for x, _ in polygon)
        top, bottom = min(y for _, y in polygon), max(y for _, y in polygon)
        place = re.search(r"\((\d+),(\d+)\) (?:circle\[x radius=(\d+)|rectangle \((\d+),(\d+)\))", blocks[name])
        assert place is not None
        x, y, radius, x1, y1 = (int(part) if part else 0 for part in place.groups())
        frame = (x - radius, y - radius, x + radius, y + radius) if radius else (x, y, x1, y1)
        assert frame == pytest.approx((left, top, right, bottom), abs=2)


def test_names_are_set_by_latex(two_three_two: Network) -> None:
    text = tikz(network_picture(two_three_two, values={"w7": "-0.4"}))
    assert "$out_{o1}$" not in text
    assert "$E_{total}$" in text
    assert re.search(r"\$w_\{?7\}?=-0\.4\$", text)
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{") == 1


def test_labels_are_turned_as_in_the_svg(two_three_two: Network) -> None:
    picture = network_picture(two_three_two)
    turned = [int(angle) for angle in re.findall(r"rotate\((-?\d+) \d+ \d+\)\"[^>]*>(?=<tspan)", svg(picture))]
    assert [-int(angle) for angle in re.findall(r"rotate=(-?\d+)", tikz(picture))] == turned
    assert len(turned) >= 10


@pytest.mark.slow
@needs_tex
def test_it_compiles(
    tmp_path: Path,
    two_three_two: Network,
    local_texts: Mapping[tuple[str, str], str],
    derivation_file: Callable[[str, str], ModuleType],
) -> None:
    module = derivation_file("mlp_softmax", "network")
    pictures = [
        network_picture(two_three_two, values={"w1": "0.1", "net_h1": "2.35"}, highlight=("w7", "o1")),
        network_picture(module.network, module.loss),
        graph_picture(two_three_two, locals_=local_texts),
    ]
    body = "\n\n".join(rf"\noindent\resizebox{{\linewidth}}{{!}}{{{tikz(picture)}}}" for picture in pictures)
    assert amiss(rf"\documentclass{{article}}\usepackage{{tikz}}\begin{{document}}{body}\end{{document}}", tmp_path) == []
