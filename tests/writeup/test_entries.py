"""One entry of each array in full: the formula at its place is the definition's, the numbers come to the printed result."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from symbackprop.formula.tree import tree
from symbackprop.formula.tree.walk import walk
from symbackprop.formula.value.evaluate import value_of
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.outline.entry_parts import MOST_TERMS
from symbackprop.writeup.page.blocks import NUMBERS, RESULT, SYMBOLS, Heading, Line, Outline
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.array_pages import array_derivation, counted_from_0, outline_at, reader
from tests.writeup.support import agrees, computed, decimal_of, formula_blocks, outline_of, places, rounded

NETWORKS = ("linear_regression", "mlp_softmax", "attention", "batch_norm", "convolution", "layer_norm", "index 3", "tensor 2")


def worked(outline: Outline) -> list[Line]:
    """Return the lines of worked entries."""
    return [line for block in formula_blocks(outline) if block.anchor.startswith("entries-") for line in block.lines]


def check(line: Line, name: str, outline: Outline) -> None:
    """Assert that both sides of a line have one value, and that its numbers come to the digits printed."""
    known = reader(name, outline).known
    parts = {part.kind: part.formula for part in line.parts}
    printed = decimal_of(parts[RESULT])
    left, symbols = (float(value_of(counted_from_0(parts[kind]), known)) for kind in ("left", SYMBOLS))
    assert abs(left - symbols) < 1e-9 * max(1.0, abs(left))
    assert agrees(printed, left)
    if NUMBERS in parts:
        assert rounded(computed(parts[NUMBERS]), max(places(printed), 4)) == printed


@pytest.mark.parametrize("name", [NETWORKS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS[1:])])
def test_every_worked_entry_is_true_and_its_numbers_come_to_it(name: str) -> None:
    outline = outline_at(name)
    lines = worked(outline)
    assert lines
    for line in lines:
        check(line, name, outline)


def test_a_wrong_entry_a_wrong_factor_and_a_wrong_digit_are_seen() -> None:
    outline = outline_at("linear_regression")
    line = worked(outline)[0]
    for kind, change in (
        ("left", lambda formula: tree.Indexed("y", (tree.Number("2"), tree.Number("1")))),
        (SYMBOLS, lambda formula: tree.Sum((*formula.terms[:-1], tree.Number("1")))),
        (NUMBERS, lambda formula: tree.Sum((*formula.terms, tree.Number("0.01")))),
        (RESULT, lambda formula: tree.Number(str(decimal_of(formula) + Decimal("0.1")).lstrip("-"))),
    ):
        parts = tuple(replace(part, formula=change(part.formula)) if part.kind == kind else part for part in line.parts)
        with pytest.raises(AssertionError):
            check(replace(line, parts=parts), "linear_regression", outline)


def test_sums_are_written_term_by_term_up_to_a_length() -> None:
    lines = worked(outline_at("mlp_softmax"))
    written = {
        line.parts[0].formula.name: line.parts[1].formula for line in lines if isinstance(line.parts[0].formula, tree.Indexed)
    }
    assert len(written["Z1"].terms) == 5  # four inputs and the bias
    assert [line.parts[0].formula for line in lines if line.parts[0].formula == tree.Name("E")] == []  # fifteen terms
    assert [
        line.parts[0].formula for line in worked(outline_at("linear_regression")) if line.parts[0].formula == tree.Name("loss")
    ]
    assert not any(isinstance(part, tree.BigSum) for line in lines for part in walk(line.parts[1].formula))
    assert MOST_TERMS < 15


def test_a_row_is_not_a_column_in_the_entry_chosen() -> None:
    chosen = [line.parts[0].formula for line in worked(outline_at("mlp_softmax"))]
    numbers = [[int(index.text) for index in entry.indices] for entry in chosen if isinstance(entry, tree.Indexed)]
    assert numbers
    assert all(row != column for row, column in (entry for entry in numbers if len(entry) == 2))


def test_a_worksheet_asks_for_no_entry_twice_and_a_brief_page_has_none() -> None:
    for options in (HandoutOptions(audience="student"), HandoutOptions(audience="key"), HandoutOptions(level="brief")):
        assert worked(outline_of("linear_regression", options)) == []
    assert worked(outline_of("linear_regression", HandoutOptions(audience="student", blanks="none")))


@pytest.mark.parametrize(("lang", "heading"), [("en", "One entry of each, in full"), ("zh", "各取一个元素，完整计算")])
def test_both_languages_head_the_entries(lang: str, heading: str) -> None:
    outline = make_outline(array_derivation("linear_regression"), HandoutOptions(lang=lang))
    assert [block.words for block in outline.blocks if isinstance(block, Heading) and block.anchor.startswith("entries-")] == [
        (heading,), (heading,)
    ]  # fmt: skip
