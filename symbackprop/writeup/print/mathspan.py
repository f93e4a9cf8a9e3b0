"""Formulas as MathML whose names and derivatives can be found again: each carries the names it stands for.

`out_o1` becomes `<msub data-n="out_o1">…</msub>`, `∂E/∂w7` an `mfrac` with both names, so that a page can mark everything that
belongs to one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.mathml import mathml_inner, without_row
from symbackprop.formula.tree.tree import Blank, Formula, Indexed, Name, Partial, Power, Transpose, Update
from symbackprop.formula.tree.walk import children, walk


@dataclass(frozen=True, slots=True)
class MathPrinter:
    """Prints formulas in one notation, marking the names of one network."""

    notation: Notation
    names: frozenset[str]
    blank_label: str
    _known: dict[Formula, str] = field(default_factory=dict, compare=False, repr=False)
    _plain: dict[Formula, str] = field(default_factory=dict, compare=False, repr=False)

    def inner(self, formula: Formula) -> str:
        """Return marked MathML without the `<math>` element; the same formula is printed once."""
        if formula not in self._known:
            self._known[formula] = self._inner(formula)
        return self._known[formula]

    def _inner(self, formula: Formula) -> str:
        text = mathml_inner(formula, self.notation).replace(_ITALIC, '<mi class="i">')
        marks: dict[str, str] = {}
        for part in walk(formula):
            names = self._names(part)
            if names:
                label = escape(" ".join(names), quote=True)
                if part not in self._plain:
                    self._plain[part] = mathml_inner(part, self.notation).replace(_ITALIC, '<mi class="i">')
                marks[self._plain[part]] = f' data-n="{label}"'
        return self._label_blanks(marked(text, marks), formula)

    def math(self, formula: Formula, extra: str = "") -> str:
        """Return a `<math>` element for the middle of a sentence."""
        return f"<math{extra}>{self.bare(formula)}</math>"

    def bare(self, formula: Formula) -> str:
        """Return the same as `inner` for the inside of an element that is a row itself."""
        return without_row(self.inner(formula))

    def _names(self, part: Formula) -> tuple[str, ...]:
        if isinstance(part, Name | Indexed):
            return (part.name,) if part.name in self.names else ()
        if isinstance(part, Power | Transpose | Update):  # what stands above an index is set in one piece with the name
            return self._names(children(part)[0]) if isinstance(children(part)[0], Name | Indexed) else ()
        if isinstance(part, Partial):
            ends = (part.numerator, part.denominator)
            return tuple(end.name for end in ends if isinstance(end, Name | Indexed) and end.name in self.names)
        return ()

    def _label_blanks(self, text: str, formula: Formula) -> str:
        if not any(isinstance(part, Blank) for part in walk(formula)):
            return text
        label = f' aria-label="{escape(self.blank_label, quote=True)}"' if self.blank_label else ""
        return _GAP.sub(rf'<mspace class="blank"{label} width="\1"/>', text)


_OPENING = re.compile("<[a-z]+")
#: A gap; the line under it is the style sheet's affair.
_GAP = re.compile('<mspace width="([^"]+)" style="[^"]+"></mspace>')
#: What a page's style sheet says with its class `i`.
_ITALIC = '<mi style="font-style: italic">'


def marked(text: str, marks: dict[str, str]) -> str:
    """Put marks, as attributes, on pieces of markup, an element each; longer pieces first, and again inside them."""
    pieces = sorted(marks, key=len, reverse=True)
    return _marked(text, pieces, marks)


def _marked(text: str, pieces: list[str], marks: dict[str, str]) -> str:
    for at, piece in enumerate(pieces):
        if piece in text:
            shorter = pieces[at + 1 :]
            inside = _marked(piece, shorter, marks) if piece.startswith("<mfrac") else piece
            tag = _OPENING.match(inside)
            end = tag.end() if tag else 0
            whole = inside[:end] + marks[piece] + inside[end:]
            return whole.join(_marked(rest, pieces[at:], marks) if rest != text else rest for rest in text.split(piece))
    return text


def all_names(formulas: Iterable[Formula]) -> frozenset[str]:
    """Return the names used in formulas."""
    return frozenset(part.name for formula in formulas for part in walk(formula) if isinstance(part, Name | Indexed))
