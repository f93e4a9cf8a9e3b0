"""A name as LaTeX: the spelling it is given, else its glyph."""

from __future__ import annotations

import re
from functools import lru_cache

from symbackprop.formula.notation.glyphs import Accented, Beside, Glyph, Scripted, Word, composed, given_spelling
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.spelling import GREEK_LETTERS

_MACROS = {letter: f"\\{name}" for name, letter in GREEK_LETTERS.items()}


def latex_name(name: str, notation: Notation) -> str:
    """Return the LaTeX of a name: `out_o1` is `out_{o1}`, `w7` is `w_7` or `w7`, `y_hat` is `\\hat{y}`.

    Raises `UserError` for a name that is no identifier and has no spelling in `notation.names`.
    """
    given = given_spelling(name, notation)
    if given is not None:
        return given
    return _by_its_letters(name, notation.digits, notation.words, notation.braces, name in notation.bold)


@lru_cache(maxsize=65536)
def _by_its_letters(name: str, digits: str, words: str, braces: str, bold: bool) -> str:
    """Return the LaTeX of a name without a spelling, from all that a notation says of such names."""
    notation = Notation(digits=digits, words=words, braces=braces, bold=frozenset({name} if bold else ()))
    return _latex(composed(name, notation), notation)


def script(sign: str, body: str, notation: Notation) -> str:
    """Return `_body` or `^body`, with braces where needed or wanted."""
    bare = notation.braces == "minimal" and (len(body) == 1 or re.fullmatch(r"\\[A-Za-z]+", body))
    return f"{sign}{body}" if bare else f"{sign}{{{body}}}"


def _latex(glyph: Glyph, notation: Notation) -> str:
    match glyph:
        case Word():
            return _word(glyph)
        case Accented(accent=accent, base=base):
            return rf"\{accent}{{{_latex(base, notation)}}}"
        case Beside(items=items):
            parts = [_latex(item, notation) for item in items]
            return re.sub(r"(\\[A-Za-z]+)\x00(?=[A-Za-z])", r"\1 ", "\x00".join(parts)).replace("\x00", "")
        case Scripted(base=base, below=below, above=above):
            text = _latex(base, notation)
            for sign, part in (("_", below), ("^", above)):
                text += script(sign, _latex(part, notation), notation) if part else ""
            return text


def _word(word: Word) -> str:
    text = _MACROS.get(word.text, word.text)
    if word.style == "bold":
        return rf"\mathbf{{{text}}}" if text.isdigit() else rf"\boldsymbol{{{text}}}"
    return rf"\mathrm{{{text}}}" if word.style == "upright" and not text.isdigit() else text
