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
    is_read_by_a_key,
    names_with,
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
            for old, new in _pieces_of_twins(source, other, node) if other is not node else ():
                text = renamed(source, source.of(other.value), old, new)
                if text is not None:
                    yield source.put(node.value, text, COST["twin"], atomic=True)


def _pieces_of_twins(source: ParsedSource, other: ast.Assign, node: ast.Assign) -> dict[tuple[str, str], None]:
    """Return the pieces in which the names of two statements differ: those of their targets first, then of what both read."""
    found = dict.fromkeys(_pieces(source.of(other.targets[0]), source.of(node.targets[0])))
    read = product(sorted(source.variables(other.value)), sorted(source.variables(node.value)))
    return found | dict.fromkeys(pair for old, new in read for pair in _pieces(old, new))


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
        whole = token[0].removesuffix(".T")
        for other in (whole.replace(old, new, 1), new.join(whole.rsplit(old, 1))):
            if other != whole and (other in known or other.partition(".")[0] in known - {whole.partition(".")[0], "self"}):
                changed = True
                return other + token[0][len(whole) :]
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


def statement_of_the_other_index(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """A statement that is missing beside another, for the other index of a pair: `db[j] += s` after `db[i] -= s`."""
    if not isinstance(node.target, ast.Subscript) or not source.variable(node.target.slice):
        return
    text, own = source.of(node), source.of(node.target.slice)
    for other in (name for name in _picking(source) if name != own):
        target = f"{source.of(node.target.value)}[{other}]"
        value = re.sub(rf"(?<![\w.]){re.escape(own)}(?!\w)", other, source.of(node.value))
        for sign in "+-" if f"{target} " not in source.text else "":
            again = f"{text}\n{' ' * node.col_offset}{target} {sign}= {without_sign(value)}"
            yield source.put(node, again, COST["neighbour"], atomic=True)


def statement_of_the_other_part(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """The other half of a difference: `dk[:-1] -= 2 * a * s` after `dk[1:] += 2 * a * s`."""
    target = source.of(node.target)
    for old, new in (("1:", ":-1"), (":-1", "1:")) if isinstance(node.op, ast.Add | ast.Sub) else ():
        other = re.sub(rf"(?<=[\[ ]){re.escape(old)}(?=[\],])", new, target)
        for sign in "-+" if isinstance(node.op, ast.Add) else "+-":
            again = f"{other} {sign}= {source.of(node.value)}"
            if other != target and again not in source.text:
                text = f"{source.of(node)}\n{' ' * node.col_offset}{again}"
                yield source.put(node, text, COST["neighbour"], atomic=True)


def without_sign(text: str) -> str:
    """Return a term without a minus in front of the whole of it."""
    bare = text.removeprefix("-").strip()
    return bare if text.startswith("-") and isinstance(ast.parse(text, mode="eval").body, ast.UnaryOp | ast.BinOp) else text


def _picking(source: ParsedSource) -> list[str]:
    """Return the variables with which alone elements are picked, `u` and `v` of `a[u] - a[v]`."""
    picks = (inner.slice for inner in ast.walk(source.tree) if isinstance(inner, ast.Subscript))
    return list(dict.fromkeys(filter(None, map(source.variable, picks))))


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
    own = {token for found in TOKEN.findall(text) if (token := found.removesuffix(".T")) in source.scope}
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


def path_to_the_next_step(source: ParsedSource, node: ast.BinOp) -> Edits:
    """A path that is missing in what a loop carries on: `dh_next = … + dh * z`, a product of two variables of this turn."""
    parent = source.parents.get(node)
    loop = next((outer for outer in source.above(node) if isinstance(outer, ast.For)), None)
    target = source.of(parent.targets[0]) if isinstance(parent, ast.Assign) else ""
    stored = names_with(loop, ast.Store) if loop is not None else set()
    if loop is not None and target in stored & names_with(loop, ast.Load):
        for left, right in combinations((name for name in source.arrays if name in stored - {target}), 2):
            yield source.put(node, f"{source.of(node)} + {left} * {right}", COST["carried path"], atomic=True)


def _products(source: ParsedSource, loops: list[str]) -> list[str]:
    """Return the products of a variable with another, or with an element that is read at a step of loops."""
    if not loops:
        return [f"{name} * {other}" for name, other in combinations(source.arrays, 2)]
    entries = [text for text in expressions(source) if any(f"[{loop}]" in text for loop in loops)]
    return [f"{name} * {entry}" for name in source.arrays for entry in entries]


def path_of_matrices(source: ParsedSource, node: ast.expr) -> Edits:
    """A summand that is missing: a variable through a matrix that the function has, `A.T @ lam`, `np.outer(d_raw, p["w"])`."""
    whole = isinstance(source.parents.get(node), ast.Assign | ast.AugAssign | ast.Return)
    text = source.of(node) if whole and isinstance(node, ast.BinOp | ast.Call | ast.UnaryOp) else ""
    for term, extra in _through_matrices(source, node) if text else ():
        if term not in text:
            yield source.put(node, f"{text} + {term}", COST["path of a matrix"] + extra, atomic=True)


def _through_matrices(source: ParsedSource, node: ast.expr) -> Iterator[tuple[str, float]]:
    """Yield the products of a variable set above with a matrix, those of what a loop carries on first."""
    matrices = list(dict.fromkeys(_matrices(source)))[:MOST_MATRICES]
    loops = [outer for outer in source.above(node) if isinstance(outer, ast.For)]
    carried = {name for loop in loops for name in names_with(loop, ast.Store) & names_with(loop, ast.Load)}
    above = [name for name in _set_before(source, node) if name in carried or name in source.arrays]
    for name, matrix, form in product(above, matrices, _forms_of_products(source)):
        if name != matrix:
            yield form.format(name, matrix), 0.1 * (name not in carried)


def _forms_of_products(source: ParsedSource) -> list[str]:
    """Return how a function writes products with a matrix."""
    written = ["{} @ {}.T", "{1}.T @ {0}"] if "@" in source.text else ["{}.dot({}.T)", "{1}.T.dot({0})"]
    return [*written, *(["np.outer({}, {})"] if "outer" in source.text else [])]


MOST_MATRICES = 12
"""Matrices of a function through which variables are passed."""


def _set_before(source: ParsedSource, node: ast.expr) -> list[str]:
    """Return the variables that a function sets above a node."""
    names = (inner for inner in ast.walk(source.tree) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store))
    return [name for name in dict.fromkeys(inner.id for inner in names if inner.lineno < node.lineno) if name not in source.whole]


def _matrices(source: ParsedSource) -> Iterator[str]:
    """Yield what a function multiplies as a matrix or transposes, what it is given, and what it looks up by a key."""
    for node in ast.walk(source.tree):
        for side in _multiplied(node):
            inner = side.value if isinstance(side, ast.Attribute) and side.attr == "T" else side
            if isinstance(inner, ast.Subscript) or source.variable(inner):
                yield source.of(inner)
    yield from (name for name in source.scope if name in source.arguments and name in source.arrays)
    yield from source.entries_beside


def _multiplied(node: ast.AST) -> list[ast.expr]:
    """Return the sides of a product of matrices, and what is looked up by a key."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("dot", "outer"):
        return [node.func.value, *node.args]
    return [node] if is_read_by_a_key(node) else []


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
