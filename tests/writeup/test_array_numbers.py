"""Every number of a handout with arrays, worked out again from the printed numbers by the printed formulas, exactly."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symbackprop.errors import SymbackpropError
from symbackprop.formula import tree
from symbackprop.numeric.written import Known, values
from tests.writeup.array_pages import (
    EXACT,
    Reader,
    array_derivation,
    markdown_at,
    outline_at,
    printed_rows,
    printed_tables,
    reader,
    rounded,
)
from tests.writeup.printed import statements

RATE = Fraction(1, 2)


def assert_numbers_follow(name: str, page: str, found: Reader) -> int:
    """Assert that every printed array follows from the printed arrays, rounded half up; return how many were computed."""
    network, loss = array_derivation(name).network, array_derivation(name).loss
    tables = printed_tables(page, found.names)
    shapes = {node: np.shape(found.known.arrays[node]) for node in network.nodes if node in found.known.arrays}
    printed = {key.name: table.reshape(shapes[key.name]) for key, table in tables.items() if isinstance(key, tree.Name)}
    given = {size: np.asarray(count, dtype=int) for size, count in found.known.arrays.items() if size not in network.nodes}
    slopes = {key.denominator.name: table.reshape(shapes[key.denominator.name]) for key, table in tables.items()
              if isinstance(key, tree.Partial) and isinstance(key.denominator, tree.Name)}  # fmt: skip
    known = Known({**given, **printed}, found.known.ranges, lambda of, by: slopes[by], EXACT)
    lines = [formula for one in statements(page) if "Exercise" not in one.part and (formula := found.read(one.latex))]
    definitions = {head(line): line for line in lines if isinstance(line, tree.Chain) and head(line) in network.nodes}
    computed = 0
    for node, line in definitions.items():  # forward
        if node in printed:
            assert_same(worked_out(line, known), worked_out_left(line, known), node)
            computed += 1
    for by in slopes:  # backward: the last formula that is about printed things only
        if by != loss:
            assert_follows(by, loss, lines, known)
            computed += 1
    new = {key.body.name: table.reshape(shapes[key.body.name]) for key, table in tables.items() if isinstance(key, tree.Update)
           and isinstance(key.body, tree.Name)}  # fmt: skip
    for parameter, table in new.items():  # one step
        assert_same(printed[parameter] - RATE * slopes[parameter], table, parameter)
        computed += 1
    assert_loss_after(loss, page, replace(known, arrays={**known.arrays, **new}), definitions, set(new))
    return computed + 2


def head(formula: tree.Formula) -> str:
    """Return the name a definition defines."""
    left = formula.parts[0] if isinstance(formula, tree.Chain) else formula
    return left.name if isinstance(left, tree.Name | tree.Indexed) else ""


def worked_out_left(line: tree.Chain, known: Known) -> Any:
    """Return the left side of a formula, on the axes both sides have."""
    return values(line.parts, known)[0]


def worked_out(line: tree.Chain, known: Known) -> Any:
    """Return the right side of a formula."""
    return values(line.parts, known)[1]


def assert_same(computed: Any, printed: Any, what: str) -> None:
    """Assert that a computed array is the printed one after rounding."""
    assert np.array_equal(rounded(computed), np.asarray(printed, dtype=object)), what


def assert_follows(by: str, loss: str, lines: list[tree.Formula], known: Known) -> None:
    """Assert that a printed formula gives the printed derivative by a name."""
    about = [line for line in lines if isinstance(line, tree.Chain) and is_slope(line.parts[0], loss, by)]
    tried = [line for line in about if has_values(line, known)]
    assert not about or any(np.array_equal(rounded(worked_out(line, known)), worked_out_left(line, known)) for line in tried), by


def is_slope(left: tree.Formula, loss: str, by: str) -> bool:
    """Whether a formula is the derivative of the loss by a name, or its transpose."""
    while isinstance(left, tree.Transpose | tree.Group):
        left = left.body
    return isinstance(left, tree.Partial) and head(left.numerator) == loss and head(left.denominator) == by


def has_values(line: tree.Chain, known: Known) -> bool:
    """Whether a formula is about printed numbers only."""
    try:
        worked_out(line, known)
    except (KeyError, SymbackpropError):
        return False
    return True


def assert_loss_after(loss: str, page: str, known: Known, definitions: dict[str, tree.Formula], new: set[str]) -> None:
    """Assert that the loss after one step follows, every intermediate result rounded."""
    rows = printed_rows(page)
    arrays = dict(known.arrays)
    for node, line in definitions.items():
        assert isinstance(line, tree.Chain)
        value = rounded(worked_out(line, replace(known, arrays=arrays)))
        free = [index.name for index in getattr(line.parts[0], "indices", ())]
        arrays[node] = value.transpose([sorted(free).index(index) for index in free]) if free else value
    assert rows["before"] == np.asarray(known.arrays[loss]).item() if new else True
    assert Fraction(arrays[loss].item()) == rows["after"]
    assert rows["after"] - rows["before"] == rows["change"]


SLOW = (
    "mlp_softmax", "softmax_classifier", "layer_norm", "batch_norm", "convolution_1d", "bounded_sums",
)  # fmt: skip


@pytest.mark.parametrize("name", ["linear_regression", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_array_follows_from_the_printed_arrays(name: str) -> None:
    assert assert_numbers_follow(name, markdown_at(name), reader(name, outline_at(name))) >= 6


def other_digit(found: re.Match[str]) -> str:
    """Change the last digit of a number."""
    return f"{found[1]}{9 - int(found[2])}{found[3]}"


@pytest.mark.parametrize("table", ["y", r"\\frac\{\\partial loss\}\{\\partial W\}", r"b\^\+", "loss"])
def test_one_wrong_digit_is_found(table: str) -> None:
    page = markdown_at("linear_regression")
    wrong = re.sub(rf"^({table} = .*?\d)(\d)( |$)", other_digit, page, count=1, flags=re.M)
    assert wrong != page
    with pytest.raises(AssertionError):
        assert_numbers_follow("linear_regression", wrong, reader("linear_regression", outline_at("linear_regression")))
