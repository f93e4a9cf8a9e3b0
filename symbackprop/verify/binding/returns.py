"""A missing `return`, found in the syntax tree of handwritten code.

A function that is known to give nothing is asked for its last assignment (`last_assigned`). Of the other functions of a file
only those are named (`forgotten`) that can have been meant for nothing but their value: the last statement assigns a local
variable, and nothing in the function has an effect of its own (no attribute or element is set, no call stands alone, nothing
unknown is called).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from symbackprop.files import short_name
from symbackprop.trace.run.nested import is_user_file
from symbackprop.verify.binding.source_tree import definition, module_tree, plain_function

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
        return short_name(self.filename)

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
    return _forgotten_in(tree, filename) if tree is not None else ()


@lru_cache(maxsize=64)
def _forgotten_in(tree: ast.Module, filename: str) -> tuple[Unreturned, ...]:
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
    inner = plain_function(function)
    return inner.__code__.co_filename if inner is not None and is_user_file(inner.__code__.co_filename) else ""


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
    decorators = {d.id if isinstance(d, ast.Name) else "" for d in function.decorator_list}
    if decorators - {"staticmethod", "classmethod"} or any(isinstance(n, (ast.Return, *_OUTWARD)) for n in _own(function)):
        return ""
    inner = (node for node in _own(function) if isinstance(node, _SCOPES))
    read_inside = {n.id for node in inner for n in ast.walk(node) if isinstance(n, ast.Name)}
    name = _assigned_last(function)
    return "" if name.startswith("_") or name in read_inside else name


def _assigned_last(function: ast.FunctionDef) -> str:
    last = function.body[-1]
    while isinstance(last, ast.With):
        last = last.body[-1]
    names = _assigned(last) if isinstance(last, ast.Assign | ast.AnnAssign) else []
    return names[-1].id if names else ""


class _Purity:
    """Which functions of a file only compute."""

    def __init__(self, tree: ast.Module, functions: dict[str, ast.FunctionDef]) -> None:
        imported = [name for node in ast.walk(tree) for name in _imported(node)]
        self.modules = {name for name, _ in imported}
        self.known = {name for name in dir(builtins) if name not in EFFECTS} | {name for name, single in imported if single}
        self.functions: dict[str, ast.FunctionDef | ast.Lambda] = {**functions, **_lambdas(tree)}

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
        aliases = dict(_aliases(function))
        arguments = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        found: list[str] = []
        for node in _own(function):
            if not isinstance(node, ast.Call):
                continue
            match node:
                case ast.Call(func=ast.Name(id=name)):
                    called = self._function(aliases.get(name, name), arguments)
                case ast.Call(func=ast.Attribute() as attribute):
                    called = self._method(attribute, owner)
                case _:
                    called = None
            if called is None or any(keyword.arg == "out" for keyword in node.keywords):
                return None
            found += called
        return found

    def _function(self, name: str, arguments: set[str]) -> list[str] | None:
        """Return the name if it is a function of the file, nothing if it is known to compute only, None otherwise."""
        if name in arguments:
            return None
        return [name] if name in self.functions else [] if name in self.known else None

    def _method(self, called: ast.Attribute, owner: str) -> list[str] | None:
        """The same of `self.method`, `np.linalg.norm`, `x.sum`."""
        method = f"{owner}.{called.attr}"
        if isinstance(called.value, ast.Name) and called.value.id == "self" and method in self.functions:
            return [method]
        root = _root(called)
        is_library = isinstance(root, ast.Name) and root.id in self.modules
        return [] if is_library or called.attr in METHODS else None


def _imported(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the names by which the libraries of numbers are known, each with whether it may be a function of theirs."""
    if isinstance(node, ast.Import):
        yield from ((a.asname or a.name.split(".")[0], False) for a in node.names if a.name.split(".")[0] in LIBRARIES)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
        yield from ((alias.asname or alias.name, True) for alias in node.names)


def _lambdas(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.Lambda]:
    """Return the functions that a file writes as `f = lambda …`."""
    written = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)]
    return {target.id: node.value for node in written for target in _assigned(node) if isinstance(node.value, ast.Lambda)}


def _aliases(function: ast.FunctionDef | ast.Lambda) -> Iterator[tuple[str, str]]:
    """Yield name, other name for `name = other`."""
    for node in _own(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            yield from ((target.id, node.value.id) for target in _assigned(node))


def _root(node: ast.expr) -> ast.expr:
    """Return what stands before all attributes and subscripts."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def _acts(function: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a function itself changes something that outlives it."""
    nodes = list(_own(function))
    own = {target.id for node in nodes for target in _assigned(node) if isinstance(node, ast.Assign) and _is_new(node.value)}
    return any(_changes(node, own) for node in nodes)


def _changes(node: ast.AST, own: set[str]) -> bool:
    """Whether a node changes what is not among a function's own objects, or is there for its effect only."""
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            root = _root(node)
            return not (isinstance(root, ast.Name) and root.id in own)
        case ast.AugAssign(target=ast.Name(id=name)):
            return name not in own
        case ast.Expr(value=ast.Call()):
            return True
    return isinstance(node, _OUTWARD)


def _is_new(value: ast.expr) -> bool:
    """Whether an assigned value is an object of the function's own: not another name for something that was there."""
    return not isinstance(value, ast.Name | ast.Attribute | ast.Subscript | ast.IfExp | ast.Tuple)
