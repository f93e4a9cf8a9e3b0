"""The computational graph of a network: definitions as nodes, uses as edges, local derivatives on the edges.

    graph_picture(network, locals_={("out_h1", "net_h1"): "out_h1·(1 - out_h1)"}, highlight=path_to_loss(network, "w1"))

The texts on the edges come from the caller; declared names (a weight, an input) are drawn where a text or the path needs them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from symbackprop.errors import UserError
from symbackprop.formula.notation import Notation
from symbackprop.network import Network, Node, Role
from symbackprop.writeup.diagram import check_names
from symbackprop.writeup.layout import Plan
from symbackprop.writeup.lettering import Written, letter, letter_name
from symbackprop.writeup.picture import Picture
from symbackprop.writeup.sheet import DiagramWords, Face, Look, bodies, compose, printed
from symbackprop.writeup.units import Kind, Link, Unit, UnitGraph, find_units, loss_name, placed, upstream


def graph_picture(
    network: Network,
    loss: object = None,
    *,
    locals_: Mapping[tuple[str, str], Written] | None = None,
    values: Mapping[str, str] | None = None,
    highlight: Collection[str] = (),
    show: Collection[str] | None = None,
    notation: Notation | None = None,
    title: str | None = None,
    words: DiagramWords | None = None,
) -> Picture:
    """Return the graph of everything that the loss (by default the last definition) is computed from.

    `locals_` maps (consumer, parent) to the text of ∂consumer/∂parent; `values` maps names to printed values; `show` lists the
    declared names to draw (by default those on the path or with a text).

    Raises UserError for unknown names, and for a text on an edge that is not there.
    """
    end = loss_name(network, loss)
    texts, printed_values = dict(locals_ or {}), dict(values or {})
    for where, names in (("values", printed_values), ("highlight", highlight), ("show", show or ())):
        check_names(where, names, network.nodes)
    wanted = set(highlight) | {parent for _, parent in texts} if show is None else set(show)
    nodes = {name: network.nodes[name] for name in upstream(network, end)}
    drawn = {name: node for name, node in nodes.items() if node.defined or name in wanted}
    graph = _graph(network, end, drawn)
    _check_edges(texts, drawn)
    chosen = DiagramWords() if words is None else words
    look = Look(notation or Notation(), printed_values, frozenset(highlight), chosen)
    edges = {f"edge-{link.source}-{link.target}": link for link in graph.links}
    lettered = {
        identifier: letter(texts[link.target, link.source], look.notation)
        for identifier, link in edges.items()
        if (link.target, link.source) in texts
    }
    faces = {unit.name: _face(drawn[unit.name], look) for unit in graph.units}
    heading = f"{chosen.graph}: {network.title}" if title is None else title
    return compose(Plan(graph, bodies(faces), edges, lettered, {}, downward=True), faces, look, heading)[0]


def _graph(network: Network, end: str, drawn: Mapping[str, Node]) -> UnitGraph:
    kinds = {member: unit.kind for unit in find_units(network, end).units for member in unit.members}
    links = tuple(Link(parent, node.name) for node in drawn.values() for parent in node.parents if parent in drawn)
    units = tuple(Unit(name, kinds.get(name, Kind.INPUT), (name,)) for name in drawn)
    return UnitGraph(placed(units, links), links, {name: node.role for name, node in drawn.items()})


def _check_edges(texts: Mapping[tuple[str, str], Written], drawn: Mapping[str, Node]) -> None:
    for consumer, parent in texts:
        node = drawn.get(consumer)
        if node is None or parent not in node.parents:
            users = [name for name, other in drawn.items() if parent in other.parents]
            where = f"; {parent} is used by {', '.join(users)}" if users else ""
            raise UserError(f"graph: text for ({consumer}, {parent}), but {consumer} does not use {parent}{where}")
        if parent not in drawn:
            raise UserError(f"graph: text for ({consumer}, {parent}), but {parent} is not shown; add it to show=")


def _face(node: Node, look: Look) -> Face:
    value = look.values.get(node.name)
    lines = () if value is None else (printed(value),)
    return Face(
        letter_name(node.name, look.notation), lines, title=look.said(node.name), names=(node.name,),
        dashed=node.role is Role.PARAMETER,
    )  # fmt: skip
