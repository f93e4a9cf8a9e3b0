"""All elementary functions: the rows of every family, by sympy class and by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sympy import Expr

from symbackprop.errors import InternalError
from symbackprop.functions import comparisons, exponential, gaussian, hyperbolic, logistic, powers, rectifiers, trigonometric
from symbackprop.functions.row import ElementaryFunction

#: In the order in which messages and tests list the functions.
FAMILIES = (logistic, hyperbolic, exponential, trigonometric, gaussian, comparisons, rectifiers, powers)
ROWS: tuple[ElementaryFunction, ...] = tuple(row for family in FAMILIES for row in family.ROWS)


def _unique(pairs: Iterable[tuple[Any, ElementaryFunction]]) -> Mapping[Any, ElementaryFunction]:
    table: dict[Any, ElementaryFunction] = {}
    for key, row in pairs:
        if key in table:
            raise InternalError(f"elementary function {row.name}: {key} is registered twice")
        table[key] = row
    return MappingProxyType(table)


#: Every function a definition may call, by its sympy class (a root is a power).
ELEMENTARY: Mapping[Any, ElementaryFunction] = _unique((row.function, row) for row in ROWS if isinstance(row.function, type))
#: All by name, for readers and printers.
BY_NAME: Mapping[str, ElementaryFunction] = _unique((row.name, row) for row in ROWS)
#: By name and by alias: arctan is atan, log is ln, silu is swish.
BY_ANY_NAME: Mapping[str, ElementaryFunction] = _unique((name, row) for row in ROWS for name in (row.name, *row.aliases))


def function_name(kind: Any) -> str:
    """Return the name of the function a sympy class stands for: `arctan` for sympy's `atan`; of others, the class's own."""
    row = ELEMENTARY.get(kind)
    return str(kind.__name__) if row is None else row.name


def partial(call: Expr, argindex: int = 1, output: Expr | None = None) -> Expr:
    """Return ∂f/∂(argument number `argindex`, from 1) of a function application, written with `output` where the table does."""
    row = ELEMENTARY[call.func]
    return row.slopes[argindex - 1](call if output is None else output, *call.args)
