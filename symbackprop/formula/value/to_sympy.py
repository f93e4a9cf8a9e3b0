"""From a written formula to sympy: `to_sympy`, by a table of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from operator import mul
from typing import Any

import sympy
from sympy import Expr, Idx, Integer, KroneckerDelta, Piecewise, Rational

from symbackprop.errors import NotSupportedError, UserError, nearest
from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Branch,
    Call,
    Cases,
    Chain,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Logic,
    Name,
    Neg,
    Number,
    Power,
    Product,
    Root,
    Sum,
    Transpose,
)
from symbackprop.formula.tree.walk import fold
from symbackprop.functions import BY_ANY_NAME
from symbackprop.functions.reductions import IndexMax, IndexMin, IndexProduct, IndexSum

CONSTANTS: Mapping[str, Any] = {"e": sympy.E, "pi": sympy.pi, "infty": sympy.oo}
FUNCTIONS: Mapping[str, Any] = {name: row.function for name, row in BY_ANY_NAME.items()}

Special = Callable[[Formula], Expr | None]


def to_sympy(formula: Formula, table: Mapping[str, Any], special: Special = lambda node: None) -> Expr:
    """Return the mathematics of one written expression.

    `table` maps names (and aliases) to symbols, indexed bases, indices with ranges and function classes; the usual functions
    and `e`, `pi` need not be in it. Decimals become exact fractions. `special` is asked first for every node and may give a
    value for what has no meaning of its own here: derivatives, updates, layers, marked names, blanks.

    Raises `UserError` for an unknown name or a statement (convert the sides of a chain one by one), `NotSupportedError` for a
    formula without a value here.
    """

    def leaf(node: Formula) -> Any:
        known = special(node)
        if known is not None:
            return known
        if isinstance(node, Element):
            return _element(node, table, special)
        return _big_sum(node, table, special) if isinstance(node, BigSum) else None

    def combine(node: Formula, parts: tuple[Any, ...]) -> Any:
        meaning = _MEANINGS.get(type(node))
        if meaning is None:
            place = f" at position {node.span[0]}" if node.span else ""
            raise NotSupportedError(f"{type(node).__name__}{place} has no value by itself: {node}")
        return meaning(node, parts, table)

    return fold(formula, combine, leaf)


def look_up(name: str, table: Mapping[str, Any]) -> Any:
    """Return what a name stands for; raises `UserError` naming the nearest known name."""
    for known in (table, CONSTANTS, FUNCTIONS):
        if name in known:
            return known[name]
    raise UserError(f"unknown name {name!r} in a formula.{nearest(name, table)}")


def _number(node: Number, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    return Integer(node.text) if node.text.isdigit() else Rational(node.text)


def _indexed(node: Indexed, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    if node.upper:
        raise NotSupportedError(f"{node.name} with a layer above has no value here; give one by `special`")
    base = look_up(node.name, table)
    if not isinstance(base, sympy.IndexedBase):
        raise UserError(f"{node.name} takes no indices, but is written with {len(node.indices)}")
    return base[parts]


def _element(node: Element, table: Mapping[str, Any], special: Special) -> Any:
    body = node.body.body if isinstance(node.body, Group) else node.body
    if isinstance(body, Transpose) and isinstance(body.body, Name) and len(node.indices) == 2:
        return to_sympy(Indexed(body.body.name, node.indices[::-1]), table, special)
    raise NotSupportedError(f"an element of {type(body).__name__} has no value here; name the intermediate")


def _big_sum(node: BigSum, table: Mapping[str, Any], special: Special) -> Any:
    if not isinstance(node.index, Name):
        raise NotSupportedError(f"a {node.operator} over {node.index} has no value here")
    index = look_up(node.index.name, table)
    bounds = [to_sympy(bound, table, special) for bound in (node.lower, node.upper) if bound is not None]
    kinds = _ALONG_AN_INDEX if isinstance(index, Idx) else _OVER_A_SYMBOL
    if node.operator not in kinds:
        raise NotSupportedError(f"a {node.operator} over {node.index} has no value here")
    return kinds[node.operator](to_sympy(node.body, table, special), (index, *_range(node, index, bounds)))


_ALONG_AN_INDEX = {"sum": IndexSum, "prod": IndexProduct, "max": IndexMax, "min": IndexMin}
_OVER_A_SYMBOL = {"sum": sympy.Sum, "prod": sympy.Product}


def _range(node: BigSum, index: Any, bounds: list[Any]) -> tuple[Any, Any]:
    """Return the bounds; `n = 1..N` written for an index that runs over `0..N-1` means all of it."""
    if not isinstance(index, Idx) or index.upper is None:
        if len(bounds) != 2:
            raise UserError(f"the sum over {index} has no bounds, and {index} has no range")
        return bounds[0], bounds[1]
    full = (index.lower, index.upper)
    if not bounds or tuple(bounds) in (full, (1, index.upper - index.lower + 1)):
        return full
    if node.lower is None and len(bounds) == 1 and bounds[0] == index.upper - index.lower + 1:
        return full
    raise NotSupportedError(f"the sum over {index} is written {bounds}, but {index} runs over {full[0]}..{full[1]}")


def _call(node: Call, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    function, *arguments = parts
    if isinstance(function, sympy.Symbol):  # L(θ): the loss, written with what it depends on
        return function
    return function(*arguments)


def _power(node: Power, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    base, exponent = parts
    return sympy.exp(exponent) if base == sympy.E else base**exponent


def _bars(node: Bars, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    if node.kind == "norm":
        raise NotSupportedError("a norm has no value without its indices; write the sum of squares")
    return sympy.Abs(parts[0])


def _chain(node: Chain, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    unknown = [relation for relation in node.relations if relation not in _RELATIONS]
    if unknown or (len(parts) != 2 and not set(node.relations) <= _ORDER):
        raise UserError("a chain of relations is a statement, not a value; convert its parts one by one")
    return sympy.And(*(_RELATIONS[sign](*pair) for sign, pair in zip(node.relations, pairwise(parts), strict=True)))


def _cases(node: Cases, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    return Piecewise(*parts)


def _branch(node: Branch, parts: tuple[Any, ...], table: Mapping[str, Any]) -> Any:
    return parts if node.condition is not None else (parts[0], True)


_RELATIONS: dict[str, Any] = {
    "=": sympy.Eq,
    "≠": sympy.Ne,
    "<": sympy.Lt,
    ">": sympy.Gt,
    "≤": sympy.Le,
    "≥": sympy.Ge,
}
#: Relations whose chains are a condition, `0 ≤ x < 1`.
_ORDER = {"<", ">", "≤", "≥"}
_MEANINGS: dict[type[Formula], Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Any]] = {
    Name: lambda node, parts, table: look_up(node.name, table),
    Number: _number,
    Neg: lambda node, parts, table: -parts[0],
    Sum: lambda node, parts, table: sympy.Add(*parts),
    Product: lambda node, parts, table: reduce(mul, parts),
    Hadamard: lambda node, parts, table: reduce(mul, parts),
    Fraction: lambda node, parts, table: parts[0] / parts[1],
    Power: _power,
    Root: lambda node, parts, table: sympy.sqrt(parts[0]),
    Group: lambda node, parts, table: parts[0],
    Bars: _bars,
    Call: _call,
    Indexed: _indexed,
    Delta: lambda node, parts, table: KroneckerDelta(*parts),
    Chain: _chain,
    Logic: lambda node, parts, table: (sympy.And if node.operator == "and" else sympy.Or)(*parts),
    Cases: _cases,
    Branch: _branch,
}
