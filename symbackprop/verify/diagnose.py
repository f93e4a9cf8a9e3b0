"""Why handwritten gradients differ, in plain words: relations between the two sides first, then the usual mistakes one by one.

Every explanation has to give the handwritten numbers at every point that was tried; nothing is guessed from the code's looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.evaluate import evaluate
from symbackprop.verify.forward import forward_causes
from symbackprop.verify.mistakes import mistakes
from symbackprop.verify.other_loss import other_loss
from symbackprop.verify.points import nearby_points
from symbackprop.verify.records import Cause, Status, Verdict
from symbackprop.verify.relations import Explained, relations
from symbackprop.verify.samples import Point, Reference, Sample, with_coordinates
from symbackprop.verify.worlds import World

FEWEST = 3
"""Points at which an explanation is tried, at least."""
CERTAIN = 0.6
"""A relation this plain, which explains everything, ends the search."""


def diagnose(
    source: Reference, verdicts: Mapping[str, Verdict], samples: Sequence[Sample], rate: float | None = None
) -> tuple[Cause, ...]:
    """Return the fewest causes that explain the names that differ, as far as they can be explained."""
    wrong = [name for name, verdict in verdicts.items() if verdict.status is Status.DIFFERS and verdict.tier != "shape"]
    usable = [s for s in samples if all(name in s.hand and np.shape(s.hand[name]) == np.shape(s.derived[name]) for name in wrong)]
    found = [
        _shape_cause(verdict) for verdict in verdicts.values() if verdict.tier == "shape" and verdict.status is Status.DIFFERS
    ]
    if not wrong or not usable:
        return tuple(found)
    offered = list(relations(source, wrong, verdicts, usable))
    if isinstance(source, DerivationReference) and not _explains_all(offered, wrong):
        usable += _further(source, usable)
        ordered = sorted(usable, key=lambda sample: sum(np.size(value) for value in sample.point.values.values()))
        worlds = [World(source.derivation, sample, wrong) for sample in ordered]
        offered += other_loss(worlds, every=len(wrong) == len(verdicts))
        if not _explains_all(offered, wrong):
            offered += mistakes(worlds, rate)
            offered += forward_causes(worlds, offered)
    return (*found, *_fewest(offered, wrong))


def _further(source: DerivationReference, samples: Sequence[Sample]) -> list[Sample]:
    """Return another point near a traced one, where both sides are evaluated, so that no relation rests on two points."""
    if len(samples) >= FEWEST:
        return []
    for sample in samples:
        if sample.graph is None:
            continue
        names = [name for name in sample.hand if name in sample.nodes]
        nodes = [node for name in names for node in sample.nodes[name].nodes]
        found: list[Sample] = []
        for near in nearby_points(sample.graph, nodes, FEWEST - len(samples), seed=23):
            point = {key: number for key, number in near.point.items() if key.name in sample.point.values}
            values = source.respecting(with_coordinates(sample.point.values, point))
            numbers = iter(evaluate(sample.graph, nodes, point))
            arrays = [np.array([float(next(numbers)) for _ in sample.nodes[n].nodes]) for n in names]
            hand = {n: a.reshape(sample.nodes[n].shape) for n, a in zip(names, arrays, strict=True)}
            evaluated = source.numbers(values)
            derived = {name: evaluated.adjoints[name] for name in names}
            found.append(Sample(Point(values, sample.point.label), hand, derived, evaluated))
        return found
    return []


def _explains_all(offered: Sequence[Explained], wrong: Sequence[str]) -> bool:
    return any(option.names >= set(wrong) and option.cost <= CERTAIN for option in offered)


def _fewest(offered: Sequence[Explained], wrong: Sequence[str]) -> tuple[Cause, ...]:
    """Choose causes greedily: the one that explains most of what is left, the cheapest among equals."""
    left = set(wrong)
    chosen: list[Cause] = []
    while left:
        best = max(offered, key=lambda option: (len(option.names & left), -option.cost), default=None)
        if best is None or not best.names & left:
            break
        names = tuple(name for name in wrong if name in best.names)
        chosen.append(Cause(best.cause.kind, _for_names(best.cause.text, names, wrong), names, best.cause.exonerates))
        left -= best.names
    return tuple(chosen)


def _for_names(text: str, names: Sequence[str], wrong: Sequence[str]) -> str:
    return text if len(names) == len(wrong) else f"{', '.join(names)}: {text}"


def _shape_cause(verdict: Verdict) -> Cause:
    return Cause("shape", f"{verdict.name}: {verdict.note}", (verdict.name,))
