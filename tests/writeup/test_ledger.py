"""The printed numbers are the true ones to the digits printed, and what is 0 is printed as 0, with the reason."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sympy import Sum, sqrt

from symbackprop import numeric
from symbackprop.api import Derivation, derive
from symbackprop.network import Network, relu
from symbackprop.writeup.make import rendered
from symbackprop.writeup.numbers.ledger import MOST_OFF, Digits
from symbackprop.writeup.outline.context import make_context
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.support import agrees, document, random_derivation

FAST, ALL = 4, 200


def assert_true_to_the_digits(derivation: Derivation) -> int:
    """Assert that the printed value of every node and adjoint is the one the generated code computes, rounded."""
    context = make_context(derivation, HandoutOptions())
    found = numeric.evaluate(derivation)
    count = 0
    for name in context.ledger.printed.adjoints:
        record = derivation.adjoints[name]
        adjoint = str(record.symbol.label if record.indices else record.symbol)
        for printed, true in ((context.ledger.values[name], found[name]), (context.ledger.adjoint(name), found.get(adjoint))):
            if true is not None:
                for entry, right in zip(np.asarray(printed, dtype=object).flat, np.asarray(true, dtype=float).flat, strict=True):
                    assert agrees(Decimal(context.ledger.text(entry)), right), (name, entry, right)
                    assert abs(float(entry) - right) <= float(MOST_OFF) * abs(right) + 1e-13
                    count += 1
    return count


@pytest.mark.parametrize("seed", [*range(FAST), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FAST, ALL))])
def test_printed_numbers_are_true_to_their_digits(seed: int) -> None:
    assert assert_true_to_the_digits(random_derivation(seed)) > 10


@pytest.mark.parametrize("name", ["two_three_two", "two_two_one", "tanh_neuron", "mlp_softmax"])
def test_the_documents_numbers_are_true_to_their_digits(name: str) -> None:
    assert assert_true_to_the_digits(document(name)) > 10


def normalised(units: int = 3) -> Derivation:
    """Return one layer with a bias before batch normalisation; the bias moves the mean as much as the layer."""
    net = Network("a bias before batch normalisation")
    n, i, j, m = net.indices("n:N i:D j:H m:N")
    dice = np.random.default_rng(7)
    X = net.input("X", n, i, value=np.round(dice.normal(size=(4, 2)), 2))
    W = net.parameter("W", i, j, value=np.round(dice.normal(size=(2, units)), 2))
    b = net.parameter("b", j, value=np.round(dice.normal(size=units), 2))
    t = net.target("t", n, j, value=np.round(dice.normal(size=(4, units)), 2))
    N = net.size("N")
    Z = net.define("Z", n, j, Sum(X[n, i] * W[i, j], i) + b[j])
    mean = net.define("mu", j, Sum(Z[m, j], m) / N)
    C = net.define("C", n, j, Z[n, j] - mean[j])
    V = net.define("V", j, Sum(C[m, j] ** 2, m) / N)
    Y = net.define("Y", n, j, C[n, j] / sqrt(V[j]))
    return derive(net, net.define("E", Sum((Y[n, j] - t[n, j]) ** 2, n, j) / N))


@pytest.mark.slow
def test_a_gradient_that_is_nothing_is_printed_as_0_with_the_reason() -> None:
    derivation = normalised()
    context = make_context(derivation, HandoutOptions())
    assert set(np.asarray(context.ledger.adjoint("b")).flat) == {Fraction(0)}
    (found,) = context.vanishing
    assert (found.name, found.tried, found.moves) == ("b", 2, ("Z", "mu"))
    assert found.stays == ("C",)
    page = rendered(derivation, ".md", HandoutOptions())[""].decode()
    assert "changing $b$ changes $Z$, $\\mu$, but not $C$, and so not $E$." in page
    student = rendered(derivation, ".md", HandoutOptions(audience="student"))[""].decode()
    assert "exactly 0" not in student


def test_a_unit_that_is_switched_off_is_told_apart() -> None:
    net = Network("switched off")
    x, w = net.inputs("x", values=(1,)), net.parameters("w", values=(-2,))
    h = net.define("h", relu(w * x))
    context = make_context(derive(net, net.define("E", (h - 1) ** 2)), HandoutOptions())
    assert [(found.name, found.tried) for found in context.vanishing] == [("w", 2)]  # off at the values tried as well
    net.set_values({"x": 1, "w": -0.01})
    context = make_context(derive(net, "E"), HandoutOptions())
    assert [(found.name, found.tried) for found in context.vanishing] == [("w", 0)]


def test_no_gradient_of_the_documents_vanishes() -> None:
    assert make_context(document("two_three_two"), HandoutOptions()).vanishing == []


@pytest.mark.parametrize(
    ("value", "true", "kept"),
    [
        ("0.1234564", "0.1234562", "0.123456"), ("0.004704", "0.00470338", "0.0047"), ("0.0001", "0", "0"),
        ("-2.5", "-2.5", "-2.5"), ("0.0000123456", "0.0000123461", "0.000012346"), ("12.3456789", "12.3456791", "12.345679"),
    ],
)  # fmt: skip
def test_uncertain_digits_are_left_out(value: str, true: str, kept: str) -> None:
    assert Digits(6, 5).certain(Fraction(value), Fraction(true)) == Fraction(kept)
