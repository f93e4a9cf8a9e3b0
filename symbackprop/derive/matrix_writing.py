"""A matrix form written down: its formula, the shapes under it, and where each transpose comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sympy import Expr

from symbackprop.derive.matrix import MatrixForm
from symbackprop.derive.matrix_tree import (
    Axis,
    Diagonal,
    Entrywise,
    Hadamard,
    Leaf,
    Matrix,
    Ones,
    Product,
    Scalar,
    Scaled,
    Total,
    Transposed,
    parts,
    slot,
)
from symbackprop.formula import tree
from symbackprop.formula.build import add, call, equation, multiply
from symbackprop.formula.convert import from_sympy
from symbackprop.formula.notation import Notation
from symbackprop.network.indices import index_name

Spelling = Mapping[str, tree.Formula]

ENTRYWISE = "functions, fractions and powers of arrays are taken entry by entry"
