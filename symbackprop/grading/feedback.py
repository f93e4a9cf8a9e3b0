"""What one student is told, at a hint level: a page, and the same as plain text.

none   which gradients are right, wrong, missing
where  the line that is wrong, and one number that differs
why    the reason
mend   what makes it right
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from symbackprop.grading.graded import Graded, State
from symbackprop.grading.marks import GradientMark, Mark, Scheme, marks_of, points_of
from symbackprop.verify.records import Status
from symbackprop.verify.report.report_page import STYLE

HINTS = ("none", "where", "why", "mend")
OWN_STYLE = """
main { max-width: 46rem; margin: 0 auto }
h1 { font-size: 2rem; margin: .2rem 0 } h2 { font-size: 1.2rem }
.points { font-size: 1.6rem; font-weight: 600; margin: .4rem 0 }
.right-mark { color: #17692c; font-weight: 600 } .wrong-mark, .missing-mark, .none-mark { color: #b01818; font-weight: 600 }
.right-mark, .wrong-mark, .missing-mark, .none-mark { background: none }
pre { overflow-x: auto; background: #8881; padding: .6rem .8rem; border-radius: 6px }
.scroll { overflow-x: auto }
@media (prefers-color-scheme: dark) { .right-mark { color: #7fd494 } .wrong-mark, .missing-mark, .none-mark { color: #ff8f8f } }
"""
_CLASSES = {GradientMark.RIGHT: "right", GradientMark.WRONG: "wrong", GradientMark.MISSING: "missing", GradientMark.NONE: "none"}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told: under which heading, the text, and whether it is code."""

    heading: str
    text: str
    code: bool = False


def told(graded: Graded, hints: str) -> list[Told]:
    """Return what a student is told beside the marks, at a hint level."""
    found = [Told("No verdict", _NO_VERDICT[graded.state] or graded.reason)] if graded.state in _NO_VERDICT else []
    found += [Told("Failed", verdict["note"]) for verdict in _of_status(graded, Status.ERROR)]
    for tell in _AT_LEVEL[: HINTS.index(hints)]:
        found += tell(graded)
    if graded.printed.strip():
        found.append(Told("What your code printed", graded.printed.rstrip(), True))
    return list(dict.fromkeys(found))


_NO_VERDICT = {State.NONE: "", State.FAULT: "The grading itself failed; this is not your fault."}


def _where(graded: Graded) -> list[Told]:
    lines = [Told("Where", f"{graded.place(at['line'])}: {at['source'].strip()}", True) for at in _locations(graded)]
    return lines + [Told("For example", text) for text in _witnesses(graded)[:1]]


def _why(graded: Graded) -> list[Told]:
    return [Told("Why", text) for text in _reasons(graded)]


def _mend(graded: Graded) -> list[Told]:
    return [Told("Mend", text, True) for text in _mends(graded)]


_AT_LEVEL: tuple[Callable[[Graded], list[Told]], ...] = (_where, _why, _mend)


def _of_status(graded: Graded, status: Status) -> list[Mapping[str, Any]]:
    return [verdict for verdict in graded.verdicts().values() if verdict["status"] == status]


def _locations(graded: Graded) -> list[Mapping[str, Any]]:
    """Return the first place that is wrong; that of a mend, where nothing else is known."""
    locations: Sequence[Mapping[str, Any]] = graded.report.get("locations", ())
    repairs: Sequence[Mapping[str, Any]] = graded.report.get("repairs", ())
    return [*locations] or [{"line": repair["line"], "source": repair["before"]} for repair in repairs[:1]]


def _witnesses(graded: Graded) -> list[str]:
    """Return, for each gradient that differs, an element with both values."""
    found = []
    for verdict in _of_status(graded, Status.DIFFERS):
        witness = verdict["witness"]
        if witness is not None:
            element = f"[{', '.join(map(str, witness['element']))}]" if witness["element"] else ""
            found.append(
                f"{witness['parameter']}{element}: yours is {witness['hand']:.6g}, it should be {witness['derived']:.6g}"
            )
        elif verdict["note"]:
            found.append(f"{verdict['name']}: {verdict['note']}")
    return found


def _reasons(graded: Graded) -> list[str]:
    ratios = [f"{v['name']}: yours is {v['ratio']} times the gradient" for v in _of_status(graded, Status.DIFFERS) if v["ratio"]]
    causes = [cause["text"] for cause in graded.report.get("causes", ())]
    return [*(causes or ratios), *graded.report.get("notes", ())]


def _mends(graded: Graded) -> list[str]:
    repairs = graded.report.get("repairs", ())
    steps = [[repair, *repair["more"]] for repair in repairs[:1]]
    lines = [f"{graded.place(s['line'])}\n- {s['before'].strip()}\n+ {s['after'].strip()}" for change in steps for s in change]
    return ["\n".join(lines)] if lines else []


def feedback_text(graded: Graded, chosen: Scheme, hints: str) -> str:
    """Return the feedback as plain text."""
    marks = marks_of(graded, chosen)
    lines = [f"{points_of(marks):g} of {chosen.total:g} points", *(_mark_line(mark) for mark in marks)]
    return "\n".join([*lines, *(f"{item.heading}: {item.text}" for item in told(graded, hints))]) + "\n"


def _mark_line(mark: Mark) -> str:
    credit = f", credit for: {mark.credit}" if mark.credit else ""
    return f"  gradient of {mark.name}: {mark.outcome} ({mark.points:g} of {mark.weight:g}{credit})"


def feedback_page(graded: Graded, chosen: Scheme, hints: str, title: str) -> str:
    """Return the page of one student."""
    marks = marks_of(graded, chosen)
    rows = "".join(
        f'<tr><td><code>∂/∂{escape(mark.name)}</code></td><td class="{_CLASSES[mark.outcome]}-mark">{mark.outcome}</td>'
        f"<td>{mark.points:g} of {mark.weight:g}{f', credit for: {escape(mark.credit)}' if mark.credit else ''}</td></tr>"
        for mark in marks
    )
    parts = [f"<h1>{escape(graded.student)}</h1>", f"<p>{escape(title)}</p>"]
    parts += [f'<p class="points">{points_of(marks):g} of {chosen.total:g} points</p>', f"<table>{rows}</table>"]
    for item in told(graded, hints):
        parts.append(f"<h2>{escape(item.heading)}</h2>")
        parts.append(f"<pre>{escape(item.text)}</pre>" if item.code else f"<p>{escape(item.text)}</p>")
    if HINTS.index(hints) >= 1 and graded.report:
        parts += ["<h2>Your code</h2>", _code(graded)]
    return page(f"{graded.student} · {title}", parts)


def _code(graded: Graded) -> str:
    """Return the code with the lines that are wrong."""
    wrong = {at["line"] for at in _locations(graded)}
    rows = [
        f'<tr class="{"wrong" if number in wrong else ""}"><td class="line">{number}</td><td>{escape(line)}</td></tr>'
        for number, line in enumerate(graded.code.splitlines(), 1)
    ]
    return f'<div class="scroll"><table class="code">{"".join(rows)}</table></div>'


def page(title: str, parts: Sequence[str]) -> str:
    """Return an HTML page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{OWN_STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )
