"""Which numbers of a program are sizes: the code is run at other sizes, and the formulas are laid over each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.capturing.build.axes import Axis, Ranges, ranges
from symbackprop.capturing.build.build import Sized, concrete, letters, symbols_of
from symbackprop.capturing.build.merge import Fit, alike, merged
from symbackprop.capturing.build.sizes import expression
from symbackprop.capturing.build.vary import distinct_sizes, may_change, other_sizes, redrawn, resized
from symbackprop.capturing.record.labels import ONE_HOT
from symbackprop.capturing.roll.forms import Irregular
from symbackprop.capturing.roll.program import RolledProgram
from symbackprop.capturing.rolling import Rolled
from symbackprop.errors import SymbackpropError
from symbackprop.network.indices import size_symbol
from symbackprop.trace.run.nested import walk

TURNS = 3
"""Ways to let sizes grow that are tried."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """A function with its example, rolled up once by `roll`; `wrt` are the names that gradients are asked for."""

    roll: Callable[[Callable[..., Any], Mapping[str, Any]], Rolled]
    function: Callable[..., Any]
    example: Mapping[str, Any]
    first: Rolled
    found: Ranges
    wrt: frozenset[str]

    def choices(self) -> Iterator[tuple[Sized, tuple[Axis, ...]]]:
        """Yield the program with sizes as symbols, and which ranges vary: all that may, those that may alone, none."""
        changing = may_change(self.first.program, self.found)
        tried = False
        for attempt in self._attempts(changing):
            tried = True
            yield attempt, tuple(changing)
        if not tried and len(changing) > 1:
            alone = [axis for axis in changing if self._attempt([axis], 0, runs=1) is not None]
            for attempt in self._attempts(alone):
                yield attempt, tuple(alone)
        yield concrete(self.first.program, self.found), ()

    def arguments(self, changing: Sequence[Axis], seed: int) -> dict[str, Any]:
        """Return arguments at other numbers, and at other sizes of the given ranges, all distinct."""
        return resized(self.example, self.first.program, self.found, distinct_sizes(self.found, changing), seed)

    def own_values(self, arguments: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Return other numbers for the inputs that are no arguments: what the object holds whose method is run, of its types."""
        inputs = {name: variable.name.removeprefix(ONE_HOT) for name, variable in self.first.program.inputs.items()}
        leaves = dict(walk(getattr(self.function, "__self__", None), "self"))
        held = {
            name: np.asarray(self.first.values[name], dtype=getattr(leaves.get(path), "dtype", None))
            for name, path in inputs.items()
            if path.split(".")[0] not in arguments
        }
        return redrawn(held, self.first.program, self.found, seed)

    def _attempts(self, changing: Sequence[Axis]) -> Iterator[Sized]:
        """Yield what succeeds; in another turn, a kernel and its image grow otherwise."""
        for turn in range(TURNS if len(changing) > 1 else 1):
            found = self._attempt(changing, turn) if changing else None
            if found is not None:
                yield found

    def _attempt(self, changing: Sequence[Axis], turn: int, runs: int = 2) -> Sized | None:
        """Return the program with the given ranges as symbols; None where the code does not run so, or is another formula."""
        first, found = self.first.program, self.found
        others = self._runs(changing, turn, runs)
        programs, known = [first, *others], [found, *map(ranges, others)]
        if not others or not alike(programs) or any(other.range_of != found.range_of for other in known):
            return None
        names = symbols_of(letters(concrete(first, found), self.wrt), changing, first.names)
        symbols = {size_symbol(names[axis]): [other.size[axis] for other in known] for axis in changing}
        fit = partial(expression, symbols)
        try:
            forms = {d.name: merged([one.definitions[k].form for one in programs], fit) for k, d in enumerate(first.definitions)}
            return Sized(first, found, forms, _extents(known, dict(zip(changing, symbols, strict=True)), fit))
        except Irregular:
            return None

    def _runs(self, changing: Sequence[Axis], turn: int, runs: int) -> list[RolledProgram]:
        """Return the programs of runs at other sizes; none where the code does not run so."""
        sizes = [other_sizes(self.found, changing, run, turn) for run in range(runs)]
        try:
            arguments = [
                resized(self.example, self.first.program, self.found, one, seed=k) for k, one in enumerate(sizes, start=1)
            ]
            return [self.roll(self.function, values).program for values in arguments]
        except SymbackpropError:
            return []


def _extents(known: Sequence[Ranges], symbols: Mapping[Axis, Expr], fit: Fit) -> dict[Axis, Expr]:
    """Return the size of every range, fitted where it is no symbol of its own."""
    groups = dict.fromkeys(known[0].of(axis) for axis in known[0].size)
    return {group: symbols.get(group) or fit([other.size[group] for other in known], True) for group in groups}
