"""Exact arithmetic and the rounding rule, against mpmath and by hand."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.print.text import text
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.build import add, call, divide, multiply, negate, power, subtract
from symbackprop.formula.tree.tree import Number
from symbackprop.formula.value.arithmetic import EXACT, FLOATS, INTERVALS, printed_interval
from symbackprop.formula.value.evaluate import Known, gaps, values_over
from symbackprop.formula.value.evaluate import value_of as value_in
from symbackprop.formula.value.numbers import Rounding, exact


@pytest.mark.parametrize(
    ("value", "places", "ties", "expected"),
    [
        ("0.0427545", 6, "half-up", "0.042755"), ("0.0427545", 6, "half-even", "0.042754"),
        ("-0.0427545", 6, "half-up", "-0.042755"),
        ("0.125", 2, "half-even", "0.12"), ("0.135", 2, "half-even", "0.14"), ("2.5", 0, "half-up", "3"),
        ("0.1", 6, "half-up", "0.1"),
        ("10", 3, "half-up", "10"), ("-0.0000001", 6, "half-up", "0"), ("0.9999996", 6, "half-up", "1"),
    ],
)  # fmt: skip
def test_rounding(value, places, ties, expected):
    rule = Rounding(places, ties)
    assert rule.text(rule.round(Fraction(value))) == expected


def test_half_of_an_odd_last_digit_is_a_tie_though_not_in_binary():
    product = value_of(multiply(Number("0.5"), Number("0.085509")))
    assert product == Fraction("0.0427545")
    assert Fraction(0.5 * 0.085509) != product
    assert Rounding(6).text(Rounding(6).round(product)) == "0.042755"


def test_a_negative_result_is_a_minus_in_front():
    assert Rounding(2).formula(Fraction(-1, 3)) == negate(Number("0.33"))


@pytest.mark.parametrize(
    ("formula", "reference"),
    [
        (call("sigmoid", Number("2.35")), lambda: 1 / (1 + mpmath.exp(mpmath.mpf("-2.35")))),
        (call("tanh", negate(Number("0.9"))), lambda: mpmath.tanh(mpmath.mpf("-0.9"))),
        (power("e", negate(Number("3.1"))), lambda: mpmath.exp(mpmath.mpf("-3.1"))),
        (call("log", Number("0.2")), lambda: mpmath.log(mpmath.mpf("0.2"))),
        (tree.Root(Number("2")), lambda: mpmath.sqrt(2)),
        (call("gelu", Number("0.7")), lambda: mpmath.mpf("0.35") * (1 + mpmath.erf(mpmath.mpf("0.7") / mpmath.sqrt(2)))),
        (power(Number("1.5"), Number("0.5")), lambda: mpmath.sqrt(mpmath.mpf("1.5"))),
    ],
)
def test_functions_agree_with_mpmath_to_thirty_digits(formula, reference):
    with mpmath.workdps(40):
        value = value_of(formula)
        assert abs(mpmath.mpf(value.numerator) / value.denominator - reference()) < mpmath.mpf(10) ** -30


def test_exponentials_beyond_all_digits_end_at_once():
    """e^(10^300) has more digits than there are atoms; nobody waits for its fraction."""
    assert value_of(call("sigmoid", negate(Number("1" + "0" * 300)))) == 0
    assert value_of(call("exp", negate(Number("9000")))) > 0
    with pytest.raises(UserError, match="more digits than can be printed"):
        value_of(call("exp", Number("1" + "0" * 300)))


def test_arithmetic_is_exact():
    formula = add(
        divide(Number("1"), Number("3")), negate(multiply(2, subtract(Number("0.1"), Number("0.3")))), power(Number("0.5"), 2)
    )
    assert value_of(formula) == Fraction(1, 3) + Fraction(2, 5) + Fraction(1, 4)


def test_given_floats_stand_for_what_is_written():
    assert exact(0.1) == Fraction(1, 10)
    assert exact(3) == 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_must_be_finite(bad):
    with pytest.raises(UserError, match="finite"):
        exact(bad)


def test_division_by_zero_and_unknown_things_are_reported():
    with pytest.raises(UserError, match="division by zero"):
        value_of(divide(1, subtract(Number("2"), Number("2"))))
    with pytest.raises(UserError, match="unknown name"):
        value_of(tree.Name("unknown"))
    with pytest.raises(NotSupportedError, match="no function"):
        value_of(call("mystery", Number("1")))
    assert text(Number("2")) == "2"


INDEX = Known({}, {"i": 4}, EXACT)
NOTHING = Known({}, {}, EXACT)


def value_of(formula):
    """Return the exact value of a formula without names."""
    return value_in(formula, NOTHING)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (tree.BigSum(tree.Name("i"), tree.Name("i")), 6),
        (tree.BigSum(tree.Name("i'"), tree.Name("i'")), 6),
        (tree.BigSum(tree.Name("i"), tree.Name("i"), Number("1"), Number("4")), 6),  # all of it, counted from 1
        (tree.BigSum(tree.Name("i"), tree.Name("i"), Number("1"), Number("2")), 3),
        (tree.BigSum(tree.Name("i"), tree.Name("i"), Number("3"), Number("2")), 0),
        (tree.Cases((tree.Branch(Number("7"), tree.Chain((Number("1"), Number("2")), (">",))), tree.Branch(Number("8")))), 8),
        (
            tree.Cases(
                (
                    tree.Branch(
                        Number("7"),
                        tree.Logic(
                            "and",
                            (
                                tree.Chain((Number("0"), Number("1"), Number("1")), ("<", "≤")),
                                tree.Chain((Number("1"), Number("2")), ("≠",)),
                            ),
                        ),
                    ),
                )
            ),
            7,
        ),
    ],
)
def test_sums_with_bounds_and_cases(formula, value):
    assert value_in(formula, INDEX) == value


def test_what_no_case_covers_and_unknown_bounds_are_reported():
    with pytest.raises(UserError, match="no case applies"):
        value_of(tree.Cases((tree.Branch(Number("7"), tree.Chain((Number("1"), Number("2")), ("=",))),)))
    with pytest.raises(NotSupportedError, match="bounds of the sum over j"):
        value_in(tree.BigSum(Number("1"), tree.Name("j")), INDEX)
    with pytest.raises(NotSupportedError, match="not a condition"):
        value_of(tree.Cases((tree.Branch(Number("7"), Number("1")),)))


def test_pi_is_known():
    assert abs(value_of(tree.Name("pi")) - Fraction("3.14159265358979323846264338327950288419")) < Fraction(1, 10**37)


def test_what_has_no_value_says_so_only_where_it_is_used():
    """0 · (1/0) has none; a branch that is not taken, or a place that a sum leaves out, does not count."""
    reciprocal = divide(1, tree.Name("i"))
    safe = tree.Cases((tree.Branch(reciprocal, tree.Chain((tree.Name("i"), Number("0")), (">",))), tree.Branch(Number("0"))))
    assert value_in(tree.BigSum(safe, tree.Name("i")), INDEX) == Fraction(11, 6)
    assert list(values_over(safe, ["i"], INDEX)) == [0, 1, Fraction(1, 2), Fraction(1, 3)]
    with pytest.raises(UserError, match="division by zero"):
        value_in(tree.BigSum(multiply(0, reciprocal), tree.Name("i")), INDEX)
    assert value_in(tree.BigSum(reciprocal, tree.Name("i"), Number("1"), Number("2")), INDEX) == Fraction(3, 2)


def test_places_count_from_one_where_a_document_does():
    v = tree.Indexed("v", (tree.Name("i"),))
    arrays = {"v": [Fraction(10), Fraction(20), Fraction(30)], "N": Fraction(3)}
    shorter = tree.BigSum(v, tree.Name("i"), Number("1"), subtract("N", 1))
    first = tree.Indexed("v", (Number("1"),))
    for start, total, entry in ((0, 50, 20), (1, 30, 10)):
        known = Known(arrays, {"i": 3}, EXACT, first=start)
        assert value_in(shorter, known) == total
        assert value_in(first, known) == entry
        assert value_in(tree.BigSum(v, tree.Name("i")), known) == 60


@pytest.mark.slow
def test_nothing_is_too_deep():
    deep = Number("1")
    for _ in range(5000):
        deep = tree.Fraction(tree.Number("1"), add(1, deep))
    assert abs(float(value_in(deep, Known({}, {}, FLOATS))) - (5**0.5 - 1) / 2) < 1e-12


@pytest.mark.parametrize(
    ("formula", "inside", "outside"),
    [
        (Number("0.59"), "0.5949", "0.5951"),
        (multiply(Number("0.5"), Number("0.085509")), "0.0427", "0.06"),
        (call("sigmoid", Number("2.35")), "0.91293", "0.9150"),
        (call("tanh", Number("0.9")), "0.7163", "0.75"),
        (power(Number("1.5"), 2), "2.25", "2.5"),
        (divide(Number("3.0"), Number("2")), "1.5", "1.6"),
        (tree.Root(Number("2.0")), "1.414", "1.45"),
    ],
)
def test_an_interval_holds_what_the_digits_may_stand_for(formula, inside, outside):
    found = value_in(formula, Known({}, {}, INTERVALS))
    assert found.overlaps(INTERVALS.number(inside))
    assert not found.overlaps(INTERVALS.number(outside))


def test_digits_say_how_exact_a_number_is():
    assert printed_interval("0.5").contains(printed_interval("0.53"))
    assert not printed_interval("0.50").overlaps(printed_interval("0.54"))
    assert printed_interval("1.0e-3").contains(printed_interval("0.00104"))
    assert printed_interval("3").overlaps(printed_interval("3.0"))
    assert not printed_interval("3").overlaps(printed_interval("3.2"))
    with pytest.raises(UserError, match="may be zero"):
        value_in(divide(1, subtract(Number("0.5"), Number("0.5"))), Known({}, {}, INTERVALS))


def test_sides_of_a_chain_that_has_no_value_are_no_gap():
    with pytest.raises(UserError, match="division by zero"):
        gaps(tree.Chain((divide(1, 0), divide(1, 0)), ("=",)), NOTHING)
