"""Functions of a whole matrix: its inverse, and the logarithm of the size of its determinant.

They are told the name of an array, not an entry, and stand alone as the definition of a node:

    B[n,i,j] = (A[n]⁻¹)[i,j]        ∂B[i,j]/∂A[k,l] = -B[i,k] B[l,j]
    L[n] = log |det A[n]|           ∂L/∂A[k,l] = (A⁻¹)[l,k]

so that every derivative is written in the inverse, which has a name (Petersen, Pedersen 2012, The Matrix Cookbook, eq. 57, 60).
"""

from __future__ import annotations

from typing import ClassVar

from sympy import Expr, Function, Symbol

__all__ = ["LogDet", "MatrixInverse"]


class MatrixFunction(Function):  # type: ignore[misc]
    """A function of the last two axes of an array, whose name is the first argument."""

    nargs: ClassVar[None] = None

    @property
    def array(self) -> str:
        """The name of the array."""
        return str(self.args[0].name)

    def _eval_is_real(self) -> bool:
        return True


class MatrixInverse(MatrixFunction):
    """`MatrixInverse(A, n, i, j)`, the entry [i, j] of the inverse of A[n]."""

    @property
    def places(self) -> tuple[Expr, ...]:
        """The indices of the entry: those of the sample, the row, the column."""
        return tuple(self.args[1:])


class LogDet(MatrixFunction):
    """`LogDet(A, B, D, n)`, the logarithm of |det A[n]|; B is the node that holds the inverse of A, D the number of rows."""

    @property
    def inverse(self) -> str:
        """The name of the node that holds the inverse."""
        return str(self.args[1].name)

    @property
    def size(self) -> Expr:
        """The number of rows and columns."""
        return self.args[2]

    @property
    def places(self) -> tuple[Expr, ...]:
        """The indices of the sample."""
        return tuple(self.args[3:])


def array_symbol(name: str) -> Symbol:
    """Return the symbol by which a whole array is named."""
    return Symbol(name, real=True)
