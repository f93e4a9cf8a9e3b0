"""What is a convention and no mistake: the sign of δ or of a step, a factor 1/2, y - o for o - y."""

from __future__ import annotations

from collections.abc import Iterable

import mpmath
from mpmath import mpf

from symbackprop.formula.tree.tree import Formula
from symbackprop.proofreading.judging.judge import same
from symbackprop.proofreading.judging.points import points_for
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.values import DIGITS, Knowledge, Valuation

FACTORS = (
    (mpf(-1), "with the other sign"),
    (mpf(2), "without its factor 1/2"),
    (mpf(1) / 2, "with a factor 1/2"),
)


def conventions(left: Formula, right: Formula, environment: Knowledge) -> str:
    """Return the convention under which an `=` holds that does not hold as it stands; "" where there is none."""
    with mpmath.workdps(DIGITS):
        for factor, words in FACTORS:
            if _proportional(left, right, factor, points_for((left, right), environment)):
                return words
    return ""


def _proportional(left: Formula, right: Formula, factor: mpf, points: Iterable[Valuation]) -> bool:
    found = []
    for point in points:
        try:
            found.append(same(point.value(left) * factor, point.value(right)))
        except NoValueError:
            continue
    return len(found) > 1 and all(found)
