"""Pooling: the mean or the largest entry of each window."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Idx

from symbackprop.errors import DefinitionError
from symbackprop.functions import IndexMax
from symbackprop.layers.convolution import Several, several
from symbackprop.layers.shared import Indices, count, entry, free, total
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def average_pool1d(network: Network, name: str, x: Any, indices: Indices, at: Idx, offset: Idx, stride: int | None = None) -> Any:
    """The mean of each window of F entries, F the size of `offset`: `y[n,c,t] = 1/F Σ_u x[n,c, S t + u]`.

    `indices` = (…, s) of x: (N, C, T); `at` has the size of the output; the stride S is F where it is not given.
    """
    return average_pool2d(network, name, x, indices, (at,), (offset,), stride)


def average_pool2d(
    network: Network, name: str, x: Any, indices: Indices, at: Indices, offset: Indices, stride: Several | None = None
) -> Any:
    """The mean of each window: `y[n,c,s,t] = 1/(F G) Σ_u Σ_v x[n,c, S s + u, S t + v]`; x: (N, C, R, T), as `average_pool1d`."""
    window = entry(x, pooled_entry(name, indices, at, offset, stride))
    others = indices[: -len(at)]
    return network.define(name, *free((*others, *at)), total(window, offset) / count(offset))


def max_pool1d(network: Network, name: str, x: Any, indices: Indices, at: Idx, offset: Idx, stride: int | None = None) -> Any:
    """The largest entry of each window: `y[n,c,t] = max_u x[n,c, S t + u]`, as `average_pool1d`.

    Where several entries of a window are the largest, they share its gradient equally.
    """
    return max_pool2d(network, name, x, indices, (at,), (offset,), stride)


def max_pool2d(
    network: Network, name: str, x: Any, indices: Indices, at: Indices, offset: Indices, stride: Several | None = None
) -> Any:
    """The largest entry of each window: `y[n,c,s,t] = max_u max_v x[n,c, S s + u, S t + v]`; x: (N, C, R, T), as `max_pool1d`."""
    window = entry(x, pooled_entry(name, indices, at, offset, stride))
    return network.define(name, *free((*indices[: -len(at)], *at)), IndexMax(window, *reversed(offset)))


def pooled_entry(name: str, indices: Indices, at: Indices, offset: Indices, stride: Several | None) -> tuple[Any, ...]:
    """Return the address of an entry of a window."""
    widths = [index_size(u) for u in offset]
    if stride is None and not all(width.is_Integer for width in widths):
        raise DefinitionError(
            f"{name}: expected a number as size of {offset[0]}, got {widths[0]}; give a stride, "
            f"or declare indices('{offset[0]}:2')"
        )
    steps: tuple[Expr, ...] = tuple(widths) if stride is None else several(stride, len(at))
    return (*indices[: -len(at)], *(s * t + u for s, t, u in zip(steps, at, offset, strict=True)))
