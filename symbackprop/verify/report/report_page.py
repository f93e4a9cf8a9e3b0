"""A report as one HTML page: verdicts, reasons, and the handwritten code with the verdict beside each line; no scripts."""

from __future__ import annotations

from html import escape

from symbackprop.verify.records import Findings, Status
from symbackprop.verify.report import render

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif;
  max-width: 72rem;
  margin: 2rem auto;
  padding: 0 1rem;
  color: #1c1c1c;
  background: #fff }
h1 { font-size: 1.1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top }
code, pre, .code td { font: 13px/1.45 ui-monospace, monospace } .code td { white-space: pre-wrap; padding: 0 .8rem 0 0 }
.line { color: #777; text-align: right; user-select: none } .wrong { background: #fde8e8 } .right { background: #e9f7ec }
.status-proved, .status-agrees, .status-guarded { color: #17692c; font-weight: 600 }
.status-differs, .status-error { color: #b01818; font-weight: 600 }
.status-not-differentiable { color: #8a5a00; font-weight: 600 }
.note { color: #444 }
.minus { color: #b01818 }
.plus { color: #17692c }
@media (prefers-color-scheme: dark) {
 body { background: #16181b; color: #e6e6e6 }
.wrong { background: #4a2020 }
.right { background: #1d3a26 }
.note { color: #bbb }
 .status-proved, .status-agrees, .status-guarded, .plus { color: #7fd494 }
.status-differs, .status-error, .minus { color: #ff8f8f }
.status-not-differentiable { color: #e6b455 }
}
"""


def page(findings: Findings) -> str:
    """Return the page."""
    title = escape(render.heading(findings))
    body = [f"<h1>{title}</h1>", _verdicts(findings), f"<p>{escape(render.scope_text(findings.scope))}</p>", _reasons(findings)]
    body += [_repairs(findings), _code(findings)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(part for part in body if part) + "\n</body></html>\n"
    )


def _verdicts(findings: Findings) -> str:
    rows = [
        f'<tr><td><code>{escape(line.label)}</code></td><td class="status-{_slug(line.status)}">{escape(line.cells[0])}</td>'
        f"<td>{escape(line.cells[1])}</td></tr>"
        for line in render.verdict_lines(findings)
    ]
    return f"<table>{''.join(rows)}</table>"


def _slug(status: Status | None) -> str:
    return str(status or "").replace(" ", "-")


def _reasons(findings: Findings) -> str:
    rows = [
        f"<tr><th>{escape(line.label)}</th><td>{' '.join(escape(cell) for cell in line.cells)}</td></tr>"
        for line in render.lines(findings)
        if line.status is None and line.label not in ("mend", "where")
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _repairs(findings: Findings) -> str:
    blocks = []
    for repair in findings.repairs:
        said = "proved with this change" if repair.proved else "agrees with this change"
        changes = "".join(
            f'{escape(step.place)}\n<span class="minus">- {escape(step.before)}</span>\n'
            f'<span class="plus">+ {escape(step.after)}</span>\n'
            for step in (repair, *repair.more)
        )
        blocks.append(f"<p>{said}:</p><pre>{changes}</pre>")
    return "".join(blocks)


def _code(findings: Findings) -> str:
    """The code, line by line; beside a line what was found there."""
    if not findings.source:
        return ""
    beside: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for location in findings.locations:
        beside.setdefault((location.filename, location.line), []).append(("wrong", location.text))
    for repair in findings.repairs[:1]:
        for step in (repair, *repair.more):
            beside.setdefault((step.filename, step.line), []).append(("wrong", f"→ {step.after.strip()}"))
    for filename, line, text in findings.checked:
        beside.setdefault((filename, line), []).append(("right", text))
    rows = []
    for filename, number, text in findings.source:
        remarks = beside.get((filename, number), [])
        kind = "wrong" if any(k == "wrong" for k, _ in remarks) else "right" if remarks else ""
        said = escape("; ".join(dict.fromkeys(remark for _, remark in remarks)))
        rows.append(f'<tr class="{kind}"><td class="line">{number}</td><td>{escape(text)}</td><td class="note">{said}</td></tr>')
    return f'<table class="code">{"".join(rows)}</table>'
