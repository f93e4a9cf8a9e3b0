"""A document's formulas read: every chain, what was malformed in it, and which `=` could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_fields

from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import Finding as Mended
from symbackprop.formula.read.read import ReadError, read, read_repaired
from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Group, Indexed, Name, Neg, Number, Row, Span, Sum, Text
from symbackprop.formula.tree.walk import children, replace, walk
from symbackprop.proofreading.claims import Malformed
from symbackprop.proofreading.judging.lint import Slip, lint
from symbackprop.proofreading.judging.statement_kinds import FARTHEST, Statement, chains
from symbackprop.proofreading.text.document import Document, Fragment
from symbackprop.proofreading.text.everyday import normalised

_EQUALS = re.compile(r"(?<![<>!:=\\])(?:=|＝)(?!=)")


@dataclass(frozen=True, slots=True)
class Unread:
    """A formula that could not be read, with the number of its `=`, and why."""

    fragment: Fragment
    equals: int
    span: tuple[int, int]
    reason: str


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
    """Read every formula that holds a relation."""
    statements: list[Statement] = []
    unread: list[Unread] = []
    findings: list[Malformed] = []
    formulas: dict[int, Formula] = {}
    spelled: dict[str, str] = {}
    headings, begun = 0, 0
    lost: set[str] = set()
    side: Formula | None = None  # the last one before a formula that may go on with it
    prose = ""
    unnamed, without_t = _sections_without_t(document), names.without("T")
    for fragment in document.fragments:
        if fragment.kind == "heading":
            headings, begun, side = headings + 1, fragment.start, None
            prose = fragment.text
        elif fragment.kind != "formula":
            prose = fragment.text if fragment.kind == "prose" else ""
            side = side if _NOTHING_SAID.fullmatch(prose) else None
        else:
            text = normalised(fragment.text)
            known = without_t if headings in unnamed else names
            try:
                text, before_it = _without_first_sign(text, side)
                side = None
                found = read_repaired(text, known)
            except ReadError as problem:
                if count := count_equals(text):
                    unread.append(Unread(fragment, count, problem.span, problem.message))
                    lost |= set(_said_anew(text, known))
                prose += fragment.text
                continue
            findings += _findings(document, fragment, found.findings)
            formulas[fragment.start] = found.formula
            formula = _going_on(before_it, replace(found.formula, _in_its_layer))
            side = _last_side(formula)
            for name, latex in _spellings(formula, found.text):
                spelled.setdefault(name, latex)
            before = document.text[max(begun, fragment.start - FARTHEST) : fragment.start]
            for number, (chain, words) in enumerate(chains(formula)):
                order, of = len(statements), (_reached(chain), fragment, prose, known, found.text)
                statements.append(Statement(*of, number, order, words, headings, before, frozenset(lost)))
                lost = set()
            prose += fragment.text
    findings += [_slip(document, slip) for slip in lint(statements)]
    return Reading(tuple(statements), tuple(unread), tuple(findings), formulas, spelled)


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
    return tuple(_reached(chain) for chain, _ in chains(replace(read(text, names), _in_its_layer)))


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
