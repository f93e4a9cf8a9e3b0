"""Numbers in LaTeX as people and programs write them; what is no number, or may be two, is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read
from symbackprop.formula.tree.tree import Number

NAMES = Names.of(scalars="x", indexed="v", indices="i")


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("1e-4", "1e-4"), ("1.02e-08", "1.02e-08"), ("1.5E+3", "1.5E+3"), ("x = 1.5e3.", "1.5e3"), ("x = 2.", "2"),
        (r"10\,000", "10000"), ("1{,}000", "1000"), (r"1\,234\,567.5", "1234567.5"), ("1{,}5", "1.5"), ("0{,}1234", "0.1234"),
        (".5", ".5"), ("0.50", "0.50"),
    ],
)  # fmt: skip
def test_numbers(written: str, digits: str) -> None:
    formula = read(written, NAMES)
    assert getattr(formula, "parts", (formula,))[-1] == Number(digits)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("0.5.3", "two points"), ("3 4", "side by side"), ("0.5 0.3", "side by side"), (r"12\,34", "side by side"),
        ("x = 1,000", "two readings"), ("0,5", "two readings"), ("1e5.2", "unknown name"),
    ],
)  # fmt: skip
def test_what_is_no_single_number_is_refused(written: str, why: str) -> None:
    with pytest.raises(ReadError, match=why):
        read(written, NAMES)


def test_a_list_is_no_number() -> None:
    assert read(r"\max(0,5)", NAMES) == read(r"\max(0, 5)", NAMES)
    assert read("v_{1,2}", NAMES) == read("v_{1, 2}", NAMES)


@given(st.floats(min_value=0, allow_infinity=False), st.sampled_from(("%r", "%.6f", "%.3e", "%g")))
@pytest.mark.slow
def test_what_python_prints_is_read_as_that_number(value: float, form: str) -> None:
    printed = form % value
    found = read(printed, NAMES)
    assert isinstance(found, Number)
    assert float(found.text) == float(printed)


def test_the_decimal_sign_is_that_of_the_notation() -> None:
    names = Names(NAMES.entries, NAMES.spelled, NAMES.aliases, decimal=",")
    assert read("0,5", names) == read("0{,}5", names) == Number("0.5")
    assert read("1{,}000", names) == Number("1.000")
    assert Names.of(Notation()).decimal == "."
