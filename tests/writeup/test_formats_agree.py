"""Markdown, TeX, HTML and Typst print the same formulas, one for one: each read back, or found again in order."""

from __future__ import annotations

import pytest

from symbackprop.formula.print.text import text
from symbackprop.formula.print.typst import typst
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.page.blocks import FormulaBlock, Outline
from symbackprop.writeup.page.rows import laid_out
from symbackprop.writeup.print.html import html
from symbackprop.writeup.print.md import markdown
from symbackprop.writeup.print.pdf import PDF_WIDTH, readable, typst_source
from symbackprop.writeup.print.tex import tex
from tests.writeup.array_pages import array_derivation, outline_at
from tests.writeup.mathml_reader import html_statements, latex
from tests.writeup.printed import statements
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
    return [" ".join(text(part.formula, outline.notation) for part in line.parts) for line in lines]


def without_signs(formula: Formula, outline: Outline) -> str:
    """Return a formula read from a page as `in_outline` has it."""
    return " ".join(text(part, outline.notation) for part in getattr(formula, "parts", (formula,)))


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
    trees = {kind: [read(one, names) for one in found] for kind, found in pages.items()}
    assert trees["html"] == trees["md"] == trees["tex"]
    assert_typst_has(outline, typst_source(outline, ("serif",)))


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
