"""What handwritten code does beside computing: other results for the same arguments, arguments changed in place.

A result that depends on a counter, on a clock or on random numbers is no function of the arguments, and no point can prove it.
"""

from __future__ import annotations

import pickle
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symbackprop.verify.binding.binding import HandCall, Outcome, Result, run
from symbackprop.verify.binding.results import read
from symbackprop.verify.binding.source_tree import plain_function

SEEDS = tuple(range(1, 201))
"""Seeds of the global generators under which code that draws is run again; a change in one run of thirty is seen by 99.9 %."""
FEW, MANY = 3, 300
"""Runs of code that keeps nothing between calls, and of code that does: a counter, a generator of its own, a cache."""
LARGE = 2_000
"""Numbers in the arguments above which code is run again a tenth as often."""
_MOST_BYTES = 1_000_000
PACKAGE = __name__.partition(".")[0]


def runs_of(values: Mapping[str, Any], most: int) -> int:
    """Return how often code is run again on arguments of this size."""
    return most if sum(np.size(value) for value in values.values()) <= LARGE else max(FEW, most // 10)


def kept_between_calls(function: Callable[..., Any]) -> dict[str, bytes]:
    """Return what code can keep from one call to the next, by name: globals, closures, defaults and attributes of functions.

    Functions of its own file that it names are looked through as well; what cannot be written down is left out.
    """
    found: dict[str, bytes] = {}
    first = plain_function(function)
    own = first is not None and not str(first.__module__).startswith(f"{PACKAGE}.")
    waiting, seen = [first] if first is not None and own else [], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for name, value in _held(current):
            waiting += [inner for inner in _functions(value) if inner.__code__.co_filename == current.__code__.co_filename]
            written = _written(value)
            found |= {name: written} if written is not None else {}
    return found


def _held(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        yield from ((name, function.__globals__[name]) for name in code.co_names if name in function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a name that has no value yet
            yield name, cell.cell_contents
    yield from ((f"a default of {function.__name__} ({at + 1})", value) for at, value in enumerate(function.__defaults__ or ()))
    yield from ((f"{function.__name__}.{name}", value) for name, value in vars(function).items())


def _functions(value: Any) -> list[types.FunctionType]:
    """Return a function, or the functions in a dictionary, a list or a tuple."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
    return [item for item in items if isinstance(item, types.FunctionType)]


def _written(value: Any) -> bytes | None:
    if isinstance(value, types.ModuleType | types.FunctionType | types.BuiltinFunctionType | type):
        return None
    if getattr(value, "nbytes", 0) > _MOST_BYTES:
        return None
    try:
        return pickle.dumps(value)
    except Exception:  # whatever the user's own objects raise
        return None


def unsteady(
    call: HandCall,
    results: Sequence[Result],
    values: Mapping[str, Any],
    first: Outcome,
    *,
    times: int = 1,
    seeds: Sequence[int] = (),
) -> dict[str, str]:
    """Return name of a gradient → what is said of it, for those that come out otherwise when the code is run again.

    Args:
        times: how often, with the same random numbers.
        seeds: of the global generators, for further runs of code that draws random numbers.
    """
    before = read(call, results, first, values)
    found: dict[str, str] = {}
    for seed, why in [*[(0, "")] * times, *((seed, " (it draws random numbers)") for seed in seeds)]:
        if len(found) == len(before):
            break
        again = read(call, results, run(call, values, seed=seed), values)
        for name, value in before.items():
            if name not in found and not _same(value, again.get(name)):
                found[name] = f"the code gives other results for the same arguments{why}"
    return found


def overwritten(call: HandCall, results: Sequence[Result], values: Mapping[str, Any], outcome: Outcome) -> tuple[str, ...]:
    """Return the arguments that the code changes in place, but for weights that it updates."""
    meant = {result.path for result in results if not result.returned}
    changed = (
        path
        for path, name in call.paths.items()
        if path not in meant and path in outcome.finals and name in values and not path.startswith("self.")
        if not _same(outcome.finals[path], values[name])
    )
    return tuple(dict.fromkeys(changed))


def _same(left: Any, right: Any) -> bool:
    if right is None or np.shape(left) != np.shape(right):
        return False
    try:
        return bool(np.array_equal(np.asarray(left, dtype=float), np.asarray(right, dtype=float), equal_nan=True))
    except (TypeError, ValueError):
        return True  # no numbers
