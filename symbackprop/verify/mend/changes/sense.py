"""What no mend may do, whatever it proves: take a guard away, multiply by 0, take a thing from itself, compute for nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from symbackprop.verify.mend.changes.delete import takes_a_guard_away
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource


def makes_sense(source: ParsedSource, edit: Edit) -> bool:
    """Whether a person could have meant the changed text."""
    if takes_a_guard_away(source, edit):
        return False
    before, after = (_parsed(text) for text in (source.text, edit.apply(source.text)))
    return after is not None and (before is None or len(list(_senseless(after))) <= len(list(_senseless(before))))


def _parsed(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _senseless(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield `0 * a`, `a - a`, `a / a`, `a * 1`, `a + 0`, `a ** 1`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and any(test(node) for test in SENSELESS.get(type(node.op), ())):
            yield node


def _is(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == value


def _same(node: ast.BinOp) -> bool:
    return ast.dump(node.left) == ast.dump(node.right)


def _taken_again(node: ast.BinOp) -> bool:
    """Whether `a - a` is written, or `(a - b) - a` and the like."""
    left = node.left
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub):
        if isinstance(left.op, ast.Sub) and _same(left):
            return True
        left = left.left
    return ast.dump(left) == ast.dump(node.right)


def _by_one(node: ast.BinOp) -> bool:
    return _is(node.right, 1) or (_is(node.left, 1) and isinstance(node.op, ast.Mult))


def _with_zero(node: ast.BinOp) -> bool:
    return _is(node.left, 0) or _is(node.right, 0)


SENSELESS: Mapping[type, tuple[Callable[[ast.BinOp], bool], ...]] = {
    ast.Mult: (_with_zero, _by_one),
    ast.Div: (_same, _by_one, _with_zero),
    ast.Sub: (_taken_again, lambda node: _is(node.right, 0)),
    ast.Add: (_with_zero,),
    ast.Pow: (lambda node: _is(node.right, 1) or _is(node.right, 0),),
}


def stores_for_nothing(text: str, line: int) -> bool:
    """Whether the statement on a line gives a variable a value that the function never reads."""
    tree = ast.parse(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store) and node.lineno == line}
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    return bool(stored) and not stored & read
