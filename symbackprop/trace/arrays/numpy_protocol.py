"""What numpy asks of traced numbers and arrays, in two tables that their classes look up.

The classes come first and the functions on them later, so that a class cannot name those: each function enters its table where
it is written. `PROTOCOL` holds what answers numpy's protocols, `OWN` the traced versions of numpy's functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbackprop.errors import InternalError

Rule = Callable[..., Any]
PROTOCOL: dict[str, Rule] = {}
OWN: dict[str, Rule] = {}


def own(*names: str, table: dict[str, Rule] = OWN) -> Callable[[Rule], Rule]:
    """Register a function `f(graph, *args, **kwargs)` as the traced version of numpy functions."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in table:
                raise InternalError(f"np.{name} has two traced versions")
            table[name] = function
        return function

    return register


def answers(question: str) -> Callable[[Rule], Rule]:
    """Register what answers one of numpy's protocols: `__array_ufunc__`, `__array_function__`, `__getattr__`."""
    return own(question, table=PROTOCOL)
