"""The neutral outline of a write-up: frozen blocks that every format prints and no format adds to.

A block says what it is and carries everything a printer needs and, in a student's outline, nothing more: what is an answer is
marked here (`Part.hidden`, `Cell.hidden`, `Drawing.answers`), and `redact` replaces it before any printer sees the outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from symbackprop.errors import InternalError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Blank, Formula
from symbackprop.formula.tree.walk import walk
from symbackprop.network.model import Network

Words = tuple[str | Formula, ...]

#: What a part of a line is: the left side, symbols, numbers put in, or a computed result.
LEFT, SYMBOLS, NUMBERS, RESULT = "left", "symbols", "numbers", "result"
PART_KINDS = (LEFT, SYMBOLS, NUMBERS, RESULT)

#: Width of the gap for one number, in em: the same for every number, so that it tells nothing about the digits. A result has
#: room for handwriting, 28 mm on paper; an entry of an array less.
NUMBER_GAP, ENTRY_GAP = 7.6, 5.0
#: What stands in a drawn unit where a student notes a result.
FIELD = "________"
#: Degrees of blanking, mildest first: numbers only, right-hand sides too, whole steps.
HIDING = ("numbers", "rhs", "steps")


def _check_hiding(hidden: str, what: str) -> None:
    if hidden and hidden not in HIDING:
        raise InternalError(f"{what}.hidden: expected one of {', '.join(HIDING)}, got {hidden!r}")


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a relation: its formula, what it is, and what a student sees instead when numbers are blanked.

    `relation` is the sign in front (empty for the first part). `stripped` is the formula with every computed number replaced
    by a blank; None where there is none to hide. `hidden` is the mildest degree of blanking (one of `HIDING`) that hides the
    whole formula, empty when it is never hidden.
    """

    formula: Formula
    relation: str = ""
    kind: str = SYMBOLS
    stripped: Formula | None = None
    hidden: str = ""

    def __post_init__(self) -> None:
        if self.kind not in PART_KINDS:
            raise InternalError(f"Part.kind: expected one of {', '.join(PART_KINDS)}, got {self.kind!r}")
        _check_hiding(self.hidden, "Part")


@dataclass(frozen=True, slots=True)
class Line:
    """A chain `left = part = part`, with the reason beside it and the names whose path it is about."""

    parts: tuple[Part, ...]
    because: str = ""
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title of a part, 2 a step in it. `points` are for what is asked for below it, the question of
    that `number`.
    """

    level: int
    words: Words
    anchor: str
    points: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph; `tone` is "plain", "note" (an aside), "rule" (a stated convention) or "answer" (only for the teacher).

    `hidden` as in `Part`: what introduces something hidden goes with it.
    """

    words: Words
    tone: str = "plain"
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class FormulaBlock:
    """Lines aligned at their relation signs, kept together on one page when `keep`."""

    anchor: str
    lines: tuple[Line, ...]
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `hidden` and `stripped` as in `Part`. A line break in the words is a string with a newline."""

    words: Words
    hidden: str = ""
    stripped: Words | None = None

    def __post_init__(self) -> None:
        _check_hiding(self.hidden, "Cell")


Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header row; `align` has one of l, c, r for each column."""

    anchor: str
    header: tuple[Words, ...]
    rows: Rows
    align: str


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """The value of an array, `name = [ … ]`; a single entry stands without brackets."""

    anchor: str
    name: Words
    rows: Rows

    @property
    def is_number(self) -> bool:
        """Whether there is one entry only."""
        return len(self.rows) == 1 and len(self.rows[0]) == 1


@dataclass(frozen=True, slots=True)
class Definitions:
    """Labels, each with what it stands for: `Inputs  l1 = 5, l2 = 10`; a row without a label goes on with the one above."""

    anchor: str
    rows: tuple[tuple[Words, Words], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a figure shows of a network: printed values by name, the names of the path in red, and which values are answers.

    `locals` are the local derivatives on the edges (consumer, parent) of the computational graph, view "graph".
    """

    network: Network
    loss: str
    values: tuple[tuple[str, str], ...] = ()
    highlight: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    view: str = "network"
    locals: tuple[tuple[tuple[str, str], Formula], ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its description in words."""

    anchor: str
    drawing: Drawing
    alt: str
    caption: Words = ()


@dataclass(frozen=True, slots=True)
class BlankLines:
    """Room for the reader to write in."""

    lines: int


@dataclass(frozen=True, slots=True)
class Code:
    """Source text; `hidden` as in `Part`."""

    language: str
    text: str
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class CodeCell:
    """Code that runs in a notebook and stands nowhere else; `hidden` as in `Part`."""

    text: str
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class TextCell:
    """A paragraph that stands in a notebook only."""

    words: Words


@dataclass(frozen=True, slots=True)
class Choice:
    """A multiple-choice question: options in the order printed, the right ones marked, and why each wrong one is wrong."""

    anchor: str
    question: Words
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a `Choice`; `right` is None and `why` is empty in a student's outline."""

    words: Words
    right: bool | None = None
    why: Words = ()


@dataclass(frozen=True, slots=True)
class PageBreak:
    """A place where a new page may begin (`must`: has to begin)."""

    must: bool = False


@dataclass(frozen=True, slots=True)
class NameLine:
    """The line for name, class and date, with the points there are, and those of each question for who grades it.

    `known` is what is filled in already, by field: a name out of a roster.
    """

    points: int = 0
    questions: tuple[int, ...] = ()
    known: tuple[tuple[str, str], ...] = ()


def grading_rows(line: NameLine, question: str, total: str, points: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a grading table: the questions, the points there are, and empty cells for those that are given."""
    numbers = (question, *(str(number) for number in range(1, len(line.questions) + 1)), total)
    return numbers, (points, *(f"/ {worth}" for worth in (*line.questions, line.points)))


#: What a page shows, and what stands in notebooks only.
PageBlock = (
    Heading | Prose | FormulaBlock | Table | ArrayValue | Definitions | Figure | BlankLines | Code | Choice | PageBreak | NameLine
)
Cells = CodeCell | TextCell
Block = PageBlock | Cells


def formulas_in(block: Block) -> Iterator[Formula]:
    """Yield every formula that a block shows, wherever it stands in it; what would replace an answer is not shown."""
    waiting: list[object] = [block]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Formula):
            yield part
        elif isinstance(part, tuple):
            waiting += part
        elif is_dataclass(part) and not isinstance(part, Drawing):
            waiting += [getattr(part, entry.name) for entry in fields(part) if entry.name != "stripped"]


def has_gaps(block: Block) -> bool:
    """Whether a block has gaps to be filled in."""
    return any(isinstance(part, Blank) for formula in formulas_in(block) for part in walk(formula))


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole write-up: title, language, notation, who it is for, and its blocks in order.

    `paths` are, for each parameter, the names its gradient passes; an interactive page marks them. `blanks` is what a student is
    to fill in (one of `HIDING`, or "none"): a teacher's page covers the same. `columns` is how many characters wide a row may be,
    0 where that is the format's affair.
    """

    title: str
    lang: str
    notation: Notation
    audience: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    blanks: str = HIDING[0]
    columns: int = 0

    @property
    def page(self) -> tuple[PageBlock, ...]:
        """The blocks that a page shows, without the cells of notebooks."""
        return tuple(block for block in self.blocks if not isinstance(block, Cells))
