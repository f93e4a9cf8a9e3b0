"""The examples of docs/handouts.md run as they stand and print what the page says."""

from __future__ import annotations

import re

from symbackprop.writeup.make import FORMATS
from symbackprop.writeup.options import PARTS
from tests.conftest import ROOT


def test_the_examples_of_the_page_run(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "handouts.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "derivations").symlink_to(ROOT / "derivations")
    space: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(code, "docs/handouts.md", "exec"), space)
    (printed,) = re.findall(r"```\n(class.*?)```", page, re.DOTALL)
    assert capsys.readouterr().out == printed
    assert (tmp_path / "build/handouts/teacher.html").exists()


def test_the_page_names_every_part_and_format():

    page = (ROOT / "docs" / "handouts.md").read_text(encoding="utf-8")
    for word in (*PARTS, *FORMATS):
        assert f"`{word}`" in page, word
