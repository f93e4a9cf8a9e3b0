"""The student's outline and the key, made from the complete outline by taking away.

Nothing is hidden by a printer: an answer that a student must not see is not in the outline the printer gets, and a teacher's
page that covers its answers shows what a student would see. Gaps have widths that do not depend on the digits of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch

from symbackprop.formula.tree.tree import Blank, Formula, Product, Sum
from symbackprop.formula.tree.walk import walk
from symbackprop.writeup.page.blocks import (
    ENTRY_GAP,
    FIELD,
    HIDING,
    NUMBER_GAP,
    NUMBERS,
    RESULT,
    SYMBOLS,
    ArrayValue,
    BlankLines,
    Block,
    Cell,
    Cells,
    Choice,
    Code,
    CodeCell,
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
from symbackprop.writeup.page.options import HandoutOptions

#: The points of what is harder: a sum of products, a mistake found and mended, a question why.
HARD = 2
FORMULA_GAPS = (8.0, 14.0, 20.0)

Blocks = tuple[Block, ...]
Degrees = frozenset[str]


def redact(outline: Outline, options: HandoutOptions) -> Outline:
    """Return the outline as its audience may see it."""
    blocks = outline.blocks
    hidden = degrees(options.blanks)
    if options.audience == "student":
        seen = student_blocks(blocks, hidden)
    elif options.audience == "key":
        seen = key_blocks(blocks, hidden or frozenset(HIDING))
    else:
        return replace(outline, blocks=tuple(block for block in blocks if not isinstance(block, BlankLines)))
    return replace(outline, blocks=with_points(seen, blocks, hidden) if hidden else seen)


def degrees(blanks: str) -> Degrees:
    """Return the degrees of blanking that are hidden when a student is to fill in `blanks`: that one and all milder ones."""
    return frozenset(HIDING[: HIDING.index(blanks) + 1]) if blanks in HIDING else frozenset()


# --- the student


def student_blocks(blocks: Blocks, hidden: Degrees) -> Blocks:
    """Return the blocks without what is there for the teacher only and without everything marked with one of `hidden`."""
    kept = tuple(seen for block in blocks if not is_answer_only(block) for seen in student_block(block, hidden))
    return _with_something_below(kept) if hidden else kept


def is_answer_only(block: Block) -> bool:
    """Whether a block is there for the teacher only."""
    return isinstance(block, Prose) and block.tone == "answer"


@singledispatch
def student_block(block: Block, hidden: Degrees) -> Blocks:
    """Return what a student sees of a block when everything marked with one of `hidden` is taken away."""
    return (block,)


@student_block.register
def _(block: FormulaBlock, hidden: Degrees) -> Blocks:
    if not hidden:
        return (block,)
    if "steps" in hidden and any(part.hidden for line in block.lines for part in line.parts):
        return (BlankLines(2 * len(block.lines) + 1),)
    return (replace(block, lines=tuple(_student_line(line, hidden) for line in block.lines)),)


def _student_line(line: Line, hidden: Degrees) -> Line:
    asked_for = any(part.hidden or part.stripped is not None for part in line.parts)
    kept = tuple(part for part in student_parts(line, hidden) if part is not None)
    return replace(line, parts=kept, because="" if "steps" in hidden and asked_for else line.because)


def student_parts(line: Line, hidden: Degrees) -> tuple[Part | None, ...]:
    """Return what a student sees of each part of a line; None where it would ask for a result once more."""
    parts = [student_part(part, hidden) for part in line.parts]
    return tuple(None if _asks_again(part, seen) else seen for part, seen in zip(line.parts, parts, strict=True))


def _asks_again(part: Part, seen: Part) -> bool:
    """Whether a side with gaps asks for results that are asked for where they are worked out, or says no more than a gap."""
    return part.kind == NUMBERS and seen.formula != part.formula


def student_part(part: Part, hidden: Degrees) -> Part:
    """Return a part with gaps for what is marked with one of `hidden`."""
    formula = part.formula
    if part.hidden in hidden:
        formula = Blank(NUMBER_GAP if part.kind == RESULT else formula_gap(formula))
    elif part.stripped is not None and "numbers" in hidden:
        formula = part.stripped
    return replace(part, formula=formula, stripped=None, hidden="")


def formula_gap(formula: Formula) -> float:
    """Return the width of a gap for a formula: one of three, by how much is to be written, not by which digits."""
    size = sum(1 for _ in walk(formula))
    return FORMULA_GAPS[0] if size <= 4 else FORMULA_GAPS[1] if size <= 14 else FORMULA_GAPS[2]


@student_block.register(Table)
@student_block.register(ArrayValue)
def _(block: Table | ArrayValue, hidden: Degrees) -> Blocks:
    if not hidden:
        return (block,)
    gap = ENTRY_GAP if isinstance(block, ArrayValue) and not block.is_number else NUMBER_GAP
    return (replace(block, rows=tuple(tuple(student_cell(cell, hidden, gap) for cell in row) for row in block.rows)),)


def student_cell(cell: Cell, hidden: Degrees, gap: float = NUMBER_GAP) -> Cell:
    """Return a cell with gaps for what is marked with one of `hidden`, of width `gap` for a number."""
    if cell.hidden in hidden:
        return Cell((Blank(gap if cell.hidden == "numbers" else FORMULA_GAPS[0]),))
    return Cell(cell.words if cell.stripped is None or "numbers" not in hidden else cell.stripped)


@student_block.register
def _(block: Figure, hidden: Degrees) -> Blocks:
    if not hidden:
        return (block,)
    drawing = without_answers(block.drawing)
    return (replace(block, drawing=replace(drawing, locals=()) if "rhs" in hidden else drawing),)


def without_answers(drawing: Drawing) -> Drawing:
    """Return the drawing with fields for the values a student is to find."""
    kept = tuple((name, FIELD if name in drawing.answers else text) for name, text in drawing.values)
    return replace(drawing, values=kept, answers=frozenset())


@student_block.register(Code)
@student_block.register(CodeCell)
@student_block.register(Prose)
def _(block: Code | CodeCell | Prose, hidden: Degrees) -> Blocks:
    if not hidden:
        return (block,)
    return () if block.hidden in hidden else (replace(block, hidden=""),)


@student_block.register
def _(block: Choice, hidden: Degrees) -> Blocks:
    return (replace(block, options=tuple(Option(option.words) for option in block.options)),)


def _with_something_below(blocks: Blocks) -> Blocks:
    """Drop headings that nothing follows (cells of a notebook stand without a heading too)."""
    kept: list[Block] = []
    following: Block | None = None
    for block in reversed(blocks):
        if isinstance(block, Heading) and _heads_nothing(block, following):
            continue
        kept.append(block)
        if not isinstance(block, PageBreak | Cells):
            following = block
    return tuple(reversed(kept))


def _heads_nothing(heading: Heading, following: Block | None) -> bool:
    return following is None or (isinstance(following, Heading) and following.level <= heading.level)


# --- the key


def key_blocks(blocks: Blocks, hidden: Degrees) -> Blocks:
    """Return only what is asked for when everything marked with one of `hidden` is taken away, answered."""
    kept = tuple(block for block in blocks if isinstance(block, Heading) or _is_rule(block) or asked(block, hidden))
    return _with_something_below(kept)


def _is_rule(block: Block) -> bool:
    return isinstance(block, Prose) and block.tone == "rule"


# --- points


def with_points(blocks: Blocks, complete: Blocks, hidden: Degrees) -> Blocks:
    """Put on each heading the number and the points of what is asked for below it, on the name line those of all questions.

    There are points for each line, row, array and question to be answered, more for what is harder.
    """
    worth: dict[str, int] = {}
    anchor = ""
    for block in complete:
        if isinstance(block, Heading):
            anchor = block.anchor
        worth[anchor] = worth.get(anchor, 0) + asked(block, hidden)
    asking = [block.anchor for block in blocks if isinstance(block, Heading) and worth.get(block.anchor)]
    numbers = {anchor: number for number, anchor in enumerate(asking, start=1)}
    questions = tuple(worth[anchor] for anchor in asking)
    return tuple(_with_its_points(block, worth, numbers, questions) for block in blocks)


def _with_its_points(block: Block, worth: Mapping[str, int], numbers: Mapping[str, int], questions: tuple[int, ...]) -> Block:
    if isinstance(block, Heading):
        return replace(block, points=worth.get(block.anchor, 0), number=numbers.get(block.anchor, 0))
    return replace(block, points=sum(questions), questions=questions) if isinstance(block, NameLine) else block


@singledispatch
def asked(block: Block, hidden: Degrees) -> int:
    """Return how much is asked for in a block when everything marked with one of `hidden` is taken away."""
    return 0


@asked.register
def _(block: Choice, hidden: Degrees) -> int:
    return 1


@asked.register
def _(block: Prose, hidden: Degrees) -> int:
    return HARD if is_answer_only(block) else 0


@asked.register
def _(block: FormulaBlock, hidden: Degrees) -> int:
    return sum(_worth(line, hidden) for line in block.lines if any(_is_asked(part, hidden) for part in line.parts))


def _is_asked(part: Part, hidden: Degrees) -> bool:
    return part.hidden in hidden or part.stripped is not None


def _worth(line: Line, hidden: Degrees) -> int:
    """Return the points of a line: a sum of products is harder than one product, and a formula counts beside its result."""
    formulas = any(part.kind == SYMBOLS and part.hidden in hidden for part in line.parts)
    sums = [part.formula for part in line.parts if part.kind == NUMBERS and isinstance(part.formula, Sum)]
    hard = any(sum(isinstance(term, Product) for term in total.terms) > 1 for total in sums)
    return (HARD if hard else 1) + formulas


@asked.register
def _(block: Table, hidden: Degrees) -> int:
    return sum(any(cell.hidden in hidden for cell in row) for row in block.rows)


@asked.register
def _(block: ArrayValue, hidden: Degrees) -> int:
    return int(any(cell.hidden in hidden for row in block.rows for cell in row))
