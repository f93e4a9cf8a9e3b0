"""Print an outline as one self-contained HTML page: MathML, inline SVG, its own style and script, nothing from outside.

Without JavaScript it is a plain page; with it, pointing at a weight or a derivative marks its path, symbols and numbers can
be shown alone, and a teacher can uncover the answers one by one.
"""

from __future__ import annotations

import base64
import json
from functools import cache, singledispatch
from html import escape
from pathlib import Path

from symbackprop.errors import InternalError
from symbackprop.formula.latex import RELATIONS
from symbackprop.formula.tree import Formula
from symbackprop.writeup import blocks as b
from symbackprop.writeup.figures import picture
from symbackprop.writeup.mathspan import MathPrinter, all_names
from symbackprop.writeup.phrases import plain, worth
from symbackprop.writeup.rows import Piece, Row, laid_out
from symbackprop.writeup.svg import style_sheet, svg

HTML_LANG = {"en": "en", "zh": "zh-Hans"}
MATH_FAMILY = "Symbackprop Math"
_EQUALS = '<math><mo lspace="0.278em" rspace="0.278em">=</mo></math>'
_ALIGN = {"l": "left", "c": "center", "r": "right"}


class Page:
    """The printer of one outline: its language, its formula printer, and how many figures and answers it has met."""

    def __init__(self, outline: b.Outline) -> None:
        self.outline = outline
        names = all_names(formula for block in outline.blocks for formula in block_formulas(block))
        self.formulas = MathPrinter(outline.notation, names, plain("blank", outline.lang))

    def say(self, key: str, **gaps: str | int) -> str:
        """Return a fixed phrase, escaped."""
        return escape(plain(key, self.outline.lang, **gaps))

    def words(self, words: b.Words) -> str:
        """Print text with formulas in it; a line break is a newline."""
        return "".join(self._word(part) for part in words)

    def _word(self, part: str | Formula) -> str:
        if isinstance(part, Formula):
            return self.formulas.math(part)
        return "<br>" if part == "\n" else escape(part, quote=False)


def html(outline: b.Outline) -> str:
    """Return the page. Raises InternalError for a block it does not know."""
    page = Page(outline)
    body = "\n".join(text for block in outline.blocks if (text := _block(block, page)))
    data = json.dumps({"paths": dict(outline.paths), "words": _script_words(page)}, ensure_ascii=False)
    data = data.replace("</", "<\\/")  # so that no text can end the script element
    return (
        f'<!DOCTYPE html>\n<html lang="{HTML_LANG[outline.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(outline.title)}</title>\n'
        f"<style>\n{_fonts()}\n{style_sheet()}\n{_data('page.css')}</style>\n</head>\n"
        f'<body class="{outline.audience}">\n<main>\n{_header(page)}\n{_toolbar(page)}\n{body}\n</main>\n'
        f'<script type="application/json" id="page-data">{data}</script>\n'
        f"<script>\n{_data('interactive.js')}</script>\n</body>\n</html>\n"
    )


@cache
def _data(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def _fonts() -> str:
    """Return the faces of the mathematics, as data in the page; see fonts/README.txt for their origin and licence."""
    return "\n".join(_face(f"{name}.woff2", style) for name, style in (("math", "normal"), ("math-italic", "italic")))


def _face(file: str, style: str) -> str:
    packed = base64.b64encode((Path(__file__).parent / "fonts" / file).read_bytes()).decode("ascii")
    source = f'url("data:font/woff2;base64,{packed}") format("woff2")'
    return f'@font-face {{ font-family: "{MATH_FAMILY}"; font-style: {style}; src: {source}; }}'


def _script_words(page: Page) -> dict[str, str]:
    shown = plain("answers shown", page.outline.lang, shown="{shown}", all="{all}")
    return {"shown": shown, "path": plain("path of", page.outline.lang, name="{name}")}


def _header(page: Page) -> str:
    outline = page.outline
    return f'<header>\n<h1>{escape(outline.title)}</h1>\n<p class="subtitle">{escape(outline.subtitle)}</p>\n</header>'


def _toolbar(page: Page) -> str:
    """The controls; the script shows them, so that without it there are none that do nothing."""
    choices = "".join(
        f'<button type="button" data-view="{view}" aria-pressed="{"true" if view == "both" else "false"}">'
        f"{page.say(f'show {view}')}</button>"
        for view in ("both", "symbols", "numbers")
    )
    answers = ""
    if page.outline.audience == "teacher":
        answers = (
            f'<button type="button" data-answers="hide">{page.say("hide answers")}</button>'
            f'<button type="button" data-answers="next" hidden>{page.say("next answer")}</button>'
            f'<button type="button" data-answers="all" hidden>{page.say("all answers")}</button>'
        )
    return (
        f'<div class="toolbar" role="toolbar" aria-label="{page.say("view")}" hidden><span>{page.say("view")}</span>'
        f'<span class="group">{choices}</span><span class="group">{answers}</span>'
        f'<button type="button" data-print>{page.say("print")}</button>'
        '<span class="status" role="status" aria-live="polite"></span></div>'
    )


def block_formulas(block: b.Block) -> list[Formula]:
    """Return the formulas of a block."""
    if isinstance(block, b.FormulaBlock):
        return [part.formula for line in block.lines for part in line.parts]
    if isinstance(block, b.Table):
        groups = [*block.header, block.caption, *(cell.words for row in block.rows for cell in row)]
        return [part for group in groups for part in group if isinstance(part, Formula)]
    if isinstance(block, b.Choice):
        return [part for option in block.options for part in option.words if isinstance(part, Formula)]
    words = block.words if isinstance(block, b.Heading | b.Prose) else ()
    return [part for part in words if isinstance(part, Formula)]


@singledispatch
def _block(block: b.Block, page: Page) -> str:
    raise InternalError(f"html: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, page: Page) -> str:
    points = f'<span class="field points">{page.say("points")}<i></i>/ {block.points}</span>' if block.points else ""
    fields = "".join(f'<span class="field {key}">{page.say(key)}<i></i></span>' for key in ("name", "class", "date"))
    return f'<p class="name-line">{fields}{points}</p>'


@_block.register
def _(block: b.Heading, page: Page) -> str:
    level = block.level + 1
    points = f'<span class="worth">{worth(block.points, page.outline.lang)}</span>' if block.points else ""
    return f'<h{level} id="{escape(block.anchor)}">{page.words(block.words)}{points}</h{level}>'


@_block.register
def _(block: b.Prose, page: Page) -> str:
    if block.tone == "cell":
        return ""
    hidden = ' data-hidden="numbers"' if block.tone == "answer" else ""
    return f'<p class="{block.tone}"{hidden}>{page.words(block.words)}</p>'


@_block.register
def _(block: b.FormulaBlock, page: Page) -> str:
    placed = zip(block.lines, laid_out(block.lines), strict=True)
    body = "\n".join(_line(line, line_rows, page) for line, line_rows in placed)
    keep = " keep" if block.keep else ""
    table = f'<table class="lines{keep}" role="presentation" id="{escape(block.anchor)}">\n{body}\n</table>'
    return f'<div class="wide">{table}</div>'


def _line(line: b.Line, line_rows: tuple[Row, ...], page: Page) -> str:
    about = escape(" ".join(line.about), quote=True)
    body = "".join(_row(row, page) for row in line_rows)
    return f'<tbody data-about="{about}">{body}</tbody>'


def _row(row: Row, page: Page) -> str:
    head = page.formulas.math(row.head.formula) if row.head is not None else ""
    pieces = " ".join(_piece(piece, page) for piece in row.pieces)
    because = f'<td class="because">{escape(row.because, quote=False)}</td>' if row.because and not row.below else "<td></td>"
    below = f'<tr><td></td><td class="why" colspan="2">{escape(row.because, quote=False)}</td></tr>' if row.below else ""
    continued = "" if row.head is not None or row.pieces[0].lead in ("=", "") else " continued"
    return f'<tr><td class="left">{head}</td><td class="right{continued}">{pieces}</td>{because}</tr>{below}'


def _piece(piece: Piece, page: Page) -> str:
    hidden = f' data-hidden="{piece.part.hidden}"' if piece.part.hidden else ""
    lead = _sign(piece.lead) if piece.lead else ""
    trail = _sign(piece.trail) if piece.trail else ""
    body = page.formulas.inner(piece.body)
    inner = f"<math>{lead}<mrow{hidden}>{body}</mrow>{trail}</math>"
    return f'<span class="part {piece.part.kind}">{inner}</span>'


def _sign(sign: str) -> str:
    shown = {"*": "·", "-": "−"}.get(sign, sign)
    if sign not in RELATIONS and shown not in "+−·":
        raise InternalError(f"html: unknown sign {sign!r}")
    return f'<mo form="infix" lspace="0.278em" rspace="0.278em">{escape(shown)}</mo>'


@_block.register
def _(block: b.Table, page: Page) -> str:
    header = ""
    if block.header:
        cells = "".join(
            f'<th scope="col" class="{_ALIGN[align]}">{page.words(words)}</th>'
            for words, align in zip(block.header, block.align, strict=True)
        )
        header = f"<thead><tr>{cells}</tr></thead>"
    body = "\n".join(
        "<tr>" + "".join(_cell(cell, align, page) for cell, align in zip(row, block.align, strict=True)) + "</tr>"
        for row in block.rows
    )
    anchor = escape(block.anchor)
    if not block.header and block.caption:  # an array: X = [ … ]
        name = f'<span class="array-name" id="{anchor}-name">{page.words(block.caption)}{_EQUALS}</span>'
        table = f'<table class="array" id="{anchor}" aria-labelledby="{anchor}-name"><tbody>\n{body}\n</tbody></table>'
        brackets = "bracket" if len(block.rows) * len(block.align) > 1 else "number"
        return f'<div class="wide array-box">{name}<div class="{brackets}">{table}</div></div>'
    kind = "data" if block.header else "plain"
    return f'<div class="wide"><table class="{kind}" id="{anchor}">{header}<tbody>\n{body}\n</tbody></table></div>'


def _cell(cell: b.Cell, align: str, page: Page) -> str:
    hidden = f' data-hidden="{cell.hidden}"' if cell.hidden else ""
    return f'<td class="{_ALIGN[align]}"><span{hidden}>{page.words(cell.words)}</span></td>'


@_block.register
def _(block: b.Figure, page: Page) -> str:
    drawn = picture(block.drawing, page.outline.lang, page.outline.notation)
    image = svg(drawn, prefix=f"{block.anchor}-", stylesheet=False, focusable=True)
    caption = f"<figcaption>{page.words(block.caption)}</figcaption>" if block.caption else ""
    return f'<figure id="{escape(block.anchor)}"><div class="stick">{image}{caption}</div></figure>'


@_block.register
def _(block: b.BlankLines, page: Page) -> str:
    label = page.say("your work")
    return f'<div class="room" role="img" aria-label="{label}">{"<i></i>" * block.lines}</div>'


@_block.register
def _(block: b.Code, page: Page) -> str:
    if block.role == "cell":
        return ""
    return f'<pre class="code"><code class="language-{escape(block.language)}">{escape(block.text, quote=False)}</code></pre>'


@_block.register
def _(block: b.Choice, page: Page) -> str:
    items = []
    for option in block.options:
        verdict = ""
        if option.right is not None:
            mark = "✓" if option.right else "✗"
            verdict = f'<span class="verdict" data-hidden="numbers">{mark} {page.words(option.why)}</span>'
        items.append(f"<li>{page.words(option.words)}{verdict}</li>")
    return (
        f'<div class="choice" id="{escape(block.anchor)}"><p>{page.words(block.question)}</p>'
        f'<ol type="a">{"".join(items)}</ol></div>'
    )


@_block.register
def _(block: b.PageBreak, page: Page) -> str:
    return f'<div class="page-break{" must" if block.must else ""}"></div>'
