"""Slides as one HTML page: a step a slide, the diagram in the same place, answers covered, notes for the presenter.

Without a script the slides stand below one another; printed, each has a sheet of its own.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count
from pathlib import Path

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.svg import style_sheet, svg
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.print.figures import diagram_words
from symbackprop.writeup.print.font_faces import font_faces
from symbackprop.writeup.print.html import HTML_LANG, Page, coverable, gap_script
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


def deck_html(outline: b.Outline, derivation: DerivationRecord) -> str:
    """Return the page. Raises UserError when there is nothing to show."""
    found = slides(outline)
    last = len(found) + 1
    drawn = aside(derivation, outline.notation, diagram_words(outline.lang), outline.lang)
    body = "\n".join(_slide(slide, f"{at} / {last}", drawn, outline) for at, slide in enumerate(found, start=2))
    first = (
        f'<section class="slide title" aria-label="1 / {last}"><h1>{escape(outline.title)}</h1>'
        f'<p class="subtitle">{escape(outline.subtitle)}</p></section>'
    )
    style = f"{font_faces(_network(drawn) + body)}\n{style_sheet()}\n{_file('deck.css')}"
    return (
        f'<!DOCTYPE html>\n<html lang="{HTML_LANG[outline.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(outline.title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n"
        f'<body class="{outline.audience}">\n{_network(drawn)}<main>\n{first}\n{body}\n</main>\n'
        f'<p class="status" role="status" aria-live="polite"></p>\n'
        f"<script>\n{gap_script(b.ENTRY_GAP)}{_file('deck.js')}</script>\n</body>\n</html>\n"
    )


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _slide(slide: Slide, number: str, network: Picture | None, outline: b.Outline) -> str:
    drawn, size = placed(slide, network)
    page = Page(outline, columns(drawn) * TEXT // size)
    prefix = f"s{number.split()[0]}-"
    body = "\n".join(
        _figure(block, outline, prefix) if isinstance(block, b.Figure) else coverable(block, page) for block in slide.blocks
    )
    image = _aside(drawn, slide.path) if drawn is not None else ""
    notes = "".join(f"<p>{page.words(words)}</p>" for words in slide.notes)
    said = f'<aside class="notes" aria-label="{page.say("presenter")}" hidden>{notes}</aside>' if notes else ""
    return (
        f'<section class="slide {"alone" if drawn is None else "side"}" aria-label="{number}" style="--text: {size}">\n'
        f'<h2>{page.words(slide.title)}</h2>\n<div class="content">\n{body}\n</div>\n{image}'
        f"{said}<footer><span>{escape(outline.title)}</span><span>{number}</span></footer>\n</section>"
    )


def _network(drawn: Picture | None) -> str:
    """Return the diagram once, for all slides; each of its items takes its colour from a variable of the slide that shows it."""
    if drawn is None:
        return ""
    numbers = count()
    image = svg(drawn, prefix="unit-", stylesheet=False)
    image = re.sub('<g id="', lambda found: f'<g style="--pen: var(--on{next(numbers)})" id="', image)
    inside = image[image.index(">") + 1 : image.rindex("</svg>")]
    return f'<svg width="0" height="0" style="position: absolute" aria-hidden="true"><g id="network">{inside}</g></svg>\n'


def _aside(drawn: Picture, path: tuple[str, ...]) -> str:
    wide, high = round(10 * drawn.width), round(10 * drawn.height)
    lit = "".join(f"--on{at}: var(--path); " for at in on_path(drawn, path))
    return (
        f'<div class="network" style="--wide: {round(drawn.width * scale_of(drawn))}">'
        f'<svg class="sb-diagram" viewBox="0 0 {wide} {high}" role="img" aria-label="{escape(drawn.description)}">'
        f'<use href="#network" style="{lit}"/></svg></div>\n'
    )


def _figure(figure: b.Figure, outline: b.Outline, prefix: str) -> str:
    drawn = legible(figure, outline)
    if drawn is None:
        return f"<p>{escape(figure.alt)}</p>"
    image = svg(drawn, prefix=prefix, stylesheet=False)
    wide = round(drawn.width * min(FIGURE_WIDE / drawn.width, FIGURE_HIGH / drawn.height))
    return f'<figure style="--wide: {wide}">{image}</figure>'
