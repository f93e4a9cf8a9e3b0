"""The syntax tree of the file that a handwritten function stands in, read once for all who ask."""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Callable
from functools import lru_cache
from inspect import unwrap
from typing import Any


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
    plain = unwrap(getattr(function, "__func__", function))
    if not isinstance(plain, types.FunctionType):
        return None
    tree = module_tree(plain.__code__.co_filename)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == plain.__code__.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == plain.__code__.co_firstlineno:
                return node
    return None
