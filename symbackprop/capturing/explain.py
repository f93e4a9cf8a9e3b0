"""Any numpy code of this kind, forward or backward, as mathematics: a formula for each variable, the code's line beside it.

    >>> import numpy as np
    >>> def backward(x, dout, W):
    ...     dW = x.T @ dout
    ...     dx = dout @ W.T
    ...     return dx, dW
    >>> found = explain(backward, {"x": np.ones((4, 3)), "dout": np.ones((4, 2)), "W": np.ones((3, 2))})
    >>> print("; ".join(line.text for line in found.lines))
    dW[i,j] = Σ_n dout[n,j]·x[n,i]; dx[n,i] = Σ_j dout[n,j]·W[i,j]

Every formula is evaluated again, at the example and at other numbers, and compared with what the code computes there; one that
differs is not shown but refused.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop import numeric
from symbackprop.capturing.build.axes import Axis, ranges
from symbackprop.capturing.build.build import Sized, build
from symbackprop.capturing.explanation_text import ExplainedLine, Explanation
from symbackprop.capturing.record.module_arrays import module_arrays
from symbackprop.capturing.rolling import Rolled, rolled_whole
from symbackprop.capturing.sizing import Sizing
from symbackprop.derive.matrix.matrix import MatrixForm, matrix_form
from symbackprop.derive.matrix.matrix_writing import equality
from symbackprop.derive.steps.writer import ranks
from symbackprop.errors import InternalError, NotSupportedError, SymbackpropError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Chain, Indexed, Name
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.network import Network, Node

TOLERANCE = 1e-9


def explain(function: Callable[..., Any], example: Mapping[str, Any], notation: Notation | None = None) -> Explanation:
    """Write numpy code as mathematics.

    Args:
        function: a function or bound method; whatever it returns, or writes into its arguments and attributes.
        example: a value for every argument.
        notation: how formulas are written.

    Raises:
        NotSupportedError: something is no formula in index notation; the message names the variable and the line.
        UserError: the code fails, or an argument is missing.
    """
    example = {**module_arrays(function), **example}
    first = rolled_whole(function, example)
    sizing = Sizing(rolled_whole, function, example, first, ranges(first.program), frozenset())
    problem: SymbackpropError | None = None
    for sized, changing in sizing.choices():
        try:
            return _explained(sizing, sized, changing, notation or Notation())
        except SymbackpropError as found:
            problem = found
    raise problem or InternalError(f"{function}: no choice of sizes was tried")


def _explained(sizing: Sizing, sized: Sized, changing: tuple[Axis, ...], notation: Notation) -> Explanation:
    first = sizing.first
    title = str(getattr(sizing.function, "__name__", "code"))
    network = build(title, sized, (), first.values)
    points = [first]
    for arguments in (sizing.arguments((), 7), *([sizing.arguments(changing, 3)] if changing else [])):
        try:
            points.append(sizing.roll(sizing.function, arguments))
        except SymbackpropError:
            continue
    for point in points:
        _compare(network, point, [definition.name for definition in first.program.definitions])
    lines = tuple(_lines(network, first, notation))
    names = {path: first.program.outputs[name] for name, path in first.paths.items() if name in first.program.outputs}
    return Explanation(title, lines, network, names, first.shifts, len(points))


def _compare(network: Network, point: Rolled, names: list[str]) -> None:
    """Evaluate every definition at the numbers of a run and compare it with what the run computed."""
    given = {name: point.values[name] for name in point.program.inputs if name in network.nodes}
    if not point.program.tables.keys() <= network.nodes.keys():
        raise NotSupportedError(f"{network.title}: not explained: at other numbers the code has other formulas")
    values = numeric.evaluate(network, {**network.values, **given, **point.program.tables})
    for name in names:
        own, found = np.asarray(point.computed.get(name)), np.asarray(values[name])
        if point.computed.get(name) is None or own.shape != found.shape:
            raise NotSupportedError(f"{network.title}: not explained: {name} is another array at other numbers")
        if not np.allclose(own, found, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            raise NotSupportedError(f"{network.title}: not explained: the formula of {name} does not give the code's numbers")


def _lines(network: Network, first: Rolled, notation: Notation) -> Iterator[ExplainedLine]:
    order, notation = ranks(network), notation.beside(network.nodes)
    for definition in sorted(first.program.definitions, key=lambda one: (one.variable.time, one.name)):
        node = network.node(definition.name)
        left = (
            Indexed(node.name, tuple(from_sympy(index, order, notation) for index in node.indices))
            if node.indices
            else Name(node.name)
        )
        formula = Chain((left, from_sympy(node.expression, order, notation)), ("=",))
        variable = definition.variable
        code = linecache.getline(variable.file, variable.line or 0).strip() if variable.file else ""
        yield ExplainedLine(node.name, formula, _matrix(node, notation), _shape(node), variable.line, code, notation)


def _matrix(node: Node, notation: Notation) -> Chain | None:
    """Return the matrix form of an array of one or two indices, where there is one that is short."""
    if not node.indices or node.expression is None:
        return None
    form = matrix_form(node.expression, node.indices)
    return equality(Name(node.name), form, None, notation) if isinstance(form, MatrixForm) else None


def _shape(node: Node) -> str:
    return (
        "(" + ", ".join(str(extent) for extent in node.shape) + ("," if len(node.shape) == 1 else "") + ")"
        if node.indices
        else ""
    )
