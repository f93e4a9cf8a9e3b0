"""The elementary functions that a traced computation may contain: one row each, one column for each way to evaluate.

A row gives float64 values (numpy, also on arrays of points), a ball (python-flint `arb`), a sympy function, the
parity, and an exact rewriting to `exp`, `log` and `sqrt` where there is one. Everything else about a function follows
from its row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import sympy

from symbackprop.errors import InternalError, nearest


@dataclass(frozen=True, slots=True)
class Elementary:
    """One real function of one real variable, evaluated in several arithmetics.

    `parity` is +1 for an even function, -1 for an odd one, 0 for neither.
    """

    name: str
    values: Callable[[Any], Any]
    ball: Callable[[flint.arb], flint.arb]
    symbolic: Callable[[Any], Any]
    parity: int = 0


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1 / (1 + small), small / (1 + small))[()]


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])

TABLE: dict[str, Elementary] = {}


def register(row: Elementary) -> None:
    """Add a function to the table; a name registered twice is an error."""
    if row.name in TABLE:
        raise InternalError(f"elementary function {row.name} is registered twice")
    TABLE[row.name] = row


for _row in (
    Elementary("exp", np.exp, lambda x: x.exp(), sympy.exp),
    Elementary("log", np.log, lambda x: x.log(), sympy.log),
    Elementary("sqrt", np.sqrt, lambda x: x.sqrt(), sympy.sqrt),
    Elementary("tanh", np.tanh, lambda x: x.tanh(), sympy.tanh, parity=-1),
    Elementary("sigmoid", _sigmoid, lambda x: 1 / (1 + (-x).exp()), lambda x: 1 / (1 + sympy.exp(-x))),
    Elementary("softplus", _softplus, lambda x: x.exp().log1p(), lambda x: sympy.log(1 + sympy.exp(x))),
    Elementary("log1p", np.log1p, lambda x: x.log1p(), lambda x: sympy.log(1 + x)),
    Elementary("expm1", np.expm1, lambda x: x.expm1(), lambda x: sympy.exp(x) - 1),
    Elementary("sinh", np.sinh, lambda x: x.sinh(), sympy.sinh, parity=-1),
    Elementary("cosh", np.cosh, lambda x: x.cosh(), sympy.cosh, parity=1),
    Elementary("sin", np.sin, lambda x: x.sin(), sympy.sin, parity=-1),
    Elementary("cos", np.cos, lambda x: x.cos(), sympy.cos, parity=1),
    Elementary("tan", np.tan, lambda x: x.tan(), sympy.tan, parity=-1),
    Elementary("arcsin", np.arcsin, lambda x: x.asin(), sympy.asin, parity=-1),
    Elementary("arccos", np.arccos, lambda x: x.acos(), sympy.acos),
    Elementary("arctan", np.arctan, lambda x: x.atan(), sympy.atan, parity=-1),
    Elementary("arcsinh", np.arcsinh, lambda x: x.asinh(), sympy.asinh, parity=-1),
    Elementary("arccosh", np.arccosh, lambda x: x.acosh(), sympy.acosh),
    Elementary("arctanh", np.arctanh, lambda x: x.atanh(), sympy.atanh, parity=-1),
    Elementary("cbrt", np.cbrt, lambda x: x.root(3) if x > 0 else -((-x).root(3)), sympy.cbrt, parity=-1),
    Elementary("erf", _erf, lambda x: x.erf(), sympy.erf, parity=-1),
    Elementary("erfc", _erfc, lambda x: x.erfc(), sympy.erfc),
):
    register(_row)


def elementary(name: str) -> Elementary:
    """Return the row of the table for a function; an unknown name is an error."""
    try:
        return TABLE[name]
    except KeyError:
        raise InternalError(f"elementary function {name} is not in the table.{nearest(name, TABLE)}") from None


def value_of(name: str, argument: float) -> float:
    """Return f(argument) in float64, with nan and ±inf where numpy has them, and without a warning.

    `math` is several times faster than numpy on one number; numpy decides whenever `math` refuses.
    """
    fast = _FAST.get(name)
    if fast is not None:
        try:
            return fast(argument)
        except (ValueError, OverflowError):
            pass
    with np.errstate(all="ignore"):
        return float(TABLE[name].values(argument))


_FAST: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "erf": math.erf,
    "erfc": math.erfc,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "arctan": math.atan,
    "arcsin": math.asin,
    "arccos": math.acos,
}
