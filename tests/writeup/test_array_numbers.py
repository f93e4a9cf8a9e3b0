"""Every number of a handout with arrays is the true one, rounded to the digits printed: by differences of the definitions."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from symbackprop.formula.tree import tree
from symbackprop.formula.tree.walk import replace, walk
from tests.array_slopes import Slopes
from tests.writeup.array_pages import array_derivation, markdown_at, outline_at, printed_rows, printed_tables, reader
from tests.writeup.support import agrees

RATE = 0.5


def true_value(key: tree.Formula, name: str, found: Any) -> Any:
    """Return what a printed array should be: a node, a derivative of the loss, or a parameter after one step; of an array of
    more axes, that of the matrix whose place the key numbers.
    """
    whole, place = whole_array(key)
    if place:
        return true_value(whole, name, found)[place]
    arrays = found.known.arrays
    match key:
        case tree.Name(name=node):
            return arrays[node]
        case tree.Partial(denominator=tree.Name(name=by)):
            return found.known.slope(array_derivation(name).loss, by)
        case tree.Update(body=tree.Name(name=by)):
            return arrays[by] - RATE * found.known.slope(array_derivation(name).loss, by)
    raise AssertionError(f"the page prints {key}")


def whole_array(key: tree.Formula) -> tuple[tree.Formula, tuple[int, ...]]:
    """Return what a key names of a whole array, and the place of the matrix (counted from 0) that it is about."""
    entries = [part for part in walk(key) if isinstance(part, tree.Indexed)]
    if not entries:
        return key, ()
    (entry,) = entries
    place = tuple(int(index.text) - 1 for index in entry.indices if isinstance(index, tree.Number))
    assert len(entry.indices) - len(place) == 2
    return replace(key, lambda part: tree.Name(part.name) if isinstance(part, tree.Indexed) else part), place


def assert_numbers_are_true(name: str, page: str) -> int:
    """Assert that every printed array is true to the digits printed; return how many there were."""
    found = reader(name, outline_at(name))
    tables = printed_tables(page, found.names)
    changed = dict(array_derivation(name).network.values)
    for key, table in tables.items():
        true = np.asarray(true_value(key, name, found), dtype=float)
        assert all(map(agrees, table.flat, true.flat)), key
        assert table.size == true.size
        if isinstance(key, tree.Update):  # the next step starts from printed values
            whole, place = whole_array(key.body)
            changed[whole.name] = np.array(changed[whole.name], dtype=float)
            changed[whole.name][place or ...] = table.astype(float).reshape(true.shape)
    derivation = array_derivation(name)
    rows = printed_rows(page)
    before, after = (float(np.real(Slopes(derivation.network, derivation.loss, values).start[derivation.loss]))
                     for values in (derivation.network.values, changed))  # fmt: skip
    assert agrees(rows["before"], before)
    assert agrees(rows["after"], after)
    assert agrees(rows["change"], after - before)
    return len(tables) + 3


SLOW = (
    "mlp_softmax", "softmax_classifier", "layer_norm", "batch_norm", "convolution_1d", "bounded_sums", "attention", "autoencoder",
)  # fmt: skip


@pytest.mark.parametrize("name", ["linear_regression", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_printed_array_is_true(name: str) -> None:
    assert assert_numbers_are_true(name, markdown_at(name)) >= 6


def other_digit(found: re.Match[str]) -> str:
    """Change the last digit of a number."""
    return f"{found[1]}{9 - int(found[2])}{found[3]}"


@pytest.mark.parametrize("table", ["y", r"\\frac\{\\partial loss\}\{\\partial W\}", r"b\^\+", "loss"])
def test_one_wrong_digit_is_found(table: str) -> None:
    page = markdown_at("linear_regression")
    wrong = re.sub(rf"^({table} = .*?\d)(\d)( |$)", other_digit, page, count=1, flags=re.M)
    assert wrong != page
    with pytest.raises(AssertionError):
        assert_numbers_are_true("linear_regression", wrong)


def test_zero_is_printed_for_nothing_else() -> None:
    assert agrees(Decimal(0), 0.0)
    assert not agrees(Decimal(0), 1e-6)
    assert not agrees(Decimal("0.0001"), 0.0)
