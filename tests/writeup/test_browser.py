"""The page in a real browser: highlighting, symbols and numbers, answers one by one, without JavaScript, printed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from symbackprop.writeup.html import html
from symbackprop.writeup.options import HandoutOptions
from tests.writeup.browser import CHROMIUM, dump, print_pdf, run
from tests.writeup.support import outline_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed"),
]


def page(**options):
    return html(outline_of("two_three_two", HandoutOptions(**options)))


POINT = """
function point(element) { element.dispatchEvent(new PointerEvent("pointerover", {bubbles: true})); }
const lit = () => Array.from(document.querySelectorAll(".sb-lit")).map((e) => e.id).sort();
"""


def test_pointing_at_a_weight_marks_its_path_and_its_formulas():
    result = run(
        page(),
        POINT
        + """
        point(document.querySelector("#diagram-edge-w1"));
        result.lit = lit();
        result.marked = document.querySelectorAll(".lines .on").length;
        result.status = document.querySelector(".status").textContent;
        document.querySelector("#diagram-edge-w1").dispatchEvent(new PointerEvent("pointerout", {bubbles: true}));
        result.after = lit().length;
    """,
    )
    assert result["problems"] == []
    assert "thrown" not in result
    assert "diagram-edge-w1" in result["lit"]
    assert not {"diagram-edge-w3", "diagram-edge-w7b", "diagram-unit-h2"} & set(result["lit"])
    assert {"diagram-unit-h1", "diagram-unit-o1", "diagram-unit-o2"} <= set(result["lit"])
    assert result["marked"] > 2
    assert "w1" in result["status"]
    assert result["after"] == 0


def test_pointing_at_a_derivative_marks_it_everywhere():
    result = run(
        page(),
        POINT
        + """
        const d = Array.from(document.querySelectorAll("mrow.d")).find((e) => e.dataset.names === "out_o1 net_o1");
        point(d);
        result.marked = Array.from(document.querySelectorAll(".on")).map((e) => e.dataset.names);
        result.lit = lit();
    """,
    )
    assert result["problems"] == []
    assert len(result["marked"]) >= 3
    assert set(result["marked"]) == {"out_o1 net_o1"}
    assert "diagram-unit-o1" in result["lit"]


def test_the_tab_key_reaches_derivatives_and_units():
    result = run(
        page(),
        """
        const d = document.querySelector(".lines mrow.d[tabindex='0']");
        d.focus();
        result.focused = document.activeElement === d;
        result.on = d.classList.contains("on");
        const unit = document.querySelector("svg [tabindex]");
        unit.focus();
        result.lit = document.querySelectorAll(".sb-lit").length;
    """,
    )
    assert result["problems"] == []
    assert result["focused"]
    assert result["on"]
    assert result["lit"] > 0


def test_symbols_and_numbers_can_be_shown_alone():
    result = run(
        page(),
        """
        const shown = (kind) => Array.from(document.querySelectorAll(".part." + kind)).filter((e) => e.offsetWidth > 0).length;
        const press = (view) => document.querySelector("[data-view='" + view + "']").click();
        for (const view of ["both", "symbols", "numbers", "both"]) {
          press(view);
          result[view] = [shown("symbols"), shown("numbers"), shown("result")];
        }
        result.pressed = document.querySelector("[data-view='both']").getAttribute("aria-pressed");
    """,
    )
    symbols, numbers, results = result["both"]
    assert min(symbols, numbers, results) > 5
    assert result["symbols"] == [symbols, 0, 0]
    assert result["numbers"] == [0, numbers, results]
    assert result["pressed"] == "true"
    assert result["problems"] == []


def test_a_teacher_uncovers_the_answers_one_by_one():
    result = run(
        page(),
        """
        const covered = () => document.querySelectorAll(".covered").length;
        const button = (what) => document.querySelector("[data-answers='" + what + "']");
        result.start = covered();
        button("hide").click();
        result.hidden = covered();
        const first = document.querySelector(".covered");
        result.invisible = getComputedStyle(first).visibility;
        result.announced = first.getAttribute("aria-hidden");
        button("next").click(); button("next").click();
        result.two = covered();
        result.status = document.querySelector(".status").textContent;
        button("all").click();
        result.end = covered();
    """,
    )
    assert result["problems"] == []
    assert (result["start"], result["end"]) == (0, 0)
    assert result["hidden"] > 30
    assert result["invisible"] == "hidden"
    assert result["announced"] == "true"
    assert result["two"] == result["hidden"] - 2
    assert result["status"].startswith("2 of ")


def test_a_students_page_has_nothing_to_uncover():
    result = run(
        page(audience="student"),
        """
        result.buttons = document.querySelectorAll("[data-answers]").length;
        result.marks = document.querySelectorAll("[data-hidden]").length;
    """,
    )
    assert (result["buttons"], result["marks"], result["problems"]) == (0, 0, [])


def test_without_javascript_it_is_a_plain_page():
    text = page().replace("<script>", "<script type='text/plain'>")  # as if the browser ran none
    shown = dump(text)
    assert 'class="toolbar" role="toolbar" aria-label="Show" hidden' in shown
    assert "covered" not in shown.split("</style>")[1].split("<script")[0]


def test_nothing_is_asked_for_from_outside_and_nothing_is_wider_than_the_page():
    result = run(
        page(level="full", lang="zh"),
        """
        result.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
        result.wide = Array.from(document.querySelectorAll("table, math, p, pre, figure"))
          .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length;
    """,
    )
    assert result["loaded"] == []
    assert result["wide"] == 0
    assert result["problems"] == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext installed")
def test_printing_clips_no_formula(tmp_path):
    print_pdf(page(level="full"), tmp_path / "printed.pdf")
    done = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "printed.pdf"), "-"], capture_output=True, text=True, check=True, timeout=60
    )
    import re

    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', done.stdout, re.DOTALL)
    assert len(pages) >= 3
    for width, _, words in pages:
        rights = [float(right) for right in re.findall(r'xMax="([\d.]+)"', words)]
        assert max(rights) < float(width) - 30  # inside the margin


def test_the_browser_tests_see_a_broken_script():
    broken = page().replace("toolbar.hidden = false;", "toolbar.hidden = false; undefinedFunction();")
    result = run(broken, "result.fine = true;")
    assert result["problems"]


@pytest.mark.parametrize("width", [1000, 700])
@pytest.mark.parametrize("name", ["two_three_two", "mlp_softmax"])
def test_nothing_sticks_out_of_the_page(name, width):
    script = """
        const root = document.querySelector("main");
        const edge = root.getBoundingClientRect().right + 1;
        result.over = Array.from(root.querySelectorAll(".lines td, .lines .part, p, figure"))
            .filter((e) => e.getBoundingClientRect().right > edge).map((e) => e.textContent.slice(0, 60));
        result.count = root.querySelectorAll(".lines td").length;
    """
    result = run(html(outline_of(name, HandoutOptions())), script, f"--window-size={width},900")
    assert result["count"] > 20
    assert result["over"] == []
