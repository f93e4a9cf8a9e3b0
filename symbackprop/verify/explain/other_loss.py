"""Whether a handwritten gradient is that of another scalar of the network, or of a quadratic in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symbackprop.derive.sweep.derivation import derive
from symbackprop.errors import SymbackpropError
from symbackprop.verify.explain.catalog import Explained, explained
from symbackprop.verify.explain.evaluation import DerivationAt, same
from symbackprop.verify.explain.ratio import ratio_at, simple
from symbackprop.verify.reference.network_values import Evaluated, numbers
from symbackprop.verify.wording import definition

FOR_SOME = 1.1
"""How much more far-fetched another loss is when some of the gradients are right."""


def other_loss(points: Sequence[DerivationAt], *, every: bool) -> Iterator[Explained]:
    """Yield the scalars of which the code gives the gradient (`every`: all the gradients that were asked for differ)."""
    first = points[0]
    derivation, wrong = first.derivation, first.wanted
    nodes = derivation.network.nodes
    for name in (n for n, node in nodes.items() if node.defined and not node.indices and n != derivation.loss):
        found = _evaluated(points, name) if name not in derivation.adjoints or _proportional(first, name) else None
        if found is None:
            continue
        if all(same(p.sample.hand[n], other.adjoints[n]) for p, other in zip(points, found, strict=True) for n in wrong):
            values = {"node": name, "definition": definition(derivation, name), "loss": derivation.loss}
            yield explained("another loss", wrong, 0.0 if every else FOR_SOME, **values)
        yield from _quadratic(points, name, found)


def _evaluated(points: Sequence[DerivationAt], name: str) -> list[Evaluated] | None:
    """Return the gradients of another scalar at every point; None where it has none by some name."""
    wrong = points[0].wanted
    other = derive(points[0].derivation.network, name, list(wrong))
    try:
        found = [numbers(other, point.sample.point.values) for point in points]
    except SymbackpropError:
        return None
    return found if all(parameter in other.adjoints for parameter in wrong) else None


def _proportional(point: DerivationAt, name: str) -> bool:
    """Whether what the code gives is one multiple of ∂name/∂w in every direction looked at."""
    tangent = point.tangents.get(name)
    if tangent is None:
        return False
    owners, goals, seeds = point.directions
    derived = np.array([np.sum(seeds[owner][k] * point.adjoints[owner]) for k, owner in enumerate(owners)])
    hand = goals + derived
    scale = float(np.max(np.abs(tangent), initial=0.0))
    large = int(np.argmax(np.abs(tangent)))
    if not scale:
        return False
    factor = hand[large] / tangent[large]
    return bool(np.all(np.abs(hand - factor * tangent) <= 1e-6 * np.abs(factor) * scale))


def _quadratic(points: Sequence[DerivationAt], node: str, found: Sequence[Evaluated]) -> Iterator[Explained]:
    """hand = (a·A + c) · ∂A/∂w for one scalar A: the gradient of a/2 · (A + c/a)²."""
    factors = [_common_factor(point, other) for point, other in zip(points, found, strict=True)]
    if len(points) < 3 or any(factor is None for factor in factors):
        return
    given = np.array([float(factor or 0.0) for factor in factors])
    values = np.array([float(other.nodes[node]) for other in found])
    if len({f"{value:.6g}" for value in values}) < 3:  # through two points there is always a line
        return
    slope, shift = np.polyfit(values, given, 1)
    whole = simple(float(slope))
    if not whole or not np.allclose(slope * values + shift, given, rtol=1e-7, atol=1e-9):
        return
    centre = -shift / slope
    goal = f" - {centre:.6g}" if centre > 0 else f" + {-centre:.6g}" if centre < 0 else ""
    yield explained("quadratic", points[0].wanted, square=f"{whole / 2} · ({node}{goal})^2", loss=points[0].derivation.loss)


def _common_factor(point: DerivationAt, other: Evaluated) -> float | None:
    """Return the one factor between the handwritten gradients and those of another scalar, at one point."""
    ratios = [ratio_at(point.sample.hand[name], other.adjoints[name]) for name in point.wanted]
    known = [ratio for ratio in ratios if ratio is not None]
    return known[0] if len(known) == len(ratios) and np.allclose(known, known[0], rtol=1e-8) else None
