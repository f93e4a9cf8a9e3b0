"""The loss plot: a well-formed picture in which the values lie where the axes say."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from symbackprop.numeric import History
from symbackprop.numeric.run.plot import line_plot_svg

SVG = "{http://www.w3.org/2000/svg}"


def parts(values: list[float], title: str = "t") -> tuple[list[tuple[float, float]], list[str], ElementTree.Element]:
    """Return the points of the curve, all labels, and the tree."""
    tree = ElementTree.fromstring(line_plot_svg(values, title, "epoch", "loss"))
    curves = [p.attrib["d"] for p in tree.iter(f"{SVG}path") if p.attrib.get("stroke-width")]
    points = [(float(a), float(b)) for d in curves for a, b in re.findall(r"([\d.]+) ([\d.]+)", d)]
    return points, [text.text or "" for text in tree.iter(f"{SVG}text")], tree


def test_a_falling_loss_falls_on_the_page() -> None:
    points, labels, _ = parts([1.0, 0.5, 0.25, 0.2])
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert {"epoch", "loss", "t", "0", "3"} <= set(labels)


def test_wide_ranges_are_logarithmic_and_equal_ratios_equal_steps() -> None:
    points, labels, _ = parts([10.0**-k for k in range(6)])
    steps = [b[1] - a[1] for a, b in pairwise(points)]
    assert steps == pytest.approx([steps[0]] * 5, abs=0.11)
    assert "loss (log scale)" in labels
    assert {"1", "0.1", "1e-5"} <= set(labels)


@pytest.mark.parametrize("values", [[3.0, 2.0, 1.0], [1.0, -1.0, 1e-9], [5.0, 5.0], [2.0], [0.0, 0.0]])
def test_other_ranges_are_linear(values: list[float]) -> None:
    _, labels, _ = parts(values)
    assert "loss" in labels
    assert "loss (log scale)" not in labels


def test_ticks_lie_at_their_values() -> None:
    values = [4.0, 3.0, 2.0, 1.0]
    points, _, tree = parts(values)
    ticks = {
        text.text: float(text.attrib["y"]) - 4 for text in tree.iter(f"{SVG}text") if text.attrib.get("text-anchor") == "end"
    }
    for value, (_, y) in zip(values, points, strict=True):
        assert ticks[f"{value:g}"] == pytest.approx(y, abs=0.11)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [math.nan],
        [1.0, math.inf, 0.5],
        [1.0, 0.0, 1e-20],
        [1e-300, 1e300],
        [-5.0, -1e-9],
        [float(k % 97) for k in range(20_000)],
    ],
)
def test_odd_values_give_a_picture_within_its_frame(values: list[float]) -> None:
    points, _, tree = parts(values)
    width, height = (float(tree.attrib[key]) for key in ("width", "height"))
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    assert len(points) < 2000


def test_a_gap_where_a_value_is_missing() -> None:
    tree = ElementTree.fromstring(line_plot_svg([3.0, 2.0, math.nan, 2.0, 1.0], "t", "x", "y"))
    assert len([p for p in tree.iter(f"{SVG}path") if p.attrib.get("stroke-width")]) == 2


def test_names_are_escaped_and_the_history_plots_itself() -> None:
    history = History((2.0, 1.0), {"w": 1.0}, 1, 1, "done")
    tree = ElementTree.fromstring(history.plot_svg("a < b & c"))
    assert "a < b & c" in [text.text for text in tree.iter(f"{SVG}text")]
