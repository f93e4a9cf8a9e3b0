"""`symbackprop verify`: marked parts hold, one that was changed is found with its place, an update mends it alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbackprop.cli import cli

NETWORK = """
from symbackprop import Network, sigmoid
network = Network("one neuron")
x, w, t = network.input("x", value=2.0), network.parameter("w", value=0.5), network.target("t", value=1.0)
y = network.define("y", sigmoid(w * x))
loss = network.define("E", (y - t) ** 2 / 2)
"""
MARKDOWN = """# A chapter

<!-- symbackprop: derive network.py w -->
∂E/∂w = (y - t)·y·(1 - y)·x
<!-- /symbackprop -->

Text with 5 % of something.

<!-- symbackprop: derive network.py w --format latex -->
<!-- /symbackprop -->
"""
LATEX = "\\section{A}\n% symbackprop: derive network.py w\nnothing\n% /symbackprop\nend\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["verify", *map(str, arguments)], catch_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("network.py", NETWORK), ("a.md", MARKDOWN), ("b.tex", LATEX)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_differs_is_found_and_updated(folder: Path) -> None:
    found = run(folder / "a.md", folder / "b.tex")
    assert found.exit_code == 1, found.exception
    assert f"{folder / 'a.md'}:9: differs: derive network.py w --format latex" in found.output
    assert "a.md: 1 of 2 hold" in found.output
    assert (folder / "a.md").read_text(encoding="utf-8") == MARKDOWN, "nothing is written unasked"
    assert run(folder / "a.md", folder / "b.tex", "--update").exit_code == 0
    again = run(folder / "a.md", folder / "b.tex")
    assert (again.exit_code, ": differs:" in again.output) == (0, False)
    text = (folder / "a.md").read_text(encoding="utf-8")
    assert "Text with 5 % of something." in text
    assert r"\frac{\partial E}{\partial w}" in text
    assert (folder / "b.tex").read_text(encoding="utf-8") == LATEX.replace("nothing", "∂E/∂w = (y - t)·y·(1 - y)·x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- symbackprop: derive network.py w -->\nx\n", "is not closed by /symbackprop"),
        (
            "<!-- symbackprop: train network.py -->\n<!-- /symbackprop -->\n",
            "a.md:1: expected one of derive, check, code in the mark, got train",
        ),
        ("<!-- symbackprop: derive network.py v -->\n<!-- /symbackprop -->\n", "unknown name v"),
    ],
)
def test_a_mark_that_cannot_be_followed_is_bad_input(folder: Path, text: str, message: str) -> None:
    (folder / "a.md").write_text(text, encoding="utf-8")
    assert message in str(run(folder / "a.md").exception)
