"""The value of a written formula: Σ_n X_{ni} δ_{nk} at every place of its free indices, or `Xᵀ δ` as a matrix.

    Σ_n A_{nj} ∂E/∂Z_{nk}     free indices j, k        an array over (j, k)
    Aᵀ ∂E/∂Z                  arrays named as wholes    the matrix of the same entries

In floats, in exact fractions or in intervals (`arithmetic`). A derivative ∂A/∂B is looked up, never computed here: `Known.slope`
decides what it is. The rules are in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula
from symbackprop.formula.tree.walk import children
from symbackprop.formula.value.arithmetic import Undefined
from symbackprop.formula.value.places import Array, Known, Places, Value, index_label, worked_out
from symbackprop.formula.value.rules import RULES, bound

__all__ = ["Known", "free_indices", "gaps", "value_of", "values", "values_over"]


def value_of(formula: Formula, known: Known, **indices: int) -> Any:
    """Return the value of a formula that is one number, with indices set to places.

    Raises UserError where it is none: a division by zero, an entry outside an array, an array.
    """
    at = Places(known)
    for index, place in indices.items():
        at = at.bind(index, np.asarray([place]))
    found = worked_out(formula, at, RULES).small
    if found.whole:
        raise UserError(f"a number is expected, but the value is a matrix of shape {found.entries.shape[-2:]}")
    (entry,) = np.ravel(found.entries)
    return _checked(entry)


def _checked(entry: Any) -> Any:
    if isinstance(entry, Undefined):
        raise UserError(entry.why)
    return Fraction(int(entry)) if isinstance(entry, int | np.integer) else entry


def values_over(formula: Formula, indices: Sequence[str], known: Known) -> Array:
    """Return the values of a formula over all places of the given indices, an axis for each in their order.

    Raises UserError where one of them is no number.
    """
    at = Places(known)
    for index in reversed(indices):
        at = at.bind(index, known.run(index))
    found = np.broadcast_to(worked_out(formula, at, RULES).small.entries, tuple(known.extent(index) or 0 for index in indices))
    return np.asarray(np.frompyfunc(_checked, 1, 1)(found), dtype=object) if found.dtype == object else found


def values(sides: Sequence[Formula], known: Known) -> tuple[Array, ...]:
    """Return the values of formulas on the same axes: their free indices by name, then rows and columns of whole arrays.

    Raises UserError for unknown names and for shapes that do not fit, NotSupportedError for what has no value here.
    """
    free = free_indices(sides, known)
    places = Places(known)
    for index in reversed(free):
        places = places.bind(index, known.run(index))
    counts = tuple(known.extent(index) or 0 for index in free)
    return tuple(_spread(worked_out(side, places, RULES).small, counts) for side in sides)


def _spread(value: Value, counts: tuple[int, ...]) -> Array:
    shape = counts + (value.entries.shape[-2:] if value.whole else ())
    return np.broadcast_to(value.entries, shape)


def gaps(chain: tree.Chain, known: Known) -> tuple[float, ...]:
    """Return, for each relation of a chain, how far its two sides are apart: relative to the largest entry, or to 1 if larger.

    Raises UserError where the sides have different shapes or a side reaches outside an array, and as `values`.
    """
    return tuple(_gap(left, right) for left, right in pairwise(values(chain.parts, known)))


def _gap(left: Array, right: Array) -> float:
    if left.shape != right.shape:
        raise UserError(f"the two sides have different shapes: {left.shape} and {right.shape}")
    missing = next((entry for side in (left, right) for entry in np.ravel(side) if isinstance(entry, Undefined)), None)
    if missing is not None:
        raise UserError(missing.why)
    first, second = left.astype(float), right.astype(float)
    if not np.all(np.isfinite(first) & np.isfinite(second)):
        raise UserError("a side is not finite, or takes an entry outside an array")
    largest = max((float(np.max(np.abs(side), initial=0.0)) for side in (first, second)), default=0.0)
    return float(np.max(np.abs(first - second), initial=0.0)) / max(1.0, largest)


def free_indices(sides: Sequence[Formula], known: Known) -> tuple[str, ...]:
    """Return the indices that stand free in any of the formulas, in alphabetical order."""
    return tuple(sorted({label for side in sides for label in _free(side, known)}))


def _free(formula: Formula, known: Known) -> Iterator[str]:
    waiting: list[tuple[Formula, frozenset[str]]] = [(formula, frozenset())]
    while waiting:
        node, inner = waiting.pop()
        label = index_label(node)
        if label is not None and label not in known.arrays and known.extent(label) is not None:
            if label not in inner:
                yield label
            continue
        inner |= set(bound(node)) if isinstance(node, tree.BigSum) else frozenset()
        waiting += [(part, inner) for part in children(node)]
