"""What a target may be: its example shows 0 and 1, -1 and 1, class numbers, or rows that sum to 1; other values are drawn so too.

Code may be right for such targets only (`P - t` where t sums to 1). Whatever a gradient is asked for is a plain number, whatever
its value in the example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_LEVELS = 20
"""Different whole numbers up to which an array of integers is taken to hold classes."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The values a name keeps to: one of `levels` (any number, if there are none); along the last axis they sum to 1 (`rows`)."""

    levels: tuple[float, ...] = ()
    rows: bool = False

    def condition(self, name: str) -> str:
        """Return what must hold, in words."""
        if self.rows:
            return f"{name} is one-hot in each row" if self.levels else f"each row of {name} sums to 1"
        listed = [f"{level:g}" for level in self.levels]
        return f"{name} is {', '.join(listed[:-1])} or {listed[-1]}" if len(listed) > 1 else f"{name} is {listed[0]}"


def _are_shares(array: Any) -> bool:
    """Whether an array has rows of several numbers that are not negative and sum to 1."""
    wide = array.ndim > 1 and array.shape[-1] > 1
    return wide and bool(np.all(array >= 0) and np.allclose(array.sum(axis=-1), 1, atol=1e-6))


def domain_of(value: Any) -> Domain | None:
    """Return the domain that an example value shows, if it shows one."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or not array.size:
        return None
    found = set(np.unique(array).tolist())
    rows = _are_shares(array)
    if found <= {0, 1}:
        return Domain((0.0, 1.0), rows)
    if found <= {-1, 1}:
        return Domain((-1.0, 1.0))
    if array.dtype.kind in "iu" and len(found) <= MOST_LEVELS:
        return Domain(tuple(map(float, sorted(found))))
    return Domain(rows=True) if rows else None


Interval = tuple[float, float]
POSITIVE: Interval = (0.2, 1.8)
UNIT: Interval = (0.05, 0.95)
INTERVALS: tuple[Interval, ...] = (POSITIVE, POSITIVE, UNIT, (-0.8, 0.8), (1.1, 2.9))
"""Where numbers are drawn next when normal ones are not all in the domain: of logarithms, of log p and log(1 - p), of arcsin and
artanh, of arcosh."""


def random_numbers(shape: tuple[int, ...], rng: np.random.Generator, interval: Interval | None = None) -> Any:
    """Return random numbers of an interval, or normal ones, to three decimals, so that a witness can be typed in, none near 0."""
    free: np.ndarray[Any, Any] = np.asarray(rng.normal(size=shape) if interval is None else rng.uniform(*interval, size=shape))
    return np.round(np.where(np.abs(free) < 0.01, 0.125, free), 3)


def draw(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Return random values in a domain; every level occurs where there is room."""
    if not domain.levels:
        free = rng.uniform(0.2, 1.8, size=shape)
        rows = np.round(free / free.sum(axis=-1, keepdims=True), 3)
        rows[..., -1] = np.round(1 - rows[..., :-1].sum(axis=-1), 3)
        return rows
    if domain.rows:
        classes = _mixed(shape[:-1], shape[-1], rng)
        return np.eye(shape[-1])[classes]
    return np.array(domain.levels)[_mixed(shape, len(domain.levels), rng)]


def _mixed(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> Any:
    """Return the numbers below `count` in a shape, each as often as the others, in random order."""
    numbers = (np.arange(int(np.prod(shape))) + rng.integers(count)) % count
    return rng.permutation(numbers).reshape(shape)
