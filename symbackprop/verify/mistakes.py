"""The usual mistakes, made in the derivation one at a time: those are kept that give the handwritten numbers at every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
from sympy import Idx, Mul

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.records import Contribution
from symbackprop.errors import SymbackpropError
from symbackprop.network.indices import free_indices
from symbackprop.network.node import Role
from symbackprop.verify.factors import factor_causes
from symbackprop.verify.hypotheses import changes, quotient_text, upstream_of
from symbackprop.verify.ratio import ratio_at, sizes_in, with_sizes
from symbackprop.verify.records import Cause
from symbackprop.verify.relations import Explained
from symbackprop.verify.wording import formula
from symbackprop.verify.worlds import Labelled, World, contracted, same

SECONDS = 10.0
"""Time after which the search for an explanation ends in any case."""
MOST_CHANGES = 600
"""Changes of the derivation tried, those nearest to what differs first."""

ENOUGH = 1.5
"""A mistake this plain, which explains everything, ends the search."""


def mistakes(worlds: Sequence[World], rate: float | None) -> list[Explained]:
    """Return the mistakes in one adjoint, downstream of the loss and upstream of what differs, that explain a name or more."""
    derivation = worlds[0].derivation
    deadline = monotonic() + SECONDS
    found: list[Explained] = list(_stale(worlds, rate))
    tried = 0
    nodes = [node for node in upstream_of(derivation, worlds[0].wanted) if node != derivation.loss]
    for node in nodes:
        found += _weights(worlds, node)
    for node in nodes:
        if _enough(found, worlds[0].wanted):
            return found
        for change in changes(derivation, node):
            names = explained(worlds, node, _replaced(node, change.position, change.local, change.upstream))
            if names:
                found.append(Explained(Cause(change.kind, change.said), names, change.cost))
            tried += 1
            if tried > MOST_CHANGES or monotonic() > deadline:
                return found
        found += factor_causes(worlds, node)
        found += _wrong_axis(worlds, node)
        found += _elementwise(worlds, node)
    found += _without_target(worlds)
    return found


def _enough(found: Sequence[Explained], wanted: Sequence[str]) -> bool:
    return any(option.names >= set(wanted) and option.cost <= ENOUGH for option in found)


Making = Callable[[World], Any]


def explained(worlds: Sequence[World], node: str, making: Making) -> frozenset[str]:
    """Return the names that differ just as they do when a change is added to the adjoint of a node.

    The change is tried along a few directions at the first point; what survives is worked out in full at every point.
    """
    names = frozenset(worlds[0].wanted)
    for k, world in enumerate(worlds):
        try:
            change = making(world)
        except (SymbackpropError, ValueError, IndexError, KeyError):
            return frozenset()
        if k == 0:
            names = world.reached(world.shift(node, change), names)
        if not names:
            return names
        moved = world.changed(node, change, names)
        names = frozenset(name for name in names if name in moved and same(world.sample.hand[name], moved[name]))
    return names


def _replaced(node: str, position: int, local: Any, upstream: Any) -> Making:
    def making(world: World) -> Any:
        contribution = world.derivation.adjoints[node].contributions[position]
        return world.value(node, contribution, local, upstream) - world.term(node, position)

    return making


# ---- a path left out, or counted with a factor ---------------------------------------------------------------------

Rows = list[tuple[float, dict[str, int]]]


def _weights(worlds: Sequence[World], node: str) -> Iterator[Explained]:
    """With which factor does the code count each contribution to the adjoint of a node? 1 is right, 0 is a missing path."""
    derivation = worlds[0].derivation
    contributions = derivation.adjoints[node].contributions
    for position, contribution in enumerate(contributions):
        names = list(_constant_factors(worlds[0], node, position))
        rows: dict[str, Rows] = {}
        for world in worlds if names else ():
            term = world.term(node, position)
            for name, without in world.changed(node, -term, frozenset(names)).items():
                hand = world.sample.hand[name]
                missing = same(hand, without) or (not np.any(hand) and not np.any(without))
                factor = 0.0 if missing else ratio_at(np.asarray(hand) - without, world.adjoints[name] - without)
                if factor is not None:
                    rows.setdefault(name, []).append((factor, sizes_in(world.sample)))
            names = [name for name in names if name in rows and _steady(rows[name])]
            if not names:
                break
        by_factor: dict[str, list[str]] = {}
        for name, found in rows.items():
            written = with_sizes(found) if len(found) == len(worlds) else None
            if written is not None and written != "1":
                by_factor.setdefault(written, []).append(name)
        for written, named in by_factor.items():
            count = len(contributions)
            text, kind = _weight_text(derivation, node, contribution, written, count)
            cost = _WEIGHT_COST.get(written, 1.25) + (0.5 if count == 1 and written == "0" else 0.0)
            yield Explained(Cause(kind, text), frozenset(named), cost)


def _steady(rows: Rows) -> bool:
    """Whether a factor may still be constant; where there are sizes, it may depend on them."""
    return bool(rows[-1][1]) or abs(rows[-1][0] - rows[0][0]) <= 1e-7 * abs(rows[0][0])


def _constant_factors(world: World, node: str, position: int) -> Iterator[str]:
    """Yield the names of which one factor of a contribution explains every direction looked at."""
    owners, goals, _ = world.directions
    shift = world.shift(node, world.term(node, position))
    for name in world.wanted:
        mine = [k for k, owner in enumerate(owners) if owner == name]
        moved, wanted = shift[mine], goals[mine]
        if np.all(np.abs(moved) > 1e-12) and np.ptp(wanted / moved) <= 1e-6 * np.max(np.abs(wanted / moved)):
            yield name


_WEIGHT_COST = {"0": 0.9, "-1": 0.9, "2": 0.9, "1/2": 0.9}


def _weight_text(derivation: Derivation, node: str, contribution: Contribution, factor: str, count: int) -> tuple[str, str]:
    name, local = quotient_text(contribution, node), formula(contribution.local)
    if factor == "0":
        if count > 1:
            path = f"the path through {contribution.consumer}"
            if contribution.consumer == derivation.loss:
                path = f"the term of {derivation.loss} in which {node} itself stands"
            return f"{path} is missing in the sum for ∂{derivation.loss}/∂{node}", "path missing"
        return f"{name} is counted as 0", "path missing"
    if count == 1:  # nothing tells where along the chain it happened
        head = f"∂{derivation.loss}/∂{node}"
        if factor == "-1":
            return f"{head} has the opposite sign", "sign"
        return f"{head} is counted {'twice' if factor == '2' else f'{factor} times'}", "factor"
    if factor == "-1":
        return f"the sign of {name} = {local} is wrong", "sign"
    return f"{name} = {local} is counted {'twice' if factor == '2' else f'{factor} times'}", "factor"


# ---- sums over another axis, derivatives taken element by element --------------------------------------------------


def _wrong_axis(worlds: Sequence[World], node: str) -> Iterator[Explained]:
    """The sum in one contribution runs over another axis, `axis=0` for `axis=1`, and is broadcast from there.

    What does not depend on the summed index stays outside the sum, as it is written.
    """
    derivation = worlds[0].derivation
    for name in (node, *(c.consumer for c in derivation.adjoints[node].contributions)):
        adjoint = derivation.adjoints.get(name)
        for k, inner in enumerate(adjoint.contributions if adjoint else ()):
            if len(inner.summed) != 1 or (name != node and len(derivation.adjoints[node].indices) < 2):
                continue
            axes = tuple(axis for axis in inner.consumer_indices if isinstance(axis, Idx) and axis != inner.summed[0])
            for axis in axes:
                names = explained(worlds, node, _turned(node, name, k, axis))
                if names:
                    text = (
                        f"the sum over {inner.summed[0].label} in ∂{derivation.loss}/∂{name} runs over "
                        f"{axis.label} instead: the wrong axis"
                    )
                    yield Explained(Cause("axis", text), names, 1.2)


def _turned(node: str, name: str, position: int, axis: Idx) -> Making:
    """Return the change of the adjoint of `node` when the sum in one contribution to `name` (the node itself or a consumer) runs
    over `axis`."""

    def making(world: World) -> Any:
        inner = world.derivation.adjoints[name].contributions[position]
        (over,) = inner.summed
        parts = [inner.adjoint, *Mul.make_args(inner.local)]
        inside = [part for part in parts if over in free_indices(part)]
        outside = [world.read(part) for part in parts if over not in free_indices(part)]
        turned = contracted([world.read(part) for part in inside], (axis,), world.extent)
        if name == node:
            turned = _relabelled(world, turned, node, outside)
            return world.spread(node, [turned, *outside], ()) - world.term(node, position)
        outer = [c for c in world.derivation.adjoints[node].contributions if c.consumer == name]
        if len(outer) != 1 or outer[0].summed:
            raise ValueError("more than one use")
        factors = [*world.factors(outer[0].local), *outside]
        turned = _relabelled(world, turned, node, factors)
        right = contracted([world.read(inner.adjoint), *world.factors(inner.local)], (over,), world.extent)
        return world.spread(node, [turned, *factors], ()) - world.spread(node, [right, *world.factors(outer[0].local)], ())

    return making


def _relabelled(world: World, value: Labelled, node: str, others: Sequence[Labelled]) -> Labelled:
    """Give the axes of a value that the node does not have the node's own labels, where the sizes leave no choice."""
    own = world.derivation.adjoints[node].indices
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


def _elementwise(worlds: Sequence[World], node: str) -> Iterator[Explained]:
    """∂A/∂z taken element by element where every element of A depends on all of z, as in softmax."""
    derivation = worlds[0].derivation
    adjoint = derivation.adjoints[node]
    direct = [k for k, c in enumerate(adjoint.contributions) if not c.summed and c.consumer_indices == adjoint.indices]
    if len(adjoint.contributions) != 2 or len(direct) != 1 or len({c.consumer for c in adjoint.contributions}) != 1:
        return
    consumer = adjoint.contributions[0].consumer
    entry = derivation.network.nodes[consumer].symbol[adjoint.indices] if adjoint.indices else None
    if entry is None:
        return

    def making(world: World) -> Any:
        first, second = (world.term(node, k) for k in (direct[0], 1 - direct[0]))
        return -first * world.spread(node, [world.read(entry)], ()) - second

    names = explained(worlds, node, making)
    if names:
        own = formula(entry)
        text = (
            f"∂{consumer}/∂{node} is taken element by element, {own}·(1 - {own}); every element of {consumer} depends on all "
            f"of {node} along the summed axis"
        )
        yield Explained(Cause("slope", text), names, 1.2)


# ---- a target left out, a stale weight -----------------------------------------------------------------------------


def _without_target(worlds: Sequence[World]) -> Iterator[Explained]:
    """The adjoint of a node as it would be if the target were 0: `p` for `p - t`."""
    first = worlds[0]
    derivation = first.derivation
    for target in derivation.network.of_role(Role.TARGET):
        moved = [world.again({**world.nodes, target.name: np.zeros_like(world.nodes[target.name])}) for world in worlds]
        for node in derivation.adjoints:
            if node == derivation.loss or node not in first.path:
                continue
            differences = {id(w): found[node] - w.adjoints[node] for w, found in zip(worlds, moved, strict=True)}
            names = explained(worlds, node, _known(differences))
            if names:
                text = f"∂{derivation.loss}/∂{node} is what it would be for {target.name} = 0: the target is left out"
                yield Explained(Cause("term missing", text), names, 1.45)


def _known(differences: Mapping[int, Any]) -> Making:
    return lambda world: differences[id(world)]


def _stale(worlds: Sequence[World], rate: float | None) -> Iterator[Explained]:
    """A step that reads a weight after updating it."""
    if rate is None:
        return
    derivation = worlds[0].derivation
    for weight in derivation.wrt:
        names = frozenset(worlds[0].wanted)
        for world in worlds:
            if weight not in world.adjoints:
                names = frozenset()
                break
            moved = world.again({**world.nodes, weight: world.nodes[weight] - rate * world.adjoints[weight]})
            names = frozenset(n for n in names if n in moved and same(world.sample.hand[n], moved[n]))
        if names:
            text = f"{weight} is read after it was updated; the gradients need its old value"
            yield Explained(Cause("stale weight", text), names, 0.35)
