"""Where to put the label of each edge so that nobody can read it as another's.

Each label lies on its own edge, turned along it. Candidates are places along the edge; a place costs what it covers: a node or
another label (not acceptable), another edge through the label (ambiguous), another edge close by, distance from the place that
looks best. Labels are placed one after another, those with the least choice first, then moved in turn while that lowers the
cost: the same input always gives the same places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees, pi, radians

import numpy as np

from symbackprop.writeup.drawing.collisions import Answers, Table, crossings, grown, overlaps, rows_of_boxes, rows_of_segments
from symbackprop.writeup.drawing.geometry import Box, Curve
from symbackprop.writeup.drawing.picture import label_box
from symbackprop.writeup.drawing.styled_text import StyledText

COVERED, AMBIGUOUS, CLOSE, FAR = 1000.0, 100.0, 8.0, 4.0
NEAR = 3.0  # an edge closer than this to a label's box reads as touching it
GAP = 1.5  # room kept free around a label
_STEPS = 41
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Candidates:
    """The places for one label: boxes (rows), what each costs whatever the other labels do, and which are clear.

    A clear place covers no node and is crossed by no other edge.
    """

    boxes: Table
    costs: Table
    clear: Table


@dataclass(frozen=True, slots=True)
class Placement:
    """The label boxes by edge, and the edges whose label is not clear of everything."""

    boxes: Mapping[str, Box]
    unclear: tuple[str, ...]


def place_labels(
    curves: Mapping[str, Curve],
    texts: Mapping[str, StyledText],
    obstacles: Sequence[Box],
    size: float,
    upright: bool = False,
) -> Placement:
    """Return a box for every text, each on the curve of the same name; no label should cover an obstacle.

    `upright` keeps the labels level instead of turning them along their curves.
    """
    names = list(texts)
    covers = rows_of_boxes(obstacles)
    paths = {name: rows_of_segments(curve.segments) for name, curve in curves.items()}
    rooms = {name: label_box(texts[name], (0.0, 0.0), size) for name in names}
    choices = {name: _candidates(name, curves[name], paths, rooms[name], covers, upright) for name in names}
    order = sorted(names, key=lambda name: (int(choices[name].clear.sum()), names.index(name)))
    rivals = _rivals(choices)
    chosen = _settled(order, choices, rivals)
    unclear = tuple(name for name in names if not choices[name].clear[chosen[name]] or _overlapped(name, chosen, choices, rivals))
    boxes = {name: Box(*(float(entry) for entry in choices[name].boxes[chosen[name]])) for name in names}
    return Placement(boxes, unclear)


def _settled(order: Sequence[str], choices: Mapping[str, Candidates], rivals: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the place chosen for each label: by turns, until no label gains by moving."""
    chosen: dict[str, int] = {}
    for _ in range(_SWEEPS):
        moved = False
        for name in order:
            taken = [choices[rival].boxes[chosen[rival]] for rival in rivals[name] if rival in chosen]
            costs = choices[name].costs
            if taken:
                others = grown(np.array(taken), GAP)
                costs = costs + COVERED * overlaps(choices[name].boxes, others).sum(axis=1)
            best = int(np.argmin(costs))
            if name not in chosen or costs[best] < costs[chosen[name]]:
                chosen[name] = best
                moved = True
        if not moved:
            break
    return chosen


def _overlapped(
    name: str, chosen: Mapping[str, int], choices: Mapping[str, Candidates], rivals: Mapping[str, Sequence[str]]
) -> bool:
    others = [choices[rival].boxes[chosen[rival]] for rival in rivals[name]]
    own = choices[name].boxes[chosen[name]][None, :]
    return bool(others) and bool(overlaps(own, np.array(others)).any())


def _candidates(name: str, curve: Curve, paths: Mapping[str, Table], room: Box, covers: Table, upright: bool) -> Candidates:
    length = float(np.hypot(*(paths[name][:, 2:] - paths[name][:, :2]).T).sum()) or 1.0
    rim = min(0.45, ((room.height if upright else room.width) / 2 + 7) / length)  # stay clear of the arrowhead and of the node
    places = [rim + (1 - 2 * rim) * step / (_STEPS - 1) for step in range(_STEPS)]
    boxes = rows_of_boxes(_along(curve, t, room, upright) for t in places)
    reach = room.reach + NEAR
    everything = np.concatenate([path for other, path in paths.items() if other != name] or [rows_of_segments(())])
    segments = everything[_beside(everything, paths[name], reach)]
    through = crossings(boxes, segments).sum(axis=1)
    near = crossings(grown(boxes, NEAR), segments).sum(axis=1) - through
    covered = overlaps(boxes, covers).sum(axis=1) if len(covers) else np.zeros(_STEPS)
    far = np.abs(np.array(places) - 0.45)
    costs = COVERED * covered + AMBIGUOUS * through + CLOSE * near + FAR * far
    return Candidates(boxes, costs, (covered == 0) & (through == 0))


def _beside(segments: Table, path: Table, reach: float) -> Answers:
    """Return which segments come, frame to upright frame, as near to a path as `reach`."""
    points = path.reshape(-1, 2)
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    first, last = segments[:, :2], segments[:, 2:]
    near: Answers = np.all((np.minimum(first, last) <= high) & (np.maximum(first, last) >= low), axis=1)
    return near


def _along(curve: Curve, t: float, room: Box, upright: bool) -> Box:
    """Return the room for a label at a place of its edge, turned along the edge by whole degrees."""
    if upright:
        return Box(*curve.at(t), room.width, room.height)
    dx, dy = curve.direction(t)
    return Box(*curve.at(t), room.width, room.height, radians(round(degrees(readable(atan2(dy, dx))))))


def readable(angle: float) -> float:
    """Return the angle turned by half a circle where the text would stand on its head."""
    return angle - pi if angle > pi / 2 else angle + pi if angle < -pi / 2 else angle


def _rivals(choices: Mapping[str, Candidates]) -> dict[str, list[str]]:
    """Return for each label the others that it could ever meet."""
    names = list(choices)
    frames = np.array([_frame(choices[name].boxes) for name in names]).reshape(-1, 4)
    meet = np.all(frames[:, None, :2] < frames[None, :, 2:], axis=2)
    meet = np.logical_and(meet, meet.T)
    return {name: [names[k] for k in np.flatnonzero(meet[row]) if k != row] for row, name in enumerate(names)}


def _frame(boxes: Table) -> tuple[float, float, float, float]:
    reach = np.hypot(boxes[:, 2], boxes[:, 3]) / 2 + GAP
    x, y = boxes[:, 0], boxes[:, 1]
    return float((x - reach).min()), float((y - reach).min()), float((x + reach).max()), float((y + reach).max())
