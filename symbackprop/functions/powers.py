"""Roots, sizes and squares: sqrt, cbrt, hypot, |x|."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy
from sympy import Abs, Expr, Piecewise, sign, sqrt

from symbackprop.functions.row import Called, ElementaryFunction, Kink, Misremembered, NamedFunction, Primitive, Source

__all__ = ["cbrt", "hypot", "square"]


def square(x: Expr) -> Expr:
    """Return `x**2`."""
    return sympy.sympify(x, strict=True) ** 2


class cbrt(NamedFunction):
    """Real cube root, odd: `cbrt(-8) = -2`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        third = sympy.Rational(1, 3)
        return Piecewise((x**third, x > 0), (-((-x) ** third), True))


class hypot(NamedFunction):
    """Length of the vector (x, y), `sqrt(x**2 + y**2)`."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        x, y = args
        return sqrt(x**2 + y**2)


def _cbrt_ball(x: Any) -> Any:
    return x.root(3) if x > 0 else x if x == 0 else -((-x).root(3))


ROWS = (
    ElementaryFunction(
        "sqrt",
        sqrt,
        (lambda y, x: 1 / (2 * y),),
        "",
        Source("sqrt", "np.sqrt", needs=("sqrt",)),
        primitive=Primitive(np.sqrt, lambda x: x.sqrt(), math.sqrt),
        called=Called(("sqrt",), ("sqrt",), (), ("sqrt",)),
        domain=((0, math.inf),),
    ),
    ElementaryFunction(
        "cbrt",
        cbrt,
        (lambda y, x: 1 / (3 * y**2),),
        r"\operatorname{cbrt}",
        Source("cbrt", "np.cbrt", needs=("cbrt",)),
        primitive=Primitive(np.cbrt, _cbrt_ball, math.cbrt, parity=-1),
        kink=Kink("cbrt has a vertical tangent at 0", lambda x: x),
        called=Called(("cbrt",), ("cbrt",), ("cbrt",)),
        misremembered=(Misremembered(lambda y, x: 1 / (3 * y)),),
    ),
    ElementaryFunction(
        "hypot",
        hypot,
        (lambda r, x, y: x / r, lambda r, x, y: y / r),
        r"\operatorname{hypot}",
        Source("hypot", "np.hypot", needs=("hypot",)),
        kink=Kink("hypot is not differentiable where both arguments are 0", lambda x, y: x**2 + y**2),
        called=Called(("hypot",), ("hypot",), (), ("hypot",)),
    ),
    ElementaryFunction(
        "Abs",
        Abs,
        (lambda y, x: sign(x),),
        "",
        Source("abs", "np.abs"),
        definition=lambda x: Piecewise((x, x > 0), (-x, True)),
        kink=Kink("|x|' = sign(x), 0 at x = 0", lambda x: x),
        called=Called(("absolute", "fabs"), ("fabs",), (), ("abs",)),
    ),
)
