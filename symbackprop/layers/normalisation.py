"""Normalisation: of a layer, a batch (in training and at test time), groups of channels, and by the root mean square."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Idx, sqrt

from symbackprop.errors import DefinitionError
from symbackprop.layers.dense import flatten
from symbackprop.layers.shared import Indices, count, entry, free, parameter, total
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def layer_norm(
    network: Network, name: str, x: Any, indices: Indices, epsilon: Expr, *, gamma: Any = None, beta: Any = None
) -> Any:
    """`y[n,i] = γ[i] (x[n,i] - μ[n]) / √(σ²[n] + ε) + β[i]`, mean and variance over the last axis (Ba et al. 2016).

    x, y: (N, D); γ = `<name>_gamma`, β = `<name>_beta`: (D,). Nodes: `_mean`, `_centred`, `_var`, `_rstd`, `_hat`.
    """
    *_, i = indices
    hat = _standardised(network, name, x, indices, (i,), epsilon)
    return _scaled(network, name, hat, indices, (i,), gamma, beta)


def batch_norm(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    epsilon: Expr,
    *,
    gamma: Any = None,
    beta: Any = None,
    channel: int = -1,
) -> Any:
    """`y[n,i] = γ[i] (x[n,i] - μ[i]) / √(σ²[i] + ε) + β[i]`, mean and variance over all axes but the channel's (Ioffe,
    Szegedy 2015).

    x, y: (N, D); γ, β, μ, σ²: (D,). This is the layer in training, where mean and variance depend on the batch. `channel` is the
    position of the feature axis: -1 for (N, D), 1 for images (N, C, R, T).
    """
    i = indices[channel]
    over = tuple(index for index in indices if index != i)
    if not over:
        raise DefinitionError(f"{name}: expected at least one sample index before {i}, got indices {indices}")
    hat = _standardised(network, name, x, indices, over, epsilon)
    return _scaled(network, name, hat, indices, (i,), gamma, beta)


def batch_norm_at_test_time(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    epsilon: Expr,
    mean: Any,
    variance: Any,
    *,
    gamma: Any = None,
    beta: Any = None,
    channel: int = -1,
) -> Any:
    """`y[n,i] = γ[i] (x[n,i] - μ[i]) / √(v[i] + ε) + β[i]` with the running mean μ and variance v of training, which are
    given: (D,)."""
    i = indices[channel]
    hat = network.define(f"{name}_hat", *free(indices), (entry(x, indices) - mean[i]) / sqrt(variance[i] + epsilon))
    return _scaled(network, name, hat, indices, (i,), gamma, beta)


def group_norm(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    epsilon: Expr,
    *,
    gamma: Any = None,
    beta: Any = None,
    groups: tuple[Idx, Idx] | None = None,
) -> Any:
    """Mean and variance over the channels of a group and over space, for each sample and group (Wu and He 2018):

        y[n,g,c,s] = γ[g,c] (x[n,g,c,s] - μ[n,g]) / √(σ²[n,g] + ε) + β[g,c]

    `indices` = (n, g, c, then space): the channels stand as groups of C; x, y: (N, G, C, …); γ, β: (G, C). With
    `groups` = (g, c), `indices` = (n, k, then space), the channels stand on one axis k of the size G*C, group after group;
    x, y: (N, G*C, …); γ, β: (G*C,). Then `<name>_grouped` is x with its groups apart, `<name>_flat` what stands together again.
    """
    n, g, *rest = indices
    if groups is None:
        hat = _standardised(network, name, x, indices, indices[2:], epsilon)
        return _scaled(network, name, hat, indices, (g, rest[0]), gamma, beta)
    k, space = g, tuple(rest)
    g, c = groups
    apart = (n, g, c, *space)
    grouped = network.define(f"{name}_grouped", *free(apart), entry(x, (n, index_size(c) * g + c, *space)))
    hat = _standardised(network, name, grouped, apart, apart[2:], epsilon)
    flat = flatten(network, f"{name}_flat", hat, apart, groups, k)
    return _scaled(network, name, flat, indices, (k,), gamma, beta)


def rms_norm(network: Network, name: str, x: Any, indices: Indices, epsilon: Expr, *, gamma: Any = None) -> Any:
    """`y[n,i] = γ[i] x[n,i] / √(1/D Σ_j x[n,j]² + ε)` (Zhang and Sennrich 2019); x, y: (N, D); γ = `<name>_gamma`: (D,)."""
    *samples, i = indices
    kept = free(tuple(samples))
    square = network.define(f"{name}_ms", *kept, total(entry(x, indices) ** 2, (i,)) / count((i,)))
    scale = network.define(f"{name}_rms", *kept, 1 / sqrt(entry(square, kept) + epsilon))
    own = parameter(network, gamma, f"{name}_gamma", i)
    return network.define(name, *free(indices), own[i] * entry(x, indices) * entry(scale, kept))


def _standardised(network: Network, name: str, x: Any, indices: Indices, over: Indices, epsilon: Expr) -> Any:
    """Define x less its mean over some indices, over the root of its variance there plus ε: the node `<name>_hat`."""
    own = free(indices)
    kept = tuple(index for index in own if index not in over)
    mean = entry(network.define(f"{name}_mean", *kept, total(entry(x, indices), over) / count(over)), kept)
    centred = network.define(f"{name}_centred", *own, entry(x, indices) - mean)
    variance = entry(network.define(f"{name}_var", *kept, total(centred[own] ** 2, over) / count(over)), kept)
    scale = entry(network.define(f"{name}_rstd", *kept, 1 / sqrt(variance + epsilon)), kept)
    return network.define(f"{name}_hat", *own, centred[own] * scale)


def _scaled(network: Network, name: str, hat: Any, indices: Indices, feature: tuple[Idx, ...], gamma: Any, beta: Any) -> Any:
    scale = parameter(network, gamma, f"{name}_gamma", *feature)
    shift = parameter(network, beta, f"{name}_beta", *feature)
    own = free(indices)
    return network.define(name, *own, scale[feature] * hat[own] + shift[feature])
