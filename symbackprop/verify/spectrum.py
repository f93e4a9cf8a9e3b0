"""Which lines only the wrong results come through: every result's own lines, from the graph of a trace.

A line that all wrong gradients depend on, and none of the right ones, is the likeliest place of one mistake (spectrum-based fault
localisation: Jones, Harrold 2005, with dependencies in place of executions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symbackprop.verify.evaluate import reachable
from symbackprop.verify.graph import Graph
from symbackprop.verify.recorder import Value
from symbackprop.verify.samples import Sample

Line = tuple[str, int]


def suspicion(sample: Sample, wrong: Iterable[str]) -> dict[Line, float]:
    """Return line → suspicion between -1 and 1: the share of wrong results minus the share of right ones that pass through it."""
    graph, run = sample.graph, sample.run
    if graph is None or run is None:
        return {}
    bad = set(wrong)
    lines = _lines(graph, run.locals)
    through = {name: _passed(graph, value, lines) for name, value in sample.nodes.items()}
    wrong_sets = [found for name, found in through.items() if name in bad]
    right_sets = [found for name, found in through.items() if name not in bad]
    every = set().union(*wrong_sets) if wrong_sets else set()
    return {line: _share(line, wrong_sets) - _share(line, right_sets) for line in every}


def _share(line: Line, sets: list[set[Line]]) -> float:
    return sum(line in found for found in sets) / len(sets) if sets else 0.0


def _lines(graph: Graph, locals_: Iterable[object]) -> Mapping[int, set[Line]]:
    """Return node → the lines that made it or put it into a variable."""
    found: dict[int, set[Line]] = {}
    for node, place in enumerate(graph.places):
        if place is not None:
            found.setdefault(node, set()).add((place.filename, place.line))
    for local in locals_:
        value, place = getattr(local, "value", None), getattr(local, "place", None)
        if isinstance(value, Value) and place is not None:
            for node in value.nodes:
                if graph.arguments[node]:
                    found.setdefault(node, set()).add((place.filename, place.line))
    return found


def _passed(graph: Graph, value: Value, lines: Mapping[int, set[Line]]) -> set[Line]:
    passed: set[Line] = set()
    for node in reachable(graph, value.nodes):
        passed |= lines.get(node, set())
    return passed
