"""Sine, cosine, tangent and their inverses; the angle of a point."""

from __future__ import annotations

import math

import numpy as np
from sympy import Expr, Piecewise, acos, asin, atan, cos, pi, sin, sqrt, tan

from symbackprop.functions.row import Called, ElementaryFunction, Kink, Misremembered, NamedFunction, Primitive, Source

__all__ = ["arccos", "arcsin", "arctan", "arctan2"]

arccos, arcsin, arctan = acos, asin, atan


class arctan2(NamedFunction):
    """Angle of the point (x, y), in (-pi, pi]: `arctan2(y, x)`, as numpy orders its arguments."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        y, x = args
        beside = atan(x / y)
        return Piecewise((atan(y / x), x > 0), (pi / 2 - beside, y > 0), (-pi / 2 - beside, y < 0), (pi, x < 0), (0, True))


_UNIT = ((-1.0, 1.0),)

ROWS = (
    ElementaryFunction(
        "sin",
        sin,
        (lambda y, x: cos(x),),
        r"\sin",
        Source("sin", "np.sin", needs=("sin",)),
        primitive=Primitive(np.sin, lambda x: x.sin(), math.sin, -1, of_rotation=lambda e, i: (e * e - 1, 2 * i * e)),
        called=Called(("sin",), ("sin",), (), ("sin",)),
        misremembered=(Misremembered(lambda y, x: -cos(x)),),
        taken_for=("cos",),
    ),
    ElementaryFunction(
        "cos",
        cos,
        (lambda y, x: -sin(x),),
        r"\cos",
        Source("cos", "np.cos", needs=("cos",)),
        primitive=Primitive(np.cos, lambda x: x.cos(), math.cos, +1, of_rotation=lambda e, i: (e * e + 1, 2 * e)),
        called=Called(("cos",), ("cos",), (), ("cos",)),
        misremembered=(Misremembered(lambda y, x: sin(x)),),
        taken_for=("sin",),
    ),
    ElementaryFunction(
        "tan",
        tan,
        (lambda y, x: 1 + y**2,),
        r"\tan",
        Source("tan", "np.tan", needs=("tan",)),
        primitive=Primitive(np.tan, lambda x: x.tan(), math.tan, -1, of_rotation=lambda e, i: (e * e - 1, i * (e * e + 1))),
        called=Called(("tan",), ("tan",), (), ("tan",)),
        misremembered=(
            Misremembered(lambda y, x: 1 - y**2, "tanh"),
            Misremembered(lambda y, x: 1 / cos(x)),
        ),
        taken_for=("tanh",),
    ),
    ElementaryFunction(
        "arcsin",
        asin,
        (lambda y, x: 1 / sqrt(1 - x**2),),
        r"\arcsin",
        Source("asin", "np.arcsin", needs=("asin",)),
        primitive=Primitive(np.arcsin, lambda x: x.asin(), math.asin, -1),
        also_written=(r"\operatorname{asin}",),
        aliases=("asin",),
        called=Called(("arcsin",), ("asin",), (), ("asin", "arcsin")),
        misremembered=(Misremembered(lambda y, x: 1 / (1 - x**2)),),
        taken_for=("arccos", "sin"),
        domain=_UNIT,
    ),
    ElementaryFunction(
        "arccos",
        acos,
        (lambda y, x: -1 / sqrt(1 - x**2),),
        r"\arccos",
        Source("acos", "np.arccos", needs=("acos",)),
        primitive=Primitive(np.arccos, lambda x: x.acos(), math.acos),
        also_written=(r"\operatorname{acos}",),
        aliases=("acos",),
        called=Called(("arccos",), ("acos",), (), ("acos", "arccos")),
        misremembered=(Misremembered(lambda y, x: 1 / sqrt(1 - x**2)),),
        taken_for=("arcsin", "cos"),
        domain=_UNIT,
    ),
    ElementaryFunction(
        "arctan",
        atan,
        (lambda y, x: 1 / (1 + x**2),),
        r"\arctan",
        Source("atan", "np.arctan", needs=("atan",)),
        primitive=Primitive(np.arctan, lambda x: x.atan(), math.atan, -1),
        also_written=(r"\operatorname{atan}",),
        aliases=("atan",),
        called=Called(("arctan",), ("atan",), (), ("atan", "arctan")),
        misremembered=(
            Misremembered(lambda y, x: 1 + x**2),
            Misremembered(lambda y, x: 1 / (1 - x**2)),
            Misremembered(lambda y, x: 1 / (1 + y**2)),
        ),
        taken_for=("tanh", "tan"),
    ),
    ElementaryFunction(
        "arctan2",
        arctan2,
        (lambda a, y, x: x / (x**2 + y**2), lambda a, y, x: -y / (x**2 + y**2)),
        r"\operatorname{arctan2}",
        Source("atan2", "np.arctan2", needs=("atan2",)),
        kink=Kink("arctan2(y, x) jumps where y = 0 and x <= 0", lambda y, x: x + sqrt(x**2 + y**2)),
        also_written=(r"\operatorname{atan2}",),
        aliases=("atan2",),
        called=Called(("arctan2",), ("atan2",), (), ("atan2", "arctan2")),
    ),
)
