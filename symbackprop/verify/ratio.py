"""The constant factor between two gradients: a fraction, times powers of the sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from symbackprop.verify.samples import Sample


def ratio_at(hand: Any, derived: Any) -> float | None:
    """Return hand/derived when it is the same for all elements that are not zero, otherwise None."""
    hand, derived = np.asarray(hand, dtype=float).reshape(-1), np.asarray(derived, dtype=float).reshape(-1)
    if hand.shape != derived.shape or not np.all(np.isfinite(hand)) or not np.all(np.isfinite(derived)):
        return None
    scale = float(np.max(np.abs(derived), initial=0.0))
    large = np.abs(derived) > 1e-9 * scale
    if not scale or not np.any(large) or np.any(np.abs(hand[~large]) > 1e-8 * np.max(np.abs(hand), initial=0.0)):
        return None
    ratios = hand[large] / derived[large]
    centre = float(ratios[np.argmax(np.abs(derived[large]))])
    return centre if np.all(np.abs(ratios - centre) <= 1e-7 * abs(centre)) else None


def simple(ratio: float, bound: int = 200) -> Fraction | None:
    """Return a ratio as a fraction with small numerator and denominator, if it is one."""
    found = Fraction(ratio).limit_denominator(bound)
    close = abs(float(found) - ratio) <= 1e-8 * max(abs(ratio), 1e-300)
    return found if close and abs(found.numerator) <= bound else None


def constant_ratio(name: str, samples: Sequence[Sample]) -> str | None:
    """Return the ratio hand/derived as a text (`1/2`, `-1`, `2/N`), or None when it is not constant."""
    rows: list[tuple[float, Mapping[str, int]]] = []
    for sample in samples:
        if name not in sample.hand:
            continue
        if not np.any(sample.hand[name]) and not np.any(sample.derived[name]):
            continue  # 0 = 0 says nothing about the factor
        found = ratio_at(sample.hand[name], sample.derived[name])
        if found is None:
            return None
        rows.append((found, sizes_in(sample)))
    return with_sizes(rows) if len(rows) > 1 else None


def sizes_in(sample: Sample) -> dict[str, int]:
    """Return the sizes of a sample by name, from its label."""
    pairs = (item.split("=") for item in sample.point.label.split(",") if "=" in item)
    return {name: int(value) for name, value in pairs}


def with_sizes(rows: Sequence[tuple[float, Mapping[str, int]]]) -> str | None:
    """Return the text of a ratio that is the same at every size, or is q · N^a · K^b … of the sizes; None otherwise."""
    values = [ratio for ratio, _ in rows]
    if all(abs(value - values[0]) <= 1e-7 * abs(values[0]) for value in values):
        exact = simple(values[0])
        return str(exact) if exact is not None else f"{values[0]:.6g}"
    sizes = list(rows[0][1])
    if not sizes or len(sizes) > 6:
        return None
    for powers in sorted(product((0, 1, -1, 2, -2), repeat=len(sizes)), key=lambda p: sum(map(abs, p))):
        if sum(map(abs, powers)) > 3:
            break
        left = [ratio / float(np.prod([float(at[s]) ** p for s, p in zip(sizes, powers, strict=True)])) for ratio, at in rows]
        if all(abs(value - left[0]) <= 1e-7 * abs(left[0]) for value in left):
            factor = simple(left[0])
            if factor is not None:
                return _written(factor, sizes, powers)
    return None


def _written(factor: Fraction, sizes: Sequence[str], powers: Sequence[int]) -> str:
    def names(wanted: int) -> list[str]:
        return [s if abs(p) == 1 else f"{s}^{abs(p)}" for s, p in zip(sizes, powers, strict=True) if p * wanted > 0]

    top = ([str(factor.numerator)] if factor.numerator != 1 or not names(1) else []) + names(1)
    bottom = ([str(factor.denominator)] if factor.denominator != 1 else []) + names(-1)
    head = "*".join(top)
    return head if not bottom else f"{head}/{bottom[0]}" if len(bottom) == 1 else f"{head}/({'*'.join(bottom)})"
