"""Lines of a formula block as the rows a page can hold: short sides stand side by side, long ones begin a row or are broken.

Every printer sets the same rows; only the measure of a page differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from unicodedata import east_asian_width

from symbackprop.formula.print.text import page_width
from symbackprop.formula.print.wrap import wrap
from symbackprop.formula.tree.brackets import Slot, is_forced
from symbackprop.formula.tree.tree import (
    BigSum,
    Chain,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Matrix,
    Neg,
    Number,
    Partial,
    Product,
    Sum,
    Text,
)
from symbackprop.formula.tree.tree import Row as Beside
from symbackprop.formula.tree.walk import walk
from symbackprop.writeup.page.blocks import Line, Part

#: Characters that fit a row of a printed page beside a left side and a reason.
PAGE_WIDTH = 92


@dataclass(frozen=True, slots=True)
class Piece:
    """A relation or operator, a formula, and the part it belongs to.

    The operator at a break stands once, at the start of the next row: `a -` above `- b` could be read as two signs.
    """

    lead: str
    body: Formula
    part: Part


@dataclass(frozen=True, slots=True)
class PageRow:
    """One row: what stands left of the alignment point (first row of a line only), the pieces, and the reason.

    The reason stands at the right of the row, or `below` it.
    """

    head: Part | None
    pieces: tuple[Piece, ...]
    because: str = ""
    below: bool = False


#: What makes a row higher than a line of text.
TALL = (Fraction, Partial, BigSum, Matrix)
#: A block as high as so many lines of text, a quarter of a page, may leave that much of a page empty; a higher one is broken.
MOST_KEPT = 16.0
#: A reason longer than this stands below its line even where there is room.
LONG_REASON = 34


def laid_out(lines: tuple[Line, ...], width: int = PAGE_WIDTH) -> tuple[tuple[PageRow, ...], ...]:
    """Return the rows of each line of a block; reasons have a column of their own only where the whole block leaves room."""
    block = [rows(line, width) for line in lines]
    widest = max((row_width(row) for line in block for row in line), default=0)
    reasons = [prose_width(row.because) for line in block for row in line if 0 < len(row.because) <= LONG_REASON]
    crowded = widest + max(reasons, default=0) + 3 > width
    return tuple(_with_reason_below(line) if crowded or len(line[0].because) > LONG_REASON else line for line in block)


def _with_reason_below(line: tuple[PageRow, ...]) -> tuple[PageRow, ...]:
    because = line[0].because
    if not because:
        return line
    bare = (replace(line[0], because=""), *line[1:])
    return (*bare[:-1], replace(bare[-1], because=because, below=True))


def prose_width(text: str) -> int:
    """Return how many columns wide text is; a Chinese character takes two."""
    return len(text) + sum(east_asian_width(sign) in "WF" for sign in text)


def row_width(row: PageRow) -> int:
    """Return about how many characters wide a row is, without its reason."""
    head = measured(row.head.formula) if row.head is not None else 0
    return head + sum(measured(piece.body) + 3 for piece in row.pieces)


@lru_cache(maxsize=4096)
def measured(formula: Formula) -> int:
    """Return about how many characters wide a formula is when it is set with a sign between all factors."""
    signs = sum(len(part.factors) - 1 for part in walk(formula) if isinstance(part, Product))
    return page_width(formula) + signs


def is_tall(row: PageRow) -> bool:
    """Whether a row has fractions or sums in it."""
    formulas = [piece.body for piece in row.pieces] + ([row.head.formula] if row.head is not None else [])
    return any(isinstance(part, TALL) for formula in formulas for part in walk(formula))


def stands_together(lines: tuple[tuple[PageRow, ...], ...]) -> bool:
    """Whether the rows of lines are so few that they can stand on one page without leaving much of the one before empty."""
    return sum((2.2 if is_tall(row) else 1.4) + row.below for line in lines for row in line) <= MOST_KEPT


def in_a_sentence(formula: Formula, room: int) -> tuple[Piece, ...]:
    """Return a formula in pieces between which a line of text may end: one where it fits the room."""
    whole = Part(formula)
    if measured(formula) <= room:
        return (Piece("", formula, whole),)
    first, *sides = formula.parts if isinstance(formula, Chain) else (formula,)
    signs = ("", *(formula.relations if isinstance(formula, Chain) else ()))
    terms = [term for sign, side in zip(signs, (first, *sides), strict=True) for term in _opened(Part(side, sign), room - SIGNS)]
    return tuple(piece for row in _filled(terms, whole, 0) for piece in row)


def rows(line: Line, width: int = PAGE_WIDTH) -> tuple[PageRow, ...]:
    """Return the rows of a line: all in one where it fits, else a row for each side, long sides broken at operators."""
    head, *sides = line.parts
    head_width = measured(head.formula)
    room = max(width - head_width - 3, width // 2)
    if not sides:
        return (PageRow(None, (Piece("", head.formula, head),), line.because),)
    pieces: list[list[Piece]] = [[]]
    used = 0
    for side in sides:
        needed = measured(side.formula) + 3
        if pieces[-1] and used + needed > room:
            pieces.append([])
            used = 0
        if needed <= room:
            pieces[-1].append(Piece(side.relation, side.formula, side))
            used += needed
            continue
        for broken in broken_sides(head, side, width):
            if pieces[-1]:
                pieces.append([])
            pieces[-1].extend(broken)
        used = room
    first, *others = (row for row in pieces if row)
    return (PageRow(head, tuple(first), line.because), *(PageRow(None, tuple(other)) for other in others))


def broken_sides(head: Part, side: Part, width: int) -> list[tuple[Piece, ...]]:
    """Break one side at its operators, as the readers of the formula package put it together again; where that is not enough,
    at any depth.
    """
    statement = Chain((head.formula, side.formula), (side.relation,))
    if measured(statement) <= width:  # too wide for the room beside others, not for a row of its own
        return [(Piece(side.relation, side.formula, side),)]
    room = max(width - measured(head.formula) - SIGNS, width // 2)
    lines = wrap(statement, width, measured)
    if all(measured(line.body) <= room for line in lines):
        return [(Piece(line.lead, line.body, side),) for line in lines]
    return _filled(_opened(side, room), side, room)


#: Columns for the signs before and behind a row.
SIGNS = 6


@dataclass(frozen=True, slots=True)
class _Term:
    """A term or factor with the sign in front of it and the brackets that open before and close behind it.

    `opening` are those brackets (None), and the sums `Σ_n` whose bodies begin here, from the outside in. A `factor` that is a
    sum needs brackets of its own.
    """

    lead: str
    body: Formula
    opening: tuple[BigSum | None, ...] = ()
    closes: int = 0
    factor: bool = False

    @property
    def subtracts_a_sum(self) -> bool:
        """Whether the sign in front is that of a whole sum, `- (b + c)`."""
        return self.lead == "-" and isinstance(self.body, Sum)

    @property
    def needs_brackets_for_a_sum(self) -> bool:
        """Whether what stands before it would reach the first term of a sum only."""
        return self.subtracts_a_sum or self.begins_a_sum

    @property
    def begins_a_sum(self) -> bool:
        """Whether it is what a sum `Σ_n` adds up."""
        return bool(self.opening) and self.opening[-1] is not None

    def shown(self) -> Formula:
        """Return it with its brackets, those without a partner set as text."""
        bare = is_forced(self.body, Slot.LAST_FACTOR) if self.factor else self.subtracts_a_sum
        bare = bare or (self.begins_a_sum and isinstance(self.body, Sum))
        body = Group(self.body) if bare else self.body
        shown: tuple[Formula, ...] = (body, *[Text(")")] * self.closes)
        for mark in reversed(self.opening):
            shown = (Text("("), *shown) if mark is None else (replace(mark, body=shown[0]), *shown[1:])
        return Beside(shown) if len(shown) > 1 else shown[0]


def _opened(side: Part, room: int) -> list[_Term]:
    """Return a side as terms and factors, whatever is wider than `room` taken apart as far as it can be."""
    found: list[_Term] = []
    waiting = [_Term(side.relation, side.formula)]
    while waiting:
        term = waiting.pop()
        inner = _taken_apart(term) if measured(term.body) > room else []
        found += [] if inner else [term]
        waiting += reversed(inner)
    return found


def _taken_apart(term: _Term) -> list[_Term]:
    body = term.body.body if isinstance(term.body, Group) else term.body
    match body:
        case Neg():
            return _negative_taken_apart(body.body, term)
        case BigSum():
            return [_begun(body, term)]
        case Fraction():
            return _joined_by_signs(_as_product(body), term)
        case _:
            return _joined_by_signs(body, term)


def _joined_by_signs(body: Formula, term: _Term) -> list[_Term]:
    """Return the terms of a sum or the factors of a product, in brackets where they need them; nothing for anything else."""
    bracket = isinstance(term.body, Group)
    match body:
        case Sum():
            return _bounded(_signed(body), term, int(bracket or term.factor or term.needs_brackets_for_a_sum))
        case Product():
            return _bounded(_factors(body), term, int(bracket))
        case Hadamard():
            inner = [_Term("⊙", factor, factor=True) for factor in body.factors]
            return _bounded(inner, term, int(bracket or term.factor))
        case _:
            return []


def _as_product(fraction: Fraction) -> Formula:
    """Return `1/d · a · b` for the fraction (a · b)/d, which can be broken; one with a short numerator as it is."""
    above = fraction.numerator
    if measured(above) <= measured(fraction.denominator):
        return fraction
    return Product((Fraction(Number("1"), fraction.denominator), *(above.factors if isinstance(above, Product) else (above,))))


def _signed(total: Sum) -> list[_Term]:
    """Return the terms of a sum, each but the first with its own sign."""
    first, *others = total.terms
    signed = [("-", part.body) if isinstance(part, Neg) else ("+", part) for part in others]
    return [_Term(sign, part) for sign, part in (("+", first), *signed)]


def _begun(total: BigSum, term: _Term) -> _Term:
    """Return what a sum `Σ_n` adds up, with the sum to begin before it, in the brackets of its term."""
    bracket = (None,) if isinstance(term.body, Group) else ()
    opening = (*term.opening, *bracket, total)
    return replace(term, body=total.body, opening=opening, closes=term.closes + len(bracket), factor=False)


def _factors(product: Product) -> list[_Term]:
    """Return the factors; a sum `Σ_n` that is not the last has brackets, so that it does not add up those behind it."""
    *others, last = product.factors
    closed = [Group(factor) if isinstance(factor, BigSum) else factor for factor in others]
    return [_Term("*", factor, factor=True) for factor in (*closed, last)]


def _negative_taken_apart(body: Formula, term: _Term) -> list[_Term]:
    """Break a negative product: the sign stands at its first factor; nothing for anything else."""
    if not isinstance(body, Product) or term.factor:
        return []
    first, *others = _factors(body)
    inner = [_Term("*", Neg(first.body)), *others]
    return _bounded(inner, term, int(isinstance(term.body, Group)))


def _bounded(inner: list[_Term], term: _Term, brackets: int) -> list[_Term]:
    """Return the parts of a term with its sign, and its brackets around all of them."""
    inner[0] = replace(inner[0], lead=term.lead, opening=(*term.opening, *[None] * brackets))
    inner[-1] = replace(inner[-1], closes=term.closes + brackets)
    return inner


def _filled(terms: list[_Term], side: Part, room: int) -> list[tuple[Piece, ...]]:
    """Return rows with as many terms in each as fit; inside a bracket a sign stands once, at the start of its row."""
    found: list[list[Piece]] = []
    used = room
    for term in terms:
        body = term.shown()
        if used + measured(body) + 3 > room:
            found.append([])
            used = 0
        found[-1].append(Piece(term.lead, body, side))
        used += measured(body) + 3
    return [tuple(row) for row in found]
