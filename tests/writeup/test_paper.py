"""What Typst sets: drawings that fit their page, letters large enough to be read, rows of tables that stay together."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from symbackprop.writeup.make import make_outline, rendered
from symbackprop.writeup.page.blocks import FormulaBlock, Prose
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.pdf import pdf, readable, typst_source
from symbackprop.writeup.slides.slides import slides
from tests.writeup.page_breaks import amiss, breaks_of_outline
from tests.writeup.page_gate import gate_network
from tests.writeup.support import document

#: Points: the least on paper, and what lies between the margins of a page beside a heading.
LEAST, HIGHEST = 5.6, 600.0


@pytest.mark.parametrize("name", ["vae", "batch_norm", "lstm_through_time"])
@pytest.mark.parametrize("audience", ["teacher", "student"])
def test_a_drawing_is_no_higher_than_a_page_and_its_letters_can_be_read(name: str, audience: str) -> None:
    source = typst_source(make_outline(document(name), HandoutOptions(audience=audience)), ("New Computer Modern",))
    images = re.findall(r'image\(bytes\("(.*?)</svg>.*?width: ([\d.]+)pt', source, re.DOTALL)
    assert images
    for drawn, wide in images:
        across, down = re.search(r"viewBox=\\\"0 0 (\d+) (\d+)", drawn).groups()
        scale = float(wide) / int(across)
        assert int(down) * scale <= HIGHEST
        assert min(int(size) for size in re.findall(r"<text[^>]*font-size=\\\"(\d+)", drawn)) * scale >= LEAST - 0.01


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x_(n j)", "x_(script(n j))"),
        ("frac(a_(1), b)", "frac(a_(script(1)), b)"),
        ("x_(a, b^(2))", "x_(script(a comma b^(script(2))))"),
        ('x_("a, (b")', 'x_(script("a, (b"))'),
        (r"e^(-\(x, y\))", r"e^(script(-\(x comma y\)))"),
        ("x_(frac(a, b), c)", "x_(script(frac(a, b) comma c))"),
        ("f (a, b)", "f (a, b)"),
    ],
)
def test_scripts_of_scripts_are_set_as_large_as_scripts(formula: str, expected: str) -> None:
    assert readable(formula) == expected


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftohtml") is None, reason="no pdftohtml installed")
@pytest.mark.parametrize("audience", ["teacher", "student"])
def test_no_letter_of_a_formula_is_too_small_on_paper(audience: str, tmp_path: Path) -> None:
    page = tmp_path / "page.pdf"
    page.write_bytes(pdf(make_outline(gate_network("batch norm"), HandoutOptions(audience=audience))))
    command = ["pdftohtml", "-xml", "-i", "-stdout", "-zoom", "3", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    sizes = [int(size) / 3 for size in re.findall(r'<fontspec [^>]*size="(\d+)"', done.stdout)]
    assert len(sizes) > 3
    assert min(sizes) >= LEAST  # whole pixels of a third of a point


@pytest.mark.parametrize(("name", "lang", "audience"), [("two_three_two", "zh", "teacher"), ("3-4-3-2", "zh", "student")])
def test_no_few_rows_of_a_table_stand_alone(name: str, lang: str, audience: str) -> None:
    options = HandoutOptions(audience=audience, lang=lang, level="brief")
    assert amiss(breaks_of_outline(make_outline(gate_network(name), options))) == []


#: Pixels a point of a page in a picture of it; points: where the columns of a worksheet begin (behind the bar of an aside),
#: how wide the first fractions of a line are, and the height of one, which is not to touch what stands above or below it.
SHARP, COLUMNS, HEADS, FRACTION = 2, (46, 311), 110, 30


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no pdftoppm installed")
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["two_three_two", "3-4-3-2"])
def test_fractions_of_a_worksheet_do_not_reach_into_one_another(name: str, lang: str, tmp_path: Path) -> None:
    if lang == "zh" and shutil.which("fc-list") and not subprocess.run(["fc-list", ":lang=zh"], capture_output=True).stdout:
        pytest.skip("no Chinese face installed")
    page = tmp_path / "page.pdf"
    page.write_bytes(pdf(make_outline(gate_network(name), HandoutOptions(audience="student", lang=lang))))
    subprocess.run(
        ["pdftoppm", "-gray", "-r", str(72 * SHARP), "-f", "2", "-l", "2", page, tmp_path / "page"], check=True, timeout=60
    )
    (picture,) = tmp_path.glob("page-*.pgm")
    heights = [high / SHARP for left in COLUMNS for high in _inked(_pixels(picture), left * SHARP, (left + HEADS) * SHARP)]
    assert sum(high > FRACTION / 2 for high in heights) > 8  # the strips are where the fractions stand
    assert max(heights) <= FRACTION


#: Points: the left part of a slide between title and foot, and the height of a fraction in a fraction there.
STRIP, NESTED = (slice(50, 480), 100, 330), 75


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no pdftoppm installed")
@pytest.mark.parametrize("name", ["mlp_softmax", "attention"])
def test_fractions_of_a_slide_do_not_reach_into_one_another(name: str, tmp_path: Path) -> None:
    derivation, options = gate_network(name), HandoutOptions(slides=True)
    (content,) = rendered(derivation, ".pdf", options).values()
    (tmp_path / "deck.pdf").write_bytes(content)
    subprocess.run(["pdftoppm", "-gray", "-r", "72", tmp_path / "deck.pdf", tmp_path / "page"], check=True, timeout=60)
    rows, left, right = STRIP
    heights = [
        high
        for page, slide in zip(sorted(tmp_path.glob("page-*.pgm"))[1:], slides(make_outline(derivation, options)), strict=True)
        if all(isinstance(block, FormulaBlock | Prose) for block in slide.blocks)
        for high in _inked(_pixels(page)[rows], left, right)
    ]
    assert sum(high > NESTED / 3 for high in heights) > 20
    assert max(heights) <= NESTED


def _pixels(picture: Path) -> np.ndarray:
    _, size, _, data = picture.read_bytes().split(b"\n", 3)
    wide, high = map(int, size.split())
    return np.frombuffer(data, dtype=np.uint8).reshape(high, wide)


def _inked(pixels: np.ndarray, left: int, right: int) -> list[int]:
    """Return how high each group of rows is that have ink between two columns of pixels."""
    inked = np.concatenate([[False], (pixels[:, left:right] < 160).any(axis=1), [False]])
    starts, ends = np.flatnonzero(np.diff(inked.astype(int)) == 1), np.flatnonzero(np.diff(inked.astype(int)) == -1)
    return [int(high) for high in ends - starts]
