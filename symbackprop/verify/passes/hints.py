"""What the text of a function says about the arguments it takes: their shapes, the keys of their dictionaries, their options.

Shapes stand in docstrings (`w: weights, of shape (D, M)`) and where they are taken apart (`N, C, H, W = x.shape`); sizes that are
called alike are equal.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from symbackprop.verify.binding.source_tree import definition

Sizes = tuple[str, ...]
_SHAPE = r"\(([^()]*,[^()]*)\)"
_ITEM = re.compile(r"[A-Za-z_0-9*.'\s]+")
KERNEL = re.compile(
    r"^(hh|ww|f|fh|fw|kh|kw|ff|k|h_?f\w*|w_?f\w*|f\w*_[hw]|\w*filter_?[hw]?|\w*kernel\w*|pool_?\w*|window\w*)$", re.I
)
SPATIAL = re.compile(r"^(h|w|height|width|[hw]_?(x|in|i|image|img|prev)|n_?[hw](_?prev)?|in_[hw]|d_[hw]|rows|cols)$", re.I)
BATCH = re.compile(
    r"^(n|m|n_?x|bs|b|batch\w*|num_(examples|samples|train|inputs)|number of (training )?examples?|samples?)$", re.I
)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of one function: argument → names of its sizes, keys looked up in it, values it is compared with, the
    highest number of axes that is used, and the names of the parts it is taken apart into."""

    shapes: dict[str, Sizes] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, list[Any]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    axes: dict[str, int] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def hints_of(function: Callable[..., Any], names: list[str]) -> Hints:
    """Read the text of a function."""
    found = Hints()
    text = inspect.getdoc(function) or ""
    for name in names:
        stated = _stated(text, name)
        if stated:
            found.shapes[name] = stated
        elif re.search(rf"(?mi)^\W*{re.escape(name)}\b[^\n]*\b(integer|int|number of)\b", text):
            found.whole.add(name)
    node = definition(function)
    for inner in ast.walk(node) if node is not None else ():
        _read(inner, found)
    return found


def _stated(text: str, name: str) -> Sizes:
    """Return the sizes that a docstring gives for an argument, in the line that begins with its name."""
    line = re.search(rf"(?m)^\W*{re.escape(name)}\b[^\n]*(?:\n[^\n:]*)?", text)
    shape = re.search(_SHAPE, line[0]) if line else None
    items = [item.strip() for item in shape[1].split(",") if item.strip()] if shape else []
    if "..." in items:  # (N, d_1, ..., d_k)
        items = [items[0], "D"]
    return tuple(items) if all(map(_ITEM.fullmatch, items)) else ()


def _read(node: ast.AST, found: Hints) -> None:
    if isinstance(node, ast.Assign):
        _unpacked(node, found)
    elif isinstance(node, ast.Subscript):
        _looked_up(node, found)
    elif isinstance(node, ast.Compare):
        _compared(node, found)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "setdefault"):
        found.keys.setdefault(getattr(node.func.value, "id", ""), [])  # an optional key keeps its default


def _unpacked(node: ast.Assign, found: Hints) -> None:
    """Read `N, D = x.shape` and `w, b = params`."""
    target, value = node.targets[0], node.value
    parts = target.elts if isinstance(target, ast.Tuple) else []
    names = tuple(str(getattr(part, "id", getattr(part, "attr", ""))) for part in parts)
    if not names or not all(names):
        return
    if isinstance(value, ast.Attribute) and value.attr == "shape" and isinstance(value.value, ast.Name):
        sizes = tuple(f"{name}{k}" if name == "_" else name for k, name in enumerate(names))
        found.shapes.setdefault(value.value.id, sizes)
    elif isinstance(value, ast.Name):
        found.parts.setdefault(value.id, names)


def _looked_up(node: ast.Subscript, found: Hints) -> None:
    """Read `param["stride"]`, `x[i, j, k]` and `x.shape[2]`."""
    key = getattr(node.slice, "value", None)
    if isinstance(node.value, ast.Name):
        name = node.value.id
        if isinstance(key, str) and isinstance(node.ctx, ast.Load):
            keys = found.keys.setdefault(name, [])
            keys += [key][: key not in keys]
        elif isinstance(node.slice, ast.Tuple):
            found.axes[name] = max(found.axes.get(name, 0), sum(_is_axis(part) for part in node.slice.elts))
    elif isinstance(key, int) and getattr(node.value, "attr", "") == "shape":
        name = str(getattr(getattr(node.value, "value", None), "id", ""))
        found.axes[name] = max(found.axes.get(name, 0), key + 1)


def _is_axis(index: ast.expr) -> bool:
    """Whether a part of an index stands for an axis: `None` makes one."""
    return not (isinstance(index, ast.Constant) and index.value is None)


def _compared(node: ast.Compare, found: Hints) -> None:
    """Read `kind == "relu"`."""
    if isinstance(node.left, ast.Name):
        constants = [part for side in node.comparators for part in _constants(side) if isinstance(part, str)]
        if constants:
            found.options.setdefault(node.left.id, []).extend(constants)


def _constants(node: ast.expr) -> Iterator[Any]:
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for part in node.elts:
            yield from _constants(part)
