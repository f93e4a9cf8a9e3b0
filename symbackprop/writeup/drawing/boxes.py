"""Layers as boxes: each layer with its definitions and shape, its parameters at the arrows.

For a network of tensors every layer is one box: `A1` with `Z1 = X W1 + b1`, `A1 = tanh(Z1)` and the shape (N, M), and
`W1 (D, M)` at the arrow from `X`. A scalar network that is too large for single units has one box for each column: `h1 … h64`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from symbackprop.derive.matrix.short_line import short_line
from symbackprop.formula.notation.notation import Notation
from symbackprop.network import Network, Node, Role
from symbackprop.writeup.drawing.compose import MOST_WIDE, compose, edge_identifiers, tags_of
from symbackprop.writeup.drawing.diagram_layout import LayoutPlan, Tag
from symbackprop.writeup.drawing.faces import EQUALS, Face, Look, bodies, printed, unit_titles
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.styled_text import StyledText, Written, prose, styled, styled_name
from symbackprop.writeup.drawing.unit_graph import Connection, Unit, UnitGraph, UnitKind


def layer_picture(network: Network, graph: UnitGraph, look: Look, title: str, formulas: Mapping[str, Written]) -> Picture:
    """Return the diagram of a network's layers; `formulas` replaces the right-hand sides of definitions."""
    if any(network.nodes[name].indices for name in graph.roles):
        return _tensor_picture(network, graph, look, title, formulas)
    return _grouped_picture(graph, look, title)


# ---- tensors ---------------------------------------------------------------------------------------------------------


def _tensor_picture(network: Network, graph: UnitGraph, look: Look, title: str, formulas: Mapping[str, Written]) -> Picture:
    nodes = network.nodes
    faces = {unit.name: _layer_face(unit, nodes, look, formulas) for unit in graph.units}
    edges = edge_identifiers(graph)
    texts = {
        identifier: _joined(_shaped(nodes[weight], look) for weight in link.weights)
        for identifier, link in edges.items()
        if link.weights
    }
    tags = {
        identifier: Tag(tag.unit, tag.name, _shaped(nodes[tag.name], look)) for identifier, tag in tags_of(graph, look).items()
    }
    return _readable(LayoutPlan(graph, bodies(faces), edges, texts, tags), faces, look, title)


def _readable(plan: LayoutPlan, faces: Mapping[str, Face], look: Look, title: str) -> Picture:
    """Return the picture from left to right, or from top to bottom where it would be too wide to read on a page."""
    picture, _ = compose(plan, faces, look, title)
    return picture if picture.width <= MOST_WIDE else compose(replace(plan, downward=True), faces, look, title)[0]


def _layer_face(unit: Unit, nodes: Mapping[str, Node], look: Look, formulas: Mapping[str, Written]) -> Face:
    lines = []
    for member in unit.members:
        written = formulas.get(member) or short_line(nodes[member])
        if written is not None:
            lines.append(styled_name(member, look.notation) + EQUALS + styled(written, look.notation))
        elif member in look.values:
            lines.append(look.equation(member))
    shape = _shape(nodes[unit.members[-1]], look.notation)
    lines += [] if shape is None else [shape]
    title, asked = unit_titles(unit, look)
    return Face(styled_name(unit.name, look.notation), tuple(lines), tone="dim", title=title, asked=asked)


def _shaped(node: Node, look: Look) -> StyledText:
    """Return a name with its value if one is given, and its shape if it has one: `W1 (D, M)`."""
    shape = _shape(node, look.notation)
    name = look.equation(node.name)
    return name if shape is None else name + prose(" ") + shape


def _shape(node: Node, notation: Notation) -> StyledText | None:
    """Return `(N, D)` for a tensor, None for a number."""
    if not node.indices:
        return None
    return printed("(") + _joined(styled(str(extent), notation) for extent in node.shape) + printed(")")


def _joined(texts: Iterable[StyledText]) -> StyledText:
    first, *more = texts
    for text in more:
        first = first + printed(", ") + text
    return first


# ---- many numbers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """The units of one column and kind, which are one box."""

    units: list[Unit]

    @property
    def name(self) -> str:
        return f"layer-{self.units[0].column}-{self.units[0].kind.value}"

    @property
    def unit(self) -> Unit:
        """The group as one unit."""
        members = tuple(member for unit in self.units for member in unit.members)
        return Unit(self.name, self.units[0].kind, members, (), self.units[0].column)


def _grouped_picture(graph: UnitGraph, look: Look, title: str) -> Picture:
    """Return one box for the units of each column and kind."""
    found: dict[tuple[int, UnitKind], list[Unit]] = {}
    for unit in graph.units:
        found.setdefault((unit.column, unit.kind), []).append(unit)
    groups = list(map(_Group, found.values()))
    reduced = UnitGraph(tuple(group.unit for group in groups), _links_between(groups, graph), graph.roles)
    faces = {group.name: _group_face(group, look) for group in groups}
    edges = edge_identifiers_of_layers(reduced)
    texts = {identifier: _range(link.weights, look) for identifier, link in edges.items() if link.weights}
    tags = _group_tags(groups, graph.roles, look)
    return _readable(LayoutPlan(reduced, bodies(faces), edges, texts, tags), faces, look, title)


def _links_between(groups: Iterable[_Group], graph: UnitGraph) -> tuple[Connection, ...]:
    """Return the links of a graph with groups in the place of units, each with all the weights."""
    owner = {unit.name: group.name for group in groups for unit in group.units}
    weights: dict[tuple[str, str], list[str]] = {}
    for link in graph.links:
        weights.setdefault((owner[link.source], owner[link.target]), []).extend(link.weights)
    return tuple(Connection(source, target, tuple(dict.fromkeys(found))) for (source, target), found in weights.items())


def edge_identifiers_of_layers(graph: UnitGraph) -> dict[str, Connection]:
    """Return the links between boxes by identifier, `edge-layer-0-input-layer-1-hidden`."""
    return {f"edge-{link.source}-{link.target}": link for link in graph.links}


def _group_face(group: _Group, look: Look) -> Face:
    heading = _range([unit.name for unit in group.units], look)
    names = tuple(dict.fromkeys(name for unit in group.units for name in (unit.name, *unit.members)))
    word = look.words.of_kind(group.units[0].kind)
    return Face(heading, title=f"{heading.plain} ({word})", names=names)


def _group_tags(groups: Iterable[_Group], roles: Mapping[str, Role], look: Look) -> dict[str, Tag]:
    tags = {}
    for group in groups:
        by_role: dict[Role, list[str]] = {}
        for name in dict.fromkeys(name for unit in group.units for name in unit.tags):
            by_role.setdefault(roles[name], []).append(name)
        for role, found in by_role.items():
            kind = "bias" if role is Role.PARAMETER else role.value
            tags[f"{kind}-{group.name}"] = Tag(group.name, found[0], _range(found, look))
    return tags


def _range(names: Iterable[str], look: Look) -> StyledText:
    """Return `w1 … w64` for many names, all of them for up to two."""
    found = list(names)
    if len(found) == 1:
        return look.equation(found[0])
    between = printed(", ") if len(found) == 2 else printed(" … ")
    return styled_name(found[0], look.notation) + between + styled_name(found[-1], look.notation)
