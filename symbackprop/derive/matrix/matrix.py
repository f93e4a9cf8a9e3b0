"""From index form to matrix form: `Σ_n X[n,i] δ[n,j]` becomes `Xᵀ δ`, with shapes and the reason for every transpose.

A product of entries below sums is a network of arrays joined by indices. Arrays over the same indices multiply entry by entry;
each summed index is then removed in turn: it joins two arrays (a matrix product), is the last index of one (times a column of
ones, or times a vector), or leaves a number. What remains has the indices of the result: vectors scale rows and columns through
`diag`, or are repeated by an outer product with ones. A vector is a column; b[j] added to a matrix is `1 bᵀ`.

Where an index joins three arrays, an array has three axes, or an address is computed (`x[n, t+u]`), there is no matrix form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sympy import Add, Expr, Idx, Indexed, Integer, KroneckerDelta, Mul, Number, Piecewise, Pow, Sum

from symbackprop.derive.matrix.matrix_tree import (
    Axis,
    Entrywise,
    MatrixExpression,
    NamedArray,
    Scalar,
    Total,
    diagonal,
    hadamard,
    ones,
    product,
    scaled,
    slot,
    transposed,
    transposes,
)
from symbackprop.errors import NotSupportedError
from symbackprop.network.indices import free_indices, index_name

Axes = tuple[Idx, ...]


@dataclass(frozen=True, slots=True)
class MatrixForm:
    """An expression in matrix form.

    `indices` are those of the result; with `as_row` the form is that of the result's transpose, a row: `(∂L/∂b)ᵀ = 1ᵀ δ`.
    """

    indices: Axes
    matrix: MatrixExpression
    as_row: bool = False


@dataclass(frozen=True, slots=True)
class NoMatrixForm:
    """Why an expression stays in indices; false in a condition."""

    reason: str

    def __bool__(self) -> bool:
        return False


class _Stuck(NotSupportedError):
    """Raised inside this module where there is no matrix form."""


def matrix_form(expression: Expr, indices: Axes) -> MatrixForm | NoMatrixForm:
    """Return the matrix form of `result[indices] = expression`, or the reason why there is none."""
    if len(indices) > 2:
        names = ",".join(index_name(index) for index in indices)
        return NoMatrixForm(f"the result has {len(indices)} indices, [{names}]; a matrix has two")
    rows, cols = (*indices, None, None)[:2]
    try:
        column = _translated(expression, rows, cols)
    except _Stuck as stuck:
        return NoMatrixForm(str(stuck))
    row = transposed(column)
    if len(indices) == 1 and transposes(row) < transposes(column):
        return MatrixForm(indices, row, as_row=True)
    return MatrixForm(indices, column)


def _translated(expression: Expr, rows: Axis, cols: Axis) -> MatrixExpression:
    """Return the matrix of an expression with exactly these axes, repeating it along an axis it does not have."""
    if isinstance(expression, Add):
        return _total(expression, rows, cols)
    axes = tuple(axis for axis in (rows, cols) if axis is not None)
    return _spread(_contracted(expression, axes), rows, cols)


def _total(expression: Add, rows: Axis, cols: Axis) -> MatrixExpression:
    constant, arrays = expression.as_independent(Indexed, as_Add=True)
    _refuse_places(constant)
    if arrays == 0:
        return _spread([_Piece(Scalar(None, None, constant), ())], rows, cols)
    if constant != 0:  # entry by entry: 1 - h ⊙ h
        negative = arrays.could_extract_minus_sign()
        body = _translated(-arrays if negative else arrays, rows, cols)
        return Entrywise(rows, cols, constant + (-slot(0) if negative else slot(0)), (body,))
    terms = sorted(arrays.args, key=lambda term: (term.could_extract_minus_sign(), -len(free_indices(term)), _rank(term)))
    return Total(rows, cols, tuple(_translated(term, rows, cols) for term in terms))


def _rank(term: Expr) -> tuple[bool, str]:
    return not term.has(Sum), str(term)


# ---- the pieces of a product ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A matrix with its axes: () a number, (a,) a column, (a, b) rows and columns."""

    matrix: MatrixExpression
    axes: Axes

    def over(self, *axes: Axis) -> MatrixExpression:
        """The matrix with these axes as rows and columns."""
        return self.matrix if self.axes == axes else transposed(self.matrix)


def _contracted(expression: Expr, out: Axes) -> list[_Piece]:
    """Return pieces whose product is the expression, with axes among `out`, every sum inside carried out."""
    body, bound = _opened(expression)
    upper: dict[frozenset[Idx], list[_Piece]] = {}
    lower: dict[frozenset[Idx], list[_Piece]] = {}
    for factor in Mul.make_args(body):
        base, exponent = factor.as_base_exp()
        below = isinstance(exponent, Number) and exponent.is_negative
        piece = _piece(base**-exponent if below else factor, out)
        (lower if below else upper).setdefault(frozenset(piece.axes), []).append(piece)
    pieces = [_quotient(upper.get(axes, []), lower.get(axes, []), out) for axes in {**upper, **lower}]
    for index in bound:
        if not any(index in piece.axes for piece in pieces):
            raise _Stuck(f"the summand does not contain the summed index {index_name(index)}")
    pending = list(bound)
    while pending:
        pending.sort(key=lambda index: (len(_joined(index, pieces)), _is_first_axis(index, pieces), index_name(index)))
        pieces = _merged(_without(pending.pop(0), pieces, out), out)
    return pieces


def _opened(expression: Expr) -> tuple[Expr, list[Idx]]:
    """Take the sums around an expression off; a factor of a product that is a sum stays as it is."""
    bound: list[Idx] = []
    while isinstance(expression, Sum):
        for index, low, high in expression.limits:
            if (low, high) != (index.lower, index.upper):
                raise _Stuck(f"the sum over {index_name(index)} runs from {low} to {high}, not over the whole axis")
            bound.append(index)
        expression = expression.function
    return expression, bound


def _piece(factor: Expr, out: Axes) -> _Piece:
    axes = _axes(factor, out)
    for kind, rule in _RULES:
        if isinstance(factor, kind):
            return rule(factor, axes)
    return _function(factor, axes) if axes or factor.has(Indexed) else _Piece(Scalar(None, None, factor), ())


def _axes(factor: Expr, out: Axes) -> Axes:
    """Return the free indices of a factor in the order of the result, or else as they stand in its first array."""
    free = free_indices(factor)
    if len(free) > 2:
        what = f"{factor.base.label}" if isinstance(factor, Indexed) else "a factor"
        raise _Stuck(f"{what} has {len(free)} indices, {','.join(sorted(map(index_name, free)))}; a matrix has two")
    if not isinstance(factor, Indexed):
        if free == frozenset(out):
            return out
        for array in sorted(factor.atoms(Indexed), key=str):
            if frozenset(array.indices) == free:
                return tuple(array.indices)
    return tuple(sorted(free, key=index_name))


def _array(array: Indexed, axes: Axes) -> _Piece:
    name = str(array.base.label)
    written = f"{name}[{','.join(str(address) for address in array.indices)}]"
    for address in array.indices:
        if not isinstance(address, Idx):
            raise _Stuck(f"{written} has the computed index {address}")
    if len(array.indices) > 2:
        raise _Stuck(f"{written} has {len(array.indices)} indices; a matrix has two")
    if len(set(array.indices)) < len(array.indices):
        raise _Stuck(f"{written} takes the diagonal of {name}")
    rows, cols = (*array.indices, None)[:2]
    return _Piece(NamedArray(rows, cols, name), tuple(array.indices))


def _sum(total: Sum, axes: Axes) -> _Piece:
    rows, cols = (*axes, None, None)[:2]
    return _Piece(_translated(total, rows, cols), axes)


def _addition(total: Add, axes: Axes) -> _Piece:
    return _sum(total, axes) if axes or total.has(Indexed) else _Piece(Scalar(None, None, total), ())


def _power(power: Pow, axes: Axes) -> _Piece:
    base, exponent = power.args
    if not axes:
        return _Piece(Scalar(None, None, power), ()) if not power.has(Indexed) else _function(power, axes)
    if len(axes) == 2 and isinstance(exponent, Integer) and 2 <= exponent <= 4:
        body = _piece(base, axes)
        return _Piece(hadamard(*[body.over(*axes)] * int(exponent)), axes)
    return _function(power, axes)


def _function(call: Expr, axes: Axes) -> _Piece:
    """A function of entries: arguments with indices become matrices over the same axes, the others stay in the template."""
    rows, cols = (*axes, None, None)[:2]
    arguments: list[MatrixExpression] = []
    template = []
    for arg in call.args:
        if arg.has(Indexed):
            template.append(slot(len(arguments)))
            arguments.append(_translated(arg, rows, cols))
        else:
            _refuse_places(arg)
            template.append(arg)
    return _Piece(Entrywise(rows, cols, call.func(*template), tuple(arguments)), axes)


def _refuse_places(expression: Expr) -> None:
    """Refuse what depends on an index without naming an entry: a condition on places, a Kronecker delta."""
    for index in sorted(free_indices(expression), key=index_name):
        raise _Stuck(f"{expression} depends on the place {index_name(index)} itself")


def _refused(what: str) -> Callable[[Expr, Axes], _Piece]:
    def refuse(factor: Expr, axes: Axes) -> _Piece:
        raise _Stuck(f"{what} has no matrix form")

    return refuse


_RULES: tuple[tuple[type | tuple[type, ...], Callable[..., _Piece]], ...] = (
    (Indexed, _array),
    (Sum, _sum),
    (Add, _addition),
    (Pow, _power),
    (Piecewise, _refused("a definition by cases")),
    (KroneckerDelta, _refused("a Kronecker delta")),
)


# ---- joining pieces -------------------------------------------------------------------------------------------------------


def _quotient(upper: list[_Piece], lower: list[_Piece], out: Axes) -> _Piece:
    """Return the entrywise product of pieces over the same axes, over the product of others."""
    first = (upper or lower)[0].axes
    axes = out if frozenset(out) == frozenset(first) else first
    over = [piece.over(*axes) for piece in upper]
    under = [piece.over(*axes) for piece in lower]
    if not axes:
        return _Piece(_numbers(over, under), ())
    if not under:
        return _Piece(hadamard(*over), axes)
    rows, cols = (*axes, None)[:2]
    if not over:
        return _Piece(Entrywise(rows, cols, 1 / slot(0), (hadamard(*under),)), axes)
    return _Piece(Entrywise(rows, cols, slot(0) / slot(1), (hadamard(*over), hadamard(*under))), axes)


def _numbers(over: list[MatrixExpression], under: list[MatrixExpression]) -> MatrixExpression:
    above = product(*over) if over else Scalar(None, None, Integer(1))
    below = product(*under) if under else Scalar(None, None, Integer(1))
    if isinstance(below, Scalar):
        return scaled(1 / below.value, above)
    return product(above, Entrywise(None, None, 1 / slot(0), (below,)))


def _is_first_axis(index: Idx, pieces: Iterable[_Piece]) -> bool:
    return any(len(piece.axes) == 2 and piece.axes[0] == index for piece in pieces)


def _joined(index: Idx, pieces: Iterable[_Piece]) -> set[Idx]:
    return {axis for piece in pieces if index in piece.axes for axis in piece.axes} - {index}


def _without(index: Idx, pieces: list[_Piece], out: Axes) -> list[_Piece]:
    """Carry out the sum over one index."""
    others, vectors, arrays = _by_role(index, pieces)
    if len(arrays) > 2:
        raise _Stuck(f"the summed index {index_name(index)} joins {len(arrays)} arrays; a matrix product joins two")
    if len(arrays) == 2:
        return [*others, _joined_by(index, arrays, vectors, out)]
    weights = vectors[0] if vectors else ones(index)
    if not arrays:
        return [*others, _Piece(product(transposed(ones(index)), weights), ())]
    (axis,) = set(arrays[0].axes) - {index}
    return [*others, _Piece(product(arrays[0].over(axis, index), weights), (axis,))]


def _by_role(index: Idx, pieces: list[_Piece]) -> tuple[list[_Piece], list[MatrixExpression], list[_Piece]]:
    """Return the pieces without an index, the vectors over it, and the matrices that have it on one side."""
    having = [piece for piece in pieces if index in piece.axes]
    vectors = [piece.matrix for piece in having if piece.axes == (index,)]
    return [piece for piece in pieces if piece not in having], vectors, [piece for piece in having if len(piece.axes) == 2]


def _joined_by(index: Idx, arrays: list[_Piece], vectors: list[MatrixExpression], out: Axes) -> _Piece:
    """Return the product of two matrices over an index they share, the way round that is asked for or has fewer transposes."""
    between = [diagonal(vector) for vector in vectors[:1]]
    first, second = (axis for piece in arrays for axis in piece.axes if axis != index)
    ways = [
        _Piece(product(left.over(a, index), *between, right.over(index, b)), (a, b))
        for left, right, a, b in ((*arrays, first, second), (*reversed(arrays), second, first))
    ]
    return min(ways, key=lambda piece: (piece.axes != out, transposes(piece.matrix)))


def _merged(pieces: list[_Piece], out: Axes) -> list[_Piece]:
    """Multiply pieces over the same axes entry by entry."""
    groups: dict[frozenset[Idx], list[_Piece]] = {}
    for piece in pieces:
        groups.setdefault(frozenset(piece.axes), []).append(piece)
    merged = []
    for group in groups.values():
        axes = out if frozenset(out) == frozenset(group[0].axes) else group[0].axes
        matrices = [piece.over(*axes) for piece in group]
        merged.append(_Piece(hadamard(*matrices) if axes else product(*matrices), axes))
    return merged


def _spread(pieces: list[_Piece], rows: Axis, cols: Axis) -> MatrixExpression:
    """Return the product of the pieces as a matrix over rows and columns."""
    out = tuple(filter(None, (rows, cols)))
    over = {frozenset(piece.axes): [piece.matrix] for piece in _merged(pieces, out)}
    front, whole = over.get(frozenset(), []), over.get(frozenset(out), []) if out else []
    if cols is None:
        return product(*front, *(whole or [ones(rows)]))
    left, right = over.get(frozenset((rows,)), []), over.get(frozenset((cols,)), [])
    if whole:
        return product(*front, *map(diagonal, left), *whole, *map(diagonal, right))
    return product(*front, *(left or [ones(rows)]), *map(transposed, right or [ones(cols)]))
