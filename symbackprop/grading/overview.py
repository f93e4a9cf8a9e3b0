"""The class on one page: how each gradient went, which mistakes were made and how often, whose code is alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from symbackprop.grading.feedback import page
from symbackprop.grading.graded import Graded, State, file_name
from symbackprop.grading.marks import GradientMark, Scheme, kinds_of, marks_of, points_of
from symbackprop.verify.records import Status

Mistakes = Mapping[tuple[str, str], Sequence[str]]
"""(kind, an instance in words) → the students who made it, most frequent first."""


def mistakes_of(course: Sequence[Graded]) -> Mistakes:
    """Return the mistakes of a course by kind, each with the reason that is given most often for it, and the students."""
    students: dict[str, list[str]] = defaultdict(list)
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for graded in course:
        for kind, text in _told_of(graded).items():
            students[kind].append(graded.student)
            words[kind][text] += 1
    ordered = sorted(students, key=lambda kind: (-len(students[kind]), kind))
    return {(kind, words[kind].most_common(1)[0][0]): tuple(students[kind]) for kind in ordered}


def _told_of(graded: Graded) -> dict[str, str]:
    """Return the kinds of mistakes of one submission, each with its reason in words."""
    texts = {cause["kind"]: cause["text"] for cause in graded.report.get("causes", ()) if not cause["exonerates"]}
    differs = any(verdict["status"] == Status.DIFFERS for verdict in graded.verdicts().values())
    return texts or ({"unexplained": "no reason was found"} if differs else {})


def summary(course: Sequence[Graded], chosen: Scheme) -> str:
    """Return the course in a line."""
    states = Counter(graded.state for graded in course)
    counted = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    points = sorted(points_of(marks_of(graded, chosen)) for graded in course)
    median = points[len(points) // 2] if points else 0.0
    return f"{len(course)} submissions: {counted}; median {median:g} of {chosen.total:g} points"


def overview_page(course: Sequence[Graded], chosen: Scheme, alike: Mapping[str, Sequence[str]], title: str) -> str:
    """Return the page for the teacher."""
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(summary(course, chosen))}</p>"]
    parts += ["<h2>Gradients</h2>", _gradients(course, chosen), "<h2>Mistakes</h2>", _mistakes(course)]
    parts += ["<h2>Alike</h2>", _alike(alike), "<h2>Students</h2>", _students(course, chosen)]
    return page(title, parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{"".join(f"<th>{escape(cell)}</th>" for cell in head)}</tr>{body}</table></div>'


def _gradients(course: Sequence[Graded], chosen: Scheme) -> str:
    outcomes: dict[str, Counter[GradientMark]] = {name: Counter() for name in chosen.weights}
    for graded in course:
        for mark in marks_of(graded, chosen):
            outcomes[mark.name][mark.outcome] += 1
    rows = [[f"<code>∂/∂{escape(name)}</code>", *(str(found[o] or "") for o in GradientMark)] for name, found in outcomes.items()]
    return _table(["", *GradientMark], rows)


def _mistakes(course: Sequence[Graded]) -> str:
    found = mistakes_of(course)
    rows = [
        [escape(kind), str(len(students)), escape(text), escape(", ".join(students[:8]) + (" …" if len(students) > 8 else ""))]
        for (kind, text), students in found.items()
    ]
    return _table(["kind", "students", "for example", "who"], rows) if rows else "<p>none</p>"


def _alike(alike: Mapping[str, Sequence[str]]) -> str:
    groups = sorted({tuple(sorted((student, *others))) for student, others in alike.items()})
    if not groups:
        return "<p>none</p>"
    said = "The same code but for layout, comments and names. Short right answers are alike by themselves."
    items = "".join(f"<li>{escape(', '.join(group))}</li>" for group in groups)
    return f"<p>{said}</p><ul>{items}</ul>"


def _students(course: Sequence[Graded], chosen: Scheme) -> str:
    rows = []
    for graded in course:
        marks = marks_of(graded, chosen)
        kinds = [kind for name, verdict in graded.verdicts().items() for kind in kinds_of(graded, name, verdict)]
        said = graded.reason or ", ".join(dict.fromkeys(kinds))
        link = f'<a href="feedback/{escape(file_name(graded.student))}.html">{escape(graded.student)}</a>'
        rows.append([link, f"{points_of(marks):g}", escape(graded.state), escape(said)])
    return _table(["student", "points", "state", ""], rows)
