"""Code in a text, line by line: assignments, expressions, and the numbers printed after them. Nothing is executed.

A line is parsed, not run; `Calculator` works out arithmetic over numbers and lists in float64, as the printed digits were made,
knows a few functions by name, and passes over everything else.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symbackprop.proofreading.text.document import Document, Fragment

MOST_STEPS = 20_000  # of arithmetic in one line
LARGEST = 1e300

Values = float | list[Any]


class NotArithmeticError(Exception):
    """A line that is no arithmetic over known numbers."""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line: `tree` is its syntax, `comment` what stands behind #; `start` its offset in the document."""

    text: str
    start: int
    tree: ast.stmt
    comment: str


@dataclass(frozen=True, slots=True)
class Printed:
    """Numbers standing in the text: a line of its own, a comment, or behind a piece of code; `of` is the code before them."""

    texts: tuple[str, ...]
    start: int
    of: CodeLine | None
    label: str = ""


_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
_DIGITS = re.compile(r"[-+.\d][eE\d.+-]*")
_BETWEEN_NUMBERS = re.compile(r"\s*,\s*|\s+")
_INLINE = re.compile(r"`([^`\n]+)`")


def lines_of(document: Document) -> Iterator[CodeLine | Printed]:
    """Yield the code and the printed numbers of a document in order."""
    before: CodeLine | None = None
    for fragment in document.fragments:
        if fragment.kind in ("code", "output", "prose", "heading"):
            for item in _items(fragment, before):
                yield item
                before = item if isinstance(item, CodeLine) else before
        else:
            before = None


def _items(fragment: Fragment, before: CodeLine | None) -> Iterator[CodeLine | Printed]:
    start = fragment.start
    for line, goes_on in _written_lines(fragment):
        if _is_list(line) and not goes_on and _NUMBER.search(line):
            yield Printed(_numbers(line), start, before)
        elif (parsed := _parsed(line, start, strict=fragment.kind != "code")) is not None:
            before = parsed
            yield parsed
            numbers = tuple(text for text in _numbers(parsed.comment) if _is_result(text))
            if numbers:
                yield Printed(numbers, start + line.index("#"), parsed, _NUMBER.sub("", parsed.comment).strip(" #:："))
        else:
            for item in _inline(line, start):
                before = item if isinstance(item, CodeLine) else before
                yield item
        start += len(line) + 1


def _written_lines(fragment: Fragment) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a fragment, and whether a statement of the lines before goes on in them: no output stands there."""
    depth = 0
    for line in fragment.text.split("\n"):
        yield line, depth > 0
        depth = max(0, depth + _opened(line)) if fragment.kind == "code" else 0


def _opened(line: str) -> int:
    """Return how many brackets a line opens more than it closes."""
    return sum(line.count(sign) for sign in "([{") - sum(line.count(sign) for sign in ")]}")


def _is_list(line: str) -> bool:
    """Whether a line is a number or a row of numbers, perhaps in brackets, perhaps behind a #."""
    row = line.strip().lstrip("#").strip().removesuffix(",").lstrip("[( \t").rstrip(")] \t")
    return all(_DIGITS.fullmatch(piece) for piece in _BETWEEN_NUMBERS.split(row))


def _inline(line: str, start: int) -> Iterator[CodeLine | Printed]:
    """Yield code set in backticks inside prose, and the results that stand behind it."""
    pieces = list(_INLINE.finditer(line))
    for piece, following in zip(pieces, [*pieces[1:], None], strict=False):
        parsed = _parsed(piece[1], start + piece.start(1), strict=True)
        if parsed is None:
            continue
        yield parsed
        end = following.start() if following else len(line)
        for match in _NUMBER.finditer(line, piece.end(), end):
            if _is_result(match[0]):
                yield Printed((match[0],), start + match.start(), parsed)


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(match[0] for match in _NUMBER.finditer(text))


def _is_result(text: str) -> bool:
    """Whether a number in prose is the result of a calculation: it has a fraction of four digits or more."""
    return len(text.partition(".")[2]) >= 4


def _parsed(line: str, start: int, strict: bool) -> CodeLine | None:
    code, _, comment = line.partition("#")
    if not code.strip() or len(code) > 2000:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1(` and the like in prose
            body = ast.parse(code.strip()).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if len(body) != 1 or (strict and not _looks_like_code(body[0])):
        return None
    return CodeLine(code.rstrip(), start + len(code) - len(code.lstrip()), body[0], comment)


def _looks_like_code(node: ast.stmt) -> bool:
    """Whether a line of prose is code: an assignment, arithmetic over names, a list of names; not a word or a number."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        return True
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.BinOp | ast.UnaryOp | ast.Subscript | ast.Call | ast.List):
        return all(name.id.isascii() for name in ast.walk(value) if isinstance(name, ast.Name))
    return isinstance(value, ast.Name) and "_" in value.id


# ---- arithmetic ----------------------------------------------------------------------------------------------------

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda base, exponent: math.pow(base, exponent),
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "max": max,
    "min": min,
    "atanh": math.atanh,
    "arctanh": math.atanh,
    "float": float,
}


@dataclass(slots=True)
class Calculator:
    """The numbers that code has assigned; `lookup` gives those that the text or a network knows."""

    lookup: Callable[[str, int | None], float | None]
    values: dict[str, Values] = field(default_factory=dict)
    steps: int = 0

    def run(self, line: CodeLine) -> Values | None:
        """Take in an assignment, or return what an expression is worth. Raises NotArithmeticError."""
        self.steps = 0
        try:
            if isinstance(line.tree, ast.Assign) and len(line.tree.targets) == 1:
                self._assign(line.tree.targets[0], self.value(line.tree.value))
                return None
            if isinstance(line.tree, ast.AugAssign):
                rule = _BINARY.get(type(line.tree.op))
                if rule is None:
                    raise NotArithmeticError(type(line.tree.op).__name__)
                self._assign(line.tree.target, rule(self.value(line.tree.target), self.value(line.tree.value)))
                return None
            if isinstance(line.tree, ast.Expr):
                return self.value(line.tree.value)
        except (ArithmeticError, ValueError, TypeError, IndexError, RecursionError) as problem:
            raise NotArithmeticError(str(problem)) from None
        raise NotArithmeticError(type(line.tree).__name__)

    def _assign(self, target: ast.expr, value: Values) -> None:
        if isinstance(target, ast.Name):
            self.values[target.id] = value
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            self._list(target.value.id)[self._index(target.slice)] = value
        else:
            raise NotArithmeticError("an assignment to something else than a name or an element")

    def _list(self, name: str) -> list[Any]:
        if name not in self.values:
            known: list[Any] = []
            while (number := self.lookup(name, len(known))) is not None:
                known.append(number)
            if known:
                self.values[name] = known
        found = self.values.get(name)
        if not isinstance(found, list):
            raise NotArithmeticError(f"{name} is no list of known numbers")
        return found

    def _index(self, node: ast.expr) -> int:
        index = self.value(node)
        if isinstance(index, list) or index != int(index):
            raise NotArithmeticError("an index that is no whole number")
        return int(index)

    def value(self, node: ast.expr) -> Values:
        """Return what an expression is worth. Raises NotArithmeticError."""
        self.steps += 1
        rule = _RULES.get(type(node))
        if rule is None or self.steps > MOST_STEPS:
            raise NotArithmeticError(type(node).__name__)
        return rule(self, node)

    def constant(self, node: ast.Constant) -> Values:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float) or abs(node.value) > LARGEST:
            raise NotArithmeticError("a constant that is no number")
        return float(node.value) if isinstance(node.value, float) else node.value

    def name(self, node: ast.Name) -> Values:
        if node.id in self.values:
            return self.values[node.id]
        number = self.lookup(node.id, None)
        return number if number is not None else list(self._list(node.id))

    def binary(self, node: ast.BinOp) -> Values:
        rule = _BINARY.get(type(node.op))
        left, right = self.value(node.left), self.value(node.right)
        if rule is None or isinstance(left, list) or isinstance(right, list):
            raise NotArithmeticError(type(node.op).__name__)
        return rule(left, right)  # type: ignore[no-any-return]

    def unary(self, node: ast.UnaryOp) -> Values:
        inner = self.value(node.operand)
        if isinstance(inner, list) or not isinstance(node.op, ast.USub | ast.UAdd):
            raise NotArithmeticError(type(node.op).__name__)
        return -inner if isinstance(node.op, ast.USub) else inner

    def subscript(self, node: ast.Subscript) -> Values:
        if not isinstance(node.value, ast.Name):
            raise NotArithmeticError("an element of something that is no name")
        return self._list(node.value.id)[self._index(node.slice)]  # type: ignore[no-any-return]

    def listed(self, node: ast.List | ast.Tuple) -> Values:
        return [self.value(item) for item in node.elts]

    def called(self, node: ast.Call) -> Values:
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in ("array", "print") and len(node.args) == 1:
            return self.value(node.args[0])
        if function not in _FUNCTIONS or node.keywords:
            raise NotArithmeticError(f"the function {function}")
        return float(_FUNCTIONS[function](*(self.value(argument) for argument in node.args)))


_RULES: Mapping[type, Callable[..., Values]] = {
    ast.Constant: Calculator.constant,
    ast.Name: Calculator.name,
    ast.BinOp: Calculator.binary,
    ast.UnaryOp: Calculator.unary,
    ast.Subscript: Calculator.subscript,
    ast.List: Calculator.listed,
    ast.Tuple: Calculator.listed,
    ast.Call: Calculator.called,
}


def matches(printed: str, value: float) -> bool:
    """Whether a printed number is a value rounded, or cut off, to its digits."""
    places = len(printed.lower().partition("e")[0].partition(".")[2])
    exponent = int(printed.lower().partition("e")[2] or 0)
    return abs(float(printed) - value) <= 1.01 * 10.0 ** (exponent - places) * (1.0 if places < 14 else 4.0)
