"""Random edits of a function's text: another operator, number, name or comparison, a part left out, a statement changed."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator

Edit = Callable[[ast.AST, random.Random], ast.AST | None]
"""Changes a node in place, or returns what stands in its place."""

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult)
RELATIONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq)
OTHERS = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "maximum": "minimum",
    "tanh": "sin",
    "zeros_like": "ones_like",
    "var": "std",
}


def edited(text: str, name: str, count: int, seed: str) -> Iterator[str]:
    """Yield texts in which one node of a function, or of a method of the first class, is changed, `count` at most."""
    rng = random.Random(seed)
    tree = ast.parse(text)
    place = next(k for k, node in enumerate(_among(tree)) if isinstance(node, ast.FunctionDef) and node.name == name)
    nodes = len(list(ast.walk(_among(tree)[place])))
    choices = [(number, edit) for number in range(nodes) for edit in EDITS]
    rng.shuffle(choices)
    found: set[str] = {ast.unparse(tree)}
    for number, edit in choices:
        if len(found) > count:
            return
        changed = copy.deepcopy(tree)
        made = _changed(_among(changed)[place], number, edit, rng)
        if made is not None:
            _among(changed)[place] = made
            new = ast.unparse(ast.fix_missing_locations(changed))
            if new not in found and _is_python(new):
                found.add(new)
                yield new


def _among(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements of a file, or of the class that it begins with."""
    return tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else tree.body


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _changed(function: ast.stmt, number: int, edit: Edit, rng: random.Random) -> ast.stmt | None:
    node = list(ast.walk(function))[number]
    before = ast.dump(function)
    instead = edit(node, rng)
    if instead is not None:
        function = _Replacing(node, instead).visit(function)
    return function if ast.dump(function) != before else None


class _Replacing(ast.NodeTransformer):
    """Puts a node in the place of another one."""

    def __init__(self, node: ast.AST, instead: ast.AST) -> None:
        self.node, self.instead = node, instead

    def visit(self, node: ast.AST) -> ast.AST:
        return self.instead if node is self.node else self.generic_visit(node)


def _operator(node: ast.AST, rng: random.Random) -> None:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = rng.choice(OPERATORS[:4] if isinstance(node, ast.BinOp) else OPERATORS[:2])()


def _one_side(node: ast.AST, rng: random.Random) -> ast.AST | None:
    return rng.choice((node.left, node.right)) if isinstance(node, ast.BinOp) else None


def _number(node: ast.AST, rng: random.Random) -> None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = rng.choice((node.value + 1, node.value - 1, -node.value, node.value * 2))


def _truth(node: ast.AST, rng: random.Random) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value


def _relation(node: ast.AST, rng: random.Random) -> None:
    if isinstance(node, ast.Compare):
        node.ops = [rng.choice(RELATIONS)()]


def _attribute(node: ast.AST, rng: random.Random) -> ast.AST | None:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if isinstance(node, ast.Attribute):
        node.attr = OTHERS.get(node.attr, node.attr)
    return None


def _option(node: ast.AST, rng: random.Random) -> None:
    if isinstance(node, ast.Call) and node.keywords:
        node.keywords.pop(rng.randrange(len(node.keywords)))


def _sign(node: ast.AST, rng: random.Random) -> ast.AST | None:
    if isinstance(node, ast.Assign | ast.AugAssign):
        node.value = ast.UnaryOp(ast.USub(), node.value)
    return node.operand if isinstance(node, ast.UnaryOp) else None


def _statement(node: ast.AST, rng: random.Random) -> ast.AST | None:
    if isinstance(node, ast.AugAssign):
        return ast.Assign([node.target], node.value)
    if isinstance(node, ast.Assign):
        node.value = ast.BinOp(node.value, ast.Mult(), ast.Constant(rng.choice((2, 0.5, 3))))
    return None


EDITS: tuple[Edit, ...] = (_operator, _one_side, _number, _truth, _relation, _attribute, _option, _sign, _statement)
