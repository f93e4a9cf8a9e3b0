"""Elementary functions: slopes against differences, kinks and conventions, sympy's own evaluation."""

from __future__ import annotations

import math
from typing import Any

import flint
import pytest
from flint import arb
from sympy import Float, Rational, Symbol, diff

from symbackprop.errors import InternalError
from symbackprop.functions import BY_NAME, ELEMENTARY, partial, square
from symbackprop.functions.table import _unique
from tests.derive.interpreter import BITS, FUNCTIONS, STEP, compiled, relative

NAMES = tuple(BY_NAME)
#: Sixty-fourths, exact in any precision: on both sides of 0, of ±1, of ±3 and of 6.
PLACES = tuple(arb(p) / 64 for p in (-239, -135, -41, -3, 5, 59, 109, 231, 421))
#: Where a function has its kinks; elsewhere at 0, of two arguments at one place of the kink.
KINKS: dict[str, tuple[tuple[float, ...], ...]] = {
    "hard_tanh": ((-1,), (1,)),
    "hard_sigmoid": ((-3,), (3,)),
    "relu6": ((0,), (6,)),
    "maximum": ((13 / 32, 13 / 32),),
    "minimum": ((13 / 32, 13 / 32),),
    "hypot": ((0, 0),),
    "arctan2": ((0, -1 / 4),),
}


def inside(name: str, x: Any) -> Any:
    """Bring an argument to where the function is defined."""
    low, high = BY_NAME[name].domain[0] if BY_NAME[name].domain else (-math.inf, math.inf)
    if high < math.inf:
        return x / 8
    return int(low) + abs(x) if low > -math.inf else x


def points(name: str) -> list[list[Any]]:
    """Return points inside the domain of a function, away from its kinks."""
    second = [PLACES[at - 2] + arb(21) / 64 for at in range(len(PLACES))]
    if name in ("leaky_relu", "elu", "celu"):
        second = [abs(x) for x in second]
    return [[inside(name, x), y][: BY_NAME[name].arity] for x, y in zip(PLACES, second, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_those_of_differences(name: str) -> None:
    row = BY_NAME[name]
    symbols = [Symbol(f"x{at}", real=True) for at in range(row.arity)]
    output = Symbol("y", real=True)
    with flint.ctx.workprec(BITS):
        for point in points(name):
            value = FUNCTIONS[name](*point)
            known = {"y": {(): value}, **{f"x{k}": {(): x} for k, x in enumerate(point)}}
            for k, slope in enumerate(row.slopes):
                moved = [[x + s * STEP * (j == k) for j, x in enumerate(point)] for s in (1, -1)]
                expected = (FUNCTIONS[name](*moved[0]) - FUNCTIONS[name](*moved[1])) / (2 * STEP)
                found = arb(compiled(slope(output, *symbols))(known, {}))
                assert relative(found, expected) < 1e-25, f"argument {k} at {point}"


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].misremembered])
def test_what_is_misremembered_is_wrong(name: str) -> None:
    row = BY_NAME[name]
    x, y = Symbol("x0", real=True), Symbol("y", real=True)
    for usual in row.misremembered:
        differ = []
        for point in points(name):
            known = {"y": {(): FUNCTIONS[name](*point)}, "x0": {(): point[0]}}
            wrong, right = (arb(compiled(e)(known, {})) for e in (usual.slope(y, x), row.slopes[0](y, x)))
            differ.append(not wrong.overlaps(right))
        assert any(differ), usual


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].function in ELEMENTARY])
def test_values_of_sympys_evaluation(name: str) -> None:
    function = BY_NAME[name].function
    for point in points(name):
        found = function(*(Float(float(x.mid()), 17) for x in point)).evalf(17)
        assert float(found) == pytest.approx(float(FUNCTIONS[name](*point).mid()), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].kink])
def test_a_kink_is_where_the_slope_jumps(name: str) -> None:
    """The stated expression is zero at the kink and nowhere else, and the slope or the value differs on the two sides of it."""
    row = BY_NAME[name]
    assert row.kink is not None
    assert row.kink.convention
    assert not any(row.kink.place(*(Rational(float(x)) for x in point)) == 0 for point in points(name))
    for kink in KINKS.get(name, ((0, 3 / 8)[: row.arity],)):
        assert row.kink.place(*map(Rational, kink)) == 0
        with flint.ctx.workprec(BITS):
            left, middle, right = ([arb(kink[0]) + s * STEP, *map(arb, kink[1:])] for s in (-1, 0, 1))
            values = [FUNCTIONS[name](*point) for point in (left, middle, right)]
            before, after = (values[1] - values[0]) / STEP, (values[2] - values[1]) / STEP
            jumps = abs(before - after) > arb(1) / 10 or abs(values[2] - values[0]) > arb(1) / 10
            assert jumps or abs(before) > 10**6  # a vertical tangent


def test_functions_without_a_kink_are_smooth() -> None:
    """At 0, where a function made by cases would have its border, differences from both sides agree."""
    for name in (name for name in NAMES if not BY_NAME[name].kink and not BY_NAME[name].domain):
        rest = [arb(3) / 8][: BY_NAME[name].arity - 1]
        with flint.ctx.workprec(BITS):
            left, middle, right = (FUNCTIONS[name](arb(0) + s * STEP, *rest) for s in (-1, 0, 1))
            assert abs((middle - left) - (right - middle)) / STEP < arb(1) / 10**6, name


def test_partial_uses_the_output_it_is_given() -> None:
    x, out = Symbol("x", real=True), Symbol("out", real=True)
    sigmoid = BY_NAME["sigmoid"].function
    assert partial(sigmoid(x), 1, out) == out * (1 - out)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].function in ELEMENTARY])
def test_sympys_own_differentiation_agrees(name: str) -> None:
    row = BY_NAME[name]
    symbols = [Symbol(f"x{at}", real=True) for at in range(row.arity)]
    for at, symbol in enumerate(symbols):
        slope = diff(row.function(*symbols), symbol)
        for point in points(name):
            place = dict(zip(symbols, (Float(float(x), 30) for x in point), strict=True))
            expected = partial(row.function(*symbols), at + 1).subs(place).evalf(20)
            assert float(slope.subs(place).doit().evalf(20)) == pytest.approx(float(expected), rel=1e-12, abs=1e-14)


def test_square_is_a_power() -> None:
    assert square(Symbol("x")) == Symbol("x") ** 2


def test_registering_twice_is_refused() -> None:
    with pytest.raises(InternalError, match="tanh is registered twice"):
        _unique(("tanh", BY_NAME["tanh"]) for _ in range(2))


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ELEMENTARY["f"] = BY_NAME["tanh"]  # type: ignore[index]
