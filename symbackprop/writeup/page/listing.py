"""Listings narrow enough for a page: a long line of Python is broken where Python allows it, and stays the same program."""

from __future__ import annotations

import io
import textwrap
import tokenize
from dataclasses import dataclass
from itertools import groupby, pairwise

#: Characters of a line that fit a printed page.
CODE_COLUMNS = 110
_INDENT = 8
_BREAK_BEFORE = frozenset(("+", "-", "*", "/", "@", "and", "or", "if", "else", "%", "|", "&"))


def narrow(source: str, columns: int = CODE_COLUMNS) -> str:
    """Return Python source with no line wider than `columns`, as far as its tokens allow, and the same syntax tree but for the
    line breaks of docstrings.
    """
    if all(len(line) <= columns for line in source.splitlines()):
        return source
    found: list[str] = []
    depth = 0
    for line in _lines(source):
        if len(line.text) <= columns:
            found.append(line.text)
        elif line.is_prose:
            found += _prose(line.text, columns)
        else:
            found += _statement(line.text, line.tokens, depth, columns)
        depth += sum(map(_opens, line.tokens))
    return "\n".join(found) + "\n"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its tokens, and whether it is a comment or stands in a docstring."""

    text: str
    tokens: list[tokenize.TokenInfo]
    is_prose: bool


def _lines(source: str) -> list[_Line]:
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.string.strip()]
    docstrings = [range(token.start[0], token.end[0] + 1) for token in tokens if token.string.endswith('"""')]
    inside = {number for lines in docstrings for number in lines}
    begun = {number: list(group) for number, group in groupby(tokens, lambda token: token.start[0])}
    return [
        _Line(text, begun.get(number, []), number in inside or text.lstrip().startswith("#"))
        for number, text in enumerate(source.splitlines(), start=1)
    ]


def _prose(line: str, columns: int) -> list[str]:
    """Break a comment, or a line of a docstring, at blanks."""
    body = line.lstrip()
    margin = line[: len(line) - len(body)]
    again = margin + ("# " if body.startswith("# ") else "")
    return textwrap.wrap(body, columns, initial_indent=margin, subsequent_indent=again, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def _statement(line: str, tokens: list[tokenize.TokenInfo], depth: int, columns: int) -> list[str]:
    """Break a line between tokens: inside brackets freely, outside of them with a backslash."""
    margin = line[: len(line) - len(line.lstrip())] + " " * _INDENT
    places: list[tuple[int, str]] = []  # where it may be broken, and what then stands at the end of the line
    for before, token in pairwise(tokens):
        depth += _opens(before)
        if token.string in _BREAK_BEFORE or before.string in ",([{":
            places.append((token.start[1], "" if depth else " \\"))
    found: list[str] = []
    start, lead = 0, ""
    for (place, end), (following, _) in pairwise([*places, (len(line), "")]):
        if len(lead + line[start:following].rstrip()) + len(end) > columns and place > start:
            found.append(lead + line[start:place].rstrip() + end)
            start, lead = place, margin
    return [*found, lead + line[start:]]


def _opens(token: tokenize.TokenInfo) -> int:
    return (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}")) if token.type == tokenize.OP else 0
