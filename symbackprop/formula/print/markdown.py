"""Print a written formula for Markdown: LaTeX between dollar signs, long formulas in lines."""

from __future__ import annotations

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.wrap import latex_block
from symbackprop.formula.tree.tree import Formula


def markdown_inline(formula: Formula, notation: Notation | None = None) -> str:
    """Return the formula for the middle of a sentence.

    Characters that Markdown could take for emphasis are kept from it by TeX spellings that show the same.

    >>> from symbackprop.formula.tree.build import power
    >>> print(markdown_inline(power("x", 2)))
    $x^2$
    """
    return f"${_protected(latex(formula, notation))}$"


def markdown_block(formula: Formula, notation: Notation | None = None, width: int = 70) -> str:
    """Return the formula as a display of its own, with an empty line on both sides left to the caller."""
    return f"$$\n{latex_block(formula, notation, width)}\n$$"


def _protected(text: str) -> str:
    return text.replace("*", r"\ast ").replace("|", r"\vert ")
