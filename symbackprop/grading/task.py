"""Grading one submission: what it needs is plain data, so it can be done in another process or on another machine.

The code of a student never runs here, only in children of the check. Whatever happens, something is returned.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from symbackprop.errors import CodeEnded, InternalError, SymbackpropError, UserError
from symbackprop.grading.duplicates import shape_of
from symbackprop.grading.graded import Graded, State, file_name
from symbackprop.grading.notebook_code import Extracted, function_of_notebook
from symbackprop.grading.submissions import ENDINGS, Submission
from symbackprop.guest.visit import described
from symbackprop.isolation import Judged, Request, check_isolated
from symbackprop.verify.records import Status

LARGEST = 2_000_000
"""Bytes of a submission."""
MOST_PRINTED = 2_000
"""Characters kept of what a submission prints."""


@dataclass(frozen=True, slots=True)
class Task:
    """One submission with what it is checked against, and a folder for what is made on the way."""

    submission: Submission
    request: Request
    function: str
    folder: str
    key: str
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the student's files."""
        return file_name(self.submission.student)


def grade_submission(task: Task) -> Graded:
    """Check one submission; what goes wrong is part of what is returned."""
    submission = task.submission
    blank = Graded(submission.student, submission.file, task.key, State.NONE, seconds=task.request.seconds)
    if submission.problem:
        return replace(blank, reason=submission.problem)
    log = Path(task.folder) / f"{task.name}.printed"
    try:
        code = _code(submission.path, task.function, task.also)
        blank = replace(blank, shape=shape_of(code.source), code=code.source, lines=code.lines)
        hand = _written(code, task)
        log.unlink(missing_ok=True)
        with _reachable(submission.path.parent):
            judged = check_isolated(replace(task.request, hand=f"{hand}:{task.function}", log=str(log)))
        graded = _judged(blank, judged)
    except CodeEnded as error:
        graded = replace(blank, reason=str(error), ended=True)
    except UserError as error:
        graded = replace(blank, reason=_without_folder(str(error), task))
    except SymbackpropError as error:
        state = State.FAULT if isinstance(error, InternalError) else State.NONE
        graded = replace(blank, state=state, reason=str(error))
    except Exception as error:  # one submission never stops the others
        graded = replace(blank, state=State.FAULT, reason=described(error))
    return replace(graded, printed=_printed(log))


def _code(path: Path, function: str, also: Sequence[str]) -> Extracted:
    """Return the text of a submission. Raises UserError when it cannot be graded."""
    if path.suffix not in ENDINGS:
        raise UserError(f"{path.name}: expected {' or '.join(ENDINGS)}")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise UserError(f"{path.name}: cannot be read: {error.strerror}") from None
    if size > LARGEST:
        raise UserError(f"{path.name}: has {size:,} bytes; at most {LARGEST:,} are taken")
    if path.suffix == ".py":
        return Extracted(data.decode("utf-8", "replace"), ())
    try:
        return function_of_notebook(data.decode("utf-8", "replace"), function, also)
    except UserError as error:
        raise UserError(f"{path.name}: {error}") from None


def _written(code: Extracted, task: Task) -> Path:
    """Return the Python file to check: the submission itself, or what was taken from a notebook."""
    if task.submission.path.suffix == ".py":
        return task.submission.path
    file = Path(task.folder) / f"{task.name}.py"
    file.write_text(code.source, encoding="utf-8")
    return file


@contextmanager
def _reachable(folder: Path) -> Iterator[None]:
    """Let the code import what lies beside it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _judged(blank: Graded, judged: Judged) -> Graded:
    state = State.RIGHT if judged.ok else State.WRONG
    chinese = {cause.text: cause.said("zh") for cause in judged.report.causes}
    failed = [verdict.note for verdict in judged.report.verdicts.values() if verdict.status is Status.ERROR]
    return replace(
        blank,
        state=state,
        reason="; ".join(dict.fromkeys(failed)),
        report=json.loads(judged.report.to_json()),
        missing=judged.missing,
        chinese=chinese,
    )


def _without_folder(text: str, task: Task) -> str:
    """Return a message with the names of files as the student knows them."""
    for folder in (task.submission.path.parent, Path(task.folder)):
        text = text.replace(f"{folder}/", "")
    return text.replace(f"{task.name}.py", task.submission.path.name) if task.submission.path.suffix != ".py" else text


def _printed(log: Path) -> str:
    try:
        with log.open("rb") as file:
            text = file.read(4 * MOST_PRINTED).decode("utf-8", "replace")
    except OSError:
        return ""
    log.unlink(missing_ok=True)
    return text if len(text) <= MOST_PRINTED else f"{text[:MOST_PRINTED]}\n…"
