"""A summand that is missing, of variables that have the shapes for it: `X.T @ d + reg * W`, `a * b + c * h * (1 - z)`.

There are many products of two or three variables; those whose shapes fit the sum are few, where sizes are distinct.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, combinations_with_replacement, permutations, product

import numpy as np

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource
from symbackprop.verify.mend.changes.supply import sizes

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""The shapes of variables by their dotted names, `self.W`, `params.W`."""

NUMBER: Shape = ()
"""What no trace has is a number that is given, `params["reg"]`."""
MOST_ATOMS, MOST_TERMS = 24, 260
"""Variables of a function of which products are made, and products that are added in one place."""


def summands(source: ParsedSource, shapes: Shapes, lines: Collection[int]) -> Iterator[Edit]:
    """Yield edits that add a product of two or three variables, of the shape of the sum, to what a statement sets.

    Args:
        lines: the statements that are looked at; what a variable was worked out for that is never read is looked for everywhere.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            own = _dotted(target)
            if own in shapes and node.lineno in lines:
                yield from _added(source, node.value, shapes[own], _atoms(source, node, shapes, own))
            if own in source.unread and own in shapes and isinstance(node, ast.Assign):
                yield from _forgotten(source, node, own, shapes)


def _forgotten(source: ParsedSource, node: ast.Assign, own: str, shapes: Shapes) -> Iterator[Edit]:
    """A statement that is missing: `dx += ds[:, :, None, None] / (H * W)`, where `ds` is never read."""
    scales = ["", *(f" / {size}" for size in sizes(source))]
    for name, last in _set_beside(source, node).items():
        parts = _spread(shapes[own], shapes[name]) if name in shapes and name != own else ()
        text, indent = source.of(last), " " * last.col_offset
        for part, scale, sign in product(parts, scales, "+-"):
            added = f"{text}\n{indent}{name} {sign}= {own}{part}{scale}"
            yield source.put(last, added, COST["forgotten"], atomic=True)


def _set_beside(source: ParsedSource, node: ast.Assign) -> dict[str, ast.Assign]:
    """Return each array with the statement after which something can be added to it: one that is set above, after the given
    statement; one that is set further down beside it, where it is set last."""
    above = {name for name, line in _lines_set(source).items() if line < node.lineno}
    beside = [other for other in getattr(source.parents.get(node), "body", ()) if isinstance(other, ast.Assign)]
    below = {source.of(other.targets[0]): other for other in beside if other.lineno > node.lineno}
    places = {**dict.fromkeys(above, node), **below}
    return {name: places[name] for name in source.arrays if name in places}


def _spread(own: Shape, whole: Shape) -> Iterator[str]:
    """Yield how an array is indexed to be added to a larger one: `[:, :, None, None]`, or as it is."""
    if not own or len(own) > len(whole):
        return
    for axes in combinations(range(len(whole)), len(own)):
        if tuple(whole[axis] for axis in axes) == own:
            last = axes == tuple(range(len(whole) - len(own), len(whole)))
            yield "" if last else f"[{', '.join(':' if axis in axes else 'None' for axis in range(len(whole)))}]"


def _added(source: ParsedSource, node: ast.expr, shape: Shape, atoms: Shapes) -> Iterator[Edit]:
    offered = dict.fromkeys((*_gated(source, atoms, shape), *_terms(atoms, shape, "@" in source.text)))
    terms = [term for term in offered if term not in source.of(node)]
    unread = [name for name in atoms if name in source.unread and _adds_alone(atoms[name], shape)]
    for place in _sums(node):
        for term in (*unread, *_projections(source, place, shape, atoms), *terms[:MOST_TERMS]):
            for sign in "-+":
                yield source.put(place, f"{source.of(place)} {sign} {term}", COST["summand added"])


def _gated(source: ParsedSource, atoms: Shapes, shape: Shape) -> Iterator[str]:
    """Yield the products with what the function has of a gate elsewhere: `dy * (1 - T)`."""
    for left, right in permutations(atoms, 2):
        if f"(1 - {right})" in source.text and _adds(atoms, (left, right), shape):
            yield f"{left} * (1 - {right})"


def _adds_alone(own: Shape, shape: Shape) -> bool:
    """Whether an array is added to another without changing its shape."""
    return 0 < len(own) <= len(shape) and all(a in (1, b) for a, b in zip(own[::-1], shape[::-1], strict=False))


def _projections(source: ParsedSource, place: ast.expr, shape: Shape, atoms: Shapes) -> Iterator[str]:
    """Yield the path through a norm: `x * np.sum(d * x, axis=1, keepdims=True)` beside `d`."""
    if len(shape) > 1 and atoms.get(source.of(place)) == shape:
        for name in (name for name, own in atoms.items() if own == shape and name != source.of(place)):
            for axis in dict.fromkeys((*re.findall(r"axis=-?\d, keepdims=True", source.text), "axis=-1, keepdims=True")):
                yield f"{name} * np.sum({source.of(place)} * {name}, {axis})"


def _sums(node: ast.expr) -> list[ast.expr]:
    """Return where a summand may be missing: the whole, and the first factor of a product with slopes behind it."""
    first = node
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mult | ast.Div):
        first = first.left
    return [node] if first is node or isinstance(first, ast.Constant) else [node, first]


def _atoms(source: ParsedSource, node: ast.stmt, shapes: Shapes, own: str) -> dict[str, Shape]:
    """Return what the function reads above a statement, as it is written there, with its shape; what is never read first, then
    what stands in the innermost function: in a pullback the `dy` that it is given, not the `y` around it."""
    set_at, given = _lines_set(source), {*source.arguments, *source.held}
    known = [name for name in source.arrays if name in given or (name in shapes and set_at.get(name, 0) < node.lineno)]
    known = [name for name in known if name != own]
    near = _near(source, node)
    known.sort(key=lambda name: (name not in source.unread, name not in near))
    found = {name: shapes.get(name, NUMBER) for name in known}
    for text, shape in (*_entries(source, node, shapes, set(found)), *_given(source, shapes)):
        found.setdefault(text, shape)
    return dict(list(found.items())[:MOST_ATOMS])


def _near(source: ParsedSource, node: ast.stmt) -> set[str]:
    """Return the variables that stand in the innermost function around a statement, and its arguments."""
    inner = next(outer for outer in source.above(node) if isinstance(outer, ast.FunctionDef))
    return source.variables(inner) | {argument.arg for argument in inner.args.args}


def _entries(source: ParsedSource, node: ast.stmt, shapes: Shapes, names: Collection[str]) -> Iterator[tuple[str, Shape]]:
    """Yield what a function looks up: `params["reg"]`, unless a variable has that name, and `xs[t]` in a loop."""
    loops = set(source.loop_names(node))
    for inner in ast.walk(source.tree):
        if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Load):
            path, array = _dotted(inner), shapes.get(_dotted(inner.value), ())
            if path and path.rpartition(".")[2] not in names:
                yield source.of(inner), shapes.get(path, NUMBER)
            elif isinstance(inner.slice, ast.Name) and inner.slice.id in loops and array:
                yield source.of(inner), array[1:]


def _given(source: ParsedSource, shapes: Shapes) -> Iterator[tuple[str, Shape]]:
    """Yield what an argument holds beside what the function reads of it, as it would be written: `p["decay"]`."""
    for path, own in shapes.items():
        name, _, key = path.partition(".")
        quote = next((quote for quote in "\"'" if f"{name}[{quote}" in source.text), "")
        if quote and name in source.arguments and key.isidentifier() and key not in source.scope:
            yield f"{name}[{quote}{key}{quote}]", own


def _lines_set(source: ParsedSource) -> dict[str, int]:
    """Return the last line on which each variable is set."""
    names = (node for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id: node.lineno for node in names}


def _dotted(node: ast.expr) -> str:
    """Return how a variable is called in a trace: `params.W` for `params["W"]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return f"{_dotted(node.value)}.{node.slice.value}"
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _terms(atoms: Shapes, shape: Shape, operator: bool) -> Iterator[str]:
    """Yield products that may be added to an array of a shape: of two (with a number, twice too), of matrices, of three."""
    for left, right in combinations_with_replacement(atoms, 2):
        if _adds(atoms, (left, right), shape):
            yield f"{left} * {right}"
            if NUMBER in (atoms[left], atoms[right]):
                yield f"2 * {left} * {right}"
    yield from _products_of_matrices(atoms, shape, operator)
    yield from (" * ".join(three) for three in combinations(atoms, 3) if _adds(atoms, three, shape))
    for left, right in permutations(atoms, 2) if shape else ():
        if _adds(atoms, (left, right), shape):
            yield f"{left} * (1 - {right})"
            yield f"{left} / {right}"


def _products_of_matrices(atoms: Shapes, shape: Shape, operator: bool) -> Iterator[str]:
    matrices = [name for name, own in atoms.items() if 1 <= len(own) <= 2]
    for left, right in permutations(matrices, 2):
        for first, second in ((left, right), (f"{left}.T", right), (left, f"{right}.T")):
            if _product(_turned(atoms, first), _turned(atoms, second)) == shape:
                yield f"{first} @ {second}" if operator else f"{first}.dot({second})"
        if len(shape) == 2 and (*atoms[left], *atoms[right]) == shape:
            yield f"np.outer({left}, {right})"


def _turned(atoms: Shapes, side: str) -> Shape:
    return atoms[side[:-2]][::-1] if side.endswith(".T") and side not in atoms else atoms[side]


def _product(left: Shape, right: Shape) -> Shape | None:
    """Return the shape of a product of matrices, of one with a vector; None where there is none."""
    fits = len(left) + len(right) > 2 and left[-1] == right[0]
    return (*left[:-1], *right[1:]) if fits else None


def _adds(atoms: Shapes, names: tuple[str, ...], shape: Shape) -> bool:
    """Whether a product may be added to an array without changing its shape, and is not the same for all of it."""
    try:
        made = np.broadcast_shapes(*(atoms[name] for name in names))
        return np.broadcast_shapes(made, shape) == shape and len(made) == len(shape)
    except ValueError:
        return False
