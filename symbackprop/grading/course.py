"""All submissions of a course: what is kept from before counts where nothing that it depends on has changed, the rest is graded.

Each outcome is written the moment it is there, so that a run that was ended is continued by the same command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from symbackprop.errors import UserError
from symbackprop.files import write_file
from symbackprop.grading.graded import Graded, State, as_json, from_json
from symbackprop.grading.submissions import Submission
from symbackprop.grading.task import Task, grade_submission
from symbackprop.grading.workers import Workers, run_all
from symbackprop.guest.visit import described
from symbackprop.isolation import Request

RESULTS = "results"
"""The folder, inside the one that is written, of what is kept."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What submissions are graded against: a check, what is asked for (a function, or a class), and the names of its gradients.

    `also`: other functions that are wanted from a file, such as the forward pass beside a backward pass.
    """

    request: Request
    function: str
    names: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the reference."""
        places = (self.request.network, self.request.loss, self.request.example, self.request.solution)
        return tuple(dict.fromkeys(path for place in places if place is not None and (path := _file(place)) is not None))

    def key(self) -> str:
        """Return a digest of what a verdict depends on besides the submission; the time limit counts only where it was met."""
        own = replace(self.request, seconds=0.0)
        parts = [version("symbackprop"), repr(own), self.function, *self.also, *(path.read_bytes().hex() for path in self.files)]
        return _digest(*parts)


def _file(place: str) -> Path | None:
    """Return the file that a place such as `FILE`, `FILE:name` or a folder speaks of."""
    for text in (place, place.rpartition(":")[0]):
        path = Path(text) / "network.py" if text and Path(text).is_dir() else Path(text)
        if text and path.is_file():
            return path
    return None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def prepared(folder: Path) -> Path:
    """Make the folder that is written to, or find it as an earlier run left it; return where results are kept.

    Raises UserError for a folder that holds something else.
    """
    results = folder / RESULTS
    if folder.is_dir() and not results.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder}: exists, and is not from an earlier run; give another folder with -o")
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from None
    return results


def grade_course(
    assignment: Assignment, submissions: Sequence[Submission], folder: Path, workers: Workers, *, anew: bool = False
) -> Iterator[Graded]:
    """Yield the outcome of each submission, first those that are there, then the others as they come.

    Args:
        folder: of the results (`prepared`).
        anew: forget what is kept.
    """
    tasks = []
    common = assignment.key()
    for submission in submissions:
        task = Task(submission, assignment.request, assignment.function, str(folder), _key(common, submission), assignment.also)
        kept = None if anew else _kept(task)
        if kept is not None:
            yield kept
        else:
            tasks.append(task)
    for task, made in run_all(grade_submission, tasks, workers):
        graded = made if isinstance(made, Graded) else _lost(task, made)
        write_file(folder / f"{task.name}.json", as_json(graded))
        yield graded


def _key(common: str, submission: Submission) -> str:
    """Return a digest of what an outcome depends on: the reference and the file."""
    try:
        data = submission.path.read_bytes().hex() if submission.path.is_file() else ""
    except OSError as error:
        data = str(error)
    return _digest(common, submission.student, submission.file, submission.problem, data)


def _kept(task: Task) -> Graded | None:
    """Return the outcome of an earlier run if it still counts."""
    try:
        kept = from_json((Path(task.folder) / f"{task.name}.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    if kept is None or kept.key != task.key or (kept.ended and kept.seconds != task.request.seconds):
        return None
    return kept if kept.state is not State.FAULT else None


def _lost(task: Task, error: Exception) -> Graded:
    """Return the outcome of a submission that took its worker with it."""
    reason = f"the code ended the process that graded it ({described(error)}): no verdict"
    return Graded(
        task.submission.student, task.submission.file, task.key, State.NONE, reason, ended=True, seconds=task.request.seconds
    )
