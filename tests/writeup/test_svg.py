"""The SVG printer on pictures made by hand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from math import pi

import pytest

from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.writeup.drawing.geometry import Box, line
from symbackprop.writeup.drawing.picture import Caption, Disc, Item, Panel, Picture, Stroke, fitted, strips
from symbackprop.writeup.drawing.styled_text import StyledRun, StyledText, styled
from symbackprop.writeup.drawing.svg import COLOURS, style_sheet, svg
from tests.writeup.drawings import SVG


def picture(*shapes: Disc | Panel | Stroke | Caption, **options: object) -> Picture:
    item = Item("edge-w", "edge", "w", shapes, ("w",), bool(options.get("on_path", False)))
    return Picture(100, 50, "title", "description", (item,))


def test_text_is_escaped_everywhere() -> None:
    nasty = 'a<b> & "c" \' ]]>'
    caption = Caption(StyledText((StyledRun(nasty),), ""), (10, 10), 12)
    text = svg(Picture(10, 10, nasty, nasty, (Item("x", "edge", nasty, (caption,), (nasty,)),)), focusable=True)
    root = ET.fromstring(text)
    group = next(root.iter(f"{SVG}g"))
    assert root.findtext(f"{SVG}title") == root.findtext(f"{SVG}desc") == nasty
    assert group.findtext(f"{SVG}title") == group.attrib["data-names"] == group.attrib["aria-label"] == nasty
    assert "".join(next(group.iter(f"{SVG}text")).itertext()).replace("\u00a0", " ") == nasty


def test_all_geometry_is_whole_numbers() -> None:
    shapes = (
        Disc((10.123, 20.456), 7.777, 1.234),
        Panel(Box(50.55, 20.01, 13.37, 9.99), 2.5, dashed=True),
        Stroke(line((1.11, 2.22), (33.33, 44.44), 5.55)),
        Caption(styled("out_h1²·w7", Notation()), (20.25, 30.75), 12.5, pi / 7, backed=True),
    )
    text = svg(picture(*shapes)).replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"\d\.|\.\d", text) == []


def test_subscripts_come_back_to_the_line() -> None:
    lettered = styled("out_h1·w7^(2)", Notation())
    text = next(ET.fromstring(svg(picture(Caption(lettered, (0, 0), 10)))).iter(f"{SVG}text"))
    height = 0
    for span in text.iter(f"{SVG}tspan"):
        height += int(span.attrib.get("dy", "0"))
        assert (height > 0) == (span.text in ("h", "1", "7"))
    assert height == 0


def test_blanks_between_runs_are_text_that_counts_towards_the_middle() -> None:
    lettered = StyledText((StyledRun("w", True), StyledRun(" ="), StyledRun(" "), StyledRun("0.4")), "")
    (text,) = ET.fromstring(svg(picture(Caption(lettered, (0, 0), 10)))).iter(f"{SVG}text")
    assert "".join(text.itertext()) == "w\u00a0=\u00a00.4"
    assert not any("dx" in span.attrib for span in text)


def test_an_arrowhead_ends_where_the_edge_ends() -> None:
    root = ET.fromstring(svg(picture(Stroke(line((0, 0), (30, 40))))))
    stroke, head = root.iter(f"{SVG}path")
    corners = [tuple(map(int, pair)) for pair in re.findall(r"(-?\d+) (-?\d+)", head.attrib["d"])]
    end = tuple(map(int, re.findall(r"-?\d+", stroke.attrib["d"])[-2:]))
    assert corners[0] == (300, 400)
    assert end != (300, 400)
    assert end[0] * 4 == pytest.approx(end[1] * 3, abs=4)
    assert svg(picture(Stroke(line((0, 0), (30, 40)), arrow=False))).count("<path") == 1


def test_colours_are_plain_in_the_drawing_and_variable_in_the_style() -> None:
    shapes = (Disc((10, 10), 5), Stroke(line((0, 0), (9, 9))))
    bare = svg(picture(*shapes), stylesheet=False)
    assert "var(" not in bare
    assert "<style" not in bare
    assert "currentColor" not in bare
    styled = svg(picture(*shapes))
    assert f"<style>{style_sheet()}</style>" in styled
    assert styled.replace(f"<style>{style_sheet()}</style>\n", "") == bare


def test_the_style_sheet_covers_dark_screens_and_leaves_paper_light() -> None:
    sheet = style_sheet()
    light, dark = sheet.split("@media screen and (prefers-color-scheme:dark)")
    for name, (by_day, by_night) in COLOURS.items():
        if name != "ink":
            assert f"var(--sb-{name},{by_day})" in light
            assert f"var(--sb-{name},{by_night})" in dark
    assert "currentColor" in light
    assert sheet.count("{") == sheet.count("}")
    assert "http" not in sheet


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.1)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "input", "hidden", "output", "loss"])
@pytest.mark.parametrize("tone", ["ink", "dim", "value"])
def test_text_can_be_read_on_every_ground(mode: int, ground: str, tone: str) -> None:
    assert contrast(COLOURS[tone][mode], COLOURS[ground][mode]) >= 4.5


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_the_path_stands_out(mode: int) -> None:
    assert contrast(COLOURS["path"][mode], COLOURS["paper"][mode]) >= 4.5
    assert contrast(COLOURS["line"][mode], COLOURS["paper"][mode]) >= 3


def test_kinds_differ_in_grey() -> None:
    greys = [luminance(COLOURS[kind][0]) for kind in ("input", "hidden", "output")]
    assert abs(greys[0] - greys[2]) > 0.1
    assert abs(greys[1] - greys[2]) > 0.1


def test_a_style_sheet_says_what_a_short_picture_leaves_out() -> None:
    shapes = (Disc((10, 10), 5, 1), Stroke(line((0, 0), (9, 9))), Caption(styled("w_1", Notation()), (5, 5), 12, backed=True))
    short, plain = svg(picture(*shapes), stylesheet=False, colours=False), svg(picture(*shapes), stylesheet=False)
    assert len(short) + 200 < len(plain)
    assert not re.search(r'(fill|stroke|stroke-width|text-anchor|font-style)="', short)
    sheet = style_sheet()
    for said in ("text{text-anchor:middle}", ".sb-line{fill:none;stroke-width:13}", ".sb-ring{fill:none;stroke-width:9}",
                 ".sb-i{font-style:italic}", ".sb-on-path .sb-body{stroke-width:30}", ".sb-asked{display:none}"):  # fmt: skip
        assert f".sb-diagram {said}" in sheet


def test_what_can_be_covered_stands_once_with_what_is_asked() -> None:
    value = StyledText((StyledRun("net "), StyledRun("0.25", asked="____")), "")
    shapes = (Caption(value, (0, 0), 12), Caption(styled("w", Notation()), (9, 9), 12, backed=True, coverable=True))
    item = Item("unit-h", "hidden", "h: net = 0.25", shapes, ("h",), asked="h: net = ____")
    root = ET.fromstring(svg(Picture(9, 9, "t", "d", (item,)), focusable=True, colours=False))
    group = next(root.iter(f"{SVG}g"))
    assert (group.findtext(f"{SVG}title"), group.attrib["data-asked"]) == ("h: net = 0.25", "h: net = ____")
    shown = {span.attrib.get("class"): "".join(span.itertext()) for span in root.iter(f"{SVG}tspan")}
    assert (shown["sb-open"], shown["sb-asked"]) == ("\u00a00.25", "\u00a0____")
    assert [e.tag for e in root.iter() if "sb-open" in e.attrib.get("class", "").split()] == [
        f"{SVG}tspan", f"{SVG}rect", f"{SVG}text"
    ]  # fmt: skip
    uncovered = svg(Picture(9, 9, "t", "d", (Item("unit-h", "hidden", "h", (Caption(styled("w", Notation()), (0, 0), 12),)),)))
    assert 'sb-asked"' not in uncovered
    assert "data-asked" not in uncovered


@pytest.mark.parametrize("prefix", ["1a", "a b", "a'", "-x", '"'])
def test_a_prefix_must_start_an_identifier(prefix: str) -> None:
    with pytest.raises(UserError, match="prefix"):
        svg(picture(), prefix=prefix)


def test_a_picture_is_moved_to_its_corner() -> None:
    item = Item("x", "edge", "", (Disc((-20, -10), 5), Stroke(line((-20, -10), (0, 0)))))
    moved = fitted([item], (-25, -15, 10, 10), "t", "d")
    assert (moved.width, moved.height) == (35, 25)
    disc, stroke = moved.items[0].shapes
    assert isinstance(disc, Disc)
    assert isinstance(stroke, Stroke)
    assert disc.centre == (5, 5)
    assert stroke.curve.end == (25, 15)


def ladder(rungs: int) -> Picture:
    """A picture of boxes one above another, 40 apart, each joined to the next, and to the one after it."""
    boxes = [Item(f"unit-{k}", "hidden", f"unit {k}", (Panel(Box(50, 20 + 40 * k, 40, 20)),)) for k in range(rungs)]
    joined = [
        Item(f"edge-{k}-{k + by}", "edge", f"{k} → {k + by}", (Stroke(line((50, 30 + 40 * k), (50, 10 + 40 * (k + by)))),))
        for by in (1, 2)
        for k in range(rungs - by)
    ]
    return Picture(100, 40.0 * rungs, "t", "d", (*joined, *boxes))


def test_a_picture_higher_than_a_page_is_cut_where_only_lines_cross() -> None:
    drawn = ladder(12)
    found = strips(drawn, 200)
    assert len(found) == 3
    assert sum(strip.height for strip in found) == drawn.height
    assert all(strip.height <= 200 for strip in found)
    boxes = [
        (item.identifier, shape.box)
        for strip in found
        for item in strip.items
        for shape in item.shapes
        if isinstance(shape, Panel)
    ]
    assert sorted(name for name, _ in boxes) == sorted(item.identifier for item in drawn.items if item.kind == "hidden")
    for strip in found:
        for item in strip.items:
            for shape in item.shapes:
                if isinstance(shape, Panel):
                    assert shape.box.y - 10 >= 0
                    assert shape.box.y + 10 <= strip.height
    titles = [item.title for strip in found for item in strip.items if item.title]
    assert sorted(titles) == sorted(item.title for item in drawn.items)  # each told once
    assert len([item for strip in found for item in strip.items]) > len(drawn.items)  # lines go on in the next strip


def test_a_picture_that_fits_or_has_no_gap_is_left_whole() -> None:
    assert strips(ladder(4), 200) == (ladder(4),)
    high = Picture(100, 500, "t", "d", (Item("unit-x", "hidden", "x", (Panel(Box(50, 250, 40, 480)),)),))
    assert strips(high, 200) == (high,)
