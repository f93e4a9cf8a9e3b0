"""Every number of a handout, computed once and in the order it is printed.

Plain numbers are worked in full, so there each result is computed from printed numbers: it is rounded where it is printed, and
whatever comes later uses the rounded value. A reader with a pocket calculator gets every printed digit again. Rounding must not
make wrong mathematics of that: beside the printed numbers the true ones are computed (with all digits), and a result is printed
with those digits only that the true value has too. Where too few would be left, everything is computed with more places.

Arrays are only printed: the true values, of the given ones too, are rounded. What is 0 is printed as 0 in both.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from functools import partial
from math import floor, log10
from typing import Any, TypeVar, cast

import numpy as np

from symbackprop.derive.steps.worked_formulas import Worked, WorkedFormulas
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.tree.tree import Formula, Indexed, Name, Partial
from symbackprop.formula.value.arithmetic import EXACT
from symbackprop.formula.value.evaluate import Known, value_of, values_over
from symbackprop.formula.value.numbers import Rounding, exact
from symbackprop.network.node import Node

Value = Any  # an exact fraction, or an object array of them
Place = tuple[int, ...]
Key = TypeVar("Key")
#: What is kept of a result: of which kind (values, adjoints, locals), of which name, at which place of its array.
Keep = Callable[[str, Any, Place, Exact], Exact]

#: Significant digits of a small number, where results are computed from one another and where they are only printed.
CHAINED, PRINTED = 5, 3
#: The largest share by which a printed result may be off, rounded to so many digits as are certain.
MOST_OFF = Exact(1, 100)
#: How many more places may be tried.
MORE_PLACES = 9
#: Places of the true values, and the size below which one is 0 (functions are computed to 40 digits).
TRUE_PLACES, NOTHING = 45, Exact(1, 10**30)


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of every node, every adjoint, and (scalars) every local derivative that is not just a name."""

    values: Mapping[str, Value]
    adjoints: Mapping[str, Value]
    locals: Mapping[tuple[str, str], Value]
    known: Known  # what names, elements and derivatives stand for

    def at(self, kind: str, key: Any, place: Place) -> Exact:
        """Return one number."""
        found = getattr(self, kind)[key]
        return cast(Exact, found[place] if place else found)

    def all(self) -> Iterator[tuple[str, Any, Place, Exact]]:
        """Yield every number with its kind, key and place."""
        for kind in ("values", "adjoints", "locals"):
            for key, value in getattr(self, kind).items():
                array = np.asarray(value, dtype=object)
                yield from ((kind, key, place, cast(Exact, array[place])) for place in np.ndindex(array.shape))


@dataclass(frozen=True, slots=True)
class Digits:
    """How results are printed: rounded to `places`, small ones to as many significant digits as they are to have."""

    places: int
    significant: int
    ties: str = "half-up"

    def rounded(self, value: Exact) -> Exact:
        """Return a value as it is printed."""
        return self._round(value, self._wanted(value))

    def certain(self, value: Exact, true: Exact) -> Exact:
        """Return a result, computed from printed numbers, with those digits only that the true result has too."""
        if abs(true) < NOTHING:
            return Exact(0)
        wanted = self._wanted(true)
        kept = (self._round(value, places) for places in range(wanted, -1, -1))
        rounded = (self._round(true, places) for places in range(wanted, -1, -1))
        return next((mine for mine, right in zip(kept, rounded, strict=True) if mine == right), self._round(value, 0))

    def _wanted(self, value: Exact) -> int:
        return max(self.places, self.significant - 1 - _magnitude(value)) if abs(value) >= NOTHING else self.places

    def _round(self, value: Exact, places: int) -> Exact:
        return Rounding(places, self.ties).round(value)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The printed figures, the true ones, and how one becomes the other."""

    formulas: WorkedFormulas
    sizes: Mapping[str, int]
    digits: Digits
    chained: bool  # whether results are computed from printed ones
    printed: Figures
    true: Figures

    @property
    def values(self) -> Mapping[str, Value]:
        """Printed values of the nodes."""
        return self.printed.values

    @property
    def locals(self) -> Mapping[tuple[str, str], Value]:
        """Printed values of local derivatives, by (consumer, node)."""
        return self.printed.locals

    @property
    def known(self) -> Known:
        """What names, elements and derivatives in a formula stand for."""
        return self.printed.known

    def number(self, formula: Formula) -> Exact | None:
        """Return the printed value of a name, an element or a derivative; None where it has none."""
        named = isinstance(formula, Name) and formula.name in self.known.arrays
        if not named and not isinstance(formula, Indexed | Partial):
            return None
        try:
            return cast(Exact, value_of(formula, self.known))
        except (UserError, NotSupportedError):
            return None

    def adjoint(self, name: str) -> Value:
        """Return ∂loss/∂name as printed; 0 where the loss does not depend on it."""
        return self.printed.adjoints.get(name, Exact(0))

    def text(self, value: Exact) -> str:
        """Return the digits of a printed number, zeros at the end left out."""
        return Rounding(TRUE_PLACES).text(value)

    def formula(self, value: Exact) -> Formula:
        """Return a printed number as a formula."""
        return Rounding(TRUE_PLACES).formula(value)

    def stepped(self, name: str, rate: Exact) -> Value:
        """Return a parameter after one step against its gradient."""
        true = self.true.values[name] - rate * self.true.adjoints.get(name, Exact(0))
        return _each(self.digits.certain, self.values[name] - rate * self.adjoint(name) if self.chained else true, true)

    def true_loss(self, name: str, place: Place, by: Exact) -> Exact:
        """Return the loss, with all digits, with one entry of a given value changed."""
        moved = np.array(self.true.values[name], dtype=object)
        moved[place] += by
        given = {node.name: self.true.values[node.name] for node in self.formulas.given}
        given[name] = moved if moved.shape else moved[()]
        found = _figures(self.formulas, given, self.sizes, _all_digits, backward=False)
        return cast(Exact, found.values[self.formulas.loss])

    def loss_at(self, changed: Mapping[str, Value]) -> tuple[Exact, Exact]:
        """Return the loss with some values changed, as printed, and how much it has grown."""
        given = {node.name: changed.get(node.name, self.true.values[node.name]) for node in self.formulas.given}
        true = _figures(self.formulas, given, self.sizes, _all_digits, backward=False)
        printed = true
        if self.chained:
            printed = _figures(self.formulas, given, self.sizes, _certain_of(true, self.digits), backward=False)
        loss = self.formulas.loss
        after = self.digits.certain(printed.values[loss], true.values[loss])
        growth = self.digits.certain(after - self.values[loss], true.values[loss] - self.true.values[loss])
        return after, growth


def keep_books(
    formulas: WorkedFormulas,
    given: Mapping[str, Any],
    sizes: Mapping[str, int],
    places: int,
    ties: str = "half-up",
    chained: bool = True,
) -> Ledger:
    """Compute everything a handout prints, forward and backward, with at least `places` places.

    Raises UserError when a value is missing or the network has none at these values.
    """
    if not chained:
        digits = Digits(places, PRINTED, ties)
        true = true_figures(formulas, given, sizes)
        return Ledger(formulas, sizes, digits, chained, _rounded(true, formulas, sizes, digits), true)
    for more in range(MORE_PLACES):
        digits = Digits(places + more, CHAINED + more, ties)
        rounded = {node.name: _given(node, given, digits.rounded) for node in formulas.given}
        true = _figures(formulas, rounded, sizes, _all_digits)
        printed = _figures(formulas, rounded, sizes, _certain_of(true, digits))
        if all(_is_right(value, true.at(kind, key, place)) for kind, key, place, value in printed.all()):
            break
    return Ledger(formulas, sizes, digits, chained, printed, true)


def _certain_of(true: Figures, digits: Digits) -> Keep:
    return lambda kind, key, place, value: digits.certain(value, true.at(kind, key, place))


def _rounded(true: Figures, formulas: WorkedFormulas, sizes: Mapping[str, int], digits: Digits) -> Figures:
    """Return true figures as they are printed."""

    def rounded(table: Mapping[Key, Value]) -> dict[Key, Value]:
        return {key: _each(digits.certain, value, value) for key, value in table.items()}

    return _known_figures(formulas, rounded(true.values), rounded(true.adjoints), rounded(true.locals), sizes)


def _is_right(printed: Exact, true: Exact) -> bool:
    """Whether enough digits of a printed number are certain; whether it is 0 where the true one is."""
    if abs(true) < NOTHING:
        return printed == 0
    return abs(printed - true) <= abs(true) * MOST_OFF


def true_figures(formulas: WorkedFormulas, given: Mapping[str, Any], sizes: Mapping[str, int]) -> Figures:
    """Return all numbers with all their digits."""
    return _figures(formulas, {node.name: _given(node, given) for node in formulas.given}, sizes, _all_digits)


def _all_digits(kind: str, key: Any, place: Place, value: Exact) -> Exact:
    return Rounding(TRUE_PLACES).round(value)


def _magnitude(value: Exact) -> int:
    """Return the power of ten of the first digit."""
    power = floor(log10(abs(value))) if abs(value) > Exact(1, 10**300) else -300
    return power + 1 if abs(value) >= Exact(10) ** (power + 1) else power - 1 if abs(value) < Exact(10) ** power else power


def _given(node: Node, given: Mapping[str, Value], rounded: Callable[[Exact], Exact] = Exact) -> Value:
    if node.name not in given:
        raise UserError(f"handout: no value for {node.name} ({node.role.value}); give one where it is declared")
    value = given[node.name]
    return _each(lambda entry: rounded(exact(entry)), np.asarray(value)) if node.indices else rounded(exact(value))


def _each(change: Callable[..., Exact], *arrays: Any) -> Value:
    """Return what a function gives for the entries of arrays of one shape (or numbers)."""
    tables = [np.asarray(array) for array in arrays]
    found = np.empty(tables[0].shape, dtype=object)
    for place in np.ndindex(found.shape):
        found[place] = change(*(table[place] for table in tables))
    return found if found.shape else found[()]


def _figures(
    formulas: WorkedFormulas, given: Mapping[str, Value], sizes: Mapping[str, int], keep: Keep, backward: bool = True
) -> Figures:
    """Compute all numbers in order from given ones, each kept as `keep` says."""
    values: dict[str, Value] = dict(given)
    adjoints: dict[str, Value] = {}
    local_values: dict[tuple[str, str], Value] = {}
    figures = _known_figures(formulas, values, adjoints, local_values, sizes)
    for name, worked in formulas.definitions.items():
        values[name] = _filled(worked, figures.known, partial(keep, "values", name))
    for name, worked in formulas.adjoints.items() if backward else ():
        for pair in (pair for pair in formulas.locals if pair[1] == name):
            local_values[pair] = keep("locals", pair, (), value_of(formulas.locals[pair], figures.known))
        adjoints[name] = _filled(worked, figures.known, partial(keep, "adjoints", name))
    return figures


def _filled(worked: Worked, known: Known, keep: Callable[[Place, Exact], Exact]) -> Value:
    names, formula = worked
    if not names:
        return keep((), value_of(formula, known))
    entries = values_over(formula, names, known)
    found = np.empty(entries.shape, dtype=object)
    for place in np.ndindex(entries.shape):
        found[place] = keep(place, entries[place])
    return found


class _Renamed(Mapping[str, Value]):
    """Adjoints by the names of their δ, as far as they are computed."""

    def __init__(self, adjoints: Mapping[str, Value], deltas: Mapping[str, str]) -> None:
        self._adjoints, self._deltas = adjoints, deltas

    def __getitem__(self, name: str) -> Value:
        return self._adjoints[self._deltas[name]]

    def __iter__(self) -> Iterator[str]:
        return (name for name, node in self._deltas.items() if node in self._adjoints)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _known_figures(
    formulas: WorkedFormulas,
    values: dict[str, Value],
    adjoints: dict[str, Value],
    local_values: dict[tuple[str, str], Value],
    sizes: Mapping[str, int],
) -> Figures:
    """Return figures and what the names in a formula stand for, which grows as the tables are filled."""

    def slope(of: str, by: str) -> Value:
        local = local_values.get((of, by))
        if local is None and (of != formulas.loss or by not in adjoints):
            raise UserError(f"no value is known for the derivative of {of} by {by}")
        return adjoints[by] if local is None else local

    ranges = {
        index: int(size.subs({letter: sizes[str(letter)] for letter in size.free_symbols}))
        for index, size in formulas.sizes.items()
        if all(str(letter) in sizes for letter in size.free_symbols)  # one that no array uses may run over anything
    }
    arrays: Any = ChainMap(
        cast(Any, _Renamed(adjoints, formulas.deltas)), values, {name: Exact(size) for name, size in sizes.items()}
    )
    return Figures(values, adjoints, local_values, Known(arrays, ranges, EXACT, slope))
