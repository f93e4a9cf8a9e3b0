"""What samples cover: which comparisons went which way, further points on their other sides, the scope of a verdict."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np

from symbackprop.trace.graph.graph import Condition, Graph
from symbackprop.trace.run.nested import is_user_file
from symbackprop.verify.equal.branches import Flip, find_flips
from symbackprop.verify.records import Status, Verdict, VerdictScope
from symbackprop.verify.reference.limits import LARGEST, limits
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.samples import Sample, with_coordinates

Comparison = tuple[str, str, object, object]


def comparison(graph: Graph, condition: Condition) -> Comparison:
    """Return what makes two comparisons the same one in the code: the line, the relation, the constants compared with."""
    return f"{condition.place}", condition.relation, graph.fraction(condition.left), graph.fraction(condition.right)


def branch_outcomes(samples: Sequence[Sample], *, everywhere: bool = False) -> dict[Comparison, set[bool]]:
    """Return comparison of the code (`everywhere`: and of the reference) → its outcomes."""
    outcomes: dict[Comparison, set[bool]] = {}
    for sample in samples:
        if sample.run is None or sample.graph is None:
            continue
        for condition in sample.graph.conditions.values() if everywhere else sample.run.conditions:
            if everywhere or condition.place is not None:
                outcomes.setdefault(comparison(sample.graph, condition), set()).add(condition.outcome)
    return outcomes


def other_branches(source: Reference, samples: Sequence[Sample]) -> list[Point]:
    """Return a few points at which comparisons go the way that no sample took, the reference's own among them.

    Code without a comparison is no proof where a relu of the network, or a `max` of the loss, was only ever on one side.
    """
    sample = next((s for s in samples if s.run is not None and not s.point.example), None)
    if sample is None or sample.graph is None:
        return []
    flips = _flips(sample.graph, one_sided(branch_outcomes(samples, everywhere=True)))
    return [point for flip in flips if (point := _beyond(source, sample, flip)) is not None]


def one_sided(outcomes: Mapping[Comparison, set[bool]]) -> dict[Comparison, bool]:
    """Return the comparisons that only ever went one way, and which."""
    return {place: next(iter(sides)) for place, sides in outcomes.items() if len(sides) == 1}


def _flips(graph: Graph, wanted: Container[Comparison]) -> list[Flip]:
    """Return two points near and two far that flip comparisons; those of guards are left alone."""
    guards = limits(graph, graph.conditions.values())
    conditions = [c for c in graph.conditions.values() if comparison(graph, c) in wanted and c not in guards]
    points = find_flips(graph, conditions).points if conditions else ()
    return [flip for far in (False, True) for flip in [point for point in points if point.far is far][:2]]


def _beyond(source: Reference, sample: Sample, flip: Flip) -> Point | None:
    """Return the point of a flip, if the reference has a finite gradient there."""
    values = source.respecting(with_coordinates(sample.point.values, flip.point))
    if not all(np.all(np.isfinite(value)) for value in source.numbers(values).adjoints.values()):
        return None
    places = ", ".join(dict.fromkeys(str(c.place) for c in flip.conditions if c.place is not None))
    return Point(values, sample.point.label, branch=(places or "a comparison of the loss") if flip.far else "")


MOST_BEYOND = 2
"""Points beyond guards at which code is tried."""


def beyond_limits(source: Reference, samples: Sequence[Sample]) -> list[tuple[Point, str]]:
    """Return points beyond the guards of code and reference, each with what is said of code that is another one there."""
    sample = next((s for s in samples if s.graph is not None and not s.point.example), None)
    if sample is None or sample.graph is None:
        return []
    guards = limits(sample.graph, sample.graph.conditions.values())
    flips = find_flips(sample.graph, guards).points[:MOST_BEYOND] if guards else ()
    values = [source.respecting(with_coordinates(sample.point.values, flip.point)) for flip in flips]
    return [
        (Point(moved, sample.point.label), _right_up_to(sample.graph, flip.conditions[0]))
        for moved, flip in zip(values, flips, strict=True)
    ]


def _right_up_to(graph: Graph, guard: Condition) -> str:
    """Return what is said of a guard, `clip(p, 1e-7, 1 - 1e-7)`: how far it stays away from 0 and 1, and its line."""
    numbers = [abs(n) for side in guard.sides if (n := graph.fraction(side)) is not None]
    near = [gap for number in numbers for gap in (number, abs(1 - number)) if 0 < gap <= LARGEST]
    value = f" {float(min(near)):g}" if near else ""
    return f"right up to the guard{value}{_placed(guard, in_brackets=bool(near))}"


def _placed(guard: Condition, *, in_brackets: bool) -> str:
    """Return where a guard stands, if that is a line of the user's."""
    if guard.place is None or not is_user_file(guard.place.filename):
        return ""
    return f" ({guard.place})" if in_brackets else f" at {guard.place}"


def too_large(sample: Sample, samples: Sequence[Sample]) -> bool:
    """Whether a sample was compared in float64 for its size alone, while others, smaller ones, were compared exactly."""
    return not sample.traced and not sample.reason and any(other.traced for other in samples)


def scope_of(samples: Sequence[Sample], verdicts: Iterable[Verdict] = ()) -> VerdictScope:
    """Return at which sizes and points, and by which means, the code was compared.

    A guard up to which code is said to be right is no side that was left out.
    """
    floats = [sample for sample in samples if too_large(sample, samples)]
    others = [sample for sample in samples if not too_large(sample, samples)]
    outcomes = branch_outcomes(samples)
    return VerdictScope(
        _labels(others),
        len(samples),
        floats=_labels(floats),
        exact=bool(others) and all(sample.traced or sample.point.example for sample in others),
        branches=len(outcomes),
        unvisited=_unvisited(outcomes, verdicts),
        fallback=next(filter(None, (sample.reason for sample in samples)), ""),
    )


def _unvisited(outcomes: Mapping[Comparison, set[bool]], verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Return what is said of the comparisons that only ever went one way, a guard apart up to which code is said to be right."""
    left = {place[0]: side for place, side in one_sided(outcomes).items() if not _is_said(place[0], verdicts)}
    return tuple(f"{line} was only ever {side}" for line, side in left.items())


def _is_said(line: str, verdicts: Iterable[Verdict]) -> bool:
    """Whether verdicts say that code is right up to the guard of a line."""
    return any(v.status is Status.GUARDED and re.search(rf"\b{re.escape(line)}\b", v.note) for v in verdicts)


def _labels(samples: Sequence[Sample]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sample.point.label for sample in samples))
