"""Whether two students handed in the same code: the syntax tree without comments, docstrings and the names of variables.

Short right answers look alike by themselves; that two are of one shape is a reason to look, never a verdict.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable

from symbackprop.grading.graded import Graded

LEAST = 60
"""Nodes of a syntax tree below which nothing is said."""


def shape_of(source: str) -> str:
    """Return a digest of code that does not change with layout, comments, docstrings or the names it gives; "" if it is small or
    no Python."""
    try:
        tree = ast.parse(source)
        nodes = list(ast.walk(tree))
        given = {name for node in nodes for name in _given(node)}
        numbers: dict[str, str] = {}
        for node in nodes:
            _forget(node, given, numbers)
        if len(nodes) < LEAST:
            return ""
        return hashlib.sha256(ast.dump(tree).encode("utf-8", "replace")).hexdigest()[:16]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def _given(node: ast.AST) -> Iterable[str]:
    """Return the names that a node of the tree gives to something."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return (node.id,)
    if isinstance(node, ast.arg):
        return (node.arg,)
    return (node.name,) if isinstance(node, ast.FunctionDef | ast.ClassDef) else ()


def _forget(node: ast.AST, given: set[str], numbers: dict[str, str]) -> None:
    """Put a number in the place of a name, and drop a docstring."""
    field = next((f for f in ("id", "arg", "name") if getattr(node, f, None) in given), None)
    if field is not None:
        setattr(node, field, numbers.setdefault(getattr(node, field), f"v{len(numbers)}"))
    body = getattr(node, "body", None)
    if isinstance(body, list):
        node.body = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]  # type: ignore[attr-defined]


def alike(course: Iterable[Graded]) -> dict[str, tuple[str, ...]]:
    """Return the students whose code has the same shape as another's, each with the others."""
    groups: dict[str, list[str]] = defaultdict(list)
    for graded in course:
        if graded.shape:
            groups[graded.shape].append(graded.student)
    return {student: tuple(o for o in group if o != student) for group in groups.values() if len(group) > 1 for student in group}
