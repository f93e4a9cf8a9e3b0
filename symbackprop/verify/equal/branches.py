"""Other branches: points at which the comparisons of a trace go the other way.

A trace speaks for one path through the code. `find_flips` looks for a few points that, between them, flip as many
comparisons as possible; tracing the code again there (`trace(…, at=point)`) visits the other branches. What could not
be flipped is listed, so that a verdict can say what it does not cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.graph.evaluate import dependencies, evaluate
from symbackprop.trace.graph.graph import Condition, Graph, InputName, sides_of
from symbackprop.trace.graph.points import holds

Values = np.ndarray[Any, Any]

_RANDOM = 48
_STEPS = 6


@dataclass(frozen=True, slots=True)
class Flip:
    """A point, the comparisons it flips for the first time, and whether it had to be looked for beyond usual values (`far`)."""

    point: dict[InputName, float]
    conditions: tuple[Condition, ...]
    far: bool = False


@dataclass(frozen=True, slots=True)
class Flips:
    """Points, each with the comparisons it flips for the first time; the comparisons no point flips.

    `thin` are comparisons for equality that came out unequal: their other side is a set of measure zero.
    """

    points: tuple[Flip, ...]
    unvisited: tuple[Condition, ...]
    thin: tuple[Condition, ...]


def find_flips(graph: Graph, conditions: Sequence[Condition] | None = None, *, seed: int = 0) -> Flips:
    """Look for points that flip comparisons: random ones first, then a few steps towards the border of each that is
    left.

    The sides of a comparison are evaluated as the trace computed them; where an earlier comparison flips as well, the
    code may take yet another path, which tracing it at the point will show.
    """
    given = list(graph.conditions.values()) if conditions is None else list(conditions)
    thin = tuple(filter(_is_thin, given))
    wanted = [c for c in given if not _is_thin(c) and dependencies(graph, c.sides)]
    if not wanted:
        return Flips((), (), thin)
    names = dependencies(graph, sides_of(wanted))
    random = np.random.default_rng(seed)
    centre = np.array([graph.values[graph.inputs[name]] for name in names])
    usual = _random_points(random, centre)
    left = _left(wanted, _flipped(graph, wanted, names, usual))
    moved = _towards_borders(graph, left, names, centre, random)
    candidates = np.column_stack([usual, moved])
    flipped = _flipped(graph, wanted, names, candidates)
    near = usual.shape[1]
    nearest_first = near + np.argsort(np.linalg.norm(moved - centre[:, None], axis=0))
    points = tuple(
        Flip(dict(zip(names, candidates[:, place].tolist(), strict=True)), tuple(wanted[k] for k in now), far=place >= near)
        for place, now in _in_turn(flipped, [*_fewest(flipped[:, :near]), *nearest_first.tolist()])
    )
    return Flips(points, tuple(_left(wanted, flipped)), thin)


def _is_thin(condition: Condition) -> bool:
    return condition.relation == "==" and not condition.outcome


def _left(conditions: Sequence[Condition], flipped: Values) -> list[Condition]:
    """Return the comparisons that no point flips."""
    return [condition for condition, points in zip(conditions, flipped, strict=True) if not points.any()]


def _in_turn(flipped: np.ndarray[Any, Any], columns: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield each point that flips comparisons which none before it has flipped, with these."""
    waiting = flipped.any(axis=1)
    for column in columns:
        now = waiting & flipped[:, column]
        if now.any():
            yield column, [int(k) for k in np.flatnonzero(now)]
            waiting &= ~now


def _fewest(flipped: Values) -> list[int]:
    """Return columns that between them flip what any of them flips, the ones that flip most first."""
    chosen: list[int] = []
    waiting = flipped.any(axis=1)
    while waiting.any():
        chosen.append(int(np.argmax(flipped[waiting].sum(axis=0))))
        waiting &= ~flipped[:, chosen[-1]]
    return chosen


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
    values = evaluate(graph, sides_of(conditions), dict(zip(names, candidates, strict=True)))
    wide = [np.broadcast_to(value, candidates.shape[1:]) for value in values]
    return list(zip(wide[::2], wide[1::2], strict=True))


def _flipped(graph: Graph, conditions: Sequence[Condition], names: Sequence[InputName], candidates: Values) -> Values:
    """Return a row for each comparison: at which points it goes the other way (and its sides are numbers)."""
    rows = []
    for condition, (left, right) in zip(conditions, _sides(graph, conditions, names, candidates), strict=True):
        rows.append(~holds(condition, left, right) & np.isfinite(left - right))
    return np.array(rows)


def _towards_borders(
    graph: Graph, conditions: Sequence[Condition], names: Sequence[InputName], centre: Values, random: np.random.Generator
) -> Values:
    """Return a column for each comparison whose border a few steps have crossed."""
    moved = [_towards_border(graph, condition, names, centre, random) for condition in conditions]
    return np.array([column for column in moved if column is not None]).reshape(-1, len(centre)).T


def _towards_border(
    graph: Graph, condition: Condition, names: Sequence[InputName], centre: Values, random: np.random.Generator
) -> Values | None:
    """Step along the gradient of left - right, a little beyond where it is expected to vanish."""
    own = set(dependencies(graph, condition.sides))
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
