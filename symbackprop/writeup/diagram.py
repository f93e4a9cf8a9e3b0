"""The diagram of a network: units in columns with every weight on its edge, or layers as boxes where there are too many.

    picture = network_picture(network, values={"w7": "0.4"}, highlight=("w7", "o1"))
    svg(picture)          tikz(picture)

Only the texts given in `values` appear; no number is computed here, so what a student is to find out cannot be in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import hypot

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation import Notation
from symbackprop.network import Network, Role
from symbackprop.writeup.geometry import Box, extent
from symbackprop.writeup.layout import LABEL_SIZE, Body, Layout, Plan, Tag, kind_of_column, lay_out
from symbackprop.writeup.lettering import Lettering, Run, letter_name, width, words
from symbackprop.writeup.picture import LINE, Caption, Disc, Item, Panel, Picture, Shape, Stroke, fitted, label_box
from symbackprop.writeup.units import Kind, Link, Unit, UnitGraph, find_units

NAME_SIZE, VALUE_SIZE, HEADING_SIZE = 17.0, 12.0, 12.5
MARGIN = 10.0
LARGEST_COLUMN, MOST_COLUMNS = 8, 9  # beyond these a diagram of single units is not tried


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


ENGLISH = DiagramWords()


@dataclass(frozen=True, slots=True)
class Look:
    """What the texts of a diagram are made of: names in a notation, printed values, words, the path."""

    notation: Notation
    values: Mapping[str, str]
    highlight: frozenset[str]
    words: DiagramWords

    def equation(self, name: str) -> Lettering:
        """Return `name = value` where a value is given, else the name."""
        lettered = letter_name(name, self.notation)
        value = self.values.get(name)
        return lettered if value is None else lettered + words_of_value(f" = {value}")

    def said(self, name: str) -> str:
        """Return the same as plain text."""
        return f"{name} = {self.values[name]}" if name in self.values else name

    def marks(self, names: Collection[str]) -> bool:
        """Return whether one of the names is on the path."""
        return not self.highlight.isdisjoint(names)


def words_of_value(text: str) -> Lettering:
    """Return a printed value; in LaTeX it is set in mathematics."""
    return Lettering((Run(text.replace("-", "−")),), text)


def unit_picture(network: Network, graph: UnitGraph, look: Look) -> tuple[Picture, tuple[str, ...]]:
    """Return the diagram with single units, and what in it cannot be read well (nothing, for networks up to 4-6-6-4)."""
    edges = edge_identifiers(graph)
    tags = tag_identifiers(graph)
    lines = {unit.name: _lines(unit, look) for unit in graph.units}
    plan = Plan(
        graph,
        _bodies(graph, lines),
        edges,
        {identifier: _edge_text(link, look) for identifier, link in edges.items() if link.weights},
        {identifier: Tag(unit.name, name, look.equation(name)) for identifier, (unit, name) in tags.items()},
    )
    layout = lay_out(plan)
    items = [edge_item(identifier, link, layout, plan, look) for identifier, link in edges.items()]
    items += [_unit_item(unit, layout.bodies[unit.name], plan.bodies[unit.name], lines[unit.name], look) for unit in graph.units]
    items += [_tag_item(identifier, plan.tags[identifier], layout, graph.roles, look) for identifier in tags]
    left, top, right, bottom = extent(layout.boxes)
    items += _headings(graph, layout, top - 16, look)
    frame = (left - MARGIN, top - 30, right + MARGIN, bottom + MARGIN)
    return fitted(items, frame, f"{look.words.network}: {network.title}", described(graph)), layout.problems


# ---- identifiers -----------------------------------------------------------------------------------------------------


def edge_identifiers(graph: UnitGraph) -> dict[str, Link]:
    """Return the links by identifier: `edge-w7` where the weight stands on one link only, else `edge-h1-o1`."""
    count = Counter(link.weights for link in graph.links)
    return {
        "edge-" + ("-".join(link.weights) if link.weights and count[link.weights] == 1 else f"{link.source}-{link.target}"): link
        for link in graph.links
    }


def tag_identifiers(graph: UnitGraph) -> dict[str, tuple[Unit, str]]:
    """Return the tags by identifier: `bias-b1`, or `bias-b1-h2` where several units share it; `target-…`, `constant-…`."""
    count = Counter(name for unit in graph.units for name in unit.tags)
    kinds = {Role.PARAMETER: "bias"}
    return {
        f"{kinds.get(graph.roles[name], graph.roles[name].value)}-{name}" + (f"-{unit.name}" if count[name] > 1 else ""): (
            unit,
            name,
        )
        for unit in graph.units
        for name in unit.tags
    }


def described(graph: UnitGraph) -> str:
    """Return the columns of a diagram in words: `l1, l2 → h1, h2, h3 → o1, o2`."""
    return " → ".join(", ".join(unit.name for unit in column) for column in graph.columns)


# ---- units -----------------------------------------------------------------------------------------------------------


def _lines(unit: Unit, look: Look) -> list[Lettering]:
    """Return the values inside a unit: `net 2.35` and `out 0.9129`, or only the number of a single name."""
    found = []
    for member in unit.members:
        if member not in look.values:
            continue
        value = words_of_value(look.values[member])
        if len(unit.members) == 1:
            found.append(value)
            continue
        stem = member.removesuffix(f"_{unit.name}")
        found.append(letter_name(stem, look.notation) + words(" ") + value)
    return found


def _bodies(graph: UnitGraph, lines: Mapping[str, list[Lettering]]) -> dict[str, Body]:
    discs = [unit for unit in graph.units if unit.kind in (Kind.HIDDEN, Kind.OUTPUT)]
    radius = max([22.0, *(_radius(unit, lines[unit.name]) for unit in discs)])
    result = {}
    for unit in graph.units:
        if unit in discs:
            result[unit.name] = Body(2 * radius, 2 * radius, disc=True)
            continue
        least = 40.0 if unit.kind is Kind.INPUT else 34.0
        wide = max([_name_width(unit), *(width(text, VALUE_SIZE) for text in lines[unit.name])]) + 18
        high = _height(lines[unit.name]) + 16
        result[unit.name] = Body(round(max(least, wide), 1), round(max(least, high), 1))
    return result


def _name_width(unit: Unit) -> float:
    return width(letter_name(unit.name, Notation()), NAME_SIZE)


def _height(lines: list[Lettering]) -> float:
    return NAME_SIZE + len(lines) * (VALUE_SIZE + 3)


def _radius(unit: Unit, lines: list[Lettering]) -> float:
    """Return the least radius of a disc that holds the name and the values."""
    needed = _name_width(unit) / 2 + 5
    for text, y in zip([None, *lines], _rows(lines), strict=True):
        half = (_name_width(unit) if text is None else width(text, VALUE_SIZE)) / 2
        needed = max(needed, hypot(half, abs(y) + VALUE_SIZE / 2) + 3)
    return float(round(needed))


def _rows(lines: list[Lettering]) -> list[float]:
    """Return the heights of name and values relative to the middle of a unit."""
    if not lines:
        return [0.0]
    top = -_height(lines) / 2
    return [top + NAME_SIZE / 2, *(top + NAME_SIZE + 4 + (VALUE_SIZE + 3) * (k + 0.5) for k in range(len(lines)))]


def _unit_item(unit: Unit, box: Box, body: Body, lines: list[Lettering], look: Look) -> Item:
    on_path = look.marks((unit.name, *unit.members))
    shape: Shape
    if body.disc:
        shape = Disc((box.x, box.y), box.width / 2, 3.5 if unit.kind is Kind.OUTPUT else 0.0)
    else:
        shape = Panel(box, 5.0 if unit.kind is Kind.INPUT else 12.0)
    rows = _rows(lines)
    texts = [Caption(letter_name(unit.name, look.notation), (box.x, box.y + rows[0]), NAME_SIZE)]
    texts += [Caption(text, (box.x, box.y + y), VALUE_SIZE, tone="value") for text, y in zip(lines, rows[1:], strict=True)]
    said = ", ".join(look.said(member) for member in unit.members)
    title = f"{unit.name} ({look.words.of_kind(unit.kind)})" + (f": {said}" if said != unit.name else "")
    names = tuple(dict.fromkeys((unit.name, *unit.members)))
    return Item(f"unit-{unit.name}", unit.kind.value, title, (shape, *texts), names, on_path)


# ---- edges, tags, headings -------------------------------------------------------------------------------------------


def _edge_text(link: Link, look: Look) -> Lettering:
    first, *more = (look.equation(weight) for weight in link.weights)
    for text in more:
        first = first + words_of_value(", ") + text
    return first


def edge_on_path(link: Link, graph: UnitGraph, look: Look) -> bool:
    """Return whether an edge is highlighted: one of its weights is, or both its ends are."""
    ends = [graph.unit(name) for name in (link.source, link.target)]
    return look.marks(link.weights) or all(look.marks((unit.name, *unit.members)) for unit in ends)


def edge_item(identifier: str, link: Link, layout: Layout, plan: Plan, look: Look) -> Item:
    """Return the item of an edge: its line and, along it, its weight."""
    shapes: list[Shape] = [Stroke(layout.curves[identifier])]
    if identifier in layout.labels:
        box = layout.labels[identifier]
        shapes.append(Caption(plan.texts[identifier], (box.x, box.y), LABEL_SIZE, box.angle, backed=True))
    ends = f"{link.source} → {link.target}"
    title = ", ".join(look.said(weight) for weight in link.weights) + f": {ends}" if link.weights else ends
    return Item(identifier, "edge", title, tuple(shapes), link.weights, edge_on_path(link, plan.graph, look))


def _tag_item(identifier: str, tag: Tag, layout: Layout, roles: Mapping[str, Role], look: Look) -> Item:
    box = layout.tags[identifier]
    shapes: list[Shape] = [Stroke(layout.arrows[identifier])] if identifier in layout.arrows else []
    shapes.append(Caption(tag.text, (box.x, box.y), LABEL_SIZE, backed=True, tone="dim"))
    title = f"{look.said(tag.name)}: → {tag.unit}"
    return Item(identifier, "tag", title, tuple(shapes), (tag.name,), look.marks((tag.name,)))


def _headings(graph: UnitGraph, layout: Layout, y: float, look: Look) -> list[Item]:
    """Return the word above each column, once for neighbouring columns of the same kind."""
    found = []
    numbers = range(len(graph.columns))
    kinds = [kind_of_column(graph, number) for number in numbers]
    start = 0
    for number in numbers:
        if number + 1 < len(kinds) and kinds[number + 1] is kinds[number]:
            continue
        kind = kinds[number]
        if kind is not None:
            ends = [layout.bodies[graph.columns[column][0].name].x for column in (start, number)]
            text = words(look.words.of_kind(kind))
            caption = Caption(text, (sum(ends) / 2, y), HEADING_SIZE, tone="dim")
            found.append(Item(f"heading-{kind.value}-{number}", "heading", "", (caption,)))
        start = number + 1
    return found
