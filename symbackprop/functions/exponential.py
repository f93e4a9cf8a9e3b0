"""Exponentials and logarithms, to the bases e, 2 and 10, and the two that keep their digits near 0."""

from __future__ import annotations

import math

import numpy as np
from sympy import Expr, exp, log

from symbackprop.functions.row import Called, ElementaryFunction, Misremembered, NamedFunction, Primitive, Source

__all__ = ["exp2", "expm1", "log1p", "log2", "log10"]


class log1p(NamedFunction):
    """`log(1 + x)`, with all digits for small x."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return log(1 + x)


class expm1(NamedFunction):
    """`exp(x) - 1`, with all digits for small x."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return exp(x) - 1


class exp2(NamedFunction):
    """`2**x`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return exp(x * log(2))


class log2(NamedFunction):
    """Logarithm to the base 2."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return log(x) / log(2)


class log10(NamedFunction):
    """Logarithm to the base 10."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return log(x) / log(10)


_NATURAL = Misremembered(lambda y, x: 1 / x, "log")

ROWS = (
    ElementaryFunction(
        "exp",
        exp,
        (lambda y, x: y,),
        r"\exp",
        Source("exp", "np.exp", needs=("exp",)),
        primitive=Primitive(np.exp, lambda x: x.exp(), math.exp, of_exponential=lambda e: (e, 1)),
        called=Called(("exp",), ("exp",), (), ("exp",)),
        misremembered=(Misremembered(lambda y, x: x * exp(x - 1)),),
    ),
    ElementaryFunction(
        "log",
        log,
        (lambda y, x: 1 / x,),
        r"\ln",
        Source("log", "np.log", needs=("log",)),
        primitive=Primitive(np.log, lambda x: x.log(), math.log, logarithm=True),
        also_written=(r"\log",),
        aliases=("ln",),
        called=Called(("log",), ("log",), (), ("log",)),
        taken_for=("log2", "log10"),
        domain=((0, math.inf),),
    ),
    ElementaryFunction(
        "log1p",
        log1p,
        (lambda y, x: 1 / (1 + x),),
        r"\operatorname{log1p}",
        Source("log1p", "np.log1p", needs=("log1p",)),
        primitive=Primitive(np.log1p, lambda x: x.log1p(), math.log1p, logarithm=True),
        called=Called(("log1p",), ("log1p",), ("log1p",), ("log1p",)),
        misremembered=(Misremembered(lambda y, x: 1 / x, "log"),),
        taken_for=("log",),
        domain=((-1, math.inf),),
    ),
    ElementaryFunction(
        "expm1",
        expm1,
        (lambda y, x: exp(x),),  # not y + 1, which loses its digits for x << 0
        r"\operatorname{expm1}",
        Source("expm1", "np.expm1", needs=("expm1",)),
        primitive=Primitive(np.expm1, lambda x: x.expm1(), math.expm1, of_exponential=lambda e: (e - 1, 1)),
        called=Called(("expm1",), ("expm1",), ("expm1",), ("expm1",)),
        misremembered=(Misremembered(lambda y, x: y),),
        taken_for=("exp",),
    ),
    ElementaryFunction(
        "exp2",
        exp2,
        (lambda y, x: y * log(2),),
        r"\operatorname{exp2}",
        Source("exp2", "np.exp2", needs=("exp2",)),
        called=Called(("exp2",), ("exp2",), ("exp2",), ("exp2",)),
        misremembered=(Misremembered(lambda y, x: y),),
        taken_for=("exp",),
    ),
    ElementaryFunction(
        "log2",
        log2,
        (lambda y, x: 1 / (x * log(2)),),
        r"\log_2",
        Source("log2", "np.log2", needs=("log2",)),
        called=Called(("log2",), ("log2",), (), ("log2",)),
        misremembered=(_NATURAL,),
        taken_for=("log", "log10"),
        domain=((0, math.inf),),
    ),
    ElementaryFunction(
        "log10",
        log10,
        (lambda y, x: 1 / (x * log(10)),),
        r"\log_{10}",
        Source("log10", "np.log10", needs=("log10",)),
        called=Called(("log10",), ("log10",), (), ("log10",)),
        misremembered=(_NATURAL,),
        taken_for=("log", "log2"),
        domain=((0, math.inf),),
    ),
)
