"""A formula taken apart where it has equals signs, by its brackets alone: what stands between them can be read for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TRANSPARENT = "aligned|split|gathered|displaymath|math|(?:align|flalign|equation|gather|eqnarray|multline|alignat)\\*?"
_TOKEN = re.compile(
    rf"(?P<skip>\\(?:begin|end)\s*\{{(?:{_TRANSPARENT})\}}|%[^\n]*|\\[%,;:! ])"
    r"|(?P<open>\\left(?![A-Za-z])\s*(?:\\[{|]|\\[a-z]+|.)|\\begin\s*\{[a-zA-Z]+\*?\}|\\\{|\\lbrace(?![A-Za-z])|[{(\[])"
    r"|(?P<close>\\right(?![A-Za-z])\s*(?:\\[}|]|\\[a-z]+|.)|\\end\s*\{[a-zA-Z]+\*?\}|\\\}|\\rbrace(?![A-Za-z])|[})\]])"
    r"|(?P<end>\\\\(?:\[[^\]]*\])?|&&|\\q?quad(?![A-Za-z])|\\because(?![A-Za-z])|\\newline(?![A-Za-z])|[,，](?!\d)|[;；。])"
    r"|(?P<other><=|>=|!=|=>|\\not\s*=|\\neq?(?![A-Za-z]))"
    r"|(?P<sign>:=|==?|\\(?:approx|equiv|leftarrow|gets|coloneqq|triangleq|simeq)(?![A-Za-z])|[≈≡←])"
    r"|\\[A-Za-z]+|\\.",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Side:
    """What stands between two equals signs, and where what may be a statement of its own begins in it, behind its last break."""

    start: int
    end: int
    breaks: tuple[tuple[int, int], ...] = ()  # line breaks and commas outside of brackets


def sides_of(text: str) -> tuple[list[Side], list[str]]:
    """Return the sides of a formula and the signs between them; ([], []) where its brackets do not tell.

    >>> sides, signs = sides_of("f(x = 1) = a \\\\\\\\ b &= c")
    >>> [side.breaks for side in sides], signs
    ([(), ((13, 15),), ()], ['=', '='])
    """
    depth, start = 0, 0
    sides: list[Side] = []
    signs: list[str] = []
    breaks: list[tuple[int, int]] = []
    for kind, place in _tokens(text):
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            return [], []
        if depth == 0 and kind == "end":
            breaks.append(place)
        elif depth == 0 and kind == "sign":
            sides.append(Side(start, place[0], tuple(breaks)))
            signs.append(text[slice(*place)])
            start, breaks = place[1], []
    return ([], []) if depth else ([*sides, Side(start, len(text), tuple(breaks))], signs)


def _tokens(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _TOKEN.finditer(text):
        yield str(found.lastgroup), found.span()


def pieces_of(text: str, side: Side) -> list[tuple[int, int]]:
    """Return the stretches of a side between its breaks that are not empty."""
    edges = [side.start, *(place for pair in side.breaks for place in pair), side.end]
    return [(first, last) for first, last in zip(edges[::2], edges[1::2], strict=True) if not is_empty(text[first:last])]


def is_empty(text: str) -> bool:
    """Whether nothing that is shown stands in a stretch of a formula."""
    return not _NOTHING.sub("", text)


_NOTHING = re.compile(
    rf"[\s&~.,;]+|\\[,;:! ]|\\(?:begin|end)\s*\{{(?:{_TRANSPARENT})\}}|\\(?:nonumber|notag|displaystyle|quad|qquad)(?![A-Za-z])"
    r"|\\(?:label|tag\*?)\s*\{[^{}]*\}|%[^\n]*|\\\\(?:\[[^\]]*\])?"
)
