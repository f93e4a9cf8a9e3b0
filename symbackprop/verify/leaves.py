"""The numbers inside a result: of dicts, sequences, dataclasses and objects, each under its dotted path."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from symbackprop.verify.graph import Graph
from symbackprop.verify.namespace import instance_members, is_user_class
from symbackprop.verify.recorder import Value, value_of


def _members(item: Any) -> Iterator[tuple[str, Any]] | None:
    if isinstance(item, dict):
        return ((str(key), member) for key, member in item.items())
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return zip(item._fields, item, strict=True)
    if isinstance(item, (list, tuple)):
        return ((str(position), member) for position, member in enumerate(item))
    if isinstance(item, types.SimpleNamespace):
        return iter(vars(item).items())
    if dataclasses.is_dataclass(item) or is_user_class(type(item)):
        return (
            iter(instance_members(item).items()) if not isinstance(item, (type, types.FunctionType, types.ModuleType)) else None
        )
    return None


def _walk(path: str, item: Any, seen: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    members = _members(item)
    if members is None:
        yield path, item
    elif id(item) not in seen:
        for name, member in members:
            yield from _walk(f"{path}.{name}" if path else name, member, (*seen, id(item)))


def traced_values(graph: Graph, path: str, item: Any) -> Iterator[tuple[str, Value]]:
    """Yield the numbers of a traced result with their dotted paths."""
    for name, leaf in _walk(path, item):
        value = value_of(graph, leaf)
        if value is not None:
            yield name, value


def plain_values(path: str, item: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield the numbers of a plain result with their dotted paths."""
    for name, leaf in _walk(path, item):
        if isinstance(leaf, (bool, str)) or leaf is None:
            continue
        is_number = isinstance(leaf, (int, float, np.integer, np.floating))
        if is_number or (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iuf"):
            yield name, np.asarray(leaf, dtype=float)
        elif isinstance(leaf, np.ndarray) and leaf.dtype == object and all(isinstance(x, (int, float)) for x in leaf.reshape(-1)):
            yield name, leaf.astype(float)
