"""Print an outline as PDF, set by Typst (the extra `pdf`); no TeX is needed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

from symbackprop.errors import InternalError, UserError
from symbackprop.formula.print.latex import RELATIONS
from symbackprop.formula.print.typst import leading_sign
from symbackprop.formula.print.typst import typst as typst_math
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.drawing.compose import SMALLEST
from symbackprop.writeup.drawing.picture import HIGHEST, Picture, least_letter, strips
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.blocks import has_gaps
from symbackprop.writeup.page.phrases import plain, worth
from symbackprop.writeup.page.reasons import in_words
from symbackprop.writeup.page.rows import PageRow, Piece, is_tall, laid_out, measured, stands_together
from symbackprop.writeup.print.figures import picture
from symbackprop.writeup.print.format import PageFormat, check_complete

#: Widest row, in characters as shown, that fits the text width beside a reason.
PDF_WIDTH = 88
#: The same in one of two columns, without reasons.
COLUMN_WIDTH = 60
#: Points between the margins of a page, and of a worksheet; and in a pixel of a drawing.
TEXT, WORKSHEET, POINT = 174 / 25.4 * 72, 180 / 25.4 * 72, 0.75
#: Points: a letter of a drawing on a worksheet, which has two sides only.
LEAST_ON_WORKSHEET = 5.6
#: So many rows at the beginning and at the end of a table stand together; a shorter table stands on one page.
KEPT_ROWS = 4
SHORT_TABLE = 2 * KEPT_ROWS - 1
#: A line of so many rows stands on one page.
MOST_TOGETHER = 5
#: A formula of so few characters is not broken within a line of text.
SHORT_FORMULA = 24
#: Faces that have Chinese characters, the first found is used.
CJK_FACES = ("Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", "SimSun", "Noto Sans CJK SC", "Source Han Sans SC")
#: A character that the faces coming with Typst may not have: neither Latin, Greek or Cyrillic, nor a sign of mathematics.
_UNCOMMON = re.compile("[^\u0000-\u052f\u1e00-\u2bff\U0001d400-\U0001d7ff]")
#: Always the same date in the file, so that the same handout is the same file.
TIMESTAMP = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)

_PREAMBLE = """\
#set page(paper: "a4", margin: (x: 18mm, top: 17mm, bottom: 18mm), footer: context align(center, text(8pt, fill: luma(90),
  counter(page).display("1 / 1", both: true))))
#set text(font: FACES, size: 10.5pt, lang: "LANG")
#set par(justify: false, leading: 0.62em)
#let accent = rgb("#2457a6")
#let worth(points) = { h(1fr); text(9pt, weight: "regular", fill: luma(90), points) }
#let part(body, points) = block(above: 1.1em, below: 0.7em, sticky: true, width: 100%, stroke: (bottom: 1.2pt + accent),
  inset: (bottom: 5pt), text(13pt, weight: "bold", body) + worth(points))
#let stepname(body, points) = block(above: 1.1em, below: 0.8em, sticky: true, width: 100%,
  text(10.5pt, weight: "bold", fill: accent, body) + worth(points))
#let lead(body) = block(sticky: true, body)
#let note(body) = block(width: 100%, fill: luma(246), stroke: (left: 2pt + accent), inset: (x: 7pt, y: 5pt),
  breakable: false, body)
#let solution(body) = { show math.equation: math.display; text(fill: rgb("#0b6b3a"), body) }
#let said(body) = { set par(leading: 0.62em); text(8.5pt, fill: luma(90), { show math.equation: math.display; body }) }
#let reason(body) = align(right, said(body))
#let below(body, nearer) = { v(-nearer); pad(left: 18pt, align(left, said(body))) }
#let gap(width) = box(width: width, stroke: (bottom: 0.5pt), height: 0.9em)
#let deep = box(width: 0pt, height: 1em, baseline: 0.35em)  // and scripts of scripts over the rule of a heading
#let tall = box(width: 0pt, height: 1.5em, baseline: 0.55em)  // Typst lets it reach 0.7 of the leading out
#let writing = block(above: 0pt, below: 0pt, height: 7mm, width: 100%, stroke: (bottom: 0.4pt + luma(170)))
#let equations(breakable, ..rows) = block(breakable: breakable, width: 100%, { set par(leading: 0pt)  // see `tall`
  grid(columns: (auto, 1fr, auto, 0pt), column-gutter: (4pt, 8pt, 0pt),
    align: (right + horizon, left + horizon, right + horizon), ..rows) })
#let together(rows) = grid.cell(rowspan: rows, breakable: false)[]
#set grid(row-gutter: 7pt)
#set math.mat(delim: "[", gap: 0.6em)
#show raw: set text(7.1pt)
"""


#: Settings of the two columns of a worksheet.
_NARROW = """\
#set text(9pt)
#set par(leading: 0.5em)
#set block(spacing: 0.65em)
#set grid(row-gutter: 4.5pt)
#let tall = box(width: 0pt, height: 1.7em, baseline: 0.7em)
#let writing = block(above: 0pt, below: 0pt, height: 6.5mm, width: 100%, stroke: (bottom: 0.4pt + luma(170)))"""


SourceOf = Callable[[b.Outline, tuple[str, ...]], str]


def pdf(outline: b.Outline, inspect: Callable[[str], None] | None = None, source_of: SourceOf | None = None) -> bytes:
    """Return the PDF; `inspect` sees the source before it is set, and may refuse it by raising.

    `source_of` writes the source from the outline and the faces there are (by default `typst_source`).

    Raises UserError, with the remedy, when Typst or a Chinese face is missing.
    """
    return merged_pdf([(outline, inspect)], source_of)


def merged_pdf(outlines: Sequence[tuple[b.Outline, Callable[[str], None] | None]], source_of: SourceOf | None = None) -> bytes:
    """Return one PDF of several outlines, each beginning on a page of its own that is numbered 1; raises as `pdf`."""
    written = source_of or typst_source
    try:
        import typst  # the optional extra `pdf`
    except ImportError:
        raise UserError("handout: a PDF needs Typst; install it with: pip install 'symbackprop[pdf]'") from None
    chinese = any(outline.lang == "zh" for outline, _ in outlines)
    fonts = typst.Fonts(include_system_fonts=chinese)  # looking through all faces of a machine takes a while
    sources = _sources(outlines, written, fonts)
    if not chinese and any(map(_UNCOMMON.search, sources)):
        fonts = typst.Fonts()
        sources = _sources(outlines, written, fonts)
    for source, (_, inspect) in zip(sources, outlines, strict=True):
        if inspect is not None:
            inspect(source)
    whole = sources[0] if len(sources) == 1 else _merged(sources)
    compiled: bytes = typst.compile(whole.encode("utf-8"), timestamp=int(TIMESTAMP.timestamp()), font_paths=fonts)
    return compiled


def _sources(outlines: Sequence[tuple[b.Outline, Any]], written: SourceOf, fonts: Any) -> list[str]:
    return [written(outline, tuple(fonts.families())) for outline, _ in outlines]


def _merged(sources: Sequence[str]) -> str:
    """Return one source of several: each in a scope of its own, with its own numbers of pages."""
    alone = [_DOCUMENT.sub("", source).replace(_OF_ALL, _OF_ITS_OWN) for source in sources]
    return "\n".join(f"#[\n#counter(page).update(1)\n{source}\n#metadata(none) <end>\n]\n" for source in alone)


_DOCUMENT = re.compile(r"^#set document\(.*\)$", re.MULTILINE)
#: The number of a page among all of a file, and among those up to the next end of a handout.
_OF_ALL = 'counter(page).display("1 / 1", both: true)'
_OF_ITS_OWN = """{ let last = query(<end>).filter(it => it.location().page() >= here().page()).first()
  [#counter(page).get().first() / #counter(page).at(last.location()).first()] }"""


def typst_source(outline: b.Outline, families: tuple[str, ...]) -> str:
    """Return the Typst source, set in faces out of `families`."""
    preamble = _PREAMBLE.replace("FACES", _faces(outline.lang, families)).replace("LANG", outline.lang)
    title = (
        f'#block(below: 9pt, text(18pt, weight: "bold", {quoted(outline.title)}))\n'
        f"#text(9.5pt, fill: luma(90), {quoted(outline.subtitle)})"
    )
    head = [preamble, f"#set document(title: {quoted(outline.title)})", title]
    if not is_worksheet(outline):
        return "\n\n".join(head) + _set(outline.page, outline) + "\n"
    figures = [number for number, block in enumerate(outline.page) if isinstance(block, b.Figure)]
    cut = figures[0] + 1 if figures else 0  # what stands across the page
    head.insert(1, _running_header(outline))
    columns = f"{_NARROW}\n#columns(2, gutter: 7mm)[{_set(outline.page[cut:], outline)}\n]"
    return "\n\n".join(head) + _set(outline.page[:cut], outline) + f"\n\n{columns}\n"


def is_worksheet(outline: b.Outline) -> bool:
    """Whether a page has gaps to fill in: it is set in two columns, to be handed out on two sides."""
    return outline.audience == "student" and outline.blanks != "none" and not outline.columns


def _running_header(outline: b.Outline) -> str:
    """Return the header of every page but the first: title and variant, and a line for the name."""
    said = quoted(" · ".join(filter(None, (outline.title, outline.subtitle))))
    known = next((dict(block.known).get("name") for block in outline.page if isinstance(block, b.NameLine)), None)
    name = f"#{quoted(known)}" if known else f"#{quoted(plain('name', outline.lang))} #gap(45mm)"
    shown = f"text(8pt, fill: luma(90))[#{said} #h(1fr) {name}]"
    margin = "(x: 15mm, top: 13mm, bottom: 12mm)"
    return f"#set page(margin: {margin}, header: context if counter(page).get().first() > 1 {{ {shown} }})"


def _set(blocks: tuple[b.PageBlock, ...], outline: b.Outline) -> str:
    body = [text for block in blocks if (text := _block(block, outline))]
    return "".join(map(_behind, body, ["", *body]))


def _behind(text: str, before: str) -> str:
    """Arrays stand beside one another where they fit; everything else begins a paragraph."""
    return ("\n" if text.startswith("#box") and before.startswith("#box") else "\n\n") + text


def _faces(lang: str, families: tuple[str, ...]) -> str:
    chinese = [face for face in CJK_FACES if face in families]
    if lang == "zh" and not chinese:
        raise UserError(
            "handout: a Chinese PDF needs a face with Chinese characters, none of "
            f"{', '.join(CJK_FACES)} is installed; install e.g. fonts-noto-cjk, or write .html instead"
        )
    return "(" + ", ".join(quoted(face) for face in ("New Computer Modern", *chinese[:1])) + ",)"


def quoted(text: str) -> str:
    """Return a Typst string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _math(formula: Formula, outline: b.Outline) -> str:
    return readable(typst_math(formula, outline.notation))


def readable(formula: str) -> str:
    """Return a formula of Typst in which a script of a script is no smaller than a script."""
    open_brackets: list[str] = []

    def longer(found: re.Match[str]) -> str:
        sign = found[0]
        if sign.endswith("(") and len(sign) < 3 and sign[0] != "\\":
            open_brackets.append("))" if len(sign) == 2 else ")")
            return f"{sign}script(" if len(sign) == 2 else sign
        if sign == ",":  # in a script no argument of a function
            return " comma" if open_brackets[-1:] == ["))"] else sign
        return open_brackets.pop() if sign == ")" else sign

    return _SCRIPT_OR_BRACKET.sub(longer, formula)


#: What opens a script or a bracket, what closes it; texts and signs that are meant as such are passed over.
_SCRIPT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[_^]?\(|[),]')


def _words(words: b.Words, outline: b.Outline, room: str = "") -> str:
    """Return text with formulas; `room` stands before each that is higher than a line."""
    return "".join(
        _in_text(part, outline, room) if isinstance(part, Formula) else "#linebreak();" if part == "\n" else f"#{quoted(part)};"
        for part in words
    )


def _in_text(formula: Formula, outline: b.Outline, room: str) -> str:
    shown = f"${_math(formula, outline)}$"
    return (room if "frac(" in shown else "") + (f"#box({shown});" if measured(formula) <= SHORT_FORMULA else shown)


@singledispatch
def _block(block: b.Block, outline: b.Outline) -> str:
    raise InternalError(f"pdf: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, outline: b.Outline) -> str:
    widths = {"name": "52mm", "class": "20mm", "date": "26mm"}
    known = {key: f"*#{quoted(text)}*" for key, text in block.known}
    shown = {key: known.get(key, f"#gap({width})") for key, width in widths.items()}
    fields = [f"[#{quoted(plain(key, outline.lang))} {field}]" for key, field in shown.items()]
    if block.points:
        fields.append(f"[#{quoted(plain('points', outline.lang))} #gap(9mm) #{quoted(f'/ {block.points}')}]")
    line = f"#block(above: 0.9em, below: 0.9em, stack(dir: ltr, spacing: 1fr, {', '.join(fields)}))"
    if not block.questions:
        return line
    rows = b.grading_rows(block, *(plain(key, outline.lang) for key in ("question", "total", "points")))
    cells = ", ".join(f"[#{quoted(cell)}]" for row in rows for cell in row)
    columns = f"({len(rows[0])} * (1fr,)).enumerate().map(((k, w)) => if k == 0 {{ auto }} else {{ w }})"
    return f"{line}\n#block(text(8.5pt, table(columns: {columns}, align: center, inset: 4pt, stroke: 0.4pt, {cells})))"


@_block.register
def _(block: b.Heading, outline: b.Outline) -> str:
    points = quoted(worth(block.points, outline.lang))
    number = f"#{quoted(f'{block.number}  ')};" if block.number else ""
    number += "#deep;" if any(isinstance(part, Formula) for part in block.words) else ""
    return f"#{ {1: 'part', 2: 'stepname'}[block.level] }([{number}{_words(block.words, outline)}], {points})"


@_block.register
def _(block: b.Prose, outline: b.Outline) -> str:
    words = _words(block.words, outline, room="#tall;")
    wrapper = {"plain": "lead", "note": "note", "rule": "note", "answer": "solution"}[block.tone]
    return f"#{wrapper}[{words}]"


@_block.register
def _(block: b.FormulaBlock, outline: b.Outline) -> str:
    lines = _in_a_column(block.lines) if is_worksheet(outline) else laid_out(block.lines, outline.columns or PDF_WIDTH)
    cells = ",\n".join(_row(row, outline, rest) for line in lines for row, rest in zip(line, _together(line), strict=True))
    kept = block.keep and not is_worksheet(outline) and stands_together(lines)
    return f"#equations({'false' if kept else 'true'},\n{cells})"


def _in_a_column(lines: tuple[b.Line, ...]) -> tuple[tuple[PageRow, ...], ...]:
    """Return the rows of lines in a narrow column: with the number of a line, but no room for reasons in words."""
    bare = tuple(line if line.because.startswith("(") else replace(line, because="") for line in lines)
    labelled = any(line.because for line in bare)
    return laid_out(bare, COLUMN_WIDTH + (12 if labelled else 0))


def _together(line: tuple[PageRow, ...]) -> list[str]:
    """Return the last cell of each row: what keeps the rows of a line on one page, with the reason below, where they are few."""
    count = len(line) + line[-1].below
    if not 1 < count <= MOST_TOGETHER:
        return ["together(2)" if row.below else "[]" for row in line]
    return [f"together({count})", *[""] * (len(line) - 1)]


def _row(row: PageRow, outline: b.Outline, rest: str) -> str:
    head = f"$display({_math(row.head.formula, outline)})$" if row.head is not None else ""
    first = row.pieces[0].lead
    indent = "" if first in RELATIONS or not first else "#h(1.5em)"
    pieces = "".join(_piece(piece, outline) for piece in row.pieces)
    rest = f", {rest}" if rest else ""
    if row.below:
        nearer = "1pt" if is_tall(row) or "/∂" in row.because else "7pt"
        said = f"below([{_words(in_words(row.because), outline)}], {nearer})"
        return f"[{head}], [{indent}{pieces}], []{rest}, [], grid.cell(colspan: 2, {said})"
    because = f"#reason[{_words(in_words(row.because), outline)}]" if row.because else ""
    return f"[{head}], [{indent}{pieces}], [{because}]{rest}"


def _piece(piece: Piece, outline: b.Outline) -> str:
    lead = leading_sign(piece.lead, outline.notation)
    body = f"display({_math(piece.body, outline)})"
    return f"${f'{lead} ' if lead else ''}{body}$ "


_TYPST_ALIGN = {"l": "left", "c": "center", "r": "right"}


@_block.register
def _(block: b.Table, outline: b.Outline) -> str:
    cells = ", ".join(f"[*{_words(words, outline)}*]" for words in block.header)
    cells += ", []" if len(block.rows) > SHORT_TABLE else ""
    head = f"table.hline(stroke: 1pt),table.header({cells}), table.hline(stroke: 0.5pt),"
    inset = "(x: 4pt, top: 5.5pt, bottom: 4pt)" if has_gaps(block) else _TIGHT  # room to write in by hand
    rows = tuple(tuple(cell.words for cell in row) for row in block.rows)
    stroke = "(x, y) => if y > 1 { (top: 0.3pt + luma(200)) }"
    return _table(rows, block.align, f"stroke: {stroke}, inset: {inset},\n{head}\n", ", table.hline(stroke: 1pt)", outline)


@_block.register
def _(block: b.Definitions, outline: b.Outline) -> str:
    return _table(block.rows, "ll", "stroke: none, inset: (x: 5pt, y: 4pt),\n\n", "", outline)


_TIGHT = "(x: 5pt, top: 4.5pt, bottom: 5pt)"  # a script reaches below the line


def _table(rows: tuple[tuple[b.Words, ...], ...], align: str, options: str, foot: str, outline: b.Outline) -> str:
    columns = ["auto"] * len(align)
    if align == "llr":  # numbers stand at the right edge
        columns[1] = "1fr"
    aligns = ", ".join(_TYPST_ALIGN[letter] for letter in align)
    whole = len(rows) <= SHORT_TABLE
    room = "" if is_worksheet(outline) else "#tall;"
    together = [""] * len(rows)
    if not whole:
        columns.append("0pt")
        together = [", table.cell(inset: 0pt)[]"] * (len(rows) - 2 * KEPT_ROWS)
        ends = [f", table.cell(rowspan: {KEPT_ROWS}, breakable: false, inset: 0pt)[]", *[""] * (KEPT_ROWS - 1)]
        together = [*ends, *together, *ends]
    body = ",\n".join(
        ", ".join(f"[{_words(words, outline, room)}]" for words in row) + kept for row, kept in zip(rows, together, strict=True)
    )
    split = "false" if whole else "true"
    return f"#block(breakable: {split}, table(columns: ({', '.join(columns)},), align: ({aligns},), {options}{body}{foot}))"


@_block.register
def _(block: b.ArrayValue, outline: b.Outline) -> str:
    name = f"#[#show math.equation: math.display; {_words(block.name, outline)}]"
    entries = "; ".join(", ".join(_entry(cell, outline) for cell in row) for row in block.rows)
    value = entries if block.is_number else f"display(mat({entries}))"
    return f"#box(inset: (right: 14pt, y: 4pt))[{name} $= {value}$]"


def _entry(cell: b.Cell, outline: b.Outline) -> str:
    return " ".join(_math(part, outline) if isinstance(part, Formula) else quoted(part) for part in cell.words)


@_block.register
def _(block: b.Figure, outline: b.Outline) -> str:
    drawn = picture(block.drawing, outline.lang, outline.notation)
    wide = _width(drawn, outline)
    images = [
        f'image(bytes({quoted(svg(strip, stylesheet=False))}), format: "svg", width: {wide:.1f}pt, alt: {quoted(block.alt)})'
        for strip in strips(drawn, HIGHEST * POINT * drawn.width / wide)
    ]
    caption = f"#text(9pt, fill: luma(90))[{_words(block.caption, outline)}]" if block.caption else ""
    if len(images) == 1:
        return f"#block(breakable: false, width: 100%, align(center)[#{images[0]}\n{caption}])"
    beside = "\n".join(f"#box({image})" for image in images)  # as many beside one another as fit
    return f"#block(width: 100%, align(center)[{beside}\n\n{caption}])"


def _width(drawn: Picture, outline: b.Outline) -> float:
    """Return how many points wide a drawing is set: not larger than on a screen, and no letters too small to read."""
    room, share, least = (WORKSHEET, 0.64, LEAST_ON_WORKSHEET) if is_worksheet(outline) else (TEXT, 0.88, SMALLEST * POINT)
    readable = drawn.width * least / least_letter(drawn)
    return min(drawn.width * POINT, room, max(share * room, readable))


@_block.register
def _(block: b.BlankLines, outline: b.Outline) -> str:
    return f"#for _ in range({block.lines}) {{ writing }}"


@_block.register
def _(block: b.Code, outline: b.Outline) -> str:
    listing = f"raw(lang: {quoted(block.language)}, block: true, {quoted(block.text.rstrip())})"
    return f"#block(fill: luma(246), inset: 7pt, width: 100%, {listing})"


@_block.register
def _(block: b.Choice, outline: b.Outline) -> str:
    room = (outline.columns or (COLUMN_WIDTH if is_worksheet(outline) else PDF_WIDTH)) - 2 * LABEL
    crowded = max(map(_option_width, block.options)) > room  # then what is said of an option stands below it
    rows_ = []
    for letter, option in zip("abcdefgh", block.options, strict=False):
        shown = f"#[#show math.equation: math.display; {_words(option.words, outline)}]"
        verdict = _verdict(option, outline)
        said = f", [], grid.cell(colspan: 2)[{verdict}]" if crowded and verdict else f", [{verdict}]"
        rows_.append(f"[({letter})], {'grid.cell(colspan: 2)' if crowded and verdict else ''}[{shown}]{said}")
    listed = ", ".join(rows_)
    gutter = "(0.35em, 0.65em)" if crowded and block.options[0].right is not None else "0.8em"
    question = _words(block.question, outline, room="#tall;")
    return (
        f"#block(breakable: {'true' if crowded else 'false'})[#lead[{question}]\n\n"
        f"#{{ set par(leading: 0pt)\n"
        f"grid(columns: (auto, auto, 1fr), column-gutter: 10pt, row-gutter: {gutter}, align: horizon, {listed}) }}]"
    )


#: Characters that the letter of an option takes.
LABEL = 4


def _option_width(option: b.Option) -> int:
    words = (*option.words, *option.why)
    return sum(measured(part) if isinstance(part, Formula) else len(part) for part in words)


def _verdict(option: b.Option, outline: b.Outline) -> str:
    """Return whether an option is right, and why not; nothing for a student."""
    if option.right is None:
        return ""
    return f"#solution[#{quoted('✓' if option.right else '✗')}; {_words(option.why, outline)}]"


@_block.register
def _(block: b.PageBreak, outline: b.Outline) -> str:
    return "#pagebreak(weak: true)" if block.must else ""


check_complete(_block)
#: Slides are made of the same blocks, words and faces.
printed, words, faces = _block, _words, _faces
FORMAT = PageFormat(".pdf", lambda outline, stem, inspect: {"": pdf(outline, inspect)})
