"""Nothing is cut off and nothing is too small to read, on paper and on a screen, for networks small and large."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import Outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from symbackprop.writeup.print.packing import packed
from symbackprop.writeup.print.pdf import pdf
from tests.writeup.browser import CHROMIUM
from tests.writeup.page_breaks import amiss, breaks_of_outline, breaks_of_page
from tests.writeup.page_gate import DOCUMENTS, OTHERS, PRINTED, gate_network, measured

pytestmark = pytest.mark.slow
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")
needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext installed")


@cache
def outline(name: str, level: str = "standard") -> Outline:
    """Return a teacher's outline, the longest there is."""
    return make_outline(gate_network(name), HandoutOptions(level=level))


@needs_chromium
@pytest.mark.parametrize("name", [*DOCUMENTS, *OTHERS])
def test_nothing_sticks_out_on_paper(name: str) -> None:
    found = measured(html(outline(name)), PRINTED, printed=True)
    assert (found["out"], found["small"], found["problems"], found.get("thrown")) == ([], [], [], None)


@needs_chromium
@pytest.mark.parametrize("name", ["two_three_two", "mlp_softmax", "3-4-3-2", "batch norm"])
def test_nothing_sticks_out_or_has_to_be_scrolled_on_a_screen(name: str) -> None:
    found = measured(html(outline(name)), 1280)
    assert (found["out"], found["scrolls"], found["small"], found["touching"]) == ([], [], [], [])


@needs_chromium
@pytest.mark.parametrize("name", ["two_three_two", "attention", "max_pool"])
def test_on_a_phone_only_blocks_scroll_and_letters_stay_large_enough(name: str) -> None:
    found = measured(html(outline(name)), 390)
    assert (found["out"], found["small"], found["touching"], found["problems"]) == ([], [], [], [])
    assert found["scrolls"]


@needs_chromium
@needs_pdftotext
@pytest.mark.parametrize("name", ["mlp_softmax", "4-6-6-4"])
def test_a_printed_page_breaks_no_table_at_few_rows_and_parts_no_heading(name: str, tmp_path: Path) -> None:
    found = breaks_of_page(html(outline(name)), tmp_path)
    assert len(found) > 40
    assert amiss(found) == []


@pytest.mark.parametrize("name", ["3-4-3-2"])
def test_a_pdf_breaks_no_table_at_few_rows_and_parts_no_heading(name: str) -> None:
    found = breaks_of_outline(outline(name))
    assert len(found) > 20
    assert amiss(found) == []


@needs_pdftotext
@pytest.mark.parametrize(("name", "lang"), [("long array names", "zh"), ("batch norm", "en"), ("long names", "en")])
def test_a_pdf_fills_its_pages_and_stays_between_their_margins(name: str, lang: str, tmp_path: Path) -> None:
    """The last page, and the one before a listing or a figure, may be short; no line leaves a page or lies over the number."""
    options = HandoutOptions(lang=lang).without("code")
    (tmp_path / "page.pdf").write_bytes(pdf(make_outline(gate_network(name), options)))
    done = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True, timeout=60
    )
    pages = [re.findall(r'xMax="([\d.]+)" yMax="([\d.]+)">', text) for text in done.stdout.split("<page ")[1:]]
    end = PAPER_HIGH - 18 * MILLIMETRE + 6
    assert len(pages) > 3
    for words in pages:
        assert sum(float(low) > end for _, low in words) == 3  # the number of the page, "1 / 7", and nothing else
        assert max(float(right) for right, _ in words) <= PAPER_WIDE - 18 * MILLIMETRE + 6
    for words in pages[1:-1]:
        assert max(float(low) for _, low in words if float(low) <= end) >= 0.7 * PAPER_HIGH


MILLIMETRE = 72 / 25.4
PAPER_WIDE, PAPER_HIGH = 210 * MILLIMETRE, 297 * MILLIMETRE


@pytest.mark.parametrize(
    ("name", "level"), [*((name, "standard") for name in OTHERS), ("4-6-6-4", "full"), ("batch norm", "full")]
)
def test_a_page_is_small_enough_to_be_sent(name: str, level: str) -> None:
    assert len(packed(html(outline(name, level))).encode()) <= 400_000


@needs_chromium
def test_every_step_in_full_fits_too() -> None:
    found = measured(html(outline("3-4-3-2", "full")), PRINTED, printed=True)
    assert (found["out"], found["small"]) == ([], [])


AUDIENCES, LEVELS = ("teacher", "student", "key"), ("brief", "standard", "full")
#: Another selection of pages is looked at for another number.
SHIFT = int(os.environ.get("GATE_SHIFT", "0"))


def chosen(at: int) -> HandoutOptions:
    """Return for whom, in which language and how fully a page is written: all combinations come, a few at a time."""
    place = at + SHIFT
    return HandoutOptions(audience=AUDIENCES[place % 3], lang=("en", "zh")[place // 3 % 2], level=LEVELS[(place + at // 3) % 3])


@needs_chromium
@pytest.mark.parametrize(("at", "name"), [*enumerate([*DOCUMENTS, *OTHERS])])
def test_a_page_of_every_network_in_turn_for_all_readers_holds_on_screens_and_paper(at: int, name: str) -> None:
    page = html(make_outline(gate_network(name), chosen(at)))
    width = (PRINTED, 1280, 390)[(at + at // 3) % 3]
    found = measured(page, width, printed=width == PRINTED)
    assert (found["out"], found["small"], found["touching"], found["problems"]) == ([], [], [], [])
    assert width != 1280 or not found["scrolls"]


@pytest.mark.parametrize(("at", "name"), [(1, "linear_regression"), (2, "batch norm"), (3, "3-4-3-2")])
def test_a_pdf_of_some_networks_in_turn_for_all_readers_breaks_well(at: int, name: str) -> None:
    assert amiss(breaks_of_outline(make_outline(gate_network(name), chosen(at)))) == []


@needs_chromium
@pytest.mark.parametrize(("name", "level"), [("batch norm", "brief"), ("transformer_block", "standard")])
def test_a_sum_over_many_factors_is_broken_too(name: str, level: str) -> None:
    found = measured(html(outline(name, level)), PRINTED, printed=True)
    assert (found["out"], found["small"]) == ([], [])


@needs_chromium
def test_the_gate_sees_what_sticks_out_and_what_is_too_small() -> None:
    page = html(outline("two_three_two"))
    wide = page.replace("</header>", f"</header><p style='white-space: nowrap'>{'wide ' * 60}</p>", 1)
    assert measured(wide, PRINTED, printed=True)["out"]
    small = page.replace("max-width:100%;height:auto", "width:200px;height:auto", 1)
    assert measured(small, PRINTED, printed=True)["small"]


@needs_chromium
def test_the_gate_sees_what_is_too_wide_for_a_phone_and_labels_that_touch() -> None:
    page = html(outline("two_three_two"))
    wide = page.replace("</header>", f"<h2 style='white-space: nowrap'>{'wide ' * 20}</h2></header>", 1)
    labels = re.findall(r'<text class="sb-tone-ink sb-mark" x="(\d+)" y="(\d+)"', page)
    (x, y), (other_x, other_y) = labels[:2]
    moved = wide.replace(f'x="{x}" y="{y}"', f'x="{other_x}" y="{other_y}"', 1)
    found = measured(moved, 390)
    assert found["out"]
    assert found["touching"]


@needs_chromium
@needs_pdftotext
def test_the_gate_sees_a_table_broken_before_its_last_row(tmp_path: Path) -> None:
    page = html(outline("two_three_two"))
    torn = page.replace("</style>", "table.data tr:nth-child(2) { break-before: page !important; }</style>", 1)
    assert any("1 + " in said for said in amiss(breaks_of_page(torn, tmp_path)))


def test_few_rows_alone_and_headings_before_their_page_are_named() -> None:
    rows = {("t0", at): 1 + (at > 6) for at in range(9)}
    assert amiss(rows) == ["table t0: 7 + 2 rows"]
    assert amiss({("t0", at): 1 + (at > 3) for at in range(9)}) == []
    assert amiss({("h2", 0): 3, ("h2", 1): 4}) == ["heading h2 on page 3, what it heads on page 4"]


def words_outside(path: Path, margin: float = 18) -> list[str]:
    """Return the words of a PDF that stand in its margins (mm) at the left and right, the page numbers left out."""
    done = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True, check=True, timeout=60)
    found = []
    edge = margin / 25.4 * 72
    for wide, words in re.findall(r'<page width="([\d.]+)" height="[\d.]+">(.*?)</page>', done.stdout, re.DOTALL):
        for left, right, word in re.findall(r'<word xMin="([-\d.]+)" yMin="[^"]+" xMax="([-\d.]+)" yMax="[^"]+">([^<]*)', words):
            if float(right) > float(wide) - edge + 2 or float(left) < edge - 2:
                found.append(word)
    return found


@needs_pdftotext
@pytest.mark.parametrize("name", ["two_three_two", "mlp_softmax", *OTHERS])
def test_no_word_of_a_pdf_stands_in_the_margin(name: str, tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_bytes(pdf(outline(name)))
    assert words_outside(tmp_path / "page.pdf") == []


def words_across(path: Path, page: int) -> list[str]:
    """Return the words of a page, its header and number left out, that reach into the gap between its two columns."""
    done = subprocess.run(["pdftotext", "-bbox", "-f", str(page), "-l", str(page), str(path), "-"],
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    words = re.findall(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="[^"]+">([^<]*)', done.stdout)
    middle = 595 / 2
    return [word for left, top, right, word in words if float(left) < middle < float(right) and 45 < float(top) < 800]


@needs_pdftotext
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_worksheet_of_a_small_network_is_one_sheet_of_paper(lang: str, tmp_path: Path) -> None:
    path = tmp_path / "work.pdf"
    path.write_bytes(pdf(make_outline(gate_network("two_three_two"), HandoutOptions(audience="student", lang=lang))))
    done = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True, timeout=60)
    assert re.search(r"^Pages:\s+2$", done.stdout, re.MULTILINE)
    assert words_across(path, 2) == []
    assert words_outside(path, 15) == []


@needs_pdftotext
@pytest.mark.parametrize("name", ["two_two_one", "mlp_softmax", "3-4-3-2"])
def test_nothing_of_a_worksheet_leaves_its_column(name: str, tmp_path: Path) -> None:
    path = tmp_path / "work.pdf"
    path.write_bytes(pdf(make_outline(gate_network(name), HandoutOptions(audience="student"))))
    assert (words_across(path, 2), words_outside(path, 15)) == ([], [])
