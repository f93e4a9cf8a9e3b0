"""The gate every student's file passes: no answer, and no number that gives one away, anywhere in it.

It looks at the finished text of a file, markup, drawings and metadata included, and knows nothing of how the file was made.
An answer is found however it is written: as printed, with more digits, with other zeros, with a comma, in powers of ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import numpy as np

from symbackprop import numeric
from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import Formula, Number
from symbackprop.formula.tree.walk import walk
from symbackprop.writeup.outline.context import Context
from symbackprop.writeup.page.blocks import ArrayValue, Cell, Definitions, FormulaBlock, Outline, Part, Table, formulas_in

#: A number with fewer significant digits says too little to be told from a coordinate or a given value.
SIGNIFICANT = 4
#: Without a point a number needs this many digits: what is shorter may be a place in a drawing wherever it stands.
SIGNIFICANT_WHOLE = 5
_ALONE = r"(?<![\w.#])(?:\d+[.,]\d+|[.,]\d+|\d+)(?:[eE][-+]?\d+)?(?!\w)"
_IN_A_WORD = rf"(?<![\d.,])\d+\.\d{{{SIGNIFICANT},}}(?!\d)"  # v0.9129 or 0.9129em; whole numbers in words are colours and names
_NUMBER = re.compile(f"{_IN_A_WORD}|{_ALONE}")

_RUN = re.compile(rf"[\d.,]{{{SIGNIFICANT},}}")


@dataclass(frozen=True, slots=True)
class Leak:
    """An answer found in a student's file: the number as it stands there, its place, and the answer it gives away."""

    written: str
    at: int
    answer: str


def answer_numbers(complete: Outline, exact_values: Iterable[float] = ()) -> dict[str, str]:
    """Return the significant digits of every answer of a complete outline, with the answer they belong to.

    `exact_values` are further results with all their digits (unrounded values of the same quantities). Numbers that the outline
    also gives away by right, as given values, are no answers.
    """
    given = {digits(text) for text in _numbers(complete, hidden=False)}
    found = {digits(text): text for text in _numbers(complete, hidden=True)}
    for value in exact_values:
        text = repr(abs(float(value)))
        found[digits(text)] = text
    return {key: text for key, text in found.items() if key not in given and len(key) >= SIGNIFICANT}


def given_numbers(complete: Outline, values: Iterable[Any]) -> frozenset[str]:
    """Return the significant digits of every number that everybody may see: in the outline, and the given values in full."""
    entries = (repr(abs(float(entry))) for value in values for entry in np.asarray(value, dtype=float).flat)
    return frozenset({digits(text) for text in (*_numbers(complete, hidden=False), *entries)})


def unrounded_answers(found: Mapping[str, Any], given: Iterable[str]) -> list[float]:
    """Return the computed values of a full evaluation as plain numbers."""
    skipped = set(given)
    return [float(entry) for name, value in found.items() if name not in skipped for entry in np.asarray(value, dtype=float).flat]


def leaks(text: str, answers: Mapping[str, str], given: Collection[str] = ()) -> list[Leak]:
    """Return every answer found in the text of a student's file.

    `given` are the significant digits of values that may stand there even where an answer begins with the same digits.
    """
    by_start: dict[str, list[str]] = {}
    for key in answers:
        by_start.setdefault(key[:SIGNIFICANT], []).append(key)
    found = []
    for place in _long_numbers(text.replace("{,}", ",")):  # LaTeX's decimal comma
        key = digits(place[0].replace(",", "."))
        if key in given or (place[0].isdigit() and len(key) < SIGNIFICANT_WHOLE) or _is_point(place) or _is_length(place):
            continue
        for answer in by_start.get(key[:SIGNIFICANT], ()):
            if _gives_away(key, answer):
                found.append(Leak(place[0], place.start(), answers[answer]))
                break
    return found


def _long_numbers(text: str) -> Iterator[re.Match[str]]:
    """Yield the numbers of a text that are long enough to tell something; most of a page, its fonts above all, has none."""
    for run in _RUN.finditer(text):
        at = run.start()
        while at < run.end():
            place = _NUMBER.match(text, at)
            if place is not None and len(place[0]) >= SIGNIFICANT:
                yield place
            at = place.end() if place is not None else at + 1


def _is_point(place: re.Match[str]) -> bool:
    """Whether a match is a pair of whole coordinates, `(3144,2215)`, rather than a decimal comma."""
    whole, comma, _ = place[0].partition(",")
    text, start, end = place.string, place.start(), place.end()
    return bool(comma) and len(whole) > 1 and text[start - 1 : start] == "(" and text[end : end + 1] == ")"


#: Attributes of a drawing that hold lengths and places.
_LENGTHS = re.compile(r"""\b(?:x|y|[xy][12]|[cdr][xy]|r|width|height|d|points|viewBox|transform)=\\?$""")


def _is_length(place: re.Match[str]) -> bool:
    """Whether a match is a whole number in an attribute such as `y="10432"`: a place in a drawing of more than a page."""
    if not place[0].isdigit():
        return False
    text = place.string
    opened = text.rfind('"', 0, place.start())
    return opened >= 0 and _LENGTHS.search(text, max(0, opened - 12), opened) is not None


def leak_gate(complete: Outline, context: Context) -> Callable[[str], None]:
    """Return what the text of a file has to pass: for a student with blanks to fill, that no answer stands in it."""
    if context.options.audience != "student" or context.options.blanks == "none":
        return lambda text: None
    found = numeric.evaluate(context.derivation, context.values)
    declared = [node.name for node in context.derivation.network.nodes.values() if not node.defined]
    answers = answer_numbers(complete, unrounded_answers(found, declared))
    given = given_numbers(complete, [found[name] for name in declared if name in found])
    return lambda text: check_no_leak(text, answers, given)


def check_no_leak(text: str, answers: Mapping[str, str], given: Collection[str] = ()) -> None:
    """Raise InternalError when an answer stands in the text of a student's file; `given` as in `leaks`."""
    found = leaks(text, answers, given)
    if found:
        raise InternalError(
            f"handout: the student's file would show an answer: {found[0].written} at character {found[0].at} "
            f"(answer {found[0].answer}); nothing was written"
        )


def _gives_away(key: str, answer: str) -> bool:
    """Whether digits are the answer's, cut off or rounded after at least four places."""
    if len(key) < SIGNIFICANT:
        return False
    shorter, longer = sorted((key, answer), key=len)
    if len(shorter) < SIGNIFICANT:
        return False
    cut = longer[: len(shorter)]
    return shorter == cut or (len(longer) > len(shorter) and longer[len(shorter)] >= "5" and int(shorter) == int(cut) + 1)


@lru_cache(maxsize=1 << 14)
def digits(text: str) -> str:
    """Return the significant digits of a number, without sign, point, exponent and zeros at either end."""
    try:
        sign_digits = Decimal(text).as_tuple().digits
    except InvalidOperation:
        return ""
    return "".join(map(str, sign_digits)).strip("0") if any(sign_digits) else "0"


def _numbers(outline: Outline, hidden: bool) -> set[str]:
    """Return the numbers of the outline's formulas: of the hidden ones, or of those everybody may see."""
    found: set[str] = set()
    for block in outline.blocks:
        if isinstance(block, FormulaBlock):
            for line in block.lines:
                for part in line.parts:
                    found |= _part_numbers(part, hidden)
        elif isinstance(block, Table | ArrayValue):
            for row in block.rows:
                for cell in row:
                    found |= _cell_numbers(cell, hidden)
        elif isinstance(block, Definitions) and not hidden:
            found.update(*map(_in_formula, formulas_in(block)))
    return found


def _part_numbers(part: Part, hidden: bool) -> set[str]:
    if part.hidden == "numbers":
        return _in_formula(part.formula) if hidden else set()
    return set() if hidden else _in_formula(part.formula if part.stripped is None else part.stripped)


def _cell_numbers(cell: Cell, hidden: bool) -> set[str]:
    shown = cell.words if cell.stripped is None else cell.stripped
    words = cell.words if hidden else shown
    if (cell.hidden == "numbers") != hidden:
        return set()
    return {number for part in words if isinstance(part, Formula) for number in _in_formula(part)}


def _in_formula(formula: Formula) -> set[str]:
    return {part.text for part in walk(formula) if isinstance(part, Number)}
