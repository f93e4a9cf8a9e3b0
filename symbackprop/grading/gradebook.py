"""The tables: grades.csv for a spreadsheet, results.json as Gradescope reads it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symbackprop.grading.graded import Graded
from symbackprop.grading.marks import GradientMark, Scheme, marks_of, points_of

Said = Callable[[Graded], str]
"""What a student is told about a submission as a whole, in plain text."""


def grades_csv(course: Sequence[Graded], chosen: Scheme, alike: Mapping[str, Sequence[str]]) -> str:
    """Return the table of a course: student, points, each gradient, the state, why there is no verdict, whose code is alike."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["student", "points", "of", *(f"∂/∂{name}" for name in chosen.weights), "state", "reason", "alike", "file"])
    for graded in course:
        marks = marks_of(graded, chosen)
        row = [graded.student, points_of(marks), chosen.total, *(mark.points for mark in marks), graded.state, graded.reason]
        table.writerow([_cell(value) for value in (*row, ", ".join(alike.get(graded.student, ())), graded.file)])
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:g}"
    text = " ".join(str(value).split())
    return f"'{text}" if text[:1] in tuple("=+-@") else text


def gradescope(graded: Graded, chosen: Scheme, said: Said) -> str:
    """Return results.json for one submission: a test for each gradient, and what the student is told above them.

    The format: gradescope-autograders.readthedocs.io, "Specifications", output format.
    """
    tests = [
        {
            "name": f"gradient of {mark.name}",
            "score": mark.points,
            "max_score": mark.weight,
            "status": "passed" if mark.outcome is GradientMark.RIGHT else "failed",
            "output": str(mark.outcome),
        }
        for mark in marks_of(graded, chosen)
    ]
    return json.dumps({"output": said(graded), "output_format": "text", "tests": tests}, ensure_ascii=False, indent=1)
