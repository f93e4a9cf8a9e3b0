"""What code says of arguments that it does not run with, taken at its word: other sizes, more axes, whole numbers, tuples.

`size 256 is different from 3` names the size that was meant, `arrays used as indices must be of integer` the kind. Every lesson
gives other values to try; what is found so is judged as anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.passes.inventing.invented import BIAS, LARGEST, WEIGHT

Key = tuple[str, str]
Values = Mapping[Key, Any]
"""Values by owner (`class`, `function`) and name."""
MOST_NUMBERS = 20_000
"""Numbers of an array that is made so large because code asks for it."""
KINDS = 3
"""Labels, words or places are whole numbers below this."""


def lessons(values: Values, said: str, *, kinds: bool = False) -> Iterator[dict[Key, Any]]:
    """Yield other values, as an error asks for them; with `kinds` no other sizes: a backward pass that does not fit is wrong."""
    for pattern, lesson in _LESSONS:
        match = pattern.search(said) if lesson is _whole or not kinds else None
        if match is not None:
            yield from lesson(values, match)


def _sizes(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Put one of two sizes that should be one in the place of the other: in the arguments of functions first."""
    yield from _exchanged(values, int(match["first"]), int(match["second"]))


def _exchanged(values: Values, first: int, second: int) -> Iterator[dict[Key, Any]]:
    if first == second or max(first, second) > LARGEST:
        return
    for old, new in ((first, second), (second, first)):
        for key, value in _by_likelihood(values):
            yield from ({**values, key: _resized(value, shape)} for shape in _with_another_size(np.shape(value), old, new))


def _with_another_size(shape: tuple[int, ...], old: int, new: int) -> list[tuple[int, ...]]:
    """Return shapes in which a size is another one on one axis."""
    found = [(*shape[:axis], new, *shape[axis + 1 :]) for axis, size in enumerate(shape) if size == old]
    return [other for other in found if np.prod(other) <= MOST_NUMBERS]


def _broadcast(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Make shapes fit that were to be added or multiplied."""
    first, second = (_numbers(match[name]) for name in ("first", "second"))
    differing = [(a, b) for a, b in zip(reversed(first), reversed(second), strict=False) if a != b and 1 not in (a, b)]
    for a, b in differing[:1]:
        yield from _exchanged(values, a, b)


def _reshaped(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give an array as many elements as it is reshaped to: `cannot reshape array of size 12 into shape (4,784)`."""
    count, shape = int(match["first"]), _numbers(match["second"])
    if not 0 < np.prod(shape) <= MOST_NUMBERS:
        return
    for key, value in _by_likelihood(values):
        if np.size(value) == count and np.ndim(value):
            same = len(shape) > 1 and shape[0] == np.shape(value)[0]
            yield {**values, key: _resized(value, (shape[0], int(np.prod(shape[1:]))) if same else (int(np.prod(shape)),))}
            yield {**values, key: _resized(value, shape)}


def _more_axes(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give an array the number of axes that are asked for."""
    wanted, got = int(match["first"]), int(match["second"])
    if wanted > 4:
        return
    for key, value in _by_likelihood(values):
        if np.ndim(value) == got:
            yield from ({**values, key: _resized(value, shape)} for shape in _SHAPES[wanted])


def _any_axes(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give an array the number of axes that are asked for, whatever it had."""
    wanted = int(match["first"])
    for key, value in _by_likelihood(values):
        if wanted <= 4 and np.ndim(value) not in (0, wanted):
            yield from ({**values, key: _resized(value, shape)} for shape in _SHAPES[wanted])


_SHAPES: Mapping[int, tuple[tuple[int, ...], ...]] = {
    1: ((4,), (3,)),
    2: ((4, 3),),
    3: ((2, 4, 3), (4, 4, 2)),
    4: ((2, 2, 4, 4), (2, 4, 4, 2), (3, 2, 2, 2), (2, 2, 2, 3)),
}
"""Shapes of so many axes."""


def _whole(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give labels, words or places: whole numbers, of one axis or two."""
    for chosen in _sets_of_data(values):
        for shape in ((4,), (2, 4)):
            rng = np.random.default_rng(len(chosen))
            yield {**values, **{key: rng.integers(0, KINDS, shape) for key in chosen}}


def _sets_of_data(values: Values) -> list[list[Key]]:
    """Return which arguments may be whole numbers together: all data, the targets, the others, one alone."""
    data = [key for key, value in values.items() if _is_data(key, value)]
    targets = [key for key in data if is_target(key[1])]
    others = [key for key in data if key not in targets]
    return [chosen for chosen in (data, targets, others, *([key] for key in data)) if chosen]


def _is_data(key: Key, value: Any) -> bool:
    kept = any(pattern.match(key[1]) for pattern in (BIAS, WEIGHT))
    return key[0] == "function" and isinstance(value, np.ndarray) and value.dtype.kind == "f" and not kept


def _tuples(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give a tuple of sizes in the place of one that an object was made with."""
    for sizes in ((2, 2), (3, 4, 4), (3, 5, 2), (4, 3)):
        for key, value in values.items():
            if key[0] == "class" and type(value) is int:
                yield {**values, key: sizes}


def _lists(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give a list of sizes in the place of one that an object was made with."""
    for sizes in ([5], [3, 5, 2], [5, 4]):
        for key, value in values.items():
            if key[0] == "class" and type(value) is int:
                yield {**values, key: sizes}


def _numbers_for_arrays(values: Values, match: re.Match[str]) -> Iterator[dict[Key, Any]]:
    """Give sizes in the place of arrays and tuples that an object was made with."""
    for size in (5, 3):
        for key, value in values.items():
            if key[0] == "class" and (isinstance(value, tuple | list) or np.ndim(value)):
                yield {**values, key: size}


def _by_likelihood(values: Values) -> list[tuple[Key, Any]]:
    """Return the arrays, data before states and weights, what functions are given before what objects are made with."""
    arrays = [(key, value) for key, value in values.items() if isinstance(value, np.ndarray) and value.ndim]

    def rank(item: tuple[Key, Any]) -> tuple[bool, bool]:
        (owner, name), _ = item
        return owner == "class", any(pattern.match(name) for pattern in (BIAS, WEIGHT))

    return sorted(arrays, key=rank)


def _resized(value: Any, shape: tuple[int, ...]) -> Any:
    """Return numbers of the same kind in another shape."""
    rng = np.random.default_rng(len(shape))
    if value.dtype.kind in "iub":
        return rng.integers(0, max(int(np.max(value)) + 1, 2), shape)
    return np.round(rng.normal(size=shape), 3)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


Lesson = Callable[[Values, re.Match[str]], Iterator[dict[Key, Any]]]
_LESSONS: tuple[tuple[re.Pattern[str], Lesson], ...] = (
    (re.compile(r"not aligned: (?P<first>\d+) \(dim \d+\) != (?P<second>\d+)"), _sizes),
    (re.compile(r"\(size (?P<first>\d+) is different from (?P<second>\d+)\)"), _sizes),
    (
        re.compile(r"operands could not be broadcast together with shapes \((?P<first>[\d,]*)\) \((?P<second>[\d,]*)\)"),
        _broadcast,
    ),
    (re.compile(r"cannot reshape array of size (?P<first>\d+) into shape \((?P<second>[\d,]*)\)"), _reshaped),
    (re.compile(r"not enough values to unpack \(expected (?P<first>\d+), got (?P<second>\d+)\)"), _more_axes),
    (re.compile(r"array is (?P<second>\d+)-dimensional, but (?P<first>\d+) were indexed"), _more_axes),
    (re.compile(r"too many values to unpack \(expected (?P<first>\d+)"), _any_axes),
    (re.compile(r"arrays used as indices must be of integer|only integers, slices|list indices must be integers"), _whole),
    (
        re.compile(r"float\d*' object cannot be interpreted as an integer|only integer scalar arrays|object is not iterable"),
        _whole,
    ),
    (re.compile(r"'int' object is not subscriptable|cannot unpack non-iterable int"), _tuples),
    (re.compile(r"object of type 'int' has no len|'int' object is not (iterable|subscriptable)"), _lists),
    (re.compile(r"'(tuple|list)' object cannot be interpreted as an integer|only integer scalar arrays"), _numbers_for_arrays),
)
"""What errors say, and what is learned from it."""
