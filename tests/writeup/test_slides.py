"""Slides: a step each, readable from the last row, answers covered, nothing cut off, nothing given away."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from symbackprop.api import Derivation
from symbackprop.errors import UserError
from symbackprop.writeup.drawing.picture import Caption, Stroke
from symbackprop.writeup.drawing.unit_graph import find_units
from symbackprop.writeup.make import make_outline, rendered
from symbackprop.writeup.page.blocks import ArrayValue, Figure
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.figures import diagram_words
from symbackprop.writeup.slides.deck_html import deck_html
from symbackprop.writeup.slides.deck_pdf import deck_source
from symbackprop.writeup.slides.slides import aside, legible, on_path, slides
from symbackprop.writeup.student.leaks import leaks
from tests.writeup.browser import CHROMIUM, print_pdf
from tests.writeup.lessons import layered
from tests.writeup.page_gate import gate_network
from tests.writeup.support import document
from tests.writeup.test_lesson import answers_of, does

NEEDS_A_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")


def deck(derivation: Derivation, **options: Any) -> str:
    return deck_html(make_outline(derivation, HandoutOptions(**options)), derivation)


def test_a_derivation_is_a_step_a_slide_and_what_is_long_is_said() -> None:
    found = slides(make_outline(document("two_three_two"), HandoutOptions()))
    assert len(found) > 35
    for slide in found:
        blocks = [type(block).__name__ for block in slide.blocks if type(block).__name__ != "Prose"]
        assert len(blocks) == 1
        assert blocks != ["Code"]
    assert sum(bool(slide.notes) for slide in found) >= 3


def test_the_path_of_a_step_lights_up_in_the_same_diagram() -> None:
    derivation = document("two_three_two")
    outline = make_outline(derivation, HandoutOptions())
    drawn = aside(derivation, outline.notation, diagram_words("en"), "en")
    assert drawn is not None
    lit = {drawn.items[at].identifier for at in on_path(drawn, tuple(derivation.between("w7")))}
    assert {"unit-o1", "edge-w7", "unit-E_o1", "unit-E_total"} <= lit
    assert "_" not in "".join(
        run.text for item in drawn.items for shape in item.shapes if isinstance(shape, Caption) for run in shape.text.runs
    )
    assert not {"unit-o2", "unit-h1", "edge-w8"} & lit


@pytest.mark.parametrize("name", ["batch norm", "lstm", "3-4-3-2", "gru"])
def test_a_diagram_stands_beside_the_text_whatever_its_length_and_no_edge_goes_round(name: str) -> None:
    derivation = gate_network(name)
    outline = make_outline(derivation, HandoutOptions())
    drawn = aside(derivation, outline.notation, diagram_words("en"), "en")
    assert drawn is not None
    (figure,) = (block for block in outline.page if isinstance(block, Figure))
    assert legible(figure, outline) is not None
    network, loss = derivation.network, derivation.loss
    assert {unit.name for unit in find_units(network, loss).units} <= {item.title for item in drawn.items if item.kind != "edge"}
    for item in drawn.items:
        for shape in item.shapes:
            if isinstance(shape, Stroke):
                points = [point for segment in shape.curve.segments for point in segment]
                assert all(-1 <= x <= drawn.width + 1 for x, _ in points)


def test_edges_between_full_columns_are_straight() -> None:
    outline = make_outline(layered((4, 6, 6, 4)), HandoutOptions())
    drawn = legible(next(block for block in outline.page if isinstance(block, Figure)), outline)
    assert drawn is not None
    edges = [shape for item in drawn.items if item.kind == "edge" for shape in item.shapes if isinstance(shape, Stroke)]
    assert len(edges) > 80
    assert all(edge.curve.straight for edge in edges)


def test_slides_have_two_formats() -> None:
    with pytest.raises(UserError, match=r"slides: expected a file ending in .html or .pdf, got '.tex'"):
        rendered(document("two_three_two"), ".tex", HandoutOptions(slides=True))


@pytest.mark.slow
def test_a_deck_is_one_small_file() -> None:
    html = deck(layered((3, 4, 3, 2)))
    assert len(html.encode()) < 700_000
    assert not re.search(r"(?:src|href)\s*=\s*\"(?!#)|url\((?!\"data:)|https?://(?!www\.w3\.org/)", html)


MEASURE = """
const slides = many(".slide");
result.count = slides.length;
result.small = []; result.outside = []; result.cut = [];
slides.forEach((slide, k) => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
  slides.forEach((other, j) => other.classList.toggle("current", j === k));
  many(".answer", slide).forEach((answer) => answer.classList.remove("covered"));
  const frame = slide.getBoundingClientRect();
  const pixel = frame.width / 1920;  // a window is a little lower than was asked for
  const content = one(".content", slide);
  const foot = one("footer", slide);
  const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const holder = text.parentElement;
    if (!text.textContent.trim() || holder.closest(".notes, svg, title, desc")) continue;
    const size = parseFloat(getComputedStyle(holder).fontSize) / pixel;
    if (size < 23.9 && holder.getClientRects().length) result.small.push([k + 1, size, text.textContent.trim()]);
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    const inside = content && content.contains(text);
    const beside = inside && slide.classList.contains("side");
    const right = beside ? one(".network", slide).getBoundingClientRect().left : frame.right - 30;
    const bottom = inside ? foot.getBoundingClientRect().top : frame.bottom;
    if (box.width && (box.right > right + 2 || box.bottom > bottom + 2 || box.left < frame.left)) {
      result.outside.push([k + 1, Math.round(box.right - right), Math.round(box.bottom - bottom), text.textContent.trim()]);
    }
  }
  // answers that are covered are not to take more room than there is
  many(".answer", slide).forEach((answer) => answer.classList.add("covered"));
  const aside = slide.classList.contains("side") ? one(".network", slide).getBoundingClientRect().left : frame.right - 30;
  many(".content .bracket, .content mspace, .content td", slide).forEach((shown) => {
    const box = shown.getBoundingClientRect();
    if (box.width && (box.right > aside + 2 || box.bottom > foot.getBoundingClientRect().top + 2)) {
      result.outside.push([k + 1, "covered", Math.round(box.right - aside), shown.className]);
    }
  });
  const drawing = one(".network svg, figure svg", slide);
  if (drawing) {
    const scale = drawing.getBoundingClientRect().width / pixel / (drawing.viewBox.baseVal.width / 10);
    const texts = drawing.closest(".network") ? many("#network text") : many("text", drawing);
    texts.forEach((text) => {
      if (parseFloat(text.getAttribute("font-size")) / 10 * scale < 23.9) result.small.push([k + 1, text.textContent]);
    });
  }
});
"""

DECKS = (
    ("two_three_two", "en"),
    ("two_three_two", "zh"),
    ("mlp_softmax", "en"),
    ("linear_regression", "en"),
    ("tanh_neuron", "zh"),
)


@pytest.mark.slow
@NEEDS_A_BROWSER
@pytest.mark.parametrize(("name", "lang"), [*DECKS, ("4-6-6-4", "en"), ("lstm", "en"), ("attention", "en"), ("long names", "zh")])
def test_everything_can_be_read_from_the_last_row_and_nothing_is_cut(name: str, lang: str) -> None:
    result = does(deck(gate_network(name), lang=lang), MEASURE, "--window-size=1920,1080")
    assert result["count"] > 10
    assert result["small"][:3] == []
    assert result["outside"][:3] == []


@pytest.mark.slow
@NEEDS_A_BROWSER
def test_keys_move_and_uncover_and_the_diagram_stays_where_it_is() -> None:
    result = does(
        deck(document("two_three_two")),
        """
        const at = () => one(".slide.current").getAttribute("aria-label").split(" ")[0];
        press("Home");
        result.first = at();
        press("ArrowRight"); press("PageDown");
        result.third = at();
        press("End");
        result.last = at() === String(many(".slide").length);
        press("ArrowLeft");
        result.places = new Set();
        const boxes = [];
        press("Home");
        for (let k = 0; k < 400; k += 1) {
          const network = one(".slide.current .network");
          const box = network && network.getBoundingClientRect();
          if (box) boxes.push([Math.round(box.left), Math.round(box.top)].join());
          const before = at();
          const covered = many(".slide.current .answer.covered").length;
          press("ArrowRight");
          if (at() === before && !covered) break;
        }
        result.places = Array.from(new Set(boxes));
        result.uncovered = many(".answer:not(.covered)").length;
        press("n");
        result.notes = many(".notes").filter((e) => !e.hidden).length;
        result.said = one(".status").textContent;
        """,
        "--window-size=1920,1080",
    )
    assert result["first"] == "1"
    assert result["third"] == "3"
    assert result["last"] is True
    assert len(result["places"]) == 1
    assert result["uncovered"] > 20
    assert result["notes"] >= 3
    assert "/" in result["said"]


def test_arrays_that_are_given_share_slides_and_none_that_is_asked_for_does() -> None:
    found = slides(make_outline(document("mlp_softmax"), HandoutOptions()))
    arrays = [[block for block in slide.blocks if isinstance(block, ArrayValue)] for slide in found]
    assert max(map(len, arrays)) > 1
    for shared in arrays:
        asked = any(cell.hidden for block in shared for row in block.rows for cell in row)
        assert not asked or len(shared) == 1


@pytest.mark.slow
@NEEDS_A_BROWSER
@pytest.mark.skipif(shutil.which("pdfinfo") is None, reason="no pdfinfo installed")
def test_a_printed_deck_has_a_sheet_for_every_slide(tmp_path: Path) -> None:
    derivation = document("tanh_neuron")
    print_pdf(deck(derivation), tmp_path / "deck.pdf")
    shown = subprocess.run(["pdfinfo", tmp_path / "deck.pdf"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert int(re.findall(r"Pages:\s*(\d+)", shown)[0]) == len(slides(make_outline(derivation, HandoutOptions()))) + 1


@pytest.mark.slow
@NEEDS_A_BROWSER
def test_covered_answers_are_not_seen() -> None:
    derivation = document("two_three_two")
    result = does(
        deck(derivation, blanks="numbers"),
        """
        result.texts = [];
        many(".slide").forEach((slide) => {
          many(".slide").forEach((other) => other.classList.toggle("current", other === slide));
          result.texts.push(slide.innerText);
        });
        """,
    )
    for text in result["texts"]:
        assert leaks(text, answers_of(derivation)) == []
    assert leaks(deck(derivation), answers_of(derivation))


@pytest.mark.slow
def test_a_students_slides_have_no_answer() -> None:
    derivation = document("two_three_two")
    outline = make_outline(derivation, HandoutOptions(audience="student"))
    for text in (deck_html(outline, derivation), deck_source(outline, derivation, ("New Computer Modern",))):
        assert leaks(text, answers_of(derivation)) == []
    for suffix in (".html", ".pdf"):  # the gate of every student's file looks at decks too
        for name in ("two_three_two", "mlp_softmax"):
            assert rendered(document(name), suffix, HandoutOptions(audience="student", slides=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lang"),
    [("two_three_two", "en"), ("mlp_softmax", "en"), ("linear_regression", "zh"), ("3-4-3-2", "en"), ("attention", "en")],
)
def test_a_pdf_has_a_page_for_every_slide(name: str, lang: str) -> None:
    derivation = gate_network(name)
    options = HandoutOptions(slides=True, lang=lang)
    (content,) = rendered(derivation, ".pdf", options).values()
    outline = make_outline(derivation, options)
    pages = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert len(pages) == len(slides(outline)) + 1  # what does not fit would go on another page
    assert set(pages) == {(b"960", b"540")}
    source = deck_source(outline, derivation, ("New Computer Modern", "Noto Serif CJK SC"))
    sizes = [float(size) for size in re.findall(r"(?:text|#slide)\((?:size: )?(\d+(?:\.\d+)?)pt", source)]
    assert len(sizes) > 10
    assert min(sizes) >= 12  # 24 pixels of a projector
