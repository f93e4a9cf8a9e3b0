"""Relations between two gradients that need no look inside: a ratio, a transpose, an exchange, an addition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.equality import decide_all
from symbackprop.verify.evaluate import evaluate, reachable
from symbackprop.verify.ratio import ratio_at, simple, sizes_in, with_sizes
from symbackprop.verify.records import Cause, Verdict
from symbackprop.verify.reference import rewired
from symbackprop.verify.samples import Reference, Sample
from symbackprop.verify.wording import short
from symbackprop.verify.worlds import same


@dataclass(frozen=True, slots=True)
class Explained:
    """A cause with the names it explains and what it costs to believe."""

    cause: Cause
    names: frozenset[str]
    cost: float


def relations(
    source: Reference, wrong: Sequence[str], verdicts: Mapping[str, Verdict], samples: Sequence[Sample]
) -> Iterator[Explained]:
    """Yield what relates the two sides of the names that differ."""
    by_ratio: dict[str, list[str]] = {}
    for name in wrong:
        ratio = verdicts[name].ratio
        if ratio is not None:
            by_ratio.setdefault(ratio, []).append(name)
    for ratio, names in by_ratio.items():
        yield Explained(_ratio_cause(source, ratio, names, wrong), frozenset(names), 0.5)
    for name in wrong:
        yield from _transposed(name, samples)
        yield from _reversed(name, samples)
        yield from _permuted(name, wrong, source.vocabulary.declared, samples)
        yield from _partly(name, samples)
        yield from _extra_term(name, samples)
        yield from _epsilon(name, samples)


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


def _reversed(name: str, samples: Sequence[Sample]) -> Iterator[Explained]:
    """The elements along one axis in the opposite order: a kernel read backwards."""
    for axis in range(np.ndim(samples[0].derived[name])):
        if all(same(s.hand[name], np.flip(s.derived[name], axis)) for s in samples):
            words = ("first", "second", "third", "fourth")[axis] if axis < 4 else f"{axis + 1}th"
            text = f"the elements along the {words} axis are in the opposite order: the index runs backwards"
            yield Explained(Cause("index", text), frozenset({name}), 0.55)


def _permuted(name: str, wrong: Sequence[str], declared: Sequence[str], samples: Sequence[Sample]) -> Iterator[Explained]:
    for other in (other for other in samples[0].evaluated.adjoints if other in declared and other != name):
        rows = [(np.asarray(s.hand[name]), s.evaluated.adjoints[other]) for s in samples if other in s.evaluated.adjoints]
        if all(same(hand, adjoint) for hand, adjoint in rows):
            # A gradient that is right itself was hardly put in the wrong place; a factor is more likely to be missing.
            swapped = other in wrong
            text = f"what the code gives for {name} is the gradient of {other}" + (" (two results exchanged)" if swapped else "")
            yield Explained(Cause("permuted", text), frozenset({name}), 0.6 if swapped else 1.75)
        for place in (0, -1):
            if all(np.ndim(adj) == hand.ndim + 1 and np.size(adj) and same(hand, np.asarray(adj)[place]) for hand, adj in rows):
                text = f"what the code gives for {name} is the element {place} of the gradient of {other}"
                yield Explained(Cause("permuted", text), frozenset({name}), 0.7)
                break


def _partly(name: str, samples: Sequence[Sample]) -> Iterator[Explained]:
    """Right where the code fills it, 0 in the other rows or columns: a loop that is too short, or runs over another axis."""
    for axis in range(np.ndim(samples[0].derived[name])):
        for backwards in (False, True):
            counts = [_filled(sample, name, axis, backwards) for sample in samples]
            if not all(filled for filled, _ in counts) or all(filled == full for filled, full in counts):
                continue
            if all(full - filled == 1 for filled, full in counts):
                words = f"the {'first' if backwards else 'last'} one is 0"
            else:
                short = [(float(n), sizes_in(s)) for (n, full), s in zip(counts, samples, strict=True) if n < full]
                words = f"only the {'last' if backwards else 'first'} {with_sizes(short) or 'few'} are filled, the others are 0"
            text = f"the elements along axis {axis} are right, but {words}: a loop is too short or runs over another axis"
            yield Explained(Cause("index", text), frozenset({name}), 0.5)


def _filled(sample: Sample, name: str, axis: int, backwards: bool) -> tuple[int, int]:
    """Return how many elements along an axis are right when all others are 0, and how many there are."""
    hand, derived = (np.moveaxis(np.asarray(a, dtype=float), axis, 0) for a in (sample.hand[name], sample.derived[name]))
    if backwards:
        hand, derived = hand[::-1], derived[::-1]
    right = (k for k in range(len(hand), 0, -1) if same(hand[:k], derived[:k]) and not np.any(hand[k:]))
    return next(right, 0), len(hand)


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
        for words, written in _factors([(ratio or 0.0, sizes) for ratio, sizes in rows], samples, other):
            product = " · ".join(part for part in (written if written != "1" else "", words, other) if part)
            text = f"the code adds {product}, which the derivation does not have"
            if product.startswith("-"):
                text = f"the code lacks {product[1:].removeprefix('1 · ')}, which the derivation has"
            yield Explained(Cause("extra term", text), frozenset({name}), 1.1 if not words else 1.3)


def _factors(rows: list[tuple[float, dict[str, int]]], samples: Sequence[Sample], other: str) -> Iterator[tuple[str, str]]:
    """Yield (name of a scalar, constant factor) for a factor that varies with the point: `2 · lam`."""
    written = with_sizes(rows)
    if written not in (None, "0"):
        yield "", written
        return
    scalars = [name for name, value in samples[0].evaluated.nodes.items() if not np.ndim(value) and name != other]
    values = np.array([[s.evaluated.nodes.get(name, np.nan) for s in samples] for name in scalars]).reshape(-1, len(samples))
    with np.errstate(all="ignore"):
        found = np.array([ratio for ratio, _ in rows]) / values
        steady = np.ptp(found, axis=1) <= 1e-7 * np.abs(found[:, 0])
    for k in np.flatnonzero(steady):
        exact = simple(float(found[k, 0])) if np.isfinite(found[k, 0]) else None
        if exact:
            yield scalars[k], str(exact)


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
        wanted = sample.references[name].nodes
        with np.errstate(all="ignore"):
            close = np.isclose(_floats(evaluate(graph, moved, {})), _floats(evaluate(graph, wanted, {})), rtol=1e-6, atol=1e-9)
        if not np.all(close) or not all(d.accepted for d in decide_all(graph, list(zip(moved, wanted, strict=True)))):
            return
    listed = ", ".join(f"{value:g}" for value in sorted(tiny))
    text = f"equal as ε → 0: the code adds {listed} as a guard, the derivation has none"
    yield Explained(Cause("epsilon", text, exonerates=True), frozenset({name}), 0.2)


def _floats(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array([float(value) for value in values])


def _is_tiny(number: Fraction | None) -> bool:
    return number is not None and 0 < abs(number) <= Fraction(1, 1000)
