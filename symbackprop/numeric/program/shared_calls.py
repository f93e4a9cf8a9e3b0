"""Function values that stand in several places get a line of their own: tanh(c) of an LSTM is computed once.

`exp` and `log` stay where they are: softmax and its logarithm are recognised by them, and written so that they cannot overflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from sympy import Expr, Idx, Indexed, erf, tanh
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import Application

from symbackprop.derive.sweep.rewrite import Binding, match
from symbackprop.functions import ELEMENTARY, function_name, gelu_tanh, sigmoid, silu
from symbackprop.network.indices import free_indices, index_name, kinds, real_symbol, substitute
from symbackprop.numeric.program.factors import names_in
from symbackprop.numeric.program.program import ComputedLine, Program

_NAMED = frozenset((tanh, sigmoid, erf))
_COMPOSED = frozenset((gelu_tanh, silu))
"""Defined by one of those; the slope has the same value in it. Not gelu: its source has digits where 1 + erf(x) has none."""


@dataclass(slots=True)
class _Shared:
    """One function value, up to the names of its indices: where it was found first, how often, and the line that it is."""

    call: Expr
    indices: tuple[Idx, ...]
    first: int
    count: int = 0
    line: ComputedLine | None = None

    def binding(self, call: Expr) -> Binding | None:
        """Return which indices another call has in the place of these, None for another value."""
        if call.func is not self.call.func:
            return None
        found = next(match(self.call, call, frozenset(self.indices), {}), None)
        return found if found is not None and set(self.indices) <= set(found) else None


@dataclass(slots=True)
class _Calls:
    """The function values of a program, in buckets by the names in them."""

    buckets: dict[tuple[type, frozenset[str]], list[_Shared]] = field(default_factory=dict)

    def find(self, call: Expr) -> tuple[_Shared, Binding] | None:
        """Return the shared value that a call is, and its indices."""
        for shared in self.buckets.get(_key(call), ()):
            binding = shared.binding(call)
            if binding is not None:
                return shared, binding
        return None

    def add(self, call: Expr, place: int, line: ComputedLine) -> None:
        """Count a call of the line at a place; its indices come in that line's order, and its name if it is the whole line."""
        known = self.find(call)
        order, whole = line.indices, line.terms == (call,) and not line.scatters and set(line.indices) <= free_indices(call)
        ranks = {index: at for at, index in enumerate(order)}
        indices = sorted(free_indices(call), key=lambda index: (ranks.get(index, len(ranks)), index_name(index)))
        shared = known[0] if known else _Shared(call, tuple(indices), place, line=line if whole else None)
        if known is None:
            self.buckets.setdefault(_key(call), []).append(shared)
        shared.count += 1

    @property
    def several(self) -> list[_Shared]:
        """The values that stand in several places and have no name."""
        every = (shared for bucket in self.buckets.values() for shared in bucket)
        return [shared for shared in every if shared.count > 1 and shared.line is None]


def with_shared_calls(program: Program) -> Program:
    """Return the program with a line for every function value that stands in several places."""
    program = _spelt_out(program)
    calls = _calls(program.lines)
    before = _new_lines(program, calls)
    named = {shared.line.terms: shared.line.name for bucket in calls.buckets.values() for shared in bucket if shared.line}

    def changed(at: int, line: ComputedLine) -> list[ComputedLine]:
        whole = named.get(line.terms) == line.name
        return [*before.get(at, ()), line if whole else line.mapped(lambda e: _replaced(e, calls))]

    groups = [changed(at, line) for at, line in enumerate(program.lines)] if named else []
    front = len(program.forward)
    return program.with_lines(chain(*groups[:front]), chain(*groups[front:])) if named else program


def _new_lines(program: Program, calls: _Calls) -> dict[int, list[ComputedLine]]:
    """Give every value that stands in several places a line, and return the lines by the place before which they stand."""
    taken = program.names
    lines: dict[int, list[ComputedLine]] = {}
    for shared in calls.several:
        name = _fresh(f"{function_name(shared.call.func)}_{min(names_in([shared.call]), default='constant')}", taken)
        shared.line = ComputedLine(real_symbol(name, shared.indices), shared.indices, (shared.call,))
        lines.setdefault(shared.first, []).append(shared.line)
    return lines


def _calls(lines: Iterable[ComputedLine]) -> _Calls:
    calls = _Calls()
    for place, line in enumerate(lines):
        for expression in line.expressions:
            for call in _calls_in(expression):
                calls.add(call, place, line)
    return calls


def _calls_in(expression: Expr) -> Iterator[Expr]:
    """Yield the function values worth a name, the outermost ones, each as often as it is written."""
    stack = [expression]
    while stack:
        part = stack.pop()
        if not _NAMED & kinds(part):
            continue
        if part.func in _NAMED and _is_plain(part):
            yield part
        else:
            stack.extend(part.args)


def _is_plain(call: Expr) -> bool:
    """Whether the value is one of an array with the call's own indices, no sum and no reckoned address in it."""
    entries = call.atoms(Indexed)
    return not call.has(ExprWithLimits) and all(isinstance(at, Idx) for entry in entries for at in entry.indices)


def _key(call: Expr) -> tuple[type, frozenset[str]]:
    return call.func, frozenset(names_in([call]))


def _replaced(expression: Expr, calls: _Calls) -> Expr:
    found: dict[Expr, Expr] = {}
    for call in _calls_in(expression):
        known = calls.find(call)
        if known is not None and known[0].line is not None:
            shared, binding = known
            found[call] = substitute(known[0].line.entry, {i: binding[i] for i in shared.indices if binding[i] != i})
    return expression.xreplace(found) if found else expression


def _spelt_out(program: Program) -> Program:
    """Write a function by its definition where the value inside it stands elsewhere too, as in its own slope."""
    if not any(_COMPOSED & kinds(expression) for line in program.lines for expression in line.expressions):
        return program
    calls = _calls(program.lines)

    def spelt(expression: Expr) -> Expr:
        for call in expression.atoms(Application) if _COMPOSED & kinds(expression) else ():
            if call.func in _COMPOSED:
                definition = ELEMENTARY[call.func].function.definition(*call.args)
                if any(calls.find(inner) for inner in _calls_in(definition)):
                    expression = expression.xreplace({call: definition})
        return expression

    return program.with_lines(*([line.mapped(spelt) for line in lines] for lines in (program.forward, program.backward)))


def _fresh(wish: str, taken: set[str]) -> str:
    name = wish
    while name in taken:
        name += "_"
    taken.add(name)
    return name
