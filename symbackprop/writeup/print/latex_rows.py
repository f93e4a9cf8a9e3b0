"""The rows of a formula block as the lines of an `aligned` environment, for TeX and Markdown alike."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from unicodedata import east_asian_width

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import RELATIONS, latex
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.page.blocks import ArrayValue, Line, Words
from symbackprop.writeup.page.rows import PAGE_WIDTH, PageRow, Piece, laid_out

#: Characters of a sentence on one row; Chinese characters are twice as wide.
REASON_WIDTH = 70


def aligned(lines: tuple[Line, ...], notation: Notation, width: int = PAGE_WIDTH) -> str:
    """Return `\\begin{aligned} … \\end{aligned}` with the reasons in a column of their own."""
    body = row_lines(lines, notation, width, lambda text: rf"\text{{{tex_text(text)}}}")
    return "\\begin{aligned}\n" + " \\\\\n".join(body) + "\n\\end{aligned}"


def row_lines(lines: tuple[Line, ...], notation: Notation, width: int, reason: Callable[[str], str]) -> list[str]:
    """Return the rows, without the line ends."""
    return [text for line in laid_out(lines, width) for row in line for text in _row(row, notation, reason)]


def _row(row: PageRow, notation: Notation, reason: Callable[[str], str]) -> list[str]:
    head = latex(row.head.formula, notation) + " " if row.head is not None else ""
    first = row.pieces[0].lead
    indent = "" if first in RELATIONS or not first else r"\quad "
    pieces = " ".join(_piece(piece, notation) for piece in row.pieces)
    if row.below:
        wide = any(east_asian_width(sign) in "WF" for sign in row.because)
        sentence = textwrap.wrap(row.because, REASON_WIDTH // 2 if wide else REASON_WIDTH)
        return [f"{head}& {indent}{pieces}", *(rf"& \quad {reason(text)}" for text in sentence)]
    because = rf" && {reason(row.because)}" if row.because else ""
    return [f"{head}& {indent}{pieces}{because}"]


def _piece(piece: Piece, notation: Notation) -> str:
    parts = (_sign(piece.lead, notation), latex(piece.body, notation), _sign(piece.trail, notation))
    return " ".join(part for part in parts if part)


def _sign(sign: str, notation: Notation) -> str:
    if sign == "*":
        return notation.times or notation.explicit_times
    return RELATIONS.get(sign, sign)


def latex_matrix(matrix: ArrayValue, notation: Notation, prose: Callable[[str], str]) -> str:
    r"""Return `X = \begin{bmatrix} … \end{bmatrix}`; `prose` makes text safe."""

    def spelt(words: Words) -> str:
        return "".join(latex(part, notation) if isinstance(part, Formula) else rf"\text{{{prose(part)}}}" for part in words)

    inner = r" \\ ".join(" & ".join(spelt(cell.words) for cell in row) for row in matrix.rows)
    value = inner if matrix.is_number else rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"
    return f"{spelt(matrix.name)} = {value}"


#: Characters in prose that TeX's text fonts lack, in mathematics instead.
IN_MATHEMATICS = {
    "∂": r"\partial ", "Σ": r"\Sigma ", "δ": r"\delta ", "σ": r"\sigma ", "η": r"\eta ", "≥": r"\ge ", "≤": r"\le ",
    "·": r"\cdot ", "⊙": r"\odot ", "→": r"\to ", "½": r"\tfrac12 ", "²": "^2", "ᵀ": r"^\top", "✓": r"\checkmark ",
    "✗": r"\times ", "≠": r"\ne ", "ε": r"\varepsilon ", "∞": r"\infty ", "−": "-", "⁺": "^+",
}  # fmt: skip
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "–": "--", "—": "---", "’": "'",
}  # fmt: skip


def tex_text(text: str) -> str:
    """Return prose for TeX's text mode."""
    return "".join(f"${IN_MATHEMATICS[sign]}$" if sign in IN_MATHEMATICS else _SPECIAL.get(sign, sign) for sign in text)
