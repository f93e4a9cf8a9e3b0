"""Addresses on a lattice: `base + Σ step_d · u_d` with 0 <= u_d < size_d, and affine functions of a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbackprop.capturing.roll.forms import Irregular

Address = tuple[int, ...]
Integers = np.ndarray[Any, np.dtype[np.int64]]


def lattice(points: Sequence[Address]) -> tuple[tuple[Address, ...], tuple[int, ...]]:
    """Return (steps, sizes) of sorted points that are all of base + Σ step·u; the base is the first point.

    >>> lattice([(0, 0), (0, 1), (2, 0), (2, 1), (4, 0), (4, 1)])
    (((2, 0), (0, 1)), (3, 2))

    Raises Irregular where the points are no lattice.
    """
    steps: list[Address] = []
    sizes: list[int] = []
    rest = list(points)
    while len(rest) > 1:
        known = set(rest)
        step = tuple(b - a for a, b in zip(rest[0], rest[1], strict=True))
        count = 1
        while moved(rest[0], step, count) in known:
            count += 1
        rows = [point for point in rest if moved(point, step, -1) not in known]
        if len(rows) * count != len(rest) or any(moved(row, step, k) not in known for row in rows for k in range(count)):
            raise Irregular("the terms of a sum are not evenly spaced")
        steps.insert(0, step)
        sizes.insert(0, count)
        rest = rows
    return tuple(steps), tuple(sizes)


def moved(point: Address, step: Address, count: int) -> Address:
    """Return point + count · step."""
    return tuple(a + count * b for a, b in zip(point, step, strict=True))


def offsets(steps: Sequence[Address], sizes: Sequence[int]) -> list[tuple[Address, Address]]:
    """Return (place, Σ step · place) of all points of a lattice, the last index running fastest."""
    places = list(np.ndindex(*sizes))
    return [(place, tuple(int(k) for k in np.array(place) @ np.array(steps))) for place in places]


def affine(places: Integers, values: Integers) -> Integers:
    """Return the coefficients (offset first) of whole-number values (P, C) as an affine function of places (P, D): (D+1, C).

    Raises Irregular where there is none with whole coefficients.
    """
    matrix = np.hstack([np.ones((len(places), 1)), places])
    found = np.linalg.lstsq(matrix, values, rcond=None)[0]
    whole = np.rint(found).astype(np.int64)
    if np.any(matrix.astype(np.int64) @ whole != values):
        raise Irregular("an address is not an affine function of the place")
    return whole
