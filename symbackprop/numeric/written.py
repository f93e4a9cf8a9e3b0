"""The value of a written formula with arrays: Σ_n X_{ni} δ_{nk} at every place of its free indices, or `Xᵀ δ` as a matrix.

    Σ_n A_{nj} ∂E/∂Z_{nk}     free indices j, k        an array over (j, k)
    Aᵀ ∂E/∂Z                  arrays named as wholes    the matrix of the same entries

A derivative ∂A/∂B is looked up, never computed here: `Known.slope` decides what it is. The rules are in `written_names` and
`written_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from symbackprop.errors import UserError
from symbackprop.formula import tree
from symbackprop.formula.tree import Formula
from symbackprop.formula.walk import children
from symbackprop.numeric.written_names import NAMES
from symbackprop.numeric.written_places import Array, Known, Places, Rule, Value, index_label
from symbackprop.numeric.written_rules import OPERATIONS, bound

__all__ = ["Known", "free_indices", "gaps", "values"]

RULES: Mapping[type[Formula], Rule] = {**NAMES, **OPERATIONS}


def values(sides: Sequence[Formula], known: Known) -> tuple[Array, ...]:
    """Return the values of formulas on the same axes: their free indices by name, then rows and columns of whole arrays.

    Raises UserError for unknown names and for shapes that do not fit, NotSupportedError for what has no value here.
    """
    free = free_indices(sides, known)
    places = Places(known, RULES)
    for index in reversed(free):
        places = places.bind(index, np.arange(known.extent(index) or 0))
    found = [places.value(side) for side in sides]
    counts = tuple(known.extent(index) or 0 for index in free)
    return tuple(_spread(value.small, counts) for value in found)


def gaps(chain: tree.Chain, known: Known) -> tuple[float, ...]:
    """Return, for each relation of a chain, how far its two sides are apart: relative to the largest entry, or to 1 if larger.

    Raises UserError where the sides have different shapes or a side reaches outside an array, and as `values`.
    """
    found = values(chain.parts, known)
    return tuple(_gap(left, right) for left, right in pairwise(found))


def _gap(left: Array, right: Array) -> float:
    if left.shape != right.shape:
        raise UserError(f"the two sides have different shapes: {left.shape} and {right.shape}")
    first, second = left.astype(float), right.astype(float)
    if not np.all(np.isfinite(first) & np.isfinite(second)):
        raise UserError("a side is not finite, or takes an entry outside an array")
    largest = max((float(np.max(np.abs(side), initial=0.0)) for side in (first, second)), default=0.0)
    return float(np.max(np.abs(first - second), initial=0.0)) / max(1.0, largest)


def free_indices(sides: Sequence[Formula], known: Known) -> tuple[str, ...]:
    """Return the indices that stand free in any of the formulas, in alphabetical order."""
    return tuple(sorted(set().union(*(_free(side, known) for side in sides))))


def _free(formula: Formula, known: Known) -> set[str]:
    label = index_label(formula)
    if label is not None and label not in known.arrays and known.extent(label) is not None:
        return {label}
    found = set().union(*(_free(part, known) for part in children(formula)))
    return found - set(bound(formula)) if isinstance(formula, tree.BigSum) else found


def _spread(value: Value, counts: tuple[int, ...]) -> Array:
    shape = counts + (value.entries.shape[-2:] if value.whole else ())
    return np.broadcast_to(value.entries, shape)
