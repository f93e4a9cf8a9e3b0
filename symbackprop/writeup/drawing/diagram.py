"""The diagram of a network: units in columns with every weight on its edge, or layers as boxes where that cannot be read.

    picture = network_picture(network, values={"w7": "0.4"}, highlight=("w7", "o1"))
    svg(picture)          tikz(picture)

Only the texts given in `values` appear; no number is computed here, so what a student is to find out cannot be in the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation.notation import Notation
from symbackprop.network import Network
from symbackprop.writeup.drawing.boxes import layer_picture
from symbackprop.writeup.drawing.compose import PRINTED, SMALLEST, compose, edge_identifiers, tags_of
from symbackprop.writeup.drawing.diagram_layout import LABEL_SIZE, LayoutPlan
from symbackprop.writeup.drawing.faces import VALUE_SIZE, Coverable, DiagramWords, Face, Look, bodies, printed, unit_titles
from symbackprop.writeup.drawing.picture import Picture
from symbackprop.writeup.drawing.styled_text import StyledText, Written, prose, styled_name
from symbackprop.writeup.drawing.unit_graph import Connection, Unit, UnitGraph, UnitKind, find_units

VIEWS = ("auto", "units", "layers")
LARGEST_COLUMN, MOST_UNITS = 8, 40  # a larger network is not tried with single units
#: What a diagram of units shows besides names, the most first: values everywhere, in the units only, nowhere.
VALUED = ("everywhere", "units", "nowhere")


def network_picture(
    network: Network,
    loss: object = None,
    *,
    values: Mapping[str, str] | None = None,
    highlight: Collection[str] = (),
    view: str = "auto",
    formulas: Mapping[str, Written] | None = None,
    notation: Notation | None = None,
    title: str | None = None,
    words: DiagramWords | None = None,
    paper: float = PRINTED,
    coverable: Collection[Coverable] = (),
) -> Picture:
    """Return the diagram of everything that the loss (by default the last definition) is computed from.

    `values` maps names to the texts to print for them, `highlight` lists names (of nodes or units) on the path in red, see
    `path_to_loss`. `view` is "units" (scalar networks only), "layers", or "auto": units if every label can be read on a page,
    without the weights' values or all values (they stay in the titles) if only so, else layers. `formulas` replaces the
    definitions shown in layers. `paper` is how many pixels wide a page is on which the smallest letters have to be read.
    `coverable` are the names whose values a page can cover.

    Raises UserError for an unknown name or view, and for units of a network of tensors.
    """
    graph = find_units(network, loss)
    look, formulas = Look.of(notation, values, highlight, words, coverable), formulas or {}
    check_names("highlight", highlight, {*network.nodes, *(unit.name for unit in graph.units)})
    check_names("values", look.values, network.nodes)
    check_names("formulas", formulas, network.nodes)
    heading = f"{look.words.network}: {network.title}" if title is None else title
    if _shows_units(network, graph, view):
        for valued in VALUED:
            picture, problems = _unit_picture(graph, look, heading, valued, paper)
            if not problems:
                return picture
        if view == "units":
            return picture
    return layer_picture(network, graph, look, heading, formulas)


def _shows_units(network: Network, graph: UnitGraph, view: str) -> bool:
    """Whether single units are tried. Raises UserError for an unknown view, and for units of a network of tensors."""
    if view not in VIEWS:
        raise UserError(f"diagram: view {view!r}; expected one of {', '.join(VIEWS)}.{nearest(view, VIEWS)}")
    tensors = [name for name in graph.roles if network.nodes[name].indices]
    if view == "units" and tensors:
        raise UserError(f"diagram: view 'units' needs a network of numbers, but {tensors[0]} has indices; use view='layers'")
    return view == "units" or (view == "auto" and not tensors and not _too_large(graph))


def check_names(where: str, names: Collection[str], known: Collection[str]) -> None:
    """Raise UserError for the first name that is not known, with the nearest one."""
    for name in names:
        if name not in known:
            raise UserError(f"diagram: {where}: unknown name {name}; expected a name of the network.{nearest(name, known)}")


def _too_large(graph: UnitGraph) -> bool:
    return len(graph.units) > MOST_UNITS or max(len(column) for column in graph.columns) > LARGEST_COLUMN


def _unit_picture(graph: UnitGraph, look: Look, title: str, valued: str, paper: float) -> tuple[Picture, tuple[str, ...]]:
    """Return the diagram with single units and what in it cannot be read; `valued` is one of `VALUED`."""
    edges = edge_identifiers(graph)
    bare = replace(look, values={})
    faces = {unit.name: _face(unit, look) for unit in graph.units}
    if valued == "nowhere":
        faces = {name: replace(face, lines=()) for name, face in faces.items()}
    on_edges = look if valued == "everywhere" else bare
    texts = {identifier: _edge_text(link, on_edges) for identifier, link in edges.items() if link.weights}
    tags = tags_of(graph, bare if valued == "nowhere" else look)
    smallest = LABEL_SIZE if valued == "nowhere" else VALUE_SIZE
    widest = paper * smallest / SMALLEST
    return compose(LayoutPlan(graph, bodies(faces), edges, texts, tags, most_wide=widest), faces, look, title)


def _face(unit: Unit, look: Look) -> Face:
    """Return what a unit shows: its name, and `net 2.35`, `out 0.9129` for the members that have a value."""
    lines = []
    for member in unit.members:
        if member in look.values:
            value = look.value(member)
            stem = styled_name(member.removesuffix(f"_{unit.name}"), look.notation) + prose(" ")
            lines.append(value if len(unit.members) == 1 else stem + value)
    title, asked = unit_titles(unit, look)
    disc = unit.kind in (UnitKind.HIDDEN, UnitKind.OUTPUT)
    return Face(styled_name(unit.name, look.notation), tuple(lines), disc, title=title, asked=asked)


def _edge_text(link: Connection, look: Look) -> StyledText:
    first, *more = (look.equation(weight) for weight in link.weights)
    for text in more:
        first = first + printed(", ") + text
    return first
