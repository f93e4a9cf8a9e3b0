"""The value of a matrix expression with numpy: every kind of node is one line, a vector is a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.derive.matrix.matrix import MatrixForm
from symbackprop.derive.matrix.matrix_tree import (
    Diagonal,
    Entrywise,
    EntrywiseProduct,
    MatrixExpression,
    MatrixProduct,
    NamedArray,
    Ones,
    Scalar,
    Scaled,
    Total,
    Transposed,
    Weighted,
    slot,
)

Worth = Callable[[Expr, Mapping[str, Any]], Any]


def matrix_value(form: MatrixForm, arrays: Mapping[str, Any], number: Worth) -> Any:
    """Return the array of a form; `number(expression, values)` works out what has no indices, entry by entry for arrays."""

    def of(matrix: MatrixExpression) -> Any:
        return RULES[type(matrix)](matrix, of, arrays, number)

    found = of(form.matrix)
    found = found.T if form.as_row else found
    return found if len(form.indices) == 2 else found[:, 0] if form.indices else found[0, 0]


def _leaf(m: NamedArray, of: Any, arrays: Mapping[str, Any], number: Worth) -> Any:
    array = np.asarray(arrays[m.name])
    return array.reshape(array.shape[0], -1) if array.ndim == 1 else array


def _entrywise(m: Entrywise, of: Any, arrays: Mapping[str, Any], number: Worth) -> Any:
    shape = tuple(int(number(extent, arrays)) for extent in m.shape)
    parts = [np.broadcast_to(of(argument), shape) for argument in m.arguments]
    entries = [number(m.template, {**arrays, **{slot(at).name: part[place] for at, part in enumerate(parts)}})
               for place in np.ndindex(*shape)]  # fmt: skip
    return np.array(entries, dtype=float).reshape(shape)


RULES: Mapping[type[MatrixExpression], Callable[[Any, Any, Mapping[str, Any], Worth], Any]] = {
    NamedArray: _leaf,
    Ones: lambda m, of, arrays, number: np.ones((int(number(m.shape[0], arrays)), 1)),
    Scalar: lambda m, of, arrays, number: np.full((1, 1), float(number(m.value, arrays))),
    Transposed: lambda m, of, arrays, number: of(m.body).T,
    Diagonal: lambda m, of, arrays, number: np.diag(of(m.body)[:, 0]),
    MatrixProduct: lambda m, of, arrays, number: reduce(np.matmul, map(of, m.factors)),
    EntrywiseProduct: lambda m, of, arrays, number: reduce(np.multiply, map(of, m.factors)),
    Total: lambda m, of, arrays, number: reduce(np.add, map(of, m.terms)),
    Scaled: lambda m, of, arrays, number: float(number(m.coefficient, arrays)) * of(m.body),
    Weighted: lambda m, of, arrays, number: of(m.number)[0, 0] * of(m.body),
    Entrywise: _entrywise,
}
