"""Statements over several lines, from the tokens: which line breaks end a statement, and which stand inside one."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from symbackprop.formula.read.tokens import Token


@dataclass(slots=True)
class _Line:
    """The tokens of a line, and whether a line break stands before them, not a wide space."""

    tokens: list[Token]
    begins: bool = True

    @property
    def goes_on(self) -> bool:
        """Whether it begins with an equals sign or its like."""
        return self.begins and bool(self.tokens) and self.tokens[0].type == "REL"


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


#: Words with which a remark on a line begins: what stands behind them is no part of the statement that goes on in the next line.
REMARK = re.compile(
    r"\W*(?:since|because|as|by|using|use|from|with|where|when|if|for|given|recall|not(?:e|ing)|due|defin(?:e|ing)|replacing|taking"
    r"|let|∵|由于?|因为|其中|根据|利用|使用|当|若)(?![A-Za-z])",
    re.I,
)
_DEEPER = {"LP": 1, "LS": 1, "LC": 1, "LB": 1, "LU": 1, "CASES": 1, "MATRIX": 1}
_DEEPER.update({"RP": -1, "RS": -1, "RC": -1, "RB": -1, "RU": -1, "ENDCASES": -1, "ENDMATRIX": -1})


def _remarks_last(lines: list[_Line]) -> list[list[Token]]:
    """Put behind everything what only explains a line: `(\\ln 1 = 0)` behind a wide space, `since a = b` where `= c` goes on."""
    kept: list[_Line] = []
    remarks: list[list[Token]] = []
    for line in lines:
        if line.goes_on:
            _take_remarks(kept, remarks)
        if kept and _is_remark(line.tokens):
            remarks.append(line.tokens)
        else:
            kept.append(line)
    return [*(line.tokens for line in kept), *remarks]


def _take_remarks(kept: list[_Line], remarks: list[list[Token]]) -> None:
    """Move what explains the last line of a formula from the lines that are kept to the remarks."""
    while len(kept) > 1:
        first = max(at for at, line in enumerate(kept) if line.begins)
        at, cut = _first_remark(kept, first)
        if at < 0:
            return
        remarks += [kept[at].tokens[cut:], *(line.tokens for line in kept[at + 1 :])]
        rest = _without_commas(kept[at].tokens[:cut])
        kept[at:] = [_Line(rest, kept[at].begins)] if rest or at == 0 else []
        if rest or at > first:
            return


def _first_remark(lines: list[_Line], first: int) -> tuple[int, int]:
    """Return in which line from the first one on a remark begins, and where in it; (-1, 0) where none does."""
    places = ((at, _remark_at(lines, at)) for at in range(first, len(lines)))
    return next(((at, cut) for at, cut in places if cut is not None), (-1, 0))


def _without_commas(tokens: list[Token]) -> list[Token]:
    while tokens and tokens[-1].type == "COMMA":
        tokens = tokens[:-1]
    return tokens


def _remark_at(lines: list[_Line], at: int) -> int | None:
    """Return where a remark begins in a line: its words, outside of brackets; None where none does."""
    tokens, depth = lines[at].tokens, 0
    behind = [token for line in lines[at + 1 :] for token in line.tokens]
    for place, token in enumerate(tokens):
        depth += _DEEPER.get(token.type, 0)
        if depth == 0 and token.type == "TEXT" and (REMARK.match(token.value) or not _says([*tokens[place + 1 :], *behind])):
            return place
    return None


def _says(tokens: list[Token]) -> bool:
    """Whether something is said to be equal to something."""
    return any(token.type == "REL" and token.value != "∈" for token in tokens)


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


def _lines(found: list[Token]) -> list[_Line]:
    lines = [_Line([])]
    for token in found:
        if token.type == "NEWLINE":
            lines.append(_Line([], begins=token.value == "\n"))
        else:
            lines[-1].tokens.append(token)
    return lines


_SIGNS = ("PLUS", "MINUS")
_OPERATORS = (*_SIGNS, "TIMES", "ODOT", "SLASH", "REL", "COMMA")


def _ends_open(last: Token) -> bool:
    return last.type in _OPERATORS


def _starts_open(line: list[Token]) -> bool:
    """Whether a line goes on with the statement before it; `-a = b` is a statement of its own, `- a` goes on."""
    if line[0].type in _SIGNS:  # a condition of a definition by cases, or a bound below a sum, makes no statement
        depths = itertools.accumulate(_DEEPER.get(token.type, 0) for token in line)
        return all(token.type != "REL" or depth > 0 for token, depth in zip(line, depths, strict=True))
    return line[0].type in (*_OPERATORS, "RP", "RS", "RC", "RB")
