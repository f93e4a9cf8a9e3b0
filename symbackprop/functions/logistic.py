"""The logistic function and what is made of it: softplus, its log, SiLU (Elfwing et al. 2018), mish (Misra 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import Expr, exp, log, tanh

from symbackprop.functions.row import Called, ElementaryFunction, Misremembered, NamedFunction, Primitive, Source

__all__ = ["logaddexp", "logsigmoid", "mish", "sigmoid", "silu", "softplus", "swish"]


class sigmoid(NamedFunction):
    """Logistic function `1/(1 + exp(-x))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return 1 / (1 + exp(-x))


class softplus(NamedFunction):
    """Softplus `log(1 + exp(x))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return log(1 + exp(x))


class logsigmoid(NamedFunction):
    """Logarithm of the logistic function, `-softplus(-x)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return -softplus(-x)


class silu(NamedFunction):
    """Sigmoid-weighted linear unit (swish) `x*sigmoid(x)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x / (1 + exp(-x))


swish = silu


class mish(NamedFunction):
    """Mish `x*tanh(softplus(x))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x * tanh(softplus(x))


class logaddexp(NamedFunction):
    """Logarithm of a sum of two exponentials, `log(exp(a) + exp(b)) = b + softplus(a - b)`."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        a, b = args
        return b + softplus(a - b)


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1 / (1 + small), small / (1 + small))[()]


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _mish_slope(y: Expr, x: Expr) -> Expr:
    t = tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t**2)


ROWS = (
    ElementaryFunction(
        "sigmoid",
        sigmoid,
        (lambda y, x: y * (1 - y),),
        r"\sigma",
        Source(
            "sigmoid", "sigmoid",
            '''
def sigmoid(x):
    """1/(1 + exp(-x)) = exp(x)/(1 + exp(x)). Below -700 exp(-x) would overflow: the second form stands there."""
    return 1/(1 + exp(-x)) if x > -700 else exp(x)/(1 + exp(x))
''',
            '''
@np.errstate(over="ignore")
def sigmoid(x):
    """1/(1 + exp(-x)). Far below 0 exp(-x) overflows to infinity, and 1/(1 + infinity) is 0, as it should be."""
    return 1/(1 + np.exp(-x))
''',
            ("exp",),
        ),
        primitive=Primitive(_sigmoid, lambda x: 1 / (1 + (-x).exp()), of_exponential=lambda e: (e, 1 + e)),
        also_written=(r"\operatorname{sigmoid}", r"\operatorname{sigm}"),
        called=Called((), (), ("expit",), ("sigmoid",)),
        misremembered=(
            Misremembered(lambda y, x: y),
            Misremembered(lambda y, x: 1 - y),
            Misremembered(lambda y, x: 1 - y**2, "tanh"),
        ),
        bounds=(0.0, 1.0),
        spelt_out=True,
    ),
    ElementaryFunction(
        "softplus",
        softplus,
        (lambda y, x: sigmoid(x),),
        r"\operatorname{softplus}",
        Source(
            "softplus", "softplus",
            '''
def softplus(x):
    """log(1 + exp(x)), written so that exp never overflows and small values keep their digits."""
    return max(x, 0.0) + log1p(exp(-abs(x)))
''',
            '''
def softplus(x):
    """log(1 + exp(x)), written so that exp never overflows and small values keep their digits."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
''',
            ("exp", "log1p"),
        ),
        primitive=Primitive(_softplus, lambda x: x.exp().log1p(), logarithm=True),
        called=Called((), (), ("softplus",), ("softplus",)),
        misremembered=(Misremembered(lambda y, x: exp(x)),),
    ),
    ElementaryFunction(
        "logsigmoid",
        logsigmoid,
        (lambda y, x: sigmoid(-x),),
        r"\operatorname{LogSigmoid}",
        Source(
            "logsigmoid", "logsigmoid",
            '''
def logsigmoid(x):
    """log(1/(1 + exp(-x))), written so that exp never overflows and log never meets 0."""
    return min(x, 0.0) - log1p(exp(-abs(x)))
''',
            '''
def logsigmoid(x):
    """log(1/(1 + exp(-x))), written so that exp never overflows and log never meets 0."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
''',
            ("exp", "log1p"),
        ),
        called=Called((), (), ("log_expit",), ("logsigmoid",)),
        misremembered=(Misremembered(lambda y, x: sigmoid(x)),),
        taken_for=("sigmoid", "softplus"),
    ),
    ElementaryFunction(
        "silu",
        silu,
        (lambda y, x: y + sigmoid(x) * (1 - y),),
        r"\operatorname{SiLU}",
        Source(
            "silu", "silu",
            '''
def silu(x):
    """x/(1 + exp(-x)) = x*exp(x)/(1 + exp(x)). Below -700 exp(-x) would overflow: the second form stands there."""
    return x/(1 + exp(-x)) if x > -700 else x*exp(x)/(1 + exp(x))
''',
            '''
def silu(x):
    """x/(1 + exp(-x)) = x*exp(x)/(1 + exp(x)). Far below 0 exp(-x) would overflow: there the second form stands."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, x, x*small)/(1 + small)
''',
            ("exp",),
        ),
        also_written=(r"\operatorname{swish}", r"\operatorname{Swish}"),
        aliases=("swish",),
        called=Called(torch=("silu",)),
        misremembered=(
            Misremembered(lambda y, x: sigmoid(x)),
            Misremembered(lambda y, x: sigmoid(x) * (1 - sigmoid(x)), "sigmoid"),
        ),
        taken_for=("sigmoid", "gelu", "relu"),
    ),
    ElementaryFunction(
        "mish",
        mish,
        (_mish_slope,),
        r"\operatorname{mish}",
        Source(
            "mish", "mish",
            '''
def mish(x):
    """x*tanh(log(1 + exp(x))), with log(1 + exp(x)) written so that exp never overflows."""
    return x*tanh(max(x, 0.0) + log1p(exp(-abs(x))))
''',
            '''
def mish(x):
    """x*tanh(log(1 + exp(x))), with log(1 + exp(x)) written so that exp never overflows."""
    return x*np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))
''',
            ("exp", "log1p", "tanh"),
        ),
        called=Called(torch=("mish",)),
        misremembered=(Misremembered(lambda y, x: tanh(softplus(x))),),
        taken_for=("silu", "softplus", "tanh"),
    ),
    ElementaryFunction(
        "logaddexp",
        logaddexp,
        (lambda y, a, b: sigmoid(a - b), lambda y, a, b: sigmoid(b - a)),
        r"\operatorname{logaddexp}",
        Source(
            "logaddexp", "np.logaddexp",
            '''
def logaddexp(a, b):
    """log(exp(a) + exp(b)); the larger is taken out of the sum, so exp cannot overflow."""
    return max(a, b) + log1p(exp(-abs(a - b)))
''',
            needs=("exp", "log1p"),
        ),
        called=Called(("logaddexp",), torch=("logaddexp",)),
    ),
)  # fmt: skip
