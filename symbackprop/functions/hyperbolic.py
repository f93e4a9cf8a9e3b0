"""Hyperbolic sine, cosine, tangent and their inverses."""

from __future__ import annotations

import math

import numpy as np
from sympy import acosh, asinh, atanh, cosh, sinh, sqrt, tanh

from symbackprop.functions.row import Called, ElementaryFunction, Misremembered, Primitive, Source

__all__ = ["arccosh", "arcsinh", "arctanh"]

arccosh, arcsinh, arctanh = acosh, asinh, atanh

ROWS = (
    ElementaryFunction(
        "tanh",
        tanh,
        (lambda y, x: 1 - y**2,),
        r"\tanh",
        Source("tanh", "np.tanh", needs=("tanh",)),
        primitive=Primitive(np.tanh, lambda x: x.tanh(), math.tanh, -1, of_exponential=lambda e: (e * e - 1, e * e + 1)),
        called=Called(("tanh",), ("tanh",), (), ("tanh",)),
        misremembered=(
            Misremembered(lambda y, x: 1 - y),
            Misremembered(lambda y, x: 1 + y**2),
            Misremembered(lambda y, x: y**2),
            Misremembered(lambda y, x: y * (1 - y), "sigmoid"),
        ),
        bounds=(-1.0, 1.0),
    ),
    ElementaryFunction(
        "sinh",
        sinh,
        (lambda y, x: cosh(x),),
        r"\sinh",
        Source("sinh", "np.sinh", needs=("sinh",)),
        primitive=Primitive(np.sinh, lambda x: x.sinh(), math.sinh, -1, of_exponential=lambda e: (e * e - 1, 2 * e)),
        called=Called(("sinh",), ("sinh",), (), ("sinh",)),
        misremembered=(Misremembered(lambda y, x: -cosh(x)),),
        taken_for=("cosh", "sin"),
    ),
    ElementaryFunction(
        "cosh",
        cosh,
        (lambda y, x: sinh(x),),
        r"\cosh",
        Source("cosh", "np.cosh", needs=("cosh",)),
        primitive=Primitive(np.cosh, lambda x: x.cosh(), math.cosh, +1, of_exponential=lambda e: (e * e + 1, 2 * e)),
        called=Called(("cosh",), ("cosh",), (), ("cosh",)),
        misremembered=(Misremembered(lambda y, x: -sinh(x)),),
        taken_for=("sinh", "cos"),
    ),
    ElementaryFunction(
        "arcsinh",
        asinh,
        (lambda y, x: 1 / sqrt(x**2 + 1),),
        r"\operatorname{arsinh}",
        Source("asinh", "np.arcsinh", needs=("asinh",)),
        primitive=Primitive(np.arcsinh, lambda x: x.asinh(), math.asinh, -1),
        also_written=(r"\operatorname{arcsinh}", r"\operatorname{asinh}"),
        aliases=("asinh",),
        called=Called(("arcsinh",), ("asinh",), (), ("asinh", "arcsinh")),
        misremembered=(Misremembered(lambda y, x: 1 / (x**2 + 1)),),
        taken_for=("arccosh", "sinh"),
    ),
    ElementaryFunction(
        "arccosh",
        acosh,
        (lambda y, x: 1 / sqrt(x**2 - 1),),
        r"\operatorname{arcosh}",
        Source("acosh", "np.arccosh", needs=("acosh",)),
        primitive=Primitive(np.arccosh, lambda x: x.acosh(), math.acosh),
        also_written=(r"\operatorname{arccosh}", r"\operatorname{acosh}"),
        aliases=("acosh",),
        called=Called(("arccosh",), ("acosh",), (), ("acosh", "arccosh")),
        misremembered=(Misremembered(lambda y, x: 1 / (x**2 - 1)),),
        taken_for=("arcsinh", "cosh"),
        domain=((1, math.inf),),
    ),
    ElementaryFunction(
        "arctanh",
        atanh,
        (lambda y, x: 1 / (1 - x**2),),
        r"\operatorname{artanh}",
        Source("atanh", "np.arctanh", needs=("atanh",)),
        primitive=Primitive(np.arctanh, lambda x: x.atanh(), math.atanh, -1),
        also_written=(r"\operatorname{arctanh}", r"\operatorname{atanh}"),
        aliases=("atanh",),
        called=Called(("arctanh",), ("atanh",), (), ("atanh", "arctanh")),
        misremembered=(Misremembered(lambda y, x: 1 / (1 + x**2), "arctan"),),
        taken_for=("tanh", "arctan"),
        domain=((-1, 1),),
    ),
)
