"""Code that is no longer understood, rewritten in its lines: Python 2, what numpy had once, what another library has for it."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Sequence
from importlib.machinery import PathFinder

import numpy as np


def read(text: str, path: str) -> ast.Module:
    """Return the tree of a file, of one that is Python 2 rewritten; its lines are then those that are shown."""
    try:
        tree = ast.parse(text, path)
        if not _has_old_names(tree):
            return current(tree)
    except SyntaxError:
        pass
    text = as_python3(_MAGIC.sub(r"\1pass", text))
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    return current(ast.parse(text, path))


def _has_old_names(tree: ast.Module) -> bool:
    """Whether a file uses names that only Python 2 has: `xrange` that it defines nowhere, `d.iteritems()`."""
    nodes = list(ast.walk(tree))
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    return bool(called & OLD_METHODS or (OLD_NAMES & _names(nodes, ast.Load)) - _names(nodes, ast.Store) - _imported(nodes))


def _names(nodes: Sequence[ast.AST], context: type[ast.expr_context]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def _imported(nodes: Sequence[ast.AST]) -> set[str]:
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


OLD_NAMES, OLD_METHODS = frozenset({"xrange", "raw_input"}), frozenset({"iteritems", "itervalues", "iterkeys"})


_MAGIC = re.compile(r"^([ \t]*)(?:%{1,2}[a-z]|!)[^\n]*", re.MULTILINE)
"""A line that only a notebook understands, `%matplotlib inline`, in what was written out of one."""
_RENAMED = ((r"\bxrange\b", "range"), (r"\braw_input\b", "input"), (r"\.iter(items|values|keys)\(\)", r".\1()"))
_PRINT = re.compile(r"^(?P<indent>\s*(?:.*:\s)?)print(?:\s+(?!\()|\s*$|(?=\s*[\"'])|\s+(?=\())(?P<rest>.*)$")
_EXCEPT = re.compile(r"^(\s*except\s+[\w.()\s]+?),\s*(\w+)\s*:", re.MULTILINE)


def as_python3(text: str) -> str:
    """Return Python 2 with its print statements, `except X, e`, `xrange` and `iteritems` rewritten, each in its line."""
    for pattern, replacement in _RENAMED:
        text = re.sub(pattern, replacement, text)
    lines = _EXCEPT.sub(r"\1 as \2:", text).expandtabs().split("\n")
    found: list[str] = []
    waiting: list[str] = []
    for line in lines:
        match = _PRINT.match(line) if not waiting else None
        if match or waiting:
            waiting.append(f"{match['indent']}print({match['rest'].rstrip()}" if match else line)
            if _open_brackets("\n".join(waiting)) <= 1:
                last = re.sub(r",?\s*(#.*)?$", "", waiting[-1])
                found += [*waiting[:-1], f"{last})"]
                waiting = []
        else:
            found.append(line)
    return "\n".join([*found, *waiting])


def _open_brackets(text: str) -> int:
    bare = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "", text)
    return sum(bare.count(left) for left in "([{") - sum(bare.count(right) for right in ")]}")


# ---- numpy under other names ---------------------------------------------------------------------------------------------

LIKE_NUMPY = frozenset({"cupy", "autograd.numpy", "minpy.numpy"})
"""Libraries whose arrays are those of numpy, on another device or with derivatives of their own."""
_BUILTIN = ("float", "int", "bool", "complex", "object", "str")
_RENAMED_IN_NUMPY = {
    "float_": "float64", "product": "prod", "cumproduct": "cumprod", "sometrue": "any", "alltrue": "all", "row_stack": "vstack",
    "asnumpy": "asarray", "NaN": "nan", "Inf": "inf", "infty": "inf", "in1d": "isin", "trapz": "trapezoid",
}  # fmt: skip


def current(tree: ast.Module) -> ast.Module:
    """Return a file's tree with names that numpy has dropped, and numpy for a library like it that is not installed."""
    return ast.fix_missing_locations(_Current().visit(tree))  # type: ignore[no-any-return]


class _Current(ast.NodeTransformer):
    """Puts what numpy has now for what it had."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Import(self, node: ast.Import) -> ast.Import:
        """Note what numpy is called; import numpy for a library like it."""
        for alias in node.names:
            if _is_missing(alias.name):
                alias.name, alias.asname = "numpy", alias.asname or alias.name.partition(".")[0]
            if alias.name == "numpy":
                self.names.add(alias.asname or alias.name)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.Import | ast.ImportFrom:
        """Import from numpy what is asked of a library like it; `from autograd import numpy as np` is numpy itself."""
        module, only = node.module or "", node.names[0]
        if len(node.names) == 1 and only.name == "numpy" and _is_missing(f"{module}.numpy"):
            return self.visit_Import(ast.copy_location(ast.Import([ast.alias("numpy", only.asname)]), node))
        if not node.level and _is_missing(module):
            node.module = "numpy"
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Read `np.float` as `float`, `np.product` as `np.prod`."""
        self.generic_visit(node)
        if not (isinstance(node.value, ast.Name) and node.value.id in self.names) or hasattr(np, node.attr):
            return node
        if node.attr in _BUILTIN:
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)
        node.attr = _RENAMED_IN_NUMPY.get(node.attr, node.attr)
        return node


def _is_missing(module: str) -> bool:
    """Whether a library that is like numpy is not installed."""
    return module in LIKE_NUMPY and PathFinder.find_spec(module.partition(".")[0]) is None
