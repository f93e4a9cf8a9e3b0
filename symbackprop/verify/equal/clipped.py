"""Gradients that are clipped before they are used: right where they are small, and the limit where they are not.

Clipping is recognised by what it does. Each element is the derived one, or ±c where the derived one is larger; or all gradients
together are the derived ones shortened to the length c. The limit c is the same at every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbackprop.verify.reference.samples import Sample

_NEAR = 1e-6
"""Of numbers of float64, relative to their size."""
_FEWEST = 3
"""Elements that are the derived ones and not 0, without which nothing says that the gradient is right inside of the limit."""


def clip_limits(samples: Sequence[Sample], wrong: Sequence[str]) -> dict[str, str]:
    """Return what is said of the gradients that differ by a clip alone, by name."""
    found = {name: f"right up to the clip of the gradient at ±{c:g}" for name in wrong if (c := _of_elements(samples, name))}
    length = 0.0 if found else _of_length(samples)
    return dict.fromkeys(wrong, f"right up to the clip of the gradient's length at {length:g}") if length else found


def _sides(sample: Sample, name: str) -> tuple[Any, Any]:
    return tuple(np.ravel(np.asarray(side[name], dtype=float)) for side in (sample.hand, sample.derived))  # type: ignore[return-value]


def _have_shapes(samples: Sequence[Sample], names: Sequence[str]) -> bool:
    return all(np.shape(s.hand[n]) == np.shape(s.derived[n]) for s in samples for n in names if n in s.hand)


def _of_elements(samples: Sequence[Sample], name: str) -> float:
    """Return the limit of every element, 0 where there is none."""
    rows = [sample for sample in samples if name in sample.hand]
    if not rows or not _have_shapes(rows, [name]):
        return 0.0
    hand, derived = (np.concatenate(side) for side in zip(*(_sides(sample, name) for sample in rows), strict=True))
    same = np.isclose(hand, derived, rtol=_NEAR, atol=1e-12)
    limit = float(np.max(np.abs(hand[~same]), initial=0.0))
    clipped = np.isclose(hand, np.clip(derived, -limit, limit), rtol=_NEAR, atol=1e-12)
    told = _is_told(limit, int(np.count_nonzero(~same)), int(np.count_nonzero(derived[same])))
    return limit if told and np.all(clipped) else 0.0


def _is_told(limit: float, beyond: int, inside: int) -> bool:
    """Whether enough elements say that there is a limit: several at it, or one at a number as a person writes it."""
    return limit > 0 and inside >= _FEWEST and (beyond >= 2 or limit == float(f"{limit:.2g}"))


def _of_length(samples: Sequence[Sample]) -> float:
    """Return the limit of the length of all gradients together, 0 where there is none."""
    rows = [*map(_lengths, samples)]
    if None in rows:
        return 0.0
    lengths = np.array(rows, dtype=float).reshape(-1, 2)
    same = np.isclose(lengths[:, 0], lengths[:, 1], rtol=_NEAR)
    clipped, short = lengths[~same, 0], lengths[same, 0]
    if len(clipped) < 2 or not len(short) or np.ptp(clipped) > 1e-4 * clipped[0] or max(short) > clipped[0] * (1 + _NEAR):
        return 0.0
    return float(f"{clipped[0]:.4g}")  # a small constant in the divisor takes a little of it


def _lengths(sample: Sample) -> tuple[float, float] | None:
    """Return the lengths of all gradients together, the code's and the derived one; None where the directions are not one."""
    names = [name for name in sample.hand if name in sample.derived]
    if not names or not _have_shapes([sample], names):
        return None
    hand, derived = (np.concatenate(side) for side in zip(*(_sides(sample, name) for name in names), strict=True))
    with np.errstate(over="ignore"):
        own, wanted = float(np.linalg.norm(hand)), float(np.linalg.norm(derived))
    return (own, wanted) if _are_along(hand, derived, own, wanted) else None


def _are_along(hand: Any, derived: Any, own: float, wanted: float) -> bool:
    """Whether two vectors of known lengths have one direction."""
    known = own > 0 and wanted > 0 and np.isfinite(own)
    return bool(known and np.allclose(hand * (wanted / own), derived, rtol=1e-4, atol=_NEAR * wanted))
