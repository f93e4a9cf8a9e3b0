"""Changes that take what stands elsewhere in the function: an expression, the right side of a twin, a path beside another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations, product
from typing import TypeGuard

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import (
    ATOMS,
    Edit,
    ParsedSource,
    calls_of_one,
    common_start,
    is_of_one,
    is_product,
    unlike,
)

Edits = Iterator[Edit]

MOST_EXPRESSIONS = 40
"""Expressions of a function that are put in other places."""
LONGEST_PIECE = 3
"""Letters in which the names of twins may differ: `1` and `2`, `a` and `b`, `fw` and `bw`."""


def other_expression(source: ParsedSource, node: ast.expr) -> Edits:
    """What stands elsewhere for an operand: `x[n, i:i + f] * g` for `w[k] * g`, `C // G` for `C`, `sigmoid(z)` for `z`."""
    if not is_operand(source, node):
        return
    own = source.of(node)
    others = [text for text in expressions(source) if text != own]
    if isinstance(node, ast.Subscript):
        others += [*source.arrays, *(f"{name}{part}" for name in source.arrays for part in _parts(source))]
    for text in others:
        yield source.put(node, text, COST["expression"] + 0.4 * unlike(own, text), atomic=True)


def _parts(source: ParsedSource) -> list[str]:
    """Return which parts of arrays a function fills, `[n, :, i:i + f]`."""
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store))
    return list(dict.fromkeys(source.of(node)[len(source.of(node.value)) :] for node in found))


def is_operand(source: ParsedSource, node: ast.expr) -> bool:
    """Whether a node is read as a side of a product, or as an argument of a function."""
    parent = source.parents.get(node)
    read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and isinstance(node, ast.Name | ast.Attribute | ast.Subscript)
    side = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div | ast.MatMult)
    argument = isinstance(parent, ast.Call) and node in parent.args
    sized = isinstance(node, ast.Call) and source.of(node).startswith("len(")
    return (read or sized) and (side or argument)


def expressions(source: ParsedSource) -> list[str]:
    """Return the small expressions that a function reads, each as it is written in a product."""
    found: dict[str, None] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Constant):
            found[source.of(node)] = None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            found[f"({source.of(node)})"] = None
        elif isinstance(node, ast.Call) and is_of_one(node):
            found[source.of(node)] = None
    return list(found)[:MOST_EXPRESSIONS]


def called_at_each(source: ParsedSource, node: ast.BinOp) -> Edits:
    """A function that stands elsewhere, at every place of its argument: `s(z) * (1 - s(z))` for `z * (1 - z)`."""
    if isinstance(source.parents.get(node), ast.BinOp):
        return
    for call in calls_of_one(source):
        places = _uncalled(source, node, source.of(call.args[0]))
        if len(places) > 1:
            yield source.put(node, source.spliced(node, [(at, source.of(call)) for at in places]), COST["repeated part"])


def _uncalled(source: ParsedSource, node: ast.AST, text: str) -> list[ast.expr]:
    """Return where a text stands in a node without a function around it."""
    inside = [inner for inner in ast.walk(node) if isinstance(inner, ast.expr) and source.of(inner) == text]
    return [place for place in inside if not isinstance(source.parents.get(place), ast.Call)]


def value_of_a_twin(source: ParsedSource, node: ast.Assign) -> Edits:
    """The right side of another line with one piece of its names exchanged: `db = (gb - zb * …) / nb` beside `da = …`."""
    if not isinstance(node.value, ast.Constant):
        for other in _assigned(source):
            for old, new in _pieces(source.of(other.targets[0]), source.of(node.targets[0])) if other is not node else ():
                text = renamed(source, source.of(other.value), old, new)
                if text is not None:
                    yield source.put(node.value, text, COST["twin"], atomic=True)


def _assigned(source: ParsedSource) -> list[ast.Assign]:
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.Assign))
    return [node for node in found if not isinstance(node.value, ATOMS) or isinstance(node.value, ast.Call)]


def _pieces(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield the piece that distinguishes two names that begin or end alike, (`q`, `k`) of `dq`, `dk`."""
    start = common_start(old, new)
    end = common_start(old[start:][::-1], new[start:][::-1])
    first, second = old[start : len(old) - end], new[start : len(new) - end]
    if (start or end) and first and second and max(len(first), len(second)) <= LONGEST_PIECE:
        yield first, second


TOKEN = re.compile(r"""[A-Za-z_][\w.]*|"[^"]*"|'[^']*'""")


def renamed(source: ParsedSource, text: str, old: str, new: str) -> str | None:
    """Return a text in which all variables and keys of a dictionary with one piece have another for it, if any has."""
    known = {*source.scope, *_keys(source)}
    changed = False

    def exchanged(token: re.Match[str]) -> str:
        nonlocal changed
        for other in (token[0].replace(old, new, 1), new.join(token[0].rsplit(old, 1))):
            if other != token[0] and (other in known or other.partition(".")[0] in known - {token[0].partition(".")[0], "self"}):
                changed = True
                return other
        return token[0]

    other = TOKEN.sub(exchanged, text)
    return other if changed else None


def _keys(source: ParsedSource) -> set[str]:
    """Return the texts that a function looks up, `"Uz"` with its quotes."""
    constants = (node for node in ast.walk(source.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {source.of(node) for node in constants if isinstance(source.parents.get(node), ast.Subscript)}


def path_of_a_twin(source: ParsedSource, node: ast.expr) -> Edits:
    """A summand that is missing beside another, with one piece exchanged: `… + dz @ p["Uz"].T + dr @ p["Ur"].T`."""
    parent = source.parents.get(node)
    if not isinstance(parent, ast.Assign | ast.AugAssign | ast.Return):
        return
    for term in _summands(node):
        for old, new in _alternatives(source, source.of(term)):
            text = renamed(source, source.of(term), old, new)
            if text is not None and text not in source.of(node):
                yield source.put(node, f"{source.of(node)} + {text}", COST["neighbour"], atomic=True)


def statement_of_a_twin(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """A statement that is missing beside another, `dW2 += reg * W2` after `dW1 += reg * W1`; or written as that one is."""
    text = source.of(node)
    for old, new in _alternatives(source, text):
        other = renamed(source, text, old, new)
        if other is not None and other not in source.text:
            yield source.put(node, f"{text}\n{' ' * node.col_offset}{other}", COST["neighbour"], atomic=True)
    for twin in (other for other in ast.walk(source.tree) if isinstance(other, ast.AugAssign) and other is not node):
        for old, new in _pieces(_base(source, twin.target), _base(source, node.target)):
            written = renamed(source, source.of(twin), old, new)
            if written is not None:
                yield source.put(node, written, COST["twin"], atomic=True)


def _base(source: ParsedSource, node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return source.of(node)


def _alternatives(source: ParsedSource, text: str) -> set[tuple[str, str]]:
    """Return the pieces of names of a text that other variables have in their place."""
    own = {token for token in TOKEN.findall(text) if token in source.scope}
    return {pair for name in own for other in source.scope if other != name for pair in _pieces(name, other)}


def _summands(node: ast.expr) -> list[ast.expr]:
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        found.insert(0, node.right)
        node = node.left
    return [term for term in (node, *found) if isinstance(term, ast.BinOp | ast.Call)]


def path_of_products(source: ParsedSource, node: ast.BinOp) -> Edits:
    """A summand that is missing in a sum of products: a variable with what the function reads at this step, `dc * r[t]`."""
    outermost = isinstance(source.parents.get(node), ast.Assign | ast.AugAssign)
    if outermost and (isinstance(node.op, ast.Add | ast.Sub) or is_product(node)):
        for term in _products(source, source.loop_names(node)):
            yield source.put(node, f"{source.of(node)} + {term}", COST["summand of its form"] + 0.1, atomic=True)


def _products(source: ParsedSource, loops: list[str]) -> list[str]:
    """Return the products of a variable with another, or with an element that is read at a step of loops."""
    if not loops:
        return [f"{name} * {other}" for name, other in combinations(source.arrays, 2)]
    entries = [text for text in expressions(source) if any(f"[{loop}]" in text for loop in loops)]
    return [f"{name} * {entry}" for name in source.arrays for entry in entries]


def like_the_others(source: ParsedSource, node: ast.Tuple | ast.Dict) -> Edits:
    """What one result lacks that another has, or has alone: `return dW / n, db` beside the n of `dW`."""
    parts = node.values if isinstance(node, ast.Dict) else node.elts
    if isinstance(source.parents.get(node), ast.Return | ast.Assign) and 1 < len(parts) <= MOST_RESULTS:
        scales = [_scale(source, part) for part in parts]
        yield from (source.put(part, source.of(part.left), COST["result"] + 0.1) for part in parts if _is_scaled(part))
        for (part, own), scale in product(zip(parts, scales, strict=True), dict.fromkeys(filter(None, scales))):
            if own != scale:
                yield source.put(part, f"{source.term(part)}{scale}", COST["result"])


MOST_RESULTS = 12
"""Results beside one another that are compared."""


def _is_scaled(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult)


def _scale(source: ParsedSource, node: ast.expr) -> str:
    """Return ` / n` or ` * n`, by which a result is scaled, or an empty text."""
    if not _is_scaled(node):
        return ""
    return f" {'/' if isinstance(node.op, ast.Div) else '*'} {source.factor(node.right)}"
