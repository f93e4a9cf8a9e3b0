"""The arrays that are tried as one definition each, and what they are taken apart into where they are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.capturing.record.recording import Recording
from symbackprop.capturing.record.variables import Variable
from symbackprop.capturing.roll.forms import Irregular
from symbackprop.capturing.roll.names import identifier
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph


@dataclass
class ArrayPlan:
    """One array to define: its states (several when they are laid side by side), and how its name is made."""

    wanted: tuple[str, ...]
    variable: Variable
    parts: list[ArrayPlan] = field(default_factory=list)
    refolded: Variable | None = None
    helped: bool = False

    def held(self, number: int) -> Iterator[tuple[int, int, int, Any]]:
        """Yield (time, number, offset, nodes) of every state."""
        states = [part.variable for part in self.parts] or [self.variable]
        for turn, state in enumerate(states):
            yield state.time, number, turn * state.nodes.size, state.nodes


def plans_for(recording: Recording, families: Sequence[Sequence[Variable]], outputs: Mapping[str, Any]) -> list[ArrayPlan]:
    """Return a plan for every family of states, and for every output under its name."""
    functions: dict[str, set[str]] = {}
    for family in families:
        functions.setdefault(identifier(family[0].name), set()).add(family[0].function)
    found = []
    for family in families:
        name, function = identifier(family[0].name), family[0].function
        prefixed = f"{function}_{name}"
        # a helper's names are prefixed where they clash
        wanted = (name,) if function == recording.function else (prefixed,) if len(functions[name]) > 1 else (name, prefixed)
        found += [part for plan in _family(wanted, family) for part in _unrolled(recording.graph, plan)]
    last = len(recording.locals)
    return found + [ArrayPlan((name,), Variable(name, nodes, recording.function, time=last)) for name, nodes in outputs.items()]


def _family(wanted: tuple[str, ...], family: Sequence[Variable]) -> list[ArrayPlan]:
    """Return one plan for the states of a loop laid side by side; several where their shapes differ."""
    if len(family) == 1:
        return [ArrayPlan(wanted, family[0])]
    parts = [ArrayPlan(tuple(f"{name}_{turn}" for name in wanted), one) for turn, one in enumerate(family, start=1)]
    if len({one.shape for one in family}) > 1:
        return parts
    return [ArrayPlan(wanted, replace(family[0], nodes=np.stack([one.nodes for one in family])), parts)]


def _unrolled(graph: Graph, plan: ArrayPlan) -> list[ArrayPlan]:
    """Return the turns of a recurrence, and the rows of an array that is filled from its own rows, as plans of their own."""
    states = plan.parts or (_rows(plan) if plan.variable.shape else [])
    own = {int(node) for node in plan.variable.nodes.flat if graph.arguments[int(node)]}
    before = {argument for node in own for argument in graph.arguments[node]}
    return states if len(states) > 1 and own & set(reachable(graph, before)) else [plan]


def _rows(plan: ArrayPlan) -> list[ArrayPlan]:
    return [
        ArrayPlan(tuple(f"{name}_{row}" for name in plan.wanted), replace(plan.variable, nodes=nodes))
        for row, nodes in enumerate(plan.variable.nodes, start=1)
    ]


def apart(recording: Recording, plan: ArrayPlan, problem: Irregular) -> list[ArrayPlan]:
    """Return the parts of an array that is no one formula: the states it was laid together from, or its rows.

    A number that is no one formula gets names for what it uses more than once.
    """
    if plan.parts:
        return plan.parts
    refolded = plan.refolded
    if refolded is not None:
        return [ArrayPlan(plan.wanted, refolded)]
    if not plan.variable.shape:
        shared = [] if plan.helped else _shared(recording, plan.variable)
        if not shared:
            raise Irregular(f"{plan.variable.name} (line {plan.variable.line}): {problem}")
        return [*shared, replace(plan, helped=True)]
    return _rows(plan)


def _shared(recording: Recording, variable: Variable) -> list[ArrayPlan]:
    """Return a plan for every number that a number uses more than once."""
    graph = recording.graph
    (node,) = variable.nodes.flat
    used = Counter(argument for one in reachable(graph, [int(node)]) for argument in graph.arguments[one])
    inner = [one for one, count in used.items() if count > 1 and graph.arguments[one] and graph.operations[one] != "neg"]
    return [
        ArrayPlan(("v",), Variable("v", np.array(one), variable.function, _line(graph, one), time=variable.time), helped=True)
        for one in sorted(inner)
    ]


def _line(graph: Graph, node: int) -> int | None:
    place = graph.places[node]
    return place.line if place else None


def foldings(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield shapes in which one axis is two or three."""
    for axis, extent in enumerate(shape):
        for parts in _factorings(extent, 2):
            yield (*shape[:axis], *parts, *shape[axis + 1 :])
    for axis, extent in enumerate(shape):
        for parts in _factorings(extent, 3):
            yield (*shape[:axis], *parts, *shape[axis + 1 :])


def _factorings(number: int, count: int) -> Iterator[tuple[int, ...]]:
    """Yield the ordered ways to write a number as a product of `count` numbers above 1."""
    if count == 1:
        yield (number,)
        return
    for first in range(2, number // 2 + 1):
        if number % first == 0:
            yield from ((first, *rest) for rest in _factorings(number // first, count - 1) if min(rest) > 1)
