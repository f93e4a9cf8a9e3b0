"""Print a written formula in Typst's mathematics, without the dollar signs around it."""

from __future__ import annotations

import re

from symbackprop.formula.notation.glyphs import Accented, Beside, Glyph, Scripted, Word, glyph_of
from symbackprop.formula.notation.notation import Notation, shown_digits
from symbackprop.formula.print.driver import (
    CLOSING,
    LONE_BRACKETS,
    Format,
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
from symbackprop.formula.print.signs import sign_at_break
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name, Neg, Number

_ACCENTS = {"hat": "hat", "bar": "overline", "tilde": "tilde", "dot": "dot", "vec": "arrow"}
_BIG = {
    "sum": "sum",
    "prod": "product",
    "max": "max",
    "min": "min",
    "argmax": 'op("arg max", limits: #true)',
    "argmin": 'op("arg min", limits: #true)',
    "lim": "lim",
}
_TIMES = {"": " ", "*": " * ", r"\cdot": " dot.c ", r"\times": " times "}
_TALL = ("frac(", "sum", "product", "sqrt(", "cases(", "mat(")


def typst(formula: Formula, notation: Notation | None = None) -> str:
    """Return the formula in Typst's mathematics; put it between `$ … $` for a display.

    >>> from symbackprop.formula.tree.build import divide, power
    >>> print(typst(divide(1, power("x", 2))))
    frac(1, x^(2))
    """
    return printed(formula, TYPST, notation or Notation())


#: Signs in front of a piece that Typst spells otherwise.
_SIGNS = {"←": "arrow.l", "→": "arrow.r", "≤": "<=", "≥": ">=", "≠": "!=", ":=": "colon.eq"}


def leading_sign(sign: str, notation: Notation) -> str:
    """Return the sign in front of a piece that stands alone: a relation, "+", "-", "*" (as the notation has it) or ""."""
    shown = _TIMES[sign_at_break(notation)].strip() if sign == "*" else _SIGNS.get(sign, sign)
    return f"space {shown} space" if sign else ""


def _bracketed(part: str, notation: Notation) -> str:
    """Put brackets around that grow with fractions and sums, but not with names that have an index."""
    return f"({part})" if any(tall in part for tall in _TALL) else rf"\({part}\)"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(node: Number, parts: list[str], notation: Notation) -> str:
    digits = shown_digits(node.text, notation)
    return _quoted(digits) if "," in digits else digits


# --- names


def _word(word: Word) -> str:
    if word.text.isdigit() or (len(word.text) == 1 and word.style == "italic"):
        return word.text
    return f"{word.style}({_quoted(word.text) if len(word.text) > 1 else word.text})"


def _glyph(glyph: Glyph) -> str:
    match glyph:
        case Word():
            return _word(glyph)
        case Accented(accent=accent, base=base):
            return f"{_ACCENTS[accent]}({_glyph(base)})"
        case Beside(items=items):
            return " ".join(map(_glyph, items))
        case Scripted(base=base, below=below, above=above):
            return _scripts(_glyph(base), _glyph(below) if below else "", _glyph(above) if above else "")


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_({below})" if below else "") + (f"^({above})" if above else "")


# --- kinds of node


def _product(node: tree.Product, parts: list[str], notation: Notation) -> str:
    first, *others = factors(node, parts, notation)
    return first[1] + "".join(_TIMES[sign] + part for sign, part in others)


def _fraction(node: tree.Fraction, parts: list[str], notation: Notation) -> str:
    return rf"{parts[0]} \/ {parts[1]}" if node.inline else f"frac({parts[0]}, {parts[1]})"


def _indexed(node: tree.Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = scripts(node, parts)
    opening, closing = ("", "") if is_bracketed(node) else (notation.layer_brackets[:1], notation.layer_brackets[1:])
    above = f"{opening}{', '.join(upper)}{closing}" if upper else ""
    if above and opening == "(":  # the brackets of the script itself do not show
        above = f"({above[1:-1]})"
    name = _glyph(glyph_of(node.name, notation))
    return _scripts(f"attach({name})" if "_(" in name else name, _indices(lower, notation), above)


def _indices(parts: list[str], notation: Notation) -> str:
    simple = all(re.fullmatch(r"[^\W\d_]", part) for part in parts)
    return (" " if simple and not notation.index_separator else ", ").join(parts)


def _delta(node: tree.Delta, parts: list[str], notation: Notation) -> str:
    return _scripts("δ" if notation.kronecker == r"\delta" else "bb(1)", _indices(parts, notation), "")


def _big_sum(node: tree.BigSum, parts: list[str], notation: Notation) -> str:
    body, index, lower, upper = bounds(node, parts)
    return f"{_scripts(_BIG[node.operator], f'{index} = {lower}' if lower else index, upper)} {body}"


def _decorated(node: tree.Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return _scripts(parts[0], "", "prime")
    return f"Delta {parts[0]}" if node.kind == "Delta" else f"{_ACCENTS[node.kind]}({parts[0]})"


def _partial(node: tree.Partial, parts: list[str], notation: Notation) -> str:
    sign = {"partial": "∂", "upright": "upright(d)"}.get(notation.partial, "d")
    found = derivative(node, parts, _bracketed, notation)
    beside = sign if sign == "∂" else f"{sign} "  # a blank before a name of several letters would show
    below = " ".join(f"{beside}{variable}{_count(count)}" for variable, count in found.below)
    return f"frac({sign}{_count(found.order)} {found.above}, {below})"


def _count(count: int) -> str:
    return f"^({count})" if count > 1 else ""


def _group(node: tree.Group, parts: list[str], notation: Notation) -> str:
    return rf"lr(\{node.bracket[0]} {parts[0]} \{CLOSING[node.bracket]})"


def _branch(node: tree.Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else f'"{notation.otherwise}"'
    return f"{parts[0]} quad & {condition}"


TYPST = Format(
    "Typst",
    {
        Name: lambda node, parts, notation: _glyph(glyph_of(node.name, notation)),
        Number: _number,
        Neg: lambda node, parts, notation: "-" + parts[0],
        tree.Sum: lambda node, parts, notation: "".join(f" {sign} {part}" if sign else part for sign, part in terms(node, parts)),
        tree.Product: _product,
        tree.Hadamard: lambda node, parts, notation: " ⊙ ".join(parts),
        tree.Fraction: _fraction,
        tree.BigSum: _big_sum,
        tree.Power: lambda node, parts, notation: _scripts(parts[0], "", parts[1]),
        tree.Root: lambda node, parts, notation: f"sqrt({parts[0]})",
        tree.Transpose: lambda node, parts, notation: _scripts(parts[0], "", "T" if notation.transpose == "T" else "⊤"),
        tree.Update: lambda node, parts, notation: _scripts(parts[0], "", "prime" if notation.update == "prime" else "+"),
        tree.Indexed: _indexed,
        tree.Element: lambda node, parts, notation: _scripts(parts[0], _indices(parts[1:], notation), ""),
        tree.Delta: _delta,
        tree.Decorated: _decorated,
        tree.Group: _group,
        tree.Bars: lambda node, parts, notation: _scripts(f"{node.kind}({parts[0]})", node.label, ""),
        tree.Call: lambda node, parts, notation: parts[0] + _bracketed(", ".join(parts[1:]), notation),
        tree.Partial: _partial,
        tree.Nabla: lambda node, parts, notation: f"{_scripts('∇', parts[1] if node.wrt is not None else '', '')} {parts[0]}",
        tree.Chain: lambda node, parts, notation: "".join(
            f" {relation} {part}" if relation else part for relation, part in sides(node, parts)
        ),
        tree.Logic: lambda node, parts, notation: (" ∧ " if node.operator == "and" else " ∨ ").join(parts),
        tree.Cases: lambda node, parts, notation: f"cases({', '.join(parts)})",
        tree.Branch: _branch,
        tree.Matrix: lambda node, parts, notation: (
            'mat(delim: "[", ' + "; ".join(", ".join(row) for row in rows(node, parts)) + ")"
        ),
        tree.Text: lambda node, parts, notation: LONE_BRACKETS.get(node.text) or _quoted(node.text),
        tree.Blank: lambda node, parts, notation: f'class("normal", underline(#h({node.width:g}em)))',
        tree.Row: lambda node, parts, notation: {"": " thick ", ",": ", ", "\n": " \\ "}[node.separator].join(parts),
    },
    _bracketed,
)
