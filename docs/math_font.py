"""Make the fonts of the HTML pages: a subset of TeX Gyre Termes Math, small enough to stand in every page.

    python docs/math_font.py texgyretermes-math.otf

writes into `symbackprop/writeup/fonts`
* `math.woff2`: upright and mathematical italic letters, Greek, digits, operators, the sizes of brackets, roots and sums, and
  the MATH table;
* `math-italic.woff2`: the italic letters under the codes of plain letters, with upright digits, for names of several letters.

The names of the fonts are changed, as their licence asks. Needs the extra `dev` (fonttools with brotli).
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parent.parent / "symbackprop" / "writeup" / "fonts"
FAMILY = "Symbackprop Math"
NOTICE = (
    "Subset of TeX Gyre Termes Math 1.543 (B. Jackowski, P. Strzelczyk, P. Pianowski; GUST Font License), renamed and reduced. "
    "The complete font: http://www.gust.org.pl/projects/e-foundry/tg-math"
)
GREEK = "αβγδϵεζηθϑικλμνξοπρϱςστυϕφχψωϰϖΓΔΘΛΞΠΣΥΦΨΩ"
OPERATORS = (
    "\u00a0−±∓×÷·∗∘⊙⊗⊕/∕=≠≈≔≡<>≤≥∼∝←→↦⇒⇔∂∇∑∏∫√∞∈∉∧∨¬∀∃⊤⊥′″‴‖|∣∥()[]{}⌊⌋⌈⌉⟨⟩…⋯⋮⋱ℓℝℕℤ𝟙ˆ¯˜˙ˇ\u0302\u0303\u0304\u0307\u20d7–✓°"
)
#: The first letter of each alphabet and its mathematical italic.
ALPHABETS = (("A", 0x1D434), ("a", 0x1D44E), ("Α", 0x1D6E2), ("α", 0x1D6FC))
PLAIN = [
    chr(code) for first, size in (("A", 26), ("a", 26), ("Α", 25), ("α", 25)) for code in range(ord(first), ord(first) + size)
]
DIGITS = "0123456789"


def italic_letter(letter: str) -> int:
    """Return the code of the mathematical italic of a letter; that of h has always been Planck's constant."""
    if letter == "h":
        return 0x210E
    first, base = next((ord(first), base) for first, base in reversed(ALPHABETS) if letter >= first)
    return base + ord(letter) - first


def main(source: str) -> None:
    """Write both fonts and say how large they are."""
    italics = {italic_letter(letter) for letter in PLAIN}
    codes = {*range(0x20, 0x7F), *map(ord, GREEK + OPERATORS), *italics, *range(0x1D6E2, 0x1D71C)}
    font = reduced(source, codes, ["ssty"], "Regular")
    save(font, "math.woff2")
    font = reduced(source, {*italics, *map(ord, DIGITS)}, [], "Italic")
    glyphs = font.getBestCmap()
    mapping = {ord(letter): glyphs[italic_letter(letter)] for letter in PLAIN} | {
        ord(digit): glyphs[ord(digit)] for digit in DIGITS
    }
    for table in font["cmap"].tables:
        table.cmap = dict(mapping)
    save(font, "math-italic.woff2")


def reduced(source: str, codes: set[int], features: list[str], style: str) -> TTFont:
    """Return the font with only these characters, under its new name."""
    options = subset.Options(
        layout_features=features, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True, hinting=False, desubroutinize=True
    )
    if not features:
        options.drop_tables += ["MATH"]
    font = TTFont(source)
    missing = {chr(code) for code in codes if code not in font.getBestCmap()}
    if missing:
        print(f"{style}: not in the font: {' '.join(sorted(missing))}", file=sys.stderr)
    reducer = subset.Subsetter(options)
    reducer.populate(unicodes=codes)
    reducer.subset(font)
    full = f"{FAMILY} {style}".removesuffix(" Regular")
    names = {1: FAMILY, 2: style, 3: f"{full} 1", 4: full, 6: full.replace(" ", "-")}
    for record in list(font["name"].names):
        if record.nameID in names:
            record.string = names[record.nameID]
        elif record.nameID == 0:
            record.string = f"{record.toUnicode()} {NOTICE}"
    outlines = font["CFF "].cff
    outlines.fontNames[0] = names[6]
    outlines.topDictIndex[0].FullName, outlines.topDictIndex[0].FamilyName = full, FAMILY
    font["head"].modified = font["head"].created  # the same font every time
    font.recalcTimestamp = False
    return font


def save(font: TTFont, name: str) -> None:
    """Write a font as WOFF2."""
    FOLDER.mkdir(exist_ok=True)
    font.flavor = "woff2"
    font.save(FOLDER / name)
    print(f"{name}: {(FOLDER / name).stat().st_size / 1000:.1f} kB, {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
