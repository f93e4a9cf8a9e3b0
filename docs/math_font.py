"""Make the fonts of the HTML pages: subsets of TeX Gyre Termes Math, in parts small enough to stand in every page.

    python docs/math_font.py texgyretermes-math.otf

writes into `symbackprop/writeup/print/fonts` the parts that `font_faces.py` beside it lists, each with its characters:
* upright and mathematical italic letters, Greek, digits, operators, the sizes of brackets, roots and sums, and the MATH table;
* of style italic, the italic letters under the codes of plain letters, with upright digits, for names of several letters.

The names of the fonts are changed, as their licence asks. Needs the extra `dev` (fonttools with brotli).
"""

from __future__ import annotations

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

from symbackprop.writeup.print import font_faces
from symbackprop.writeup.print.font_faces import FontPart, italic_code

FOLDER = font_faces.FOLDER
FAMILY = font_faces.MATH_FAMILY
NOTICE = (
    "Subset of TeX Gyre Termes Math 1.543 (B. Jackowski, P. Strzelczyk, P. Pianowski; GUST Font License), renamed and reduced. "
    "The complete font: http://www.gust.org.pl/projects/e-foundry/tg-math"
)


def main(source: str) -> None:
    """Write all parts and say how large they are."""
    for part in font_faces.PARTS:
        font = slanted(source, part) if part.style == "italic" else reduced(source, set(part.codes), part)
        save(font, part.file)


def slanted(source: str, part: FontPart) -> TTFont:
    """Return the mathematical italics under the codes of plain letters."""
    italics = {code: italic_code(chr(code)) for code in part.codes}
    font = reduced(source, set(italics.values()), part)
    glyphs = font.getBestCmap()
    for table in font["cmap"].tables:
        table.cmap = {code: glyphs[italic] for code, italic in italics.items() if italic in glyphs}
    return font


def reduced(source: str, codes: set[int], part: FontPart) -> TTFont:
    """Return the font with only these characters, under its new name; without forms for scripts, which no Chromium asks for."""
    style = "Italic" if part.style == "italic" else "Regular"
    options = subset.Options(
        layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True, hinting=False, desubroutinize=True
    )
    if part.style == "italic":
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
        elif record.nameID == 0 and NOTICE not in record.toUnicode():
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
