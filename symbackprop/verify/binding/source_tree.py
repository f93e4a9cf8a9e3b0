"""The text of a handwritten function, and the syntax tree of the file it stands in: found in one way for all who ask."""

from __future__ import annotations

import ast
import inspect
import linecache
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class FunctionText:
    """Where a function's text begins, decorators included, and its lines with their ends."""

    filename: str
    start: int
    lines: tuple[str, ...]


def plain_function(function: Any) -> types.FunctionType | None:
    """Return the Python function inside a method or a wrapper; None for everything else."""
    inner = inspect.unwrap(getattr(function, "__func__", function))
    return decorated(inner) or inner if isinstance(inner, types.FunctionType) else None


def decorated(function: Any) -> types.FunctionType | None:
    """Return what a wrapper calls that takes anything and does not say what it wraps; None for what is no such wrapper."""
    inner = getattr(function, "__func__", function)
    found = None
    while isinstance(inner, types.FunctionType) and not _has_names(inner):
        within = [cell.cell_contents for cell in inner.__closure__ or () if _holds_function(cell, inner)]
        if len(within) != 1:
            break
        inner = found = within[0]
    return found


def _has_names(function: types.FunctionType) -> bool:
    """Whether a function has arguments of its own, or takes none, beside `*args, **kwargs`."""
    code = function.__code__
    return bool(code.co_argcount + code.co_kwonlyargcount) or not code.co_flags & inspect.CO_VARARGS


def _holds_function(cell: Any, wrapper: types.FunctionType) -> bool:
    """Whether a variable of a wrapper is a function, another one than itself."""
    try:
        return isinstance(cell.cell_contents, types.FunctionType) and cell.cell_contents is not wrapper
    except ValueError:  # not filled yet
        return False


def function_text(function: Any) -> FunctionText | None:
    """Return the text of a function; None where it is gone, or for what is no Python function."""
    try:
        lines, start = inspect.getsourcelines(getattr(function, "__func__", function))
        return FunctionText(inspect.getsourcefile(function) or "", start, tuple(lines))
    except (OSError, TypeError):
        return None


def line_text(filename: str, line: int) -> str:
    """Return a line of a file without its indentation."""
    return linecache.getline(filename, line).strip()


def module_tree(filename: str) -> ast.Module | None:
    """Return the tree of a file, or of a notebook's cell; None when there is no text or it is not Python."""
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename))
    try:
        return _parsed(text) if text else None
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def definition(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """Return the `def` of a function or method; None for a lambda, a builtin, or where the text is gone."""
    plain = plain_function(function)
    if plain is None:
        return None
    tree = module_tree(plain.__code__.co_filename)
    return _defined_at(tree, plain.__code__.co_name, plain.__code__.co_firstlineno) if tree is not None else None


@lru_cache(maxsize=256)
def _defined_at(tree: ast.Module, name: str, line: int) -> ast.FunctionDef | None:
    """Return the `def` of a name whose text, decorators included, begins on a line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == line:
                return node
    return None
