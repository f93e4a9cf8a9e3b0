"""What a written formula is worked out from: the values that are known, and the places of the indices in force.

Each index is an array of its places with an axis of its own, the index bound last in front, so that numpy's broadcasting does
the rest. What stands for a whole array is a matrix in the last two axes, a vector a column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula import tree
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.entrywise import FLOATS, Arithmetic

Array = Any  # an ndarray of floats, of integers (places), of booleans (conditions), or of objects


def no_slope(of: str, by: str) -> Array:
    """Refuse a derivative: no values of derivatives are known."""
    raise UserError(f"no value is known for the derivative of {of} by {by}")


@dataclass(frozen=True, slots=True)
class Known:
    """What a formula's names stand for.

    `arrays` are values by name (sizes and numbers without axes), `ranges` how far each index runs, from 0; `i'` runs as far as
    `i`. `slope(A, B)` gives ∂A/∂B with the axes of A and then those of B. With `repeats_rows` a vector is added to every row of a
    matrix, as numpy does it.
    """

    arrays: Mapping[str, Array]
    ranges: Mapping[str, int]
    slope: Callable[[str, str], Array] = no_slope
    arithmetic: Arithmetic = FLOATS
    repeats_rows: bool = False

    def extent(self, index: str) -> int | None:
        """Return how far an index runs; None for a name that is no index."""
        return self.ranges.get(index, self.ranges.get(index.rstrip("'")))


@dataclass(frozen=True, slots=True)
class Value:
    """Entries over the bound indices; `whole` when the last two axes are those of a matrix."""

    entries: Array
    whole: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", np.asarray(self.entries))

    @property
    def small(self) -> Value:
        """A matrix of one entry as the number it is."""
        one = self.whole and self.entries.shape[-2:] == (1, 1)
        return Value(self.entries[..., 0, 0]) if one else self


@dataclass(frozen=True, slots=True)
class Places:
    """The indices in force: the places of each, with an axis of its own in front of those bound before."""

    known: Known
    rules: Mapping[type[Formula], Rule]
    places: Mapping[str, Array] = field(default_factory=dict)
    depth: int = 0

    def bind(self, index: str, places: Array) -> Places:
        """Return the places with one more index."""
        own = np.asarray(places).reshape((-1,) + (1,) * self.depth)
        return Places(self.known, self.rules, {**self.places, index: own}, self.depth + 1)

    def value(self, formula: Formula) -> Value:
        """Return the value of a formula at all places."""
        rule = self.rules.get(type(formula))
        if rule is None:
            raise NotSupportedError(f"{type(formula).__name__} has no value by itself: {formula}")
        return rule(formula, self)

    def entries(self, formula: Formula) -> Array:
        """Return the value of what has to be a number at each place."""
        found = self.value(formula)
        if found.whole:
            raise UserError(f"a number is expected, but a matrix of shape {found.entries.shape[-2:]} is written: {formula}")
        return found.entries


def index_label(formula: Formula) -> str | None:
    """Return the name an index may go by, `n` or `n'`; None for what is no plain name."""
    if isinstance(formula, Name):
        return formula.name
    inner = index_label(formula.body) if isinstance(formula, tree.Decorated) and formula.kind == "prime" else None
    return None if inner is None else inner + "'"


Rule = Callable[[Any, Places], Value]
