"""What handwritten code is compared with: a derivation at concrete sizes, in numbers or as a graph.

`Evaluated` holds, for one point, every node of the network and every adjoint ∂E/∂node, as float64 arrays (`numbers`) or as
nodes of
a graph that the traced code shares (`symbols`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr, Idx

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.trace.graph.algebra import Algebra, Array, Floats, Nodes
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.reference.facts import input_arrays
from symbackprop.verify.reference.interpret import Environment, evaluate, evaluate_entry
from symbackprop.verify.reference.sampling import Sizes, shape_of, sizes_of


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A derivation at one point: arrays of all nodes and of all adjoints, by node name; of a handwritten loss its value."""

    nodes: Mapping[str, Array]
    adjoints: Mapping[str, Array]
    loss: Any = None

    def mapped(self, change: Callable[[Array], Array]) -> Evaluated:
        """Return both with every array changed."""
        return Evaluated(*({name: change(array) for name, array in part.items()} for part in (self.nodes, self.adjoints)))

    def gradient(self, name: str) -> Array:
        """Return ∂E/∂name."""
        return self.adjoints[name]


def evaluated(derivation: DerivationRecord, algebra: Algebra, declared: Mapping[str, Array], sizes: Sizes) -> Evaluated:
    """Evaluate definitions, then adjoints, in any arithmetic.

    Args:
        declared: arrays of the declared names, of the shapes that `sizes` gives.
    """
    network = derivation.network
    arrays: dict[str, Array] = dict(declared)
    scope = Environment(algebra, arrays, sizes)
    with np.errstate(all="ignore"):
        for node in map(network.node, network.ancestors(derivation.loss)):
            if node.defined:
                arrays[node.name] = evaluate_entry(node.expression, node.indices, scope)
        adjoints: dict[str, Array] = {}
        for name, own_name, expression, indices in _adjoints(derivation):
            arrays[own_name] = adjoints[name] = evaluate_entry(expression, indices, scope)
    zero = algebra.number(Fraction(0))
    for name in derivation.wrt:
        if name not in adjoints:
            adjoints[name] = np.full(shape_of(network.nodes[name].indices, sizes), zero)[()]
    return Evaluated({name: arrays[name] for name in network.nodes if name in arrays}, adjoints)


def _adjoints(derivation: DerivationRecord) -> tuple[tuple[str, str, Expr, tuple[Idx, ...]], ...]:
    """Return node, name, sum and indices of every adjoint, added up once for all points."""
    if _adjoints not in derivation.code:
        found = ((name, at.symbol.name, at.expression, at.indices) for name, at in derivation.adjoints.items())
        derivation.code[_adjoints] = tuple(found)
    return derivation.code[_adjoints]  # type: ignore[no-any-return]


def numbers(derivation: DerivationRecord, values: Mapping[str, Any], sizes: Sizes | None = None) -> Evaluated:
    """Evaluate a derivation in float64; `sizes` are those of the values, where they are known."""
    sizes = sizes_of(derivation.network, values) if sizes is None else sizes
    arrays = {name: np.asarray(value, dtype=float)[()] for name, value in values.items()}
    return evaluated(derivation, Floats(), arrays, sizes)


def symbols(derivation: DerivationRecord, values: Mapping[str, Any], graph: Graph, fixed: Collection[str] = ()) -> Evaluated:
    """Evaluate a derivation as nodes of a graph whose inputs carry the given values; `fixed` names are constants of it."""
    sizes = sizes_of(derivation.network, values)
    return evaluated(derivation, Nodes(graph), input_arrays(graph, values, fixed), sizes)


def rewired(
    graph: Graph, outputs: Sequence[int], replacements: Mapping[int, int], moved: dict[int, int] | None = None
) -> list[int]:
    """Return the outputs with some inputs replaced by other nodes; what is built anew stays on the line that made it.

    `moved` has what was replaced before, and gets what is now.
    """
    if not replacements:
        return list(outputs)
    moved = {} if moved is None else moved
    here = graph.place
    others = _replaced(moved)
    for node in _not_moved(graph, outputs, moved) if moved else reachable(graph, outputs):
        moved[node] = replacements.get(node, node)
        arguments = graph.arguments[node]
        if not others.isdisjoint(arguments):
            graph.place = graph.places[node]
            moved[node] = _rebuilt(graph, node, tuple([moved[argument] for argument in arguments]))
        if moved[node] != node:
            others.add(node)
    graph.place = here
    return [moved[node] for node in outputs]


def _replaced(moved: Mapping[int, int]) -> set[int]:
    return {node for node, other in moved.items() if node != other}


def _not_moved(graph: Graph, outputs: Sequence[int], moved: Mapping[int, int]) -> list[int]:
    """Return what the outputs need that has not been moved, in order."""
    found = {node for node in outputs if node not in moved}
    stack = list(found)
    while stack:
        for argument in graph.arguments[stack.pop()]:
            if argument not in found and argument not in moved:
                found.add(argument)
                stack.append(argument)
    return sorted(found)


def _rebuilt(graph: Graph, node: int, arguments: tuple[int, ...]) -> int:
    operation, payload = graph.operations[node], graph.payloads[node]
    build = _BUILDERS.get(operation)
    if build is not None:
        return build(graph, *arguments)
    if operation == "power" and isinstance(payload, Fraction):
        return graph.power(arguments[0], payload)
    return graph.apply(operation, arguments[0])


_BUILDERS: dict[str, Callable[..., int]] = {"add": Graph.add, "mul": Graph.mul, "div": Graph.div, "neg": Graph.neg}


@dataclass(frozen=True, slots=True)
class NodeKink:
    """An element at which a definition has no derivative: `expression` of `node` is zero there."""

    node: str
    function: str
    convention: str
    expression: Expr
    element: tuple[int, ...]

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        text = str(self.expression)
        inside = (
            f"{text.split('[', maxsplit=1)[0]}{where}" if text.count("[") == 1 and text.endswith("]") else f"{text} at {where}"
        )
        return f"{inside if where else text} = 0 in {self.node}{where}"


def kinks(derivation: DerivationRecord, point: Evaluated, sizes: Sizes) -> Iterator[NodeKink]:
    """Yield every element at which a convention was used: relu at 0, a step at 0, a maximum of equal numbers."""
    scope = Environment(Floats(), point.nodes, sizes)
    for assumption in derivation.assumptions:
        with np.errstate(all="ignore"):
            value = evaluate(assumption.kink, scope)
        data = np.asarray(value.data)
        own = derivation.network.nodes[assumption.node].indices
        order = [value.axes.index(axis) for axis in own if axis in value.axes]
        order += [k for k in range(data.ndim) if k not in order]
        data = data.transpose(order)
        for element in zip(*np.nonzero(data == 0), strict=True) if data.ndim else ([()] if data == 0 else []):
            place = tuple(int(k) for k in element)
            yield NodeKink(assumption.node, assumption.function, assumption.convention, assumption.kink, place)
