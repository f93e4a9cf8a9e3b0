"""Run a function once, unmodified, so that every number it computes is a node, choices and labels included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.capturing.record.arrays import FollowingGraph
from symbackprop.capturing.record.labels import labels
from symbackprop.errors import SymbackpropError
from symbackprop.trace.run.recorder import Local, TracedValues
from symbackprop.trace.run.result_values import traced_values
from symbackprop.trace.run.traced_run import Run

MOST_NODES = 60_000
"""Nodes of a run beyond which it is not rolled up; smaller sizes of the same code say the same."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One run: its graph, the assignments in their order, what was returned (`""`, `"0"`, `"W1"` …), the function's name.

    `changed` are arguments, and attributes of them, that hold other numbers after the run.
    """

    graph: FollowingGraph
    locals: tuple[Local, ...]
    results: Mapping[str, TracedValues]
    changed: Mapping[str, TracedValues]
    function: str


class _FollowedRun(Run):
    """A run in which whole-number arrays are labels."""

    graph: FollowingGraph

    def traced_leaf(self, path: str, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim and not self._is_input(path, value):
            return labels(self.graph, path, value)
        return super().traced_leaf(path, value)


def record(function: Callable[..., Any], example: Mapping[str, Any], seed: int = 0) -> Recording:
    """Run a function on example values.

    Raises:
        CannotTrace: the code uses something that cannot be followed; the message names its line.
        CodeFails: the code raises an exception on plain numbers, too.
    """
    graph = FollowingGraph()
    run = _FollowedRun(function, dict(example), graph, frozenset(), None, {}, {}, seed)
    run.known_names()
    try:
        outcome, recorder = run.traced()
    except SymbackpropError:
        raise
    except Exception as error:
        run.explain(error)
        raise
    results = dict(traced_values(graph, "", outcome.returned))
    finals = {path: value for name, item in outcome.arguments.items() for path, value in traced_values(graph, name, item)}
    changed = {path: value for path, value in finals.items() if run.bound.get(path) != value}
    return Recording(graph, tuple(recorder.locals), results, changed, str(getattr(run.function, "__name__", "function")))
