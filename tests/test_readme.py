"""The examples of README and docs are run as they stand (tests/pages.py; all of them from the built wheel: `make pages`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import pages


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages.PAGES if page.name == "README.md"], ids=pages.named)
def test_what_a_page_shows_is_what_is_printed(page: Path, tmp_path: Path) -> None:
    assert list(pages.differences(page, sys.executable, tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "printed\n1"),
        ("```console\n$ echo 1\n2\n```\n", "printed\n1"),
        ("```python\nprint(np.pi)\n```\n", "name 'np' is not defined"),
        ("```python\nimport warnings\n\nwarnings.warn('old')\n```\n", "UserWarning: old"),
    ],
    ids=["python", "console", "nothing is given to it", "a warning"],
)
def test_what_is_not_so_is_said(text: str, said: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    (difference,) = pages.differences(page, sys.executable, tmp_path)
    assert said in difference


def test_a_file_of_a_page_is_there_for_its_session_and_its_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    file = '```python title="a.py"\nx = 1\n```\n\n'
    session = "```python\nimport a\nprint(a.x)\n```\n\n```text\n1\n```\n\n"
    page.write_text(file + session + "```console\n$ cat a.py\nx = 1\n```\n", encoding="utf-8")
    assert list(pages.differences(page, sys.executable, tmp_path)) == []


def test_every_page_of_the_site_is_looked_at() -> None:
    assert {"README.md", "README.zh.md", "docs/index.md", "docs/how-to/student.md"} <= {pages.named(page) for page in pages.PAGES}
