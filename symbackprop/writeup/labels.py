"""Where to put the label of each edge so that nobody can read it as another's.

Each label lies on its own edge, turned along it. Candidates are places along the edge; a place costs what it covers: a node or
another label (not acceptable), another edge through the label (ambiguous), another edge close by, distance from the place that
looks best. Labels are placed one after another, those with the least choice first, then moved in turn while that lowers the
cost: deterministic, and linear in the number of edges for a bounded number of neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot, pi, radians

from symbackprop.writeup.geometry import Box, Curve, Segment, crosses, distance, overlap
from symbackprop.writeup.lettering import Lettering
from symbackprop.writeup.picture import label_box

COVERED, AMBIGUOUS, CLOSE = 1000.0, 100.0, 8.0
NEAR = 3.0  # an edge closer than this to a label's box reads as touching it
GAP = 1.5  # room kept free between two labels
_STEPS = 41
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place for a label, and what it costs whatever the other labels do."""

    box: Box
    cost: float
    clear: bool  # covers no node and is crossed by no other edge


@dataclass(frozen=True, slots=True)
class Placement:
    """The label boxes by edge, and the edges whose label is not clear of everything."""

    boxes: Mapping[str, Box]
    unclear: tuple[str, ...]


def place_labels(
    curves: Mapping[str, Curve],
    texts: Mapping[str, Lettering],
    obstacles: Sequence[Box],
    size: float,
    preferred: Mapping[str, float],
) -> Placement:
    """Return a box for every text, each on the curve of the same name.

    `obstacles` are boxes no label may cover; `preferred` gives the place along the curve (0..1) that looks best.
    """
    segments = {name: curve.segments for name, curve in curves.items()}
    choices = {
        name: _candidates(name, curves, segments, text, obstacles, size, preferred.get(name, 0.5))
        for name, text in texts.items()
    }
    order = sorted(choices, key=lambda name: (sum(choice.clear for choice in choices[name]), list(texts).index(name)))
    rivals = _rivals(choices)
    chosen: dict[str, Candidate] = {}
    for sweep in range(_SWEEPS):
        moved = False
        for name in order:
            others = [chosen[rival].box.grown(GAP) for rival in rivals[name] if rival in chosen]
            best = min(choices[name], key=lambda choice: _cost(choice, others))
            current = chosen.get(name)
            if current is None or (sweep and _cost(best, others) < _cost(current, others)):
                chosen[name] = best
                moved = True
        if not moved:
            break
    return Placement({name: chosen[name].box for name in texts}, _unclear(texts, chosen, rivals))


def readable(angle: float) -> float:
    """Return the angle turned by half a circle where the text would stand on its head."""
    return angle - pi if angle > pi / 2 else angle + pi if angle < -pi / 2 else angle


def _cost(choice: Candidate, others: Sequence[Box]) -> float:
    return choice.cost + COVERED * sum(overlap(choice.box, other) for other in others)


def _candidates(
    name: str,
    curves: Mapping[str, Curve],
    segments: Mapping[str, tuple[Segment, ...]],
    text: Lettering,
    obstacles: Sequence[Box],
    size: float,
    preferred: float,
) -> tuple[Candidate, ...]:
    curve = curves[name]
    length = sum(hypot(end[0] - start[0], end[1] - start[1]) for start, end in segments[name]) or 1.0
    room = label_box(text, (0.0, 0.0), size)
    rim = min(0.45, (room.width / 2 + 6) / length)  # stay clear of the arrowhead and of the node
    others = [segments[other] for other in curves if other != name and _beside(curve, curves[other], room.reach)]
    found = []
    for step in range(_STEPS):
        t = rim + (1 - 2 * rim) * step / (_STEPS - 1)
        x, y = curve.at(t)
        dx, dy = curve.direction(t)
        box = Box(x, y, room.width, room.height, radians(round(degrees(readable(atan2(dy, dx))))))
        covered = sum(overlap(box, obstacle) for obstacle in obstacles)
        through = near = 0
        for other in others:
            hit, close = _meets(box, other)
            through, near = through + hit, near + close
        cost = COVERED * covered + AMBIGUOUS * through + CLOSE * near + 4 * abs(t - preferred)
        found.append(Candidate(box, cost, not covered and not through))
    return tuple(found)


def _beside(one: Curve, other: Curve, margin: float) -> bool:
    """Return whether the frames of two curves, the margin around them included, share a point."""
    return all(
        min(first) - margin - NEAR < max(second) and min(second) < max(first) + margin + NEAR
        for first, second in zip(
            zip(one.start, one.bend, one.end, strict=True), zip(other.start, other.bend, other.end, strict=True), strict=True
        )
    )


def _meets(box: Box, segments: tuple[Segment, ...]) -> tuple[bool, bool]:
    """Return whether an edge passes through a box, and whether it passes close by."""
    wide = box.grown(NEAR)
    close = [part for part in segments if distance((box.x, box.y), part) < wide.reach and crosses(wide, part)]
    hit = any(crosses(box, part) for part in close)
    return hit, bool(close) and not hit


def _rivals(choices: Mapping[str, tuple[Candidate, ...]]) -> dict[str, list[str]]:
    """Return for each label the others that it could ever meet."""
    frames = {}
    for name, candidates in choices.items():
        corners = [corner for choice in candidates for corner in choice.box.grown(GAP).corners]
        xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
        frames[name] = (min(xs), min(ys), max(xs), max(ys))

    def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

    return {
        name: [other for other in frames if other != name and meet(frame, frames[other])]
        for name, frame in frames.items()
    }


def _unclear(
    names: Mapping[str, Lettering], chosen: Mapping[str, Candidate], rivals: Mapping[str, list[str]]
) -> tuple[str, ...]:
    return tuple(
        name
        for name in names
        if not chosen[name].clear or any(overlap(chosen[name].box, chosen[other].box) for other in rivals[name])
    )
