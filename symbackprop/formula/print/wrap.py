"""Break a long formula into lines at its operators.

A relation begins a line. Inside a side, lines end with the operator and the next one repeats it (`a + b +` / `+ c`), so that
neither half can be taken for the whole. Brackets, fractions and scripts are never broken. The reader puts the lines together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.driver import Remembered
from symbackprop.formula.print.latex import RELATIONS, latex
from symbackprop.formula.print.text import shown_width, text
from symbackprop.formula.tree.brackets import Slot, is_forced
from symbackprop.formula.tree.tree import (
    Chain,
    Formula,
    Group,
    Neg,
    Product,
    Row,
    Sum,
    Text,
)

_SIGNS = 6  # columns for the sign in front of a line and the one behind it


@dataclass(frozen=True, slots=True)
class WrappedLine:
    """One line: what stands before the alignment point, the relation or operator there, the formula, the operator behind it.

    `lead` and `trail` are a relation, "+", "-", "*" (the times sign) or "".
    """

    head: Formula | None
    lead: str
    body: Formula
    trail: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    lead: str
    body: Formula


def wrap(formula: Formula, width: int, measure: Callable[[Formula], int]) -> tuple[WrappedLine, ...]:
    """Return the formula in lines no wider than `width` where its operators allow; `measure` gives the width of a formula."""
    label, statement = _split_label(formula)
    if measure(formula) <= width:
        return _lines(label, [_Piece("", statement)])
    if not isinstance(statement, Chain):
        return _lines(label, _break("", statement, width - _SIGNS, measure))
    first, *sides = statement.parts
    head = first if label is None else Row((*label, first))
    room = width - min(measure(head), width // 2) - _SIGNS
    pieces = [
        piece
        for relation, side in zip(statement.relations, sides, strict=True)
        for piece in _break(relation, side, room, measure)
    ]
    return (WrappedLine(head, *_at(pieces, 0)), *(WrappedLine(None, *_at(pieces, place)) for place in range(1, len(pieces))))


def latex_block(formula: Formula, notation: Notation | None = None, width: int = 70) -> str:
    """Return LaTeX for a display: the formula, in `aligned` lines where it is wider than `width` characters as shown."""
    chosen = notation or Notation()
    lines = wrap(formula, width, _measuring())
    if len(lines) == 1 and lines[0].head is None:
        return latex(formula, chosen)
    rows = [_latex_line(line, chosen) for line in lines]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def latex_lines(formulas: Sequence[Formula], notation: Notation | None = None, width: int = 90) -> str:
    """Return LaTeX for one display of several formulas, aligned at their first relation, wide ones broken; one alone as it is."""
    chosen = notation or Notation()
    if len(formulas) == 1:
        return latex(formulas[0], chosen)
    rows, measure = [], _measuring()
    for formula in formulas:
        lines = wrap(formula, width, measure)
        if len(lines) == 1 and lines[0].head is None:
            rows.append(_aligned(formula, chosen))
        else:
            rows.extend(_latex_line(line, chosen) for line in lines)
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _measuring() -> Callable[[Formula], int]:
    """Return a measure of formulas that are made of the same parts, each of which is looked at once."""
    remembered: Remembered = {}
    return lambda formula: shown_width(formula, remembered)


def _aligned(formula: Formula, notation: Notation) -> str:
    """Return one line with its alignment point before its first relation, which is not the `=` under a sum."""
    if not isinstance(formula, Chain):
        return latex(formula, notation)
    remembered: Remembered = {}
    written, sign = latex(formula, notation, remembered), RELATIONS[formula.relations[0]]
    start = len(latex(formula.parts[0], notation, remembered))
    return written[:start] + written[start:].replace(sign, f"&{sign}", 1)


def text_block(formula: Formula, notation: Notation | None = None, width: int = 100) -> str:
    """Return the formula for a terminal of `width` columns, its relations under one another."""
    chosen = notation or Notation()
    remembered: Remembered = {}
    lines = wrap(formula, width, lambda part: len(text(part, chosen, remembered)))
    times = "*" if chosen.times == "*" else "·"
    head = text(lines[0].head, chosen) + " " if lines[0].head is not None else ""
    rows = []
    for place, line in enumerate(lines):
        margin = head if place == 0 else " " * len(head)
        step = "" if line.lead in RELATIONS or not line.lead else "  "
        signs = [step + line.lead.replace("*", times), text(line.body, chosen), line.trail.replace("*", times)]
        rows.append(margin + " ".join(sign for sign in signs if sign))
    return "\n".join(rows)


def _split_label(formula: Formula) -> tuple[tuple[Formula, ...] | None, Formula]:
    """Take prose in front of a statement off."""
    if isinstance(formula, Row) and formula.separator == "" and all(isinstance(i, Text) for i in formula.items[:-1]):
        return formula.items[:-1], formula.items[-1]
    return None, formula


def _lines(label: Sequence[Formula] | None, pieces: list[_Piece]) -> tuple[WrappedLine, ...]:
    head = None if label is None else label[0] if len(label) == 1 else Row(tuple(label))
    return tuple(WrappedLine(head if place == 0 else None, *_at(pieces, place)) for place in range(len(pieces)))


def _at(pieces: list[_Piece], place: int) -> tuple[str, Formula, str]:
    behind = pieces[place + 1].lead if place + 1 < len(pieces) else ""
    return pieces[place].lead, pieces[place].body, "" if behind in RELATIONS else behind


def _break(lead: str, formula: Formula, width: int, measure: Callable[[Formula], int]) -> list[_Piece]:
    """Break one side at the signs of its sum, and a term that is still too wide at its times signs."""
    if not isinstance(formula, Product | Sum) or measure(formula) <= width:
        return [_Piece(lead, formula)]
    if isinstance(formula, Product):
        filled = _fill(lead, [("*", factor) for factor in formula.factors], Product, width, measure)
        return [_Piece(piece.lead, _alone(piece.body)) if piece.body in formula.factors else piece for piece in filled]
    return _break_sum(lead, formula, width, measure)


def _break_sum(lead: str, formula: Sum, width: int, measure: Callable[[Formula], int]) -> list[_Piece]:
    first, *others = formula.terms
    terms = [("+", first), *(("-", term.body) if isinstance(term, Neg) else ("+", term) for term in others)]
    filled = _fill(lead, terms, Sum, width, measure)
    return [part for piece in filled for part in _break(piece.lead, piece.body, width, measure)]


def _alone(factor: Formula) -> Formula:
    """Give a factor that has a line to itself the brackets that its neighbours would have forced."""
    return Group(factor) if is_forced(factor, Slot.LAST_FACTOR) else factor


def _fill(
    lead: str,
    signed: list[tuple[str, Formula]],
    kind: type[Sum] | type[Product],
    width: int,
    measure: Callable[[Formula], int],
) -> list[_Piece]:
    """Put as many parts on each line as fit."""
    pieces, parts = [_Piece(lead, signed[0][1])], [signed[0][1]]
    for sign, part in signed[1:]:
        longer = kind((*parts, Neg(part) if sign == "-" else part))
        if measure(longer) <= width:
            pieces[-1] = _Piece(pieces[-1].lead, longer)
            parts.append(Neg(part) if sign == "-" else part)
        else:
            pieces.append(_Piece(sign, part))
            parts = [part]
    return pieces


def _latex_line(line: WrappedLine, notation: Notation) -> str:
    head = latex(line.head, notation) + " " if line.head is not None else ""
    lead = _latex_sign(line.lead, notation)
    indent = "" if line.lead in RELATIONS or not line.lead else r"\quad "
    trail = " " + _latex_sign(line.trail, notation) if line.trail else ""
    return f"{head}& {indent}{lead} {latex(line.body, notation)}{trail}"


def _latex_sign(sign: str, notation: Notation) -> str:
    if sign == "*":
        return notation.times or notation.explicit_times
    return RELATIONS.get(sign, sign)
