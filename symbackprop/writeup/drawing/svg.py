"""Print a picture as SVG: plain strings, escaped, self-contained, the same bytes for the same picture.

Every item is a group with a stable `id` (`unit-h1`, `edge-w7`), classes (`sb-item sb-hidden`, `sb-on-path`), the names it stands
for in `data-names`, and a `<title>`. Every shape has plain colours as attributes, for programs that know no style sheets; the
style sheet replaces them by `currentColor` and the variables below, so a page can set its own and dark mode works.

All numbers of the geometry are whole (tenths of a pixel, degrees): a decimal number in the file is one that was asked for.

Variables: `--sb-ink --sb-dim --sb-value --sb-paper --sb-line --sb-path --sb-input --sb-hidden --sb-output --sb-loss`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from math import degrees
from types import MappingProxyType
from typing import Any

from symbackprop.errors import UserError
from symbackprop.writeup.drawing.geometry import Curve, Point, line
from symbackprop.writeup.drawing.picture import Caption, Disc, Item, Panel, Picture, Stroke
from symbackprop.writeup.drawing.styled_text import SCRIPT, StyledText

#: Serif faces that go with mathematics, the ones shipped with readers of PDF and of the web first.
FONTS = (
    "STIX Two Text, Libertinus Serif, New Computer Modern, Latin Modern Roman, Times New Roman, Liberation Serif, "
    "Noto Serif CJK SC, Songti SC, SimSun, serif"
)
HEAD = 8.0  # length of an arrowhead

#: Colours on white paper and on a dark screen; in grey print the fills differ by lightness, the outlines by form.
COLOURS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ink": ("#1b1f24", "#e6e8ea"),
        "dim": ("#59626e", "#b2bbc6"),
        "value": ("#0b5d4b", "#7fd6bd"),
        "paper": ("#ffffff", "#14171a"),
        "line": ("#7a828c", "#7d8691"),
        "path": ("#c8102e", "#ff6b78"),
        "input": ("#eaf2fd", "#1d3350"),
        "hidden": ("#fdeebf", "#4d3f12"),
        "output": ("#c9e7cd", "#1c4630"),
        "loss": ("#f1f0f4", "#33303d"),
    }
)
_THIN, _THICK, _RING = 13, 30, 9  # line widths in tenths of a pixel
_FILLED = ("input", "hidden", "output", "loss")


def svg(picture: Picture, *, prefix: str = "", stylesheet: bool = True, focusable: bool = False, colours: bool = True) -> str:
    """Return the picture as an `<svg>` element.

    `prefix` goes before every identifier, to keep several pictures on one page apart. Without `stylesheet` only the plain
    colours are there (for PDF, or for a page that includes `style_sheet()` once). `focusable` items can be reached with the Tab
    key. Without `colours` what the style sheet says is left to it: such a picture is for a page that has it, and half as long.
    Raises UserError for a prefix that is no start of an identifier.
    """
    if prefix and not re.fullmatch(r"[A-Za-z][\w-]*", prefix):
        raise UserError(f"svg: prefix {prefix!r}: expected letters, digits, - and _ after a letter, e.g. 'fig1-'")
    wide, high = _whole(picture.width), _whole(picture.height)
    role = "group" if focusable else "img"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sb-diagram" viewBox="0 0 {wide} {high}" '
        f'width="{round(picture.width)}" height="{round(picture.height)}" role="{role}" '
        f'aria-labelledby="{prefix}title {prefix}description" font-family={_quoted(FONTS)}>',
        f'<title id="{prefix}title">{_escaped(picture.title)}</title>',
        f'<desc id="{prefix}description">{_escaped(picture.description)}</desc>',
    ]
    if stylesheet:
        lines.append(f"<style>{style_sheet()}</style>")
    lines += [_item(item, prefix, focusable, colours) for item in picture.items]
    return "\n".join([*lines, "</svg>"]) + "\n"


def style_sheet() -> str:
    """Return the style sheet of all pictures, for a page that shows several."""
    light, dark = (
        "".join(f".sb-diagram {selector}{{{attribute}:{_variable(colour, mode)}}}" for selector, attribute, colour in _STYLED)
        for mode in (0, 1)
    )
    focus = ".sb-diagram .sb-item:focus{outline:2px solid var(--sb-path,#c8102e)}"
    form = "".join(f".sb-diagram {selector}{{{said}}}" for selector, said in _FORM)
    return f".sb-diagram{{max-width:100%;height:auto}}{form}{light}{focus}@media screen and (prefers-color-scheme:dark){{{dark}}}"


_STYLED: tuple[tuple[str, str, str], ...] = (
    (".sb-body", "fill", "paper"),
    (".sb-outline", "stroke", "ink"),
    (".sb-line", "stroke", "line"),
    (".sb-head", "fill", "line"),
    (".sb-paper", "fill", "paper"),
    *((f".sb-tone-{tone}", "fill", tone) for tone in ("ink", "dim", "value")),
    *((f".sb-{kind} .sb-body", "fill", kind) for kind in _FILLED),
    (".sb-on-path .sb-outline", "stroke", "path"),
    (".sb-on-path .sb-line", "stroke", "path"),
    (".sb-on-path .sb-head", "fill", "path"),
    (".sb-on-path .sb-mark", "fill", "path"),
)


#: What else the style sheet says: widths of lines, where texts stand, and what answers look like while they are covered.
_FORM = (
    ("text", "text-anchor:middle"),
    (".sb-line", f"fill:none;stroke-width:{_THIN}"),
    (".sb-outline", f"stroke-width:{_THIN}"),
    (".sb-ring", f"fill:none;stroke-width:{_RING}"),
    (".sb-on-path .sb-line", f"stroke-width:{_THICK}"),
    (".sb-on-path .sb-body", f"stroke-width:{_THICK}"),
    (".sb-i", "font-style:italic"),
    (".sb-asked", "display:none"),
)


def _variable(colour: str, mode: int) -> str:
    fallback = "currentColor" if colour == "ink" else COLOURS[colour][mode]
    return f"var(--sb-{colour},{fallback})"


def _escaped(text: str) -> str:
    return escape(text, quote=False)


_IN_QUOTES = str.maketrans({'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _quoted(text: str) -> str:
    """Return the value of an attribute, between quotes; a tab or a line end stays one."""
    return f'"{_escaped(text).translate(_IN_QUOTES)}"'


def _item(item: Item, prefix: str, focusable: bool, colours: bool) -> str:
    classes = f"sb-item sb-{item.kind}" + (" sb-on-path" if item.on_path else "")
    names = f" data-names={_quoted(' '.join(item.names))}" if item.names else ""
    names += f" data-ends={_quoted(' '.join(item.ends))}" if item.ends and focusable else ""
    focus = _focus(item, colours) if focusable and item.title else ""
    shapes = "".join(_PRINTERS[type(shape)](shape, item, colours) for shape in item.shapes)
    title = f"<title>{_escaped(item.title)}</title>" if item.title else ""
    return f'<g id="{prefix}{_escaped(item.identifier)}" class="{classes}"{names}{focus}>{title}{shapes}</g>'


def _focus(item: Item, colours: bool) -> str:
    """Return what lets an item be reached with the Tab key, its label too for programs that know no titles."""
    said = f" aria-label={_quoted(item.title)}" if colours else ""
    covered = f" data-asked={_quoted(item.asked)}" if item.asked else ""
    return f' tabindex="0" role="img"{said}{covered}'


def _pen(item: Item, colours: bool) -> str:
    colour, wide = ("path", _THICK) if item.on_path else ("ink", _THIN)
    fill = COLOURS[item.kind if item.kind in _FILLED else "paper"][0]
    return _painted(colours, fill=fill, stroke=COLOURS[colour][0], stroke_width=wide)


def _painted(colours: bool, **attributes: str | int) -> str:
    """Return attributes that the style sheet says too: for programs that know none."""
    return "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items()) if colours else ""


def _disc(disc: Disc, item: Item, colours: bool) -> str:
    x, y = (_whole(place) for place in disc.centre)
    circle = f'<circle class="sb-body sb-outline" cx="{x}" cy="{y}" r="{_whole(disc.radius)}"{_pen(item, colours)}/>'
    if not disc.ring:
        return circle
    pen = _painted(colours, fill="none", stroke=COLOURS["path" if item.on_path else "ink"][0], stroke_width=_RING)
    return f'{circle}<circle class="sb-outline sb-ring" cx="{x}" cy="{y}" r="{_whole(disc.radius - disc.ring)}"{pen}/>'


def _panel(panel: Panel, item: Item, colours: bool) -> str:
    box = panel.box
    dashes = ' stroke-dasharray="50 35"' if panel.dashed else ""
    return (
        f'<rect class="sb-body sb-outline" x="{_whole(box.x - box.width / 2)}" y="{_whole(box.y - box.height / 2)}" '
        f'width="{_whole(box.width)}" height="{_whole(box.height)}" rx="{_whole(panel.rounding)}"{_pen(item, colours)}{dashes}/>'
    )


def _stroke(stroke: Stroke, item: Item, colours: bool) -> str:
    colour, wide = (COLOURS["path"][0], _THICK) if item.on_path else (COLOURS["line"][0], _THIN)
    curve = shortened(stroke.curve, item.on_path) if stroke.arrow else stroke.curve
    bend = "L" if curve.straight else f"Q{_at(curve.bend)} "
    path = f"M{_at(curve.start)}{bend}{_at(curve.end)}"
    drawn = f'<path class="sb-line" d="{path}"{_painted(colours, fill="none", stroke=colour, stroke_width=wide)}/>'
    if not stroke.arrow:
        return drawn
    head = "L".join(_at(corner) for corner in arrow_outline(stroke.curve, item.on_path))
    return f'{drawn}<path class="sb-head" d="M{head}Z"{_painted(colours, fill=colour)}/>'


def arrow_outline(curve: Curve, thick: bool) -> tuple[Point, Point, Point]:
    """Return the corners of the arrowhead at the end of a curve, the tip first."""
    length = _head(thick)
    dx, dy = curve.direction(1.0)
    base = (curve.end[0] - dx * length, curve.end[1] - dy * length)
    side = (-dy * length * 0.42, dx * length * 0.42)
    return curve.end, (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])


def shortened(curve: Curve, thick: bool) -> Curve:
    """Return the curve without the part that its arrowhead covers."""
    dx, dy = curve.direction(1.0)
    neck = (curve.end[0] - dx * _head(thick) * 0.8, curve.end[1] - dy * _head(thick) * 0.8)
    return line(curve.start, neck) if curve.straight else Curve(curve.start, curve.bend, neck)


def _head(thick: bool) -> float:
    return HEAD * (1.35 if thick else 1.0)


def _caption(caption: Caption, item: Item, colours: bool) -> str:
    x, y = _whole(caption.at[0]), _whole(caption.at[1])
    angle = round(degrees(caption.angle))
    turn = f' transform="rotate({angle} {x} {y})"' if angle else ""
    patch, open_only = "", " sb-open" if caption.coverable else ""
    if caption.backed:
        box = caption.box
        wide, high = _whole(box.width), _whole(box.height)
        paper = _painted(colours, fill=COLOURS["paper"][0])
        patch = (
            f'<rect class="sb-paper{open_only}" x="{x - wide // 2}" y="{y - high // 2}" width="{wide}" height="{high}" rx="30"'
            f"{paper}{turn}/>"
        )
    mark = item.on_path and caption.backed
    colour = COLOURS["path" if mark else caption.tone][0]
    classes = f"sb-tone-{caption.tone}" + (" sb-mark" if caption.backed else "") + open_only
    base = y + _whole(0.33 * caption.size)
    place = f'x="{x}" y="{base}" font-size="{_whole(caption.size)}"{_painted(colours, text_anchor="middle", fill=colour)}{turn}'
    return f'{patch}<text class="{classes}" {place}>{_spans(caption.text, caption.size, colours)}</text>'


def _spans(caption: StyledText, size: float, colours: bool) -> str:
    """Return the runs as spans; blanks are no-break spaces: distances (`dx`) are left out of the middle by some programs."""
    spans = []
    height = blanks = 0
    for run in caption.runs:
        wanted = {-1: _whole(0.22 * size), 0: 0, 1: -_whole(0.36 * size)}[run.level]
        text = run.text.lstrip(" ")
        blanks += len(run.text) - len(text)
        options = (' font-style="italic"' if colours else ' class="sb-i"') if run.italic else ""
        options += f' font-size="{_whole(SCRIPT * size)}"' if run.level else ""
        options += f' dy="{wanted - height}"' if wanted != height and text else ""
        lead = "\u00a0" * blanks * bool(text)
        height, blanks = (wanted, 0) if text else (height, blanks)
        blanks += len(text) - len(text.rstrip(" "))
        shown = _span(options, lead + text.rstrip(" "))
        spans.append(_coverable(shown, _span(options, lead + run.asked)) if run.asked else shown)
    return "".join(spans)


def _span(options: str, text: str) -> str:
    shown = _escaped(text).replace(" ", "\u00a0")
    return f"<tspan{options}>{shown}</tspan>" if options else shown


def _coverable(shown: str, asked: str) -> str:
    """Return an answer with what stands in its place while it is covered."""
    return f'<tspan class="sb-open">{shown}</tspan><tspan class="sb-asked" display="none">{asked}</tspan>'


def _at(point: Point) -> str:
    return f"{_whole(point[0])} {_whole(point[1])}"


def _whole(length: float) -> int:
    return round(10 * length)


_PRINTERS: dict[type, Callable[[Any, Item, bool], str]] = {Disc: _disc, Panel: _panel, Stroke: _stroke, Caption: _caption}
