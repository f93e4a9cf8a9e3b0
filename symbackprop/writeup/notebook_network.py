"""The network as the Python calls that build it, so that a reader can change it and derive again."""

from __future__ import annotations

from keyword import iskeyword

from sympy import Idx, IndexedBase, Sum
from sympy.core.function import Function as SympyFunction
from sympy.printing.str import StrPrinter

from symbackprop.network import Network
from symbackprop.network.functions import BY_NAME
from symbackprop.network.node import Fact, Node, Role

_CALLS = {Role.INPUT: "input", Role.PARAMETER: "parameter", Role.TARGET: "target", Role.CONSTANT: "constant"}


class _Calls(StrPrinter):  # type: ignore[misc]
    """Expressions as Python: exact fractions, and names that Python keeps for itself with an underscore."""

    def _print_Rational(self, number: object) -> str:
        return f"Rational({number.p}, {number.q})"  # type: ignore[attr-defined]

    def _print_Half(self, number: object) -> str:
        return "Rational(1, 2)"

    def _print_Symbol(self, symbol: object) -> str:
        return variable(str(symbol))


def variable(name: str) -> str:
    """Return the Python variable of a node."""
    return name + "_" if iskeyword(name) else name


def network_source(network: Network, loss: str) -> str:
    """Return source of a function `build(values)` that returns the network up to `loss`; its names stay inside it."""
    nodes = list(network.nodes.values())
    nodes = nodes[: 1 + next(position for position, node in enumerate(nodes) if node.name == loss)]
    known = {node.name for node in nodes}
    facts = [fact for fact in network.facts if _names(fact) <= known]
    expressions = [node.expression for node in nodes if node.expression is not None]
    bodies = [*expressions, *(side for fact in facts for side in (fact.left, fact.right))]
    used = {type(call).__name__ for body in bodies for call in body.atoms(SympyFunction)}
    ours = sorted(used & BY_NAME.keys() - _sympy_names(used))
    theirs = sorted({"Rational", *(used - set(ours)), *({"Sum"} if any(body.has(Sum) for body in bodies) else ())})
    lines = [
        f"from sympy import {', '.join(theirs)}",
        "from symbackprop import Network",
        *([f"from symbackprop.network.functions import {', '.join(ours)}"] if ours else []),
        "",
        f"network = Network({network.title!r})",
        *_index_lines(network),
        *(_node_line(node) for node in nodes),
        *(_fact_line(fact) for fact in facts),
        "return network",
    ]
    return "def build(values):\n" + "\n".join(f"    {line}".rstrip() for line in lines) + "\n"


def _names(fact: Fact) -> set[str]:
    return {str(base.label) for side in (fact.left, fact.right) for base in side.atoms(IndexedBase)}


def _fact_line(fact: Fact) -> str:
    written = _Calls().doprint
    return f"network.assume({written(fact.left)}, {written(fact.right)}, because={fact.because!r})"


def _sympy_names(names: set[str]) -> set[str]:
    return {name for name in names if name in BY_NAME and BY_NAME[name].__module__.startswith("sympy.")}


def _index_lines(network: Network) -> list[str]:
    indices = network.declared_indices
    if not indices:
        return []
    listed = " ".join(f"{name}:{_size(index)}" for name, index in indices.items())
    sizes = sorted({str(symbol) for index in indices.values() for symbol in (index.upper + 1).free_symbols})
    left = ", ".join(indices) + ("," if len(indices) == 1 else "")
    return [f"{left} = network.indices({listed!r})", *(f"{size} = network.size({size!r})" for size in sizes)]


def _size(index: Idx) -> str:
    return str(index.upper + 1).replace(" ", "")


def _node_line(node: Node) -> str:
    places = "".join(f", {index.label}" for index in node.indices)
    if node.expression is None:
        call = f"network.{_CALLS[node.role]}({node.name!r}{places}, value=values.get({node.name!r}))"
    else:
        call = f"network.define({node.name!r}{places}, {_Calls().doprint(node.expression)})"
    return f"{variable(node.name)} = {call}"
