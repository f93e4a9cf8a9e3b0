"""The inverse of square matrices, and the logarithm of their determinant."""

from __future__ import annotations

from typing import Any

from symbackprop.functions.matrices import LogDet, MatrixInverse, array_symbol
from symbackprop.layers.shared import Indices, free
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def inverse(network: Network, name: str, a: Any, indices: Indices) -> Any:
    """The inverse of the matrices in the last two axes: `y[n,i,j] = (A[n]⁻¹)[i,j]`; A, y: (N, D, D)."""
    own = free(indices)
    return network.define(name, *own, MatrixInverse(array_symbol(network.node(a).name), *own))


def log_det(network: Network, name: str, a: Any, indices: Indices) -> Any:
    """The logarithm of the size of the determinant, `y[n] = log |det A[n]|`; A: (N, D, D), y: (N,).

    The inverse, of which the gradient is made, is the node `<name>_inverse`.
    """
    *samples, row, _ = free(indices)
    held = inverse(network, f"{name}_inverse", a, indices)
    names = (array_symbol(network.node(a).name), array_symbol(network.node(held).name))
    return network.define(name, *samples, LogDet(*names, index_size(row), *samples))
