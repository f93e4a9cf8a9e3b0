"""Formulas taken out of what was printed, Markdown or TeX: statements of the displays, and formulas in the text. For tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symbackprop.formula.tree.build import multiply
from symbackprop.formula.tree.tree import Formula, Fraction, Number, Product
from symbackprop.formula.tree.walk import replace


@dataclass(frozen=True)
class Statement:
    """One formula as printed, and the heading it stands under."""

    part: str
    latex: str


_DISPLAY = re.compile(
    r"\$\$\n\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}\n\$\$|\\begin\{flalign\*\}\n(.*?)\n\\end\{flalign\*\}", re.S
)
_HEADING = re.compile(r"^#+ (.*)$|^\\(?:parttitle|steptitle)\{(.*)\}$", re.M)
_ROW_END = re.compile(r" \\\\\*?\n")
_REASON = re.compile(r" &&(?: \\(?:text|reason)\{.*\})?$")
_SENTENCE = re.compile(r"& \\quad \\(?:text|below)\{.*\}$")


def as_wide_as_it_is(text: str) -> str:
    """Return formulas without the macro that makes wide ones smaller, and without its braces."""
    while (start := text.find(r"\fitted{")) >= 0:
        inner = start + len(r"\fitted{")
        depth, end = 1, inner
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0) if text[end - 1] != "\\" else 0
            end += 1
        text = text[:start] + text[inner : end - 1] + text[end:]
    return text


def statements(page: str) -> list[Statement]:
    """Return the formulas of all displays, rows that continue one another joined, reasons left out."""
    marks = [(found.start(), found[1] or found[2]) for found in _HEADING.finditer(page)]
    result: list[Statement] = []
    for display in _DISPLAY.finditer(page):
        part = next((title for start, title in reversed(marks) if start < display.start()), "")
        result += [Statement(part, latex) for latex in joined(display[1] or display[2])]
    return result


def joined(display: str) -> list[str]:
    """Return the statements of one display; the reader drops the operator that a continued row repeats."""
    found: list[str] = []
    for line in _ROW_END.split(as_wide_as_it_is(display)):
        row = _REASON.sub("", line)
        if _SENTENCE.match(row):
            continue
        body = row.replace("& ", "", 1) if row.startswith("& ") else row.replace(" & ", " ", 1)
        if row.startswith("&") and found:
            found[-1] += " \\\\ " + body
        else:
            found.append(body)
    return found


def as_fraction(formula: Formula) -> Formula:
    """Return a formula with `1/d · a · b`, as a fraction that is broken stands, as the fraction."""

    def whole(part: Formula) -> Formula:
        match part:
            case Product(factors=(Fraction(numerator=Number("1"), denominator=below), *above)):
                return Fraction(multiply(*above) if len(above) > 1 else above[0], below)
        return part

    return replace(formula, whole)


def cells(page: str) -> list[str]:
    """Return the formulas in the tables and arrays of a TeX document, in order, an array as its name and its entries."""
    found: list[str] = []
    for table, array in _TABLES.findall(page):
        left, _, value = array.partition(" = ")
        entries = re.split(r" & | \\\\ ", value.removeprefix(r"\begin{bmatrix} ").removesuffix(r" \end{bmatrix}"))
        found += [left, *entries] if array else _FORMULA.findall(table)
    return found


_TABLES = re.compile(r"\\begin\{longtable\}[^\n]*\n(.*?)\\end\{longtable\}|\$\\displaystyle ([^$]*)\$\\arraygap", re.S)
_FORMULA = re.compile(r"(?<!\\)\$(?:\\displaystyle )?([^$]+)\$")


def inline(page: str) -> list[str]:
    """Return the formulas between single dollar signs; displays, code and values of arrays left out."""
    text = _DISPLAY.sub("", re.sub(r"```.*?```|\\begin\{Verbatim\}.*?\\end\{Verbatim\}", "", page, flags=re.S))
    whole = re.sub(r"\$ \$(?=[-+=]|\\cdot|\\(?:le|ge|approx)\b)", " ", as_wide_as_it_is(text))  # a formula in pieces
    return [latex for latex in re.findall(r"(?<![\\$])\$([^$\n]+)\$", whole) if not latex.startswith(r"\displaystyle")]
