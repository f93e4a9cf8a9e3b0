"""A matrix form written down: its formula, the shapes under it, and where each transpose comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sympy import Expr

from symbackprop.derive.matrix.matrix import MatrixForm
from symbackprop.derive.matrix.matrix_tree import (
    Axis,
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
    parts,
    slot,
)
from symbackprop.derive.reasons import Because, Reason, because
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.text import text
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.build import add, call, multiply
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.network.indices import index_name
from symbackprop.network.sizes import size_text

Spelling = Mapping[str, tree.Formula]

ENTRYWISE = "functions, fractions and powers of arrays are taken entry by entry"


def formula(form: MatrixForm, spell: Spelling | None = None, notation: Notation | None = None) -> tree.Formula:
    """Write the right-hand side; `spell` gives the formula of a name, as in `{"dE_dZ": Partial(Name("E"), Name("Z"))}`.

    >>> from sympy import IndexedBase, Sum
    >>> from symbackprop.derive.matrix.matrix import matrix_form
    >>> from symbackprop.formula.print.text import text
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
    return "ones_" + size_text(size).replace("-", "minus").replace("+", "plus").replace("*", "times")


def ones_spellings(sizes: Iterable[Expr]) -> dict[str, str]:
    """Return the LaTeX of the columns of ones of these sizes by name: `\\mathbf{1}_{N}`."""
    return {ones_name(size): rf"\mathbf{{1}}_{{{size_text(size).replace('**', '^').replace('*', ' ')}}}" for size in sizes}


def with_ones(notation: Notation, form: MatrixForm) -> Notation:
    """Return the notation with a spelling for the columns of ones in a form: `\\mathbf{1}_{N}`."""
    spellings = ones_spellings(_lengths(form.matrix))
    return notation.override(names={**notation.names, **spellings}) if spellings else notation


def _lengths(matrix: MatrixExpression) -> Iterator[Expr]:
    if isinstance(matrix, Ones):
        yield matrix.shape[0]
    for part in parts(matrix):
        yield from _lengths(part)


def _written(matrix: MatrixExpression, spell: Spelling, notation: Notation) -> tree.Formula:
    return _WRITERS[type(matrix)](matrix, spell, notation)


def _product(matrix: MatrixProduct, spell: Spelling, notation: Notation) -> tree.Formula:
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


_WRITERS: Mapping[type[MatrixExpression], Callable[..., tree.Formula]] = {
    NamedArray: lambda m, spell, notation: spell.get(m.name, tree.Name(m.name)),
    Ones: lambda m, spell, notation: tree.Name(ones_name(m.shape[0])),
    Scalar: lambda m, spell, notation: from_sympy(m.value, notation=notation, spell=dict(spell)),
    Transposed: lambda m, spell, notation: tree.Transpose(_written(m.body, spell, notation)),
    Diagonal: lambda m, spell, notation: call("diag", _written(m.body, spell, notation)),
    MatrixProduct: _product,
    EntrywiseProduct: lambda m, spell, notation: tree.Hadamard(tuple(_written(f, spell, notation) for f in m.factors)),
    Total: lambda m, spell, notation: add(*(_written(term, spell, notation) for term in m.terms)),
    Scaled: _scaled,
    Weighted: lambda m, spell, notation: _times(_written(m.number, spell, notation), _written(m.body, spell, notation)),
    Entrywise: _entrywise,
}


# ---- shapes ---------------------------------------------------------------------------------------------------------------


def shapes(form: MatrixForm) -> str:
    """Return the shapes under the factors, `(D,N)(N,K)`, terms and entrywise factors apart: `(N,K) + (N,1)(1,K)`."""
    return _shapes(form.matrix)


def _shapes(matrix: MatrixExpression) -> str:
    if isinstance(matrix, MatrixProduct):
        return "".join(_shape(factor) for factor in matrix.factors)
    if isinstance(matrix, Scaled | Weighted):
        return _shapes(matrix.body)
    joint = {Total: " + ", EntrywiseProduct: " ⊙ "}.get(type(matrix))
    if joint is None:
        return _shape(matrix)
    return joint.join(f"[{_shapes(part)}]" if isinstance(part, Total) else _shapes(part) for part in parts(matrix))


def _shape(matrix: MatrixExpression) -> str:
    return "(" + ",".join(map(size_text, matrix.shape)) + ")"


# ---- where transposes come from -------------------------------------------------------------------------------------------


def explanations(form: MatrixForm, spell: Spelling | None = None) -> Because:
    """Return one reason for each transpose and each row or column of ones, in the formula's order; `spell` as in `formula`."""
    row = because("vector as row") if form.as_row else ()
    return tuple(dict.fromkeys((*row, *(reason for found in _reasons(form.matrix, spell or {}) for reason in found))))


def _reasons(matrix: MatrixExpression, spell: Spelling) -> Iterator[Because]:
    within = parts(matrix)
    for at, part in enumerate(within):
        explain = _IN_PRODUCT.get(type(part)) if isinstance(matrix, MatrixProduct) else None
        if explain is not None:
            yield explain(part, at == 0, at == len(within) - 1, spell)
        elif isinstance(part, Transposed):
            yield _in_place(part, spell)
        yield from _reasons(part.body if isinstance(part, Transposed) else part, spell)


def _ones(part: Ones, first: bool, last: bool, spell: Spelling) -> Because:
    return because("repeated in rows" if first else "ones sum", index=_axis(part.rows))


def _diagonal(part: Diagonal, first: bool, last: bool, spell: Spelling) -> Because:
    return because("diagonal, columns" if last else "diagonal, rows", index=_axis(part.rows), name=_called(part.body, spell))


def _transposed(part: Transposed, first: bool, last: bool, spell: Spelling) -> Because:
    name = _called(part.body, spell)
    if isinstance(part.body, Ones):
        return because("ones sum" if first else "repeated in columns", index=_axis(part.body.rows))
    if part.body.cols is None:
        return because("only axis" if first else "laid down", index=_axis(part.cols), name=name)
    return because("last axis" if last else "first axis", index=_axis(part.rows if last else part.cols), name=name)


#: Why a factor of a product stands as it does, from the factor, and whether it is the first, the last.
_IN_PRODUCT: Mapping[type[MatrixExpression], Callable[..., Because]] = {Transposed: _transposed, Ones: _ones, Diagonal: _diagonal}


def _in_place(part: Transposed, spell: Spelling) -> Because:
    rows, cols = _axis(part.rows), _axis(part.cols)
    return because("axes turned", name=_called(part.body, spell), own=f"({cols}, {rows})", result=f"({rows}, {cols})")


def _axis(axis: Axis) -> str:
    return "1" if axis is None else index_name(axis)


def _called(matrix: MatrixExpression, spell: Spelling) -> str | Reason:
    return text(spell.get(matrix.name, tree.Name(matrix.name))) if isinstance(matrix, NamedArray) else because("in brackets")[0]
