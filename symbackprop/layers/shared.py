"""What layers have in common: entries at fixed places, sums and counts over axes, second indices, given parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Idx, Mul

from symbackprop.network.indices import IndexSum, index_name, index_size, primed
from symbackprop.network.model import Network
from symbackprop.network.sizes import size_text

Indices = tuple[Any, ...]  # an index for each axis, or a whole number for one place on it
Activation = Callable[[Expr], Expr]


def free(indices: Indices) -> tuple[Idx, ...]:
    """Return the indices proper: those places that are not fixed."""
    return tuple(index for index in indices if isinstance(index, Idx))


def entry(symbol: Any, indices: Indices) -> Expr:
    """Return an entry of a node, the node itself where it has no indices."""
    return symbol[tuple(indices)] if indices else symbol


def total(body: Expr, indices: Indices) -> Expr:
    """Return the sum over indices, the last one innermost; the body itself where there are none."""
    over = free(indices)
    return IndexSum(body, *((index, index.lower, index.upper) for index in reversed(over))) if over else body


def count(indices: Indices) -> Expr:
    """Return how many places the indices have together."""
    return Mul(*(index_size(index) for index in free(indices)))


def bound_twin(network: Network, index: Idx, taken: Indices) -> Idx:
    """Return another index over the range of `index` to sum over: a declared one that is not taken, else a primed one."""
    names = {index_name(other) for other in (index, *free(taken))}
    return _spare(network, index, names) or primed(index, names)


def declared_twin(network: Network, index: Idx, taken: Indices) -> Idx:
    """Return another declared index over the range of `index`; where there is none, `a2` (or `a3`, …) is declared beside `a`."""
    names = {index_name(other) for other in (index, *free(taken))}
    return _spare(network, index, names) or new_index(network, index_name(index), index_size(index))


def new_index(network: Network, letter: str, size: Expr) -> Idx:
    """Declare an index of a size, called by a letter and the first free number from 2."""
    number = 2
    while network.stands_for(f"{letter}{number}"):
        number += 1
    (made,) = network.indices(f"{letter}{number}:{size_text(size)}")
    return made


def _spare(network: Network, index: Idx, names: set[str]) -> Idx | None:
    candidates = (other for other in network.declared_indices.values() if index_name(other) not in names)
    return next((other for other in candidates if (other.lower, other.upper) == (index.lower, index.upper)), None)


def parameter(network: Network, given: Any, name: str, *indices: Idx) -> Any:
    """Return the parameter that was given, else declare it."""
    return network.parameter(name, *indices) if given is None else given


def biased(network: Network, linear: Expr, bias: Any, name: str, *indices: Idx) -> Expr:
    """Return `linear` plus a bias: one that is given, one that is declared (`bias` is True), or none (False)."""
    if bias is False:
        return linear
    return linear + entry(parameter(network, None if bias is True else bias, name, *indices), indices)


def activated(network: Network, name: str, indices: Indices, linear: Expr, activation: Activation | None) -> Any:
    """Define a linear node, or `<name>_net` and the activation of it."""
    own = free(indices)
    if activation is None:
        return network.define(name, *own, linear)
    net = network.define(f"{name}_net", *own, linear)
    return network.define(name, *own, activation(entry(net, own)))
