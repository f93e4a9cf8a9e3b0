"""Print an outline as one self-contained HTML page: MathML, inline SVG, its own style and script, nothing from outside.

Without JavaScript it is a plain page; with it, pointing at a weight or a derivative marks its path, symbols and numbers can
be shown alone, and a teacher can uncover the answers one by one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache, singledispatch
from html import escape
from itertools import pairwise, repeat
from math import ceil
from pathlib import Path

from symbackprop.errors import InternalError
from symbackprop.formula.print.latex import RELATIONS
from symbackprop.formula.print.mathml import leading_sign
from symbackprop.formula.tree.tree import Blank, Formula
from symbackprop.writeup.drawing.compose import PRINTED, SMALLEST
from symbackprop.writeup.drawing.faces import VALUE_SIZE
from symbackprop.writeup.drawing.picture import HIGHEST, strips
from symbackprop.writeup.drawing.svg import style_sheet, svg
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.phrases import plain, worth
from symbackprop.writeup.page.reasons import in_words
from symbackprop.writeup.page.rows import PAGE_WIDTH, PageRow, Piece, in_a_sentence, laid_out, stands_together
from symbackprop.writeup.print.figures import picture
from symbackprop.writeup.print.font_faces import font_faces
from symbackprop.writeup.print.format import check_complete, text_format
from symbackprop.writeup.print.mathspan import MathPrinter, all_names
from symbackprop.writeup.print.packing import packed
from symbackprop.writeup.student.redact import degrees, is_answer_only, student_block, student_cell, student_parts

HTML_LANG = {"en": "en", "zh": "zh-Hans"}
#: Characters that a formula in a sentence has less room than a row.
INDENT = 8
#: What no line begins with; it stays with the formula before it.
_CLOSING = tuple(",.;:?)，。；：？）")
#: The gap for a number, which a page's script puts where it covers one.
_NUMBER_GAP = f'<math><mspace class="blank" width="{b.NUMBER_GAP:g}em"/><mi></mi></math>'
_EQUALS = '<math><mo lspace="0.278em" rspace="0.278em">=</mo></math>'


class Page:
    """The printer of one outline: its language, its formula printer, how many characters wide a row is."""

    def __init__(self, outline: b.Outline, width: int = PAGE_WIDTH) -> None:
        self.outline, self.width = outline, width
        names = all_names(formula for block in outline.page for formula in b.formulas_in(block))
        label = "" if outline.audience == "teacher" else plain("blank", outline.lang)  # a teacher's page has gaps while it covers
        self.formulas = MathPrinter(outline.notation, names, label)
        self.covered = degrees(outline.blanks) or degrees(b.HIDING[0]) if outline.audience == "teacher" else frozenset[str]()

    def say(self, key: str, **gaps: str | int) -> str:
        """Return a fixed phrase, escaped."""
        return escape(plain(key, self.outline.lang, **gaps))

    def words(self, words: b.Words) -> str:
        """Print text with formulas in it; a line break is a newline."""
        shown = [self._word(part) for part in words]
        for at, (before, part) in enumerate(pairwise(words)):
            if isinstance(part, str) and part.startswith(_CLOSING) and isinstance(before, Formula):
                shown[at : at + 2] = f'<span class="n">{shown[at]}{part[0]}</span>', self._word(part[1:])
        return "".join(shown)

    def _word(self, part: str | Formula) -> str:
        if isinstance(part, Formula):
            return " ".join(f"<math>{_signed(piece, self)}</math>" for piece in in_a_sentence(part, self.width - INDENT))
        return "<br>" if part == "\n" else escape(part, quote=False)


def html(outline: b.Outline) -> str:
    """Return the page. Raises InternalError for a block it does not know."""
    page = Page(outline)
    body = "\n".join(text for block in outline.page if (text := coverable(block, page)))
    data = json.dumps({**_paths(outline), "words": _script_words(page)}, ensure_ascii=False)
    data = data.replace("</", "<\\/")  # so that no text can end the script element
    return (
        f'<!DOCTYPE html>\n<html lang="{HTML_LANG[outline.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(outline.title)}</title>\n'
        f"<style>\n{font_faces(body)}\n{style_sheet()}\n{_data('page.css')}</style>\n</head>\n"
        f'<body class="{outline.audience}">\n<main>\n{_header(page)}\n{_toolbar(page)}\n{body}\n</main>\n'
        f'<script type="application/json" id="page-data">{data}</script>\n'
        f"<script>\n{gap_script()}{_data('interactive.js')}</script>\n</body>\n</html>\n"
    )


@cache
def _data(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def gap_script(number: float = b.NUMBER_GAP) -> str:
    """Return the lines of a script that put the gap, so many em wide, beside each number that is covered by one."""
    return _data("gaps.js").replace("NUMBER_GAP", f"{number:g}em").replace("ENTRY_GAP", f"{b.ENTRY_GAP:g}em")


def _script_words(page: Page) -> dict[str, str]:
    shown = plain("answers shown", page.outline.lang, shown="{shown}", all="{all}")
    said = {key: plain(key, page.outline.lang) for key in ("blank",)}
    return {"shown": shown, "path": plain("path of", page.outline.lang, name="{name}"), **said}


def _paths(outline: b.Outline) -> dict[str, object]:
    """Return the paths of the parameters: many end with the same names, so the way is said once, and its number for each."""
    ways: dict[tuple[str, ...], int] = {}
    paths = {name: ways.setdefault(path[:-1], len(ways)) for name, path in outline.paths}
    return {"ways": list(ways), "paths": paths}


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


def _answer(shown: str, asked: str, tag: str = "span") -> str:
    """Return what is shown with what stands in its place while the answers are covered."""
    if shown == asked:
        return shown
    if asked == _NUMBER_GAP and shown.startswith("<math>") and shown.count("<math") == 1:
        return f'<{tag} class="gap">{shown}</{tag}>'
    return f'<{tag} class="answer"><{tag} class="open">{shown}</{tag}><{tag} class="asked">{asked}</{tag}></{tag}>'


def coverable(block: b.PageBlock, page: Page) -> str:
    """Print a block; where a student would see another one, or none, that stands in its place while the answers are covered."""
    shown = _block(block, page)
    if not page.covered or not shown or isinstance(block, b.Table | b.ArrayValue | b.Choice | b.Figure):
        return shown  # each of their answers is covered by itself
    seen = () if is_answer_only(block) else student_block(block, page.covered)
    if len(seen) == 1 and isinstance(seen[0], b.FormulaBlock):
        return shown
    return _answer(shown, "".join(_block(other, page) for other in seen if not isinstance(other, b.Cells)), "div")


@singledispatch
def _block(block: b.Block, page: Page) -> str:
    raise InternalError(f"html: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, page: Page) -> str:
    points = f'<span class="field points">{page.say("points")}<i></i>/ {block.points}</span>' if block.points else ""
    known = dict(block.known)
    fields = "".join(
        f'<span class="field {key}">{page.say(key)}<i>{escape(known.get(key, ""))}</i></span>'
        for key in ("name", "class", "date")
    )
    return f'<p class="name-line">{fields}{points}</p>{_grading(block, page)}'


def _grading(block: b.NameLine, page: Page) -> str:
    """Return the table for who grades: the questions, the points there are, and room for those that were given."""
    if not block.questions:
        return ""
    rows = b.grading_rows(block, page.say("question"), page.say("total"), page.say("points"))
    head, *body = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f'<table class="grading"><tbody><tr>{head}</tr>{"".join(f"<tr>{row}</tr>" for row in body)}</tbody></table>'


@_block.register
def _(block: b.Heading, page: Page) -> str:
    level = block.level + 1
    number = f'<span class="number">{block.number}</span> ' if block.number else ""
    points = f'<span class="worth">{worth(block.points, page.outline.lang)}</span>' if block.points else ""
    return f'<h{level} id="{escape(block.anchor)}">{number}{page.words(block.words)}{points}</h{level}>'


@_block.register
def _(block: b.Prose, page: Page) -> str:
    return f'<p class="{block.tone}">{page.words(block.words)}</p>'


@_block.register
def _(block: b.FormulaBlock, page: Page) -> str:
    found = laid_out(block.lines, page.width)
    body = "\n".join(_line(line, line_rows, page) for line, line_rows in zip(block.lines, found, strict=True))
    keep = " keep" if block.keep and stands_together(found) else ""
    table = f'<table class="lines{keep}" role="presentation" id="{escape(block.anchor)}">\n{body}</table>'
    return f'<div class="wide">{table}</div>'


def _line(line: b.Line, line_rows: tuple[PageRow, ...], page: Page) -> str:
    asked = dict(zip(map(id, line.parts), student_parts(line, page.covered), strict=True)) if page.covered else {}
    body = "".join(_row(row, asked, page) for row in line_rows)
    return f"<tbody>{body}</tbody>"


def _row(row: PageRow, asked: dict[int, b.Part | None], page: Page) -> str:
    head = page.formulas.math(row.head.formula) if row.head is not None else ""
    pieces = " ".join(_piece(piece, asked, page) for piece in row.pieces)
    because = f'<td class="because">{page.words(in_words(row.because))}</td>' if row.because and not row.below else ""
    below = (
        f'<tr><td></td><td class="why" colspan="2"><div>{page.words(in_words(row.because))}</div></td></tr>' if row.below else ""
    )
    continued = "" if row.head is not None or row.pieces[0].lead in ("=", "") else ' class="continued"'
    return f"<tr><td>{head}</td><td{continued}>{pieces}</td>{because}</tr>{below}"


def _piece(piece: Piece, asked: dict[int, b.Part | None], page: Page) -> str:
    seen = asked.get(id(piece.part), piece.part)
    if seen is not None and seen.formula == piece.part.formula:
        return _math(piece, page)
    begins = piece.lead in RELATIONS or not piece.lead  # a side that goes on in further rows is covered in the first
    if seen is not None and seen.formula == Blank(b.NUMBER_GAP) and piece.lead:
        return f'<span class="gap">{_math(piece, page)}</span>'
    gap = _math(Piece(piece.lead, seen.formula, seen), page, " asked") if seen is not None and begins else ""
    return f'<span class="answer{"" if begins else " more"}">{_math(piece, page, " open")}{gap}</span>'


def _math(piece: Piece, page: Page, when: str = "") -> str:
    kind = "" if piece.part.kind == b.SYMBOLS else piece.part.kind
    marked = f' class="{kind}{when}"'.replace('" ', '"') if kind or when else ""
    return f"<math{marked}>{_signed(piece, page)}</math>"


def _signed(piece: Piece, page: Page) -> str:
    return f"{leading_sign(piece.lead, page.formulas.notation)}{page.formulas.bare(piece.body)}"


@_block.register
def _(block: b.Table, page: Page) -> str:
    cells = "".join(f'<th scope="col">{page.words(words)}</th>' for words in block.header)
    head = f"<thead><tr>{cells}</tr></thead>"
    kind = f'class="data{_aligned(block.align)}" id="{escape(block.anchor)}"'
    return f'<div class="wide"><table {kind}>{head}<tbody>\n{_rows(block.rows, page)}\n</tbody></table></div>'


def _aligned(align: str) -> str:
    """Return the classes of a table whose columns do not all begin at the left: `r3` for a third column at the right."""
    return "".join(f" {letter}{number}" for number, letter in enumerate(align, start=1) if letter != "l")


@_block.register
def _(block: b.ArrayValue, page: Page) -> str:
    anchor = escape(block.anchor)
    name = f'<span class="array-name" id="{anchor}-name">{page.words(block.name)}{_EQUALS}</span>'
    body = _rows(block.rows, page)
    table = f'<table class="array" id="{anchor}" aria-labelledby="{anchor}-name"><tbody>\n{body}\n</tbody></table>'
    return f'<div class="wide array-box">{name}<div class="{"number" if block.is_number else "bracket"}">{table}</div></div>'


@_block.register
def _(block: b.Definitions, page: Page) -> str:
    body = _rows(tuple((b.Cell(label), b.Cell(words)) for label, words in block.rows), page)
    return f'<div class="wide"><table class="plain" id="{escape(block.anchor)}"><tbody>\n{body}\n</tbody></table></div>'


def _rows(rows: b.Rows, page: Page) -> str:
    return "\n".join("<tr>" + "".join(map(_cell, row, repeat(page))) + "</tr>" for row in rows)


def _cell(cell: b.Cell, page: Page) -> str:
    shown = page.words(cell.words)
    asked = page.words(student_cell(cell, page.covered).words) if page.covered else shown
    return f"<td>{_answer(shown, asked)}</td>"


@_block.register
def _(block: b.Figure, page: Page) -> str:
    asked = next((seen for seen in student_block(block, page.covered) if isinstance(seen, b.Figure)), block)
    image = _image(block, asked.drawing, page)
    caption = f"<figcaption>{page.words(block.caption)}</figcaption>" if block.caption else ""
    return f'<figure id="{escape(block.anchor)}"><div class="stick">{image}{caption}</div></figure>'


def _image(figure: b.Figure, asked: b.Drawing, page: Page) -> str:
    """Return the drawing once, with what stands in the place of answers while they are covered."""
    drawn = picture(figure.drawing, page.outline.lang, page.outline.notation, asked)
    covers = " answer" if asked != replace(figure.drawing, answers=frozenset()) else ""
    least = ceil(drawn.width * SMALLEST / VALUE_SIZE)  # narrower, its letters would be too small to read
    images = "".join(
        svg(strip, prefix=f"{figure.anchor}-{f'{at}-' if at else ''}", stylesheet=False, focusable=True, colours=False)
        for at, strip in enumerate(strips(drawn, HIGHEST * max(1.0, drawn.width / PRINTED)))
    )
    return f'<div class="drawing{covers}" style="--least: {least}px">{images}</div>'


@_block.register
def _(block: b.BlankLines, page: Page) -> str:
    label = page.say("your work")
    return f'<div class="room" role="img" aria-label="{label}">{"<i></i>" * block.lines}</div>'


@_block.register
def _(block: b.Code, page: Page) -> str:
    return f'<pre class="code"><code class="language-{escape(block.language)}">{escape(block.text, quote=False)}</code></pre>'


@_block.register
def _(block: b.Choice, page: Page) -> str:
    items = []
    for option in block.options:
        verdict = ""
        if option.right is not None:
            mark = "✓" if option.right else "✗"
            verdict = f'<span class="verdict">{mark} {page.words(option.why)}</span>'
            verdict = _answer(verdict, "") if page.covered else verdict
        items.append(f"<li>{page.words(option.words)}{verdict}</li>")
    return (
        f'<div class="choice" id="{escape(block.anchor)}"><p>{page.words(block.question)}</p>'
        f'<ol type="a">{"".join(items)}</ol></div>'
    )


@_block.register
def _(block: b.PageBreak, page: Page) -> str:
    return f'<div class="page-break{" must" if block.must else ""}"></div>'


check_complete(_block)
FORMAT = text_format(".html", lambda outline, stem: {"": packed(html(outline))})
