"""A sum of products over indices as numpy code: `@`, `einsum`, or an axis sum, as someone fluent in numpy would write it."""

from __future__ import annotations

from sympy import Add, Expr, Idx, Integer, KroneckerDelta, Mul, Piecewise, Pow, Sum

from symbackprop.network.indices import free_indices, index_name, index_size, substitute
from symbackprop.numeric.arrays import Axes, Code, Scope, reduced, transposed, union
from symbackprop.numeric.printing import PRODUCT

Group = tuple[frozenset[Idx], Expr]


def contracted(expression: Sum, order: Axes, scope: Scope) -> Expr:
    """Return the sum as an expression of pieces of code; factors without a summed index stand outside."""
    body, over = _whole_ranges(expression)
    if isinstance(body, Sum):
        return contracted(Sum(body.function, *body.limits, *((i, i.lower, i.upper) for i in over)), order, scope)
    if isinstance(body, Add) and any(_mixes(term) for term in body.args):
        return Add(*(_product(Mul.make_args(term), over, order, scope) for term in body.args))
    return _product(Mul.make_args(body), over, order, scope)


def _whole_ranges(expression: Sum) -> tuple[Expr, tuple[Idx, ...]]:
    """Return the summand and its indices, each over its whole range: other bounds become a condition."""
    body = expression.function
    for index, low, high in expression.limits:
        if (low, high) != (index.lower, index.upper):
            body = Piecewise((body, (index >= low) & (index <= high)), (Integer(0), True))
    return body, tuple(limits[0] for limits in expression.limits)


def _mixes(term: Expr) -> bool:
    """Whether a product's factors have different indices, none having all: multiplied out it would need a larger array."""
    sets = [free_indices(factor) for factor in Mul.make_args(term)]
    return frozenset().union(*sets) not in sets


def _product(factors: tuple[Expr, ...], over: tuple[Idx, ...], order: Axes, scope: Scope) -> Expr:
    flat, over = _flattened(factors, over)
    inside, over, outside = _without_deltas(flat, over)
    outside += [factor for factor in inside if not free_indices(factor) & set(over)]
    groups = _grouped([factor for factor in inside if free_indices(factor) & set(over)])
    present = frozenset().union(*(axes for axes, _ in groups)) if groups else frozenset()
    counts = [index_size(index) for index in over if index not in present]
    summed = frozenset(over) & present
    if not groups:
        return Mul(*counts, *outside)
    return Mul(*counts, *outside, scope.place(_contract(groups, summed, order, scope)))


def _flattened(factors: tuple[Expr, ...], over: tuple[Idx, ...]) -> tuple[list[Expr], tuple[Idx, ...]]:
    """Split powers of products; nested sums stay factors of their own."""
    flat: list[Expr] = []
    for factor in factors:
        if isinstance(factor, Pow) and isinstance(factor.base, Mul) and factor.exp.is_Integer:
            flat.extend(part**factor.exp for part in factor.base.args)
        else:
            flat.append(factor)
    return flat, over


def _without_deltas(factors: list[Expr], over: tuple[Idx, ...]) -> tuple[list[Expr], tuple[Idx, ...], list[Expr]]:
    """Use Σ_k δ(k, j) f(k) = f(j) where both indices have the same range."""
    for factor in factors:
        if not isinstance(factor, KroneckerDelta):
            continue
        for old, new in (factor.args, factor.args[::-1]):
            if old in over and isinstance(new, Idx) and old != new and old.upper == new.upper and old.lower == new.lower:
                rest = [substitute(f, {old: new}) for f in factors if f is not factor]
                return _without_deltas(rest, tuple(index for index in over if index != old))
    return factors, over, []


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


def _contract(groups: list[Group], summed: frozenset[Idx], order: Axes, scope: Scope) -> Code:
    inner = (*order, *sorted(summed - set(order), key=index_name))
    groups = sorted(groups, key=lambda group: scope.place_of(group[1]))
    if len(groups) == 1:
        return _axis_sum(groups[0], summed, inner, scope)
    pieces = []
    for axes, expression in groups:
        elsewhere = frozenset().union(*(other for other, part in groups if part is not expression))
        alone = (axes & summed) - elsewhere
        code = scope.emit(expression, inner, scope)
        pieces.append(_summed(code, alone, scope) if alone else code)
    summed &= frozenset().union(*(frozenset(piece.axes) for piece in pieces))
    if len(pieces) == 2 and summed:
        product = _matrix_product(pieces, summed, order)
        if product is not None:
            return product
    if not summed:
        return scope.emit(Mul(*(scope.place(piece) for piece in pieces)), order, scope)
    return _einsum(pieces, summed, order)


def _axis_sum(group: Group, summed: frozenset[Idx], order: Axes, scope: Scope) -> Code:
    axes, expression = group
    factors = Mul.make_args(expression)
    if axes == summed and len(axes) == 1 and len(factors) > 1:
        first, second = scope.emit(factors[0], order, scope), scope.emit(Mul(*factors[1:]), order, scope)
        if first.axes == second.axes and len(first.axes) == 1:
            return Code(f"{_operand(first)} @ {_operand(second)}", (), PRODUCT)
    return _summed(scope.emit(expression, order, scope), summed, scope)


def _summed(code: Code, over: frozenset[Idx], scope: Scope) -> Code:
    """Return the sum over some indices; along those that the stored array does not have it is the same, so they count."""
    lacking = [index_size(index) for index in sorted(over - set(code.axes), key=index_name)]
    present = over & frozenset(code.axes)
    total = reduced(code, present) if present else code
    if not lacking:
        return total
    product = Mul(*lacking, scope.place(total))
    return Code(str(scope.printer._print(product)), total.axes, PRODUCT)


def _operand(code: Code) -> str:
    return code.text if code.level > PRODUCT else f"({code.text})"


def _matrix_product(pieces: list[Code], summed: frozenset[Idx], order: Axes) -> Code | None:
    """Return `left @ right` for one summed index, with shared leading axes as a batch, or None where `@` cannot say it."""
    shared = frozenset(pieces[0].axes) & frozenset(pieces[1].axes)
    batch = tuple(axis for axis in pieces[0].axes if axis in shared - summed)
    if len(summed) != 1 or not summed <= shared:
        return None
    (axis,) = summed
    rest = [tuple(a for a in piece.axes if a not in shared) for piece in pieces]
    ranks = {index: at for at, index in enumerate(order)}
    if rest[1] and (not rest[0] or min(ranks.get(a, 99) for a in rest[1]) < min(ranks.get(a, 99) for a in rest[0])):
        pieces, rest = pieces[::-1], rest[::-1]
    if not rest[0] and not rest[1] and batch:
        return None
    if batch:
        return _batched(pieces, rest, batch, axis)
    if len(rest[1]) > 1 or (len(rest[0]) > 1 and pieces[0].axes[-1] != axis):
        return None
    left = transposed(pieces[0], (*rest[0], axis)) if len(rest[0]) < 2 else pieces[0]
    right = transposed(pieces[1], (axis, *rest[1]))
    return Code(f"{_operand(left)} @ {_operand(right)}", tuple(a for a in left.axes if a != axis) + rest[1], PRODUCT)


def _batched(pieces: list[Code], rest: list[Axes], batch: Axes, axis: Idx) -> Code | None:
    lead = len(batch)
    if any(len(free) != 1 for free in rest) or any(piece.axes[:lead] != batch for piece in pieces):
        return None
    left, right = transposed(pieces[0], (*batch, *rest[0], axis)), transposed(pieces[1], (*batch, axis, *rest[1]))
    return Code(f"{_operand(left)} @ {_operand(right)}", (*batch, *rest[0], *rest[1]), PRODUCT)


def _einsum(pieces: list[Code], summed: frozenset[Idx], order: Axes) -> Code:
    axes = union([Code("", tuple(a for a in piece.axes if a not in summed)) for piece in pieces], order)
    axes = tuple(a for a in axes if a not in summed)
    letters = _letters([a for piece in pieces for a in piece.axes])
    spec = ",".join("".join(letters[a] for a in piece.axes) for piece in pieces) + "->" + "".join(letters[a] for a in axes)
    operands = ", ".join(piece.text for piece in pieces)
    return Code(f'np.einsum("{spec}", {operands}, optimize=True)', axes)


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


__all__ = ["contracted"]
