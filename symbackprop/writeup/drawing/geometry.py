"""Plane geometry of a drawing: points, boxes that may be turned, curves, and whether they touch.

Coordinates are those of a screen: x to the right, y down, lengths in units of one CSS pixel, angles in radians clockwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, sin

Point = tuple[float, float]
Segment = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle about its centre, turned by `angle`."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """The corners in turn, the first at the top left of the box before it is turned."""
        along, across = self.width / 2, self.height / 2
        c, s = cos(self.angle), sin(self.angle)
        return (
            (self.x - along * c + across * s, self.y - along * s - across * c),
            (self.x + along * c + across * s, self.y + along * s - across * c),
            (self.x + along * c - across * s, self.y + along * s + across * c),
            (self.x - along * c - across * s, self.y - along * s + across * c),
        )

    @property
    def reach(self) -> float:
        """The distance from the centre to a corner."""
        return hypot(self.width, self.height) / 2

    def grown(self, by: float) -> Box:
        """Return the box with a margin on every side (negative: shrunk)."""
        return Box(self.x, self.y, self.width + 2 * by, self.height + 2 * by, self.angle)

    def local(self, point: Point) -> Point:
        """Return a point as seen from the centre of the box, along and across it."""
        dx, dy = point[0] - self.x, point[1] - self.y
        c, s = cos(self.angle), sin(self.angle)
        return dx * c + dy * s, dy * c - dx * s


def overlap(first: Box, second: Box) -> bool:
    """Return whether two boxes have a point in common beyond their edges (separating axes)."""
    if hypot(first.x - second.x, first.y - second.y) >= first.reach + second.reach:
        return False
    return not any(_separated(one, other) for one, other in ((first, second), (second, first)))


def _separated(frame: Box, other: Box) -> bool:
    places = [frame.local(corner) for corner in other.corners]
    along, across = [place[0] for place in places], [place[1] for place in places]
    wide, high = frame.width / 2, frame.height / 2
    return min(along) >= wide or max(along) <= -wide or min(across) >= high or max(across) <= -high


def crosses(box: Box, segment: Segment) -> bool:
    """Return whether a segment passes through the inside of a box (Liang and Barsky 1984)."""
    (x0, y0), (x1, y1) = box.local(segment[0]), box.local(segment[1])
    enter, leave = 0.0, 1.0
    for start, step, half in ((x0, x1 - x0, box.width / 2), (y0, y1 - y0, box.height / 2)):
        if step == 0:
            if abs(start) >= half:
                return False
            continue
        near, far = sorted(((-half - start) / step, (half - start) / step))
        enter, leave = max(enter, near), min(leave, far)
    return enter < leave


def distance(point: Point, segment: Segment) -> float:
    """Return the distance from a point to a segment."""
    (x0, y0), (x1, y1) = segment
    dx, dy = x1 - x0, y1 - y0
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else min(1.0, max(0.0, ((point[0] - x0) * dx + (point[1] - y0) * dy) / length))
    return hypot(point[0] - x0 - t * dx, point[1] - y0 - t * dy)


@dataclass(frozen=True, slots=True)
class Curve:
    """A quadratic Bézier curve; a straight line when `bend` is its middle."""

    start: Point
    bend: Point
    end: Point

    @property
    def detour(self) -> float:
        """How far the curve is pulled away from the middle of its ends; 0 for a line."""
        middle = ((self.start[0] + self.end[0]) / 2, (self.start[1] + self.end[1]) / 2)
        return hypot(self.bend[0] - middle[0], self.bend[1] - middle[1])

    @property
    def straight(self) -> bool:
        """Whether the curve is a line."""
        return self.detour < 1e-9

    def at(self, t: float) -> Point:
        """Return the point at parameter `t` in 0..1."""
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        return (
            a * self.start[0] + b * self.bend[0] + c * self.end[0],
            a * self.start[1] + b * self.bend[1] + c * self.end[1],
        )

    def direction(self, t: float) -> Point:
        """Return the unit tangent at `t`."""
        dx = (1 - t) * (self.bend[0] - self.start[0]) + t * (self.end[0] - self.bend[0])
        dy = (1 - t) * (self.bend[1] - self.start[1]) + t * (self.end[1] - self.bend[1])
        length = hypot(dx, dy) or 1.0
        return dx / length, dy / length

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The curve as a chain of segments: one for a line, 16 otherwise."""
        steps = 1 if self.straight else 16
        points = [self.at(k / steps) for k in range(steps + 1)]
        return tuple(pairwise(points))


def line(start: Point, end: Point, bulge: float = 0.0) -> Curve:
    """Return the curve between two points whose middle lies `bulge` beside the straight line (below it, going right)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    scale = 2 * bulge / (hypot(dx, dy) or 1.0)
    return Curve(start, ((start[0] + end[0]) / 2 - dy * scale, (start[1] + end[1]) / 2 + dx * scale), end)


def extent(boxes: Sequence[Box]) -> tuple[float, float, float, float]:
    """Return the smallest upright frame (left, top, right, bottom) around boxes; all zero for none."""
    corners = [corner for box in boxes for corner in box.corners] or [(0.0, 0.0)]
    horizontal, vertical = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return min(horizontal), min(vertical), max(horizontal), max(vertical)
