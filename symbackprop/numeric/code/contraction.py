"""A sum of products over indices as numpy code: `@`, `einsum`, or an axis sum, as someone fluent in numpy would write it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from sympy import Add, Expr, Idx, Integer, Mul, Piecewise, Pow, Sum
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbackprop.functions import maximum
from symbackprop.network.indices import IndexSum, free_indices, index_name, index_size
from symbackprop.numeric.code.arrays import ArrayCode, Axes, Scope, reduced, transposed, union
from symbackprop.numeric.code.multiplying_out import cannot_be_negative, multiplied_out
from symbackprop.numeric.code.printing import PRODUCT
from symbackprop.numeric.code.running import running_sum

Group = tuple[frozenset[Idx], Expr]
LAST = 99
"""The place, among a result's axes, of one that it does not have."""


def contracted(expression: Sum, order: Axes, scope: Scope) -> Expr:
    """Return the sum as an expression of pieces of code; factors without a summed index stand outside."""
    body, over = whole_ranges(expression)
    if isinstance(body, Sum):
        return contracted(IndexSum(body.function, *body.limits, *((i, i.lower, i.upper) for i in over)), order, scope)
    running = running_sum(body, over[0], order, scope) if len(over) == 1 else None
    if running is not None:
        return running
    terms = multiplied_out(body, frozenset(over))
    total = Add(*(_product(Mul.make_args(term), over, order, scope) for term in terms))
    return maximum(total, Integer(0)) if len(terms) > 1 and cannot_be_negative(body) else total


def whole_ranges(expression: ExprWithLimits, left_out: int = 0) -> tuple[Expr, tuple[Idx, ...]]:
    """Return the body and its indices, each over its whole range: with other bounds, what is left out is 0 (or 1)."""
    body = expression.function
    for index, low, high in expression.limits:
        if (low, high) != (index.lower, index.upper):
            body = Piecewise((body, (index >= low) & (index <= high)), (Integer(left_out), True))
    return body, tuple(limits[0] for limits in expression.limits)


def _product(factors: tuple[Expr, ...], over: tuple[Idx, ...], order: Axes, scope: Scope) -> Expr:
    inside = _flattened(factors)
    outside = [factor for factor in inside if not free_indices(factor) & set(over)]
    groups = _grouped([factor for factor in inside if free_indices(factor) & set(over)])
    present = frozenset().union(*(axes for axes, _ in groups)) if groups else frozenset()
    counts = [index_size(index) for index in over if index not in present]
    summed = frozenset(over) & present
    if not groups:
        return Mul(*counts, *outside)
    return Mul(*counts, *outside, scope.place(_contract(groups, summed, order, scope)))


def _flattened(factors: tuple[Expr, ...]) -> list[Expr]:
    """Split powers of products; nested sums stay factors of their own."""
    flat: list[Expr] = []
    for factor in factors:
        if isinstance(factor, Pow) and isinstance(factor.base, Mul) and factor.exp.is_Integer:
            flat.extend(part**factor.exp for part in factor.base.args)
        else:
            flat.append(factor)
    return flat


def _grouped(factors: list[Expr]) -> list[Group]:
    """Multiply factors with the same indices; with more than two groups left, also those whose indices another group has."""
    found: dict[frozenset[Idx], list[Expr]] = {}
    for factor in factors:
        found.setdefault(free_indices(factor), []).append(factor)
    groups = [(axes, Mul(*parts)) for axes, parts in found.items()]
    while len(groups) > 2:
        pairs = [(small, large) for small in groups for large in groups if small[0] < large[0]]
        if not pairs:
            break
        pair = min(pairs, key=lambda pair: (len(pair[0][0]), len(pair[1][0])))
        small, large = pair
        groups = [(axes, Mul(part, small[1]) if axes == large[0] else part) for axes, part in groups if axes != small[0]]
    return groups


def _contract(groups: list[Group], summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode:
    inner = (*order, *sorted(summed - set(order), key=index_name))
    groups = sorted(groups, key=lambda group: scope.place_of(group[1]))
    if len(groups) == 1:
        return _axis_sum(groups[0], summed, inner, scope)
    pieces = []
    for axes, expression in groups:
        elsewhere = frozenset().union(*(other for other, part in groups if part is not expression))
        alone = (axes & summed) - elsewhere
        code = scope.emit(expression, inner, scope)
        pieces.append(reduced(code, alone) if alone else code)
        summed -= alone
    if summed and len(pieces) > 2:
        return _in_pairs(pieces, summed, order, scope)
    return _pair(pieces, summed, order, scope)


def _elementwise(pieces: list[ArrayCode], order: Axes, scope: Scope) -> ArrayCode:
    return scope.emit(Mul(*(scope.place(piece) for piece in pieces)), order, scope)


def _in_pairs(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode:
    """Multiply three arrays or more two at a time, so that the last product, which is the large one, is a matrix product."""
    left = list(pieces)
    while len(left) > 2:
        first, second = min(combinations(left, 2), key=lambda pair: _cost(pair, left, summed))
        rest = [piece for piece in left if piece is not first and piece is not second]
        done = (frozenset(first.axes) & frozenset(second.axes) & summed) - _axes(rest)
        inner = (*order, *sorted(summed - done - set(order), key=index_name))
        left = [_pair([first, second], done, inner, scope), *rest]
        summed -= done
    return _pair(left, summed, order, scope)


def _cost(pair: tuple[ArrayCode, ArrayCode], pieces: list[ArrayCode], summed: frozenset[Idx]) -> tuple[int, int]:
    """Return how many axes the product of a pair has, and how many of them would only run along in the product after it."""
    rest = _axes([piece for piece in pieces if piece not in pair])
    done = (frozenset(pair[0].axes) & frozenset(pair[1].axes) & summed) - rest
    axes = _axes(pair) - done
    return len(axes), len((axes & rest) - summed)


def _axes(pieces: Sequence[ArrayCode]) -> frozenset[Idx]:
    return frozenset(axis for piece in pieces for axis in piece.axes)


def _pair(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode:
    if not summed:
        return _elementwise(pieces, order, scope)
    found = _broadcast_product(pieces, summed, order, scope) or _matrix_product(pieces, summed, order)
    if found is not None:
        return found
    if frozenset(pieces[0].axes) & frozenset(pieces[1].axes) != summed:
        return _einsum(pieces, summed, order)
    return (_in_blocks(pieces, summed, order, scope) if scope.loops else None) or _tensordot(pieces, summed, order)


def _in_blocks(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode | None:
    """Return `W.T @ d` with a batch for the axes of `d` before the summed one, those behind it as one: no copy is made, which
    counts where a loop repeats it; None where the axes stand otherwise."""
    small, large = sorted(pieces, key=lambda piece: len(piece.axes))
    if len(summed) != 1 or len(small.axes) != 2 or large.axes[-1] in summed:
        return None
    (axis,) = summed
    at = large.axes.index(axis)
    (row,) = (own for own in small.axes if own != axis)
    before, behind = large.axes[:at], large.axes[at + 1 :]
    axes = (*before, row, *behind)
    matrix = _operand(transposed(small, (row, axis)))
    if len(behind) == 1:
        return ArrayCode(f"{matrix} @ {_operand(large)}", axes, PRODUCT)
    sizes = [size if (size := scope.size(own)).isalnum() else f"({size})" for own in behind]
    blocks = f"{large.atom}.reshape({', '.join(map(scope.size, (*before, axis)))}, {'*'.join(sizes)})"
    whole = ", ".join(map(scope.size, (*before, row)))
    rest = f"*{large.text}.shape[{at + 1}:]" if large.text.isidentifier() else ", ".join(map(scope.size, behind))
    return ArrayCode(f"({matrix} @ {blocks}).reshape({whole}, {rest})", axes)


def _tensordot(pieces: list[ArrayCode], over: frozenset[Idx], order: Axes) -> ArrayCode:
    """Return `np.tensordot(…)`, which makes matrices of both arrays, with the summed axes last in the first and first in the
    second. The short axes of a window come first in its matrix: what lies together in memory stays together when it is copied."""
    widest = max(pieces, key=lambda piece: len(piece.axes))
    summed = [axis for axis in widest.axes if axis in over]  # as they lie in memory: axes side by side become one without a copy
    ranks = {index: at for at, index in enumerate(order)}

    def place(piece: ArrayCode) -> tuple[bool, bool, bool, int]:
        inside = bool(over.intersection(piece.window))
        free = [ranks.get(axis, LAST) for axis in piece.axes if axis not in over]
        # Summed axes between free ones take a copy: of the second matrix, in which runs along the last axis stay together.
        kinds = "".join("s" if axis in over else "f" for axis in piece.axes)
        return inside, not (piece.window and not inside), "fs" in kinds and kinds[-1] == "f", min(free, default=LAST)

    pieces = sorted(pieces, key=place)
    at = [tuple(piece.axes.index(axis) for axis in summed) for piece in pieces]
    axes = tuple(axis for piece in pieces for axis in piece.axes if axis not in summed)
    where = f"({at[0][0]}, {at[1][0]})" if len(summed) == 1 else f"({at[0]}, {at[1]})"
    return ArrayCode(f"np.tensordot({pieces[0].text}, {pieces[1].text}, axes={where})", axes)


def _axis_sum(group: Group, summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode:
    """Return the sum of a product or a square: over all axes as a dot product, along some without the array of products."""
    _, expression = group
    pair = _two_factors(expression, scope)
    if pair is None:
        return reduced(scope.emit(expression, order, scope), summed)
    first, second = (scope.emit(factor, order, scope) for factor in pair)
    if frozenset(first.axes) != frozenset(second.axes):
        return reduced(scope.emit(expression, order, scope), summed)
    if len(first.axes) == 1:
        return ArrayCode(f"{_operand(first)} @ {_operand(second)}", (), PRODUCT)
    if _is_name(first) and _is_name(second):
        if first.axes == second.axes and summed == frozenset(first.axes):
            return ArrayCode(f"{first.text}.ravel() @ {second.text}.ravel()", (), PRODUCT)
        return _summed_along([first, second], summed)
    return reduced(scope.emit(expression, order, scope), summed)


def _two_factors(expression: Expr, scope: Scope) -> tuple[Expr, Expr] | None:
    """Return the factors of a product of two, the base of a square twice."""
    factors = Mul.make_args(expression)
    if len(factors) == 1 and isinstance(expression, Pow) and expression.exp == 2:
        return expression.base, expression.base
    if len(factors) < 2 or any(factor.is_Number for factor in factors):
        return None
    first, *others = sorted(factors, key=scope.place_of)
    return first, Mul(*others)


def _is_name(code: ArrayCode) -> bool:
    """Whether the code is a name (or the blank for one), so that it can be written twice."""
    return not set(code.text) & set("()[]{}.,+-*/@ ")


def _summed_along(pieces: list[ArrayCode], summed: frozenset[Idx]) -> ArrayCode:
    axes = tuple(axis for axis in pieces[0].axes if axis not in summed)
    return ArrayCode(f"np.einsum({_specification(pieces, axes)}, {', '.join(piece.text for piece in pieces)})", axes)


def _operand(code: ArrayCode) -> str:
    return code.text if code.level > PRODUCT else f"({code.text})"


def _matrix_product(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes) -> ArrayCode | None:
    """Return `left @ right` for one summed index, with shared leading axes as a batch, or None where `@` cannot say it."""
    shared = frozenset(pieces[0].axes) & frozenset(pieces[1].axes)
    if len(summed) != 1 or not summed <= shared:
        return None
    batch = tuple(axis for axis in pieces[0].axes if axis in shared - summed)
    ranks = {index: at for at, index in enumerate(order)}

    def free(piece: ArrayCode) -> Axes:
        return tuple(axis for axis in piece.axes if axis not in shared)

    pieces = sorted(pieces, key=lambda piece: min((ranks.get(axis, LAST) for axis in free(piece)), default=LAST + 1))
    multiplied = _batched if batch else _unbatched
    return multiplied(pieces, [free(piece) for piece in pieces], batch, *summed)


def _unbatched(pieces: list[ArrayCode], rest: list[Axes], batch: Axes, axis: Idx) -> ArrayCode | None:
    rows, columns = rest
    left = transposed(pieces[0], (*rows, axis)) if len(rows) < 2 else pieces[0]
    if len(columns) > 1 or left.axes[-1] != axis:
        return None
    right = transposed(pieces[1], (axis, *columns))
    return ArrayCode(f"{_operand(left)} @ {_operand(right)}", left.axes[:-1] + columns, PRODUCT)


def _broadcast_product(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes, scope: Scope) -> ArrayCode | None:
    """Return `x[:, None] @ W`, a product of every matrix of the first with every one of the second, as the heads of an attention
    are; None where the axes stand otherwise."""
    axes = tuple(filter((_axes(pieces) - summed).__contains__, order))
    if len(summed) > 1 or len(axes) < 3 or scope.loops:
        return None
    left, right = sorted(pieces, key=lambda piece: axes[-1] in piece.axes)
    inside = tuple(filter(frozenset(right.axes).__contains__, axes[:-2]))
    before = axes[: len(axes) - 2 - len(inside)]
    rows, columns = _matrices(left, (*before, axes[-2], *summed)), _matrices(right, (*inside, *summed, axes[-1]))
    if not inside or rows is None or columns is None:
        return None
    place = ", ".join([":"] * len(before) + ["None"] * len(inside))
    return ArrayCode(f"{f'{rows.atom}[{place}]' if before else _operand(rows)} @ {_operand(columns)}", axes, PRODUCT)


def _matrices(piece: ArrayCode, axes: Axes) -> ArrayCode | None:
    """Return a piece with its last two axes, at most, changed into an order; None where it has others, or those of a window."""
    fits = not piece.window and piece.axes[:-2] == axes[:-2] and {*piece.axes} == {*axes}
    return transposed(piece, axes) if fits else None


def _batched(pieces: list[ArrayCode], rest: list[Axes], batch: Axes, axis: Idx) -> ArrayCode | None:
    lead = len(batch)
    if any(len(free) != 1 for free in rest) or any(piece.axes[:lead] != batch for piece in pieces):
        return None
    left, right = transposed(pieces[0], (*batch, *rest[0], axis)), transposed(pieces[1], (*batch, axis, *rest[1]))
    return ArrayCode(f"{_operand(left)} @ {_operand(right)}", (*batch, *rest[0], *rest[1]), PRODUCT)


def _einsum(pieces: list[ArrayCode], summed: frozenset[Idx], order: Axes) -> ArrayCode:
    axes = union([ArrayCode("", tuple(a for a in piece.axes if a not in summed)) for piece in pieces], order)
    axes = tuple(a for a in axes if a not in summed)
    operands = ", ".join(piece.text for piece in pieces)
    return ArrayCode(f"np.einsum({_specification(pieces, axes)}, {operands}, optimize=True)", axes)


def _specification(pieces: list[ArrayCode], axes: Axes) -> str:
    """Return `"ni,ni->n"` in quotes."""
    letters = _letters([a for piece in pieces for a in piece.axes])
    spec = ",".join("".join(letters[a] for a in piece.axes) for piece in pieces) + "->" + "".join(letters[a] for a in axes)
    return f'"{spec}"'


def _letters(axes: list[Idx]) -> dict[Idx, str]:
    given: dict[Idx, str] = {}
    for axis in axes:
        if axis not in given:
            name = index_name(axis)
            spare = (
                letter for letter in name[:1] + "abcdefghijklmnopqrstuvwxyzABCDEFGH" if letter.isascii() and letter.isalpha()
            )
            given[axis] = next(letter for letter in spare if letter not in given.values())
    return given


__all__ = ["contracted", "whole_ranges"]
