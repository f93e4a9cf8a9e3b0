"""A document's code run in a child process, where that is asked for: what each of its statements prints.

The code between fences (the cells of a notebook) is one program, as a reader would type it in. It runs as a guest: in a process
of its own with limits of time and memory, where it may not write files, start processes or open sockets. It runs twice, with
random numbers of other seeds; what is not the same both times is no result.
"""

from __future__ import annotations

import ast
import io
import json
import re
import runpy
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbackprop.guest.process import Limits, Send, can_fork, in_a_child
from symbackprop.guest.visit import described, visit
from symbackprop.proofreading.text.document import Document, Fragment

MOST_SHOWN = 100_000
_SEEDS = (0, 1)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
_MARK = "_proofreading_"


@dataclass(frozen=True, slots=True)
class CodePiece:
    """One statement of the code: where it stands in the document."""

    node: ast.stmt
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CodeRuns:
    """What the statements print, and what they are worth, by where they begin and end; and how the code ended too early."""

    printed: Mapping[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    ended: str = ""

    def numbers_at(self, place: int) -> tuple[str, ...] | None:
        """Return the numbers that the statement at a place prints; None where nothing is known of it."""
        texts = next((texts for (start, end), texts in self.printed.items() if start <= place < end), None)
        return None if texts is None else numbers_in("".join(texts))

    def texts_of(self, fragment: Fragment) -> Iterator[str]:
        """Yield what the statements of a fragment print together: alone, with the last one's value as in a notebook, with all."""
        inside = [texts for (start, _), texts in self.printed.items() if fragment.start <= start < fragment.end]
        alone = "".join(printed for printed, _ in inside)
        if inside:
            yield from (alone, alone + inside[-1][1], "".join(map("".join, inside)))


def printed_lines(document: Document, runs: CodeRuns) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """Yield the numbers of each line of output that stands behind code, with where it stands and what the code prints there."""
    code: Fragment | None = None
    for fragment in document.fragments:
        if fragment.kind == "code":
            code = fragment
        elif fragment.kind == "output" and code is not None:
            found = [list(_beside(fragment, text)) for text in runs.texts_of(code)]
            yield from max(found, key=len, default=[])
            code = None
        elif fragment.text.strip():
            code = None


def _beside(fragment: Fragment, printed: str) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """Yield lines of an output and the numbers that the code prints in them, where both say the same but for numbers."""
    ours = [line for line in printed.splitlines() if line.strip()]
    start, theirs = fragment.start, []
    for line in fragment.text.split("\n"):
        theirs += [(start, line)] if line.strip() else []
        start += len(line) + 1
    if len(ours) != len(theirs):
        return
    for (place, line), own in zip(theirs, ours, strict=True):
        texts, numbers = numbers_in(line), numbers_in(own)
        if texts and len(texts) == len(numbers) and _words(line) == _words(own):
            yield place, texts, numbers


def _words(line: str) -> str:
    return " ".join(_NUMBER.sub("#", line).split())


def numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers of a text as they are written."""
    return tuple(_NUMBER.findall(text))


def run_code(document: Document, seconds: float, megabytes: int = 1024) -> CodeRuns:
    """Run a document's code; nothing is known where there is none, or no child process of this kind."""
    pieces = list(_pieces(document))
    if not pieces or not can_fork():
        return CodeRuns(ended="there is no code that can be run" if not pieces else "there are no child processes here")
    found = [_run(pieces, seed, Limits(seconds, megabytes)) for seed in _SEEDS]
    same = {place: text for place, text in found[0].printed.items() if found[1].printed.get(place) == text}
    return CodeRuns(same, found[0].ended)


def _pieces(document: Document) -> Iterator[CodePiece]:
    """Yield the statements of the code between fences, those left out whose fence is no program."""
    for fragment in document.fragments:
        if fragment.kind != "code":
            continue
        lines = fragment.text.splitlines(keepends=True)
        starts = [fragment.start + sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(fragment.text).body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        for node in body:
            yield CodePiece(node, starts[node.lineno - 1], starts[node.end_lineno or node.lineno])


def _run(pieces: Sequence[CodePiece], seed: int, limits: Limits) -> CodeRuns:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document_code.py"
        file.write_text(_program(pieces), encoding="utf-8")
        answer = in_a_child(lambda send: _live(file, seed, send), limits, expected=1)
    if not answer.messages:
        return CodeRuns(ended=f"the code {answer.ended}")
    said: dict[str, Any] = json.loads(answer.messages[0])
    printed = {
        (piece.start, piece.end): (str(text), str(value)) for piece, (text, value) in zip(pieces, said["texts"], strict=False)
    }
    return CodeRuns(printed, str(said["ended"]))


def _program(pieces: Sequence[CodePiece]) -> str:
    """Return the code as one program that says where each statement is over, and shows what an expression is worth."""
    written = []
    for piece in pieces:
        if isinstance(piece.node, ast.Expr):
            written.append(f"{_MARK}show({ast.unparse(piece.node.value)})")
        else:
            written.append(ast.unparse(piece.node))
        written.append(f"{_MARK}next()")
    return "\n".join(written) + "\n"


def _live(file: Path, seed: int, send: Send) -> None:
    """The child's life: run the program, and send what each statement printed."""
    texts: list[tuple[str, str]] = []
    stream = io.StringIO()
    shown: list[str] = []

    def over() -> None:
        texts.append((stream.getvalue()[:MOST_SHOWN], "".join(shown)[:MOST_SHOWN]))
        shown.clear()
        stream.seek(0)
        stream.truncate()

    def show(value: Any) -> None:
        if value is not None:
            shown.append(f"{value!r}\n")

    ended = _visited(file, {f"{_MARK}show": show, f"{_MARK}next": over}, seed, stream)
    send(json.dumps({"texts": texts, "ended": ended}).encode())


def _visited(file: Path, known: dict[str, Callable[..., None]], seed: int, stream: io.StringIO) -> str:
    shown = sys.stdout
    sys.stdout = stream
    try:
        visit(lambda: runpy.run_path(str(file), init_globals=known), seed=seed, aloud=True)
    except Exception as error:
        return f"the code ends with {described(error)}"
    finally:
        sys.stdout = shown
    return ""
