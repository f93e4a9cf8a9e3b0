"""The fonts in the page: every character of every formula is in them, under a name of their own, with their licence."""

from __future__ import annotations

import base64
import re
from functools import cache
from html import unescape
from io import BytesIO

import pytest

from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.font_faces import FOLDER, PARTS, font_faces
from symbackprop.writeup.print.html import html
from symbackprop.writeup.student.leaks import SIGNIFICANT_WHOLE
from tests.writeup.browser import CHROMIUM, run
from tests.writeup.support import ARRAYS, SCALAR, outline_of

MATHS = re.compile(r"<math\b.*?</math>", re.DOTALL)
LETTERS = re.compile(r"<(mi|mo|mn|mtext)\b([^>]*)>([^<]*)</\1>")
INVISIBLE = "\u2061\u2062"  # function application and times, which no font draws
SHOWN = {"all": HandoutOptions(parts=HandoutOptions().parts | {"graph"}), "full": HandoutOptions(level="full", lang="zh")}


@cache
def characters(packed: str) -> frozenset[int]:
    ttf = pytest.importorskip("fontTools.ttLib", reason="fonttools (the extra `dev`) is not installed")
    return frozenset(ttf.TTFont(BytesIO(base64.b64decode(packed))).getBestCmap())


def covered(page: str, style: str) -> frozenset[int]:
    """Return the characters of the fonts that a page carries, as far as their ranges say so."""
    found = set()
    for rule in re.findall(rf"@font-face {{[^}}]*font-style: {style};[^}}]*}}", page):
        ranges = re.search(r"unicode-range: ([^;]+);", rule)[1]
        ends = [
            (span + "-" + span).split("-")[:2] if "-" not in span else span.split("-")
            for span in ranges.replace("U+", "").split(", ")
        ]
        inside = {code for first, last in ends for code in range(int(first, 16), int(last, 16) + 1)}
        found |= inside & characters(re.search(r"base64,([^\"]+)", rule)[1])
    return frozenset(found)


def math_italic(letter: str) -> int:
    """The character a browser shows for a single letter in an `<mi>`; written down here from the tables of Unicode."""
    if letter == "h":
        return ord("ℎ")
    for first, last, start in (("A", "Z", "𝐴"), ("a", "z", "𝑎"), ("Α", "Ω", "𝛢"), ("α", "ω", "𝛼")):
        if first <= letter <= last:
            return ord(start) + ord(letter) - ord(first)
    return {"∂": ord("𝜕"), "ϵ": ord("𝜖"), "ϑ": ord("𝜗"), "ϕ": ord("𝜙")}.get(letter, ord(letter))


def missing(page: str) -> set[str]:
    """Return the characters of a page's formulas that the fonts in it lack."""
    found = set()
    upright, slanted = covered(page, "normal"), covered(page, "italic")
    for formula in MATHS.findall(page):
        for element, attributes, text in LETTERS.findall(formula):
            shown = unescape(text)
            italic = "font-style: italic" in attributes or 'class="i"' in attributes
            single = element == "mi" and len(shown) == 1 and "normal" not in attributes
            for letter in shown.strip():
                code = math_italic(letter) if single else ord(letter)
                if letter not in INVISIBLE and code not in (slanted if italic else upright):
                    found.add(letter)
    return found


EVERY = [(name, parts) for parts in SHOWN for name in (*SCALAR, *ARRAYS)]


@pytest.mark.parametrize(
    ("name", "parts"), [pytest.param(*one, marks=() if one == ("two_three_two", "all") else pytest.mark.slow) for one in EVERY]
)
def test_every_character_of_the_formulas_is_in_the_fonts(name, parts):
    assert missing(html(outline_of(name, SHOWN[parts]))) == set()


def test_a_character_that_is_not_there_is_named():
    page = f"{font_faces()}<math><mi>w</mi><mo>∮</mo><mi>ж</mi><mi style='x; font-style: italic'>outж</mi></math>"
    assert missing(page) == {"∮", "ж"}


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        ("<math><mi>w</mi><mn>0</mn><mi>tanh</mi></math> prose with W, Ω and 隐", 2),
        ("<math><mi>W</mi></math>", 3),
        ("<math><mi mathvariant='normal'>W</mi></math>", 3),
        ("<math><mi>λ</mi></math>", 3),
        ("<math><mo>≠</mo><mi>W</mi></math>", 4),
        ('<math><mi class="i">Out</mi></math>', 3),
        ('<text><tspan class="sb-i">W</tspan><tspan>1</tspan> = 隐 a</text>', 3),
    ],
)
def test_a_page_carries_the_parts_it_needs(shown, count):
    rules = font_faces(shown)
    assert rules.count("@font-face") == count
    assert missing(rules + shown) == set()


def test_the_parts_have_their_characters_and_no_character_is_in_two():
    ttf = pytest.importorskip("fontTools.ttLib", reason="fonttools (the extra `dev`) is not installed")
    for part in PARTS:
        cmap = set(ttf.TTFont(FOLDER / part.file).getBestCmap())
        assert len(part.codes - cmap) < 12, "a few that the font never had"
    for style in ("normal", "italic"):
        codes = [code for part in PARTS if part.style == style for code in part.codes]
        assert len(codes) == len(set(codes))


def test_the_fonts_have_names_of_their_own_and_the_table_of_mathematics():
    ttf = pytest.importorskip("fontTools.ttLib", reason="fonttools (the extra `dev`) is not installed")
    for name in (part.file for part in PARTS):
        font = ttf.TTFont(FOLDER / name)
        names = {record.nameID: record.toUnicode() for record in font["name"].names}
        assert names[1] == "Symbackprop Math"
        assert not any("termes" in names[kind].lower() for kind in (1, 3, 4, 6))
        assert "GUST Font License" in names[0]
        assert ("MATH" in font) is ("italic" not in name)
    table = ttf.TTFont(FOLDER / "math.woff2")["MATH"].table
    tall = set(table.MathVariants.VertGlyphCoverage.glyphs)
    cmap = ttf.TTFont(FOLDER / "math.woff2").getBestCmap()
    assert {cmap[ord(sign)] for sign in "()[]{}|∑"} <= tall
    assert "GUST Font License" in (FOLDER / "GUST-FONT-LICENSE.txt").read_text(encoding="utf-8")


def test_the_fonts_are_small_and_hold_no_number_that_could_be_an_answer():
    assert sum(file.stat().st_size for file in FOLDER.glob("*.woff2")) <= 90_000
    assert len(font_faces("<math><mi>w</mi></math>")) <= 40_000
    packed = re.findall(r"base64,([^\"]+)", html(outline_of("two_three_two", HandoutOptions())))
    assert len(packed) <= 4
    for text in packed:
        assert all(len(digits) < SIGNIFICANT_WHOLE for digits in re.findall(r"(?<!\w)\d+(?!\w)", text))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")
def test_a_browser_sets_the_formulas_in_the_font_of_the_page():
    script = """
        const face = (style) => Array.from(document.fonts).find((font) => font.style === style);
        result.loaded = ["normal", "italic"].map((style) => face(style).status);
        result.family = getComputedStyle(document.querySelector(".lines math")).fontFamily.split(",")[0];
        const wide = (family) => {
          const probe = document.createElement("span");
          probe.style.cssText = "font-size: 100px; font-family: " + family;
          probe.textContent = "𝑤𝛿∂∑";
          document.body.appendChild(probe);
          return probe.getBoundingClientRect().width;
        };
        result.widths = [wide("'Symbackprop Math', monospace"), wide("'No Such Face', monospace")];
        result.from = performance.getEntriesByType("resource").map((entry) => entry.name.slice(0, 5));
    """
    result = run(html(outline_of("two_three_two", HandoutOptions())), script)
    assert result["problems"] == []
    assert result["loaded"] == ["loaded", "loaded"]
    assert result["family"].strip('"') == "Symbackprop Math"
    assert result["widths"][0] != result["widths"][1]
    assert set(result["from"]) <= {"data:"}


def test_a_page_carries_a_part_for_its_formulas_and_none_for_its_program() -> None:
    program = "<script>const gap = `<math><mo>${sign}</mo><mi>Ω</mi></math>`;</script>"
    data = '<script type="application/json">{"name": "<math><mi>γ</mi></math>"}</script>'
    formula = "<math><mi>W</mi><mo>⊙</mo><mi>x</mi></math>"
    assert font_faces(formula + program) == font_faces(formula)
    assert font_faces(formula + data) != font_faces(formula)
    assert len(font_faces(formula)) < 0.6 * len(font_faces())
