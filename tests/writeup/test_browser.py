"""The page in a real browser: highlighting, symbols and numbers, answers one by one, without JavaScript, printed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from symbackprop.writeup.student.leaks import given_numbers, leaks
from tests.writeup.browser import CHROMIUM, dump, print_pdf, run
from tests.writeup.support import document, document_answers, outline_of

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
        const d = Array.from(document.querySelectorAll(".lines [data-n*=' ']")).find((e) => e.dataset.n === "out_o1 net_o1");
        point(d);
        result.marked = Array.from(document.querySelectorAll(".on")).map((e) => e.dataset.n);
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
        const d = document.querySelector(".lines [data-n][tabindex='0']");
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
        const seen = (e) => e.getClientRects().length > 0;
        const sides = ".lines td:nth-child(2):not(.why) math";
        const shown = (kind) => Array.from(document.querySelectorAll(sides + kind)).filter(seen).length;
        const press = (view) => document.querySelector("[data-view='" + view + "']").click();
        for (const view of ["both", "symbols", "numbers", "both"]) {
          press(view);
          result[view] = [shown(":not(.numbers, .result)"), shown(".numbers"), shown(".result")];
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
        const first = document.querySelector(".lines .covered");
        result.invisible = getComputedStyle(first.querySelector(".open")).display;
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
    assert result["invisible"] == "none"
    assert result["two"] == result["hidden"] - 2
    assert result["status"].startswith("2 of ")


VISIBLE = """
    const seen = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode, parent = text.parentElement;
      if (parent.closest("script, style, .toolbar")) continue;
      if (parent.closest("title, desc") ? parent.closest("svg").getBoundingClientRect().width : parent.getClientRects().length)
        seen.push(text.data);
    }
    document.querySelectorAll("[aria-label]").forEach((e) => { if (e.getClientRects().length) seen.push(e.ariaLabel); });
    result.text = seen.join(" ");
"""


@pytest.mark.parametrize(("name", "blanks"), [("two_three_two", "numbers"), ("two_three_two", "rhs"), ("mlp_softmax", "numbers")])
def test_what_is_hidden_is_what_a_student_does_not_see(name, blanks):
    """After `Hide`, everything visible passes the gate of the student's file, the drawing and the code too."""
    outline = outline_of(name, HandoutOptions(blanks=blanks))
    answers = document_answers(name)
    shown = run(html(outline), VISIBLE)
    assert len(leaks(shown["text"], answers)) > 30
    hidden = run(html(outline), "document.querySelector(\"[data-answers='hide']\").click();" + VISIBLE)
    assert leaks(hidden["text"], answers, given_numbers(outline, document(name).network.values.values())) == []
    assert "loss_and_gradients" not in hidden["text"]
    assert hidden["problems"] == []


@pytest.mark.parametrize(
    ("name", "weight", "lit", "unlit"),
    [
        ("two_three_two", "w1", "edge-w1 edge-w7 edge-w8 unit-h1 unit-o1 unit-o2 unit-E_o1", "edge-w3 edge-w9 unit-h2"),
        ("two_three_two", "w7", "edge-w7 unit-o1 unit-E_o1", "edge-w1 edge-w8 unit-h1 unit-o2"),
        ("two_three_two", "b2", "unit-o1 unit-o2 bias-b2-o1", "edge-w7 edge-w1 unit-h1 bias-b1-h1"),
        ("mlp_softmax", "W1", "edge-W1 edge-W2 unit-A1", "unit-X"),
    ],
)
def test_every_element_of_a_path_lights_up(name, weight, lit, unlit):
    """By the computed style: every line of the path is red and opaque, everything else is dimmed."""
    script = """
        const list = (names) => names.split(" ").map((name) => document.getElementById("diagram-" + name));
        const root = getComputedStyle(document.documentElement);
        const probe = document.createElement("i");
        probe.style.color = root.getPropertyValue("--path"); document.body.append(probe);
        const red = getComputedStyle(probe).color;
        const named = Array.from(document.querySelectorAll("math [data-n]"));
        point(named.find((e) => e.dataset.n.split(" ").pop() === "WEIGHT"));
        const lines = (item) => Array.from(item.querySelectorAll(".sb-line, .sb-outline"));
        const strokes = (item) => lines(item).map((e) => getComputedStyle(e).stroke);
        result.missing = [...list("UNLIT"), ...list("LIT")].filter((item) => item === null).length;
        const opaque = (item) => getComputedStyle(item).opacity === "1";
        result.lit = list("LIT").every((item) => opaque(item) && strokes(item).every((stroke) => stroke === red));
        result.dim = list("UNLIT").map((item) => Number(getComputedStyle(item).opacity));
    """
    script = POINT + script.replace("UNLIT", unlit).replace("LIT", lit).replace("WEIGHT", weight)
    result = run(html(outline_of(name, HandoutOptions())), script)
    assert result["problems"] == []
    assert result.get("thrown") is None
    assert (result["missing"], result["lit"]) == (0, True)
    assert max(result["dim"]) < 0.5


def test_a_students_page_has_nothing_to_uncover():
    result = run(
        page(audience="student"),
        """
        result.buttons = document.querySelectorAll("[data-answers]").length;
        result.marks = document.querySelectorAll(".answer, .asked").length;
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
        result.over = Array.from(root.querySelectorAll(".lines td, .lines math, p, figure"))
            .filter((e) => e.getBoundingClientRect().right > edge).map((e) => e.textContent.slice(0, 60));
        result.count = root.querySelectorAll(".lines td").length;
    """
    result = run(html(outline_of(name, HandoutOptions())), script, f"--window-size={width},900")
    assert result["count"] > 20
    assert result["over"] == []
