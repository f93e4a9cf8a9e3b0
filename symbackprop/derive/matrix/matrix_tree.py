"""Matrix expressions: named arrays, ones, products, entrywise operations, and where each axis comes from.

Every expression has `rows` and `cols`, the indices its two axes run over (None: a single row or column). A vector is a column.
Immutable; the functions below build expressions in normal form: a transpose stands at the factors, never around a product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sympy import Expr, Idx, Integer, Symbol

from symbackprop.network.indices import index_size

Axis: TypeAlias = Idx | None


@dataclass(frozen=True, slots=True)
class MatrixExpression:
    """Base of all matrix expressions."""

    rows: Axis
    cols: Axis

    @property
    def shape(self) -> tuple[Expr, Expr]:
        """(number of rows, number of columns)."""
        return axis_size(self.rows), axis_size(self.cols)


@dataclass(frozen=True, slots=True)
class NamedArray(MatrixExpression):
    """A named array: `X` with axes (n, i), or a column `b` with axis (j)."""

    name: str


@dataclass(frozen=True, slots=True)
class Ones(MatrixExpression):
    """A column of ones over `rows`."""


@dataclass(frozen=True, slots=True)
class Scalar(MatrixExpression):
    """An expression without indices."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Transposed(MatrixExpression):
    """`bodyᵀ`."""

    body: MatrixExpression


@dataclass(frozen=True, slots=True)
class Diagonal(MatrixExpression):
    """`diag(body)` of a column: scales the rows of what stands to its right, the columns of what stands to its left."""

    body: MatrixExpression


@dataclass(frozen=True, slots=True)
class MatrixProduct(MatrixExpression):
    """The matrix product of at least two factors."""

    factors: tuple[MatrixExpression, ...]


@dataclass(frozen=True, slots=True)
class EntrywiseProduct(MatrixExpression):
    """The entrywise product of at least two expressions of one shape."""

    factors: tuple[MatrixExpression, ...]


@dataclass(frozen=True, slots=True)
class Total(MatrixExpression):
    """The sum of at least two expressions of one shape."""

    terms: tuple[MatrixExpression, ...]


@dataclass(frozen=True, slots=True)
class Scaled(MatrixExpression):
    """A number, or an expression without indices, times a matrix."""

    coefficient: Expr
    body: MatrixExpression


@dataclass(frozen=True, slots=True)
class Weighted(MatrixExpression):
    """A number that is itself written with arrays, `(1ᵀ v)`, times a matrix."""

    number: MatrixExpression
    body: MatrixExpression


@dataclass(frozen=True, slots=True)
class Entrywise(MatrixExpression):
    """A function of each entry: `template` in the placeholders `slot(0)`, `slot(1)`, …, one for each of the arguments."""

    template: Expr
    arguments: tuple[MatrixExpression, ...]


def axis_size(axis: Axis) -> Expr:
    """Return the length of an axis; 1 for None."""
    return Integer(1) if axis is None else index_size(axis)


def slot(at: int) -> Symbol:
    """Return the placeholder of argument number `at` in a template; no node can have its name."""
    return Symbol(f"⟨{at}⟩", real=True)


def ones(axis: Axis) -> MatrixExpression:
    """Return a column of ones (the number 1 for no axis)."""
    return Scalar(None, None, Integer(1)) if axis is None else Ones(axis, None)


def transposed(matrix: MatrixExpression) -> MatrixExpression:
    """Return the transpose, pushed down to the factors of a product."""
    if matrix.rows is None and matrix.cols is None:
        return matrix
    if isinstance(matrix, Transposed):
        return matrix.body
    if isinstance(matrix, Diagonal):
        return matrix
    if isinstance(matrix, MatrixProduct):
        return MatrixProduct(matrix.cols, matrix.rows, tuple(transposed(factor) for factor in reversed(matrix.factors)))
    if isinstance(matrix, Scaled):
        return Scaled(matrix.cols, matrix.rows, matrix.coefficient, transposed(matrix.body))
    if isinstance(matrix, Weighted):
        return Weighted(matrix.cols, matrix.rows, matrix.number, transposed(matrix.body))
    return Transposed(matrix.cols, matrix.rows, matrix)


def product(*matrices: MatrixExpression) -> MatrixExpression:
    """Return the matrix product; coefficients and numbers (1 by 1) come to the front, and 1 is left out."""
    coefficient: Expr = Integer(1)
    numbers: list[MatrixExpression] = []
    factors: list[MatrixExpression] = []
    for matrix in matrices:
        if isinstance(matrix, Scaled):
            coefficient, matrix = coefficient * matrix.coefficient, matrix.body
        if isinstance(matrix, Scalar):
            coefficient = coefficient * matrix.value
        elif matrix.rows is None and matrix.cols is None:
            numbers.append(matrix)
        else:
            factors.extend(matrix.factors if isinstance(matrix, MatrixProduct) else (matrix,))
    if not factors and not numbers:
        return Scalar(None, None, coefficient)
    if not factors:
        factors = [numbers.pop()]
    body = factors[0] if len(factors) == 1 else MatrixProduct(factors[0].rows, factors[-1].cols, tuple(factors))
    for number in reversed(numbers):
        body = Weighted(body.rows, body.cols, number, body)
    return scaled(coefficient, body)


def scaled(coefficient: Expr, matrix: MatrixExpression) -> MatrixExpression:
    """Return a number times a matrix."""
    if isinstance(matrix, Scaled):
        coefficient, matrix = coefficient * matrix.coefficient, matrix.body
    if isinstance(matrix, Scalar):
        return Scalar(None, None, coefficient * matrix.value)
    return matrix if coefficient == 1 else Scaled(matrix.rows, matrix.cols, coefficient, matrix)


def hadamard(*matrices: MatrixExpression) -> MatrixExpression:
    """Return the entrywise product of matrices with the same axes; named arrays come first."""
    coefficient: Expr = Integer(1)
    factors: list[MatrixExpression] = []
    for matrix in matrices:
        if isinstance(matrix, Scaled):
            coefficient, matrix = coefficient * matrix.coefficient, matrix.body
        factors.extend(matrix.factors if isinstance(matrix, EntrywiseProduct) else (matrix,))
    factors.sort(key=lambda factor: (not isinstance(factor, NamedArray), isinstance(factor, Entrywise)))
    first = factors[0]
    return scaled(coefficient, first if len(factors) == 1 else EntrywiseProduct(first.rows, first.cols, tuple(factors)))


def diagonal(vector: MatrixExpression) -> MatrixExpression:
    """Return diag(vector) of a column, with a number in front pulled out."""
    if isinstance(vector, Scaled):
        return scaled(vector.coefficient, diagonal(vector.body))
    return Diagonal(vector.rows, vector.rows, vector)


def transposes(matrix: MatrixExpression) -> int:
    """Return how many transposes of anything but ones are written."""
    if isinstance(matrix, Transposed):
        return int(not isinstance(matrix.body, Ones)) + transposes(matrix.body)
    return sum(transposes(part) for part in parts(matrix))


def parts(matrix: MatrixExpression) -> tuple[MatrixExpression, ...]:
    """Return the direct parts of an expression."""
    if isinstance(matrix, MatrixProduct | EntrywiseProduct):
        return matrix.factors
    if isinstance(matrix, Total):
        return matrix.terms
    if isinstance(matrix, Entrywise):
        return matrix.arguments
    if isinstance(matrix, Weighted):
        return (matrix.number, matrix.body)
    return (matrix.body,) if isinstance(matrix, Transposed | Diagonal | Scaled) else ()
