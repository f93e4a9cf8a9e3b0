"""The usual mistakes, made in the derivation one at a time: those are kept that give the handwritten numbers at every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Idx, Mul

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import SymbackpropError
from symbackprop.network.indices import free_indices
from symbackprop.network.node import Role
from symbackprop.verify.budget import Budget
from symbackprop.verify.explain.catalog import LOCAL, Explained, explained
from symbackprop.verify.explain.evaluation import DerivationAt, contracted, same
from symbackprop.verify.explain.factors import factor_causes
from symbackprop.verify.explain.local_changes import Trial, Use
from symbackprop.verify.explain.ratio import Row, ratio_at, sizes_of_network, with_sizes
from symbackprop.verify.reference.interpret import Labelled
from symbackprop.verify.wording import formula

MOST_CHANGES = 600
"""Changes of the derivation tried, those nearest to what differs first."""
ENOUGH = 1.5
"""A mistake this plain, which explains everything, ends the search."""

Points = Sequence[DerivationAt]
Making = Callable[[DerivationAt], Any]
"""What a mistake adds to the adjoint of a node, at one point."""


def mistakes(points: Points, rate: float | None) -> list[Explained]:
    """Return the mistakes in one adjoint, downstream of the loss and upstream of what differs, that explain a name or more."""
    derivation, wanted = points[0].derivation, points[0].wanted
    budget = Budget(MOST_CHANGES)
    found: list[Explained] = list(_stale(points, rate))
    nodes = [node for node in upstream_of(derivation, wanted) if node != derivation.loss]
    for node in nodes:
        found += _weights(points, node)
    for node in nodes:
        if any(option.names >= set(wanted) and option.cost <= ENOUGH for option in found):
            return found
        found += _local(points, node, budget)
        if budget.left < 0:
            return found
        for search in (factor_causes, _wrong_axis, _elementwise):
            found += search(points, node)
    found += _without_target(points)
    return found


def upstream_of(derivation: DerivationRecord, names: Sequence[str]) -> list[str]:
    """Return the nodes through which the loss reaches any of the names, nearest to the names first."""
    passed = {node for name in names for node in derivation.between(name)}
    return [node for node in reversed(list(derivation.adjoints)) if node in passed]


def names_with(points: Points, node: str, making: Making) -> frozenset[str]:
    """Return the names that differ just as they do when a change is added to the adjoint of a node.

    The change is tried along a few directions at the first point; what survives is worked out in full at every point.
    """
    names = frozenset(points[0].wanted)
    for k, point in enumerate(points):
        try:
            change = making(point)
        except (SymbackpropError, ValueError, IndexError, KeyError):
            return frozenset()
        if k == 0:
            names = point.reached(point.shift(node, change), names)
        if not names:
            return names
        moved = point.changed(node, change, names)
        names = frozenset(name for name in names if name in moved and same(point.sample.hand[name], moved[name]))
    return names


def _local(points: Points, node: str, budget: Budget) -> Iterator[Explained]:
    """Yield the mistakes in local derivatives that explain something: every row of the catalogue, at every use of the node."""
    derivation = points[0].derivation
    for position in range(len(derivation.adjoints[node].contributions)):
        use = Use(derivation, node, position)
        for mistake, tried in LOCAL:
            for trial in tried(use):
                if not budget.spend():
                    return
                names = names_with(points, node, _replaced(use, trial))
                if names:
                    values = {"derivative": use.derivative, "quotient": use.quotient, **trial.values}
                    yield explained(mistake, names, trial.extra, **values)


def _replaced(use: Use, trial: Trial) -> Making:
    def making(point: DerivationAt) -> Any:
        value = point.value(use.node, use.contribution, trial.local, trial.upstream)
        return value - point.term(use.node, use.position)

    return making


# ---- a path left out, or counted with a factor ---------------------------------------------------------------------

Rows = list[Row]


def _weights(points: Points, node: str) -> Iterator[Explained]:
    """With which factor does the code count each contribution to the adjoint of a node? 1 is right, 0 is a missing path."""
    derivation = points[0].derivation
    for position in range(len(derivation.adjoints[node].contributions)):
        by_factor: dict[str, list[str]] = {}
        for name, found in _factors_of(points, node, position).items():
            written = with_sizes(found) if len(found) == len(points) else None
            if written is not None and written != "1":
                by_factor.setdefault(written, []).append(name)
        for written, named in by_factor.items():
            yield _weighted(Use(derivation, node, position), written, named)


def _factors_of(points: Points, node: str, position: int) -> dict[str, Rows]:
    """Return for each name the factor at each point with which one contribution explains it."""
    names = list(_constant_factors(points[0], node, position))
    rows: dict[str, Rows] = {}
    for point in points if names else ():
        term = point.term(node, position)
        for name, without in point.changed(node, -term, frozenset(names)).items():
            factor = _factor_at(point.sample.hand[name], point.adjoints[name], without)
            if factor is not None:
                rows.setdefault(name, []).append((factor, sizes_of_network(point.derivation.network, point.sample)))
        names = [name for name in names if name in rows and _steady(rows[name])]
        if not names:
            break
    return rows


def _factor_at(hand: Any, derived: Any, without: Any) -> float | None:
    missing = same(hand, without) or (not np.any(hand) and not np.any(without))
    return 0.0 if missing else ratio_at(np.asarray(hand) - without, derived - without)


def _steady(rows: Rows) -> bool:
    """Whether a factor may still be constant; where there are sizes, it may depend on them."""
    return bool(rows[-1][1]) or abs(rows[-1][0] - rows[0][0]) <= 1e-7 * abs(rows[0][0])


def _constant_factors(point: DerivationAt, node: str, position: int) -> Iterator[str]:
    """Yield the names of which one factor of a contribution explains every direction looked at."""
    owners, goals, _ = point.directions
    shift = point.shift(node, point.term(node, position))
    for name in point.wanted:
        mine = [k for k, owner in enumerate(owners) if owner == name]
        moved, wanted = shift[mine], goals[mine]
        if np.all(np.abs(moved) > 1e-12) and np.ptp(wanted / moved) <= 1e-6 * np.max(np.abs(wanted / moved)):
            yield name


PLAIN = ("0", "-1", "2", "1/2")
UNUSUAL = 0.35
"""How much more far-fetched a factor is that is none of the plain ones."""


def _weighted(use: Use, factor: str, names: Sequence[str]) -> Explained:
    """Return the reason for a contribution that is counted with a factor."""
    contribution, count = use.contribution, len(use.derivation.adjoints[use.node].contributions)
    own = contribution.consumer == use.derivation.loss
    if factor == "0":
        mistake = "counted as 0" if count == 1 else "own term missing" if own else "path missing"
    else:  # of a single contribution nothing tells where along the chain it happened
        whole, what = "adjoint" if count == 1 else "term", "negated" if factor == "-1" else "counted"
        mistake = f"{whole} {what}"
    return explained(
        mistake,
        names,
        0.0 if factor in PLAIN else UNUSUAL,
        consumer=contribution.consumer,
        loss=use.derivation.loss,
        node=use.node,
        adjoint=use.adjoint(use.node),
        quotient=use.quotient,
        term=contribution.local,
        times="twice" if factor == "2" else f"{factor} times",
    )


# ---- sums over another axis, derivatives taken element by element --------------------------------------------------


def _wrong_axis(points: Points, node: str) -> Iterator[Explained]:
    """The sum in one contribution runs over another axis, `axis=0` for `axis=1`, and is broadcast from there.

    What does not depend on the summed index stays outside the sum, as it is written.
    """
    derivation = points[0].derivation
    own = derivation.adjoints[node]
    for name in (node, *(c.consumer for c in own.contributions if len(own.indices) > 1)):
        adjoint = derivation.adjoints.get(name)
        for k, inner in enumerate(adjoint.contributions if adjoint else ()):
            for axis in _other_axes(inner.summed, inner.consumer_indices):
                names = names_with(points, node, _turned(node, name, k, axis))
                if names:
                    values = {
                        "index": str(inner.summed[0].label),
                        "axis": str(axis.label),
                        "adjoint": f"∂{derivation.loss}/∂{name}",
                    }
                    yield explained("wrong axis", names, **values)


def _other_axes(summed: Sequence[Idx], indices: Sequence[Any]) -> list[Idx]:
    return [axis for axis in indices if isinstance(axis, Idx) and axis != summed[0]] if len(summed) == 1 else []


def _turned(node: str, name: str, position: int, axis: Idx) -> Making:
    """Return the change of the adjoint of `node` when the sum in one contribution to `name` (the node itself or a consumer) runs
    over `axis`."""

    def making(point: DerivationAt) -> Any:
        inner = point.derivation.adjoints[name].contributions[position]
        (over,) = inner.summed
        parts = [inner.adjoint, *Mul.make_args(inner.local)]
        inside = [part for part in parts if over in free_indices(part)]
        outside = [point.read(part) for part in parts if over not in free_indices(part)]
        turned = contracted([point.read(part) for part in inside], (axis,), point.extent)
        if name == node:
            turned = _relabelled(point, turned, node)
            return point.spread(node, [turned, *outside], ()) - point.term(node, position)
        outer = [c for c in point.derivation.adjoints[node].contributions if c.consumer == name]
        if len(outer) != 1 or outer[0].summed:
            raise ValueError("more than one use")
        factors = [*point.factors(outer[0].local), *outside]
        turned = _relabelled(point, turned, node)
        right = contracted([point.read(inner.adjoint), *point.factors(inner.local)], (over,), point.extent)
        return point.spread(node, [turned, *factors], ()) - point.spread(node, [right, *point.factors(outer[0].local)], ())

    return making


def _relabelled(point: DerivationAt, value: Labelled, node: str) -> Labelled:
    """Give the axes of a value that the node does not have the node's own labels, where the sizes leave no choice."""
    own = point.derivation.adjoints[node].indices
    free = [index for index in own if index not in value.axes]
    axes = []
    for axis in value.axes:
        fitting = [axis] if axis in own else [index for index in free if str(index.upper) == str(axis.upper)]
        if len(fitting) != 1:
            raise ValueError("no place for an axis")
        axes.append(fitting[0])
    if len(set(axes)) < len(axes):
        raise ValueError("one axis twice")
    return Labelled(tuple(axes), value.data)


def _elementwise(points: Points, node: str) -> Iterator[Explained]:
    """∂A/∂z taken element by element where every element of A depends on all of z, as in softmax."""
    derivation = points[0].derivation
    adjoint = derivation.adjoints[node]
    direct = [k for k, c in enumerate(adjoint.contributions) if not c.summed and c.consumer_indices == adjoint.indices]
    consumers = {c.consumer for c in adjoint.contributions}
    if len(adjoint.contributions) != 2 or len(direct) != 1 or len(consumers) != 1 or not adjoint.indices:
        return
    (consumer,) = consumers
    entry = derivation.network.nodes[consumer].symbol[adjoint.indices]

    def making(point: DerivationAt) -> Any:
        first, second = (point.term(node, k) for k in (direct[0], 1 - direct[0]))
        return -first * point.spread(node, [point.read(entry)], ()) - second

    names = names_with(points, node, making)
    if names:
        yield explained("elementwise", names, quotient=f"∂{consumer}/∂{node}", entry=formula(entry), consumer=consumer, node=node)


# ---- a target left out, a stale weight -----------------------------------------------------------------------------


def _without_target(points: Points) -> Iterator[Explained]:
    """The adjoint of a node as it would be if the target were 0: `p` for `p - t`."""
    first = points[0]
    derivation = first.derivation
    for target in derivation.network.of_role(Role.TARGET):
        moved = [p.adjoints_with({**p.nodes, target.name: np.zeros_like(p.nodes[target.name])}) for p in points]
        for node in (node for node in derivation.adjoints if node != derivation.loss and node in first.path):
            differences = {id(p): found[node] - p.adjoints[node] for p, found in zip(points, moved, strict=True)}
            names = names_with(points, node, _known(differences))
            if names:
                yield explained("target left out", names, adjoint=f"∂{derivation.loss}/∂{node}", target=target.name)


def _known(differences: Mapping[int, Any]) -> Making:
    return lambda point: differences[id(point)]


def _stale(points: Points, rate: float | None) -> Iterator[Explained]:
    """A step that reads a weight after updating it."""
    for weight in points[0].derivation.wrt if rate is not None else ():
        names = frozenset(points[0].wanted)
        for point in points:
            step = rate * point.adjoints[weight] if weight in point.adjoints and rate is not None else None
            moved = point.adjoints_with({**point.nodes, weight: point.nodes[weight] - step}) if step is not None else {}
            names = frozenset(n for n in names if n in moved and same(point.sample.hand[n], moved[n]))
        if names:
            yield explained("stale weight", names, weight=weight)
