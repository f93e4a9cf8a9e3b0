"""A course graded, from the names of files to the files that are written: the road through this room."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.files import write_file
from symbackprop.grading.course import Assignment, grade_course, prepared
from symbackprop.grading.duplicates import alike
from symbackprop.grading.feedback import feedback_page, feedback_text
from symbackprop.grading.gradebook import grades_csv, gradescope
from symbackprop.grading.graded import Graded, State, file_name
from symbackprop.grading.marks import Scheme, marks_of, points_of, scheme
from symbackprop.grading.overview import overview_page, summary
from symbackprop.grading.reference import Asked, assignment
from symbackprop.grading.submissions import find_submissions
from symbackprop.grading.workers import Workers, dask_cluster, processes
from symbackprop.guest.process import can_fork
from symbackprop.network.wording import on_a_line

Passing = Callable[[Iterable[Graded], int], Iterable[Graded]]
"""Passes outcomes on as they come, of so many: a progress bar."""


@dataclass(frozen=True, slots=True)
class Grading:
    """What is to be graded against what, and how; the options of the command."""

    reference: str
    folder: Path
    output: Path | None = None
    function: str | None = None
    pattern: str | None = None
    loss: str | None = None
    example: str | None = None
    wrt: tuple[str, ...] = ()
    mapping: Mapping[str, Any] = field(default_factory=dict)
    points: Mapping[str, float] = field(default_factory=dict)
    credit: Mapping[str, float] = field(default_factory=dict)
    hints: str = "where"
    title: str = ""
    lang: str = "en"
    jobs: int | None = None
    timeout: float = 10.0
    memory: int = 2048
    scheduler: str | None = None
    anew: bool = False
    gradescope: Path | None = None

    @property
    def target(self) -> Path:
        """The folder that is written to."""
        return self.output or self.folder.with_name(f"{self.folder.stem}-graded")


@dataclass(frozen=True, slots=True)
class CourseResult:
    """All outcomes, in the order of the submissions, and how they count."""

    graded: tuple[Graded, ...]
    scheme: Scheme

    @property
    def exit_code(self) -> int:
        """0: all are right; 1: some are wrong or have no verdict; 3: a fault of this program met at least one."""
        states = {graded.state for graded in self.graded}
        return 3 if State.FAULT in states else 0 if states == {State.RIGHT} else 1

    @property
    def summary(self) -> str:
        """The course in a line."""
        return summary(self.graded, self.scheme)

    def to_json(self) -> str:
        """Return points and outcomes by student, for programs."""
        return json.dumps([_row(graded, self.scheme) for graded in self.graded], ensure_ascii=False, indent=2)


def _row(graded: Graded, chosen: Scheme) -> dict[str, Any]:
    marks = marks_of(graded, chosen)
    own = {"student": graded.student, "state": graded.state, "reason": graded.reason, "points": points_of(marks)}
    return {**own, "of": chosen.total, "gradients": {mark.name: mark.outcome for mark in marks}}


def grade(wanted: Grading, passing: Passing = lambda made, count: made) -> CourseResult:
    """Grade a course and write its files.

    Raises UserError for a reference, a folder or an option that cannot be used; then nothing was graded.
    """
    given = _assignment(wanted)
    chosen = scheme(given.names, wanted.points, wanted.credit)
    submissions = find_submissions(wanted.folder, given.function, wanted.pattern, (*given.files, wanted.target))
    if wanted.gradescope is not None and len(submissions) != 1:
        raise UserError(f"--gradescope: expected one submission, got {len(submissions)}; name the file")
    made = grade_course(given, submissions, prepared(wanted.target), _workers(wanted), anew=wanted.anew)
    found = {graded.student: graded for graded in passing(made, len(submissions))}
    course = CourseResult(tuple(found[submission.student] for submission in submissions), chosen)
    _write(course, wanted, given.function)
    return course


def _assignment(wanted: Grading) -> Assignment:
    """Return what is graded against, as it was named."""
    if not can_fork():
        raise NotSupportedError("grade: needs child processes as Unix has them; on Windows use WSL or a container")
    return assignment(
        Asked(
            wanted.reference,
            wanted.function,
            wanted.loss,
            wanted.example,
            wanted.wrt,
            wanted.mapping,
            wanted.timeout,
            wanted.memory,
        )
    )


def _workers(wanted: Grading) -> Workers:
    return dask_cluster(wanted.scheduler) if wanted.scheduler is not None else processes(wanted.jobs or _cores())


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write(course: CourseResult, wanted: Grading, function: str) -> None:
    """Write the tables and the pages."""
    target, chosen = wanted.target, course.scheme
    title = on_a_line(wanted.title) or f"{Path(wanted.reference).stem}: {function}"
    same = alike(course.graded)
    # The mark at its start tells a spreadsheet that the text is UTF-8.
    write_file(target / "grades.csv", grades_csv(course.graded, chosen, same).encode("utf-8-sig"))
    write_file(target / "overview.html", overview_page(course.graded, chosen, same, title, wanted.lang))
    (target / "feedback").mkdir(exist_ok=True)
    for graded in course.graded:
        page = feedback_page(graded, chosen, wanted.hints, title, wanted.lang)
        write_file(target / "feedback" / f"{file_name(graded.student)}.html", page)
    if wanted.gradescope is not None:
        (one,) = course.graded
        write_file(
            wanted.gradescope,
            gradescope(one, chosen, lambda graded: feedback_text(graded, chosen, wanted.hints, wanted.lang)),
        )
