"""Formulas and names as a report writes them: one line of plain text."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import SymbackpropError
from symbackprop.formula.convert import from_sympy
from symbackprop.formula.text import text

LONGEST = 90
"""Characters of a formula in a report; a longer one is left out."""


def formula(expression: Any) -> str:
    """Return an expression as plain text, `1/N Σ_n (y[n,k] - t[n,k])^2`."""
    try:
        return text(from_sympy(expression))
    except SymbackpropError:
        return str(expression)


def short(expression: Any) -> str:
    """Return a formula, or an empty text when it is too long to be read in a line."""
    written = formula(expression)
    return written if len(written) <= LONGEST else ""


def definition(derivation: Derivation, name: str) -> str:
    """Return the right-hand side of a definition, or the name when that is too long."""
    expression: Expr | None = derivation.network.nodes[name].expression
    return (short(expression) or name) if expression is not None else name


def adjoint_text(derivation: Derivation, name: str) -> str:
    """Return `∂E/∂y[n,k] = …`, written out when it is short, in adjoints of later nodes when it is not."""
    node = derivation.network.nodes[name]
    head = f"∂{derivation.loss}/∂{formula(node.entry)}"
    gradient = derivation[name]
    for expression in (gradient.expression, gradient.shared):
        written = short(expression)
        if written:
            return f"{head} = {written}"
    return head
