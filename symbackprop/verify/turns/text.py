"""The text of a file in which the body of a loop is a function, line by line where it stood."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from symbackprop.verify.turns.loops import TrainingLoop

TURN = "_turn_of_the_loop"
"""The name of that function."""


def text_with_a_turn(loop: TrainingLoop, tree: ast.Module, text: str, arguments: Sequence[str]) -> str:
    """Return the definitions of a file, but for the function that the loop stands in, and the loop's body as a function.

    The header of the loop is its `def`; the line after the body returns the weights that are variables.
    """
    old = text.splitlines()
    new = [""] * (len(old) + 1)
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) and node is not loop.host:
            lines = _lines_of(node)
            new[lines] = old[lines]
    if loop.host is not None:
        _leave_out(loop, new)
    header, end = loop.headers[-1], loop.body[-1].end_lineno or loop.line
    new[loop.line - 1] = f"def {TURN}({', '.join(arguments)}):"
    for line in range(loop.line, end):
        new[line] = _dedented(old[line], header.col_offset)
    for leaving in _leaving(loop.body):
        _pass(new, leaving, header.col_offset)
    if loop.own_weights:
        new[end] = " " * (loop.body[0].col_offset - header.col_offset) + f"return {', '.join(loop.own_weights)}"
    return "\n".join(new) + "\n"


def _lines_of(node: ast.stmt) -> slice:
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    return slice(first - 1, node.end_lineno)


def _leave_out(loop: TrainingLoop, lines: list[str]) -> None:
    """Take out the function that a loop stands in; a class that has no other one keeps a `pass`."""
    host = loop.host
    if host is not None:
        whole = _lines_of(host)
        lines[whole] = [""] * len(lines[whole])
        if loop.owner is not None and len(loop.owner.body) == 1:
            lines[whole.start] = " " * host.col_offset + "pass"


def _dedented(line: str, count: int) -> str:
    """Return a line without so many spaces at its beginning, as far as it has them."""
    return line[min(count, len(line) - len(line.lstrip())) :]


def _leaving(nodes: Iterable[ast.AST]) -> Iterator[ast.Break | ast.Continue]:
    """Yield what leaves the loop, or goes on with it, that statements are the body of."""
    for node in nodes:
        if isinstance(node, ast.Break | ast.Continue):
            yield node
        elif not isinstance(node, ast.For | ast.While | ast.FunctionDef):
            yield from _leaving(ast.iter_child_nodes(node))


def _pass(lines: list[str], node: ast.Break | ast.Continue, shift: int) -> None:
    """Put a `pass` in the place of a `break` or `continue`."""
    line, place = lines[node.lineno - 1], node.col_offset - shift
    word = "break" if isinstance(node, ast.Break) else "continue"
    lines[node.lineno - 1] = line[:place] + "pass" + line[place + len(word) :]
