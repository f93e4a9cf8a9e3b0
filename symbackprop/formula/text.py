"""Print a written formula as plain Unicode for a terminal: `∂E_total/∂w7 = (out_o1 - target_o1)·out_o1·(1 - out_o1)`.

Names stay as the network spells them, fractions stand on the line, elements are written `X[n, i]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace as replace_fields
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.formula.brackets import Slot, is_forced, slots
from symbackprop.formula.latex import runs
from symbackprop.formula.notation import Notation
from symbackprop.formula.spelling import FUNCTIONS, GREEK_LETTERS
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
from symbackprop.formula.walk import children, fold, replace

_BIG = {"sum": "Σ", "prod": "Π", "max": "max", "min": "min", "argmax": "argmax", "argmin": "argmin"}
_MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def text(formula: Formula, notation: Notation | None = None) -> str:
    """Return the formula on one line of plain Unicode.

    >>> from symbackprop.formula.build import equation, multiply, partial, subtract
    >>> print(text(equation(partial("E", "w1"), multiply(subtract("o", "t"), "x"))))
    ∂E/∂w1 = (o - t)·x
    """
    chosen = notation or Notation()
    on_line = replace(formula, lambda node: replace_fields(node, inline=True) if isinstance(node, Fraction) else node)

    def combine(node: Formula, parts: tuple[str, ...]) -> str:
        bracketed = [
            f"({part})" if is_forced(child, slot) or _is_slashed(child, slot) else part
            for child, part, slot in zip(children(node), parts, slots(node), strict=True)
        ]
        printer = _PRINTERS.get(type(node))
        if printer is None:
            raise InternalError(f"no text printer for {type(node).__name__}")
        return printer(node, bracketed, chosen)

    return fold(on_line, combine)


def text_name(name: str, notation: Notation) -> str:
    """Return a name for the terminal: Greek letters as such, functions as the notation calls them."""
    known = notation.functions.get(name) or FUNCTIONS.get(name)
    if known is not None:
        plain = re.sub(r"\\(operatorname|mathrm|text)\*?", "", known).translate({ord("{"): "", ord("}"): ""})
        return re.sub(r"\\([A-Za-z]+)", lambda found: GREEK_LETTERS.get(found[1], found[1]), plain)
    found = re.fullmatch(r"([A-Za-z]+)([\d_].*)?", name)
    return GREEK_LETTERS.get(found[1], found[1]) + (found[2] or "") if found else name


def _is_slashed(child: Formula, slot: Slot) -> bool:
    return isinstance(child, Partial) and slot in (Slot.INLINE_NUMERATOR, Slot.INLINE_DENOMINATOR)


def _sum(node: Sum, parts: list[str], notation: Notation) -> str:
    line = parts[0]
    for term, part in zip(node.terms[1:], parts[1:], strict=True):
        line += f" - {part[1:]}" if isinstance(term, Neg) else f" + {part}"
    return line


def _product(node: Product, parts: list[str], notation: Notation) -> str:
    return ("*" if notation.times == "*" else "·").join(parts)


def _big_sum(node: BigSum, parts: list[str], notation: Notation) -> str:
    body, *bounds = parts
    sign = _BIG[node.operator]
    if node.index is None:
        return f"{sign} {body}"
    index = bounds.pop(0)
    if node.lower is not None:
        index += f"={bounds.pop(0)}"
    if node.upper is not None:
        index += f"..{bounds.pop(0)}"
    simple = re.fullmatch(r"\w+", index)
    return f"{sign}_{index} {body}" if simple else f"{sign}[{index}] {body}"


def _power(node: Power, parts: list[str], notation: Notation) -> str:
    base, exponent = parts
    if re.fullmatch(r"-?\d+", exponent):
        return base + exponent.translate(_RAISED)
    if isinstance(node.exponent, Group) or re.fullmatch(r"\w+", exponent):
        return f"{base}^{exponent}"
    return f"{base}^({exponent})"


def _indexed(node: Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = parts[: len(node.indices)], parts[len(node.indices) :]
    layer = f"^({','.join(upper)})" if upper else ""
    return text_name(node.name, notation) + layer + (f"[{','.join(lower)}]" if lower else "")


def _partial(node: Partial, parts: list[str], notation: Notation) -> str:
    sign = "∂" if notation.partial == "partial" else "d"
    order = str(len(node.others) + 1).translate(_RAISED) if node.others else ""
    below = "".join(sign + variable + (str(count).translate(_RAISED) if count > 1 else "") for variable, count in runs(parts[1:]))
    return f"{sign}{order}{parts[0]}/{below}"


def _nabla(node: Nabla, parts: list[str], notation: Notation) -> str:
    return f"∇_{parts[1]} {parts[0]}" if node.wrt is not None else f"∇{parts[0]}"


def _decorated(node: Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "Delta":
        return "Δ" + parts[0]
    return parts[0] + ("'" if node.kind == "prime" else _MARKS[node.kind])


def _chain(node: Chain, parts: list[str], notation: Notation) -> str:
    return parts[0] + "".join(f" {sign} {part}" for sign, part in zip(node.relations, parts[1:], strict=True))


def _branch(node: Branch, parts: list[str], notation: Notation) -> str:
    return f"{parts[0]} if {parts[1]}" if node.condition is not None else f"{parts[0]} otherwise"


_PRINTERS: dict[type[Formula], Callable[[Any, list[str], Notation], str]] = {
    Name: lambda node, parts, notation: text_name(node.name, notation),
    Number: lambda node, parts, notation: node.text,
    Neg: lambda node, parts, notation: "-" + parts[0],
    Sum: _sum,
    Product: _product,
    Hadamard: lambda node, parts, notation: " ⊙ ".join(parts),
    Fraction: lambda node, parts, notation: "/".join(parts),
    BigSum: _big_sum,
    Power: _power,
    Root: lambda node, parts, notation: f"√({parts[0]})",
    Transpose: lambda node, parts, notation: parts[0] + "ᵀ",
    Update: lambda node, parts, notation: parts[0] + ("'" if notation.update == "prime" else "⁺"),
    Indexed: _indexed,
    Element: lambda node, parts, notation: f"{parts[0]}[{','.join(parts[1:])}]",
    Delta: lambda node, parts, notation: f"δ[{','.join(parts)}]",
    Decorated: _decorated,
    Group: lambda node, parts, notation: node.bracket + parts[0] + _CLOSING[node.bracket],
    Bars: lambda node, parts, notation: f"‖{parts[0]}‖" if node.kind == "norm" else f"|{parts[0]}|",
    Call: lambda node, parts, notation: f"{parts[0]}({', '.join(parts[1:])})",
    Partial: _partial,
    Nabla: _nabla,
    Chain: _chain,
    Logic: lambda node, parts, notation: f" {node.operator} ".join(parts),
    Cases: lambda node, parts, notation: "{" + "; ".join(parts) + "}",
    Branch: _branch,
    Text: lambda node, parts, notation: node.text,
    Blank: lambda node, parts, notation: "_" * max(3, round(2 * node.width)),
    Row: lambda node, parts, notation: (node.separator + " ").join(parts),
}
