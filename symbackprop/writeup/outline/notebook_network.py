"""The network as the Python calls that build it, so that a reader can change it and derive again."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from sympy import Expr, Idx, IndexedBase, NumberSymbol, Pow, Rational, Sum, Tuple
from sympy.core.function import Function as SympyFunction
from sympy.printing.str import StrPrinter

from symbackprop.functions import NamedFunction
from symbackprop.network import Network
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
    names = list(network.nodes)
    names = names[: 1 + names.index(loss)]
    nodes = list(map(network.nodes.__getitem__, names))
    facts = [fact for fact in network.facts if _names(fact) <= set(names)]
    expressions = [node.expression for node in nodes if node.expression is not None]
    lines = [
        *_import_lines([*expressions, *(side for fact in facts for side in (fact.left, fact.right))]),
        "",
        f"network = Network({network.title!r})",
        *_index_lines(network),
        *(_node_line(node) for node in nodes),
        *(_fact_line(fact) for fact in facts),
        "return network",
    ]
    return "def build(values):\n" + "\n".join(f"    {line}".rstrip() for line in lines) + "\n"


def _import_lines(bodies: Sequence[Expr]) -> list[str]:
    """Return the imports that expressions need."""
    whole = Tuple(*bodies)
    used = {type(call) for call in whole.atoms(SympyFunction)}
    ours = sorted(kind.__name__ for kind in used if issubclass(kind, NamedFunction))
    roots = {"sqrt" for power in whole.atoms(Pow) if power.exp in (Rational(1, 2), -Rational(1, 2))}
    numbers = {str(number) for number in whole.atoms(NumberSymbol)}
    sums = ["Sum"] if whole.has(Sum) else []
    theirs = sorted({"Rational", *({kind.__name__ for kind in used} - set(ours)), *roots, *numbers, *sums})
    own = [f"from symbackprop.functions import {', '.join(ours)}"] if ours else []
    return [f"from sympy import {', '.join(theirs)}", "from symbackprop import Network", *own]


def _names(fact: Fact) -> set[str]:
    return {str(base.label) for side in (fact.left, fact.right) for base in side.atoms(IndexedBase)}


def _fact_line(fact: Fact) -> str:
    written = _Calls().doprint
    return f"network.assume({written(fact.left)}, {written(fact.right)}, because={fact.because!r})"


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
