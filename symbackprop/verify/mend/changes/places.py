"""Changes of where code reads and writes: an index, a window, a stride, padding, a layout, the direction of a walk."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource

Edits = Iterator[Edit]


def other_layout(source: ParsedSource, node: ast.Call) -> Edits:
    """Axes in another order before a `reshape`, or by a `transpose`: `a.T.reshape(…)`, `a.transpose(0, 2, 3, 1).reshape(…)`."""
    if not isinstance(node.func, ast.Attribute):
        return
    inner, method = node.func.value, node.func.attr
    text = source.factor(inner)
    if method == "transpose":
        for new in (text, *_in_order(text, len(node.args))):
            yield source.put(node, new, COST["layout"], atomic=True)
    elif method == "reshape" and "transpose" not in text:
        for new in (f"{text}.T", *_in_order(text)):
            yield source.put(inner, new, COST["layout"], atomic=True)


def _in_order(text: str, count: int = 0) -> list[str]:
    """Return an array with its axes in other orders, of so many axes where that is known."""
    return [f"{text}.transpose({axes})" for axes in ORDERS if not count or axes.count(",") == count - 1]


ORDERS = ("0, 2, 3, 1", "0, 3, 1, 2", "1, 2, 3, 0", "0, 2, 1, 3", "0, 1, 3, 2", "3, 0, 1, 2", "0, 2, 1", "1, 0, 2", "1, 0")


def padded(source: ParsedSource, node: ast.Subscript) -> Edits:
    """The padding taken off at one end only: `a[p:p + H, p:p + W]` for `a[:H, :W]`."""
    ends = [end for part in _parts_of(node) if (end := _only_end(part)) is not None]
    for pad in (name for name in source.scope if name.removeprefix("self.") in PADDINGS):
        text, (start, _) = source.of(node), source.span(node)
        for end in reversed(ends):
            a, b = (at - start for at in source.span(end))
            text = f"{text[: a - 1].removesuffix('0')}{pad}:{pad} + {source.term(end)}{text[b:]}"
        yield source.put(node, text, COST["padding"], atomic=True)


def _only_end(part: ast.expr) -> ast.expr | None:
    """Return the end of a slice that has nothing else: `:H`, `0:H`."""
    begins = isinstance(part, ast.Slice) and (part.lower is None or ast.unparse(part.lower) == "0")
    return part.upper if isinstance(part, ast.Slice) and begins and part.step is None else None


def _parts_of(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


PADDINGS = ("p", "pad", "padding", "ph", "P")


def index_shifted(source: ParsedSource, node: ast.Subscript) -> Edits:
    """The state of the step before or after: `h[t]` for `h[t + 1]`, `x[i + u, j]` for `x[i, j]`."""
    loops = source.loop_names(node)
    for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        for new in _shifted(index, loops):
            yield source.put(index, new, COST["index shifted"], atomic=True)


def _shifted(index: ast.expr, loops: list[str]) -> Iterator[str]:
    if isinstance(index, ast.Name) and index.id in loops:
        yield from (f"{index.id} {step}" for step in ("+ 1", "- 1", *(f"+ {name}" for name in loops if name != index.id)))
    elif isinstance(index, ast.BinOp) and isinstance(index.left, ast.Name) and index.left.id in loops:
        yield index.left.id


def direction_turned(source: ParsedSource, node: ast.For) -> Edits:
    """A loop that runs the other way: `for t in reversed(range(T))` for `for t in range(T)`."""
    walked = node.iter
    inner = walked.args[0] if _calls(walked, "reversed") and isinstance(walked, ast.Call) and walked.args else None
    if inner is not None:
        yield source.put(walked, source.of(inner), COST["reversed"], atomic=True)
    elif _calls(walked, "range") or isinstance(walked, ast.Name):
        yield source.put(walked, f"reversed({source.of(walked)})", COST["reversed"], atomic=True)


def _calls(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def other_part(source: ParsedSource, node: ast.Slice) -> Edits:
    """The other part of an array: `a[:H]` for `a[H:]`, `a[1:]` for `a[:-1]`; `-H` counts from the end."""
    bounds = list(filter(None, (node.lower, node.upper, node.step)))
    if len(bounds) != 1 or node.step is not None:
        return
    bound = bounds[0].operand if isinstance(bounds[0], ast.UnaryOp) else bounds[0]
    own = {source.of(bound): 0.1, f"-{source.factor(bound)}": 0.1}
    for text, extra in {**dict.fromkeys(source.whole, 0.3), **own}.items():
        for new in (f"{text}:", f":{text}"):
            yield source.put(node, new, COST["index"] + extra, atomic=True)


def strided(source: ParsedSource, node: ast.Subscript) -> Edits:
    """A stride that was left out: `x[i:i + f]` for `x[i*s:i*s + f]`, for all loop variables of the subscript at once."""
    numbers = {c.value for c in ast.walk(source.tree) if isinstance(c, ast.Constant) and type(c.value) is int}
    steps = [*_strides(source, node), *sorted(str(number) for number in numbers & {2, 3, 4, 5})]
    yield from _all_strided(source, node, _of_loops(source, node, ast.walk(node.slice)), steps)


def strided_start(source: ParsedSource, node: ast.Assign) -> Edits:
    """A stride that was left out of where windows begin: `top = i` for `top = i * stride`, `i, j` for `i * s, j * s`."""
    starts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    names = _of_loops(source, node, starts)
    if len(names) == len(starts):
        yield from _all_strided(source, node.value, names, _strides(source, node))


def _of_loops(source: ParsedSource, node: ast.AST, parts: Iterable[ast.AST]) -> list[ast.expr]:
    """Return the parts that are variables of the loops around a node."""
    loops = source.loop_names(node)
    return [part for part in parts if isinstance(part, ast.Name) and part.id in loops]


def _strides(source: ParsedSource, node: ast.AST) -> list[str]:
    """Return what may be a stride: a whole number that the function is given, or that is written down under a name."""
    counts = (inner for inner in ast.walk(source.tree) if isinstance(inner, ast.Assign) and _is_a_count(inner))
    known = dict.fromkeys([*source.whole, *(source.variable(inner.targets[0]) for inner in counts)])
    return [name for name in known if name not in source.loop_names(node) and name not in source.measured]


def _is_a_count(node: ast.Assign) -> bool:
    """Whether a statement gives a variable a whole number above 1."""
    number = node.value.value if isinstance(node.value, ast.Constant) else None
    return type(number) is int and number > 1 and isinstance(node.targets[0], ast.Name)


def _all_strided(source: ParsedSource, node: ast.expr, places: Sequence[ast.expr], steps: Iterable[str]) -> Edits:
    for step in steps if places else ():
        new = source.spliced(node, [(place, f"{source.of(place)} * {step}") for place in places])
        yield source.put(node, new, COST["stride"], atomic=True)


def one_more(source: ParsedSource, node: ast.Assign) -> Edits:
    """A size that is one too large or too small: `pad = k` for `pad = k - 1`."""
    if isinstance(node.value, ast.Name | ast.Attribute) and source.is_whole(node.value, source.whole):
        for sign in "+-":
            yield source.put(node.value, f"{source.of(node.value)} {sign} 1", COST["index shifted"], atomic=True)


def other_subscripts(source: ParsedSource, node: ast.Constant) -> Edits:
    """Two subscripts of an operand of `np.einsum` exchanged: `"st,tk->sk"` for `"ts,tk->sk"`."""
    text = node.value
    if not (isinstance(text, str) and "->" in text):
        return
    operands, _, result = text.partition("->")
    parts = [*operands.split(","), result]
    for k, part in enumerate(parts):
        for first, second in combinations(range(len(part)), 2):
            letters = list(part)
            letters[first], letters[second] = letters[second], letters[first]
            own = [*parts[:k], "".join(letters), *parts[k + 1 :]]
            yield source.put(node, repr(f"{','.join(own[:-1])}->{own[-1]}").replace("'", '"'), COST["index"], atomic=True)


def filled_in_part(source: ParsedSource, node: ast.AugAssign) -> Edits:
    """Only the part that another statement fills: `db[:, c] += …` for `db += …`; or all of it."""
    if isinstance(node.target, ast.Name):
        targets = (other.target for other in ast.walk(source.tree) if isinstance(other, ast.AugAssign))
        parts = {source.of(other)[len(source.of(other.value)) :] for other in targets if isinstance(other, ast.Subscript)}
        for part in sorted({*parts, *(f"[{name}]" for name in source.loop_names(node))}):
            yield source.put(node.target, f"{node.target.id}{part}", COST["index"], atomic=True)


def reversed_axis(source: ParsedSource, node: ast.Name | ast.Attribute) -> Edits:
    """An array read backwards: a kernel that is flipped, steps of time from the last one."""
    parent = source.parents.get(node)
    is_array = source.variable(node) and source.variable(node) not in source.whole
    if isinstance(node.ctx, ast.Load) and is_array and not isinstance(parent, ast.Subscript | ast.Attribute | ast.Call):
        for part in ("::-1", "::-1, ::-1", ":, ::-1", "..., ::-1", "..., ::-1, ::-1"):
            yield source.put(node, f"{source.of(node)}[{part}]", COST["reversed"], atomic=True)


def ended(source: ParsedSource, node: ast.Slice) -> Edits:
    """The padding left on at the end: `a[p:]` for `a[p:p + L]`."""
    if node.lower is not None and node.upper is None and node.step is None and source.variable(node.lower):
        own = source.of(node.lower)
        kept_for_it = [name for name in source.held if name not in source.text]
        for size in dict.fromkeys([*kept_for_it, *(name for name in source.whole if name != own)]):
            cost = COST["padding"] - 0.2 * (size in kept_for_it)
            yield source.put(node, f"{own}:{own} + {size}", cost, atomic=True)


def negative_end(source: ParsedSource, node: ast.Slice) -> Edits:
    """`a[p:-p]` is empty for p = 0; `a[p:len(a) - p]` is not."""
    outer = source.parents.get(node)
    if isinstance(node.upper, ast.UnaryOp) and isinstance(node.upper.op, ast.USub) and isinstance(outer, ast.Subscript):
        written = f"len({source.of(outer.value)}) - {source.of(node.upper.operand)}"
        yield source.put(node.upper, written, COST["index"], atomic=True)


def read_forwards(source: ParsedSource, node: ast.Subscript) -> Edits:
    """An array that is read backwards, along one axis or several, read forwards."""
    parts = _parts_of(node)
    turned: list[ast.expr] = [part for part in parts if isinstance(part, ast.Slice) and isinstance(part.step, ast.UnaryOp)]
    if turned:
        yield source.put(node, source.of(node.value), COST["reversed"], atomic=True)
        if len(turned) < len(parts):
            all_of_them = source.spliced(node, [(part, ":") for part in turned])
            yield source.put(node, all_of_them, COST["reversed"], atomic=True)
    for part in turned if len(turned) > 1 else ():
        yield source.put(part, ":", COST["reversed"], atomic=True)


def other_walk(source: ParsedSource, node: ast.Slice) -> Edits:
    """A window that the wrong loop moves: `x[i:i + k, i:i + k]` for `x[i:i + k, j:j + k]`."""
    loops = source.loop_names(node)
    names: list[ast.expr] = [name for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in loops]
    for other in loops if len({source.of(name) for name in names}) == 1 else ():
        if other != source.of(names[0]):
            yield source.put(node, source.spliced(node, [(name, other) for name in names]), COST["index"], atomic=True)
