"""The fonts in the page: every character of every formula is in them, under a name of their own, with their licence."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from symbackprop.writeup.student.leaks import SIGNIFICANT_WHOLE
from tests.writeup.browser import CHROMIUM, run
from tests.writeup.support import ARRAYS, SCALAR, outline_of

FOLDER = Path(html.__code__.co_filename).parent / "fonts"
MATHS = re.compile(r"<math\b.*?</math>", re.DOTALL)
LETTERS = re.compile(r"<(mi|mo|mn|mtext)\b([^>]*)>([^<]*)</\1>")
INVISIBLE = "\u2061\u2062"  # function application and times, which no font draws
PARTS = {"all": HandoutOptions(parts=HandoutOptions().parts | {"graph"}), "full": HandoutOptions(level="full", lang="zh")}


@cache
def characters(name: str) -> frozenset[int]:
    ttf = pytest.importorskip("fontTools.ttLib", reason="fonttools (the extra `dev`) is not installed")
    return frozenset(ttf.TTFont(FOLDER / name).getBestCmap())


def math_italic(letter: str) -> int:
    """The character a browser shows for a single letter in an `<mi>`; written down here from the tables of Unicode."""
    if letter == "h":
        return ord("ℎ")
    for first, last, start in (("A", "Z", "𝐴"), ("a", "z", "𝑎"), ("Α", "Ω", "𝛢"), ("α", "ω", "𝛼")):
        if first <= letter <= last:
            return ord(start) + ord(letter) - ord(first)
    return {"∂": ord("𝜕"), "ϵ": ord("𝜖"), "ϑ": ord("𝜗"), "ϕ": ord("𝜙")}.get(letter, ord(letter))


def missing(page: str) -> set[str]:
    """Return the characters of a page's formulas that the fonts lack."""
    found = set()
    for formula in MATHS.findall(page):
        for element, attributes, text in LETTERS.findall(formula):
            shown = unescape(text)
            italic = "font-style: italic" in attributes
            single = element == "mi" and len(shown) == 1 and "normal" not in attributes
            for letter in shown.strip():
                code = math_italic(letter) if single else ord(letter)
                if letter not in INVISIBLE and code not in characters("math-italic.woff2" if italic else "math.woff2"):
                    found.add(letter)
    return found


EVERY = [(name, parts) for parts in PARTS for name in (*SCALAR, *ARRAYS)]


@pytest.mark.parametrize(
    ("name", "parts"), [pytest.param(*one, marks=() if one == ("two_three_two", "all") else pytest.mark.slow) for one in EVERY]
)
def test_every_character_of_the_formulas_is_in_the_fonts(name, parts):
    assert missing(html(outline_of(name, PARTS[parts]))) == set()


def test_a_character_that_is_not_there_is_named():
    assert missing("<math><mi>w</mi><mo>∮</mo><mi>ж</mi><mi style='x; font-style: italic'>outж</mi></math>") == {"∮", "ж"}


def test_the_fonts_have_names_of_their_own_and_the_table_of_mathematics():
    ttf = pytest.importorskip("fontTools.ttLib", reason="fonttools (the extra `dev`) is not installed")
    for name in ("math.woff2", "math-italic.woff2"):
        font = ttf.TTFont(FOLDER / name)
        names = {record.nameID: record.toUnicode() for record in font["name"].names}
        assert names[1] == "Symbackprop Math"
        assert not any("termes" in names[kind].lower() for kind in (1, 3, 4, 6))
        assert "GUST Font License" in names[0]
        assert ("MATH" in font) is (name == "math.woff2")
    table = ttf.TTFont(FOLDER / "math.woff2")["MATH"].table
    tall = set(table.MathVariants.VertGlyphCoverage.glyphs)
    cmap = ttf.TTFont(FOLDER / "math.woff2").getBestCmap()
    assert {cmap[ord(sign)] for sign in "()[]{}|√∑"} <= tall
    assert "GUST Font License" in (FOLDER / "GUST-FONT-LICENSE.txt").read_text(encoding="utf-8")


def test_the_fonts_are_small_and_hold_no_number_that_could_be_an_answer():
    assert sum(file.stat().st_size for file in FOLDER.glob("*.woff2")) <= 90_000
    packed = re.findall(r"base64,([^\"]+)", html(outline_of("two_three_two", HandoutOptions())))
    assert len(packed) == 2
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
