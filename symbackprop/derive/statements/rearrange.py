"""Small rearrangements of a written chain that keep its values: the sign in front, the order of factors, other names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Name, Neg, Product
from symbackprop.formula.tree.walk import replace


def sign_in_front(chain: Chain) -> Chain:
    """Write a minus inside a sum or a product in front of it: `-1/4 Σ_n t_n` for `1/4 Σ_n (-t_n)`."""

    def change(node: Formula) -> Formula:
        if isinstance(node, BigSum) and node.operator == "sum" and isinstance(node.body, Neg):
            return Neg(BigSum(node.body.body, node.index, node.lower, node.upper))
        if isinstance(node, Product) and isinstance(node.factors[-1], Neg):
            return Neg(Product((*node.factors[:-1], node.factors[-1].body)))
        return node

    return _throughout(chain, change)


def in_order(chain: Chain, place: Mapping[str, int]) -> Chain:
    """Write the products of plain names in the order of their places: `x1*w1` for `w1*x1`."""

    def change(node: Formula) -> Formula:
        if not isinstance(node, Product):
            return node
        names = [factor for factor in node.factors if isinstance(factor, Name) and factor.name in place]
        if len(names) < len(node.factors):
            return node
        ordered: list[Formula] = [*sorted(names, key=lambda name: place[name.name])]
        return Product(tuple(ordered))

    return _throughout(chain, change)


def exchanged(chain: Chain, instead: Mapping[Formula, Formula], within: type[Formula] = Formula) -> Chain:
    """Write other names in place of names; `within` a kind of formula only, such as `Partial`."""

    def other(node: Formula) -> Formula:
        return instead.get(node, node) if isinstance(node, Name) else node

    if within is Formula:
        return _throughout(chain, other) if instead else chain
    return _throughout(chain, lambda node: replace(node, other) if isinstance(node, within) else node) if instead else chain


def _throughout(chain: Chain, change: Callable[[Formula], Formula]) -> Chain:
    return Chain(tuple(replace(part, change) for part in chain.parts), chain.relations)
