"""Evaluate a network and expressions over it the obvious way: loop over every index, one number at a time.

For tests: nothing here knows about arrays as wholes, so it is an independent judge of generated code and of
derived formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from symbackprop.network import Network

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "step": lambda x: float(x > 0),
    "relu": lambda x: max(x, 0.0),
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "Abs": abs,
}


def forward(network: Network, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all nodes, from values of the declared ones."""
    sizes = network.sizes(given)
    values: dict[str, Any] = dict(given)
    for name, node in network.nodes.items():
        if node.defined and node.expression is not None:
            values[name] = tabulate(node.expression, node.indices, values, sizes)
    return values


def tabulate(expression: Expr, indices: tuple[Any, ...], values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """Return the array of an expression over its free indices; a number when there are none."""
    shape = tuple(int(number(index.upper, {}, {}, sizes)) + 1 for index in indices)
    table = np.empty(shape)
    for place in product(*(range(size) for size in shape)):
        at = {str(index.label): where for index, where in zip(indices, place, strict=True)}
        table[place] = number(expression, at, values, sizes)
    return table if indices else float(table)


def number(expression: Any, at: Mapping[str, int], values: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
    """Return the value at the given places of the free indices. Raises KeyError for an unknown function."""

    def inner(part: Any) -> float:
        return number(part, at, values, sizes)

    if isinstance(expression, sympy.Sum):
        return summed(expression.function, expression.limits, at, values, sizes)
    if isinstance(expression, sympy.Indexed):
        return float(values[str(expression.base.label)][tuple(int(inner(where)) for where in expression.indices)])
    if isinstance(expression, sympy.Idx):
        return at[str(expression.label)]
    if isinstance(expression, sympy.Symbol):
        return sizes[expression.name] if expression.name in sizes else {**values, **at}[expression.name]
    if isinstance(expression, sympy.Piecewise):
        return next(inner(value) for value, condition in expression.args if holds(condition, inner))
    if isinstance(expression, sympy.KroneckerDelta):
        return float(inner(expression.args[0]) == inner(expression.args[1]))
    if expression.is_number and not expression.args:
        return float(expression)
    parts = [inner(part) for part in expression.args]
    if expression.is_Add:
        return math.fsum(parts)
    if expression.is_Mul:
        return math.prod(parts)
    return float(parts[0] ** parts[1] if expression.is_Pow else FUNCTIONS[type(expression).__name__](*parts))


def summed(body: Any, limits: Any, at: Mapping[str, int], values: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
    """Return a sum over its bound indices, the last of them outermost, as sympy means it."""
    if not limits:
        return number(body, at, values, sizes)
    *others, (index, lower, upper) = limits
    ends = [int(number(end, at, values, sizes)) for end in (lower, upper)]
    label = str(getattr(index, "label", index))
    places = range(ends[0], ends[1] + 1)
    return math.fsum(summed(body, others, {**at, label: where}, values, sizes) for where in places)


def holds(condition: Any, inner: Callable[[Any], float]) -> bool:
    """Return whether a condition of a Piecewise holds."""
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And | sympy.Or):
        return (all if isinstance(condition, sympy.And) else any)(holds(part, inner) for part in condition.args)
    if isinstance(condition, sympy.Not):
        return not holds(condition.args[0], inner)
    return bool(condition.func(*(sympy.Float(inner(side), 17) for side in condition.args)))
