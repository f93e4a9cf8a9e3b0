"""A program with its sizes as a `Network`: letters for the indices, roles for the inputs, a definition for each variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Idx, Indexed, Integer, Mul, Sum, Symbol

from symbackprop.capturing.build.axes import Axis, Ranges
from symbackprop.capturing.build.formulas import Formulas, Scope
from symbackprop.capturing.record.labels import ONE_HOT
from symbackprop.capturing.roll.forms import Form, Irregular
from symbackprop.capturing.roll.program import RolledProgram
from symbackprop.errors import SymbackpropError
from symbackprop.network import Network
from symbackprop.network.indices import index_size
from symbackprop.network.sizes import size_text

SAMPLES = "n"
LETTERS = "i j k l m p q r s u v a b c d e f g h o w z x y t".split()
PARTS_OF_DATA = ("train", "test", "val", "batch", "data")
"""What stands after the name of data and targets: `X_train`, `y_batch`."""
TARGETS = frozenset("t y T Y ys ts target targets label labels y_true truth tgt onehot one_hot expected desired".split()) | {
    f"{name}_{part}" for name in "yYtT" for part in PARTS_OF_DATA
}
"""What people call targets."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A program whose numbers are expressions in the sizes: forms by name, the size of every range."""

    program: RolledProgram
    ranges: Ranges
    forms: Mapping[str, Form]
    sizes: Mapping[Axis, Expr]


def build(title: str, sized: Sized, wrt: Iterable[str], values: Mapping[str, Any]) -> Network:
    """Return the network. `values` are the example's, by the names of the inputs."""
    return _Builder(title, sized, frozenset(wrt), values).network()


def letters(sized: Sized, wrt: frozenset[str]) -> dict[Axis, str]:
    """Return the first letter of every range: n for the samples, then i, j, k … in the order of the inputs."""
    program = sized.program
    taken = program.names
    free = (letter for letter in LETTERS if letter not in taken)
    data = next((name for name, variable in program.inputs.items() if name not in wrt and len(variable.shape) > 1), None)
    groups = dict.fromkeys(map(sized.ranges.of, sized.ranges.size))
    found = {sized.ranges.of(Axis(data, 0)): SAMPLES} if data and SAMPLES not in taken else {}
    return {group: found.get(group) or next(free, f"i{position}") for position, group in enumerate(groups)}


def symbols_of(names: Mapping[Axis, str], free: Iterable[Axis], taken: Iterable[str]) -> dict[Axis, str]:
    """Return the names of the sizes that vary: the capital of the letter, where it is no name of the code."""
    used = set(taken)
    found = {}
    for axis in free:
        capital = names[axis].upper() if len(names[axis]) == 1 else f"size_{names[axis]}"
        found[axis] = capital if capital not in used else f"n_{names[axis]}"
        used.add(found[axis])
    return found


class _Builder:
    def __init__(self, title: str, sized: Sized, wrt: frozenset[str], values: Mapping[str, Any]) -> None:
        self.sized = sized
        self.wrt = wrt
        self.values = values
        self.net = Network(title)
        self.first = letters(sized, wrt)
        self.indices: dict[Axis, list[Idx]] = {}
        self.taken = {*sized.program.inputs, *sized.program.tables, *(d.name for d in sized.program.definitions)}
        self.taken |= {s.name for size in sized.sizes.values() for s in size.free_symbols}
        self.taken |= set(self.first.values())
        self.sums = 0
        self.current = ""

    def network(self) -> Network:
        program = self.sized.program
        for name, variable in program.inputs.items():
            self._declare(name, variable.name)
        for name, table in program.tables.items():
            self.net.constant(name, *self._own(name, table.ndim), value=table)
        for name, variable in program.inputs.items():
            if variable.name.startswith(ONE_HOT):
                self._one_hot(name)
        formulas = Formulas(self._symbol, self._axis_index, self._sum_index, self._needs_delta, self._picks)
        for definition in program.definitions:
            self.current, self.sums = definition.name, 0
            own = self._own(definition.name, len(definition.shape))
            line = definition.variable.line
            try:
                written = formulas.written(self.sized.forms[definition.name], own)
                self.net.define(definition.name, *own, written, note=f"line {line}" if line else "")
            except SymbackpropError as problem:
                raise Irregular(f"{definition.variable.name} (line {line}): {problem}") from problem
        return self.net

    def _declare(self, name: str, path: str) -> None:
        indices = self._own(name, len(self.sized.program.inputs[name].shape))
        value = self.values.get(name)
        role = self.net.parameter if name in self.wrt else self.net.target if _is_target(name, path) else self.net.input
        if role == self.net.input and not indices and whole_path(path) == path:
            role = self.net.constant  # a single number that is not one of many
        role(name, *indices, value=value)

    def _one_hot(self, name: str) -> None:
        node = self.net.node(name)
        self.net.assume(Sum(node.entry, node.indices[-1]), 1, because=_one_hot(name))

    def _symbol(self, name: str) -> Any:
        return self.net.node(name).symbol

    def _picks(self, total: Expr) -> tuple[Expr, Expr] | None:
        """Return (entry of the one-hot row, what it picks from) of Σ_k y[n,k]·f(k)."""
        factors = Mul.make_args(total.function)
        for factor in factors:
            name = str(factor.base.label) if isinstance(factor, Indexed) else ""
            path = self.sized.program.inputs[name].name if name in self.sized.program.inputs else ""
            if path.startswith(ONE_HOT) and len(total.limits) == 1 and factor.indices[-1] == total.limits[0][0]:
                return factor, Mul(*(other for other in factors if other is not factor))
        return None

    # ---- indices

    def _own(self, name: str, rank: int) -> Scope:
        found: Scope = ()
        for axis in range(rank):
            found += (self._axis_index(name, axis, found),)
        return found

    def _axis_index(self, name: str, axis: int, scope: Scope) -> Idx:
        return self._index(self.sized.ranges.of(Axis(name, axis)), scope)

    def _sum_index(self, scope: Scope) -> Idx:
        axis = Axis(self.current, self.sums, of_sum=True)
        self.sums += 1
        return self._index(self.sized.ranges.of(axis), scope)

    def _index(self, group: Axis, scope: Scope) -> Idx:
        """Return the first index over a range that is not in scope."""
        known = self.indices.setdefault(group, [])
        for index in known:
            if index not in scope:
                return index
        letter = self.first[group] if not known else self._another()
        (index,) = self.net.indices(f"{letter}:{size_text(self.sized.sizes[group])}")
        known.append(index)
        return index

    def _another(self) -> str:
        letter = next((one for one in LETTERS if one not in self.taken), None)
        count = 2
        while letter is None or letter in self.taken:
            letter, count = f"i{count}", count + 1
        self.taken.add(letter)
        return letter

    def _needs_delta(self, name: str, axis: int, place: Expr) -> bool:
        """Whether an address leaves its axis, or an index alone reads a part of it, at the sizes of the first run."""
        size = self.sized.ranges.size[Axis(name, axis)]
        low = high = 0
        values = {s: v for s, v in self._numbers().items()}
        for term, factor in place.expand().as_coefficients_dict().items():
            if isinstance(term, Idx):
                last = int(index_size(term).subs(values)) - 1
                low, high = low + min(0, int(factor) * last), high + max(0, int(factor) * last)
            else:
                number = int((factor * term).subs(values))
                low, high = low + number, high + number
        return low < 0 or high >= size or (isinstance(place, Idx) and high < size - 1)

    def _numbers(self) -> dict[Symbol, int]:
        found = {}
        for axis, size in self.sized.sizes.items():
            if isinstance(size, Symbol):
                found[size] = self.sized.ranges.size[axis]
        return found


def _is_target(name: str, path: str) -> bool:
    return name in TARGETS or whole_path(path) in TARGETS or path.startswith(ONE_HOT)


def whole_path(path: str) -> str:
    """Return the path of a list of numbers for that of one of them: `expected.0` is of `expected`."""
    return _PLACES.sub("", path)


_PLACES = re.compile(r"(\.\d+)+$")


def concrete(program: RolledProgram, ranges: Ranges) -> Sized:
    """Return a program with its sizes as they are."""
    forms = {definition.name: definition.form for definition in program.definitions}
    return Sized(program, ranges, forms, {ranges.of(axis): Integer(size) for axis, size in ranges.size.items()})


def _one_hot(name: str) -> dict[str, str]:
    """Return why the rows of a target sum to one, in the languages of a page."""
    return {"en": f"the rows of {name} are one-hot", "zh": f"{name} 的每一行恰有一个 1，其余为 0"}
