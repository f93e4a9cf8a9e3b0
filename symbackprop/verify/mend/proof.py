"""Whether changed code is right: exactly where the code is traced, in numbers where mends usually turn out to be none.

A mend has to hold at the point that showed the mistake, at the example, at other values of every size (1 too), and far out; to
fail where the unchanged code did not is no mend, nor is to change an argument.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError
from symbackprop.guest.visit import described
from symbackprop.trace.graph.graph import Condition, Graph
from symbackprop.verify.binding.binding import HandCall, Outcome, Result, loss_path, numeric, return_names, run
from symbackprop.verify.binding.results import read
from symbackprop.verify.equal.branches import Flip, find_flips
from symbackprop.verify.equal.compare import compare_sample, disagreeing
from symbackprop.verify.explain.evaluation import same
from symbackprop.verify.mend.elsewhere import elsewhere
from symbackprop.verify.mend.settings import Setting, settings
from symbackprop.verify.records import Status, Verdict
from symbackprop.verify.reference.limits import Side, is_beyond, limits, sides
from symbackprop.verify.reference.loss_reference import LossReference
from symbackprop.verify.reference.network_values import Evaluated
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.samples import Sample, numeric_sample, traced_sample, with_coordinates, with_defined

MOST_FLIPS = 3
"""Points on the other sides of comparisons at which changed code is checked as well."""
FARTHEST = 1e6
"""Numbers beyond which no other side is looked for: a mask of -1e9 is exceeded by none that code is meant for."""
LARGE = 20_000
"""Operations of a trace beyond which one of these points has to do."""
ACCEPTED = frozenset({Status.PROVED, Status.AGREES, Status.GUARDED})
Numbers = Mapping[str, Any]
Runner = Callable[[HandCall, Numbers], Outcome]
"""How code is run: each time in a visit of its own, or inside one."""


def agrees(hand: Any, derived: Any) -> bool:
    """Whether two arrays are equal up to rounding; two zeros agree."""
    if isinstance(hand, float) and isinstance(derived, float):
        return abs(hand - derived) <= 1e-8 * abs(derived) + 1e-15
    hand, derived = np.asarray(hand), np.asarray(derived)
    if hand.shape != derived.shape or hand.dtype.kind not in "fiu":
        return False
    return same(hand, derived) or bool(np.all(np.abs(hand) < 1e-13) and np.all(np.abs(derived) < 1e-13))


@dataclass(frozen=True)
class MendPoint:
    """A point at which a mend is tried: both sides' numbers there, of the code as it stands, or what it `raises`.

    `others` are results that are compared with nothing, by the names of their variables; `known` are values of the reference, the
    loss under "".
    """

    values: Numbers
    derived: Numbers
    hand: Numbers
    changes: frozenset[str]
    kinks: frozenset[str]
    raises: str = ""
    others: Numbers = field(default_factory=dict)
    known: Numbers = field(default_factory=dict)

    def holds(self, name: str, found: Any) -> bool:
        """Whether a gradient is right here; where the code as it stands is not finite, a mend need not be either."""
        derived = np.asarray(self.derived[name], dtype=float)
        if name in self.kinks or not np.all(np.isfinite(derived)):
            return True
        if not _finite(found):
            return not _finite(self.hand.get(name))
        found = np.asarray(found)
        if found.shape != derived.shape:
            return False
        scale = float(np.max(np.abs(derived), initial=0.0))
        return bool(np.all(np.abs(found - derived) <= 1e-7 * np.abs(derived) + 1e-9 * scale + 1e-13))

    def keeps(self, others: Numbers) -> bool:
        """Whether results that are compared with nothing are what they were, or what the reference has: the loss, a node.

        An array that is neither, such as the adjoint of a first state, may follow what is mended.
        """
        return all(name in others and self._is_kept(name, others[name]) for name in self.others)

    def _is_kept(self, name: str, found: Any) -> bool:
        before, known = self.others[name], [value for value in (self.known.get(""), self.known.get(name)) if value is not None]
        free = np.ndim(before) > 0 and not any(_alike(before, value) for value in known)
        return (free and np.shape(found) == np.shape(before)) or any(_alike(found, value) for value in (before, *known))


def _alike(found: Any, other: Any) -> bool:
    """Whether two results are the same numbers, up to rounding."""
    if np.shape(found) != np.shape(other):
        return False
    found, other = np.asarray(found, dtype=float), np.asarray(other, dtype=float)
    return bool(np.allclose(found, other, rtol=1e-9, atol=1e-12, equal_nan=True))


def _finite(value: Any) -> bool:
    return value is not None and np.asarray(value).dtype.kind in "fiu" and bool(np.all(np.isfinite(value)))


def outcome_at(call: HandCall, results: Sequence[Result], values: Numbers) -> tuple[Numbers, frozenset[str], Numbers]:
    """Run code on plain numbers; return its gradients, the paths of the arguments that it changed, and results that are bound
    to nothing."""
    outcome = run(call, values)
    before = {path: values[name] for path, name in call.paths.items() if name in values}
    changed = {p for p, v in before.items() if p in outcome.finals and not np.array_equal(v, outcome.finals[p], equal_nan=True)}
    return read(call, results, outcome, values), frozenset(changed), _unbound(call, results, outcome)


def _unbound(call: HandCall, results: Sequence[Result], outcome: Outcome) -> dict[str, Any]:
    """Return the numbers that code returns and that are no gradient of anything known, by their variables or places."""
    bound = tuple(f"{result.path}." for result in results if result.returned)
    labels = return_names(call.function)
    left = {path: leaf for path, leaf in outcome.returned.items() if not f"{path}.".startswith(bound) and "." not in bound}
    return {labels.get(path, path): leaf for path, leaf in left.items() if numeric(leaf)}


def _values_of(source: Reference, values: Numbers, evaluated: Evaluated) -> dict[str, Any]:
    """Return what a reference has beside gradients: its nodes, and under "" its loss."""
    if not isinstance(source, LossReference):
        return {**evaluated.nodes, "": evaluated.nodes.get(source.vocabulary.loss)}
    returned = run(source.call, values).returned
    path = loss_path({path: int(np.size(leaf)) for path, leaf in returned.items() if numeric(leaf)})
    return {"": returned[path]} if path is not None else {}


LEAST_COUNTED = 2000
"""Nodes of a trace beyond which it is counted how much work a run is."""


def _instructions(call: HandCall, values: Numbers, most: int) -> int:
    """Return how many instructions of Python one run takes, counted up to a number; that number where it fails."""
    count = 0

    def counted(frame: types.FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return counted if count < most else None

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        run(call, values)
    except Exception:  # whatever the code raises
        return most
    finally:
        sys.settrace(before)
    return min(count, most)


@dataclass(frozen=True)
class Case:
    """Handwritten code that differs from its reference: what any change of it has to give."""

    source: Reference
    call: HandCall
    results: tuple[Result, ...]
    samples: tuple[Sample, ...]
    verdicts: Mapping[str, Verdict]
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The names whose gradients are compared."""
        return frozenset(result.node for result in self.results)

    @cached_property
    def wrong(self) -> frozenset[str]:
        """The names whose gradients differ."""
        return frozenset(name for name, verdict in self.verdicts.items() if verdict.status is Status.DIFFERS)

    @cached_property
    def compares(self) -> bool:
        """Whether the code or its reference compares anything, as a relu does; unknown where nothing was traced."""
        graphs = [sample.graph for sample in self.samples if sample.graph is not None]
        return not graphs or any(graph.conditions for graph in graphs)

    @cached_property
    def work(self) -> int:
        """How much work one run of the code is: the nodes of its trace, or where whole arrays are computed at once, as in the
        steps of a recurrent network, its instructions and a small share of the nodes."""
        sample = self.samples[0]
        nodes = len(sample.graph.operations) if sample.graph is not None else 0
        if nodes > LEAST_COUNTED:
            nodes = min(nodes, nodes // 20 + _instructions(self.call, self.values[0], 4 * nodes) // 4)
        return max(nodes, sample.point.count, 500)

    @cached_property
    def values(self) -> tuple[Numbers, ...]:
        """What the code is given at each sample."""
        return tuple(with_defined(self.call, self.source, sample.point.values) for sample in self.samples)

    def right(self, call: HandCall, run: Runner = run) -> frozenset[tuple[int, str]]:
        """Return at which samples which gradients are right in numbers; nothing when the code fails at the first."""
        found: set[tuple[int, str]] = set()
        for k, (sample, values) in enumerate(zip(self.samples, self.values, strict=True)):
            try:
                given = read(call, self.results, run(call, values), values)
            except Exception:  # whatever changed code may raise
                return frozenset()
            here = {name for name in self.names if name in given and agrees(given[name], sample.evaluated.adjoints[name])}
            if not here & self.wrong:
                return frozenset(found)
            found |= {(k, name) for name in here}
        return frozenset(found)

    @cached_property
    def before(self) -> frozenset[tuple[int, str]]:
        """What is right in the code as it stands."""
        found: set[tuple[int, str]] = set()
        for k, sample in enumerate(self.samples):
            found |= {(k, n) for n in self.names if n in sample.hand and agrees(sample.hand[n], sample.evaluated.adjoints[n])}
        return frozenset(found)

    @cached_property
    def all(self) -> frozenset[tuple[int, str]]:
        """What has to be right."""
        return frozenset((k, name) for k in range(len(self.samples)) for name in self.names)

    @cached_property
    def usual(self) -> frozenset[Side]:
        """On which sides of guards the samples are."""
        return frozenset(
            side for s in self.samples if s.graph is not None for side in sides(s.graph, s.graph.conditions.values())
        )

    @cached_property
    def places(self) -> tuple[MendPoint, ...]:
        """The points at which changed code is tried in numbers, those with a witness first."""
        witnesses = [v.witness for v in self.verdicts.values() if v.witness is not None]
        points = [Point(dict(witness.inputs), "") for witness in witnesses[:3]]
        points += [point for point in self.source.points(0) if point.example]
        return (*(replace(place, raises="") for place in self._places(points)), *self._places(elsewhere(self.source)))

    def _places(self, points: Sequence[Point]) -> list[MendPoint]:
        return [place for point in points if (place := self._place(point)) is not None]

    def _place(self, point: Point) -> MendPoint | None:
        try:
            evaluated = self.source.numbers(point.values)
            derived, known = evaluated.adjoints, _values_of(self.source, point.values, evaluated)
            values = with_defined(self.call, self.source, point.values)
            kinks = frozenset(name for _, names in self.source.kinks(point.values) for name in names)
        except Exception:  # whatever the reference or its owner's code raises there: nothing is known of this point
            return None
        try:
            hand, changed, others = outcome_at(self.call, self.results, values)
        except Exception as problem:  # whatever the code raises there by itself
            return MendPoint(values, derived, {}, frozenset(self.call.paths), kinks, described(problem))
        return MendPoint(values, derived, hand, changed, kinks, "", others, known)

    @cached_property
    def beside(self) -> tuple[tuple[Setting, MendPoint], ...]:
        """What both passes hold beside arrays, changed one by one: only where the code as it stands is wrong as it was."""
        return tuple((at, place) for at in self._settings if (place := self._place_at(at)) is not None)

    @cached_property
    def _settings(self) -> list[Setting]:
        return settings(self.source, self.call, self.places[0].values if self.places else self.values[0])

    @cached_property
    def unmoved(self) -> Mapping[str, float]:
        """The settings that had one value only, as nothing runs at another: a stride that the length of a target goes with."""
        moved = {at.name for at, _ in self.beside}
        return {at.name: at.number for at in self._settings if at.name not in moved}

    def _place_at(self, at: Setting) -> MendPoint | None:
        place = replace(self, source=at.source, call=at.call)._place(Point(dict(at.values), ""))
        if place is None or place.raises or not all(map(_finite, place.derived.values())):
            return None
        right = self.names - self.wrong
        return place if all(name in place.hand and place.holds(name, place.hand[name]) for name in right) else None

    @cached_property
    def failing(self) -> bool:
        """Whether the code as it stands is wrong at one of the points of a proof at least."""
        given = [(place, name) for place in self.places for name in self.wrong & set(place.hand)]
        return self.before != self.all or any(not place.holds(name, place.hand[name]) for place, name in given)


def proved(case: Case, changed: HandCall) -> Status | None:
    """Return the status of changed code: proved, or agrees where it can only be compared in numbers; None when it is wrong."""
    if not case.failing:
        return None
    statuses = {_at(case, changed, place) for place in case.places}
    if None in statuses:
        return None
    others = disagreeing(case.source, changed, case.results, case.samples, 0)
    if not all(_up_to_guards(case, changed, point.values) for point in others):
        return None
    for sample in case.samples:
        found = set(_statuses(case, changed, sample))
        if not found or not found <= ACCEPTED:
            return None
        statuses |= found
    return Status.PROVED if statuses == {Status.PROVED} else Status.AGREES


def _up_to_guards(case: Case, changed: HandCall, values: Numbers) -> Status | None:
    """Return the status of changed code that is another one for a guard alone: it holds there, as at no sample, or adds its ε."""
    try:
        sample = traced_sample(case.source, changed, case.results, Point(values, ""))
    except SymbackpropError:
        return None
    if sample.graph is None:
        return None
    beyond = case.usual and is_beyond(sides(sample.graph, sample.graph.conditions.values()), case.usual)
    found = {outcome.status for outcome in compare_sample(sample).values()}
    return Status.GUARDED if beyond or (Status.GUARDED in found and found <= ACCEPTED) else None


def _at(case: Case, changed: HandCall, place: MendPoint) -> Status | None:
    """Return the status of changed code at a point: none where it is wrong; no proof where it fails as the code did before.

    Code that does not take a single step of time need not after a mend.
    """
    try:
        found, changes, others = outcome_at(changed, case.results, place.values)
    except Exception as problem:
        return Status.AGREES if _kind(described(problem)) == _kind(place.raises) else None
    if not changes <= place.changes or not place.keeps(others):
        return None
    holds = all(name in found and place.holds(name, found[name]) for name in case.names)
    return Status.PROVED if holds else _up_to_guards(case, changed, place.values)


def holds_beside(case: Case, changed: Callable[[HandCall], HandCall | None]) -> bool:
    """Whether a change mends the code at other settings too: `1 / self.steps` is no `self.dt` where only one of them moves."""
    for at, place in case.beside:
        call = changed(at.call)
        try:
            found = outcome_at(call, case.results, place.values)[0] if call is not None else {}
        except Exception:  # whatever changed code may raise where the code as it stands does not
            return False
        if not all(name in found and place.holds(name, found[name]) for name in case.names):
            return False
    return True


def _kind(raised: str) -> str:
    """Return the kind of an exception: another function words it otherwise."""
    return raised.partition(":")[0]


def _statuses(case: Case, changed: HandCall, sample: Sample) -> Iterator[Status]:
    take: Callable[..., Sample] = traced_sample if sample.traced else numeric_sample
    try:
        checked = take(case.source, changed, case.results, sample.point)
    except SymbackpropError:
        yield Status.ERROR
        return
    yield from (outcome.status for outcome in compare_sample(checked).values())
    yield from _beyond(case, changed, checked)


def _without_guards(graph: Graph, conditions: Sequence[Condition]) -> list[Condition]:
    guards = limits(graph, conditions)
    return [condition for condition in conditions if condition.place is not None and condition not in guards]


def _flips(graph: Graph, conditions: Sequence[Condition]) -> Iterator[Flip]:
    """Return a few points on other sides of comparisons, none that is out of all proportion."""
    near = (flip for flip in find_flips(graph, conditions).points if max(map(abs, flip.point.values())) < FARTHEST)
    return islice(near, MOST_FLIPS if len(graph.operations) <= LARGE else 1)


def _beyond(case: Case, changed: HandCall, checked: Sample) -> Iterator[Status]:
    """Yield the outcomes on the other sides of comparisons: `(x > 0)` mends nothing because x happened to be positive."""
    if checked.graph is None or checked.run is None:
        return
    for flip in _flips(checked.graph, _without_guards(checked.graph, checked.run.conditions)):
        values = case.source.respecting(with_coordinates(checked.point.values, flip.point))
        try:
            point = Point(values, checked.point.label, branch="the other side" if flip.far else "")
            other = traced_sample(case.source, changed, case.results, point)
        except SymbackpropError:
            continue
        if all(np.all(np.isfinite(value)) for value in other.derived.values()):
            yield from (outcome.status for outcome in compare_sample(other).values())
