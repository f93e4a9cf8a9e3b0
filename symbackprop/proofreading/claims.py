"""What was found about a document: `Judgement` (one `=`), `PrintedNumber`, `Malformed`, and all of them, `DocumentVerdicts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from symbackprop.formula.tree.tree import Formula
from symbackprop.proofreading.text.document import Document


class ClaimStatus(StrEnum):
    """What became of one `=`."""

    ALWAYS = "holds"  # at random values of everything that is free
    EXAMPLE = "holds here"  # at the document's own numbers
    FIRST_ORDER = "holds to first order"
    DIFFERS = "differs"
    DEFINITION = "definition"
    SETTING = "setting"  # a number is chosen
    ASSIGNMENT = "assignment"  # a new value; what follows holds for it
    GOAL = "goal"
    CASE = "case"
    UNDECIDED = "not decided"  # read, but a name or mark has no value here
    UNREAD = "cannot be read"


HOLDS = frozenset({ClaimStatus.ALWAYS, ClaimStatus.EXAMPLE, ClaimStatus.FIRST_ORDER})
STATED = frozenset({ClaimStatus.DEFINITION, ClaimStatus.SETTING, ClaimStatus.ASSIGNMENT, ClaimStatus.GOAL, ClaimStatus.CASE})


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The verdict on one relation; `reason` says why, `values` are both sides where they differ."""

    status: ClaimStatus
    reason: str = ""
    values: tuple[str, str] | None = None
    misfit: bool = False  # the shapes of arrays do not go together


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of one side that was tried and makes the relation hold: what stands at `span`, and what belongs there."""

    written: str
    repair: str
    span: tuple[int, int] | None
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One `=` of the document: where it stands, its sides, the verdict, and a remedy where one was found."""

    start: int  # offset in the document of the formula's text
    span: tuple[int, int]  # of the relation's two sides within the formula
    line: int
    column: int
    left: Formula | None
    right: Formula | None
    source: str  # the formula as it stands in the document
    verdict: ClaimVerdict
    remedy: Remedy | None = None

    @property
    def status(self) -> ClaimStatus:
        """What became of it."""
        return self.verdict.status


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something malformed that was read all the same: a subscript, a label, a comment."""

    start: int
    line: int
    column: int
    written: str
    repair: str
    message: str


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """Numbers printed in the text: right, wrong, or explained by a change that gives them."""

    start: int
    line: int
    column: int
    texts: tuple[str, ...]
    status: ClaimStatus
    reason: str = ""
    repair: str = ""


@dataclass(frozen=True, slots=True)
class DocumentVerdicts:
    """What proof-reading found. `formulas` are those that were read, by offset; `assumed` says what names were taken to mean."""

    document: Document
    judgements: tuple[Judgement, ...]
    numbers: tuple[PrintedNumber, ...]
    findings: tuple[Malformed, ...]
    assumed: Mapping[str, str]
    loss: str | None
    formulas: Mapping[int, Formula]

    @property
    def claims(self) -> tuple[Judgement, ...]:
        """Every `=`, in the order of the text."""
        return self.judgements

    @property
    def ok(self) -> bool:
        """Whether nothing in the document was found wrong."""
        return not (self.wrong or self.findings)

    @property
    def complete(self) -> bool:
        """Whether every `=` was read and decided."""
        counts = self.counts()
        return not (counts[ClaimStatus.UNREAD] or counts[ClaimStatus.UNDECIDED])

    @property
    def wrong(self) -> tuple[Judgement | PrintedNumber, ...]:
        """What differs, in the order of the text."""
        everything: tuple[Judgement | PrintedNumber, ...] = (*self.judgements, *self.numbers)
        found = [item for item in everything if item.status is ClaimStatus.DIFFERS]
        return tuple(sorted(found, key=lambda item: item.start))

    def counts(self) -> Counter[ClaimStatus]:
        """Return how many `=` got each status."""
        return Counter(item.status for item in self.judgements)

    def summary(self) -> str:
        """Return one line: how many hold, differ, are stated, could not be read."""
        counts = self.counts()
        named = (
            (sum(counts[status] for status in HOLDS), "hold"),
            (counts[ClaimStatus.DIFFERS], "differ"),
            (sum(counts[status] for status in STATED), "stated"),
            (counts[ClaimStatus.UNDECIDED], "not decided"),
            (counts[ClaimStatus.UNREAD], "unread"),
            (len(self.findings), "malformed"),
        )
        said = [f"{count} {word}" for count, word in named if count or word in ("hold", "differ", "unread")]
        if self.numbers:
            wrong = sum(item.status is ClaimStatus.DIFFERS for item in self.numbers)
            said.append(
                f"{len(self.numbers)} printed values, {wrong} wrong" if wrong else f"{len(self.numbers)} printed values right"
            )
        return " · ".join(said)
