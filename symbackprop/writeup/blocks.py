"""The neutral outline of a write-up: frozen blocks that every format prints and no format adds to.

A block carries everything a printer needs and, in a student's outline, nothing more: what is an answer is marked here
(`Part.hidden`, `Cell.hidden`, `Drawing.answers`), and `redact` replaces it before any printer sees the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.errors import InternalError
from symbackprop.formula.notation import Notation
from symbackprop.formula.tree import Blank, Formula
from symbackprop.formula.walk import walk
from symbackprop.network.model import Network

Words = tuple[str | Formula, ...]

#: What a part of a line is: the left side, symbols, numbers put in, or a computed result.
LEFT, SYMBOLS, NUMBERS, RESULT = "left", "symbols", "numbers", "result"
PART_KINDS = (LEFT, SYMBOLS, NUMBERS, RESULT)

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
    """A heading; level 1 is the title of a part, 2 a step in it. `points` are for what is asked for below it."""

    level: int
    words: Words
    anchor: str
    points: int = 0


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph; `tone` is "plain", "note" (an aside), "rule" (a stated convention), "answer" (only for the teacher) or
    "cell" (only in notebooks).

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


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header row; `align` has one of l, c, r for each column."""

    anchor: str
    header: tuple[Words, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: str
    caption: Words = ()


def has_gaps(table: Table) -> bool:
    """Whether a table has gaps to be filled in."""
    formulas = (part for row in table.rows for cell in row for part in cell.words if isinstance(part, Formula))
    return any(isinstance(part, Blank) for formula in formulas for part in walk(formula))


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
    """Source text; `hidden` as in `Part`. A "listing" is printed everywhere, a "cell" is only for notebooks."""

    language: str
    text: str
    hidden: str = ""
    role: str = "listing"


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
    """The line for name, class and date, with the points there are."""

    points: int = 0


Block = Heading | Prose | FormulaBlock | Table | Figure | BlankLines | Code | Choice | PageBreak | NameLine


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole write-up: title, language, notation, who it is for, and its blocks in order.

    `paths` are, for each parameter, the names its gradient passes; an interactive page marks them.
    """

    title: str
    lang: str
    notation: Notation
    audience: str
    blocks: tuple[Block, ...]
    subtitle: str = ""
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
