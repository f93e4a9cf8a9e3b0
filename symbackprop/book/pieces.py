"""A command as a part of a book: what it prints, in pieces that each kind of book sets in its own way.

derive network.py w1 --steps standard      formulas
check network.py hand.py                   the report, and whether it holds
code network.py                            numpy source
explain my_code.py:backward                formulas beside lines of code
lesson network.py                          a page in a frame
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType

from symbackprop.cli import cli
from symbackprop.cli.verify import problems, run
from symbackprop.errors import UserError, listed

COMMANDS = ("derive", "check", "code", "explain", "lesson")
CLASS = "symbackprop"
DIFFERS = "differs"
"""The word by which an author says that a check is meant to find something wrong."""


@dataclass(frozen=True, slots=True)
class BookPiece:
    """A part of what a command makes: a `heading`, `math` in LaTeX, `code` in Python, `text` as it is, `html`, or a `page`."""

    kind: str
    text: str


IN_LATEX = {"derive": "markdown", "explain": "text"}
IN_HTML = {"derive": "html", "explain": "html"}
"""How a command prints formulas where nothing is said: for a book that sets LaTeX itself, and for one that is pages alone."""


def pieces(
    command: str, folder: Path, *, differs: bool = False, forms: Mapping[str, str] = MappingProxyType(IN_LATEX)
) -> list[BookPiece]:
    """Run a command in a folder and return what it makes.

    Args:
        differs: a check has to find something wrong; else it must not.
        forms: how formulas are printed, by command.

    Raises UserError for what is no such command, and for a check that does not come out as the author says; whatever the command
    raises.
    """
    words = _words(command)
    made = lesson_page(words, folder) if words[0] == "lesson" else None
    if made is not None:
        return [BookPiece("page", made)]
    form = "" if "--format" in words else forms.get(words[0], "")
    shown = run(cli, [*words, *(["--format", form] if form else [])], folder)
    if words[0] == "check" and bool(shown.code) != differs:
        said = "nothing differs, though the author says so" if differs else "something differs or is missing"
        raise UserError(f"{command}: {said}\n{shown.text}")
    if form == "html":
        return [BookPiece("html", _inside(shown.text))]
    if words[0] in ("derive", "explain"):
        return list(_written(shown.text))
    return [BookPiece("code" if words[0] == "code" else "text", shown.text)]


def _inside(page: str) -> str:
    """Return what a page shows below its title, without empty lines, at which Markdown would go on."""
    body = page.partition("</h1>")[2].partition("</body>")[0] or page
    return "\n".join(line for line in body.splitlines() if line.strip()) + "\n"


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command, comments=True)
    except ValueError as error:
        raise UserError(f"{command}: {error}") from None
    if not words or words[0] not in COMMANDS:
        raise UserError(f"expected one of {listed(COMMANDS)}, got {words[0] if words else 'nothing'}")
    return words


def lesson_page(words: Sequence[str], folder: Path) -> str:
    """Return the page of a lesson."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "lesson.html"
        run(cli, [*words, "-o", str(file)], folder)
        return file.read_text(encoding="utf-8")


_PART = re.compile(r"^(?:## (?P<heading>[^\n]+)|\$\$\n(?P<math>.*?)\n\$\$)$", re.MULTILINE | re.DOTALL)


def _written(markdown: str) -> Iterator[BookPiece]:
    """Yield the headings and formulas of what a command prints as Markdown, and what stands between them as text."""
    end = 0
    for found in _PART.finditer(markdown):
        yield from _between(markdown[end : found.start()])
        yield BookPiece("heading", found["heading"]) if found["heading"] else BookPiece("math", found["math"])
        end = found.end()
    yield from _between(markdown[end:])


def _between(text: str) -> Iterator[BookPiece]:
    if text.strip():
        yield BookPiece("text", text.strip() + "\n")


def frame(page: str) -> str:
    """Return a page in a frame, so that neither its style nor its program touches the book."""
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:44em;border:0" loading="lazy"></iframe>'


_MARKDOWN = {
    "heading": "**{}**\n",
    "math": "$$\n{}\n$$\n",
    "code": "```python\n{}```\n",
    "text": "```text\n{}```\n",
    "html": "<div>\n{}</div>\n",
}


def as_markdown(made: Sequence[BookPiece]) -> str:
    """Return pieces as Markdown."""
    return "\n".join(
        f"{frame(piece.text)}\n" if piece.kind == "page" else _MARKDOWN[piece.kind].format(piece.text) for piece in made
    )


def verified(document: Path, text: str) -> None:
    """Derive the marked parts of a text again, as `symbackprop verify` does. Raises UserError naming the first that differs."""
    wrong = problems(document, text, cli)
    if wrong:
        raise UserError(
            f"{wrong[0].place}: differs: {wrong[0].command}; symbackprop verify --update {document} writes what is right"
        )
