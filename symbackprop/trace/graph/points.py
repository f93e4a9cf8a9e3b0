"""Other points at which a trace still describes the code: nearby, on the same side of every comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from symbackprop.trace.graph.evaluate import dependencies, evaluate
from symbackprop.trace.graph.graph import Condition, Graph, InputName, sides_of

Coordinates = Mapping[InputName, float]

RADII = (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-6)
"""Relative distances tried, the widest that stays on the path first."""
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Nearby:
    """A point on the path, how far (relatively) from the trace's point it was looked for, and the outputs there."""

    point: dict[InputName, float]
    radius: float
    outputs: tuple[float, ...]


def holds(condition: Condition, left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return where a comparison has the outcome it had in the trace."""
    table = {"<": np.less, "<=": np.less_equal, "==": np.equal}
    outcome = table[condition.relation](left, right)
    return np.asarray(outcome == condition.outcome)


def frozen_inputs(graph: Graph, conditions: Iterable[Condition]) -> set[InputName]:
    """Return the inputs that an equality fixed (`if t == 1`): they cannot move without leaving the path."""
    return set(dependencies(graph, sides_of(c for c in conditions if c.relation == "==" and c.outcome)))


def boundary(graph: Graph, conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return the comparisons that the trace's own point decided on a tie: there the code may not be
    differentiable."""
    return tuple(c for c in conditions if graph.values[c.left] == graph.values[c.right] and np.isfinite(graph.values[c.left]))


def nearby_points(
    graph: Graph, outputs: Sequence[int], count: int, *, seed: int = 0, single: Iterable[str] = (), radii: Sequence[float] = RADII
) -> list[Nearby]:
    """Return up to `count` random points on the path of the trace where every output is finite wherever it was.

    Inputs named in `single` take float32 values. Fewer points (or none) are returned when the path is too narrow, for
    instance when a comparison was decided by a tie.
    """
    tries = max(_TRIES, 2 * count) if len(graph) < 200_000 else 4
    return list(islice(_tried(graph, outputs, tries, seed, set(single), radii), count))


def _tried(
    graph: Graph, outputs: Sequence[int], tries: int, seed: int, single: set[str], radii: Sequence[float]
) -> Iterator[Nearby]:
    """Yield the points on the path among some random ones at each radius."""
    conditions = list(graph.conditions.values())
    frozen = frozen_inputs(graph, conditions)
    names = [name for name in graph.inputs if name not in frozen]
    if not names:
        # A computation without inputs, or one whose comparisons fix them all, has its own point only.
        if not graph.inputs or conditions:
            yield Nearby({}, 0.0, tuple(map(graph.values.__getitem__, outputs)))
        return
    rows = np.array([name.name in single for name in names])
    centre = np.array([graph.values[graph.inputs[name]] for name in names])
    random = np.random.default_rng(seed)
    for radius in radii:
        candidates = _moved(centre, radius * random.uniform(-1, 1, (len(names), tries)), rows)
        good, values = _on_path(graph, outputs, conditions, dict(zip(names, candidates, strict=True)), tries)
        for column in np.flatnonzero(good).tolist():
            yield _nearby(names, candidates, values, column, radius)


Numbers = np.ndarray[Any, Any]


def _moved(centre: Numbers, step: Numbers, single: Numbers) -> Numbers:
    """Return points around a centre. Zeros move by up to half a step; everything else keeps its sign."""
    candidates = np.where(centre[:, None] == 0, step / 2, centre[:, None] * (1 + step))
    candidates[single] = candidates[single].astype(np.float32)
    return candidates


def _nearby(names: Sequence[InputName], candidates: Numbers, values: Sequence[Any], column: int, radius: float) -> Nearby:
    point = {name: float(candidates[row, column]) for row, name in enumerate(names)}
    return Nearby(point, radius, tuple(float(value[column]) if np.ndim(value) else float(value) for value in values))


def _on_path(
    graph: Graph,
    outputs: Sequence[int],
    conditions: Sequence[Condition],
    points: Mapping[InputName, np.ndarray[Any, Any]],
    columns: int,
) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Return which of the points are on the path with finite outputs, and the outputs at all of them."""
    sides = sides_of(conditions)
    values = evaluate(graph, [*sides, *outputs], points)
    good = np.ones(columns, dtype=bool)
    for position, condition in enumerate(conditions):
        left, right = values[2 * position], values[2 * position + 1]
        if condition.relation == "==" and condition.outcome:
            continue
        good &= holds(condition, np.asarray(left), np.asarray(right))
    for node, value in zip(outputs, values[len(sides) :], strict=True):
        if np.isfinite(graph.values[node]):
            good &= np.isfinite(value)
    return good, values[len(sides) :]
