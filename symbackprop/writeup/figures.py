"""Drawings of an outline as pictures, in the reader's language and notation."""

from __future__ import annotations

from symbackprop.formula.notation import Notation
from symbackprop.writeup.blocks import Drawing
from symbackprop.writeup.diagram import network_picture
from symbackprop.writeup.graph_view import graph_picture
from symbackprop.writeup.picture import Picture
from symbackprop.writeup.sheet import DiagramWords

WORDING = {
    "en": DiagramWords(),
    "zh": DiagramWords("网络图", "计算图", "输入层", "隐藏层", "输出层", "损失"),
}


def picture(drawing: Drawing, lang: str, notation: Notation) -> Picture:
    """Return the picture of a drawing, with exactly the values the drawing carries."""
    values = dict(drawing.values)
    if drawing.view == "graph":
        return graph_picture(
            drawing.network, drawing.loss, locals_=dict(drawing.locals), values=values,
            highlight=drawing.highlight, notation=notation, words=WORDING[lang],
        )  # fmt: skip
    return network_picture(
        drawing.network, drawing.loss, values=values, highlight=drawing.highlight, notation=notation,
        words=WORDING[lang],
    )  # fmt: skip
