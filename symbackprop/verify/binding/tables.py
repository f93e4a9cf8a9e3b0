"""Arrays of an object that are tables, no parameters: worked out once, without chance, as a positional encoding is.

Nobody trains them, so nobody misses their gradient. What is called like a weight or a bias, or holds one number throughout, as a
parameter often begins, is none; nor is what a line with a random number had a part in.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import instance_members
from symbackprop.verify.binding.source_tree import module_tree

_CHANCE = re.compile(r"rand|rng|normal|uniform|choice|permut|shuffle|seed|init|xavier|glorot|kaiming|load|read", re.IGNORECASE)
_TRAINED = re.compile(r"(?i)^_?([wbuvk]\w{0,3}|[wu]_\w+|\w*(weight|bias|kernel|filter|gamma|beta|theta|param|embed|coef)\w*)$")
MOST_STEPS = 200


def is_table(owner: Any, path: str) -> bool:
    """Whether an array of an object, `pe` or `layers.0.pe`, is a table that its class works out.

    Args:
        owner: the object.
        path: the attributes and places that lead to the array.
    """
    *ahead, name = path.split(".")
    for part in ahead:
        owner = _member(owner, part)
    value = _member(owner, name)
    if _TRAINED.match(name) or not isinstance(value, np.ndarray) or value.size < 2 or np.ptp(value) == 0:
        return False
    assigned = list(_assigned(type(owner), name))
    return bool(assigned) and not any(_has_chance(*place) for place in assigned)


def _member(owner: Any, part: str) -> Any:
    if isinstance(owner, dict):
        return owner.get(part)
    if isinstance(owner, list | tuple):
        return owner[int(part)] if part.isdigit() and int(part) < len(owner) else None
    return instance_members(owner).get(part) if owner is not None else None


def _assigned(kind: type, name: str) -> Iterator[tuple[ast.expr, ast.FunctionDef, ast.Module]]:
    """Yield what methods of a class and of those it is made of assign to an attribute, and where."""
    for base in kind.__mro__[:-1]:
        tree = module_tree(getattr(sys.modules.get(base.__module__), "__file__", "") or _file_of(base)) or ast.Module([], [])
        for method in _methods(base.__name__, tree):
            yield from ((value, method, tree) for value in _values(method, f"self.{name}"))


def _methods(kind: str, tree: ast.Module) -> Iterator[ast.FunctionDef]:
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == kind)
    return (part for node in classes for part in node.body if isinstance(part, ast.FunctionDef))


def _file_of(kind: type) -> str:
    codes = (getattr(member, "__code__", None) for member in vars(kind).values())
    return next((code.co_filename for code in codes if code is not None), "")


def _values(function: ast.FunctionDef, target: str) -> Iterator[ast.expr]:
    """Yield what a function assigns to a name, an attribute, or a part of one."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (node.value for one in targets if _is_into(one, target))


def _is_into(one: ast.expr, target: str) -> bool:
    whole = one.value if isinstance(one, ast.Subscript) else one
    return ast.unparse(whole) == target or (isinstance(one, ast.Tuple) and target in map(ast.unparse, one.elts))


def _has_chance(value: ast.expr, function: ast.FunctionDef, tree: ast.Module) -> bool:
    """Whether a random number, or what comes from outside, has a part in a value: looked for through variables and functions."""
    functions = {node.name: [(node, node)] for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    waiting: list[tuple[ast.AST, ast.FunctionDef]] = [(value, function)]
    seen: set[tuple[str, str]] = set()
    while waiting and len(seen) < MOST_STEPS:
        node, within = waiting.pop()
        new = {(within.name, name) for name in _names_in(node)} - seen
        if any(_CHANCE.search(name) for _, name in new):
            return True
        seen |= new
        for _, name in new:
            waiting += [*((known, within) for known in _values(within, name)), *functions.get(name, [])]
    return bool(waiting)


def _names_in(node: ast.AST) -> set[str]:
    variables = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return variables | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
