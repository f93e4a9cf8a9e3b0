"""Long sides of formulas as rows of a page: broken at any depth, and the same formula when they are put together again."""

from __future__ import annotations

import pytest

from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.text import text
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Chain
from symbackprop.writeup.page.blocks import Line, Part
from symbackprop.writeup.page.rows import in_a_sentence, laid_out, measured, stands_together

NAMES = Names.of(scalars="E N", indexed="a b c d x y", indices="i j k n")
WIDTH = 38
TERM, INNER = r"a_{n} \cdot b_{n} \cdot x_{n} \cdot d_{n}", r"a_{k} \cdot b_{k} \cdot c_{k} \cdot x_{k}"


@pytest.mark.parametrize(
    "side",
    [
        rf"2 \cdot \sum_{{n}} \left({TERM} + y_{{n}} \cdot c_{{n}} - d_{{n}} \cdot x_{{n}}\right)",
        rf"\sum_{{n}} \left({TERM} - N \cdot \sum_{{k}} \left({INNER} - y_{{k}} \cdot d_{{k}}\right)\right) \cdot x_{{n}}",
        r"\sum_{i} a_{i} \cdot b_{i} \cdot c_{i} \cdot d_{i} \cdot x_{i} \cdot y_{i} \cdot \left(a_{i} + b_{i} - c_{i}\right)",
        rf"\left(\sum_{{n}} {TERM} \cdot y_{{n}} \cdot c_{{n}} \cdot a_{{n}} \cdot d_{{n}} \cdot b_{{n}}\right) \cdot a_{{k}}",
        rf"a_{{k}} - \sum_{{n}} \left({TERM} + y_{{n}} \cdot c_{{n}} \cdot d_{{n}}\right)",
    ],
)  # fmt: skip
def test_a_long_sum_over_an_index_is_broken_and_put_together_again(side: str) -> None:
    whole = read(f"E = {side}", NAMES)
    assert isinstance(whole, Chain)
    line = Line((Part(whole.parts[0]), Part(whole.parts[1], relation="=")))
    (found,) = laid_out((line,), WIDTH)
    assert len(found) > 1
    rows = [sum(measured(piece.body) + 3 for piece in row.pieces) for row in found]
    assert max(rows) <= WIDTH
    signs = {"*": r"\cdot "}
    written = " ".join(f"{signs.get(piece.lead, piece.lead)} {latex(piece.body)}" for row in found for piece in row.pieces)
    assert text(read(f"E {written}", NAMES)) == text(whole)


@pytest.mark.parametrize(
    ("side", "leads"),
    [
        (rf"\frac{{{TERM} \cdot \left(1 - y_{{n}}\right) \cdot c_{{n}} \cdot a_{{n}} \cdot x_{{n}}}}{{N}}", "=********"),
        (rf"a \odot b \odot \left({TERM} \cdot {TERM} + {INNER}\right) \odot d", "=⊙⊙+⊙"),
    ],
)
def test_a_long_fraction_and_a_product_by_entries_are_broken_at_their_factors(side: str, leads: str) -> None:
    whole = read(f"E = {side}", NAMES)
    assert isinstance(whole, Chain)
    (found,) = laid_out((Line((Part(whole.parts[0]), Part(whole.parts[1], relation="="))),), WIDTH)
    pieces = [piece for row in found for piece in row.pieces]
    assert "".join(piece.lead for piece in pieces) == leads
    written = "".join(text(piece.body) for piece in pieces)
    assert written.count("(") == written.count(")")


@pytest.mark.parametrize(
    "formula",
    [
        rf"E = \left({TERM} - N\right) \cdot {INNER} \cdot {TERM}",
        rf"{TERM} \cdot {INNER} \cdot a_{{i}} \cdot \left(1 - a_{{i}}\right)",
        rf"E = {TERM} = {INNER} + {TERM}",
    ],
)
def test_a_long_formula_in_a_sentence_may_end_a_line_and_is_the_same_formula(formula: str) -> None:
    whole = read(formula, NAMES)
    found = in_a_sentence(whole, WIDTH)
    assert len(found) > 1
    assert max(measured(piece.body) for piece in found) <= WIDTH
    signs = {"*": r"\cdot "}
    written = " ".join(f"{signs.get(piece.lead, piece.lead)} {latex(piece.body)}" for piece in found)
    assert text(read(written, NAMES)) == text(whole)
    assert len(in_a_sentence(whole, 200)) == 1


@pytest.mark.parametrize(
    ("count", "side", "together"),
    [(7, r"\frac{a_{n}}{N}", True), (8, r"\frac{a_{n}}{N}", False), (11, "N", True), (12, "N", False)],
)
def test_only_what_is_a_quarter_of_a_page_high_is_kept_on_one(count: int, side: str, together: bool) -> None:
    whole = read(f"E = {side}", NAMES)
    assert isinstance(whole, Chain)
    line = Line((Part(whole.parts[0]), Part(whole.parts[1], relation="=")))
    assert stands_together(laid_out((line,) * count)) is together
