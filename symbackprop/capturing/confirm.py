"""A captured network against the code it was captured from: loss and gradients, at other numbers and other sizes.

The code itself is run on plain numbers; its derivative along random directions is taken by central differences. A network that
does not agree everywhere is refused: nothing is concluded from a formula that the code does not follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop import numeric
from symbackprop.derive import derive
from symbackprop.errors import NotSupportedError
from symbackprop.network import Network

LOSS_TOLERANCE = 1e-8
GRADIENT_TOLERANCE = 2e-5
STEPS = (1e-6, 1e-5, 1e-7)
"""Steps of the differences; one that agrees is enough, since each is blind at some scale."""
KINK = 1e-2
"""How far apart, relatively, derivatives from both sides are at a kink."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """At how many points the network was compared with the code, and the largest relative differences."""

    points: int
    loss: float
    gradient: float


Values = Mapping[str, Any]


def confirm(
    network: Network,
    loss: str,
    wrt: Sequence[str],
    points: Iterable[tuple[Values, Callable[[Values], float]]],
    decided: str = "something by value or by size that no formula says",
) -> Confirmed:
    """Compare a network with the code at points: the network's values there, and the code's loss as a function of such values.

    `decided` says what the code may decide that the formulas do not.

    Raises NotSupportedError, with the point's shapes and both numbers, where they differ, or where no point is finite.
    """
    function = numeric.function(derive(network, loss, wrt=list(wrt)))
    worst, steepest, seen = 0.0, 0.0, 0
    for number, (values, code) in enumerate(points):
        own = code(values)
        if not np.isfinite(own):
            continue
        with np.errstate(all="ignore"):
            found, gradients = function(**values)
        off = abs(float(found) - own) / max(1.0, abs(own))
        if not off <= LOSS_TOLERANCE:
            raise NotSupportedError(
                f"{network.title}: not captured: at {_shapes(values)} the code gives {own!r}, the captured formulas "
                f"{float(found)!r}; the code decides {decided}"
            )
        slope = _slopes(wrt, values, gradients, code, np.random.default_rng(number))
        if slope is not None and not slope[1] <= GRADIENT_TOLERANCE:
            raise NotSupportedError(
                f"{network.title}: not captured: at {_shapes(values)} the gradient for {slope[0]} differs from the code's "
                f"differences by {slope[1]:.1e}"
            )
        worst, steepest, seen = max(worst, off), max(steepest, slope[1] if slope else 0.0), seen + 1
    if not seen:
        raise NotSupportedError(f"{network.title}: not captured: the loss is not finite at any point that was tried")
    return Confirmed(seen, worst, steepest)


def _slopes(
    wrt: Sequence[str], values: Values, gradients: Values, code: Callable[[Values], float], rng: np.random.Generator
) -> tuple[str, float] | None:
    """Return the name whose gradient is furthest from the differences along a random direction, and how far."""
    worst: tuple[str, float] | None = None
    for name in wrt:
        if name not in gradients:
            continue
        direction = rng.normal(size=np.shape(values[name]))
        off = _off(name, values, direction, float(np.sum(direction * np.asarray(gradients[name]))), code)
        if off is not None and (worst is None or off > worst[1]):
            worst = (name, off)
    return worst


def _off(name: str, values: Values, direction: Any, own: float, code: Callable[[Values], float]) -> float | None:
    """Return how far a slope is from the differences along a direction; None where these are no numbers, and at a kink."""
    offs = []
    for step in STEPS:
        pair = [code({**values, name: values[name] + sign * step * direction}) for sign in (1, -1)]
        slope = (pair[0] - pair[1]) / (2 * step)
        noise = 1e-15 * abs(pair[0]) / step
        offs.append(max(0.0, abs(slope - own) - 10 * noise) / max(1.0, abs(slope)))
        if offs[-1] <= GRADIENT_TOLERANCE:
            return offs[-1]
    unknown = all(np.isnan(off) for off in offs) or _is_kink(name, values, direction, code)
    return None if unknown else float(np.nanmin(offs))


def _is_kink(name: str, values: Values, direction: Any, code: Callable[[Values], float]) -> bool:
    """Whether the code has no derivative there, as at a mask of 0 and 1 that is compared with 0: it is another on each side."""
    step = min(STEPS)
    before, here, after = (code({**values, name: values[name] + place * step * direction}) for place in (-1, 0, 1))
    sides = (after - here) / step, (here - before) / step
    return abs(sides[0] - sides[1]) > KINK * max(1.0, *map(abs, sides))


def _shapes(values: Values) -> str:
    return ", ".join(f"{name} {np.shape(value)}" for name, value in values.items() if np.ndim(value)) or "other numbers"
