"""Layers as definitions: each function declares the parameters of a layer, defines its nodes, and returns its output.

There is no gradient here: a layer is nothing but its formulas, and the reverse sweep differentiates those. Names start with the
given prefix: `dense(net, "h", X, (n, i), j, activation=tanh)` declares `h_W` and `h_b`, and defines `h_net` and `h`. `indices`
are the input's own, the feature axis last; the axes before it are samples (and whatever else is treated alike).
Everything is checked by `Network.define`, so a wrong index or rank raises `DefinitionError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Idx, Integer, Mul, Piecewise, Sum, exp, log, sqrt, tanh

from symbackprop.errors import DefinitionError
from symbackprop.network.functions import sigmoid
from symbackprop.network.indices import index_name, index_size, primed
from symbackprop.network.model import Network

Indices = tuple[Idx, ...]
Activation = Callable[[Expr], Expr]


def twin(network: Network, index: Idx, taken: Indices) -> Idx:
    """Return another index over the range of `index`: a declared one that is not taken, else a primed one."""
    names = {index_name(other) for other in (index, *taken)}
    for other in network.declared_indices.values():
        if index_name(other) not in names and (other.lower, other.upper) == (index.lower, index.upper):
            return other
    return primed(index, names)


def dense(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: Idx,
    activation: Activation | None = None,
    bias: bool = True,
) -> Any:
    """A fully connected layer `y[n,j] = f(Σ_i x[n,i] W[i,j] + b[j])`.

    x: (N, D), W: (D, K), b: (K,), y: (N, K). Without an activation the layer is the linear part alone.
    """
    *samples, i = indices
    weight = network.parameter(f"{name}_W", i, unit)
    linear = Sum(x[indices] * weight[i, unit], i)
    if bias:
        linear += network.parameter(f"{name}_b", unit)[unit]
    if activation is None:
        return network.define(name, *samples, unit, linear)
    net = network.define(f"{name}_net", *samples, unit, linear)
    return network.define(name, *samples, unit, activation(net[(*samples, unit)]))


def softmax(network: Network, name: str, z: Any, indices: Indices) -> Any:
    """`p[n,k] = exp(z[n,k]) / Σ_l exp(z[n,l])` over the last index; z, p: (N, K)."""
    *samples, k = indices
    other = twin(network, k, indices)
    return network.define(name, *indices, exp(z[indices]) / Sum(exp(z[(*samples, other)]), other))


def log_softmax(network: Network, name: str, z: Any, indices: Indices) -> Any:
    """`q[n,k] = z[n,k] - log Σ_l exp(z[n,l])`; the logarithm of the sum is the node `<name>_lse`, shape (N,)."""
    *samples, k = indices
    total = network.define(f"{name}_lse", *samples, log(Sum(exp(z[indices]), k)))
    return network.define(name, *indices, z[indices] - (total[tuple(samples)] if samples else total))


def cross_entropy(network: Network, name: str, p: Any, t: Any, indices: Indices) -> Any:
    """`E = -1/N Σ_n Σ_k t[n,k] log p[n,k]`: the mean over samples; p, t: (N, K)."""
    return network.define(name, -_summed(t[indices] * log(p[indices]), indices) / _count(indices[:-1]))


def mean_squared_error(network: Network, name: str, y: Any, t: Any, indices: Indices) -> Any:
    """`E = 1/N Σ_n Σ_k (y[n,k] - t[n,k])²`: the mean over samples of the summed squares; y, t: (N, K)."""
    return network.define(name, _summed((y[indices] - t[indices]) ** 2, indices) / _count(indices[:-1]))


def layer_norm(network: Network, name: str, x: Any, indices: Indices, epsilon: Expr) -> Any:
    """`y[n,i] = γ[i] (x[n,i] - μ[n]) / √(σ²[n] + ε) + β[i]`, mean and variance over the last axis (Ba et al. 2016).

    x, y: (N, D); γ = `<name>_gamma`, β = `<name>_beta`: (D,). Nodes: `_mean`, `_centred`, `_var`, `_rstd`, `_hat`.
    """
    *samples, i = indices
    return _normalised(network, name, x, indices, over=(i,), kept=tuple(samples), feature=i, epsilon=epsilon)


def batch_norm(network: Network, name: str, x: Any, indices: Indices, epsilon: Expr) -> Any:
    """`y[n,i] = γ[i] (x[n,i] - μ[i]) / √(σ²[i] + ε) + β[i]`, mean and variance over the samples (Ioffe and Szegedy 2015).

    x, y: (N, D); γ, β, μ, σ²: (D,). This is the layer in training, where mean and variance depend on the batch.
    """
    *samples, i = indices
    return _normalised(network, name, x, indices, over=tuple(samples), kept=(i,), feature=i, epsilon=epsilon)


def _normalised(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    over: Indices,
    kept: Indices,
    feature: Idx,
    epsilon: Expr,
) -> Any:
    if not over:
        raise DefinitionError(f"{name}: expected at least one sample index before {feature}, got indices {indices}")
    gamma = network.parameter(f"{name}_gamma", feature)
    beta = network.parameter(f"{name}_beta", feature)
    count = _count(over)
    mean = _at(network.define(f"{name}_mean", *kept, _summed(x[indices], over) / count), kept)
    centred = network.define(f"{name}_centred", *indices, x[indices] - mean)
    variance = _at(network.define(f"{name}_var", *kept, _summed(centred[indices] ** 2, over) / count), kept)
    scale = _at(network.define(f"{name}_rstd", *kept, 1 / sqrt(variance + epsilon)), kept)
    hat = network.define(f"{name}_hat", *indices, centred[indices] * scale)
    return network.define(name, *indices, gamma[feature] * hat[indices] + beta[feature])


def attention(network: Network, name: str, x: Any, position: Idx, feature: Idx, head: Idx, causal: bool = False) -> Any:
    """Scaled dot-product attention of one head (Vaswani et al. 2017):

        Q = x W_Q,  K = x W_K,  V = x W_V,  S = Q Kᵀ/√H,  P = softmax of the rows of S,  y = P V

    x: (T, D), W_Q, W_K, W_V: (D, H), S, P: (T, T), y: (T, H). With `causal`, position a attends to positions 0 .. a only:
    M[a,b] = exp(S[a,b]) for b <= a, else 0, and P[a,b] = M[a,b] / Σ_q M[a,q].
    """
    a = position
    b = twin(network, a, (feature, head))
    q = twin(network, a, (b, feature, head))
    query, key, value = (
        network.define(f"{name}_{part}", a, head, Sum(x[a, feature] * weight[feature, head], feature))
        for part in ("Q", "K", "V")
        for weight in (network.parameter(f"{name}_W{part}", feature, head),)
    )
    b = _declared(network, b)
    scores = network.define(f"{name}_S", a, b, Sum(query[a, head] * key[b, head], head) / sqrt(index_size(head)))
    if causal:
        seen = Piecewise((exp(scores[a, b]), b <= a), (Integer(0), True))
        masked = network.define(f"{name}_M", a, b, seen)
        weights = network.define(f"{name}_P", a, b, masked[a, b] / Sum(masked[a, q], q))
    else:
        weights = softmax(network, f"{name}_P", scores, (a, b))
    return network.define(name, a, head, Sum(weights[a, b] * value[b, head], b))


def conv1d(network: Network, name: str, x: Any, indices: Indices, out: Idx, at: Idx, offset: Idx) -> Any:
    """A valid convolution (cross-correlation) `y[n,o,t] = Σ_c Σ_u x[n,c,t+u] W[o,c,u] + b[o]`.

    `indices` = (n, c, s) of x: (N, C, T); W: (O, C, F); b: (O,); y: (N, O, T-F+1), so `at` must have size T-F+1.
    """
    n, c, _ = indices
    weight = network.parameter(f"{name}_W", out, c, offset)
    bias = network.parameter(f"{name}_b", out)
    return network.define(name, n, out, at, Sum(x[n, c, at + offset] * weight[out, c, offset], offset, c) + bias[out])


def conv2d(network: Network, name: str, x: Any, indices: Indices, out: Idx, at: Indices, offset: Indices) -> Any:
    """A valid convolution `y[n,o,s,t] = Σ_c Σ_u Σ_v x[n,c,s+u,t+v] W[o,c,u,v] + b[o]`.

    `indices` = (n, c, row, column) of x: (N, C, R, T); W: (O, C, F, G); y: (N, O, R-F+1, T-G+1).
    """
    n, c, *_ = indices
    (s, t), (u, v) = at, offset
    weight = network.parameter(f"{name}_W", out, c, u, v)
    bias = network.parameter(f"{name}_b", out)
    total = Sum(x[n, c, s + u, t + v] * weight[out, c, u, v], v, u, c)
    return network.define(name, n, out, s, t, total + bias[out])


def average_pool1d(network: Network, name: str, x: Any, indices: Indices, at: Idx, offset: Idx) -> Any:
    """The mean of each stretch of F entries, F the size of `offset`: `y[n,c,t] = 1/F Σ_u x[n,c,F t + u]`; F must be a number."""
    *others, _ = indices
    width = index_size(offset)
    if not width.is_Integer:
        raise DefinitionError(f"{name}: expected a number as size of {offset}, got {width}; declare indices('{offset}:2')")
    return network.define(name, *others, at, Sum(x[(*others, width * at + offset)], offset) / width)


def lstm_cell(network: Network, name: str, x: Any, h: Any, c: Any, indices: Indices, unit: Idx) -> tuple[Any, Any]:
    """One step of a long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):

        i, f, o = σ(x W + h U + b)     g = tanh(x W_g + h U_g + b_g)     c' = f ⊙ c + i ⊙ g     h' = o ⊙ tanh(c')

    x: (N, D); h, c and the results: (N, H). Parameters `<name>_W<gate>`: (D, H), `_U<gate>`: (H, H), `_b<gate>`: (H,).
    Returns the nodes (h', c'), named `<name>_h` and `<name>_c`.
    """
    *samples, i = indices
    before = twin(network, unit, indices)
    before = _declared(network, before)
    place = (*samples, unit)
    gates = {}
    for gate, squash in (("i", sigmoid), ("f", sigmoid), ("o", sigmoid), ("g", tanh)):
        weight = network.parameter(f"{name}_W{gate}", i, unit)
        recurrent = network.parameter(f"{name}_U{gate}", before, unit)
        bias = network.parameter(f"{name}_b{gate}", unit)
        total = Sum(x[indices] * weight[i, unit], i) + Sum(h[(*samples, before)] * recurrent[before, unit], before) + bias[unit]
        net = network.define(f"{name}_net{gate}", *place, total)
        gates[gate] = network.define(f"{name}_{gate}", *place, squash(net[place]))
    cell = network.define(f"{name}_c", *place, gates["f"][place] * c[place] + gates["i"][place] * gates["g"][place])
    return network.define(f"{name}_h", *place, gates["o"][place] * tanh(cell[place])), cell


def _summed(body: Expr, indices: Indices) -> Expr:
    """Sum over the indices, the last one innermost."""
    return Sum(body, *reversed(indices))


def _count(indices: Indices) -> Expr:
    return Mul(*(index_size(index) for index in indices))


def _at(symbol: Any, indices: Indices) -> Expr:
    return symbol[indices] if indices else symbol


def _declared(network: Network, index: Idx) -> Idx:
    """An index on the left of a definition, or of a parameter, must be declared; a primed one is not, and cannot be."""
    if network.declared_indices.get(index_name(index)) != index:
        plain = index_name(index).rstrip("'")
        raise DefinitionError(
            f"this layer needs a second index over the range of {plain}; "
            f'declare one, e.g. indices("{plain}2:{index_size(index)}")'
        )
    return index
