"""Which line is running, and what the user's local variables hold after each line.

`watch` installs a line hook for the code of one `Namespace`: it tells the graph the current line, so that every node
knows the line that made it, and records each assignment (also into arrays, dictionaries and attributes) as a `Local`.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import TracedArray, plain
from symbackprop.trace.graph.graph import Graph, Place
from symbackprop.trace.run.namespace import Namespace
from symbackprop.trace.run.nested import is_user_file, walk

MOST_LOCALS = 20_000
"""Assignments recorded at most; a training loop over thousands of samples stops being recorded, not being traced."""
_MOST_ITEMS = 64
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class TracedValues:
    """Traced numbers in a shape: nodes in row-major order; the shape of a number is ()."""

    shape: tuple[int, ...]
    nodes: tuple[int, ...]

    def values(self, graph: Graph) -> np.ndarray[Any, Any]:
        """Return the float64 values at the point of the trace."""
        return np.array([graph.values[node] for node in self.nodes]).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Local:
    """A variable just after the line that set it: its dotted name (`grads.dW1`, `self.h`), function, line and
    value."""

    name: str
    function: str
    place: Place
    value: TracedValues


def value_of(graph: Graph, item: Any) -> TracedValues | None:
    """Return traced or plain real numbers as a `TracedValues`; None for anything else."""
    if isinstance(item, Traced):
        return TracedValues((), (item.node,))
    if isinstance(item, np.ndarray | np.bool_):
        nodes = _element_nodes(graph, plain(item).reshape(-1))
        return None if nodes is None else TracedValues(item.shape, nodes)
    if isinstance(item, (int, float, np.integer, np.floating)) and not isinstance(item, bool):
        return TracedValues((), (graph.number(float(item)),))
    return None


def _element_nodes(graph: Graph, elements: np.ndarray[Any, Any]) -> tuple[int, ...] | None:
    if elements.dtype.kind in "iufb":
        return tuple(graph.number(float(element)) for element in elements)
    if elements.dtype == object and all(isinstance(element, Traced) for element in elements):
        return tuple(element.node for element in elements)
    return None


def traced_parts(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    """Yield the traced arrays and numbers in a variable, with dotted names, down to a depth."""
    return (
        (path, part) for path, part in walk(item, name, depth=_DEPTH, most=_MOST_ITEMS) if isinstance(part, Traced | TracedArray)
    )


def _mark(item: Any) -> Any:
    """What changes when the variable is assigned or its array is written to: the nodes themselves, cheaply."""
    return (id(item), item.view(np.ndarray).tobytes()) if isinstance(item, TracedArray) else item.node


MOST_LOOKED_AT = 500_000
"""Values of variables that are looked at in one run, over all its lines."""


class _Frame:
    """The line hook of one call of a user function."""

    __slots__ = ("line", "marks", "owner")

    def __init__(self, owner: Recorder, frame: types.FrameType) -> None:
        self.owner = owner
        self.line = frame.f_lineno
        self.marks = {path: _mark(item) for path, item in self._leaves(frame)} if owner.left > 0 else {}

    @staticmethod
    def _leaves(frame: types.FrameType) -> Iterator[tuple[str, Any]]:
        for name, item in list(frame.f_locals.items()):
            if not name.startswith("."):
                yield from traced_parts(name, item)

    def __call__(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            self._record(frame)
            self.line = frame.f_lineno
            if event == "line":
                self.owner.enter(frame)
            else:
                self.owner.leave(frame)
        return self

    def _record(self, frame: types.FrameType) -> None:
        if self.owner.left <= 0:  # a loop over ten thousand values is not looked at line by line to its end
            return
        place = self.owner.place(frame.f_code.co_filename, self.line)
        for path, item in self._leaves(frame):
            self.owner.left -= 1
            mark = _mark(item)
            if self.marks.get(path) != mark:
                self.marks[path] = mark
                self.owner.add(path, frame.f_code.co_name, place, item)


class Recorder:
    """The line hook of one run, and what it has recorded."""

    def __init__(self, space: Namespace, graph: Graph, variables: bool = True) -> None:
        self.space = space
        self.graph = graph
        self.locals: list[Local] = []
        self.left = MOST_LOOKED_AT if variables else 0
        self.complete = True
        self._places: dict[tuple[str, int], Place] = {}
        self._foreign: set[types.CodeType] = set()

    def place(self, filename: str, line: int) -> Place:
        known = self._places.get((filename, line))
        if known is None:
            known = self._places[filename, line] = Place(filename, line)
        return known

    def is_user(self, frame: types.FrameType | None) -> bool:
        return (
            frame is not None
            and "__builtins__" in frame.f_globals
            and any(frame.f_globals is g for g in self.space.globals.values())
        )

    def enter(self, frame: types.FrameType) -> None:
        self.graph.place = self.place(frame.f_code.co_filename, frame.f_lineno)

    def leave(self, frame: types.FrameType) -> None:
        caller = frame.f_back
        while caller is not None and not self.is_user(caller):
            caller = caller.f_back
        if caller is not None:
            self.enter(caller)

    def add(self, name: str, function: str, place: Place, item: Any) -> None:
        if len(self.locals) >= MOST_LOCALS:
            self.complete = False
            return
        value = value_of(self.graph, item)
        if value is not None:
            self.locals.append(Local(name, function, place, value))

    def hook(self, frame: types.FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        # Called for every Python call while tracing, the operators of traced numbers included: one lookup for most.
        if frame.f_code in self._foreign:
            return None
        if event != "call" or not self.is_user(frame):
            if not is_user_file(frame.f_code.co_filename):
                self._foreign.add(frame.f_code)
            return None
        self.enter(frame)
        return _Frame(self, frame)


@contextmanager
def watch(space: Namespace, graph: Graph, variables: bool = True) -> Iterator[Recorder]:
    """Record lines, and `variables`, of the user's code that runs inside the block; an earlier hook (a debugger) is put back
    after it."""
    recorder = Recorder(space, graph, variables)
    earlier = sys.gettrace()
    sys.settrace(recorder.hook)
    try:
        yield recorder
    finally:
        sys.settrace(earlier)
