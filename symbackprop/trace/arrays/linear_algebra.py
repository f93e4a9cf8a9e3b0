"""Small exact linear algebra on arrays of traced scalars: solve, inverse, determinant, Cholesky.

Elimination chooses its pivots by value, without recording the choice: every admissible pivot gives the same function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbackprop.trace.arrays.scalar import Traced, lift
from symbackprop.trace.arrays.traced_array import TracedArray, lifted, plain, wrap
from symbackprop.trace.graph.graph import Graph


def _matrix(graph: Graph, value: Any, what: str) -> np.ndarray[Any, Any]:
    array = np.asarray(plain(lifted(graph, value)), dtype=object)
    if array.ndim != 2:
        raise graph.refuse(f"`np.linalg.{what}` of an array with {array.ndim} axes")
    if array.shape[0] != array.shape[1]:
        raise np.linalg.LinAlgError(f"{what}: the matrix must be square, got {array.shape}")
    return wrap_plain(graph, array)


def wrap_plain(graph: Graph, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a fresh object array whose elements are all traced."""
    return plain(wrap(graph, array)).copy()  # type: ignore[no-any-return]


def _eliminate(graph: Graph, left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> Any:
    """Gauss-Jordan: turn `left` into the identity, do the same to `right`, and return the determinant of `left`."""
    size = len(left)
    determinant: Any = lift(graph, 1)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(left[row, column].value))
        if left[pivot, column].value == 0:
            return lift(graph, 0)
        if pivot != column:
            left[[column, pivot]], right[[column, pivot]] = left[[pivot, column]], right[[pivot, column]]
            determinant = -determinant
        determinant = determinant * left[column, column]
        scale = left[column, column]
        left[column], right[column] = left[column] / scale, right[column] / scale
        for row in range(size):
            if row != column:
                factor = left[row, column]
                left[row], right[row] = left[row] - factor * left[column], right[row] - factor * right[column]
    return determinant


def solve(graph: Graph, matrix: Any, right: Any) -> Any:
    """Return the solution X of `matrix @ X = right`."""
    left = _matrix(graph, matrix, "solve")
    values = wrap_plain(graph, np.asarray(plain(lifted(graph, right)), dtype=object))
    columns = values.reshape(len(values), -1)
    if _eliminate(graph, left, columns).value == 0:
        raise np.linalg.LinAlgError("Singular matrix")
    return wrap(graph, columns.reshape(values.shape))


def inverse(graph: Graph, matrix: Any) -> Any:
    """Return the inverse matrix."""
    return solve(graph, matrix, np.eye(len(matrix)))


def determinant(graph: Graph, matrix: Any) -> Any:
    """Return the determinant."""
    left = _matrix(graph, matrix, "det")
    return _eliminate(graph, left, wrap_plain(graph, np.zeros((len(left), 0))))


def cholesky(graph: Graph, matrix: Any) -> Any:
    """Return the lower triangular L with L Lᵀ = matrix."""
    values = _matrix(graph, matrix, "cholesky")
    size = len(values)
    lower = wrap_plain(graph, np.zeros((size, size)))
    for row in range(size):
        for column in range(row + 1):
            rest = values[row, column]
            for k in range(column):
                rest = rest - lower[row, k] * lower[column, k]
            lower[row, column] = rest.sqrt() if row == column else rest / lower[column, column]
    return wrap(graph, lower)


def norm(graph: Graph, value: Any, order: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the vector norms of order 1, 2, ∞ or p > 0, and the Frobenius norm of matrices."""
    array = lifted(graph, value)
    if not isinstance(array, TracedArray):
        array = wrap(graph, np.asarray(plain(array), dtype=object).reshape(-1))
    if axis is None and order is None:
        total = (array * array).sum().sqrt()
        return np.full((1,) * array.ndim, total, dtype=object).view(TracedArray) if keepdims else total
    two_axes = array.ndim == 2 if axis is None else np.size(axis) == 2
    if two_axes and order not in (None, "fro"):
        raise graph.refuse(f"`np.linalg.norm` of a matrix with ord={order!r}")
    return _of_order(graph, array, 2 if order in (None, "fro") else order, axis=axis, keepdims=keepdims)


def _of_order(graph: Graph, array: Any, order: Any, **over: Any) -> Any:
    """Return the vector norms of one order along axes."""
    if order == 2:
        return np.sqrt((array * array).sum(**over))
    sizes = np.abs(array)
    if order in (np.inf, -np.inf):
        return sizes.max(**over) if order > 0 else sizes.min(**over)
    if not isinstance(order, int | float) or order <= 0:
        raise graph.refuse(f"`np.linalg.norm` with ord={order!r}")
    return sizes.sum(**over) if order == 1 else (sizes**order).sum(**over) ** (1 / order)


def log_determinant(graph: Graph, matrix: Any) -> tuple[Any, Any]:
    """Return the sign of the determinant and the logarithm of its size."""
    value: Any = determinant(graph, matrix)
    sign = 1.0 if value > 0 else -1.0 if value < 0 else 0.0
    return sign, abs(value).log() if isinstance(value, Traced) else value
