"""Names, entries of arrays and derivatives in a written formula: what each is worth at the places of its indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symbackprop.errors import NotSupportedError, UserError, nearest
from symbackprop.formula import tree
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.written_places import Array, Places, Rule, Value, index_label


def _decorated(node: tree.Decorated, at: Places) -> Value:
    label = index_label(node)
    if label is not None and label in at.places:
        return Value(at.places[label])
    raise NotSupportedError(f"a name with a mark has no value here: {node}")


def _name(node: Name, at: Places) -> Value:
    if node.name in at.places:
        return Value(at.places[node.name])
    if node.name in at.known.arrays:
        return _whole(np.asarray(at.known.arrays[node.name]), 0, node)
    if node.name in at.known.arithmetic.constants:
        return Value(np.asarray(at.known.arithmetic.constants[node.name]))
    raise UserError(f"unknown name {node.name!r} in a formula.{nearest(node.name, [*at.known.arrays, *at.known.ranges])}")


def _whole(table: Array, used: int, node: Formula) -> Value:
    """Return what is left of an array after `used` leading axes of places: a number, a column or a matrix."""
    axes = table.ndim - used
    if axes > 2:
        raise NotSupportedError(f"{axes} axes are left without an index, and a matrix has two: {node}")
    return Value(table[..., None] if axes == 1 else table, axes > 0)


def _entry(table: Array, indices: Sequence[Formula], node: Formula, at: Places) -> Value:
    """Return the entries at the given addresses (NaN outside the array); axes without an address stay whole."""
    if len(indices) > table.ndim:
        raise UserError(f"{len(indices)} indices are written, but the array has {table.ndim} axes: {node}")
    if not indices:
        return _whole(table, 0, node)
    where = np.broadcast_arrays(*(_address(index, at) for index in indices))
    inside = np.all([(a >= 0) & (a < size) for a, size in zip(where, table.shape, strict=False)], axis=0)
    used = inside.ndim
    found = table[tuple(np.clip(a, 0, size - 1) for a, size in zip(where, table.shape, strict=False))]
    if not inside.all():
        found = np.where(inside.reshape(inside.shape + (1,) * (found.ndim - used)), found, np.nan)
    return _whole(found, used, node)


def _address(index: Formula, at: Places) -> Array:
    places = np.asarray(at.entries(index), dtype=float)
    whole = np.rint(places)
    if np.any(whole != places):
        raise UserError(f"an index that is no whole number: {index}")
    return whole.astype(int)


def _indexed(node: tree.Indexed, at: Places) -> Value:
    if node.upper:
        raise NotSupportedError(f"{node.name} with a label above has no value here: {node}")
    if node.name not in at.known.arrays:
        raise UserError(f"unknown name {node.name!r} in a formula.{nearest(node.name, at.known.arrays)}")
    return _entry(np.asarray(at.known.arrays[node.name]), node.indices, node, at)


def _partial(node: tree.Partial, at: Places) -> Value:
    if node.others:
        raise NotSupportedError(f"a higher derivative has no value here: {node}")
    (of, above), (by, below) = (_place(end, node) for end in (node.numerator, node.denominator))
    table = np.asarray(at.known.slope(of, by))
    if len(above) != np.ndim(at.known.arrays.get(of, 0.0)):
        raise NotSupportedError(f"the derivative of a whole array by another is no matrix; write its entries: {node}")
    return _entry(table, (*above, *below), node, at)


def _place(formula: Formula, node: Formula) -> tuple[str, tuple[Formula, ...]]:
    if isinstance(formula, Name):
        return formula.name, ()
    if isinstance(formula, tree.Indexed) and not formula.upper:
        return formula.name, formula.indices
    raise NotSupportedError(f"a derivative of or by something without a name has no value here: {node}")


def _nabla(node: tree.Nabla, at: Places) -> Value:
    if node.wrt is None:
        raise NotSupportedError(f"∇ without a variable has no value here: {node}")
    return _partial(tree.Partial(node.body, node.wrt), at)


def _element(node: tree.Element, at: Places) -> Value:
    body = at.value(node.body)
    if not body.whole or body.entries.ndim != 2:
        raise NotSupportedError(f"an entry of what is no whole array has no value here: {node}")
    column = len(node.indices) == 1 and body.entries.shape[1] == 1
    return _entry(body.entries[:, 0] if column else body.entries, node.indices, node, at)


#: What a name, an entry or a derivative is worth, by kind of node.
NAMES: Mapping[type[Formula], Rule] = {
    Name: _name,
    tree.Number: lambda node, at: Value(at.known.arithmetic.number(node.text)),
    tree.Decorated: _decorated,
    tree.Indexed: _indexed,
    tree.Element: _element,
    tree.Partial: _partial,
    tree.Nabla: _nabla,
}
