"""From a laid-out plan to a picture: faces of units, edges with their labels, tags, headings.

What a unit shows is its `Face`; the diagram of units, the boxes of layers and the computational graph differ in their faces only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import hypot

from symbackprop.formula.notation import Notation
from symbackprop.network import Role
from symbackprop.writeup.geometry import Box, extent
from symbackprop.writeup.layout import LABEL_SIZE, Body, Layout, Plan, Tag, kind_of_column, lay_out
from symbackprop.writeup.lettering import Lettering, Run, letter_name, prose, width
from symbackprop.writeup.picture import Caption, Disc, Item, Panel, Picture, Shape, Stroke, fitted
from symbackprop.writeup.units import Kind, Link, Unit, UnitGraph

NAME_SIZE, VALUE_SIZE, HEADING_SIZE = 17.0, 12.0, 12.5
MARGIN = 10.0
_RING = 3.5
_LEADING = 3.0  # between the lines inside a unit


@dataclass(frozen=True, slots=True)
class DiagramWords:
    """The fixed words of a diagram, in the reader's language."""

    network: str = "Network diagram"
    graph: str = "Computational graph"
    input: str = "inputs"
    hidden: str = "hidden"
    output: str = "outputs"
    loss: str = "loss"

    def of_kind(self, kind: Kind) -> str:
        """Return the word for a kind of unit."""
        return {Kind.INPUT: self.input, Kind.HIDDEN: self.hidden, Kind.OUTPUT: self.output, Kind.LOSS: self.loss}[kind]


@dataclass(frozen=True, slots=True)
class Look:
    """What the texts of a diagram are made of: names in a notation, printed values, words, and the path in red."""

    notation: Notation
    values: Mapping[str, str]
    highlight: frozenset[str]
    words: DiagramWords

    def equation(self, name: str) -> Lettering:
        """Return `name = value` where a value is given, else the name."""
        lettered = letter_name(name, self.notation)
        value = self.values.get(name)
        return lettered if value is None else lettered + EQUALS + printed(value)

    def said(self, name: str) -> str:
        """Return the same as plain text."""
        return f"{name} = {self.values[name]}" if name in self.values else name

    def marks(self, names: Collection[str]) -> bool:
        """Return whether one of the names is on the path."""
        return not self.highlight.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Face:
    """What a unit shows: its heading, smaller lines below, its outline."""

    heading: Lettering
    lines: tuple[Lettering, ...] = ()
    disc: bool = False
    tone: str = "value"  # of the lines
    title: str = ""
    names: tuple[str, ...] = ()
    dashed: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """The width and height of the lettering."""
        wide = max(width(self.heading, NAME_SIZE), *(width(text, VALUE_SIZE) for text in self.lines), 0.0)
        return wide, NAME_SIZE + len(self.lines) * (VALUE_SIZE + _LEADING)

    @property
    def rows(self) -> tuple[float, ...]:
        """The heights of heading and lines relative to the middle of the unit."""
        if not self.lines:
            return (0.0,)
        top = NAME_SIZE - self.size[1] / 2
        rows = (top + _LEADING + 1 + (VALUE_SIZE + _LEADING) * (k + 0.5) for k in range(len(self.lines)))
        return (top - NAME_SIZE / 2, *rows)

    @property
    def radius(self) -> float:
        """The radius of the smallest disc that holds the lettering."""
        needed = max(22.0, width(self.heading, NAME_SIZE) / 2 + 5)
        for text, y in zip(self.lines, self.rows[1:], strict=True):
            needed = max(needed, hypot(width(text, VALUE_SIZE) / 2, abs(y) + VALUE_SIZE / 2) + 3)
        return float(round(needed))


#: The sign between a name and its value.
EQUALS = Lettering((Run(" ="), Run(" ")), "=")


def printed(value: str) -> Lettering:
    """Return a printed value, with a real minus sign; in LaTeX it is set in mathematics."""
    return Lettering((Run(value.replace("-", "−")),), value)


def bodies(faces: Mapping[str, Face]) -> dict[str, Body]:
    """Return the outline of each unit: all discs alike, panels as large as their lettering."""
    radius = max((face.radius for face in faces.values() if face.disc), default=0.0)
    result = {}
    for name, face in faces.items():
        wide, high = face.size
        result[name] = (
            Body(2 * radius, 2 * radius, disc=True)
            if face.disc
            else Body(round(max(40.0, wide + 18), 1), round(max(34.0, high + 17), 1))
        )
    return result


def compose(plan: Plan, faces: Mapping[str, Face], look: Look, title: str) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture of a plan, and what in it cannot be read well (nothing, if all went well)."""
    layout = lay_out(plan)
    items = [_edge_item(identifier, link, layout, plan, look) for identifier, link in plan.edges.items()]
    items += [_unit_item(unit, layout.bodies[unit.name], faces[unit.name], look) for unit in plan.graph.units]
    items += [_tag_item(identifier, tag, layout, look) for identifier, tag in plan.tags.items()]
    left, top, right, bottom = extent(layout.boxes)
    if not plan.downward:
        items += _headings(plan.graph, layout, top - 16, look)
        top -= 22
        boxes = [caption.box for item in items for caption in item.shapes if isinstance(caption, Caption)]
        left, right = min(left, extent(boxes)[0]), max(right, extent(boxes)[2])
    frame = (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)
    return fitted(items, frame, title, described(plan.graph, faces)), layout.problems


# ---- identifiers -----------------------------------------------------------------------------------------------------


def edge_identifiers(graph: UnitGraph) -> dict[str, Link]:
    """Return the links by identifier: `edge-w7` where the weight stands on one link only, else `edge-h1-o1`."""
    count = Counter(link.weights for link in graph.links)
    result = {}
    for link in graph.links:
        unique = link.weights and count[link.weights] == 1
        result["edge-" + ("-".join(link.weights) if unique else f"{link.source}-{link.target}")] = link
    return result


def tags_of(graph: UnitGraph, look: Look) -> dict[str, Tag]:
    """Return the tags by identifier: `bias-b1`, or `bias-b1-h2` where several units share it; `target-…`, `constant-…`."""
    count = Counter(name for unit in graph.units for name in unit.tags)
    result = {}
    for unit in graph.units:
        for name in unit.tags:
            role = graph.roles[name]
            kind = "bias" if role is Role.PARAMETER else role.value
            identifier = f"{kind}-{name}" + (f"-{unit.name}" if count[name] > 1 else "")
            result[identifier] = Tag(unit.name, name, look.equation(name))
    return result


def described(graph: UnitGraph, faces: Mapping[str, Face]) -> str:
    """Return the columns in words: `l1, l2 → h1, h2, h3 → o1, o2`."""
    return " → ".join(", ".join(faces[unit.name].heading.plain for unit in column) for column in graph.columns)


# ---- items -----------------------------------------------------------------------------------------------------------


def _unit_item(unit: Unit, box: Box, face: Face, look: Look) -> Item:
    shape: Shape
    if face.disc:
        shape = Disc((box.x, box.y), box.width / 2, _RING if unit.kind is Kind.OUTPUT else 0.0)
    else:
        shape = Panel(box, 12.0 if unit.kind is Kind.LOSS else 5.0, face.dashed)
    heading, *rows = face.rows
    texts = [Caption(face.heading, (box.x, box.y + heading), NAME_SIZE)]
    texts += [Caption(text, (box.x, box.y + y), VALUE_SIZE, tone=face.tone) for text, y in zip(face.lines, rows, strict=True)]
    names = face.names or tuple(dict.fromkeys((unit.name, *unit.members)))
    return Item(f"unit-{unit.name}", unit.kind.value, face.title, (shape, *texts), names, look.marks(names))


def _edge_item(identifier: str, link: Link, layout: Layout, plan: Plan, look: Look) -> Item:
    shapes: list[Shape] = [Stroke(layout.curves[identifier])]
    if identifier in layout.labels:
        box = layout.labels[identifier]
        shapes.append(Caption(plan.texts[identifier], (box.x, box.y), LABEL_SIZE, box.angle, backed=True))
    ends = f"{link.source} → {link.target}"
    said = ", ".join(look.said(weight) for weight in link.weights)
    title = f"{said}: {ends}" if said else ends
    return Item(identifier, "edge", title, tuple(shapes), link.weights, _edge_on_path(link, plan.graph, look))


def _edge_on_path(link: Link, graph: UnitGraph, look: Look) -> bool:
    """Return whether an edge is highlighted: one of its weights is, or both its ends are."""
    ends = (graph.unit(name) for name in (link.source, link.target))
    return look.marks(link.weights) or all(look.marks((unit.name, *unit.members)) for unit in ends)


def _tag_item(identifier: str, tag: Tag, layout: Layout, look: Look) -> Item:
    box = layout.tags[identifier]
    shapes: list[Shape] = [Stroke(layout.arrows[identifier])] if identifier in layout.arrows else []
    shapes.append(Caption(tag.text, (box.x, box.y), LABEL_SIZE, backed=True, tone="dim"))
    title = f"{look.said(tag.name)}: → {tag.unit}"
    return Item(identifier, "tag", title, tuple(shapes), (tag.name,), look.marks((tag.name,)))


def _headings(graph: UnitGraph, layout: Layout, y: float, look: Look) -> list[Item]:
    """Return the word above each column, once for neighbouring columns of the same kind."""
    found = []
    kinds = [kind_of_column(graph, number) for number in range(len(graph.columns))]
    start = 0
    for number, kind in enumerate(kinds):
        if number + 1 < len(kinds) and kinds[number + 1] is kind:
            continue
        if kind is not None:
            ends = [layout.bodies[graph.columns[column][0].name].x for column in (start, number)]
            caption = Caption(prose(look.words.of_kind(kind)), (sum(ends) / 2, y), HEADING_SIZE, tone="dim")
            found.append(Item(f"heading-{kind.value}-{number}", "heading", "", (caption,)))
        start = number + 1
    return found
