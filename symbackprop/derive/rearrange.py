"""Small rearrangements of a written formula that keep its value: the sign in front, the order of factors, other names."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.formula.tree import BigSum, Formula, Name, Neg, Product
from symbackprop.formula.walk import replace


def sign_in_front(formula: Formula) -> Formula:
    """Write a minus inside a sum or a product in front of it: `-1/4 Σ_n t_n` for `1/4 Σ_n (-t_n)`."""

    def change(node: Formula) -> Formula:
        if isinstance(node, BigSum) and node.operator == "sum" and isinstance(node.body, Neg):
            return Neg(BigSum(node.body.body, node.index, node.lower, node.upper))
        if isinstance(node, Product) and isinstance(node.factors[-1], Neg):
            return Neg(Product((*node.factors[:-1], node.factors[-1].body)))
        return node

    return replace(formula, change)


def in_order(formula: Formula, place: Mapping[str, int]) -> Formula:
    """Write the products of plain names in the order of their places: `x1*w1` for `w1*x1`."""

    def change(node: Formula) -> Formula:
        if not isinstance(node, Product):
            return node
        names = [factor for factor in node.factors if isinstance(factor, Name) and factor.name in place]
        if len(names) < len(node.factors):
            return node
        ordered: list[Formula] = [*sorted(names, key=lambda name: place[name.name])]
        return Product(tuple(ordered))

    return replace(formula, change)


def exchanged(formula: Formula, instead: Mapping[Formula, Formula]) -> Formula:
    """Write other names in place of names."""
    if not instead:
        return formula
    return replace(formula, lambda part: instead.get(part, part) if isinstance(part, Name) else part)
