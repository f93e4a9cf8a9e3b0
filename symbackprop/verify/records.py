"""What a check found, as data: a status for each gradient, a witness, the scope, and why, where and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from symbackprop.errors import UserError, nearest


class Status(StrEnum):
    """What a check established about one gradient."""

    PROVED = "proved"
    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_DIFFERENTIABLE = "not differentiable"
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
class Scope:
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
class Cause:
    """Why the code differs, in plain words: `kind` for programs, `text` for people, `names` it explains."""

    kind: str
    text: str
    names: tuple[str, ...] = ()
    exonerates: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the handwritten code and what should have stood there."""

    filename: str
    line: int
    source: str
    text: str
    variable: str = ""

    @property
    def place(self) -> str:
        """The place as `file:line`."""
        return f"{self.filename.rsplit('/', maxsplit=1)[-1]}:{self.line}"


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

    @property
    def place(self) -> str:
        """The place as `file:line`."""
        return f"{self.filename.rsplit('/', maxsplit=1)[-1]}:{self.line}"


@dataclass(frozen=True)
class Findings:
    """The verdicts on one handwritten gradient, and what explains them; `report.Report` adds the ways to show them."""

    title: str
    loss: str
    hand: str
    verdicts: Mapping[str, Verdict]
    scope: Scope
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
        """Whether every gradient was accepted: none differs, none is in error."""
        return bool(self.verdicts) and not self.wrong

    @property
    def wrong(self) -> tuple[Verdict, ...]:
        """The verdicts that are differences or errors."""
        return tuple(v for v in self.verdicts.values() if v.status in (Status.DIFFERS, Status.ERROR))

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
