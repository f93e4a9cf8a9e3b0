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
    return inner if isinstance(inner, types.FunctionType) else None


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
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == plain.__code__.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == plain.__code__.co_firstlineno:
                return node
    return None
