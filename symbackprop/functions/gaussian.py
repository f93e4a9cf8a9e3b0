"""The error function and its complement, and the unit made of it (GELU: Hendrycks and Gimpel 2016), exact and in tanh form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sympy import Expr, Rational, erf, erfc, exp, pi, sqrt, tanh

from symbackprop.functions.row import Called, ElementaryFunction, Misremembered, NamedFunction, Primitive, Source

__all__ = ["erf", "erfc", "gelu", "gelu_tanh"]


class gelu(NamedFunction):
    """Gaussian error linear unit, exact form: `x/2*(1 + erf(x/sqrt(2)))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x / 2 * (1 + erf(x / sqrt(2)))


class gelu_tanh(NamedFunction):
    """Gaussian error linear unit, tanh form: `x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x / 2 * (1 + tanh(_gelu_inner(x)))


def _gelu_inner(x: Expr) -> Expr:
    return sqrt(2 / pi) * (x + Rational(44715, 1000000) * x**3)


def _gelu_tanh_slope(y: Expr, x: Expr) -> Expr:
    t = tanh(_gelu_inner(x))
    return (1 + t) / 2 + x / 2 * (1 - t**2) * sqrt(2 / pi) * (1 + Rational(3 * 44715, 1000000) * x**2)


def _each(function: Any) -> Any:
    return np.vectorize(function, otypes=[float])


_ONLY_DISTRIBUTION = Misremembered(lambda y, x: (1 + erf(x / sqrt(2))) / 2)

ROWS = (
    ElementaryFunction(
        "erf",
        erf,
        (lambda y, x: 2 * exp(-(x**2)) / sqrt(pi),),
        r"\operatorname{erf}",
        Source(
            "erf", "erf", "",
            '''
def erf(x):
    """The error function, which numpy does not have"""
    x = np.asarray(x)
    return np.array([math.erf(v) for v in x.ravel()]).reshape(x.shape)
''',
            ("erf",), ("math",),
        ),
        primitive=Primitive(_each(math.erf), lambda x: x.erf(), math.erf, -1),
        called=Called((), ("erf",), ("erf",), ("erf",)),
        misremembered=(Misremembered(lambda y, x: exp(-(x**2))),),
        taken_for=("erfc", "tanh"),
        bounds=(-1.0, 1.0),
    ),
    ElementaryFunction(
        "erfc",
        erfc,
        (lambda y, x: -2 * exp(-(x**2)) / sqrt(pi),),
        r"\operatorname{erfc}",
        Source(
            "erfc", "erfc", "",
            '''
def erfc(x):
    """1 - erf(x), with all digits for x >> 0; numpy does not have it"""
    x = np.asarray(x)
    return np.array([math.erfc(v) for v in x.ravel()]).reshape(x.shape)
''',
            ("erfc",), ("math",),
        ),
        primitive=Primitive(_each(math.erfc), lambda x: x.erfc(), math.erfc, complement="erf"),
        called=Called((), ("erfc",), ("erfc",), ("erfc",)),
        misremembered=(Misremembered(lambda y, x: 2 * exp(-(x**2)) / sqrt(pi)),),
        taken_for=("erf",),
        bounds=(0.0, 2.0),
    ),
    ElementaryFunction(
        "gelu",
        gelu,
        (lambda y, x: (1 + erf(x / sqrt(2))) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),),
        r"\operatorname{GELU}",
        Source(
            "gelu", "gelu",
            '''
def gelu(x):
    """x/2*(1 + erf(x/sqrt(2))); 1 + erf loses its digits for x << 0, erfc(-z) = 1 + erf(z) does not."""
    return 0.5*x*erfc(-0.7071067811865476*x)
''',
            '''
def gelu(x):
    """x/2*(1 + erf(x/sqrt(2))); 1 + erf loses its digits for x << 0, erfc(-z) = 1 + erf(z) does not."""
    x = np.asarray(x)
    return 0.5*x*np.array([math.erfc(-0.7071067811865476*v) for v in x.ravel()]).reshape(x.shape)
''',
            ("erfc",), ("math",),
        ),
        called=Called(torch=("gelu",)),
        misremembered=(_ONLY_DISTRIBUTION,),
        taken_for=("gelu_tanh", "silu", "relu"),
    ),
    ElementaryFunction(
        "gelu_tanh",
        gelu_tanh,
        (_gelu_tanh_slope,),
        r"\operatorname{GELU}_{tanh}",
        Source(
            "gelu_tanh", "gelu_tanh",
            '''
def gelu_tanh(x):
    """x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))"""
    return 0.5*x*(1 + tanh(0.7978845608028654*(x + 0.044715*x*x*x)))
''',
            '''
def gelu_tanh(x):
    """x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))"""
    return 0.5*x*(1 + np.tanh(0.7978845608028654*(x + 0.044715*x*x*x)))
''',
            ("tanh",),
        ),
        misremembered=(
            Misremembered(lambda y, x: (1 + tanh(_gelu_inner(x))) / 2),
        ),
        taken_for=("gelu", "silu", "relu"),
    ),
)  # fmt: skip
