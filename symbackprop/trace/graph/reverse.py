"""The gradient of a traced number: one pass backwards over its graph, which adds the nodes of all ∂output/∂input to it.

∂E/∂node = Σ over the nodes that use it of ∂E/∂user · ∂user/∂node. The derivatives are those of the path of the trace.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symbackprop.errors import InternalError
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph

Slope = Callable[[Graph, int, int], int]
"""(graph, x, y) → the node of f'(x), for the node y = f(x)."""


def gradients(graph: Graph, output: int) -> dict[int, int]:
    """Return input node → node of ∂output/∂input, for the inputs that the output depends on."""
    adjoints = {output: graph.constant(1)}
    nodes = reachable(graph, [output])
    for node in reversed(nodes):
        adjoint = adjoints.get(node)
        if adjoint is None or not graph.arguments[node]:
            continue
        for argument, local in zip(graph.arguments[node], _locals(graph, node), strict=True):
            part = graph.mul(adjoint, local)
            known = adjoints.get(argument)
            adjoints[argument] = part if known is None else graph.add(known, part)
    return {node: adjoints[node] for node in nodes if graph.operations[node] == "input" and node in adjoints}


def _locals(graph: Graph, node: int) -> tuple[int, ...]:
    """Return the derivative of a node by each of its arguments."""
    operation, arguments, payload = graph.operations[node], graph.arguments[node], graph.payloads[node]
    rule = _ARITHMETIC.get(operation)
    if rule is not None:
        return rule(graph, node, *arguments)
    if operation == "power":
        if not isinstance(payload, Fraction):
            raise InternalError(f"node {node}: power without an exponent")
        return (graph.mul(graph.constant(payload), graph.power(arguments[0], payload - 1)),)
    return (SLOPES[operation](graph, arguments[0], node),)


def _quotient(graph: Graph, node: int, top: int, bottom: int) -> tuple[int, int]:
    return _over(graph, 1, bottom), graph.neg(graph.div(node, bottom))


_ARITHMETIC: dict[str, Callable[..., tuple[int, ...]]] = {
    "add": lambda graph, node, left, right: (graph.constant(1), graph.constant(1)),
    "mul": lambda graph, node, left, right: (right, left),
    "neg": lambda graph, node, argument: (graph.constant(-1),),
    "div": _quotient,
}


def _over(graph: Graph, top: Fraction | int, bottom: int) -> int:
    return graph.div(graph.constant(top), bottom)


def _one_plus(graph: Graph, node: int) -> int:
    return graph.add(graph.constant(1), node)


def _one_minus(graph: Graph, node: int) -> int:
    return graph.sub(graph.constant(1), node)


def _square(graph: Graph, node: int) -> int:
    return graph.power(node, Fraction(2))


def _bell(graph: Graph, x: int, sign: int) -> int:
    """Return ±2/√π · exp(-x²)."""
    scale = graph.div(graph.constant(2 * sign), graph.apply("sqrt", graph.pi()))
    return graph.mul(scale, graph.apply("exp", graph.neg(_square(graph, x))))


SLOPES: dict[str, Slope] = {
    "exp": lambda g, x, y: y,
    "log": lambda g, x, y: _over(g, 1, x),
    "sqrt": lambda g, x, y: _over(g, Fraction(1, 2), y),
    "tanh": lambda g, x, y: _one_minus(g, _square(g, y)),
    "sigmoid": lambda g, x, y: g.mul(y, _one_minus(g, y)),
    "softplus": lambda g, x, y: g.apply("sigmoid", x),
    "log1p": lambda g, x, y: _over(g, 1, _one_plus(g, x)),
    "expm1": lambda g, x, y: g.apply("exp", x),
    "sinh": lambda g, x, y: g.apply("cosh", x),
    "cosh": lambda g, x, y: g.apply("sinh", x),
    "sin": lambda g, x, y: g.apply("cos", x),
    "cos": lambda g, x, y: g.neg(g.apply("sin", x)),
    "tan": lambda g, x, y: _one_plus(g, _square(g, y)),
    "arcsin": lambda g, x, y: _over(g, 1, g.apply("sqrt", _one_minus(g, _square(g, x)))),
    "arccos": lambda g, x, y: _over(g, -1, g.apply("sqrt", _one_minus(g, _square(g, x)))),
    "arctan": lambda g, x, y: _over(g, 1, _one_plus(g, _square(g, x))),
    "arcsinh": lambda g, x, y: _over(g, 1, g.apply("sqrt", _one_plus(g, _square(g, x)))),
    "arccosh": lambda g, x, y: _over(g, 1, g.apply("sqrt", g.sub(_square(g, x), g.constant(1)))),
    "arctanh": lambda g, x, y: _over(g, 1, _one_minus(g, _square(g, x))),
    "cbrt": lambda g, x, y: _over(g, Fraction(1, 3), _square(g, y)),
    "erf": lambda g, x, y: _bell(g, x, 1),
    "erfc": lambda g, x, y: _bell(g, x, -1),
}
"""The slope of every function of `elementary.TABLE`."""
