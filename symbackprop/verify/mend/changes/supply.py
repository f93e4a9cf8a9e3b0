"""Changes that add what is missing: a sign, a number, a size, a slope, a factor, a summand, a step carried on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import (
    ATOMS,
    Edit,
    ParsedSource,
    calls_of_one,
    common_start,
    compares,
    factors_of,
    is_product,
    names_with,
    unlike,
)

Edits = Iterator[Edit]

TARGET = re.compile(r"t\d*$|t_|target|label|y_true|y\d*$")
SIZES = ("N", "n", "m", "B", "T", "D", "M", "K", "d", "batch", "batch_size", "num", "size", "H")


def scaled(source: ParsedSource, node: ast.expr) -> Edits:
    """A sign, a 2, a size or the root of one that is missing; a size itself is not halved."""
    if not is_value(source, node) or _sets_a_size(source, node):
        return
    text, bare = source.term(node), _in_a_sum(source, node)
    yield source.put(node, f"-{text}", COST["sign added"])
    yield source.put(node, f"2 * {text}", COST["number added"], atomic=bare)
    yield source.put(node, f"{text} / 2", COST["number added"], atomic=bare)
    for power in _powers(source):
        yield source.put(node, f"{power} * {text}", COST["power counted"], atomic=bare)
    for size in sizes(source):
        yield source.put(node, f"{text} / {size}", COST["size divided"], atomic=bare)
        yield source.put(node, f"{text} / np.sqrt({size})", COST["root of size"], atomic=bare)
        yield source.put(node, f"{text} * np.sqrt({size})", COST["root of size"], atomic=bare)
        yield source.put(node, f"{text} * {size}", COST["size multiplied"], atomic=bare)


def _sets_a_size(source: ParsedSource, node: ast.expr) -> bool:
    """Whether a node is a size that is put into a variable: nobody means to halve it, or to multiply it by an array."""
    return _is_sized(source.of(node)) and isinstance(source.parents.get(node), ast.Assign)


def changed_once_more(source: ParsedSource, node: ast.Assign | ast.AugAssign) -> Edits:
    """A statement that is missing after one that fills an array: `dy /= N` after `dy[rows, y] -= 1`."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name) and (isinstance(node, ast.AugAssign) or source.of(target) != source.of(node.targets[0])):
        text, indent = source.of(node), " " * node.col_offset
        for size in sizes(source):
            yield source.put(node, f"{text}\n{indent}{target.id} /= {size}", COST["size divided"], atomic=True)
        for name in source.arrays:
            yield source.put(node, f"{text}\n{indent}{target.id} *= {name}", COST["factor added"], atomic=True)


def passed_through(source: ParsedSource, node: ast.Name | ast.Attribute) -> Edits:
    """A matrix that is left out on the way: `x.T @ (a.T @ dz)` for `x.T @ dz`."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult) and source.variable(node):
        own = source.of(node)
        for name in (name for name in source.arrays if name != own):
            for new in (f"({name}.T @ {own})", f"({name} @ {own})", f"({own} @ {name}.T)"):
                yield source.put(node, new, COST["factor in argument"], atomic=True)


def _powers(source: ParsedSource) -> list[int]:
    """Return the numbers beyond 2 by which the derivative of a power is multiplied: 3 where `x ** 3` or `x ** 2` stands."""
    powers = [node.right for node in ast.walk(source.tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)]
    found = {power.value for power in powers if isinstance(power, ast.Constant) and type(power.value) is int}
    return sorted({number for power in found for number in (power, power + 1) if 2 < number < MOST_POWER})


MOST_POWER = 6


def with_a_variable(source: ParsedSource, node: ast.expr) -> Edits:
    """A variable, a slope written with it, or a residual that is missing as a factor; a variable as a summand."""
    if not is_value(source, node) or _sets_a_size(source, node):
        return
    yield from _with_an_entry(source, node)
    text, bare = source.term(node), _in_a_sum(source, node)
    inner = 0.05 * isinstance(source.parents.get(node), ast.BinOp)  # a whole right-hand side first
    kept = KEPT * ("keepdims" in text[-20:])
    for name in source.arrays:
        for new, kind in FACTORS:
            yield source.put(node, new.format(text, name), COST[kind] + kept, atomic=bare)
        yield source.put(node, f"{text} + {name}", COST["summand added"] + inner)
        yield source.put(node, f"{text} - {name}", COST["summand added"] + inner)
        for rest in _residuals(source, name):
            yield source.put(node, f"{text} * {rest}", COST["factor added"], atomic=bare)


def _with_an_entry(source: ParsedSource, node: ast.expr) -> Edits:
    """What a variable has at a step of a loop, as a factor, or as a summand beside others."""
    text, bare = source.term(node), _in_a_sum(source, node)
    for entry in (f"{name}[{loop}]" for name in source.scope if name not in source.whole for loop in source.loop_names(node)):
        yield source.put(node, f"{text} * {entry}", COST["size multiplied"], atomic=bare)
        if bare:
            yield source.put(node, f"{text} + {entry}", COST["entry added"], atomic=_is_added(source, node))


def _residuals(source: ParsedSource, name: str) -> list[str]:
    """Return a variable less each of the targets."""
    return [f"({name} - {target})" for target in source.scope if TARGET.match(target) and target != name]


def slope_of_an_entry(source: ParsedSource, node: ast.expr) -> Edits:
    """The slope at a step: `delta @ W.T * (1 - acts[l] ** 2)`, `* h[t - 1] * (1 - h[t - 1])`; or its other factor alone."""
    if not is_value(source, node):
        return
    text, bare = source.term(node), _in_a_sum(source, node)
    for entry in _entries_read(source):
        for new in ("{0} * {1} * (1 - {1})", "{0} * (1 - {1} ** 2)", "{0} * ({1} > 0)"):
            yield source.put(node, new.format(text, entry), COST["slope added"], atomic=bare)


def _entries_read(source: ParsedSource) -> list[str]:
    """Return the elements that a function reads at the steps of its loops, `h[t - 1]`, and what it calls, `sigmoid(z)`."""
    read = (node for node in ast.walk(source.tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load))
    steps = {source.of(node) for node in read if isinstance(node.value, ast.Name) and source.loop_names(node)}
    return sorted({*steps, *(source.of(node) for node in calls_of_one(source) if source.variables(node))})


KEPT = 0.2
"""How much less likely a factor is missing behind a sum that keeps its axes than where that sum is used."""
FACTORS = (
    ("{0} * {1}", "factor added"),
    ("{0} * {1}[:, None]", "factor of rows"),
    ("{0} / {1}", "divisor added"),
    ("{0} / ({1} * (1 - {1}))", "divisor added"),
    ("{0} * {1} * (1 - {1})", "slope added"),
    ("{0} * (1 - {1})", "slope complement"),
    ("{0} * (1 - {1} ** 2)", "slope added"),
    ("{0} * ({1} > 0)", "factor added"),
)


def size_for_another(source: ParsedSource, node: ast.expr) -> Edits:
    """Another size, or a size for a number that is written in: `len(x)` for `4`, `N` for `y.size`."""
    parent = source.parents.get(node)
    if source.of(node).startswith("len("):  # the rows that a mask keeps, for all of them
        yield source.put(node, f"np.sum{source.of(node)[3:]}", COST["other size"] + 0.1, atomic=True)
    number = isinstance(node, ast.Constant) and isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div)
    if _is_sized(source.of(node)) or number:
        for size in sizes(source):
            yield source.put(node, size, COST["other size"], atomic=True)
        for name in sorted(source.unread):
            yield source.put(node, name, COST["other size"], atomic=True)


def _is_sized(text: str) -> bool:
    return text.startswith("len(") or text.endswith(".size") or ".shape[" in text


def size_of_an_array(source: ParsedSource, node: ast.expr) -> Edits:
    """The number of all elements for another size: `y.size` for `N`."""
    parent = source.parents.get(node)
    in_product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div)
    if in_product and (_is_sized(source.of(node)) or source.of(node) in sizes(source)):
        for name in source.scope:
            yield source.put(node, f"{name}.size", COST["other size"] + 0.1, atomic=True)


def residual(source: ParsedSource, node: ast.Name) -> Edits:
    """`y` for `y - t`."""
    if isinstance(node.ctx, ast.Load) and node.id in source.scope:
        if isinstance(source.parents.get(node), ast.Attribute | ast.Subscript):
            return
        for target in source.scope:
            if TARGET.match(target) and target != node.id:
                yield source.put(node, f"({node.id} - {target})", COST["residual"], atomic=True)


def target_left_out(source: ParsedSource, node: ast.Assign) -> Edits:
    """`dz[np.arange(len(y)), y] -= 1` that is missing after `dz = p.copy()`; `dz[y] -= 1` for one sample."""
    array = source.of(node.targets[0])
    if isinstance(node.targets[0], ast.Name) and f"{array}[" not in source.text:
        for label in (name for name in source.scope if LABELS.search(name.lower())):
            steps = [f"{label}[{loop}]" for loop in source.loop_names(node)]
            for part in (*steps, f"np.arange(len({label})), {label}", label):
                new = f"{source.of(node)}\n{' ' * node.col_offset}{array}[{part}] -= 1"
                yield source.put(node, new, COST["residual"], atomic=True)


LABELS = re.compile(r"(^|[._])(t|y|y_?true|labels?|tags?|targets?|classe?s?|y_?(batch|train))$")


def squared(source: ParsedSource, node: ast.Name | ast.Attribute | ast.Subscript) -> Edits:
    """A square that is missing: `1 - y` for `1 - y ** 2`, `a / s` for `a / s ** 2`."""
    parent = source.parents.get(node)
    summand = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub)
    divisor = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div) and parent.right is node
    if isinstance(node.ctx, ast.Load) and (summand or divisor):
        yield source.put(node, f"{source.of(node)} ** 2", COST["square added"], atomic=True)


def unread_added(source: ParsedSource, node: ast.expr) -> Edits:
    """A variable that was worked out and then forgotten: `… + dmu / N`."""
    parent = source.parents.get(node)
    if not isinstance(parent, ast.Assign | ast.Return) or not is_value(source, node):
        return
    unread = source.unread - source.arguments | _carried_and_unread(source, node)
    for name in (name for name in source.arrays if name in unread):
        for term in (name, *(f"{name} / {size}" for size in sizes(source))):
            yield source.put(node, f"{source.of(node)} + {term}", COST["forgotten"])
            yield source.put(node, f"{source.of(node)} - {term}", COST["forgotten"])


def _carried_and_unread(source: ParsedSource, node: ast.expr) -> set[str]:
    """Return what a loop around a node is begun with and sets at each turn, and never reads: `dh_next`."""
    loops = (outer for outer in source.above(node) if isinstance(outer, ast.For))
    return {
        name
        for loop in loops
        for name in _set_above(source, loop) & names_with(loop, ast.Store) - names_with(loop, ast.Load)
        if name not in source.whole
    }


def one_added(source: ParsedSource, node: ast.expr) -> Edits:
    """A 1 that is missing: `(nu + 1) * r` for `nu * r`, `x ** (gamma - 1)` for `x ** gamma`, `1 - u * r` for `-u * r`."""
    parent, text = source.parents.get(node), source.of(node)
    if source.variable(node) and isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow | ast.Mult):
        cost = COST["one added"] - 0.1 * isinstance(parent.op, ast.Pow)
        yield from (source.put(node, f"({text} {sign} 1)", cost, atomic=True) for sign in "-+")
    elif isinstance(parent, ast.Assign | ast.AugAssign) and is_value(source, node) and not _sets_a_size(source, node):
        written = (f"{text} - 1", f"1 - {source.term(node)}", f"{text} + 1")
        yield from (source.put(node, new, COST["one added"] + 0.1) for new in written)


def like_an_entry(source: ParsedSource, node: ast.Subscript) -> Edits:
    """What another array has at the same place: `emissions[t + 1] + betas[t + 1]` for `betas[t + 1]`."""
    if isinstance(node.ctx, ast.Load) and set(source.loop_names(node)) & source.variables(node.slice):
        own = source.of(node.value)
        for name in (name for name in source.scope if name != own and name not in source.whole):
            new = f"({name}[{source.of(node.slice)}] + {source.of(node)})"
            yield source.put(node, new, COST["entry added"] - 0.1, atomic=True)


def product_of_the_unread(source: ParsedSource, node: ast.expr) -> Edits:
    """The same with other variables: `… + dn * s / n`, `a * (d - x * m)` for an `m` that was worked out and then forgotten."""
    parent = source.parents.get(node)
    factor = is_product(parent) and bool(source.variable(node))
    summand = isinstance(parent, ast.Assign | ast.AugAssign | ast.Return) and is_value(source, node)
    set_here = set(map(source.of, getattr(parent, "targets", ())))
    forgotten = source.unread - source.arguments - set_here if factor or summand else ()
    terms = [term for name in source.arrays if name in forgotten for term in _products_with(source, name, divided=summand)]
    for term, sign in product(terms, "+-"):
        yield source.put(node, f"{source.of(node)} {sign} {term}", COST["forgotten"] + 0.2)


def _products_with(source: ParsedSource, name: str, *, divided: bool) -> Iterator[str]:
    """Yield a variable times each other one, and the same divided by a third."""
    for other in (other for other in source.arrays if other != name):
        yield f"{other} * {name}"
        yield from (f"{name} * {other} / {third}" for third in source.arrays if divided and third not in (name, other))


def in_a_chain(source: ParsedSource, node: ast.Attribute) -> Edits:
    """A factor that is missing before a method: `(dy * xh).sum(axis=0)`, `(dy * gamma).reshape(N, -1)`, `(dy * mask).T @ x`."""
    if node.attr in CHAINED and isinstance(node.ctx, ast.Load) and not isinstance(node.value, ast.Attribute):
        steps = _entries_read(source) if source.loop_names(node) else []
        for name in (*source.arrays, *steps):
            text = f"({source.term(node.value)} * {name})"
            yield source.put(node.value, text, COST["factor in argument"], atomic=True)


CHAINED = ("sum", "mean", "reshape", "transpose", "swapaxes", "T", "ravel", "flatten")


def reduced(source: ParsedSource, node: ast.expr) -> Edits:
    """A mean or a sum that is missing, taken as others of the function are: `… - dy.mean(-1, keepdims=True)`."""
    if isinstance(source.parents.get(node), ast.Assign | ast.AugAssign | ast.Return) and isinstance(node, ast.BinOp):
        for written in sorted(set(re.findall(r"\.(?:sum|mean)\([^()]*keepdims[^()]*\)", source.text))):
            for name in source.arrays:
                for sign in "-+":
                    yield source.put(node, f"{source.of(node)} {sign} {name}{written}", COST["summand added"], atomic=True)


def in_an_argument(source: ParsedSource, node: ast.Call) -> Edits:
    """Inside a call: a summand (the bias), a factor (`r * h` for `h`), a half, a sign."""
    for argument in node.args:
        if isinstance(argument, ast.Starred | ast.Constant | ast.Tuple | ast.List):
            continue
        text = source.term(argument)
        if isinstance(argument, ast.Name | ast.Attribute | ast.Subscript) and len(node.args) == 1:
            yield source.put(argument, f"1 - {text}", COST["complement"])
        if not isinstance(argument, ast.UnaryOp):
            yield source.put(argument, f"-{text}", COST["factor in argument"])
        yield source.put(argument, f"0.5 * {text}", COST["factor in argument"])
        yield source.put(argument, f"2 * {text}", COST["factor in argument"])
        for name in source.arrays:
            if isinstance(argument, ast.BinOp) or source.of(node.func).endswith("where"):
                yield source.put(argument, f"{source.of(argument)} + {name}", COST["summand in argument"])
            yield source.put(argument, f"{text} * {name}", COST["factor in argument"])


def softmax_jacobian(source: ParsedSource, node: ast.BinOp) -> Edits:
    """`a * p * (1 - p)`, or `a * p`, for the whole Jacobian of a softmax, `p * (a - Σ a p)`."""
    if is_product(source.parents.get(node)) or not is_product(node):
        return
    factors = factors_of(node)
    texts = [source.of(factor) for factor in factors]
    for k, name in enumerate(texts):
        slope = next((j for j, text in enumerate(texts) if text.replace(" ", "") == f"1-{name}".replace(" ", "")), None)
        rest = " * ".join(source.factor(factor) for j, factor in enumerate(factors) if j not in (k, slope))
        if rest and isinstance(factors[k], ast.Name):
            for axis in ("axis=1, keepdims=True", "axis=-1, keepdims=True", "axis=0, keepdims=True", ""):
                new = f"{name} * ({rest} - ({rest} * {name}).sum({axis}))"
                yield source.put(node, new, COST["jacobian"] + (0.3 if slope is None else 0.0))


def like_a_neighbour(source: ParsedSource, node: ast.BinOp) -> Edits:
    """A summand that is missing beside another, written as that one with two names exchanged: `dz @ Uz.T + dr @ Ur.T`."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.BinOp) and not (_in_a_sum(source, node) or is_product(parent)):
        return
    for term in _summands(node):
        names = _variables_in(source, term)
        if len(names) == 2:
            for new, distance in _alike(source, term, names):
                yield source.put(
                    node, f"{source.of(node)} + {new}", COST["neighbour"] + 0.3 * min(distance, 1.0) + 0.02 * distance
                )


def _variables_in(source: ParsedSource, node: ast.AST) -> list[ast.expr]:
    """Return the variables that stand in a node, each as often as it stands there."""
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.expr) and source.variable(inner)]


def statement_like_a_neighbour(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """A path that is missing beside another: `dh += dr @ Ur.T` after `dh += dz @ Uz.T`."""
    names = _variables_in(source, node.value)
    if len(names) == 2:
        for new, distance in _alike(source, node.value, names):
            again = source.spliced(node, [(node.value, new)])
            text = f"{source.of(node)}\n{' ' * node.col_offset}{again}"
            yield source.put(node, text, COST["neighbour"] + 0.3 * min(distance, 1.0) + 0.02 * distance, atomic=True)


def _alike(source: ParsedSource, term: ast.expr, names: list[ast.expr]) -> Iterator[tuple[str, float]]:
    """Yield a term with both of its names exchanged for others that look alike, and how little alike they are: 0 where one and
    the same piece was exchanged in both, `Uz @ daz` and `Ur @ dar`."""
    own = [source.variable(name) for name in names]
    near = [[(other, unlike(name, other)) for other in source.scope if unlike(name, other) <= UNLIKE] for name in own]
    for (first, left), (second, right) in product(*near):
        if first != own[0] and second != own[1]:
            same = _exchanged(own[0], first) == _exchanged(own[1], second)
            yield source.spliced(term, [(names[0], first), (names[1], second)]), 0.0 if same else 1.0 + left + right


def reciprocal(source: ParsedSource, node: ast.Assign) -> Edits:
    """`1 / np.sqrt(d)` for `np.sqrt(d)`: a scale that multiplies where it should divide."""
    if isinstance(node.value, ast.Call | ast.Name | ast.Attribute):
        yield source.put(node.value, f"1 / {source.of(node.value)}", COST["reciprocal"], atomic=True)


def like_a_twin(source: ParsedSource, node: ast.Assign) -> Edits:
    """What a line lacks that another one, written alike, has: `dW1 = X.T @ dZ1 / m + lam * W1` beside `dW2 = … + lam * W2`."""
    target = source.of(node.targets[0])
    for other in ast.walk(source.tree):
        whole = other.value if isinstance(other, ast.Assign) and other is not node else None
        if isinstance(whole, ast.BinOp) and form(source.of(whole.left)) == form(source.of(node.value)):
            between = source.text[source.span(whole.left)[1] : source.span(whole.right)[0]].strip(" ()")
            old, new = _exchanged(source.of(other.targets[0]), target) if isinstance(other, ast.Assign) else ("", "")
            text = _renamed(source, whole.right, old, new)
            yield source.put(node.value, f"{source.term(node.value)} {between} {text}", COST["twin"], atomic=True)


def _renamed(source: ParsedSource, node: ast.expr, old: str, new: str) -> str:
    """Return the text of a node in which the variables are those of a twin: `W1` for `W2`, where there are such."""
    changes = [(part, source.variable(part).replace(old, new)) for part in _variables_in(source, node) if old]
    text = source.spliced(node, [(part, name) for part, name in changes if name in source.scope])
    return text if isinstance(node, ATOMS) or is_plain_product(node) else f"({text})"


def is_plain_product(node: ast.expr) -> bool:
    """Whether a node is a product or a quotient, which needs no brackets in a sum."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult)


def form(text: str) -> str:
    """Return a line without its names: `v=v.T@v/v`."""
    return re.sub(r"(?<![\w.])(?!np\b)[A-Za-z_]\w*(?:\.\w+(?![\w(]))?", "v", text.replace(" ", ""))


def summand_of_its_form(source: ParsedSource, node: ast.BinOp) -> Edits:
    """A path that is missing beside another, written alike with other names: `X.T @ dZ + dR.T @ H`."""
    if not (isinstance(node.op, ast.MatMult) and isinstance(source.parents.get(node), ast.Assign | ast.Dict)):
        return
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name) and inner.id in source.scope]
    if len(names) == 2:
        for first, second in product(source.arrays, repeat=2):
            new = source.spliced(node, [(names[0], first), (names[1], second)])
            yield source.put(node, f"{source.of(node)} + {new}", COST["summand of its form"])


def leaky(source: ParsedSource, node: ast.expr) -> Edits:
    """The slope of a leaky relu that is missing, or that is 0 where it should not be: `np.where(z > 0, 1, 0.1)`."""
    if isinstance(node, ast.Compare) and is_product(source.parents.get(node)) and _is_positive(node):
        start, end = source.span(node)  # in brackets
        for rest in _leaks(source):
            yield Edit(start - 1, end + 1, f"np.where({source.of(node)}, 1, {rest})", node.lineno, COST["slope restored"])
    elif is_value(source, node) and not isinstance(node, ast.Compare):
        for name, rest in product(source.arrays, _leaks(source)):
            new = f"{source.term(node)} * np.where({name} > 0, 1, {rest})"
            yield source.put(node, new, COST["slope added"], atomic=_in_a_sum(source, node))


def _is_positive(node: ast.Compare) -> bool:
    """Whether a comparison is `z > 0`."""
    right = node.comparators[0]
    return isinstance(node.ops[0], ast.Gt | ast.GtE) and isinstance(right, ast.Constant) and right.value == 0


def _leaks(source: ParsedSource) -> list[str]:
    """Return what the slope of a leaky relu below 0 may be: a number of that name, or a fraction of the file."""
    named = [name for name in source.scope if LEAK.search(name.lower())]
    return [*named, *(number for number in source.beside.fractions if not named)]


LEAK = re.compile(r"(^|[._])(alpha|a|slope|leak|negative_slope|leakiness|neg_slope)$")


def slope_by_a_helper(source: ParsedSource, node: ast.expr) -> Edits:
    """A function of one argument that the file has, of a variable, as a factor: `dv * sigmoid(z)` behind a softplus."""
    if is_value(source, node) and not _in_a_sum(source, node):
        for name, helper in product(source.arrays, source.beside.helpers):
            yield source.put(node, f"{source.term(node)} * {helper}({name})", COST["slope added"])


def masked(source: ParsedSource, node: ast.expr) -> Edits:
    """A mask that was worked out, by a comparison, and is not applied."""
    if is_value(source, node):
        for name in sorted(_masks(source) - source.variables(node)):
            yield source.put(node, f"{source.term(node)} * {name}", COST["mask"], atomic=_in_a_sum(source, node))


def _masks(source: ParsedSource) -> set[str]:
    """Return the variables that a comparison makes."""
    made = [node for node in ast.walk(source.tree) if isinstance(node, ast.Assign) and compares(node.value)]
    return {target.id for node in made for target in node.targets if isinstance(target, ast.Name)}


def _exchanged(old: str, new: str) -> tuple[str, str]:
    """Return the piece of a name that was exchanged, and the piece in its place."""
    start = common_start(old, new)
    end = common_start(old[start:][::-1], new[start:][::-1])
    return old[start : len(old) - end], new[start : len(new) - end]


UNLIKE = 0.5
"""How little alike the names of a missing summand and of its neighbour may look."""


def _summands(node: ast.expr) -> list[ast.expr]:
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        found.insert(0, node.right)
        node = node.left
    return [term for term in [node, *found] if isinstance(term, ast.BinOp)]


def counted(source: ParsedSource, node: ast.Constant | ast.UnaryOp) -> Edits:
    """`a[n, y] = -1` for minus the number of other entries: `-a.sum(axis=1)`."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Subscript):
        array = source.of(parent.targets[0].value)
        for axis in ("axis=1", "axis=0"):
            yield source.put(node, f"-{array}.sum({axis})", COST["counted"], atomic=True)


def carried_on(source: ParsedSource, node: ast.For) -> Edits:
    """`dh_next = dh_prev` at the end of a loop: what is begun before it and read in it, but never set in it."""
    inside = ast.Module(node.body, [])
    stored, read = names_with(inside, ast.Store), names_with(inside, ast.Load)
    unread = stored - names_with(source.tree, ast.Load)
    waiting = {name for name in source.scope if name in read - stored}
    pairs = [(w, u) for w in source.scope for u in source.scope if w in waiting and u in unread and _stem(w) == _stem(u)]
    if pairs:
        last = node.body[-1]
        left, right = (", ".join(side) for side in zip(*pairs, strict=True))
        new = f"{source.of(last)}\n{' ' * last.col_offset}{left} = {right}"
        yield replace(source.put(last, new, COST["carried"], atomic=True), first=True)


def carry_scaled(source: ParsedSource, node: ast.For) -> Edits:
    """`dc = dc * f` at the end of a loop: what is carried on to the next step lacks the factor that it passes."""
    inside, last = ast.Module(node.body, []), node.body[-1]
    stored = names_with(inside, ast.Store)
    waiting = _set_above(source, node) & stored & names_with(inside, ast.Load)
    for carried in (name for name in source.scope if name in waiting):
        for factor in factors_within(source, inside, stored - {carried}):
            new = f"{source.of(last)}\n{' ' * last.col_offset}{carried} = {carried} * {factor}"
            yield source.put(last, new, COST["carry scaled"], atomic=True)


def copy_scaled(source: ParsedSource, node: ast.Assign) -> Edits:
    """`dc_next = dc * f` for `dc_next = dc`: what a loop carries on lacks the factor that it passes."""
    loop = next((outer for outer in source.above(node) if isinstance(outer, ast.For)), None)
    if loop is not None and isinstance(node.value, ast.Name):
        stored = names_with(loop, ast.Store) - {node.value.id}
        for factor in factors_within(source, loop, stored):
            yield source.put(node.value, f"{node.value.id} * {factor}", COST["carry scaled"] - 0.05, atomic=True)


def _set_above(source: ParsedSource, node: ast.stmt) -> set[str]:
    names = (n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {name.id for name in names if name.lineno < node.lineno}


def factors_within(source: ParsedSource, inside: ast.AST, stored: set[str]) -> list[str]:
    """Return what a loop holds at each turn: variables that it sets, and elements that it reads, `f` and `fs[t]`."""
    names = [name for name in source.scope if name in stored]
    entries = {source.of(n) for n in ast.walk(inside) if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Name)}
    return [*names, *sorted(entries)]


def all_but_first(source: ParsedSource, node: ast.AugAssign | ast.Assign) -> Edits:
    """`g[1:] += lam * theta[1:]` for `g += lam * theta`: what is added leaves the first element out, the weight of the bias."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    names = [n for n in ast.walk(node.value) if isinstance(n, ast.Name) and n.id in source.scope]
    for part in ("[1:]", "[:, 1:]") if isinstance(target, ast.Name) else ():
        for name in names:
            changes: list[tuple[ast.expr, str]] = [(target, f"{source.of(target)}{part}"), (name, f"{name.id}{part}")]
            yield source.put(node, source.spliced(node, changes), COST["part"], atomic=True)


def summand_in_a_factor(source: ParsedSource, node: ast.Name | ast.Attribute) -> Edits:
    """`dout * (H - x)` for `dout * H`: a factor that lacks a summand."""
    parent = source.parents.get(node)
    product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)
    own = source.variable(node)
    if product and isinstance(node.ctx, ast.Load) and own:
        for other in source.arrays:
            if other != own:
                yield source.put(node, f"({own} - {other})", COST["summand in factor"], atomic=True)
                yield source.put(node, f"({own} + {other})", COST["summand in factor"], atomic=True)


def _stem(name: str) -> str:
    return re.sub(r"(?i)_?(next|prev|old|new|last|previous|t|tm1|tp1)$", "", name)


def is_value(source: ParsedSource, node: ast.expr) -> bool:
    """The whole right-hand side of an assignment, a returned element, or a summand: places where a factor goes missing."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    parent = source.parents.get(node)
    if isinstance(parent, ast.Assign | ast.AugAssign | ast.Return | ast.Dict):
        targets = getattr(parent, "targets", [getattr(parent, "target", None)])
        return node not in targets and not isinstance(node, ast.Tuple | ast.Dict | ast.List | ast.Constant)
    if isinstance(parent, ast.Tuple):  # returned, assigned together, or stacked
        made = isinstance(source.parents.get(parent), ast.Return | ast.Assign | ast.Call)
        return made and not isinstance(node, ast.Tuple | ast.Constant | ast.Starred)
    if isinstance(parent, ast.BinOp):
        summand = isinstance(parent.op, ast.Add | ast.Sub | ast.MatMult) and not isinstance(node, ast.Constant)
        return summand or isinstance(node, ast.Call)
    return False


def _in_a_sum(source: ParsedSource, node: ast.expr) -> bool:
    """Whether a product in the place of a node needs no brackets."""
    parent = source.parents.get(node)
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub)


def _is_added(source: ParsedSource, node: ast.expr) -> bool:
    """Whether a sum in the place of a node needs no brackets: nothing is subtracted there."""
    parent = source.parents.get(node)
    return isinstance(parent, ast.BinOp) and (isinstance(parent.op, ast.Add) or parent.left is node)


def sizes(source: ParsedSource) -> list[str]:
    """Return how the sizes may be written in a function, products of two that are divided by last."""
    found = [name for name in source.scope if name.removeprefix("self.") in SIZES]
    first = next((node.arg for node in ast.walk(source.tree) if isinstance(node, ast.arg) and node.arg != "self"), None)
    data = next((name for name in ("X", "x", "z", "self.X", "self.x") if name in source.scope), first)
    if data is not None:
        found += [f"len({data})", f"{data}.shape[1]", f"{data}.size"]
    shapes = [n for n in ast.walk(source.tree) if isinstance(n, ast.Subscript) and source.of(n.value).endswith(".shape")]
    found += [source.of(shape) for shape in shapes]
    whole = _given(source)
    return list(dict.fromkeys([*found, *whole, *(f"({name} * {other})" for k, name in enumerate(whole) for other in whole[k:])]))


def _given(source: ParsedSource) -> list[str]:
    """Return the whole numbers of a function that no loop counts, the first few."""
    loops = {n.target.id for n in ast.walk(source.tree) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)}
    return [name for name in source.whole if name not in loops][:MOST_WHOLE]


MOST_WHOLE = 6
"""Sizes of a function that are tried, and of which products of two are."""
