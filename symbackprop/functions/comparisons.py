"""Functions that compare: step, sign, the larger and the smaller of two, and values cut off on both sides."""

from __future__ import annotations

from sympy import Abs, Expr, Integer, Piecewise, Rational, sign

from symbackprop.functions.row import Called, ElementaryFunction, Kink, Misremembered, NamedFunction, Source

__all__ = ["hard_sigmoid", "hard_tanh", "maximum", "minimum", "softsign", "step"]


class step(NamedFunction):
    """Unit step: 1 where `x > 0`, else 0 (so `step(0) = 0`)."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((1, x > 0), (0, True))


class maximum(NamedFunction):
    """The larger of two numbers."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        a, b = args
        return Piecewise((a, a > b), (b, True))


class minimum(NamedFunction):
    """The smaller of two numbers."""

    nargs = 2

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        a, b = args
        return Piecewise((a, a < b), (b, True))


class hard_tanh(NamedFunction):
    """`x` cut off at -1 and 1."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((1, x > 1), (x, x > -1), (-1, True))


class hard_sigmoid(NamedFunction):
    """`x/6 + 1/2` cut off at 0 and 1."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((1, x > 3), (x / 6 + Rational(1, 2), x > -3), (0, True))


class softsign(NamedFunction):
    """`x/(1 + |x|)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x / (1 + Abs(x))


def _itself(x: Expr) -> Expr:
    return x


def _difference(a: Expr, b: Expr) -> Expr:
    return a - b


ROWS = (
    ElementaryFunction(
        "step",
        step,
        (lambda y, x: Integer(0),),
        r"\operatorname{step}",
        Source(
            "step", "step",
            '''
def step(x):
    """1 where x > 0, else 0"""
    return 1.0 if x > 0 else 0.0
''',
            '''
def step(x):
    """1 where x > 0, else 0"""
    return np.where(x > 0, 1.0, 0.0)
''',
        ),
        kink=Kink("step'(x) = 0 for x != 0; not differentiable at x = 0, where 0 is used", _itself),
    ),
    ElementaryFunction(
        "sign",
        sign,
        (lambda y, x: Integer(0),),
        r"\operatorname{sign}",
        Source(
            "sign", "np.sign",
            '''
def sign(x):
    """-1, 0 or 1"""
    return float(x > 0) - float(x < 0)
''',
        ),
        definition=lambda x: Piecewise((1, x > 0), (-1, x < 0), (0, True)),
        kink=Kink("sign'(x) = 0 for x != 0; not differentiable at x = 0, where 0 is used", _itself),
        called=Called(("sign",), torch=("sign",)),
    ),
    ElementaryFunction(
        "maximum",
        maximum,
        (lambda y, a, b: step(a - b), lambda y, a, b: 1 - step(a - b)),
        r"\max",
        Source("max", "np.maximum"),
        kink=Kink("where a = b, maximum(a, b) passes its gradient to b", _difference),
        called=Called(("maximum", "fmax"), torch=("maximum",)),
    ),
    ElementaryFunction(
        "minimum",
        minimum,
        (lambda y, a, b: step(b - a), lambda y, a, b: 1 - step(b - a)),
        r"\min",
        Source("min", "np.minimum"),
        kink=Kink("where a = b, minimum(a, b) passes its gradient to b", _difference),
        called=Called(("minimum", "fmin"), torch=("minimum",)),
    ),
    ElementaryFunction(
        "hard_tanh",
        hard_tanh,
        (lambda y, x: step(1 - x) * step(1 + x),),
        r"\operatorname{HardTanh}",
        Source(
            "hard_tanh", "hard_tanh",
            '''
def hard_tanh(x):
    """x cut off at -1 and 1"""
    return min(max(x, -1.0), 1.0)
''',
            '''
def hard_tanh(x):
    """x cut off at -1 and 1"""
    return np.minimum(np.maximum(x, -1), 1)
''',
        ),
        kink=Kink("hard_tanh'(-1) = hard_tanh'(1) = 0", lambda x: (x - 1) * (x + 1)),
        called=Called(torch=("hardtanh",)),
        misremembered=(Misremembered(lambda y, x: step(1 - x)),),
    ),
    ElementaryFunction(
        "hard_sigmoid",
        hard_sigmoid,
        (lambda y, x: step(3 - x) * step(3 + x) / 6,),
        r"\operatorname{HardSigmoid}",
        Source(
            "hard_sigmoid", "hard_sigmoid",
            '''
def hard_sigmoid(x):
    """x/6 + 1/2 cut off at 0 and 1"""
    return min(max(x/6 + 0.5, 0.0), 1.0)
''',
            '''
def hard_sigmoid(x):
    """x/6 + 1/2 cut off at 0 and 1"""
    return np.minimum(np.maximum(x/6 + 0.5, 0), 1)
''',
        ),
        kink=Kink("hard_sigmoid'(-3) = hard_sigmoid'(3) = 0", lambda x: (x - 3) * (x + 3)),
        called=Called(torch=("hardsigmoid",)),
        misremembered=(Misremembered(lambda y, x: step(3 - x) * step(3 + x)),),
    ),
    ElementaryFunction(
        "softsign",
        softsign,
        (lambda y, x: 1 / (1 + Abs(x)) ** 2,),
        r"\operatorname{softsign}",
        Source(
            "softsign", "softsign",
            '''
def softsign(x):
    """x/(1 + |x|)"""
    return x/(1 + abs(x))
''',
            '''
def softsign(x):
    """x/(1 + |x|)"""
    return x/(1 + np.abs(x))
''',
        ),
        called=Called(torch=("softsign",)),
        misremembered=(Misremembered(lambda y, x: 1 / (1 + Abs(x))),),
        bounds=(-1.0, 1.0),
    ),
)  # fmt: skip
