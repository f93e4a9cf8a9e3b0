"""Other branches: points at which the comparisons of a trace go the other way.

A trace speaks for one path through the code. `find_flips` looks for a few points that, between them, flip as many
comparisons as possible; tracing the code again there (`trace(…, at=point)`) visits the other branches. What could not
be flipped is listed, so that a verdict can say what it does not cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.verify.evaluate import dependencies, evaluate
from symbackprop.verify.graph import Condition, Graph, InputName
from symbackprop.verify.points import holds

Values = np.ndarray[Any, Any]

_RANDOM = 48
_STEPS = 6


@dataclass(frozen=True, slots=True)
class Flips:
    """Points, each with the comparisons it flips for the first time; the comparisons no point flips.

    `thin` are comparisons for equality that came out unequal: their other side is a set of measure zero.
    """

    points: tuple[tuple[dict[InputName, float], tuple[Condition, ...]], ...]
    unvisited: tuple[Condition, ...]
    thin: tuple[Condition, ...]


def find_flips(graph: Graph, conditions: Sequence[Condition] | None = None, *, seed: int = 0) -> Flips:
    """Look for points that flip comparisons: random ones first, then a few steps towards the border of each that is
    left.

    The sides of a comparison are evaluated as the trace computed them; where an earlier comparison flips as well, the
    code may take yet another path, which tracing it at the point will show.
    """
    given = list(graph.conditions.values()) if conditions is None else list(conditions)
    thin = tuple(c for c in given if c.relation == "==" and not c.outcome)
    wanted = [c for c in given if c not in thin and dependencies(graph, (c.left, c.right))]
    names = dependencies(graph, [node for c in wanted for node in (c.left, c.right)])
    if not wanted:
        return Flips((), (), thin)
    random = np.random.default_rng(seed)
    centre = np.array([graph.values[graph.inputs[name]] for name in names])
    candidates = _random_points(random, centre)
    flipped = _flipped(graph, wanted, names, candidates)
    for k in np.flatnonzero(~flipped.any(axis=1)):
        column = _towards_border(graph, wanted[k], names, centre, random)
        if column is not None:
            candidates = np.column_stack([candidates, column])
            flipped = np.column_stack([flipped, _flipped(graph, wanted, names, column[:, None])])
    points = []
    waiting = flipped.any(axis=1)
    unvisited = tuple(wanted[k] for k in np.flatnonzero(~waiting))
    while waiting.any():
        best = int(np.argmax(flipped[waiting].sum(axis=0)))
        now = waiting & flipped[:, best]
        point = {name: float(value) for name, value in zip(names, candidates[:, best], strict=True)}
        points.append((point, tuple(wanted[k] for k in np.flatnonzero(now))))
        waiting &= ~now
    return Flips(tuple(points), unvisited, thin)


def _random_points(random: np.random.Generator, centre: Values) -> Values:
    """Near and far, with the signs as they are and without: columns are points."""
    count = _RANDOM // 3
    shape = (len(centre), count)
    typical = max(1.0, float(np.median(np.abs(centre))))
    stretched = centre[:, None] * random.uniform(0.2, 3.0, shape)
    signed = centre[:, None] * random.uniform(-2.0, 2.0, shape)
    anywhere = random.normal(size=shape) * typical
    zero = (centre == 0)[:, None] * random.normal(size=(len(centre), 2 * count)) * typical
    return np.column_stack([stretched + zero[:, :count], signed + zero[:, count:], anywhere])


def _sides(
    graph: Graph, conditions: Sequence[Condition], names: Sequence[InputName], candidates: Values
) -> list[tuple[Values, Values]]:
    nodes = [node for c in conditions for node in (c.left, c.right)]
    values = evaluate(graph, nodes, dict(zip(names, candidates, strict=True)))
    wide = [np.broadcast_to(value, candidates.shape[1:]) for value in values]
    return list(zip(wide[::2], wide[1::2], strict=True))


def _flipped(graph: Graph, conditions: Sequence[Condition], names: Sequence[InputName], candidates: Values) -> Values:
    """Return a row for each comparison: at which points it goes the other way (and its sides are numbers)."""
    rows = []
    for condition, (left, right) in zip(conditions, _sides(graph, conditions, names, candidates), strict=True):
        rows.append(~holds(condition, left, right) & np.isfinite(left - right))
    return np.array(rows)


def _towards_border(
    graph: Graph, condition: Condition, names: Sequence[InputName], centre: Values, random: np.random.Generator
) -> Values | None:
    """Step along the gradient of left - right, a little beyond where it is expected to vanish."""
    own = set(dependencies(graph, (condition.left, condition.right)))
    moving = np.array([name in own for name in names])
    at = centre * np.where(moving, random.uniform(0.9, 1.1, len(centre)), 1.0)
    for _ in range(_STEPS):
        step = 1e-6 * np.maximum(1.0, np.abs(at[moving]))
        moved = np.repeat(at[:, None], 1 + int(moving.sum()), axis=1)
        moved[np.flatnonzero(moving), 1 + np.arange(int(moving.sum()))] += step
        ((left, right),) = _sides(graph, [condition], names, moved)
        gaps = left - right
        with np.errstate(all="ignore"):
            slope = (gaps[1:] - gaps[0]) / step
        size = float(slope @ slope)
        if not np.isfinite(size) or size == 0:
            return None
        overshoot = 1.2 * gaps[0] if gaps[0] != 0 else 1e-3 * np.sqrt(size) * (1 if condition.outcome else -1)
        at[moving] = at[moving] - overshoot * slope / size
        if _flipped(graph, [condition], names, at[:, None]).any():
            return at
    return None
