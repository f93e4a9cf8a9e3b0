"""Passes over the tokens: functions that are applied to nothing, and statements over several lines."""

from __future__ import annotations

from lark import Token

from symbackprop.formula import tokens as vocabulary


def mark_functions(found: list[Token]) -> list[Token]:
    """Turn a function that is applied to nothing into a plain name."""
    result: list[Token] = []
    for position, token in enumerate(found):
        if token.type == "FUNC" and not _is_applied(found, position + 1):
            token = Token("NAME", token.value, start_pos=token.start_pos, end_pos=token.end_pos)
        result.append(token)
    return result


def _is_applied(found: list[Token], position: int) -> bool:
    while position < len(found):
        kind = found[position].type
        if kind in ("SUP", "SUB"):
            depth, position = 1, position + 2
            while depth:
                depth += {"LB": 1, "RB": -1}.get(found[position].type, 0)
                position += 1
        elif kind == "PRIME":
            position += 1
        else:
            return kind in vocabulary.FACTOR_START
    return False


def mark_lines(found: list[Token]) -> list[Token]:
    """Drop line breaks inside a statement, and the operator that a continued line repeats."""
    lines = _lines(found)
    result = list(lines[0])
    for line in lines[1:]:
        if not (result and line) or "TEXT" in (result[-1].type, line[0].type):
            result.extend(line)
        elif _ends_open(result[-1]) or _starts_open(line):
            repeats = _ends_open(result[-1]) and (result[-1].type, result[-1].value) == (line[0].type, line[0].value)
            result.extend(line[1:] if repeats and line[0].type != "COMMA" else line)
        else:
            result.extend((Token("NEWLINE", "\n", start_pos=line[0].start_pos, end_pos=line[0].start_pos), *line))
    return result


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
