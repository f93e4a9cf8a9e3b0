"""Stability shifts: a maximum that is subtracted and cancels (`exp(z - z.max())`) is left out, after it was tried.

Each line's maxima are moved by arbitrary amounts, at the run's own numbers and at others; where the outputs stay the same, they
do not depend on the maxima, which are then 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbackprop.capturing.record.choices import VALUES, ChoiceGraph
from symbackprop.capturing.record.recording import Recording
from symbackprop.errors import InternalError
from symbackprop.trace.graph.elementary import TABLE, value_of
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.run.recorder import TracedValues

TRIES = 3
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Shift:
    """A maximum that cancels: the line that takes it."""

    line: int | None

    def __str__(self) -> str:
        return f"line {self.line}: the maximum is subtracted and cancels; it was left out after the result was seen not to move"


def without_shifts(recording: Recording, outputs: Sequence[int]) -> tuple[Recording, dict[int, int], tuple[Shift, ...]]:
    """Return the recording without the maxima that cancel, the new node of every old one, and what was dropped."""
    graph = recording.graph
    needed = reachable(graph, outputs)
    cancelling = {line: nodes for line, nodes in _by_line(graph, needed).items() if _cancels(graph, needed, outputs, nodes)}
    if not cancelling:
        return recording, {}, ()
    held = [*(local.value for local in recording.locals), *recording.results.values(), *recording.changed.values()]
    everything = reachable(graph, [*outputs, *(node for value in held for node in value.nodes)])
    new = _replayed(graph, everything, {node for nodes in cancelling.values() for node in nodes})
    return _renumbered(recording, new), new, tuple(map(Shift, cancelling))


def _by_line(graph: ChoiceGraph, needed: Sequence[int]) -> dict[int | None, list[int]]:
    """Return the maxima that each line takes."""
    lines: dict[int | None, list[int]] = {}
    for node in _maxima(graph, needed):
        place = graph.places[node]
        lines.setdefault(place.line if place else None, []).append(node)
    return lines


def _renumbered(recording: Recording, new: Mapping[int, int]) -> Recording:
    locals_ = tuple(replace(local, value=_moved(local.value, new)) for local in recording.locals)
    results, changed = ({p: _moved(v, new) for p, v in part.items()} for part in (recording.results, recording.changed))
    return replace(recording, locals=locals_, results=results, changed=changed)


def _moved(value: TracedValues, new: Mapping[int, int]) -> TracedValues:
    return TracedValues(value.shape, tuple(new[node] for node in value.nodes))


def _maxima(graph: ChoiceGraph, needed: Sequence[int]) -> list[int]:
    """Return the last nodes of chains of maxima (or minima) of what depends on the inputs."""
    inner: set[int] = set()
    found = []
    for node in reversed(needed):
        if graph.operations[node] not in ("maximum", "minimum"):
            continue
        if any(graph.operations[argument] == "constant" for argument in graph.arguments[node]):
            continue
        if node not in inner:
            found.append(node)
        inner.update(graph.arguments[node])
    return found


def _cancels(graph: ChoiceGraph, needed: Sequence[int], outputs: Sequence[int], nodes: Sequence[int]) -> bool:
    rng = np.random.default_rng(0)
    seen = 0
    for turn in range(TRIES):
        moved = {n: graph.values[n] * (1 + (0.3 * rng.normal() if turn else 0)) for n in needed if graph.operations[n] == "input"}
        before = values(graph, needed, moved, {})
        after = values(graph, needed, moved, {node: float(rng.normal()) for node in nodes})
        for output in outputs:
            if not np.isfinite(before[output]):
                continue
            seen += 1
            if not abs(before[output] - after[output]) <= TOLERANCE * max(1.0, abs(before[output])):
                return False
    return seen > 0


def values(
    graph: ChoiceGraph, needed: Sequence[int], inputs: Mapping[int, float], moved: Mapping[int, float]
) -> dict[int, float]:
    """Return the value of every node at other inputs, some nodes moved by an amount."""
    found: dict[int, float] = {}
    with np.errstate(all="ignore"):
        for node in needed:
            arguments = [found[argument] for argument in graph.arguments[node]]
            value = float(_value(graph, node, arguments)) if arguments else inputs.get(node, graph.values[node])
            found[node] = value + moved.get(node, 0.0)
    return found


def _value(graph: ChoiceGraph, node: int, arguments: list[float]) -> float:
    operation = graph.operations[node]
    if operation in VALUES:
        return float(VALUES[operation](*arguments))
    if operation in TABLE:
        return value_of(operation, arguments[0])
    match operation:
        case "add":
            return arguments[0] + arguments[1]
        case "mul":
            return arguments[0] * arguments[1]
        case "neg":
            return -arguments[0]
        case "div":
            return float(np.divide(arguments[0], arguments[1]))
        case "power":
            return float(np.power(arguments[0], float(graph.payloads[node])))  # type: ignore[arg-type]
    raise InternalError(f"{operation}: no value")


def _replayed(graph: ChoiceGraph, needed: Sequence[int], dropped: set[int]) -> dict[int, int]:
    """Build the nodes again with 0 in place of what is dropped; return new nodes by old ones."""
    new: dict[int, int] = {}
    for node in needed:
        arguments = tuple(new[argument] for argument in graph.arguments[node])
        if node in dropped:
            new[node] = graph.constant(0)
        elif arguments == graph.arguments[node]:
            new[node] = node
        else:
            graph.place = graph.places[node]
            new[node] = _again(graph, node, arguments)
    return new


def _again(graph: ChoiceGraph, node: int, arguments: tuple[int, ...]) -> int:
    operation, payload = graph.operations[node], graph.payloads[node]
    if operation in ("choose", "masked"):
        return graph.choose(*arguments)
    if operation in VALUES:
        return graph.record(operation, *arguments)
    if operation in TABLE:
        return graph.apply(operation, *arguments)
    if operation == "power":
        return graph.power(arguments[0], payload)  # type: ignore[arg-type]
    return {"add": graph.add, "mul": graph.mul, "div": graph.div, "neg": graph.neg}[operation](*arguments)  # type: ignore[operator, no-any-return]
