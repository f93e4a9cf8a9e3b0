"""A report as lines of text: one screen, aligned, each line a fact with its scope. Terminal, Markdown and HTML start from these
lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.verify.records import Findings, Scope, Status, Verdict

MOST = 14
"""Verdicts shown one by one; beyond that, names with the same outcome share a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a label (`W`, `why`), the status it speaks of, and cells to be aligned."""

    label: str
    status: Status | None
    cells: tuple[str, ...]


def heading(findings: Findings) -> str:
    """Return the first line: what was compared with what."""
    return f"{findings.title} · loss {findings.loss} · hand gradient {findings.hand}"


def lines(findings: Findings) -> list[Line]:
    """Return all lines below the heading."""
    found = verdict_lines(findings)
    if found:
        found[0] = Line(found[0].label, found[0].status, (*found[0].cells, scope_text(findings.scope)))
    for verdict in findings.verdicts.values():
        unexplained = verdict.ratio is None and verdict.tier != "shape" and not findings.repairs
        if verdict.status is Status.DIFFERS and verdict.witness is not None and unexplained:
            found.append(Line("e.g.", None, (witness_text(verdict),)))
            break
    found += [Line("why", None, (cause.text,)) for cause in findings.causes]
    found += [Line("where", None, (location.place, location.source, location.text)) for location in findings.locations]
    for repair in findings.repairs:
        proved = "proved with this change" if repair.proved else "agrees with this change"
        steps = (repair, *repair.more)
        for step in steps:
            found.append(Line("mend", None, (step.place, step.after, proved if step is steps[-1] else "and")))
    if findings.missing:
        found.append(Line("none", None, (f"no handwritten gradient for {', '.join(findings.missing)}",)))
    found += [Line("given", None, (text,)) for text in findings.assumptions]
    found += [Line("note", None, (text,)) for text in findings.notes]
    if findings.scope.fallback:
        found.append(Line("note", None, (f"{findings.scope.fallback}; compared in float64 only",)))
    return found


def verdict_lines(findings: Findings) -> list[Line]:
    """Return a line for each verdict; many names with one outcome share a line."""
    verdicts = list(findings.verdicts.values())
    if len(verdicts) <= MOST:
        return [Line(v.name, v.status, (str(v.status), verdict_text(v))) for v in verdicts]
    groups: dict[tuple[Status, str], list[str]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.status, verdict_text(verdict)), []).append(verdict.name)
    return [Line(_names(names), status, (str(status), text)) for (status, text), names in groups.items()]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names)})"


def verdict_text(verdict: Verdict) -> str:
    """Return what is said beside a status."""
    if verdict.ratio is not None:
        return f"hand = {verdict.ratio} · derived"
    if verdict.note:
        return verdict.note
    return f"{verdict.digits} digits" if verdict.status is Status.AGREES else ""


def witness_text(verdict: Verdict) -> str:
    """Return one element with both values and the inputs, short enough to read."""
    witness = verdict.witness
    if witness is None:
        return ""
    inputs = ", ".join(f"{name} = {number_text(value)}" for name, value in witness.inputs if not np.ndim(value))
    at = f" at {inputs}" if inputs and len(inputs) < 90 else ""
    return f"{witness.place}: hand {witness.hand:.8g}, derived {witness.derived:.8g}{at}"


def number_text(value: Any) -> str:
    """Return a number in as few digits as it has."""
    return f"{float(value):.6g}"


def scope_text(scope: Scope) -> str:
    """Return at which sizes, by which means, on which branches."""
    parts = ["exact" if scope.exact else "float64"]
    sizes = sizes_text(scope.shapes)
    if sizes:
        parts.append(f"for {sizes}")
    elif scope.points:
        parts.append(f"at {scope.points} points")
    if scope.floats:
        parts.append(f"and in float64 for {sizes_text(scope.floats)}")
    text = ", ".join(parts)
    if not scope.exact:
        return text
    if not scope.branches:
        return f"{text}; no branches"
    if not scope.unvisited:
        return f"{text}; {_count(scope.branches, 'branch', 'branches')}, each way visited"
    return f"{text}; {_count(scope.branches, 'branch', 'branches')}, {'; '.join(scope.unvisited[:2])}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def sizes_text(shapes: Sequence[str]) -> str:
    """Return sizes such as `N,D,K = 2,3,5 and 3,3,3`."""
    rows = [[item.split("=") for item in shape.split(",")] for shape in shapes if shape and "=" in shape]
    if not rows or any(len(pair) != 2 for row in rows for pair in row):
        return "; ".join(shape for shape in shapes if shape)
    names = ",".join(name for name, _ in rows[0])
    return f"{names} = {' and '.join(','.join(value for _, value in row) for row in rows)}"


def text(findings: Findings) -> str:
    """Return the report as plain text with aligned columns."""
    shown = lines(findings)
    first = max([5, *(len(line.label) for line in shown)])
    verdicts = [line for line in shown if line.status is not None]
    others = [line for line in shown if len(line.cells) > 1 and line.status is None]
    rows = [heading(findings)]
    for line in shown:
        group = verdicts if line.status is not None else others if len(line.cells) > 1 else [line]
        rows.append(f"  {line.label:<{first}}  {_aligned(line, group)}".rstrip())
    return "\n".join(rows)


def _aligned(line: Line, group: Sequence[Line]) -> str:
    widths = [max(len(other.cells[k]) for other in group if len(other.cells) > k) for k in range(len(line.cells))]
    return "   ".join(f"{cell:<{min(width, 48)}}" for cell, width in zip(line.cells, widths, strict=True))
