"""Convolutions (cross-correlations, as they are called in this field) with stride and dilation."""

from __future__ import annotations

from typing import Any

from sympy import Idx

from symbackprop.layers.shared import Activation, Indices, activated, biased, entry, parameter, total
from symbackprop.network.model import Network

Several = int | tuple[int, ...]


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
    stride: int = 1,
    dilation: int = 1,
) -> Any:
    """A convolution `y[n,o,t] = Σ_c Σ_u x[n,c, S t + d u] W[o,c,u] + b[o]`.

    `indices` = (n, c, s) of x: (N, C, T); W: (O, C, F); b: (O,); y: (N, O, T'), where `at` has the size T', T-F+1 at stride S = 1
    and dilation d = 1.
    """
    return _convolved(network, name, x, indices, out, (at,), (offset,), activation, bias, weight, stride, dilation)


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
) -> Any:
    """A convolution `y[n,o,s,t] = Σ_c Σ_u Σ_v x[n,c, S s + d u, S t + d v] W[o,c,u,v] + b[o]`.

    `indices` = (n, c, row, column) of x: (N, C, R, T); W: (O, C, F, G); b: (O,); y: (N, O, R', T'), where the two indices
    `at` have the sizes R' and T': R-F+1 and T-G+1 at stride and dilation 1. Stride and dilation are one number for both axes,
    or two.
    """
    return _convolved(network, name, x, indices, out, at, offset, activation, bias, weight, stride, dilation)


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
) -> Any:
    space = len(at)
    *samples, c = indices[:-space]
    W = parameter(network, weight, f"{name}_W", out, c, *offset)
    window = [s * t + d * u for t, u, s, d in zip(at, offset, several(stride, space), several(dilation, space), strict=True)]
    body = entry(x, (*samples, c, *window)) * W[(out, c, *offset)]
    linear = biased(network, total(body, (c, *offset)), bias, f"{name}_b", out)
    return activated(network, name, (*samples, out, *at), linear, activation)


def several(value: Several, axes: int) -> tuple[int, ...]:
    """Return a value for each axis."""
    return (value,) * axes if isinstance(value, int) else value
