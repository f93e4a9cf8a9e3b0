"""What the text of a function says about the arguments it takes: their shapes, the keys of their dictionaries, their options.

Shapes stand in docstrings (`w: weights, of shape (D, M)`) and where they are taken apart (`N, C, H, W = x.shape`); sizes that are
called alike are equal.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symbackprop.verify.binding.source_tree import definition, plain_function

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
    highest number of axes that is used, the names of the parts it is taken apart into, and whether its length is asked for.

    `lengths` are the arguments that are lengths of arrays which the function makes: `np.zeros((inputs, classes))`.
    `held` are the sizes of the matrices that the object has whose method it is, `objects` what makes those that an argument is.
    """

    shapes: dict[str, Sizes] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, list[Any]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    axes: dict[str, int] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    lengths: set[str] = field(default_factory=set)
    held: tuple[int, ...] = ()
    objects: Mapping[str, list[Callable[..., Any]]] = field(default_factory=dict)


def is_of_single_numbers(function: Callable[..., Any]) -> bool:
    """Whether a function, or one of its file that it calls, works with functions of `math`, which take single numbers alone."""
    plain = plain_function(function)
    if plain is None:
        return False
    own = [item for item in _named_in(plain) if getattr(item, "__module__", None) == plain.__module__]
    inner = [item for other in own if isinstance(other, types.FunctionType) for item in _named_in(other)]
    return any(item is math or getattr(item, "__module__", None) == "math" for item in (*_named_in(plain), *inner))


def _named_in(function: types.FunctionType) -> list[Any]:
    """Return the global objects that a function names."""
    return [function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__]


def hints_of(function: Callable[..., Any], names: list[str]) -> Hints:
    """Read the text of a function."""
    found = Hints()
    text = inspect.getdoc(function) or ""
    for name in names:
        stated = _stated(text, name)
        if stated and not re.search(rf"(?mi)^\W*{re.escape(name)}\b[^\n]*\bdictionary\b", text):
            found.shapes[name] = stated
        elif re.search(rf"(?mi)^\W*{re.escape(name)}\b[^\n]*\b(integer|int|number of)\b", text):
            found.whole.add(name)
    node = definition(function)
    for inner in ast.walk(node) if node is not None else ():
        _read(inner, found)
    _handed_on(node, function, found)
    return found


def _handed_on(node: ast.AST | None, function: Callable[..., Any], found: Hints) -> None:
    """Read the keys that a helper looks up in an argument that is handed on to it: `forward(X, params)`."""
    known = getattr(function, "__globals__", {})
    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)) if node is not None else ():
        helper = known.get(getattr(call.func, "id", ""))
        if isinstance(helper, types.FunctionType) and helper is not function:
            _handed_to(call, definition(helper), found)


def _handed_to(call: ast.Call, helper: Any, found: Hints) -> None:
    own = Hints()
    for inner in ast.walk(helper) if helper is not None else ():
        _read(inner, own)
    parameters = helper.args.args if helper is not None else ()
    for argument, parameter in zip(call.args, parameters, strict=False):
        if isinstance(argument, ast.Name) and parameter.arg in own.keys:
            _add(found.keys.setdefault(argument.id, []), own.keys[parameter.arg])


def _add(keys: list[str], new: list[str]) -> None:
    keys += [key for key in new if key not in keys]


def _stated(text: str, name: str) -> Sizes:
    """Return the sizes that a docstring gives for an argument: in the line that begins with its name, or right after it."""
    line = re.search(rf"(?m)^\W*{re.escape(name)}\b[^\n]*(?:\n[^\n:]*)?", text)
    inside = re.search(rf"(?<![\w.]){re.escape(name)} ?[:=] ?(?:shape ?)?\([^()\n]*\)", text)
    shape = re.search(_SHAPE, (line or inside or [""])[0])
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
    elif isinstance(node, ast.Call):
        _called(node, found)


def _called(node: ast.Call, found: Hints) -> None:
    """Read `len(x)`, `np.zeros((a, b))` and `options.get("eps", 1e-5)`."""
    attribute, first = getattr(node.func, "attr", ""), getattr(next(iter(node.args), None), "id", "")
    if getattr(node.func, "id", "") == "len":
        found.counted.add(first)
    elif _NEW.fullmatch(attribute):
        found.lengths.update(_lengths(node))
    elif attribute in ("get", "setdefault") and isinstance(node.func, ast.Attribute):
        found.keys.setdefault(getattr(node.func.value, "id", ""), [])  # an optional key keeps its default


_NEW = re.compile("zeros|ones|empty|full|eye|randn?|normal|uniform|random|standard_normal|random_sample|ranf|xavier|he")
"""What makes an array of given lengths."""


def _lengths(call: ast.Call) -> Iterator[str]:
    """Yield the names among the lengths of an array that a call makes: of `randn(a, b)`, `zeros((a, 1))`, `normal(size=a)`."""
    drawn = getattr(call.func, "attr", "") in ("normal", "uniform")  # their places are those of the distribution
    given = [keyword.value for keyword in call.keywords if keyword.arg in ("size", "shape")]
    for item in [*(call.args[2:3] if drawn else call.args), *given]:
        parts = item.elts if isinstance(item, ast.Tuple | ast.List) else [item]
        yield from (part.id for part in parts if isinstance(part, ast.Name))


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
        looked = _keys_of(node.slice)
        if looked and isinstance(node.ctx, ast.Load):
            _add(found.keys.setdefault(name, []), looked)
        elif isinstance(node.slice, ast.Tuple):
            found.axes[name] = max(found.axes.get(name, 0), sum(_is_axis(part) for part in node.slice.elts))
    elif isinstance(key, int) and getattr(node.value, "attr", "") == "shape":
        name = str(getattr(getattr(node.value, "value", None), "id", ""))
        found.axes[name] = max(found.axes.get(name, 0), key + 1)


def _keys_of(index: ast.expr) -> list[str]:
    """Return the key that stands there; of one that ends in a number, `params["W" + str(l)]`, `params[f"W{l}"]`, two."""
    if isinstance(index, ast.Constant):
        return [index.value] if isinstance(index.value, str) else []
    joined = index.values if isinstance(index, ast.JoinedStr) else []
    parts = [index.left, index.right] if isinstance(index, ast.BinOp) else joined
    stem = getattr(parts[0], "value", None) if len(parts) == 2 else None
    return [f"{stem}1", f"{stem}2"] if isinstance(stem, str) and stem.isidentifier() else []


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
