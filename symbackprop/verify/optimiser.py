"""Training steps of an optimiser that remembers: momentum, Adam, RMSprop. Such a step is not the gradient alone, and no mistake.

From buffers of zeros, a first step leaves in them a multiple of the gradient, `v = β v + (1 - β) g`; where the factor is one that
the code has, the gradient is read from the buffer. Where it cannot be read, there is no verdict.
"""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from symbackprop.guest.visit import visit
from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding.binding import HandCall, Outcome, Result, make_arguments, numeric, run, set_attributes
from symbackprop.verify.binding.results import read
from symbackprop.verify.binding.source_tree import plain_function
from symbackprop.verify.explain.ratio import ratio_at, simplest
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import with_defined

NEAR = 1e-9
"""Relative difference below which two steps are one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a step remembers: the names whose steps depend on earlier ones, and where their gradients can be read, if they can."""

    names: tuple[str, ...]
    results: tuple[Result, ...] = ()

    @property
    def said(self) -> str:
        """The remark on gradients that are read from buffers."""
        places = [result.path.removeprefix("self.") for result in self.results]
        scale = self.results[0].scale if self.results else 1.0
        factor = f"{scale:.6g} times the gradient" if scale != 1.0 else "the gradient"
        return f"{', '.join(self.names)}: read from {', '.join(places)}, where a first step from 0 leaves {factor}"


UNDECIDED = "its step depends on earlier steps (momentum, Adam, RMSprop …): it is not the gradient alone"


def memory_of(
    source: Reference,
    call: HandCall,
    results: Sequence[Result],
    names: Sequence[str],
    values: Mapping[str, Any],
    outcome: Outcome,
) -> Memory | None:
    """Return what the steps of some names remember; None where a step depends on nothing earlier.

    Args:
        names: those whose steps are no gradients.
        outcome: what the first run left.
    """
    steps = [result for result in results if result.node in names and result.update]
    if not steps or not (_depends_on_earlier(call, steps, values) or _is_given_buffers(source, call, steps, values)):
        return None
    stepped = tuple(result.node for result in steps)
    derived = source.numbers(values).adjoints
    for scale in _scales(call):
        buffers = _buffers(call, steps, derived, outcome, scale)
        if buffers:
            return Memory(stepped, buffers)
    return Memory(stepped)


def _buffers(
    call: HandCall, steps: Sequence[Result], derived: Mapping[str, Any], outcome: Outcome, scale: float
) -> tuple[Result, ...]:
    """Return where the gradients of all steps can be read; nothing where one cannot."""
    found = [_buffer(call, result, derived[result.node], outcome, scale) for result in steps]
    places = tuple(result for result in found if result is not None)
    return places if len(places) == len(steps) else ()


def _depends_on_earlier(call: HandCall, steps: Sequence[Result], values: Mapping[str, Any]) -> bool:
    """Whether a step from other weights comes out otherwise after a first step than by itself: the object remembers it."""
    if not isinstance(call.function, types.MethodType):
        return False
    rng = np.random.default_rng(17)
    moved = {**values, **{s.node: np.asarray(values[s.node]) + rng.normal(size=np.shape(values[s.node])) for s in steps}}
    try:
        alone = read(call, steps, run(call, moved), moved)
        after = read(call, steps, _second(call, values, moved), moved)
    except Exception:  # whatever the code raises when it is run twice
        return False
    return any(not _same(alone[step.node], after[step.node]) for step in steps)


def _second(call: HandCall, values: Mapping[str, Any], moved: Mapping[str, Any]) -> Outcome:
    """Return what the second of two steps of one object leaves, the first at some values, the second at others."""
    function, arguments = make_arguments(call, values)
    visit(partial(function, **arguments), habits=call.habits)
    owner = function.__self__  # type: ignore[attr-defined]
    set_attributes(call, owner, moved)
    _, arguments = make_arguments(call, moved)
    returned = visit(partial(function, **arguments), habits=call.habits).returned
    finals = {path: leaf for name, item in {**arguments, "self": owner}.items() for path, leaf in walk(item, name)}
    return Outcome(dict(walk(returned)), finals)


def _same(left: Any, right: Any) -> bool:
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    scale = float(np.max(np.abs(left), initial=0.0))
    return left.shape == right.shape and bool(np.all(np.abs(left - right) <= NEAR * scale))


def _is_given_buffers(source: Reference, call: HandCall, steps: Sequence[Result], values: Mapping[str, Any]) -> bool:
    """Whether the code is given zeros in the shape of every weight that it steps, which move no loss: `update(W, vW, …)`."""
    wanted = {step.node for step in steps}
    derived = with_defined(call, source, values)
    shapes = [
        np.shape(derived[name])
        for name in call.uses
        if name not in wanted and np.ndim(derived[name]) and not np.any(derived[name]) and _moves_nothing(source, name, values)
    ]
    return all(np.shape(values[name]) in shapes for name in wanted)


def without_state(source: Reference, results: Sequence[Result], values: Mapping[str, Any]) -> tuple[Result, ...]:
    """Return the results without what code changes in place and no loss depends on: buffers, a count of the steps."""
    kept = tuple(r for r in results if r.returned or not r.update or not _moves_nothing(source, r.node, values))
    return kept or tuple(results)


def with_rates(
    source: Reference, call: HandCall, results: Sequence[Result], values: Mapping[str, Any], outcome: Outcome
) -> tuple[Result, ...]:
    """Return the results with the rate of steps of which nothing says it: what most of them are times the gradient."""
    unknown = [result for result in results if result.update and not result.rate and call.rate is None]
    if not unknown:
        return tuple(results)
    moved = read(call, [replace(result, rate=1.0) for result in unknown], outcome, values)
    rate = _commonest_ratio(moved, source.numbers(values).adjoints)
    return tuple(replace(result, rate=rate) if result in unknown else result for result in results)


def _commonest_ratio(moved: Mapping[str, Any], derived: Mapping[str, Any]) -> float:
    """Return what most steps are times the gradient; 1 where none is."""
    ratios = (ratio_at(moved[name], derived[name]) for name in moved if name in derived)
    found = Counter(simplest(ratio, NEAR) for ratio in ratios if ratio is not None and ratio > 0)
    return found.most_common(1)[0][0] if found else 1.0


def _moves_nothing(source: Reference, name: str, values: Mapping[str, Any]) -> bool:
    """Whether a loss does not depend on a name, at its values and at ones."""
    adjoint = source.numbers({**values, name: np.ones(np.shape(values[name]))}).adjoints.get(name) if name in values else None
    return adjoint is not None and not np.any(adjoint)


def _buffer(call: HandCall, step: Result, derived: Any, outcome: Outcome, scale: float) -> Result | None:
    """Return the place of an array that was 0 before the step, or not there, and that holds a multiple of the gradient."""
    before = dict(walk(call.owner, "self")) if call.owner is not None else {}
    for path, leaf in outcome.finals.items():
        empty = path not in call.paths and not (numeric(before.get(path)) and np.any(before[path]))
        if empty and numeric(leaf) and np.shape(leaf) == np.shape(derived):
            ratio = ratio_at(leaf, derived)
            if ratio is not None and abs(ratio - scale) <= NEAR * scale:
                return Result(step.node, path, returned=False, scale=scale)
    return None


def _scales(call: HandCall) -> Iterator[float]:
    """Yield the multiples of the gradient that a buffer may hold: 1, and 1 - β for every β from 0 to 1 that the code has."""
    found = [1.0, *(1 - number for number in _numbers(call) if 0 < number < 1)]
    yield from dict.fromkeys(found)


def _numbers(call: HandCall) -> Iterator[float]:
    """Yield the numbers of the code's object, of the defaults of its arguments, and in its text."""
    if call.owner is not None:
        yield from (float(leaf) for _, leaf in walk(call.owner) if numeric(leaf) and not np.ndim(leaf))
    code = plain_function(call.function)
    if code is not None:
        constants = (*(code.__defaults__ or ()), *code.__code__.co_consts)
        yield from (float(constant) for constant in constants if numeric(constant) and not np.ndim(constant))
