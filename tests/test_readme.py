"""Every example of the README and the docs is run, and what stands below it is what it prints."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from symbackprop.cli import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONG = {"tutorial.md", "handouts.md"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, int]]:
    """Return (language, text, line) of the code blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [(found[1], found[2], text[: found.start()].count("\n") + 2) for found in BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in LONG else []) for page in PAGES],
)
def test_python_examples_run_and_print_what_is_shown(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "derivations").symlink_to(ROOT / "derivations")
    monkeypatch.chdir(tmp_path)  # an example may write files
    scope: dict[str, object] = {"np": np, "__name__": "example"}
    found = blocks(page)
    for at, (language, text, line) in enumerate(found):
        if language != "python":
            continue
        name = "example.py"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)  # so that its source can be found
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, name, "exec"), scope)
        if at + 1 < len(found) and found[at + 1][0] == "text":
            assert printed.getvalue().strip() == found[at + 1][1].strip(), f"{page.name}:{line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_examples_print_what_is_shown(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for language, text, line in blocks(page):
        if language != "console":
            continue
        for session in re.split(r"(?m)^\$ ", text)[1:]:
            command, _, expected = session.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "symbackprop", f"{page.name}:{line}"
            result = CliRunner().invoke(cli, arguments)
            assert [part.rstrip() for part in result.output.strip().splitlines()] == expected.strip().splitlines(), command


def test_a_wrong_output_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        test_python_examples_run_and_print_what_is_shown(page, tmp_path, monkeypatch)
