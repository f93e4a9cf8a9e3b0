"""Whether a handwritten gradient is that of another scalar of the network, or of a quadratic in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.derive.derivation import derive
from symbackprop.errors import SymbackpropError
from symbackprop.verify.ratio import ratio_at, simple
from symbackprop.verify.records import Cause
from symbackprop.verify.reference import numbers
from symbackprop.verify.relations import Explained
from symbackprop.verify.wording import definition
from symbackprop.verify.worlds import World, same


def other_loss(worlds: Sequence[World], *, every: bool) -> Iterator[Explained]:
    """Yield the scalars of which the code gives the gradient (`every`: all the gradients that were asked for differ)."""
    first = worlds[0]
    derivation, wrong = first.derivation, first.wanted
    nodes = derivation.network.nodes
    scalars = [name for name, node in nodes.items() if node.defined and not node.indices and name != derivation.loss]
    for name in scalars:
        if name in derivation.adjoints and not _proportional(first, name):
            continue
        other = derive(derivation.network, name, list(wrong))
        try:
            points = [numbers(other, world.sample.point.values) for world in worlds]
        except SymbackpropError:
            continue
        if not all(parameter in other.adjoints for parameter in wrong):
            continue
        if all(same(w.sample.hand[n], p.adjoints[n]) for w, p in zip(worlds, points, strict=True) for n in wrong):
            text = f"it is the gradient of {name} = {definition(derivation, name)}, not of {derivation.loss}"
            yield Explained(Cause("another loss", text), frozenset(wrong), 0.3 if every else 1.4)
        yield from _quadratic(worlds, name, points)


def _proportional(world: World, name: str) -> bool:
    """Whether what the code gives is one multiple of ∂name/∂w in every direction looked at."""
    tangent = world.tangents.get(name)
    if tangent is None:
        return False
    owners, goals, seeds = world.directions
    derived = np.array([np.sum(seeds[owner][k] * world.adjoints[owner]) for k, owner in enumerate(owners)])
    hand = goals + derived
    scale = float(np.max(np.abs(tangent), initial=0.0))
    large = int(np.argmax(np.abs(tangent)))
    if not scale:
        return False
    factor = hand[large] / tangent[large]
    return bool(np.all(np.abs(hand - factor * tangent) <= 1e-6 * np.abs(factor) * scale))


def _quadratic(worlds: Sequence[World], node: str, points: Sequence[Any]) -> Iterator[Explained]:
    """hand = (a·A + c) · ∂A/∂w for one scalar A: the gradient of a/2 · (A + c/a)²."""
    if len(worlds) < 3:
        return
    wrong, loss = worlds[0].wanted, worlds[0].derivation.loss
    factors, values = [], []
    for world, point in zip(worlds, points, strict=True):
        ratios = [ratio_at(world.sample.hand[name], point.adjoints[name]) for name in wrong]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) < len(ratios) or not np.allclose(known, known[0], rtol=1e-8):
            return
        factors.append(known[0])
        values.append(float(point.nodes[node]))
    slope, shift = np.polyfit(values, factors, 1)
    if abs(slope) < 1e-9 or not np.allclose(slope * np.array(values) + shift, factors, rtol=1e-7, atol=1e-9):
        return
    whole = simple(float(slope)) or Fraction(float(slope)).limit_denominator(10**6)
    centre = -shift / slope
    goal = f" - {centre:.6g}" if centre > 0 else f" + {-centre:.6g}" if centre < 0 else ""
    text = f"it is the gradient of {whole / 2} · ({node}{goal})^2, not of {loss}"
    yield Explained(Cause("another loss", text), frozenset(wrong), 0.25)
