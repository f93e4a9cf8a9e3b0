"""Every `=` of a write-up, read again from what was printed, holds; every printed number follows from the printed inputs."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from symbackprop.formula.notation.notations import TWO_THREE_TWO
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.read import read
from symbackprop.formula.tree import tree
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import NUMBERS, RESULT, Line, Part
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.support import (
    ARRAYS_SLOWLY,
    SCALAR,
    Numbers,
    agrees,
    computed,
    decimal_of,
    document,
    formula_blocks,
    names_of,
    places,
    random_derivation,
    rounded,
    tables,
)


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
        assert agrees(decimal_of(parts[-1]), symbols[0]), line


def check_numbers(line: Line, parts) -> None:
    """Assert that the result follows from the printed numbers under the rounding rule."""
    for before, part, after in zip(parts, line.parts, parts[1:], strict=False):
        if part.kind == NUMBERS:
            result = decimal_of(after)
            assert rounded(computed(before), places(result)) == result, line


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
    assert seen >= 20


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
    rows = (*tables(outline)["forward"].rows, *tables(outline)["loss-value"].rows)
    for _, calculation, value in rows:
        written = calculation.words[-1]
        assert isinstance(written, tree.Chain)
        numbers = read(latex(written.parts[-1], outline.notation), names)
        result = decimal_of(value.words[0])
        assert rounded(computed(numbers), places(result)) == result
    assert len(rows) == 13


def test_the_table_of_gradients_follows_from_the_printed_deltas():
    """Old value, gradient and new value of a row agree: new = old - 0.5 · gradient, rounded."""
    outline = make_outline(document("two_three_two"), HandoutOptions())
    slopes = {row[0].words: decimal_of(row[2].words[0]) for row in tables(outline)["gradients-table"].rows}
    rows = tables(outline)["update-table"].rows
    for name, *numbers in rows:
        old, new = (decimal_of(cell.words[0]) for cell in numbers)
        assert (old - Decimal("0.5") * slopes[name.words]).quantize(Decimal(1).scaleb(-places(new)), "ROUND_HALF_UP") == new
    assert (len(slopes), len(rows)) == (14, 12)


def test_the_gradients_are_those_of_the_document():
    """FACTS of document 004: the twelve weights after one update, to the printed places."""
    expected = (
        0.0938660917985833, 0.13773218359716657, 0.19802721973428622, 0.24605443946857242, 0.2994533791079845,
        0.3489067582159689, 0.3609680622498306, 0.4533833089635062, 0.4581364640581681, 0.5536287533891512,
        0.5574476639638248, 0.653688458944847,
    )  # fmt: skip
    outline = make_outline(document("two_three_two"), HandoutOptions())
    new = {row[0].words[0]: row[2].words[0] for row in tables(outline)["update-table"].rows}
    (worked,) = [block for block in formula_blocks(outline) if block.anchor == "update-lines"]
    new |= {line.parts[0].formula.body: line.parts[-1].formula for line in worked.lines}
    for k, value in enumerate(expected, start=1):
        assert agrees(decimal_of(new[tree.Name(f"w{k}")]), value)


def test_a_nudged_weight_changes_the_loss_as_its_gradient_says():
    """Difference and quotient follow from the printed losses; the losses are those of an independent forward pass."""
    derivation = document("two_three_two")
    rows = tables(make_outline(derivation, HandoutOptions()))["nudge-table"].rows
    before, after, difference, quotient, gradient = (decimal_of(row[1].words[0]) for row in rows)
    assert after - before == difference
    assert difference / Decimal("0.001") == quotient
    numbers = Numbers(derivation)
    assert agrees(before, float(np.real(numbers.values()["E_total"])))
    assert agrees(after, float(np.real(numbers.values("w7", 0.001)["E_total"])))
    assert abs(quotient - gradient) < abs(gradient) / 100


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
