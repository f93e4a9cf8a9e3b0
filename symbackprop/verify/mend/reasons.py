"""What a mend says by itself: why the code was wrong, and where, in agreement with the change that is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symbackprop.verify.binding.source_tree import line_text
from symbackprop.verify.explain.catalog import MENDS, MISTAKES
from symbackprop.verify.explain.locate import SAID
from symbackprop.verify.records import Cause, Location, Repair


def with_mends(causes: Sequence[Cause], repairs: Sequence[Repair], wrong: Sequence[str]) -> tuple[Cause, ...]:
    """Return the causes, and for what they leave unexplained the mistakes that the mend corrects."""
    steps = _steps(repairs)
    causes = [cause for cause in causes if not _is_told_better(cause, steps)]
    left = set(wrong) - {name for cause in causes for name in cause.names if cause.mistake not in SYMPTOMS}
    if not repairs or not left:
        return tuple(causes)
    names = tuple(name for name in wrong if name in left)
    partial = len(names) < len(wrong) and len(steps) == 1
    return (*causes, *(Cause(MENDS[step.mistake.kind], _values(step), names, partial) for step in steps))


def _steps(repairs: Sequence[Repair]) -> list[Repair]:
    return [step for repair in repairs for step in (repair, *repair.more)]


def _is_told_better(cause: Cause, steps: Sequence[Repair]) -> bool:
    """Whether a mend says what a cause only amounts to: by a number where a factor has a name; by another forward pass where
    an axis or an index is wrong."""
    if len(steps) != 1:
        return False
    (step,) = steps
    kind = step.mistake.kind
    if kind.startswith("factor") and "ratio" in cause.values:
        named = step.mistake.belongs if kind == "factor missing" else step.mistake.stands
        return not NAME.search(cause.values["ratio"]) and bool(NAME.search(named))
    return cause.mistake in FORWARD and kind in ("transpose", "axis", "index")


NAME = re.compile(r"[A-Za-z_]")
FORWARD = tuple(mistake for key, mistake in MISTAKES.items() if key.startswith("forward"))
SYMPTOMS = tuple(MISTAKES[key] for key in ("zero", "of another", "by logarithm"))
"""What is said of the numbers alone; the mend says what it comes from."""


def _values(step: Repair) -> dict[str, str]:
    return {"line": str(step.line), "stands": step.mistake.stands, "belongs": step.mistake.belongs}


def at_the_mend(first: Location | None, departing: Sequence[Location], repairs: Sequence[Repair]) -> Location | None:
    """Return the place to look at: one that was found where the mend changes it, the first if it may be, else the mend's own."""
    steps = _steps(repairs)
    if not steps:
        return first
    changed = {(step.filename, step.line) for step in steps}
    for at in (first, *departing):
        if at is not None and (at.filename, at.line) in changed:
            return at
    step = steps[0]
    return Location(step.filename, step.line, line_text(step.filename, step.line), SAID["mended" if len(steps) == 1 else "part"])
