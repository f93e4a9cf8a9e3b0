"""What is found is shown: once, in its place, escaped, in every format; and the exit codes say it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import symbackprop
from symbackprop.cli import cli
from symbackprop.errors import UserError
from symbackprop.proofreading.proofread import proofread_text
from symbackprop.proofreading.proofread_report import ProofreadReport

WRONG = (
    "# A <b>title</b> & more\n\n$y = w x$, so\n\n$$\\frac{\\partial y}{\\partial w} = 2 x$$\n\n"
    "<script>alert(1)</script> $1 + 1 = 3$\n"
)
RIGHT = "$y = w x$, so $\\frac{\\partial y}{\\partial w} = x$.\n"
UNREAD = RIGHT + "\n$$a = \\unheard{b} = c$$\n"


@pytest.fixture
def wrong() -> ProofreadReport:
    return proofread_text(WRONG)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["proofread", *map(str, arguments)])


def test_the_function_is_on_the_surface() -> None:
    assert symbackprop.proofread.__name__ == "proofread"
    assert "proofread" in symbackprop.__all__


def test_what_cannot_be_read_is_said_once_and_counted() -> None:
    report = proofread_text(UNREAD)
    assert report.text().count(r"unknown macro \unheard") == 1
    assert "cannot be read (2 =)" in report.text()
    assert report.to_markdown().count("unheard{") == report.to_html().count("unknown macro") == 1
    assert report.ok
    assert not report.complete


@pytest.mark.parametrize(
    ("wrong", "repair"), [("1 + 1 = 3", "2"), ("2 \\cdot 3 = 5", "6"), ("0.5 \\cdot 0.5 = 0.35", "0.25"), ("1/2 - 1 = 1", "-0.5")]
)
def test_a_whole_number_is_mended_by_a_whole_number(wrong: str, repair: str) -> None:
    (claim,) = proofread_text(f"${wrong}$").claims
    assert claim.remedy is not None
    assert claim.remedy.repair == repair


class _Elements(HTMLParser):
    """The elements that a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.open += [tag] if tag not in ("meta", "mspace") else []

    def handle_endtag(self, tag: str) -> None:
        if tag != "mspace":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_is_escaped_and_sets_the_formulas(wrong: ProofreadReport) -> None:
    page = _Elements(wrong.to_html())
    assert page.open == []
    assert not {"script", "b"} & set(page.tags)
    assert page.tags.count("math") == 3
    assert "<script>alert(1)</script>" in page.words
    assert "write x for 2 x" in page.words or "write nothing for 2" in page.words


def test_a_table_row_has_four_cells_whatever_is_written() -> None:
    report = proofread_text("$y = |w|$ and $|w| = 2 |w|$, <i>\n\n$$\\foo|x = 1$$\n")
    rows = [line for line in report.to_markdown().splitlines() if line.startswith("|")]
    assert len(rows) > 2
    assert {line.count("|") for line in rows} == {5}


def test_exit_codes(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.md" for name in ("wrong", "right", "unread")}
    for name, text in (("wrong", WRONG), ("right", RIGHT), ("unread", UNREAD)):
        files[name].write_text(text, encoding="utf-8")
    assert [run(files[name]).exit_code for name in ("right", "wrong", "unread")] == [0, 1, 1]
    assert run(files["unread"], "--partial").exit_code == 0
    assert run(files["right"], files["wrong"], "--partial").exit_code == 1
    assert run(files["right"], tmp_path / "none.md").exit_code == 2
    several = run(files["right"], files["unread"], "--json")
    assert [item["complete"] for item in json.loads(several.stdout)] == [True, False]
    assert json.loads(run(files["right"], "--json").stdout)["ok"]


def test_files_are_written_beside_and_not_replaced_unasked(tmp_path: Path) -> None:
    text, other = tmp_path / "a.md", tmp_path / "b.md"
    text.write_text(WRONG, encoding="utf-8")
    other.write_text(RIGHT, encoding="utf-8")
    assert run(text, "--fix").exit_code == 1
    assert "$1 + 1 = 2$" in (tmp_path / "a.corrected.md").read_text(encoding="utf-8")
    assert text.read_text(encoding="utf-8") == WRONG
    again = run(text, "--fix")
    assert isinstance(again.exception, UserError)
    assert run(text, "--fix", "--force").exit_code == 1
    assert run(other, "--fix").exit_code == 0
    assert not (tmp_path / "b.corrected.md").exists()  # nothing is wrong in it
    assert run(text, other, "--html", tmp_path / "pages").exit_code == 1
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["a.md.html", "b.md.html"]
    assert isinstance(run(text, "--html", text, "--force").exception, UserError)
    assert text.read_text(encoding="utf-8") == WRONG


def test_a_text_handed_to_check_is_sent_here(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "tutorial.md")])
    assert "symbackprop proofread" in str(result.exception)
