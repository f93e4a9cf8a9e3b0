"""The report on a handwritten gradient: findings that show themselves in a terminal, as JSON, as Markdown and as HTML."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from rich.text import Text

from symbackprop.verify.records import Cause, Findings, Location, Repair, Status, Verdict
from symbackprop.verify.report import render
from symbackprop.verify.report.report_page import page

_STYLES = {
    Status.PROVED: "bold green",
    Status.AGREES: "green",
    Status.GUARDED: "green",
    Status.DIFFERS: "bold red",
    Status.NOT_DIFFERENTIABLE: "yellow",
    Status.NOT_DECIDED: "yellow",
    Status.ERROR: "bold red",
}


@dataclass(frozen=True)
class Report(Findings):
    """The verdicts on one handwritten gradient.

    `report["w7"]` is the verdict on a name; `ok` says that nothing differs and nothing failed; `print(report)` shows one screen.
    """

    def __str__(self) -> str:
        return render.text(self)

    def __repr__(self) -> str:
        return f"Report({'; '.join(f'{name} {verdict.status}' for name, verdict in self.verdicts.items())})"

    def _repr_markdown_(self) -> str:
        """What a notebook shows that takes no pages."""
        return self.to_markdown()

    def _repr_html_(self) -> str:
        """What a notebook shows: the page with the code, in a frame of its own, so that its style stays inside."""
        lines = 5 + len(self.verdicts) + 2 * len(render.lines(self)) + len(self.source) + 2 * len(self.locations)
        lines += sum(4 + 2 * len(repair.more) for repair in self.repairs)
        frame = f'style="width:100%;height:{min(60, 1.8 * lines):g}em;border:0" onload="{_AS_HIGH_AS_ITS_PAGE}"'
        return f'<iframe title="{escape(self.title)}" {frame} srcdoc="{escape(page(self))}"></iframe>'

    def to_text(self, language: str = "en") -> str:
        """Return the report as plain text, in English (`en`) or Chinese (`zh`)."""
        return render.text(self, language)

    def __rich__(self) -> Text:
        shown = Text(render.text(self))
        for status, style in _STYLES.items():
            shown.highlight_regex(rf"(?m)(?<=  ){status}(?=\s|$)", style)
        shown.highlight_regex(r"(?m)^  (?:why|where|mend|given|note|none|e\.g\.)\b", "cyan")
        return shown

    def to_json(self) -> str:
        """Return everything a program might read, as JSON."""
        record = {
            "title": self.title,
            "loss": self.loss,
            "hand": self.hand,
            "ok": self.ok,
            "verdicts": [_plain(asdict(verdict)) for verdict in self.verdicts.values()],
            "scope": _plain(asdict(self.scope)),
            "assumptions": list(self.assumptions),
            "causes": [_cause(cause) for cause in self.causes],
            "locations": [_location(location) for location in self.locations],
            "repairs": [_repair(repair) for repair in self.repairs],
            "missing": list(self.missing),
            "notes": list(self.notes),
        }
        return json.dumps(record, ensure_ascii=False, indent=2)

    def to_markdown(self) -> str:
        """Return the report as Markdown: a table of verdicts, then why, where, and the change as a diff."""
        rows = [f"**{render.heading(self)}**", "", "| gradient | verdict | |", "|---|---|---|"]
        rows += [f"| `{line.label}` | {line.cells[0]} | {_cell(line.cells[1])} |" for line in render.verdict_lines(self)]
        rows += ["", render.scope_text(self.scope)]
        for line in render.lines(self):
            if line.status is None and line.label != "mend":
                coded = 2 if line.label == "where" else 0
                cells = [f"`{cell}`" if k < coded else cell for k, cell in enumerate(line.cells)]
                rows += ["", f"*{line.label}* {' — '.join(cells)}"]
        for repair in self.repairs:
            rows += ["", "```diff", *diff(repair), "```"]
        return "\n".join(rows) + "\n"

    def to_html(self) -> str:
        """Return a page of its own: the verdicts, and the handwritten code with the verdict beside each line."""
        return page(self)


_AS_HIGH_AS_ITS_PAGE = "this.style.height=this.contentDocument.body.offsetHeight+56+'px'"
"""What a notebook that trusts its outputs does; elsewhere the frame has the height that was reckoned, and is moved inside."""


def diff(repair: Repair) -> list[str]:
    """Return a change as the lines of a small diff."""
    shown = []
    for step in (repair, *repair.more):
        shown += [f"@@ {step.place} @@", f"- {step.before}", f"+ {step.after}"]
    return shown


def _cause(cause: Cause) -> dict[str, Any]:
    return {"kind": cause.kind, "text": cause.text, "names": list(cause.names), "exonerates": cause.exonerates}


def _location(place: Location) -> dict[str, Any]:
    fields = ("filename", "line", "source", "text", "variable")
    return {name: getattr(place, name) for name in fields}


def _repair(repair: Repair) -> dict[str, Any]:
    fields = ("filename", "line", "before", "after", "proved")
    own = {name: getattr(repair, name) for name in fields}
    return {**own, "changed": list(repair.changed), "more": [_repair(step) for step in repair.more]}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _plain(value: Any) -> Any:
    """Return records with arrays and numpy numbers as lists and numbers."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.floating | np.integer):
        return value.item()
    return value


__all__ = ["Report", "Verdict", "diff"]
