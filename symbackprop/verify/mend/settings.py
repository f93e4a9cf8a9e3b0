"""The code at other settings: what both passes hold or default to beside arrays, each number changed by itself.

`self.dt` and `1 / self.steps` are the same by their defaults; a change that brings one in for the other mends nothing.
"""

from __future__ import annotations

import copy
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import is_user_class, is_user_file, put, walk
from symbackprop.verify.binding.binding import HandCall
from symbackprop.verify.binding.name_matching import RATES, is_target
from symbackprop.verify.reference.loss_reference import LossReference

MOST_SETTINGS = 10
"""Numbers that are changed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A reference, the code and the values at which both are run, with one number changed that both share: its `name`, and what
    it is without the change."""

    source: LossReference
    call: HandCall
    values: Mapping[str, Any]
    name: str
    number: float


def settings(source: Any, call: HandCall, values: Mapping[str, Any]) -> list[Setting]:
    """Return the settings beside the one that code and loss were run at; none for a derivation, which holds no such numbers."""
    if not isinstance(source, LossReference):
        return []
    kinds = (_of_holders, _of_defaults, _of_closed, _of_values)
    return [setting for kind in kinds for setting in kind(source, call, values)][:MOST_SETTINGS]


def _of_values(source: LossReference, call: HandCall, values: Mapping[str, Any]) -> Iterator[Setting]:
    """Whole numbers that are given by name, such as a stride."""
    for name, number in values.items():
        if type(number) is int and not is_target(name):
            yield from (Setting(source, call, {**values, name: other}, name, number) for other in _others(number))


def _of_defaults(source: LossReference, call: HandCall, values: Mapping[str, Any]) -> Iterator[Setting]:
    """Numbers that both functions have by default."""
    first, second = (_defaults(each) for each in (source.call, call))
    for name in (name for name in first if first[name] == second.get(name) and name not in values):
        for other in _others(first[name]):
            calls = [replace(each, function=_defaulting(each.function, name, other)) for each in (source.call, call)]
            yield Setting(replace(source, call=calls[0]), calls[1], values, name, first[name])


def _of_closed(source: LossReference, call: HandCall, values: Mapping[str, Any]) -> Iterator[Setting]:
    """Numbers that the user's functions have by default, where code and loss are put together from such functions."""
    first, second = (_defaults_closed_over(each.function) for each in (source.call, call))
    for name, number in sorted(item for item in first & second if item[0] not in values):
        for other in _others(number):
            calls = [replace(each, function=_with_defaults(each.function, name, number, other)) for each in (source.call, call)]
            yield Setting(replace(source, call=calls[0]), calls[1], values, name, number)


def _defaults_closed_over(function: Any) -> set[tuple[str, int | float]]:
    return {item for inner in _functions_closed_over(function) for item in _defaults_of(inner).items()}


def _functions_closed_over(function: Any) -> list[Any]:
    """Return the user's functions that a function closes over, as what puts two passes together does."""
    values = (_content(cell) for cell in getattr(function, "__closure__", None) or ())
    return [value for value in values if isinstance(value, types.FunctionType) and is_user_file(value.__code__.co_filename)]


def _with_defaults(function: Any, name: str, number: float, other: float) -> Any:
    """Return a function that closes over functions with another default."""
    cells = []
    for cell in function.__closure__:
        value = _content(cell)
        moved = any(value is own for own in _functions_closed_over(function)) and _defaults_of(value).get(name) == number
        cells.append(types.CellType(_defaulting(value, name, other)) if moved else cell)
    return _copied(function, tuple(cells))


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return None


def _defaults(call: HandCall) -> dict[str, int | float]:
    return _defaults_of(call.function)


def _defaults_of(function: Any) -> dict[str, int | float]:
    if not isinstance(function, types.FunctionType):
        return {}
    named = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in named if _is_setting(p.name, p.default)}


def _defaulting(function: Any, name: str, value: Any) -> Any:
    """Return a function with another default."""
    made = _copied(function, function.__closure__)
    count = function.__code__.co_argcount
    positional = function.__code__.co_varnames[:count][count - len(function.__defaults__ or ()) :]
    made.__defaults__ = tuple(value if n == name else old for n, old in zip(positional, function.__defaults__ or (), strict=True))
    made.__kwdefaults__ = {n: value if n == name else old for n, old in (function.__kwdefaults__ or {}).items()}
    return made


def _of_holders(source: LossReference, call: HandCall, values: Mapping[str, Any]) -> Iterator[Setting]:
    """Numbers in the object that both are methods of, and in what both close over."""
    first, second = (_holders(each.function) for each in (source.call, call))
    moved = {*call.attributes, *source.call.attributes}
    for holder in (first[key] for key in first if key in second):
        for path, number in walk(holder):
            if _is_setting(path.rpartition(".")[2], number) and path not in moved:
                for other in _others(number):
                    fresh = _with(holder, path, other)
                    calls = [replace(each, function=_holding(each.function, holder, fresh)) for each in (source.call, call)]
                    name = path.rpartition(".")[2]
                    yield Setting(replace(source, call=calls[0]), calls[1], values, name, number)


def _with(holder: Any, path: str, number: float) -> Any:
    """Return a copy of an object with another number in it; the object itself where it cannot be copied."""
    try:
        fresh = copy.deepcopy(holder)
        put(fresh, path, number)
    except Exception:  # a lock, a generator, an attribute that is worked out
        return holder
    return fresh


def _is_setting(name: str, value: Any) -> bool:
    return type(value) in (int, float) and name.lower() not in RATES and bool(np.isfinite(value))


def _others(number: float) -> Iterator[float]:
    """Yield another number of a kind: a whole number next to it, a share that stays one."""
    if isinstance(number, int):
        yield number + 1
    elif number:
        yield number * (0.8 if 0 < number <= 1 else 1.25)


def _holders(function: Any) -> dict[int, Any]:
    """Return what a function is a method of, and the objects and dictionaries that it closes over, by identity."""
    held = [function.__self__] if isinstance(function, types.MethodType) else []
    held += [_content(cell) for cell in getattr(function, "__closure__", None) or ()]
    return {id(each): each for each in held if is_user_class(type(each)) or isinstance(each, dict)}


def _holding(function: Any, old: Any, new: Any) -> Callable[..., Any]:
    """Return a function with another object in the place of one."""
    if isinstance(function, types.MethodType):
        return types.MethodType(function.__func__, new) if function.__self__ is old else function
    cells = tuple(types.CellType(new) if _content(cell) is old else cell for cell in function.__closure__)
    made: Callable[..., Any] = _copied(function, cells)
    return made


def _copied(function: Any, closure: tuple[types.CellType, ...] | None) -> Any:
    made = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__, made.__qualname__, made.__module__ = (
        function.__kwdefaults__,
        function.__qualname__,
        function.__module__,
    )
    made.__dict__.update(vars(function))
    return made
