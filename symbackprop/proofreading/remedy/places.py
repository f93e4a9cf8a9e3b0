"""A remedy put into the text: what it replaces, with the sign and the brackets around it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symbackprop.proofreading.claims import Remedy


def in_its_place(remedy: Remedy, source: str) -> Remedy:
    """Return a remedy as it is put into the text: with the sign before it, `- t` for `+ t`, where a sign is what changes."""
    if remedy.span is None:
        return remedy
    start, end = remedy.span
    if not remedy.repair:
        start, end = _with_its_sign(source, start, end)
        return Remedy(source[start:end], "", (start, end), remedy.words)
    before = source[:start].rstrip()
    if before[-1:] in ("+", "-") and remedy.repair.startswith("-"):
        return _with_the_other_sign(remedy, source, before, end)
    if source[start : start + 1] == "-" and remedy.repair[:1] not in ("", "-", "+") and _ends_a_term(before):
        return Remedy(remedy.written, f"+ {remedy.repair}", remedy.span, remedy.words)
    return remedy


def _with_the_other_sign(remedy: Remedy, source: str, before: str, end: int) -> Remedy:
    """`- t` for `+ t`: the sign before a term takes in that of the remedy."""
    if remedy.span is not None:
        sign = "-" if before[-1] == "+" else "+"
        if sign == "+" and not _ends_a_term(before[:-1]):
            return remedy
        start = len(before) - 1
        return Remedy(source[start:end], f"{sign} {remedy.repair[1:].lstrip()}", (start, end), remedy.words)
    return remedy


_SIGN_BEFORE = re.compile(r"(?:[-+*·×⊙]|\\(?:cdot|times|odot|ast|circ))\s*\Z")
_SIGN_BEHIND = re.compile(r"\s*(?:[+*·×⊙]|\\(?:cdot|times|odot|ast|circ)(?![A-Za-z]))")


def _with_its_sign(source: str, start: int, end: int) -> tuple[int, int]:
    """Return where a factor or term stands with the sign that joins it to the others: the one before it, else the one behind."""
    before = _SIGN_BEFORE.search(source, max(0, start - 12), start)
    if before is not None:
        return before.start(), end
    behind = _SIGN_BEHIND.match(source, end)
    return start, behind.end() if behind is not None else end


def _ends_a_term(text: str) -> bool:
    text = text.rstrip()
    return text[-1:].isalnum() or text[-1:] in (")", "]", "}", "'", "|")


def replaced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return a text with pieces of it exchanged; of two that overlap the later one."""
    end = len(text)
    for start, stop, repair in sorted(changes, reverse=True):
        stop = _closed(text, start, stop)
        if stop <= end:
            text = text[:start] + repair + text[stop:]
            end = start
    return text


def _closed(text: str, start: int, stop: int) -> int:
    """Return where a piece ends with the brackets that it opens: a formula's own place leaves the last one out."""
    while text[start:stop].count("(") > text[start:stop].count(")") and text[stop : stop + 1] == ")":
        stop += 1
    return stop
