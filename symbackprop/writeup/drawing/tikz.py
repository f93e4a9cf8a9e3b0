r"""Print a picture as TikZ: the same layout, the names set by LaTeX in the notation of the formulas around it.

Needs `\usepackage{tikz}` alone (no TikZ library), compiles with pdflatex, and with xelatex for Chinese words. Lengths are whole
tenths of a CSS pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from math import degrees
from typing import Any

from symbackprop.writeup.drawing.geometry import Point
from symbackprop.writeup.drawing.picture import Caption, Disc, Item, Panel, Picture, Stroke
from symbackprop.writeup.drawing.svg import COLOURS, arrow_outline, shortened

_PIXEL = 0.75  # big points in one CSS pixel
_UNIT = "3bp/40"  # a tenth of a pixel
_FILLED = ("input", "hidden", "output", "loss")


def tikz(picture: Picture) -> str:
    r"""Return the picture as a `tikzpicture` environment with its colours defined before it; shrink it with `\resizebox`."""
    colours = (rf"\definecolor{{sb{name}}}{{HTML}}{{{light[1:].upper()}}}" for name, (light, _) in COLOURS.items())
    lines = [
        f"% {_comment(picture.title)}",
        f"% {_comment(picture.description)}",
        r"\begingroup",
        *colours,
        rf"\begin{{tikzpicture}}[x={{({_UNIT},0bp)}},y={{(0bp,-{_UNIT})}},line cap=round]",
        rf"\useasboundingbox (0,0) rectangle ({_whole(picture.width)},{_whole(picture.height)});",
        rf"\clip (0,0) rectangle ({_whole(picture.width)},{_whole(picture.height)});",
    ]
    for item in picture.items:
        lines.append(f"% {_comment(item.identifier)}")
        lines += [_PRINTERS[type(shape)](shape, item) for shape in item.shapes]
    return "\n".join([*lines, r"\end{tikzpicture}", r"\endgroup"]) + "\n"


def _disc(disc: Disc, item: Item) -> str:
    place, radius = _at(disc.centre), _whole(disc.radius)
    line = rf"\filldraw[{_pen(item)}] {place} circle[x radius={radius},y radius={radius}];"
    if disc.ring:
        ring = _whole(disc.radius - disc.ring)
        line += rf" \draw[draw={_ink(item)},line width={_length(0.9)}] {place} circle[x radius={ring},y radius={ring}];"
    return line


def _panel(panel: Panel, item: Item) -> str:
    box = panel.box
    first, last = (box.x - box.width / 2, box.y - box.height / 2), (box.x + box.width / 2, box.y + box.height / 2)
    dashes = ",densely dashed" if panel.dashed else ""
    options = f"{_pen(item)},rounded corners={_length(panel.rounding)}{dashes}"
    return rf"\filldraw[{options}] {_at(first)} rectangle {_at(last)};"


def _stroke(stroke: Stroke, item: Item) -> str:
    colour = "sbpath" if item.on_path else "sbline"
    curve = shortened(stroke.curve, item.on_path) if stroke.arrow else stroke.curve
    first, last = _third(curve.start, curve.bend), _third(curve.end, curve.bend)
    way = "--" if curve.straight else f".. controls {_at(first)} and {_at(last)} .."
    wide = _length(3.0 if item.on_path else 1.3)
    line = rf"\draw[draw={colour},line width={wide}] {_at(curve.start)} {way} {_at(curve.end)};"
    if not stroke.arrow:
        return line
    corners = " -- ".join(_at(corner) for corner in arrow_outline(stroke.curve, item.on_path))
    return line + rf" \fill[{colour}] {corners} -- cycle;"


def _caption(caption: Caption, item: Item) -> str:
    size = _length(caption.size)
    colour = "sbpath" if item.on_path and caption.backed else f"sb{caption.tone}"
    options = [f"text={colour}", "inner sep=1pt", "outer sep=0pt", "anchor=center"]
    angle = round(degrees(caption.angle))
    if angle:
        options.append(f"rotate={-angle}")
    if caption.backed:
        options.append("fill=sbpaper")
    font = rf"\fontsize{{{size}}}{{{size}}}\selectfont"
    return rf"\node[{','.join(options)}] at {_at(caption.at)} {{{font}${caption.text.latex}$}};"


def _pen(item: Item) -> str:
    fill = f"sb{item.kind}" if item.kind in _FILLED else "sbpaper"
    return f"fill={fill},draw={_ink(item)},line width={_length(3.0 if item.on_path else 1.3)}"


def _ink(item: Item) -> str:
    return "sbpath" if item.on_path else "sbink"


def _third(end: Point, bend: Point) -> Point:
    """Return the control point of the cubic curve that is the same as the quadratic one."""
    return end[0] + 2 / 3 * (bend[0] - end[0]), end[1] + 2 / 3 * (bend[1] - end[1])


def _length(pixels: float) -> str:
    """Return a length in whole multiples of TeX's smallest unit, so that no decimal number appears."""
    return f"{round(pixels * _PIXEL * 65781.76)}sp"


def _at(point: Point) -> str:
    return f"({_whole(point[0])},{_whole(point[1])})"


def _whole(length: float) -> int:
    return round(10 * length)


def _comment(text: str) -> str:
    return " ".join(text.split())


_PRINTERS: dict[type, Callable[[Any, Item], str]] = {Disc: _disc, Panel: _panel, Stroke: _stroke, Caption: _caption}
