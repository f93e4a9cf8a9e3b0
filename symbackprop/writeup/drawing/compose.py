"""From a laid-out plan to a picture: units with their faces, edges with their labels, tags, headings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from symbackprop.network import Role
from symbackprop.writeup.drawing.diagram_layout import LABEL_SIZE, Layout, LayoutPlan, Tag, kind_of_column, lay_out
from symbackprop.writeup.drawing.faces import NAME_SIZE, VALUE_SIZE, Face, Look
from symbackprop.writeup.drawing.geometry import Box, extent
from symbackprop.writeup.drawing.picture import MARGIN, Caption, Disc, Item, Panel, Picture, Shape, Stroke, fitted
from symbackprop.writeup.drawing.styled_text import prose
from symbackprop.writeup.drawing.unit_graph import Connection, Unit, UnitGraph, UnitKind

HEADING_SIZE = 13.0
#: Pixels: letters lower than this cannot be read; a printed page is so wide; a wider picture would have lower letters there.
SMALLEST, PRINTED = 9.0, 672.0
MOST_WIDE = PRINTED * VALUE_SIZE / SMALLEST
_RING = 3.5


def compose(plan: LayoutPlan, faces: Mapping[str, Face], look: Look, title: str) -> tuple[Picture, tuple[str, ...]]:
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


def edge_identifiers(graph: UnitGraph) -> dict[str, Connection]:
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
        shape = Disc((box.x, box.y), box.width / 2, _RING if unit.kind is UnitKind.OUTPUT else 0.0)
    else:
        shape = Panel(box, 12.0 if unit.kind is UnitKind.LOSS else 5.0, face.dashed)
    heading, *rows = face.rows
    texts = [Caption(face.heading, (box.x, box.y + heading), NAME_SIZE)]
    texts += [Caption(text, (box.x, box.y + y), VALUE_SIZE, tone=face.tone) for text, y in zip(face.lines, rows, strict=True)]
    names = face.names or tuple(dict.fromkeys((unit.name, *unit.members)))
    return Item(f"unit-{unit.name}", unit.kind.value, face.title, (shape, *texts), names, look.marks(names), asked=face.asked)


def _edge_item(identifier: str, link: Connection, layout: Layout, plan: LayoutPlan, look: Look) -> Item:
    shapes: list[Shape] = [Stroke(layout.curves[identifier])]
    if identifier in layout.labels:
        box = layout.labels[identifier]
        covers = (link.target, link.source) in look.coverable
        shapes.append(Caption(plan.texts[identifier], (box.x, box.y), LABEL_SIZE, box.angle, backed=True, coverable=covers))
    ends = f"{link.source} → {link.target}"
    title, asked = look.titles(lambda seen: f"{seen.said(link.weights)}: {ends}" if link.weights else ends)
    joined = (plan.graph.unit(link.source).members[-1], plan.graph.unit(link.target).members[0])
    return Item(identifier, "edge", title, tuple(shapes), link.weights, _edge_on_path(link, plan.graph, look), joined, asked)


def _edge_on_path(link: Connection, graph: UnitGraph, look: Look) -> bool:
    """Return whether an edge is highlighted: one of its weights is, or both its ends are."""
    ends = (graph.unit(name) for name in (link.source, link.target))
    return look.marks(link.weights) or all(look.marks((unit.name, *unit.members)) for unit in ends)


def _tag_item(identifier: str, tag: Tag, layout: Layout, look: Look) -> Item:
    box = layout.tags[identifier]
    shapes: list[Shape] = [Stroke(layout.arrows[identifier])] if identifier in layout.arrows else []
    shapes.append(Caption(tag.text, (box.x, box.y), LABEL_SIZE, backed=True, tone="dim"))
    title, asked = look.titles(lambda seen: f"{seen.said((tag.name,))}: → {tag.unit}")
    return Item(identifier, "tag", title, tuple(shapes), (tag.name,), look.marks((tag.name,)), asked=asked)


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
