"""LaTeX sets a document, and what is amiss in it: errors, boxes that stick out, letters that are missing. For tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

needs_tex = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("pdflatex", "xelatex", "pdftotext")),
    reason="pdflatex, xelatex or pdftotext is not installed",
)
#: Points that a reader does not see.
SLACK = 2.0
#: Points between the edge of the paper and what is printed.
MARGIN = 19 / 25.4 * 72
_OVERFULL = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)[^\n]*")
_AMISS = re.compile(r"^!.*|Missing character: .*|LaTeX Warning: (?:Reference|Citation|Command).*", re.MULTILINE)
_PAGE = re.compile(r'<page width="([\d.]+)" height="[\d.]+">(.*?)</page>', re.DOTALL)
_WORD = re.compile(r'<word xMin="([-\d.]+)" yMin="[^"]+" xMax="([-\d.]+)" yMax="[^"]+">([^<]*)')


def amiss(source: str, folder: Path, margin: float = 0.0) -> list[str]:
    """Return what is amiss in a document: what its log says, and the words in the margin."""
    (folder / "page.tex").write_text(source, encoding="utf-8")
    program = "xelatex" if "% !TEX program = xelatex" in source else "pdflatex"
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    found = amiss_in_log((folder / "page.log").read_text(encoding="utf-8", errors="replace"))
    if done.returncode != 0:
        return found or [f"{program}: exit code {done.returncode}"]
    return found + (words_beyond(folder / "page.pdf", margin) if margin else [])


def amiss_in_log(log: str) -> list[str]:
    """Return the errors, the boxes that stick out, and the missing letters and references of a log."""
    wide = [found[0] for found in _OVERFULL.finditer(log) if float(found[1]) > SLACK]
    return wide + [found[0] for found in _AMISS.finditer(log)]


def words_beyond(path: Path, margin: float) -> list[str]:
    """Return the words of a PDF that reach into its margins (the empty half of a Chinese comma may), and what stands for 𝟙 in a
    face that has none.
    """
    done = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True, check=True, timeout=60)
    found = []
    for wide, words in _PAGE.findall(done.stdout):
        for left, right, word in _WORD.findall(words):
            end = float(wide) - margin + (8.0 if word[-1:] in "，。；：）" else SLACK)
            if "⊮" in word or float(left) < margin - SLACK or float(right) > end:
                found.append(word)
    return found
