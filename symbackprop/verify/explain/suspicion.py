"""Which lines what is wrong comes through: every result's own lines, and where its numbers depart, from the graph of a trace.

A line that all wrong gradients depend on, and none of the right ones, is the likeliest place of one mistake (spectrum-based fault
localisation: Jones, Harrold 2005, with dependencies in place of executions).

A number of the code that also occurs in the reference (its forward pass, its adjoints, their parts) is right, and so is what it
was made of. Of what is left, the numbers that were made of right ones alone are where the code departs: the mistake is on their
line, or, where no single line makes all of them, between that line and what it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.verify.explain.evaluation import same
from symbackprop.verify.reference.samples import Sample

Line = tuple[str, int]
DEPARTING, FEEDING, RIGHT = 0.3, 0.2, -0.3
"""How much more a line is suspected that makes first wrong numbers; one that these are made of, where none makes all; and how
much less one whose numbers are all right."""
TOLERANCE = 1e-10


def suspicion(sample: Sample, wrong: Iterable[str]) -> dict[Line, float]:
    """Return line → suspicion between -1 and 1: the share of wrong results minus the share of right ones that pass through it."""
    bad = set(wrong)
    through = lines_of_results(sample)
    wrong_sets = [found for name, found in through.items() if name in bad]
    right_sets = [found for name, found in through.items() if name not in bad]
    every = set().union(*wrong_sets) if wrong_sets else set()
    return {line: share(line, wrong_sets) - share(line, right_sets) for line in every}


def share(line: Line, sets: Iterable[set[Line]]) -> float:
    """Return the share of the results that come through a line."""
    listed = list(sets)
    return sum(line in found for found in listed) / len(listed) if listed else 0.0


def lines_of_results(sample: Sample) -> dict[str, set[Line]]:
    """Return name → the lines that its handwritten gradient comes through."""
    graph, run = sample.graph, sample.run
    if graph is None or run is None:
        return {}
    lines = lines_of_nodes(sample)
    return {name: _passed(graph, value, lines) for name, value in sample.nodes.items()}


def lines_of_nodes(sample: Sample) -> Mapping[int, set[Line]]:
    """Return node → the lines that made it or put it into a variable."""
    return _lines(sample.graph, sample.run.locals) if sample.graph is not None and sample.run is not None else {}


def _lines(graph: Graph, locals_: Iterable[object]) -> Mapping[int, set[Line]]:
    """Return node → the lines that made it or put it into a variable."""
    found: dict[int, set[Line]] = {}
    for node, place in enumerate(graph.places):
        if place is not None:
            found.setdefault(node, set()).add((place.filename, place.line))
    for local in locals_:
        value, place = getattr(local, "value", None), getattr(local, "place", None)
        if isinstance(value, TracedValues) and place is not None:
            for node in value.nodes:
                if graph.arguments[node]:
                    found.setdefault(node, set()).add((place.filename, place.line))
    return found


def _passed(graph: Graph, value: TracedValues, lines: Mapping[int, set[Line]]) -> set[Line]:
    passed: set[Line] = set()
    for node in reachable(graph, value.nodes):
        passed |= lines.get(node, set())
    return passed


# ---- where the numbers depart


@dataclass(frozen=True, slots=True)
class Departures:
    """Nodes of the code: wrong ones that are made of right ones, what these read, and all wrong ones; `partial` are those read
    that the reference only adds something to, so that a summand may be missing."""

    first: frozenset[int]
    read: frozenset[int]
    wrong: frozenset[int]
    partial: frozenset[int]


def departures(sample: Sample, wrong: Collection[str]) -> Departures:
    """Return where the numbers of the wrong results depart from those of the reference, at one traced sample."""
    graph = sample.graph
    if graph is None:
        return Departures(frozenset(), frozenset(), frozenset(), frozenset())
    results = _wrong_elements(sample, wrong)
    own = reachable(graph, results)
    compared = [node for condition in graph.conditions.values() for node in (condition.left, condition.right)]
    inside = reachable(graph, [*_nodes(sample.references.values()), *compared])
    known = _numbers(graph, inside)
    occurs = dict(zip(own, _among(np.array([graph.values[node] for node in own]), known), strict=True))
    right = _right(graph, own, occurs, results)
    departing = [node for node in own if not right[node]]
    multiple = _first_multiple(sample, wrong, occurs, known, set(departing))
    first = multiple or [node for node in departing if all(map(right.get, graph.arguments[node]))]
    read = _read(graph, first)
    partial = _summands(graph, inside, sorted(read))
    return Departures(frozenset(first), frozenset(read), frozenset({*departing, *multiple}), partial)


def _read(graph: Graph, first: Iterable[int]) -> set[int]:
    """Return the nodes that other lines made, of which the lines of some nodes make them."""
    waiting, seen = list(first), set(first)
    found: set[int] = set()
    while waiting:
        node = waiting.pop()
        for argument in graph.arguments[node]:
            if graph.arguments[argument] and argument not in seen:
                seen.add(argument)
                own = graph.places[argument] == graph.places[node]
                (waiting.append if own else found.add)(argument)
    return found


def _nodes(values: Iterable[TracedValues]) -> list[int]:
    return [node for value in values for node in value.nodes]


def _wrong_elements(sample: Sample, wrong: Collection[str]) -> frozenset[int]:
    """Return the nodes of the elements that differ."""
    found: set[int] = set()
    for name in wrong:
        value = sample.nodes.get(name)
        derived = np.asarray(sample.derived.get(name, ()), dtype=float)
        if value is None or value.shape != derived.shape:
            continue
        pairs = zip(value.nodes, np.asarray(sample.hand[name]).reshape(-1), derived.reshape(-1), strict=True)
        found |= {node for node, hand, goal in pairs if not (same(hand, goal) or hand == goal)}
    return frozenset(found)


def _right(graph: Graph, own: Sequence[int], occurs: Mapping[int, bool], results: Collection[int]) -> dict[int, bool]:
    """Return for each node whether it is right: a leaf, a number of the reference, or what such a one was made of."""
    right: dict[int, bool] = {}
    for node in reversed(own):  # what uses a node comes before it
        leaf = not graph.arguments[node]
        right[node] = leaf or (node not in results and (occurs[node] or right.get(node, False)))
        if right[node]:
            right.update(dict.fromkeys(graph.arguments[node], True))
    return right


def _first_multiple(
    sample: Sample, wrong: Collection[str], occurs: Mapping[int, bool], known: Numbers, departing: set[int]
) -> Sequence[int]:
    """Return the first variable whose numbers are all one multiple of numbers of the reference (-1, 2 or a size of them), while
    nothing that is right comes through it; what two wrong signs make is right."""
    graph, run = sample.graph, sample.run
    assert graph is not None
    shared = set(reachable(graph, _nodes(value for name, value in sample.nodes.items() if name not in wrong)))
    strange = {node for node, known_there in occurs.items() if not known_there} - shared
    for local in run.locals if run is not None else ():
        nodes = [node for node in local.value.nodes if graph.values[node] != 0]
        if len(nodes) < FEWEST or not strange.issuperset(nodes):
            continue
        factors = _factors(sample) if departing.issuperset(nodes) else {-1.0}
        if _is_multiple(graph, nodes, known, factors):
            return nodes
    return ()


def _is_multiple(graph: Graph, nodes: Sequence[int], known: Numbers, factors: Iterable[float]) -> bool:
    values = np.array([graph.values[node] for node in nodes])
    return any(np.all(_among(factor * values, known)) for factor in factors)


def _factors(sample: Sample) -> set[float]:
    """Return by what numbers are usually wrong: a sign, a 2, a size."""
    sizes = {float(size) for value in sample.point.values.values() for size in np.shape(value) if size > 1}
    return {-1.0, 2.0, 0.5, -2.0, -0.5, *sizes, *(1 / size for size in sizes)}


FEWEST = 2
"""Numbers of a variable at least that have to be one multiple of right ones."""
Numbers = np.ndarray[Any, Any]


def _numbers(graph: Graph, nodes: Iterable[int]) -> Numbers:
    """Return the numbers of the reference, in order."""
    values = np.array([graph.values[node] for node in nodes if graph.operations[node] != "constant"])
    return np.sort(values[np.isfinite(values)])


def _summands(graph: Graph, inside: Sequence[int], read: Sequence[int]) -> frozenset[int]:
    """Return which nodes have values that the reference only adds to others."""
    others = {argument for node in inside if graph.operations[node] != "add" for argument in graph.arguments[node]}
    added = {argument for node in inside if graph.operations[node] == "add" for argument in graph.arguments[node]} - others
    here = np.array([graph.values[node] for node in read])
    only = _among(here, _numbers(graph, added)) & ~_among(here, _numbers(graph, others))
    return frozenset(node for node, is_summand in zip(read, only, strict=True) if is_summand)


def _among(values: Numbers, known: Numbers) -> Numbers:
    """Return which values occur among the known ones, up to rounding; 0 always does."""
    found: Numbers = values == 0
    if known.size:
        at = np.searchsorted(known, values)
        for side in (known[np.clip(at - 1, 0, known.size - 1)], known[np.clip(at, 0, known.size - 1)]):
            found |= np.abs(values - side) <= TOLERANCE * np.abs(values)
    return found


def with_departures(sample: Sample, wrong: Collection[str], doubt: Mapping[Line, float]) -> dict[Line, float]:
    """Return how much lines are suspected, with what the numbers on them say."""
    graph = sample.graph
    found = departures(sample, wrong)
    if graph is None or not found.first:
        return dict(doubt)
    made = _made(graph)
    first, departing = _made_on(found.first, made), _made_on(found.wrong, made)
    through = [passed for name, passed in lines_of_results(sample).items() if name in wrong]
    alone = any(share(line, through) >= 1.0 - 1e-9 for line in first)
    lines = lines_of_nodes(sample)
    read, feeding = (
        {line for node in nodes for line in lines.get(node, ())} for nodes in (found.read, found.partial if alone else found.read)
    )
    right = set(made.values()) - departing - read if alone else ()
    added = {**dict.fromkeys(right, RIGHT), **dict.fromkeys(feeding, FEEDING), **dict.fromkeys(first, DEPARTING)}
    return {line: degree + added.get(line, 0.0) for line, degree in doubt.items()}


def _made(graph: Graph) -> dict[int, Line]:
    return {node: (place.filename, place.line) for node, place in enumerate(graph.places) if place is not None}


def _made_on(nodes: Iterable[int], made: Mapping[int, Line]) -> set[Line]:
    return {made[node] for node in nodes if node in made}
