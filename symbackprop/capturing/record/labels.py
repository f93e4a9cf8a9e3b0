"""Whole numbers of the arguments that say *which*: class labels, token ids. What they pick is followed as a one-hot sum.

`p[arange(N), y]` becomes Σ_k y[n,k] p[n,k] with y[n,k] = 1 where the label of n is k. A label that is used as a number (`y *
log(p)`) is an input like any other. Rows that are one-hot themselves say which by their `argmax`: it picks by those rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symbackprop.capturing.record.choices import ChoiceGraph
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import wrap

ONE_HOT = "one-hot of "
"""What stands before the name of the input that holds the one-hot rows of labels."""


class Label(int):
    """One label: its value, where it stands in the arguments, and by how much it was moved since (`y - 1`)."""

    graph: ChoiceGraph
    name: str
    place: tuple[int, ...]
    moved: int
    sign: int

    def __new__(cls, value: int, graph: ChoiceGraph, name: str, place: tuple[int, ...], moved: int = 0, sign: int = 1) -> Label:
        label = super().__new__(cls, value)
        label.graph, label.name, label.place, label.moved, label.sign = graph, name, place, moved, sign
        return label

    def stands_for(self, graph: ChoiceGraph) -> int:
        """Return the node of the label as a number."""
        number = graph.input(self.name, self.place, float((int(self) - self.moved) * self.sign))
        signed = graph.neg(number) if self.sign < 0 else number
        return graph.add(signed, graph.constant(self.moved))

    def is_class(self, which: int) -> int:
        """Return the node that is 1 where the label is `which`, and 0 elsewhere."""
        row = (which - self.moved) * self.sign
        return self.graph.one_of(ONE_HOT + self.name, (*self.place, row), int(self) == which)

    def _shifted(self, value: int, moved: int, sign: int) -> Label:
        return Label(value, self.graph, self.name, self.place, moved, sign)

    @property
    def number(self) -> Traced:
        """The label as a traced number."""
        return Traced(self.graph, self.stands_for(self.graph))

    def __add__(self, other: Any) -> Any:
        if _is_whole(other):
            return self._shifted(int(self) + int(other), self.moved + int(other), self.sign)
        return self.number + _number(other)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self._shifted(-int(self), -self.moved, -self.sign)

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


class RowLabel(Label):
    """The place of the 1 in a row of the arguments that is one-hot; `row` are the nodes of the row."""

    row: tuple[int, ...]

    def stands_for(self, graph: ChoiceGraph) -> int:
        """Return Σ_k k row[k], moved like the label."""
        total = graph.constant(self.moved)
        for which, node in enumerate(self.row):
            total = graph.add(total, graph.mul(graph.constant(which * self.sign), node))
        return total

    def is_class(self, which: int) -> int:
        """Return the row's own element."""
        place = (which - self.moved) * self.sign
        return self.row[place] if 0 <= place < len(self.row) else self.graph.constant(0)

    def _shifted(self, value: int, moved: int, sign: int) -> Label:
        return row_label(self.graph, self.row, value, moved, sign)


def row_label(graph: ChoiceGraph, row: tuple[int, ...], value: int, moved: int = 0, sign: int = 1) -> RowLabel:
    """Return the label that a one-hot row stands for."""
    label = RowLabel(value, graph, "", (), moved, sign)
    label.row = row
    return label


def argmax(graph: ChoiceGraph, array: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """Return where the largest elements stand: labels, where every line is a one-hot row of the arguments; else by value."""
    items = np.asarray(array).view(np.ndarray) if isinstance(array, np.ndarray) else np.asarray(array, dtype=object)
    lines = items.reshape(-1) if axis is None else np.moveaxis(items, axis, -1)
    rows = [_input_row(graph, line) for line in lines.reshape(-1, lines.shape[-1])]
    if not all(rows):
        return np.argmax(items, axis=axis, keepdims=keepdims is True)
    found = np.empty(len(rows), dtype=object)
    for k, row in enumerate(rows):
        found[k] = row_label(graph, row, [graph.values[node] for node in row].index(1.0))
    shaped = found.reshape(lines.shape[:-1])
    if keepdims is True:
        shaped = shaped.reshape((1,) * items.ndim) if axis is None else np.expand_dims(shaped, axis)
    return _kept(graph, shaped) if shaped.ndim else shaped.item()


def _node_of(graph: ChoiceGraph, item: Any) -> int:
    return int(item.node if isinstance(item, Traced) else item.stands_for(graph))


def _input_row(graph: ChoiceGraph, line: Any) -> tuple[int, ...]:
    """Return the nodes of a line that is one-hot and an argument as it was given; nothing for any other."""
    if len(line) < 2 or not all(isinstance(item, Traced | Label) for item in line):
        return ()
    nodes = tuple(_node_of(graph, item) for item in line)
    given = len({*nodes}) == len(nodes) and {graph.operations[node] for node in nodes} == {"input"}
    return nodes if given and sorted(graph.values[node] for node in nodes) == [0.0] * (len(nodes) - 1) + [1.0] else ()


def _is_whole(other: Any) -> bool:
    return isinstance(other, (int, np.integer)) and not isinstance(other, (bool, Label))


def _number(other: Any) -> Any:
    return other.number if isinstance(other, Label) else other


class LabelArray(np.ndarray):
    """An object array of labels that says its numbers are whole."""

    graph: ChoiceGraph

    def __array_finalize__(self, source: Any) -> None:
        self.graph = getattr(source, "graph", None)  # type: ignore[assignment]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the plain run would say."""
        return np.dtype(np.int64)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arguments = [item.view(np.ndarray) if isinstance(item, LabelArray) else item for item in inputs]
        if ufunc in (np.maximum, np.minimum) and method == "reduce":  # how many classes there are is a size
            self.graph.decided_here()
            return ufunc.reduce(arguments[0].astype(int), **kwargs)
        if ufunc in (np.equal, np.not_equal):
            loop: Any = np.frompyfunc((lambda a, b: a == b) if ufunc is np.equal else (lambda a, b: a != b), 2, 1)
            arguments = arguments if isinstance(inputs[0], LabelArray) else arguments[::-1]
            return _kept(self.graph, loop(*arguments))
        return _kept(self.graph, getattr(ufunc, method)(*arguments, **kwargs))

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        """Of one-hot rows the labels that they stand for."""
        return argmax(self.graph, self, axis, keepdims=keepdims)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Whole numbers stay labels; as real ones they are traced inputs."""
        if np.dtype(getattr(dtype, "dtype", dtype)).kind in "iu":
            return self.copy()
        return self * Traced(self.graph, self.graph.constant(1))


def _kept(graph: ChoiceGraph, result: Any) -> Any:
    """Return the result of a loop over labels as what its elements are: labels, traced numbers or plain ones."""
    if not isinstance(result, np.ndarray) or result.dtype != object:
        return result
    if all(isinstance(item, Label) for item in result.reshape(-1)):
        array = result.view(LabelArray)
        array.graph = graph
        return array
    return wrap(graph, result)


def labels(graph: ChoiceGraph, name: str, values: np.ndarray[Any, Any]) -> LabelArray:
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


def each_class(key: tuple[Any, ...], axis: int, count: int, graph: ChoiceGraph) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield, for every class, the key with that class in place of the labels, and the labels' truths in their shape."""
    chosen = np.asarray(key[axis], dtype=object)
    for which in range(count):
        truth = np.frompyfunc(lambda label, k=which: Traced(graph, _is_class(graph, label, k)), 1, 1)(chosen)
        same = which if not chosen.ndim else np.full(chosen.shape, which)
        yield (*key[:axis], same, *key[axis + 1 :]), truth


def _is_class(graph: ChoiceGraph, label: Any, which: int) -> int:
    return label.is_class(which) if isinstance(label, Label) else graph.constant(int(label == which))
