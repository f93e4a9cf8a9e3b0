"""A report as lines of text: one screen, aligned, each line a fact with its scope. Terminal, Markdown and HTML start from these
lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from symbackprop.network.wording import in_language
from symbackprop.verify.records import Findings, Status, Verdict, VerdictScope
from symbackprop.verify.wording import said

MOST = 14
"""Verdicts shown one by one; beyond that, names with the same outcome share a line."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line: a label (`W`, `why`), the status it speaks of, and cells to be aligned."""

    label: str
    status: Status | None
    cells: tuple[str, ...]


def heading(findings: Findings, language: str = "en") -> str:
    """Return the first line: what was compared with what."""
    return said("heading", language, title=in_language(findings.title, language), loss=findings.loss, hand=findings.hand)


def lines(findings: Findings, language: str = "en") -> list[ReportLine]:
    """Return all lines below the heading."""
    found = verdict_lines(findings, language)
    if found:
        found[0] = replace(found[0], cells=(*found[0].cells, scope_text(findings.scope, language)))
    for section in SECTIONS:
        found += section(findings, language)
    return found


def _noted(label: str, texts: Iterable[str], language: str) -> list[ReportLine]:
    return [ReportLine(said(label, language), None, (text,)) for text in texts]


def _example(findings: Findings, language: str) -> list[ReportLine]:
    """One element with both values, where nothing else shows the difference."""
    plain = [v for v in findings.verdicts.values() if v.status is Status.DIFFERS and v.ratio is None and v.tier != "shape"]
    shown = [verdict for verdict in plain if verdict.witness is not None and not findings.repairs]
    return _noted("e.g.", (witness_text(verdict, language) for verdict in shown[:1]), language)


def _mends(findings: Findings, language: str) -> list[ReportLine]:
    found = []
    for repair in findings.repairs:
        steps = (repair, *repair.more)
        ends = [*(said("and", language) for _ in repair.more), said("proved with" if repair.proved else "agrees with", language)]
        label = said("mend", language)
        found += [ReportLine(label, None, (step.place, step.after, end)) for step, end in zip(steps, ends, strict=True)]
    return found


def _missing(findings: Findings, language: str) -> list[ReportLine]:
    texts = [said("missing", language, names=", ".join(findings.missing))] if findings.missing else []
    return _noted("none", texts, language)


def _fallback(findings: Findings, language: str) -> list[ReportLine]:
    reason = findings.scope.fallback
    return _noted("note", [said("fallback", language, reason=reason)] if reason else [], language)


SECTIONS: tuple[Callable[[Findings, str], list[ReportLine]], ...] = (
    _example,
    lambda findings, language: _noted("why", (cause.said(language) for cause in findings.causes), language),
    lambda findings, language: [
        ReportLine(said("where", language), None, (at.place, at.source, at.said(language))) for at in findings.locations
    ],
    _mends,
    _missing,
    lambda findings, language: _noted("given", findings.assumptions, language),
    lambda findings, language: _noted("note", findings.notes, language),
    _fallback,
)
"""What stands below the verdicts, in this order."""


def verdict_lines(findings: Findings, language: str = "en") -> list[ReportLine]:
    """Return a line for each verdict; many names with one outcome share a line."""
    verdicts = list(findings.verdicts.values())
    if len(verdicts) <= MOST:
        return [_verdict_line([v.name], v.status, verdict_text(v, language), language) for v in verdicts]
    groups: dict[tuple[Status, str], list[str]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.status, verdict_text(verdict, language)), []).append(verdict.name)
    return [_verdict_line(names, status, text, language) for (status, text), names in groups.items()]


def _verdict_line(names: Sequence[str], status: Status, text: str, language: str) -> ReportLine:
    return ReportLine(_names(names), status, (said(str(status), language), text))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names)})"


def verdict_text(verdict: Verdict, language: str = "en") -> str:
    """Return what is said beside a status."""
    if verdict.ratio is not None:
        return said("ratio", language, ratio=verdict.ratio)
    if verdict.note:
        return verdict.note
    return said("digits", language, digits=verdict.digits) if verdict.status is Status.AGREES else ""


def witness_text(verdict: Verdict, language: str = "en") -> str:
    """Return one element with both values and the inputs, short enough to read."""
    witness = verdict.witness
    if witness is None:
        return ""
    inputs = ", ".join(f"{name} = {number_text(value)}" for name, value in witness.inputs if not np.ndim(value))
    at = said("witness at", language, inputs=inputs) if inputs and len(inputs) < 90 else ""
    both = {"hand": f"{witness.hand:.8g}", "derived": f"{witness.derived:.8g}"}
    return said("witness", language, place=witness.place, at=at, **both)


def number_text(value: Any) -> str:
    """Return a number in as few digits as it has."""
    return f"{float(value):.6g}"


def scope_text(scope: VerdictScope, language: str = "en") -> str:
    """Return at which sizes, by which means, on which branches."""
    means = said("exact" if scope.exact else "float64", language)
    sizes = sizes_text(scope.shapes, language)
    if sizes:
        means = said("for sizes", language, means=means, sizes=sizes)
    elif scope.points:
        means = said("at points", language, means=means, points=scope.points)
    if scope.floats:
        means = said("in floats", language, means=means, sizes=sizes_text(scope.floats, language))
    if not scope.exact:
        return means
    if not scope.branches:
        return said("no branches", language, means=means)
    count = said("branch" if scope.branches == 1 else "several branches", language, count=scope.branches)
    visited = "; ".join(scope.unvisited[:2]) or said("each way", language)
    return said("branches", language, means=means, count=count, visited=visited)


def sizes_text(shapes: Sequence[str], language: str = "en") -> str:
    """Return sizes such as `N,D,K = 2,3,5 and 3,3,3`."""
    named = [shape for shape in shapes if "=" in shape]
    if not named or any(item.count("=") != 1 for shape in named for item in shape.split(",")):
        return "; ".join(filter(None, shapes))
    rows = [dict(item.split("=") for item in shape.split(",")) for shape in named]
    names = ",".join(rows[0])
    first, *others = (",".join(row.values()) for row in rows)
    return reduce(lambda before, sizes: said("and sizes", language, before=before, sizes=sizes), others, f"{names} = {first}")


def text(findings: Findings, language: str = "en") -> str:
    """Return the report as plain text with aligned columns."""
    shown = lines(findings, language)
    first = max([5, *(len(line.label) for line in shown)])
    verdicts = [line for line in shown if line.status is not None]
    others = [line for line in shown if len(line.cells) > 1 and line.status is None]
    rows = [heading(findings, language)]
    for line in shown:
        group = verdicts if line.status is not None else others if len(line.cells) > 1 else [line]
        rows.append(f"  {line.label:<{first}}  {_aligned(line, group)}".rstrip())
    return "\n".join(rows)


def _aligned(line: ReportLine, group: Sequence[ReportLine]) -> str:
    widths = [max(len(other.cells[k]) for other in group if len(other.cells) > k) for k in range(len(line.cells))]
    return "   ".join(f"{cell:<{min(width, 48)}}" for cell, width in zip(line.cells, widths, strict=True))
