"""Factors too many, factors missing, and sums cut short: everything that multiplies contributions to the adjoint of one node.

For the contributions c to ∂E/∂A the handwritten gradient is tried as Σ_c m_c·F_c, where m_c runs over the elements of the sum and
F_c is 1 except for a few c. Every factor is one row of a matrix, so all of them are tried against all contributions at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
from sympy import Expr, Idx, Indexed, Mul, Number, Symbol

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.records import Contribution
from symbackprop.network.indices import free_indices
from symbackprop.network.node import Node
from symbackprop.verify.records import Cause
from symbackprop.verify.relations import Explained
from symbackprop.verify.wording import formula
from symbackprop.verify.worlds import World, contracted, same

MOST_CONTRIBUTIONS = 4
"""Contributions of which every selection is tried; of more, each one alone and all together."""
MOST_ELEMENTS = 40_000
"""Elements of a contribution before it is summed, beyond which it is left alone."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of contributions: how it reads, its values over given axes, and what it means when it is found."""

    words: Callable[[], str]
    array: Callable[[World, Sequence[Idx]], Any]
    missing: bool = False
    cost: float = 0.0


Key = tuple[Expr | tuple[str, str], int, bool]
"""What a factor is made of (an expression, or the names of ∂A/∂B), which form of it, and whether it is missing."""


def axes_of(world: World, node: str, contribution: Contribution) -> tuple[Idx, ...]:
    """Return the axes of a contribution before it is summed: the node's own, then the summed ones."""
    return (*world.derivation.adjoints[node].indices, *contribution.summed)


def elements(world: World, node: str, contribution: Contribution) -> np.ndarray[Any, Any]:
    """Return adjoint·local over the axes of `axes_of`, before it is summed."""
    axes = axes_of(world, node, contribution)
    factors = [world.read(contribution.adjoint), *world.factors(contribution.local), *world.guard(contribution)]
    whole = contracted(factors, ())
    return np.array(placed(whole.data, whole.axes, axes, [world.extent(axis) for axis in axes]))


def placed(data: Any, own: Sequence[Idx], axes: Sequence[Idx], shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Return a labelled array over more axes."""
    order = [own.index(axis) for axis in axes if axis in own]
    spread = np.asarray(data).transpose(order)[tuple(slice(None) if axis in own else None for axis in axes)]
    return np.broadcast_to(spread, tuple(shape))


def summed(values: np.ndarray[Any, Any], contribution: Contribution) -> Any:
    """Sum elements over the axes that a contribution sums."""
    count = len(contribution.summed)
    return values.sum(axis=tuple(range(values.ndim - count, values.ndim))) if count else values


def factor_causes(worlds: Sequence[World], node: str) -> Iterator[Explained]:
    """Yield the factors that make the derivation give the handwritten gradients."""
    first = worlds[0]
    contributions = first.derivation.adjoints[node].contributions
    tangent = first.tangents.get(node)
    if tangent is None or not contributions:
        return
    parts = [elements(first, node, c) for c in contributions]
    if sum(part.size for part in parts) > MOST_ELEMENTS:
        return
    general = _general(first, node)
    keys: list[list[Key]] = []
    shifts: list[np.ndarray[Any, Any]] = []
    for contribution, part in zip(contributions, parts, strict=True):
        moved = (tangent.reshape(tangent.shape + (1,) * len(contribution.summed)) * part).reshape(len(tangent), -1).T
        own, rows = _rows(first, general, axes_of(first, node, contribution), part.shape)
        keys.append(own)
        with np.errstate(all="ignore"):
            shifts.append((rows - 1.0) @ moved)
        yield from _cut_short(worlds, node, contribution, moved)
    yield from _selected(worlds, node, keys, shifts)


def _rows(
    world: World, general: Mapping[Expr, frozenset[Idx]], axes: Sequence[Idx], shape: Sequence[int]
) -> tuple[list[Key], np.ndarray[Any, Any]]:
    """Return the factors that fit the axes, and their values, one row for each."""
    fitting = [expression for expression, needs in general.items() if needs <= set(axes)]
    plain = [expression for expression in fitting if isinstance(expression, Symbol | Indexed)]
    keys: list[Key] = []
    blocks: list[np.ndarray[Any, Any]] = []
    for form, (_, values) in enumerate(_FORMS):
        chosen = plain if form else fitting
        if chosen:
            read = [world.read(expression) for expression in chosen]
            stacked = np.stack([placed(r.data, r.axes, axes, shape) for r in read]).reshape(len(chosen), -1)
            keys += [(expression, form, False) for expression in chosen]
            blocks.append(values(stacked))
    if not axes:
        names, totals = _jacobian(world)
        pairs = [(a, b) for a, b in zip(*np.nonzero(totals), strict=True) if a != b and abs(totals[a, b] - 1.0) > 1e-12]
        keys += [((names[a], names[b]), 0, False) for a, b in pairs]
        blocks.append(np.array([totals[a, b] for a, b in pairs]).reshape(-1, 1))
    rows = np.concatenate(blocks) if blocks else np.zeros((0, int(np.prod(shape))))
    with np.errstate(all="ignore"):
        return [*keys, *((e, form, True) for e, form, _ in keys)], np.concatenate([rows, 1.0 / rows])


def _selected(
    worlds: Sequence[World], node: str, keys: Sequence[Sequence[Key]], shifts: Sequence[np.ndarray[Any, Any]]
) -> Iterator[Explained]:
    """Try every factor in every selection of contributions."""
    count = len(keys)
    wanted = frozenset(worlds[0].wanted)
    sizes = range(1, count + 1) if count <= MOST_CONTRIBUTIONS else (1, count)
    place = [{key: k for k, key in enumerate(listed)} for listed in keys]
    for chosen in chain.from_iterable(combinations(range(count), size) for size in sizes):
        shared = [key for key in keys[chosen[0]] if all(key in place[c] for c in chosen[1:])]
        if not shared:
            continue
        total = sum(shifts[c][[place[c][key] for key in shared]] for c in chosen)
        for factor in (_factor(shared[k]) for k in _plausible(worlds[0], total)):
            names = _confirmed(worlds, node, chosen, factor, wanted)
            if names:
                cost = 1.72 + factor.cost + 0.1 * (len(chosen) if len(chosen) < count else 0)
                text, kind = _said(worlds[0].derivation, node, chosen, factor)
                yield Explained(Cause(kind, text), names, cost)


def _plausible(world: World, shifts: Any) -> list[int]:
    """Return the rows that move at least one gradient to the handwritten one, in every direction looked at."""
    owners, goals, _ = world.directions
    scale = np.abs(goals) + np.abs(shifts)
    with np.errstate(all="ignore"):
        close = np.abs(shifts - goals) <= 1e-7 * scale
    named = [np.all(close[:, [k for k, owner in enumerate(owners) if owner == name]], axis=1) for name in world.wanted]
    return [int(k) for k in np.flatnonzero(np.any(named, axis=0))]


def _confirmed(
    worlds: Sequence[World], node: str, chosen: Sequence[int], factor: Factor, names: frozenset[str]
) -> frozenset[str]:
    for world in worlds:
        contributions = world.derivation.adjoints[node].contributions
        change: Any = 0.0
        for c in chosen:
            axes = axes_of(world, node, contributions[c])
            part = elements(world, node, contributions[c])
            with np.errstate(all="ignore"):
                change = change + summed(part * (factor.array(world, axes) - 1.0), contributions[c])
        moved = world.changed(node, change, names)
        names = frozenset(name for name in names if name in moved and same(world.sample.hand[name], moved[name]))
        if not names:
            break
    return names


def _said(derivation: Derivation, node: str, chosen: Sequence[int], factor: Factor) -> tuple[str, str]:
    contributions = derivation.adjoints[node].contributions
    words = factor.words()
    if len(contributions) > 1 and len(chosen) == len(contributions):
        where = f"∂{derivation.loss}/∂{node}"
    elif len(contributions) > 1:
        through = " and ".join(contributions[c].consumer for c in chosen)
        where = f"the path{'s' if len(chosen) > 1 else ''} of ∂{derivation.loss}/∂{node} through {through}"
    elif contributions[0].consumer == derivation.loss:
        where = f"∂{derivation.loss}/∂{node}"
    else:
        local = contributions[0].local
        written = formula(local)
        bracketed = f"({written})" if local.is_Add or written.startswith("-") else written
        times = f"·{bracketed}" if local != 1 else ""
        where = f"∂{derivation.loss}/∂{node} = ∂{derivation.loss}/∂{contributions[0].consumer}{times}"
    if factor.missing:
        return f"a factor {words} is missing in {where}", "factor missing"
    return f"{where} has a factor {words} too many", "extra factor"


# ---- which factors -------------------------------------------------------------------------------------------------


def _general(world: World, node: str) -> dict[Expr, frozenset[Idx]]:
    """Return the nodes and the factors of local derivatives that fit the axes of one node, with the axes they need."""
    derivation = world.derivation
    axes = {axis for c in derivation.adjoints[node].contributions for axis in axes_of(world, node, c)}
    own = derivation.adjoints[node].indices
    offered: dict[Expr, frozenset[Idx]] = {}
    for other in derivation.network.nodes.values():
        entry = _entry(world, other, own, axes) if other.name in world.arrays else None
        if entry is not None:
            offered[entry] = frozenset(free_indices(entry))
    for expression, needs in _local_factors(world).items():
        if needs <= axes:
            offered.setdefault(expression, needs)
    return offered


def _local_factors(world: World) -> dict[Expr, frozenset[Idx]]:
    """Return every factor of a local derivative that is no plain name, with the axes it needs."""
    if "factors" not in world.notes:
        locals_ = [c.local for adjoint in world.derivation.adjoints.values() for c in adjoint.contributions]
        factors = [f for local in locals_ for f in Mul.make_args(local) if not isinstance(f, Number | Symbol | Indexed)]
        world.notes["factors"] = {factor: frozenset(free_indices(factor)) for factor in dict.fromkeys(factors)}
    found: dict[Expr, frozenset[Idx]] = world.notes["factors"]
    return found


_FORMS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("{0}", lambda y: y),
    ("{0}·(1 - {0})", lambda y: y * (1 - y)),
    ("1 - {0}²", lambda y: 1 - y**2),
    ("1 - {0}", lambda y: 1 - y),
)


def _factor(key: Key) -> Factor:
    made, form, missing = key
    if isinstance(made, tuple):
        top, bottom = made
        return _quotient(top, bottom, missing)
    words, values = _FORMS[form]

    def array(world: World, axes: Sequence[Idx]) -> Any:
        read = world.read(made)
        with np.errstate(all="ignore"):
            value = values(placed(read.data, read.axes, axes, [world.extent(axis) for axis in axes]))
            return 1.0 / value if missing else value

    cost = (0.0 if isinstance(made, Symbol | Indexed) else 0.05) + 0.02 * form
    return Factor(lambda: words.format(formula(made)), array, missing, cost)


def _entry(world: World, other: Node, own: Sequence[Idx], axes: set[Idx]) -> Expr | None:
    """Return the entry of a node at indices in use: its own where they are, else those of the same size."""
    if set(other.indices) <= axes:
        return other.entry
    if len(other.indices) == len(own) and all(
        world.extent(a) == world.extent(b) and a.upper == b.upper for a, b in zip(other.indices, own, strict=True)
    ):
        return other.symbol[tuple(own)]
    return None


def _quotient(top: str, bottom: str, missing: bool) -> Factor:
    def array(world: World, axes: Sequence[Idx]) -> Any:
        names, totals = _jacobian(world)
        value = totals[names.index(top), names.index(bottom)]
        return np.asarray(1.0 / value if missing and value else value)

    return Factor(lambda: f"∂{top}/∂{bottom}", array, missing, 0.12)


def _jacobian(world: World) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Return the scalars below the loss and ∂row/∂column for all of them: (1 - L)⁻¹, L the local derivatives."""
    if "jacobian" not in world.notes:
        adjoints = world.derivation.adjoints
        names = [name for name in adjoints if not adjoints[name].indices]
        local = np.zeros((len(names), len(names)))
        at: Mapping[str, int] = {name: k for k, name in enumerate(names)}
        for name in names:
            for contribution in adjoints[name].contributions:
                if contribution.is_scalar:
                    local[at[contribution.consumer], at[name]] += float(world.read(contribution.local).data)
        world.notes["jacobian"] = (names, np.linalg.inv(np.eye(len(names)) - local))
    found: tuple[list[str], np.ndarray[Any, Any]] = world.notes["jacobian"]
    return found


# ---- sums cut short ------------------------------------------------------------------------------------------------


def _cut_short(
    worlds: Sequence[World], node: str, contribution: Contribution, moved: np.ndarray[Any, Any]
) -> Iterator[Explained]:
    """Try the sum over an index without its first or last term, with one of its terms only, or up to another size."""
    if not contribution.summed:
        return
    first = worlds[0]
    axes = axes_of(first, node, contribution)
    shape = tuple(first.extent(axis) for axis in axes)
    factors = list(_cuts(contribution, axes))
    rows = np.stack([np.broadcast_to(factor.array(first, axes), shape).reshape(-1) for factor in factors])
    position = first.derivation.adjoints[node].contributions.index(contribution)
    for factor in (factors[k] for k in _plausible(first, (rows - 1.0) @ moved)):
        names = _confirmed(worlds, node, [position], factor, frozenset(first.wanted))
        if names:
            text = f"in ∂{first.derivation.loss}/∂{node}, {factor.words()}"
            yield Explained(Cause("index", text), names, 1.6 + factor.cost)


def _cuts(contribution: Contribution, axes: Sequence[Idx]) -> Iterator[Factor]:
    for index in contribution.summed:
        for words, keep in _CUTS:
            yield _mask(f"the sum over {index.label} {words}", index, keep)
        yield _overwritten(index, contribution)
        for other in {i.label: i for i in axes if i != index}.values():
            yield _until(f"the sum over {index.label} runs over the range of {other.label}", index, other)


_CUTS: tuple[tuple[str, Callable[[int], Any]], ...] = (
    ("leaves out its last term", lambda n: np.arange(n) < n - 1),
    ("leaves out its first term", lambda n: np.arange(n) > 0),
    ("keeps its last term only: each term overwrites the one before", lambda n: np.arange(n) == n - 1),
    ("has its first term only", lambda n: np.arange(n) == 0),
)


def _along(mask: Any, index: Idx, axes: Sequence[Idx]) -> Any:
    return np.asarray(mask, dtype=float)[tuple(slice(None) if axis == index else None for axis in axes)]


def _mask(words: str, index: Idx, keep: Callable[[int], Any]) -> Factor:
    return Factor(lambda: words, lambda world, axes: _along(keep(world.extent(index)), index, axes), cost=0.1)


def _until(words: str, index: Idx, other: Idx) -> Factor:
    def array(world: World, axes: Sequence[Idx]) -> Any:
        return _along(np.arange(world.extent(index)) < world.extent(other), index, axes)

    return Factor(lambda: words, array, cost=0.15)


def _overwritten(index: Idx, contribution: Contribution) -> Factor:
    """Of the terms that fall on an element only the last one stays: `=` in a loop where `+=` belongs."""

    def array(world: World, axes: Sequence[Idx]) -> Any:
        shape = [world.extent(axis) for axis in axes]
        guard = world.guard(contribution)
        counts = placed(guard[0].data, guard[0].axes, axes, shape) if guard else np.ones(shape)
        at = list(axes).index(index)
        after = np.flip(np.cumsum(np.flip(counts, at), at), at)
        return (after == 1) & (counts > 0)

    words = f"the terms of the sum over {index.label} overwrite each other where they should be added"
    return Factor(lambda: words, array, cost=0.12)
