"""Points: each gradient has some, a right one earns them all, a wrong one what the rules of credit leave.

points = weight · 1                      proved, agrees, or right wherever there is a derivative
       = weight · max(rules that apply)  differs; rules are named after what was found: ratio, mend, sign, transpose …
       = 0                               missing, failed, no verdict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from symbackprop.errors import UserError, nearest
from symbackprop.grading.graded import Graded, State
from symbackprop.verify.explain.catalog import MENDS, MISTAKES
from symbackprop.verify.records import Status

RULES: dict[str, str] = {
    "ratio": "the gradient times a constant",
    "mend": "one change of the code makes it right",
    **{row.kind: "a mistake of this kind" for row in (*MISTAKES.values(), *MENDS.values())},
}
"""What credit can be given for."""
_RIGHT = {Status.PROVED, Status.AGREES, Status.GUARDED, Status.NOT_DIFFERENTIABLE}


class GradientMark(StrEnum):
    """Of one gradient, as a student is told it."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    NONE = "no verdict"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How many points each gradient has, and what part of them a kind of mistake leaves."""

    weights: Mapping[str, float]
    credit: Mapping[str, float]

    @property
    def total(self) -> float:
        """All points."""
        return sum(self.weights.values())


@dataclass(frozen=True, slots=True)
class Mark:
    """One gradient of one student; `credit` is the rule by which a wrong one has points."""

    name: str
    outcome: GradientMark
    points: float
    weight: float
    credit: str = ""


def scheme(names: Sequence[str], weights: Mapping[str, float], credit: Mapping[str, float]) -> Scheme:
    """Return a scheme: a point for each gradient, or what `weights` says; no credit but for what `credit` says.

    Raises UserError for a name that no gradient is asked for, a kind that there is not, a part that is no part.
    """
    for name, weight in weights.items():
        if name not in names:
            raise UserError(
                f"--points {name}: no gradient of it is asked for; asked for: {', '.join(names)}.{nearest(name, names)}"
            )
        if weight < 0:
            raise UserError(f"--points {name}={weight:g}: expected a number of at least 0")
    for kind, part in credit.items():
        if kind not in RULES:
            raise UserError(f"--credit {kind}: no such kind; there are {', '.join(RULES)}.{nearest(kind, RULES)}")
        if not 0 <= part <= 1:
            raise UserError(f"--credit {kind}={part:g}: expected a part of the points, from 0 to 1")
    return Scheme({name: weights.get(name, 1.0) for name in names}, dict(credit))


def marks_of(graded: Graded, chosen: Scheme) -> tuple[Mark, ...]:
    """Return the marks of a submission."""
    return tuple(_mark(graded, name, weight, chosen.credit) for name, weight in chosen.weights.items())


def points_of(marks: Sequence[Mark]) -> float:
    """Return the sum of the points."""
    return sum(mark.points for mark in marks)


def _mark(graded: Graded, name: str, weight: float, credit: Mapping[str, float]) -> Mark:
    if graded.state in (State.NONE, State.FAULT):
        return Mark(name, GradientMark.NONE, 0.0, weight)
    verdict = graded.verdicts().get(name)
    if verdict is None:
        return Mark(name, GradientMark.MISSING, 0.0, weight)
    if verdict["status"] in _RIGHT:
        return Mark(name, GradientMark.RIGHT, weight, weight)
    if verdict["status"] == Status.NOT_DECIDED:
        return Mark(name, GradientMark.NONE, 0.0, weight)
    applying = {kind: part for kind in kinds_of(graded, name, verdict) if (part := credit.get(kind, 0.0)) > 0}
    best = max(applying, key=lambda kind: applying[kind], default="")
    return Mark(name, GradientMark.WRONG, weight * applying.get(best, 0.0), weight, best)


def kinds_of(graded: Graded, name: str, verdict: Mapping[str, Any]) -> list[str]:
    """Return what was found about a gradient that differs, as kinds."""
    if verdict["status"] != Status.DIFFERS:
        return []
    kinds = ["ratio"] if verdict["ratio"] is not None else []
    kinds += [cause["kind"] for cause in graded.causes_of(name) if not cause["exonerates"]]
    mended = any(repair["proved"] and not repair["more"] for repair in graded.report.get("repairs", ()))
    return list(dict.fromkeys([*kinds, *(["mend"] if mended else [])]))
