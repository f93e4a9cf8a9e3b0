"""Print a written formula as LaTeX.

Each node is printed from the LaTeX of its parts; `brackets` says which parts need brackets. Spaces have no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.formula.brackets import Slot, is_forced, looks_like_call, needs_brackets_to_count, slots
from symbackprop.formula.notation import Notation
from symbackprop.formula.spelling import latex_name, script
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
from symbackprop.formula.walk import children, fold, walk

RELATIONS = {
    "=": "=",
    ":=": ":=",
    "≈": r"\approx",
    "←": r"\leftarrow",
    "→": r"\to",
    "≡": r"\equiv",
    "<": "<",
    ">": ">",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "∝": r"\propto",
    "∼": r"\sim",
    "∈": r"\in",
    "⇒": r"\Rightarrow",
    "⇔": r"\Leftrightarrow",
}
BIG = {
    "sum": r"\sum",
    "prod": r"\prod",
    "max": r"\max",
    "min": r"\min",
    "argmax": r"\operatorname*{argmax}",
    "argmin": r"\operatorname*{argmin}",
}
DECORATIONS = {
    "hat": r"\hat",
    "bar": r"\bar",
    "tilde": r"\tilde",
    "dot": r"\dot",
    "vec": r"\vec",
}
_CLOSING = {"(": ")", "[": "]", "{": r"\}"}
_TALL = re.compile(r"\\frac|\\sum|\\prod|\\begin|\\left")
_BRACKETED = re.compile(r"(?:^|[-+*\s(\[])\(")  # brackets that are no argument list
_SINGLE = re.compile(r"[^\W\d]|\\[A-Za-z]+")  # a symbol that can stand beside another index
_ESCAPED = re.compile(r"[#$%&_{}]")


def latex(formula: Formula, notation: Notation | None = None) -> str:
    """Return the LaTeX of a formula, without display delimiters.

    >>> from symbackprop.formula.build import multiply, partial
    >>> print(latex(multiply("eta", partial("E", "w7"))))
    \\eta \\frac{\\partial E}{\\partial w_7}
    """
    chosen = notation or Notation()

    def combine(node: Formula, parts: tuple[str, ...]) -> str:
        bracketed = [
            _wrap(part, chosen) if is_forced(child, slot, chosen.layered) else part
            for child, part, slot in zip(children(node), parts, slots(node), strict=True)
        ]
        printer = _PRINTERS.get(type(node))
        if printer is None:
            raise InternalError(f"no LaTeX printer for {type(node).__name__}")
        return printer(node, bracketed, chosen)

    return fold(formula, combine)


def _wrap(text: str, notation: Notation, bracket: str = "") -> str:
    opening = bracket or ("[" if notation.nesting == "square" and _BRACKETED.search(text) else "(")
    closing = _CLOSING[opening]
    opening = r"\{" if opening == "{" else opening
    if notation.brackets == "sized" and _TALL.search(text):
        return rf"\left{opening} {text} \right{closing}"
    return f"{opening}{text}{closing}"


# --- sums and products


def _sum(node: Sum, parts: list[str], notation: Notation) -> str:
    space = "" if notation.times == "*" else " "
    text = parts[0]
    for term, part in zip(node.terms[1:], parts[1:], strict=True):
        text += f"{space}-{space}{part[1:]}" if isinstance(term, Neg) else f"{space}+{space}{part}"
    return text


def _product(node: Product, parts: list[str], notation: Notation) -> str:
    text = parts[0]
    for position in range(1, len(parts)):
        left, right, part = node.factors[position - 1], node.factors[position], parts[position]
        sign = sign_between(left, right, notation)
        if sign == "*" and isinstance(right, Neg) and isinstance(right.body, Number):
            part = "-" + right.body.text
        text += sign if sign == "*" else f" {sign} " if sign else " "
        text += part
    return text


def sign_between(left: Formula, right: Formula, notation: Notation) -> str:
    """Return the sign between two neighbouring factors of a product, "" for side by side."""
    if _has_partial(left) and _has_partial(right):
        sign = notation.times_derivative
    elif starts_with_bracket(right, notation):
        sign = _times_before_bracket(left, right, notation)
    else:
        sign = notation.times
    return notation.explicit_times if not sign and _would_be_misread(left, right, notation) else sign


def starts_with_bracket(factor: Formula, notation: Notation) -> bool:
    """Whether a factor begins with a bracket when it is written down."""
    while True:
        match factor:
            case Group(bracket=bracket):
                return bracket in "(["
            case Fraction(inline=True) | Neg():
                return True
            case Power() | Transpose() | Update() | Element() | Decorated(kind="prime"):
                inner, slot = children(factor)[0], slots(factor)[0]
                if is_forced(inner, slot, notation.layered):
                    return True
                factor = inner
            case _:
                return is_forced(factor, Slot.LAST_FACTOR, notation.layered)


def _times_before_bracket(left: Formula, right: Formula, notation: Notation) -> str:
    side_by_side = notation.juxtapose_bracket == "always" or (
        notation.juxtapose_bracket == "complement" and right == Sum((Number("1"), Neg(left)))
    )
    return "" if side_by_side else notation.times or notation.explicit_times


def _has_partial(formula: Formula) -> bool:
    return any(isinstance(node, Partial | Nabla) for node in walk(formula))


def _would_be_misread(left: Formula, right: Formula, notation: Notation) -> bool:
    """Whether two factors side by side would be read as something else."""
    if isinstance(left, Fraction) and left.inline:
        return True
    if isinstance(left, Name) and (left.name in notation.functions or latex_name(left.name, notation) == "d"):
        return True
    if isinstance(left, Decorated) and left.kind == "prime":
        return True
    return looks_like_call(left, right) or isinstance(right, Neg) or _starts_with_digit(right)


def _starts_with_digit(factor: Formula) -> bool:
    while isinstance(factor, Power | Transpose | Update | Element):
        factor = children(factor)[0]
    return isinstance(factor, Number)


def _hadamard(node: Hadamard, parts: list[str], notation: Notation) -> str:
    return f" {notation.hadamard} ".join(parts)


def _fraction(node: Fraction, parts: list[str], notation: Notation) -> str:
    numerator, denominator = parts
    return f"{numerator}/{denominator}" if node.inline else rf"\frac{{{numerator}}}{{{denominator}}}"


def _big_sum(node: BigSum, parts: list[str], notation: Notation) -> str:
    body, *bounds = parts
    text = BIG[node.operator]
    if node.index is not None:
        index = bounds.pop(0)
        text += script("_", f"{index}={bounds.pop(0)}" if node.lower is not None else index, notation)
    if node.upper is not None:
        text += script("^", bounds.pop(0), notation)
    return f"{text} {body}"


# --- scripts and marks


def _power(node: Power, parts: list[str], notation: Notation) -> str:
    return parts[0] + script("^", parts[1], notation)


def _indexed(node: Indexed, parts: list[str], notation: Notation) -> str:
    base = latex_name(node.name, notation)
    if "_" in base or "^" in base:
        base = f"{{{base}}}"
    lower, upper = parts[: len(node.indices)], parts[len(node.indices) :]
    if upper:
        opening, closing = notation.layer_brackets[:1], notation.layer_brackets[1:]
        base += script("^", opening + ",".join(upper) + closing, notation)
    return base + (script("_", _indices(node.indices, lower, notation), notation) if lower else "")


def _indices(indices: tuple[Formula, ...], parts: list[str], notation: Notation) -> str:
    simple = all(isinstance(index, Name) and _SINGLE.fullmatch(part) for index, part in zip(indices, parts, strict=True))
    separator = notation.index_separator if simple else ","
    if separator or not any("\\" in part for part in parts):
        return separator.join(parts)
    return " ".join(parts)


def _element(node: Element, parts: list[str], notation: Notation) -> str:
    return parts[0] + script("_", _indices(node.indices, parts[1:], notation), notation)


def _delta(node: Delta, parts: list[str], notation: Notation) -> str:
    return notation.kronecker + script("_", _indices((node.first, node.second), parts, notation), notation)


def _decorated(node: Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return parts[0] + "'"
    if node.kind == "Delta":
        return f"{notation.change} {parts[0]}"
    return f"{DECORATIONS[node.kind]}{{{parts[0]}}}"


def _update(node: Update, parts: list[str], notation: Notation) -> str:
    return parts[0] + ("'" if notation.update == "prime" else script("^", "+", notation))


# --- functions and derivatives


def _call(node: Call, parts: list[str], notation: Notation) -> str:
    return parts[0] + _wrap(", ".join(parts[1:]), notation, "(")


def _partial(node: Partial, parts: list[str], notation: Notation) -> str:
    above, below = node.numerator, node.denominator
    if notation.partial == "name" and isinstance(above, Name) and isinstance(below, Name) and not node.others:
        return rf"\mathit{{{_escape(f'd_{above.name}_d_{below.name}')}}}"
    sign = {"d": "d", "upright": r"\mathrm{d}"}.get(notation.partial, r"\partial ")
    order = script("^", str(len(node.others) + 1), notation) + " " if node.others else ""
    variables = ""
    raised = [
        _wrap(part, notation) if needs_brackets_to_count(child, notation.layered) else part
        for child, part in zip(children(node), parts, strict=True)
    ]
    for variable, count in runs(raised[1:] if len(set(parts[1:])) < len(parts[1:]) else parts[1:]):
        variables += f"{sign}{variable}" + (script("^", str(count), notation) + " " if count > 1 else "")
    return rf"\frac{{{sign.rstrip() if order else sign}{order}{parts[0]}}}{{{variables.rstrip()}}}"


def runs(items: list[str]) -> list[tuple[str, int]]:
    """Return each item with the number of times it stands in a row: the variables of a higher derivative."""
    return [(item, len(list(same))) for item, same in groupby(items)]


def _nabla(node: Nabla, parts: list[str], notation: Notation) -> str:
    variable = script("_", parts[1], notation) if node.wrt is not None else ""
    return rf"\nabla{variable} {parts[0]}"


# --- statements


def _chain(node: Chain, parts: list[str], notation: Notation) -> str:
    return parts[0] + "".join(f" {RELATIONS[relation]} {part}" for relation, part in zip(node.relations, parts[1:], strict=True))


def _cases(node: Cases, parts: list[str], notation: Notation) -> str:
    lines = r" \\ ".join(parts)
    return rf"\begin{{cases}} {lines} \end{{cases}}"


def _branch(node: Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else r"\text{otherwise}"
    return f"{parts[0]} & {condition}"


def _text(node: Text, parts: list[str], notation: Notation) -> str:
    return rf"\text{{{_escape(node.text)}}}"


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", text)


def _row(node: Row, parts: list[str], notation: Notation) -> str:
    return {"": " ", ",": ", ", "\n": r" \\ "}[node.separator].join(parts)


_PRINTERS: dict[type[Formula], Callable[[Any, list[str], Notation], str]] = {
    Name: lambda node, parts, notation: latex_name(node.name, notation),
    Number: lambda node, parts, notation: node.text,
    Neg: lambda node, parts, notation: "-" + parts[0],
    Sum: _sum,
    Product: _product,
    Hadamard: _hadamard,
    Fraction: _fraction,
    BigSum: _big_sum,
    Power: _power,
    Root: lambda node, parts, notation: rf"\sqrt{{{parts[0]}}}",
    Transpose: lambda node, parts, notation: parts[0] + script("^", notation.transpose, notation),
    Update: _update,
    Indexed: _indexed,
    Element: _element,
    Delta: _delta,
    Decorated: _decorated,
    Group: lambda node, parts, notation: _wrap(parts[0], notation, node.bracket),
    Bars: lambda node, parts, notation: rf"\lVert {parts[0]} \rVert" if node.kind == "norm" else rf"\lvert {parts[0]} \rvert",
    Call: _call,
    Partial: _partial,
    Nabla: _nabla,
    Chain: _chain,
    Logic: lambda node, parts, notation: {"and": r" \land ", "or": r" \lor "}[node.operator].join(parts),
    Cases: _cases,
    Branch: _branch,
    Text: _text,
    Blank: lambda node, parts, notation: rf"\underline{{\hspace{{{node.width:g}em}}}}",
    Row: _row,
}
