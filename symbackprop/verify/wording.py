"""Formulas and names as a report writes them: one line of plain text."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sympy import Expr, Integer

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


def adjoint_text(derivation: Derivation, name: str, held: Collection[str] = ()) -> str:
    """Return `∂E/∂y[n,k] = …`: in adjoints of later nodes when the code holds those, or when it is too long written out.

    Args:
        held: the nodes whose adjoints the code has in variables.
    """
    node = derivation.network.nodes[name]
    head = f"∂{derivation.loss}/∂{formula(node.entry)}"
    gradient = derivation[name]
    consumers = {term.consumer for term in gradient.terms if not isinstance(term.upstream, Integer)}
    forms = ("shared", "expression") if consumers and consumers <= set(held) else ("expression", "shared")
    for form in forms:
        written = with_adjoints(derivation, getattr(gradient, form))
        if 0 < len(written) <= LONGEST:
            return f"{head} = {written}"
    return head


def with_adjoints(derivation: Derivation, expression: Expr) -> str:
    """Return a formula in which adjoints read `∂E/∂y`, not as the variables `dE_dy` that stand for them."""
    written = formula(expression)
    for adjoint in derivation.adjoints.values():
        symbol = str(adjoint.symbol)
        if symbol in written:
            name = formula(derivation.network.nodes[adjoint.node].symbol)
            written = re.sub(rf"(?<!\w){re.escape(symbol)}(?!\w)", f"∂{derivation.loss}/∂{name}", written)
    return written
