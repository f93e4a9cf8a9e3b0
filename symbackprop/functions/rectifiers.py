"""Rectifiers, sharp and smooth below 0 (ELU: Clevert et al. 2016; SELU: Klambauer et al. 2017; CELU: Barron 2017)."""

from __future__ import annotations

from sympy import Expr, Piecewise, Rational, exp

from symbackprop.functions.comparisons import minimum, step
from symbackprop.functions.row import Called, ElementaryFunction, Kink, Misremembered, NamedFunction, Source

__all__ = ["celu", "elu", "leaky_relu", "relu", "relu6", "selu"]

#: λ and λ α of SELU: the fixed point of mean 0 and variance 1 (Klambauer et al. 2017, eq. 14), to the digits of a float.
SELU_SCALE, SELU_SLOPE = Rational("1.0507009873554805"), Rational("1.7580993408473766")


class relu(NamedFunction):
    """Rectifier `max(x, 0)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((x, x > 0), (0, True))


class relu6(NamedFunction):
    """Rectifier cut off at 6, `min(max(x, 0), 6)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((6, x > 6), (x, x > 0), (0, True))


class leaky_relu(NamedFunction):
    """Leaky rectifier: `x` where `x > 0`, else `alpha*x`."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        x, alpha = args
        return Piecewise((x, x > 0), (alpha * x, True))


class elu(NamedFunction):
    """Exponential linear unit: `x` where `x > 0`, else `alpha*(exp(x) - 1)`."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        x, alpha = args
        return Piecewise((x, x > 0), (alpha * (exp(x) - 1), True))


class selu(NamedFunction):
    """Scaled exponential linear unit: `λ x` where `x > 0`, else `λ α (exp(x) - 1)`, with fixed λ and α."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((SELU_SCALE * x, x > 0), (SELU_SLOPE * (exp(x) - 1), True))


class celu(NamedFunction):
    """Continuously differentiable exponential linear unit: `x` where `x > 0`, else `alpha*(exp(x/alpha) - 1)`."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        x, alpha = args
        return Piecewise((x, x > 0), (alpha * (exp(x / alpha) - 1), True))


def _itself(x: Expr, *_: Expr) -> Expr:
    return x


def _steep(x: Expr, inside: Expr) -> Expr:
    return step(x) + inside * (1 - step(x))


def _celu_by_alpha(y: Expr, x: Expr, alpha: Expr) -> Expr:
    ratio = minimum(x, 0) / alpha
    return exp(ratio) * (1 - ratio) - 1


ROWS = (
    ElementaryFunction(
        "relu",
        relu,
        (lambda y, x: step(x),),
        r"\operatorname{ReLU}",
        Source(
            "relu", "relu",
            '''
def relu(x):
    """x where x > 0, else 0"""
    return x if x > 0 else 0.0
''',
            '''
def relu(x):
    """x where x > 0, else 0"""
    return np.maximum(x, 0)
''',
        ),
        kink=Kink("relu'(0) = 0", _itself),
        also_written=(r"\operatorname{relu}",),
        called=Called(torch=("relu",)),
    ),
    ElementaryFunction(
        "relu6",
        relu6,
        (lambda y, x: step(x) * step(6 - x),),
        r"\operatorname{ReLU6}",
        Source(
            "relu6", "relu6",
            '''
def relu6(x):
    """x cut off at 0 and 6"""
    return min(max(x, 0.0), 6.0)
''',
            '''
def relu6(x):
    """x cut off at 0 and 6"""
    return np.minimum(np.maximum(x, 0), 6)
''',
        ),
        kink=Kink("relu6'(0) = relu6'(6) = 0", lambda x: x * (x - 6)),
        called=Called(torch=("relu6",)),
        misremembered=(Misremembered(lambda y, x: step(x), "relu"),),
        taken_for=("relu", "sigmoid", "tanh"),
    ),
    ElementaryFunction(
        "leaky_relu",
        leaky_relu,
        (lambda y, x, alpha: _steep(x, alpha), lambda y, x, alpha: x * (1 - step(x))),
        r"\operatorname{LReLU}",
        Source(
            "leaky_relu", "leaky_relu",
            '''
def leaky_relu(x, alpha):
    """x where x > 0, else alpha*x"""
    return x if x > 0 else alpha*x
''',
            '''
def leaky_relu(x, alpha):
    """x where x > 0, else alpha*x"""
    return np.where(x > 0, x, alpha*x)
''',
        ),
        kink=Kink("leaky_relu'(0) = alpha", _itself),
        called=Called(torch=("leaky_relu",)),
    ),
    ElementaryFunction(
        "elu",
        elu,
        (
            lambda y, x, alpha: _steep(x, alpha * exp(minimum(x, 0))),
            lambda y, x, alpha: exp(minimum(x, 0)) - 1,
        ),
        r"\operatorname{ELU}",
        Source(
            "elu", "elu",
            '''
def elu(x, alpha):
    """x where x > 0, else alpha*(exp(x) - 1), with expm1 to keep the digits near 0"""
    return x if x > 0 else alpha*expm1(x)
''',
            '''
def elu(x, alpha):
    """x where x > 0, else alpha*(exp(x) - 1), with expm1 to keep the digits near 0; exp is never asked for a large x"""
    return np.where(x > 0, x, alpha*np.expm1(np.minimum(x, 0)))
''',
            ("expm1",),
        ),
        kink=Kink("elu'(0) = alpha", _itself),
        called=Called(torch=("elu",)),
    ),
    ElementaryFunction(
        "selu",
        selu,
        (lambda y, x: SELU_SCALE * step(x) + SELU_SLOPE * exp(minimum(x, 0)) * (1 - step(x)),),
        r"\operatorname{SELU}",
        Source(
            "selu", "selu",
            '''
def selu(x):
    """1.0507009873554805*x where x > 0, else 1.7580993408473766*(exp(x) - 1), with expm1 to keep the digits near 0"""
    return 1.0507009873554805*x if x > 0 else 1.7580993408473766*expm1(x)
''',
            '''
def selu(x):
    """1.0507009873554805*x where x > 0, else 1.7580993408473766*(exp(x) - 1); exp is never asked for a large x"""
    return np.where(x > 0, 1.0507009873554805*x, 1.7580993408473766*np.expm1(np.minimum(x, 0)))
''',
            ("expm1",),
        ),
        kink=Kink("selu'(0) = λ α", _itself),
        called=Called(torch=("selu",)),
        taken_for=("relu", "tanh"),
    ),
    ElementaryFunction(
        "celu",
        celu,
        (lambda y, x, alpha: _steep(x, exp(minimum(x, 0) / alpha)), _celu_by_alpha),
        r"\operatorname{CELU}",
        Source(
            "celu", "celu",
            '''
def celu(x, alpha):
    """x where x > 0, else alpha*(exp(x/alpha) - 1), with expm1 to keep the digits near 0"""
    return x if x > 0 else alpha*expm1(x/alpha)
''',
            '''
def celu(x, alpha):
    """x where x > 0, else alpha*(exp(x/alpha) - 1), with expm1 to keep the digits near 0; exp is never asked for a large x"""
    return np.where(x > 0, x, alpha*np.expm1(np.minimum(x, 0)/alpha))
''',
            ("expm1",),
        ),
        called=Called(torch=("celu",)),
    ),
)  # fmt: skip
