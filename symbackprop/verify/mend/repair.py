"""What mends handwritten code: one to three changes of its text, kept only if everything is right with them.

The code's own functions are compiled again with the change; nothing of the user's is changed.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from symbackprop.verify.binding.binding import HandCall, Result
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource, common_start
from symbackprop.verify.mend.difference import difference
from symbackprop.verify.mend.editable import Editable, Line, editable
from symbackprop.verify.mend.proof import Case, agrees
from symbackprop.verify.mend.rewrites import Fits, Written, rewrites, written
from symbackprop.verify.mend.search import Candidate, Mended, merged, searched
from symbackprop.verify.records import Repair, Status, Verdict
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import Sample, conclusive


def repairs(
    source: Reference,
    call: HandCall,
    results: Sequence[Result],
    samples: Sequence[Sample],
    verdicts: Mapping[str, Verdict],
    suspects: Mapping[Line, float] = MappingProxyType({}),
    kept: Collection[Line] = (),
) -> tuple[Repair, ...]:
    """Return the likeliest change with which every gradient is right, as one repair for each piece; empty when none was found.

    Args:
        suspects: lines with how much they are suspected; the most suspected are tried first.
        kept: lines that are right whatever is wrong, such as those of the loss itself.
    """
    case = Case(source, call, tuple(results), tuple(_telling(source, samples)), verdicts)
    ran = _ran(samples)
    places = editable(call, ran - set(kept) if ran else ())
    if not places or not case.wrong:
        return ()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        mended = searched(case, places, suspects, kept, _rewritten(case, places, suspects))
    return (_as_repair(mended),) if mended is not None else ()


def _ran(samples: Sequence[Sample]) -> set[Line]:
    """Return the lines that were run, as far as the traces tell."""
    found: set[Line] = set()
    for sample in samples:
        if sample.graph is not None and sample.run is not None:
            found |= {(place.filename, place.line) for place in sample.graph.places if place is not None}
            found |= {(local.place.filename, local.place.line) for local in sample.run.locals}
    return found


def _telling(source: Reference, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples from which something may be concluded; where the code is right at all of them, one where it is wrong."""
    usable = _chosen(conclusive(source, samples)) or list(samples[:1])
    if any(map(_is_wrong_at, usable)):
        return usable
    return [*usable, *(sample for sample in samples if _is_wrong_at(sample))][: len(usable) + 1]


def _is_wrong_at(sample: Sample) -> bool:
    return any(not agrees(hand, sample.derived[name]) for name, hand in sample.hand.items())


def _chosen(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples, one of each size first: a change must be right at all of them, `len(X)` is not `len(b)`."""
    ordered = sorted(samples, key=lambda sample: sample.point.count)
    first = {sample.point.label: sample for sample in reversed(ordered)}
    others = [sample for sample in ordered if first[sample.point.label] is not sample]
    return [*sorted(first.values(), key=lambda sample: sample.point.count), *others]


def _rewritten(case: Case, places: Sequence[Editable], suspects: Mapping[Line, float]) -> list[Candidate]:
    """Return statements written anew from the derivation, the most suspected line first."""
    if not isinstance(case.source, DerivationReference):
        return []
    lines = written(case.source.derivation)
    found: list[tuple[float, Candidate]] = []
    for place in places:
        fits = _fits(case, place.name, lines)
        for edit in rewrites(ParsedSource(place.text), lines, case.source.vocabulary, place.function.__globals__, fits):
            doubt = suspects.get((place.filename, edit.line + place.line - 1), -0.5)
            found.append((-doubt, Candidate(place, edit.apply(place.text), edit, place.text)))
    found.sort(key=lambda pair: pair[0])
    return [candidate for _, candidate in found]


def _fits(case: Case, function: str, lines: Written) -> Fits:
    """Return whether a variable has the shape of a node (or adjoint) at the first sample; unknown shapes are let pass."""
    sample = case.samples[0]
    shapes = {at.name: at.value.shape for at in (sample.run.locals if sample.run else ()) if at.function == function}
    nodes = {symbol: node for node, symbol in lines.adjoints.items()}

    def fits(variable: str, key: str) -> bool:
        node = nodes.get(key, key)
        known = variable in shapes and node in sample.evaluated.nodes
        return not known or shapes[variable] == np.shape(sample.evaluated.nodes[node])

    return fits


def _as_repair(mended: Mended) -> Repair:
    """Show each line once, with all that changes in it."""
    groups: dict[tuple[Editable, int], list[Candidate]] = {}
    for candidate in mended.steps:
        groups.setdefault((candidate.place, candidate.line), []).append(candidate)
    made = [_step(_as_one(group), mended.status is Status.PROVED) for group in groups.values()]
    return replace(made[0], more=tuple(made[1:]))


def _as_one(group: Sequence[Candidate]) -> Candidate:
    """Return several changes of one line as one change, where they were made in the same text."""
    first = group[0]
    if len(group) == 1 or any(candidate.before != first.before for candidate in group):
        return replace(group[-1], before=first.before, edit=_whole(first.before, group[-1].text)) if len(group) > 1 else first
    (text,) = merged(group).values()
    return replace(first, text=text, edit=_whole(first.before, text))


def _whole(before: str, after: str) -> Edit:
    """Return the change between two texts as one edit."""
    start = common_start(before, after)
    end = common_start(before[start:][::-1], after[start:][::-1])
    return Edit(start, len(before) - end, after[start : len(after) - end], before.count("\n", 0, start) + 1, 0.0)


def _step(candidate: Candidate, proved: bool) -> Repair:
    """Show the lines that an edit touches, before and after."""
    edit = candidate.edit
    first = candidate.before.count("\n", 0, edit.start)
    # Of a statement over several lines, only those that change.
    old = candidate.before.splitlines()[first : candidate.before.count("\n", 0, edit.end) + 1]
    new = edit.apply(candidate.before).splitlines()[
        first : candidate.before.count("\n", 0, edit.start) + edit.new.count("\n") + 1
    ]
    stated = difference(candidate.before, edit.apply(candidate.before))
    while len(old) > 1 and len(new) > 1 and old[0] == new[0]:
        old, new, first = old[1:], new[1:], first + 1
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    before, after = (" ⏎ ".join(line.strip() for line in lines) for lines in (old, new))
    place = candidate.place
    return Repair(place.filename, place.line + first, before, after, proved, mistake=stated)
