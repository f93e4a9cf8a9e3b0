"""How a name looks, whatever the format: words, scripts, accents; every printer prints these.

`glyph_of` decides how a name looks; a spelling that a notation gives in LaTeX is taken apart by `parsed`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.spelling import ACCENTS, CONSTANTS, FUNCTIONS, GREEK_LETTERS, MACROS


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

_ATOM = re.compile(r"([^\W\d_]+)(\d*)")
_NAME = re.compile(r"[^\W\d_][^_]*(?:_[^\W_]+)*")


def given_spelling(name: str, notation: Notation) -> str | None:
    """Return the LaTeX that a notation, or custom, gives a name; None where its letters decide."""
    for table in (notation.names, notation.functions, FUNCTIONS, CONSTANTS):
        if name in table:
            return table[name]
    return None


def glyph_of(name: str, notation: Notation) -> Glyph:
    """Return how a name looks: `out_o1` has `o1` below, `w7` may have 7 below, `y_hat` and `yhat` a hat.

    Raises `UserError` for a name that is no identifier and has no spelling in `notation.names`.
    """
    given = given_spelling(name, notation)
    return parsed(given) if given is not None else composed(name, notation)


def composed(name: str, notation: Notation) -> Glyph:
    """Return the glyph of a name by its letters, digits and underscores."""
    if not _NAME.fullmatch(name):
        raise UserError(f"no spelling for the name {name!r}; expected letters, digits and single underscores")
    base, accent, labels = _with_accent(*name.split("_"))
    base, primes = base.rstrip("'"), base[len(base.rstrip("'")) :] if not labels else ""
    if not labels and notation.digits == "subscript":
        base, labels = _counted(base)
    glyph = _letters(base, notation)
    glyph = _styled(glyph, "bold") if name in notation.bold else glyph
    glyph = glyph if accent is None else Accented(accent, glyph)
    glyph = Scripted(glyph, _listed([_label(label, notation) for label in labels])) if labels else glyph
    return _beside([glyph, *_runs(primes)])


def _with_accent(base: str, *labels: str) -> tuple[str, str | None, list[str]]:
    """Return the base of a name, its accent and its labels: `x`, `hat`, none of `x_hat` and of `xhat`."""
    if labels and labels[-1] in ACCENTS:
        return base, labels[-1], [*labels[:-1]]
    run_on = _RUN_ON.fullmatch(base)
    return (run_on[1] + run_on[3], run_on[2], [*labels]) if run_on else (base, None, [*labels])


_RUN_ON = re.compile(r"([A-Za-z])(hat|bar|tilde)(\d*)")
"""A letter and its accent as code writes them: `xhat`, `zbar2`."""


def _counted(base: str) -> tuple[str, list[str]]:
    """Return letters and the digits that count them, `w` and `7`."""
    found = re.fullmatch(_ATOM, base)
    return (found[1], [found[2]]) if found and found[2] else (base, [])


def _letters(base: str, notation: Notation) -> Glyph:
    if base == "ones":  # a column of ones
        return Word("1", "bold")
    found = _ATOM.match(base)
    letters, rest = (found[1], base[found.end(1) :]) if found else (base, "")
    if letters in GREEK_LETTERS:
        return _beside([Word(GREEK_LETTERS[letters]), *_runs(rest)])
    if notation.words == "upright" and len(letters) > 1:
        return Word(base, "upright")
    return _beside(_runs(base))


def _label(label: str, notation: Notation) -> Glyph:
    if label in GREEK_LETTERS:
        return Word(GREEK_LETTERS[label])
    if notation.words == "upright" and len(label) > 1 and label.isalpha():
        return Word(label, "upright")
    return _beside(_runs(label))


def _runs(text: str) -> list[Glyph]:
    """Return letters and digits as words of their own."""
    return [Word(run, "upright" if run.isdigit() else "italic") for run in re.findall(r"\d+|[^\W\d_]+|.", text)]


def _listed(labels: list[Glyph]) -> Glyph:
    parts = [part for label in labels for part in (Word(","), *(label.items if isinstance(label, Beside) else (label,)))]
    return _beside(parts[1:])


def _beside(items: list[Glyph]) -> Glyph:
    return items[0] if len(items) == 1 else Beside(tuple(items))


# --- a spelling in LaTeX

_STYLES = {
    **dict.fromkeys(("mathrm", "operatorname", "text", "textrm", "mathsf"), "upright"),
    **dict.fromkeys(("boldsymbol", "mathbf", "bm"), "bold"),
    **dict.fromkeys(("mathit", "mathcal"), "italic"),
}
_MACROS: dict[str, Word] = {
    **{name: Word(name, "upright") for name in MACROS},
    **{name: Word(letter) for name, letter in GREEK_LETTERS.items()},
    **{
        name: Word(sign)
        for name, sign in zip(("infty", "ell", "nabla", "partial", "top", "prime", "dots"), "∞ℓ∇∂⊤′…", strict=True)
    },
}
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+|[^\W\d_]+|.", re.S)
_LONGEST = 200  # tokens of a spelling; a name is short


def parsed(latex: str) -> Glyph:
    """Take a spelling in LaTeX apart; raises `UserError` for a macro that is not known here."""
    tokens = [token for token in _TOKEN.findall(latex) if not token.isspace()]
    if len(tokens) > _LONGEST:
        raise UserError(f"the spelling {latex[:40]!r}… has {len(tokens)} signs; a name has {_LONGEST} at most")
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
    return _beside(items), tokens


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
        return _runs(token)[0], rest
    macro = token[1:].rstrip("*")
    if macro in ACCENTS or macro in _STYLES:
        base, rest = _one(rest, latex)
        return (Accented(macro, base) if macro in ACCENTS else _styled(base, _STYLES[macro])), rest
    if macro not in _MACROS and macro.isalpha():
        raise UserError(f"the spelling {latex!r} has the macro {token}, which only LaTeX knows")
    return _MACROS.get(macro, Word(macro)), rest


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
