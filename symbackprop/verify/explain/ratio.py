"""The constant factor between two gradients: a fraction, times powers of the sizes; and what is true of the loss beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
from sympy import Expr, Mul, Pow, Rational, Sum

from symbackprop.errors import SymbackpropError
from symbackprop.network.model import Network
from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import Sample
from symbackprop.verify.reference.sampling import at_sizes, extents, sizes_of
from symbackprop.verify.wording import formula, short

MOST_SIZES = 9
"""Sizes of which powers are tried."""
FEWEST_VALUES = 3
"""Values that a size has to take before anything is said of it."""
POWERS = tuple(Fraction(power) for power in ("1", "-1", "1/2", "-1/2", "2", "-2"))
"""Powers of a size that a ratio may have."""
MOST_WEIGHT = 3.0


def ratio_at(hand: Any, derived: Any) -> float | None:
    """Return hand/derived when it is the same for all elements that are not zero, otherwise None."""
    hand, derived = np.asarray(hand, dtype=float).reshape(-1), np.asarray(derived, dtype=float).reshape(-1)
    if hand.shape != derived.shape or not np.all(np.isfinite(hand)) or not np.all(np.isfinite(derived)):
        return None
    scale = float(np.max(np.abs(derived), initial=0.0))
    large = np.abs(derived) > 1e-9 * scale
    if not scale or not np.any(large) or np.any(np.abs(hand[~large]) > 1e-8 * np.max(np.abs(hand), initial=0.0)):
        return None
    with np.errstate(all="ignore"):
        ratios = hand[large] / derived[large]
        centre = float(ratios[np.argmax(np.abs(derived[large]))])
        return centre if np.isfinite(centre) and np.all(np.abs(ratios - centre) <= 1e-7 * abs(centre)) else None


MOST_DENOMINATOR = 10**6


def simplest(number: float, near: float) -> float:
    """Return the fraction that somebody may have written, where one is as near as rounding allows."""
    fraction = float(Fraction(float(number)).limit_denominator(MOST_DENOMINATOR))
    return fraction if abs(fraction - number) <= near * abs(number) else float(number)


def simple(ratio: float, bound: int = 200) -> Fraction | None:
    """Return a ratio as a fraction with small numerator and denominator, if it is one."""
    found = Fraction(ratio).limit_denominator(bound)
    close = abs(float(found) - ratio) <= 1e-8 * max(abs(ratio), 1e-300)
    return found if close and abs(found.numerator) <= bound else None


def constant_ratio(name: str, samples: Sequence[Sample], sizes: Sequence[SizesAt]) -> str | None:
    """Return the ratio hand/derived as a text (`1/2`, `-1`, `2/N`, `√len(x)`); None when it is not constant, or is 1."""
    rows: list[Row] = []
    for sample, own in zip(samples, sizes, strict=True):
        if name in sample.hand and (np.any(sample.hand[name]) or np.any(sample.derived[name])):  # 0 = 0 says nothing
            found = ratio_at(sample.hand[name], sample.derived[name])
            if found is None:
                return None
            rows.append((found, own))
    written = with_sizes(rows) if len(rows) > 1 else None
    return None if written == "1" else written


def sizes_at(source: Reference, samples: Sequence[Sample]) -> list[SizesAt]:
    """Return the sizes at each sample as they are written: `N`, `(R - F + 1)` of a network, else `len(x)`, `x.shape[1]`."""
    if isinstance(source, DerivationReference):
        return [sizes_of_network(source.derivation.network, sample) for sample in samples]
    found: dict[tuple[int, ...], str] = {}
    for written, taken in _axes(samples):
        if len(set(taken)) > 1 and (taken not in found or len(written) < len(found[taken])):
            found[taken] = written
    return [{written: taken[k] for taken, written in found.items()} for k in range(len(samples))]


def sizes_of_network(network: Network, sample: Sample) -> SizesAt:
    """Return the extents of all axes of a network at a sample, each as it is written in a product."""
    sizes = sizes_of(network, sample.point.values)
    known = extents(network)
    written = (formula(extent) if extent.is_Symbol else f"({formula(extent)})" for extent in known)
    return dict(zip(written, at_sizes(known, sizes), strict=True))


def _axes(samples: Sequence[Sample]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each axis of each array, as it is written in code, with its extent at every sample."""
    shapes = [{name: np.shape(value) for name, value in sample.point.values.items()} for sample in samples]
    for name, shape in shapes[0].items() if shapes else ():
        for axis in range(len(shape)):
            if all(len(other.get(name, ())) > axis for other in shapes):
                yield f"{name}.shape[{axis}]" if axis else f"len({name})", tuple(other[name][axis] for other in shapes)


SizesAt = Mapping[str, int]
Row = tuple[float, SizesAt]
"""A ratio, and the sizes where it was found."""


def with_sizes(rows: Sequence[Row]) -> str | None:
    """Return the text of a ratio that is the same at every size, or is q · N^a · K^b … of the sizes; None otherwise.

    An expression of sizes is said only when the sizes in it took three values at least, and no other one fits.
    """
    values = np.array([ratio for ratio, _ in rows])
    if _constant(values):
        exact = simple(float(values[0]))
        return str(exact) if exact is not None else f"{values[0]:.6g}"
    sizes = _varied([own for _, own in rows])
    if not sizes or not np.all(values * values[0] > 0):
        return None
    powers = _power_choices(len(sizes))
    logs = np.log([[float(own[size]) for size in sizes] for _, own in rows])
    left = np.log(np.abs(values)) - np.array(powers, dtype=float) @ logs.T
    factors = {k: simple(float(np.sign(values[0]) * np.exp(left[k, 0]))) for k in np.flatnonzero(np.ptp(left, axis=1) <= 1e-7)}
    found = [(factor, powers[k]) for k, factor in factors.items() if factor is not None]
    return _written(found[0][0], sizes, found[0][1]) if len(found) == 1 else None


def _varied(rows: Sequence[SizesAt]) -> list[str]:
    """Return the sizes that are known everywhere and took enough values."""
    known = set(rows[0]).intersection(*rows)
    return [size for size in rows[0] if size in known and len({own[size] for own in rows}) >= FEWEST_VALUES][:MOST_SIZES]


@cache
def _power_choices(count: int) -> tuple[tuple[Fraction, ...], ...]:
    """Return the powers of so many sizes, at most three that are not 0: whole ones before roots, few sizes before many."""
    found = []
    for used in range(1, min(count, 3) + 1):
        for places in combinations(range(count), used):
            for powers in product(POWERS, repeat=used):
                own = dict(zip(places, powers, strict=True))
                found.append(tuple(own.get(k, Fraction(0)) for k in range(count)))
    return tuple(sorted((powers for powers in found if _weight(powers)[0] <= MOST_WEIGHT), key=_weight))


def _constant(values: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(np.abs(values - values[0]) <= 1e-7 * np.abs(values[0])))


Powers = Sequence[Fraction]


def _weight(powers: Powers) -> tuple[float, int]:
    """Whole powers before roots, few sizes before many."""
    return float(sum(abs(p) if p == int(p) else 1.4 for p in powers)), sum(p != 0 for p in powers)


def _written(factor: Fraction, sizes: Sequence[str], powers: Powers) -> str:
    def names(sign: int) -> list[str]:
        forms = {Fraction(1): "{0}", Fraction(2): "{0}^2", Fraction(1, 2): "√{0}"}
        return [forms[abs(p)].format(s) for s, p in zip(sizes, powers, strict=True) if p * sign > 0]

    top = ([str(factor.numerator)] if factor.numerator != 1 or not names(1) else []) + names(1)
    bottom = ([str(factor.denominator)] if factor.denominator != 1 else []) + names(-1)
    head = "*".join(top)
    return head if not bottom else f"{head}/{bottom[0]}" if len(bottom) == 1 else f"{head}/({'*'.join(bottom)})"


# ---- what may be said of the loss when a ratio is said


@dataclass(frozen=True, slots=True)
class LossFacts:
    """The loss as it is written, and what was looked up in it."""

    written: str
    has_half: bool
    is_square: bool
    sizes: frozenset[str]

    def divides_by(self, size: str) -> bool:
        """Whether the loss is a mean over a size."""
        return size in self.sizes

    @classmethod
    def of(cls, source: Reference, samples: Sequence[Sample], sizes: Sequence[SizesAt]) -> LossFacts:
        """Look at a loss: the formula of a network, the trace of handwritten code."""
        return _of_network(source) if isinstance(source, DerivationReference) else _of_code(source, samples, sizes)


def _of_network(source: DerivationReference) -> LossFacts:
    network, loss = source.derivation.network, source.derivation.network.nodes[source.derivation.loss]
    expressions = [node.expression for node in network.nodes.values() if node.expression is not None]
    halves = any(number.q == 2 for expression in expressions for number in expression.atoms(Rational))
    divided = {str(power.base) for expression in expressions for power in expression.atoms(Pow) if power.exp == -1}
    return LossFacts(short(loss.expression) or loss.name, halves, _is_square(loss.expression), frozenset(divided))


def _is_square(expression: Expr | None) -> bool:
    """Whether a loss is a square, a sum of squares, or a multiple of one."""
    while isinstance(expression, Sum | Mul):
        inner = [part for part in expression.args if not part.is_Number] if isinstance(expression, Mul) else [expression.args[0]]
        inner = [part for part in inner if not (isinstance(part, Pow) and part.exp == -1)]
        if len(inner) != 1:
            return False
        expression = inner[0]
    return isinstance(expression, Pow) and expression.exp == 2


def _of_code(source: Reference, samples: Sequence[Sample], sizes: Sequence[SizesAt]) -> LossFacts:
    """Look at the numbers in the trace of a loss: it divides by a size that occurs, itself or inverse, at every sample."""
    constants = []
    for sample in samples:
        graph = Graph()
        try:
            source.symbols(sample.point.values, graph)
        except SymbackpropError:
            return LossFacts(source.vocabulary.loss, True, False, frozenset())
        constants.append({fraction for node in range(len(graph.operations)) if (fraction := graph.fraction(node)) is not None})
    halves = bool(constants) and any(Fraction(1, 2) in found for found in constants)
    divided = [
        name
        for name in (sizes[0] if sizes else {})
        if all({Fraction(own[name]), Fraction(1, own[name])} & found for own, found in zip(sizes, constants, strict=True))
    ]
    return LossFacts(source.vocabulary.loss, halves, False, frozenset(divided))
