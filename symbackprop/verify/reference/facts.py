"""Equations that hold between declared names, stated by a network or shown by a target: each solved for one input.

At the points that are drawn they hold; in a graph what they fix is put in place of the inputs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Symbol

from symbackprop.errors import NotSupportedError
from symbackprop.network.model import Network
from symbackprop.network.node import Fact
from symbackprop.trace.graph.algebra import Nodes
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.graph import Graph, InputName, Payload
from symbackprop.verify.reference.interpret import Environment, evaluate

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Solved:
    """One input that a fact fixes: name = constant + Σ coefficient · other."""

    name: InputName
    constant: Fraction
    others: tuple[tuple[InputName, Fraction], ...]


def satisfy(values: Values, equations: Iterable[Solved]) -> None:
    """Change values in place so that the equations hold."""
    for equation in equations:
        others = (factor * Fraction(str(_read(values, other))) for other, factor in equation.others)
        _write(values, equation.name, float(equation.constant + sum(others, Fraction(0))))


def replacements(graph: Graph, equations: Iterable[Solved]) -> dict[int, int]:
    """Return input node → node that the equations put in its place: `t[n,2]` becomes `1 - t[n,0] - t[n,1]`."""
    found: dict[int, int] = {}
    for equation in equations:
        if equation.name not in graph.inputs:
            continue
        total = graph.constant(equation.constant)
        for name, factor in equation.others:
            total = graph.add(total, graph.mul(graph.constant(factor), graph.inputs[name]))
        found[graph.inputs[equation.name]] = total
    return found


def lines_sum_to_one(name: str, shape: Sequence[int], axis: int) -> tuple[Solved, ...]:
    """Return the equations Σ name = 1 along an axis counted from the end, solved for the last element of each line."""
    last, place = shape[axis] - 1, len(shape) + axis
    others = [*shape[:place], *shape[place + 1 :]]

    def element(line: tuple[int, ...], k: int) -> InputName:
        return InputName(name, (*line[:place], k, *line[place:]))

    return tuple(
        Solved(element(line, last), Fraction(1), tuple((element(line, k), Fraction(-1)) for k in range(last)))
        for line in np.ndindex(*others)
    )


def solutions(network: Network, sizes: Mapping[Symbol, int], values: Mapping[str, Any]) -> tuple[Solved, ...]:
    """Solve every stated fact, at given sizes, for one input each.

    Raises NotSupportedError for a fact that is not linear in declared names.
    """
    facts = [fact for fact in network.facts if uses_only(fact, network)]
    names = {name for fact in facts for name in _names_in(fact)}
    shapes = tuple((name, np.shape(values[name])) for name in sorted(names) if name in values and name in network.nodes)
    return _solutions(tuple(facts), tuple(sizes.items()), shapes) if facts else ()


@lru_cache(maxsize=256)
def _solutions(
    facts: tuple[Fact, ...], sizes: tuple[tuple[Symbol, int], ...], shapes: tuple[tuple[str, tuple[int, ...]], ...]
) -> tuple[Solved, ...]:
    """Solve facts where the names in them have these shapes: what they fix does not depend on any value."""
    graph = Graph()
    scope = Environment(Nodes(graph), input_arrays(graph, {name: np.ones(shape) for name, shape in shapes}), dict(sizes))
    solved: dict[InputName, Solved] = {}
    for fact in facts:
        residual = evaluate(fact.left - fact.right, scope).data
        for node in np.asarray(residual, dtype=object).reshape(-1):
            equation = _solve(graph, int(node), solved, fact)
            if equation is not None:
                solved[equation.name] = equation
    return tuple(solved.values())


def uses_only(fact: Fact, network: Network) -> bool:
    """Whether a fact speaks of declared names only (facts about definitions hold by themselves)."""
    names = _names_in(fact)
    return not any(node.defined and node.name in names for node in network.nodes.values())


@lru_cache(maxsize=256)
def _names_in(fact: Fact) -> frozenset[str]:
    return frozenset(str(symbol) for side in (fact.left, fact.right) for symbol in side.free_symbols)


def _solve(graph: Graph, node: int, solved: Mapping[InputName, Solved], fact: Fact) -> Solved | None:
    linear, constant = _affine(graph, node, fact)
    for name in [name for name in linear if name in solved]:
        factor = linear.pop(name)
        constant += factor * solved[name].constant
        for other, weight in solved[name].others:
            linear[other] = linear.get(other, Fraction(0)) + factor * weight
    linear = {name: factor for name, factor in linear.items() if factor}
    if not linear:
        return None
    pivot = max(linear, key=lambda name: (name.name, name.index))
    scale = -linear.pop(pivot)
    return Solved(pivot, constant / scale, tuple((name, factor / scale) for name, factor in linear.items()))


_Affine = tuple[dict[InputName, Fraction], Fraction]
"""Σ coefficient · input + constant: the coefficients and the constant."""


def _affine(graph: Graph, node: int, fact: Fact) -> _Affine:
    """Return a node as Σ coefficient · input + constant."""
    forms: dict[int, _Affine] = {}
    for step in reachable(graph, [node]):
        form = _affine_of(graph.operations[step], graph.payloads[step], [forms[part] for part in graph.arguments[step]])
        if form is None:
            raise NotSupportedError(
                f"the fact {fact.left} = {fact.right} is not linear in the declared names; values cannot be drawn that respect it"
            )
        forms[step] = form
    return forms[node]


def _affine_of(operation: str, payload: Payload, parts: list[_Affine]) -> _Affine | None:
    """Return the form of an operation on such forms; None where it has none."""
    match operation, payload:
        case "constant", Fraction():
            return {}, payload
        case "input", InputName():
            return {payload: Fraction(1)}, Fraction(0)
        case "add", _:
            return _plus(*parts)
        case "neg", _:
            return _times(parts[0], Fraction(-1))
        case "mul", _:
            constant, other = sorted(parts, key=lambda form: len(form[0]))
            return _times(other, constant[1]) if not constant[0] else None
    return None


def _plus(left: _Affine, right: _Affine) -> _Affine:
    total = dict(left[0])
    for name, factor in right[0].items():
        total[name] = total.get(name, Fraction(0)) + factor
    return total, left[1] + right[1]


def _times(form: _Affine, factor: Fraction) -> _Affine:
    return {name: value * factor for name, value in form[0].items()}, form[1] * factor


def input_arrays(graph: Graph, values: Mapping[str, Any], fixed: Collection[str] = ()) -> dict[str, Any]:
    """Return arrays of input nodes, one node for each element of the values; of constants for `fixed` names."""
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        array = np.asarray(value, dtype=float)
        nodes = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            number = float(array[index])
            nodes[index] = graph.number(number) if name in fixed else graph.input(name, index, number)
        arrays[name] = nodes[()]
    return arrays


def _read(values: Mapping[str, Any], name: InputName) -> float:
    return float(values[name.name][name.index]) if name.index else float(values[name.name])


def _write(values: Values, name: InputName, value: float) -> None:
    if name.index:
        values[name.name][name.index] = value
    else:
        values[name.name] = value
