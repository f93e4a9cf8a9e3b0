"""Drawings of an outline as pictures, in the reader's language and notation."""

from __future__ import annotations

from dataclasses import fields

from symbackprop.formula.notation.notation import Notation
from symbackprop.network.wording import in_language
from symbackprop.writeup.drawing.diagram import network_picture
from symbackprop.writeup.drawing.faces import Coverable, DiagramWords
from symbackprop.writeup.drawing.graph_view import graph_picture
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.page.blocks import Drawing
from symbackprop.writeup.page.phrases import plain


def diagram_words(lang: str) -> DiagramWords:
    """Return the fixed words of a drawing in the reader's language."""
    return DiagramWords(**{entry.name: plain(f"diagram {entry.name}", lang) for entry in fields(DiagramWords)})


def picture(drawing: Drawing, lang: str, notation: Notation, asked: Drawing | None = None) -> Picture:
    """Return the picture of a drawing, with exactly the values the drawing carries.

    `asked` is the same drawing as a student sees it: what differs there can be covered.
    """
    values = dict(drawing.values)
    words = diagram_words(lang)
    title = f"{words.graph if drawing.view == 'graph' else words.network}: {in_language(drawing.network.title, lang)}"
    coverable = _differing(drawing, asked or drawing)
    if drawing.view == "graph":
        return graph_picture(
            drawing.network, drawing.loss, locals_=dict(drawing.locals), values=values,
            highlight=drawing.highlight, notation=notation, words=words, title=title, coverable=coverable,
        )  # fmt: skip
    return network_picture(
        drawing.network, drawing.loss, values=values, highlight=drawing.highlight, notation=notation,
        words=words, title=title, coverable=coverable,
    )  # fmt: skip


def _differing(drawing: Drawing, asked: Drawing) -> frozenset[Coverable]:
    """Return the names and uses that say something else, or nothing, in the drawing that asks for them."""
    left = _texts(asked)
    return frozenset(place for place, text in _texts(drawing).items() if left.get(place) != text)


def _texts(drawing: Drawing) -> dict[Coverable, object]:
    return {**dict(drawing.values), **dict(drawing.locals)}
