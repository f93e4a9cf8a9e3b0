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
from sympy import Expr, Idx, Indexed, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Contribution
from symbackprop.network.indices import free_indices
from symbackprop.network.node import Node
from symbackprop.verify.explain.catalog import Explained, explained
from symbackprop.verify.explain.evaluation import DerivationAt, contracted, over, same
from symbackprop.verify.reference.interpret import Labelled
from symbackprop.verify.wording import formula

MOST_CONTRIBUTIONS = 4
"""Contributions of which every selection is tried; of more, each one alone and all together."""
MOST_ELEMENTS = 40_000
"""Elements of a contribution before it is summed, beyond which it is left alone."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of contributions: the mistake that it is, how it reads, its values over given axes."""

    mistake: str
    array: Callable[[DerivationAt, Sequence[Idx]], Any]
    values: Callable[[], Mapping[str, str]] = dict
    extra: float = 0.0


Key = tuple[Expr | tuple[str, str], int, bool]
"""What a factor is made of (an expression, or the names of ∂A/∂B), which form of it, and whether it is missing."""


def axes_of(point: DerivationAt, node: str, contribution: Contribution) -> tuple[Idx, ...]:
    """Return the axes of a contribution before it is summed: the node's own, then the summed ones."""
    return (*point.derivation.adjoints[node].indices, *contribution.summed)


def elements(point: DerivationAt, node: str, contribution: Contribution) -> np.ndarray[Any, Any]:
    """Return adjoint·local over the axes of `axes_of`, before it is summed."""
    axes = axes_of(point, node, contribution)
    factors = [point.read(contribution.adjoint), *point.factors(contribution.local), *point.guard(contribution)]
    whole = contracted(factors, ())
    return np.array(placed(whole, axes, [point.extent(axis) for axis in axes]))


def placed(value: Labelled, axes: Sequence[Idx], shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Return a labelled array over more axes."""
    return np.broadcast_to(over(value, axes), tuple(shape))


def summed(values: np.ndarray[Any, Any], contribution: Contribution) -> Any:
    """Sum elements over the axes that a contribution sums."""
    count = len(contribution.summed)
    return values.sum(axis=tuple(range(values.ndim - count, values.ndim))) if count else values


def factor_causes(points: Sequence[DerivationAt], node: str) -> Iterator[Explained]:
    """Yield the factors that make the derivation give the handwritten gradients."""
    first = points[0]
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
        yield from _cut_short(points, node, contribution, moved)
    yield from _selected(points, node, keys, shifts)


def _rows(
    point: DerivationAt, general: Mapping[Expr, frozenset[Idx]], axes: Sequence[Idx], shape: Sequence[int]
) -> tuple[list[Key], np.ndarray[Any, Any]]:
    """Return the factors that fit the axes, and their values, one row for each; then each as missing, with inverse values."""
    fitting = [expression for expression, needs in general.items() if needs <= set(axes)]
    plain = [expression for expression in fitting if isinstance(expression, Symbol | Indexed)]
    keys: list[Key] = []
    blocks: list[np.ndarray[Any, Any]] = [np.zeros((0, int(np.prod(shape))))]
    for form, (_, values) in enumerate(_FORMS):
        chosen = plain if form else fitting
        if chosen:
            stacked = np.stack([placed(point.read(expression), axes, shape) for expression in chosen]).reshape(len(chosen), -1)
            keys += [(expression, form, False) for expression in chosen]
            blocks.append(values(stacked))
    if not axes:
        quotients = _quotients(point)
        keys += [(pair, 0, False) for pair in quotients]
        blocks.append(np.array(list(quotients.values())).reshape(-1, 1))
    rows = np.concatenate(blocks)
    with np.errstate(all="ignore"):
        return [*keys, *((made, form, True) for made, form, _ in keys)], np.concatenate([rows, 1.0 / rows])


def _quotients(point: DerivationAt) -> dict[tuple[str, str], float]:
    """Return (A, B) → ∂A/∂B for the scalars below the loss, where it is neither 0 nor 1."""
    names, totals = point.jacobian
    pairs = [(a, b) for a, b in zip(*np.nonzero(totals), strict=True) if a != b and abs(totals[a, b] - 1.0) > 1e-12]
    return {(names[a], names[b]): float(totals[a, b]) for a, b in pairs}


def _selections(count: int) -> Iterator[tuple[int, ...]]:
    """Yield every selection of a few contributions; of many, each alone and all together."""
    sizes = range(1, count + 1) if count <= MOST_CONTRIBUTIONS else (1, count)
    return chain.from_iterable(combinations(range(count), size) for size in sizes)


EACH = 0.1
"""How much more far-fetched a factor is for every contribution that it stands in, unless it stands in all."""


def _selected(
    points: Sequence[DerivationAt], node: str, keys: Sequence[Sequence[Key]], shifts: Sequence[np.ndarray[Any, Any]]
) -> Iterator[Explained]:
    """Try every factor in every selection of contributions."""
    count = len(keys)
    wanted = frozenset(points[0].wanted)
    place = [{key: k for k, key in enumerate(listed)} for listed in keys]
    for chosen in _selections(count):
        shared = [key for key in keys[chosen[0]] if all(key in place[c] for c in chosen[1:])]
        if not shared:
            continue
        total = sum(shifts[c][[place[c][key] for key in shared]] for c in chosen)
        for factor in (_factor(shared[k]) for k in _plausible(points[0], total)):
            names = _confirmed(points, node, chosen, factor, wanted)
            if names:
                extra = factor.extra + EACH * (len(chosen) if len(chosen) < count else 0)
                where = _where(points[0].derivation, node, chosen)
                yield explained(factor.mistake, names, extra, where=where, **factor.values())


def _plausible(point: DerivationAt, shifts: Any) -> list[int]:
    """Return the rows that move at least one gradient to the handwritten one, in every direction looked at."""
    owners, goals, _ = point.directions
    scale = np.abs(goals) + np.abs(shifts)
    with np.errstate(all="ignore"):
        close = np.abs(shifts - goals) <= 1e-7 * scale
    named = [np.all(close[:, [k for k, owner in enumerate(owners) if owner == name]], axis=1) for name in point.wanted]
    return [int(k) for k in np.flatnonzero(np.any(named, axis=0))]


def _confirmed(
    points: Sequence[DerivationAt], node: str, chosen: Sequence[int], factor: Factor, names: frozenset[str]
) -> frozenset[str]:
    for point in points:
        contributions = point.derivation.adjoints[node].contributions
        change: Any = 0.0
        for c in chosen:
            axes = axes_of(point, node, contributions[c])
            part = elements(point, node, contributions[c])
            with np.errstate(all="ignore"):
                change = change + summed(part * (factor.array(point, axes) - 1.0), contributions[c])
        moved = point.changed(node, change, names)
        names = frozenset(name for name in names if name in moved and same(point.sample.hand[name], moved[name]))
        if not names:
            break
    return names


def _where(derivation: DerivationRecord, node: str, chosen: Sequence[int]) -> str:
    """Return what a factor stands in: an adjoint, or its contributions through some consumers."""
    contributions = derivation.adjoints[node].contributions
    adjoint = f"∂{derivation.loss}/∂{node}"
    if len(contributions) == 1:
        (only,) = contributions
        if only.consumer == derivation.loss:
            return adjoint
        written = formula(only.local)
        bracketed = f"({written})" if only.local.is_Add or written.startswith("-") else written
        return f"{adjoint} = ∂{derivation.loss}/∂{only.consumer}" + (f"·{bracketed}" if only.local != 1 else "")
    if len(chosen) == len(contributions):
        return adjoint
    through = list(dict.fromkeys(contributions[c].consumer for c in chosen))
    return f"the path{'s' if len(through) > 1 else ''} of {adjoint} through {' and '.join(through)}"


# ---- which factors -------------------------------------------------------------------------------------------------


def _general(point: DerivationAt, node: str) -> dict[Expr, frozenset[Idx]]:
    """Return the nodes and the factors of local derivatives that fit the axes of one node, with the axes they need."""
    derivation = point.derivation
    axes = {axis for c in derivation.adjoints[node].contributions for axis in axes_of(point, node, c)}
    own = derivation.adjoints[node].indices
    offered: dict[Expr, frozenset[Idx]] = {}
    for other in derivation.network.nodes.values():
        entry = _entry(point, other, own, axes) if other.name in point.arrays else None
        if entry is not None:
            offered[entry] = frozenset(free_indices(entry))
    for expression, needs in point.local_factors.items():
        if needs <= axes:
            offered.setdefault(expression, needs)
    return offered


_FORMS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("{0}", lambda y: y),
    ("{0}·(1 - {0})", lambda y: y * (1 - y)),
    ("1 - {0}²", lambda y: 1 - y**2),
    ("1 - {0}", lambda y: 1 - y),
)


_FURTHER = {"expression": 0.05, "form": 0.02, "quotient": 0.12}
"""How much more far-fetched a factor is that is no plain name, has another form, or is a whole ∂A/∂B."""


def _factor(key: Key) -> Factor:
    made, form, missing = key
    mistake = "factor missing" if missing else "factor too many"
    if isinstance(made, tuple):
        return Factor(mistake, _quotient(made, missing), lambda: {"factor": f"∂{made[0]}/∂{made[1]}"}, _FURTHER["quotient"])
    words, values = _FORMS[form]

    def array(point: DerivationAt, axes: Sequence[Idx]) -> Any:
        with np.errstate(all="ignore"):
            value = values(placed(point.read(made), axes, [point.extent(axis) for axis in axes]))
            return 1.0 / value if missing else value

    extra = (0.0 if isinstance(made, Symbol | Indexed) else _FURTHER["expression"]) + _FURTHER["form"] * form
    return Factor(mistake, array, lambda: {"factor": words.format(formula(made))}, extra)


def _entry(point: DerivationAt, other: Node, own: Sequence[Idx], axes: set[Idx]) -> Expr | None:
    """Return the entry of a node at indices in use: its own where they are, else those of the same size."""
    if set(other.indices) <= axes:
        return other.entry
    if len(other.indices) == len(own) and all(
        point.extent(a) == point.extent(b) and a.upper == b.upper for a, b in zip(other.indices, own, strict=True)
    ):
        return other.symbol[tuple(own)]
    return None


def _quotient(pair: tuple[str, str], missing: bool) -> Callable[[DerivationAt, Sequence[Idx]], Any]:
    def array(point: DerivationAt, axes: Sequence[Idx]) -> Any:
        value = _quotients(point).get(pair, 1.0)
        return np.asarray(1.0 / value if missing and value else value)

    return array


# ---- sums cut short ------------------------------------------------------------------------------------------------


def _cut_short(
    points: Sequence[DerivationAt], node: str, contribution: Contribution, moved: np.ndarray[Any, Any]
) -> Iterator[Explained]:
    """Try the sum over an index without its first or last term, with one of its terms only, or up to another size."""
    if not contribution.summed:
        return
    first = points[0]
    axes = axes_of(first, node, contribution)
    shape = tuple(first.extent(axis) for axis in axes)
    factors = list(_cuts(contribution, axes))
    rows = np.stack([np.broadcast_to(factor.array(first, axes), shape).reshape(-1) for factor in factors])
    position = first.derivation.adjoints[node].contributions.index(contribution)
    for factor in (factors[k] for k in _plausible(first, (rows - 1.0) @ moved)):
        names = _confirmed(points, node, [position], factor, frozenset(first.wanted))
        if names:
            yield explained(factor.mistake, names, adjoint=f"∂{first.derivation.loss}/∂{node}", **factor.values())


def _cuts(contribution: Contribution, axes: Sequence[Idx]) -> Iterator[Factor]:
    for index in contribution.summed:
        for mistake, keep in _CUTS.items():
            yield _mask(mistake, index, keep)
        yield _overwritten(index, contribution)
        for other in {i.label: i for i in axes if i != index}.values():
            yield _until(index, other)


_CUTS: Mapping[str, Callable[[int], Any]] = {
    "last term left out": lambda n: np.arange(n) < n - 1,
    "first term left out": lambda n: np.arange(n) > 0,
    "last term only": lambda n: np.arange(n) == n - 1,
    "first term only": lambda n: np.arange(n) == 0,
}


def _along(mask: Any, index: Idx, axes: Sequence[Idx]) -> Any:
    return np.asarray(mask, dtype=float)[tuple(slice(None) if axis == index else None for axis in axes)]


def _mask(mistake: str, index: Idx, keep: Callable[[int], Any]) -> Factor:
    return Factor(mistake, lambda p, axes: _along(keep(p.extent(index)), index, axes), lambda: {"index": str(index.label)})


def _until(index: Idx, other: Idx) -> Factor:
    def array(point: DerivationAt, axes: Sequence[Idx]) -> Any:
        return _along(np.arange(point.extent(index)) < point.extent(other), index, axes)

    return Factor("range of another", array, lambda: {"index": str(index.label), "other": str(other.label)})


def _overwritten(index: Idx, contribution: Contribution) -> Factor:
    """Of the terms that fall on an element only the last one stays: `=` in a loop where `+=` belongs."""

    def array(point: DerivationAt, axes: Sequence[Idx]) -> Any:
        shape = [point.extent(axis) for axis in axes]
        guard = point.guard(contribution)
        counts = placed(guard[0], axes, shape) if guard else np.ones(shape)
        at = list(axes).index(index)
        after = np.flip(np.cumsum(np.flip(counts, at), at), at)
        return (after == 1) & (counts > 0)

    return Factor("overwritten", array, lambda: {"index": str(index.label)})
