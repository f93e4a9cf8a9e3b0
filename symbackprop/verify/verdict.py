"""The verdict on one gradient over all samples: the first case that applies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.verify.equal.compare import Compared
from symbackprop.verify.equal.coverage import too_large
from symbackprop.verify.records import Status, Verdict
from symbackprop.verify.reference.samples import Sample

Kinks = Sequence[tuple[str, frozenset[str]]]
"""(text, names whose gradient it concerns) for each place of a sample that has no derivative."""
_STRENGTH = {Status.NOT_DECIDED: -1, Status.GUARDED: 0, Status.AGREES: 1, Status.PROVED: 2}
_GUARDED = 1e-2
"""Relative difference of numbers at a large size that a guard explains, if it was recognised at a small one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What was found about one name: at each sample that has both sides, the comparison and the kinks met."""

    name: str
    samples: Sequence[Sample]
    rows: Sequence[tuple[Sample, Compared, tuple[str, ...]]]

    @property
    def counted(self) -> list[tuple[Sample, Compared]]:
        """The rows from which something may be concluded: at a kink the numbers say nothing."""
        guarded = any(compared.status is Status.GUARDED for _, compared, _ in self.rows)
        rows = [(sample, compared) for sample, compared, kinks in self.rows if not kinks]
        return [row for row in rows if not (guarded and not row[0].traced and row[1].gap < _GUARDED)]

    @property
    def wrong(self) -> list[tuple[Sample, Compared]]:
        """The rows that differ."""
        return [row for row in self.counted if row[1].status is Status.DIFFERS]

    @property
    def weakest(self) -> Compared | None:
        """The weakest acceptance; what is too large to be traced does not count where smaller sizes were."""
        strong = [row for row in self.counted if not too_large(row[0], self.samples)] or self.counted
        return min((row[1] for row in strong), key=lambda c: (_STRENGTH[c.status], c.digits), default=None)


def verdict(name: str, compared: Sequence[tuple[Sample, Mapping[str, Compared]]], kinks: Sequence[Kinks]) -> Verdict:
    """Return the verdict on one gradient."""
    rows = [
        (sample, outcomes[name], tuple(text for text, names in places if name in names))
        for (sample, outcomes), places in zip(compared, kinks, strict=True)
        if name in outcomes
    ]
    found = Rows(name, [sample for sample, _ in compared], rows)
    return next(made for case in _CASES if (made := case(found)) is not None)


def _without_result(found: Rows) -> Verdict | None:
    if not found.rows:
        return Verdict(found.name, Status.ERROR, note="the code gave no result at any point")
    if len(found.rows) < len(found.samples):
        note = "the code gives it at some points only: is a `return` missing on a branch?"
        return Verdict(found.name, Status.ERROR, note=note)
    return None


def _different(found: Rows) -> Verdict | None:
    wrong = found.wrong
    if not wrong:
        return None
    _, worst = max(wrong, key=lambda row: (row[1].tier == "shape", row[1].gap if row[1].witness else -1.0))
    at_example = any(s.point.example and c.status not in (Status.DIFFERS, Status.NOT_DECIDED) for s, c in found.counted)
    where = "right at the example, " if at_example else ""
    note = f"{where}elsewhere {worst.note}" if worst.note and where else worst.note or (where and f"{where}wrong elsewhere")
    return Verdict(found.name, Status.DIFFERS, worst.tier, witness=worst.witness, note=note)


def _at_a_kink(found: Rows) -> Verdict | None:
    weakest = found.weakest
    at = list(dict.fromkeys(text for sample, _, texts in found.rows if sample.point.example for text in texts))
    if at:
        said = f"{'; '.join(at)}{f'; elsewhere {weakest.status}' if weakest else ''}"
        return Verdict(found.name, Status.NOT_DIFFERENTIABLE, weakest.tier if weakest else "", note=said)
    if weakest is None:
        return Verdict(found.name, Status.NOT_DIFFERENTIABLE, note="every point tried is a kink")
    return None


def _accepted(found: Rows) -> Verdict | None:
    at = found.weakest
    return None if at is None else Verdict(found.name, at.status, at.tier, digits=at.digits, note=at.note)


_CASES: tuple[Callable[[Rows], Verdict | None], ...] = (_without_result, _different, _at_a_kink, _accepted)
