"""Titles, schools, names and sources that look like markup or code stay text: the page around them is that of a plain one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from symbackprop.api import Derivation, derive
from symbackprop.formula.print.latex_prose import latex_prose
from symbackprop.network import Network, sigmoid
from symbackprop.network.wording import LocalizedText, on_a_line
from symbackprop.writeup.lesson.page import lesson
from symbackprop.writeup.make import rendered
from symbackprop.writeup.page.options import HandoutOptions

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)> &lt; ]]> --> <!--",
    "\\x \\input{a} \\end{document} % & ~ ^ _",
    "one\r\n\n# two\n\n```\nthree\x85\u2028four",
    "#let x = 1; #panic() @ref <label> = head",
    "$x$ $$y$$ `c` *b* _i_ | d | --- [a](javascript:alert(1))",
    "\u202egnp.\u2066exe \u200f",
    "nul\x00bell\x07escape\x1b[31m\x7f \ufffe",
    "half a pair \ud83d",
    "{{7*7}} %s ${1} {0} // */ /* \" ' ''' \"\"\" \\",
)
PLAIN = "plain"


def network(title: str = PLAIN, because: str = PLAIN) -> Derivation:
    net = Network(title)
    w, x = net.parameter("w", value=0.5), net.input("x", value=2)
    net.assume(x, 2, because=because)
    net.define("E", (sigmoid(net.define("z", w * x)) - 1) ** 2)
    return derive(net, "E")


def made_of(suffix: str, text: str, slides: bool = False) -> bytes:
    """Return a student's handout in which every text from outside is `text`."""
    options = HandoutOptions(
        audience="student", title=text, school=text, date=text, pupil=(text, text), sources=(text,), slides=slides
    ).without("exercises")  # these are drawn by the title
    return rendered(network(text, text), suffix, options)[""]


def file(suffix: str, text: str, slides: bool = False) -> str:
    return made_of(suffix, text, slides).decode("utf-8")


class _Skeleton(HTMLParser):
    """Collects the elements of a page and the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")


def skeleton(page: str) -> list[Any]:
    reader = _Skeleton()
    reader.feed(page)
    return reader.found


def page_of(kind: str, text: str) -> str:
    if kind == "lesson":
        return lesson(network(text, text))
    return file(".html", text, slides=kind == "deck")


@cache
def plain_skeleton(kind: str) -> list[Any]:
    return skeleton(page_of(kind, PLAIN))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_one_line_that_every_file_can_hold(text: str) -> None:
    line = on_a_line(text)
    assert line.encode("utf-8")
    assert line.isprintable() or "\u200f" in line
    assert len(line.splitlines()) == 1
    assert Network(text).title == line
    assert LocalizedText.of({"zh": text}) == line


def test_a_line_keeps_what_it_may_hold() -> None:
    for text in ("两层网络 — 反向传播", "שלום \u200f(2-3-2)\u200e", "a \U0001f9ee b", 'a "b" <c>'):
        assert on_a_line(text) == text


@pytest.mark.parametrize("kind", ["page", "deck", "lesson"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_an_element_to_a_page(kind: str, text: str) -> None:
    assert skeleton(page_of(kind, text)) == plain_skeleton(kind)


def test_the_skeleton_sees_an_element_too_many() -> None:
    assert skeleton(page_of("page", PLAIN).replace("</h1>", "<b></b></h1>", 1)) != plain_skeleton("page")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_a_line_to_markdown_or_a_cell_to_a_notebook(text: str) -> None:
    made, plain = (file(".md", said) for said in (text, PLAIN))
    kinds = [[line.startswith("#") for line in page.splitlines()] for page in (made, plain)]
    assert kinds[0] == kinds[1]
    cells, plain_cells = (json.loads(file(".ipynb", said))["cells"] for said in (text, PLAIN))
    assert [cell["cell_type"] for cell in cells] == [cell["cell_type"] for cell in plain_cells]
    for cell in cells:
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), "cell", "exec")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_a_command_to_latex(text: str) -> None:
    made, plain = (file(".tex", said) for said in (text, PLAIN))
    line = on_a_line(text)
    assert latex_prose(line) in made
    bare = made.replace(latex_prose(line), latex_prose(PLAIN))
    comments = re.compile(r"(?m)(?<!\\)%.*$")
    assert comments.sub("", bare).splitlines() == comments.sub("", plain).splitlines()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext installed")
@pytest.mark.parametrize("slides", [False, True])
def test_typst_prints_every_text_as_it_is(slides: bool, tmp_path: Path) -> None:
    for text in HOSTILE:
        made = made_of(".pdf", text, slides)
        (tmp_path / "page.pdf").write_bytes(made)
        done = subprocess.run(
            ["pdftotext", "-raw", str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True, timeout=60
        )
        said = re.findall(r"[A-Za-z]{3,}", on_a_line(text))
        assert [word for word in said if word not in done.stdout] == []
