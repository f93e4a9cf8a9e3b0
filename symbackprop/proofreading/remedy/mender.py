"""What would put an `=` right, for each that differs, and for each whose shapes fit only with another transpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbackprop.formula.notation.notation import Notation
from symbackprop.proofreading.claims import ClaimStatus, Remedy
from symbackprop.proofreading.judging.course import Course, Pair
from symbackprop.proofreading.judging.statement_kinds import Statement
from symbackprop.proofreading.remedy.confirm import HowItIsRead, holds_with
from symbackprop.proofreading.remedy.places import in_its_place
from symbackprop.proofreading.remedy.remedy import Disputed, find_remedy

NEAR = 2  # statements before and behind whose names a remedy may use


@dataclass(frozen=True, slots=True)
class Mender:
    """A document's statements, what is known where they stand, and how they are read."""

    statements: Sequence[Statement]
    course: Course
    how: HowItIsRead
    notation: Notation

    def mended(self, statement: Statement, pair: Pair, found: Sequence[Pair]) -> tuple[Pair, Remedy | None]:
        """Return a verdict with its remedy. What does not fit, and does with another transpose, differs."""
        left, right, verdict = pair
        if verdict.status is ClaimStatus.DIFFERS:
            return pair, self._remedy(statement, pair, found)
        if verdict.status is ClaimStatus.UNDECIDED and verdict.misfit:
            remedy = self._remedy(statement, pair, found, only_transposes=True)
            if remedy is not None:
                return (left, right, replace(verdict, status=ClaimStatus.DIFFERS)), remedy
        return pair, None

    def _remedy(self, statement: Statement, pair: Pair, found: Sequence[Pair], *, only_transposes: bool = False) -> Remedy | None:
        near = self.statements[max(0, statement.order - NEAR) : statement.order + NEAR + 1]

        def holds(remedy: Remedy) -> bool:
            placed = in_its_place(remedy, statement.text)
            return holds_with(placed, statement, pair, found, self.course, self.how)

        disputed = Disputed(
            *pair[:2],
            self.course.environment,
            [each.chain for each in near],
            lambda chain: self.how.meanings(chain, statement),
            holds,
        )
        remedy = find_remedy(disputed, self.notation, only_transposes=only_transposes)
        return None if remedy is None else in_its_place(remedy, statement.text)
