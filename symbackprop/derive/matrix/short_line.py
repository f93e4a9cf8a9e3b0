"""The definition of an array on one short line of text, as one says it: `X W1 + b1`, `tanh(Z1)`, `softmax(Z2)`.

It is the matrix form without the columns of ones that repeat a bias. What has no such form gives None.
"""

from __future__ import annotations

from sympy import Expr, Idx, Indexed, Sum, Symbol, exp

from symbackprop.derive.matrix.matrix import MatrixForm, matrix_form
from symbackprop.derive.matrix.matrix_tree import (
    Entrywise,
    MatrixExpression,
    MatrixProduct,
    NamedArray,
    Ones,
    Scaled,
    Total,
    Transposed,
    slot,
    transposed,
)
from symbackprop.network import ELEMENTARY, Node


def short_line(node: Node) -> str | None:
    """Return the definition without indices as plain text, or None."""
    if node.expression is None or not node.indices:
        return None
    form = matrix_form(node.expression, node.indices)
    line = None
    if isinstance(form, MatrixForm):
        line = _line(transposed(form.matrix) if form.as_row else form.matrix)
    return line or _softmax(node.expression, node.indices)


def _line(matrix: MatrixExpression) -> str | None:
    match matrix:
        case NamedArray(name=name):
            return name
        case Transposed(body=NamedArray(name=name)):
            return f"{name}ᵀ"
        case (
            Scaled(coefficient=Symbol(name=name), body=Ones())
            | MatrixProduct(factors=(Ones(), Transposed(body=NamedArray(name=name))))
        ):
            return name  # a number or a vector that ones repeat
        case MatrixProduct(factors=(NamedArray(name=name), Transposed(body=Ones()))):
            return name
        case MatrixProduct(factors=factors) if all(map(_is_named, factors)):
            return " ".join(filter(None, map(_line, factors)))
        case Total(terms=terms):
            return _total(terms)
        case Entrywise():
            return _function(matrix)
    return None


def _is_named(matrix: MatrixExpression) -> bool:
    return isinstance(matrix.body if isinstance(matrix, Transposed) else matrix, NamedArray)


def _total(terms: tuple[MatrixExpression, ...]) -> str | None:
    text = ""
    for term in terms:
        negative = isinstance(term, Scaled) and term.coefficient == -1
        line = _line(term.body if isinstance(term, Scaled) and negative else term)
        if line is None:
            return None
        text += (" - " if negative else " + ") + line
    return text.removeprefix(" + ") if text.startswith(" + ") else "-" + text.removeprefix(" - ")


def _function(matrix: Entrywise) -> str | None:
    """Return `tanh(Z)` for an elementary function of one array, `x w + b` for a number added to every entry."""
    if len(matrix.arguments) != 1 or (inside := _line(matrix.arguments[0])) is None:
        return None
    added = matrix.template - slot(0)
    if isinstance(added, Symbol):
        return f"{inside} + {added.name}"
    plain = matrix.template.func in ELEMENTARY and matrix.template.args == (slot(0),)
    return f"{ELEMENTARY[matrix.template.func].name}({inside})" if plain else None


def _softmax(expression: Expr, indices: tuple[Idx, ...]) -> str | None:
    """Return `softmax(Z)` for exp(Z[n, k]) / Σ_l exp(Z[n, l])."""
    numerator, denominator = expression.as_numer_denom()
    if not isinstance(denominator, Sum) or len(denominator.limits) != 1 or not isinstance(numerator, exp):
        return None
    inside, (bound, low, high) = numerator.args[0], denominator.limits[0]
    if not isinstance(inside, Indexed) or tuple(inside.indices) != indices or (low, high) != (bound.lower, bound.upper):
        return None
    same = denominator.function == exp(inside.base[(*indices[:-1], bound)])
    return f"softmax({inside.base.label})" if same else None
