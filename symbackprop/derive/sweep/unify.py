"""Unify the indices of a use with the node's own: Kronecker deltas eliminated, guards kept.

A use `T[address]` inside the definition of `B[y]` contributes to ∂E/∂T[t]

    Σ_y Σ_summed  ∂E/∂B[y] · local · Π_k δ(address_k, t_k)

Each δ removes one summed index (`address_k` is that index, or is linear in it, as in a convolution's `x[n, i+u]`, which leaves a
range to guard); a δ with no summed index left (`A[i, i]`) stays as a factor, unless it is always 1, along an axis of one entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from sympy import Expr, Idx, Indexed, IndexedBase, Integer, KroneckerDelta, Mul, Symbol, true

from symbackprop.derive.sweep.records import Contribution, RawContribution
from symbackprop.network.indices import (
    IndexSum,
    addresses,
    bound_apart,
    guarded,
    index_name,
    index_size,
    primed,
    same_range,
    substitute,
)
from symbackprop.network.node import Node
from symbackprop.network.places import is_granted, settled, settled_condition


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
    mapping = _renaming(solved, remaining, target.indices, declared)
    moved = partial(substitute, mapping=mapping)
    guard = _guard(solved, mapping) & substitute(raw.guard, mapping)
    deltas = [KroneckerDelta(own, _through(address, mapping, ())) for own, address in left if index_size(own) != 1]
    found = Contribution(
        consumer,
        upstream,
        tuple(map(moved, raw.indices)),
        Mul(*deltas, bound_apart(settled(moved(raw.local)), map(index_name, (*target.indices, *map(moved, remaining))))),
        tuple(map(moved, remaining)),
        settled_condition(guard),
        raw,
    )
    return _chosen(found) if raw.local.has(KroneckerDelta) else found


def _chosen(contribution: Contribution) -> Contribution:
    """Use Σ_s δ(s, place) f(s) = f(place) for every summed s whose place is known: `y[s] = Σ_t Σ_u δ(s, 2t + u) x[t] w[u]`."""
    for delta in Mul.make_args(contribution.local):
        for index, place in _choices(delta, contribution.summed):
            rest = Mul(*(factor for factor in Mul.make_args(contribution.local) if factor is not delta))
            put_in = {index: place}
            return _chosen(
                replace(
                    contribution,
                    consumer_indices=tuple(substitute(address, put_in) for address in contribution.consumer_indices),
                    local=settled(substitute(rest, put_in)),
                    summed=tuple(other for other in contribution.summed if other != index),
                    guard=settled_condition(
                        substitute(contribution.guard, put_in) & (place >= index.lower) & (place <= index.upper)
                    ),
                )
            )
    return contribution


def _choices(delta: Expr, summed: tuple[Idx, ...]) -> Iterator[tuple[Idx, Expr]]:
    """Yield the summed indices that a factor sets equal to a place, which they are not part of."""
    if isinstance(delta, KroneckerDelta) and not delta.has(Indexed) and all(side.is_integer for side in delta.args):
        for index, place in (delta.args, delta.args[::-1]):
            if index in summed and index not in addresses(place):
                yield index, place


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
    local = bound_apart(substitute(raw.local, mapping), taken)  # a sum inside takes no letter that stands for something here
    body = guarded(Mul(*deltas, upstream, local), substitute(raw.guard, mapping))
    return IndexSum(body, *(mapping[index] for index in pool)) if pool else body


def _renaming(
    solved: Mapping[Idx, Expr], remaining: tuple[Idx, ...], own: tuple[Idx, ...], declared: Iterable[Idx]
) -> dict[Expr, Expr]:
    """Return what the consumer's indices are in the target's own and fresh ones; one that stays as it is is left out."""
    plain = {index: value for index, value in solved.items() if isinstance(value, Idx)}
    mapping: dict[Expr, Expr] = {**dict(zip(remaining, _fresh(remaining, own, declared), strict=True)), **plain}
    linear = {index: _through(value, mapping, own) for index, value in solved.items() if index not in plain}
    return {old: new for old, new in {**mapping, **linear}.items() if old != new}


def _solve(
    address: tuple[Expr, ...], own: tuple[Idx, ...], pool: tuple[Idx, ...]
) -> tuple[dict[Idx, Expr], list[tuple[Idx, Expr]]]:
    """Solve `address_k = own_k` for pool indices: first the plain ones, then the linear ones, consumer's own before sums.

    A linear solution is kept as `own_k - rest` with a marker for `own_k`, since `rest` still uses the pool's names. It is put
    into the addresses that follow and into the solutions before it, so that none contains an index that is solved itself.
    """
    solved, pending = _solve_plain(address, own, pool)
    left: list[tuple[Idx, Expr]] = []
    known: dict[Expr, Expr] = {index: _Marker(own) for index, own in solved.items()}
    for index, place in pending:
        expression = place.xreplace(known).expand()
        free = next(((p, sign) for p in pool if p not in solved and abs(sign := expression.coeff(p)) == 1), None)
        if free is None:
            left.append((index, place))
            continue
        chosen, sign = free
        value = (sign * (_Marker(index) - (expression - sign * chosen))).expand()
        known = {solution: of.xreplace({chosen: value}).expand() for solution, of in known.items()}
        known[chosen] = solved[chosen] = value
    return {index: value if isinstance(value, Idx) else known[index] for index, value in solved.items()}, left


def _Marker(index: Idx) -> Symbol:
    """A symbol that stands for the node's own index while the pool's names are still in use."""
    return Symbol(f"own {index_name(index)}", integer=True)


def _solve_plain(
    address: tuple[Expr, ...], own: tuple[Idx, ...], pool: tuple[Idx, ...]
) -> tuple[dict[Idx, Expr], list[tuple[Idx, Expr]]]:
    """Solve the equations in which a pool index stands alone, each for another; the others are returned as they are."""
    solved: dict[Idx, Expr] = {}
    pending: list[tuple[Idx, Expr]] = []
    for index, expression in zip(own, address, strict=True):
        if isinstance(expression, Idx) and expression in pool and expression not in solved:
            solved[expression] = index
        else:
            pending.append((index, expression))
    return solved, pending


def _through(expression: Expr, mapping: Mapping[Expr, Expr], own: tuple[Idx, ...]) -> Expr:
    replaced = substitute(expression, {old: new for old, new in mapping.items() if old != new})
    return replaced.xreplace({_Marker(index): index for index in own})


def _fresh(remaining: tuple[Idx, ...], own: tuple[Idx, ...], declared: Iterable[Idx]) -> list[Idx]:
    """Name the summed indices: their own name where free, else another declared index of that range, else a prime."""
    used = {index_name(index) for index in own}
    taken = used | {index_name(index) for index in remaining}
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
        if not is_granted(at - index.lower):
            guard &= at >= index.lower
        if not is_granted(index.upper - at):
            guard &= at <= index.upper
    return guard
