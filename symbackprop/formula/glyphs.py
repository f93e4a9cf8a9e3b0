"""The spelling of a name taken apart, for printers other than LaTeX: words, scripts, accents.

`latex_name` stays the one place that decides how a name looks; this reads its result, so a spelling given in a notation holds in
every format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symbackprop.errors import UserError
from symbackprop.formula.spelling import ACCENTS, GREEK_LETTERS


@dataclass(frozen=True, slots=True)
class Word:
    """Characters in one style: "italic", "upright" or "bold"."""

    text: str
    style: str = "italic"


@dataclass(frozen=True, slots=True)
class Scripted:
    """A base with something below and above."""

    base: Glyph
    below: Glyph | None = None
    above: Glyph | None = None


@dataclass(frozen=True, slots=True)
class Accented:
    """A base with an accent, one of `ACCENTS`."""

    accent: str
    base: Glyph


@dataclass(frozen=True, slots=True)
class Beside:
    """Several glyphs side by side."""

    items: tuple[Glyph, ...]


Glyph = Word | Scripted | Accented | Beside

_STYLES = {
    **dict.fromkeys(("mathrm", "operatorname", "text", "textrm", "mathsf"), "upright"),
    **dict.fromkeys(("boldsymbol", "mathbf", "bm"), "bold"),
    **dict.fromkeys(("mathit", "mathcal"), "italic"),
}
_SYMBOLS = {"infty": "∞", "ell": "ℓ", "nabla": "∇", "partial": "∂", "top": "⊤", "prime": "′"}
_WORDS = frozenset(["exp", "ln", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "max", "min", "arctan", "det"])
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+|[^\W\d_]+|.", re.S)


def glyphs(latex: str) -> Glyph:
    """Take the LaTeX of a name apart; raises `UserError` for a macro that is not known here."""
    tokens = [token for token in _TOKEN.findall(latex) if not token.isspace()]
    found, rest = _row(tokens, latex)
    if rest:
        raise UserError(f"the spelling {latex!r} has an unexpected {rest[0]!r}")
    return found


def _row(tokens: list[str], latex: str) -> tuple[Glyph, list[str]]:
    items: list[Glyph] = []
    while tokens and tokens[0] != "}":
        if tokens[0] in "_^":
            sign = tokens[0]
            value, tokens = _one(tokens[1:], latex)
            items[-1:] = [_attach(items[-1] if items else Word(""), sign, value)]
        else:
            item, tokens = _one(tokens, latex)
            items.append(item)
    return (items[0] if len(items) == 1 else Beside(tuple(items))), tokens


def _attach(base: Glyph, sign: str, value: Glyph) -> Glyph:
    scripted = base if isinstance(base, Scripted) else Scripted(base)
    if sign == "_":
        return Scripted(scripted.base, value, scripted.above)
    return Scripted(scripted.base, scripted.below, value)


def _one(tokens: list[str], latex: str) -> tuple[Glyph, list[str]]:
    if not tokens:
        raise UserError(f"the spelling {latex!r} ends too early")
    token, rest = tokens[0], tokens[1:]
    if token == "{":
        inside, rest = _row(rest, latex)
        if not rest:
            raise UserError(f"the spelling {latex!r} has an open brace")
        return inside, rest[1:]
    if not token.startswith("\\"):
        return Word(token, "upright" if token.isdigit() else "italic"), rest
    macro = token[1:].rstrip("*")
    if macro in ACCENTS:
        base, rest = _one(rest, latex)
        return Accented(macro, base), rest
    if macro in _STYLES:
        inside, rest = _one(rest, latex)
        return _styled(inside, _STYLES[macro]), rest
    if macro in _WORDS:
        return Word(macro, "upright"), rest
    symbol = GREEK_LETTERS.get(macro) or _SYMBOLS.get(macro) or (macro if not macro.isalpha() else None)
    if symbol is None:
        raise UserError(f"the spelling {latex!r} has the macro {token}, which only LaTeX knows")
    return Word(symbol), rest


def _styled(glyph: Glyph, style: str) -> Glyph:
    match glyph:
        case Word(text=text):
            return Word(text, style)
        case Scripted(base=base, below=below, above=above):
            return Scripted(_styled(base, style), below, above)
        case Accented(accent=accent, base=base):
            return Accented(accent, _styled(base, style))
        case Beside(items=items):
            if all(isinstance(item, Word) for item in items):
                return Word("".join(item.text for item in items if isinstance(item, Word)), style)
            return Beside(tuple(_styled(item, style) for item in items))
