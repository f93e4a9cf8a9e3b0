"""What a change of a statement is, in the terms of a person: the smallest part that differs, and how.

`dW = X.T @ dA` for `dW = X.T @ dZ` is one name for another; `dy * (1 - y)` for `dy * y * (1 - y)` a factor that is missing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from symbackprop.verify.records import Difference


def difference(before: str, after: str) -> Difference:
    """Return what distinguishes the wrong text of a function from the right one; `statement` where nothing smaller does."""
    if before == after:
        return Difference("statement", before, after)
    return _named(*_smallest(ast.parse(before), ast.parse(after)))


def _children(node: ast.AST) -> list[ast.AST]:
    return [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]


def _smallest(old: ast.AST, new: ast.AST) -> tuple[ast.AST, ast.AST]:
    """Go down as long as two trees are of one kind and differ in one child only."""
    while type(old) is type(new) and not _is_whole(old):
        old_body, new_body = getattr(old, "body", None), getattr(new, "body", None)
        if isinstance(old_body, list) and isinstance(new_body, list) and _differ(old_body, new_body):
            before, after = _trimmed(old_body, new_body)
            if len(before) != 1 or len(after) != 1:
                return ast.Module(before, []), ast.Module(after, [])
            old, new = before[0], after[0]
            continue
        pairs = list(zip(_children(old), _children(new), strict=False))
        differing = [(a, b) for a, b in pairs if ast.dump(a) != ast.dump(b)]
        same_fields = len(_children(old)) == len(_children(new)) and _plain(old) == _plain(new)
        if len(differing) != 1 or not same_fields or isinstance(differing[0][0], SIGNS) or _is_function(old, differing[0][0]):
            break
        old, new = differing[0]
    return old, new


SIGNS = (ast.operator, ast.cmpop, ast.unaryop)
WHOLE = (ast.Subscript, ast.keyword, ast.Attribute)
"""Nodes that are shown whole: `x.shape[0]`, `axis=0`."""


def _is_whole(node: ast.AST) -> bool:
    return isinstance(node, WHOLE) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _is_function(node: ast.AST, part: ast.AST) -> bool:
    return isinstance(node, ast.Call) and node.func is part


def _differ(old: list[ast.stmt], new: list[ast.stmt]) -> bool:
    return list(map(ast.dump, old)) != list(map(ast.dump, new))


def _trimmed(old: list[ast.stmt], new: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Take away the statements that two bodies begin and end with alike."""
    while old and new and ast.dump(old[0]) == ast.dump(new[0]):
        old, new = old[1:], new[1:]
    while old and new and ast.dump(old[-1]) == ast.dump(new[-1]):
        old, new = old[:-1], new[:-1]
    return old, new


def _plain(node: ast.AST) -> list[object]:
    """Return the fields that are no nodes: names, numbers."""
    return [value for _, value in ast.iter_fields(node) if not isinstance(value, ast.AST | list)]


def _named(old: ast.AST, new: ast.AST) -> Difference:
    for rule in RULES:
        found = rule(old, new)
        if found is not None:
            return found
    return Difference("statement", _text(old), _text(new))


def _text(node: ast.AST) -> str:
    return ast.unparse(node)


Rule = Callable[[ast.AST, ast.AST], Difference | None]


def _atom(old: ast.AST, new: ast.AST) -> Difference | None:
    """One name, attribute or number for another."""
    kinds: dict[type, str] = {ast.Name: "name", ast.Attribute: "name", ast.Subscript: "index", ast.keyword: "axis"}
    if type(old) is not type(new):
        return None
    if isinstance(old, ast.Constant):
        return Difference("constant", _text(old), _text(new))
    kind = kinds.get(type(old))
    return Difference(kind, _text(old), _text(new)) if kind else None


def _sign(old: ast.AST, new: ast.AST) -> Difference | None:
    negated = [(old, new), (new, old)]
    for left, right in negated:
        if isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub) and ast.dump(left.operand) == ast.dump(right):
            return Difference("sign", _text(old), _text(new))
    return None


def _same_sides(old: ast.AST, new: ast.AST) -> Difference | None:
    """One operator for another; the two sides the other way round."""
    if not (isinstance(old, ast.BinOp | ast.Compare) and type(old) is type(new)):
        return None
    left, right = [ast.dump(child) for child in _children(old)], [ast.dump(child) for child in _children(new)]
    if left[0] == right[0] and left[-1] == right[-1]:
        kind = "condition" if isinstance(old, ast.Compare) else "sign" if _is_sum(old) and _is_sum(new) else "operator"
        return Difference(kind, _text(old), _text(new))
    if left[0] == right[-1] and left[-1] == right[0]:
        return Difference("sign" if _is_sum(old) else "exchanged", _text(old), _text(new))
    return None


def _is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def _renamed(old: ast.AST, new: ast.AST) -> Difference | None:
    """One name for another at every place."""
    before, after = ({n.id for n in ast.walk(side) if isinstance(n, ast.Name)} for side in (old, new))
    for stands in sorted(before):
        for belongs in sorted(after - {stands}):
            if re.sub(rf"\b{stands}\b", belongs, _text(old)) == _text(new):
                return Difference("name", stands, belongs)
    return None


def _power(old: ast.AST, new: ast.AST) -> Difference | None:
    """A square that is missing, or too many."""
    for power, base in ((new, old), (old, new)):
        if isinstance(power, ast.BinOp) and isinstance(power.op, ast.Pow) and ast.dump(power.left) == ast.dump(base):
            return Difference("power", _text(old), _text(new))
    return None


def _bracket(old: ast.AST, new: ast.AST) -> Difference | None:
    """The same names, operators and order: only the brackets differ."""
    if not (isinstance(old, ast.expr) and isinstance(new, ast.expr)):
        return None
    left, right = (_text(node).replace("(", "").replace(")", "").replace(" ", "") for node in (old, new))
    return Difference("bracket", _text(old), _text(new)) if left == right else None


def _transposed(old: ast.AST, new: ast.AST) -> Difference | None:
    left, right = (_text(node).replace(".T", "") for node in (old, new))
    if left != right or _text(old) == _text(new):
        return None
    return Difference("transpose", _text(old), _text(new))


def _parts_of(node: ast.AST, *operators: type) -> list[tuple[str, str]]:
    """Return the (operator, text) of the parts of a product or a sum, written flat."""
    found: list[tuple[str, str]] = []
    waiting = [("", node)]
    while waiting:
        sign, part = waiting.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, operators):
            inverse = isinstance(part.op, ast.Div | ast.Sub)
            waiting += [(("" if sign else "/") if inverse else sign, part.right), (sign, part.left)]
        else:
            found.append((sign, ast.dump(part)))
    return found


def _more_or_less(old: ast.AST, new: ast.AST) -> Difference | None:
    """Factors or summands that are missing, or too many."""
    for word, operators in (("factor", (ast.Mult, ast.Div)), ("term", (ast.Add, ast.Sub))):
        left, right = _parts_of(old, *operators), _parts_of(new, *operators)
        missing, surplus = _without(right, left), _without(left, right)
        if missing and not surplus:
            return Difference(f"{word} missing", _text(old), _written(new, missing, word))
        if surplus and not missing:
            return Difference(f"{word} too many", _written(old, surplus, word), _text(new))
        if max(len(left), len(right)) > max(len(missing), len(surplus)) > 0:
            kind = "slope" if _is_slope(surplus) or _is_slope(missing) else f"{word} exchanged"
            return Difference(kind, _written(old, surplus, word), _written(new, missing, word))
    return None


def _is_slope(parts: list[tuple[str, str]]) -> bool:
    """Whether factors are `y (1 - y)`, `1 - y ** 2` or one of them."""
    return any("Sub()" in text and "value=1" in text for _, text in parts)


def _without(parts: list[tuple[str, str]], others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    left = list(parts)
    for part in others:
        if part in left:
            left.remove(part)
    return left


def _written(node: ast.AST, parts: list[tuple[str, str]], word: str) -> str:
    """Return the text of some parts of a node, `(1 - y)` or `1/N`."""
    texts = {ast.dump(inner): inner for inner in ast.walk(node) if isinstance(inner, ast.expr)}
    found = []
    for sign, dumped in parts:
        inner = texts[dumped]
        compound = isinstance(inner, ast.BinOp | ast.Compare) and word == "factor"
        text = f"({_text(inner)})" if compound else _text(inner)
        inverse = "1/" if word == "factor" else "-"
        found.append(f"{inverse}{text}" if sign == "/" else text)
    return (" * " if word == "factor" else " + ").join(found).replace("+ -", "- ")


def _function(old: ast.AST, new: ast.AST) -> Difference | None:
    """A function left out, put around, or another one; its keywords."""
    if isinstance(old, ast.Call) and isinstance(new, ast.Call):
        same = _text(old.func) == _text(new.func)
        if same and sorted(map(ast.dump, old.args)) == sorted(map(ast.dump, new.args)):
            keywords = [ast.dump(keyword) for keyword in old.keywords] != [ast.dump(keyword) for keyword in new.keywords]
            return Difference("axis" if keywords else "exchanged", _text(old), _text(new))
        return Difference("function", _text(old), _text(new))
    for outer, inner in ((old, new), (new, old)):
        if isinstance(outer, ast.Call) and any(ast.dump(argument) == ast.dump(inner) for argument in outer.args):
            return Difference("function", _text(old), _text(new))
    return None


def _statements(old: ast.AST, new: ast.AST) -> Difference | None:
    """Statements exchanged, missing, too many."""
    if isinstance(new, ast.Pass):
        return Difference("statement too many", _text(old), "")
    if not (isinstance(old, ast.Module) and isinstance(new, ast.Module)):
        return None
    stands, belongs = (_text(side).replace("\n", "; ") for side in (old, new))
    kind = "order" if old.body and new.body else _missing(new.body) if new.body else "statement too many"
    return Difference(kind, stands, belongs)


def _missing(body: list[ast.stmt]) -> str:
    """Return what statements are that are missing: what is carried on to the next step, or a step of working it out."""
    carried = all(isinstance(at, ast.Assign) and isinstance(at.value, ast.Name | ast.Tuple) for at in body)
    return "statement missing" if carried else "step missing"


def _accumulated(old: ast.AST, new: ast.AST) -> Difference | None:
    """Added up or overwritten."""
    assigned = ast.Assign | ast.AugAssign
    if not isinstance(old, assigned):
        return None
    if isinstance(new, ast.Expr) or (isinstance(new, assigned) and type(old) is not type(new)):
        return Difference("accumulation", _text(old), _text(new))
    return _added(old, new) if isinstance(old, ast.AugAssign) and isinstance(new, ast.AugAssign) else None


def _added(old: ast.AugAssign, new: ast.AugAssign) -> Difference:
    """Another sign, or other elements, of what `+=` and `-=` add."""
    signed = [ast.dump(part) for part in (old.target, old.value)] == [ast.dump(part) for part in (new.target, new.value)]
    return Difference("sign" if signed else "index" if type(old.op) is type(new.op) else "statement", _text(old), _text(new))


RULES: tuple[Rule, ...] = (
    _statements,
    _accumulated,
    _sign,
    _transposed,
    _same_sides,
    _bracket,
    _power,
    _renamed,
    _more_or_less,
    _atom,
    _function,
)
"""Tried in this order on the smallest parts that differ."""
