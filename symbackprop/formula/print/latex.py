"""Print a written formula as LaTeX: the table of rules, one for each kind of node. Spaces have no meaning."""

from __future__ import annotations

import re

from symbackprop.formula.notation.latex_names import latex_name, script
from symbackprop.formula.notation.notation import Notation, shown_digits
from symbackprop.formula.print.driver import (
    CLOSING,
    LONE_BRACKETS,
    Format,
    Remembered,
    bounds,
    derivative,
    factors,
    is_bracketed,
    printed,
    rows,
    scripts,
    sides,
    terms,
)
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name, Neg, Number

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
    "∣": r"\mid",
}
BIG = {
    "sum": r"\sum",
    "prod": r"\prod",
    "max": r"\max",
    "min": r"\min",
    "argmax": r"\operatorname*{argmax}",
    "argmin": r"\operatorname*{argmin}",
    "lim": r"\lim",
}
DECORATIONS = {
    "hat": r"\hat",
    "bar": r"\bar",
    "tilde": r"\tilde",
    "dot": r"\dot",
    "vec": r"\vec",
}
#: TeX takes the braces off a group of one letter with an accent: an empty group beside it keeps them.
_ACCENT = re.compile(r"\\(?:hat|bar|tilde|dot|vec)\b")
_BARS = {"abs": "vert", "norm": "Vert"}
_TALL = re.compile(r"\\frac|\\sum|\\prod|\\begin|\\left")
_BRACKETED = re.compile(r"(?:^|[-+*\s(\[])\(")  # brackets that are no argument list
_SINGLE = re.compile(r"[^\W\d]|\\[A-Za-z]+")  # a symbol that can stand beside another index
_ESCAPED = re.compile(r"[#$%&_{}]")


def latex(formula: Formula, notation: Notation | None = None, remembered: Remembered | None = None) -> str:
    """Return the LaTeX of a formula, without display delimiters.

    >>> from symbackprop.formula.tree.build import multiply, partial
    >>> print(latex(multiply("eta", partial("E", "w7"))))
    \\eta \\frac{\\partial E}{\\partial w_7}
    """
    return printed(formula, LATEX, notation or Notation(), None, remembered)


def _wrap(text: str, notation: Notation, bracket: str = "") -> str:
    opening = bracket or ("[" if notation.nesting == "square" and _BRACKETED.search(text) else "(")
    closing = CLOSING[opening]
    opening, closing = (r"\{", r"\}") if opening == "{" else (opening[0], closing)
    if notation.brackets == "sized" and _TALL.search(text):
        return rf"\left{opening} {text} \right{closing}"
    return f"{opening}{text}{closing}"


def _number(node: Number, parts: list[str], notation: Notation) -> str:
    return shown_digits(node.text, notation).replace(",", "{,}")


# --- sums and products


def _sum(node: tree.Sum, parts: list[str], notation: Notation) -> str:
    space = "" if notation.times == "*" else " "
    return "".join(f"{space}{sign}{space}{part}" if sign else part for sign, part in terms(node, parts))


def _product(node: tree.Product, parts: list[str], notation: Notation) -> str:
    text = ""
    for factor, (sign, part) in zip(node.factors, factors(node, parts, notation), strict=True):
        if sign == "*" and isinstance(factor, Neg) and isinstance(factor.body, Number):
            part = "-" + _number(factor.body, [], notation)
        text += sign if sign == "*" else f" {sign} " if sign else " " if text else ""
        text += part
    return text


def _fraction(node: tree.Fraction, parts: list[str], notation: Notation) -> str:
    numerator, denominator = parts
    return f"{numerator}/{denominator}" if node.inline else rf"\frac{{{numerator}}}{{{denominator}}}"


def _big_sum(node: tree.BigSum, parts: list[str], notation: Notation) -> str:
    body, index, lower, upper = bounds(node, parts)
    below = script("_", f"{index}={lower}" if lower else index, notation) if index else ""
    return f"{BIG[node.operator]}{below}{script('^', upper, notation) if upper else ''} {body}"


# --- scripts and marks


def _indexed(node: tree.Indexed, parts: list[str], notation: Notation) -> str:
    base = latex_name(node.name, notation)
    if "_" in base or "^" in base:
        base = f"{{{{}}{base}}}" if _ACCENT.match(base) else f"{{{base}}}"
    lower, upper = scripts(node, parts)
    if upper:
        opening, closing = ("", "") if is_bracketed(node) else (notation.layer_brackets[:1], notation.layer_brackets[1:])
        base += script("^", opening + ",".join(upper) + closing, notation)
    return base + (_below(node.indices, lower, notation) if lower else "")


def _below(indices: tuple[Formula, ...], parts: list[str], notation: Notation) -> str:
    simple = all(isinstance(index, Name) and _SINGLE.fullmatch(part) for index, part in zip(indices, parts, strict=True))
    separator = notation.index_separator if simple else ","
    between = separator if separator or not any("\\" in part for part in parts) else " "
    return script("_", between.join(parts), notation)


def _decorated(node: tree.Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return parts[0] + "'"
    return f"{notation.change} {parts[0]}" if node.kind == "Delta" else f"{DECORATIONS[node.kind]}{{{parts[0]}}}"


def _bars(node: tree.Bars, parts: list[str], notation: Notation) -> str:
    label = script("_", r"\infty" if node.label == "∞" else node.label, notation) if node.label else ""
    return rf"\l{_BARS[node.kind]} {parts[0]} \r{_BARS[node.kind]}{label}"


def _update(node: tree.Update, parts: list[str], notation: Notation) -> str:
    return parts[0] + ("'" if notation.update == "prime" else script("^", "+", notation))


# --- functions and derivatives


def _partial(node: tree.Partial, parts: list[str], notation: Notation) -> str:
    above, below = node.numerator, node.denominator
    if notation.partial == "name" and isinstance(above, Name) and isinstance(below, Name) and not node.others:
        return rf"\mathit{{{_escape(f'd_{above.name}_d_{below.name}')}}}"
    sign = {"d": "d", "upright": r"\mathrm{d}"}.get(notation.partial, r"\partial ")
    found = derivative(node, parts, _wrap, notation)
    variables = "".join(sign + variable + _count(count, notation) for variable, count in found.below)
    start = sign.rstrip() + _count(found.order, notation) if node.others else sign
    return rf"\frac{{{start}{found.above}}}{{{variables.rstrip()}}}"


def _count(count: int, notation: Notation) -> str:
    return script("^", str(count), notation) + " " if count > 1 else ""


def _power(node: tree.Power, parts: list[str], notation: Notation) -> str:
    """A name that is written with something above it already, `a_1^{(1)}`, needs brackets."""
    base = f"({parts[0]})" if isinstance(node.base, Name) and "^" in parts[0] else parts[0]
    return base + script("^", parts[1], notation)


def _nabla(node: tree.Nabla, parts: list[str], notation: Notation) -> str:
    variable = script("_", parts[1], notation) if node.wrt is not None else ""
    return rf"\nabla{variable} {parts[0]}"


# --- statements


def _branch(node: tree.Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else rf"\text{{{notation.otherwise}}}"
    return f"{parts[0]} & {condition}"


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", text)


LATEX = Format(
    "LaTeX",
    {
        Name: lambda node, parts, notation: latex_name(node.name, notation),
        Number: _number,
        Neg: lambda node, parts, notation: "-" + parts[0],
        tree.Sum: _sum,
        tree.Product: _product,
        tree.Hadamard: lambda node, parts, notation: f" {notation.hadamard} ".join(parts),
        tree.Fraction: _fraction,
        tree.BigSum: _big_sum,
        tree.Power: _power,
        tree.Root: lambda node, parts, notation: rf"\sqrt{{{parts[0]}}}",
        tree.Transpose: lambda node, parts, notation: parts[0] + script("^", notation.transpose, notation),
        tree.Update: _update,
        tree.Indexed: _indexed,
        tree.Element: lambda node, parts, notation: parts[0] + _below(node.indices, parts[1:], notation),
        tree.Delta: lambda node, parts, notation: notation.kronecker + _below((node.first, node.second), parts, notation),
        tree.Decorated: _decorated,
        tree.Group: lambda node, parts, notation: _wrap(parts[0], notation, node.bracket),
        tree.Bars: _bars,
        tree.Call: lambda node, parts, notation: parts[0] + _wrap(", ".join(parts[1:]), notation, "("),
        tree.Partial: _partial,
        tree.Nabla: _nabla,
        tree.Chain: lambda node, parts, notation: "".join(
            f" {RELATIONS[relation]} {part}" if relation else part for relation, part in sides(node, parts)
        ),
        tree.Logic: lambda node, parts, notation: {"and": r" \land ", "or": r" \lor "}[node.operator].join(parts),
        tree.Cases: lambda node, parts, notation: r"\begin{cases} " + r" \\ ".join(parts) + r" \end{cases}",
        tree.Branch: _branch,
        tree.Matrix: lambda node, parts, notation: (
            r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows(node, parts)) + r" \end{bmatrix}"
        ),
        tree.Text: lambda node, parts, notation: node.text if node.text in LONE_BRACKETS else rf"\text{{{_escape(node.text)}}}",
        tree.Blank: lambda node, parts, notation: rf"\underline{{\hspace{{{node.width:g}em}}}}",
        tree.Row: lambda node, parts, notation: {"": " ", ",": ", ", "\n": r" \\ "}[node.separator].join(parts),
    },
    _wrap,
)
