"""Softmax and its logarithm, over the last index."""

from __future__ import annotations

from typing import Any

from sympy import exp, log

from symbackprop.layers.shared import Indices, bound_twin, entry, free, total
from symbackprop.network.model import Network


def softmax(network: Network, name: str, z: Any, indices: Indices) -> Any:
    """`p[n,k] = exp(z[n,k]) / Σ_l exp(z[n,l])` over the last index; z, p: (N, K)."""
    *samples, k = indices
    other = bound_twin(network, k, indices)
    return network.define(name, *free(indices), exp(entry(z, indices)) / total(exp(entry(z, (*samples, other))), (other,)))


def log_softmax(network: Network, name: str, z: Any, indices: Indices) -> Any:
    """`q[n,k] = z[n,k] - log Σ_l exp(z[n,l])`; the logarithm of the sum is the node `<name>_lse`, shape (N,)."""
    *samples, k = indices
    lse = network.define(f"{name}_lse", *free(tuple(samples)), log(total(exp(entry(z, indices)), (k,))))
    return network.define(name, *free(indices), entry(z, indices) - entry(lse, free(tuple(samples))))
