"""A matrix form written down: its formula, the shapes under it, and where each transpose comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

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
    Weighted,
    parts,
    slot,
)
from symbackprop.formula import tree
from symbackprop.formula.build import add, call, multiply
from symbackprop.formula.convert import from_sympy
from symbackprop.formula.notation import Notation
from symbackprop.network.indices import index_name, size_text

Spelling = Mapping[str, tree.Formula]

ENTRYWISE = "functions, fractions and powers of arrays are taken entry by entry"


def formula(form: MatrixForm, spell: Spelling | None = None, notation: Notation | None = None) -> tree.Formula:
    """Write the right-hand side; `spell` gives the formula of a name, as in `{"dE_dZ": Partial(Name("E"), Name("Z"))}`.

    >>> from sympy import IndexedBase, Sum
    >>> from symbackprop.derive.matrix import matrix_form
    >>> from symbackprop.formula.text import text
    >>> from symbackprop.network.indices import parse_indices
    >>> n, i, j = parse_indices("n:N i:D j:K")
    >>> X, dZ = IndexedBase("X"), IndexedBase("dZ")
    >>> form = matrix_form(Sum(X[n, i] * dZ[n, j], n), (i, j))
    >>> print(text(formula(form)), " ", shapes(form))
    Xᵀ·dZ   (D,N)(N,K)
    """
    return _written(form.matrix, spell or {}, notation or Notation())


def equality(left: tree.Formula, form: MatrixForm, spell: Spelling | None = None, notation: Notation | None = None) -> tree.Chain:
    """Write `left = matrix form`, with `leftᵀ` where the form is that of a row."""
    return tree.Chain((tree.Transpose(left) if form.as_row else left, formula(form, spell, notation)), ("=",))


def ones_name(size: Expr) -> str:
    """Return the name of a column of ones: `ones_N`."""
    return "ones_" + size_text(size).replace("-", "minus").replace("+", "plus")


def ones_spellings(sizes: Iterable[Expr]) -> dict[str, str]:
    """Return the LaTeX of the columns of ones of these sizes by name: `\\mathbf{1}_{N}`."""
    return {ones_name(size): rf"\mathbf{{1}}_{{{size_text(size)}}}" for size in sizes}


def with_ones(notation: Notation, form: MatrixForm) -> Notation:
    """Return the notation with a spelling for the columns of ones in a form: `\\mathbf{1}_{N}`."""
    spellings = ones_spellings(_lengths(form.matrix))
    return notation.override(names={**notation.names, **spellings}) if spellings else notation


def _lengths(matrix: Matrix) -> Iterator[Expr]:
    if isinstance(matrix, Ones):
        yield matrix.shape[0]
    for part in parts(matrix):
        yield from _lengths(part)


def _written(matrix: Matrix, spell: Spelling, notation: Notation) -> tree.Formula:
    return _WRITERS[type(matrix)](matrix, spell, notation)


def _product(matrix: Product, spell: Spelling, notation: Notation) -> tree.Formula:
    return multiply(*(_written(factor, spell, notation) for factor in matrix.factors))


def _scaled(matrix: Scaled, spell: Spelling, notation: Notation) -> tree.Formula:
    return _times(from_sympy(matrix.coefficient, notation=notation, spell=dict(spell)), _written(matrix.body, spell, notation))


def _times(front: tree.Formula, body: tree.Formula) -> tree.Formula:
    if isinstance(front, tree.Neg):
        return tree.Neg(_times(front.body, body))
    if front == tree.Number("1"):
        return body
    if isinstance(front, tree.Fraction) and front.numerator == tree.Number("1") and isinstance(body, tree.Fraction):
        return tree.Fraction(body.numerator, multiply(front.denominator, body.denominator))
    factors = body.factors if isinstance(body, tree.Product) else (body,)
    return multiply(front, *factors)


def _entrywise(matrix: Entrywise, spell: Spelling, notation: Notation) -> tree.Formula:
    arguments = {slot(at).name: _written(arg, spell, notation) for at, arg in enumerate(matrix.arguments)}
    return from_sympy(matrix.template, notation=notation, spell={**spell, **arguments})


_WRITERS: Mapping[type[Matrix], Callable[..., tree.Formula]] = {
    Leaf: lambda m, spell, notation: spell.get(m.name, tree.Name(m.name)),
    Ones: lambda m, spell, notation: tree.Name(ones_name(m.shape[0])),
    Scalar: lambda m, spell, notation: from_sympy(m.value, notation=notation, spell=dict(spell)),
    Transposed: lambda m, spell, notation: tree.Transpose(_written(m.body, spell, notation)),
    Diagonal: lambda m, spell, notation: call("diag", _written(m.body, spell, notation)),
    Product: _product,
    Hadamard: lambda m, spell, notation: tree.Hadamard(tuple(_written(f, spell, notation) for f in m.factors)),
    Total: lambda m, spell, notation: add(*(_written(term, spell, notation) for term in m.terms)),
    Scaled: _scaled,
    Weighted: lambda m, spell, notation: _times(_written(m.number, spell, notation), _written(m.body, spell, notation)),
    Entrywise: _entrywise,
}


# ---- shapes ---------------------------------------------------------------------------------------------------------------


def shapes(form: MatrixForm) -> str:
    """Return the shapes under the factors, `(D,N)(N,K)`, terms and entrywise factors apart: `(N,K) + (N,1)(1,K)`."""
    return _shapes(form.matrix)


def _shapes(matrix: Matrix) -> str:
    if isinstance(matrix, Product):
        return "".join(_shape(factor) for factor in matrix.factors)
    if isinstance(matrix, Scaled | Weighted):
        return _shapes(matrix.body)
    joint = {Total: " + ", Hadamard: " ⊙ "}.get(type(matrix))
    if joint is None:
        return _shape(matrix)
    return joint.join(f"[{_shapes(part)}]" if isinstance(part, Total) else _shapes(part) for part in parts(matrix))


def _shape(matrix: Matrix) -> str:
    return "(" + ",".join(map(size_text, matrix.shape)) + ")"


# ---- where transposes come from -------------------------------------------------------------------------------------------


def explanations(form: MatrixForm) -> tuple[str, ...]:
    """Return one sentence for each transpose and each row or column of ones, in the order of the formula."""
    row = ("the result has one index, so it is a vector; it is written here as a row, the transpose of a column",)
    found = [*(row if form.as_row else ()), *_reasons(form.matrix)]
    return tuple(dict.fromkeys(found))


def _reasons(matrix: Matrix) -> Iterator[str]:
    within = parts(matrix)
    for at, part in enumerate(within):
        if isinstance(matrix, Product) and isinstance(part, Transposed):
            yield _in_product(part, at, len(within))
        elif isinstance(matrix, Product) and isinstance(part, Ones):
            yield _summing(part) if at else _repeating(part.rows, "row")
        elif isinstance(matrix, Product) and isinstance(part, Diagonal):
            scaled = f"row {_axis(part.rows)}" if at < len(within) - 1 else f"column {_axis(part.rows)}"
            yield f"the diagonal matrix multiplies each {scaled} by its entry of {_called(part.body)}"
        elif isinstance(part, Transposed):
            yield _in_place(part)
        yield from _reasons(part.body if isinstance(part, Transposed) else part)


def _in_product(part: Transposed, at: int, count: int) -> str:
    name = _called(part.body)
    if isinstance(part.body, Ones):
        return _summing(part.body) if at == 0 else _repeating(part.body.rows, "column")
    if part.body.cols is None and at == 0:
        return (
            f"the summed index {_axis(part.cols)} is the only axis of the vector {name}; on the left of a product a "
            "vector stands as a row"
        )
    if part.body.cols is None:
        return f"{_axis(part.cols)} runs along the columns of the result, so the vector {name} is laid down as a row"
    if at < count - 1:
        return (
            f"the summed index {_axis(part.cols)} is the first axis of {name}, but a matrix product sums over the last axis of "
            f"its left factor; so {name} is transposed"
        )
    return (
        f"the summed index {_axis(part.rows)} is the last axis of {name}, but a matrix product sums over the first axis of its "
        f"right factor; so {name} is transposed"
    )


def _in_place(part: Transposed) -> str:
    rows, cols = _axis(part.rows), _axis(part.cols)
    own, result = f"({cols}, {rows})", f"({rows}, {cols})"
    return f"the axes of {_called(part.body)} are {own}, those of the result {result}; so {_called(part.body)} is transposed"


def _summing(part: Ones) -> str:
    return f"multiplying by ones over {_axis(part.rows)} sums over {_axis(part.rows)}"


def _repeating(axis: Axis, what: str) -> str:
    return f"what does not depend on {_axis(axis)} is repeated in every {what}, which a product with ones over {_axis(axis)} does"


def _axis(axis: Axis) -> str:
    return "1" if axis is None else index_name(axis)


def _called(matrix: Matrix) -> str:
    return matrix.name if isinstance(matrix, Leaf) else "what is in brackets"
