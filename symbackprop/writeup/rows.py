"""Lines of a formula block as the rows a page can hold: short sides stand side by side, long ones begin a row or are broken.

Every printer sets the same rows; only the measure of a page differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from symbackprop.formula.tree import Chain, Formula, Product
from symbackprop.formula.walk import walk
from symbackprop.formula.wrap import shown_width, wrap
from symbackprop.writeup.blocks import Line, Part

#: Characters that fit a row of a printed page beside a left side and a reason.
PAGE_WIDTH = 84


@dataclass(frozen=True, slots=True)
class Piece:
    """A relation or operator, a formula, the operator that leads on to the next row, and the part it belongs to."""

    lead: str
    body: Formula
    trail: str
    part: Part


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what stands left of the alignment point (first row of a line only), the pieces, and the reason."""

    head: Part | None
    pieces: tuple[Piece, ...]
    because: str = ""


#: A reason longer than this stands below its line even where there is room.
LONG_REASON = 34


def reason_below(row: Row, width: int) -> bool:
    """Whether a reason stands below its row, because it is a sentence or the row leaves no room beside it."""
    if not row.because:
        return False
    taken = sum(measured(piece.body) + 3 for piece in row.pieces) + (measured(row.head.formula) if row.head else 0)
    return len(row.because) > LONG_REASON or taken + len(row.because) > width


@lru_cache(maxsize=4096)
def measured(formula: Formula) -> int:
    """Return about how many characters wide a formula is when it is set with a sign between all factors."""
    signs = sum(len(part.factors) - 1 for part in walk(formula) if isinstance(part, Product))
    return shown_width(formula) + signs


def rows(line: Line, width: int = PAGE_WIDTH) -> tuple[Row, ...]:
    """Return the rows of a line: all in one where it fits, else a row for each side, long sides broken at operators."""
    head, *sides = line.parts
    head_width = measured(head.formula)
    room = max(width - head_width - 3, width // 2)
    if not sides:
        return (Row(None, (Piece("", head.formula, "", head),), line.because),)
    pieces: list[list[Piece]] = [[]]
    used = 0
    for side in sides:
        needed = measured(side.formula) + 3
        if pieces[-1] and used + needed > room:
            pieces.append([])
            used = 0
        if needed <= room:
            pieces[-1].append(Piece(side.relation, side.formula, "", side))
            used += needed
            continue
        for broken in broken_sides(head, side, width):
            if pieces[-1]:
                pieces.append([])
            pieces[-1].append(broken)
        used = room
    first, *others = (row for row in pieces if row)
    return (Row(head, tuple(first), line.because), *(Row(None, tuple(other)) for other in others))


def broken_sides(head: Part, side: Part, width: int) -> list[Piece]:
    """Break one side at its operators, as the readers of the formula package put it together again."""
    statement = Chain((head.formula, side.formula), (side.relation,))
    return [Piece(line.lead, line.body, line.trail, side) for line in wrap(statement, width, measured)]
