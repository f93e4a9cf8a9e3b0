"""Outlines as golden files: every block, formula, table and gap as plain text, so that a change of content is seen and meant.

After a change that is meant, `pytest tests/writeup/test_golden.py --update-golden` writes the files anew; read their diff.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.tree import Formula, Name, Number
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.support import document, outline_of

GOLDEN = Path(__file__).parent / "golden"
CASES = {
    f"{name}-{audience}-{lang}": (name, HandoutOptions(audience=audience, lang=lang))
    for name, audience, lang in (
        *(("two_three_two", audience, lang) for audience in ("teacher", "student", "key") for lang in ("en", "zh")),
        ("linear_regression", "teacher", "en"),
        ("mlp_softmax", "teacher", "en"),
    )
}
LINES_OF_DIFF = 24


def words_text(words: b.Words, notation: Notation) -> str:
    """Return words on one line, formulas between dollar signs."""
    shown = [f"${latex(word, notation)}$" if isinstance(word, Formula) else word for word in words]
    return "".join(shown).replace("\n", "⏎")


def marks(**named: object) -> str:
    """Return what is set, in braces."""
    found = ", ".join(f"{name} {value}" for name, value in named.items() if value not in ("", None, ()))
    return f"  {{{found}}}" if found else ""


def block_lines(block: b.Block, notation: Notation) -> Iterator[str]:
    """Yield the lines of one block: its kind and marks first, then its content, indented."""

    def say(words: b.Words) -> str:
        return words_text(words, notation)

    match block:
        case b.Heading():
            given = marks(anchor=block.anchor, points=block.points or "", number=block.number or "")
            yield f"{'#' * block.level} {say(block.words)}{given}"
        case b.Prose():
            yield f"prose {block.tone}{marks(hidden=block.hidden)}: {say(block.words)}"
        case b.FormulaBlock():
            yield f"formulas{marks(anchor=block.anchor, keep='together' if block.keep else '')}"
            for line in block.lines:
                yield f"  line{marks(because=line.because, about=' '.join(line.about))}"
                yield from (f"    {part_text(part, notation)}" for part in line.parts)
        case b.Table():
            yield f"table{marks(anchor=block.anchor, align=block.align)}"
            yield "  head | " + " | ".join(say(cell) for cell in block.header)
            yield from ("  row  | " + " | ".join(cell_text(cell, notation) for cell in row) for row in block.rows)
        case b.ArrayValue():
            yield f"matrix{marks(anchor=block.anchor, name=say(block.name))}"
            yield from ("  row  | " + " | ".join(cell_text(cell, notation) for cell in row) for row in block.rows)
        case b.Definitions():
            yield f"definitions{marks(anchor=block.anchor)}"
            yield from (f"  {say(label)} | {say(words)}" for label, words in block.rows)
        case b.Figure():
            yield f"figure{marks(anchor=block.anchor, alt=block.alt, caption=say(block.caption))}"
            yield from drawing_lines(block.drawing, notation)
        case b.BlankLines():
            yield f"room for {block.lines} lines"
        case b.Code():
            yield f"code {block.language}{marks(hidden=block.hidden)}"
            yield from (f"  {line}".rstrip() for line in block.text.splitlines())
        case b.CodeCell():
            yield f"notebook{marks(hidden=block.hidden)}"
            yield from (f"  {line}".rstrip() for line in block.text.splitlines())
        case b.TextCell():
            yield f"notebook: {say(block.words)}"
        case b.Choice():
            yield f"choice{marks(anchor=block.anchor)}: {say(block.question)}"
            yield from (f"  {option.right} | {say(option.words)}{marks(why=say(option.why))}" for option in block.options)
        case b.PageBreak():
            yield f"page break{' (must)' if block.must else ''}"
        case b.NameLine():
            yield f"name line{marks(points=block.points or '', questions=' '.join(map(str, block.questions)), known=block.known)}"
        case _:
            raise AssertionError(f"no text for {type(block).__name__}")


def part_text(part: b.Part, notation: Notation) -> str:
    """Return one side of a relation with its kind, when it is hidden, and what then stands in its place."""
    gaps = None if part.stripped is None else latex(part.stripped, notation)
    return f"{part.relation or ' '} {latex(part.formula, notation)}{marks(kind=part.kind, hidden=part.hidden, stripped=gaps)}"


def cell_text(cell: b.Cell, notation: Notation) -> str:
    """Return a cell of a table with when it is hidden and what then stands in its place."""
    gaps = None if cell.stripped is None else words_text(cell.stripped, notation)
    return words_text(cell.words, notation) + marks(hidden=cell.hidden, stripped=gaps)


def drawing_lines(drawing: b.Drawing, notation: Notation) -> Iterator[str]:
    """Yield what a figure shows."""
    yield f"  {drawing.view} of {drawing.network.title}, loss {drawing.loss}"
    yield "  path: " + " ".join(drawing.highlight)
    yield "  answers: " + " ".join(sorted(drawing.answers))
    yield from (f"  {name} = {value}" for name, value in drawing.values)
    yield from (f"  on {' → '.join(edge)}: {latex(formula, notation)}" for edge, formula in drawing.locals)


def outline_text(outline: b.Outline) -> str:
    """Return a whole outline as plain text; the notation is seen in the formulas."""
    head = [f"{outline.title} | {outline.subtitle} | {outline.audience} | {outline.lang}"]
    paths = [f"path {name}: {' '.join(passed)}" for name, passed in outline.paths]
    body = [line for block in outline.blocks for line in block_lines(block, outline.notation)]
    return "\n".join([*head, *paths, *body, ""])


def assert_golden(text: str, path: Path, update: bool) -> None:
    """Assert that a text is what its file says, with the first lines of the difference; `update` writes the file instead."""
    if update:
        path.write_text(text, encoding="utf-8")
        return
    assert path.exists(), f"{path.name} is missing; --update-golden writes it"
    expected = path.read_text(encoding="utf-8")
    if text != expected:
        found = unified_diff(expected.splitlines(), text.splitlines(), path.name, "now", lineterm="", n=1)
        raise AssertionError(f"{shortened(found)}\nIf this is meant, run pytest with --update-golden.")


def shortened(lines: Iterable[str]) -> str:
    """Return the first lines of a difference, saying how many more there are."""
    listed = list(lines)
    more = len(listed) - LINES_OF_DIFF
    return "\n".join([*listed[:LINES_OF_DIFF], *([f"… and {more} more lines"] if more > 0 else [])])


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case.startswith("mlp_softmax") else case for case in CASES]
)
def test_the_outline_is_what_its_golden_file_says(case: str, update_golden: bool) -> None:
    name, options = CASES[case]
    assert_golden(outline_text(outline_of(name, options)), GOLDEN / f"{case}.txt", update_golden)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_numbers_known_from_the_document_stand_where_they_may(lang: str) -> None:
    # As many places as rounded intermediate results leave right.
    known = {"out_h1": "0.91293", "E_total": "0.3918", "dE_dw7": "0.07806", "new w7": "0.36096", "new w1": "0.0938"}
    texts = {who: (GOLDEN / f"two_three_two-{who}-{lang}.txt").read_text("utf-8") for who in ("teacher", "student", "key")}
    for what, digits in known.items():
        assert digits in texts["teacher"], what
        assert digits in texts["key"], what
        assert digits not in texts["student"], what


def test_every_golden_file_belongs_to_an_outline() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(f"{case}.txt" for case in CASES)


def test_a_difference_is_shown_shortly_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    assert_golden("a\nb\nc\n", path, update=True)
    assert_golden("a\nb\nc\n", path, update=False)
    with pytest.raises(AssertionError, match=r"(?s)-b\n\+B\n.*--update-golden"):
        assert_golden("a\nB\nc\n", path, update=False)
    with pytest.raises(AssertionError, match=r"… and \d+ more lines"):
        assert_golden("x\n" * 99, path, update=False)
    with pytest.raises(AssertionError, match="is missing"):
        assert_golden("a\n", tmp_path / "two.txt", update=False)


X, Y = Name("out_h1"), Number("0.5")
DRAWING = b.Drawing(document("two_three_two").network, "E_total")
ONE_OF_EACH = (
    b.Heading(1, ("One",), "one"), b.Prose(("see ", X)), b.FormulaBlock("f", (b.Line((b.Part(X), b.Part(Y, "="))),)),
    b.Table("t", (("head",),), ((b.Cell(("cell",)),),), "l"), b.Figure("g", DRAWING, "alt"), b.BlankLines(2),
    b.ArrayValue("m", ("A",), ((b.Cell(("1",)),),)), b.Definitions("d", ((("label",), ("words",)),)), b.CodeCell("x = 1\n"),
    b.TextCell(("see ", X)), b.Code("python", "x = 1\n"), b.Choice("c", ("which?",), (b.Option((X,)),)), b.PageBreak(),
    b.NameLine(),
)  # fmt: skip
#: For every field of every block, another value.
OTHERWISE: dict[str, Any] = {
    "level": 2, "words": ("see ", Y), "anchor": "other", "tone": "note", "hidden": "rhs", "keep": False,
    "lines": {b.BlankLines: 3, b.FormulaBlock: (b.Line((b.Part(Y),)),)}, "header": (("Head",),), "align": "r",
    "rows": {
        **dict.fromkeys((b.Table, b.ArrayValue), ((b.Cell(("cell",), "rhs"),),)), b.Definitions: ((("label",), ("other",)),)
    },
    "name": ("B",), "caption": ("under it",), "alt": "else", "language": "text", "text": "x = 2\n",
    "question": ("who?",), "options": (b.Option((X,), True),), "must": True, "points": 4, "number": 3,
    "questions": (1, 3), "known": (("name", "Ada"),),
    "drawing": replace(DRAWING, highlight=("w1",)),
}  # fmt: skip


@pytest.mark.parametrize("block", ONE_OF_EACH, ids=lambda block: type(block).__name__)
def test_every_field_of_a_block_is_in_the_text(block: b.Block) -> None:
    before = list(block_lines(block, Notation()))
    for field in fields(block):
        other = OTHERWISE[field.name]
        changed = replace(block, **{field.name: other[type(block)] if isinstance(other, dict) else other})
        assert list(block_lines(changed, Notation())) != before, field.name


@pytest.mark.parametrize(
    "part", [b.Part(Y, "="), b.Part(X, ">"), b.Part(X, "=", b.RESULT), b.Part(X, "=", hidden="rhs"), b.Part(X, "=", stripped=Y)]
)
def test_every_field_of_a_part_is_in_the_text(part: b.Part) -> None:
    assert part_text(part, Notation()) != part_text(b.Part(X, "="), Notation())


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "E_o1"}, {"values": (("w1", "0.1"),)}, {"highlight": ("w1",)}, {"answers": frozenset({"w1"})},
        {"view": "graph"}, {"locals": ((("net_h1", "w1"), X),)},
    ],
)  # fmt: skip
def test_every_field_of_a_drawing_is_in_the_text(change: dict[str, Any]) -> None:
    assert list(drawing_lines(replace(DRAWING, **change), Notation())) != list(drawing_lines(DRAWING, Notation()))


def test_every_kind_of_block_has_its_example() -> None:
    assert {type(block) for block in ONE_OF_EACH} == set(b.Block.__args__)
