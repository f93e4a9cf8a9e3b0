"""Markdown, TeX, HTML and Typst print the same formulas, one for one: each read back, or found again in order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from symbackprop.formula.print.text import text
from symbackprop.formula.print.typst import typst
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.page.blocks import ArrayValue, Cell, Definitions, FormulaBlock, Outline, Table
from symbackprop.writeup.page.rows import laid_out
from symbackprop.writeup.print.html import html
from symbackprop.writeup.print.md import markdown
from symbackprop.writeup.print.pdf import PDF_WIDTH, readable, typst_source
from symbackprop.writeup.print.tex import tex
from symbackprop.writeup.slides.deck_html import deck_html
from tests.writeup.array_pages import array_derivation, outline_at
from tests.writeup.mathml_reader import html_statements, latex
from tests.writeup.printed import as_fraction, cells, statements
from tests.writeup.support import names_of

SLOW = ("mlp_softmax", "two_three_two", "tanh_neuron", "attention", "batch_norm", "bounded_sums")
FORMATS = ["linear_regression", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


def printed(name: str) -> tuple[Outline, Names]:
    """Return the outline of a network's handout, and what a reader of it knows."""
    outline = outline_at(name)
    return outline, names_of(array_derivation(name), outline.notation)


def in_outline(outline: Outline) -> list[str]:
    """Return the statements of an outline as plain text."""
    lines = [line for block in outline.blocks if isinstance(block, FormulaBlock) for line in block.lines]
    return [" ".join(text(as_fraction(part.formula), outline.notation) for part in line.parts) for line in lines]


def without_signs(formula: Formula, outline: Outline) -> str:
    """Return a formula read from a page as `in_outline` has it."""
    return " ".join(text(as_fraction(part), outline.notation) for part in getattr(formula, "parts", (formula,)))


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_state_the_same(name: str) -> None:
    outline, names = printed(name)
    expected = in_outline(outline)
    pages = {
        "md": [one.latex for one in statements(markdown(outline)[""])],
        "tex": [one.latex for one in statements(tex(outline))],
        "html": html_statements(html(outline)),
    }
    assert expected
    for kind, found in pages.items():
        assert [without_signs(read(one, names), outline) for one in found] == expected, kind
    trees = {kind: [as_fraction(read(one, names)) for one in found] for kind, found in pages.items()}
    assert trees["html"] == trees["md"] == trees["tex"]
    assert_typst_has(outline, typst_source(outline, ("serif",)))


def in_tables(outline: Outline) -> list[str]:
    """Return the formulas of the tables and arrays of an outline as plain text."""
    blocks = [block for block in outline.page if isinstance(block, Table | ArrayValue | Definitions)]
    return [text(formula, outline.notation) for block in blocks for formula in _in_order(block)]


def _in_order(part: object) -> Iterator[Formula]:
    match part:
        case Formula():
            yield part
        case tuple():
            for inner in part:
                yield from _in_order(inner)
        case Table(header=header, rows=rows):
            yield from _in_order((header, rows))
        case ArrayValue(name=name, rows=rows):
            yield from _in_order((name, rows))
        case Definitions(rows=rows) | Cell(words=rows):
            yield from _in_order(rows)


@pytest.mark.parametrize("name", FORMATS)
def test_tables_and_arrays_of_a_tex_document_hold_the_same_numbers(name: str) -> None:
    outline, names = printed(name)
    expected = in_tables(outline)
    assert sum(bool(re.search(r"\d\.\d", one)) for one in expected) > 8
    page = tex(outline)
    assert [text(read(one, names), outline.notation) for one in cells(page)] == expected
    number = next(one for one in cells(page) if re.fullmatch(r"\d+\.\d+", one))
    wrong = page.replace(number, f"{number[:-1]}{9 - int(number[-1])}")
    assert [text(read(one, names), outline.notation) for one in cells(wrong)] != expected


@pytest.mark.parametrize("name", FORMATS[:4])
def test_slides_state_lines_of_the_handout_in_order(name: str) -> None:
    outline, names = printed(name)
    shown = html_statements(deck_html(outline, array_derivation(name)))
    waiting = iter(in_outline(outline))
    assert len(shown) > 10
    for one in shown:
        assert without_signs(read(one, names), outline) in waiting


def assert_typst_has(outline: Outline, source: str) -> None:
    """Assert that every piece of every formula stands in a Typst source, one after the other."""
    place = 0
    for block in outline.blocks:
        for line in laid_out(block.lines, PDF_WIDTH) if isinstance(block, FormulaBlock) else ():
            for row in line:
                for formula in (*((row.head.formula,) if row.head else ()), *(piece.body for piece in row.pieces)):
                    place = source.index(readable(typst(formula, outline.notation)), place) + 1


def test_a_formula_of_html_is_read_as_it_stands() -> None:
    names = Names.of(scalars="E", indexed="W1 b", functions="relu", indices="n i j", sizes="N")
    page = r"<math><mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo><mi>b</mi></mrow></mfrac></math>"
    assert text(read(latex(page), names)) == "∂E/∂b"


@pytest.mark.slow
def test_a_changed_page_is_noticed() -> None:
    outline, names = printed("linear_regression")
    page = html(outline)
    wrong = page.replace("<mi>z</mi>", "<mi>W</mi>", 5)
    right, other = ([read(one, names) for one in html_statements(one)] for one in (page, wrong))
    assert right != other
    with pytest.raises(ValueError, match="not found"):
        assert_typst_has(outline, typst_source(outline, ("serif",)).replace("W", "V"))
