"""Whole numbers of the arguments that say *which*: class labels, token ids. What they pick is followed as a one-hot sum.

`p[arange(N), y]` becomes Σ_k y[n,k] p[n,k] with y[n,k] = 1 where the label of n is k. A label that is used as a number (`y *
log(p)`) is an input like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import wrap
from symbackprop.trace.graph.graph import Graph

ONE_HOT = "one-hot of "
"""What stands before the name of the input that holds the one-hot rows of labels."""


class Label(int):
    """One label: its value, where it stands in the arguments, and by how much it was moved since (`y - 1`)."""

    graph: Graph
    name: str
    place: tuple[int, ...]
    moved: int
    sign: int

    def __new__(cls, value: int, graph: Graph, name: str, place: tuple[int, ...], moved: int = 0, sign: int = 1) -> Label:
        label = super().__new__(cls, value)
        label.graph, label.name, label.place, label.moved, label.sign = graph, name, place, moved, sign
        return label

    def stands_for(self, graph: Graph) -> int:
        """Return the node of the label as a number."""
        number = graph.input(self.name, self.place, float((int(self) - self.moved) * self.sign))
        signed = graph.neg(number) if self.sign < 0 else number
        return graph.add(signed, graph.constant(self.moved))

    def is_class(self, which: int) -> int:
        """Return the node that is 1 where the label is `which`, and 0 elsewhere."""
        row = (which - self.moved) * self.sign
        return self.graph.input(ONE_HOT + self.name, (*self.place, row), float(int(self) == which))

    @property
    def number(self) -> Traced:
        """The label as a traced number."""
        return Traced(self.graph, self.stands_for(self.graph))

    def __add__(self, other: Any) -> Any:
        if _is_whole(other):
            return Label(int(self) + int(other), self.graph, self.name, self.place, self.moved + int(other), self.sign)
        return self.number + _number(other)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Label(-int(self), self.graph, self.name, self.place, -self.moved, -self.sign)

    def __sub__(self, other: Any) -> Any:
        return self + -other if _is_whole(other) else self.number - _number(other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other if _is_whole(other) else _number(other) - self.number

    def __mul__(self, other: Any) -> Any:
        return self.number * _number(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.number / _number(other)

    def __rtruediv__(self, other: Any) -> Any:
        return _number(other) / self.number

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return self.number ** _number(other)

    def __eq__(self, other: object) -> Any:
        if _is_whole(other):
            return Traced(self.graph, self.is_class(int(other)))  # type: ignore[call-overload]
        return int(self) == other

    def __ne__(self, other: object) -> Any:
        return 1 - (self == other) if _is_whole(other) else int(self) != other

    def __hash__(self) -> int:
        return hash(int(self))


def _is_whole(other: Any) -> bool:
    return isinstance(other, (int, np.integer)) and not isinstance(other, (bool, Label))


def _number(other: Any) -> Any:
    return other.number if isinstance(other, Label) else other


class LabelArray(np.ndarray):
    """An object array of labels that says its numbers are whole."""

    graph: Graph

    def __array_finalize__(self, source: Any) -> None:
        self.graph = getattr(source, "graph", None)  # type: ignore[assignment]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the plain run would say."""
        return np.dtype(np.int64)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arguments = [item.view(np.ndarray) if isinstance(item, LabelArray) else item for item in inputs]
        if ufunc in (np.equal, np.not_equal):
            loop: Any = np.frompyfunc((lambda a, b: a == b) if ufunc is np.equal else (lambda a, b: a != b), 2, 1)
            arguments = arguments if isinstance(inputs[0], LabelArray) else arguments[::-1]
            return _kept(self.graph, loop(*arguments))
        return _kept(self.graph, getattr(ufunc, method)(*arguments, **kwargs))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Whole numbers stay labels; as real ones they are traced inputs."""
        if np.dtype(getattr(dtype, "dtype", dtype)).kind in "iu":
            return self.copy()
        return self * Traced(self.graph, self.graph.constant(1))


def _kept(graph: Graph, result: Any) -> Any:
    """Return the result of a loop over labels as what its elements are: labels, traced numbers or plain ones."""
    if not isinstance(result, np.ndarray) or result.dtype != object:
        return result
    if all(isinstance(item, Label) for item in result.reshape(-1)):
        array = result.view(LabelArray)
        array.graph = graph
        return array
    return wrap(graph, result)


def labels(graph: Graph, name: str, values: np.ndarray[Any, Any]) -> LabelArray:
    """Return an array of whole numbers as labels."""
    objects = np.empty(values.shape, dtype=object)
    for place in np.ndindex(values.shape):
        objects[place] = Label(int(values[place]), graph, name, place)
    array = objects.view(LabelArray)
    array.graph = graph
    return array


def holds_labels(value: Any) -> bool:
    """Whether a value is a label or an array or list of labels."""
    if isinstance(value, Label):
        return True
    if isinstance(value, list):
        return any(isinstance(item, Label) for item in value)
    return isinstance(value, np.ndarray) and value.dtype == np.int64 and isinstance(value, LabelArray) and value.size > 0


def each_class(key: tuple[Any, ...], axis: int, count: int, graph: Graph) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield, for every class, the key with that class in place of the labels, and the labels' truths in their shape."""
    chosen = np.asarray(key[axis], dtype=object)
    for which in range(count):
        truth = np.frompyfunc(lambda label, k=which: Traced(graph, _is_class(graph, label, k)), 1, 1)(chosen)
        same = which if not chosen.ndim else np.full(chosen.shape, which)
        yield (*key[:axis], same, *key[axis + 1 :]), truth


def _is_class(graph: Graph, label: Any, which: int) -> int:
    return label.is_class(which) if isinstance(label, Label) else graph.constant(int(label == which))
