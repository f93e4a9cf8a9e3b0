"""The class on one page: how each gradient went, which mistakes were made and how often, whose code is alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from symbackprop.grading.feedback import page
from symbackprop.grading.graded import Graded, State, file_name
from symbackprop.grading.marks import GradientMark, Scheme, kinds_of, marks_of, points_of
from symbackprop.grading.phrases import said
from symbackprop.verify.records import Status

Mistakes = Mapping[tuple[str, str], Sequence[str]]
"""(kind, an instance in words) → the students who made it, most frequent first."""


def mistakes_of(course: Sequence[Graded], language: str = "en") -> Mistakes:
    """Return the mistakes of a course by kind, each with the reason that is given most often for it, and the students."""
    students: dict[str, list[str]] = defaultdict(list)
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for graded in course:
        for kind, text in _told_of(graded, language).items():
            students[kind].append(graded.student)
            words[kind][text] += 1
    ordered = sorted(students, key=lambda kind: (-len(students[kind]), kind))
    return {(kind, words[kind].most_common(1)[0][0]): tuple(students[kind]) for kind in ordered}


def _told_of(graded: Graded, language: str) -> dict[str, str]:
    """Return the kinds of mistakes of one submission, each with its reason in words."""
    causes = [cause for cause in graded.report.get("causes", ()) if not cause["exonerates"]]
    texts = {cause["kind"]: graded.reason_in(language, cause["text"]) for cause in causes}
    differs = any(verdict["status"] == Status.DIFFERS for verdict in graded.verdicts().values())
    return texts or ({"unexplained": said("unexplained", language)} if differs else {})


def summary(course: Sequence[Graded], chosen: Scheme, language: str = "en") -> str:
    """Return the course in a line."""
    states = Counter(graded.state for graded in course)
    counts = [said("counted", language, count=states[state], state=said(state, language)) for state in State if states[state]]
    points = sorted(points_of(marks_of(graded, chosen)) for graded in course)
    median = points[len(points) // 2] if points else 0.0
    numbers = {"count": len(course), "median": f"{median:g}", "total": f"{chosen.total:g}"}
    return said("summary", language, counted=said("comma", language).join(counts), **numbers)


def overview_page(
    course: Sequence[Graded], chosen: Scheme, alike: Mapping[str, Sequence[str]], title: str, language: str = "en"
) -> str:
    """Return the page for the teacher."""
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(summary(course, chosen, language))}</p>"]
    sections = {
        "Gradients": _gradients(course, chosen, language),
        "Mistakes": _mistakes(course, language),
        "Alike": _alike(alike, language),
        "Students": _students(course, chosen, language),
    }
    for heading, content in sections.items():
        parts += [f"<h2>{said(heading, language)}</h2>", content]
    return page(title, parts, language)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{"".join(f"<th>{escape(cell)}</th>" for cell in head)}</tr>{body}</table></div>'


def _gradients(course: Sequence[Graded], chosen: Scheme, language: str) -> str:
    outcomes: dict[str, Counter[GradientMark]] = {name: Counter() for name in chosen.weights}
    for graded in course:
        for mark in marks_of(graded, chosen):
            outcomes[mark.name][mark.outcome] += 1
    rows = [[f"<code>∂/∂{escape(name)}</code>", *(str(found[o] or "") for o in GradientMark)] for name, found in outcomes.items()]
    return _table(["", *(said(mark, language) for mark in GradientMark)], rows)


def _mistakes(course: Sequence[Graded], language: str) -> str:
    found = mistakes_of(course, language)
    rows = [
        [
            f"<code>{escape(kind)}</code>",
            str(len(students)),
            f'<span class="said">{escape(text)}</span>',
            escape(", ".join(students[:8]) + (" …" if len(students) > 8 else "")),
        ]
        for (kind, text), students in found.items()
    ]
    head = [said(word, language) for word in ("kind", "students", "for example", "who")]
    return _table(head, rows) if rows else f"<p>{said('none', language)}</p>"


def _alike(alike: Mapping[str, Sequence[str]], language: str) -> str:
    groups = sorted({tuple(sorted((student, *others))) for student, others in alike.items()})
    if not groups:
        return f"<p>{said('none', language)}</p>"
    items = "".join(f"<li>{escape(', '.join(group))}</li>" for group in groups)
    return f"<p>{said('same', language)}</p><ul>{items}</ul>"


def _students(course: Sequence[Graded], chosen: Scheme, language: str) -> str:
    rows = []
    for graded in course:
        marks = marks_of(graded, chosen)
        kinds = [kind for name, verdict in graded.verdicts().items() for kind in kinds_of(graded, name, verdict)]
        remark = escape(graded.reason) or ", ".join(f"<code>{escape(kind)}</code>" for kind in dict.fromkeys(kinds))
        link = f'<a href="feedback/{escape(file_name(graded.student))}.html">{escape(graded.student)}</a>'
        rows.append([link, f"{points_of(marks):g}", said(graded.state, language), remark])
    return _table([said("student", language), said("points of", language), said("state", language), ""], rows)
