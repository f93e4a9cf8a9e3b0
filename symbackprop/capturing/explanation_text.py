"""An explanation: what it holds, and as text, LaTeX, Markdown or a page of HTML. Code is escaped where it enters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from symbackprop.capturing.record.shifts import Shift
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text
from symbackprop.formula.tree.tree import Chain
from symbackprop.network import Network

INDENT = "    "


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A variable: its formula in indices, in matrix form where there is one, its shape, and the line of the code that sets it."""

    name: str
    formula: Chain
    matrix: Chain | None
    shape: str
    line: int | None
    code: str
    notation: Notation

    @property
    def text(self) -> str:
        """The formula as plain text."""
        return text(self.formula, self.notation)

    @property
    def latex(self) -> str:
        """The formula as LaTeX."""
        return latex(self.formula, self.notation)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Code as mathematics: a line for each variable in the order of the code; `network` holds the same as definitions.

    `results` tells the name of what is returned under each path, `shifts` the maxima that cancel and were left out, `points`
    at how many sets of numbers the formulas were compared with the code.
    """

    title: str
    lines: tuple[ExplainedLine, ...]
    network: Network
    results: Mapping[str, str]
    shifts: tuple[Shift, ...]
    points: int

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        return f"Explanation({self.title!r}: {len(self.lines)} lines)"

    def _repr_markdown_(self) -> str:
        """What a notebook shows that takes no pages."""
        return as_markdown(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the code's lines and, beside each, what they compute."""
        return f'<div style="overflow-x:auto">{_table(self)}</div>'


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
    title = escape(explanation.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{title}</title>\n<style>{STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{_table(explanation)}</body></html>\n"
    )


def _table(explanation: Explanation) -> str:
    rows = "\n".join(_row(line) for line in explanation.lines)
    return f"<table>\n{rows}\n</table>\n" + "".join(f"<p>{escape(note)}</p>" for note in _notes(explanation))


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
        yield f"{explanation.title} returns nothing: is a `return` missing, or what it takes no real number?"
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
