"""What a target may be: its example shows 0 and 1, -1 and 1, class numbers, or rows that sum to 1; other values are drawn so too.

Code may be right for such targets only (`P - t` where t sums to 1), or for a positive threshold (`clip(r, -delta, delta)`).
Whatever a gradient is asked for is a plain number, whatever its value in the example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_LEVELS = 20
"""Different whole numbers up to which an array of integers is taken to hold classes."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The values a name keeps to: one of `levels` (any number, if there are none); they may be `shares`, which sum to 1 along an
    axis counted from the end: in each row (-1), or in each column (-2); where the example does not tell, in `either`.

    A single number may be `positive`, and below 1 (`share`). A square matrix of 0 and 1 may have ones on its `diagonal`: the mask
    or the neighbours of what has itself among them, so that no row is empty.
    """

    levels: tuple[float, ...] = ()
    shares: bool = False
    axis: int = -1
    either: bool = False
    positive: bool = False
    share: bool = False
    diagonal: bool = False

    def condition(self, name: str) -> str:
        """Return what must hold, in words."""
        if self.positive:
            return f"{name} is between 0 and 1" if self.share else f"{name} is positive"
        if self.shares:
            line = "row" if self.axis == -1 else "column"
            return f"{name} is one-hot in each {line}" if self.levels else f"each {line} of {name} sums to 1"
        listed = [f"{level:g}" for level in self.levels]
        also = ", with ones on the diagonal" if self.diagonal else ""
        return f"{name} is {', '.join(listed[:-1])} or {listed[-1]}{also}" if len(listed) > 1 else f"{name} is {listed[0]}"


def _shares(array: Any) -> tuple[int, ...]:
    """Return the axes, of rows and of columns, along which an array has several numbers that are not negative and sum to 1."""
    if array.ndim < 2 or np.any(array < 0):
        return ()
    return tuple(a for a in (-1, -2) if array.shape[a] > 1 and np.allclose(array.sum(axis=a), 1, atol=1e-6))


def _has_ones_on_the_diagonal(array: Any) -> bool:
    """Whether an array of 0 and 1 is square, or several such, with ones on the diagonal, and not all ones."""
    square = array.ndim > 1 and array.shape[-1] == array.shape[-2] > 1
    return square and not np.all(array) and bool(np.all(np.diagonal(array, axis1=-2, axis2=-1) == 1))


def domain_of(value: Any) -> Domain | None:
    """Return the domain that an example value shows, if it shows one; of shares by rows and by columns, those by rows."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or not array.size:
        return None
    found = set(np.unique(array).tolist())
    shares = _shares(array)
    if found <= {0, 1}:
        diagonal = not shares and _has_ones_on_the_diagonal(array)
        return Domain((0.0, 1.0), bool(shares), (*shares, -1)[0], len(shares) > 1, diagonal=diagonal)
    if found <= {-1, 1}:
        return Domain((-1.0, 1.0))
    if array.dtype.kind in "iu" and len(found) <= MOST_LEVELS:
        return Domain(tuple(map(float, sorted(found))))
    return Domain(shares=True, axis=shares[0], either=len(shares) > 1) if shares else None


def sign_of(value: Any) -> Domain | None:
    """Return that a number is positive, if it is: a threshold, a slope, a strength, a temperature is never anything else."""
    number = float(value) if np.ndim(value) == 0 and np.asarray(value).dtype.kind == "f" else 0.0
    return Domain(positive=True, share=number < 1) if number > 0 else None


def within(domain: Domain, value: Any) -> Any:
    """Return a number brought to the sign that it keeps to: -0.4 to 0.4, and where it is a share 2.5 to 0.4."""
    size = abs(value) or 1.0
    return 1 / size if domain.share and size > 1 else size


def with_signs(values: dict[str, Any], kept: Mapping[str, Domain]) -> dict[str, Any]:
    """Return values in which numbers that keep a sign have it."""
    signs = {name: domain for name, domain in kept.items() if domain.positive and name in values}
    return {**values, **{name: within(domain, values[name]) for name, domain in signs.items()}}


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
    if domain.positive:
        return np.round(rng.uniform(*(UNIT if domain.share else POSITIVE), size=shape), 3)
    if domain.shares:
        turned = (*shape[: domain.axis], *shape[domain.axis :][1:], shape[domain.axis])
        return np.moveaxis(_drawn_shares(turned, rng, one_hot=bool(domain.levels)), -1, domain.axis)
    drawn = np.array(domain.levels)[_mixed(shape, len(domain.levels), rng)]
    return np.where(np.eye(shape[-2], shape[-1], dtype=bool), 1.0, drawn) if domain.diagonal else drawn


def _drawn_shares(shape: tuple[int, ...], rng: np.random.Generator, *, one_hot: bool) -> Any:
    """Return random rows that sum to 1, of three decimals or with a single 1."""
    if one_hot:
        return np.eye(shape[-1])[_mixed(shape[:-1], shape[-1], rng)]
    free = rng.uniform(0.2, 1.8, size=shape)
    rows = np.round(free / free.sum(axis=-1, keepdims=True), 3)
    rows[..., -1] = np.round(1 - rows[..., :-1].sum(axis=-1), 3)
    return rows


def _mixed(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> Any:
    """Return the numbers below `count` in a shape, each as often as the others, in random order."""
    numbers = (np.arange(int(np.prod(shape))) + rng.integers(count)) % count
    return rng.permutation(numbers).reshape(shape)
