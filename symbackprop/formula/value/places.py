"""What a written formula is worked out from: the values that are known, and the places of the indices in force.

Each index is an array of its places with an axis of its own, the index bound last in front, so that numpy's broadcasting does
the rest. What stands for a whole array is a matrix in the last two axes, a vector a column.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name
from symbackprop.formula.value.arithmetic import NumberSystem

Array = Any  # an ndarray of floats, of integers (places), of booleans (conditions), or of objects


def no_slope(of: str, by: str) -> Array:
    """Refuse a derivative: no values of derivatives are known."""
    raise UserError(f"no value is known for the derivative of {of} by {by}")


@dataclass(frozen=True, slots=True)
class Known:
    """What a formula's names stand for.

    `arrays` are values by name (sizes and numbers without axes), `ranges` how far each index runs; `i'` runs as far as `i`.
    Places and numbered entries count from `first`: with 1, `v_1` is the first entry and an index runs over 1..N.
    `slope(A, B)` gives ∂A/∂B with the axes of A and then those of B. With `repeats_rows` a vector is added to every row of a
    matrix, as numpy does it.
    """

    arrays: Mapping[str, Array]
    ranges: Mapping[str, int]
    arithmetic: NumberSystem
    slope: Callable[[str, str], Array] = no_slope
    repeats_rows: bool = False
    first: int = 0

    def extent(self, index: str) -> int | None:
        """Return how far an index runs; None for a name that is no index."""
        return self.ranges.get(index, self.ranges.get(index.rstrip("'")))

    def run(self, index: str) -> Array:
        """Return all places of an index."""
        return np.arange(self.extent(index) or 0) + self.first


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
    places: Mapping[str, Array] = field(default_factory=dict)
    depth: int = 0

    def bind(self, index: str, places: Array) -> Places:
        """Return the places with one more index."""
        own = np.asarray(places).reshape((-1,) + (1,) * self.depth)
        return Places(self.known, {**self.places, index: own}, self.depth + 1)


#: A rule asks for the value of a part by yielding it with its places, and is sent that value; it returns its own.
Rule = Callable[[Any, Places], Generator[tuple[Formula, Places], Value, Value]]


def worked_out(formula: Formula, at: Places, rules: Mapping[type[Formula], Rule]) -> Value:
    """Return the value of a formula at all places; without recursion, so no formula is too deep."""
    waiting = [_started(formula, at, rules)]
    value: Value | None = None
    while True:
        try:
            part, inner = waiting[-1].send(value)  # type: ignore[arg-type]  # None starts a rule
        except StopIteration as done:
            waiting.pop()
            value = done.value
            if not waiting:
                return done.value  # type: ignore[no-any-return]
        else:
            waiting.append(_started(part, inner, rules))
            value = None


def _started(
    formula: Formula, at: Places, rules: Mapping[type[Formula], Rule]
) -> Generator[tuple[Formula, Places], Value, Value]:
    rule = rules.get(type(formula))
    if rule is None:
        raise NotSupportedError(f"{type(formula).__name__} has no value by itself: {shown(formula)}")
    return rule(formula, at)


def one_by_one(parts: Sequence[Value], node: Formula) -> tuple[list[Array], bool]:
    """Return entries that go together one by one, and whether they are matrices; numbers go with every matrix."""
    shapes = {part.entries.shape[-2:] for part in parts if part.whole}
    if len(shapes) > 1:
        raise UserError(f"entry by entry, but the shapes are {' and '.join(map(str, sorted(shapes)))}: {shown(node)}")
    whole = bool(shapes)
    return [part.entries[..., None, None] if whole and not part.whole else part.entries for part in parts], whole


def plain(value: Value, node: Formula) -> Array:
    """Return the entries of what has to be a number at each place."""
    if value.whole:
        raise UserError(f"a number is expected, but a matrix of shape {value.entries.shape[-2:]} is written: {shown(node)}")
    return value.entries


def index_label(formula: Formula) -> str | None:
    """Return the name an index may go by, `n` or `n'`; None for what is no plain name."""
    primes = 0
    while isinstance(formula, tree.Decorated) and formula.kind == "prime":
        formula, primes = formula.body, primes + 1
    return formula.name + "'" * primes if isinstance(formula, Name) else None


def shown(formula: Formula) -> str:
    """Return a formula for a message: its kind, and where it was read."""
    place = f" at position {formula.span[0]}" if formula.span else ""
    label = getattr(formula, "name", "")
    return f"{type(formula).__name__}{f' {label}' if label else ''}{place}"
