"""A picture: named items made of a few shapes, printed as SVG (`svg.py`) or TikZ (`tikz.py`).

An item is what a reader can point at: a unit, an edge with its weight, a bias. It carries an identifier, the names of the network
that it stands for, a title in words and whether it lies on the highlighted path. Nothing here knows a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from symbackprop.writeup.drawing.geometry import Box, Curve, Point
from symbackprop.writeup.drawing.styled_text import StyledText, width

#: Height of a line of text relative to its size (cap height, with room for a subscript).
LINE = 1.0


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle; `ring` is a second circle inside at that distance (0: none)."""

    centre: Point
    radius: float
    ring: float = 0.0


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle with round corners; `dashed` outlines."""

    box: Box
    rounding: float = 6.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Stroke:
    """A curve with an arrowhead at its end."""

    curve: Curve
    arrow: bool = True


@dataclass(frozen=True, slots=True)
class Caption:
    """StyledText centred at a point, turned by `angle`; `backed` puts a patch of paper behind it.

    `tone` is "ink", "dim" (less important) or "value" (a number); a `coverable` one goes while answers are covered.
    """

    text: StyledText
    at: Point
    size: float
    angle: float = 0.0
    backed: bool = False
    tone: str = "ink"
    coverable: bool = False

    @property
    def box(self) -> Box:
        """The room it takes, with a small margin."""
        return label_box(self.text, self.at, self.size, self.angle)


Shape = Disc | Panel | Stroke | Caption


@dataclass(frozen=True, slots=True)
class Item:
    """Something to point at.

    `kind` is a word for the style: input, hidden, output, loss, edge, tag, heading; `names` are the names of the network it
    stands for, `ends` those that an edge joins: what is used, and what uses it; `asked` is its title while answers are covered.
    """

    identifier: str
    kind: str
    title: str
    shapes: tuple[Shape, ...]
    names: tuple[str, ...] = ()
    on_path: bool = False
    ends: tuple[str, ...] = ()
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Items in drawing order on a sheet of the given size, with a title and a description for those who cannot see it."""

    width: float
    height: float
    title: str
    description: str
    items: tuple[Item, ...] = field(default=())


def label_box(text: StyledText, at: Point, size: float, angle: float = 0.0) -> Box:
    """Return the box that a text centred at a point needs."""
    return Box(at[0], at[1], width(text, size) + 4, LINE * size + 2, angle)


def captions(picture: Picture) -> tuple[tuple[Item, Caption], ...]:
    """Return every caption with the item it belongs to."""
    return tuple((item, shape) for item in picture.items for shape in item.shapes if isinstance(shape, Caption))


def fitted(items: list[Item], frame: tuple[float, float, float, float], title: str, description: str) -> Picture:
    """Return a picture of items whose coordinates lie in the frame (left, top, right, bottom), moved to start at 0."""
    left, top, right, bottom = frame
    moved = tuple(replace(item, shapes=tuple(moved_shape(shape, -left, -top) for shape in item.shapes)) for item in items)
    return Picture(round(right - left, 1), round(bottom - top, 1), title, description, moved)


def moved_shape(shape: Shape, dx: float, dy: float) -> Shape:
    """Return a shape moved by (dx, dy)."""

    def point(place: Point) -> Point:
        return place[0] + dx, place[1] + dy

    match shape:
        case Disc():
            return replace(shape, centre=point(shape.centre))
        case Panel():
            return replace(shape, box=replace(shape.box, x=shape.box.x + dx, y=shape.box.y + dy))
        case Stroke():
            curve = shape.curve
            return replace(shape, curve=Curve(point(curve.start), point(curve.bend), point(curve.end)))
        case Caption():
            return replace(shape, at=point(shape.at))
