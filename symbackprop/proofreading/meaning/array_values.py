"""Sums, products and functions of whole arrays of numbers with sixty digits; where shapes do not fit, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from symbackprop.errors import SymbackpropError


class NoValueError(SymbackpropError):
    """A formula has no value at a point: a name without one, a mark without a meaning, a logarithm of nothing."""


class ArrayError(NoValueError):
    """An array where something else is needed, or one of no known shape."""


class ShapeError(ArrayError):
    """Arrays whose shapes do not go together."""


def shaped(entries: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Return entries, row after row, as an array."""
    found = np.empty(len(entries), dtype=object)
    found[:] = entries
    return found.reshape(shape)


def plus(first: Any, second: Any) -> Any:
    """Numbers and arrays of one shape; a row or column is added to every row or column."""
    shapes = np.shape(first), np.shape(second)
    try:
        fits = not all(shapes) or np.broadcast_shapes(*shapes) in shapes
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"the shapes {shapes[0]} and {shapes[1]} do not fit")
    return second + first if isinstance(second, np.ndarray) else first + second  # a number asked first looks at it as a text


def times(first: Any, second: Any) -> Any:
    """Numbers times numbers or arrays; arrays times arrays as matrices, or elementwise where only that fits."""
    if not (isinstance(first, np.ndarray) and isinstance(second, np.ndarray)):
        return second * first if isinstance(second, np.ndarray) else first * second
    if first.shape[-1] == second.shape[0]:
        return _alone(np.dot(first, second))
    if first.shape == second.shape:
        return first * second
    raise ShapeError(f"the shapes {first.shape} and {second.shape} do not fit")


def _alone(value: Any) -> Any:
    """Return the number in an array of one row and one column."""
    return value[0, 0] if np.shape(value) == (1, 1) else value


def written_out(entries: Sequence[Any], shape: tuple[int, int]) -> Any:
    """Return a matrix of numbers, or of blocks. Raises ShapeError for blocks that do not fit."""
    if not any(map(np.ndim, entries)):
        return shaped(entries, shape)
    rows, columns = shape
    blocks = [[_as_block(entry) for entry in entries[row * columns : (row + 1) * columns]] for row in range(rows)]
    try:
        return np.block(blocks)
    except ValueError:
        raise ShapeError("the blocks of a matrix do not fit") from None


def _as_block(entry: Any) -> Any:
    return entry if isinstance(entry, np.ndarray) else shaped([entry], (1, 1))


def power(base: Any, exponent: mpf, real: Callable[[Any], mpf]) -> Any:
    """An array to a number, entry by entry; the inverse of a square one. Raises NoValueError where either may be meant."""
    if exponent == -1 and np.ndim(base) == 2 and 1 not in base.shape:
        return _array_of(mpmath.inverse(_matrix_of(_square(base))))
    if not _is_square(base):
        return np.frompyfunc(lambda x: real(mpmath.power(x, exponent)), 1, 1)(base)
    raise ArrayError("a power of a square matrix, and it is not said whether entry by entry")


def _is_square(value: Any) -> bool:
    return np.ndim(value) == 2 and value.shape[0] == value.shape[1]


def _matrix_of(value: Any) -> Any:
    return mpmath.matrix([list(row) for row in value])


def _array_of(matrix: Any) -> Any:
    return shaped(list(matrix), (matrix.rows, matrix.cols))


def determinant(value: Any) -> mpf:
    """Return the determinant, a number as it is. Raises ShapeError for what is no square matrix."""
    return mpmath.det(_matrix_of(_square(value))) if np.ndim(value) else value


def trace(value: Any) -> mpf:
    """Return the sum of the diagonal, a number as it is. Raises ShapeError for what is no square matrix."""
    return mpmath.fsum(_square(value).diagonal()) if np.ndim(value) else value


def _square(value: Any) -> Any:
    if not _is_square(value):
        raise ShapeError(f"a square matrix is needed, not the shape {np.shape(value)}")
    return value


def diagonal(value: Any) -> Any:
    """Return a vector as a diagonal matrix. Raises NoValueError for anything else."""
    entries = _vector(value).ravel()
    found = shaped([mpf(0)] * len(entries) ** 2, (len(entries), len(entries)))
    np.fill_diagonal(found, entries)
    return found


def softmax(value: Any) -> Any:
    """Return e to the entries of a vector by their sum. Raises NoValueError for a matrix: rows or columns may be meant."""
    raised = np.frompyfunc(mpmath.exp, 1, 1)(_vector(value))
    return raised / mpmath.fsum(raised.ravel())


def _vector(value: Any) -> Any:
    if np.ndim(value) != 2 or 1 not in value.shape:
        raise ArrayError(f"a vector is needed, not the shape {np.shape(value)}")
    return value


def euclidean(value: Any) -> mpf:
    """Return the root of the sum of all squares."""
    return mpmath.sqrt(mpmath.fsum(x * x for x in value.ravel()))


#: Functions of a whole array, as texts call them.
OF_ARRAYS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("tr", "Tr", "trace"), trace),
    **dict.fromkeys(("det", "Det"), determinant),
    **dict.fromkeys(("diag", "Diag"), diagonal),
    **dict.fromkeys(("softmax", "Softmax"), softmax),
}


def is_of_arrays(name: str, argument: Any) -> bool:
    """Whether a name is that of a function of whole arrays; of numbers, the trace and the determinant are."""
    found = OF_ARRAYS.get(name)
    return found is not None and (np.ndim(argument) > 0 or found in (trace, determinant))
