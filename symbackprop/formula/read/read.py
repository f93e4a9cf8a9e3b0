"""LaTeX to the written formula: `read`, and `read_repaired`, which mends what is certainly malformed and says so.

The scanner resolves names, the parser gives the structure. Text is never evaluated, and no formula is too deep. What has two
readings (`a/b c`, `\\ln a b`) is reported, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields

from symbackprop.formula.read.macros import expanded
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.parse import parse
from symbackprop.formula.read.scan import scan
from symbackprop.formula.read.tokens import ReadError
from symbackprop.formula.tree.brackets import normalise
from symbackprop.formula.tree.tree import Formula, Span
from symbackprop.formula.tree.walk import replace

__all__ = ["Finding", "ReadError", "Repaired", "read", "read_repaired"]


def read(text: str, names: Names) -> Formula:
    """Return the written formula behind a piece of LaTeX, without display delimiters.

    Raises `ReadError` (with the span, and a repair where one is certain) for unknown names and macros, malformed subscripts,
    unbalanced brackets and anything with two readings.

    >>> read("w x + b", Names.of(scalars="w x b"))
    Sum(terms=(Product(factors=(Name(name='w'), Name(name='x'))), Name(name='b')))
    """
    written, places = expanded(text, names.macros) if names.macros else (text, ())
    if written == text:
        return _read(text, names)
    try:
        formula = _read(written if names.respelled is None else names.respelled(written), names)
    except ReadError as error:
        raise ReadError(error.message, _moved(error.span, places)) from None
    return replace(formula, lambda node: replace_fields(node, span=node.span and _moved(node.span, places)))


def _moved(span: Span, places: Sequence[int]) -> Span:
    """Return where in the given text the range of a text with its macros put in comes from."""
    start = places[span[0]]
    return start, max(places[span[1] - 1] + 1, start) if span[1] > span[0] else start


def _read(text: str, names: Names) -> Formula:
    tokens = scan(text, names)
    if not tokens:
        raise ReadError("expected a formula, got nothing", (0, len(text)))
    return normalise(parse(tokens, names, text), names.layered)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something malformed that was mended: `span` in the text as given, what stood there, what was read instead."""

    span: tuple[int, int]
    written: str
    repair: str
    message: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A formula read after repairs: `text` is the mended LaTeX, which the spans of the formula refer to."""

    formula: Formula
    findings: tuple[Finding, ...]
    text: str


def read_repaired(text: str, names: Names) -> Repaired:
    """Read a formula, mending malformed subscripts and cut-off names where only one repair is possible.

    Raises `ReadError` where there is no certain repair.
    """
    findings: list[Finding] = []
    mended, shift = text, 0
    for _ in range(len(text) + 1):
        try:
            return Repaired(read(mended, names), tuple(findings), mended)
        except ReadError as error:
            start, end = error.span
            if error.repair is None or mended[start:end] == error.repair:
                raise
            span = (start - shift, end - shift)
            findings.append(Finding(span, mended[start:end], error.repair, error.message))
            shift += len(error.repair) - (end - start)
            mended = mended[:start] + error.repair + mended[end:]
    raise ReadError("repairs do not come to an end", (0, len(text)))
