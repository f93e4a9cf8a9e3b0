"""Sizes and values at which a network is tried: square and distinct prime sizes, random values that respect the stated facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
from sympy import Expr, Idx, Symbol

from symbackprop.errors import NotSupportedError
from symbackprop.network.indices import index_size, size_symbol
from symbackprop.network.model import Network
from symbackprop.network.node import Fact
from symbackprop.verify.algebra import Nodes
from symbackprop.verify.evaluate import reachable
from symbackprop.verify.graph import Graph, InputName
from symbackprop.verify.interpret import Scope, evaluate

Sizes = Mapping[Symbol, int]
Values = dict[str, Any]

PRIMES = (3, 5, 2, 7, 11, 13, 17, 19, 23, 29)
"""Sizes in order of declaration. The first is no 2, so that the 2 of a square is not taken for the number of samples."""
SQUARE = 4


def size_symbols(network: Network) -> tuple[Symbol, ...]:
    """Return the symbols of sizes, in order of declaration."""
    found: dict[Symbol, None] = {}
    for index in network.declared_indices.values():
        found.update((symbol, None) for symbol in sorted(index_size(index).free_symbols, key=str))
    return tuple(found)


def size_choices(network: Network) -> tuple[Sizes, ...]:
    """Return the sizes to try: distinct primes, where a transpose cannot hide, and square, where a wrong one runs."""
    symbols = size_symbols(network)
    if not symbols:
        return ({},)
    extents = [index_size(index) for index in network.declared_indices.values()]
    shrinking = {s for extent in extents for s in extent.free_symbols if extent.expand().coeff(s) < 0}
    order = sorted(symbols, key=lambda symbol: symbol not in shrinking)
    primes = next((dict(zip(order, choice, strict=True)) for choice in permutations(PRIMES[: len(order)])
                   if _fits(extents, dict(zip(order, choice, strict=True)))), None)  # fmt: skip
    if primes is None:
        primes = {symbol: prime * (1 if symbol in shrinking else 4) + 1 for symbol, prime in zip(order, PRIMES, strict=False)}
    square = {symbol: SQUARE if symbol not in shrinking or not shrinking else 2 for symbol in symbols}
    return (primes, square) if _fits(extents, square) else (primes,)


def _fits(extents: Iterable[Expr], sizes: Sizes) -> bool:
    return all(int(extent.xreplace(dict(sizes))) > 0 for extent in extents)


def sizes_of(network: Network, values: Mapping[str, Any]) -> Sizes:
    """Return the sizes that given values imply."""
    return {size_symbol(name): size for name, size in network.sizes(values).items()}


def shape_of(indices: Sequence[Idx], sizes: Sizes) -> tuple[int, ...]:
    """Return the shape of a node at given sizes."""
    return tuple(int(index_size(index).xreplace(dict(sizes))) for index in indices)


def random_values(network: Network, sizes: Sizes, rng: np.random.Generator, *, positive: bool = False) -> Values:
    """Return values of all declared names, to three decimals so that a witness can be typed in, respecting the network's
    facts."""
    values: Values = {}
    for node in network.nodes.values():
        if node.defined:
            continue
        shape = shape_of(node.indices, sizes)
        free: np.ndarray[Any, Any] = np.asarray(rng.uniform(0.2, 1.8, size=shape) if positive else rng.normal(size=shape))
        drawn = np.round(np.where(np.abs(free) < 0.01, 0.125, free), 3)
        values[node.name] = drawn if node.indices else float(drawn)
    respect(network, sizes, values)
    return values


@dataclass(frozen=True, slots=True)
class Solved:
    """One input that a fact fixes: name = constant + Σ coefficient · other."""

    name: InputName
    constant: Fraction
    others: tuple[tuple[InputName, Fraction], ...]


def respect(network: Network, sizes: Sizes, values: Values) -> tuple[Solved, ...]:
    """Change values in place so that the network's facts hold; return the equations used."""
    solved = solutions(network, sizes, values)
    for equation in solved:
        total = equation.constant + sum(
            (factor * Fraction(str(_read(values, other))) for other, factor in equation.others), Fraction(0)
        )
        _write(values, equation.name, float(total))
    return solved


def solutions(network: Network, sizes: Sizes, values: Mapping[str, Any]) -> tuple[Solved, ...]:
    """Solve every stated fact, at given sizes, for one input each.

    Raises NotSupportedError for a fact that is not linear in declared names.
    """
    if not network.facts:
        return ()
    graph = Graph()
    arrays = input_arrays(graph, {n: v for n, v in values.items() if n in network.nodes})
    scope = Scope(Nodes(graph), arrays, sizes)
    solved: dict[InputName, Solved] = {}
    for fact in network.facts:
        if not uses_only(fact, network):
            continue
        residual = evaluate(fact.left - fact.right, scope).data
        for node in np.asarray(residual, dtype=object).reshape(-1):
            equation = _solve(graph, int(node), solved, fact)
            if equation is not None:
                solved[equation.name] = equation
    return tuple(solved.values())


def uses_only(fact: Fact, network: Network) -> bool:
    """Whether a fact speaks of declared names only (facts about definitions hold by themselves)."""
    names = {str(symbol) for side in (fact.left, fact.right) for symbol in side.free_symbols}
    return not any(node.defined and node.name in names for node in network.nodes.values())


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


def _affine(graph: Graph, node: int, fact: Fact) -> tuple[dict[InputName, Fraction], Fraction]:
    """Return a node as Σ coefficient · input + constant."""
    forms: dict[int, tuple[dict[InputName, Fraction], Fraction]] = {}
    for step in reachable(graph, [node]):
        operation, arguments, payload = graph.operations[step], graph.arguments[step], graph.payloads[step]
        if operation == "constant" and isinstance(payload, Fraction):
            forms[step] = ({}, payload)
        elif operation == "input" and isinstance(payload, InputName):
            forms[step] = ({payload: Fraction(1)}, Fraction(0))
        elif operation == "add":
            forms[step] = _plus(forms[arguments[0]], forms[arguments[1]])
        elif operation == "neg":
            forms[step] = _times(forms[arguments[0]], Fraction(-1))
        elif operation == "mul" and (not forms[arguments[0]][0] or not forms[arguments[1]][0]):
            constant, other = arguments if not forms[arguments[0]][0] else arguments[::-1]
            forms[step] = _times(forms[other], forms[constant][1])
        else:
            raise NotSupportedError(
                f"the fact {fact.left} = {fact.right} is not linear in the declared names; values cannot be drawn that respect it"
            )
    return forms[node]


def _plus(
    left: tuple[dict[InputName, Fraction], Fraction], right: tuple[dict[InputName, Fraction], Fraction]
) -> tuple[dict[InputName, Fraction], Fraction]:
    total = dict(left[0])
    for name, factor in right[0].items():
        total[name] = total.get(name, Fraction(0)) + factor
    return total, left[1] + right[1]


def _times(form: tuple[dict[InputName, Fraction], Fraction], factor: Fraction) -> tuple[dict[InputName, Fraction], Fraction]:
    return {name: value * factor for name, value in form[0].items()}, form[1] * factor


def input_arrays(graph: Graph, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays of input nodes, one node for each element of the values."""
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        array = np.asarray(value, dtype=float)
        if not array.ndim:
            arrays[name] = graph.input(name, (), float(array))
            continue
        nodes = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            nodes[index] = graph.input(name, index, float(array[index]))
        arrays[name] = nodes
    return arrays


def _read(values: Mapping[str, Any], name: InputName) -> float:
    return float(values[name.name][name.index]) if name.index else float(values[name.name])


def _write(values: Values, name: InputName, value: float) -> None:
    if name.index:
        values[name.name][name.index] = value
    else:
        values[name.name] = value
