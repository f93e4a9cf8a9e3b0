"""The numbers inside a result, each under its dotted path: as nodes of a traced run, as arrays of a plain one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.run.nested import walk
from symbackprop.trace.run.recorder import TracedValues, value_of


def traced_values(graph: Graph, path: str, item: Any) -> Iterator[tuple[str, TracedValues]]:
    """Yield the numbers of a traced result with their dotted paths."""
    for name, leaf in walk(item, path):
        value = value_of(graph, float(leaf) if isinstance(leaf, bool) and not name else leaf)
        if value is not None:
            yield name, value


def plain_values(path: str, item: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield the numbers of a plain result with their dotted paths."""
    for name, leaf in walk(item, path):
        array = _array(leaf, name)
        if array is not None:
            yield name, array


def _array(leaf: Any, name: str) -> np.ndarray[Any, Any] | None:
    """Return numbers as an array of floats; a single truth value counts when it is all there is."""
    if isinstance(leaf, bool) and name:
        return None
    kind = getattr(getattr(leaf, "dtype", None), "kind", "")
    if isinstance(leaf, int | float) or (isinstance(leaf, np.ndarray | np.generic) and kind in tuple("iufb")):
        return np.asarray(leaf, dtype=float)
    if isinstance(leaf, np.ndarray) and kind == "O" and all(isinstance(x, int | float) for x in leaf.reshape(-1)):
        return leaf.astype(float)
    return None
