"""A traced graph at other points: float64 values (many points at once), and what depends on what."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from symbackprop.errors import InternalError
from symbackprop.trace.graph.elementary import TABLE, symbolic
from symbackprop.trace.graph.graph import Graph, InputName

_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
}
_FEW = 8
"""Outputs up to which what they need is collected node by node, however large the graph."""


def reachable(graph: Graph, outputs: Iterable[int]) -> list[int]:
    """Return every node that the outputs need, in increasing (hence evaluation) order."""
    found = set(outputs)
    return _collected(graph, found) if len(found) < _FEW else _swept(graph, found)


def _collected(graph: Graph, found: set[int]) -> list[int]:
    stack = list(found)
    while stack:
        for argument in graph.arguments[stack.pop()]:
            if argument not in found:
                found.add(argument)
                stack.append(argument)
    return sorted(found)


def _swept(graph: Graph, outputs: set[int]) -> list[int]:
    """Many outputs need most of what stands before them: one pass backwards, without a set."""
    arguments = graph.arguments
    marked = bytearray(max(outputs) + 1)
    for node in outputs:
        marked[node] = 1
    for node in range(len(marked) - 1, -1, -1):
        if marked[node]:
            for argument in arguments[node]:
                marked[argument] = 1
    return [node for node, mark in enumerate(marked) if mark]


def dependencies(graph: Graph, outputs: Iterable[int]) -> list[InputName]:
    """Return the inputs on which the outputs depend (as expressions), in the order they were made."""
    names = (graph.payloads[node] for node in reachable(graph, outputs) if graph.operations[node] == "input")
    return [name for name in names if isinstance(name, InputName)]


def evaluate(graph: Graph, outputs: Sequence[int], point: Mapping[InputName, Any]) -> list[Any]:
    """Return the float64 values of the outputs at a point.

    `point` gives a number for each input needed, or an array of numbers, one for each of several points. Inputs that it does not
    name keep the value they were traced at. Overflow and invalid operations give inf and nan, silently, as data.
    """
    results: dict[int, Any] = {}
    operations, arguments, values = graph.operations, graph.arguments, graph.values
    with np.errstate(all="ignore"):
        for node in reachable(graph, outputs):
            operation = operations[node]
            if operation == "mul":
                first, second = arguments[node]
                results[node] = results[first] * results[second]
            elif operation == "add":
                first, second = arguments[node]
                results[node] = results[first] + results[second]
            elif operation == "input":
                value = point.get(graph.payloads[node], values[node])  # type: ignore[arg-type]
                results[node] = value if isinstance(value, np.ndarray) else np.float64(value)
            elif arguments[node]:
                results[node] = _value(graph, node, operation, results)
            else:
                results[node] = np.float64(values[node])
    return [results[node] for node in outputs]


def _value(graph: Graph, node: int, operation: str, results: Mapping[int, Any]) -> Any:
    arguments = [results[argument] for argument in graph.arguments[node]]
    if operation in _OPERATORS:
        return _OPERATORS[operation](*arguments)
    if operation == "power":
        return np.power(arguments[0], float(graph.payloads[node]))  # type: ignore[arg-type]
    return TABLE[operation].values(*arguments)


def to_sympy(graph: Graph, node: int, names: Mapping[int, sympy.Expr] | None = None) -> sympy.Expr:
    """Return a node as a sympy expression over real symbols named like the inputs (`W[0, 1]`).

    `names` replaces inner nodes by symbols of the caller's (named intermediates). Meant for reading: the expression of a shared
    graph can be exponentially longer than the graph, so call it on small ones or give names.
    """
    results: dict[int, sympy.Expr] = dict(names or {})
    for step in reachable(graph, [node]):
        if step not in results:
            results[step] = _symbolic(graph, step, results)
    return results[node]


def _symbolic(graph: Graph, node: int, results: Mapping[int, sympy.Expr]) -> sympy.Expr:
    operation, payload = graph.operations[node], graph.payloads[node]
    arguments = [results[argument] for argument in graph.arguments[node]]
    if operation in _OPERATORS:
        return _OPERATORS[operation](*arguments)
    match operation:
        case "constant" | "held":
            return sympy.Rational(payload) if isinstance(payload, Fraction) else sympy.Float(payload)
        case "pi":
            return sympy.pi
        case "input":
            return sympy.Symbol(str(payload), real=True)
        case "power":
            if not isinstance(payload, Fraction):
                raise InternalError(f"node {node}: power without an exponent")
            return arguments[0] ** sympy.Rational(payload)
    return symbolic(operation, arguments[0])
