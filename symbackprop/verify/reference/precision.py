"""How exactly handwritten code computes: the precision of its numbers, and how far rounding carries their errors.

Where only numbers are compared, a difference may be a mistake or rounding. The dtype of a result tells the precision only when it
is narrow: code may work in float32 inside and return float64. So where float64 does not explain a difference that is small, code
and derivation are evaluated at eight points a rounding error away. A mistake moves along smoothly, rounding jumps at random: the
spread of (hand - derived) over these points is the rounding noise, condition included (the idea of Moré and Wild, "Estimating
computational noise", 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

RELATIVE = 1e-9
"""Relative difference accepted between float64 results, beside what rounding explains."""
EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}
"""Distance from 1 to the next number."""
NARROWER = {"float64": "float32", "float32": "float32", "float16": "float16"}
"""What code may compute in whose results have a precision."""
DIGITS = {"float64": 15, "float32": 7, "float16": 3}
SMALLEST = {"float64": 0.0, "float32": 1e-37, "float16": 1e-6}
"""Results below are rounded to multiples of a smallest number, and lose digits."""
TRIES = 4
"""Points with whole numbers as they are, and as many with these moved as well."""
_LARGE = 1e-2
_NOISY = 1e-9

Values = Mapping[str, Any]
Both = Callable[[dict[str, Any]], tuple[Mapping[str, Any], Mapping[str, Any]]]
"""Values of the declared names → the gradients by hand and those derived."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The precision that code computes in at one point, and its rounding noise (absolute), by name of the gradient."""

    kind: str = "float64"
    noise: Mapping[str, float] = field(default_factory=dict)

    def tolerance(self, name: str, hand: Any, derived: Any, largest: float) -> Any:
        """Return the accepted absolute difference, element by element.

        Relative to the element; less to the largest element of the array; for gradients that are zero by cancellation, to the
        rounding of `largest`, the largest adjoint there is; and the noise that was measured.
        """
        scale = float(np.max(np.abs(derived), initial=0.0))
        if self.kind == "float64":
            relative, floor = RELATIVE, 1e-13 * scale + 1e-14 * largest
        else:
            epsilon = EPSILON[self.kind]
            relative = 16 * epsilon
            floor = 8 * epsilon * scale + epsilon * largest + SMALLEST[self.kind] + 4 * self.noise.get(name, 0.0)
        return relative * np.maximum(np.abs(hand), np.abs(derived)) + floor

    def same(self, name: str, hand: Any, derived: Any, largest: float) -> Any:
        """Return where two arrays are equal as far as the precision can tell."""
        with np.errstate(all="ignore"):
            close = np.isfinite(hand) & (np.abs(hand - derived) <= self.tolerance(name, hand, derived, largest))
        return close | (hand == derived) | (np.isnan(hand) & np.isnan(derived))


def largest_of(adjoints: Mapping[str, Any]) -> float:
    """Return the largest absolute value of all adjoints."""
    return max((float(np.max(np.abs(array), initial=0.0)) for array in adjoints.values()), default=0.0)


def kind_of(array: Any) -> str:
    """Return the precision that a result's dtype tells."""
    kind = str(array.dtype) if isinstance(array, np.ndarray | np.generic) else "float64"
    return kind if kind in EPSILON else "float64"


def precision_of(
    hand: Mapping[str, Any], derived: Mapping[str, Any], largest: float, values: Values, both: Both, seed: int = 0
) -> Precision:
    """Return the precision in which code computes at a point.

    Args:
        hand: the gradients by hand, with the dtypes they were returned in.
        derived: the gradients derived.
        values: the point.
        both: evaluates either side elsewhere.
    """
    kind = min(map(kind_of, hand.values()), key=DIGITS.__getitem__, default="float64")
    narrower = NARROWER[kind]
    shaped = [name for name in hand if np.shape(hand[name]) == np.shape(derived[name])]
    exact = Precision(kind)
    doubtful = [name for name in shaped if not np.all(exact.same(name, *_pair(hand, derived, name), largest))]
    if not doubtful or any(_far(*_pair(hand, derived, name), largest) for name in doubtful):
        return exact
    noise = _noise(shaped, hand, derived, values, both, EPSILON[narrower], seed)
    noisy = any(noise[name] >= _NOISY * np.max(np.abs(derived[name]), initial=0.0) > 0 for name in noise)
    return Precision(narrower if noisy else kind, noise)


def _pair(hand: Values, derived: Values, name: str) -> tuple[Any, Any]:
    return np.asarray(hand[name], dtype=float), np.asarray(derived[name], dtype=float)


def _far(hand: Any, derived: Any, largest: float) -> bool:
    """Whether a difference is no matter of rounding."""
    with np.errstate(all="ignore"):
        scale = max(float(np.max(np.abs(derived), initial=0.0)), EPSILON["float32"] * largest)
        return not np.all(np.abs(hand - derived) <= _LARGE * scale)


def _noise(
    names: list[str], hand: Values, derived: Values, values: Values, both: Both, epsilon: float, seed: int
) -> dict[str, float]:
    """Return the spread of (hand - derived) over points a few roundings away, the largest over each array.

    Whole numbers may be labels that code looks at, so points at which they move are a family of their own.
    """
    rng = np.random.default_rng(seed)
    noise = dict.fromkeys(names, 0.0)
    for whole in (False, True):
        residuals = [] if whole else [{name: np.subtract(*_pair(hand, derived, name)) for name in names}]
        for _ in range(TRIES):
            moved = {name: _moved(value, 3 * epsilon, rng, whole) for name, value in values.items()}
            residuals += _residuals(names, hand, derived, moved, both, epsilon)
        for name in names if residuals else ():
            with np.errstate(all="ignore"):
                spread = np.ptp(np.stack([residual[name] for residual in residuals]), axis=0)
            noise[name] = max(noise[name], float(np.max(spread, initial=0.0)))
    return noise


def _residuals(
    names: list[str], hand: Values, derived: Values, moved: Values, both: Both, epsilon: float
) -> list[dict[str, Any]]:
    """Return hand - derived at a point near; nothing where code fails there, or a side jumps."""
    try:
        pairs = {name: _pair(*sides, name) for sides in [both(dict(moved))] for name in names if name in sides[0]}
    except Exception:  # whatever code may raise: then there is no point here
        return []
    sides = list(enumerate((hand, derived)))
    if len(pairs) < len(names) or any(_jumps(side[name], pairs[name][k], epsilon) for k, side in sides for name in names):
        return []
    return [{name: np.subtract(*pairs[name]) for name in names}]


def _moved(value: Any, width: float, rng: np.random.Generator, whole: bool) -> Any:
    """Return a value moved by relative steps below `width`; ones and zeros stay, other whole numbers where `whole` is not set."""
    if isinstance(value, bool | int | str) or np.asarray(value).dtype.kind != "f":
        return value
    array = np.asarray(value, dtype=float)
    stays = np.all(np.isin(array, (-1.0, 0.0, 1.0))) if whole else array == np.round(array)
    return np.where(stays, array, array * (1 + width * rng.uniform(-1, 1, array.shape)))[()]


def _jumps(before: Any, after: Any, epsilon: float) -> bool:
    """Whether a side is another function at a point: beyond a kink, or of another label."""
    before = np.asarray(before, dtype=float)
    scale = float(np.max(np.abs(before), initial=0.0))
    return before.shape != after.shape or not np.all(np.abs(after - before) <= 1e4 * epsilon * scale)
