"""Elementary functions: values against plain formulas, partials against differences, kinks and conventions."""

from __future__ import annotations

from typing import Any

import flint
import pytest
from flint import arb
from sympy import Float, Symbol, diff

from symbackprop.errors import InternalError
from symbackprop.network import ELEMENTARY, square
from symbackprop.network.functions import BY_NAME, NamedFunction, _table, partial
from tests.derive.interpreter import BITS, FUNCTIONS, STEP, compiled, relative

NAMES = tuple(BY_NAME)
PLACES = tuple(arb(p) / 64 for p in (-135, -41, -3, 5, 59, 109))  # exact in any precision


def arguments(name: str) -> int:
    """Return how many arguments a function takes."""
    return len(BY_NAME[name].partials)


def inside(name: str, x: Any) -> Any:
    """Keep an argument where the function is defined."""
    return abs(x) if name == "log" else x


@pytest.mark.parametrize("name", NAMES)
def test_partials_are_those_of_differences(name: str) -> None:
    row = BY_NAME[name]
    symbols = [Symbol(f"x{at}", real=True) for at in range(arguments(name))]
    output = Symbol("y", real=True)
    with flint.ctx.workprec(BITS):
        for at, place in enumerate(PLACES):
            point = [inside(name, place), PLACES[at - 2] + arb(21) / 64][: len(symbols)]
            value = FUNCTIONS[name](*point)
            known = {"y": {(): value}, **{f"x{k}": {(): x} for k, x in enumerate(point)}}
            for k, slope in enumerate(row.partials):
                moved = [[x + s * STEP * (j == k) for j, x in enumerate(point)] for s in (1, -1)]
                expected = (FUNCTIONS[name](*moved[0]) - FUNCTIONS[name](*moved[1])) / (2 * STEP)
                found = arb(compiled(slope(output, *symbols))(known, {}))
                assert relative(found, expected) < 1e-25, f"argument {k} at {point}"


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(BY_NAME[name].function, NamedFunction)])
def test_values_of_sympys_evaluation(name: str) -> None:
    function = BY_NAME[name].function
    for at, place in enumerate(PLACES):
        point = [place, PLACES[at - 2] + arb(21) / 64][: arguments(name)]
        found = function(*(Float(float(x.mid()), 17) for x in point)).evalf(17)
        assert float(found) == pytest.approx(float(FUNCTIONS[name](*point).mid()), rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].kink])
def test_a_kink_is_where_the_slope_jumps(name: str) -> None:
    """The stated expression is zero at the kink, and the slope or the value differs on the two sides of it."""
    row = BY_NAME[name]
    assert row.convention
    kink = {1: (0,), 2: (arb(26) / 64, arb(26) / 64) if name in ("maximum", "minimum") else (0, arb(3) / 10)}[arguments(name)]
    assert row.kink is not None
    assert row.kink(*kink) == 0
    with flint.ctx.workprec(BITS):
        left, middle, right = ([arb(kink[0]) + s * STEP, *map(arb, kink[1:])] for s in (-1, 0, 1))
        values = [FUNCTIONS[name](*point) for point in (left, middle, right)]
        before, after = (values[1] - values[0]) / STEP, (values[2] - values[1]) / STEP
        assert abs(before - after) > arb(1) / 10 or abs(values[2] - values[0]) > arb(1) / 10


def test_functions_without_a_kink_are_smooth() -> None:
    assert {name for name in NAMES if not BY_NAME[name].kink} == {
        "sigmoid", "tanh", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "erf", "softplus", "silu", "gelu", "gelu_tanh",
    }  # fmt: skip


def test_partial_uses_the_output_it_is_given() -> None:
    x, out = Symbol("x", real=True), Symbol("out", real=True)
    sigmoid = BY_NAME["sigmoid"].function
    assert partial(sigmoid(x), 1, out) == out * (1 - out)
    assert diff(sigmoid(x), x) == sigmoid(x) * (1 - sigmoid(x))


def test_square_is_a_power() -> None:
    assert square(Symbol("x")) == Symbol("x") ** 2


def test_registering_twice_is_refused() -> None:
    rows = (BY_NAME["tanh"], BY_NAME["tanh"])
    with pytest.raises(InternalError, match="tanh is registered twice"):
        _table(rows)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ELEMENTARY["f"] = BY_NAME["tanh"]  # type: ignore[index]
