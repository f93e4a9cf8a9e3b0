"""A report as one HTML page: verdicts, reasons, and the handwritten code with the verdict beside each line; no scripts."""

from __future__ import annotations

from html import escape

from symbackprop.verify.records import Cause, Findings, Status
from symbackprop.verify.report import render
from symbackprop.verify.report.set_formulas import sentence, set_value

STYLE = """
:root { --ink: #1c1c1c; --paper: #fff; --dim: #555; --bad: #b01818; --good: #17692c; --open: #8a5a00; --red: #fde8e8;
  --green: #e9f7ec }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #16181b; --dim: #bbb; --bad: #ff8f8f; --good: #7fd494; --open: #e6b455; --red: #4a2020;
    --green: #1d3a26 }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere }
h1 { font-size: 1.1rem }
table { border-collapse: collapse; margin: 1rem 0; max-width: 100% }
td, th { text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top }
th, td:has(> code):first-child, [class^="status-"] { white-space: nowrap; overflow-wrap: normal }
math { font-size: 1.1em; math-style: normal } td:has(> math) { line-height: 2.2 }
code, pre, .code td { font: 13px/1.45 ui-monospace, monospace }
pre, .code td { white-space: pre-wrap }
.code { width: 100% } .code td { padding: 0 .8rem 0 0 }
.code .line { color: var(--dim); text-align: right; user-select: none; width: 2.5rem }
.wrong, .why { background: var(--red); box-shadow: inset 4px 0 var(--bad) } .wrong td { color: var(--bad); font-weight: 600 }
.right { background: var(--green) }
.code .why td { padding-bottom: .4rem } .reason { font: 14px/1.5 system-ui, sans-serif }
del, ins { text-decoration: none; display: block } del, .minus { color: var(--bad) } ins, .plus { color: var(--good) }
.status-proved, .status-agrees, .status-guarded { color: var(--good); font-weight: 600 }
.status-differs, .status-error { color: var(--bad); font-weight: 600 }
.status-not-differentiable { color: var(--open); font-weight: 600 }
.note { color: var(--dim) }
@media (max-width: 42rem) {
  body { margin: .8rem auto; padding: 0 .6rem }
  .code, .code tbody { display: block } .code tr { display: grid; grid-template-columns: 2.2rem minmax(0, 1fr) }
  .code td { padding: 0 .4rem 0 0 } .code .line { width: auto } .code .note { grid-column: 2 }
}
"""


def page(findings: Findings) -> str:
    """Return the page."""
    title = escape(render.heading(findings))
    body = [f"<h1>{title}</h1>", _verdicts(findings), f"<p>{escape(render.scope_text(findings.scope))}</p>", _reasons(findings)]
    body += [_repairs(findings), _code(findings)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{title}</title>'
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
    said = {cause.text: _cause(cause) for cause in findings.causes}
    rows = [
        f"<tr><th>{escape(line.label)}</th><td>{' '.join(said.get(cell) or escape(cell) for cell in line.cells)}</td></tr>"
        for line in render.lines(findings)
        if line.status is None and line.label not in ("mend", "where")
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _cause(cause: Cause) -> str:
    """Return a reason with its formulas set; the names that it explains before it where it does not explain all."""
    head = f"{escape(', '.join(cause.names))}: " if cause.partial else ""
    return head + sentence(cause.mistake.wording, cause.values)


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
    """The code, line by line: below a faulty line what is wrong and the change that mends it, beside others what was found."""
    if not findings.source:
        return ""
    right: dict[Place, list[str]] = {}
    for filename, number, text in findings.checked:
        right.setdefault((filename, number), []).append(text)
    wrong = _faults(findings)
    rows = (_line(number, text, wrong.get((name, number)), right.get((name, number))) for name, number, text in findings.source)
    return f'<table class="code">{"".join(rows)}</table>'


Place = tuple[str, int]


def _faults(findings: Findings) -> dict[Place, str]:
    """Return by place what is wrong there: the reasons, then the change, as markup."""
    found: dict[Place, dict[str, None]] = {}
    for location in findings.locations:
        reason = f'<div class="reason">{sentence(location.wording, location.values)}</div>'
        found.setdefault((location.filename, location.line), {})[reason] = None
    for repair in findings.repairs[:1]:
        for step in (repair, *repair.more):
            change = f"<del>- {escape(step.before.strip())}</del><ins>+ {escape(step.after.strip())}</ins>"
            found.setdefault((step.filename, step.line), {})[change] = None
    return {place: "".join(texts) for place, texts in found.items()}


def _line(number: int, text: str, fault: str | None, found: list[str] | None) -> str:
    kind = "wrong" if fault is not None else "right" if found else ""
    said = "" if fault is not None else "; ".join(map(set_value, dict.fromkeys(found or ())))
    row = f'<tr class="{kind}"><td class="line">{number}</td><td>{escape(text)}</td><td class="note">{said}</td></tr>'
    return row + (f'<tr class="why"><td class="line"></td><td colspan="2">{fault}</td></tr>' if fault is not None else "")
