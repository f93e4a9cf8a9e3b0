"""An object as it is when work goes on with it: with the weights that it makes from its first data, after an earlier batch.

Weights that the first run makes (`if self.W is None`, `build(input_shape)`) are parameters like any others. What a run has left
and the next one does not replace is either such a weight or a cache of the first batch, with which the gradient of another one is
wrong; the object is checked with both. Everything else is put back to what it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop.guest.visit import visit
from symbackprop.trace.run.nested import instance_members, is_user_class, walk
from symbackprop.verify.binding.binding import numeric
from symbackprop.verify.passes.inventing.objects import HandingOn, is_helper
from symbackprop.verify.passes.passes import call_with, method_of, own_copy, parameters_of

_BUILDERS = re.compile(
    r"_*(build|setup|set_up|initiali[sz]e|init|prepare|compile)(_?(params?|parameters|weights|layer|model|network|input_?shape|training|temps|buffers))?",
    re.IGNORECASE,
)
_SETS_SHAPE = re.compile(r"_*(set|update)_?input_?(shape|size|dim)|(get_|compute_)?out(put)?_?shape", re.IGNORECASE)


def started(owner: Any, forward: Any, given: Mapping[str, Any]) -> Any:
    """Return the object with the weights that it makes late, and with what it keeps of an earlier batch; itself where it has
    neither, and where forward does not run at all."""
    if owner is None or not is_user_class(type(owner)):
        return owner
    for ready in _ready(owner, given):
        kept = _after_two(ready, forward, given)
        if kept is not None:
            return kept
    return owner


def _ready(owner: Any, given: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the object as it is, and after what creates its weights was called, in the ways in which that may be meant."""
    yield owner
    for name in dir(type(owner)):
        if _BUILDERS.fullmatch(name) or _SETS_SHAPE.fullmatch(name):
            for batch in (True, False):
                built = own_copy(owner)
                try:
                    builder = getattr(built, name)
                    arguments = {p.name: _argument(p.name, given, batch) for p in parameters_of(builder) if p.default is p.empty}
                    visit(lambda b=builder, a=arguments: call_with(b, a), habits=None)  # type: ignore[misc]
                except Exception:  # whatever it raises: it is not meant to be called so
                    continue
                yield built


def _argument(name: str, given: Mapping[str, Any], batch: bool) -> Any:
    """Return what a builder is given: a shape, with the batch or without, a number of features, the data, a generator."""
    data = next(value for value in given.values() if np.ndim(value))
    if name in given:
        return given[name]
    if re.search(r"batch_?size|n_?samples", name, re.IGNORECASE):
        return len(data)
    if re.search(r"shape", name, re.IGNORECASE):
        return np.shape(data) if batch else np.shape(data)[1:]
    if is_helper(name):
        return HandingOn()
    if re.search(r"rng|rand|seed", name, re.IGNORECASE):
        return np.random.RandomState(0)
    if re.search(r"dim|size|feat|^n_?|_?in(puts?)?$", name, re.IGNORECASE):
        return np.shape(data)[-1]
    raise TypeError(name)


def _after_two(owner: Any, forward: Any, given: Mapping[str, Any]) -> Any:
    """Return the object after two batches, with what neither has replaced; the same where there is nothing of the kind.

    None where forward fails.
    """
    warm = own_copy(owner)
    try:
        _run(warm, forward, {name: _other(value) for name, value in given.items()})
        first = _arrays(warm)
        _run(warm, forward, given)
    except Exception:  # whatever it raises: it is not meant to be called so
        return None
    before = _arrays(owner)
    new = {path: leaf for path, leaf in _arrays(warm).items() if path not in before and np.array_equal(first.get(path, ()), leaf)}
    kept = {path for path, leaf in new.items() if not any(np.array_equal(leaf, own) for own in before.values())}
    return _put_back(warm, owner, kept, "") if kept else owner


def _run(owner: Any, forward: Any, given: Mapping[str, Any]) -> None:
    function: Callable[..., Any] = method_of(owner, forward)
    visit(lambda: call_with(function, own_copy(dict(given))), habits=None)


def _other(value: Any) -> Any:
    """Return other data of the same kind: numbers of another size, labels in another order."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * 0.7 + 0.11
    return np.roll(value, 1) if isinstance(value, np.ndarray) and value.ndim else value


def _arrays(owner: Any) -> dict[str, Any]:
    return {path: leaf for path, leaf in walk(owner) if numeric(leaf) and np.ndim(leaf) and np.asarray(leaf).dtype.kind == "f"}


def _put_back(new: Any, old: Any, kept: set[str], path: str) -> Any:
    """Put what a run has left in an object back to what it was, but for flags, and for what holds something that is kept."""
    before = instance_members(old)
    for name, value in instance_members(new).items():
        at = f"{path}.{name}" if path else name
        if any(k == at or k.startswith(f"{at}.") for k in kept):
            if _is_object(value) and _is_object(before.get(name)):
                _put_back(value, before[name], kept, at)
        elif _holds_numbers(value) or _holds_numbers(before.get(name)):
            _set_back(new, name, before)
    return new


def _set_back(new: Any, name: str, before: Mapping[str, Any]) -> None:
    if name in before:
        setattr(new, name, own_copy(before[name]))
    else:
        delattr(new, name)


def _is_object(value: Any) -> bool:
    return value is not None and is_user_class(type(value))


def _holds_numbers(value: Any) -> bool:
    return any(np.ndim(leaf) for _, leaf in walk(value) if numeric(leaf))
