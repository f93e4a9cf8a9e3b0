"""Reading a float as the number that was meant."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.trace.graph.constants import exact, simplest_between, simplest_fraction


@pytest.mark.parametrize(
    ("value", "fraction"),
    [
        (0.1, Fraction(1, 10)),
        (1e-7, Fraction(1, 10**7)),
        (1 / 3, Fraction(1, 3)),
        (-2 / 7, Fraction(-2, 7)),
        (0.1 * 3, Fraction(3, 10)),
        (1 - 0.9, Fraction(1, 10)),
        (0.044715, Fraction(44715, 10**6)),
        (12345678.0, Fraction(12345678)),
        (0.0, Fraction(0)),
    ],
)
def test_decimal_and_simple_fractions(value: float, fraction: Fraction) -> None:
    assert exact(value).form == "fraction"
    assert exact(value).fraction == fraction


@pytest.mark.parametrize(
    ("value", "form", "inside"),
    [
        (2**0.5, "sqrt", Fraction(2)),
        (-(3**-0.5), "sqrt", Fraction(1, 3)),
        (math.pi, "pi", Fraction(1)),
        (2 * math.pi / 3, "pi", Fraction(2, 3)),
        (1 / math.pi, "over pi", Fraction(1)),
        (math.sqrt(2 * math.pi), "sqrt pi", Fraction(2)),
        (math.sqrt(2 / math.pi), "sqrt over pi", Fraction(2)),
        (math.log(2), "log", Fraction(2)),
        (math.e, "exp", Fraction(1)),
    ],
)
def test_constants_computed_before_tracing(value: float, form: str, inside: Fraction) -> None:
    meaning = exact(value)
    assert meaning.form == form
    assert meaning.fraction == inside
    assert meaning.negative == (value < 0)


def test_a_float_without_a_simple_meaning_stays_within_half_an_ulp() -> None:
    value = 0.7978845608  # √(2/π) cut to ten digits: it must not become √(2/π)
    meaning = exact(value)
    assert meaning.form == "fraction"
    assert meaning.fraction == Fraction(7978845608, 10**10)


@pytest.mark.slow
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-290, max_value=1e290))
def test_simplest_fraction_rounds_back_to_the_float(value: float) -> None:
    assert float(simplest_fraction(value)) == value
    assert float(simplest_fraction(-value)) == -value


@pytest.mark.slow
@given(st.fractions(min_value=-50, max_value=50, max_denominator=400), st.fractions(min_value=0, max_value=1, max_denominator=97))
def test_simplest_between_is_inside_and_has_the_smallest_denominator(low: Fraction, width: Fraction) -> None:
    high = low + width
    found = simplest_between(low, high)
    assert low <= found <= high
    for denominator in range(1, found.denominator):
        assert math.ceil(low * denominator) > math.floor(high * denominator)
