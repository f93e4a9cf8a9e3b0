"""Several pieces of one file, each checked by itself, and what is said of them all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbackprop.errors import CodeEnded, UserError
from symbackprop.isolation import Judged, Request, check_isolated


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One piece, `FILE:name`: what was found, or why nothing was."""

    place: str
    judged: Judged | None
    problem: str = ""

    @property
    def name(self) -> str:
        """The name of the piece in its file."""
        return self.place.rpartition(":")[2]

    @property
    def ok(self) -> bool:
        """Whether there is a verdict, and it holds."""
        return self.judged is not None and self.judged.ok


def entries(request: Request, places: Sequence[str]) -> Iterator[RosterEntry]:
    """Check one piece after the other; one that leaves no verdict does not keep the others from theirs."""
    for place in places:
        try:
            yield RosterEntry(place, check_isolated(replace(request, hand="", loss=None, network=place)))
        except (UserError, CodeEnded) as error:
            yield RosterEntry(place, None, str(error))


def exit_code(checked: Sequence[RosterEntry]) -> int:
    """Return 0 where every piece has a verdict that holds, 1 where one differs or has none, 2 where there is no verdict."""
    if all(entry.judged is None for entry in checked):
        return 2
    return 0 if all(entry.ok for entry in checked) else 1


def summary(checked: Sequence[RosterEntry]) -> str:
    """Return how many pieces hold, how many do not, and how many have no verdict."""
    count = len(checked)
    hold, without = sum(entry.ok for entry in checked), sum(entry.judged is None for entry in checked)
    counts = [f"{hold} right"]
    counts += [f"{count - hold - without} not right"] if hold + without < count else []
    counts += [f"{without} without a verdict"] if without else []
    return f"{count} pieces: {', '.join(counts)}"


def as_json(checked: Sequence[RosterEntry]) -> str:
    """Return all reports as JSON: by the name of the piece, a report or `{"problem": …}`."""
    record: dict[str, Any] = {entry.name: _record(entry) for entry in checked}
    return json.dumps({"ok": all(entry.ok for entry in checked), "pieces": record}, ensure_ascii=False, indent=2)


def _record(entry: RosterEntry) -> Any:
    return json.loads(entry.judged.report.to_json()) if entry.judged is not None else {"ok": False, "problem": entry.problem}
