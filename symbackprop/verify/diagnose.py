"""Why handwritten gradients differ, in plain words: relations between the two sides first, then the usual mistakes one by one.

Every explanation has to give the handwritten numbers at every point that was tried; nothing is guessed from the code's looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation, derive
from symbackprop.errors import SymbackpropError
from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.equality import decide_all
from symbackprop.verify.evaluate import reachable
from symbackprop.verify.hypotheses import Change, Counterfactual, changes, extra_factors, quotient_text, same, upstream_of
from symbackprop.verify.ratio import ratio_at, simple, sizes_in, with_sizes
from symbackprop.verify.records import Cause, Status, Verdict
from symbackprop.verify.reference import numbers, rewired
from symbackprop.verify.samples import Reference, Sample
from symbackprop.verify.wording import definition, formula, short

CERTAIN = 0.6
"""A relation this plain, which explains everything, ends the search."""
SECONDS = 10.0
"""Time after which the search for an explanation ends in any case."""
MOST_CHANGES = 600
"""Changes of the derivation tried, those nearest to what differs first."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A cause with the names it explains and what it costs to believe."""

    cause: Cause
    names: frozenset[str]
    cost: float


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
    offered = list(_relations(source, wrong, verdicts, usable))
    if isinstance(source, DerivationReference) and not _explains_all(offered, wrong):
        offered += _mistakes(source.derivation, wrong, usable, rate)
    return (*found, *_fewest(offered, wrong))


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


# ---- relations between the two sides -------------------------------------------------------------------------------


def _relations(
    source: Reference, wrong: Sequence[str], verdicts: Mapping[str, Verdict], samples: Sequence[Sample]
) -> Iterator[Explained]:
    by_ratio: dict[str, list[str]] = {}
    for name in wrong:
        ratio = verdicts[name].ratio
        if ratio is not None:
            by_ratio.setdefault(ratio, []).append(name)
    for ratio, names in by_ratio.items():
        yield Explained(_ratio_cause(source, ratio, names, wrong), frozenset(names), 0.5)
    for name in wrong:
        yield from _transposed(name, samples)
        yield from _permuted(name, wrong, source.vocabulary.declared, samples)
        yield from _extra_term(name, samples)
        yield from _epsilon(name, samples)
    if isinstance(source, DerivationReference):
        yield from _other_loss(source.derivation, wrong, samples, every=len(wrong) == len(verdicts))


def _ratio_cause(source: Reference, ratio: str, names: Sequence[str], wrong: Sequence[str]) -> Cause:
    loss = f"({source.vocabulary.loss})"
    if isinstance(source, DerivationReference):
        node = source.derivation.network.nodes[source.derivation.loss]
        loss = f"({short(node.expression) or node.name})"
    if ratio == "0":
        return Cause("zero", "the code gives 0", tuple(names))
    if ratio == "-1":
        return Cause("sign", f"the sign is opposite: hand = -1 · derived, the gradient of -{loss}", tuple(names))
    hint = _ratio_hint(ratio)
    return Cause("ratio", f"exactly {ratio}: the gradient of {ratio} · {loss}{hint}", tuple(names))


def _ratio_hint(ratio: str) -> str:
    if ratio.isidentifier():
        return f"; a sum where the loss takes the mean over {ratio}"
    if ratio.startswith("1/") and ratio[2:].isidentifier():
        return f"; divided by {ratio[2:]} once too often"
    return {"1/2": "; the stated loss has no 1/2", "2": "; the 2 of the square is counted twice"}.get(ratio, "")


def _transposed(name: str, samples: Sequence[Sample]) -> Iterator[Explained]:
    if all(np.ndim(s.derived[name]) == 2 and same(s.hand[name], np.transpose(s.derived[name])) for s in samples):
        yield Explained(Cause("transpose", "the transpose of the gradient"), frozenset({name}), 0.4)


def _permuted(name: str, wrong: Sequence[str], declared: Sequence[str], samples: Sequence[Sample]) -> Iterator[Explained]:
    others = [other for other in samples[0].evaluated.adjoints if other in declared]
    for other in others:
        if other != name and all(
            same(s.hand[name], s.evaluated.adjoints.get(other)) for s in samples if other in s.evaluated.adjoints
        ):
            swapped = other in wrong
            text = f"what the code gives for {name} is the gradient of {other}" + (" (two results exchanged)" if swapped else "")
            yield Explained(Cause("permuted", text), frozenset({name}), 0.6)


def _extra_term(name: str, samples: Sequence[Sample]) -> Iterator[Explained]:
    """The code adds a multiple of something of the same shape: a weight decay that the loss does not have, a constant."""
    differences = [np.asarray(s.hand[name], dtype=float) - s.derived[name] for s in samples]
    offsets = {round(float(d.reshape(-1)[0]), 9) for d in differences if np.allclose(d, d.reshape(-1)[0], rtol=1e-9, atol=1e-12)}
    if len(offsets) == 1 and len(samples) > 1 and 0 not in offsets:
        yield Explained(Cause("extra term", f"a constant {offsets.pop():g} is added"), frozenset({name}), 1.0)
    for other, array in samples[0].evaluated.nodes.items():
        if np.shape(array) != np.shape(differences[0]) or not all(other in s.evaluated.nodes for s in samples):
            continue
        rows = [(ratio_at(d, s.evaluated.nodes[other]), sizes_in(s)) for d, s in zip(differences, samples, strict=True)]
        if len(rows) < 2 or any(ratio is None for ratio, _ in rows):
            continue
        written = with_sizes([(ratio or 0.0, sizes) for ratio, sizes in rows])
        if written not in (None, "0"):
            text = f"the code adds {written} · {other}, which the derivation does not have"
            yield Explained(Cause("extra term", text), frozenset({name}), 1.1)


def _epsilon(name: str, samples: Sequence[Sample]) -> Iterator[Explained]:
    """A small constant of the code (a guard against log 0 or division by 0) without which both sides are equal."""
    tiny = set()
    for sample in samples:
        graph = sample.graph
        if graph is None or name not in sample.nodes:
            return
        own = [n for n in reachable(graph, sample.nodes[name].nodes) if _is_tiny(graph.fraction(n))]
        if not own:
            return
        tiny |= {float(graph.fraction(n) or 0) for n in own}
        zero = {node: graph.constant(0) for node in own}
        moved = rewired(graph, sample.nodes[name].nodes, zero)
        if not all(
            decision.accepted for decision in decide_all(graph, list(zip(moved, sample.references[name].nodes, strict=True)))
        ):
            return
    listed = ", ".join(f"{value:g}" for value in sorted(tiny))
    text = f"equal as ε → 0: the code adds {listed} as a guard, the derivation has none"
    yield Explained(Cause("epsilon", text, exonerates=True), frozenset({name}), 0.2)


def _is_tiny(number: Fraction | None) -> bool:
    return number is not None and 0 < abs(number) <= Fraction(1, 1000)


def _other_loss(derivation: Derivation, wrong: Sequence[str], samples: Sequence[Sample], *, every: bool) -> Iterator[Explained]:
    """The gradient of another scalar of the network, or of a quadratic in one."""
    network = derivation.network
    scalars = [n for n in network.nodes.values() if n.defined and not n.indices and n.name != derivation.loss]
    for node in scalars:
        other = derive(network, node.name, list(wrong))
        try:
            points = [numbers(other, sample.point.values) for sample in samples]
        except SymbackpropError:
            continue
        if not all(name in other.adjoints for name in wrong):
            continue
        if all(same(s.hand[name], p.adjoints[name]) for s, p in zip(samples, points, strict=True) for name in wrong):
            text = f"it is the gradient of {node.name} = {definition(derivation, node.name)}, not of {derivation.loss}"
            yield Explained(Cause("another loss", text), frozenset(wrong), 0.3 if every else 1.4)
        yield from _quadratic(derivation, node.name, wrong, samples, points)


def _quadratic(
    derivation: Derivation, node: str, wrong: Sequence[str], samples: Sequence[Sample], points: Sequence[Any]
) -> Iterator[Explained]:
    """hand = (a·A + c) · ∂A/∂w for one scalar A: the gradient of a/2 · (A + c/a)²."""
    if len(samples) < 3:
        return
    factors, values = [], []
    for sample, point in zip(samples, points, strict=True):
        ratios = [ratio_at(sample.hand[name], point.adjoints[name]) for name in wrong]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) < len(ratios) or not np.allclose(known, known[0], rtol=1e-8):
            return
        factors.append(known[0])
        values.append(float(point.nodes[node]))
    slope, shift = np.polyfit(values, factors, 1)
    if abs(slope) < 1e-9 or not np.allclose(slope * np.array(values) + shift, factors, rtol=1e-7, atol=1e-9):
        return
    whole = simple(float(slope)) or Fraction(float(slope)).limit_denominator(10**6)
    centre = -shift / slope
    goal = f" - {centre:.6g}" if centre > 0 else f" + {-centre:.6g}" if centre < 0 else ""
    text = f"it is the gradient of {whole / 2} · ({node}{goal})^2, not of {derivation.loss}"
    yield Explained(Cause("another loss", text), frozenset(wrong), 0.25)


# ---- the usual mistakes, made in the derivation --------------------------------------------------------------------


def _mistakes(derivation: Derivation, wrong: Sequence[str], samples: Sequence[Sample], rate: float | None) -> list[Explained]:
    """Change one contribution at a time, downstream of the loss and upstream of what differs; keep what gives the code's
    numbers."""
    ordered = sorted(samples, key=lambda sample: sum(np.size(value) for value in sample.point.values.values()))
    worlds = [Counterfactual(derivation, s.point.values, s.evaluated.nodes, s.evaluated.adjoints) for s in ordered]
    found: list[Explained] = list(_stale(derivation, wrong, ordered, worlds, rate))
    deadline = monotonic() + SECONDS
    wanted = frozenset(wrong)
    tried = 0
    for node in upstream_of(derivation, wrong):
        if node == derivation.loss:
            continue
        found += _weights(derivation, node, wanted, ordered, worlds)
        for change in changes(derivation, node):
            names = _explained_by(change, wanted, ordered, worlds)
            if names:
                found.append(Explained(Cause(change.kind, change.said), names, change.cost))
            tried += 1
            if tried > MOST_CHANGES or monotonic() > deadline:
                return found
        found += _superfluous(derivation, node, wanted, ordered, worlds)
    return found


def _superfluous(
    derivation: Derivation, node: str, wanted: frozenset[str], samples: Sequence[Sample], worlds: Sequence[Counterfactual]
) -> Iterator[Explained]:
    """A factor too many in the adjoint of a node, as σ' beside a loss that has it cancelled."""
    options = [dict(extra_factors(world, node)) for world in worlds]
    for words in options[0]:
        names = wanted
        for sample, world, option in zip(samples, worlds, options, strict=True):
            moved = world.changed(node, option[words], names)
            names = frozenset(name for name in names if name in moved and same(sample.hand[name], moved[name]))
            if not names:
                break
        if names:
            text = f"∂{derivation.loss}/∂{node} has a factor {words} too many"
            yield Explained(Cause("extra factor", text), names, 1.6)


def _value_without(world: Counterfactual, node: str, position: int) -> Any:
    contribution = world.derivation.adjoints[node].contributions[position]
    return world.adjoints[node] - world.term(node, contribution.term)


def _explained_by(
    change: Change, wanted: frozenset[str], samples: Sequence[Sample], worlds: Sequence[Counterfactual]
) -> frozenset[str]:
    names = wanted
    for sample, world in zip(samples, worlds, strict=True):
        try:
            value = _value_without(world, change.node, change.position) + world.term(change.node, change.term)
        except (SymbackpropError, ValueError, IndexError):
            return frozenset()
        moved = world.changed(change.node, value, names)
        names = frozenset(name for name in names if name in moved and same(sample.hand[name], moved[name]))
        if not names:
            break
    return names


def _weights(
    derivation: Derivation, node: str, wanted: frozenset[str], samples: Sequence[Sample], worlds: Sequence[Counterfactual]
) -> Iterator[Explained]:
    """With which factor does the code count each contribution to the adjoint of a node? 1 is right, 0 is a missing path."""
    contributions = derivation.adjoints[node].contributions
    for position, contribution in enumerate(contributions):
        rows: dict[str, list[tuple[float, dict[str, int]]]] = {}
        for sample, world in zip(samples, worlds, strict=True):
            moved = world.changed(node, _value_without(world, node, position), wanted)
            for name, without in moved.items():
                effect = world.adjoints[name] - without
                if name not in sample.hand:
                    continue
                missing = same(sample.hand[name], without) or (not np.any(sample.hand[name]) and not np.any(without))
                factor = 0.0 if missing else ratio_at(np.asarray(sample.hand[name]) - without, effect)
                if factor is not None:
                    rows.setdefault(name, []).append((factor, sizes_in(sample)))
        complete = {name: found for name, found in rows.items() if len(found) == len(samples)}
        by_factor: dict[str, list[str]] = {}
        for name, found in complete.items():
            written = with_sizes(found)
            if written is not None and written != "1":
                by_factor.setdefault(written, []).append(name)
        for written, names in by_factor.items():
            count = len(contributions)
            text, kind = _weight_text(derivation, node, contribution, written, len(contributions))
            yield Explained(
                Cause(kind, text),
                frozenset(names),
                _WEIGHT_COST.get(written, 1.25) + (0.5 if count == 1 and written == "0" else 0.0),
            )


_WEIGHT_COST = {"0": 0.9, "-1": 0.9, "2": 0.9, "1/2": 0.9}


def _weight_text(derivation: Derivation, node: str, contribution: Any, factor: str, count: int) -> tuple[str, str]:
    name = quotient_text(contribution, node)
    if factor == "0":
        if count > 1:
            return (
                f"the path through {contribution.consumer} is missing in the sum for ∂{derivation.loss}/∂{node}",
                "path missing",
            )
        return f"{name} is counted as 0", "path missing"
    if factor == "-1":
        return f"the sign of {name} = {formula(contribution.local)} is wrong", "sign"
    return f"{name} = {formula(contribution.local)} is counted {factor} times", "factor"


def _stale(
    derivation: Derivation, wrong: Sequence[str], samples: Sequence[Sample], worlds: Sequence[Counterfactual], rate: float | None
) -> Iterator[Explained]:
    """A step that reads a weight after updating it."""
    if rate is None:
        return
    for weight in derivation.wrt:
        names = set(wrong)
        for sample, world in zip(samples, worlds, strict=True):
            if weight not in world.adjoints:
                names.clear()
                break
            stale = Counterfactual(derivation, sample.point.values, sample.evaluated.nodes, sample.evaluated.adjoints)
            stale.arrays[weight] = stale.arrays[weight] - rate * world.adjoints[weight]
            moved = stale.changed(derivation.loss, world.adjoints[derivation.loss], frozenset(names))
            names &= {name for name, value in moved.items() if same(sample.hand[name], value)}
        if names:
            text = f"{weight} is read after it was updated; the gradients need its old value"
            yield Explained(Cause("stale weight", text), frozenset(names), 0.35)
