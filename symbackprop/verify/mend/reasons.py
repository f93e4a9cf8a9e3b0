"""What a mend says by itself: why the code was wrong, and where, in agreement with the change that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.verify.binding.source_tree import line_text
from symbackprop.verify.explain.catalog import MENDS, MISTAKES
from symbackprop.verify.explain.locate import SAID
from symbackprop.verify.records import Cause, Location, Repair


def with_mends(causes: Sequence[Cause], repairs: Sequence[Repair], wrong: Sequence[str]) -> tuple[Cause, ...]:
    """Return the causes, and for what they leave unexplained the mistakes that the mend corrects."""
    left = set(wrong) - {name for cause in causes for name in cause.names if cause.mistake not in SYMPTOMS}
    if not repairs or not left:
        return tuple(causes)
    names = tuple(name for name in wrong if name in left)
    steps = [step for repair in repairs for step in (repair, *repair.more)]
    partial = len(names) < len(wrong) and len(steps) == 1
    return (*causes, *(Cause(MENDS[step.mistake.kind], _values(step), names, partial) for step in steps))


SYMPTOMS = tuple(MISTAKES[key] for key in ("zero", "of another", "by logarithm"))
"""What is said of the numbers alone; the mend says what it comes from."""


def _values(step: Repair) -> dict[str, str]:
    return {"line": str(step.line), "stands": step.mistake.stands, "belongs": step.mistake.belongs}


def at_the_mend(first: Location | None, departing: Sequence[Location], repairs: Sequence[Repair]) -> Location | None:
    """Return the place to look at: one that was found where the mend changes it, the first if it may be, else the mend's own."""
    steps = [step for repair in repairs for step in (repair, *repair.more)]
    if not steps:
        return first
    changed = {(step.filename, step.line) for step in steps}
    for at in (first, *departing):
        if at is not None and (at.filename, at.line) in changed:
            return at
    step = steps[0]
    return Location(step.filename, step.line, line_text(step.filename, step.line), SAID["mended" if len(steps) == 1 else "part"])
