"""The guides of CONTRIBUTING.md hold: each is applied to a copy of the package and run there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guides import GUIDES, BrokenGuide, apply, copied, edited, guides, run, touched

ALL = guides(GUIDES.read_text(encoding="utf-8"))
#: How many files of the package a guide may touch; one where nothing is said.
FILES: dict[str, int] = {}


@pytest.mark.slow
@pytest.mark.parametrize("title", ALL)
def test_a_guide_fits_the_package(title: str, tmp_path: Path) -> None:
    scripts = list(apply(ALL[title], copied(tmp_path)))
    assert scripts, "a guide shows with `python run` that it works"
    assert len(touched(ALL[title])) <= FILES.get(title, 1)


@pytest.mark.slow
@pytest.mark.parametrize("title", ALL)
def test_a_guide_works(title: str, tmp_path: Path) -> None:
    for script in apply(ALL[title], copied(tmp_path)):
        run(script, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("title", ALL)
def test_without_its_edits_a_guide_fails(title: str, tmp_path: Path) -> None:
    scripts = [step.text for step in ALL[title] if step.action == "run"]
    copied(tmp_path)
    with pytest.raises(BrokenGuide):
        run("\n".join(scripts), tmp_path)


SAMPLE = """# Title
## How to add a thing
Text.
```diff symbackprop/errors.py
 a
-b
+c
```
```python run
import symbackprop
```
"""


def test_steps_are_read_in_order() -> None:
    (steps,) = guides(SAMPLE).values()
    assert [(step.action, step.path) for step in steps] == [("diff", "symbackprop/errors.py"), ("run", "")]
    assert touched(steps) == ("symbackprop/errors.py",)


def test_a_diff_replaces_lines_that_stand_once() -> None:
    assert edited("x\na\nb\ny\n", " a\n-b\n+c\n", "f") == "x\na\nc\ny\n"
    for source in ("x\na\ny\n", "a\nb\na\nb\n", "xa\nb\n"):
        with pytest.raises(BrokenGuide, match="expected once"):
            edited(source, " a\n-b\n+c\n", "f")


@pytest.mark.parametrize("block", ["```python old x.py\n```", "```diff\x20\x20a b\n```", "```python run now\n```"])
def test_an_unknown_step_is_refused(block: str) -> None:
    with pytest.raises(BrokenGuide, match="expected"):
        guides(f"## How\n{block}\n")


def test_a_failing_script_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BrokenGuide, match="AssertionError"):
        run("assert 1 == 2", tmp_path)
    run("assert 1 == 1", tmp_path)
