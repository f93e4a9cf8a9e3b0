"""Print an outline as PDF, set by Typst (the extra `pdf`); no TeX is needed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import singledispatch

from symbackprop.errors import InternalError, UserError
from symbackprop.formula.latex import RELATIONS
from symbackprop.formula.tree import Formula
from symbackprop.formula.typst import typst as typst_math
from symbackprop.writeup import blocks as b
from symbackprop.writeup.blocks import has_gaps
from symbackprop.writeup.figures import picture
from symbackprop.writeup.phrases import plain, worth
from symbackprop.writeup.rows import Piece, Row, laid_out, measured
from symbackprop.writeup.svg import svg

#: Widest row, in characters as shown, that fits the text width beside a reason.
PDF_WIDTH = 88
#: A table of so few rows stands on one page.
SHORT_TABLE = 6
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
#let part(body, points) = block(above: 1.5em, below: 0.8em, sticky: true, width: 100%, stroke: (bottom: 1.2pt + accent),
  inset: (bottom: 5pt), text(13pt, weight: "bold", body) + worth(points))
#let stepname(body, points) = block(above: 1.3em, below: 0.95em, sticky: true, width: 100%,
  text(10.5pt, weight: "bold", fill: accent, body) + worth(points))
#let lead(body) = block(sticky: true, body)
#let note(body) = block(width: 100%, fill: luma(246), stroke: (left: 2pt + accent), inset: (x: 8pt, y: 6pt),
  breakable: false, body)
#let solution(body) = text(fill: rgb("#0b6b3a"), body)
#let reason(body) = align(right, text(8.5pt, fill: luma(90), body))
#let below(body) = { v(-7pt); pad(left: 18pt, align(left, text(8.5pt, fill: luma(90), body))) }
#let gap(width) = box(width: width, stroke: (bottom: 0.5pt), height: 0.9em)
#let writing = block(above: 0pt, below: 0pt, height: 8mm, width: 100%, stroke: (bottom: 0.4pt + luma(170)))
#let equations(breakable, ..rows) = block(breakable: breakable, width: 100%, grid(columns: (auto, 1fr, auto, 0pt),
  column-gutter: (4pt, 8pt, 0pt), row-gutter: 13pt, align: (right + horizon, left + horizon, right + horizon), ..rows))
#let together(rows) = grid.cell(rowspan: rows, breakable: false)[]
#set math.mat(delim: "[", gap: 0.6em)
#show raw: set text(7.6pt)
"""


def pdf(outline: b.Outline, inspect: Callable[[str], None] | None = None) -> bytes:
    """Return the PDF; `inspect` sees the source before it is set, and may refuse it by raising.

    Raises UserError, with the remedy, when Typst or a Chinese face is missing.
    """
    try:
        import typst  # the optional extra `pdf`
    except ImportError:
        raise UserError("handout: a PDF needs Typst; install it with: pip install 'symbackprop[pdf]'") from None
    fonts = typst.Fonts(include_system_fonts=outline.lang == "zh")  # looking through all faces of a machine takes a while
    source = typst_source(outline, tuple(fonts.families()))
    if outline.lang != "zh" and _UNCOMMON.search(source):
        fonts = typst.Fonts()
        source = typst_source(outline, tuple(fonts.families()))
    if inspect is not None:
        inspect(source)
    compiled: bytes = typst.compile(source.encode("utf-8"), timestamp=int(TIMESTAMP.timestamp()), font_paths=fonts)
    return compiled


def typst_source(outline: b.Outline, families: tuple[str, ...]) -> str:
    """Return the Typst source, set in faces out of `families`."""
    preamble = _PREAMBLE.replace("FACES", _faces(outline.lang, families)).replace("LANG", outline.lang)
    title = (
        f'#block(below: 9pt, text(18pt, weight: "bold", {quoted(outline.title)}))\n'
        f"#text(9.5pt, fill: luma(90), {quoted(outline.subtitle)})"
    )
    body = [text for block in outline.blocks if (text := _block(block, outline))]
    head = [preamble, f"#set document(title: {quoted(outline.title)})", title]
    return "\n\n".join(head) + "".join(map(_behind, body, ["", *body])) + "\n"


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


def _words(words: b.Words, outline: b.Outline) -> str:
    return "".join(
        _in_text(part, outline) if isinstance(part, Formula) else "#linebreak();" if part == "\n" else f"#{quoted(part)};"
        for part in words
    )


def _in_text(formula: Formula, outline: b.Outline) -> str:
    shown = f"${typst_math(formula, outline.notation)}$"
    return f"#box({shown});" if measured(formula) <= SHORT_FORMULA else shown


@singledispatch
def _block(block: b.Block, outline: b.Outline) -> str:
    raise InternalError(f"pdf: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, outline: b.Outline) -> str:
    widths = {"name": "52mm", "class": "20mm", "date": "26mm"}
    fields = [f"[#{quoted(plain(key, outline.lang))} #gap({width})]" for key, width in widths.items()]
    if block.points:
        fields.append(f"[#{quoted(plain('points', outline.lang))} #gap(9mm) #{quoted(f'/ {block.points}')}]")
    return f"#block(above: 1.2em, below: 1.2em, stack(dir: ltr, spacing: 1fr, {', '.join(fields)}))"


@_block.register
def _(block: b.Heading, outline: b.Outline) -> str:
    points = quoted(worth(block.points, outline.lang))
    return f"#{ {1: 'part', 2: 'stepname'}[block.level] }([{_words(block.words, outline)}], {points})"


@_block.register
def _(block: b.Prose, outline: b.Outline) -> str:
    if block.tone == "cell":
        return ""
    words = _words(block.words, outline)
    wrapper = {"plain": "lead", "note": "note", "rule": "note", "answer": "solution"}[block.tone]
    return f"#{wrapper}[{words}]"


@_block.register
def _(block: b.FormulaBlock, outline: b.Outline) -> str:
    cells = ",\n".join(_row(row, outline) for line in laid_out(block.lines, PDF_WIDTH) for row in line)
    return f"#equations({'false' if block.keep else 'true'},\n{cells})"


def _row(row: Row, outline: b.Outline) -> str:
    head = f"$display({typst_math(row.head.formula, outline.notation)})$" if row.head is not None else ""
    first = row.pieces[0].lead
    indent = "" if first in RELATIONS or not first else "#h(1.5em)"
    pieces = "".join(_piece(piece, outline) for piece in row.pieces)
    if row.below:
        return f"[{head}], [{indent}{pieces}], [], together(2), [], grid.cell(colspan: 2, below[#{quoted(row.because)};])"
    because = f"#reason[#{quoted(row.because)};]" if row.because else ""
    return f"[{head}], [{indent}{pieces}], [{because}], []"


_SIGNS = {"*": "dot.c", "←": "arrow.l", "→": "arrow.r", "≤": "<=", "≥": ">=", "≠": "!=", ":=": "colon.eq"}


def _piece(piece: Piece, outline: b.Outline) -> str:
    lead = _sign(piece.lead)
    trail = _sign(piece.trail)
    body = f"display({typst_math(piece.body, outline.notation)})"
    return f"${' '.join(part for part in (lead, body, trail) if part)}$ "


def _sign(sign: str) -> str:
    return f"space {_SIGNS.get(sign, sign)} space" if sign else ""


@_block.register
def _(block: b.Table, outline: b.Outline) -> str:
    if not block.header and block.caption:
        return _array(block, outline)
    columns = ["auto"] * len(block.align)
    if len(columns) > 2 and block.align.endswith("r"):  # numbers stand at the right edge
        columns[1] = "1fr"
    align = {"l": "left", "c": "center", "r": "right"}
    aligns = ", ".join(align[letter] for letter in block.align)
    header = ""
    if block.header:
        cells = ", ".join(f"[*{_words(words, outline)}*]" for words in block.header)
        header = f"table.header({cells}), table.hline(stroke: 0.5pt),"
    body = ",\n".join(f"[{_words(cell.words, outline)}]" for row in block.rows for cell in row)
    inset = "(x: 5pt, top: 11pt, bottom: 4pt)" if has_gaps(block) else "(x: 5pt, y: 4pt)"  # room to write in by hand
    rules = ("table.hline(stroke: 1pt),", ", table.hline(stroke: 1pt)") if block.header else ("", "")
    stroke = "(x, y) => if y > 1 { (top: 0.3pt + luma(200)) }" if block.header else "none"
    split = "false" if len(block.rows) <= SHORT_TABLE else "true"
    return (
        f"#block(breakable: {split}, table(columns: ({', '.join(columns)},), align: ({aligns},), "
        f"stroke: {stroke}, inset: {inset},\n"
        f"{rules[0]}{header}\n{body}{rules[1]}))"
    )


def _array(block: b.Table, outline: b.Outline) -> str:
    name = f"#[#show math.equation: math.display; {_words(block.caption, outline)}]"
    if len(block.rows) == 1 and len(block.rows[0]) == 1:
        (cell,) = block.rows[0]
        return f"#box(inset: (right: 14pt, y: 4pt))[{name} $= {_entry(cell, outline)}$]"
    entries = "; ".join(", ".join(_entry(cell, outline) for cell in row) for row in block.rows)
    return f"#box(inset: (right: 14pt, y: 4pt))[{name} $= display(mat({entries}))$]"


def _entry(cell: b.Cell, outline: b.Outline) -> str:
    return " ".join(typst_math(part, outline.notation) if isinstance(part, Formula) else quoted(part) for part in cell.words)


@_block.register
def _(block: b.Figure, outline: b.Outline) -> str:
    drawn = svg(picture(block.drawing, outline.lang, outline.notation), stylesheet=False)
    image = f'image(bytes({quoted(drawn)}), format: "svg", width: 88%, alt: {quoted(block.alt)})'
    caption = f"#text(9pt, fill: luma(90))[{_words(block.caption, outline)}]" if block.caption else ""
    return f"#block(breakable: false, width: 100%, align(center)[#{image}\n{caption}])"


@_block.register
def _(block: b.BlankLines, outline: b.Outline) -> str:
    return f"#for _ in range({block.lines}) {{ writing }}"


@_block.register
def _(block: b.Code, outline: b.Outline) -> str:
    if block.role == "cell":
        return ""
    listing = f"raw(lang: {quoted(block.language)}, block: true, {quoted(block.text.rstrip())})"
    return f"#block(fill: luma(246), inset: 7pt, width: 100%, {listing})"


@_block.register
def _(block: b.Choice, outline: b.Outline) -> str:
    rows_ = []
    for letter, option in zip("abcdefgh", block.options, strict=False):
        verdict = ""
        if option.right is not None:
            mark = "✓" if option.right else "✗"
            verdict = f"#solution[#{quoted(mark)}; {_words(option.why, outline)}]"
        rows_.append(f"[({letter})], [#show math.equation: math.display; {_words(option.words, outline)}], [{verdict}]")
    listed = ", ".join(rows_)
    return (
        f"#block(breakable: false)[{_words(block.question, outline)}\n\n"
        f"#grid(columns: (auto, auto, 1fr), column-gutter: 10pt, row-gutter: 14pt, align: horizon, {listed})]"
    )


@_block.register
def _(block: b.PageBreak, outline: b.Outline) -> str:
    return "#pagebreak(weak: true)" if block.must else ""
