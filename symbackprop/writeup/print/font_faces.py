"""The faces of mathematics as data in a page; see fonts/README.txt for their origin and licence.

Each face is in parts, by characters: a page carries only the parts that its formulas and drawings need.
"""

from __future__ import annotations

import base64
import re
import string
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path

MATH_FAMILY = "Symbackprop Math"
FOLDER = Path(__file__).parent / "fonts"
GREEK = "αβγδϵεζηθϑικλμνξοπρϱςστυϕφχψωϰϖΓΔΘΛΞΠΣΥΦΨΩ"
OPERATORS = (
    "\u00a0−±∓×÷·∗∘⊙⊗⊕/∕=≠≈≔≡<>≤≥∼∝←→↦⇒⇔∂∇∑∏∫√∞∈∉∧∨¬∀∃⊤⊥′″‴‖|∣∥()[]{}⌊⌋⌈⌉⟨⟩…⋯⋮⋱ℓℝℕℤ𝟙ˆ¯˜˙ˇ\u0302\u0303\u0304\u0307\u20d7–✓°"
)
#: The first and last letter of each alphabet, and the mathematical italic of the first.
ALPHABETS = (("A", "Z", 0x1D434), ("a", "z", 0x1D44E), ("Α", "Ω", 0x1D6E2), ("α", "ω", 0x1D6FC))
_VARIANTS = dict(zip("∂ϵϑϰϕϱϖ", range(0x1D715, 0x1D71C), strict=True))
_LETTERS = [chr(code) for first, last, _ in ALPHABETS for code in range(ord(first), ord(last) + 1)]


def italic_code(letter: str) -> int:
    """Return the code of the mathematical italic of a letter, its own code where it has none; that of h is Planck's constant."""
    if letter == "h":
        return 0x210E
    for first, last, start in ALPHABETS:
        if first <= letter <= last:
            return start + ord(letter) - ord(first)
    return _VARIANTS.get(letter, ord(letter))


@dataclass(frozen=True, slots=True)
class FontPart:
    """A part of a face: its file, its style, and the codes of its characters."""

    file: str
    style: str
    codes: frozenset[int]


def _codes(upright: str, italic: str) -> frozenset[int]:
    return frozenset((*map(ord, upright), *map(italic_code, italic)))


#: What nearly every page has; of the letters that stand upright, those of names of functions and of words in diagrams. Signs that
#: a browser stretches have to stand here: it takes their larger forms, and the whole sign of a root, from the first part only.
_CORE = _codes(" \u00a0_0123456789.,+−·=/()[]|∂∑∏√′⊤{}σδη" + "exptanhlgsicomdruv", string.ascii_lowercase + "Eσδη∂")
#: The names of arrays, the letters of words, the signs between arrays, the Greek of layers: a page needs few of these parts.
_CAPITALS = _codes("f", string.ascii_uppercase) - _CORE
_LATIN = _codes(string.ascii_letters, "") - _CORE - _CAPITALS
_SIGNS = _codes("⊙…⋯<>≤≥×∗*≠∞→∈^'%&:;!√∏$", "") - _CORE
_GREEK = _codes("αβγδεζηθκλμνξπρσςτυφχψω", "αβγδεζηθκλμνξπρσςτυφχψωϵϕ") - _CORE
_EVERY = _codes("".join(map(chr, range(0x20, 0x7F))) + GREEK + OPERATORS, "".join((*_LETTERS, *_VARIANTS)))
_MORE = _EVERY - _CORE - _CAPITALS - _LATIN - _SIGNS - _GREEK
#: The italic letters under the codes of plain letters, with upright digits, for names of several letters and for drawings.
_SLANTED = frozenset(map(ord, string.ascii_lowercase + string.digits + "Eσδη"))
PARTS = (
    FontPart("math.woff2", "normal", _CORE),
    FontPart("math-capitals.woff2", "normal", _CAPITALS),
    FontPart("math-latin.woff2", "normal", _LATIN),
    FontPart("math-signs.woff2", "normal", _SIGNS),
    FontPart("math-greek.woff2", "normal", _GREEK),
    FontPart("math-more.woff2", "normal", _MORE),
    FontPart("math-italic.woff2", "italic", _SLANTED),
    FontPart("math-italic-more.woff2", "italic", frozenset(map(ord, _LETTERS)) - _SLANTED),
)


def font_faces(page: str | None = None) -> str:
    """Return the style rules that bring the faces, upright and italic: the parts that a page needs, by default all.

    The first part of each face is always there.
    """
    needed = None if page is None else needed_codes(page)
    chosen = [
        part
        for part in PARTS
        if needed is None or part.codes & needed[part.style] or part.file in ("math.woff2", "math-italic.woff2")
    ]
    return "\n".join(map(_rule, chosen))


def needed_codes(page: str) -> dict[str, set[int]]:
    """Return the codes of all characters of the formulas and drawings of a page, by style."""
    found: dict[str, set[int]] = {"normal": set(), "italic": set()}
    shown = "".join(_SHOWN.findall(_SCRIPT.sub("", page)))
    for element, attributes, text in _ELEMENT.findall(shown):
        letters = unescape(text).strip()
        if "italic" in attributes or 'i"' in attributes:
            found["italic"].update(map(ord, letters))
        elif element == "mi" and len(letters) == 1 and "normal" not in attributes:
            found["normal"].add(italic_code(letters))
        else:
            found["normal"].update(map(ord, letters))
    return found


#: A program; the data of a page, a script with a type, are looked at: they may have formulas in them.
_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
_SHOWN = re.compile(r"<math.*?</math>|<text.*?</text>", re.DOTALL)
#: What stands behind a tag: of an element, or of the rest of one around it.
_ELEMENT = re.compile(r"<(/?[a-z]+)([^>]*)>([^<]+)")


@cache
def _rule(part: FontPart) -> str:
    packed = base64.b64encode((FOLDER / part.file).read_bytes()).decode("ascii")
    source = f'url("data:font/woff2;base64,{packed}") format("woff2")'
    covered = f"unicode-range: {_ranges(part.codes)}"
    return f'@font-face {{ font-family: "{MATH_FAMILY}"; font-style: {part.style}; {covered}; src: {source}; }}'


def _ranges(codes: frozenset[int]) -> str:
    """Return codes as ranges of a style sheet, `U+20, U+30-39`."""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ", ".join(f"U+{first:X}" if first == last else f"U+{first:X}-{last:X}" for first, last in runs)
