"""Print a written formula as plain Unicode for a terminal: `∂E_total/∂w7 = (out_o1 - target_o1)·out_o1·(1 - out_o1)`.

Names stay as the network spells them, fractions stand on the line, elements are written `X[n, i]`.
"""

from __future__ import annotations

import re
from dataclasses import replace as replace_fields

from symbackprop.formula.notation.glyphs import Accented, Beside, Glyph, Scripted, Word, glyph_of
from symbackprop.formula.notation.notation import Notation, shown_digits
from symbackprop.formula.notation.spelling import FUNCTIONS, GREEK_LETTERS
from symbackprop.formula.print.driver import (
    CLOSING,
    Format,
    Printed,
    Remembered,
    bounds,
    derivative,
    is_bracketed,
    printed,
    rows,
    scripts,
    sides,
    terms,
)
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.brackets import Slot, is_forced
from symbackprop.formula.tree.tree import Formula, Fraction, Name, Neg, Number

_PLAIN = Notation()
_BIG = {"sum": "Σ", "prod": "Π", "max": "max", "min": "min", "argmax": "argmax", "argmin": "argmin", "lim": "lim"}
_MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7", "prime": "'"}
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def text(formula: Formula, notation: Notation | None = None, remembered: Remembered | None = None) -> str:
    """Return the formula on one line of plain Unicode.

    >>> from symbackprop.formula.tree.build import equation, multiply, partial, subtract
    >>> print(text(equation(partial("E", "w1"), multiply(subtract("o", "t"), "x"))))
    ∂E/∂w1 = (o - t)·x
    """
    return printed(formula, TEXT, notation or _PLAIN, _on_line, remembered)


def shown_width(formula: Formula, remembered: Remembered | None = None) -> int:
    """Return about how many characters wide a formula is when it is set: a fraction is as wide as its longer half."""
    return len(printed(formula, TEXT, _PLAIN, _longer, remembered))


def _on_line(node: Formula, parts: tuple[Printed, ...]) -> Formula | None:
    return replace_fields(node, inline=True) if isinstance(node, Fraction) and not node.inline else None


def _longer(node: Formula, parts: tuple[Printed, ...]) -> Printed | None:
    stacked = isinstance(node, tree.Partial) or (isinstance(node, Fraction) and not node.inline)
    return max(parts[:2], key=lambda part: len(part[1])) if stacked else None


def page_width(formula: Formula) -> int:
    """Return about how many digits wide a formula is on a page, where scripts are smaller, without the signs of products."""
    return len(printed(formula, TEXT, _PLAIN, _as_set))


#: How wide a character of a script is, and a capital, where a digit of the line is 1.
_SCRIPT, _CAPITAL = 0.7, 1.45


def _as_set(node: Formula, parts: tuple[Printed, ...]) -> Printed | None:
    if isinstance(node, tree.Indexed):
        indices = [len(part) for _, part in parts]
        commas = len(indices) - 1 if max(indices) > 1 or any(isinstance(index, tree.Number) for index, _ in parts) else 0
        return node, "x" * round(_width(glyph_of(node.name, _PLAIN)) + _SCRIPT * sum(indices) + commas)
    if isinstance(node, tree.Name):
        return node, "x" * max(round(_width(glyph_of(node.name, _PLAIN))), 1)
    if isinstance(node, tree.Partial):
        widest = max(len(part) for _, part in parts)
        return node, "x" * (widest + (2 if widest > 2 else 1))  # the sign, and a space before a word
    return _longer(node, parts)


def _width(glyph: Glyph) -> float:
    match glyph:
        case Word(text=word):
            return sum(_CAPITAL if letter.isupper() else 1 for letter in word)
        case Accented(base=base):
            return _width(base)
        case Beside(items=items):
            return sum(map(_width, items))
        case Scripted(base=base, below=below, above=above):
            return _width(base) + _SCRIPT * sum(_width(part) for part in (below, above) if part is not None)


def text_name(name: str, notation: Notation) -> str:
    """Return a name for the terminal: Greek letters as such, functions as the notation calls them."""
    if name in notation.functions or name in FUNCTIONS:
        return _plain(glyph_of(name, notation))
    found = re.fullmatch(r"([A-Za-z]+)([\d_].*)?", name)
    return GREEK_LETTERS.get(found[1], found[1]) + (found[2] or "") if found else name


def _plain(glyph: Glyph) -> str:
    match glyph:
        case Word(text=word):
            return word
        case Accented(accent=accent, base=base):
            return _plain(base) + _MARKS[accent]
        case Beside(items=items):
            return "".join(map(_plain, items))
        case Scripted(base=base, below=below, above=above):
            return _plain(base) + (f"_{_plain(below)}" if below else "") + (f"^{_plain(above)}" if above else "")


def _is_forced(child: Formula, slot: Slot, layered: frozenset[str]) -> bool:
    slashed = isinstance(child, tree.Partial) and slot in (Slot.INLINE_NUMERATOR, Slot.INLINE_DENOMINATOR)
    return slashed or is_forced(child, slot)


def _bracketed(part: str, notation: Notation) -> str:
    return f"({part})"


def _big_sum(node: tree.BigSum, parts: list[str], notation: Notation) -> str:
    body, index, lower, upper = bounds(node, parts)
    if not index:
        return f"{_BIG[node.operator]} {body}"
    run = index + (f"={lower}" if lower else "") + (f"..{upper}" if upper else "")
    below = f"_{run}" if re.fullmatch(r"\w+", run) else f"[{run}]"
    return f"{_BIG[node.operator]}{below} {body}"


def _power(node: tree.Power, parts: list[str], notation: Notation) -> str:
    base, exponent = parts
    if re.fullmatch(r"-?\d+", exponent):
        return base + exponent.translate(_RAISED)
    if isinstance(node.exponent, tree.Group) or re.fullmatch(r"\w+", exponent):
        return f"{base}^{exponent}"
    return f"{base}^({exponent})"


def _indexed(node: tree.Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = scripts(node, parts)
    layer = "^" + upper[0] if is_bracketed(node) else f"^({','.join(upper)})" if upper else ""
    return text_name(node.name, notation) + layer + (f"[{','.join(lower)}]" if lower else "")


def _partial(node: tree.Partial, parts: list[str], notation: Notation) -> str:
    sign = "∂" if notation.partial == "partial" else "d"
    found = derivative(node, parts, _bracketed, notation)
    below = "".join(sign + variable + _count(count) for variable, count in found.below)
    return f"{sign}{_count(found.order)}{found.above}/{below}"


def _count(count: int) -> str:
    return str(count).translate(_RAISED) if count > 1 else ""


def _nabla(node: tree.Nabla, parts: list[str], notation: Notation) -> str:
    return f"∇_{parts[1]} {parts[0]}" if node.wrt is not None else f"∇{parts[0]}"


def _decorated(node: tree.Decorated, parts: list[str], notation: Notation) -> str:
    return "Δ" + parts[0] if node.kind == "Delta" else parts[0] + _MARKS[node.kind]


def _bars(node: tree.Bars, parts: list[str], notation: Notation) -> str:
    if node.kind == "abs":
        return f"|{parts[0]}|"
    return f"‖{parts[0]}‖" + (f"_{node.label}" if node.label else "")


def _branch(node: tree.Branch, parts: list[str], notation: Notation) -> str:
    return f"{parts[0]} if {parts[1]}" if node.condition is not None else f"{parts[0]} {notation.otherwise}"


TEXT = Format(
    "text",
    {
        Name: lambda node, parts, notation: text_name(node.name, notation),
        Number: lambda node, parts, notation: shown_digits(node.text, notation),
        Neg: lambda node, parts, notation: "-" + parts[0],
        tree.Sum: lambda node, parts, notation: "".join(f" {sign} {part}" if sign else part for sign, part in terms(node, parts)),
        tree.Product: lambda node, parts, notation: ("*" if notation.times == "*" else "·").join(parts),
        tree.Hadamard: lambda node, parts, notation: " ⊙ ".join(parts),
        tree.Fraction: lambda node, parts, notation: "/".join(parts),
        tree.BigSum: _big_sum,
        tree.Power: _power,
        tree.Root: lambda node, parts, notation: f"√({parts[0]})",
        tree.Transpose: lambda node, parts, notation: parts[0] + "ᵀ",
        tree.Update: lambda node, parts, notation: parts[0] + ("'" if notation.update == "prime" else "⁺"),
        tree.Indexed: _indexed,
        tree.Element: lambda node, parts, notation: f"{parts[0]}[{','.join(parts[1:])}]",
        tree.Delta: lambda node, parts, notation: f"δ[{','.join(parts)}]",
        tree.Decorated: _decorated,
        tree.Group: lambda node, parts, notation: node.bracket[0] + parts[0] + CLOSING[node.bracket],
        tree.Bars: _bars,
        tree.Call: lambda node, parts, notation: f"{parts[0]}({', '.join(parts[1:])})",
        tree.Partial: _partial,
        tree.Nabla: _nabla,
        tree.Chain: lambda node, parts, notation: "".join(
            f" {relation} {part}" if relation else part for relation, part in sides(node, parts)
        ),
        tree.Logic: lambda node, parts, notation: f" {node.operator} ".join(parts),
        tree.Cases: lambda node, parts, notation: "{" + "; ".join(parts) + "}",
        tree.Branch: _branch,
        tree.Matrix: lambda node, parts, notation: "[" + "; ".join(", ".join(row) for row in rows(node, parts)) + "]",
        tree.Text: lambda node, parts, notation: node.text,
        tree.Blank: lambda node, parts, notation: "_" * max(3, round(2 * node.width)),
        tree.Row: lambda node, parts, notation: (node.separator + " ").join(parts),
    },
    _bracketed,
    _is_forced,
)
