"""Function values that stand in several places are computed once, under a name; the gradients stay those of the definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Expr, Rational, Sum, erf, exp, log, sin, tanh

from symbackprop.derive import DerivationRecord, derive
from symbackprop.functions import gelu, gelu_tanh, sigmoid, silu
from symbackprop.network import Network
from symbackprop.numeric import function, source


def cell(of: Callable[[Expr], Expr]) -> DerivationRecord:
    """h = a f(c), E = Σ (h - t)²: f(c) is in h, in ∂E/∂a and in ∂E/∂c."""
    net = Network("cell")
    n, j = net.indices("n:N j:H")
    a, c, t = net.parameter("a", n, j), net.parameter("c", n, j), net.target("t", n, j)
    h = net.define("h", n, j, a[n, j] * of(c[n, j]))
    return derive(net, net.define("E", Sum((h[n, j] - t[n, j]) ** 2, n, j)))


def differences(derivation: DerivationRecord, values: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the gradients by central differences of the generated loss."""
    run = function(derivation)
    found = {}
    for name in derivation:
        slope = np.zeros_like(values[name])
        for at in np.ndindex(slope.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = values[name].copy()
                moved[at] += step
                ends.append(run(**{**values, name: moved})[0])
            slope[at] = (ends[0] - ends[1]) / 2e-6
        found[name] = slope
    return found


@pytest.mark.slow
@pytest.mark.parametrize("of", [tanh, sigmoid, erf, gelu, gelu_tanh, silu, lambda x: tanh(2 * x) + tanh(2 * x) ** 2])
def test_the_gradients_are_those_of_the_definition(of: Callable[[Expr], Expr]) -> None:
    derivation = cell(of)
    rng = np.random.default_rng(1)
    values = {name: rng.normal(size=(2, 3)) for name in "act"}
    for name, slope in differences(derivation, values).items():
        np.testing.assert_allclose(function(derivation)(**values)[1][name], slope, atol=1e-8)


@pytest.mark.parametrize(("of", "word", "count"), [(tanh, "np.tanh(", 1), (gelu_tanh, "np.tanh(", 1), (sin, "np.sin(", 2)])
def test_it_is_computed_once(of: Callable[[Expr], Expr], word: str, count: int) -> None:
    text = source(cell(of))
    body = "\n".join(line for line in text.splitlines() if not line.strip().startswith("#"))
    assert body.count(word) == count
    assert ("tanh_c" in text) == (count == 1)


def test_other_indices_are_the_same_value_and_other_values_are_not() -> None:
    net = Network("two places")
    i, j = net.indices("i:D j:D")
    c, d = net.parameter("c", i), net.parameter("d", i)
    net.define("y", i, tanh(c[i]) * Sum(tanh(c[j]) * tanh(d[j]), j))
    derivation = derive(net, net.define("E", Sum(net.node("y").symbol[i] ** 2, i)))
    text = source(derivation)
    assert text.count("np.tanh(c)") == 1
    assert text.count("np.tanh(d)") == 1
    rng = np.random.default_rng(2)
    values = {name: rng.normal(size=4) for name in "cd"}
    for name, slope in differences(derivation, values).items():
        np.testing.assert_allclose(function(derivation)(**values)[1][name], slope, atol=1e-7)


def test_softmax_and_its_logarithm_are_still_recognised() -> None:
    net = Network("softmax")
    n, k, m = net.indices("n:N k:K m:K")
    z, t = net.parameter("z", n, k), net.target("t", n, k)
    p = net.define("p", n, k, exp(z[n, k]) / Sum(exp(z[n, m]), m))
    net.define("E", -Sum(t[n, k] * log(p[n, k]), n, k))
    loss, gradients = function(derive(net, "E"))(z=np.array([[900.0, 0.0]]), t=np.array([[1.0, 0.0]]))
    assert np.isfinite(loss)
    assert np.all(np.isfinite(gradients["z"]))


def test_a_name_that_is_taken_is_not_used() -> None:
    net = Network("taken")
    c, tanh_c = net.parameter("c", value=0.3), net.parameter("tanh_c", value=2.0)
    net.define("E", (tanh(c) * tanh_c + tanh(c) ** 2) ** 2)
    loss, gradients = function(derive(net, "E"))(c=0.3, tanh_c=2.0)
    T = np.tanh(0.3)
    assert loss == pytest.approx((T * 2 + T**2) ** 2)
    assert gradients["tanh_c"] == pytest.approx(2 * (T * 2 + T**2) * T)
    assert gradients["c"] == pytest.approx(2 * (T * 2 + T**2) * (2 + 2 * T) * (1 - T**2))


def test_a_value_of_numbers_alone_has_a_name_too() -> None:
    net = Network("a constant twice")
    w = net.parameter("w")
    y = net.define("y", tanh(Rational(3, 17)) * w + sigmoid(w))
    derivation = derive(net, net.define("E", y**2 * tanh(Rational(3, 17))))
    loss, gradients = function(derivation)(w=0.5)
    step = 1e-6
    assert gradients["w"] == pytest.approx(
        (function(derivation)(w=0.5 + step)[0] - function(derivation)(w=0.5 - step)[0]) / (2 * step), rel=1e-8
    )
    assert loss > 0


@pytest.mark.parametrize("sizes", [(2, 3), (1, 1)])
@pytest.mark.parametrize(
    ("loss", "named"),
    [
        (lambda y, t, s: (t - y) ** 2 + s * (y - t), "y_minus_t = y - t"),
        (lambda y, t, s: (y + t) ** 2 * sin(s) + (y + t) / 3, "t_plus_y = t + y"),
        (lambda y, t, s: (t - y) ** 2 * sin(s) + sin(y - t) * (3 * t - 3 * y), "t_minus_y = t - y"),
        (lambda y, t, s: (y - s) ** 2 * t + sin(s - y) / 3, "y_minus_s = y - s"),
        (lambda y, t, s: (y - 2 * t) ** 2 + s, "y = np.sin(a)"),
    ],
)
def test_a_difference_of_two_arrays_is_computed_once(
    loss: Callable[[Expr, Expr, Expr], Expr], named: str, sizes: tuple[int, int]
) -> None:
    net = Network("difference")
    n, j = net.indices("n:N j:H")
    a, t, s = net.parameter("a", n, j), net.parameter("t", n, j), net.parameter("s", j)
    y = net.define("y", n, j, sin(a[n, j]))
    derivation = derive(net, net.define("E", Sum(loss(y[n, j], t[n, j], s[j]), n, j)))
    lines = [line.strip() for line in source(derivation).splitlines() if not line.strip().startswith("#")]
    assert lines.count(named) == 1
    rng = np.random.default_rng(4)
    values = {"a": rng.normal(size=sizes), "t": rng.normal(size=sizes), "s": rng.normal(size=sizes[1:])}
    for name, slope in differences(derivation, values).items():
        np.testing.assert_allclose(function(derivation)(**values)[1][name], slope, atol=1e-7, err_msg=name)


def test_what_has_an_entry_for_every_pair_gets_no_name() -> None:
    net = Network("pairs")
    n, k = net.indices("n:N k:K")
    a, c = net.parameter("a", n), net.parameter("c", k)
    text = source(derive(net, net.define("E", Sum(tanh(a[n] - c[k]) * (a[n] - c[k]), n, k))))
    assert "a_minus_c" not in text
    assert "c_minus_a" not in text
