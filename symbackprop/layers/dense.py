"""Fully connected layers, axes run together, masks of dropout, residual connections."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Idx, Integer, KroneckerDelta

from symbackprop.layers.shared import Activation, Indices, activated, biased, entry, free, parameter, total
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def dense(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: Idx,
    activation: Activation | None = None,
    bias: Any = True,
    *,
    weight: Any = None,
) -> Any:
    """A fully connected layer `y[n,j] = f(Σ_i x[n,i] W[i,j] + b[j])`.

    x: (N, D), W = `<name>_W`: (D, K), b = `<name>_b`: (K,), y: (N, K). Without an activation the layer is the linear part alone.
    """
    *samples, i = indices
    W = parameter(network, weight, f"{name}_W", i, unit)
    linear = biased(network, total(entry(x, indices) * W[i, unit], (i,)), bias, f"{name}_b", unit)
    return activated(network, name, (*samples, unit), linear, activation)


def embedding(network: Network, name: str, ids: Any, indices: Indices, word: Idx, feature: Idx, *, weight: Any = None) -> Any:
    """The rows of a table that whole numbers choose: `y[n,t,d] = W[ids[n,t], d]`.

    ids: (N, T), declared as an input; W = `<name>_W`: (V, D), y: (N, T, D). A row that is chosen twice gets both gradients.
    """
    W = parameter(network, weight, f"{name}_W", word, feature)
    return network.define(name, *free(indices), feature, W[entry(ids, indices), feature])


def flatten(network: Network, name: str, x: Any, indices: Indices, axes: Indices, at: Idx) -> Any:
    """Axes run together into one, the last of them fastest: `y[n,k] = Σ_c Σ_s δ(k, S c + s) x[n,c,s]`.

    `indices` = (n, c, s) of x: (N, C, S), `axes` = (c, s) those that are run together; `at` = k has the size C*S; y: (N, C*S).
    """
    place: Expr = Integer(0)
    for axis in axes:
        place = place * index_size(axis) + axis
    own = tuple(dict.fromkeys(at if index in axes else index for index in indices))
    body = KroneckerDelta(at, place.expand()) * entry(x, indices)
    return network.define(name, *free(own), total(body, axes))


def dropout(network: Network, name: str, x: Any, indices: Indices, mask: Any, keep: Expr | float) -> Any:
    """Inverted dropout at a given mask of zeros and ones, `y[n,j] = m[n,j] x[n,j] / p`; p is the probability that an entry is
    kept.

    x, m, y: (N, D) (Srivastava et al. 2014, divided by p in training so that nothing changes at test time).
    """
    return network.define(name, *free(indices), entry(mask, indices) * entry(x, indices) / keep)


def residual(network: Network, name: str, x: Any, y: Any, indices: Indices) -> Any:
    """A residual connection `r[n,j] = x[n,j] + y[n,j]`; x, y, r: (N, D) (He et al. 2016)."""
    return network.define(name, *free(indices), entry(x, indices) + entry(y, indices))
