"""Why handwritten gradients differ: relations between the two sides first, then the usual mistakes one by one.

Every explanation has to give the handwritten numbers at every point that was tried; nothing is guessed from the code's looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.points import nearby_points
from symbackprop.verify.explain.captured import captured
from symbackprop.verify.explain.catalog import Explained, explained
from symbackprop.verify.explain.contributions import mistakes
from symbackprop.verify.explain.evaluation import DerivationAt
from symbackprop.verify.explain.forward import forward_causes
from symbackprop.verify.explain.other_loss import other_loss
from symbackprop.verify.explain.relations import relations
from symbackprop.verify.records import Cause, Status, Verdict
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.loss_reference import LossReference
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.samples import Sample, with_coordinates

FEWEST = 3
"""Points at which an explanation is tried, at least."""
MOST_NODES = 500
"""Nodes beyond which a derivation is not taken apart: every mistake would be worked out in all of it."""
CERTAIN = 0.6
"""A relation this plain, which explains everything, ends the search."""


def diagnose(
    source: Reference, verdicts: Mapping[str, Verdict], samples: Sequence[Sample], rate: float | None = None
) -> tuple[Cause, ...]:
    """Return the fewest causes that explain the names that differ, as far as they can be explained."""
    differing = [verdict for verdict in verdicts.values() if verdict.status is Status.DIFFERS]
    shapes = [explained("shape", {v.name}, name=v.name, note=v.note) for v in differing if v.tier == "shape"]
    wrong = [verdict.name for verdict in differing if verdict.tier != "shape"]
    usable = [sample for sample in samples if all(_comparable(sample, name) for name in wrong)]
    found = tuple(replace(option.cause, names=tuple(option.names)) for option in shapes)
    with np.errstate(all="ignore"):  # what is not finite differs, and explains nothing
        return (*found, *_explaining(source, verdicts, wrong, usable, rate)) if wrong and usable else found


def _explaining(
    source: Reference, verdicts: Mapping[str, Verdict], wrong: Sequence[str], samples: Sequence[Sample], rate: float | None
) -> tuple[Cause, ...]:
    offered = list(relations(source, wrong, verdicts, samples))
    if not _explains_all(offered, wrong):
        every = len(wrong) == len(verdicts)
        if isinstance(source, DerivationReference):
            offered += _inside(source, wrong, [*samples, *_further(source, samples)], rate, every=every)
        elif isinstance(source, LossReference) and (found := captured(source, wrong, samples)) is not None:
            offered += _inside(found[0], wrong, found[1], rate, every=every)
    return _fewest(offered, wrong)


def _comparable(sample: Sample, name: str) -> bool:
    return name in sample.hand and np.shape(sample.hand[name]) == np.shape(sample.derived[name])


def _inside(
    source: DerivationReference, wrong: Sequence[str], samples: Sequence[Sample], rate: float | None, *, every: bool
) -> list[Explained]:
    """Return what a look inside the derivation explains: another loss, a mistake in one adjoint, a value of the forward pass."""
    if len(source.derivation.adjoints) > MOST_NODES:
        return []
    ordered = sorted(samples, key=lambda sample: sample.point.count)
    points = [DerivationAt(source.derivation, sample, wrong) for sample in ordered]
    offered = list(other_loss(points, every=every))
    if not _explains_all(offered, wrong):
        offered += mistakes(points, rate)
        offered += forward_causes(points, offered)
    return offered


def _further(source: DerivationReference, samples: Sequence[Sample]) -> list[Sample]:
    """Return another point near a traced one, where both sides are evaluated, so that no relation rests on two points."""
    traced = next((sample for sample in samples if sample.graph is not None), None)
    return list(_near(source, traced, FEWEST - len(samples))) if traced is not None and len(samples) < FEWEST else []


def _near(source: DerivationReference, sample: Sample, count: int) -> Iterator[Sample]:
    graph = sample.graph
    assert graph is not None
    names = [name for name in sample.hand if name in sample.nodes]
    nodes = [node for name in names for node in sample.nodes[name].nodes]
    for near in nearby_points(graph, nodes, count, seed=23):
        point = {key: number for key, number in near.point.items() if key.name in sample.point.values}
        values = source.respecting(with_coordinates(sample.point.values, point))
        numbers = iter(evaluate(graph, nodes, point))
        shapes = {name: sample.nodes[name].shape for name in names}
        hand = {n: np.array([float(next(numbers)) for _ in sample.nodes[n].nodes]).reshape(shape) for n, shape in shapes.items()}
        evaluated = source.numbers(values)
        derived = {name: evaluated.adjoints[name] for name in names}
        yield Sample(Point(values, sample.point.label), hand, derived, evaluated)


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
        chosen.append(replace(best.cause, names=names, partial=len(names) < len(wrong)))
        left -= best.names
    return tuple(chosen)
