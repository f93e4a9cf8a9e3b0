"""Trying code against its reference: both sides at every point, a verdict for each gradient.

Targets are tried as free numbers first. Where code differs then, they keep to the domains that the example shows, and a verdict
that rests on this names the condition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbackprop.errors import SymbackpropError
from symbackprop.guest.visit import described
from symbackprop.trace.run.trace import CodeFails
from symbackprop.verify.binding.binding import HandCall, Result
from symbackprop.verify.equal.clipped import clip_limits
from symbackprop.verify.equal.compare import compare_sample, disagreeing
from symbackprop.verify.equal.coverage import beyond_limits, other_branches
from symbackprop.verify.explain.ratio import constant_ratio, sizes_at
from symbackprop.verify.records import Status, Verdict
from symbackprop.verify.reference.domains import Domain
from symbackprop.verify.reference.further_points import distinct_sizes, small_points
from symbackprop.verify.reference.limits import Side, is_beyond, sides
from symbackprop.verify.reference.loss_reference import LossReference
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.samples import Sample, numeric_sample, traced_sample
from symbackprop.verify.verdict import Kinks, verdict

ACCEPTED = frozenset({Status.PROVED, Status.AGREES})


@dataclass(frozen=True, slots=True)
class ReferenceTrial:
    """What came out at the points of one reference."""

    source: Reference
    samples: Sequence[Sample]
    notes: Sequence[str]
    verdicts: Mapping[str, Verdict]
    further: Sequence[Sample] = ()
    """Of code that differs: both sides' numbers at points of pairwise distinct sizes, for what is said of sizes."""
    narrower: tuple[ReferenceTrial, ...] = ()
    """The trials at targets that keep to their domains, where no more is right there: what mends the code may need them."""

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names that differ."""
        return tuple(name for name, found in self.verdicts.items() if found.status is Status.DIFFERS)

    @property
    def unexplained(self) -> int:
        """How many of them are not even a multiple of the gradient."""
        return sum(self.verdicts[name].ratio is None for name in self.wrong)


def tried(source: Reference, call: HandCall, results: Sequence[Result], seed: int, *, exact: bool) -> ReferenceTrial:
    """Return the trial at free targets, or where they keep to their domains if more is right there."""
    free = best = _tried(source, call, results, seed, exact=exact)
    narrower: list[ReferenceTrial] = []
    for kept in _ladder(source.domains, _signs_that_may_matter(free)) if free.wrong else ():
        trial = _tried(source.keeping(kept), call, results, seed, exact=exact)
        narrower.append(trial)
        best = min((best, trial), key=lambda t: (len(t.wrong), t.unexplained))
        if not best.wrong:
            break
    if best is free:
        return replace(free, narrower=tuple(narrower))
    condition = condition_of(best.source)
    rests = [name for name in free.wrong if name not in best.wrong]
    resting = {name: conditional(best.verdicts[name], condition) for name in rests}
    return replace(best, verdicts={**best.verdicts, **resting})


def condition_of(source: Reference) -> str:
    """Return in words what the targets of a reference keep to."""
    return ", ".join(domain.condition(name) for name, domain in source.kept.items())


def _signs_that_may_matter(free: ReferenceTrial) -> Mapping[str, Domain]:
    """Return the signs that numbers may keep to; none for code that is wrong at the example, where they have them already."""
    example = next((sample for sample in free.samples if sample.point.example), None)
    if example is None or not free.wrong:
        return {}
    found = compare_sample(example)
    right = [name for name in free.wrong if name in found and found[name].status is not Status.DIFFERS]
    return free.source.signs if right else {}


def _ladder(domains: Mapping[str, Domain], signs: Mapping[str, Domain]) -> Iterator[Mapping[str, Domain]]:
    """Yield what targets and other numbers may keep to, the weakest condition first."""
    targets = [found for reading in _readings(domains) for found in (_shares_alone(reading), _with_levels(reading)) if found]
    yield from targets
    if signs:
        positive = {name: replace(sign, share=False) for name, sign in signs.items()}
        kept: list[Mapping[str, Domain]] = [positive, signs] if positive != signs else [positive]
        yield from ({**target, **sign} for sign in kept for target in ({}, *targets))


def _readings(domains: Mapping[str, Domain]) -> list[Mapping[str, Domain]]:
    """Return the domains, and those in which columns sum to 1 where rows do as well in the example."""
    turned = {name: replace(domain, axis=-2) if domain.either else domain for name, domain in domains.items()}
    return [domains] if turned == domains else [domains, turned]


def _shares_alone(domains: Mapping[str, Domain]) -> Mapping[str, Domain]:
    """Return what sums to 1, whatever else it keeps to."""
    return {name: Domain(shares=True, axis=domain.axis) for name, domain in domains.items() if domain.shares}


def _with_levels(domains: Mapping[str, Domain]) -> Mapping[str, Domain]:
    """Return the domains, if one of them has levels."""
    return domains if any(domain.levels for domain in domains.values()) else {}


def conditional(found: Verdict, condition: str) -> Verdict:
    """Return a verdict that rests on a condition, if there is one."""
    if not condition:
        return found
    return replace(found, note=f"{found.note}; where {condition}" if found.note else f"where {condition}")


def _tried(source: Reference, call: HandCall, results: Sequence[Result], seed: int, *, exact: bool) -> ReferenceTrial:
    samples, notes = collect(source, call, results, source.points(seed), exact=exact)
    others = [*other_branches(source, samples), *disagreeing(source, call, results, samples, seed)]
    further, more = collect(source, call, results, others, exact=exact)
    samples = [*samples, *further]
    samples += _smaller(source, call, results, samples, seed) if exact else ()
    samples = _inside(source, call, results, samples, seed, exact=exact)
    compared = [(sample, compare_sample(sample)) for sample in samples]
    kinks = [source.kinks(sample.point.values) for sample in samples]
    verdicts = {result.node: verdict(result.node, compared, kinks) for result in results}
    if exact:
        verdicts |= _guarded(source, call, results, samples, verdicts)
    verdicts |= _clipped(samples, kinks, verdicts)
    trial = ReferenceTrial(source, samples, [*notes, *more], verdicts)
    return _with_ratios(trial, call, results, kinks, seed) if trial.wrong else trial


def _clipped(samples: Sequence[Sample], kinks: Sequence[Kinks], verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Return the verdicts on gradients that differ by being clipped, and by nothing else."""
    wrong = [name for name, found in verdicts.items() if found.status is Status.DIFFERS]
    smooth = [sample for sample, met in zip(samples, kinks, strict=True) if not met]
    said = clip_limits(smooth, wrong) if wrong else {}
    return {name: Verdict(name, Status.GUARDED, "guard", note=note) for name, note in said.items()}


def _inside(
    source: Reference, call: HandCall, results: Sequence[Result], samples: Sequence[Sample], seed: int, *, exact: bool
) -> list[Sample]:
    """Return the samples without those beyond a guard that the example is inside of; others in place of them, if there are."""
    usual = next((_sides(sample) for sample in samples if sample.point.example), set())
    kept, beyond = _divided(samples, usual)
    if beyond and isinstance(source, LossReference):
        points = [source.between(sample.point, seed + k) for k, sample in enumerate(beyond) if not sample.point.branch]
        drawn, _ = collect(source, call, results, points, exact=exact)
        kept += _divided(drawn, usual)[0]
    return kept


def _divided(samples: Sequence[Sample], usual: Collection[Side]) -> tuple[list[Sample], list[Sample]]:
    """Return the samples on the usual side of guards, and those beyond one."""
    divided: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        divided[is_beyond(_sides(sample), usual)].append(sample)
    return divided


def _sides(sample: Sample) -> set[Side]:
    return sides(sample.graph, sample.graph.conditions.values()) if sample.graph is not None else set()


def _guarded(
    source: Reference, call: HandCall, results: Sequence[Result], samples: Sequence[Sample], verdicts: Mapping[str, Verdict]
) -> dict[str, Verdict]:
    """Return the verdicts on gradients that are accepted, and are other ones beyond a guard."""
    found: dict[str, Verdict] = {}
    for point, said in beyond_limits(source, samples):
        for sample in collect(source, call, results, [point], exact=True)[0]:
            other = (name for name, outcome in compare_sample(sample).items() if outcome.status is Status.DIFFERS)
            plain = [
                name for name in other if verdicts[name].status in (Status.PROVED, Status.AGREES) and not verdicts[name].note
            ]
            found |= {name: Verdict(name, Status.GUARDED, "guard", note=said) for name in plain if name not in found}
    return found


def _smaller(source: Reference, call: HandCall, results: Sequence[Result], samples: Sequence[Sample], seed: int) -> list[Sample]:
    """Return a traced sample where code is wrong that was seen to be wrong at points only which are too large to be traced."""
    if not any(sample.point.large for sample in samples) or any(_differs(sample) for sample in samples if sample.traced):
        return []
    if not any(_differs(sample) for sample in samples):
        return []
    for point in small_points(source, seed):
        numbers, _ = collect(source, call, results, [point], exact=False)
        if any(map(_differs, numbers)):
            return collect(source, call, results, [point], exact=True)[0]
    return []


def _differs(sample: Sample) -> bool:
    return any(found.status is Status.DIFFERS for found in compare_sample(sample).values())


def _with_ratios(
    trial: ReferenceTrial, call: HandCall, results: Sequence[Result], kinks: Sequence[Kinks], seed: int
) -> ReferenceTrial:
    """Look at code that differs at further sizes, and say the constant ratios."""
    source = trial.source
    points = [point for point in distinct_sizes(source, seed) if not source.kinks(point.values)]
    further, _ = collect(source, call, results, points, exact=False)
    every = [*trial.samples, *further]
    sizes = sizes_at(source, every)
    verdicts = dict(trial.verdicts)
    for name in trial.wrong:
        smooth = [not any(name in names for _, names in met) for met in kinks] + [True] * len(further)
        rows = [(sample, own) for sample, own, counts in zip(every, sizes, smooth, strict=True) if counts]
        if rows and verdicts[name].tier != "shape":
            verdicts[name] = replace(verdicts[name], ratio=constant_ratio(name, *zip(*rows, strict=True)))
    return replace(trial, verdicts=verdicts, further=further)


def collect(
    source: Reference, call: HandCall, results: Sequence[Result], points: Sequence[Point], *, exact: bool
) -> tuple[list[Sample], list[str]]:
    """Return both sides at every point; a point at which only the code fails is left out with a note."""
    samples: list[Sample] = []
    notes: list[str] = []
    for point in points:
        sample, problem = _sampled(source, call, results, point, exact=exact)
        if point.optional and (sample is None or not _in_shape(sample)):
            notes.append(point.optional)
        elif sample is None:
            notes.append(f"{point.label}: {problem}")
        else:
            samples.append(sample)
    return samples, notes


def _sampled(
    source: Reference, call: HandCall, results: Sequence[Result], point: Point, *, exact: bool
) -> tuple[Sample | None, str]:
    """Return both sides at a point, or none and what the code raises there."""
    take = numeric_sample if point.large or not exact else traced_sample
    try:
        return take(source, call, results, point), ""
    except CodeFails as problem:
        return None, str(problem)
    except SymbackpropError:
        raise
    except Exception as problem:
        return None, described(problem)


def _in_shape(sample: Sample) -> bool:
    """Whether every gradient has the shape of what it is a gradient of."""
    return all(np.shape(sample.hand[name]) == np.shape(sample.derived[name]) for name in sample.hand)
