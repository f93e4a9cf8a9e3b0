"""The values inside a value: of dictionaries, sequences, dataclasses and the user's objects, each under its dotted path.

`members` says what a container holds, `walk` lists what is at the bottom (`params.W1`, `layers.0.b`), `mapped` makes a copy with
something else in its place, `put` replaces one of them.
"""

from __future__ import annotations

import dataclasses
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_LIBRARIES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})
_HERE = str(Path(__file__).resolve().parents[2])  # the package itself: its own functions are never run on traced values
_BOTTOM = (np.ndarray, np.generic, str, bytes, int, float, type, types.FunctionType, types.ModuleType)
DEPTH = 8
"""Containers inside containers that are looked through."""


NO_FILE = "<layer>"
"""What stands for the file of functions that put two passes together."""


def is_user_file(filename: str) -> bool:
    """Whether code is the user's: not of the standard library, an installed package or this one."""
    if filename.startswith("<frozen"):
        return False
    return "site-packages" not in filename and not filename.startswith((*_LIBRARIES, _HERE + "/"))


def is_user_class(kind: type) -> bool:
    """Whether a class is written by the user, in Python, without a metaclass of its own."""
    module = sys.modules.get(kind.__module__)
    filename = getattr(module, "__file__", None) or "<user>"
    if kind.__module__ in ("builtins", "numpy") or (type(kind) is not type and type(kind).__name__ != "ABCMeta"):
        return False
    if module is not None and getattr(module, "__file__", None) is None and module.__name__ != "__main__":
        return kind.__module__ not in sys.builtin_module_names and "__init__" in dir(kind) and has_functions(kind)
    return is_user_file(filename)


def has_functions(kind: type) -> bool:
    """Whether a class defines methods of its own."""
    return any(isinstance(member, types.FunctionType) for member in vars(kind).values())


def slots(kind: type) -> tuple[str, ...]:
    """Return the names in a class's `__slots__`."""
    found = vars(kind).get("__slots__", ())
    return (found,) if isinstance(found, str) else tuple(found)


def instance_members(value: Any) -> dict[str, Any]:
    """Return the attributes an object holds itself, from its dictionary and its slots."""
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        for name in slots(kind):
            if hasattr(value, name) and name not in ("__dict__", "__weakref__"):
                found.setdefault(name, getattr(value, name))
    return found


def members(item: Any) -> dict[str, Any] | None:
    """Return what a container holds, by name or position; None for everything else, arrays too."""
    if item is None or isinstance(item, _BOTTOM):
        return None
    if isinstance(item, Mapping):
        return {str(key): member for key, member in item.items()}
    if isinstance(item, list | tuple):
        return dict(zip(getattr(item, "_fields", map(str, range(len(item)))), item, strict=True))
    if isinstance(item, types.SimpleNamespace) or dataclasses.is_dataclass(item) or is_user_class(type(item)):
        return instance_members(item)
    return None


def joined(*parts: str) -> str:
    """Return a dotted path."""
    return ".".join(part for part in parts if part)


def walk(item: Any, path: str = "", *, depth: int = DEPTH, most: int | None = None) -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) for everything that is no container; `most` leaves longer lists out.

    A container inside itself is passed over; one that is deeper than `depth` stands for itself.
    """
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [(path, item, ())]
    while waiting:
        path, item, above = waiting.pop()
        if most is not None and isinstance(item, list | tuple) and len(item) > most and len(above) < depth:
            continue
        inside = members(item) if len(above) < depth else None
        if inside is None:
            yield path, item
        elif id(item) not in above:
            below = (*above, id(item))
            waiting += [(joined(path, name), member, below) for name, member in reversed(inside.items())]


def mapped(
    change: Callable[[str, Any], Any], item: Any, path: str = "", is_whole: Callable[[Any], bool] = lambda item: False
) -> Any:
    """Return a copy of dictionaries, lists and tuples with `change(path, value)` for what is inside, and for what `is_whole`."""
    if is_whole(item) or not isinstance(item, dict | list | tuple):
        return change(path, item)
    if isinstance(item, dict):
        return {key: mapped(change, member, joined(path, str(key)), is_whole) for key, member in item.items()}
    inside = [mapped(change, member, joined(path, str(position)), is_whole) for position, member in enumerate(item)]
    return type(item)(*inside) if hasattr(item, "_fields") else type(item)(inside)


def put(item: Any, path: str, value: Any) -> None:
    """Put a value in the place of what is under a dotted path: an attribute, a key or a position.

    A tuple takes nothing new: another one is put in its place. Raises TypeError where the tuple is the item itself.
    """
    head, _, last = path.rpartition(".")
    holder = _inside(item, head)
    if isinstance(holder, dict):
        holder[_key(holder, last)] = value
    elif isinstance(holder, list):
        holder[int(last)] = value
    elif isinstance(holder, tuple):
        if not head:
            raise TypeError(f"a tuple takes nothing new at {path}")
        put(item, head, _with(holder, last, value))
    else:
        object.__setattr__(holder, last, value)


def _with(item: tuple[Any, ...], name: str, value: Any) -> tuple[Any, ...]:
    """Return a tuple with a value in the place of a name or a position."""
    inside = [value if own == name else member for own, member in (members(item) or {}).items()]
    return type(item)(*inside) if hasattr(item, "_fields") else type(item)(inside)


def _inside(item: Any, path: str) -> Any:
    """Return what is under a dotted path."""
    for name in filter(None, path.split(".")):
        item = _member(item, name)
    return item


def _member(item: Any, name: str) -> Any:
    if isinstance(item, dict):
        return item[_key(item, name)]
    if isinstance(item, list | tuple) and name.isdigit():
        return item[int(name)]
    return getattr(item, name)


def _key(item: Mapping[Any, Any], name: str) -> Any:
    return next((key for key in item if str(key) == name), name)


def shared_arrays(item: Any, path: str = "") -> dict[str, tuple[str, ...]]:
    """Return path → every path under which the same array stands, the shortest first."""
    groups: dict[int, list[str]] = {}
    for at, leaf in walk(item, path):
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iuf":
            groups.setdefault(id(leaf), []).append(at)
    ordered = (tuple(sorted(paths, key=lambda at: (at.count("."), at))) for paths in groups.values())
    return {at: paths for paths in ordered for at in paths}
