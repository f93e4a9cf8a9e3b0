"""LaTeX to the written formula: `read`, and `read_repaired`, which mends what is certainly malformed and says so.

The scanner resolves names; a lark LALR grammar gives the structure; this module turns the structure into the tree. Text is
never evaluated. What has two readings (`a/b c`, `\\ln a b`) is reported, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedEOF, UnexpectedToken
from lark.lexer import Lexer

from symbackprop.formula.brackets import normalise
from symbackprop.formula.names import Names
from symbackprop.formula.scan import scan
from symbackprop.formula.structure import Builder
from symbackprop.formula.tokens import ReadError
from symbackprop.formula.tree import Formula

__all__ = ["Finding", "ReadError", "Repaired", "read", "read_repaired"]


def read(text: str, names: Names) -> Formula:
    """Return the written formula behind a piece of LaTeX, without display delimiters.

    Raises `ReadError` (with the span, and a repair where one is certain) for unknown names and macros, malformed subscripts,
    unbalanced brackets and anything with two readings.

    >>> read("w x + b", Names.of(scalars="w x b"))
    Sum(terms=(Product(factors=(Name(name='w'), Name(name='x'))), Name(name='b')))
    """
    tokens = scan(text, names)
    if not tokens:
        raise ReadError("expected a formula, got nothing", (0, len(text)))
    try:
        parsed = _parser().parse(tokens)
    except UnexpectedToken as error:
        raise _unexpected(error, text) from None
    except UnexpectedEOF:
        raise ReadError("the formula ends too early", (len(text), len(text))) from None
    return normalise(_build(parsed, Builder(names, text)), names.layered)


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


class _Given(Lexer):
    """The tokens are given; there is nothing to scan."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any = None) -> Any:
        return iter(lexer_state)


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Given, propagate_positions=True, maybe_placeholders=True)


def _unexpected(error: UnexpectedToken, text: str) -> ReadError:
    token = error.token
    if token.type == "$END":
        return ReadError("the formula ends too early", (len(text), len(text)))
    start = token.start_pos if token.start_pos is not None else 0
    end = token.end_pos if token.end_pos is not None else start
    wanted = {"RP": ")", "RS": "]", "RB": "}", "RC": r"\}"}
    missing = [sign for kind, sign in wanted.items() if kind in error.expected]
    hint = f"; a {missing[0]} is still open" if missing and token.type in wanted else ""
    return ReadError(f"unexpected {text[start:end] or token.type}{hint}", (start, end))


def _build(parsed: Tree[Token], builder: Builder) -> Formula:
    """Turn the parse tree into a formula, from the leaves up, without recursion."""
    done: list[Any] = []
    stack: list[tuple[Any, bool]] = [(parsed, False)]
    while stack:
        node, visited = stack.pop()
        if not isinstance(node, Tree):
            done.append(node)
        elif not visited:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))
        else:
            count = len(node.children)
            parts = done[len(done) - count :] if count else []
            del done[len(done) - count :]
            start = getattr(node.meta, "start_pos", 0)
            done.append(builder.build(str(node.data), parts, (start, getattr(node.meta, "end_pos", start))))
    formula: Formula = done[0]
    return formula
