"""What would put an `=` right, for each that differs, and for each whose shapes fit only with another transpose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Formula, Indexed, Nabla, Name, Number, Partial
from symbackprop.formula.tree.walk import nodes, walk
from symbackprop.proofreading.claims import HOLDS, ClaimStatus, Remedy
from symbackprop.proofreading.judging.certainty import ELIDED, PATHS_LEFT_OUT, TOLD_AGAIN, TOLD_ELSEWHERE
from symbackprop.proofreading.judging.course import Course, Pair
from symbackprop.proofreading.judging.judge import UNTIED, judge
from symbackprop.proofreading.judging.matching import family
from symbackprop.proofreading.judging.statement_kinds import Statement
from symbackprop.proofreading.meaning.values import Knowledge
from symbackprop.proofreading.remedy.confirm import HowItIsRead, holds_with
from symbackprop.proofreading.remedy.places import in_its_place
from symbackprop.proofreading.remedy.remedy import Disputed, find_remedy

FEWEST = 4  # formulas in which a name is differentiated, before a second formula for it is taken for the same one
MOST_LATER = 3
FEWEST_BEARING = 2  # derivatives that hold with the first formula of a name and not with the second
MOST_BEARING = 12
FARTHEST = 200  # characters before a formula in which a text may say that it speaks of something else
_OTHERWISE = re.compile(
    r"instead|another|alternativ|\bnow\b|\bif\b|differ|replac|chang|other|case|new|另|换|替|改|若|如果|不同|新|其他|也可", re.I
)
#: The words of changes that are slips, and no other formula.
SLIPS = ("the sign of this term", "a square is missing", "the exponent is", "the ind", "the layer", "a transpose")
NEAR = 2  # statements before and behind whose names a remedy may use


def _told_again(pair: Pair) -> str:
    """Return the name that gets a second formula, where the verdict says so; "" for any other."""
    left, _, verdict = pair
    name = left.name if isinstance(left, Name | Indexed) else ""
    return name if name and verdict.reason.endswith((f"{TOLD_AGAIN}, otherwise", f"says two things of {name}")) else ""


def _leaves_a_name_open(reason: str) -> bool:
    """Whether an `=` is open because a text does not say what a name is, or what it rests on."""
    return reason.startswith((ELIDED, UNTIED))


def _is_for_its_like(remedy: Remedy) -> bool:
    """Whether a remedy puts a name for another one that differs in its numbers alone."""
    written, repair = (re.sub(r"[{}\s]", "", text) for text in (remedy.written, remedy.repair))
    return written != repair and bool(re.match(r"[A-Za-z\\]", written)) and family(written) == family(repair)


def _leaves_something_out(reason: str) -> bool:
    """Whether an `=` is open because a text leaves out how names depend on each other, or says elsewhere what a function is."""
    return reason.startswith(PATHS_LEFT_OUT) or reason.endswith(TOLD_ELSEWHERE)


def _differentiates(name: str, statement: Statement) -> bool:
    """Whether a statement speaks of a derivative of a name."""
    chain = statement.chain
    above = [*(node.numerator for node in nodes(chain, Partial)), *(node.body for node in nodes(chain, Nabla))]
    return Name(name) in above


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
        remedy = self._undecided(statement, pair, found) if verdict.status is ClaimStatus.UNDECIDED else None
        if remedy is None:
            return pair, None
        reason = "" if _leaves_something_out(verdict.reason) or _leaves_a_name_open(verdict.reason) else verdict.reason
        return (left, right, replace(verdict, status=ClaimStatus.DIFFERS, reason=reason)), remedy

    def _undecided(self, statement: Statement, pair: Pair, found: Sequence[Pair]) -> Remedy | None:
        """Return what shows that an `=` is wrong which no value decides; None for any other."""
        verdict = pair[2]
        if _leaves_something_out(verdict.reason):
            return self._of_its_like(statement, pair, found)
        if verdict.misfit:
            return self._remedy(statement, pair, found, only_transposes=True)
        if _leaves_a_name_open(verdict.reason):
            return self._of_a_like_name(statement, pair, found)
        remedy = self._remedy(statement, pair, found) if self._is_told_wrongly(statement, pair) else None
        return remedy if remedy is not None and remedy.words.startswith(SLIPS) else None

    def _of_a_like_name(self, statement: Statement, pair: Pair, found: Sequence[Pair]) -> Remedy | None:
        """`∂o_1/∂z_1 = o_2 (1 - o_1)`, which holds with o_1 for o_2: likes are two things, so the one is a slip for the other."""
        if not any(isinstance(side, Partial) for side in pair[:2]) or self._vanishes(pair):
            return None
        remedy = self._remedy(statement, pair, found)
        return remedy if remedy is not None and _is_for_its_like(remedy) else None

    def _vanishes(self, pair: Pair) -> bool:
        """Whether a side is worth nothing by what is known: what is left out may make it more, so nothing follows from it."""
        zero = Number("0")
        return any(judge(side, zero, self.course.environment).status in HOLDS for side in pair[:2])

    def _of_its_like(self, statement: Statement, pair: Pair, found: Sequence[Pair]) -> Remedy | None:
        """`∂h_1/∂w_3 = …` of a h_1 whose formula has no w_3, where the right side is `∂h_2/∂w_3`: h_2 belongs there."""
        left, right, _ = pair
        if not isinstance(left, Partial) or not isinstance(left.numerator, Name) or left.numerator.span is None:
            return None
        name, span = left.numerator.name, left.numerator.span
        digits = r"([_{]*)".join(re.findall(r"[^\W\d]+|\d+", name))
        for like in self._likes(name, left.denominator):
            written = statement.text[slice(*span)]
            remedy = Remedy(written, re.sub(digits, like, written, count=1), span, f"{like} belongs where {name} stands")
            meant = replace(left, numerator=Name(like))
            if judge(meant, right, self.course.environment).status is ClaimStatus.ALWAYS:
                return remedy if self._is_right(remedy, statement, pair, found) else None
        return None

    def _likes(self, name: str, below: Formula) -> list[str]:
        """Return the names with a formula that differ in their digits alone from one with a formula, and rest on a name."""
        known = self.course.environment
        name, by = known.canonical(name), known.canonical(below.name) if isinstance(below, Name) else ""
        defined = sorted(known.definitions) if name in known.definitions else []
        return [like for like in defined if like != name and family(like) == family(name) and known.rests_on(like, by)]

    def _is_told_wrongly(self, statement: Statement, pair: Pair) -> bool:
        """Whether a name gets a second formula, after the text has worked with the first one, which holds in what comes later."""
        name = _told_again(pair)
        if not name or len(statement.chain.parts) > 2 or _OTHERWISE.search(statement.prose[-FARTHEST:]):
            return False
        return self._goes_on_with_the_first(name, statement) or self._is_borne_out(name, statement, pair)

    def _goes_on_with_the_first(self, name: str, statement: Statement) -> bool:
        """Whether a text has differentiated a name often, and its first formula holds in what comes later."""
        before, behind = self.statements[: statement.order], self.statements[statement.order + 1 :]
        derived = sum(_differentiates(name, each) for each in before)
        later = [each for each in behind if Name(name) in walk(each.chain)]
        return derived >= FEWEST and all(_differentiates(name, each) and self._holds(each) for each in later[:MOST_LATER])

    def _is_borne_out(self, name: str, statement: Statement, pair: Pair) -> bool:
        """Whether derivatives elsewhere in the text hold with the first formula of a name, and not with the second."""
        known = self.course.environment
        said = known.definitions.get(known.canonical(name))
        if said is None or said.indices or said.arguments:
            return False
        second = replace(known, definitions={**known.definitions, said.name: replace(said, body=pair[1])})
        others = [each for each in self.statements if each is not statement and _differentiates(name, each)]
        outcomes = [(self._holds(each), self._holds(each, second)) for each in others[:MOST_BEARING]]
        return outcomes.count((True, False)) >= FEWEST_BEARING and (False, True) not in outcomes

    def _holds(self, statement: Statement, known: Knowledge | None = None) -> bool:
        """Whether what another statement says holds with the first formula, or with what else is known."""
        pairs = [pair for chain in statement.meanings for pair in pairwise(map(self.course.meant, chain.parts))]
        return all(judge(left, right, known or self.course.environment).status in HOLDS for left, right in pairs)

    def _is_right(self, remedy: Remedy, statement: Statement, pair: Pair, found: Sequence[Pair]) -> bool:
        """Whether an `=` holds with a remedy in its place, read and judged again."""
        return holds_with(remedy, statement, pair, found, self.course, self.how)

    def _remedy(self, statement: Statement, pair: Pair, found: Sequence[Pair], *, only_transposes: bool = False) -> Remedy | None:
        near = self.statements[max(0, statement.order - NEAR) : statement.order + NEAR + 1]

        disputed = Disputed(
            *pair[:2],
            self.course.environment,
            [each.chain for each in near],
            lambda chain: self.how.meanings(chain, statement),
            lambda remedy: self._is_right(in_its_place(remedy, statement.text), statement, pair, found),
            self.course.history,
        )
        remedy = find_remedy(disputed, self.notation, only_transposes=only_transposes)
        return None if remedy is None else in_its_place(remedy, statement.text)
