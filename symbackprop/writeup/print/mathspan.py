"""Formulas as MathML whose names and derivatives can be found again: each carries the names it stands for.

`out_o1` becomes `<mrow class="n" data-names="out_o1">…</mrow>`, `∂E/∂w7` an `mrow` of class `d` with both names, so that a page
can mark everything that belongs to one name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.mathml import mathml_inner
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
        text = mathml_inner(formula, self.notation)
        marks: dict[str, str] = {}
        for part in walk(formula):
            names = self._names(part)
            if names:
                kind = "d" if isinstance(part, Partial) else "n"
                label = escape(" ".join(names), quote=True)
                if part not in self._plain:
                    self._plain[part] = mathml_inner(part, self.notation)
                marks[self._plain[part]] = f'<mrow class="{kind}" data-names="{label}">{{}}</mrow>'
        return self._label_blanks(marked(text, marks), formula)

    def math(self, formula: Formula, extra: str = "") -> str:
        """Return a `<math>` element for the middle of a sentence."""
        return f"<math{extra}>{self.inner(formula)}</math>"

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
        label = escape(self.blank_label, quote=True)
        return text.replace("<mspace", f'<mspace class="blank" aria-label="{label}"')


def marked(text: str, marks: dict[str, str]) -> str:
    """Put marks around pieces of markup; longer pieces first, and again inside them."""
    pieces = sorted(marks, key=len, reverse=True)
    return _marked(text, pieces, marks)


def _marked(text: str, pieces: list[str], marks: dict[str, str]) -> str:
    for at, piece in enumerate(pieces):
        if piece in text:
            shorter = pieces[at + 1 :]
            inside = _marked(piece, shorter, marks) if piece.startswith("<mfrac") else piece
            whole = marks[piece].format(inside)
            return whole.join(_marked(rest, pieces[at:], marks) if rest != text else rest for rest in text.split(piece))
    return text


def all_names(formulas: Iterable[Formula]) -> frozenset[str]:
    """Return the names used in formulas."""
    return frozenset(part.name for formula in formulas for part in walk(formula) if isinstance(part, Name | Indexed))
