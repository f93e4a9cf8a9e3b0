"""The units of a network: which definitions are one neuron (or one layer), and what connects them.

`net_h1 = w1*l1 + w2*l2 + b1` followed by `out_h1 = σ(net_h1)` is one unit "h1" with the links l1 → h1 (w1) and l2 → h1 (w2) and
the bias b1. The same holds for tensors: `Z[n,j] = Σ_i X[n,i] W[i,j] + b[j]` followed by `A = tanh(Z)` is one layer.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sympy import Add, Expr, Indexed, Mul, Sum, Symbol

from symbackprop.errors import UserError
from symbackprop.network import ELEMENTARY, Network, Node, Role


class UnitKind(Enum):
    """What a unit is; inputs, hidden and output units are drawn differently."""

    INPUT = "input"
    HIDDEN = "hidden"
    OUTPUT = "output"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Unit:
    """A neuron, layer, input or loss term.

    `members` are the names of its chain of definitions in order (or the one input); `tags` are the declared names that enter
    it other than along a link: biases, targets, constants. `column` is its place from left to right.
    """

    name: str
    kind: UnitKind
    members: tuple[str, ...]
    tags: tuple[str, ...] = ()
    column: int = 0


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection between two units with the parameters that multiply what passes (often one, none for a plain use)."""

    source: str
    target: str
    weights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitGraph:
    """The units in order of definition and the links in order of their targets."""

    units: tuple[Unit, ...]
    links: tuple[Connection, ...]
    roles: Mapping[str, Role]  # of every name in the drawing

    @property
    def columns(self) -> tuple[tuple[Unit, ...], ...]:
        """The units of each column, from left to right."""
        count = 1 + max((unit.column for unit in self.units), default=0)
        return tuple(tuple(unit for unit in self.units if unit.column == column) for column in range(count))

    def unit(self, name: str) -> Unit:
        """Return the unit of a name."""
        return next(unit for unit in self.units if unit.name == name)


def find_units(network: Network, loss: object = None) -> UnitGraph:
    """Return the units that the loss (by default the last definition) is computed from.

    Raises UserError when the network defines nothing.
    """
    end = loss_name(network, loss)
    nodes = {name: network.nodes[name] for name in network.ancestors(end)}
    chains = _chains(network, nodes, end)
    names = _unit_names(chains, nodes)
    owner = {member: names[chain] for chain in chains for member in chain}
    lossy = _after_target(nodes, end)
    links: list[Connection] = []
    units = []
    for chain in chains:
        found, tags = _uses(nodes[chain[0]], nodes, owner)
        links += [Connection(source, names[chain], weights) for source, weights in found]
        later = [parent for member in chain[1:] for parent in nodes[member].parents if parent not in owner]
        units.append(Unit(names[chain], _kind(chain, nodes, lossy), chain, tuple(dict.fromkeys([*tags, *later]))))
    roles = {name: node.role for name, node in nodes.items()}
    return UnitGraph(placed(_with_outputs(units, links), links), tuple(links), roles)


def _kind(chain: tuple[str, ...], nodes: Mapping[str, Node], lossy: frozenset[str]) -> UnitKind:
    if chain[-1] in lossy:
        return UnitKind.LOSS
    return UnitKind.HIDDEN if nodes[chain[0]].defined else UnitKind.INPUT


def _with_outputs(units: Sequence[Unit], links: Sequence[Connection]) -> tuple[Unit, ...]:
    """Return the units, the hidden ones that a loss uses as output units."""
    losses = {unit.name for unit in units if unit.kind is UnitKind.LOSS}
    feeding = {link.source for link in links if link.target in losses}
    is_output = {unit.name: unit.kind is UnitKind.HIDDEN and unit.name in feeding for unit in units}
    return tuple(replace(unit, kind=UnitKind.OUTPUT) if is_output[unit.name] else unit for unit in units)


def loss_name(network: Network, loss: object = None) -> str:
    """Return the name of the loss: the one given, or the last definition."""
    if loss is not None:
        return network.node(loss).name
    defined = network.of_role(Role.DEFINED)
    if not defined:
        raise UserError(f"network {network.title!r}: nothing is defined, so there is nothing to draw; add net.define(...)")
    return defined[-1].name


def path_to_loss(network: Network, name: object, loss: object = None) -> tuple[str, ...]:
    """Return a name and everything between it and the loss: what is to be highlighted for its gradient.

    Raises UserError when the loss does not depend on it.
    """
    start, end = network.node(name).name, loss_name(network, loss)
    found = network.between(start, end)
    if not found:
        raise UserError(f"highlight: {end} does not depend on {start}; choose a name that enters {end}")
    return found


# ---- which definitions are one unit ----------------------------------------------------------------------------------


def _chains(network: Network, nodes: Mapping[str, Node], end: str) -> list[tuple[str, ...]]:
    """Return the chains of names that make one unit each: an input alone, definitions joined by elementary functions."""
    follower = _followers(nodes, end)
    inside = set(follower.values())
    chains = []
    for node in nodes.values():
        if node.name in inside or node.role not in (Role.INPUT, Role.DEFINED):
            continue
        chain = [node.name]
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
        chains.append(tuple(chain))
    return chains


def _followers(nodes: Mapping[str, Node], end: str) -> dict[str, str]:
    """Return the definitions that go on in a single one, a function of them, and which that is."""
    lossy = _after_target(nodes, end)
    after: dict[str, list[str]] = defaultdict(list)
    for node in nodes.values():
        inner = _function_of_one(node, nodes)
        if inner is not None and nodes[inner].defined and node.name not in lossy:
            after[inner].append(node.name)
    return {name: names[0] for name, names in after.items() if len(names) == 1}


def _function_of_one(node: Node, nodes: Mapping[str, Node]) -> str | None:
    """Return the only name (constants aside) that a definition is a function of, unless it merely scales or shifts it."""
    if node.expression is None:
        return None
    variable = [parent for parent in node.parents if nodes[parent].role is not Role.CONSTANT]
    if len(variable) != 1 or nodes[variable[0]].shape != node.shape:
        return None
    terms = itertools.chain.from_iterable(map(Mul.make_args, Add.make_args(node.expression)))
    places = [term for term in terms if term.atoms(Symbol) & _symbols(nodes[variable[0]])]
    linear = all(isinstance(term, Symbol | Indexed) for term in places)
    return None if linear else variable[0]


def _symbols(node: Node) -> set[Symbol]:
    return {node.symbol.label} if node.indices else {node.symbol}


def _after_target(nodes: Mapping[str, Node], end: str) -> frozenset[str]:
    """Return the names computed from a target, and the loss itself."""
    found = {end}
    for node in nodes.values():
        if any(parent in found or nodes[parent].role is Role.TARGET for parent in node.parents):
            found.add(node.name)
    return frozenset(found)


def _unit_names(chains: Sequence[tuple[str, ...]], nodes: Mapping[str, Node]) -> dict[tuple[str, ...], str]:
    """Return a short name for each chain: what its members share (net_h1, out_h1: h1), else the last member's."""
    wanted = {chain: _shared(chain) or chain[-1] for chain in chains}
    count = Counter(wanted.values())
    return {
        chain: name if count[name] == 1 and (name in chain or name not in nodes) else chain[-1] for chain, name in wanted.items()
    }


def _shared(chain: tuple[str, ...]) -> str | None:
    if len(chain) < 2:
        return None
    endings = {member.split("_", 1)[-1] for member in chain}
    shared = endings.pop()
    return shared if not endings and shared[0].isalpha() else None


# ---- what connects them ----------------------------------------------------------------------------------------------


def _uses(node: Node, nodes: Mapping[str, Node], owner: Mapping[str, str]) -> tuple[list[tuple[str, tuple[str, ...]]], list[str]]:
    """Return the links into a node as (source unit, weights), and the declared names that enter it otherwise."""
    weights: dict[str, set[str]] = {owner[parent]: set() for parent in node.parents if parent in owner}
    tags: set[str] = set()
    for term in Add.make_args(_inside(node.expression)) if node.expression is not None else ():
        source, multiplied, others = _term_uses(term, node, nodes, owner)
        tags |= others
        if source:
            weights[source] |= multiplied

    def as_declared(names: set[str]) -> tuple[str, ...]:
        return tuple(name for name in node.parents if name in names)  # sympy sorts terms, the author did not

    return [(source, as_declared(names)) for source, names in weights.items()], list(as_declared(tags))


def _term_uses(term: Expr, node: Node, nodes: Mapping[str, Node], owner: Mapping[str, str]) -> tuple[str, set[str], set[str]]:
    """Return the one unit that a term passes on ("" for none or several), the weights in front of it, and the other names."""
    names = _factors(term, nodes) or []
    sources = [name for name in names if name in owner]
    if len(sources) == 1:
        weights = {name for name in names if nodes[name].role is Role.PARAMETER}
        return owner[sources[0]], weights, set(names) - owner.keys() - weights
    used = {name for name in node.parents if term.atoms(Symbol) & _symbols(nodes[name])}
    return "", set(), used - owner.keys()


def _inside(expression: Expr) -> Expr:
    """Return what an activation is applied to: `σ(w*x + b)` gives `w*x + b`."""
    while expression.func in ELEMENTARY and len(expression.args) == 1:
        (expression,) = expression.args
    return expression


def _factors(term: Expr, nodes: Mapping[str, Node]) -> list[str] | None:
    """Return the names multiplied in a term (under sums), or None when the term is no product of plain names."""
    while isinstance(term, Sum):
        term = term.function
    names = []
    for factor in Mul.make_args(term):
        if isinstance(factor, Indexed):
            names.append(str(factor.base.label))
        elif isinstance(factor, Symbol) and factor.name in nodes:
            names.append(factor.name)
        elif not factor.is_number and not isinstance(factor, Symbol):
            return None
    return sorted(names, key=lambda name: nodes[name].position)


def placed(units: tuple[Unit, ...], links: Iterable[Connection]) -> tuple[Unit, ...]:
    """Return the units with their columns: the longest path from the inputs, losses after all other units."""
    into: dict[str, list[str]] = defaultdict(list)
    out_of: dict[str, list[str]] = defaultdict(list)
    for link in links:
        into[link.target].append(link.source)
        out_of[link.source].append(link.target)
    column: dict[str, int] = {}
    _place(units, into, {UnitKind.INPUT: 0, UnitKind.HIDDEN: 1, UnitKind.OUTPUT: 1}, column)
    _place(units, into, {UnitKind.LOSS: max(column.values(), default=0) + 1}, column)
    for unit in units:
        if unit.kind is UnitKind.INPUT and out_of[unit.name]:
            column[unit.name] = min(column[target] for target in out_of[unit.name]) - 1
    return tuple(replace(unit, column=column[unit.name]) for unit in units)


def _place(units: Iterable[Unit], into: Mapping[str, list[str]], least: Mapping[UnitKind, int], column: dict[str, int]) -> None:
    """Give the units of some kinds a column each, not before the `least` of their kind."""
    for unit in units:  # definitions come after what they use
        if unit.kind in least:
            column[unit.name] = max([least[unit.kind], *(column[source] + 1 for source in into[unit.name])])
