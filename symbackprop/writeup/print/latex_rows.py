"""The rows of a formula block as the lines of an `aligned` environment, for TeX and Markdown alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import RELATIONS, latex
from symbackprop.formula.print.latex_prose import latex_prose
from symbackprop.formula.print.signs import sign_at_break
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.page.blocks import ArrayValue, Line, Words
from symbackprop.writeup.page.reasons import in_words
from symbackprop.writeup.page.rows import PAGE_WIDTH, PageRow, Piece, laid_out, measured, prose_width

#: Columns of a sentence on one row; a Chinese character takes two.
REASON_WIDTH = 70
#: Prints a reason, or a row of one that stands below its line.
Reason = Callable[[Words, bool], str]


def aligned(lines: tuple[Line, ...], notation: Notation, width: int = PAGE_WIDTH) -> str:
    """Return `\\begin{aligned} … \\end{aligned}` with the reasons in a column of their own."""

    def reason(words: Words, below: bool) -> str:
        bounded = ("", *words, "") if any(isinstance(end, Formula) for end in (words[0], words[-1])) else words
        parts = (latex(part, notation) if isinstance(part, Formula) else rf"\text{{{latex_prose(part)}}}" for part in bounded)
        return " ".join(parts)

    body = [row for line in row_lines(laid_out(lines, width), notation, reason) for row in line]
    return "\\begin{aligned}\n" + " \\\\\n".join(body) + "\n\\end{aligned}"


def row_lines(lines: tuple[tuple[PageRow, ...], ...], notation: Notation, reason: Reason, room: int = 0) -> list[list[str]]:
    """Return the rows of each line that is laid out, without the line ends; `room` as of a piece."""
    return [[text for row in line for text in _row(row, notation, reason, room)] for line in lines]


def _row(row: PageRow, notation: Notation, reason: Reason, room: int) -> list[str]:
    head = latex(row.head.formula, notation) + " " if row.head is not None else ""
    first = row.pieces[0].lead
    indent = "" if first in RELATIONS or not first else r"\quad "
    pieces = " ".join(piece_latex(piece, notation, room) for piece in row.pieces)
    if row.below:
        return [f"{head}& {indent}{pieces}", *(rf"& \quad {reason(words, True)}" for words in in_rows(in_words(row.because)))]
    because = rf" && {reason(in_words(row.because), False)}" if row.because else ""
    return [f"{head}& {indent}{pieces}{because}"]


def in_rows(words: Words, width: int = REASON_WIDTH) -> list[Words]:
    """Return a sentence in rows, ended between words, beside formulas, and between Chinese characters."""
    found: list[list[str | Formula]] = []
    used = width
    for unit, columns in _units(words):
        if used + columns > width:
            found.append([])
            used = 0
        used += columns
        found[-1] += unit
    return [_joined(row) for row in found]


def _units(words: Words) -> Iterator[tuple[list[str | Formula], int]]:
    """Yield what no row may end within, with its columns: a word with what closes it, a formula, a Chinese character."""
    unit: list[str | Formula] = []
    pieces = [piece for part in words for piece in ([part] if isinstance(part, Formula) else _PIECE.findall(part))]
    for piece in pieces:
        if unit and _may_end(unit[-1], piece):
            yield unit, sum(map(_columns, unit))
            unit = []
        unit.append(piece)
    if unit:
        yield unit, sum(map(_columns, unit))


def _may_end(before: str | Formula, after: str | Formula) -> bool:
    """Whether a row may end between two pieces: behind a blank, or beside a Chinese character that neither opens nor closes."""
    if isinstance(before, str) and before[-1].isspace():
        return True
    if isinstance(after, str) and _CLOSING.match(after):
        return False
    return any(isinstance(side, str) and prose_width(side) > len(side) for side in (before, after)) and before not in _OPENING


def _columns(piece: str | Formula) -> int:
    return measured(piece) if isinstance(piece, Formula) else prose_width(piece)


def _joined(row: list[str | Formula]) -> Words:
    """Return a row with its text in as few parts as there are, no blank at its end."""
    joined: list[str | Formula] = []
    for piece in row:
        if joined and isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    if joined and isinstance(joined[-1], str):
        joined[-1] = joined[-1].rstrip()
    return tuple(joined)


#: A Chinese character, or a word with the blank behind it.
_PIECE = re.compile(r"[\u2e80-\uffef]\s*|[^\s\u2e80-\uffef]+\s*|\s+")
_CLOSING = re.compile(r"[，。；：、！？）》」』”’,.;:!?)\]]")
_OPENING = ("（", "《", "「", "『", "“", "‘")


def piece_latex(piece: Piece, notation: Notation, room: int = 0) -> str:
    r"""Return a piece of a row with the sign before it; one that is wider than `room` and could not be broken is
    made smaller by the macro `\fitted`.
    """
    body = latex(piece.body, notation)
    wide = 0 < room < measured(piece.body)
    parts = (_sign(piece.lead, notation), rf"\fitted{{{body}}}" if wide else body)
    return " ".join(part for part in parts if part)


def _sign(sign: str, notation: Notation) -> str:
    if sign == "*":
        return sign_at_break(notation)
    return r"\odot" if sign == "⊙" else RELATIONS.get(sign, sign)


def latex_matrix(matrix: ArrayValue, notation: Notation, prose: Callable[[str], str]) -> str:
    r"""Return `X = \begin{bmatrix} … \end{bmatrix}`; `prose` makes text safe."""

    def spelt(words: Words) -> str:
        return "".join(latex(part, notation) if isinstance(part, Formula) else rf"\text{{{prose(part)}}}" for part in words)

    inner = r" \\ ".join(" & ".join(spelt(cell.words) for cell in row) for row in matrix.rows)
    value = inner if matrix.is_number else rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"
    return f"{spelt(matrix.name)} = {value}"
