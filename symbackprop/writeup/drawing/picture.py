"""A picture: named items made of a few shapes, printed as SVG (`svg.py`) or TikZ (`tikz.py`).

An item is what a reader can point at: a unit, an edge with its weight, a bias. It carries an identifier, the names of the network
that it stands for, a title in words and whether it lies on the highlighted path. Nothing here knows a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil

from symbackprop.writeup.drawing.geometry import Box, Curve, Point, extent
from symbackprop.writeup.drawing.styled_text import StyledText, width

#: Height of a line of text relative to its size (cap height, with room for a subscript).
LINE = 1.0
#: A printed page has room for so high a picture under its heading, in pixels of 1/96 inch.
HIGHEST = 720.0
#: Pixels around what is drawn.
MARGIN = 10.0


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


def strips(picture: Picture, highest: float = HIGHEST) -> tuple[Picture, ...]:
    """Return a picture that is higher than a page has room for cut across into strips, where only lines cross a cut.

    A line that crosses one is in both strips; what tells about it, its title and label, only in the first.
    """
    count = ceil(picture.height / highest)
    if count < 2:
        return (picture,)
    taken = sorted(_reach(shape) for item in picture.items for shape in item.shapes if not isinstance(shape, Stroke))
    cuts = [0.0]
    while picture.height - cuts[-1] > highest:
        wanted = cuts[-1] + (picture.height - cuts[-1]) / ceil((picture.height - cuts[-1]) / highest)
        free = [cut for cut in _gaps(taken) if cuts[-1] < cut <= cuts[-1] + highest]
        if not free:
            return (picture,)  # something in it is as high as a page itself
        cuts.append(min(free, key=lambda cut: abs(cut - wanted)))
    told: set[str] = set()
    found = []
    for top, bottom in zip(cuts, [*cuts[1:], picture.height], strict=True):
        found.append(replace(picture, height=round(bottom - top, 1), items=tuple(_within(picture, top, bottom, told))))
    return tuple(found)


def side_by_side(pictures: tuple[Picture, ...]) -> Picture:
    """Return strips of a picture as one, each to the right of the one before; each is as wide as what it shows."""
    left, items = 0.0, list[Item]()
    for strip in pictures:
        low, high = _breadth(strip)
        moved = [tuple(moved_shape(shape, left - low, 0.0) for shape in item.shapes) for item in strip.items]
        items += [replace(item, shapes=shapes) for item, shapes in zip(strip.items, moved, strict=True)]
        left += high - low
    return replace(pictures[0], width=round(left, 1), height=max(strip.height for strip in pictures), items=tuple(items))


def _breadth(picture: Picture) -> tuple[float, float]:
    """Return where the drawing in a picture begins and ends across, with the margin that it has there."""
    boxes: list[Box] = []
    for item in picture.items:
        for shape in item.shapes:
            match shape:
                case Disc(centre=(x, y), radius=radius):
                    boxes.append(Box(x, y, 2 * radius, 2 * radius))
                case Panel(box=box) | Caption(box=box):
                    boxes.append(box)
                case Stroke(curve=curve):
                    boxes += [Box(x, y, 0.0, 0.0) for segment in curve.segments for x, y in segment]
    left, _, right, _ = extent(boxes)
    return max(left - MARGIN, 0.0), min(right + MARGIN, picture.width)


def _gaps(taken: list[tuple[float, float]]) -> list[float]:
    """Return the middles of the gaps between ranges that are sorted by their beginnings."""
    found, end = [], taken[0][1] if taken else 0.0
    for low, high in taken:
        if low > end:
            found.append((low + end) / 2)
        end = max(end, high)
    return found


def _within(picture: Picture, top: float, bottom: float, told: set[str]) -> list[Item]:
    """Return the items that reach into a strip, moved to its place; an item whose title was told before has none."""
    found = []
    for item in picture.items:
        inside = [shape for shape in item.shapes if _reach(shape)[0] < bottom and _reach(shape)[1] > top]
        if inside:
            moved = tuple(moved_shape(shape, 0.0, -top) for shape in inside)
            title = "" if item.identifier in told else item.title
            found.append(replace(item, shapes=moved, title=title))
            told.add(item.identifier)
    return found


def _reach(shape: Shape) -> tuple[float, float]:
    """Return the highest and the lowest place of a shape."""
    match shape:
        case Disc(centre=(_, y), radius=radius):
            return y - radius, y + radius
        case Panel(box=box) | Caption(box=box):
            _, top, _, bottom = extent([box])
            return top, bottom
        case Stroke(curve=curve):
            heights = [y for segment in curve.segments for _, y in segment]
            return min(heights), max(heights)


def least_letter(picture: Picture) -> float:
    """Return the size of the smallest letters of a picture, scripts left out; infinite where there are none."""
    return min((caption.size for _, caption in captions(picture)), default=float("inf"))
