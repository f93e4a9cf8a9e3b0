"""One-edit changes of Python code, as splices of its text: what a person would correct in a handwritten gradient."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher

from symbackprop.verify.splices import ATOMS, Edit, Source, names_in_scope

_TARGET = re.compile(r"t\d*$|t_|target|label|y_true|y\d*$")


def edits(source: Source) -> Iterator[Edit]:
    """Yield edits of the whole function, the likely ones first."""
    scope = names_in_scope(source)
    found: dict[tuple[int, int, str], Edit] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr | ast.stmt) and not _fixed(source, node):
            for kind, rule in _RULES:
                if isinstance(node, kind):
                    for edit in rule(source, node, scope):
                        if edit.new != source.text[edit.start : edit.end]:
                            found.setdefault((edit.start, edit.end, edit.new), edit)
    yield from sorted(found.values(), key=lambda edit: edit.cost)


def _fixed(source: Source, node: ast.AST) -> bool:
    """Docstrings, loops without a bound, defaults and annotations are left alone."""
    parent = source.parents.get(node)
    while parent is not None:
        if isinstance(parent, ast.While | ast.arguments | ast.JoinedStr):
            return True
        parent = source.parents.get(parent)
    return isinstance(node, ast.While | ast.FunctionDef)


# ---- products, pairs and repeated names ----------------------------------------------------------------------------

SLOPES = ("{0} * (1 - {0})", "(1 - {0} ** 2)", "({0} > 0)")


def _factors(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, `a * b * c`, from left to right."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        found.insert(0, node.right)
        node = node.left
    return [node, *found]


def _variables(node: ast.AST, scope: tuple[str, ...]) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and inner.id in scope}


def _product(source: Source, node: ast.BinOp, scope: tuple[str, ...]) -> Iterator[Edit]:
    """The derivative of an activation inside a product, put right: `out * (1 - out)` for whatever stands there of `out`."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult):
        return
    factors = _factors(node)
    for name in sorted(_variables(node, scope)):
        kept = [factor for factor in factors if _variables(factor, scope) != {name}]
        if len(kept) < len(factors):
            others = [_wrapped(source, factor, source.of(factor)) for factor in kept]
            if kept and kept[0] is factors[0] and isinstance(kept[0], ast.UnaryOp):
                others[0] = source.of(kept[0])  # `-(t - y) * …` needs no more brackets
            if others:
                yield source.put(node, " * ".join(others), 0.85)
            for slope in SLOPES:
                yield source.put(node, " * ".join([*others, slope.format(name)]), 0.75)


def _is_whole(source: Source, node: ast.expr) -> bool:
    """Whether an expression stands for itself: assigned, returned, an element of what is returned, or an argument."""
    if not isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare):
        return False
    parent = source.parents.get(node)
    held = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Dict | ast.Tuple | ast.List | ast.Call | ast.keyword
    return isinstance(parent, held)


def _repeated(source: Source, node: ast.expr, scope: tuple[str, ...]) -> Iterator[Edit]:
    """Every occurrence of a name, or of a call, in one expression: `h * (1 - h)` for `y * (1 - y)`, as one change."""
    if not _is_whole(source, node):
        return
    text = source.of(node)
    start, _ = source.span(node)
    loads = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name) and inner.id in scope]
    for name in sorted({load.id for load in loads}):
        places = [source.span(load) for load in loads if load.id == name]
        if len(places) > 1:
            for other in scope:
                if other != name:
                    yield source.put(node, _spliced(text, [(a - start, b - start, other) for a, b in places]), 0.8)
    yield from _repeated_parts(source, node, scope)
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call) and len(inner.args) == 1 and not inner.keywords]
    for written in sorted({source.of(call) for call in calls}):
        same = [call for call in calls if source.of(call) == written]
        if len(same) > 1:
            spans = [(source.span(call)[0] - start, source.span(call)[1] - start, source.of(call.args[0])) for call in same]
            yield source.put(node, _spliced(text, spans), 0.8)


def _repeated_parts(source: Source, node: ast.expr, scope: tuple[str, ...]) -> Iterator[Edit]:
    """An index expression that occurs more than once, `F - 1 - u`, replaced by one of its own names."""
    text, (start, _) = source.of(node), source.span(node)
    inside = [inner for inner in ast.walk(node) if isinstance(inner, ast.BinOp) and inner is not node]
    for written in sorted({source.of(inner) for inner in inside}):
        places = [source.span(inner) for inner in inside if source.of(inner) == written]
        if len(places) > 1:
            first = next(inner for inner in inside if source.of(inner) == written)
            for name in sorted(_variables(first, scope)):
                yield source.put(node, _spliced(text, [(a - start, b - start, name) for a, b in places]), 0.9)


def _spliced(text: str, places: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _exchanged_items(source: Source, node: ast.Dict | ast.Tuple, scope: tuple[str, ...]) -> Iterator[Edit]:
    """Two results exchanged: values of a dictionary, elements of a returned tuple."""
    items = node.values if isinstance(node, ast.Dict) else node.elts
    if len(items) > MOST_ITEMS or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    text, (start, _) = source.of(node), source.span(node)
    for k, left in enumerate(items):
        for right in items[k + 1 :]:
            (a, b), (c, d) = source.span(left), source.span(right)
            new = _spliced(text, [(a - start, b - start, source.of(right)), (c - start, d - start, source.of(left))])
            yield source.put(node, new, 0.7, atomic=True)


MOST_ITEMS = 14


# ---- rules ---------------------------------------------------------------------------------------------------------


def _name(source: Source, node: ast.Name, scope: tuple[str, ...]) -> Iterator[Edit]:
    if not isinstance(node.ctx, ast.Load):
        return
    parent = source.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    if node.id not in scope:
        return
    for other in scope:
        if other != node.id:
            yield source.put(node, other, 1.0 - 0.5 * SequenceMatcher(None, node.id, other).ratio(), atomic=True)
    if not isinstance(parent, ast.Attribute) and not isinstance(parent, ast.Subscript):
        yield source.put(node, f"{node.id}.T", 0.6, atomic=True)
        for other in scope:
            if _TARGET.match(other) and other != node.id:
                yield source.put(node, f"({node.id} - {other})", 0.9, atomic=True)


def _attribute(source: Source, node: ast.Attribute, scope: tuple[str, ...]) -> Iterator[Edit]:
    inner = source.of(node.value)
    if node.attr == "T":
        yield source.put(node, inner, 0.6, atomic=isinstance(node.value, ATOMS))
        return
    for group in _EXCHANGED:
        if node.attr in group:
            for other in group:
                if other != node.attr:
                    yield source.put(node, f"{_wrapped(source, node.value, inner)}.{other}", 1.1, atomic=True)


_EXCHANGED = (("sum", "mean", "max"), ("sin", "cos"), ("tanh", "exp"), ("maximum", "minimum"), ("zeros_like", "ones_like"))


def _constant(source: Source, node: ast.Constant, scope: tuple[str, ...]) -> Iterator[Edit]:
    value = node.value
    if isinstance(source.parents.get(node), ast.Subscript):  # an index that stands still where a loop's should run
        for name in _loop_names(source, node):
            yield source.put(node, name, 0.6, atomic=True)
    if isinstance(value, bool):
        yield source.put(node, str(not value), 0.8, atomic=True)
        return
    if not isinstance(value, int | float):
        return
    if isinstance(source.parents.get(node), ast.Slice):
        near = [value + 1, value - 1]
    else:
        near = [value + 1, value - 1, 2 * value, value / 2 if value % 2 or isinstance(value, float) else value // 2, 0, 1, 2, 0.5]
    parent = source.parents.get(node)
    factor = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)
    for other in dict.fromkeys(near):
        if other != value and not (factor and other == 1):  # a factor 1 is left out
            yield source.put(node, repr(other) if other >= 0 else f"({other!r})", 0.7, atomic=True)
    if value != 0:
        yield source.put(node, f"-{value!r}", 0.7)


def _loop_names(source: Source, node: ast.AST) -> Iterator[str]:
    """Yield the variables of the loops around a node."""
    parent = source.parents.get(node)
    while parent is not None:
        if isinstance(parent, ast.For) and isinstance(parent.target, ast.Name):
            yield parent.target.id
        parent = source.parents.get(parent)


def _binary(source: Source, node: ast.BinOp, scope: tuple[str, ...]) -> Iterator[Edit]:
    left, right = source.of(node.left), source.of(node.right)
    left, right = _wrapped(source, node.left, left), _wrapped(source, node.right, right)
    sign = _SIGNS.get(type(node.op))
    (_, middle), (after, _) = source.span(node.left), source.span(node.right)
    between = source.text[middle:after]
    for other in _INSTEAD.get(type(node.op), ()):
        yield Edit(middle, after, between.replace(sign or "", other, 1), node.lineno, 0.6)
    if sign in ("-", "+") and isinstance(node.right, ast.Constant):
        yield source.put(node, source.of(node.left), 0.55, atomic=isinstance(node.left, ATOMS))
    if sign in ("-", "/", "@"):
        # `1 - y` the other way round is a sign that is better put elsewhere.
        yield source.put(node, f"{right} {sign} {left}", 0.95 if isinstance(node.left, ast.Constant) else 0.65)
    if sign == "*" and isinstance(node.left, ast.Constant):
        yield source.put(node, right, 0.65, atomic=isinstance(node.right, ATOMS))
    if sign == "@":
        yield source.put(node, f"{left}.T @ {right}", 0.8)
        yield source.put(node, f"{left} @ {right}.T", 0.8)
        yield source.put(node, f"{right}.T @ {left}", 0.9)
        yield source.put(node, f"{right} @ {left}.T", 0.9)
    if sign in ("*", "/", "+", "-", "@", "**"):
        yield source.put(node, left, 0.9, atomic=isinstance(node.left, ATOMS))
        if sign not in ("**", "/"):
            yield source.put(node, right, 0.9, atomic=isinstance(node.right, ATOMS))


_SIGNS: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}
_INSTEAD: Mapping[type, tuple[str, ...]] = {
    ast.Add: ("-", "*"),
    ast.Sub: ("+", "*"),
    ast.Mult: ("/", "@", "+", "-", "**"),
    ast.Div: ("*",),
    ast.MatMult: ("*",),
}


def _wrapped(source: Source, node: ast.expr, text: str) -> str:
    return text if isinstance(node, ATOMS) else f"({text})"


def _term(source: Source, node: ast.expr) -> str:
    """Return a node's text as a factor of a product: a product or quotient needs no brackets."""
    plain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.Pow)
    return source.of(node) if plain else _wrapped(source, node, source.of(node))


def _unary(source: Source, node: ast.UnaryOp, scope: tuple[str, ...]) -> Iterator[Edit]:
    if isinstance(node.op, ast.USub):
        yield source.put(node, source.of(node.operand), 0.5, atomic=isinstance(node.operand, ATOMS))


def _compare(source: Source, node: ast.Compare, scope: tuple[str, ...]) -> Iterator[Edit]:
    if len(node.ops) == 1:
        left, right = source.of(node.left), source.of(node.comparators[0])
        for sign in ("<", ">", "<=", ">=", "=="):
            yield source.put(node, f"{left} {sign} {right}", 0.7)


def _call(source: Source, node: ast.Call, scope: tuple[str, ...]) -> Iterator[Edit]:
    """Arguments exchanged, an axis or keepdims left out or added."""
    texts = [source.of(argument) for argument in node.args]
    function = source.of(node.func)
    keywords = [source.of(keyword) if hasattr(keyword, "lineno") else "" for keyword in node.keywords]  # type: ignore[arg-type]
    if len(texts) == 2 and not any(isinstance(argument, ast.Starred) for argument in node.args):
        yield source.put(node, f"{function}({', '.join([*texts[::-1], *keywords])})", 0.8, atomic=True)
    for k in range(len(keywords)):
        rest = [*texts, *keywords[:k], *keywords[k + 1 :]]
        yield source.put(node, f"{function}({', '.join(rest)})", 0.75, atomic=True)
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean"):
        for extra in ("axis=0", "axis=1", "axis=-1", "keepdims=True"):
            if not any(extra.split("=", maxsplit=1)[0] in keyword for keyword in keywords):
                yield source.put(node, f"{function}({', '.join([*texts, *keywords, extra])})", 0.9, atomic=True)
    if texts and len(texts) == 1 and isinstance(node.func, ast.Name | ast.Attribute):
        yield source.put(node, texts[0], 1.0, atomic=isinstance(node.args[0], ATOMS))


def _any_expression(source: Source, node: ast.expr, scope: tuple[str, ...]) -> Iterator[Edit]:
    """A factor that is missing: a number, a size, a variable, a derivative written with the output."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.Call) and isinstance(node, ast.BinOp) and node in parent.args:
        for name in scope:  # a summand that is missing in an argument: the bias
            yield source.put(node, f"{source.of(node)} + {name}", 1.0)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or not _is_value(source, node):
        return
    text = _term(source, node)
    bare = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub)  # a product needs no brackets there
    for loop in _loop_names(source, node):
        for name in scope:
            yield source.put(node, f"{text} * {name}[{loop}]", 1.2, atomic=bare)
    yield source.put(node, f"-{text}", 0.8)
    yield source.put(node, f"2 * {text}", 0.8)
    yield source.put(node, f"{text} / 2", 0.85, atomic=bare)
    for size in _sizes(source, scope):
        yield source.put(node, f"{text} / {size}", 0.95, atomic=bare)
        yield source.put(node, f"{text} * {size}", 1.2, atomic=bare)
    for target in (name for name in scope if _TARGET.match(name)):
        for name in scope:
            yield source.put(node, f"{text} * ({name} - {target})", 1.3, atomic=bare)
    for name in scope:
        yield source.put(node, f"{text} * {name}", 1.3, atomic=bare)
        yield source.put(node, f"{text} / {name}", 1.45, atomic=bare)
        yield source.put(node, f"{text} * {name} * (1 - {name})", 1.25, atomic=bare)
        yield source.put(node, f"{text} * (1 - {name})", 1.35, atomic=bare)
        yield source.put(node, f"{text} * (1 - {name} ** 2)", 1.25, atomic=bare)
        yield source.put(node, f"{text} * ({name} > 0)", 1.3, atomic=bare)
        yield source.put(node, f"{text} + {name}", 1.4)
        yield source.put(node, f"{text} - {name}", 1.4)


def _is_value(source: Source, node: ast.expr) -> bool:
    """The whole right-hand side of an assignment, a returned element, or a summand: places where a factor goes missing."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.Assign | ast.AugAssign | ast.Return | ast.Dict):
        return not isinstance(node, ast.Tuple | ast.Dict | ast.List | ast.Constant)
    if isinstance(parent, ast.Tuple) and isinstance(source.parents.get(parent), ast.Return):
        return True
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub | ast.MatMult):
        return not isinstance(node, ast.Constant)
    return isinstance(parent, ast.BinOp) and isinstance(node, ast.Call)


def _sizes(source: Source, scope: tuple[str, ...]) -> Iterator[str]:
    for name in scope:
        if len(name) <= 2 and name in ("N", "n", "m", "B", "T", "D", "M", "K", "d"):
            yield name
    first = next((node.arg for node in ast.walk(source.tree) if isinstance(node, ast.arg) and node.arg != "self"), None)
    data = next((name for name in ("X", "x", "z") if name in scope), first)
    if data is not None:
        yield f"len({data})"
        yield f"{data}.shape[1]"


def _statement(source: Source, node: ast.stmt, scope: tuple[str, ...]) -> Iterator[Edit]:
    """Two neighbouring statements exchanged: a weight updated too early."""
    parent = source.parents.get(node)
    body = getattr(parent, "body", None)
    if not isinstance(body, list) or node not in body:
        return
    at = body.index(node)
    for other in body[at + 1 : at + 4]:
        if isinstance(other, ast.Assign | ast.AugAssign):
            start, _ = source.span(node)
            _, end = source.span(other)
            between = source.text[source.span(node)[1] : source.span(other)[0]]
            if other is body[at + 1]:
                yield Edit(start, end, f"{source.of(other)}{between}{source.of(node)}", node.lineno, 0.9)


def _augmented(source: Source, node: ast.AugAssign, scope: tuple[str, ...]) -> Iterator[Edit]:
    target, value = source.of(node.target), source.of(node.value)
    for sign in ("+=", "-=", "="):
        yield source.put(node, f"{target} {sign} {value}", 0.8, atomic=True)
    yield from _statement(source, node, scope)


def _assigned(source: Source, node: ast.Assign, scope: tuple[str, ...]) -> Iterator[Edit]:
    target = node.targets[0]
    if len(node.targets) == 1 and isinstance(target, ast.Subscript):
        yield source.put(node, f"{source.of(target)} += {source.of(node.value)}", 0.9, atomic=True)
    yield from _statement(source, node, scope)


Rule = Callable[[Source, ast.AST, tuple[str, ...]], Iterator[Edit]]
_RULES: tuple[tuple[type, Callable[..., Iterator[Edit]]], ...] = (
    (ast.Name, _name),
    (ast.Attribute, _attribute),
    (ast.Constant, _constant),
    (ast.BinOp, _binary),
    (ast.BinOp, _product),
    (ast.Dict, _exchanged_items),
    (ast.Tuple, _exchanged_items),
    (ast.expr, _repeated),
    (ast.UnaryOp, _unary),
    (ast.Compare, _compare),
    (ast.Call, _call),
    (ast.AugAssign, _augmented),
    (ast.Assign, _assigned),
    (ast.expr, _any_expression),
)
