"""Text for LaTeX's text mode: what LaTeX reads as commands made safe, signs that its text fonts lack set as mathematics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from symbackprop.errors import UserError
from symbackprop.formula.notation.spelling import GREEK_LETTERS

#: Characters in prose that TeX's text fonts lack, in mathematics instead.
IN_MATHEMATICS: Mapping[str, str] = MappingProxyType({
    **{letter: rf"\{name} " for name, letter in GREEK_LETTERS.items()},
    "ε": r"\varepsilon ", "φ": r"\varphi ", "∂": r"\partial ", "∇": r"\nabla ", "∞": r"\infty ", "√": r"\surd ",
    "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "≈": r"\approx ", "≡": r"\equiv ", "∝": r"\propto ", "∈": r"\in ",
    "∼": r"\sim ", "±": r"\pm ", "×": r"\times ", "÷": r"\div ", "·": r"\cdot ", "∙": r"\cdot ", "⋅": r"\cdot ",
    "⊙": r"\odot ", "∘": r"\circ ", "⊗": r"\otimes ", "⊕": r"\oplus ", "∗": "*", "−": "-", "→": r"\to ",
    "←": r"\leftarrow ", "↦": r"\mapsto ", "↔": r"\leftrightarrow ", "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ",
    "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "½": r"\tfrac12 ", "ᵀ": r"^\top", "⊤": r"^\top", "⁺": "^+", "⁻": "^-",
    "✓": r"\checkmark ", "✗": r"\times ", "∧": r"\land ", "∨": r"\lor ", "¬": r"\lnot ", "‖": r"\Vert ", "⟨": r"\langle ",
    "⟩": r"\rangle ", "ℓ": r"\ell ", "ℝ": r"\mathbb{R}", "□": r"\square ",
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", (f"^{digit}" for digit in range(10)), strict=True)),
    **dict(zip("₀₁₂₃₄₅₆₇₈₉", (f"_{digit}" for digit in range(10)), strict=True)),
})  # fmt: skip
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "–": "--", "—": "---", "‒": "--", "―": "---", "’": "'",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
}  # fmt: skip
#: Letters that need no more than pdflatex, those that need xelatex, and those of a Chinese, Japanese or Korean face.
_PLAIN = re.compile("[\x00-\x7f\xa0-\u0125\u0128-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u0165\u0168-\u017e\u01cd-\u01d4"
                    "\u0218-\u021b\u2010\u2011\u2013\u2014\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a"
                    "\u20ac\u2116\u2122]")  # fmt: skip
_WITH_XELATEX = re.compile("[\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")


def latex_prose(text: str) -> str:
    """Return text for LaTeX's text mode; marks that only turn the direction of writing are left out."""
    composed = (sign for sign in unicodedata.normalize("NFC", text) if unicodedata.category(sign) != "Cf")
    return "".join(f"${IN_MATHEMATICS[sign]}$" if sign in IN_MATHEMATICS else _SPECIAL.get(sign, sign) for sign in composed)


def needs_xelatex(document: str) -> bool:
    """Whether a document has letters that pdflatex cannot set. Raises UserError for one that neither can."""
    found = {sign for sign in document if not _PLAIN.match(sign) and sign not in IN_MATHEMATICS}
    unknown = min((sign for sign in found if not _WITH_XELATEX.match(sign)), default=None)
    if unknown is not None:
        raise UserError(f"handout: LaTeX's faces have no {unknown!r} (U+{ord(unknown):04X}); write .html or .pdf instead")
    return bool(found)


def declarations(document: str, xelatex: bool) -> str:
    """Return what lets signs of mathematics stand in listings, a line for each."""
    form = r"\catcode`{0}=\active\protected\def{0}{{\ensuremath{{{2}}}}}" if xelatex else _DECLARED
    signs = sorted({sign for sign in document if sign in IN_MATHEMATICS and not _PLAIN.match(sign)})
    return "".join(form.format(sign, ord(sign), IN_MATHEMATICS[sign]) + "\n" for sign in signs)


_DECLARED = r"\DeclareUnicodeCharacter{{{1:04X}}}{{\ensuremath{{{2}}}}}"
