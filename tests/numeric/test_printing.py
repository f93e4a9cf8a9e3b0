"""Scalar expressions as Python: the text reads like handwritten code and has the expression's value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, Symbol, cos, exp, pi, sqrt, tanh

from symbackprop.errors import NotSupportedError
from symbackprop.numeric.code.printing import ArrayPrinter, FloatPrinter, PrintedSymbol, decimal
from symbackprop.numeric.program.python_names import RESERVED, Identifiers

NAMES = ("dE", "a", "b", "c")
dE, a, b, c = (Symbol(name, real=True) for name in NAMES)
POINT = {"dE": 0.7, "a": 1.3, "b": -0.4, "c": 2.1}


def leaf(symbol: Symbol) -> PrintedSymbol:
    return PrintedSymbol(symbol.name, NAMES.index(symbol.name) - 1)


@pytest.mark.parametrize(
    ("expression", "floats", "arrays"),
    [
        (a * b + c, "a*b + c", "a*b + c"),
        (1 - a**2, "1.0 - a*a", "1 - a**2"),
        (c - b, "c - b", "c - b"),
        (-((c - a) ** 2) / 2, "-0.5*(c - a)**2", "-0.5*(c - a)**2"),
        (dE * a * (1 - a), "dE*a*(1.0 - a)", "dE*a*(1 - a)"),
        (2 * a - 2 * b, "2.0*(a - b)", "2*(a - b)"),
        (a / (3 * b * c), "a/(3.0*b*c)", "a/(3*b*c)"),
        (Rational(7, 20) * a, "0.35*a", "0.35*a"),
        (a / 3, "a/3.0", "a/3"),
        (1 / a, "1.0/a", "1/a"),
        (-1 / a, "-1.0/a", "-1/a"),
        (1 / sqrt(a), "1.0/sqrt(a)", "1/np.sqrt(a)"),
        (1 / (a * sqrt(a)), "1.0/(a*sqrt(a))", "1/(a*np.sqrt(a))"),
        (a**3 * b, "b*a**3", "b*(a*a*a)"),
        (b / a**2, "b/(a*a)", "b/a**2"),
        (a - (b - c), "a - b + c", "a - b + c"),
        (a * (-b - c), "a*(-b - c)", "a*(-b - c)"),
        (pi * exp(-a), "pi*exp(-a)", "np.pi*np.exp(-a)"),
    ],
)  # fmt: skip
def test_text(expression: sympy.Expr, floats: str, arrays: str) -> None:
    assert FloatPrinter(leaf)._print(expression) == floats
    assert ArrayPrinter(leaf)._print(expression) == arrays


leaves = st.sampled_from([a, b, c, dE]) | st.builds(Rational, st.integers(-7, 7), st.sampled_from([1, 2, 3, 10]))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda x, y: x + y, inner, inner),
        st.builds(lambda x, y: x * y, inner, inner),
        st.builds(lambda x, y: x - y, inner, inner),
        st.builds(lambda x, y: x / (2 + cos(y)), inner, inner),
        st.builds(lambda x: (2 + tanh(x)) ** Integer(-2), inner),
        st.builds(lambda x: (2 + tanh(x)) ** Rational(3, 2), inner),
        st.builds(lambda x: (2 + tanh(x)) ** Rational(-1, 2), inner),
        st.builds(lambda x, k: x**k, inner, st.integers(2, 4)),
    ),
    max_leaves=9,
)


@pytest.mark.slow
@settings(max_examples=60)
@given(trees)
def test_printed_text_has_the_value_of_the_expression(expression: sympy.Expr) -> None:
    expected = float(expression.subs({Symbol(name, real=True): Rational(str(value)) for name, value in POINT.items()}))
    scope = {"np": np, **{name: getattr(math, name) for name in ("exp", "sqrt", "cos", "tanh", "pi")}, **POINT}
    for printer in (FloatPrinter(leaf), ArrayPrinter(leaf)):
        text = printer._print(sympy.sympify(expression))
        assert eval(text, scope) == pytest.approx(expected, rel=1e-10, abs=1e-10), text  # our own text, in a test


def test_decimals_are_exact() -> None:
    assert [decimal(Rational(p, q)) for p, q in ((1, 2), (7, 20), (44715, 10**6), (3, 1))] == ["0.5", "0.35", "0.044715", "3"]
    assert decimal(Rational(1, 3)) == decimal(Rational(22, 7)) == ""


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="no code for function zeta"):
        FloatPrinter(leaf)._print(sympy.zeta(a))


def test_identifiers_never_collide() -> None:
    names = Identifiers(["w1", "lambda", "lambda_", "np", "exp", "i'", "a b"])
    found = [names[name] for name in ("w1", "lambda", "lambda_", "np", "exp", "i'", "a b")]
    assert found[0] == "w1"
    assert len(set(found)) == len(found)
    assert all(name.isidentifier() and name not in RESERVED for name in found)
    assert names["lambda"] == found[1]
    assert names.fresh("w1") not in found
