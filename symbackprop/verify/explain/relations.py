"""Relations between two gradients that need no look inside: a ratio, a transpose, an exchange, an addition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.trace.graph.evaluate import evaluate, reachable
from symbackprop.verify.equal.equality import decide_all
from symbackprop.verify.explain.catalog import Explained, explained
from symbackprop.verify.explain.evaluation import same
from symbackprop.verify.explain.ratio import LossFacts, SizesAt, ratio_at, simple, sizes_at, with_sizes
from symbackprop.verify.records import Cause, Verdict
from symbackprop.verify.reference.network_values import rewired
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import Sample


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of one gradient at every sample; `declared` are the names that may be exchanged, `wrong` those that differ."""

    name: str
    samples: Sequence[Sample]
    declared: Sequence[str]
    wrong: Sequence[str]
    sizes: Sequence[SizesAt]

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The handwritten and the derived array at each sample."""
        return [(np.asarray(s.hand[self.name], dtype=float), np.asarray(s.derived[self.name], dtype=float)) for s in self.samples]

    @property
    def others(self) -> list[str]:
        """The other names that a gradient may have been taken of."""
        known = [sample.evaluated.adjoints for sample in self.samples]
        return [name for name in known[0] if name in self.declared and name != self.name and all(name in at for at in known)]

    @property
    def differences(self) -> list[Any]:
        """What the code has too much at each sample."""
        return [hand - derived for hand, derived in self.pairs]

    def found(self, mistake: str, extra: float = 0.0, **values: Any) -> Explained:
        """Return a mistake as the reason for this name."""
        return explained(mistake, {self.name}, extra, name=self.name, **values)


def relations(
    source: Reference, wrong: Sequence[str], verdicts: Mapping[str, Verdict], samples: Sequence[Sample]
) -> Iterator[Explained]:
    """Yield what relates the two sides of the names that differ."""
    sizes = sizes_at(source, samples)
    facts = LossFacts.of(source, samples, sizes)
    by_ratio: dict[str, list[str]] = {}
    for name in wrong:
        ratio = verdicts[name].ratio
        if ratio is not None:
            by_ratio.setdefault(ratio, []).append(name)
    for ratio, names in by_ratio.items():
        yield explained(ratio_mistake(ratio, facts), names, ratio=ratio, loss=f"({facts.written})", size=ratio.removeprefix("1/"))
    for name in wrong:
        sides = Sides(name, samples, source.vocabulary.declared, wrong, sizes)
        for relation in RELATIONS:
            yield from relation(sides)


def ratio_mistake(ratio: str, facts: LossFacts) -> str:
    """Return what a ratio is called; what it says of the loss was looked up in the loss."""
    if ratio in ("0", "-1"):
        return {"0": "zero", "-1": "sign"}[ratio]
    size = ratio.removeprefix("1/")
    if facts.divides_by(size):
        return "sum for mean" if ratio == size else "mean twice"
    if ratio == "1/2" and not facts.has_half:
        return "no half"
    if ratio == "2" and facts.is_square:
        return "square twice"
    return "ratio"


def _transposed(sides: Sides) -> Iterator[Explained]:
    if all(derived.ndim == 2 and same(hand, derived.T) for hand, derived in sides.pairs):
        yield sides.found("transpose")


def _reversed(sides: Sides) -> Iterator[Explained]:
    """The elements along one axis in the opposite order: a kernel read backwards."""
    for axis in range(sides.pairs[0][1].ndim):
        if all(same(hand, np.flip(derived, axis)) for hand, derived in sides.pairs):
            yield sides.found("reversed", axis=str(axis))


def _permuted(sides: Sides) -> Iterator[Explained]:
    """The gradient of another name, or one element of it."""
    for other in sides.others:
        adjoints = [np.asarray(sample.evaluated.adjoints[other]) for sample in sides.samples]
        rows = [(hand, adjoint) for (hand, _), adjoint in zip(sides.pairs, adjoints, strict=True)]
        if all(same(hand, adjoint) for hand, adjoint in rows):
            # A gradient that is right itself was hardly put in the wrong place; a factor is more likely to be missing.
            yield sides.found("exchanged" if other in sides.wrong else "of another", other=other)
        place = next((place for place in (0, -1) if _is_element(rows, place)), None)
        if place is not None:
            yield sides.found("element of another", other=other, place=str(place))


def _is_element(rows: Sequence[tuple[Any, Any]], place: int) -> bool:
    return all(adjoint.ndim == hand.ndim + 1 and adjoint.size and same(hand, adjoint[place]) for hand, adjoint in rows)


def _partly(sides: Sides) -> Iterator[Explained]:
    """Right where the code fills it, 0 in the other rows or columns: a loop that is too short, or runs over another axis."""
    for axis in range(sides.pairs[0][1].ndim):
        for step in (1, -1):
            counts = [_filled(*pair, axis, step) for pair in sides.pairs]
            if all(filled for filled, _ in counts) and any(filled < full for filled, full in counts):
                yield _unfilled(sides, axis, step, counts)


def _unfilled(sides: Sides, axis: int, step: int, counts: Sequence[tuple[int, int]]) -> Explained:
    if all(full - filled == 1 for filled, full in counts):
        return sides.found("one unfilled", axis=str(axis), place="0" if step < 0 else "-1")
    rows = [(float(filled), own) for (filled, full), own in zip(counts, sides.sizes, strict=True) if filled < full]
    place = "-1 backwards" if step < 0 else "0"
    return sides.found("partly filled", axis=str(axis), count=with_sizes(rows) or "some", place=place)


def _filled(hand: Any, derived: Any, axis: int, step: int) -> tuple[int, int]:
    """Return how many elements along an axis are right when all others are 0, and how many there are."""
    hand, derived = (np.moveaxis(array, axis, 0)[::step] for array in (hand, derived))
    right = (k for k in range(len(hand), 0, -1) if same(hand[:k], derived[:k]) and not np.any(hand[k:]))
    return next(right, 0), len(hand)


def _offset(sides: Sides) -> Iterator[Explained]:
    """A constant that is added."""
    flat = [d.reshape(-1) for d in sides.differences if d.size]
    offsets = {round(float(d[0]), 9) for d in flat if np.allclose(d, d[0], rtol=1e-9, atol=1e-12)}
    if (
        len(offsets) == 1
        and np.isfinite(sum(offsets))
        and len(flat) > 1
        and 0 not in offsets
        and all(np.allclose(d, d[0]) for d in flat)
    ):
        yield sides.found("offset", constant=f"{offsets.pop():g}")


def _extra_term(sides: Sides) -> Iterator[Explained]:
    """The code adds a multiple of something of the same shape: a weight decay that the loss does not have."""
    nodes, differences = [sample.evaluated.nodes for sample in sides.samples], sides.differences
    for other in (n for n, a in nodes[0].items() if np.shape(a) == differences[0].shape and all(n in at for at in nodes)):
        ratios = [ratio_at(d, at[other]) for d, at in zip(differences, nodes, strict=True)]
        rows = [(ratio, own) for ratio, own in zip(ratios, sides.sizes, strict=True) if ratio is not None]
        if 1 < len(rows) == len(ratios):
            for scalar, written in _coefficients(rows, nodes, other):
                yield _term(sides, [part for part in (written if written != "1" else "", scalar, other) if part], bool(scalar))


VARYING = 0.2
"""How much more far-fetched a term is whose factor is a scalar of the network."""


def _term(sides: Sides, parts: Sequence[str], varying: bool) -> Explained:
    product = " · ".join(parts)
    mistake, shown = "extra term", product
    if product.startswith("-"):
        mistake, shown = "lacking term", product[1:].removeprefix("1 · ")
    return sides.found(mistake, VARYING if varying else 0.0, term=shown)


def _coefficients(
    rows: Sequence[tuple[float, Mapping[str, int]]], nodes: Sequence[Mapping[str, Any]], other: str
) -> Iterator[tuple[str, str]]:
    """Yield (name of a scalar, constant factor) for a factor that varies with the point: `2 · lam`."""
    written = with_sizes(rows)
    if written not in (None, "0"):
        yield "", written
        return
    scalars = [name for name, value in nodes[0].items() if not np.ndim(value) and name != other]
    values = np.array([[at.get(name, np.nan) for at in nodes] for name in scalars]).reshape(-1, len(nodes))
    with np.errstate(all="ignore"):
        found = np.array([ratio for ratio, _ in rows]) / values
        steady = np.ptp(found, axis=1) <= 1e-7 * np.abs(found[:, 0])
    for k in np.flatnonzero(steady):
        exact = simple(float(found[k, 0])) if np.isfinite(found[k, 0]) else None
        if exact:
            yield scalars[k], str(exact)


def _other_variable(sides: Sides) -> Iterator[Explained]:
    """The gradient by log x, by exp x, or by the logits of which x is the log-softmax."""
    values = [np.asarray(sample.point.values.get(sides.name, np.nan), dtype=float) for sample in sides.samples]
    rows = [(hand, derived, value) for (hand, derived), value in zip(sides.pairs, values, strict=True)]
    for mistake, moved in OTHER_VARIABLES.items():
        with np.errstate(all="ignore"):
            if all(value.shape == derived.shape and same(hand, moved(derived, value)) for hand, derived, value in rows):
                yield sides.found(mistake)
    for axis in range(rows[0][1].ndim):
        if all(v.shape == d.shape and same(h, d - np.exp(v) * d.sum(axis=axis, keepdims=True)) for h, d, v in rows):
            yield sides.found("by logits", axis=str(axis))


OTHER_VARIABLES: Mapping[str, Callable[[Any, Any], Any]] = {
    "by logarithm": lambda derived, value: derived * value,
    "by exponential": lambda derived, value: derived * np.exp(-value),
}


def _epsilon(sides: Sides) -> Iterator[Explained]:
    """A small constant of the code (a guard against log 0 or division by 0) without which both sides are equal."""
    tiny: set[float] = set()
    traced = [sample for sample in sides.samples if sample.traced]
    if not traced:
        return
    for sample in traced:
        own = _tiny_constants(sample, sides.name)
        if not own or not _equal_without(sample, sides.name, own):
            return
        tiny |= {float(sample.graph.fraction(n) or 0) for n in own} if sample.graph is not None else set()
    found = sides.found("epsilon", constants=", ".join(f"{value:g}" for value in sorted(tiny)))
    yield Explained(Cause(found.cause.mistake, found.cause.values, exonerates=True), found.names, found.cost)


def _tiny_constants(sample: Sample, name: str) -> list[int]:
    graph = sample.graph
    if graph is None or name not in sample.nodes:
        return []
    return [n for n in reachable(graph, sample.nodes[name].nodes) if _is_tiny(graph.fraction(n))]


def _equal_without(sample: Sample, name: str, own: Sequence[int]) -> bool:
    """Whether both sides are equal once some constants are 0."""
    graph = sample.graph
    assert graph is not None
    moved = rewired(graph, sample.nodes[name].nodes, {node: graph.constant(0) for node in own})
    wanted = sample.references[name].nodes
    with np.errstate(all="ignore"):
        close = np.isclose(_floats(evaluate(graph, moved, {})), _floats(evaluate(graph, wanted, {})), rtol=1e-6, atol=1e-9)
    return bool(np.all(close)) and all(d.accepted for d in decide_all(graph, list(zip(moved, wanted, strict=True))))


def _floats(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array([float(value) for value in values])


def _is_tiny(number: Fraction | None) -> bool:
    return number is not None and 0 < abs(number) <= Fraction(1, 1000)


RELATIONS: tuple[Callable[[Sides], Iterator[Explained]], ...] = (
    _transposed,
    _reversed,
    _permuted,
    _partly,
    _offset,
    _extra_term,
    _other_variable,
    _epsilon,
)
