"""Which lines only the wrong results come through: every result's own lines, from the graph of a trace.

A line that all wrong gradients depend on, and none of the right ones, is the likeliest place of one mistake (spectrum-based fault
localisation: Jones, Harrold 2005, with dependencies in place of executions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.verify.reference.samples import Sample

Line = tuple[str, int]


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
    lines = _lines(graph, run.locals)
    return {name: _passed(graph, value, lines) for name, value in sample.nodes.items()}


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
