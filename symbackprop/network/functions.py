"""Elementary functions: sympy classes that know their derivative in terms of their own output.

Each function `y = f(x)` has one row in `ELEMENTARY`: the sympy class, the partial derivatives written with the output `y` where
the textbooks do (`sigmoid' = y(1 - y)`), and, where the function has a kink or a jump, the convention used there. The convention
travels with every derivation that needs it; nothing is differentiated silently at a point where it has no derivative.

Sources: Goodfellow, Bengio, Courville 2016, ch. 6.3; GELU: Hendrycks and Gimpel 2016; ELU: Clevert et al. 2016;
SiLU: Elfwing et al. 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import sympy
from sympy import (
    Abs,
    Expr,
    Function,
    Integer,
    Piecewise,
    Rational,
    cos,
    erf,
    exp,
    log,
    pi,
    sign,
    sin,
    sqrt,
    tan,
    tanh,
)
from sympy.functions.elementary.hyperbolic import cosh, sinh

from symbackprop.errors import InternalError


class NamedFunction(Function):  # type: ignore[misc]
    """A function printed by its name, evaluated through `definition`, differentiated through `ELEMENTARY`."""

    nargs: ClassVar[Any] = 1

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        """Return the function written in functions that sympy knows."""
        raise NotImplementedError

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return ∂f/∂(argument number `argindex`), from the table."""
        return partial(self, argindex)

    def _eval_is_real(self) -> bool | None:
        return True if all(arg.is_real for arg in self.args) else None

    def _eval_evalf(self, prec: int) -> Expr:
        return self.definition(*self.args)._eval_evalf(prec)

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Expr:
        return self.definition(*args)


class sigmoid(NamedFunction):
    """Logistic function `1/(1 + exp(-x))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return 1 / (1 + exp(-x))


class step(NamedFunction):
    """Unit step: 1 where `x > 0`, else 0 (so `step(0) = 0`)."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((1, x > 0), (0, True))


class relu(NamedFunction):
    """Rectifier `max(x, 0)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return Piecewise((x, x > 0), (0, True))


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


class softplus(NamedFunction):
    """Softplus `log(1 + exp(x))`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return log(1 + exp(x))


class silu(NamedFunction):
    """Sigmoid-weighted linear unit (swish) `x*sigmoid(x)`."""

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        (x,) = args
        return x / (1 + exp(-x))


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


def _gelu_inner(x: Expr) -> Expr:
    return sqrt(2 / pi) * (x + Rational(44715, 1000000) * x**3)


def _gelu_tanh_slope(y: Expr, x: Expr) -> Expr:
    t = tanh(_gelu_inner(x))
    return (1 + t) / 2 + x / 2 * (1 - t**2) * sqrt(2 / pi) * (1 + Rational(3 * 44715, 1000000) * x**2)


@dataclass(frozen=True, slots=True)
class Elementary:
    """One row of the table of elementary functions.

    `partials[k](y, *args)` is ∂f/∂(argument k) at output `y = f(*args)`; `convention` states what is used where f is not
    differentiable, and `kink(*args)` is an expression that is zero exactly there (None where f is smooth).
    """

    function: Any
    partials: tuple[Callable[..., Expr], ...]
    convention: str | None = None
    kink: Callable[..., Expr] | None = None

    @property
    def name(self) -> str:
        return str(self.function.__name__)


def _on_first(x: Expr, *_: Expr) -> Expr:
    return x


def _on_difference(a: Expr, b: Expr) -> Expr:
    return a - b


def _steep(x: Expr, inside: Expr) -> Expr:
    return step(x) + inside * (1 - step(x))


_ROWS: tuple[Elementary, ...] = (
    Elementary(sigmoid, (lambda y, x: y * (1 - y),)),
    Elementary(tanh, (lambda y, x: 1 - y**2,)),
    Elementary(exp, (lambda y, x: y,)),
    Elementary(log, (lambda y, x: 1 / x,)),
    Elementary(sin, (lambda y, x: cos(x),)),
    Elementary(cos, (lambda y, x: -sin(x),)),
    Elementary(tan, (lambda y, x: 1 + y**2,)),
    Elementary(sinh, (lambda y, x: cosh(x),)),
    Elementary(cosh, (lambda y, x: sinh(x),)),
    Elementary(erf, (lambda y, x: 2 * exp(-(x**2)) / sqrt(pi),)),
    Elementary(
        step,
        (lambda y, x: Integer(0),),
        "step'(x) = 0 for x != 0; not differentiable at x = 0, where 0 is used",
        _on_first,
    ),
    Elementary(
        sign,
        (lambda y, x: Integer(0),),
        "sign'(x) = 0 for x != 0; not differentiable at x = 0, where 0 is used",
        _on_first,
    ),
    Elementary(relu, (lambda y, x: step(x),), "relu'(0) = 0", _on_first),
    Elementary(
        leaky_relu,
        (lambda y, x, alpha: _steep(x, alpha), lambda y, x, alpha: x * (1 - step(x))),
        "leaky_relu'(0) = alpha",
        _on_first,
    ),
    Elementary(
        elu,
        (
            lambda y, x, alpha: _steep(x, alpha * exp(minimum(x, 0))),
            lambda y, x, alpha: exp(minimum(x, 0)) - 1,
        ),
        "elu'(0) = alpha",
        _on_first,
    ),
    Elementary(Abs, (lambda y, x: sign(x),), "|x|' = sign(x), 0 at x = 0", _on_first),
    Elementary(softplus, (lambda y, x: sigmoid(x),)),
    Elementary(silu, (lambda y, x: y + sigmoid(x) * (1 - y),)),
    Elementary(gelu, (lambda y, x: (1 + erf(x / sqrt(2))) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),)),
    Elementary(gelu_tanh, (_gelu_tanh_slope,)),
    Elementary(
        maximum,
        (lambda y, a, b: step(a - b), lambda y, a, b: 1 - step(a - b)),
        "where a = b, maximum(a, b) passes its gradient to b",
        _on_difference,
    ),
    Elementary(
        minimum,
        (lambda y, a, b: step(b - a), lambda y, a, b: 1 - step(b - a)),
        "where a = b, minimum(a, b) passes its gradient to b",
        _on_difference,
    ),
)


def _table(rows: tuple[Elementary, ...]) -> Mapping[Any, Elementary]:
    table: dict[Any, Elementary] = {}
    for row in rows:
        if row.function in table:
            raise InternalError(f"elementary function {row.name} is registered twice")
        table[row.function] = row
    return MappingProxyType(table)


#: Every function a definition may use, by its sympy class.
ELEMENTARY: Mapping[Any, Elementary] = _table(_ROWS)
#: The same by name, for readers and printers.
BY_NAME: Mapping[str, Elementary] = MappingProxyType({row.name: row for row in _ROWS})


def partial(call: Expr, argindex: int = 1, output: Expr | None = None) -> Expr:
    """Return ∂f/∂(argument number `argindex`, from 1) of a function application, written with `output` where the table does."""
    row = ELEMENTARY[call.func]
    return row.partials[argindex - 1](call if output is None else output, *call.args)


def square(x: Expr) -> Expr:
    """Return `x**2`."""
    return sympy.sympify(x, strict=True) ** 2
