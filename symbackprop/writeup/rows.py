"""Lines of a formula block as the rows a page can hold: short sides stand side by side, long ones begin a row or are broken.

Every printer sets the same rows; only the measure of a page differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from symbackprop.formula.tree import Chain, Formula, Product
from symbackprop.formula.walk import walk
from symbackprop.formula.wrap import shown_width, wrap
from symbackprop.writeup.blocks import Line, Part

#: Characters that fit a row of a printed page beside a left side and a reason.
PAGE_WIDTH = 90


@dataclass(frozen=True, slots=True)
class Piece:
    """A relation or operator, a formula, the operator that leads on to the next row, and the part it belongs to."""

    lead: str
    body: Formula
    trail: str
    part: Part


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what stands left of the alignment point (first row of a line only), the pieces, and the reason.

    The reason stands at the right of the row, or `below` it.
    """

    head: Part | None
    pieces: tuple[Piece, ...]
    because: str = ""
    below: bool = False


#: A reason longer than this stands below its line even where there is room.
LONG_REASON = 34


def laid_out(lines: tuple[Line, ...], width: int = PAGE_WIDTH) -> tuple[tuple[Row, ...], ...]:
    """Return the rows of each line of a block; reasons have a column of their own only where the whole block leaves room."""
    block = [rows(line, width) for line in lines]
    widest = max((_row_width(row) for line in block for row in line), default=0)
    reasons = [len(row.because) for line in block for row in line if 0 < len(row.because) <= LONG_REASON]
    crowded = widest + max(reasons, default=0) + 3 > width
    return tuple(_with_reason_below(line) if crowded or len(line[0].because) > LONG_REASON else line for line in block)


def _with_reason_below(line: tuple[Row, ...]) -> tuple[Row, ...]:
    because = line[0].because
    if not because:
        return line
    bare = (replace(line[0], because=""), *line[1:])
    return (*bare[:-1], replace(bare[-1], because=because, below=True))


def _row_width(row: Row) -> int:
    head = measured(row.head.formula) if row.head is not None else 0
    return head + sum(measured(piece.body) + 3 for piece in row.pieces)


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
    if measured(statement) <= width:  # too wide for the room beside others, not for a row of its own
        return [Piece(side.relation, side.formula, "", side)]
    return [Piece(line.lead, line.body, line.trail, side) for line in wrap(statement, width, measured)]
