"""A formula that cannot be read as a whole, read side by side: what stands beside what cannot be read is judged all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from symbackprop.formula.read.lines import REMARK
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read
from symbackprop.formula.tree.tree import Chain, Formula, Row, Span, Text
from symbackprop.formula.tree.walk import replace as replaced
from symbackprop.proofreading.text.sides import Side, is_empty, pieces_of, sides_of

MOST_SIDES = 400  # of one formula
IN_WORDS = "a side is said in words"
ELSEWHERE = "a side stands elsewhere in the text"


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """A chain of sides that can be read; `goes_on`: what stands before its first side could not be."""

    chain: Chain
    words: str = ""
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """One `=` with a side that could not be read, or (with `is_read`) that holds no formula; `place` is what cannot be read."""

    span: Span
    reason: str
    is_read: bool = False
    place: Span | None = None


@dataclass(frozen=True, slots=True)
class InPieces:
    """What could be read of a formula, and the `=` that could not."""

    pieces: tuple[ReadPiece, ...]
    gaps: tuple[Gap, ...]
    last: Formula | None = None  # the side at the end


@dataclass(frozen=True, slots=True)
class _Ends:
    """What a side begins with, which ends the statement before it, and what it ends with, which begins the next one."""

    first: Formula | None = None
    last: Formula | None = None
    words: str = ""
    is_one: bool = True  # both are one thing: the statement goes on
    reason: str = ""
    is_read: bool = False  # though it holds no formula
    place: Span | None = None  # of what cannot be read
    aside: bool = False  # what it ends with begins a remark, `\\text{since } a`
    begins_a_line: bool = False  # the sign behind it does


@dataclass(slots=True)
class _Open:
    """A chain that is being put together."""

    parts: list[Formula]
    relations: list[str]
    words: str = ""
    goes_on: bool = False

    def go_on(self, relation: str, side: Formula) -> None:
        """Add a side."""
        parts, relations = _taken_apart(side)
        self.parts += parts
        self.relations += [relation, *relations]


@dataclass(slots=True)
class _Collected:
    """What was read so far: the chain we are in, and the one that a remark explains, which goes on behind it."""

    pieces: list[ReadPiece] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    chain: _Open | None = None
    main: tuple[_Open | None, str] | None = None  # with why it has no last side

    def sign(self, sign: str, span: Span, before: _Ends, found: _Ends) -> None:
        """Take in an equals sign and the side behind it."""
        reason = ""
        if before.begins_a_line and self.main is not None:  # what was explained goes on
            self.close(self.chain)
            (self.chain, reason), self.main = self.main, None
        if self.chain is not None and found.first is not None:
            self.chain.go_on(_RELATIONS.get(sign.replace(" ", ""), "="), found.first)
        else:
            why = next((one for one in (before, found) if one.reason), _Ends(reason=reason))
            self.gaps.append(Gap(span, why.reason, why.is_read, why.place))
            self.close(self.chain)
            self.chain = _begun(replace(found, last=found.first, words=""), goes_on=True)
        if not found.is_one:
            self._begin(found)

    def _begin(self, found: _Ends) -> None:
        if found.aside and self.main is None:
            self.main = (self.chain, found.reason)
        else:
            self.close(self.chain)
        self.chain = _begun(found)

    def end(self) -> None:
        """Close what is open."""
        self.close(self.chain)
        self.close(self.main[0] if self.main is not None else None)

    def close(self, chain: _Open | None) -> None:
        """Take in a chain that ends."""
        if chain is not None and len(chain.parts) > 1:
            spans = [part.span for part in chain.parts if part.span]
            span = (spans[0][0], spans[-1][1]) if spans else None
            whole = Chain(tuple(chain.parts), tuple(chain.relations), span=span)
            self.pieces.append(ReadPiece(whole, chain.words, chain.goes_on))


def read_in_pieces(text: str, names: Names) -> InPieces | None:
    """Return what can be read of a formula side by side; None where it has no sides."""
    sides, signs = sides_of(text)
    if not signs or len(sides) > MOST_SIDES:
        return None
    ends = [_ends(text, side, names) for side in sides]
    collected = _Collected(chain=_begun(ends[0]))
    for at, sign in enumerate(signs):
        collected.sign(sign, (sides[at].start, sides[at + 1].end), ends[at], ends[at + 1])
    collected.end()
    return InPieces(tuple(collected.pieces), tuple(collected.gaps), ends[-1].last)


_RELATIONS = {r"\approx": "≈", "≈": "≈", r"\simeq": "≈", r"\equiv": "≡", "≡": "≡", ":=": ":="}
_RELATIONS.update({r"\coloneqq": ":=", r"\triangleq": ":=", r"\leftarrow": "←", r"\gets": "←", "←": "←"})


def _begun(ends: _Ends, *, goes_on: bool = False) -> _Open | None:
    if ends.last is None:
        return None
    parts, relations = _taken_apart(ends.last)
    return _Open(list(parts), list(relations), ends.words, goes_on)


def _taken_apart(side: Formula) -> tuple[Sequence[Formula], Sequence[str]]:
    return (side.parts, side.relations) if isinstance(side, Chain) else ((side,), ())


def _ends(text: str, side: Side, names: Names) -> _Ends:
    written = text[side.start : side.end]
    if is_empty(written):
        return _Ends(reason=ELSEWHERE, is_read=True)
    try:
        found = _ends_of(_moved(read(written, names), side.start))
    except ReadError as problem:
        place = (side.start + problem.span[0], side.start + problem.span[1])
        found = replace(_by_breaks(text, side, names, problem.message), place=place)
    return replace(found, begins_a_line=_ends_with_a_break(text, side))


def _ends_of(formula: Formula) -> _Ends:
    leaves = list(_leaves(formula))
    words = [leaf for leaf in leaves if isinstance(leaf, Text)]
    first, last = (None if isinstance(leaf, Text) else leaf for leaf in (leaves[0], leaves[-1]))
    if len(words) >= len(leaves) - 1 and (first is not None or last is None):
        return _Ends(first, first) if first is not None else _Ends(reason=IN_WORDS, is_read=True)  # perhaps with a remark
    aside = any(REMARK.match(leaf.text) for leaf in words)
    return _Ends(first, last, _said(leaves[-2]), is_one=False, reason=IN_WORDS, is_read=True, aside=aside)


def _said(leaf: Formula) -> str:
    return leaf.text.strip().lower() if isinstance(leaf, Text) else ""


def _leaves(formula: Formula) -> Iterator[Formula]:
    waiting = [formula]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Row):
            waiting.extend(reversed(node.items))
        else:
            yield node


def _by_breaks(text: str, side: Side, names: Names, reason: str) -> _Ends:
    """What can be read of a side before its first break, and behind its last one."""
    ends_a_line = _ends_with_a_break(text, side)
    pieces = _whole_pieces(text, pieces_of(text, side))
    if len(pieces) < 2 and not ends_a_line:
        return _Ends(reason=reason)
    first = _alone(text, pieces[0], names) if pieces else None
    if ends_a_line:
        one = len(pieces) < 2 or all(_REMARK.match(text[slice(*piece)]) for piece in pieces[1:])
        return _Ends(first, first if one else None, is_one=one, reason=reason)
    last = _alone(text, pieces[-1], names)
    aside = any(_REMARK.match(text[slice(*piece)]) for piece in pieces[1:])
    return _Ends(first, last, is_one=False, reason=reason, aside=aside)


#: A remark, or words alone.
_REMARK = re.compile(
    rf"[\s&]*(?:\\(?:text|textrm|mbox)\s*\{{?\s*)?(?:{REMARK.pattern})|[\s&]*\\because|[\s&]*\\text\s*\{{[^{{}}]*\}}\s*\Z", re.I
)


def _ends_with_a_break(text: str, side: Side) -> bool:
    """Whether the sign behind a side begins a line."""
    return any(
        text[first:last].startswith((r"\\", r"\newline")) and is_empty(text[last : side.end]) for first, last in side.breaks
    )


def _whole_pieces(text: str, pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pieces, those that go on with the one before joined to it."""
    found: list[tuple[int, int]] = []
    for start, end in pieces:
        if found and (_STARTS_OPEN.match(text[start:end]) or _ENDS_OPEN.search(text[slice(*found[-1])])):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


_OPERATOR = r"(?:[-+*/⊙·×]|\\(?:cdot|times|odot|circ|ast|pm|mp|otimes)(?![A-Za-z]))"
_STARTS_OPEN = re.compile(rf"[\s&]*(?:\\[,;:! ][\s&]*)*{_OPERATOR}")
_ENDS_OPEN = re.compile(rf"{_OPERATOR}[\s&]*\Z")


def _alone(text: str, place: tuple[int, int], names: Names) -> Formula | None:
    """Return what stands in a stretch of a formula; None where that is not one formula."""
    try:
        found = _moved(read(text[slice(*place)], names), place[0])
    except ReadError:
        return None
    return None if isinstance(found, Row | Text) else found


def _moved(formula: Formula, by: int) -> Formula:
    return replaced(formula, lambda node: replace(node, span=(node.span[0] + by, node.span[1] + by)) if node.span else node)
