"""The elementary functions that are one operation of a traced computation: the primitives of `functions`, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from symbackprop.errors import InternalError, nearest
from symbackprop.functions import BY_NAME
from symbackprop.functions.row import Primitive

#: How each is evaluated.
TABLE: Mapping[str, Primitive] = MappingProxyType(
    {name: row.primitive for name, row in BY_NAME.items() if row.primitive is not None}
)


def elementary(name: str) -> Primitive:
    """Return how a function of the table is evaluated; an unknown name is an error."""
    try:
        return TABLE[name]
    except KeyError:
        raise InternalError(f"elementary function {name} is not in the table.{nearest(name, TABLE)}") from None


def symbolic(name: str, argument: Any) -> Any:
    """Return the sympy expression of a function of the table."""
    return BY_NAME[name].function(argument)


def value_of(name: str, argument: float) -> float:
    """Return f(argument) in float64, with nan and ±inf where numpy has them, and without a warning.

    `math` is several times faster than numpy on one number; numpy decides whenever `math` refuses.
    """
    row = TABLE[name]
    if row.fast is not None:
        try:
            return row.fast(argument)
        except (ValueError, OverflowError):
            pass
    with np.errstate(all="ignore"):
        return float(row.values(argument))
