"""Print a written formula in Typst's mathematics, without the dollar signs around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.formula.brackets import is_forced, slots
from symbackprop.formula.glyphs import Accented, Beside, Glyph, Scripted, Word, glyphs
from symbackprop.formula.latex import runs, sign_between
from symbackprop.formula.notation import Notation
from symbackprop.formula.spelling import latex_name
from symbackprop.formula.tree import (
    Bars,
    BigSum,
    Blank,
    Branch,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Logic,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Row,
    Sum,
    Text,
    Transpose,
    Update,
)
from symbackprop.formula.walk import children, fold

_ACCENTS = {"hat": "hat", "bar": "overline", "tilde": "tilde", "dot": "dot", "vec": "arrow"}
_BIG = {
    "sum": "sum",
    "prod": "product",
    "max": "max",
    "min": "min",
    "argmax": 'op("arg max", limits: #true)',
    "argmin": 'op("arg min", limits: #true)',
}
_TIMES = {"": " ", "*": " * ", r"\cdot": " dot.c ", r"\times": " times "}
_BRACKET = {"(": r"\(", ")": r"\)", "[": r"\[", "]": r"\]", "{": r"\{", "}": r"\}"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def typst(formula: Formula, notation: Notation | None = None) -> str:
    """Return the formula in Typst's mathematics; put it between `$ … $` for a display.

    >>> from symbackprop.formula.build import divide, power
    >>> print(typst(divide(1, power("x", 2))))
    frac(1, x^(2))
    """
    chosen = notation or Notation()

    def combine(node: Formula, parts: tuple[str, ...]) -> str:
        bracketed = [
            _bracketed(part) if is_forced(child, slot, chosen.layered) else part
            for child, part, slot in zip(children(node), parts, slots(node), strict=True)
        ]
        printer = _PRINTERS.get(type(node))
        if printer is None:
            raise InternalError(f"no Typst printer for {type(node).__name__}")
        return printer(node, bracketed, chosen)

    return fold(formula, combine)


_TALL = ("frac(", "sum", "product", "sqrt(", "cases(", "mat(")


def _bracketed(part: str) -> str:
    """Put brackets around that grow with fractions and sums, but not with names that have an index."""
    return f"({part})" if any(tall in part for tall in _TALL) else rf"\({part}\)"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _glyph(glyph: Glyph) -> str:
    match glyph:
        case Word(text=text, style=style):
            if text.isdigit() or (len(text) == 1 and style == "italic"):
                return text
            return f"{_STYLES[style]}({_quoted(text) if len(text) > 1 else text})"
        case Accented(accent=accent, base=base):
            return f"{_ACCENTS[accent]}({_glyph(base)})"
        case Beside(items=items):
            return " ".join(map(_glyph, items))
        case Scripted(base=base, below=below, above=above):
            return _scripts(_glyph(base), _glyph(below) if below else "", _glyph(above) if above else "")


_STYLES = {"italic": "italic", "upright": "upright", "bold": "bold"}


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_({below})" if below else "") + (f"^({above})" if above else "")


def _name(name: str, notation: Notation) -> str:
    return _glyph(glyphs(latex_name(name, notation)))


def _sum(node: Sum, parts: list[str], notation: Notation) -> str:
    text = parts[0]
    for term, part in zip(node.terms[1:], parts[1:], strict=True):
        text += f" - {part[1:]}" if isinstance(term, Neg) else f" + {part}"
    return text


def _product(node: Product, parts: list[str], notation: Notation) -> str:
    text = parts[0]
    for left, right, part in zip(node.factors, node.factors[1:], parts[1:], strict=False):
        text += _TIMES[sign_between(left, right, notation)] + part
    return text


def _fraction(node: Fraction, parts: list[str], notation: Notation) -> str:
    return rf"{parts[0]} \/ {parts[1]}" if node.inline else f"frac({parts[0]}, {parts[1]})"


def _indexed(node: Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = parts[: len(node.indices)], parts[len(node.indices) :]
    opening, closing = notation.layer_brackets[:1], notation.layer_brackets[1:]
    above = f"{opening}{', '.join(upper)}{closing}" if upper else ""
    if above and opening == "(":  # the brackets of the script itself do not show
        above = f"({above[1:-1]})"
    name = _name(node.name, notation)
    base = f"attach({name})" if "_(" in name else name
    return _scripts(base, _indices(lower, notation), above)


def _indices(parts: list[str], notation: Notation) -> str:
    simple = all(re.fullmatch(r"[^\W\d]", part) for part in parts)
    return (" " if simple and not notation.index_separator else ", ").join(parts)


def _big_sum(node: BigSum, parts: list[str], notation: Notation) -> str:
    body, *bounds = parts
    below = bounds.pop(0) if node.index is not None else ""
    if node.lower is not None:
        below += f" = {bounds.pop(0)}"
    above = bounds.pop(0) if node.upper is not None else ""
    return f"{_scripts(_BIG[node.operator], below, above)} {body}"


def _decorated(node: Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return _scripts(parts[0], "", "prime")
    return f"Delta {parts[0]}" if node.kind == "Delta" else f"{_ACCENTS[node.kind]}({parts[0]})"


def _partial(node: Partial, parts: list[str], notation: Notation) -> str:
    sign = {"partial": "∂", "upright": "upright(d)"}.get(notation.partial, "d")
    order = f"^({len(node.others) + 1})" if node.others else ""
    below = " ".join(f"{sign} {variable}" + (f"^({count})" if count > 1 else "") for variable, count in runs(parts[1:]))
    return f"frac({sign}{order} {parts[0]}, {below})"


def _nabla(node: Nabla, parts: list[str], notation: Notation) -> str:
    return f"{_scripts('∇', parts[1] if node.wrt is not None else '', '')} {parts[0]}"


def _chain(node: Chain, parts: list[str], notation: Notation) -> str:
    text = parts[0]
    for relation, part in zip(node.relations, parts[1:], strict=True):
        text += f" {relation} {part}"
    return text


def _branch(node: Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else '"otherwise"'
    return f"{parts[0]} quad & {condition}"


def _written_row(node: Row, parts: list[str], notation: Notation) -> str:
    return {"": " thick ", ",": ", ", "\n": " \\ "}[node.separator].join(parts)


_PRINTERS: dict[type[Formula], Callable[[Any, list[str], Notation], str]] = {
    Name: lambda node, parts, notation: _name(node.name, notation),
    Number: lambda node, parts, notation: node.text,
    Neg: lambda node, parts, notation: "-" + parts[0],
    Sum: _sum,
    Product: _product,
    Hadamard: lambda node, parts, notation: " ⊙ ".join(parts),
    Fraction: _fraction,
    BigSum: _big_sum,
    Power: lambda node, parts, notation: _scripts(parts[0], "", parts[1]),
    Root: lambda node, parts, notation: f"sqrt({parts[0]})",
    Transpose: lambda node, parts, notation: _scripts(parts[0], "", "T" if notation.transpose == "T" else "⊤"),
    Update: lambda node, parts, notation: _scripts(parts[0], "", "prime" if notation.update == "prime" else "+"),
    Indexed: _indexed,
    Element: lambda node, parts, notation: _scripts(parts[0], _indices(parts[1:], notation), ""),
    Delta: lambda node, parts, notation: _scripts(
        "δ" if notation.kronecker == r"\delta" else "bb(1)", _indices(parts, notation), ""
    ),
    Decorated: _decorated,
    Group: lambda node, parts, notation: f"lr({_BRACKET[node.bracket]} {parts[0]} {_BRACKET[_CLOSING[node.bracket]]})",
    Bars: lambda node, parts, notation: f"{'norm' if node.kind == 'norm' else 'abs'}({parts[0]})",
    Call: lambda node, parts, notation: parts[0] + _bracketed(", ".join(parts[1:])),
    Partial: _partial,
    Nabla: _nabla,
    Chain: _chain,
    Logic: lambda node, parts, notation: (" ∧ " if node.operator == "and" else " ∨ ").join(parts),
    Cases: lambda node, parts, notation: f"cases({', '.join(parts)})",
    Branch: _branch,
    Text: lambda node, parts, notation: _quoted(node.text),
    Blank: lambda node, parts, notation: f'class("normal", underline(#h({node.width:g}em)))',
    Row: _written_row,
}
