"""The diagram of a lesson: the network's own, with a place for a live number wherever a printed value would stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Mul, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.formula.notation.notation import Notation
from symbackprop.network.node import Role
from symbackprop.network.wording import in_language
from symbackprop.writeup.drawing.compose import PRINTED, edge_identifiers
from symbackprop.writeup.drawing.diagram import network_picture
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.drawing.unit_graph import Connection, UnitGraph, find_units
from symbackprop.writeup.lesson.mistakes import Backward
from symbackprop.writeup.lesson.quantities import PageNumbers
from symbackprop.writeup.print.figures import diagram_words

PREFIX = "net-"
#: Pixels: so wide may a diagram be; a narrower screen scrolls it.
SCREEN = 2.5 * PRINTED
#: What is printed for the value of a name is as wide as any number there can be, and is found again by its digits.
_WIDEST = "-8.{:04d}"
_PRINTED = re.compile(r"(\N{NO-BREAK SPACE}?)\N{MINUS SIGN}8\.(\d{4})")
#: What the page's style sheet and the labels say already.
_TWICE = re.compile(
    r' (?:fill|stroke)="(?:#[0-9a-f]{6}|none)"| text-anchor="middle"| stroke-width="13"'
    r"|(?<=>)<title>[^<]*</title>(?=<path|<circle|<rect|<text)"
)
#: What is said of a value in a label, with a hyphen, and in the description of the whole, with the sign of the drawing.
_SAID = re.compile(r" = (?:-8\.\d{4}|\N{NO-BREAK SPACE}?\N{MINUS SIGN}8\.\d{4}(?=[^<]*</desc>))")


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge: its element, the node it comes from and the one it enters, its weights, and what it carries.

    `forward` is what it passes on, `backward` what comes back along it (None: nothing that is worked), `gradient` the
    derivative by its weight, if it has one.
    """

    identifier: str
    source: str
    target: str
    weights: tuple[str, ...]
    forward: Expr
    backward: Expr | None
    gradient: Expr | None


def live_diagram(derivation: DerivationRecord, quantities: PageNumbers, notation: Notation, lang: str) -> str:
    """Return the diagram as SVG, its values places for live numbers."""
    network = derivation.network
    names = [name for name in network.ancestors(derivation.loss) if not network.nodes[name].indices]
    values = {name: _WIDEST.format(at) for at, name in enumerate(names)}
    words = diagram_words(lang)
    title = f"{words.network}: {in_language(network.title, lang)}"
    drawn = network_picture(network, derivation.loss, values=values, notation=notation, words=words, title=title, paper=SCREEN)
    image = svg(drawn, prefix=PREFIX, stylesheet=False, focusable=True)

    def place(found: re.Match[str]) -> str:
        number = quantities.place(network.nodes[names[int(found[2])]].symbol)
        return f'{found[1]}<tspan data-v="{number}" data-short=""></tspan>'

    return _PRINTED.sub(place, _SAID.sub("", _TWICE.sub("", image)))


def edges(derivation: DerivationRecord, backward: Backward) -> tuple[Edge, ...]:
    """Return the edges of the diagram."""
    graph = find_units(derivation.network, derivation.loss)
    return tuple(_edge(name, link, derivation, graph, backward) for name, link in edge_identifiers(graph).items())


def _edge(identifier: str, link: Connection, derivation: DerivationRecord, graph: UnitGraph, backward: Backward) -> Edge:
    source, target = graph.unit(link.source).members[-1], graph.unit(link.target).members[0]
    nodes: Mapping[str, Symbol] = {name: node.symbol for name, node in derivation.network.nodes.items()}
    passed = Mul(nodes[source], *(nodes[weight] for weight in link.weights))
    local = backward.uses.get((target, source))
    back = None if local is None else derivation.adjoints[target].symbol * local
    learned = [name for name in link.weights if derivation.network.nodes[name].role is Role.PARAMETER]
    gradient = derivation.adjoints[learned[0]].symbol if len(learned) == 1 and learned[0] in derivation.wrt else None
    return Edge(PREFIX + identifier, source, target, link.weights, passed, back, gradient)
