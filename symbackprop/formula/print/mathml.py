"""Print a written formula as MathML (Core), for a browser without scripts."""

from __future__ import annotations

import re
from html import escape

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
from symbackprop.formula.print.latex import RELATIONS
from symbackprop.formula.print.signs import sign_at_break
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name, Neg, Number

_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙", "vec": "→"}
_BIG = {"sum": "∑", "prod": "∏", "max": "max", "min": "min", "argmax": "arg max", "argmin": "arg min", "lim": "lim"}
_SIDE_BY_SIDE = '<mo>\u2062</mo><mspace width="0.17em"></mspace>'
_TIMES = {"*": "*", r"\cdot": "·", r"\times": "×"}
_THIN = '<mspace width="0.2em"></mspace>'
_SPACE = '<mspace width="0.4em"></mspace>'
_MINUS = '<mo form="prefix">−</mo>'
_TALL = ("<mfrac", "<munder", "<mtable", "<msqrt")


def mathml(formula: Formula, notation: Notation | None = None, display: bool = True) -> str:
    """Return a `<math>` element; `display` sets it as a block of its own.

    >>> from symbackprop.formula.tree.build import power
    >>> print(mathml(power("x", 2), display=False))
    <math><msup><mi>x</mi><mn>2</mn></msup></math>
    """
    opening = '<math display="block">' if display else "<math>"
    return f"{opening}{mathml_inner(formula, notation)}</math>"


def mathml_inner(formula: Formula, notation: Notation | None = None) -> str:
    """Return the MathML without the `<math>` element around it."""
    return printed(formula, MATHML, notation or Notation())


def leading_sign(sign: str, notation: Notation) -> str:
    """Return the sign in front of a piece that stands alone: a relation, which has one form only, or "+", "-", "*", "⊙", "".

    It is as wide as between two sides of a formula; times is what the notation has at a break.
    """
    shown = _TIMES[sign_at_break(notation)] if sign == "*" else sign.replace("-", "−")
    return _operator(shown, "" if sign in RELATIONS else ' form="infix"') if sign else ""


def _operator(sign: str, attributes: str = "") -> str:
    return f"<mo{attributes}>{escape(sign)}</mo>"


def _row(*parts: str) -> str:
    inside = "".join(parts)
    return f"<mrow>{inside}</mrow>"


_ROW = re.compile("<(/?)mrow")


def without_row(text: str) -> str:
    """Return what stands in a row, where the text is one row and nothing else."""
    if not text.startswith("<mrow>") or not text.endswith("</mrow>"):
        return text
    depth = 0
    for tag in _ROW.finditer(text, 0, len(text) - len("</mrow>")):
        depth += -1 if tag[1] else 1
        if depth == 0:  # the first row ends before the text does
            return text
    return text.removeprefix("<mrow>").removesuffix("</mrow>")


def _within(part: str) -> str:
    """Return what stands in a row, for the inside of another; brackets and bars that grow with what is inside keep their own."""
    return part if part.startswith(_GROWING) else without_row(part)


_GROWING = ('<mrow><mo stretchy="true">', "<mrow><mo>(", "<mrow><mo>[", "<mrow><mo>{")


def _list(parts: list[str], separator: str) -> str:
    return parts[0] if len(parts) == 1 else _row((_operator(separator) if separator else "").join(parts))


def _fence(opening: str, inside: str) -> str:
    """Put brackets around: they grow with fractions and sums, but not with names that have an index."""
    growth = "" if any(tall in inside for tall in _TALL) else ' stretchy="false"'
    return _row(_operator(opening[0], growth), _within(inside), _operator(CLOSING[opening], growth))


# --- names


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


def _scripts(base: str, below: str, above: str) -> str:
    if below and above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    if below:
        return f"<msub>{base}{below}</msub>"
    return f"<msup>{base}{above}</msup>" if above else base


def _raised(base: str, above: str) -> str:
    """Put something above a base: straight above its index where it has one."""
    if base.startswith("<msub>"):
        return f"<msubsup>{base.removeprefix('<msub>').removesuffix('</msub>')}{above}</msubsup>"
    return _scripts(base, "", above)


def _single(part: str) -> str:
    return part if part.startswith("<mrow>") or re.fullmatch(r"<m[in]>[^<]*</m[in]>", part) else _row(part)


# --- kinds of node


def _sum(node: tree.Sum, parts: list[str], notation: Notation) -> str:
    signs = {"": "", "+": _operator("+"), "-": _operator("−")}
    return _row(*(signs[sign] + _within(part) for sign, part in terms(node, parts, _MINUS)))


def _product(node: tree.Product, parts: list[str], notation: Notation) -> str:
    first, *others = factors(node, parts, notation)
    return _row(first[1], *((_operator(_TIMES[sign]) if sign else _SIDE_BY_SIDE) + part for sign, part in others))


def _fraction(node: tree.Fraction, parts: list[str], notation: Notation) -> str:
    above, below = (_row(part) if part.startswith(_MINUS) else part for part in parts)  # only what is negative is two elements
    return _row(above, _operator("/"), below) if node.inline else f"<mfrac>{above}{below}</mfrac>"


def _indexed(node: tree.Indexed, parts: list[str], notation: Notation) -> str:
    lower, upper = scripts(node, parts)
    above = _list(upper, ",") if upper else ""
    if upper and notation.layer_brackets and not is_bracketed(node):
        above = _fence(notation.layer_brackets[0], above)
    below = _indices(lower, notation)
    name = glyph_of(node.name, notation)
    if below and isinstance(name, Scripted) and name.below and not name.above:  # W1[i,j]: the 1 and the axes on one line
        return _scripts(_glyph(name.base), _row(_glyph(name.below), _THIN, below), above)
    return _scripts(_glyph(name), below, above)


def _indices(parts: list[str], notation: Notation) -> str:
    if not parts:
        return ""
    simple = all(re.fullmatch(r"<mi>.</mi>", part) for part in parts)
    return _list(parts, notation.index_separator if simple else ",")


def _delta(node: tree.Delta, parts: list[str], notation: Notation) -> str:
    return _scripts("<mi>δ</mi>" if notation.kronecker == r"\delta" else "<mn>𝟙</mn>", _indices(parts, notation), "")


def _big_sum(node: tree.BigSum, parts: list[str], notation: Notation) -> str:
    body, index, lower, upper = bounds(node, parts)
    sign = _operator(_BIG[node.operator])
    below = _row(index, _operator("="), lower) if lower else index
    if below and upper:
        sign = f"<munderover>{sign}{_row(below)}{_row(upper)}</munderover>"
    elif below:
        sign = f"<munder>{sign}{_row(below)}</munder>"
    return _row(sign, body)


def _decorated(node: tree.Decorated, parts: list[str], notation: Notation) -> str:
    if node.kind == "prime":
        return _scripts(parts[0], "", _operator("′"))
    if node.kind == "Delta":
        return _row('<mi mathvariant="normal">Δ</mi>', parts[0])
    return f"<mover>{_row(parts[0])}{_operator(_ACCENTS[node.kind])}</mover>"


def _partial(node: tree.Partial, parts: list[str], notation: Notation) -> str:
    sign = {"partial": "<mo>∂</mo>", "upright": '<mi mathvariant="normal">d</mi>'}.get(notation.partial, "<mi>d</mi>")
    found = derivative(node, parts, MATHML.bracketed, notation)
    below = "".join(sign + _scripts(variable, "", _count(count)) for variable, count in found.below)
    return f"<mfrac>{_row(_scripts(sign, '', _count(found.order)), found.above)}{_row(below)}</mfrac>"


def _count(count: int) -> str:
    return f"<mn>{count}</mn>" if count > 1 else ""


def _nabla(node: tree.Nabla, parts: list[str], notation: Notation) -> str:
    return _row(_scripts(_operator("∇"), _row(parts[1]) if node.wrt is not None else "", ""), parts[0])


def _matrix(node: tree.Matrix, parts: list[str], notation: Notation) -> str:
    cells = ("".join(f"<mtd>{entry}</mtd>" for entry in row) for row in rows(node, parts))
    return _fence("[", "<mtable>" + "".join(f"<mtr>{row}</mtr>" for row in cells) + "</mtable>")


def _branch(node: tree.Branch, parts: list[str], notation: Notation) -> str:
    condition = parts[1] if node.condition is not None else f"<mtext>{notation.otherwise}</mtext>"
    return f"<mtr><mtd>{parts[0]}</mtd><mtd>{condition}</mtd></mtr>"


def _written_row(node: tree.Row, parts: list[str], notation: Notation) -> str:
    if node.separator == "\n":
        return "<mtable>" + "".join(f"<mtr><mtd>{part}</mtd></mtr>" for part in parts) + "</mtable>"
    return _row((_operator(",") if node.separator else _SPACE).join(parts))


def _bars(node: tree.Bars, parts: list[str], notation: Notation) -> str:
    bar = _operator("‖" if node.kind == "norm" else "|", ' stretchy="true"')
    return _scripts(_row(bar, parts[0], bar), f"<mi>{node.label}</mi>" if node.label else "", "")


def _gap(node: tree.Blank, parts: list[str], notation: Notation) -> str:
    """Return a gap; the empty identifier keeps a sign beside it from being set as if it stood before nothing."""
    return f'<mrow><mspace width="{node.width:g}em" style="border-bottom: 0.06em solid"></mspace><mi></mi></mrow>'


MATHML = Format(
    "MathML",
    {
        Name: lambda node, parts, notation: _glyph(glyph_of(node.name, notation)),
        Number: lambda node, parts, notation: f"<mn>{shown_digits(node.text, notation)}</mn>",
        Neg: lambda node, parts, notation: _MINUS + parts[0],
        tree.Sum: _sum,
        tree.Product: _product,
        tree.Hadamard: lambda node, parts, notation: _list(parts, "⊙"),
        tree.Fraction: _fraction,
        tree.BigSum: _big_sum,
        tree.Power: lambda node, parts, notation: _raised(parts[0], _single(parts[1])),
        tree.Root: lambda node, parts, notation: f"<msqrt>{parts[0]}</msqrt>",
        tree.Transpose: lambda node, parts, notation: _raised(parts[0], f"<mi>{'T' if notation.transpose == 'T' else '⊤'}</mi>"),
        tree.Update: lambda node, parts, notation: _raised(parts[0], _operator("′" if notation.update == "prime" else "+")),
        tree.Indexed: _indexed,
        tree.Element: lambda node, parts, notation: _scripts(_row(parts[0]), _indices(parts[1:], notation), ""),
        tree.Delta: _delta,
        tree.Decorated: _decorated,
        tree.Group: lambda node, parts, notation: _fence(node.bracket, parts[0]),
        tree.Bars: _bars,
        tree.Call: lambda node, parts, notation: _row(parts[0], _operator("\u2061"), _fence("(", _list(parts[1:], ","))),
        tree.Partial: _partial,
        tree.Nabla: _nabla,
        tree.Chain: lambda node, parts, notation: _row(
            *((_operator(relation) if relation else "") + part for relation, part in sides(node, parts))
        ),
        tree.Logic: lambda node, parts, notation: _list(parts, "∧" if node.operator == "and" else "∨"),
        tree.Cases: lambda node, parts, notation: _row(_operator("{"), f'<mtable columnalign="left">{"".join(parts)}</mtable>'),
        tree.Branch: _branch,
        tree.Matrix: _matrix,
        tree.Text: lambda node, parts, notation: (
            _operator(node.text, ' stretchy="false"') if node.text in LONE_BRACKETS else f"<mtext>{escape(node.text)}</mtext>"
        ),
        tree.Blank: _gap,
        tree.Row: _written_row,
    },
    lambda part, notation: _fence("(", part),
)
