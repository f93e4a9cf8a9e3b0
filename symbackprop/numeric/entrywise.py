"""The arithmetic a written formula is worked out in: how a number is read, and functions on arrays, entry by entry.

The functions are those of `network.functions`, each from its own definition; nothing here knows a derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy
from sympy import Symbol

from symbackprop.errors import NotSupportedError, nearest
from symbackprop.network.functions import BY_NAME


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How a number is read, and what acts on arrays of such numbers; `call` takes a function's name and its arguments."""

    number: Callable[[str], Any]
    constants: Mapping[str, Any]
    call: Callable[..., Any]
    divide: Callable[[Any, Any], Any] = np.divide
    power: Callable[[Any, Any], Any] = np.power


def written_out(name: str) -> tuple[tuple[Symbol, ...], Any]:
    """Return the arguments of a function and its value as an expression; raises NotSupportedError for an unknown one."""
    letters = tuple(Symbol(letter, real=True) for letter in ("x", "a"))
    if name == "sqrt":
        return letters[:1], sympy.sqrt(letters[0])
    if name not in BY_NAME:
        raise NotSupportedError(f"no function {name!r} is known.{nearest(name, BY_NAME)}")
    row = BY_NAME[name]
    used = letters[: len(row.partials)]
    return used, row.function.definition(*used) if hasattr(row.function, "definition") else row.function(*used)


@cache
def _compiled(name: str) -> Callable[..., Any]:
    used, expression = written_out(name)
    function: Callable[..., Any] = np.frompyfunc(sympy.lambdify(used, expression, "math"), len(used), 1)
    return function


def _of_floats(name: str, *arguments: Any) -> Any:
    if name in _NUMPY:
        return _NUMPY[name](*arguments)
    return np.asarray(_compiled(name)(*(np.asarray(argument, dtype=object) for argument in arguments)), dtype=float)


_NUMPY: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign")},
    "maximum": np.maximum,
    "minimum": np.minimum,
}

#: Ordinary floating-point numbers.
FLOATS = Arithmetic(float, {"e": np.e, "pi": np.pi}, _of_floats)
