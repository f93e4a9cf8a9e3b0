"""Guides that are executed: a section of CONTRIBUTING.md is applied to a copy of the package and run there.

A guide is a `## ` section. Its fenced blocks are steps, told apart by the words after the fence; other blocks are only read:

    ```diff symbackprop/some/module.py      lines in order: ` ` and `-` must stand there exactly once, `+` is put in
    ```python new symbackprop/some/file.py  the whole of a new file
    ```python run                           executed in a process of its own; it must end without an exception
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ROOT / "CONTRIBUTING.md"
_BLOCK = re.compile(r"^```(\w+) +([^\n]+)\n(.*?)^```$", re.M | re.S)


class BrokenGuide(AssertionError):
    """A step of a guide that does not fit the package."""


@dataclass(frozen=True, slots=True)
class Step:
    """One block: what is done (`diff`, `new`, `run`), to which file, and the text."""

    action: str
    path: str
    text: str


def guides(text: str) -> Mapping[str, tuple[Step, ...]]:
    """Return the steps of each section that has some, by its heading."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        steps = tuple(_step(*match.groups()) for match in _BLOCK.finditer(section))
        if steps:
            found[section.partition("\n")[0].strip()] = steps
    return found


def _step(language: str, words: str, text: str) -> Step:
    match language, words.split():
        case "diff", [path]:
            return Step("diff", path, text)
        case "python", ["new", path]:
            return Step("new", path, text)
        case "python", ["run"]:
            return Step("run", "", text)
    raise BrokenGuide(f"```{language} {words}: expected `diff FILE`, `python new FILE` or `python run`")


def edited(source: str, diff: str, path: str) -> str:
    """Return a source with a diff applied: its old lines must stand in the source exactly once."""
    lines = [line or " " for line in diff.splitlines()]
    strange = [line for line in lines if line[0] not in " +-"]
    if strange:
        raise BrokenGuide(f"{path}: a line of a diff begins with a space, + or -, got {strange[0]!r}")
    old = [line[1:] for line in lines if line[0] != "+"]
    new = [line[1:] for line in lines if line[0] != "-"]
    there = source.splitlines()
    places = [at for at in range(len(there)) if old and there[at : at + len(old)] == old]
    if len(places) != 1:
        raise BrokenGuide(f"{path}: these lines stand there {len(places)} times, expected once:\n{chr(10).join(old)}")
    (at,) = places
    return "".join(f"{line}\n" for line in (*there[:at], *new, *there[at + len(old) :]))


def touched(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the files of the package that a guide changes or makes; tests and pages are not counted."""
    return tuple(dict.fromkeys(step.path for step in steps if step.path.startswith("symbackprop/")))


def copied(target: Path) -> Path:
    """Copy what a guide may change into a folder."""
    for name in ("symbackprop", "derivations"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def apply(steps: tuple[Step, ...], folder: Path) -> Iterator[str]:
    """Apply the steps to a copy in order; yield the scripts to run."""
    for step in steps:
        path = folder / step.path
        if step.action == "run":
            yield step.text
        elif step.action == "new":
            if path.exists():
                raise BrokenGuide(f"{step.path}: is there already")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        else:
            path.write_text(edited(path.read_text(encoding="utf-8"), step.text, step.path), encoding="utf-8")


def run(script: str, folder: Path) -> None:
    """Run a script with the copy as the package; raises BrokenGuide with what it printed when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    path = folder / "guide.py"  # a file, so that the sources of its functions can be read
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(path)]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        raise BrokenGuide(f"{script}\n{ran.stdout}{ran.stderr}")
