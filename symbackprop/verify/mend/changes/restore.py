"""Changes that restore what was meant: a name, an operator, an axis, an index, a bracket, the order of two statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import combinations

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import ATOMS, Edit, ParsedSource, is_read_by_a_key, unlike

MOST_ITEMS = 14
"""Results in one dictionary or tuple of which every two are tried exchanged."""

Edits = Iterator[Edit]


def other_name(source: ParsedSource, node: ast.Name) -> Edits:
    """Another variable of the function: `a1` where `a2` belongs; a name that looks alike first."""
    parent = source.parents.get(node)
    is_called = isinstance(parent, ast.Call) and parent.func is node
    if not isinstance(node.ctx, ast.Load) or node.id not in source.scope or is_called:
        return
    for other in _of_its_kind(source, node):
        if other != node.id:
            yield source.put(node, other, COST["name"] + 0.5 * unlike(node.id, other), atomic=True)
    if not isinstance(parent, ast.Attribute | ast.Subscript) and node.id not in source.whole:
        yield source.put(node, f"{node.id}.T", COST["transpose"], atomic=True)


def _of_its_kind(source: ParsedSource, node: ast.Name) -> list[str]:
    """Return the variables that may stand where one does: positions for a position, arrays for an array."""
    if node.id in source.whole:
        return [name for name in source.within(node) if name in source.whole]
    parent = source.parents.get(node)
    looked_up = isinstance(parent, ast.Subscript)
    return [name for name in (source.scope if looked_up else source.arrays) if name not in source.whole]


def other_attribute(source: ParsedSource, node: ast.Attribute) -> Edits:
    """`self.x` for `self.out`, a transpose taken away, `sum` for `mean`."""
    if not isinstance(node.ctx, ast.Load):
        return
    inner = source.of(node.value)
    if node.attr == "T":
        yield source.put(node, inner, COST["transpose"], atomic=isinstance(node.value, ATOMS))
        return
    for other in (other for group in EXCHANGED if node.attr in group for other in group if other != node.attr):
        yield source.put(node, f"{source.factor(node.value)}.{other}", COST["function"], atomic=True)
    parent = source.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    for other in _attributes(source, inner) - {node.attr}:
        yield source.put(node, f"{inner}.{other}", COST["name"] + 0.5 * unlike(node.attr, other), atomic=True)
    for name in source.within(node) if inner == "self" else ():
        if name != source.of(node):
            yield source.put(node, name, COST["name"] + 0.5 * unlike(node.attr, name), atomic=True)


def other_key(source: ParsedSource, node: ast.Subscript) -> Edits:
    """Another key of a dictionary, also one that only other functions of the file look up: `p["W_self"]` for `p["W"]`."""
    if is_read_by_a_key(node):
        base = source.of(node.value)
        own = (source.of(other) for other in ast.walk(source.tree) if is_read_by_a_key(other))
        for other in dict.fromkeys(entry for entry in (*own, *source.entries_beside) if entry.startswith(f"{base}[")):
            cost = COST["name"] + 0.5 * unlike(source.of(node.slice), other[len(base) + 1 : -1])
            yield source.put(node, other, cost, atomic=True)


def other_for_a_transpose(source: ParsedSource, node: ast.Attribute) -> Edits:
    """`W2` for `W1.T`, which has its shape."""
    if node.attr == "T" and isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
        for other in source.arrays:
            yield source.put(node, other, COST["name"] + 0.3 + 0.5 * unlike(node.value.id, other), atomic=True)


EXCHANGED = (
    ("sum", "mean", "max"),
    ("sin", "cos"),
    ("tanh", "exp"),
    ("sinh", "cosh", "tanh"),
    ("maximum", "minimum"),
    ("zeros_like", "ones_like"),
    ("var", "std"),
    ("argmax", "argmin"),
    ("max", "min"),
)


def turned_attribute(source: ParsedSource, node: ast.Attribute) -> Edits:
    """The transpose of what the object holds: `dz.dot(self.W.T)` for `dz.dot(self.W)`."""
    inside = isinstance(source.parents.get(node), ast.Attribute | ast.Subscript)
    if isinstance(node.ctx, ast.Load) and not inside and source.variable(node) in set(source.held) - {*source.whole}:
        yield source.put(node, f"{source.of(node)}.T", COST["transpose"], atomic=True)


def _attributes(source: ParsedSource, owner: str) -> set[str]:
    """Return the attributes of an object that the function mentions and does not call."""
    found = set()
    for node in ast.walk(source.tree):
        parent = source.parents.get(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        if isinstance(node, ast.Attribute) and not called and owner == "self" and source.of(node.value) == owner:
            found.add(node.attr)
    return found


def other_constant(source: ParsedSource, node: ast.Constant) -> Edits:
    """A number next to the one that stands there; an index that stands still where a loop's should run."""
    value = node.value
    if _is_index(source, node):
        for name in source.loop_names(node):
            yield source.put(node, name, COST["index"], atomic=True)
    if isinstance(value, bool):
        yield source.put(node, str(not value), COST["keyword"], atomic=True)
    elif isinstance(value, int | float):
        yield from _near(source, node, value)


def _is_index(source: ParsedSource, node: ast.expr) -> bool:
    """Whether a node is an index, alone or one of several: `a[0]`, `a[i, 0]`."""
    parent = source.parents.get(node)
    outer = source.parents.get(parent) if isinstance(parent, ast.Tuple) else parent
    return isinstance(outer, ast.Subscript) and outer.slice in (node, parent)


def other_negative(source: ParsedSource, node: ast.UnaryOp) -> Edits:
    """0 for -1."""
    if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and not isinstance(node.operand.value, str):
        yield source.put(node, "0.0" if isinstance(node.operand.value, float) else "0", COST["constant"], atomic=True)


def _near(source: ParsedSource, node: ast.Constant, value: float) -> Edits:
    parent = source.parents.get(node)
    half = value / 2 if value % 2 or isinstance(value, float) else value // 2
    near = [value + 1, value - 1, *([] if isinstance(parent, ast.Slice) else [2 * value, half, 0, 1, 2, 0.5])]
    if isinstance(parent, ast.keyword) and parent.arg == "axis":
        near = [0, 1, -1, 2]
        for axes in SEVERAL_AXES:
            yield source.put(node, axes, COST["axes"], atomic=True)
    if _is_in_a_power(source, node):
        near += [value + 2, value - 2]  # -1/2, -3/2
    near += _written_elsewhere(source, value)
    unwanted = _unwanted(parent, node)
    inside = INSIDE * any(isinstance(outer, ast.Call) for outer in source.above(node) if isinstance(parent, ast.BinOp))
    for other in dict.fromkeys(near):
        if other != value and other not in unwanted:
            yield source.put(node, repr(other) if other >= 0 else f"({other!r})", COST["constant"] + inside, atomic=True)
    if value != 0:
        yield source.put(node, f"-{value!r}", COST["constant"] + 0.15)  # a sign is missing in front of the whole more often


SEVERAL_AXES = ("(0, 1)", "(0, 2)", "(1, 2)", "(0, 2, 3)", "(2, 3)")


def other_axes(source: ParsedSource, node: ast.Tuple) -> Edits:
    """Other axes of a sum than those that stand there."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.keyword) and parent.arg == "axis":
        for axes in (*SEVERAL_AXES, "0", "1", "-1"):
            yield source.put(node, axes, COST["axes"], atomic=True)


def _is_in_a_power(source: ParsedSource, node: ast.AST) -> bool:
    """Whether a node stands in an exponent."""
    inside = node
    for outer in source.above(node):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow) and outer.right is inside:
            return True
        inside = outer
    return False


INSIDE = 0.15
"""How much less likely a number in a formula inside of a call is wrong, `np.sqrt(2 / np.pi)`, than one outside."""


def _written_elsewhere(source: ParsedSource, value: float) -> list[float]:
    """Return the fractions that a function is written with: the slope 0.1 of a leaky relu, where 0 stands."""
    numbers = (node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant))
    fractions = sorted({number for number in numbers if isinstance(number, float) and number > LEAST})
    return [*fractions, *map(float, source.beside.fractions)] if isinstance(value, float) else []


LEAST = 1e-3
"""A smaller number is a guard."""


def _unwanted(parent: ast.AST | None, node: ast.Constant) -> set[int]:
    """Return the numbers that are nobody's mend: a factor 1 is left out, a factor 0 or a summand 0 means nothing."""
    if not isinstance(parent, ast.BinOp):
        return set()
    if isinstance(parent.op, ast.Div) and parent.left is node:  # `1 / m` is more than `m`
        return {0}
    return {0, 1} if isinstance(parent.op, ast.Mult | ast.Div) else {0} if isinstance(parent.op, ast.Add | ast.Sub) else set()


def complement(source: ParsedSource, node: ast.expr) -> Edits:
    """`1 - s` for `s` as a factor, `u ** 2 - 1` for `u ** 2`: the other part of a gate, the other half of a slope."""
    parent = source.parents.get(node)
    product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div)
    power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    if product and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and (power or not isinstance(node, ast.BinOp)):
        text = source.of(node)
        yield source.put(node, f"(1 - {text})", COST["complement"], atomic=True)
        if power:
            yield source.put(node, f"({text} - 1)", COST["complement"], atomic=True)


SIGNS: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}
INSTEAD: Mapping[type, tuple[str, ...]] = {
    ast.Add: ("-", "*"),
    ast.Sub: ("+", "*"),
    ast.Mult: ("/", "@", "+", "-", "**"),
    ast.Div: ("*",),
    ast.MatMult: ("*",),
}


def other_operator(source: ParsedSource, node: ast.BinOp) -> Edits:
    """Another operator between the same two sides; nobody means to add the 2 of a square."""
    (_, middle), (after, _) = source.span(node.left), source.span(node.right)
    between = source.text[middle:after]
    numbered = isinstance(node.op, ast.Mult) and any(isinstance(side, ast.Constant) for side in (node.left, node.right))
    for other in ("/", "**") if numbered else INSTEAD.get(type(node.op), ()):
        yield Edit(middle, after, between.replace(SIGNS[type(node.op)], other, 1), node.lineno, COST["operator"])


def sides_exchanged(source: ParsedSource, node: ast.BinOp) -> Edits:
    """The two sides the other way round, or one of them transposed."""
    sign = SIGNS.get(type(node.op))
    left, right = source.factor(node.left), source.factor(node.right)
    if sign in ("-", "/", "@"):
        # `1 - y` the other way round is a sign that is better put elsewhere.
        cost = COST["constant exchanged"] if isinstance(node.left, ast.Constant) else COST["exchanged sides"]
        yield source.put(node, f"{right} {sign} {left}", cost)
    if sign == "@":
        yield source.put(node, f"{_turned(source, node.right)} @ {_turned(source, node.left)}", COST["transpose"])
        for new in (f"{left}.T @ {right}", f"{left} @ {right}.T", f"{right}.T @ {left}", f"{right} @ {left}.T"):
            yield source.put(node, new, COST["transposed side"] + 0.1 * new.startswith(right))


def transposed_in_each(source: ParsedSource, node: ast.BinOp) -> Edits:
    """One side transposed as the function writes it for stacks of matrices: `a.transpose(0, 2, 1) @ b` for `a @ b`."""
    if isinstance(node.op, ast.MatMult):
        for written in sorted(set(re.findall(r"\.(?:transpose|swapaxes)\([-\d, ]*\)", source.text))):
            for side in (node.left, node.right):
                if "transpose" not in source.of(side) and "swapaxes" not in source.of(side):
                    yield source.put(side, f"{source.factor(side)}{written}", COST["transpose"], atomic=True)


def _turned(source: ParsedSource, node: ast.expr) -> str:
    """Return the transpose of a side."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return source.factor(node.value)
    return f"{source.factor(node)}.T"


def brackets_moved(source: ParsedSource, node: ast.BinOp) -> Edits:
    """`a * b + c` for `a * (b + c)`, and the other ways in which a bracket is forgotten or set wrongly."""
    of, op, left, right = source.of, SIGNS.get(type(node.op)), node.left, node.right
    inner_left, inner_right = (SIGNS.get(type(side.op)) if isinstance(side, ast.BinOp) else None for side in (left, right))
    new = []
    if isinstance(left, ast.BinOp) and (op in ("+", "-") or inner_left in ("+", "-") or op in ("*", "/")) and inner_left != "**":
        new.append(f"{source.factor(left.left)} {inner_left} ({of(left.right)} {op} {of(right)})")
    if isinstance(right, ast.BinOp) and inner_right != "**" and op != inner_right:
        new.append(f"({of(left)} {op} {of(right.left)}) {inner_right} {source.factor(right.right)}")
        if op in ("*", "/"):  # `a * (b + c)` for `a * b + c`
            new.append(f"{source.factor(left)} {op} {source.factor(right.left)} {inner_right} {of(right.right)}")
    for text in new:
        yield source.put(node, text, COST["bracket"])


def compared_sum(source: ParsedSource, node: ast.Compare) -> Edits:
    """`x > 0 + (x < 0) * s` for `(x > 0) + (x < 0) * s`: comparing binds last. And another relation."""
    if len(node.ops) != 1:
        return
    left, right = node.left, node.comparators[0]
    if source.variable(left):  # a mask that holds more than 0 and 1
        yield source.put(node, source.of(left), COST["condition"] + 0.1, atomic=True)
    for sign in ("<", ">", "<=", ">=", "==", "!="):
        yield source.put(node, f"{source.of(left)} {sign} {source.of(right)}", COST["condition"])
    middle = source.text[source.span(left)[1] : source.span(right)[0]]
    bottom = right
    while isinstance(bottom, ast.BinOp):
        bottom = bottom.left
        outer = source.parents[bottom]
        assert isinstance(outer, ast.BinOp)
        rest = source.text[source.span(bottom)[1] : source.span(right)[1]]
        if isinstance(outer.op, ast.Add | ast.Sub | ast.Mult):
            yield source.put(node, f"({source.of(left)}{middle}{source.of(bottom)}){rest}", COST["bracket"])


def arguments_exchanged(source: ParsedSource, node: ast.Call) -> Edits:
    """Two arguments exchanged; an axis or `keepdims` taken away or added."""
    texts, function = [source.of(argument) for argument in node.args], source.of(node.func)
    keywords = [source.of(keyword) for keyword in node.keywords]

    def called(arguments: list[str], cost: float) -> Edit:
        return source.put(node, f"{function}({', '.join(arguments)})", cost, atomic=True)

    if len(texts) == 2 and not any(isinstance(argument, ast.Starred) for argument in node.args):
        yield called([*texts[::-1], *keywords], COST["exchanged sides"] + 0.1)
    for k in range(len(keywords)):
        yield called([*texts, *keywords[:k], *keywords[k + 1 :]], COST["keyword"])
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "mean", "max"):
        given = {keyword.arg for keyword in node.keywords}
        for extra in (*AXES, *(f"{axis}, keepdims=True" for axis in AXES), "keepdims=True"):
            if not any(part.split("=", maxsplit=1)[0] in given for part in extra.split(", ")):
                yield called([*texts, *keywords, extra], COST["axis added"])


AXES = ("axis=0", "axis=1", "axis=-1")


def repeated_name(source: ParsedSource, node: ast.expr) -> Edits:
    """Every occurrence of a name, or of a call, in one expression: `h * (1 - h)` for `y * (1 - y)`, as one change."""
    if not stands_for_itself(source, node):
        return
    loads = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name) and inner.id in source.scope]
    for name in sorted({load.id for load in loads}):
        places: list[ast.expr] = [load for load in loads if load.id == name]
        for other in source.within(node) if len(places) > 1 else ():
            if other != name:
                yield source.put(node, source.spliced(node, [(place, other) for place in places]), COST["repeated name"])
    yield from _repeated_parts(source, node)


def _repeated_parts(source: ParsedSource, node: ast.expr) -> Edits:
    """An index expression that occurs more than once, `F - 1 - u`, replaced by one of its own names; a call by its argument."""
    inside = [inner for inner in ast.walk(node) if isinstance(inner, ast.BinOp | ast.Call) and inner is not node]
    by_text: dict[str, list[ast.BinOp | ast.Call]] = {}
    for inner in inside:
        by_text.setdefault(source.of(inner), []).append(inner)
    for places in by_text.values():
        first = places[0]
        if len(places) < 2:
            continue
        put = sorted(source.variables(first)) if isinstance(first, ast.BinOp) else [source.of(a) for a in first.args[:1]]
        for new in put:
            yield source.put(node, source.spliced(node, [(place, new) for place in places]), COST["repeated part"])


def names_exchanged(source: ParsedSource, node: ast.BinOp) -> Edits:
    """Two variables of one expression exchanged: `dz @ Wz.T + dh @ Wh.T` for `dz @ Wh.T + dh @ Wz.T`."""
    if isinstance(node.op, ast.Add | ast.Sub) and not isinstance(source.parents.get(node), ast.BinOp):
        inside = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name | ast.Attribute) and source.variable(inner)]
        for left, right in combinations(inside[:MOST_ITEMS], 2):
            if source.of(left) != source.of(right):
                new = source.spliced(node, [(left, source.of(right)), (right, source.of(left))])
                yield source.put(node, new, COST["names exchanged"], atomic=True)


def other_end_of_a_list(source: ParsedSource, node: ast.Call) -> Edits:
    """`dxs.insert(0, dx)` for `dxs.append(dx)` in a loop that runs backwards, and the reverse."""
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if isinstance(node.func, ast.Attribute) and (method, len(node.args)) in (("append", 1), ("insert", 2)):
        put = f"insert(0, {source.of(node.args[-1])})" if method == "append" else f"append({source.of(node.args[-1])})"
        yield source.put(node, f"{source.of(node.func.value)}.{put}", COST["reversed"], atomic=True)


def stands_for_itself(source: ParsedSource, node: ast.expr) -> bool:
    """Whether an expression is assigned, returned, an element of what is returned, or an argument."""
    held = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Dict | ast.Tuple | ast.List | ast.Call | ast.keyword
    compound = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare)
    return compound and isinstance(source.parents.get(node), held)


def results_exchanged(source: ParsedSource, node: ast.Dict | ast.Tuple | ast.List) -> Edits:
    """Two results exchanged: values of a dictionary, elements of a returned tuple, parts that are put together."""
    items = node.values if isinstance(node, ast.Dict) else node.elts
    if len(items) > MOST_ITEMS or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    for left, right in combinations(items, 2):
        new = source.spliced(node, [(left, source.of(right)), (right, source.of(left))])
        yield source.put(node, new, COST["exchanged results"], atomic=True)


def copied(source: ParsedSource, node: ast.Assign) -> Edits:
    """A copy where a view was taken, or the array itself: `rows = U.copy()` for `rows = U[:]`."""
    inner = node.value
    while isinstance(inner, ast.Subscript | ast.Attribute):
        inner = inner.value
    plain = isinstance(node.value, ast.Name | ast.Subscript) or (isinstance(node.value, ast.Attribute) and node.value.attr == "T")
    if plain and isinstance(inner, ast.Name) and inner.id in source.scope:
        yield source.put(node.value, f"{source.of(node.value).removesuffix('[:]')}.copy()", COST["copy"], atomic=True)


def statements_exchanged(source: ParsedSource, node: ast.Assign | ast.AugAssign) -> Edits:
    """Two neighbouring statements exchanged: a weight updated too early."""
    body = getattr(source.parents.get(node), "body", None)
    if not isinstance(body, list) or node not in body[:-1]:
        return
    after = body[body.index(node) + 1]
    if isinstance(after, ast.Assign | ast.AugAssign):
        between = source.text[source.span(node)[1] : source.span(after)[0]]
        new = f"{source.of(after)}{between}{source.of(node)}"
        yield Edit(source.span(node)[0], source.span(after)[1], new, node.lineno, COST["order"])


def other_accumulation(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """`+=` for `-=` or `=`; `np.add.at` where an index occurs more than once."""
    target, value = source.of(node.target), source.of(node.value)
    for sign in ("+=", "-=", "="):
        yield source.put(node, f"{target} {sign} {value}", COST["accumulation"], atomic=True)
    if isinstance(node.op, ast.Add | ast.Sub) and isinstance(node.target, ast.Subscript):
        added = _added_at(source, node.target, node.value, "add" if isinstance(node.op, ast.Add) else "subtract")
        yield source.put(node, added, COST["accumulation"], atomic=True)


def assigned_for_added(source: ParsedSource, node: ast.Assign) -> Edits:
    """`a[i] = …` for `a[i] += …`: later terms overwrite earlier ones; `s = …` in a loop, or where s was begun before."""
    (target, *others) = node.targets
    plain = isinstance(target, ast.Name | ast.Attribute) and _is_begun(source, node, source.of(target))
    if others or not (isinstance(target, ast.Subscript) or plain):
        return
    yield source.put(node, f"{source.of(target)} += {source.of(node.value)}", COST["accumulation"], atomic=True)
    if isinstance(target, ast.Subscript):
        yield source.put(node, _added_at(source, target, node.value), COST["accumulation"], atomic=True)


def _added_at(source: ParsedSource, target: ast.Subscript, value: ast.expr, ufunc: str = "add") -> str:
    """Return the statement that adds, or subtracts, at places of which some may occur more than once."""
    index = source.of(target.slice)
    index = f"({index})" if isinstance(target.slice, ast.Tuple) and not index.startswith("(") else index
    return f"np.{ufunc}.at({source.of(target.value)}, {index}, {source.of(value)})"


def _is_begun(source: ParsedSource, node: ast.Assign, name: str) -> bool:
    """Whether a variable is set before a statement, further up or in the turn of a loop before."""
    if any(isinstance(outer, ast.For) for outer in source.above(node)):
        return True
    stored = (n for n in ast.walk(source.tree) if isinstance(n, ast.Name | ast.Attribute) and isinstance(n.ctx, ast.Store))
    return any(before.lineno < node.lineno and source.of(before) == name for before in stored)
