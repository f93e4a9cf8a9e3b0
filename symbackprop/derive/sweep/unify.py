"""Unify the indices of a use with the node's own: Kronecker deltas eliminated, guards kept.

A use `T[address]` inside the definition of `B[y]` contributes to ∂E/∂T[t]

    Σ_y Σ_summed  ∂E/∂B[y] · local · Π_k δ(address_k, t_k)

Each δ removes one summed index (`address_k` is that index, or is linear in it, as in a convolution's `x[n, i+u]`, which leaves a
range to guard); a δ with no summed index left (`A[i, i]`) stays as a factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr, Idx, IndexedBase, Integer, KroneckerDelta, Mul, Symbol, true

from symbackprop.derive.sweep.records import Contribution, RawContribution
from symbackprop.network.indices import IndexSum, addresses, guarded, index_name, index_size, primed, same_range, substitute
from symbackprop.network.node import Node


def unify(
    raw: RawContribution,
    consumer: str,
    upstream: Symbol | IndexedBase | Integer,
    target: Node,
    declared: Iterable[Idx],
) -> Contribution:
    """Return the contribution of one use to the adjoint of `target`, in the target's own indices."""
    if not raw.indices and not raw.summed and not target.indices:
        return Contribution(consumer, upstream, (), raw.local, (), true, raw)
    pool = (*raw.indices, *raw.summed)
    solved, left = _solve(raw.address, target.indices, pool)
    remaining = tuple(index for index in pool if index not in solved)
    mapping: dict[Expr, Expr] = dict(zip(remaining, _fresh(remaining, target.indices, declared), strict=True))
    plain = {index: value for index, value in solved.items() if isinstance(value, Idx)}
    mapping |= plain
    for index, value in solved.items():
        if index not in plain:
            mapping[index] = _through(value, mapping, target.indices)
    mapping = {old: new for old, new in mapping.items() if old != new}
    guard = _guard(solved, mapping) & substitute(raw.guard, mapping)
    deltas = [KroneckerDelta(own, _through(address, mapping, ())) for own, address in left]
    return Contribution(
        consumer,
        upstream,
        tuple(substitute(index, mapping) for index in raw.indices),
        Mul(*deltas, substitute(raw.local, mapping)),
        tuple(substitute(index, mapping) for index in remaining),
        guard,
        raw,
    )


def entries_used(
    uses: tuple[Contribution, ...], own: tuple[Idx, ...], declared: Iterable[Idx]
) -> tuple[tuple[Idx, ...], tuple[Idx, ...]]:
    """Return the indices of the entries of one consumer that depend on an entry of the node, and which of them are summed.

    Where every use stands at the node's own index the consumer does too; every other axis of it is summed over as a whole, so
    that ∂E/∂A = Σ ∂E/∂B · ∂B/∂A counts each entry of B once, however often and wherever A stands in its definition.
    """
    axes = uses[0].raw.indices
    kept: dict[int, Idx] = {}
    for axis in range(len(axes)):
        places = {use.consumer_indices[axis] for use in uses}
        if len(places) == 1 and places <= set(own):
            kept[axis] = next(iter(places))
    summed = tuple(index for axis, index in enumerate(axes) if axis not in kept)
    named = iter(fresh := _fresh(summed, own, declared))
    return tuple(kept[axis] if axis in kept else next(named) for axis in range(len(axes))), tuple(fresh)


def before_elimination(contribution: Contribution, own: tuple[Idx, ...]) -> Expr:
    """Return Σ ∂E/∂B[y] · local · Π_k δ(t_k, address_k), the contribution before its deltas are eliminated.

    The summed indices keep their names where those differ from the node's own `t`, and get a prime where they do not.
    """
    raw = contribution.raw
    pool = (*raw.indices, *raw.summed)
    taken = {index_name(index) for index in own}
    mapping: dict[Expr, Expr] = {}
    for index in pool:
        mapping[index] = primed(index, taken) if index_name(index) in taken else index
        taken.add(index_name(mapping[index]))
    deltas = [KroneckerDelta(t, substitute(address, mapping)) for t, address in zip(own, raw.address, strict=True)]
    used = tuple(substitute(index, mapping) for index in raw.indices)
    upstream = contribution.upstream[used] if used else contribution.upstream
    body = guarded(Mul(*deltas, upstream, substitute(raw.local, mapping)), substitute(raw.guard, mapping))
    return IndexSum(body, *(mapping[index] for index in pool)) if pool else body


def _solve(
    address: tuple[Expr, ...], own: tuple[Idx, ...], pool: tuple[Idx, ...]
) -> tuple[dict[Idx, Expr], list[tuple[Idx, Expr]]]:
    """Solve `address_k = own_k` for pool indices: first the plain ones, then the linear ones, consumer's own before sums.

    A linear solution is kept as `own_k - rest` with a marker for `own_k`, since `rest` still uses the pool's names. It is put
    into the addresses that follow and into the solutions before it, so that none contains an index that is solved itself.
    """
    solved: dict[Idx, Expr] = {}
    left: list[tuple[Idx, Expr]] = []
    pending: list[tuple[Idx, Expr]] = []
    for index, expression in zip(own, address, strict=True):
        if isinstance(expression, Idx) and expression in pool and expression not in solved:
            solved[expression] = index
        else:
            pending.append((index, expression))
    known: dict[Expr, Expr] = {index: _Marker(own) for index, own in solved.items()}
    for index, place in pending:
        expression = place.xreplace(known).expand()
        coefficients = expression.as_coefficients_dict()
        free = [p for p in pool if p not in solved and abs(coefficients.get(p, 0)) == 1]
        if not free:
            left.append((index, place))
            continue
        sign = coefficients[free[0]]
        value = (sign * (_Marker(index) - (expression - sign * free[0]))).expand()
        known = {solution: of.xreplace({free[0]: value}).expand() for solution, of in known.items()}
        known[free[0]] = solved[free[0]] = value
    return {index: value if isinstance(value, Idx) else known[index] for index, value in solved.items()}, left


def _Marker(index: Idx) -> Symbol:
    """A symbol that stands for the node's own index while the pool's names are still in use."""
    return Symbol(f"own {index_name(index)}", integer=True)


def _through(expression: Expr, mapping: Mapping[Expr, Expr], own: tuple[Idx, ...]) -> Expr:
    replaced = substitute(expression, {old: new for old, new in mapping.items() if old != new})
    return replaced.xreplace({_Marker(index): index for index in own})


def _fresh(remaining: tuple[Idx, ...], own: tuple[Idx, ...], declared: Iterable[Idx]) -> list[Idx]:
    """Name the summed indices: their own name where free, else another declared index of that range, else a prime."""
    taken = {index_name(index) for index in own} | {index_name(index) for index in remaining}
    used = {index_name(index) for index in own}
    names: list[Idx] = []
    for index in remaining:
        name = index_name(index)
        if name not in used:
            names.append(index)
        else:
            spare = [other for other in declared if index_name(other) not in taken | used and _same_range(other, index)]
            names.append(spare[0] if spare else primed(index, taken | used))
        used.add(index_name(names[-1]))
    return [same_range(index, index_name(name)) for index, name in zip(remaining, names, strict=True)]


def _same_range(first: Idx, second: Idx) -> bool:
    return bool(first.lower == second.lower and index_size(first) == index_size(second))


def _guard(solved: Mapping[Idx, Expr], mapping: Mapping[Expr, Expr]) -> Expr:
    guard: Expr = true
    for index, value in solved.items():
        if isinstance(value, Idx):
            continue
        at = mapping[index]
        free = addresses(at)
        low = at.xreplace({i: i.lower if at.coeff(i) > 0 else i.upper for i in free})
        high = at.xreplace({i: i.upper if at.coeff(i) > 0 else i.lower for i in free})
        if not (low - index.lower).expand().is_nonnegative:
            guard &= at >= index.lower
        if not (index.upper - high).expand().is_nonnegative:
            guard &= at <= index.upper
    return guard
