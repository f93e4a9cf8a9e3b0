"""The pages of the gallery, made by the library itself whenever the site is built (a hook of MkDocs)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

#: file -> the command that makes it, without `symbackprop` and `-o FILE`
PAGES = {
    "two_three_two-teacher.html": "handout derivations/two_three_two --graph",
    "two_three_two-teacher-zh.html": "handout derivations/two_three_two --lang zh --notation two_three_two",
    "two_three_two-student.html": "handout derivations/two_three_two --for student",
    "two_three_two-key.html": "handout derivations/two_three_two --for key",
    "mlp_softmax-teacher.html": "handout derivations/mlp_softmax",
    "mlp_softmax-teacher-zh.html": "handout derivations/mlp_softmax --lang zh",
    "linear_regression-teacher.html": "handout derivations/linear_regression",
    "perceptron-teacher.html": "handout derivations/perceptron",
}
#: pages of checked code: these commands end with 1, since something differs
CHECKED = {"linear_regression-check.html": "check derivations/linear_regression"}


def on_post_build(config: Any) -> None:
    """Write the pages into the finished site; a command that fails fails the build."""
    folder = Path(config["site_dir"]) / "gallery"
    folder.mkdir(exist_ok=True)
    for name, command in PAGES.items():
        _run([*command.split(), "-o", str(folder / name), "--force"], 0)
    for name, command in CHECKED.items():
        _run([*command.split(), "--html", str(folder / name), "--force"], 1)


def _run(arguments: list[str], expected: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "symbackprop", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != expected:
        raise SystemExit(f"symbackprop {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
