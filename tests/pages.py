"""Run what a page of the documentation shows, as a reader would: each block as it stands, in an empty folder.

* a block of Python with a title (```` ```python title="own.py" ````) is written to a file of that name;
* any other block of Python is pasted into one session a page; a `text` block after it is what it prints;
* a `console` block is a session: lines after `$` are commands, the rest is what they print.

`python -m tests.pages PYTHON [PAGE…]` runs the pages with another interpreter, such as that of a fresh virtual environment in
which the built wheel is installed: then nothing of this folder is within reach.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r'^```(\w*)(?: title="([^"\n]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)

#: The session: every block under the name example.py, so that a report can name its lines; what each prints, as JSON.
_SESSION = """
import contextlib, io, json, linecache, os, sys
scope, printed = {"__name__": "example"}, []
shown, sys.stdout = sys.stdout, sys.stderr
sys.path.insert(0, os.getcwd())
for text in json.load(sys.stdin):
    linecache.cache["example.py"] = (len(text), None, text.splitlines(keepends=True), "example.py")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(text, "example.py", "exec"), scope)
    printed.append(out.getvalue())
json.dump(printed, shown)
"""


def named(page: Path) -> str:
    """Return the path of a page inside the project."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a page, with its language, its title and the line on which it begins."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2] or "", found[3], text[: found.start()].count("\n") + 2) for found in _BLOCK.finditer(text)]


def differences(page: Path, python: str, folder: Path) -> Iterator[str]:
    """Run the blocks of a page with an interpreter in an (empty) folder; say what is not printed as it is shown.

    Files come first, then the session in Python, then the commands.
    """
    found = blocks(page)
    for block in found:
        if block.title:
            target = folder / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
    yield from _commands(page, found, python, folder)
    yield from _session(page, found, python, folder)


def _session(page: Path, found: Sequence[Block], python: str, folder: Path) -> Iterator[str]:
    pasted = [at for at, block in enumerate(found) if block.language == "python" and not block.title]
    if not pasted:
        return
    done = _run([python, "-c", _SESSION], folder, json.dumps([found[at].text for at in pasted]))
    if done.returncode:
        yield f"{page.name}: {done.stderr}"
        return
    for at, printed in zip(pasted, json.loads(done.stdout), strict=True):
        shown = found[at + 1] if at + 1 < len(found) else None
        if shown is not None and shown.language == "text" and _lines(shown.text) != _lines(printed):
            yield f"{page.name}:{shown.line}: shown\n{shown.text}\nprinted\n{printed}"


def _commands(page: Path, found: Sequence[Block], python: str, folder: Path) -> Iterator[str]:
    for block in found:
        if block.language != "console":
            continue
        for session in re.split(r"(?m)^\$ ", block.text)[1:]:
            command, _, shown = session.partition("\n")
            done = _run(["sh", "-c", command], folder, path=str(Path(python).parent))
            printed = done.stdout + done.stderr
            if _lines(shown) != _lines(printed):
                yield f"{page.name}:{block.line}: $ {command}\nshown\n{shown}\nprinted\n{printed}"


def _run(command: list[str], folder: Path, given: str = "", path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    if path:
        environment["PATH"] = path + os.pathsep + environment["PATH"]
    else:
        environment["PYTHONWARNINGS"] = "error"
    environment["COLUMNS"] = "160"
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, env=environment, timeout=300, check=False
    )


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def main(python: str, pages: Sequence[Path]) -> int:
    """Run pages; print what differs; return how many differences there were."""
    count = 0
    with ThreadPoolExecutor(2) as pool:
        for page, found in zip(pages, pool.map(lambda page: _differences(page, python), pages), strict=True):
            for difference in found:
                print(difference, file=sys.stderr)
            count += len(found)
            print(f"{named(page)}: run", flush=True)
    return count


def _differences(page: Path, python: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        return list(differences(page, python, Path(folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [Path(name).resolve() for name in sys.argv[2:]] or PAGES) > 0)
