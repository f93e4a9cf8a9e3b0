"""What a check found, as data: a status for each gradient, a witness, the scope, and why, where and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from symbackprop.errors import UserError, nearest
from symbackprop.files import short_name


class Status(StrEnum):
    """What a check established about one gradient."""

    PROVED = "proved"
    AGREES = "agrees"
    GUARDED = "guarded"
    DIFFERS = "differs"
    NOT_DIFFERENTIABLE = "not differentiable"
    NOT_DECIDED = "not decided"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Witness:
    """One element at one point where the handwritten and the derived value differ."""

    parameter: str
    element: tuple[int, ...]
    hand: float
    derived: float
    inputs: tuple[tuple[str, Any], ...]
    rigorous: bool = False

    @property
    def place(self) -> str:
        """The element as it is written in code: `W[1, 2]`."""
        return f"{self.parameter}[{', '.join(map(str, self.element))}]" if self.element else self.parameter


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one name: status, what decided it, the constant ratio if there is one, a witness, remarks."""

    name: str
    status: Status
    tier: str = ""
    digits: int = 0
    ratio: str | None = None
    witness: Witness | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class VerdictScope:
    """At what sizes and points, by which means, on which branches a verdict was reached."""

    shapes: tuple[str, ...] = ()
    points: int = 0
    exact: bool = False
    digits: int = 0
    branches: int = 0
    unvisited: tuple[str, ...] = ()
    fallback: str = ""
    floats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence in the languages of a report, with a field for each value it speaks of."""

    english: str
    chinese: str

    def said(self, values: Mapping[str, str], language: str = "en") -> str:
        """Return the sentence with its values."""
        return (self.chinese if language == "zh" else self.english).format(**values)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row of the catalogue of mistakes: its kind for programs, how far-fetched it is, how it is said."""

    kind: str
    cost: float
    wording: Wording


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the code differs: a mistake of the catalogue, the values it is said with, and the names it explains.

    `partial` means that other names differ as well, for another cause; an exonerating cause is no mistake.
    """

    mistake: Mistake
    values: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    partial: bool = False
    exonerates: bool = False

    @property
    def kind(self) -> str:
        """The kind of the mistake, for programs."""
        return self.mistake.kind

    @property
    def text(self) -> str:
        """The reason in English."""
        return self.said()

    def said(self, language: str = "en") -> str:
        """Return the reason in a language; where it explains some of the names that differ, they stand before it."""
        head = f"{', '.join(self.names)}: " if self.partial else ""
        return head + self.mistake.wording.said(self.values, language)


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the handwritten code and what should have stood there."""

    filename: str
    line: int
    source: str
    wording: Wording
    values: Mapping[str, str] = field(default_factory=dict)
    variable: str = ""

    @property
    def text(self) -> str:
        """What is said of the line, in English."""
        return self.said()

    def said(self, language: str = "en") -> str:
        """Return what is said of the line."""
        return self.wording.said(self.values, language)

    @property
    def place(self) -> str:
        """The place as `file:line`."""
        return f"{short_name(self.filename)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change corrects: a kind of mistake, what stands in the code, and what belongs there."""

    kind: str
    stands: str
    belongs: str


@dataclass(frozen=True, slots=True)
class Repair:
    """A change of the code: the line before and after, and whether the changed code was proved right."""

    filename: str
    line: int
    before: str
    after: str
    proved: bool
    changed: tuple[str, ...] = ()
    more: tuple[Repair, ...] = ()
    mistake: Difference = Difference("statement", "", "")

    @property
    def place(self) -> str:
        """The place as `file:line`."""
        return f"{short_name(self.filename)}:{self.line}"


@dataclass(frozen=True)
class Findings:
    """The verdicts on one handwritten gradient, and what explains them; `report.Report` adds the ways to show them."""

    title: str
    loss: str
    hand: str
    verdicts: Mapping[str, Verdict]
    scope: VerdictScope
    assumptions: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    locations: tuple[Location, ...] = ()
    repairs: tuple[Repair, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)
    checked: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether every gradient was accepted: none differs, none is in error, none is left undecided."""
        return bool(self.verdicts) and not self.wrong and not self.undecided

    @property
    def wrong(self) -> tuple[Verdict, ...]:
        """The verdicts that are differences or errors."""
        return tuple(v for v in self.verdicts.values() if v.status in (Status.DIFFERS, Status.ERROR))

    @property
    def undecided(self) -> tuple[Verdict, ...]:
        """The verdicts that say neither."""
        return tuple(v for v in self.verdicts.values() if v.status is Status.NOT_DECIDED)

    def __getitem__(self, name: object) -> Verdict:
        text = str(name)
        if text not in self.verdicts:
            raise UserError(
                f"report: no verdict on {text}; there is one on {', '.join(self.verdicts)}.{nearest(text, self.verdicts)}"
            )
        return self.verdicts[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)
