"""What each kind of node is worth: names, entries and derivatives are looked up; a product of arrays is the matrix product.

Functions, fractions and `e^Z` of arrays are taken entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from symbackprop.errors import NotSupportedError, UserError, nearest
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name
from symbackprop.formula.value.places import Array, Places, Rule, Value, index_label, one_by_one, plain, shown

Steps = Generator[tuple[Formula, Places], Value, Value]


def _parts(parts: Sequence[Formula], at: Places) -> Generator[tuple[Formula, Places], Value, list[Value]]:
    found = []
    for part in parts:
        found.append((yield part, at))
    return found


# --- names, entries, derivatives


def _name(node: Name, at: Places) -> Steps:
    if node.name in at.places:
        return Value(at.places[node.name])
    if node.name in at.known.arrays:
        return _whole(np.asarray(at.known.arrays[node.name]), 0, node)
    if node.name in at.known.arithmetic.constants:
        return Value(at.known.arithmetic.constants[node.name])
    raise UserError(f"unknown name {node.name!r} in a formula.{nearest(node.name, [*at.known.arrays, *at.known.ranges])}")
    yield  # a rule like the others


def _number(node: tree.Number, at: Places) -> Steps:
    return Value(at.known.arithmetic.number(node.text))
    yield  # a rule like the others


def _decorated(node: tree.Decorated, at: Places) -> Steps:
    label = index_label(node)
    if label is not None and label in at.places:
        return Value(at.places[label])
    raise NotSupportedError(f"a name with a mark has no value here: {shown(node)}")
    yield  # a rule like the others


def _whole(table: Array, used: int, node: Formula) -> Value:
    """Return what is left of an array after `used` leading axes of places: a number, a column or a matrix."""
    axes = table.ndim - used
    if axes > 2:
        raise NotSupportedError(f"{axes} axes are left without an index, and a matrix has two: {shown(node)}")
    return Value(table[..., None] if axes == 1 else table, axes > 0)


def _entry(table: Array, indices: Sequence[Formula], node: Formula, at: Places) -> Steps:
    """Return the entries at the given addresses, none outside the array; axes without an address stay whole."""
    if len(indices) > table.ndim:
        raise UserError(f"{len(indices)} indices are written, but the array has {table.ndim} axes: {shown(node)}")
    if not indices:
        return _whole(table, 0, node)
    found = yield from _parts(indices, at)
    addresses = [_address(value, index, at.known.first) for value, index in zip(found, indices, strict=True)]
    where = np.broadcast_arrays(*addresses)
    inside = np.all([(a >= 0) & (a < size) for a, size in zip(where, table.shape, strict=False)], axis=0)
    used = inside.ndim
    entries = np.asarray(table[tuple(np.clip(a, 0, size - 1) for a, size in zip(where, table.shape, strict=False))])
    if not inside.all():
        missing = at.known.arithmetic.undefined(f"takes an entry outside an array: {shown(node)}")
        entries = np.where(inside.reshape(inside.shape + (1,) * (entries.ndim - used)), entries, missing)
    return _whole(entries, used, node)


def _address(value: Value, index: Formula, first: int) -> Array:
    places = np.asarray(plain(value, index), dtype=float)
    whole = np.rint(places)
    if np.any(whole != places):
        raise UserError(f"an index that is no whole number: {shown(index)}")
    return whole.astype(int) - first


def _indexed(node: tree.Indexed, at: Places) -> Steps:
    if node.upper:
        raise NotSupportedError(f"{node.name} with a label above has no value here")
    if node.name not in at.known.arrays:
        raise UserError(f"unknown name {node.name!r} in a formula.{nearest(node.name, at.known.arrays)}")
    return (yield from _entry(np.asarray(at.known.arrays[node.name]), node.indices, node, at))


def _partial(node: tree.Partial, at: Places) -> Steps:
    if node.others:
        raise NotSupportedError(f"a higher derivative has no value here: {shown(node)}")
    (of, above), (by, below) = (_place(end) for end in (node.numerator, node.denominator))
    table = np.asarray(at.known.slope(of, by))
    if len(above) != np.ndim(at.known.arrays.get(of, 0.0)):
        raise NotSupportedError(f"the derivative of a whole array by another is no matrix; write its entries: {of} by {by}")
    return (yield from _entry(table, (*above, *below), node, at))


def _place(formula: Formula) -> tuple[str, tuple[Formula, ...]]:
    if isinstance(formula, Name):
        return formula.name, ()
    if isinstance(formula, tree.Indexed) and not formula.upper:
        return formula.name, formula.indices
    raise NotSupportedError(f"a derivative of or by something without a name has no value here: {shown(formula)}")


def _nabla(node: tree.Nabla, at: Places) -> Steps:
    if node.wrt is None:
        raise NotSupportedError("∇ without a variable has no value here")
    return (yield from _partial(tree.Partial(node.body, node.wrt), at))


def _element(node: tree.Element, at: Places) -> Steps:
    body = yield node.body, at
    if not body.whole or body.entries.ndim != 2:
        raise NotSupportedError(f"an entry of what is no whole array has no value here: {shown(node)}")
    column = len(node.indices) == 1 and body.entries.shape[1] == 1
    return (yield from _entry(body.entries[:, 0] if column else body.entries, node.indices, node, at))


# --- sums and products


def _elementwise(operation: Callable[[Any, Any], Any], parts: Sequence[Value], node: Formula) -> Value:
    entries, whole = one_by_one(parts, node)
    return Value(reduce(operation, entries), whole)


def _sum(node: tree.Sum, at: Places) -> Steps:
    terms = yield from _parts(node.terms, at)
    widest = max((term.entries.shape[-1] for term in terms if term.whole), default=0)
    if at.known.repeats_rows and widest:
        rows = max(term.entries.shape[-2] for term in terms if term.whole and term.entries.shape[-1] == widest)
        terms = [_repeated(term, rows, widest) for term in terms]
    return _elementwise(np.add, terms, node)


def _repeated(term: Value, rows: int, columns: int) -> Value:
    """Return a vector as the row that numpy adds to every row of a matrix, `b` in `X W + b`; others as they are."""
    if not term.whole or term.entries.shape != (columns, 1):
        return term
    return Value(np.broadcast_to(term.entries.T, (rows, columns)), True)


def _hadamard(node: tree.Hadamard, at: Places) -> Steps:
    return _elementwise(np.multiply, (yield from _parts(node.factors, at)), node)


def _product(node: tree.Product, at: Places) -> Steps:
    factors = yield from _parts(node.factors, at)
    return reduce(lambda left, right: _times(left, right, node), factors)


def _times(left: Value, right: Value, node: Formula) -> Value:
    if not (left.whole and right.whole):
        return _elementwise(np.multiply, (left, right), node)
    (rows, inner), (other, columns) = left.entries.shape[-2:], right.entries.shape[-2:]
    if inner == other:
        return Value(left.entries @ right.entries, True).small
    if (rows, inner) == (1, 1) or (other, columns) == (1, 1):
        return _elementwise(np.multiply, (left.small, right.small), node)
    raise UserError(f"a product of shapes ({rows}, {inner}) and ({other}, {columns}): {shown(node)}")


def _fraction(node: tree.Fraction, at: Places) -> Steps:
    return _elementwise(at.known.arithmetic.divide, (yield from _parts((node.numerator, node.denominator), at)), node)


def _power(node: tree.Power, at: Places) -> Steps:
    exponent = yield node.exponent, at
    if node.base == Name("e") and "e" not in at.known.arrays:
        return Value(at.known.arithmetic.call("exp", exponent.entries), exponent.whole)
    base = yield node.base, at
    if exponent.whole or (base.whole and 1 not in base.entries.shape[-2:]):
        raise NotSupportedError(f"a power of a matrix is read in two ways; write products or ⊙: {shown(node)}")
    return _elementwise(at.known.arithmetic.power, (base, exponent), node)


def _negative(node: tree.Neg, at: Places) -> Steps:
    body = yield node.body, at
    return Value(-body.entries, body.whole)


def _group(node: tree.Group, at: Places) -> Steps:
    return (yield node.body, at)


def _transpose(node: tree.Transpose, at: Places) -> Steps:
    body = yield node.body, at
    return Value(np.swapaxes(body.entries, -1, -2), True) if body.whole else body


def _matrix(node: tree.Matrix, at: Places) -> Steps:
    entries = [plain(value, node) for value in (yield from _parts(node.entries, at))]
    together = np.stack(np.broadcast_arrays(*entries), axis=-1)
    return Value(together.reshape(*together.shape[:-1], *node.shape), True)


# --- big operators


def _big_sum(node: tree.BigSum, at: Places) -> Steps:
    reducer = _REDUCERS.get(node.operator)
    if reducer is None:
        raise NotSupportedError(f"{node.operator} over an index has no value here: {shown(node)}")
    inner, inside = at, np.asarray(True)
    for index in bound(node):
        places, within = yield from _run(node, index, inner)
        inner = inner.bind(index, places)
        inside = inside & (within(inner) if within is not None else np.asarray(True))
    if isinstance(node.index, tree.Chain):
        inside = inside & plain((yield node.index, inner), node)
    body = yield node.body, inner
    count, tail = inner.depth - at.depth, body.entries.shape[-2:] if body.whole else ()
    if body.whole and body.entries.ndim - 2 <= at.depth:
        raise NotSupportedError(f"a sum over an index of whole arrays has no value here; write their entries: {shown(node)}")
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
        raise NotSupportedError(f"the index of a sum has to be a name, a list of names or a condition: {shown(node)}")
    return names


def _is_whole(low: Array | None, high: Array | None, extent: int | None) -> bool:
    if high is None:
        return low is None
    return extent is not None and bool(np.all(high == extent)) and (low is None or bool(np.all(low == 1)))


Within = Callable[[Places], Array]


def _run(node: tree.BigSum, index: str, at: Places) -> Generator[tuple[Formula, Places], Value, tuple[Array, Within | None]]:
    """Return the places an index takes, and which of them count where its bounds depend on other indices.

    A sum from 1 to the size of the index, or up to its size, is the sum over all of it.
    """
    extent = at.known.extent(index)
    low = None if node.lower is None else plain((yield node.lower, at), node.lower)
    high = None if node.upper is None else plain((yield node.upper, at), node.upper)
    if _is_whole(low, high, extent):
        if extent is None:
            raise NotSupportedError(f"the bounds of the sum over {index} are not known")
        return at.known.run(index), None
    if low is None or high is None:
        raise NotSupportedError(f"the sum over {index} has one bound that is not its size: {shown(node)}")
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


def _call(node: tree.Call, at: Places) -> Steps:
    function = node.function
    arguments = yield from _parts(node.arguments, at)
    if not isinstance(function, Name):
        raise NotSupportedError(f"{shown(function)} is no elementary function")
    if function.name in _OF_WHOLES:
        (argument,) = arguments
        return _OF_WHOLES[function.name](argument, node, at)
    entries, whole = one_by_one(arguments, node)
    return Value(at.known.arithmetic.call(function.name, *entries), whole)


def _diag(column: Value, node: tree.Call, at: Places) -> Value:
    if not column.whole or column.entries.shape[1:] != (1,):
        raise UserError(f"diag takes a vector: {shown(node)}")
    return Value(column.entries * np.eye(len(column.entries), dtype=int), True)


def _softmax(rows: Value, node: tree.Call, at: Places) -> Value:
    if not rows.whole:
        raise NotSupportedError(f"softmax of entries has no value here; write it out, or of a whole array: {shown(node)}")
    powers = at.known.arithmetic.call("exp", rows.entries)
    (body,) = node.arguments
    vector = isinstance(body, Name) and np.ndim(at.known.arrays.get(body.name, 0)) == 1
    axis = -2 if vector else -1  # of a vector over all of it, else over each row
    return Value(at.known.arithmetic.divide(powers, powers.sum(axis=axis, keepdims=True)), True)


_OF_WHOLES: Mapping[str, Callable[[Value, tree.Call, Places], Value]] = {"diag": _diag, "softmax": _softmax}


def _root(node: tree.Root, at: Places) -> Steps:
    body = yield node.body, at
    return Value(at.known.arithmetic.call("sqrt", body.entries), body.whole)


def _bars(node: tree.Bars, at: Places) -> Steps:
    body = yield node.body, at
    if node.kind == "abs":
        return Value(np.abs(body.entries), body.whole)
    column = body.whole and body.entries.shape[-1] == 1
    if not body.whole or node.label not in ("F", "2") or (node.label == "2" and not column):
        raise NotSupportedError(f"a norm has a value here of a vector (2) or with its kind F: {shown(node)}")
    squares = np.sum(body.entries * body.entries, axis=(-2, -1))
    return Value(at.known.arithmetic.call("sqrt", squares))


def _cases(node: tree.Cases, at: Places) -> Steps:
    """The first branch whose condition holds, at each place; a branch that holds nowhere is not worked out."""
    found: Array = np.asarray(at.known.arithmetic.undefined("no case applies"))
    open_places = np.asarray(True)
    chosen: list[tuple[Array, Array]] = []
    for branch in node.branches:
        holds = np.asarray(True) if branch.condition is None else plain((yield branch.condition, at), node)
        if not _is_condition(holds):
            raise NotSupportedError(f"{shown(node)}: not a condition")
        here = np.asarray(holds, dtype=bool) & open_places
        if here.any():
            chosen.append((here, plain((yield branch.value, at), node)))
        open_places = open_places & ~here
        if not open_places.any():
            break
    for here, value in reversed(chosen):
        found = value if here.all() and here.ndim <= np.ndim(value) else np.where(here, value, found)
    return Value(found)


def _is_condition(holds: Array) -> bool:
    return bool(np.asarray(holds).dtype == bool or all(isinstance(entry, bool | np.bool_) for entry in np.asarray(holds).flat))


def _chain(node: tree.Chain, at: Places) -> Steps:
    unknown = [relation for relation in node.relations if relation not in _RELATIONS]
    if unknown:
        raise NotSupportedError(f"the relation {unknown[0]} has no value here: {shown(node)}")
    parts = [plain(value, node) for value in (yield from _parts(node.parts, at))]
    links = zip(node.relations, parts, parts[1:], strict=False)
    return Value(reduce(np.logical_and, [np.asarray(_RELATIONS[sign](left, right), bool) for sign, left, right in links]))


def _logic(node: tree.Logic, at: Places) -> Steps:
    join = np.logical_and if node.operator == "and" else np.logical_or
    return Value(reduce(join, [plain(value, node) for value in (yield from _parts(node.parts, at))]))


def _delta(node: tree.Delta, at: Places) -> Steps:
    first, second = yield from _parts((node.first, node.second), at)
    return Value(np.where(np.asarray(plain(first, node) == plain(second, node), bool), 1, 0))


_RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "≠": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "≤": np.less_equal,
    "≥": np.greater_equal,
}
#: What a node is worth, by its kind; others (prose, blanks, updates) have no value.
RULES: Mapping[type[Formula], Rule] = {
    Name: _name,
    tree.Number: _number,
    tree.Decorated: _decorated,
    tree.Indexed: _indexed,
    tree.Element: _element,
    tree.Partial: _partial,
    tree.Nabla: _nabla,
    tree.Neg: _negative,
    tree.Group: _group,
    tree.Sum: _sum,
    tree.Product: _product,
    tree.Hadamard: _hadamard,
    tree.Fraction: _fraction,
    tree.Power: _power,
    tree.Root: _root,
    tree.Call: _call,
    tree.BigSum: _big_sum,
    tree.Transpose: _transpose,
    tree.Matrix: _matrix,
    tree.Bars: _bars,
    tree.Delta: _delta,
    tree.Chain: _chain,
    tree.Logic: _logic,
    tree.Cases: _cases,
}
