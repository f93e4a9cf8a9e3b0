"""Statements over several lines, from the tokens: which line breaks end a statement, and which stand inside one."""

from __future__ import annotations

import itertools

from symbackprop.formula.read.tokens import Token


def mark_lines(found: list[Token]) -> list[Token]:
    """Drop line breaks inside a statement, and the operator that a continued line repeats."""
    lines = _remarks_last(_lines(found))
    result = list(lines[0])
    for line in lines[1:]:
        if not (result and line) or "TEXT" in (result[-1].type, line[0].type):
            result.extend(line)
        elif _goes_on(result, line):
            repeats = _ends_open(result[-1]) and (result[-1].type, result[-1].value) == (line[0].type, line[0].value)
            result.extend(line[1:] if repeats and line[0].type != "COMMA" else line)
        else:
            result.extend((Token("NEWLINE", "\n", line[0].start, line[0].start), *line))
    return result


def _remarks_last(lines: list[list[Token]]) -> list[list[Token]]:
    remarks = [line for line in lines[1:] if _is_remark(line)]
    return [line for line in lines if line not in remarks] + remarks if remarks else lines


def _is_remark(line: list[Token]) -> bool:
    """Whether a line is a statement in brackets, `(\\ln 1 = 0)` behind a wide space: what it explains goes on behind it."""
    if len(line) < 3 or (line[0].type, line[-1].type) != ("LP", "RP"):
        return False
    depths = list(itertools.accumulate((token.type == "LP") - (token.type == "RP") for token in line))
    return min(depths[:-1]) > 0 and any(token.type == "REL" for token in line)


def _goes_on(found: list[Token], line: list[Token]) -> bool:
    """Whether a line belongs to the statement before it."""
    return _ends_open(found[-1]) or _starts_open(line) or _is_inside(found)


def _is_inside(found: list[Token]) -> bool:
    """Whether a round bracket of the last statement is still open."""
    depth = 0
    for token in reversed(found):
        if token.type == "NEWLINE":
            break
        depth += (token.type == "LP") - (token.type == "RP")
    return depth > 0


def _lines(found: list[Token]) -> list[list[Token]]:
    lines: list[list[Token]] = [[]]
    for token in found:
        if token.type == "NEWLINE":
            lines.append([])
        else:
            lines[-1].append(token)
    return lines


_SIGNS = ("PLUS", "MINUS")
_OPERATORS = (*_SIGNS, "TIMES", "ODOT", "SLASH", "REL", "COMMA")


def _ends_open(last: Token) -> bool:
    return last.type in _OPERATORS


def _starts_open(line: list[Token]) -> bool:
    """Whether a line goes on with the statement before it; `-a = b` is a statement of its own, `- a` goes on."""
    if line[0].type in _SIGNS:
        return all(token.type != "REL" for token in line)
    return line[0].type in (*_OPERATORS, "RP", "RS", "RC", "RB")
