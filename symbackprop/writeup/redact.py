"""The student's outline and the key, made from the complete outline by taking away.

Nothing is hidden by a printer: an answer that a student must not see is not in the outline the printer gets. Gaps have widths
that do not depend on the digits of the answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from symbackprop.formula.tree import Blank, Formula
from symbackprop.formula.walk import walk
from symbackprop.writeup.blocks import (
    HIDING,
    NUMBERS,
    RESULT,
    BlankLines,
    Block,
    Cell,
    Choice,
    Code,
    Drawing,
    Figure,
    FormulaBlock,
    Heading,
    Line,
    NameLine,
    Option,
    Outline,
    PageBreak,
    Part,
    Prose,
    Table,
)
from symbackprop.writeup.context import NUMBER_GAP
from symbackprop.writeup.options import HandoutOptions

FORMULA_GAPS = (8.0, 14.0, 20.0)


def redact(outline: Outline, options: HandoutOptions) -> Outline:
    """Return the outline as its audience may see it."""
    if options.audience == "teacher":
        return replace(outline, blocks=tuple(block for block in outline.blocks if not isinstance(block, BlankLines)))
    if options.audience == "key" and options.blanks == "none":
        return replace(outline, blocks=key_blocks(outline.blocks, frozenset(HIDING)))
    hidden = frozenset(HIDING[: HIDING.index(options.blanks) + 1]) if options.blanks in HIDING else frozenset[str]()
    if options.audience == "key":
        return replace(outline, blocks=with_points(key_blocks(outline.blocks, hidden), outline.blocks, hidden))
    if options.blanks == "none":
        blocks = tuple(block for block in outline.blocks if not is_answer_only(block))
        return replace(outline, blocks=tuple(_without_solution(block) for block in blocks))
    blocks = tuple(kept for block in outline.blocks for kept in student_block(block, hidden))
    return replace(outline, blocks=with_points(_tidied(blocks), outline.blocks, hidden))


# --- the student


def student_block(block: Block, hidden: frozenset[str]) -> tuple[Block, ...]:
    """Return what a student sees of a block when everything marked with one of `hidden` is taken away."""
    if is_answer_only(block):
        return ()
    return _student(block, hidden)


def is_answer_only(block: Block) -> bool:
    """Whether a block is there for the teacher only."""
    return isinstance(block, Prose) and block.tone == "answer"


@singledispatch
def _student(block: Block, hidden: frozenset[str]) -> tuple[Block, ...]:
    return (block,)


@_student.register
def _(block: FormulaBlock, hidden: frozenset[str]) -> tuple[Block, ...]:
    if "steps" in hidden and any(part.hidden for line in block.lines for part in line.parts):
        return (BlankLines(2 * len(block.lines) + 1),)
    return (replace(block, lines=tuple(_student_line(line, hidden) for line in block.lines)),)


def _student_line(line: Line, hidden: frozenset[str]) -> Line:
    parts = [_student_part(part, hidden) for part in line.parts]
    kept = [part for position, part in enumerate(parts) if not (position and _repeats(part, parts[position - 1]))]
    asked = any(part.hidden or part.stripped is not None for part in line.parts)
    return replace(line, parts=tuple(kept), because="" if "steps" in hidden and asked else line.because)


def _repeats(part: Part, before: Part) -> bool:
    """Whether a gap follows a gap: `= ___ = ___` says no more than one gap, unless the second is the result."""
    return isinstance(part.formula, Blank) and isinstance(before.formula, Blank) and part.kind == NUMBERS


def _student_part(part: Part, hidden: frozenset[str]) -> Part:
    if part.kind == RESULT and part.hidden in hidden:
        return replace(part, formula=Blank(NUMBER_GAP), stripped=None, hidden="")
    if part.hidden in hidden:
        return replace(part, formula=Blank(formula_gap(part.formula)), stripped=None, hidden="")
    formula = part.formula if part.stripped is None or "numbers" not in hidden else part.stripped
    return replace(part, formula=formula, stripped=None, hidden="")


def formula_gap(formula: Formula) -> float:
    """Return the width of a gap for a formula: one of three, by how much is to be written, not by which digits."""
    size = sum(1 for _ in walk(formula))
    return FORMULA_GAPS[0] if size <= 4 else FORMULA_GAPS[1] if size <= 14 else FORMULA_GAPS[2]


@_student.register
def _(block: Table, hidden: frozenset[str]) -> tuple[Block, ...]:
    rows = tuple(tuple(_student_cell(cell, hidden) for cell in row) for row in block.rows)
    return (replace(block, rows=rows),)


def _student_cell(cell: Cell, hidden: frozenset[str]) -> Cell:
    if cell.hidden in hidden:
        return Cell((Blank(NUMBER_GAP if cell.hidden == "numbers" else FORMULA_GAPS[0]),))
    words = cell.words if cell.stripped is None or "numbers" not in hidden else cell.stripped
    return Cell(words)


@_student.register
def _(block: Figure, hidden: frozenset[str]) -> tuple[Block, ...]:
    drawing = without_answers(block.drawing)
    return (replace(block, drawing=replace(drawing, locals=()) if "rhs" in hidden else drawing),)


def without_answers(drawing: Drawing) -> Drawing:
    """Return the drawing without the values a student is to find."""
    kept = tuple((name, text) for name, text in drawing.values if name not in drawing.answers)
    return replace(drawing, values=kept, answers=frozenset())


@_student.register
def _(block: Code, hidden: frozenset[str]) -> tuple[Block, ...]:
    return () if block.hidden in hidden else (replace(block, hidden=""),)


@_student.register
def _(block: Prose, hidden: frozenset[str]) -> tuple[Block, ...]:
    return () if block.hidden in hidden else (replace(block, hidden=""),)


@_student.register
def _(block: Choice, hidden: frozenset[str]) -> tuple[Block, ...]:
    return (_without_solution(block),)


def _without_solution(block: Block) -> Block:
    if not isinstance(block, Choice):
        return block
    return replace(block, options=tuple(Option(option.words) for option in block.options))


def _tidied(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Drop headings that nothing follows (cells of a notebook stand without a heading too)."""
    kept: list[Block] = []
    following: Block | None = None
    for block in reversed(blocks):
        if isinstance(block, Heading) and (
            following is None or (isinstance(following, Heading) and following.level <= block.level)
        ):
            continue
        kept.append(block)
        if not isinstance(block, PageBreak) and not _is_cell(block):
            following = block
    return tuple(reversed(kept))


def _is_cell(block: Block) -> bool:
    return (isinstance(block, Code) and block.role == "cell") or (isinstance(block, Prose) and block.tone == "cell")


# --- points


def with_points(blocks: tuple[Block, ...], complete: tuple[Block, ...], hidden: frozenset[str]) -> tuple[Block, ...]:
    """Put on each heading the points of what is asked for below it, and their sum on the name line.

    There is one point for each line, row, array and question to be answered.
    """
    worth: dict[str, int] = {}
    anchor = ""
    for block in complete:
        if isinstance(block, Heading):
            anchor = block.anchor
        worth[anchor] = worth.get(anchor, 0) + points(block, hidden)
    return tuple(
        replace(block, points=worth.get(block.anchor, 0))
        if isinstance(block, Heading)
        else replace(block, points=sum(worth.values()))
        if isinstance(block, NameLine)
        else block
        for block in blocks
    )


def points(block: Block, hidden: frozenset[str]) -> int:
    """Return how much is asked for in a block when everything marked with one of `hidden` is taken away."""
    if isinstance(block, Choice) or is_answer_only(block):
        return 1
    if isinstance(block, FormulaBlock):
        return sum(any(part.hidden in hidden or part.stripped is not None for part in line.parts) for line in block.lines)
    if isinstance(block, Table):
        rows = sum(any(cell.hidden in hidden for cell in row) for row in block.rows)
        return rows if block.header else min(rows, 1)
    return 0


# --- the key


def key_blocks(blocks: tuple[Block, ...], hidden: frozenset[str]) -> tuple[Block, ...]:
    """Return only what is asked for when everything marked with one of `hidden` is taken away, answered."""
    kept = tuple(block for block in blocks if _stays_in_key(block, hidden))
    return tuple(block for block in _tidied(kept) if not isinstance(block, PageBreak))


def _stays_in_key(block: Block, hidden: frozenset[str]) -> bool:
    if isinstance(block, Heading | Choice | PageBreak):
        return True
    if isinstance(block, Prose):
        return block.tone in ("answer", "rule")
    if isinstance(block, FormulaBlock):
        return any(part.hidden in hidden or part.stripped is not None for line in block.lines for part in line.parts)
    return isinstance(block, Table) and any(cell.hidden in hidden for row in block.rows for cell in row)
