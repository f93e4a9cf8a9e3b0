"""Changes of Python code as splices of its text: one piece replaced by another, so what is tried is what is shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TypeGuard

ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters `start`..`end` of a text by `new`; `line` is where (from 1), `cost` how far-fetched it is.

    `first` marks a change without which others show no progress, such as what is carried on from one step to the next; `rare`
    one of a kind of which a function has few, so that all of them can be tried.
    """

    start: int
    end: int
    new: str
    line: int
    cost: float
    first: bool = False
    rare: bool = False

    def apply(self, text: str) -> str:
        """Return the changed text."""
        return text[: self.start] + self.new + text[self.end :]


@dataclass(frozen=True, slots=True)
class OtherFunctions:
    """The other functions of a file: the fractions that they are written with, the names of those of one argument, and what
    they look up by a key, `params["W"]`."""

    fractions: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()


class ParsedSource:
    """A function's text, parsed, with the character offset of every node.

    `held` are the attributes that the methods of its class set, `self.x`: variables of a method as well.
    """

    def __init__(self, text: str, held: tuple[str, ...] = (), beside: OtherFunctions = OtherFunctions()) -> None:
        self.text = text
        self.held = held
        self.beside = beside
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self.parents: dict[ast.AST, ast.AST] = {
            child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)
        }

    @cached_property
    def scope(self) -> tuple[str, ...]:
        """The arguments and local variables of the function, in order of appearance, then what its object holds."""
        found: dict[str, None] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.arg) and node.arg != "self":
                found[node.arg] = None
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[node.id] = None
        return tuple(name for name in (*found, *self.held) if name != "_")

    @cached_property
    def unread(self) -> frozenset[str]:
        """The variables that the function sets and never reads: what was worked out was meant to be used."""
        names = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        given = {node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg)} - {"self"}
        return frozenset({node.id for node in names if isinstance(node.ctx, ast.Store)} | given) - read - {"_"}

    @cached_property
    def whole(self) -> tuple[str, ...]:
        """The variables that are sizes or positions by what is done with them: read off a shape, counted, sliced with."""
        inside = (self.variable(inner) for node in ast.walk(self.tree) for inner in _whole_parts(node))
        found: dict[str, None] = dict.fromkeys(filter(None, inside))
        assigned = [node for node in ast.walk(self.tree) if isinstance(node, ast.Assign)]
        sides = [pair for node in assigned for pair in zip(*_sides(node), strict=True)]
        for target, value in (*sides, *reversed(sides)):  # what is made of those alone, and what those are made of
            self._passed_on(found, self.variable(target), value)
        return tuple(name for name in self.scope if name in found)

    def _passed_on(self, found: dict[str, None], name: str, value: ast.expr) -> None:
        """Count among whole numbers what one assignment makes of them, or makes one of."""
        if name and self.is_whole(value, found):
            found[name] = None
        elif name in found and _is_counting(value):
            found.update(dict.fromkeys(self.variables(value)))

    def within(self, node: ast.AST) -> list[str]:
        """Return the variables that mean something at a node: those of a loop mean nothing behind it."""
        loops = (other.target for other in ast.walk(self.tree) if isinstance(other, ast.For))
        over = {target.id for target in loops if isinstance(target, ast.Name)} - set(self.loop_names(node))
        return [name for name in self.scope if name not in over]

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """The variables that can stand in a formula: neither positions nor sizes, nor lists and dictionaries of arrays."""
        held: dict[str, bool] = {}
        for node in ast.walk(self.tree):
            name = self.variable(node) if isinstance(getattr(node, "ctx", None), ast.Load) else ""
            if name:
                held[name] = held.get(name, True) and self._is_looked_up(node)
        return tuple(name for name in self.scope if name not in self.whole and name not in self.indices and not held.get(name))

    def _is_looked_up(self, node: ast.AST) -> bool:
        """Whether a variable is read by one key or one step of time, `params["W"]`, `hs[t - 1]`."""
        parent = self.parents.get(node)
        if not (isinstance(parent, ast.Subscript) and parent.value is node):
            return False
        texts = [inner for inner in ast.walk(parent.slice) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]
        single = not isinstance(parent.slice, ast.Tuple | ast.Slice)
        return bool(texts) or (single and bool(set(self.loop_names(node)) & self.variables(parent.slice)))

    @cached_property
    def indices(self) -> frozenset[str]:
        """The variables that pick elements, `y` in `p[rows, y]`, unless a comparison makes them: no factor of anything."""
        assigned = [node for node in ast.walk(self.tree) if isinstance(node, ast.Assign)]
        masks = {self.variable(node.targets[0]) for node in assigned if compares(node.value)}
        parts = (node.slice for node in ast.walk(self.tree) if isinstance(node, ast.Subscript))
        picked = {self.variable(at) for part in parts for at in (part.elts if isinstance(part, ast.Tuple) else [part])}
        return frozenset(picked - masks - {""})

    @cached_property
    def measured(self) -> frozenset[str]:
        """The variables that hold the extent of an array."""
        found = (inner for node in ast.walk(self.tree) if isinstance(node, ast.Assign) for inner in _measured(node))
        return frozenset(self.variable(inner) for inner in found)

    def is_whole_name(self, text: str) -> bool:
        """Whether a text is one variable that is a whole number, or made of such: `stride`, `(f * f)`."""
        return all(name in self.whole for name in re.findall(r"[A-Za-z_][\w.]*", text))

    def is_whole(self, node: ast.expr, known: Collection[str]) -> bool:
        """Whether an expression is made of whole numbers alone."""
        parts = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name | ast.Attribute | ast.Constant | ast.Call)]
        return bool(self.variables(node)) and all(
            self.of(part) in known if isinstance(part, ast.Name | ast.Attribute) else type(getattr(part, "value", "")) is int
            for part in parts
        )

    @cached_property
    def entries_beside(self) -> tuple[str, ...]:
        """What only other functions look up by a key in a dictionary that this one looks something up in as well."""
        return tuple(entry for entry in self.beside.entries if f"{entry.partition('[')[0]}[" in self.text)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of the function's arguments."""
        return frozenset(node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg))

    def offset(self, line: int, column: int) -> int:
        """Return the character offset of a position that the parser gives in bytes."""
        text = self._lines[line - 1]
        return self._starts[line - 1] + len(text.encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return start and end of a node in the text."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return a node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def factor(self, node: ast.expr) -> str:
        """Return a node's text, in brackets unless it stands for itself in any product."""
        return self.of(node) if isinstance(node, ATOMS) else f"({self.of(node)})"

    def term(self, node: ast.expr) -> str:
        """Return a node's text as the first factor of a product: a product or quotient needs no brackets."""
        plain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.Pow)
        return self.of(node) if plain else self.factor(node)

    def put(self, node: ast.expr | ast.stmt, new: str, cost: float, *, atomic: bool = False) -> Edit:
        """Return the edit that puts other code in the place of a node, in brackets where it stands inside an expression."""
        start, end = self.span(node)
        new = new if atomic else without_brackets(new)
        inside = isinstance(self.parents.get(node), ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Subscript | ast.Compare)
        own_brackets = self.text[:start].rstrip().endswith("(") and self.text[end:].lstrip().startswith(")")
        return Edit(start, end, new if atomic or not inside or own_brackets else f"({new})", node.lineno, cost)

    def spliced(self, node: ast.expr | ast.stmt, changes: list[tuple[ast.expr, str]]) -> str:
        """Return the text of a node with parts of it replaced."""
        text, (start, _) = self.of(node), self.span(node)
        for part, new in sorted(changes, key=lambda change: self.span(change[0]), reverse=True):
            a, b = self.span(part)
            text = text[: a - start] + new + text[b - start :]
        return text

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, the nearest first."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def loop_names(self, node: ast.AST) -> list[str]:
        """Return the variables of the loops around a node."""
        loops = [outer for outer in self.above(node) if isinstance(outer, ast.For)]
        return [loop.target.id for loop in loops if isinstance(loop.target, ast.Name)]

    def variables(self, node: ast.AST) -> set[str]:
        """Return the arguments and local variables that stand in a node."""
        return {text for inner in ast.walk(node) if (text := self.variable(inner))}

    def variable(self, node: ast.AST) -> str:
        """Return the variable that a node is, a name or an attribute that the object holds; "" where it is none."""
        if isinstance(node, ast.Name):
            return node.id if node.id in self.scope else ""
        return text if isinstance(node, ast.Attribute) and (text := self.of(node)) in self.held else ""


def _whole_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what has to be a whole number where it stands: bounds, counts, the sides of `//`, the parts of a shape."""
    if isinstance(node, ast.Slice):
        for bound in filter(None, (node.lower, node.upper, node.step)):
            yield from ast.walk(bound)
    elif isinstance(node, ast.For):
        yield from _counted(node)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        yield from ast.walk(node)
    elif isinstance(node, ast.Call):
        yield from _extents_in(node)
    elif isinstance(node, ast.Assign):
        yield from _measured(node)


def _counted(node: ast.For) -> Iterator[ast.AST]:
    """Yield the variable of a loop over a range, and what the range is made of."""
    called = node.iter
    if isinstance(called, ast.Call) and ast.unparse(called.func) == "reversed" and called.args:
        called = called.args[0]
    if isinstance(called, ast.Call) and ast.unparse(called.func) == "range":
        yield node.target
        for argument in called.args:
            yield from ast.walk(argument)


def _extents_in(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the extents that a call is given: `x.reshape(N, -1)`, `np.zeros((N, D))`, `np.repeat(x, s)`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("reshape", "zeros", "repeat"):
        for argument in node.args[node.func.attr == "repeat" :]:
            yield from argument.elts if isinstance(argument, ast.Tuple) else (argument,)


def _sides(node: ast.Assign) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return what is assigned to what, also of several at once, `a, b = c, d`."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return target.elts, value.elts
    return [target], [value]


def _is_counting(node: ast.expr) -> bool:
    """Whether an expression has names and whole numbers in it and nothing else than sums and products of them."""
    counting = ast.Name | ast.Attribute | ast.Constant | ast.BinOp | ast.Add | ast.Sub | ast.Mult | ast.FloorDiv | ast.Load
    return all(isinstance(inner, counting) for inner in ast.walk(node))


def _measured(node: ast.Assign) -> Iterator[ast.AST]:
    """Yield the names that a shape, a length or a size is put into."""
    text, target = ast.unparse(node.value), node.targets[0]
    if text.endswith(".shape") and isinstance(target, ast.Tuple):
        yield from target.elts
    elif (
        (text.endswith(".size") and text != "self.size")
        or text.startswith(("len(", "int("))
        or re.search(r"\.shape\[[^]]*\]$", text)
    ):
        yield target


def unlike(name: str, other: str) -> float:
    """How little two names look alike, from 0 to 1; of an attribute its own name counts."""
    return 1 - SequenceMatcher(None, name.rpartition(".")[2], other.rpartition(".")[2]).ratio()


def common_start(left: str, right: str) -> int:
    """Return how many characters two texts begin with alike."""
    return next((k for k, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def without_brackets(text: str) -> str:
    """Return an expression without brackets around the whole of it."""
    if text.startswith("(") and text.endswith(")"):
        try:
            same = ast.dump(ast.parse(text, mode="eval")) == ast.dump(ast.parse(text[1:-1].strip(), mode="eval"))
        except SyntaxError:
            return text
        return text[1:-1].strip() if same else text
    return text


def is_product(node: ast.AST | None) -> bool:
    """Whether a node is `a * b`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def factors_of(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, `a * b * c`, from left to right."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        found.insert(0, node.right)
        node = node.left
    return [node, *found]


def is_of_one(node: ast.Call) -> bool:
    """Whether a call is a function of one variable: `sigmoid(z)`, `np.sum(mask)`, but no size."""
    plain = len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.Name | ast.Attribute | ast.Subscript)
    return plain and not (isinstance(node.func, ast.Name) and node.func.id in ("len", "range", "int", "float"))


def calls_of_one(source: ParsedSource) -> list[ast.Call]:
    """Return the calls of a function that have one variable as their argument."""
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and is_of_one(node)]


def is_read_by_a_key(node: ast.AST) -> TypeGuard[ast.Subscript]:
    """Whether a node is what is looked up by a key, `params["W"]`."""
    key = node.slice if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) else None
    return isinstance(key, ast.Constant) and isinstance(key.value, str)


def names_with(tree: ast.AST, context: type) -> set[str]:
    """Return the names that are read (`ast.Load`) or set (`ast.Store`) in a tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def compares(node: ast.AST) -> bool:
    """Whether a node compares anything."""
    return any(isinstance(inner, ast.Compare) for inner in ast.walk(node))
