"""Indices: reading them, the free ones, and renaming without capture."""

from __future__ import annotations

import pytest
from sympy import IndexedBase, Integer, Piecewise, Sum, Symbol, true

from symbackprop.errors import DefinitionError
from symbackprop.network.indices import (
    free_indices,
    guarded,
    index_name,
    index_size,
    parse_indices,
    primed,
    substitute,
)
from symbackprop.network.sizes import is_at_least_zero, is_positive, parse_size, size_text

n, m, i, j = parse_indices("n:N m:N i:D j:D")
X, b = IndexedBase("X"), IndexedBase("b")


SIZES = {
    "N": "N",
    "3": "3",
    "T-F+1": "-F + T + 1",
    "N+N": "2*N",
    "2-1": "1",
    "T_1": "T_1",
    "N*2": "2*N",
    "G*C": "C*G",
    "2*P+1": "2*P + 1",
    "2*(T-1)+F": "F + 2*T - 2",
    "N*(N-1)": "N**2 - N",
    "-F+T**2": "-F + T**2",
}


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_sizes(text: str, size: str) -> None:
    assert str(parse_size(text, "here")) == size


@pytest.mark.parametrize(
    "text", ["", "0", "1-3", "N*", "N N", "2N", "N--1", "-", "(N", "N)", "N**M", "N**10", "N/2", "N-N", "1-N"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(DefinitionError, match="of here: expected"):
        parse_size(text, "here")


def test_indices_know_name_and_range() -> None:
    (t,) = parse_indices("t:T-F+1")
    assert (index_name(t), str(index_size(t)), t.lower) == ("t", "-F + T + 1", 0)


def test_free_indices_respect_sums() -> None:
    assert free_indices(Sum(X[n, i] * b[i], i)) == {n}
    assert free_indices(Sum(X[n, i], i) + b[i]) == {n, i}
    assert free_indices(Sum(X[m, i], (m, 0, n), i)) == {n}
    assert free_indices(Sum(X[m, i], (i, 0, m), (m, 0, n))) == {n}


def test_substituting_does_not_touch_what_a_sum_binds() -> None:
    assert substitute(Sum(X[n, i], i) + b[i], {i: j}) == Sum(X[n, i], i) + b[j]


def test_substituting_renames_what_would_be_captured() -> None:
    found = substitute(Sum(X[n, i] * b[j], i), {j: i})
    assert free_indices(found) == {n, i}
    assert str(found) == "Sum(X[n, i']*b[i], (i', 0, D - 1))"


def test_substituting_in_bounds_and_two_at_once() -> None:
    assert substitute(Sum(X[m, i], (m, 0, n)), {n: n.upper - n}) == Sum(X[m, i], (m, 0, n.upper - n))
    assert substitute(X[n, i] * X[m, j], {n: m, m: n}) == X[m, i] * X[n, j]


def test_a_symbol_can_be_replaced_by_an_expression() -> None:
    c = Symbol("c")
    assert str(substitute(Sum(c * b[i], i), {c: X[n, i]})) == "Sum(X[n, i]*b[i'], (i', 0, D - 1))"
    assert substitute(Sum(c * b[i], i), {c: b[j]}) == Sum(b[j] * b[i], i)


def test_substituting_in_bounds_that_depend_on_an_outer_sum() -> None:
    k, q = parse_indices("k:N q:N")
    total = Sum(X[m, k] * b[n], (m, 0, k), (k, 0, n))
    assert substitute(total, {n: q}) == Sum(X[m, k] * b[q], (m, 0, k), (k, 0, q))
    assert str(substitute(total, {n: k})) == "Sum(X[m, k']*b[k], (m, 0, k'), (k', 0, k))"


def test_primes_until_the_name_is_free() -> None:
    assert index_name(primed(i, {"i", "i'"})) == "i''"
    assert primed(i, {"i"}).upper == i.upper


def test_guarded() -> None:
    assert guarded(b[i], true) == b[i]
    assert guarded(b[i], i > 0) == Piecewise((b[i], i > 0), (Integer(0), True))


@pytest.mark.parametrize("size", ["N", "3", "T-F+1", "I+U-2", "N-1"])
def test_a_size_is_written_as_it_is_read(size: str) -> None:
    assert size_text(parse_size(size, "n")) == size


@pytest.mark.parametrize("text", ["N", "N-1", "G*C-G", "N*N-2*N+1", "2*(T-1)+F", "T+F-2"])
def test_what_is_surely_not_negative(text: str) -> None:
    assert is_at_least_zero(parse_size(f"{text}+1", "here") - 1)
    assert is_positive(parse_size(f"{text}+1", "here"))


@pytest.mark.parametrize("text", ["T-F+1", "N*N-3*N+1", "G*C-G-C", "T-2*F+3"])
def test_what_may_be_negative(text: str) -> None:
    size = parse_size(text, "here")
    assert not is_at_least_zero(size - 1) or not is_at_least_zero(size)
    assert not is_positive(size)
