"""Slides as PDF, set by Typst: a page a slide, 960 by 540 points, which is half of what they measure on a projector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.print.figures import diagram_words
from symbackprop.writeup.print.pdf import faces, pdf, printed, quoted, words
from symbackprop.writeup.slides.slides import (
    FIGURE_HIGH,
    FIGURE_WIDE,
    TEXT,
    Slide,
    aside,
    columns,
    legible,
    on_path,
    placed,
    scale_of,
    slides,
)

#: Points for a pixel of a slide.
POINT = 0.5
#: Points between text and diagram.
GAP = 25

_PREAMBLE = """\
#set page(width: 960pt, height: 540pt, margin: (x: 30pt, top: 20pt, bottom: 36pt),
  footer: context [#set text(12pt, fill: luma(90)); #TITLE; #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: FACES, size: 21pt, lang: "LANG")
#set par(justify: false, leading: 0.62em)
#let accent = rgb("#2457a6")
#let slide(size, room, title, body, network) = { text(23pt, weight: "bold", fill: accent, title); v(4pt); set text(size: size)
  place(right + horizon, network); block(width: 100% - room, body); pagebreak(weak: true) }
#let lead(body) = block(body)
#let note(body) = block(body)
#let solution(body) = text(fill: rgb("#0b6b3a"), body)
#let reason(body) = []
#let below(body, nearer) = []
#let gap(width) = box(width: width, stroke: (bottom: 0.8pt), height: 0.9em)
#let tall = box(width: 0pt, height: 1.5em, baseline: 0.55em)  // Typst lets it reach 0.7 of the leading out
#let writing = []
#let equations(breakable, ..rows) = block(width: 100%, { set par(leading: 0pt)  // see `tall`
  grid(columns: (auto, 1fr, auto, 0pt), column-gutter: (4pt, 0pt, 0pt), row-gutter: 15pt,
    align: (right + horizon, left + horizon, right + horizon), ..rows) })
#let together(rows) = grid.cell(rowspan: rows)[]
#set math.mat(delim: "[", gap: 0.6em)
"""


def deck_pdf(outline: b.Outline, derivation: DerivationRecord, inspect: Callable[[str], None] | None = None) -> bytes:
    """Return the PDF; `inspect` sees the source first. Raises UserError where Typst is missing, or there is nothing to show."""
    return pdf(outline, inspect, lambda written, families: deck_source(written, derivation, families))


def deck_source(outline: b.Outline, derivation: DerivationRecord, families: tuple[str, ...]) -> str:
    """Return the Typst source, set in faces out of `families`."""
    preamble = _PREAMBLE.replace("FACES", faces(outline.lang, families)).replace("LANG", outline.lang)
    head = [
        preamble.replace("TITLE", quoted(outline.title)),
        f"#set document(title: {quoted(outline.title)})",
        f'#v(170pt)#text(38pt, weight: "bold", {quoted(outline.title)})\n\n'
        f"#text(20pt, fill: luma(90), {quoted(outline.subtitle)})\n#pagebreak()",
    ]
    drawn = aside(derivation, outline.notation, diagram_words(outline.lang), outline.lang)
    return "\n\n".join([*head, *(_slide(slide, drawn, outline) for slide in slides(outline))]) + "\n"


def _slide(slide: Slide, network: Picture | None, outline: b.Outline) -> str:
    drawn, size = placed(slide, network)
    measured = replace(outline, columns=columns(drawn) * TEXT // size)
    body = "\n\n".join(_block(block, measured) for block in slide.blocks)
    beside, room = "[]", 0.0
    if drawn is not None:
        beside, room = _image(_lit(drawn, slide.path), scale_of(drawn)), drawn.width * scale_of(drawn) * POINT + GAP
    return f"#slide({size * POINT:g}pt, {room:.0f}pt, [{words(slide.title, outline)}], [{body}], {beside})"


def _block(block: b.PageBlock, outline: b.Outline) -> str:
    if not isinstance(block, b.Figure):
        return printed(block, outline)
    drawn = legible(block, outline)
    if drawn is None:
        return f"#{quoted(block.alt)}"
    return f"#align(center, {_image(drawn, min(FIGURE_WIDE / drawn.width, FIGURE_HIGH / drawn.height))})"


def _lit(drawn: Picture, path: tuple[str, ...]) -> Picture:
    lit = set(on_path(drawn, path))
    return replace(drawn, items=tuple(replace(item, on_path=at in lit) for at, item in enumerate(drawn.items)))


def _image(drawn: Picture, scale: float) -> str:
    return f'image(bytes({quoted(svg(drawn, stylesheet=False))}), format: "svg", width: {drawn.width * scale * POINT:.0f}pt)'
