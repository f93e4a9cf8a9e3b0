"""Whole numbers that stand for something: classes, places in a table. Code that is right for those of the example alone is wrong.

Other ones are drawn from 0 to the largest with which the loss runs. Places keep to what the example shows of them: that no two
are the same, that they are in order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop.verify.binding.name_matching import TARGETS

Runs = Callable[[Mapping[str, Any]], bool]
"""Whether a loss runs at given values."""


MOST_CLASSES = 8
"""Classes up to which a single label takes each of them."""


def redrawn(values: Mapping[str, Any], whole: Collection[str], rng: np.random.Generator, runs: Runs) -> dict[str, Any]:
    """Return the values with other whole numbers for those names, where the loss runs with them."""
    found = dict(values)
    for name in sorted(whole):
        if not np.ndim(found[name]) and name.lower() not in TARGETS:
            continue  # a count, a stride, an axis
        other = _drawn(found, name, rng, runs)
        if other is not None and runs({**found, name: other}):
            found[name] = other
    return found


def single_labels(values: Mapping[str, Any], whole: Collection[str], runs: Runs) -> Iterator[dict[str, Any]]:
    """Yield the values with every other class in the place of a label that is a single number."""
    for name in sorted(whole):
        if not np.ndim(values[name]) and name.lower() in TARGETS and values[name] >= 0:
            others = (k for k in range(min(1 + _largest(values, name, runs), MOST_CLASSES)) if k != values[name])
            yield from ({**values, name: type(values[name])(k)} for k in others)


def _drawn(values: Mapping[str, Any], name: str, rng: np.random.Generator, runs: Runs) -> Any:
    array = np.asarray(values[name])
    if not array.size or array.min() < 0:
        return None
    count = 1 + _largest(values, name, runs)
    numbers: Any = np.resize(rng.permutation(count), array.size)
    if name.lower() in TARGETS:
        drawn: Any = rng.permutation(numbers)
    elif len(np.unique(array)) < array.size:
        drawn = _in_order(array, rng.permutation(numbers))
    else:
        drawn = _in_order(array, numbers) if array.size <= count else None
    if drawn is None:
        return None
    drawn = drawn.reshape(array.shape).astype(array.dtype)
    return drawn if isinstance(values[name], np.ndarray) else type(values[name])(drawn)


def _in_order(array: Any, numbers: Any) -> Any:
    """Return numbers in order where those of an array are."""
    return np.sort(numbers) if array.ndim == 1 and np.all(np.diff(array) >= 0) else numbers


def _largest(values: Mapping[str, Any], name: str, runs: Runs) -> int:
    """Return the largest number with which the loss runs everywhere: the last place of some axis, or the largest there is."""
    array = np.asarray(values[name])
    ends = {extent - 1 for value in values.values() for extent in np.shape(value)}
    filled = ((end, np.full_like(array, end) if np.ndim(values[name]) else end) for end in sorted(ends, reverse=True))
    beyond = (end for end, every in filled if end > array.max() and runs({**values, name: every}))
    return int(next(beyond, array.max()))
