"""Print a written formula as MathML (Core), for a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
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

_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙", "vec": "→"}
_BIG = {"sum": "∑", "prod": "∏", "max": "max", "min": "min", "argmax": "arg max", "argmin": "arg min"}
_TIMES = {"*": "*", r"\cdot": "·", r"\times": "×"}
_SIDE_BY_SIDE = '<mo>\u2062</mo><mspace width="0.17em"></mspace>'
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_THIN = '<mspace width="0.2em"></mspace>'
_LEADING_MINUS = '<mo form="prefix">−</mo>'
_TALL = ("<mfrac", "<munder", "<mtable", "<msqrt")


def mathml(formula: Formula, notation: Notation | None = None, display: bool = True) -> str:
    """Return a `<math>` element; `display` sets it as a block of its own.

    >>> from symbackprop.formula.build import power
    >>> print(mathml(power("x", 2), display=False))
    <math><msup><mi>x</mi><mn>2</mn></msup></math>
    """
    opening = '<math display="block">' if display else "<math>"
    return f"{opening}{mathml_inner(formula, notation)}</math>"


def mathml_inner(formula: Formula, notation: Notation | None = None) -> str:
    """Return the MathML without the `<math>` element around it."""
    chosen = notation or Notation()

    def combine(node: Formula, parts: tuple[str, ...]) -> str:
        bracketed = [
            _fence("(", part) if is_forced(child, slot, chosen.layered) else part
            for child, part, slot in zip(children(node), parts, slots(node), strict=True)
        ]
        printer = _PRINTERS.get(type(node))
        if printer is None:
            raise InternalError(f"no MathML printer for {type(node).__name__}")
        return printer(node, bracketed, chosen)

    return fold(formula, combine)


def _operator(sign: str, attributes: str = "") -> str:
    return f"<mo{attributes}>{escape(sign)}</mo>"


def _row(*parts: str) -> str:
    inside = "".join(parts)
    return f"<mrow>{inside}</mrow>"


def _fence(opening: str, inside: str) -> str:
    """Put brackets around: they grow with fractions and sums, but not with names that have an index."""
    growth = "" if any(tall in inside for tall in _TALL) else ' stretchy="false"'
    return _row(_operator(opening, growth), inside, _operator(_CLOSING[opening], growth))


def _word(word: Word) -> str:
    text = escape(word.text)
    element = "mn" if word.text.isdigit() else "mi"
    if word.style == "bold":
        return f'<{element} style="font-weight: bold">{text}</{element}>'
    if element == "mn":
        return f"<mn>{text}</mn>"
    if len(word.text) > 1:  # a browser sets several letters upright
        return f"<mi>{text}</mi>" if word.style == "upright" else f'<mi style="font-style: italic">{text}</mi>'
    return f'<mi mathvariant="normal">{text}</mi>' if word.style == "upright" else f"<mi>{text}</mi>"


def _glyph(glyph: Glyph) -> str:
    match glyph:
        case Word():
            return _word(glyph)
        case Accented(accent=accent, base=base):
            return f"<mover>{_glyph(base)}{_operator(_ACCENTS[accent])}</mover>"
        case Beside(items=items):
            return _row(*map(_glyph, items))
        case Scripted(base=base, below=below, above=above):
            return _scripts(_glyph(base), _glyph(below) if below else "", _glyph(above) if above else "")


def _raised(base: str, above: str) -> str:
    """Put something above a base: straight above its index where it has one."""
    if base.startswith("<msub>"):
        return f"<msubsup>{base.removeprefix('<msub>').removesuffix('</msub>')}{above}</msubsup>"
    return _scripts(_row(base) if "<mrow>" in base else base, "", above)


def _scripts(base: str, below: str, above: str) -> str:
    if below and above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    if below:
        return f"<msub>{base}{below}</msub>"
    return f"<msup>{base}{above}</msup>" if above else base


def _name(name: str, notation: Notation) -> str:
    return _glyph(glyphs(latex_name(name, notation)))


def _sum(node: Sum, parts: list[str], notation: Notation) -> str:
    pieces = [parts[0]]
    for term, part in zip(node.terms[1:], parts[1:], strict=True):
        pieces += [part.replace(_LEADING_MINUS, _operator("−"), 1)] if isinstance(term, Neg) else [_operator("+"), part]
    return _row(*pieces)


def _neg(node: Neg, parts: list[str], notation: Notation) -> str:
    return _LEADING_MINUS + parts[0]


def _product(node: Product, parts: list[str], notation: Notation) -> str:
    pieces = [parts[0]]
    for left, right, part in zip(node.factors, node.factors[1:], parts[1:], strict=False):
        sign = sign_between(left, right, notation)
        pieces += [_operator(_TIMES[sign]) if sign else _SIDE_BY_SIDE, part]
    return _row(*pieces)


def _fraction(node: Fraction, parts: list[str], notation: Notation) -> str:
    above, below = (_row(part) for part in parts)
    return _row(above, _operator("/"), below) if node.inline else f"<mfrac>{above}{below}</mfrac>"


def _list(parts: list[str], separator: str) -> str:
    return _row((_operator(separator) if separator else "").join(parts))


def _indexed(node: Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = parts[: len(node.indices)], parts[len(node.indices) :]
    above = _list(upper, ",") if upper else ""
    if upper and notation.layer_brackets:
        above = _fence(notation.layer_brackets[0], above)
    below = _indices(lower, notation)
    name = glyphs(latex_name(node.name, notation))
    if below and isinstance(name, Scripted) and name.below and not name.above:  # W1[i,j]: the 1 and the axes on one line
        return _scripts(_glyph(name.base), _row(_glyph(name.below), _THIN, below), above)
    return _scripts(_glyph(name), below, above)


def _indices(parts: list[str], notation: Notation) -> str:
    if not parts:
        return ""
    simple = all(re.fullmatch(r"<mi>.</mi>", part) for part in parts)
    return _list(parts, notation.index_separator if simple else ",")


def _big_sum(node: BigSum, parts: list[str], notation: Notation) -> str:
    body, *bounds = parts
    sign = _operator(_BIG[node.operator])
    below = bounds.pop(0) if node.index is not None else ""
    if node.lower is not None:
        below = _row(below, _operator("="), bounds.pop(0))
    above = bounds.pop(0) if node.upper is not None else ""
    if below and above:
        sign = f"<munderover>{sign}{_row(below)}{_row(above)}</munderover>"
    elif below:
        sign = f"<munder>{sign}{_row(below)}</munder>"
    return _row(sign, body)


def _decorated(node: Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return _scripts(parts[0], "", _operator("′"))
    if node.kind == "Delta":
        return _row('<mi mathvariant="normal">Δ</mi>', parts[0])
    return f"<mover>{_row(parts[0])}{_operator(_ACCENTS[node.kind])}</mover>"


def _partial(node: Partial, parts: list[str], notation: Notation) -> str:
    sign = {"partial": "<mo>∂</mo>", "upright": '<mi mathvariant="normal">d</mi>'}.get(notation.partial, "<mi>d</mi>")
    order = f"<mn>{len(node.others) + 1}</mn>" if node.others else ""
    below = "".join(
        sign + (_scripts(variable, "", f"<mn>{count}</mn>") if count > 1 else variable) for variable, count in runs(parts[1:])
    )
    return f"<mfrac>{_row(_scripts(sign, '', order), parts[0])}{_row(below)}</mfrac>"


def _nabla(node: Nabla, parts: list[str], notation: Notation) -> str:
    return _row(_scripts(_operator("∇"), _row(parts[1]) if node.wrt is not None else "", ""), parts[0])


def _chain(node: Chain, parts: list[str], notation: Notation) -> str:
    pieces = [parts[0]]
    for relation, part in zip(node.relations, parts[1:], strict=True):
        pieces += [_operator(relation), part]
    return _row(*pieces)


def _cases(node: Cases, parts: list[str], notation: Notation) -> str:
    return _row(_operator("{"), f'<mtable columnalign="left">{"".join(parts)}</mtable>')


def _branch(node: Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else "<mtext>otherwise</mtext>"
    return f"<mtr><mtd>{parts[0]}</mtd><mtd>{condition}</mtd></mtr>"


def _written_row(node: Row, parts: list[str], notation: Notation) -> str:
    if node.separator == "\n":
        return "<mtable>" + "".join(f"<mtr><mtd>{part}</mtd></mtr>" for part in parts) + "</mtable>"
    return _row(*parts[:1], *((_operator(",") if node.separator else _SPACE) + part for part in parts[1:]))


_SPACE = '<mspace width="0.4em"></mspace>'

_PRINTERS: dict[type[Formula], Callable[[Any, list[str], Notation], str]] = {
    Name: lambda node, parts, notation: _name(node.name, notation),
    Number: lambda node, parts, notation: f"<mn>{node.text}</mn>",
    Neg: _neg,
    Sum: _sum,
    Product: _product,
    Hadamard: lambda node, parts, notation: _list(parts, "⊙"),
    Fraction: _fraction,
    BigSum: _big_sum,
    Power: lambda node, parts, notation: _raised(parts[0], _single(parts[1])),
    Root: lambda node, parts, notation: f"<msqrt>{parts[0]}</msqrt>",
    Transpose: lambda node, parts, notation: _raised(parts[0], f"<mi>{'T' if notation.transpose == 'T' else '⊤'}</mi>"),
    Update: lambda node, parts, notation: _raised(parts[0], _operator("′" if notation.update == "prime" else "+")),
    Indexed: _indexed,
    Element: lambda node, parts, notation: _scripts(_row(parts[0]), _indices(parts[1:], notation), ""),
    Delta: lambda node, parts, notation: _scripts(
        "<mi>δ</mi>" if notation.kronecker == r"\delta" else "<mn>𝟙</mn>", _indices(parts, notation), ""
    ),
    Decorated: _decorated,
    Group: lambda node, parts, notation: _fence(node.bracket, parts[0]),
    Bars: lambda node, parts, notation: _row(
        *(_operator(bar, ' stretchy="true"') if place != 1 else parts[0] for place, bar in enumerate(_bars(node)))
    ),
    Call: lambda node, parts, notation: _row(parts[0], _operator("\u2061"), _fence("(", _list(parts[1:], ","))),
    Partial: _partial,
    Nabla: _nabla,
    Chain: _chain,
    Logic: lambda node, parts, notation: _list(parts, "∧" if node.operator == "and" else "∨"),
    Cases: _cases,
    Branch: _branch,
    Text: lambda node, parts, notation: f"<mtext>{escape(node.text)}</mtext>",
    Blank: lambda node, parts, notation: _gap(node),
    Row: _written_row,
}


def _gap(node: Blank) -> str:
    """Return a gap; the empty identifier keeps a sign beside it from being set as if it stood before nothing."""
    return f'<mrow><mspace width="{node.width:g}em" style="border-bottom: 0.06em solid"></mspace><mi></mi></mrow>'


def _bars(node: Bars) -> tuple[str, str, str]:
    bar = "‖" if node.kind == "norm" else "|"
    return (bar, "", bar)


def _single(part: str) -> str:
    return part if part.startswith("<mrow>") or re.fullmatch(r"<m[in]>[^<]*</m[in]>", part) else _row(part)
