"""Where everything of a network diagram stands: units in columns, edges, tags above the units, labels on the edges.

The layout is tried with growing distances until no label is ambiguous, no edge runs through a unit and none through a tag;
`Layout.problems` names what is left when even the widest fails (the caller then draws layers as boxes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import hypot

import numpy as np

from symbackprop.writeup.drawing.collisions import crossings, rows_of_boxes, rows_of_segments
from symbackprop.writeup.drawing.geometry import Box, Curve, Point, extent, line, overlap
from symbackprop.writeup.drawing.graph_rows import graph_rows, spread_out
from symbackprop.writeup.drawing.labels import Placement, place_labels
from symbackprop.writeup.drawing.picture import label_box
from symbackprop.writeup.drawing.styled_text import StyledText
from symbackprop.writeup.drawing.unit_graph import Connection, Unit, UnitGraph, UnitKind

LABEL_SIZE = 13.0
_PLAIN_GAP = 58.0  # between columns whose edges have no labels
_CLEAR = 3.0  # between an edge and the units that it passes
_TAG_ARROW = 12.0
_ABOVE_TAGS = 8.0  # between tags and the unit above them
_GROWTH = (0.8, 0.9, 1.0, 1.12, 1.25, 1.4, 1.6)
_BULGES = (0.0, *(sign * step for step in (30.0, 60.0, 90.0, 130.0, 180.0, 240.0, 320.0) for sign in (-1, 1)))


@dataclass(frozen=True, slots=True)
class Body:
    """The outline of a unit: a disc of diameter `width`, or a panel."""

    width: float
    height: float
    disc: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A short text above a unit with an arrow into it: a bias, a target."""

    unit: str
    name: str
    text: StyledText


@dataclass(frozen=True, slots=True)
class LayoutPlan:
    """What is to be laid out: the graph, the outline of every unit, the texts of edges and tags."""

    graph: UnitGraph
    bodies: Mapping[str, Body]
    edges: Mapping[str, Connection]
    texts: Mapping[str, StyledText]
    tags: Mapping[str, Tag]
    downward: bool = False  # from top to bottom with level labels, instead of from left to right
    ends: Mapping[str, int] = field(default_factory=dict)  # units whose tags stand above the left (-1) or right end (1)
    most_wide: float = float("inf")  # wider than this it is no use: on a page it would be too small to read


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes and curves by unit name, edge identifier and tag identifier; `problems` names what cannot be read well."""

    bodies: Mapping[str, Box]
    curves: Mapping[str, Curve]
    labels: Mapping[str, Box]
    tags: Mapping[str, Box]
    arrows: Mapping[str, Curve]
    problems: tuple[str, ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Everything that takes room, for the frame of the picture."""
        bends = (Box(*point, 4, 4) for curve in self.curves.values() for segment in curve.segments for point in segment)
        return (*self.bodies.values(), *self.labels.values(), *self.tags.values(), *bends)


def lay_out(plan: LayoutPlan) -> Layout:
    """Return the narrowest layout without problems; where even the widest has some, the one with fewest.

    From top to bottom the tags of a unit stand above its middle, or else above one of its ends, where that helps.
    """
    found = _narrowest(plan)
    for unit in dict.fromkeys(tag.unit for tag in plan.tags.values()):
        if not found.problems or not plan.downward:
            return found
        for end in (-1, 1):
            moved = replace(plan, ends={**plan.ends, unit: end})
            layout = _narrowest(moved)
            if _badness(layout) < _badness(found):
                plan, found = moved, layout
    return found


def _badness(layout: Layout) -> tuple[int, float]:
    """Return how many problems a layout has, and how far its edges go out of their way."""
    return len(layout.problems), sum(curve.detour for curve in layout.curves.values())


def _narrowest(plan: LayoutPlan) -> Layout:
    narrowest = _GROWTH[0]
    wider = [growth for growth in _GROWTH[1:] if _fits(plan, growth)]
    tight = _attempt(plan, narrowest)
    if not _fits(plan, narrowest):
        return replace(tight, problems=(*tight.problems, "wider than a page"))
    if not tight.problems or not wider:
        return tight
    *between, widest = wider
    wide = _attempt(plan, widest)  # tells at once whether room can help
    if wide.problems:
        return min(tight, wide, key=lambda layout: len(layout.problems))
    attempts = (_attempt(plan, growth) for growth in between)
    return next((layout for layout in attempts if not layout.problems), wide)


def _fits(plan: LayoutPlan, growth: float) -> bool:
    if plan.downward or plan.most_wide == float("inf"):
        return True
    left, _, right, _ = extent(tuple(_columns(plan, growth).values()))
    return right - left <= plan.most_wide


def _attempt(plan: LayoutPlan, growth: float) -> Layout:
    bodies = _rows_downward(plan, growth) if plan.downward else _columns(plan, growth)
    tags, arrows = _tags(plan, bodies)
    curves = {identifier: _route(link, plan, bodies, tuple(tags.values())) for identifier, link in plan.edges.items()}
    obstacles = [box.grown(2) for box in (*bodies.values(), *tags.values())]
    texts = {identifier: text for identifier, text in plan.texts.items() if identifier in curves}
    placement = place_labels(curves, texts, obstacles, LABEL_SIZE, plan.downward)
    return Layout(bodies, curves, placement.boxes, tags, arrows, _problems(plan, bodies, tags, curves, placement))


# ---- units -----------------------------------------------------------------------------------------------------------


def _columns(plan: LayoutPlan, growth: float) -> dict[str, Box]:
    columns = plan.graph.columns
    headroom = _headroom(plan)
    pitch = max((body.height for body in plan.bodies.values()), default=0) + headroom + 20 * growth
    tallest = max(len(column) for column in columns)
    boxes = {}
    x = 0.0
    for number, column in enumerate(columns):
        wide = max((plan.bodies[unit.name].width for unit in column), default=0)
        if number:
            x += wide / 2
        for y, unit in zip(spread_out(len(column), tallest, pitch), column, strict=True):
            body = plan.bodies[unit.name]
            boxes[unit.name] = Box(round(x, 2), round(y, 2), body.width, body.height)
        x += wide / 2 + _gap(plan, number, growth, pitch)
    return boxes


def _rows_downward(plan: LayoutPlan, growth: float) -> dict[str, Box]:
    """Return the units in rows, one below the other, wide enough apart for level labels."""
    y = 0.0
    middles = []
    gap = 0.0
    for number, row in enumerate(plan.graph.columns):
        high = max((plan.bodies[unit.name].height for unit in row), default=0)
        y += max(gap, _headroom(plan, row) + _ABOVE_TAGS) + high / 2 if number else 0
        middles.append(round(y, 2))
        y += high / 2
        gap = 46 * growth + 8 * max(len(row), 1)
    labels = [label_box(text, (0, 0), LABEL_SIZE).width for text in plan.texts.values()]
    pitch = max([*(body.width for body in plan.bodies.values()), *labels]) + 26 * growth
    across = graph_rows(plan.graph, {name: body.width for name, body in plan.bodies.items()}, pitch)
    return {
        unit.name: Box(across[unit.name], middles[unit.column], plan.bodies[unit.name].width, plan.bodies[unit.name].height)
        for unit in plan.graph.units
    }


def _headroom(plan: LayoutPlan, units: Sequence[Unit] = ()) -> float:
    """Return the room that the tags above a unit, one of `units` if they are given, need."""
    count = Counter(tag.unit for tag in plan.tags.values())
    most = max((count[unit.name] for unit in units) if units else count.values(), default=0)
    return most * label_box(StyledText((), ""), (0, 0), LABEL_SIZE).height + _TAG_ARROW if most else 6.0


def _gap(plan: LayoutPlan, column: int, growth: float, pitch: float) -> float:
    """Return the distance to the next column: room for the labels, and flat enough edges."""
    units = {unit.name: unit.column for unit in plan.graph.units}
    labelled = [
        label_box(text, (0, 0), LABEL_SIZE).width
        for identifier, text in plan.texts.items()
        if units[plan.edges[identifier].source] <= column < units[plan.edges[identifier].target]
    ]
    if not labelled:
        return max(_PLAIN_GAP, _past_neighbours(plan, column, pitch))
    columns = plan.graph.columns
    tallest = max(len(columns[column]), len(columns[min(column + 1, len(columns) - 1)]))
    roomy = max(96 + max(labelled), (96 + max(labelled)) * growth)
    return round(max(roomy, (0.28 * pitch * (tallest - 1) + 84) * growth), 1)


def _past_neighbours(plan: LayoutPlan, column: int, pitch: float) -> float:
    """Return the distance to the next column at which the steepest edge between the two passes by its unit's neighbour."""
    both = plan.graph.columns[column : column + 2]
    tallest = max(map(len, plan.graph.columns))
    heights = [spread_out(len(row), tallest, pitch) for row in both]
    rise = max((abs(start - end) for start in heights[0] for end in heights[-1]), default=0.0)
    wide = [max((plan.bodies[unit.name].width for unit in row), default=0.0) for row in both]
    high = max((plan.bodies[unit.name].height for row in both for unit in row), default=0.0)
    return round(rise * (max(wide) / 2 + _CLEAR) / (pitch - high / 2 - _CLEAR) - sum(wide) / 2 + 1, 1)


def _tags(plan: LayoutPlan, bodies: Mapping[str, Box]) -> tuple[dict[str, Box], dict[str, Curve]]:
    boxes: dict[str, Box] = {}
    arrows: dict[str, Curve] = {}
    above = Counter(tag.unit for tag in plan.tags.values())  # the first stands on top, the last has the arrow
    for identifier, tag in plan.tags.items():
        body = bodies[tag.unit]
        top = body.y - body.height / 2
        room = label_box(tag.text, (0, 0), LABEL_SIZE)
        above[tag.unit] -= 1
        middle = top - _TAG_ARROW - (above[tag.unit] + 0.5) * room.height
        x = round(body.x + plan.ends.get(tag.unit, 0) * (body.width / 2 - _TAG_ARROW), 2)
        boxes[identifier] = Box(x, middle, room.width, room.height)
        if not above[tag.unit]:
            arrows[identifier] = line((x, top - _TAG_ARROW + 1), (x, top - 1))
    return boxes, arrows


# ---- edges -----------------------------------------------------------------------------------------------------------


def _route(link: Connection, plan: LayoutPlan, bodies: Mapping[str, Box], tags: Sequence[Box]) -> Curve:
    """Return the straight edge between two units, or the flattest curve around whatever stands in its way."""
    first, last = bodies[link.source], bodies[link.target]
    blocks = rows_of_boxes(box.grown(_CLEAR) for name, box in bodies.items() if name not in (link.source, link.target))
    blocks = np.concatenate([blocks, rows_of_boxes(tags)])
    discs = plan.bodies[link.source].disc, plan.bodies[link.target].disc
    tried: list[tuple[int, int, Curve]] = []
    for number, bulge in enumerate(_BULGES):
        curve = _trimmed(line((first.x, first.y), (last.x, last.y), bulge), first, last, discs)
        hits = int(crossings(blocks, rows_of_segments(curve.segments)).any(axis=1).sum())
        if not hits:
            return curve
        tried.append((hits, number, curve))
    return min(tried, key=lambda attempt: attempt[:2])[2]


def _trimmed(curve: Curve, first: Box, last: Box, discs: tuple[bool, bool]) -> Curve:
    """Return the curve from outline to outline instead of from centre to centre."""
    start = _on_outline(first, curve.bend, discs[0], 1.0)
    end = _on_outline(last, curve.bend, discs[1], 2.0)
    if curve.straight:
        return line(start, end)
    return replace(curve, start=start, end=end)


def _on_outline(box: Box, towards: Point, disc: bool, margin: float) -> Point:
    dx, dy = towards[0] - box.x, towards[1] - box.y
    length = hypot(dx, dy) or 1.0
    if disc:
        reach = box.width / 2
    else:
        reach = min(
            box.width / 2 * length / abs(dx) if dx else float("inf"),
            box.height / 2 * length / abs(dy) if dy else float("inf"),
        )
    scale = (reach + margin) / length
    return round(box.x + dx * scale, 2), round(box.y + dy * scale, 2)


def _problems(
    plan: LayoutPlan, bodies: Mapping[str, Box], tags: Mapping[str, Box], curves: Mapping[str, Curve], placement: Placement
) -> tuple[str, ...]:
    found = [f"label of {identifier}" for identifier in placement.unclear]
    blocks = {**bodies, **tags}
    table = rows_of_boxes(blocks.values())
    for identifier, curve in curves.items():
        ends = (plan.edges[identifier].source, plan.edges[identifier].target)
        hit = np.any(crossings(table, rows_of_segments(curve.segments)), axis=1)
        found += [
            f"{identifier} runs through {name}" for name, through in zip(blocks, hit, strict=True) if through and name not in ends
        ]
    neighbours = (pair for column in plan.graph.columns for pair in pairwise(column))
    found += [
        f"{first.name} covers {second.name}" for first, second in neighbours if overlap(bodies[first.name], bodies[second.name])
    ]
    return tuple(found)


def kind_of_column(graph: UnitGraph, number: int) -> UnitKind | None:
    """Return the kind that all units of a column have, or None."""
    kinds = {unit.kind for unit in graph.columns[number]}
    return kinds.pop() if len(kinds) == 1 else None
