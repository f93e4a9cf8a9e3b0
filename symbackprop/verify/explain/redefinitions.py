"""The usual mistakes in a definition of the forward pass: what is left out, turned round, or put in the place of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Add, Expr, Function, Idx, Indexed, Mul, Number, Pow, Symbol

from symbackprop.functions import BY_NAME, ELEMENTARY, step
from symbackprop.network.model import Network
from symbackprop.network.node import Node

MOST_NAMES = 6
"""Names tried in the place of another."""


@dataclass(frozen=True, slots=True)
class Redefined:
    """A node with another definition, what that mistake is called, and the formulas it is said with."""

    node: str
    expression: Expr
    mistake: str
    values: Mapping[str, Expr] = field(default_factory=dict)


def redefinitions(network: Network, node: Node) -> Iterator[Redefined]:
    """Yield the usual mistakes in a definition, made one at a time."""
    expression = node.expression
    for rule in RULES if expression is not None else ():
        for mistake, changed, values in rule(network, node, expression):
            yield Redefined(node.name, changed, mistake, {"definition": expression, **values})


Found = Iterator[tuple[str, Expr, dict[str, Expr]]]


def _parts(expression: Expr, kind: type) -> list[Expr]:
    return sorted(expression.atoms(kind), key=str)


def _summands(network: Network, node: Node, expression: Expr) -> Found:
    for total in _parts(expression, Add):
        for summand in (summand for summand in total.args if not _is_a_size(network, summand)):
            yield "forward summand", expression.xreplace({total: total - summand}), {"term": summand}
            yield "forward sign", expression.xreplace({total: total - 2 * summand}), {"term": summand}


def _is_a_size(network: Network, summand: Expr) -> bool:
    """Whether a summand is made of sizes alone, which nobody leaves out of a sum."""
    names = {str(entry.base.label) if isinstance(entry, Indexed) else entry.name for entry in summand.atoms(Symbol, Indexed)}
    return bool(names) and names.isdisjoint(network.nodes)


def _functions(network: Network, node: Node, expression: Expr) -> Found:
    for call in _parts(expression, Function):
        if call.func in ELEMENTARY and len(call.args) == 1:
            (argument,) = call.args
            others = (BY_NAME[name].function for name in ELEMENTARY[call.func].taken_for)
            for put in (argument, *(other(argument) for other in others if call.func is not other)):
                yield "forward exchanged", expression.xreplace({call: put}), {"put": put, "old": call}


def _conditions(network: Network, node: Node, expression: Expr) -> Found:
    for call in _parts(expression, step):
        yield "forward condition", expression.xreplace({call: 1 - call}), {}
        yield "forward minus one", expression.xreplace({call: 2 * call - 1}), {}


def _factors(network: Network, node: Node, expression: Expr) -> Found:
    for product in _parts(expression, Mul):
        for factor in (f for f in product.args if not f.is_Number or abs(f) != 1):
            yield "forward factor", expression.xreplace({product: product / factor}), {"term": factor}


def _powers(network: Network, node: Node, expression: Expr) -> Found:
    for power in _parts(expression, Pow):
        if not isinstance(power.exp, Number) or power.exp != -1:
            yield "forward exchanged", expression.xreplace({power: power.base}), {"put": power.base, "old": power}


def _names(network: Network, node: Node, expression: Expr) -> Found:
    earlier = [other for other in network.nodes.values() if other.position < node.position]
    for entry in sorted(expression.atoms(Symbol, Indexed), key=str):
        name = str(entry.base.label) if isinstance(entry, Indexed) else entry.name
        own = network.nodes.get(name)
        if isinstance(entry, Idx) or own is None or (isinstance(entry, Symbol) and own.indices):
            continue
        for put in _entries(entry, _alike(own, earlier)):
            yield "forward name", expression.xreplace({entry: put}), {"put": put, "old": entry}


def _alike(own: Node, earlier: Iterable[Node]) -> list[Node]:
    """Return the nodes of the same shape, the most similar first."""
    others = [other for other in earlier if other.name != own.name and other.shape == own.shape]
    return sorted(others, key=lambda other: (other.role is not own.role, abs(other.position - own.position)))[:MOST_NAMES]


def _entries(entry: Expr, others: Iterable[Node]) -> Iterator[Expr]:
    for other in others:
        yield other.symbol[entry.indices] if isinstance(entry, Indexed) else other.symbol
    if isinstance(entry, Indexed) and len(entry.indices) == 2:
        yield entry.base[entry.indices[::-1]]


RULES: tuple[Callable[[Network, Node, Expr], Found], ...] = (_summands, _functions, _conditions, _factors, _powers, _names)
