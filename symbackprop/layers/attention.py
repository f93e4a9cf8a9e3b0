"""Scaled dot-product attention (Vaswani et al. 2017): one head or several, of a sequence to itself or to a context, masked or
not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sympy import Expr, Idx, S, exp, sqrt

from symbackprop.layers.shared import Indices, bound_twin, declared_twin, entry, free, parameter, total
from symbackprop.network.indices import guarded, index_size, substitute
from symbackprop.network.model import Network

Mask = Callable[[Idx, Idx], Expr]
Weights = Mapping[str, Any]
NONE_GIVEN: Weights = MappingProxyType({})


def attention(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    head: Idx,
    *,
    causal: bool = False,
    mask: Mask | None = None,
    context: Any = None,
    context_position: Idx | None = None,
    bias: bool = False,
    weights: Weights = NONE_GIVEN,
) -> Any:
    """Attention of one head:

        Q = x W_Q,  K = c W_K,  V = c W_V,  S = Q Kᵀ/√H,  P = softmax of the rows of S,  y = P V

    `indices` = (samples …, position a, feature i) of x: (…, T, D); W_Q, W_K, W_V: (D, H), S, P: (…, T, T), y: (…, T, H). The
    context c is x itself, or a node over (samples …, `context_position`, feature). With `causal`, position a attends to 0 .. a
    only; with a mask, such as `lambda a, b: m[a, b]`, to the positions b at which that is positive; at least one must be left.
    `bias` adds b_Q, b_K, b_V: (H,); the gradient of b_K is 0, since b_K moves each row of S as a whole. Parameters that are
    shared are given by their names in `weights`: "WQ", "bQ", …
    """
    *samples, a, _ = indices
    parts = _projections(network, name, x, indices, (head,), context, context_position, bias, weights)
    b = parts[1][1][-2]
    P = _probabilities(network, name, parts, (tuple(samples), a, b), head, causal, mask)
    values, at = parts[2]
    own = (*free(tuple(samples)), a)
    return network.define(name, *own, head, total(P[(*own, b)] * values[at], (b,)))


def multi_head_attention(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    heads: Idx,
    head: Idx,
    *,
    causal: bool = False,
    mask: Mask | None = None,
    context: Any = None,
    context_position: Idx | None = None,
    bias: bool = False,
    weights: Weights = NONE_GIVEN,
) -> Any:
    """Attention of several heads g, whose outputs are mixed: `y[n,a,o] = Σ_g Σ_h O[n,g,a,h] W_O[g,h,o]`.

    As `attention`, with W_Q, W_K, W_V: (G, D, H), O: (…, G, T, H), W_O: (G, H, D), y: (…, T, D); the biases b_Q, b_K, b_V: (G, H)
    and b_O: (D,).
    """
    *samples, a, i = indices
    parts = _projections(network, name, x, indices, (heads, head), context, context_position, bias, weights)
    b = parts[1][1][-2]
    own = free((*samples, heads))
    P = _probabilities(network, name, parts, (own, a, b), head, causal, mask)
    values, at = parts[2]
    O = network.define(f"{name}_O", *own, a, head, total(P[(*own, a, b)] * values[at], (b,)))  # noqa: E741 - as in the formula
    out = declared_twin(network, i, (*indices, heads, head, b))
    W = parameter(network, weights.get("WO"), f"{name}_WO", heads, head, out)
    mixed = total(O[(*own, a, head)] * W[heads, head, out], (heads, head))
    if bias or "bO" in weights:
        mixed += parameter(network, weights.get("bO"), f"{name}_bO", out)[out]
    place = free((*samples, a))
    return network.define(name, *place, i, substitute(mixed, {out: i}))


Part = tuple[Any, tuple[Idx, ...]]  # a node and its indices


def _projections(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: tuple[Idx, ...],
    context: Any,
    context_position: Idx | None,
    bias: bool,
    weights: Weights,
) -> tuple[Part, Part, Part]:
    """Define Q over the positions of x, K and V over those of the context; each with its indices (samples, heads, position,
    head)."""
    *samples, a, i = indices
    *heads, h = unit
    b = declared_twin(network, a, (*indices, *unit)) if context_position is None else context_position
    source, at = (x, a) if context is None else (context, context_position)
    found: list[Part] = []
    for part, node, position in (("Q", x, a), ("K", source, at), ("V", source, at)):
        W = parameter(network, weights.get(f"W{part}"), f"{name}_W{part}", *heads, i, h)
        linear = total(entry(node, (*samples, position, i)) * W[(*heads, i, h)], (i,))
        if bias or f"b{part}" in weights:
            linear += parameter(network, weights.get(f"b{part}"), f"{name}_b{part}", *unit)[unit]
        made = network.define(f"{name}_{part}", *free((*samples, *heads)), position, h, linear)
        found.append((made, (*free((*samples, *heads)), a if part == "Q" else b, h)))
    return found[0], found[1], found[2]


def _probabilities(
    network: Network,
    name: str,
    parts: tuple[Part, Part, Part],
    place: tuple[Indices, Idx, Idx],
    head: Idx,
    causal: bool,
    mask: Mask | None,
) -> Any:
    """Define S and its softmax over the positions that are seen."""
    samples, a, b = place
    (query, at), (key, beside), _ = parts
    own = free(samples)
    S_ = network.define(f"{name}_S", *own, a, b, total(query[at] * key[beside], (head,)) / sqrt(index_size(head)))
    q = bound_twin(network, b, (*own, a, b, head))

    def weight(position: Idx) -> Expr:
        seen: Any = S.true if mask is None else mask(a, position) > 0
        return guarded(exp(S_[(*own, a, position)]), seen & (position <= a) if causal else seen)

    return network.define(f"{name}_P", *own, a, b, weight(b) / total(weight(q), (q,)))
