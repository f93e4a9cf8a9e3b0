"""Macros that a document defines for itself: `\\newcommand{\\net}[1]{\\mathrm{net}_{#1}}`, put in before a formula is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symbackprop.formula.read.tokens import ReadError

MOST_EXPANSIONS = 500  # in one formula
MOST_CHARACTERS = 64_000

_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?)\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?:\[(\d)\])?\s*(?=\{)"
    r"|\\[gx]?def\s*\\([A-Za-z]+)\s*(?:#1(?:#2(?:#3)?)?)?\s*(?=\{)|\\DeclareMathOperator\*?\s*\{\s*\\([A-Za-z]+)\s*\}\s*(?=\{)"
)
_MACRO = re.compile(r"\\([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Macro:
    """What a macro stands for: its text, with `#1` … for its arguments."""

    arguments: int
    body: str


def defined_macros(text: str) -> Mapping[str, Macro]:
    """Return the macros that a document defines, by name; the last definition of a name counts."""
    found: dict[str, Macro] = {}
    for match in _DEFINITION.finditer(text):
        body = _group(text, match.end())
        if body is None:
            continue
        name, count, by_def, operator = match.groups()
        if operator:
            found[operator] = Macro(0, rf"\operatorname{{{body}}}")
        elif by_def:
            found[by_def] = Macro(match[0].count("#"), body)
        else:
            found[name] = Macro(int(count or 0), body)
    return found


def without_definitions(text: str) -> str:
    """Return a formula with spaces where it defines macros: they are no part of what it says."""
    written, position = [], 0
    for match in _DEFINITION.finditer(text) if "\\" in text else ():
        body = _group(text, match.end()) if match.start() >= position else None
        if body is not None:
            end = match.end() + len(body) + 2
            written += [text[position : match.start()], " " * (end - match.start())]
            position = end
    return "".join(written) + text[position:]


def expanded(text: str, macros: Mapping[str, Macro]) -> tuple[str, Sequence[int]]:
    """Return the text with macros put in, and for each of its characters the place in the given text it stands for.

    Raises ReadError for a macro without its arguments, and for macros that do not come to an end.
    """
    written: list[str] = []
    places: list[int] = []
    rest, at = text, list(range(len(text)))
    budget = MOST_EXPANSIONS
    start = 0
    while (found := _next(rest, start, macros)) is not None:
        macro, end = macros[found[1]], found.end()
        written.append(rest[start : found.start()])
        places += at[start : found.start()]
        arguments: list[str] = []
        while len(arguments) < macro.arguments:
            argument, end = _argument(rest, end, at[found.start()])
            arguments.append(argument)
        body = _filled(macro.body, arguments)
        budget -= 1
        if budget < 0 or len(rest) - end + len(body) + len(places) > MOST_CHARACTERS:
            raise ReadError(rf"the macro \{found[1]} does not come to an end", (at[found.start()], at[found.start()] + 1))
        space = " " if body[-1:].isalpha() and rest[end : end + 1].isalpha() else ""
        if body[:1].isalpha() and _ENDS_IN_A_MACRO.search(written[-1]):  # `\\partial\\ell`, where ℓ is l
            body = f" {body}"
        rest, at, start = body + space + rest[end:], [at[found.start()]] * (len(body) + len(space)) + at[end:], 0
    return "".join(written) + rest[start:], (*places, *at[start:], len(text))


_ENDS_IN_A_MACRO = re.compile(r"\\[A-Za-z]+\Z")


def _filled(body: str, arguments: Sequence[str]) -> str:
    return re.sub(r"#([1-9])", lambda gap: (*arguments, *("",) * 9)[int(gap[1]) - 1], body)


def _next(text: str, start: int, macros: Mapping[str, Macro]) -> re.Match[str] | None:
    return next((found for found in _MACRO.finditer(text, start) if found[1] in macros), None)


def _argument(text: str, start: int, place: int) -> tuple[str, int]:
    while start < len(text) and text[start].isspace():
        start += 1
    if start >= len(text):
        raise ReadError("expected the argument of a macro, got the end of the formula", (place, place + 1))
    if text[start] == "{":
        body = _group(text, start)
        if body is None:
            raise ReadError("this brace is never closed", (place, place + 1))
        return body, start + len(body) + 2
    macro = _MACRO.match(text, start)
    return (macro[0], macro.end()) if macro else (text[start], start + 1)


def _group(text: str, start: int) -> str | None:
    """Return the inside of the brace group at `start`."""
    depth = 0
    for found in re.compile(r"\\.|[{}]", re.S).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return text[start + 1 : found.start()]
    return None
