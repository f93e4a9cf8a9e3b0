"""Print an outline as Markdown with mathematics between dollar signs, as GitHub shows it; figures are files beside it."""

from __future__ import annotations

from functools import singledispatch

from symbackprop.errors import InternalError
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.markdown import markdown_inline
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.drawing.svg import svg
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.phrases import plain, worth
from symbackprop.writeup.print.figures import picture
from symbackprop.writeup.print.format import check_complete, text_format
from symbackprop.writeup.print.latex_rows import aligned, latex_matrix

BLANK_FIELD = "\\_" * 10
_RULES = {"l": ":---", "c": ":---:", "r": "---:"}
_TONES = {"plain": "", "note": "> ", "rule": "> ", "answer": "> ✓ "}


def markdown(outline: b.Outline, stem: str = "handout") -> dict[str, str]:
    """Return the files by name: the page under the empty name, and an SVG for each figure, `stem` in front.

    Raises InternalError for a block it does not know.
    """
    printer = _Printer(outline, stem)
    head = f"# {escaped(outline.title)}\n\n*{escaped(outline.subtitle)}*"
    body = [text for block in outline.page if (text := _block(block, printer))]
    return {"": "\n\n".join([head, *body]) + "\n", **printer.figures}


class _Printer:
    def __init__(self, outline: b.Outline, stem: str) -> None:
        self.outline = outline
        self.stem = stem
        self.figures: dict[str, str] = {}

    def words(self, words: b.Words) -> str:
        """Print text with formulas in it."""
        return "".join(self._word(part) for part in words).strip()

    def _word(self, part: str | Formula) -> str:
        if isinstance(part, Formula):
            return markdown_inline(part, self.outline.notation)
        return "<br>" if part == "\n" else escaped(part)

    def say(self, key: str) -> str:
        """Return a fixed phrase."""
        return plain(key, self.outline.lang)


def escaped(text: str) -> str:
    """Protect what Markdown would read as markup."""
    for sign in "\\`*_[]<>|#$":
        text = text.replace(sign, "\\" + sign)
    return text


@singledispatch
def _block(block: b.Block, printer: _Printer) -> str:
    raise InternalError(f"markdown: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, printer: _Printer) -> str:
    known = {key: escaped(text) for key, text in block.known}
    fields = [f"{printer.say(key)} {known.get(key, BLANK_FIELD)}" for key in ("name", "class", "date")]
    if block.points:
        fields.append(f"{printer.say('points')} \\_\\_\\_ / {block.points}")
    if not block.questions:
        return "   ".join(fields)
    head, *rows = b.grading_rows(block, printer.say("question"), printer.say("total"), printer.say("points"))
    table = [_table_row(list(head)), "|" + "---|" * len(head), *(_table_row(list(row)) for row in rows)]
    return "   ".join(fields) + "\n\n" + "\n".join(table)


@_block.register
def _(block: b.Heading, printer: _Printer) -> str:
    points = f" ({worth(block.points, printer.outline.lang)})" if block.points else ""
    number = f"{block.number}. " if block.number else ""
    return f"{'#' * (block.level + 1)} {number}{printer.words(block.words)}{points}"


@_block.register
def _(block: b.Prose, printer: _Printer) -> str:
    return _TONES[block.tone] + printer.words(block.words)


@_block.register
def _(block: b.FormulaBlock, printer: _Printer) -> str:
    return f"$$\n{aligned(block.lines, printer.outline.notation)}\n$$"


@_block.register
def _(block: b.Table, printer: _Printer) -> str:
    rows = [
        _table_row([printer.words(words) for words in block.header]),
        "|" + "|".join(_RULES[align] for align in block.align) + "|",
        *(_table_row([printer.words(cell.words) for cell in row]) for row in block.rows),
    ]
    return "\n".join(rows)


@_block.register
def _(block: b.ArrayValue, printer: _Printer) -> str:
    return f"$$\n{latex_matrix(block, printer.outline.notation, str)}\n$$"


@_block.register
def _(block: b.Definitions, printer: _Printer) -> str:
    """Print a list: Markdown has no table without a header."""
    pairs = [(printer.words(label), printer.words(words)) for label, words in block.rows]
    return "\n".join(f"- **{label}** {stands_for}" if label else f"- {stands_for}" for label, stands_for in pairs)


def _table_row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


@_block.register
def _(block: b.Figure, printer: _Printer) -> str:
    name = f"{printer.stem}-{block.anchor}.svg"
    outline = printer.outline
    printer.figures[name] = svg(picture(block.drawing, outline.lang, outline.notation))
    caption = f"\n\n{printer.words(block.caption)}" if block.caption else ""
    return f"![{escaped(block.alt)}]({name}){caption}"


@_block.register
def _(block: b.BlankLines, printer: _Printer) -> str:
    return f"**{printer.say('your work')}**\n" + "\n<br>" * block.lines


@_block.register
def _(block: b.Code, printer: _Printer) -> str:
    return f"```{block.language}\n{block.text.rstrip()}\n```"


@_block.register
def _(block: b.Choice, printer: _Printer) -> str:
    lines = [printer.words(block.question), ""]
    for letter, option in zip("abcdefgh", block.options, strict=False):
        verdict = ""
        if option.right is not None:
            verdict = " ✓" if option.right else f" ✗ {printer.words(option.why)}"
        lines.append(f"- ({letter}) ${latex(_formula(option), printer.outline.notation)}${verdict}")
    return "\n".join(lines)


def _formula(option: b.Option) -> Formula:
    (formula,) = option.words
    if not isinstance(formula, Formula):
        raise InternalError("markdown: an option is expected to be one formula")
    return formula


@_block.register
def _(block: b.PageBreak, printer: _Printer) -> str:
    return "---" if block.must else ""


check_complete(_block)
FORMAT = text_format(".md", markdown)
