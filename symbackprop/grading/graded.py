"""What came out for one submission, as it is kept: the verdicts, or why there are none. Plain data, read back as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from symbackprop.grading.phrases import said


class State(StrEnum):
    """Of a whole submission. `NONE` is the student's doing, `FAULT` is not."""

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "no verdict"
    FAULT = "fault of this program"


@dataclass(frozen=True, slots=True)
class Graded:
    """One submission after its check.

    `report` is the report as `to_json` gives it. `shape` is a digest of the code with its names taken away, "" where it cannot be
    read. `lines` says of each line of code taken from a notebook where it stood: (line, cell, line of the cell). `ended`: the
    outcome depends on how long the code was allowed to run. `key` names everything that the outcome depends on. `chinese` has for
    each reason of the report its Chinese.
    """

    student: str
    file: str
    key: str
    state: State
    reason: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    ended: bool = False
    seconds: float = 0.0
    shape: str = ""
    printed: str = ""
    code: str = ""
    lines: tuple[tuple[int, int, int], ...] = ()
    chinese: Mapping[str, str] = field(default_factory=dict)

    def verdicts(self) -> dict[str, Mapping[str, Any]]:
        """The verdict of each gradient by its name."""
        return {verdict["name"]: verdict for verdict in self.report.get("verdicts", ())}

    def causes_of(self, name: str) -> list[Mapping[str, Any]]:
        """The reasons that were found for a gradient."""
        causes: Sequence[Mapping[str, Any]] = self.report.get("causes", ())
        return [cause for cause in causes if not cause["names"] or name in cause["names"]]

    def reason_in(self, language: str, text: str) -> str:
        """A reason of the report in a language."""
        return self.chinese.get(text, text) if language == "zh" else text

    def place(self, line: int, language: str = "en") -> str:
        """A line as the student knows it."""
        for here, cell, there in self.lines:
            if here == line:
                return said("cell", language, cell=cell, line=there)
        return said("line", language, line=line)


def as_json(graded: Graded) -> str:
    """Return the text that is kept."""
    return json.dumps(asdict(graded), ensure_ascii=False, indent=1)


def from_json(text: str) -> Graded | None:
    """Return what was kept, or None when the text is something else (half a file, another version)."""
    try:
        kept = json.loads(text)
        lines = tuple((int(a), int(b), int(c)) for a, b, c in kept["lines"])
        known = {f.name: kept[f.name] for f in fields(Graded)}
        return Graded(**{**known, "state": State(kept["state"]), "missing": tuple(kept["missing"]), "lines": lines})
    except (ValueError, TypeError, KeyError):
        return None


def file_name(student: str) -> str:
    """Return a name for a student's files that every file system takes, different for different students."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in student)[:60].lstrip(".")
    same = safe == student
    return safe if same else f"{safe}-{hashlib.sha256(student.encode('utf-8', 'replace')).hexdigest()[:8]}"
