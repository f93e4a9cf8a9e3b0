"""An explanation as text, LaTeX, Markdown or a page of HTML. Code is escaped where it enters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape

from symbackprop.capturing.explain import ExplainedLine, Explanation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text

INDENT = "    "


def as_text(explanation: Explanation) -> str:
    """Return plain text: the code's line, then its formulas with the shape."""
    found = []
    for line in explanation.lines:
        found += [f"{_place(line)}{line.code}".rstrip()] if line.line else []
        found.append(f"{INDENT}{line.text}{INDENT}{line.shape}".rstrip())
        found += [f"{INDENT}{text(line.matrix, line.notation)}"] if line.matrix else []
    return "\n".join([*found, *_notes(explanation)])


def as_latex(explanation: Explanation) -> str:
    """Return a LaTeX `align*` block, a row for each variable, the code's lines as comments."""
    rows = []
    for line in explanation.lines:
        comment = f"% {_place(line)}{line.code}\n" if line.line else ""
        rows.append(comment + "  " + line.latex.replace("=", "&=", 1))
    notes = [f"% {note}" for note in _notes(explanation)]
    return "\n".join([*notes, r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])


def as_markdown(explanation: Explanation) -> str:
    """Return a Markdown table: line, code, formula, matrix form, shape."""
    rows = ["| line | code | formula | matrix form | shape |", "| ---: | --- | --- | --- | --- |"]
    for line in explanation.lines:
        matrix = f"${latex(line.matrix, line.notation)}$" if line.matrix else ""
        cells = (str(line.line or ""), _code_span(line.code), f"${line.latex}$", matrix, line.shape)
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join([f"# {explanation.title}", "", *rows, *_after(explanation)])


def as_html(explanation: Explanation) -> str:
    """Return a page of its own: the code's lines and, beside each, what they compute."""
    rows = "\n".join(_row(line) for line in explanation.lines)
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(explanation))
    title = escape(explanation.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n<style>{STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n<table>\n{rows}\n</table>\n{notes}</body></html>\n"
    )


STYLE = (
    "body{font:16px/1.5 serif;margin:2em auto;max-width:72em;padding:0 1em}table{border-collapse:collapse}"
    "td{padding:.3em .8em;border-top:1px solid #ddd;vertical-align:top}td:first-child{color:#777;text-align:right}"
    "code{font:14px monospace;white-space:pre-wrap}.shape{color:#777;white-space:nowrap}"
)


def _row(line: ExplainedLine) -> str:
    formulas = [mathml(line.formula, line.notation)] + ([mathml(line.matrix, line.notation)] if line.matrix else [])
    return (
        f"<tr><td>{line.line or ''}</td><td><code>{escape(line.code)}</code></td><td>{'<br>'.join(formulas)}</td>"
        f'<td class="shape">{escape(line.shape)}</td></tr>'
    )


def _place(line: ExplainedLine) -> str:
    return f"{line.line}: " if line.code else f"line {line.line}"


def _code_span(code: str) -> str:
    """Return code in as many backticks as it needs."""
    if not code:
        return ""
    fence = "`"
    while fence in code:
        fence += "`"
    space = " " if "`" in code else ""
    return f"{fence}{space}{code}{space}{fence}"


def _after(explanation: Explanation) -> list[str]:
    notes = _notes(explanation)
    return ["", *(f"*{note}*  " for note in notes)] if notes else []


def _notes(explanation: Explanation) -> list[str]:
    return list(_note_lines(explanation))


def _note_lines(explanation: Explanation) -> Iterator[str]:
    if not explanation.results:
        yield f"{explanation.title} returns nothing: is a `return` missing?"
    for path, name in explanation.results.items():
        if path not in ("", name):
            yield f"returned as {path}: {name}"
    yield from map(str, explanation.shifts)


FORMATS: Mapping[str, Callable[[Explanation], str]] = {
    "text": as_text,
    "latex": as_latex,
    "markdown": as_markdown,
    "html": as_html,
}
