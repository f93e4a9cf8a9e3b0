"""Numbers in LaTeX: as people write them (`10\\,000`, `1{,}5`) and as programs print them (`1.02e-08`)."""

from __future__ import annotations

import re

from symbackprop.formula.read.tokens import ReadError

_SPACE = r"\\[,;:! ]|~"  # between thousands


def _pattern(gap: str) -> re.Pattern[str]:
    whole = rf"\d{{1,3}}(?:(?:{gap})\d{{3}})+(?!\d)|\d+"
    return re.compile(rf"({whole}|(?=\.\d))(?:(\.|\{{,\}}|,)(\d+))?([eE][-+]?\d+(?!\d|\.\d))?")


#: By the sign between whole digits and places: `1{,}000` is a thousand where that sign is a point.
_NUMBER = {".": _pattern(rf"{_SPACE}|\{{,\}}"), ",": _pattern(_SPACE)}
_DIGITS = re.compile(r"\d+")


#: What goes on behind `2,3` where the two stand in a list.
_LISTED = re.compile(r"\s*,\s*(?:\d|\\[lc]?dots|\.\.|…)")


def number_at(text: str, start: int, end: int, decimal: str, in_list: bool) -> tuple[str, int] | None:
    """Return the digits of the number at `start`, with a point, and where it ends; None where there is none.

    `decimal` is the notation's sign between digits and places. A bare comma between digits separates a list where one is expected
    (`in_list`: between brackets, in a subscript), else it has two readings.

    Raises ReadError for what is no number (`0.5.3`) and for what may be two (`1,000`).
    """
    found = _NUMBER[decimal].match(text, start, end)
    if found is None or found.end() == start:
        return None
    whole, sign, places, exponent = found.groups()
    if sign == "," and decimal != ",":
        if not in_list and not _LISTED.match(text, found.end(), end):
            raise ReadError(f"two readings: is {found[0]} one number or a list? Write {{,}} or a space", found.span())
        return "".join(_DIGITS.findall(whole)), found.end(1)
    if re.compile(r"\.\d").match(text, found.end(), end):
        raise ReadError("expected a number, got one with two points", (start, found.end() + 2))
    return "".join(_DIGITS.findall(whole)) + (f".{places}" if places else "") + (exponent or ""), found.end()
