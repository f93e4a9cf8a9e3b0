"""The computational graph of a network: definitions as nodes, uses as edges, local derivatives on the edges.

    graph_picture(network, locals_={("out_h1", "net_h1"): "out_h1·(1 - out_h1)"}, highlight=path_to_loss(network, "w1"))

The texts on the edges come from the caller; declared names (a weight, an input) are drawn where a text or the path needs them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.network import Network, Node, Role
from symbackprop.writeup.drawing.compose import compose
from symbackprop.writeup.drawing.diagram import check_names
from symbackprop.writeup.drawing.diagram_layout import LayoutPlan
from symbackprop.writeup.drawing.faces import Coverable, DiagramWords, Face, Look, bodies
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.styled_text import Written, styled, styled_name
from symbackprop.writeup.drawing.unit_graph import Connection, Unit, UnitGraph, UnitKind, find_units, loss_name, placed


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
    coverable: Collection[Coverable] = (),
) -> Picture:
    """Return the graph of everything that the loss (by default the last definition) is computed from.

    `locals_` maps (consumer, parent) to the text of ∂consumer/∂parent; `values` maps names to printed values; `show` lists the
    declared names to draw (by default those on the path or with a text). `coverable` are the names whose values, and the uses
    whose texts, a page can cover.

    Raises UserError for unknown names, and for a text on an edge that is not there.
    """
    end = loss_name(network, loss)
    texts, look = dict(locals_ or {}), Look.of(notation, values, highlight, words, coverable)
    for where, names in (("values", look.values), ("highlight", highlight), ("show", show or ())):
        check_names(where, names, network.nodes)
    wanted = set(highlight) | {parent for _, parent in texts} if show is None else set(show)
    drawn = {name: network.nodes[name] for name in network.ancestors(end) if network.nodes[name].defined or name in wanted}
    _check_edges(texts, drawn)
    plan, faces = _plan(_graph(network, end, drawn), texts, drawn, look)
    return compose(plan, faces, look, f"{look.words.graph}: {network.title}" if title is None else title)[0]


def _plan(
    graph: UnitGraph, texts: Mapping[tuple[str, str], Written], drawn: Mapping[str, Node], look: Look
) -> tuple[LayoutPlan, dict[str, Face]]:
    edges = {f"edge-{link.source}-{link.target}": link for link in graph.links}
    written = {identifier: texts.get((link.target, link.source)) for identifier, link in edges.items()}
    labels = {identifier: styled(text, look.notation) for identifier, text in written.items() if text is not None}
    faces = {unit.name: _face(drawn[unit.name], look) for unit in graph.units}
    return LayoutPlan(graph, bodies(faces), edges, labels, {}, downward=True), faces


def _graph(network: Network, end: str, drawn: Mapping[str, Node]) -> UnitGraph:
    kinds = {member: unit.kind for unit in find_units(network, end).units for member in unit.members}
    links = tuple(Connection(parent, node.name) for node in drawn.values() for parent in node.parents if parent in drawn)
    units = tuple(Unit(name, kinds.get(name, UnitKind.INPUT), (name,)) for name in drawn)
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
    lines = (look.value(node.name),) if node.name in look.values else ()
    title, asked = look.titles(lambda seen: seen.said((node.name,)))
    return Face(
        styled_name(node.name, look.notation), lines, title=title, asked=asked, names=(node.name,),
        dashed=node.role is Role.PARAMETER,
    )  # fmt: skip
