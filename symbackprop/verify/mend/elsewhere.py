"""Points at which a change of code shows whether it mends: three other values of every size and 1, and values far out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError
from symbackprop.network.node import Role
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.domains import POSITIVE
from symbackprop.verify.reference.further_points import distinct_sizes
from symbackprop.verify.reference.loss_reference import LossReference, accepts
from symbackprop.verify.reference.protocol import Point, Reference
from symbackprop.verify.reference.sampling import random_values, size_choices
from symbackprop.verify.reference.shapes import resized

FAR = 40.0
"""How far out: there a softmax or a sigmoid is 0 or 1 to all digits."""
MOST_NUMBERS = 1500
"""Numbers in a point; larger ones are left out."""


def elsewhere(source: Reference) -> list[Point]:
    """Return further points at which the reference has finite gradients."""
    rng = np.random.default_rng(41)
    found = []
    for values in (*_values(source, rng), *(point.values for point in distinct_sizes(source, 41))):
        point = Point(values, "")
        if point.count <= MOST_NUMBERS and _finite(source, values):
            found.append(point)
    return found


def _finite(source: Reference, values: Mapping[str, Any]) -> bool:
    try:
        adjoints = source.numbers(values).adjoints
    except (SymbackpropError, ValueError, ArithmeticError, IndexError):
        return False
    return all(np.all(np.isfinite(array)) for array in adjoints.values())


@singledispatch
def _values(source: Reference, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield values to try."""
    raise NotImplementedError(type(source).__name__)


@_values.register
def _(source: DerivationReference, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    network = source.derivation.network
    smallest = size_choices(network)[0]
    sizes = list(smallest)
    others = [{**smallest, size: 1} for size in sizes]
    kept = {node.name for role in (Role.TARGET, Role.CONSTANT) for node in network.of_role(role)}
    for choice in others:
        try:
            values = random_values(network, choice, rng)
        except (SymbackpropError, ValueError):  # a size that some index has no room for
            continue
        yield values
    yield random_values(network, smallest, rng, POSITIVE)
    far = random_values(network, smallest, rng)
    yield source.respecting({n: v if n in kept else np.multiply(v, FAR)[()] for n, v in far.items()})


@_values.register
def _(source: LossReference, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for choice in [{}, *({size: 1} for size in source.sizes)]:
        shaped = resized(source.values, choice)
        if accepts(source.call, shaped):
            yield _drawn(source, shaped, rng, 1.0)
    yield _drawn(source, dict(source.values), rng, FAR)


def _drawn(source: LossReference, shaped: Mapping[str, Any], rng: np.random.Generator, scale: float) -> dict[str, Any]:
    """Return random values of given shapes; what the example shows as labels, as positive or as whole numbers stays so."""
    drawn = {}
    for name, value in shaped.items():
        given = np.asarray(source.values[name])
        if name in source.fixed or given.dtype.kind != "f" or np.all((given == 0) | (given == 1)):
            drawn[name] = value
            continue
        numbers = rng.normal(size=np.shape(value))
        signed = np.abs(numbers) + 0.1 if np.all(given > 0) else numbers
        drawn[name] = np.round(scale * signed, 3)[()] if np.ndim(value) else float(round(scale * float(signed), 3))
    return drawn
