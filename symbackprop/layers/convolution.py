"""Convolutions (cross-correlations, as they are called in this field) with stride, dilation and padding, and transposed ones."""

from __future__ import annotations

from typing import Any, TypeAlias

from sympy import And, Expr, Idx, KroneckerDelta, Mul

from symbackprop.errors import DefinitionError
from symbackprop.layers.shared import Activation, Indices, activated, biased, entry, free, new_index, parameter, total
from symbackprop.network.indices import guarded, index_name, index_size
from symbackprop.network.model import Network

Several: TypeAlias = "int | Expr | tuple[int | Expr, ...]"


def conv1d(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Idx,
    offset: Idx,
    activation: Activation | None = None,
    bias: Any = True,
    *,
    weight: Any = None,
    stride: int | Expr = 1,
    dilation: int | Expr = 1,
    padding: int | Expr = 0,
) -> Any:
    """A convolution `y[n,o,t] = Σ_c Σ_u x[n,c, S t + d u - P] W[o,c,u] + b[o]`, x being 0 outside.

    `indices` = (n, c, s) of x: (N, C, T); W: (O, C, F); b: (O,); y: (N, O, T'), where `at` has the size T', T+2P-F+1 at stride
    S = 1 and dilation d = 1. With a padding P, x between P zeros on both sides is the node `<name>_pad`.
    """
    return _convolved(network, name, x, indices, out, (at,), (offset,), activation, bias, weight, stride, dilation, padding)


def conv2d(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Indices,
    offset: Indices,
    activation: Activation | None = None,
    bias: Any = True,
    *,
    weight: Any = None,
    stride: Several = 1,
    dilation: Several = 1,
    padding: Several = 0,
) -> Any:
    """A convolution `y[n,o,s,t] = Σ_c Σ_u Σ_v x[n,c, S s + d u - P, S t + d v - P] W[o,c,u,v] + b[o]`, x being 0 outside.

    `indices` = (n, c, row, column) of x: (N, C, R, T); W: (O, C, F, G); b: (O,); y: (N, O, R', T'), where the two indices
    `at` have the sizes R' and T': R+2P-F+1 and T+2P-G+1 at stride and dilation 1. Stride, dilation and padding are one number
    for both axes, or two.
    """
    return _convolved(network, name, x, indices, out, at, offset, activation, bias, weight, stride, dilation, padding)


def transposed_conv1d(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Idx,
    offset: Idx,
    activation: Activation | None = None,
    bias: Any = True,
    *,
    weight: Any = None,
    stride: int | Expr = 1,
    dilation: int | Expr = 1,
    padding: int | Expr = 0,
) -> Any:
    """A transposed convolution: every entry of x adds the filter to y, from the place S t - P on.

        y[n,o,s] = Σ_c Σ_t Σ_u δ(s, S t + d u - P) x[n,c,t] W[c,o,u] + b[o]

    `indices` = (n, c, t) of x: (N, C, T); W: (C, O, F); b: (O,); y: (N, O, T'), where `at` has the size
    T' = S(T-1) + d(F-1) + 1 - 2P (and more where the last entries shall hold b alone). It is what a convolution's backward pass
    does to its input.
    """
    return _transposed(network, name, x, indices, out, (at,), (offset,), activation, bias, weight, stride, dilation, padding)


def transposed_conv2d(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Indices,
    offset: Indices,
    activation: Activation | None = None,
    bias: Any = True,
    *,
    weight: Any = None,
    stride: Several = 1,
    dilation: Several = 1,
    padding: Several = 0,
) -> Any:
    """A transposed convolution over two axes, as `transposed_conv1d`; x: (N, C, R, T), W: (C, O, F, G), y: (N, O, R', T')."""
    return _transposed(network, name, x, indices, out, at, offset, activation, bias, weight, stride, dilation, padding)


def zero_padded(network: Network, name: str, x: Any, indices: Indices, axes: Indices, padding: Several) -> tuple[Any, Indices]:
    """Define x between zeros, `y[n,s] = x[n, s - P]` where 0 ≤ s - P < T, else 0. Returns the node and its indices.

    `axes` are those of the `indices` that grow by P places on both sides; their new indices, of the size T+2P, are declared.
    """
    if any(axis not in indices for axis in axes):
        raise DefinitionError(f"{name}: expected axes among the indices {indices}, got {axes}")
    widths = dict(zip(axes, several(padding, len(axes)), strict=True))
    wide = {axis: new_index(network, index_name(axis), index_size(axis) + 2 * width) for axis, width in widths.items()}
    own = tuple(wide.get(index, index) for index in indices)
    inside = And(*(condition for axis, index in wide.items() for condition in _inside(index - widths[axis], axis)))
    address = tuple(wide[index] - widths[index] if index in wide else index for index in indices)
    return network.define(name, *free(own), guarded(entry(x, address), inside)), own


def _inside(place: Expr, axis: Idx) -> tuple[Expr, Expr]:
    return place >= axis.lower, place <= axis.upper


def _convolved(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Indices,
    offset: Indices,
    activation: Activation | None,
    bias: Any,
    weight: Any,
    stride: Several,
    dilation: Several,
    padding: Several,
) -> Any:
    space = len(at)
    W = parameter(network, weight, f"{name}_W", out, indices[-space - 1], *offset)
    if any(width != 0 for width in several(padding, space)):
        x, indices = zero_padded(network, f"{name}_pad", x, indices, indices[-space:], padding)
    *samples, c = indices[:-space]
    window = [s * t + d * u for t, u, s, d in zip(at, offset, several(stride, space), several(dilation, space), strict=True)]
    body = entry(x, (*samples, c, *window)) * W[(out, c, *offset)]
    linear = biased(network, total(body, (c, *offset)), bias, f"{name}_b", out)
    return activated(network, name, (*samples, out, *at), linear, activation)


def _transposed(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    out: Idx,
    at: Indices,
    offset: Indices,
    activation: Activation | None,
    bias: Any,
    weight: Any,
    stride: Several,
    dilation: Several,
    padding: Several,
) -> Any:
    space = len(at)
    *samples, c = indices[:-space]
    before = indices[-space:]
    W = parameter(network, weight, f"{name}_W", c, out, *offset)
    steps = (several(given, space) for given in (stride, dilation, padding))
    places = [s * t + d * u - p for t, u, s, d, p in zip(before, offset, *steps, strict=True)]
    where = Mul(*(KroneckerDelta(index, place) for index, place in zip(at, places, strict=True)))
    body = where * entry(x, indices) * W[(c, out, *offset)]
    linear = biased(network, total(body, (c, *before, *offset)), bias, f"{name}_b", out)
    return activated(network, name, (*samples, out, *at), linear, activation)


def several(value: Several, axes: int) -> tuple[int | Expr, ...]:
    """Return a value for each axis."""
    return value if isinstance(value, tuple) else (value,) * axes
