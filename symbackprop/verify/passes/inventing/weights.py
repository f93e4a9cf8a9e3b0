"""Dictionaries of weights for code that comes without an example: shapes that fit one another, from layer to layer.

`{"W1": …, "b1": …, "W2": …}` is a chain of layers, `{"Wxh": …, "Whh": …}` a recurrent one; samples are rows, or columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

Shapes = dict[str, tuple[int, ...]]
HIDDEN = (5, 6, 7, 8, 9)
_LAYER = re.compile(r"(?P<kind>[A-Za-z_]+?)_?(?P<number>\d+)")
_BETWEEN = re.compile(r"[WU]_?(?P<first>[xihyaof])(?P<second>[xihyaof])")
_OFFSET = re.compile(r"b_?(?P<first>[hyao])")
_SINGLE, _SINGLE_OFFSET = re.compile(r"w|W|weights?|theta"), re.compile(r"[bB]\w*")
_BIASES: tuple[Callable[[int], tuple[int, ...]], ...] = (lambda size: (size,), lambda size: (1, size))
_ROLES: Mapping[str, int] = {"x": 3, "i": 3, "h": 5, "a": 5, "f": 5, "y": 4, "o": 4}


def dictionaries(keys: Sequence[str]) -> list[Callable[[np.random.Generator], dict[str, Any]]]:
    """Return what makes a dictionary of weights with these keys, the likeliest first; nothing where they are no weights."""
    found = _of_layers(keys) or _of_roles(keys) or _of_one(keys)
    return [lambda rng, shapes=shapes: _drawn(shapes, rng) for shapes in found]  # type: ignore[misc]


def _drawn(shapes: Shapes, rng: np.random.Generator) -> dict[str, Any]:
    return {key: np.round(rng.normal(size=shape), 3) if shape else 0.1 for key, shape in shapes.items()}


def _of_layers(keys: Sequence[str]) -> list[Shapes]:
    """Return the shapes of numbered layers: weights have two axes, everything else is an offset or a scale."""
    parts = {key: part for key in keys if (part := _LAYER.fullmatch(key))}
    numbers = sorted({int(part["number"]) for part in parts.values()})
    layers = [(key, part["kind"][0] in "Ww", numbers.index(int(part["number"]))) for key, part in parts.items()]
    if len(parts) < len(keys) or not any(is_weight for _, is_weight, _ in layers):
        return []
    return [*_rows(layers, len(numbers)), *_columns(layers, len(numbers))]


def _rows(layers: Sequence[tuple[str, bool, int]], count: int) -> Iterator[Shapes]:
    for last, bias in product((3, 1, 5), _BIASES):
        sizes = (3, *HIDDEN[: count - 1], last)
        yield {key: (sizes[k], sizes[k + 1]) if is_weight else bias(sizes[k + 1]) for key, is_weight, k in layers}


def _columns(layers: Sequence[tuple[str, bool, int]], count: int) -> Iterator[Shapes]:
    for last in (1, 4):
        sizes = (4, *HIDDEN[: count - 1], last)
        yield {key: (sizes[k + 1], sizes[k]) if is_weight else (sizes[k + 1], 1) for key, is_weight, k in layers}


def _of_roles(keys: Sequence[str]) -> list[Shapes]:
    """Return the shapes of weights that say what they lead from and to: `Wxh`, `Whh`, `Why`, `bh`, `by`."""
    between = {key: part for key in keys if (part := _BETWEEN.fullmatch(key))}
    offsets = {key: _ROLES[part["first"]] for key in keys if (part := _OFFSET.fullmatch(key))}
    if not between or len(between) + len(offsets) != len(keys):
        return []
    sizes: Shapes = {key: (_ROLES[part["first"]], _ROLES[part["second"]]) for key, part in between.items()}
    return [_turned(sizes, offsets, *way) for way in ((1, _BIASES[0]), (1, _BIASES[1]), (-1, _column), (-1, _BIASES[0]))]


def _turned(sizes: Shapes, offsets: Mapping[str, int], step: int, bias: Callable[[int], tuple[int, ...]]) -> Shapes:
    weights = {key: shape[::step] for key, shape in sizes.items()}
    return weights | {key: bias(size) for key, size in offsets.items()}


def _column(size: int) -> tuple[int, ...]:
    return size, 1


def _of_one(keys: Sequence[str]) -> list[Shapes]:
    """Return the shapes of one weight and what is added to it: `w`, `b`."""
    weights = [*filter(_SINGLE.fullmatch, keys)]
    offsets = [*filter(_SINGLE_OFFSET.fullmatch, keys)]
    if len(weights) != 1 or len(offsets) != len(keys) - 1:
        return []
    return [{weights[0]: weight, **dict.fromkeys(offsets, offset)} for weight, offset in _SINGLES]


_SINGLES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3,), ()),
    ((3, 1), ()),
    ((4, 1), ()),
    ((3, 5), (5,)),
    ((3, 5), (1, 5)),
)
