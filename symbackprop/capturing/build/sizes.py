"""What a number that changes with the sizes is: `N`, `H-A+1`, `1/(N·K)`, `√D`.

The same code is run at several sets of sizes, pairwise distinct within a set, so that a number in one place of the formulas
takes one value a run. The simplest expression in the sizes that gives all of them is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from sympy import Expr, Integer, Mul, Pow, Rational, Symbol, sympify

from symbackprop.capturing.roll.forms import Irregular

Known = Mapping[Symbol, Sequence[int]]
"""The values of every size, one for each run."""


def expression(sizes: Known, values: Sequence[int | Expr], linear: bool) -> Expr:
    """Return the expression in the sizes that has the given values in the runs.

    `linear` asks for what an address or a range may be: whole multiples of sizes and a number.
    Raises Irregular where none is found.
    """
    exact = [sympify(value, strict=True) for value in values]
    if all(value == exact[0] for value in exact):
        return exact[0]
    candidates = _linear(exact, sizes) if linear else _scaled(exact, sizes)
    found = next(candidates, None)
    if found is None:
        shown = ", ".join(map(str, exact))
        raise Irregular(f"a number of the code ({shown}) changes with the sizes in a way that is not known")
    return found


def _linear(values: Sequence[Expr], sizes: Known) -> Iterator[Expr]:
    """Yield a + Σ b·size of at most two sizes with small whole factors."""
    for one, known in sizes.items():
        for factor in (1, 2, 3, -1, -2):
            rest = {value - factor * size for value, size in zip(values, known, strict=True)}
            if len(rest) == 1:
                yield factor * one + rest.pop()
    for (one, first), (other, second) in combinations(sizes.items(), 2):
        for a, b in ((1, 1), (1, -1), (-1, 1), (1, -2), (-2, 1), (2, -1), (-1, 2)):
            rest = {value - a * x - b * y for value, x, y in zip(values, first, second, strict=True)}
            if len(rest) == 1:
                yield a * one + b * other + rest.pop()


_POWERS = (Integer(1), Integer(-1), Rational(1, 2), Rational(-1, 2), Integer(2), Integer(-2))


def _scaled(values: Sequence[Expr], sizes: Known) -> Iterator[Expr]:
    """Yield number · Π size^power, number/(size - 1) and what is linear, the simplest first."""
    numbers = np.array([float(value) for value in values])
    for count in (1, 2, 3):
        for chosen in combinations(sizes.items(), count):
            for powers in product(_POWERS[: 6 if count < 3 else 2], repeat=count):
                if _constant(numbers / _scale(chosen, powers)):
                    at_first = Mul(*(Pow(Integer(known[0]), power) for (_, known), power in zip(chosen, powers, strict=True)))
                    yield values[0] / at_first * Mul(*(s**power for (s, _), power in zip(chosen, powers, strict=True)))
        if count == 1:
            yield from _less_one(values, numbers, sizes)
            yield from _linear(values, sizes)


def _scale(chosen: Sequence[tuple[Symbol, Sequence[int]]], powers: Sequence[Expr]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return Π size^power, one number for each run."""
    raised = [np.array(known, dtype=float) ** float(power) for (_, known), power in zip(chosen, powers, strict=True)]
    return np.asarray(np.prod(raised, axis=0))


def _less_one(values: Sequence[Expr], numbers: np.ndarray[tuple[int], np.dtype[np.float64]], sizes: Known) -> Iterator[Expr]:
    for symbol, known in sizes.items():
        less = np.array(known, dtype=float) - 1
        if np.all(less > 0) and _constant(numbers * less):
            yield values[0] * (known[0] - 1) / (symbol - 1)


def _constant(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    return bool(np.all(np.isfinite(ratios)) and np.all(np.abs(ratios - ratios[0]) <= 1e-12 * np.abs(ratios[0])))
