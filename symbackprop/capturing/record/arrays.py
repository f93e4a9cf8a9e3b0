"""Traced arrays that follow what labels pick and what masks replace, and numpy's functions for them.

Reading by labels is a one-hot sum over the classes; writing by labels or by a mask chooses, element by element, between what is
written and what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from symbackprop.capturing.record.choices import BUILTINS, ELEMENT_RULES, ChoiceGraph
from symbackprop.capturing.record.labels import LabelArray, argmax, each_class, holds_labels
from symbackprop.errors import NotSupportedError
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import TracedArray, call_ufunc, finish, lifted, plain, wrap
from symbackprop.trace.graph.graph import Graph


class FollowedArray(TracedArray):
    """A traced array that may be read and written by labels and by masks."""

    graph: ChoiceGraph

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        axis = _label_axis(keys)
        if axis is not None:
            return _read_by_labels(self, _whole_keys(self, keys), axis)
        mask = _mask(self, key)
        if mask is not None:
            # As many numbers as the mask has places: what the mask leaves out is 0, which a sum does not notice.
            return finish(self.graph, _chosen(self.graph, mask, plain(self), self.graph.constant(0)).reshape(-1))
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        keys = key if isinstance(key, tuple) else (key,)
        axis, mask = _label_axis(keys), _mask(self, key)
        if axis is not None:
            _write_by_labels(self, _whole_keys(self, keys), axis, plain(lifted(self.graph, value)))
        elif mask is not None:
            new = plain(lifted(self.graph, value))
            new = np.asarray(new, dtype=object)
            new = new.reshape(self.shape) if new.size == self.size and new.ndim == 1 else new
            plain(self)[...] = _elementwise(self.graph, _held(self.graph, mask, new, plain(self)), new, plain(self))
        elif np.ndim(value) == 0 and _is_places(keys):
            places = np.zeros(self.shape, dtype=bool)
            places[key] = True
            mask, new = _boxed(self.graph, places.astype(int)), _boxed(self.graph, np.broadcast_to(value, self.shape))
            plain(self)[...] = _elementwise(self.graph, _held(self.graph, mask, new, plain(self)), new, plain(self))
        else:
            super().__setitem__(key, value)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        """Of one-hot rows the labels that they stand for."""
        return argmax(self.graph, self, axis, keepdims=keepdims)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Truths are 0 and 1 already, whatever they are cast to."""
        kind = np.dtype(getattr(dtype, "dtype", dtype)).kind
        if kind in "biu" and all(self.graph.is_truth(item.node) for item in plain(self).reshape(-1)):
            return self.copy()
        return super().astype(dtype, *args, **kwargs)


def _label_axis(keys: tuple[Any, ...]) -> int | None:
    return next((axis for axis, key in enumerate(keys) if holds_labels(key)), None)


def _whole_keys(array: Any, keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """Write an ellipsis out."""
    if not any(key is Ellipsis for key in keys):
        return keys
    at = next(k for k, key in enumerate(keys) if key is Ellipsis)
    taken = sum(key is not None for key in keys) - 1
    return (*keys[:at], *[slice(None)] * (array.ndim - taken), *keys[at + 1 :])


def _extent(array: Any, keys: tuple[Any, ...], axis: int) -> int:
    """Return the size of the axis that a key at a position picks from."""
    return int(array.shape[sum(key is not None for key in keys[:axis])])


def _places(array: Any, keys: tuple[Any, ...], axis: int) -> Any:
    """Return, for every element read, the position in the array of labels that picked it."""
    chosen = np.asarray(keys[axis], dtype=object)
    own = np.arange(chosen.size).reshape(chosen.shape)
    real = sum(key is not None for key in keys[:axis])
    shape = list(array.shape)
    shape[real] = max(chosen.size, 1)
    line = np.arange(shape[real]).reshape([-1 if k == real else 1 for k in range(len(shape))])
    rest = tuple(_plain_key(key) for key in keys[axis + 1 :])
    return np.broadcast_to(line, shape)[(*keys[:axis], own if chosen.ndim else 0, *rest)]


def _plain_key(key: Any) -> Any:
    return np.asarray(key, dtype=object).astype(int) if isinstance(key, LabelArray) else key


def _read_by_labels(array: FollowedArray, keys: tuple[Any, ...], axis: int) -> Any:
    places = _places(array, keys, axis)
    total: Any = None
    for key, truths in each_class(keys, axis, _extent(array, keys, axis), array.graph):
        hot = np.asarray(truths, dtype=object).reshape(-1)[places]
        term = np.asarray(plain(array[key]), dtype=object) * hot
        total = term if total is None else total + term
    return finish(array.graph, np.asarray(total, dtype=object))


def _write_by_labels(array: FollowedArray, keys: tuple[Any, ...], axis: int, value: Any) -> None:
    graph = array.graph
    places = _places(array, keys, axis)
    new = np.broadcast_to(np.asarray(value, dtype=object), np.shape(places))
    addresses = np.arange(array.size).reshape(array.shape)
    flat = plain(array).reshape(-1)
    for key, truths in each_class(keys, axis, _extent(array, keys, axis), graph):
        hot = np.asarray(truths, dtype=object).reshape(-1)[places]
        rest = tuple(_plain_key(one) for one in key)
        for at, truth, item in zip(np.ravel(addresses[rest]), np.ravel(hot), np.ravel(new), strict=True):
            flat[at] = _replaced(graph, truth, item, flat[at])
    if flat.base is not plain(array) and not np.shares_memory(flat, array):
        plain(array)[...] = flat.reshape(array.shape)


def _replaced(graph: ChoiceGraph, truth: Any, new: Any, old: Any) -> Any:
    """Return new·truth + old·(1 - truth). What was read by the same labels and changed by a sum is old + truth·change."""
    change = _change(graph, new.node, truth.node, old.node)
    if change is not None:
        return old + truth * Traced(graph, change)
    return new * truth + old * (1 - truth)


def _change(graph: Graph, new: int, truth: int, old: int) -> int | None:
    """Return c where `new` is (what the truth picks, among it `old`) + c."""
    if graph.operations[new] != "add":
        return None
    for one, other in (graph.arguments[new], graph.arguments[new][::-1]):
        waiting = [one]
        while waiting:
            node = waiting.pop()
            if graph.operations[node] == "mul" and set(graph.arguments[node]) == {truth, old}:
                return other
            waiting += graph.arguments[node] if graph.operations[node] == "add" else []
    return None


def _mask(array: FollowedArray, key: Any) -> Any:
    """Return a key as a mask of the array's shape when it is one that depends on the inputs."""
    if not isinstance(key, TracedArray) or key.ndim > array.ndim or array.shape[: key.ndim] != key.shape:
        return None
    graph = array.graph
    if not all(graph.is_truth(item.node) for item in plain(key).reshape(-1)):
        return None
    return np.broadcast_to(plain(key).reshape(key.shape + (1,) * (array.ndim - key.ndim)), array.shape)


def _elementwise(graph: ChoiceGraph, mask: Any, new: Any, old: Any) -> Any:
    def element(condition: Any, chosen: Any, other: Any) -> Any:
        return Traced(graph, graph.choose(condition.node, chosen.node, other.node))

    return np.frompyfunc(element, 3, 1)(mask, new, old)


def _chosen(graph: ChoiceGraph, mask: Any, new: Any, other: int) -> Any:
    return np.asarray(_elementwise(graph, mask, new, plain(Traced(graph, other))), dtype=object)


# ---- numpy's functions


def _where(graph: ChoiceGraph, condition: Any, *choices: Any) -> Any:
    if not choices:
        decided = np.asarray(plain(condition), dtype=object).astype(bool) if isinstance(condition, TracedArray) else condition
        return np.where(decided)
    boxed = [_boxed(graph, value) for value in (condition, *choices)]
    boxed[0] = _held(graph, boxed[0], *boxed[1:])
    return finish(graph, np.asarray(_elementwise(graph, *boxed), dtype=object))


def _is_places(keys: tuple[Any, ...]) -> bool:
    """Whether keys say place by place which elements are meant: a known mask, or as many lists of places as there are axes."""
    arrays = [isinstance(key, np.ndarray) and not isinstance(key, TracedArray | LabelArray) for key in keys]
    return all(arrays) and (keys[0].dtype == bool or len(keys) > 1)


def _held(graph: ChoiceGraph, mask: Any, new: Any, old: Any) -> Any:
    """Return a mask of known truths as numbers that keep their place, where it chooses between numbers and what is followed.

    A choice that is made at once gives rows of different lengths to a sum: `exp(-1e9)` is 0, and is gone.
    """
    known = [graph.fraction(item.node) for item in mask.reshape(-1)]
    constant = [all(graph.operations[item.node] == "constant" for item in side.reshape(-1)) for side in (new, old)]
    if set(known) != {0, 1} or constant[0] == constant[1]:
        return mask
    return np.frompyfunc(lambda item: Traced(graph, graph.held(graph.fraction(item.node) == 1)), 1, 1)(mask)


def _boxed(graph: Graph, value: Any) -> Any:
    """Return an array of objects, a single number too: a traced one by itself would take the place of numpy's function."""
    plainly = np.asarray(plain(lifted(graph, value)), dtype=object)
    boxed = np.empty(plainly.shape, dtype=object)
    boxed.reshape(-1)[:] = [
        item if isinstance(item, Traced) else wrap(graph, np.asarray(item, dtype=object)) for item in plainly.reshape(-1)
    ]
    return boxed


def _extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def function(graph: Graph, array: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **_: Any) -> Any:
        if isinstance(array, LabelArray):
            return ufunc.reduce(array, axis=axis, keepdims=keepdims is True)
        return call_ufunc(graph, ufunc, "reduce", (lifted(graph, array),), {"axis": axis, "keepdims": keepdims is True})

    return function


def _select(graph: ChoiceGraph, conditions: Any, choices: Any, default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        result = _where(graph, condition, choice, result)
    return result


def _fill_diagonal(graph: ChoiceGraph, array: Any, value: Any, wrap: Any = False) -> None:
    if wrap:
        raise NotSupportedError("np.fill_diagonal with wrap=True is not followed; write the places, as in a[i, i] = 0")
    array[(np.arange(min(array.shape)),) * array.ndim] = value


def _take_along_axis(graph: ChoiceGraph, array: Any, indices: Any, axis: int = -1) -> Any:
    axis %= array.ndim
    shape = np.shape(indices)
    keys = [np.arange(size).reshape([-1 if k == axis_ else 1 for k in range(len(shape))]) for axis_, size in enumerate(shape)]
    keys[axis] = indices
    return array[tuple(keys)]


def _add_at(graph: ChoiceGraph, target: Any, key: Any, value: Any) -> None:
    """np.add.at: what is added to one place several times is added several times."""
    keys = _whole_keys(target, key if isinstance(key, tuple) else (key,))
    axis = _label_axis(keys)
    if axis is None:
        np.add.at(plain(target), key, np.asarray(plain(lifted(graph, value)), dtype=object))
        return
    places = _places(target, keys, axis)
    new = np.broadcast_to(np.asarray(plain(lifted(graph, value)), dtype=object), np.shape(places))
    for one, truths in each_class(keys, axis, _extent(target, keys, axis), graph):
        hot = np.asarray(truths, dtype=object).reshape(-1)[places]
        np.add.at(plain(target), tuple(_plain_key(part) for part in one), new * hot)


class FollowingGraph(ChoiceGraph):
    """The graph of a captured run: choices are recorded, labels and masks are followed."""

    element_rules = ELEMENT_RULES
    builtins = BUILTINS
    array_kind = FollowedArray
    function_rules: ClassVar[Mapping[str, Callable[..., Any]]] = {  # type: ignore[misc]
        "where": _where,
        "argmax": argmax,
        "add.at": _add_at,
        "select": _select,
        "fill_diagonal": _fill_diagonal,
        "take_along_axis": _take_along_axis,
        "take": lambda graph, array, indices, axis=None: (
            np.ravel(array)[indices] if axis is None else array[(*[slice(None)] * (axis % array.ndim), indices)]
        ),
        **dict.fromkeys(("max", "amax"), _extreme(np.maximum)),
        **dict.fromkeys(("min", "amin"), _extreme(np.minimum)),
    }
