"""What mends handwritten code: one edit, or two, of its text, tried on plain numbers and kept only if the exact check proves it.

The code's own functions are compiled again with the edit; nothing of the user's is changed.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from types import MappingProxyType
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError
from symbackprop.verify.binding import Call, Result, run
from symbackprop.verify.branches import find_flips
from symbackprop.verify.compare import compare_sample, disagreeing
from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.edits import edits
from symbackprop.verify.records import Repair, Status
from symbackprop.verify.results import read
from symbackprop.verify.rewrites import COST, Fits, Written, rewrites, written
from symbackprop.verify.samples import (
    Point,
    Reference,
    Sample,
    conclusive,
    numeric_sample,
    traced_sample,
    with_coordinates,
    with_defined,
)
from symbackprop.verify.splices import Edit, Source
from symbackprop.verify.worlds import same

SECONDS = 12.0
"""Time after which the search ends in any case; normally the number of candidates ends it."""
MOST_TRIED = 2500
"""Candidates tried in numbers, the likely ones first."""
MOST_FLIPS = 3
"""Points on the other sides of comparisons at which changed code is checked as well."""
MOST_REFUTED = 4
"""Candidates that are right in numbers but not exactly, after which the search ends."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One function of the handwritten code that may be edited: its text without indentation, and where it stands."""

    function: types.FunctionType
    text: str
    filename: str
    line: int

    @property
    def name(self) -> str:
        """The name under which the module knows it."""
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class Candidate:
    """A changed text of one unit, the edit that made it, and the text before."""

    unit: Unit
    text: str
    edit: Edit
    before: str


def units(call: Call) -> tuple[Unit, ...]:
    """Return the checked function and the functions of the same file that it calls, directly or through others."""
    first = getattr(call.function, "__func__", call.function)
    if not isinstance(first, types.FunctionType):
        return ()
    waiting, seen = [first], {first}
    found: list[Unit] = []
    while waiting:
        function = waiting.pop(0)
        unit = _unit(function)
        if unit is not None:
            found.append(unit)
        for name in _mentioned(function.__code__):
            other = function.__globals__.get(name)
            if isinstance(other, types.FunctionType) and other not in seen and _same_file(other, function):
                seen.add(other)
                waiting.append(other)
    return tuple(found)


def _unit(function: types.FunctionType) -> Unit | None:
    try:
        lines, start = inspect.getsourcelines(function)
        text = textwrap.dedent("".join(lines))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    skipped = tree.body[0].lineno - 1  # decorators
    text = "".join(text.splitlines(keepends=True)[skipped:])
    return Unit(function, text, function.__code__.co_filename, start + skipped)


def _mentioned(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _mentioned(constant)


def _same_file(left: types.FunctionType, right: types.FunctionType) -> bool:
    return left.__code__.co_filename == right.__code__.co_filename


def compiled(unit: Unit, text: str) -> types.CodeType | None:
    """Return the code of a unit with another text, or None when that is no valid Python."""
    try:
        module = compile("\n" * (unit.line - 1) + text, unit.filename, "exec")
    except (SyntaxError, ValueError):
        return None
    return next((c for c in module.co_consts if isinstance(c, types.CodeType) and c.co_name == unit.name), None)


def changed_call(call: Call, known: Sequence[Unit], texts: Mapping[str, str]) -> Call | None:
    """Return the call with some units' texts changed; every function gets globals of its own."""
    space: dict[str, Any] = {}
    first = getattr(call.function, "__func__", call.function)
    made: types.FunctionType | None = None
    for unit in known:
        code = compiled(unit, texts[unit.name]) if unit.name in texts else unit.function.__code__
        if code is None:
            return None
        if not space:
            space.update(unit.function.__globals__)
        closure = unit.function.__closure__
        if unit.name in texts and closure:
            cells = zip(unit.function.__code__.co_freevars, closure, strict=True)
            space.update((name, cell.cell_contents) for name, cell in cells)
            closure = None
        fresh = types.FunctionType(code, space, unit.name, unit.function.__defaults__, closure)
        fresh.__kwdefaults__ = unit.function.__kwdefaults__
        fresh.__module__, fresh.__qualname__ = unit.function.__module__, unit.function.__qualname__
        if unit.function is first:
            made = fresh
        if unit.function.__globals__.get(unit.name) is unit.function:
            space[unit.name] = fresh
    if made is None:
        return None
    owner = call.owner
    return replace(call, function=made if owner is None else types.MethodType(made, owner))


@dataclass(frozen=True)
class Search:
    """What candidates are judged by: the numbers of two samples, the smallest first."""

    source: Reference
    call: Call
    results: tuple[Result, ...]
    samples: tuple[Sample, ...]
    values: tuple[Mapping[str, Any], ...]
    names: tuple[str, ...]
    wrong: tuple[str, ...]

    def right_names(self, call: Call) -> frozenset[str]:
        """Return the names whose gradient is right in numbers at every sample; none when the code fails."""
        names = frozenset(self.names)
        for sample, values in zip(self.samples, self.values, strict=True):
            try:
                found = read(call, self.results, run(call, values), values)
                if not any(n in found and agrees(found[n], sample.evaluated.adjoints[n]) for n in self.wrong):
                    return frozenset()
                names = frozenset(n for n in names if n in found and agrees(found[n], sample.evaluated.adjoints[n]))
            except Exception:
                return frozenset()
            if not names:
                break
        return names


def agrees(hand: Any, derived: Any) -> bool:
    """Whether two arrays are equal up to rounding; two zeros agree."""
    if isinstance(hand, float) and isinstance(derived, float):
        return abs(hand - derived) <= 1e-8 * abs(derived) + 1e-15
    hand, derived = np.asarray(hand), np.asarray(derived)
    if hand.shape != derived.shape or hand.dtype.kind not in "fiu":
        return False
    return same(hand, derived) or bool(np.all(np.abs(hand) < 1e-13) and np.all(np.abs(derived) < 1e-13))


def repairs(
    source: Reference,
    call: Call,
    results: Sequence[Result],
    samples: Sequence[Sample],
    wrong: Sequence[str],
    suspects: Mapping[int, float] = MappingProxyType({}),
    seconds: float = SECONDS,
) -> tuple[Repair, ...]:
    """Return the cheapest change (of one edit, else of two) with which every gradient is right; empty when none was found in
    time.

    Args:
        suspects: lines of the file with how much they are suspected; the most suspected are tried first.
    """
    known = units(call)
    if not known or not wrong:
        return ()
    chosen = _chosen(conclusive(source, samples)) or list(samples[:1])
    values = tuple(with_defined(call, source, sample.point.values) for sample in chosen)
    search = Search(source, call, tuple(results), tuple(chosen), values, tuple(r.node for r in results), tuple(wrong))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return _searched(search, known, suspects, seconds)


def _chosen(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples, one of each size first: a change must be right at all of them, `len(X)` is not `len(b)`."""
    ordered = sorted(samples, key=lambda sample: sample.point.count)
    first = {sample.point.label: sample for sample in reversed(ordered)}
    others = [sample for sample in ordered if first[sample.point.label] is not sample]
    return [*sorted(first.values(), key=lambda sample: sample.point.count), *others]


def _searched(search: Search, known: Sequence[Unit], suspects: Mapping[int, float], seconds: float) -> tuple[Repair, ...]:
    deadline = monotonic() + seconds
    before = frozenset(search.names) - set(search.wrong)
    target = frozenset(search.names)
    best: tuple[frozenset[str], dict[str, str], Candidate] | None = None
    refuted = 0
    for candidate in _candidates(known, {}, suspects, deadline, search):
        right = _right(search, known, {candidate.unit.name: candidate.text})
        if right == target:
            proved = _proved(search, known, {candidate.unit.name: candidate.text}, [candidate])
            if proved:
                return proved
            refuted += 1
            if refuted >= MOST_REFUTED:
                return ()
        elif right > before and (best is None or len(right) > len(best[0])):
            best = (right, {candidate.unit.name: candidate.text}, candidate)
    if best is None:
        return ()
    for candidate in _candidates(known, best[1], suspects, deadline + seconds / 2):
        texts = {**best[1], candidate.unit.name: candidate.text}
        if _right(search, known, texts) == target:
            return _proved(search, known, texts, [best[2], candidate])
    return ()


def _candidates(
    known: Sequence[Unit],
    texts: Mapping[str, str],
    suspects: Mapping[int, float],
    deadline: float,
    search: Search | None = None,
) -> Iterator[Candidate]:
    """Yield edits of all units, the likely ones first, until the time is over.

    Given the search, statements written anew from the derivation are offered before edits as far-fetched as they are.
    """
    offered: list[tuple[float, Candidate]] = []
    for depth, unit in enumerate(known):
        text = texts.get(unit.name, unit.text)
        for edit in edits(Source(text)):
            doubt = suspects.get(edit.line + unit.line - 1, -0.5 if suspects else 0.0)
            nearer = edit.cost - doubt + 0.05 * depth
            offered.append((nearer, Candidate(unit, edit.apply(text), edit, text)))
    offered.sort(key=lambda pair: pair[0])
    pending = search is not None
    for _, candidate in offered[:MOST_TRIED]:
        if monotonic() > deadline:
            return
        if pending and search is not None and candidate.edit.cost >= COST - 0.1:
            pending = False
            yield from _rewritten(search, known, suspects)
        yield candidate
    if pending and search is not None:
        yield from _rewritten(search, known, suspects)


def _rewritten(search: Search, known: Sequence[Unit], suspects: Mapping[int, float]) -> Iterator[Candidate]:
    """Yield statements written anew from the derivation, the most suspected line first."""
    if not isinstance(search.source, DerivationReference):
        return
    lines = written(search.source.derivation)
    found: list[tuple[float, Candidate]] = []
    for unit in known:
        fits = _fits(search, unit.name, lines)
        for edit in rewrites(Source(unit.text), lines, search.source.vocabulary, unit.function.__globals__, fits):
            doubt = suspects.get(edit.line + unit.line - 1, -0.5)
            found.append((-doubt, Candidate(unit, edit.apply(unit.text), edit, unit.text)))
    found.sort(key=lambda pair: pair[0])
    yield from (candidate for _, candidate in found)


def _fits(search: Search, function: str, lines: Written) -> Fits:
    """Return whether a variable has the shape of a node (or adjoint) at the first sample; unknown shapes are let pass."""
    sample = search.samples[0]
    shapes = {at.name: at.value.shape for at in (sample.run.locals if sample.run else ()) if at.function == function}
    nodes = {symbol: node for node, symbol in lines.adjoints.items()}

    def fits(variable: str, key: str) -> bool:
        node = nodes.get(key, key)
        return (
            variable not in shapes
            or node not in sample.evaluated.nodes
            or shapes[variable] == np.shape(sample.evaluated.nodes[node])
        )

    return fits


def _right(search: Search, known: Sequence[Unit], texts: Mapping[str, str]) -> frozenset[str]:
    call = changed_call(search.call, known, texts)
    return search.right_names(call) if call is not None else frozenset()


def _proved(search: Search, known: Sequence[Unit], texts: Mapping[str, str], steps: Sequence[Candidate]) -> tuple[Repair, ...]:
    """Return the change as a repair when the exact check accepts it."""
    call = changed_call(search.call, known, texts)
    statuses = _statuses(search, call) if call is not None else set()
    if call is None or disagreeing(search.source, call, search.results, search.samples, 0):
        return ()
    if statuses and statuses <= _ACCEPTED:
        return (_as_repair(steps, statuses == {Status.PROVED}),)
    return ()


def _statuses(search: Search, call: Call) -> set[Status]:
    statuses: set[Status] = set()
    for sample in search.samples:
        take: Callable[..., Sample] = traced_sample if sample.traced else numeric_sample
        try:
            checked = take(search.source, call, search.results, sample.point)
        except SymbackpropError:
            return set()
        statuses |= {outcome.status for outcome in compare_sample(checked).values()}
        if statuses <= _ACCEPTED:
            statuses |= _beyond(search, call, checked)
    return statuses


_ACCEPTED = {Status.PROVED, Status.AGREES}


def _beyond(search: Search, call: Call, checked: Sample) -> set[Status]:
    """Return the outcomes on the other sides of comparisons: `(x > 0)` mends nothing because x happened to be positive."""
    if checked.graph is None or checked.run is None:
        return set()
    statuses: set[Status] = set()
    conditions = [condition for condition in checked.run.conditions if condition.place is not None]
    for coordinates, _ in find_flips(checked.graph, conditions).points[:MOST_FLIPS]:
        values = search.source.respecting(with_coordinates(checked.point.values, coordinates))
        if not all(np.all(np.isfinite(value)) for value in search.source.numbers(values).adjoints.values()):
            continue
        try:
            other = traced_sample(search.source, call, search.results, Point(values, checked.point.label))
        except SymbackpropError:
            continue
        statuses |= {outcome.status for outcome in compare_sample(other).values()}
    return statuses


def _as_repair(steps: Sequence[Candidate], proved: bool) -> Repair:
    made = [_step(candidate, proved) for candidate in steps]
    return replace(made[0], more=tuple(made[1:]))


def _step(candidate: Candidate, proved: bool) -> Repair:
    """Show the lines that an edit touches, before and after."""
    edit = candidate.edit
    first = candidate.before.count("\n", 0, edit.start)
    # Of a statement over several lines, only those that change.
    old = candidate.before.splitlines()[first : candidate.before.count("\n", 0, edit.end) + 1]
    new = candidate.text.splitlines()[first : candidate.text.count("\n", 0, edit.start + len(edit.new)) + 1]
    while len(old) > 1 and len(new) > 1 and old[0] == new[0]:
        old, new, first = old[1:], new[1:], first + 1
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    before, after = (" ⏎ ".join(line.strip() for line in lines) for lines in (old, new))
    return Repair(candidate.unit.filename, candidate.unit.line + first, before, after, proved)
