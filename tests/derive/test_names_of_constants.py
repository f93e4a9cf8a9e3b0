"""Variables that are called e or pi: a formula that is printed beside them still has the value of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import E, Sum, exp, log, pi, sqrt

from symbackprop import Network, numeric
from symbackprop.derive import derive
from symbackprop.derive.steps.writer import Writer
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Chain
from symbackprop.formula.value.arithmetic import EXACT, FLOATS
from symbackprop.formula.value.evaluate import Known, gaps
from symbackprop.network.names import names_of


def mixture(centre: str, weight: str) -> Network:
    """Return densities at points, with variables of the given names, and the constants e and π."""
    net = Network("mixture")
    k, n = net.indices("k:K n:N")
    m, p = net.parameter(centre, k, value=[0.3, -0.2]), net.parameter(weight, k, value=[0.5, 0.7])
    x = net.input("x", n, value=[1.0, 2.0, 3.5])
    q = net.define("q", n, k, exp(-((x[n] - m[k]) ** 2) / 2) * p[k] / sqrt(2 * pi))
    net.define("s", n, Sum(exp(m[k]) * q[n, k], k) + E)
    return net


@pytest.mark.parametrize(("centre", "weight"), [("e", "pi"), ("e", "p"), ("m", "pi"), ("m", "p")])
def test_a_formula_beside_a_variable_of_that_name_has_its_value(centre: str, weight: str) -> None:
    net = mixture(centre, weight)
    n = net.declared_indices["n"]
    net.define("L", -Sum(log(net.node("s").symbol[n]), n))
    writer = Writer(derive(net, "L"))
    values = numeric.evaluate(net)
    known = Known({name: np.asarray(value, dtype=float) for name, value in values.items()}, {"k": 2, "n": 3}, FLOATS)
    for name in ("q", "s", "L"):
        chain = read(latex(writer.definition(name)), names_of(net))
        assert isinstance(chain, Chain)
        assert max(gaps(chain, known)) < 1e-12


def test_powers_of_long_fractions_take_no_longer_than_short_ones() -> None:
    base, exponent = "2.7182818284590452353602874713526624977572", "31234567890.1234567890123456789012345678901234567891"
    assert "more digits than can be printed" in EXACT.power(np.array(EXACT.number(base)), np.array(EXACT.number(exponent))).why
