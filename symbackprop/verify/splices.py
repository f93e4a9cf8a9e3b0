"""Changes of Python code as splices of its text: one piece replaced by another, so what is tried is what is shown."""

from __future__ import annotations

import ast
from dataclasses import dataclass

ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters `start`..`end` of a text by `new`; `line` is where (from 1), `cost` how far-fetched it is."""

    start: int
    end: int
    new: str
    line: int
    cost: float

    def apply(self, text: str) -> str:
        """Return the changed text."""
        return text[: self.start] + self.new + text[self.end :]


class Source:
    """A function's text, parsed, with the character offset of every node."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self.parents: dict[ast.AST, ast.AST] = {
            child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)
        }

    def offset(self, line: int, column: int) -> int:
        """Return the character offset of a position that the parser gives in bytes."""
        text = self._lines[line - 1]
        return self._starts[line - 1] + len(text.encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return start and end of a node in the text."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """Return a node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def put(self, node: ast.expr | ast.stmt, new: str, cost: float, *, atomic: bool = False) -> Edit:
        """Return the edit that puts other code in the place of a node, in brackets where it stands inside an expression."""
        start, end = self.span(node)
        inside = isinstance(self.parents.get(node), ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Subscript | ast.Compare)
        own_brackets = self.text[:start].rstrip().endswith("(") and self.text[end:].lstrip().startswith(")")
        return Edit(start, end, new if atomic or not inside or own_brackets else f"({new})", node.lineno, cost)


def names_in_scope(source: Source) -> tuple[str, ...]:
    """Return the arguments and local variables of the function, in order of appearance."""
    found: dict[str, None] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.arg) and node.arg != "self":
            found[node.arg] = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
    return tuple(name for name in found if name != "_")
