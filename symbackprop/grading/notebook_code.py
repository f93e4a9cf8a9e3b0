"""A function out of a notebook: its definition and what that needs from the other cells, nothing else is run.

    cells → statements of the top level → those that bind a name that is needed → one Python file

A training loop, a plot or a magic command is left out, unless the function needs a name that it binds. Where a name is bound
several times, all of its statements are kept in their order, so that the last one counts, as in a notebook that is run as a
whole.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from symbackprop.errors import UserError, nearest

_MAGIC = re.compile(r"^\s*[%!?]|^\s*[\w.]+\?{1,2}\s*$")
_WHOLE_CELL = re.compile(r"^\s*%%(\w+)")
_PYTHON_CELLS = {"time", "timeit", "capture", "python", "python3"}


@dataclass(frozen=True, slots=True)
class Extracted:
    """A Python file, and for each of its lines that stood in a cell: (line here, cell, line there), all counted from 1."""

    source: str
    lines: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement of the top level: where it stands, the names it binds, and those it reads."""

    cell: int
    first: int
    text: tuple[str, ...]
    binds: frozenset[str]
    reads: frozenset[str]


def function_of_notebook(text: str, function: str, also: Sequence[str] = ()) -> Extracted:
    """Return a file with a function of a notebook and what it needs; with others beside it, where there are such.

    Raises UserError when the text is no notebook, or no cell defines the function.
    """
    broken: list[str] = []
    statements = [s for number, cell in enumerate(_code_cells(text), 1) for s in _statements(number, cell, broken)]
    wanted = function.partition(".")[0]
    if not any(wanted in statement.binds for statement in statements):
        names = sorted({name for statement in statements for name in statement.binds})
        said = "; ".join(broken[:1] or [f"defined there: {', '.join(names) or 'nothing'}"])
        raise UserError(f"no cell defines {wanted}; {said}.{nearest(wanted, names)}")
    return _written(_needed(statements, {wanted, *also}))


def _code_cells(text: str) -> list[str]:
    """Return the sources of the code cells."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return ["".join(source) for source in sources]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError("expected a notebook of Jupyter, format 4") from None


def _statements(number: int, cell: str, broken: list[str]) -> Iterator[_Statement]:
    """Yield the statements of a cell; what is wrong with one that is no Python goes into `broken`."""
    magic = _WHOLE_CELL.match(cell)
    if magic and magic[1] not in _PYTHON_CELLS:
        return
    lines = cell.splitlines()
    without = ["" if _MAGIC.search(line) else line for line in lines]
    body, error = _parsed(lines)
    if body is None:  # only then: a line of a text may look like a magic command
        lines = without
        body, error = _parsed(lines)
    if body is None:
        broken.append(f"cell {number} is not valid Python: {error}")
        return
    for node in body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        yield _Statement(number, first, tuple(lines[first - 1 : node.end_lineno]), *_names(node))


def _parsed(lines: Sequence[str]) -> tuple[list[ast.stmt] | None, str]:
    try:
        return ast.parse("\n".join(lines)).body, ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, getattr(error, "msg", "") or type(error).__name__


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _names(statement: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """Return what a statement binds at the top level, and every name it reads, also inside its functions."""
    outside: list[ast.AST] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        outside.append(node)
        waiting += [] if isinstance(node, _SCOPES) else ast.iter_child_nodes(node)
    everything = list(ast.walk(statement))
    # `params["W"] = …` and `net.rate = …` change what a name stands for.
    binds = {name for node in outside if (name := _bound(node))} or {name for node in everything if (name := _changed(node))}
    reads = {node.id for node in everything if isinstance(node, ast.Name)}
    return frozenset(binds), frozenset(reads)


def _bound(node: ast.AST) -> str:
    """Return the name that a node binds where it stands, or nothing."""
    if isinstance(node, ast.Name):
        return "" if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    return node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""


def _changed(node: ast.AST) -> str:
    """Return the name whose element or attribute is set, or nothing."""
    if not isinstance(node, ast.Subscript | ast.Attribute) or isinstance(node.ctx, ast.Load):
        return ""
    inner: ast.expr = node
    while isinstance(inner, ast.Subscript | ast.Attribute):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""


def _needed(statements: Sequence[_Statement], wanted: Collection[str]) -> list[_Statement]:
    """Return the statements that bind one of these names, or one that they need."""
    names, before = set(wanted), 0
    kept: list[_Statement] = []
    while len(names) > before:
        before = len(names)
        kept = [s for s in statements if s.binds & names or any("import *" in line for line in s.text)]
        names |= {name for s in kept for name in s.reads if not hasattr(builtins, name)}
    return kept


def _written(statements: Sequence[_Statement]) -> Extracted:
    lines: list[str] = []
    places: list[tuple[int, int, int]] = []
    for statement in statements:
        for offset, line in enumerate(statement.text):
            lines.append(line)
            places.append((len(lines), statement.cell, statement.first + offset))
        lines.append("")
    return Extracted("\n".join(lines), tuple(places))
