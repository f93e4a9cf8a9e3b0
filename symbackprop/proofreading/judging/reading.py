"""A document's formulas read: every chain, what was malformed in it, and which `=` could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields

from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import Finding as Mended
from symbackprop.formula.read.read import ReadError, read, read_repaired
from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Group, Indexed, Name, Neg, Number, Row, Span, Sum, Text
from symbackprop.formula.tree.walk import children, is_deeper, replace, walk
from symbackprop.proofreading.claims import Malformed
from symbackprop.proofreading.judging.lint import Slip, lint
from symbackprop.proofreading.judging.statement_kinds import FARTHEST, Statement, chains
from symbackprop.proofreading.text.document import Document, Fragment
from symbackprop.proofreading.text.everyday import normalised
from symbackprop.proofreading.text.in_pieces import Gap, InPieces, ReadPiece, read_in_pieces

DEEPEST = 150
_EQUALS = re.compile(r"(?<![<>!:=\\])(?:=|＝)(?!=)")


@dataclass(frozen=True, slots=True)
class Unread:
    """A formula that could not be read, with the number of its `=`, and why; `is_read` where only a side of it is no formula."""

    fragment: Fragment
    equals: int
    span: tuple[int, int]
    reason: str
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a document."""

    statements: tuple[Statement, ...]
    unread: tuple[Unread, ...]
    findings: tuple[Malformed, ...]
    formulas: Mapping[int, Formula]  # those that were read, by their offset
    spelled: Mapping[str, str]  # how the document writes a name, where it first does


def count_equals(text: str) -> int:
    """Return how many `=` a piece of LaTeX holds, bounds of sums left out."""
    return len(_EQUALS.findall(re.sub(r"[_^]\s*\{[^{}]*\}", "", text)))


def read_formulas(document: Document, names: Names) -> Reading:
    """Read every formula that holds a relation: as a whole, or what can be read of it side by side."""
    return _Reader(document, names).read()


@dataclass(slots=True)
class _Reader:
    """What was read so far, and where we stand."""

    document: Document
    names: Names
    statements: list[Statement] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    findings: list[Malformed] = field(default_factory=list)
    formulas: dict[int, Formula] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    headings: int = 0
    begun: int = 0  # where the section begins
    prose: str = ""  # just before
    side: Formula | None = None  # the last one before a formula that may go on with it
    lost: set[str] = field(default_factory=set)

    def read(self) -> Reading:
        """Read the document."""
        unnamed, without_t = _sections_without_t(self.document), self.names.without("T")
        for fragment in self.document.fragments:
            if fragment.kind == "heading":
                self.headings, self.begun, self.side = self.headings + 1, fragment.start, None
                self.prose = fragment.text
            elif fragment.kind != "formula":
                self.prose = fragment.text if fragment.kind == "prose" else ""
                self.side = self.side if _NOTHING_SAID.fullmatch(self.prose) else None
            else:
                self._formula(fragment, without_t if self.headings in unnamed else self.names)
                self.prose += fragment.text
        self.findings += [_slip(self.document, slip) for slip in lint(self.statements)]
        return Reading(tuple(self.statements), tuple(self.unread), tuple(self.findings), self.formulas, self.spelled)

    def _formula(self, fragment: Fragment, names: Names) -> None:
        text, side = _without_first_sign(normalised(fragment.text), self.side)
        self.side = None
        try:
            found = read_repaired(text, names)
            _refuse_deep(found.formula)
        except ReadError as problem:
            self._in_pieces(fragment, text, names, side, problem)
            return
        self.findings += _findings(self.document, fragment, found.findings)
        self.formulas[fragment.start] = found.formula
        formula = _going_on(side, replace(found.formula, _in_its_layer))
        self.side = _last_side(formula)
        self._say(fragment, found.text, names, [ReadPiece(*said) for said in chains(formula)])
        self._spell(formula, found.text)

    def _in_pieces(self, fragment: Fragment, text: str, names: Names, side: Formula | None, problem: ReadError) -> None:
        """Take in what can be read of a formula that cannot be read as a whole."""
        found = _in_shallow_pieces(text, names)
        if found is None:
            if count := count_equals(text) + (side is not None):
                self.unread.append(Unread(fragment, count, problem.span, problem.message))
                self.lost |= set(_said_anew(text, names))
            return
        if side is not None:
            found = _after(side, found, problem)
        for gap in found.gaps:
            self.unread.append(Unread(fragment, 1, gap.place or gap.span, gap.reason, gap.is_read))
            self.lost |= set(_said_anew(text[slice(*gap.span)], names))
        pieces = [replace_fields(piece, chain=_layers_of(piece.chain)) for piece in found.pieces]
        self._say(fragment, text, names, pieces)
        for piece in pieces:
            self._spell(piece.chain, text)
        self.side = None if found.last is None else _last_side(replace(found.last, _in_its_layer))

    def _say(self, fragment: Fragment, text: str, names: Names, pieces: Sequence[ReadPiece]) -> None:
        before = self.document.text[max(self.begun, fragment.start - FARTHEST) : fragment.start]
        for number, piece in enumerate(pieces):
            order, of = len(self.statements), (_reached(piece.chain), fragment, self.prose, names, text)
            said = Statement(*of, number, order, piece.words, self.headings, before, frozenset(self.lost), goes_on=piece.goes_on)
            self.statements.append(said)
            self.lost = set()

    def _spell(self, formula: Formula, text: str) -> None:
        for name, latex in _spellings(formula, text):
            self.spelled.setdefault(name, latex)


def _in_shallow_pieces(text: str, names: Names) -> InPieces | None:
    """Return what can be read of a formula; None where that is nothing, or nested too deeply."""
    found = read_in_pieces(text, names)
    return None if found is None or any(is_deeper(piece.chain, DEEPEST) for piece in found.pieces) else found


def _refuse_deep(formula: Formula) -> None:
    """Raise ReadError for a formula inside formulas over more levels than any person writes."""
    if is_deeper(formula, DEEPEST):
        raise ReadError(f"formulas inside formulas over more than {DEEPEST} levels", (0, 1))


def _after(side: Formula, found: InPieces, problem: ReadError) -> InPieces:
    """Return what was read of a formula that goes on with a side before it: `= b = c` of which b can be read, or cannot."""
    first = found.pieces[0] if found.pieces else None
    gap = found.gaps[0].span[0] if found.gaps else None
    begins = first is not None and first.chain.span is not None and (gap is None or first.chain.span[0] < gap)
    if first is None or not begins or first.goes_on:
        place = gap if gap is not None else problem.span[0]
        return replace_fields(found, gaps=(Gap((place, place + 1), problem.message), *found.gaps))
    chain = Chain((side, *first.chain.parts), ("=", *first.chain.relations), span=first.chain.span)
    return replace_fields(found, pieces=(ReadPiece(chain, first.words), *found.pieces[1:]))


def _layers_of(chain: Chain) -> Chain:
    found = replace(chain, _in_its_layer)
    assert isinstance(found, Chain)
    return found


_NOTHING_SAID = re.compile(r"[\s.,;:，。；：>*]*")
_FIRST_SIGN = re.compile(r"(?:\s|&|\\begin\s*\{(?:aligned|align\*?|split|equation\*?|gathered)\})*(=)")


def _without_first_sign(text: str, side: Formula | None) -> tuple[str, Formula | None]:
    """Return a formula that begins with `=` without that sign, and the side of the formula before that it goes on with."""
    sign = _FIRST_SIGN.match(text) if side is not None else None
    return (text, None) if sign is None else (f"{text[: sign.start(1)]} {text[sign.end(1) :]}", side)


def _going_on(side: Formula | None, formula: Formula) -> Formula:
    """Return a formula as it goes on with a side that stands before it: `= b = c` is a = b = c."""
    if side is None:
        return formula
    first, *others = formula.items if isinstance(formula, Row) else (formula,)
    parts, relations = (first.parts, first.relations) if isinstance(first, Chain) else ((first,), ())
    chain = Chain((side, *parts), ("=", *relations), span=first.span)
    return Row((chain, *others), formula.separator, span=formula.span) if isinstance(formula, Row) else chain


def _last_side(formula: Formula) -> Formula | None:
    """Return what a formula ends with, of no place; None for words."""
    while isinstance(formula, Row | Chain):
        formula = formula.items[-1] if isinstance(formula, Row) else formula.parts[-1]
    return None if isinstance(formula, Text) else replace(formula, lambda node: replace_fields(node, span=None))


def _said_anew(text: str, names: Names) -> Iterator[str]:
    """Yield the functions of which a formula says something, f of `f(x) = …`."""
    for found in _ANEW.finditer(text):
        name = names.find(found[1])
        if name is not None:
            yield name


_ANEW = re.compile(r"(?<![A-Za-z\\])(\\?[A-Za-z]+)\s*(?:\\left)?\([^()=]{1,40}\)\s*&?\s*=")


def read_again(text: str, names: Names) -> tuple[Chain, ...]:
    """Return the chains of a formula as they are judged. Raises ReadError."""
    try:
        found = [chain for chain, _ in chains(replace(read(text, names), _in_its_layer))]
    except ReadError:
        pieces = read_in_pieces(text, names)
        if pieces is None:
            raise
        found = [_layers_of(piece.chain) for piece in pieces.pieces]
    return tuple(map(_reached, found))


def _in_its_layer(node: Formula) -> Formula:
    """Return `a^{(1)}_j` as an entry of the array a^(1): what has a layer with a number is a quantity of its own."""
    labels = [label.body if isinstance(label, Group) else label for label in node.upper] if isinstance(node, Indexed) else []
    texts = [label.text for label in labels if isinstance(label, Number)]
    if not isinstance(node, Indexed) or not texts or len(texts) != len(labels):
        return node
    name = f"{node.name}^({','.join(texts)})"
    return Indexed(name, node.indices, span=node.span) if node.indices else Name(name, span=node.span)


def _spellings(formula: Formula, text: str) -> Iterator[tuple[str, str]]:
    """Yield names with the LaTeX they are written in; of an entry, without its indices."""
    for node in walk(formula):
        if isinstance(node, Name | Indexed) and node.span is not None:
            written = (_base(node, node.span, text) if isinstance(node, Indexed) else text[slice(*node.span)]).strip()
            if written and written.count("{") == written.count("}"):
                yield node.name, written


def _base(node: Indexed, whole: Span, text: str) -> str:
    """Return `W^{(1)}` of `W^{(1)}_{ij}`; "" where that cannot be told."""
    spans = [index.span for index in node.indices if index.span]
    if not spans or node.upper:
        return ""
    before = re.sub(r"\s*_\s*\{?\s*$", "", text[whole[0] : min(spans)[0]])
    return before + text[max(spans)[1] : whole[1]].lstrip("}")


def _slip(document: Document, slip: Slip) -> Malformed:
    start = slip.statement.fragment.start + slip.span[0]
    line, column = document.place(start)
    return Malformed(start, line, column, slip.statement.fragment.text[slip.span[0] : slip.span[1]], slip.repair, slip.message)


def _reached(chain: Chain) -> Chain:
    """Return a chain in which a big sum reaches over the terms behind it that speak of its index: `Σ_i a_i + b_i`."""
    outside = {node.name for node in walk(chain.parts[0]) if isinstance(node, Name)}
    parts = tuple(replace(part, lambda node: _with_its_terms(node, outside)) for part in chain.parts)
    return chain if parts == chain.parts else Chain(parts, chain.relations, span=chain.span)


def _with_its_terms(node: Formula, outside: set[str]) -> Formula:
    if not isinstance(node, Sum):
        return node
    terms: list[Formula] = []
    for term in node.terms:
        grown = _grown(terms[-1], term, outside) if terms else None
        terms[-1:] = [grown] if grown is not None else [*terms[-1:], term]
    return terms[0] if len(terms) == 1 else Sum(tuple(terms), span=node.span)


def _grown(before: Formula, term: Formula, outside: set[str]) -> Formula | None:
    """Return a big sum that takes the term behind it in; None where it does not."""
    minus = isinstance(before, Neg)
    big = before.body if isinstance(before, Neg) else before
    index = big.index if isinstance(big, BigSum) and big.operator == "sum" else None
    if not isinstance(big, BigSum) or not isinstance(index, Name) or index.name in outside or not _speaks_of(term, index):
        return None
    body = Sum((*_terms(big.body), _turned(term) if minus else term))
    grown = BigSum(body, index, big.lower, big.upper, big.operator, span=big.span)
    return Neg(grown, span=before.span) if minus else grown


def _speaks_of(term: Formula, index: Name) -> bool:
    """Whether an index occurs in a term that does not run over it itself."""
    waiting = [term]
    while waiting:
        node = waiting.pop()
        if node == index:
            return True
        waiting += () if isinstance(node, BigSum) and node.index == index else children(node)
    return False


def _terms(formula: Formula) -> tuple[Formula, ...]:
    return formula.terms if isinstance(formula, Sum) else (formula,)


def _turned(term: Formula) -> Formula:
    return term.body if isinstance(term, Neg) else Neg(term)


#: T where it is no superscript.
_T = re.compile(r"(?<![A-Za-z\\^])(?<!\^\{)T(?![A-Za-z])")


def _sections_without_t(document: Document) -> set[int]:
    """Return the sections, by the number of headings before them, that use no T of their own: there `w^T` is a transpose."""
    without = {0}
    section = 0
    for fragment in document.fragments:
        if fragment.kind == "heading":
            section += 1
            without.add(section)
        elif fragment.kind == "formula" and _T.search(fragment.text):
            without.discard(section)
    return without


def _findings(document: Document, fragment: Fragment, found: Iterable[Mended]) -> list[Malformed]:
    result = []
    for finding in found:
        start = fragment.start + finding.span[0]
        line, column = document.place(start)
        result.append(Malformed(start, line, column, finding.written, finding.repair, finding.message))
    return result
