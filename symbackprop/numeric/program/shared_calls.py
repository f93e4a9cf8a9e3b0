"""What stands in several places gets a line of its own: tanh(c) of an LSTM, y - t of a squared error and of its slope.

`exp` and `log` stay where they are: softmax and its logarithm are recognised by them, and written so that they cannot overflow.
Sums and differences are shared between arrays; of plain numbers they cost less than they are worth a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Pow, Sum, Symbol, erf, exp, log, tanh
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import Application

from symbackprop.derive.sweep.rewrite import Binding, match
from symbackprop.functions import ELEMENTARY, function_name, gelu_tanh, sigmoid, silu
from symbackprop.network.indices import everywhere, free_indices, index_name, kinds, real_symbol, substitute
from symbackprop.numeric.program.factors import names_in, pulled_out
from symbackprop.numeric.program.program import ComputedLine, Program
from symbackprop.numeric.program.python_names import name_of

_NAMED = frozenset((tanh, sigmoid, erf))
_OR_SUMS = _NAMED | {Add}
_COMPOSED = frozenset((gelu_tanh, silu))
"""Defined by one of those; the slope has the same value in it. Not gelu: its source has digits where 1 + erf(x) has none."""


@dataclass(slots=True)
class _Shared:
    """One value, up to the names of its indices: where it was found first, how often, and the line that it is.

    Of a difference `settled` says that its sign is that of a place where the sign counts; in a square it does not.
    """

    call: Expr
    indices: tuple[Idx, ...]
    first: int
    count: int = 0
    line: ComputedLine | None = None
    settled: bool = True

    def binding(self, call: Expr) -> tuple[Binding, Expr] | None:
        """Return which indices another call has in the place of these, and what it is times this one; None for another value."""
        if call.func is not self.call.func:
            return None
        factor, bare = call.primitive() if isinstance(call, Add) else (Integer(1), call)
        for sign in (1, -1) if isinstance(call, Add) else (1,):
            found = next(match(self.call, sign * bare, frozenset(self.indices), {}), None)
            if found is not None and set(self.indices) <= set(found):
                return found, sign * factor
        return None


@dataclass(slots=True)
class _Calls:
    """The values of a program that are worth a name, in buckets by the names in them."""

    differences: bool
    buckets: dict[tuple[type, frozenset[str]], list[_Shared]] = field(default_factory=dict)

    def find(self, call: Expr) -> tuple[_Shared, Binding, Expr] | None:
        """Return the shared value that a call is, its indices, and the factor between the two."""
        for shared in self.buckets.get(_key(call), ()):
            binding = shared.binding(call)
            if binding is not None:
                return shared, *binding
        return None

    def add(self, call: Expr, place: int, line: ComputedLine, settled: bool) -> None:
        """Count a call of the line at a place; its name is the line's if it is the whole line."""
        known = self.find(call)
        if known is None:
            whole = line.terms == (call,) and not line.scatters and set(line.indices) <= free_indices(call)
            bare, sure = (call, True) if whole or not isinstance(call, Add) else _bare(call)
            shared = _Shared(bare, _order(call, line), place, line=line if whole else None, settled=settled or sure)
            self.buckets.setdefault(_key(call), []).append(shared)
        else:
            shared, _, factor = known
            if settled and not shared.settled:
                shared.call, shared.settled = factor / abs(factor) * shared.call, True
        shared.count += 1

    @property
    def several(self) -> list[_Shared]:
        """The values that stand in several places and have no name."""
        every = (shared for bucket in self.buckets.values() for shared in bucket)
        return [shared for shared in every if shared.count > 1 and shared.line is None]


def with_shared_calls(program: Program) -> Program:
    """Return the program with a line for every function value, and difference of arrays, that stands in several places."""
    program = _spelt_out(program)
    calls = _calls(program.lines, differences=not program.scalar)
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
        name = _fresh(_name(shared.call), taken)
        shared.line = ComputedLine(real_symbol(name, shared.indices), shared.indices, (shared.call,))
        lines.setdefault(shared.first, []).append(shared.line)
    return lines


def _name(call: Expr) -> str:
    """Return what a value is called: `tanh_c`, `y_minus_t`."""
    if not isinstance(call, Add):
        return f"{function_name(call.func)}_{min(names_in([call]), default='constant')}"
    first, *others = sorted(call.args, key=lambda term: (term.could_extract_minus_sign(), *sorted(names_in([term]))))
    words = [("minus" if term.could_extract_minus_sign() else "plus", name_of(_abs_of(term))) for term in others]
    return "_".join([name_of(_abs_of(first)), *chain.from_iterable(words)])


def _abs_of(term: Expr) -> Expr:
    """Return a term without its sign."""
    return -term if term.could_extract_minus_sign() else term


def _calls(lines: Iterable[ComputedLine], differences: bool) -> _Calls:
    calls = _Calls(differences)
    for place, line in enumerate(lines):
        for expression in line.expressions:
            for call, settled in _calls_in(expression, differences):
                calls.add(call, place, line, settled)
    return calls


def _calls_in(expression: Expr, differences: bool) -> Iterator[tuple[Expr, bool]]:
    """Yield the values worth a name, the outermost ones, each as often as it is written, and whether its sign counts there."""
    stack = [(expression, True, differences)]
    while stack:
        part, settled, with_differences = stack.pop()
        if not (_OR_SUMS if with_differences else _NAMED) & kinds(part):
            continue
        if _is_plain(part) if part.func in _NAMED else with_differences and _is_difference(part):
            yield part, settled
        else:
            counts = not (isinstance(part, Pow) and part.exp.is_even)
            stack += [(arg, counts, with_differences and part.func not in (exp, log)) for arg in part.args]


def _order(call: Expr, line: ComputedLine) -> tuple[Idx, ...]:
    """Return the indices of a call: those of a function as its line has them, those of a difference as its widest array has."""
    widest = _widest(call.atoms(Indexed))
    order = (*widest, *line.indices) if isinstance(call, Add) else (*line.indices, *widest)
    ranks = {index: at for at, index in reversed(list(enumerate(order)))}
    return tuple(sorted(free_indices(call), key=lambda index: (ranks.get(index, len(ranks)), index_name(index))))


def _widest(entries: Iterable[Indexed]) -> tuple[Expr, ...]:
    return max((entry.indices for entry in entries), key=lambda indices: (len(indices), str(indices)), default=())


def _bare(difference: Add) -> tuple[Expr, bool]:
    """Return a difference without the number in front, and with a plus before the array that alone has all indices; whether
    there is such a one."""
    bare = difference.primitive()[1]
    indices = free_indices(bare)
    whole = [term for term in bare.args if free_indices(term) == indices]
    return (-bare, True) if len(whole) == 1 and whole[0].could_extract_minus_sign() else (bare, len(whole) == 1)


def _is_difference(part: Expr) -> bool:
    """Whether a part is a sum or difference of two names, one of which is an array with all of the indices."""
    if not isinstance(part, Add) or len(part.args) != 2:  # asked of every sum: what is dear comes last
        return False
    terms = [_abs_of(term) for term in part.primitive()[1].args]
    if not all(map(_is_value, terms)):
        return False
    together = free_indices(part)
    return bool(together) and any(free_indices(term) == together for term in terms)


def _is_value(term: Expr) -> bool:
    """Whether a term is the general entry of an array, no index twice, or a number with a name that is no size."""
    if isinstance(term, Indexed):
        return all(isinstance(at, Idx) for at in term.indices) and len(set(term.indices)) == len(term.indices)
    return isinstance(term, Symbol) and not term.is_integer


def _is_plain(call: Expr) -> bool:
    """Whether the value is one of an array with the call's own indices, no sum and no reckoned address in it."""
    entries = call.atoms(Indexed)
    return not call.has(ExprWithLimits) and all(isinstance(at, Idx) for entry in entries for at in entry.indices)


def _key(call: Expr) -> tuple[type, frozenset[str]]:
    return call.func, frozenset(names_in([call]))


def _replaced(expression: Expr, calls: _Calls) -> Expr:
    found: dict[Expr, Expr] = {}
    for call, _ in _calls_in(expression, calls.differences):
        known = calls.find(call)
        if known is not None and known[0].line is not None:
            shared, binding, factor = known
            found[call] = factor * substitute(known[0].line.entry, {i: binding[i] for i in shared.indices if binding[i] != i})
    replaced = expression.xreplace(found) if found else expression
    if all(isinstance(value, Symbol | Indexed) for value in found.values()):
        return replaced
    return everywhere(replaced, lambda part: Mul(*pulled_out(part)) if isinstance(part, Sum) else part)  # a sign in front of Σ


def _spelt_out(program: Program) -> Program:
    """Write a function by its definition where the value inside it stands elsewhere too, as in its own slope."""
    if not any(_COMPOSED & kinds(expression) for line in program.lines for expression in line.expressions):
        return program
    calls = _calls(program.lines, differences=False)

    def spelt(expression: Expr) -> Expr:
        for call in expression.atoms(Application) if _COMPOSED & kinds(expression) else ():
            if call.func in _COMPOSED:
                definition = ELEMENTARY[call.func].function.definition(*call.args)
                if any(calls.find(inner) for inner, _ in _calls_in(definition, False)):
                    expression = expression.xreplace({call: definition})
        return expression

    return program.with_lines(*([line.mapped(spelt) for line in lines] for lines in (program.forward, program.backward)))


def _fresh(wish: str, taken: set[str]) -> str:
    name = wish
    while name in taken:
        name += "_"
    taken.add(name)
    return name
