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
from symbackprop.grading.phrases import said
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
.scroll { overflow-x: auto } .scroll td, .scroll th { overflow-wrap: normal } .scroll td code { white-space: nowrap }
.said { display: block; min-width: 12rem }
@media (prefers-color-scheme: dark) { .right-mark { color: #7fd494 } .wrong-mark, .missing-mark, .none-mark { color: #ff8f8f } }
"""
_CLASSES = {GradientMark.RIGHT: "right", GradientMark.WRONG: "wrong", GradientMark.MISSING: "missing", GradientMark.NONE: "none"}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told: under which heading, the text, and whether it is code."""

    heading: str
    text: str
    code: bool = False


def told(graded: Graded, hints: str, language: str) -> list[Told]:
    """Return what a student is told beside the marks, at a hint level."""
    found = [Told(said("No verdict", language), text) for text in _no_verdict(graded, language)]
    found += [Told(said("Failed", language), verdict["note"]) for verdict in _of_status(graded, Status.ERROR)]
    for tell in _AT_LEVEL[: HINTS.index(hints)]:
        found += tell(graded, language)
    if graded.printed.strip():
        found.append(Told(said("Printed", language), graded.printed.rstrip(), True))
    return list(dict.fromkeys(found))


def _no_verdict(graded: Graded, language: str) -> list[str]:
    texts = {State.NONE: graded.reason, State.FAULT: said("fault", language)}
    return [texts[graded.state]] if graded.state in texts else []


def _where(graded: Graded, language: str) -> list[Told]:
    places = [f"{graded.place(at['line'], language)}: {at['source'].strip()}" for at in _locations(graded)]
    lines = [Told(said("Where", language), place, True) for place in places]
    return lines + [Told(said("For example", language), text) for text in _witnesses(graded, language)[:1]]


def _why(graded: Graded, language: str) -> list[Told]:
    return [Told(said("Why", language), text) for text in _reasons(graded, language)]


def _mend(graded: Graded, language: str) -> list[Told]:
    return [Told(said("Mend", language), text, True) for text in _mends(graded, language)]


_AT_LEVEL: tuple[Callable[[Graded, str], list[Told]], ...] = (_where, _why, _mend)


def _of_status(graded: Graded, status: Status) -> list[Mapping[str, Any]]:
    return [verdict for verdict in graded.verdicts().values() if verdict["status"] == status]


def _locations(graded: Graded) -> list[Mapping[str, Any]]:
    """Return the first place that is wrong; that of a mend, where nothing else is known."""
    locations: Sequence[Mapping[str, Any]] = graded.report.get("locations", ())
    repairs: Sequence[Mapping[str, Any]] = graded.report.get("repairs", ())
    return [*locations] or [{"line": repair["line"], "source": repair["before"]} for repair in repairs[:1]]


def _witnesses(graded: Graded, language: str) -> list[str]:
    """Return, for each gradient that differs, an element with both values."""
    found = []
    for verdict in _of_status(graded, Status.DIFFERS):
        witness = verdict["witness"]
        if witness is not None:
            element = f"[{', '.join(map(str, witness['element']))}]" if witness["element"] else ""
            both = {"hand": f"{witness['hand']:.6g}", "derived": f"{witness['derived']:.6g}"}
            found.append(said("witness", language, place=f"{witness['parameter']}{element}", **both))
        elif verdict["note"]:
            found.append(f"{verdict['name']}: {verdict['note']}")
    return found


def _reasons(graded: Graded, language: str) -> list[str]:
    scaled = [verdict for verdict in _of_status(graded, Status.DIFFERS) if verdict["ratio"]]
    ratios = [said("ratio", language, name=verdict["name"], ratio=verdict["ratio"]) for verdict in scaled]
    causes = [graded.reason_in(language, cause["text"]) for cause in graded.report.get("causes", ())]
    return [*(causes or ratios), *graded.report.get("notes", ())]


def _mends(graded: Graded, language: str) -> list[str]:
    repairs = graded.report.get("repairs", ())
    steps = [[repair, *repair["more"]] for repair in repairs[:1]]
    lines = [
        f"{graded.place(step['line'], language)}\n- {step['before'].strip()}\n+ {step['after'].strip()}"
        for change in steps
        for step in change
    ]
    return ["\n".join(lines)] if lines else []


def feedback_text(graded: Graded, chosen: Scheme, hints: str, language: str = "en") -> str:
    """Return the feedback as plain text."""
    marks = marks_of(graded, chosen)
    lines = [_total(marks, chosen, language), *(_mark_line(mark, language) for mark in marks)]
    return "\n".join([*lines, *(f"{item.heading}: {item.text}" for item in told(graded, hints, language))]) + "\n"


def _total(marks: Sequence[Mark], chosen: Scheme, language: str) -> str:
    return said("points", language, points=f"{points_of(marks):g}", total=f"{chosen.total:g}")


def _mark_line(mark: Mark, language: str) -> str:
    outcome = said("gradient of", language, name=mark.name, outcome=said(mark.outcome, language))
    return f"  {outcome} ({_earned(mark, language)})"


def _earned(mark: Mark, language: str) -> str:
    """Return the points of a gradient, and what a wrong one has them for."""
    credit = said("credit", language, kind=mark.credit) if mark.credit else ""
    return said("of", language, points=f"{mark.points:g}", weight=f"{mark.weight:g}") + credit


def feedback_page(graded: Graded, chosen: Scheme, hints: str, title: str, language: str = "en") -> str:
    """Return the page of one student."""
    marks = marks_of(graded, chosen)
    rows = "".join(
        f'<tr><td><code>∂/∂{escape(mark.name)}</code></td><td class="{_CLASSES[mark.outcome]}-mark">'
        f"{said(mark.outcome, language)}</td><td>{escape(_earned(mark, language))}</td></tr>"
        for mark in marks
    )
    parts = [f"<h1>{escape(graded.student)}</h1>", f"<p>{escape(title)}</p>"]
    parts += [f'<p class="points">{_total(marks, chosen, language)}</p>', f"<table>{rows}</table>"]
    for item in told(graded, hints, language):
        parts.append(f"<h2>{escape(item.heading)}</h2>")
        parts.append(f"<pre>{escape(item.text)}</pre>" if item.code else f"<p>{escape(item.text)}</p>")
    if HINTS.index(hints) >= 1 and graded.report:
        parts += [f"<h2>{said('Your code', language)}</h2>", _code(graded)]
    return page(f"{graded.student} · {title}", parts, language)


def _code(graded: Graded) -> str:
    """Return the code with the lines that are wrong."""
    wrong = {at["line"] for at in _locations(graded)}
    rows = [
        f'<tr class="{"wrong" if number in wrong else ""}"><td class="line">{number}</td><td>{escape(line)}</td></tr>'
        for number, line in enumerate(graded.code.splitlines(), 1)
    ]
    return f'<div class="scroll"><table class="code">{"".join(rows)}</table></div>'


def page(title: str, parts: Sequence[str], language: str = "en") -> str:
    """Return an HTML page."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{OWN_STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )
