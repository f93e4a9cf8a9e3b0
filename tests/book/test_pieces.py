"""A book: what a command makes in each kind of book, and that what does not hold ends the building."""

from __future__ import annotations

import io
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from symbackprop.book.mkdocs_blocks import with_blocks
from symbackprop.book.pandoc_filter import filtered, main
from symbackprop.book.pieces import IN_HTML, pieces, verified
from symbackprop.errors import UserError

NETWORK = """
from symbackprop import Network, sigmoid
network = Network("one neuron")
x, w, t = network.input("x", value=2.0), network.parameter("w", value=0.5), network.target("t", value=1.0)
y = network.define("y", sigmoid(w * x))
loss = network.define("E", (y - t) ** 2 / 2)
"""
RIGHT = """
import numpy as np
def gradients(x, w, t):
    y = 1 / (1 + np.exp(-w * x))
    return {"w": (y - t) * y * (1 - y) * x}
"""
FORMULA = r"\frac{\partial E}{\partial w} = (y - t) y (1 - y) x"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("network.py", NETWORK), ("right.py", RIGHT), ("wrong.py", RIGHT.replace("(1 - y)", "(1 + y)"))):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_commands_make(folder: Path) -> None:
    heading, formula = pieces("derive network.py w", folder)
    assert (heading.kind, heading.text) == ("heading", "∂E/∂w")
    assert (formula.kind, formula.text) == ("math", FORMULA)
    (source,) = pieces("code network.py", folder)
    assert source.kind == "code"
    assert "def loss_and_gradients" in source.text
    (shown,) = pieces("derive network.py w --format text", folder)
    assert (shown.kind, shown.text) == ("text", "∂E/∂w = (y - t)·y·(1 - y)·x\n")


@pytest.mark.slow
def test_a_check_has_to_come_out_as_the_author_says(folder: Path) -> None:
    (report,) = pieces("check network.py right.py", folder)
    assert "proved" in report.text
    assert "mend" in pieces("check network.py wrong.py", folder, differs=True)[0].text
    with pytest.raises(UserError, match="something differs or is missing"):
        pieces("check network.py wrong.py", folder)
    with pytest.raises(UserError, match="nothing differs, though the author says so"):
        pieces("check network.py right.py", folder, differs=True)
    (lesson,) = pieces("lesson network.py", folder)
    assert (lesson.kind, lesson.text[:15].lower()) == ("page", "<!doctype html>")
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".html") == [], "nothing is left beside the chapter"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train network.py", "expected one of derive, check, code, explain, lesson, got train"),
        ("", "got nothing"),
        ("derive 'network.py", "No closing quotation"),
        ("derive network.py v", "unknown name v"),
        ("derive network.py --stepz all", "No such option"),
        ("derive nowhere.py", "no such network"),
    ],
)
def test_what_is_no_command_is_said(command: str, message: str, folder: Path) -> None:
    with pytest.raises(UserError, match=message):
        pieces(command, folder)


def test_marked_parts_are_derived_again(folder: Path) -> None:
    text = "<!-- symbackprop: derive network.py w -->\n∂E/∂w = {}\n<!-- /symbackprop -->\n"
    verified(folder / "a.md", text.format("(y - t)·y·(1 - y)·x"))
    with pytest.raises(UserError, match=r"a\.md:1: differs: derive network\.py w; symbackprop verify --update"):
        verified(folder / "a.md", text.format("(y - t)·x"))


def test_blocks_of_a_page_of_mkdocs(folder: Path) -> None:
    page = "# One\n\n```symbackprop\nderive network.py w\n```\n\n```python\nx = 1\n```\n"
    made = with_blocks(page, folder / "page.md")
    shown = made.removeprefix("# One\n\n").removesuffix("\n\n```python\nx = 1\n```\n")
    box = ET.fromstring(shown)  # in Markdown of pages formulas need no program that sets LaTeX
    assert [part.tag.rpartition("}")[2] for part in (box, *box, box[1][0])] == ["div", "p", "div", "math"]
    assert "\n\n" not in shown.strip()
    table = with_blocks('```symbackprop\nexplain right.py:gradients --shapes "x: w: t:"\n```\n', folder / "page.md")
    assert [part.tag for part in ET.fromstring(table)] == ["table", "p"]
    assert "<html" not in table


def block(text: str, *classes: str) -> dict[str, object]:
    return {"t": "CodeBlock", "c": [["", list(classes), []], text]}


def test_blocks_of_pandoc(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    other = block("x = 1", "python")
    tree = {"blocks": [{"t": "BlockQuote", "c": [block("derive network.py w", "symbackprop")]}, other], "meta": {}}
    quote, untouched = filtered(tree, folder)["blocks"]
    assert quote["c"][1] == {"t": "Para", "c": [{"t": "Math", "c": [{"t": "DisplayMath"}, FORMULA]}]}
    assert untouched == other
    (code,) = filtered([block('explain right.py:gradients --shapes "x: w: t:"', "symbackprop")], folder)
    assert code["t"] == "CodeBlock"
    (page,) = filtered([block('explain right.py:gradients --shapes "x: w: t:"', "symbackprop")], folder, IN_HTML)
    assert (page["t"], page["c"][0], page["c"][1][:7]) == ("RawBlock", "html", "<table>")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["symbackprop-pandoc", "html"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(tree)))
    main()
    assert json.loads(capsys.readouterr().out) == filtered(tree, folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([block("derive network.py v", "symbackprop")])))
    with pytest.raises(SystemExit, match=r"symbackprop: .*unknown name v"):
        main()


PAGE = """
One
===

.. symbackprop:: derive network.py w --steps standard

.. symbackprop:: lesson network.py

"""


@pytest.mark.slow
def test_a_book_of_sphinx(folder: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed (the extra `sphinx`)")
    from sphinx.application import Sphinx  # the extra is there
    from sphinx.errors import ExtensionError  # as above

    def built(page: str) -> str:
        (folder / "index.rst").write_text(page, encoding="utf-8")
        settings = {"extensions": ["symbackprop.book.sphinx_directive"]}
        app = Sphinx(folder, None, folder / "out", folder / "trees", "html", settings, status=None, warning=None)  # type: ignore[arg-type]
        app.build()
        return (folder / "out" / "index.html").read_text(encoding="utf-8")

    page = built(PAGE)
    assert r"\frac{\partial E}{\partial w}" in page
    assert "<iframe srcdoc=" in page
    assert "mend" in built(f"{PAGE}.. symbackprop:: check network.py wrong.py\n   :differs:\n")
    with pytest.raises(ExtensionError, match=r"index\.rst:\d+: check network\.py wrong\.py: something differs"):
        built(f"{PAGE}.. symbackprop:: check network.py wrong.py\n")
    with pytest.raises(ExtensionError, match=r"index\.rst:1: differs: derive network\.py w"):
        built(f"% symbackprop: derive network.py w\n% /symbackprop\n{PAGE}")
