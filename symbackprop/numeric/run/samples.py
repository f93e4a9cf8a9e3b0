"""The data of a training run: which values belong to one sample each, and which samples are in which update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sympy import Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError, listed, nearest
from symbackprop.network.node import Node, Role

Order = Literal["sequential", "shuffled"]
_SAMPLED = (Role.INPUT, Role.TARGET)


@dataclass(frozen=True, slots=True)
class Samples:
    """The data: `values` by name, the axis of the samples in each (None where a value belongs to all), and how many."""

    values: Mapping[str, Any]
    axes: Mapping[str, int | None]
    count: int
    batched: bool

    def parts(self, name: str, chosen: Iterable[Any]) -> Iterator[Any]:
        """Yield the entries of each choice of samples: a view where they lie side by side."""
        value, axis = self.values[name], self.axes[name]
        before = (slice(None),) * (axis or 0)
        for samples in chosen:
            if isinstance(samples, slice):
                yield value[(*before, samples)] if before else value[samples]
            else:
                yield np.take(value, samples, axis=axis)


def read_samples(derivation: DerivationRecord, data: Mapping[str, Any]) -> Samples:
    """Find the samples in the data: a list for a scalar input, the first axis size that all arrays share."""
    network = derivation.network
    _check_names(data, [node.name for node in network.of_role(*_SAMPLED, Role.CONSTANT)])
    known = {**network.values, **data}
    nodes = [node for node in network.of_role(*_SAMPLED) if known.get(node.name) is not None]
    given = {node.name: known[node.name] for node in nodes}
    constants = {name: value for name, value in data.items() if name not in given}
    return _array_samples(nodes, given, constants) if any(node.indices for node in nodes) else _scalar_samples(given, constants)


def _check_names(data: Mapping[str, Any], fields: Sequence[str]) -> None:
    for name in data:
        if name not in fields:
            raise UserError(
                f"train: data: {name} is not an input, target or constant; there are {listed(fields)}.{nearest(name, fields)}"
            )


def _scalar_samples(given: Mapping[str, Any], constants: Mapping[str, Any]) -> Samples:
    counts = {name: len(value) for name, value in given.items() if np.ndim(value)}
    axes: dict[str, int | None] = dict.fromkeys(given, 0) | dict.fromkeys(constants)
    if not counts:
        values = {name: float(value) for name, value in {**given, **constants}.items()}
        return Samples(values, dict.fromkeys(values), 1, batched=False)
    longest = max(counts.values())
    for name, count in counts.items():
        if count != longest:
            other = next(n for n, c in counts.items() if c == longest)
            raise UserError(f"train: data: {name} has {count} samples but {other} has {longest}; give every list the same length")
    arrays = {name: np.broadcast_to(_numbers(name, value), (longest,)) for name, value in given.items()}
    return Samples({**arrays, **constants}, axes, longest, batched=True)


def _array_samples(nodes: Sequence[Node], given: Mapping[str, Any], constants: Mapping[str, Any]) -> Samples:
    arrays = {node.name: _numbers(node.name, given[node.name]) if node.indices else given[node.name] for node in nodes}
    indexed = [node for node in nodes if node.indices]
    first, size = indexed[0], _common_size(indexed)
    axes: dict[str, int | None] = {node.name: node.shape.index(size) if size in node.shape else None for node in nodes}
    axes |= dict.fromkeys(constants)
    count = 1
    if size is not None and arrays[first.name].ndim == len(first.shape):
        count = arrays[first.name].shape[first.shape.index(size)]
    return Samples({**arrays, **constants}, axes, count, batched=False)


def _common_size(nodes: Sequence[Node]) -> Symbol | None:
    """Return the first size that all arrays have an axis of."""
    sizes = (extent for extent in nodes[0].shape if isinstance(extent, Symbol))
    return next((size for size in sizes if all(size in node.shape for node in nodes)), None)


def checked_batch_size(batch_size: int | None, count: int) -> int:
    if batch_size is None:
        return count
    if not 1 <= batch_size <= count:
        raise UserError(f"train: batch_size: expected 1 to {count} (the number of samples) or None for all, got {batch_size}")
    return batch_size


def batches(count: int, size: int, order: Order, generator: np.random.Generator) -> Iterator[Any]:
    """Yield the samples of each update of one epoch; None stands for all of them in order."""
    if size == count:
        yield None
        return
    samples = generator.permutation(count) if order == "shuffled" else None
    for at in range(0, count, size):
        yield slice(at, at + size) if samples is None else samples[at : at + size]


def _numbers(name: str, value: object) -> np.ndarray:
    """Return samples as an array. Raises UserError for what is no number."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise UserError(f"train: data: {name}: expected numbers: {error}") from None
