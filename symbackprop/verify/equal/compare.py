"""Compare two arrays of one gradient: exactly, element by element in one graph, or in float64 with a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.graph import InputName
from symbackprop.verify.binding.binding import HandCall, Result, numeric
from symbackprop.verify.equal.equality import Decision, decide_all
from symbackprop.verify.equal.guards import guard_between
from symbackprop.verify.records import Status, Witness
from symbackprop.verify.reference.precision import DIGITS, largest_of
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.samples import Sample, numeric_sample

_WEAKEST_FIRST = ("normal form", "modular", "identical")
"""Tiers that prove; several elements are proved by the first of theirs."""
BEYOND = 1e-8
"""Beyond a comparison that was flipped on purpose, a difference accepted beside the largest derivative there (at least 1)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison of one gradient at one point."""

    status: Status
    tier: str
    digits: int = 0
    witness: Witness | None = None
    note: str = ""

    @property
    def gap(self) -> float:
        """The relative difference of the two values of the witness; 0 where there is none."""
        return 0.0 if self.witness is None else relative_gap(self.witness.hand, self.witness.derived)


def relative_gap(left: float, right: float) -> float:
    """Return |left - right| / (|left| + |right|); infinite where one of them is not finite."""
    gap = abs(left - right) / (abs(left) + abs(right) + 1e-300)
    return gap if math.isfinite(gap) else math.inf


def compare_sample(sample: Sample) -> dict[str, Compared]:
    """Compare every gradient at one point, exactly when the sample was traced."""
    found: dict[str, Compared] = {}
    shaped = []
    for name in sample.hand:
        hand, derived = np.asarray(sample.hand[name]), np.asarray(sample.derived[name])
        if hand.shape != derived.shape:
            found[name] = _shape_outcome(sample, name, hand, derived)
        elif sample.traced:
            shaped.append(name)
        else:
            found[name] = compare_numbers(sample, name, hand, derived)
    return found | _compare_nodes(sample, shaped) if shaped else found


def _shape_outcome(sample: Sample, name: str, hand: Any, derived: Any) -> Compared:
    squeezed = hand.reshape(derived.shape) if hand.size == derived.size else None
    right = squeezed is not None and bool(np.allclose(squeezed, derived, rtol=1e-7, atol=1e-12))
    note = f"shape {_shape(hand)} for a parameter of shape {_shape(derived)}"
    if right:
        note += f"; the numbers are right{_stepped(hand.shape, derived.shape)}"
    element = (0,) * hand.ndim if hand.size else ()
    first = float(hand.reshape(-1)[0]) if hand.size else float("nan")
    top = float(derived.reshape(-1)[0]) if derived.size else float("nan")
    return Compared(Status.DIFFERS, "shape", witness=_witness(sample, name, element, first, top), note=note)


def _stepped(hand: tuple[int, ...], derived: tuple[int, ...]) -> str:
    """Return what becomes of a parameter of which a gradient of another shape is subtracted, where numpy does it."""
    try:
        return f", a step would make it {np.broadcast_shapes(hand, derived)}"
    except ValueError:
        return ""


def _shape(array: Any) -> str:
    return str(tuple(array.shape)) if array.ndim else "() (a number)"


def _witness(sample: Sample, name: str, element: tuple[int, ...], hand: float, derived: float, rigorous: bool = False) -> Witness:
    return Witness(name, element, hand, derived, tuple(sample.point.values.items()), rigorous)


# ---- numbers -------------------------------------------------------------------------------------------------------


def compare_numbers(sample: Sample, name: str, hand: Any, derived: Any) -> Compared:
    """Compare in floating point. The verdict is `agrees` at most, with the number of digits."""
    kind = sample.precision.kind
    hand, derived = np.asarray(hand, dtype=float), np.asarray(derived, dtype=float)
    same = sample.precision.same(name, hand, derived, largest_of(sample.evaluated.adjoints))
    if np.all(same) and not np.any(np.isfinite(derived)) and derived.size:
        return Compared(Status.NOT_DECIDED, kind, note="neither the code nor the derivation has a number here")
    if np.all(same):
        digits = _digits(hand, derived, DIGITS[kind])
        note = f"computed in {kind}: agrees to {digits} digits" if kind != "float64" else ""
        return Compared(Status.AGREES, kind, digits=digits, note=note)
    nowhere = _nowhere_finite(sample, name)
    if nowhere is not None:
        return nowhere
    with np.errstate(all="ignore"):
        relative = np.abs(hand - derived) / (np.abs(derived) + np.abs(hand) + 1e-300)
    excess = np.where(same, -1.0, np.nan_to_num(relative, nan=np.inf))
    element = tuple(int(k) for k in np.unravel_index(int(np.argmax(excess)), excess.shape)) if excess.shape else ()
    return Compared(Status.DIFFERS, kind, witness=_witness(sample, name, element, float(hand[element]), float(derived[element])))


FAR = 50.0
"""Numbers beyond which exponentials may overflow."""


def _nowhere_finite(sample: Sample, name: str) -> Compared | None:
    """Return that nothing is decided where the code gives a number and the derivation none: ∞ · 0, where a value is infinite."""
    hand, derived = (np.asarray(side[name], dtype=float) for side in (sample.hand, sample.derived))
    far = any(numeric(value) and np.any(np.abs(value) > FAR) for value in sample.point.values.values())
    if far or not np.any(np.isfinite(hand) & ~np.isfinite(derived)):
        return None  # far out it is an overflow, which a guard may be for
    return Compared(Status.NOT_DECIDED, "numbers", note="the derivation goes through an infinite value, and has none here")


def _digits(hand: Any, derived: Any, most: int) -> int:
    finite = np.isfinite(derived)  # what is not is the same on both sides
    scale = float(np.max(np.abs(derived), initial=0.0, where=finite)) or 1.0
    error = float(np.max(np.abs(hand - derived), initial=0.0, where=finite)) / scale
    return int(np.clip(np.floor(-np.log10(max(error, 1e-16))), 0, most))


# ---- graphs --------------------------------------------------------------------------------------------------------


def _compare_nodes(sample: Sample, names: Sequence[str]) -> dict[str, Compared]:
    """Decide about every element of several gradients at once, in the graph they share."""
    graph = sample.graph
    if graph is None:
        raise InternalError("comparison of nodes without a graph")
    pairs = [pair for name in names for pair in zip(sample.nodes[name].nodes, sample.references[name].nodes, strict=True)]
    decisions = decide_all(graph, pairs, near=sample.run.checked.point if sample.run else None)
    found: dict[str, Compared] = {}
    for name in names:
        count = len(sample.nodes[name].nodes)
        found[name] = _merged(sample, name, decisions[:count])
        decisions = decisions[count:]
    return found


def _merged(sample: Sample, name: str, decisions: Sequence[Decision]) -> Compared:
    """Return the outcome of one gradient from the decisions on its elements; the largest relative difference is the witness."""
    statuses = {decision.status for decision in decisions}
    if "differs" in statuses:
        return _guarded(sample, name, decisions) or _nowhere_finite(sample, name) or _different(sample, name, decisions)
    if "undecided" in statuses:
        return compare_numbers(sample, name, sample.hand[name], sample.derived[name])
    agreeing = [decision.digits for decision in decisions if decision.status == "agrees"]
    if agreeing:
        return Compared(Status.AGREES, "digits", digits=min(agreeing))
    tier = min((decision.tier for decision in decisions), key=_WEAKEST_FIRST.index, default="identical")
    return _precision(sample, Compared(Status.PROVED, tier))


def _different(sample: Sample, name: str, decisions: Sequence[Decision]) -> Compared:
    witnesses = ((k, decision.witness, decision.tier) for k, decision in enumerate(decisions) if decision.witness is not None)
    position, found, tier = max(witnesses, key=lambda row: relative_gap(row[1].left, row[1].right))
    shape = sample.nodes[name].shape
    element = tuple(int(k) for k in np.unravel_index(position, shape)) if shape else ()
    inputs = _moved(sample, found.point)
    return Compared(Status.DIFFERS, tier, witness=Witness(name, element, found.left, found.right, inputs, rigorous=True))


def _guarded(sample: Sample, name: str, decisions: Sequence[Decision]) -> Compared | None:
    """Return the acceptance of what is right up to a guard, or on a side of a comparison where nothing but rounding is left."""
    if sample.point.branch and _same_beyond(sample, name):
        return Compared(Status.GUARDED, "branch", note=f"right up to the guard at {sample.point.branch}")
    pairs = list(zip(sample.nodes[name].nodes, sample.references[name].nodes, strict=True))
    apart = [pair for pair, decision in zip(pairs, decisions, strict=True) if decision.witness is not None]
    guard = guard_between(sample.graph, apart) if sample.graph is not None else None
    return None if guard is None else Compared(Status.GUARDED, "guard", note=str(guard))


def _same_beyond(sample: Sample, name: str) -> bool:
    """Whether both sides are the same but for what an overflow guard, or underflow, makes of them far out."""
    hand, derived = np.asarray(sample.hand[name], dtype=float), np.asarray(sample.derived[name], dtype=float)
    slack = BEYOND * max(1.0, largest_of(sample.evaluated.adjoints)) if np.all(np.isfinite(hand)) else 0.0
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(hand - derived) <= slack))


def _precision(sample: Sample, outcome: Compared) -> Compared:
    """A formula that is right, computed in float32, is right to its digits only."""
    casts = sample.run.casts if sample.run else {}
    if not casts:
        return outcome
    kind, place = next(iter(casts.items()))
    where = f" ({place})" if place is not None else ""
    return replace(
        outcome, status=Status.AGREES, digits=7 if kind == "float32" else 3, note=f"formula proved; computed in {kind}{where}"
    )


def _moved(sample: Sample, point: Mapping[InputName, float]) -> tuple[tuple[str, Any], ...]:
    """Return the sample's values with the coordinates of a witness put in; what facts fix is worked out again."""
    moved = {name: np.array(value, dtype=float) for name, value in sample.point.values.items()}
    coordinates = dict(point)
    graph = sample.graph
    if graph is not None and sample.replacements:
        inputs = {node: name for name, node in graph.inputs.items()}
        fixed = map(inputs.__getitem__, sample.replacements)
        coordinates.update(zip(fixed, evaluate(graph, list(sample.replacements.values()), point), strict=True))
    for name, number in coordinates.items():
        if name.name in moved:
            moved[name.name][name.index] = number
    return tuple((name, value if value.ndim else float(value)) for name, value in moved.items())


# ---- further points


DRAWS = 5
DRAWS_ALONE = 24
MOST_DRAWN = 60
"""Further random points at which code with comparisons is run on plain numbers, those where it compares what the reference does
not, and the numbers in a point small enough."""


def disagreeing(
    source: Reference, call: HandCall, results: Sequence[Result], samples: Sequence[Sample], seed: int
) -> list[Point]:
    """Return a further random point at which plain numbers differ: comparisons may go ways together that none went alone.

    `(x > 0)` for `(w*x > 0)` is right on both sides of either, as long as w is positive.
    """
    compares = any(sample.graph is not None and sample.graph.conditions for sample in samples)
    small = next((s.point for s in samples if not s.point.example and s.point.count <= MOST_DRAWN), None)
    if not compares or small is None:
        return []
    drawn = (source.another(small, seed + draw) for draw in range(1, _draws(source, samples) + 1))
    return list(islice(filter(partial(_differs_at, source, call, results), drawn), 1))


def _draws(source: Reference, samples: Sequence[Sample]) -> int:
    lines = source.lines()
    return DRAWS_ALONE if any(_compares_alone(lines, sample) for sample in samples) else DRAWS


def _compares_alone(lines: Collection[tuple[str, int]], sample: Sample) -> bool:
    """Whether the code compares something that the reference does not: `dp - dn > 0` beside `max(0, dp - dn + margin)`.

    Each may be on either side at some sample, and never on different ones, between the two borders.
    """
    if sample.graph is None:
        return False
    values = sample.graph.values
    of_reference: dict[bool, list[float]] = {True: [], False: []}
    for key, at in sample.graph.conditions.items():
        shared = key in sample.shared or at.place is None or (at.place.filename, at.place.line) in lines
        gap = abs(float(values[at.left]) - float(values[at.right]))
        if np.isfinite(gap):
            of_reference[shared].append(gap)
    known = np.array(of_reference[True])
    return not all(np.any(np.abs(known - gap) <= 1e-9 * gap + 1e-12) for gap in of_reference[False])


def _differs_at(source: Reference, call: HandCall, results: Sequence[Result], point: Point) -> bool:
    try:
        sample = numeric_sample(source, call, results, point)
    except Exception:  # whatever code may raise: then there is no point here
        return False
    finite = all(np.all(np.isfinite(value)) for value in sample.evaluated.adjoints.values())
    return finite and any(outcome.status is Status.DIFFERS for outcome in compare_sample(sample).values())
