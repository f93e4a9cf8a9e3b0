"""A missing `return`, found in the syntax tree of handwritten code.

A function that is known to give nothing is asked for its last assignment (`last_assigned`). Of the other functions of a file
only those are named (`forgotten`) that can have been meant for nothing but their value: the last statement assigns a local
variable, and nothing in the function has an effect of its own (no attribute or element is set, no call stands alone, nothing
unknown is called).
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from symbackprop.verify.namespace import is_user_file
from symbackprop.verify.source_tree import definition, module_tree

LIBRARIES = frozenset({"numpy", "math", "cmath", "scipy", "types", "functools", "itertools", "operator", "statistics", "copy"})
"""Modules whose functions compute."""
EFFECTS = frozenset({"print", "open", "input", "exec", "eval", "setattr", "delattr", "next", "breakpoint", "__import__"})
"""Built-in functions that do something besides."""
METHODS = frozenset({
    "all", "any", "argmax", "argmin", "astype", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot", "flatten", "get", "item",
    "items", "keys", "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes",
    "take", "tolist", "trace", "transpose", "values", "var",
})  # fmt: skip
"""Methods of arrays and dictionaries that leave them as they are."""
_OUTWARD = (ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Unreturned:
    """A function without a `return`, where it ends, and the variable it assigns last ("" when there is none)."""

    filename: str
    function: str
    line: int
    end: int
    variable: str

    @property
    def file(self) -> str:
        """The file's name without its folders."""
        return self.filename.replace("\\", "/").rsplit("/", maxsplit=1)[-1]

    @property
    def question(self) -> str:
        """What is said of a function that gave nothing."""
        remedy = f" The last value it assigns is {self.variable}: `return {self.variable}`" if self.variable else ""
        return f"{self.function} returns nothing: is a `return` missing after line {self.end} of {self.file}?{remedy}"

    @property
    def note(self) -> str:
        """What is said of another function of the same file."""
        return (
            f"{self.file}:{self.line} {self.function} computes {self.variable} and returns nothing: "
            f"is `return {self.variable}` missing?"
        )


def nothing_returned(function: Callable[..., Any]) -> str:
    """Return the sentence on code that was run and returned None."""
    found = last_assigned(function)
    if found is not None:
        return found.question
    return f"{getattr(function, '__qualname__', repr(function))} returns nothing: is a `return` missing?"


def last_assigned(function: Callable[..., Any]) -> Unreturned | None:
    """Return where a function ends and what it assigns last, on whatever branch; None when its text cannot be read."""
    filename, node = _filename(function), definition(function)
    if not filename or node is None:
        return None
    assigned = [target for inner in _own(node) for target in _assigned(inner)]
    last = max(assigned, key=lambda target: (target.lineno, target.col_offset), default=None)
    return Unreturned(filename, node.name, node.lineno, node.end_lineno or node.lineno, last.id if last else "")


def forgotten(function: Callable[..., Any]) -> tuple[Unreturned, ...]:
    """Return the functions of the same file that compute a value and return nothing."""
    filename = _filename(function)
    tree = module_tree(filename) if filename else None
    if tree is None:
        return ()
    functions = list(_functions(tree))
    purity = _Purity(tree, {name: node for name, node, _ in functions})
    found = []
    for name, node, owner in functions:
        variable = _value_left(node)
        if variable and purity.computes(name, node, owner):
            found.append(Unreturned(filename, name, node.lineno, node.end_lineno or node.lineno, variable))
    return tuple(found)


def _filename(function: Callable[..., Any]) -> str:
    """Return the file a function stands in; "" for libraries and for what was not read from a file."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    return code.co_filename if code is not None and is_user_file(code.co_filename) else ""


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Yield (qualified name, function, class) of a file's functions and of its classes' methods."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, ""
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{m.name}", m, node.name) for m in node.body if isinstance(m, ast.FunctionDef))


def _own(function: ast.FunctionDef | ast.Lambda) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions defined inside it."""
    stack: list[ast.AST] = list(function.body) if isinstance(function, ast.FunctionDef) else [function.body]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _SCOPES):
            stack.extend(ast.iter_child_nodes(node))


def _assigned(node: ast.AST) -> list[ast.Name]:
    """Return the plain names that an assignment binds."""
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        targets = [node.target]
    else:
        return []
    spread = [e for target in targets for e in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])]
    return [target for target in spread if isinstance(target, ast.Name)]


def _value_left(function: ast.FunctionDef) -> str:
    """Return the local variable that the last statement assigns, for a function without any `return` and `yield`."""
    kept = {"staticmethod", "classmethod"}
    if any(not (isinstance(d, ast.Name) and d.id in kept) for d in function.decorator_list):
        return ""
    last = function.body[-1]
    while isinstance(last, ast.With):
        last = last.body[-1]
    names = _assigned(last) if isinstance(last, ast.Assign | ast.AnnAssign) else []
    if not names or names[-1].id.startswith("_"):
        return ""
    inner = [node for node in _own(function) if isinstance(node, _SCOPES)]
    read_inside = {n.id for node in inner for n in ast.walk(node) if isinstance(n, ast.Name)}
    if any(isinstance(node, (ast.Return, *_OUTWARD)) for node in _own(function)) or names[-1].id in read_inside:
        return ""
    return names[-1].id


class _Purity:
    """Which functions of a file only compute."""

    def __init__(self, tree: ast.Module, functions: dict[str, ast.FunctionDef]) -> None:
        self.modules: set[str] = set()
        self.known = {name for name in dir(builtins) if name not in EFFECTS}
        self.functions: dict[str, ast.FunctionDef | ast.Lambda] = dict(functions)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules |= {a.asname or a.name.split(".")[0] for a in node.names if a.name.split(".")[0] in LIBRARIES}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
                names = {alias.asname or alias.name for alias in node.names}
                self.known |= names
                self.modules |= names
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
                self.functions.update((target.id, statement.value) for target in _assigned(statement))

    def computes(self, name: str, function: ast.FunctionDef | ast.Lambda, owner: str = "") -> bool:
        """Whether a function, and everything it calls, has no effect but its value."""
        waiting: list[tuple[str, ast.FunctionDef | ast.Lambda, str]] = [(name, function, owner)]
        seen = {name}
        while waiting:
            _, current, cls = waiting.pop()
            called = self._calls(current, cls)
            if called is None or _acts(current):
                return False
            new = [other for other in called if other not in seen]
            seen.update(new)
            waiting += [(o, self.functions[o], o.rpartition(".")[0]) for o in new]
        return True

    def _calls(self, function: ast.FunctionDef | ast.Lambda, owner: str) -> list[str] | None:
        """Return the file's functions that are called; None when something unknown is."""
        aliases = {
            target.id: node.value.id
            for node in _own(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
            for target in _assigned(node)
        }
        arguments = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        found = []
        for node in _own(function):
            if not isinstance(node, ast.Call):
                continue
            if any(keyword.arg == "out" for keyword in node.keywords):
                return None
            called = node.func
            if isinstance(called, ast.Name):
                name = aliases.get(called.id, called.id)
                if name in arguments or (name not in self.functions and name not in self.known):
                    return None
                found += [name] if name in self.functions else []
            elif isinstance(called, ast.Attribute):
                root: ast.expr = called
                while isinstance(root, ast.Attribute):
                    root = root.value
                at = root.id if isinstance(root, ast.Name) else ""
                method = f"{owner}.{called.attr}"
                if at == "self" and isinstance(called.value, ast.Name) and method in self.functions:
                    found.append(method)
                elif at not in self.modules and called.attr not in METHODS:
                    return None
            else:
                return None
        return found


def _acts(function: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a function itself changes something that outlives it."""
    nodes = list(_own(function))
    own = {target.id for node in nodes for target in _assigned(node) if isinstance(node, ast.Assign) and _is_new(node.value)}
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            root: ast.expr = node
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if not (isinstance(node, ast.Subscript) and isinstance(root, ast.Name) and root.id in own):
                return True
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if node.target.id not in own:
                return True
        elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or isinstance(node, _OUTWARD):
            return True
    return False


def _is_new(value: ast.expr) -> bool:
    """Whether an assigned value is an object of the function's own: not another name for something that was there."""
    return not isinstance(value, ast.Name | ast.Attribute | ast.Subscript | ast.IfExp | ast.Tuple)
