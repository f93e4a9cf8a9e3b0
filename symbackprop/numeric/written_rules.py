"""Sums, products, functions and cases in a written formula; a product of arrays is the matrix product.

Functions, fractions and `e^Z` of arrays are taken entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula import tree
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.written_places import Array, Places, Rule, Value, index_label


def _alike(parts: Sequence[Value], node: Formula) -> tuple[list[Array], bool]:
    """Return entries that go together one by one, and whether they are matrices; numbers go with every matrix."""
    shapes = {part.entries.shape[-2:] for part in parts if part.whole}
    if len(shapes) > 1:
        raise UserError(f"entry by entry, but the shapes are {' and '.join(map(str, sorted(shapes)))}: {node}")
    whole = bool(shapes)
    return [part.entries[..., None, None] if whole and not part.whole else part.entries for part in parts], whole


def _one_by_one(operation: Callable[[Any, Any], Any], parts: Sequence[Value], node: Formula) -> Value:
    entries, whole = _alike(parts, node)
    return Value(reduce(operation, entries), whole)


def _sum(node: tree.Sum, at: Places) -> Value:
    terms = [at.value(term) for term in node.terms]
    widest = max((term.entries.shape[-1] for term in terms if term.whole), default=0)
    if at.known.repeats_rows and widest:
        rows = max(term.entries.shape[-2] for term in terms if term.whole and term.entries.shape[-1] == widest)
        terms = [_repeated(term, rows, widest) for term in terms]
    return _one_by_one(np.add, terms, node)


def _repeated(term: Value, rows: int, columns: int) -> Value:
    """Return a vector as the row that numpy adds to every row of a matrix, `b` in `X W + b`; others as they are."""
    if not term.whole or term.entries.shape != (columns, 1):
        return term
    return Value(np.broadcast_to(term.entries.T, (rows, columns)), True)


def _hadamard(node: tree.Hadamard, at: Places) -> Value:
    return _one_by_one(np.multiply, [at.value(factor) for factor in node.factors], node)


def _product(node: tree.Product, at: Places) -> Value:
    return reduce(lambda left, right: _times(left, right, node), [at.value(factor) for factor in node.factors])


def _times(left: Value, right: Value, node: Formula) -> Value:
    if not (left.whole and right.whole):
        return _one_by_one(np.multiply, (left, right), node)
    (rows, inner), (other, columns) = left.entries.shape[-2:], right.entries.shape[-2:]
    if inner == other:
        return Value(left.entries @ right.entries, True).small
    if (rows, inner) == (1, 1) or (other, columns) == (1, 1):
        return _one_by_one(np.multiply, (left.small, right.small), node)
    raise UserError(f"a product of shapes ({rows}, {inner}) and ({other}, {columns}): {node}")


def _fraction(node: tree.Fraction, at: Places) -> Value:
    return _one_by_one(at.known.arithmetic.divide, (at.value(node.numerator), at.value(node.denominator)), node)


def _power(node: tree.Power, at: Places) -> Value:
    exponent = at.value(node.exponent)
    if node.base == Name("e"):
        return Value(at.known.arithmetic.call("exp", exponent.entries), exponent.whole)
    base = at.value(node.base)
    if exponent.whole or (base.whole and 1 not in base.entries.shape[-2:]):
        raise NotSupportedError(f"a power of a matrix is read in two ways; write products or ⊙: {node}")
    return _one_by_one(at.known.arithmetic.power, (base, exponent), node)


def _big_sum(node: tree.BigSum, at: Places) -> Value:
    reducer = _REDUCERS.get(node.operator)
    if reducer is None:
        raise NotSupportedError(f"{node.operator} over an index has no value here: {node}")
    inner, inside = at, np.asarray(True)
    for index in bound(node):
        places, within = _run(node, index, inner)
        inner = inner.bind(index, places)
        inside = inside & (within(inner) if within is not None else np.asarray(True))
    if isinstance(node.index, tree.Chain):
        inside = inside & inner.entries(node.index)
    body = inner.value(node.body)
    count, tail = inner.depth - at.depth, body.entries.shape[-2:] if body.whole else ()
    if body.whole and body.entries.ndim - 2 <= at.depth:
        raise NotSupportedError(f"a sum over an index of whole arrays has no value here; write their entries: {node}")
    front = tuple(inner.places[index].shape[0] for index in reversed(bound(node)))
    rest = body.entries.shape[: body.entries.ndim - len(tail)]
    grid = np.broadcast_shapes(rest, front + (1,) * at.depth, inside.shape)
    entries = np.broadcast_to(body.entries, grid + tail)
    if not inside.all():
        entries = np.where(inside.reshape(inside.shape + (1,) * len(tail)), entries, reducer.empty)
    return Value(reducer.reduce(entries, axis=tuple(range(count))), body.whole)


def bound(node: tree.BigSum) -> tuple[str, ...]:
    """Return the indices a big operator binds; of a condition such as j ≠ k, the first."""
    index = node.index.parts[0] if isinstance(node.index, tree.Chain) else node.index
    found = index.items if isinstance(index, tree.Row) else (index,)
    names = tuple(label for part in found if part is not None and (label := index_label(part)) is not None)
    if len(names) != len(found):
        raise NotSupportedError(f"the index of a sum has to be a name, a list of names or a condition: {node}")
    return names


def _run(node: tree.BigSum, index: str, at: Places) -> tuple[Array, Callable[[Places], Array] | None]:
    """Return the places an index takes, and which of them count where its bounds depend on other indices.

    A sum from 1 to the size of the index, or up to its size, is the sum over all of it.
    """
    extent = at.known.extent(index)
    low, high = (None if bound is None else at.entries(bound) for bound in (node.lower, node.upper))
    full = high is None or (extent is not None and np.all(high == extent) and (low is None or np.all(low == 1)))
    if full and (low is None or high is not None):
        if extent is None:
            raise UserError(f"the sum over {index} has no bounds, and {index} no known range: {node}")
        return np.arange(extent), None
    if low is None or high is None:
        raise NotSupportedError(f"the sum over {index} has one bound that is not its size: {node}")
    first, last = np.rint(np.asarray(low, float)), np.rint(np.asarray(high, float))
    places = np.arange(int(first.min()), int(last.max()) + 1)
    return places, lambda inner: (inner.places[index] >= first) & (inner.places[index] <= last)


@dataclass(frozen=True, slots=True)
class _Reducer:
    reduce: Callable[..., Array]
    empty: float


_REDUCERS: Mapping[str, _Reducer] = {
    "sum": _Reducer(np.sum, 0),
    "prod": _Reducer(np.prod, 1),
    "max": _Reducer(np.max, -np.inf),
    "min": _Reducer(np.min, np.inf),
}


# --- functions, cases, conditions


def _call(node: tree.Call, at: Places) -> Value:
    function = node.function
    arguments = [at.value(argument) for argument in node.arguments]
    if isinstance(function, Name) and function.name in _OF_WHOLES:
        (argument,) = arguments
        return _OF_WHOLES[function.name](argument, node, at)
    if not isinstance(function, Name):
        raise NotSupportedError(f"{function} is no elementary function: {node}")
    entries, whole = _alike(arguments, node)
    return Value(at.known.arithmetic.call(function.name, *entries), whole)


def _diag(column: Value, node: tree.Call, at: Places) -> Value:
    if not column.whole or column.entries.shape[1:] != (1,):
        raise UserError(f"diag takes a vector: {node}")
    return Value(column.entries * np.eye(len(column.entries), dtype=int), True)


def _softmax(rows: Value, node: tree.Call, at: Places) -> Value:
    if not rows.whole:
        raise NotSupportedError(f"softmax of entries has no value here; write it out, or of a whole array: {node}")
    powers = at.known.arithmetic.call("exp", rows.entries)
    (body,) = node.arguments
    vector = isinstance(body, Name) and np.ndim(at.known.arrays.get(body.name, 0)) == 1
    axis = -2 if vector else -1  # of a vector over all of it, else over each row
    return Value(at.known.arithmetic.divide(powers, powers.sum(axis=axis, keepdims=True)), True)


_OF_WHOLES: Mapping[str, Callable[[Value, tree.Call, Places], Value]] = {"diag": _diag, "softmax": _softmax}


def _cases(node: tree.Cases, at: Places) -> Value:
    found: Array = np.asarray(np.nan)
    for branch in reversed(node.branches):
        holds = np.asarray(True) if branch.condition is None else at.entries(branch.condition)
        found = np.where(holds, at.entries(branch.value), found)
    return Value(found)


def _chain(node: tree.Chain, at: Places) -> Value:
    unknown = [relation for relation in node.relations if relation not in _RELATIONS]
    if unknown:
        raise NotSupportedError(f"the relation {unknown[0]} has no value here: {node}")
    parts = [at.entries(part) for part in node.parts]
    links = zip(node.relations, parts, parts[1:], strict=False)
    return Value(reduce(np.logical_and, [_RELATIONS[relation](left, right) for relation, left, right in links]))


def _logic(node: tree.Logic, at: Places) -> Value:
    join = np.logical_and if node.operator == "and" else np.logical_or
    return Value(reduce(join, [at.entries(part) for part in node.parts]))


def _delta(node: tree.Delta, at: Places) -> Value:
    return Value(np.where(at.entries(node.first) == at.entries(node.second), 1, 0))


def _bars(node: tree.Bars, at: Places) -> Value:
    body = at.value(node.body)
    if node.kind == "norm":
        raise NotSupportedError(f"a norm has no value without its kind; write the sum of squares: {node}")
    return Value(np.abs(body.entries), body.whole)


def _transpose(node: tree.Transpose, at: Places) -> Value:
    body = at.value(node.body)
    return Value(np.swapaxes(body.entries, -1, -2), True) if body.whole else body


def _negative(node: tree.Neg, at: Places) -> Value:
    body = at.value(node.body)
    return Value(-body.entries, body.whole)


def _root(node: tree.Root, at: Places) -> Value:
    body = at.value(node.body)
    return Value(at.known.arithmetic.call("sqrt", body.entries), body.whole)


_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "≠": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "≤": np.less_equal,
    "≥": np.greater_equal,
}
#: What an operation is worth, by kind of node.
OPERATIONS: Mapping[type[Formula], Rule] = {
    tree.Neg: _negative,
    tree.Group: lambda node, at: at.value(node.body),
    tree.Sum: _sum,
    tree.Product: _product,
    tree.Hadamard: _hadamard,
    tree.Fraction: _fraction,
    tree.Power: _power,
    tree.Root: _root,
    tree.Call: _call,
    tree.BigSum: _big_sum,
    tree.Transpose: _transpose,
    tree.Bars: _bars,
    tree.Delta: _delta,
    tree.Chain: _chain,
    tree.Logic: _logic,
    tree.Cases: _cases,
}
