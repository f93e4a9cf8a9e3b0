"""Every `=` of a write-up, read again from what was printed, holds; every printed number follows from the printed inputs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from symbackprop.formula import tree
from symbackprop.formula.latex import latex
from symbackprop.formula.notations import TWO_THREE_TWO
from symbackprop.formula.read import read
from symbackprop.writeup.blocks import NUMBERS, RESULT, Line, Part
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.outline import make_outline
from tests.writeup.support import (
    ARRAYS_SLOWLY,
    SCALAR,
    Numbers,
    computed,
    decimal_of,
    document,
    formula_blocks,
    names_of,
    random_derivation,
    rounded,
    tables,
)

PLACES = 6
NEAR = 2e-3  # printed numbers are rounded on the way, so true values differ in the last places


def printed_lines(outline, derivation):
    """Yield (line, its formula read back from LaTeX), exercises left out."""
    names = names_of(derivation, outline.notation)
    for block in formula_blocks(outline):
        if block.anchor.startswith("mistake-"):
            continue
        for line in block.lines:
            parts = [read(latex(part.formula, outline.notation), names) for part in line.parts]
            yield line, parts


def check_line(line: Line, parts, numbers: Numbers) -> None:
    """Assert that all sides of a line are equal, those in symbols to twelve digits."""
    symbols = [
        numbers.of(p)
        for part, p in zip(line.parts, parts, strict=True)
        if part.kind not in (NUMBERS, RESULT) and not isinstance(p, tree.Update)
    ]
    for value in symbols[1:]:
        assert value == pytest.approx(symbols[0], rel=1e-9, abs=1e-14), line
    if line.parts[-1].kind == RESULT and len(symbols) > 1:
        assert float(decimal_of(parts[-1])) == pytest.approx(symbols[0], rel=NEAR, abs=5e-6), line


def check_numbers(line: Line, parts, places: int = PLACES) -> None:
    """Assert that the result follows from the printed numbers under the rounding rule."""
    for before, part, after in zip(parts, line.parts, parts[1:], strict=False):
        if part.kind == NUMBERS:
            assert rounded(computed(before), places) == decimal_of(after), line


class WithRate(Numbers):
    """Numbers that know the learning rate."""

    def values(self, nudged: str = "", by: complex = 0):
        return {**super().values(nudged, by), "eta": 0.5}


@pytest.mark.parametrize("level", ["standard", pytest.param("full", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SCALAR)
def test_every_equals_sign_of_a_scalar_write_up_holds(name, level):
    derivation = document(name)
    numbers = WithRate(derivation)
    outline = make_outline(derivation, HandoutOptions(level=level))
    seen = 0
    for line, parts in printed_lines(outline, derivation):
        check_line(line, parts, numbers)
        check_numbers(line, parts)
        seen += len(parts) - 1
    assert seen > 20


@pytest.mark.parametrize("seed", range(3))
def test_every_equals_sign_of_random_networks_holds(seed):
    derivation = random_derivation(seed)
    numbers = WithRate(derivation)
    for line, parts in printed_lines(make_outline(derivation, HandoutOptions()), derivation):
        check_line(line, parts, numbers)
        check_numbers(line, parts)


def test_a_course_notation_reads_back_too():
    derivation = document("two_three_two")
    numbers = WithRate(derivation)
    outline = make_outline(derivation, HandoutOptions(notation=TWO_THREE_TWO))
    for line, parts in printed_lines(outline, derivation):
        check_line(line, parts, numbers)


@pytest.mark.parametrize("name", ARRAYS_SLOWLY)
def test_formulas_in_index_and_matrix_form_read_back_as_they_are(name):
    derivation = document(name)
    outline = make_outline(derivation, HandoutOptions())
    names = names_of(derivation, outline.notation)
    seen = 0
    for block in formula_blocks(outline):
        for line in block.lines:
            for part in line.parts:
                text = latex(part.formula, outline.notation)
                assert latex(read(text, names), outline.notation) == text
                seen += 1
    assert seen > 10


def test_the_forward_table_follows_from_what_is_printed():
    derivation = document("two_three_two")
    outline = make_outline(derivation, HandoutOptions())
    names = names_of(derivation, outline.notation)
    rows = tables(outline)["forward"].rows
    for _, calculation, value in rows:
        written = calculation.words[-1]
        assert isinstance(written, tree.Chain)
        numbers = read(latex(written.parts[-1], outline.notation), names)
        assert rounded(computed(numbers), PLACES) == decimal_of(value.words[0])
    assert len(rows) == 13


def test_the_table_of_gradients_follows_from_the_printed_deltas():
    """Old value, gradient and new value of a row agree: new = old - 0.5 · gradient, rounded."""
    rows = tables(make_outline(document("two_three_two"), HandoutOptions()))["gradients-table"].rows
    for _, _, slope, old, new in rows:
        slope, old, new = (decimal_of(cell.words[0]) for cell in (slope, old, new))
        assert (old - Decimal("0.5") * slope).quantize(Decimal("1e-6"), "ROUND_HALF_UP") == new
    assert len(rows) == 14


def test_the_gradients_are_those_of_the_document():
    """FACTS of document 004: the twelve weights after one update, to the printed places but for carried rounding."""
    expected = (
        0.0938660917985833, 0.13773218359716657, 0.19802721973428622, 0.24605443946857242, 0.2994533791079845,
        0.3489067582159689, 0.3609680622498306, 0.4533833089635062, 0.4581364640581681, 0.5536287533891512,
        0.5574476639638248, 0.653688458944847,
    )  # fmt: skip
    rows = tables(make_outline(document("two_three_two"), HandoutOptions()))["gradients-table"].rows
    for row, value in zip(rows, expected, strict=False):
        assert float(decimal_of(row[4].words[0])) == pytest.approx(value, abs=3e-6)


def test_the_checks_of_this_file_can_fail():
    """A line with one wrong digit, and one with a wrong name, are caught."""
    derivation = document("two_three_two")
    numbers = WithRate(derivation)
    outline = make_outline(derivation, HandoutOptions())
    lines = list(printed_lines(outline, derivation))
    line, parts = next((ln, ps) for ln, ps in lines if any(p.kind == NUMBERS for p in ln.parts))
    wrong = [*parts[:-1], tree.Number("0.881091")]
    with pytest.raises(AssertionError):
        check_numbers(line, wrong)
    line, parts = next((ln, ps) for ln, ps in lines if tree.Name("out_h1") in ps[1:])
    swapped = [tree.Name("out_h2") if p == tree.Name("out_h1") else p for p in parts]
    with pytest.raises(AssertionError):
        check_line(line, swapped, numbers)
    assert isinstance(lines[0][0].parts[0], Part)
