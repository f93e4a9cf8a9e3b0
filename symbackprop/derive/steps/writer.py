"""Derivations as written formulas: names, definitions, derivatives and δ in one notation.

A `Writer` puts a derivation's expressions on paper: it knows the author's order of the network's names and how the adjoint
symbols are spelt, as `∂E/∂Z[n,k]` or, where a δ was introduced, as δ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, partial

import numpy as np
from sympy import Expr, Idx

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.build import multiply
from symbackprop.formula.tree.tree import Chain, Formula, Indexed, Name, Neg, Number, Partial, Product
from symbackprop.formula.tree.walk import replace
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.formula.value.numbers import number
from symbackprop.formula.value.ordering import Rank, author_order, name_of
from symbackprop.network.model import Network
from symbackprop.network.node import Node

Spell = Callable[[tuple[Formula, ...]], Formula]


def ranks(network: Network) -> dict[str, Rank]:
    """Return the author's rank of every name of a network."""
    return author_order((node.name, node.role.value) for node in network.nodes.values())


class Writer:
    """Writes one derivation in one notation; `deltas` are the nodes whose adjoint is written δ."""

    def __init__(self, derivation: DerivationRecord, notation: Notation | None = None, deltas: Collection[str] = ()) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.notation = (notation or Notation()).beside(self.network.nodes)
        self.deltas = frozenset(deltas)
        self._written: dict[tuple[type, Expr], Formula] = {}  # the same expression is written in many places
        self._spell = {name_of(adjoint.symbol): self._adjoint_spelling(name) for name, adjoint in derivation.adjoints.items()}
        self._order = ranks(self.network)

    def expression(self, expression: Expr) -> Formula:
        """Write a sympy expression in node names and adjoint symbols."""
        key = (type(expression), expression)
        if key not in self._written:
            self._written[key] = from_sympy(expression, self._order, self.notation, self._spell)
        return self._written[key]

    def entry(self, name: str, indices: tuple[Expr, ...] | None = None) -> Formula:
        """Write a node: its name, with its own or the given indices."""
        node = self.network.node(name)
        used = node.indices if indices is None else indices
        return Indexed(name, tuple(self.expression(index) for index in used)) if node.indices else Name(name)

    def definition(self, name: str) -> Chain:
        """Write `node = its definition`."""
        node = self.network.node(name)
        if node.expression is None:
            raise UserError(f"{name} has no definition: it is declared ({node.role.value})")
        return Chain((self.entry(name), self.expression(node.expression)), ("=",))

    def partial(
        self,
        of: str,
        by: str,
        of_indices: tuple[Expr, ...] | None = None,
        by_indices: tuple[Expr, ...] | None = None,
    ) -> Partial:
        """Write ∂of/∂by."""
        return Partial(self.entry(of, of_indices), self.entry(by, by_indices))

    def adjoint(self, name: str, indices: tuple[Expr, ...] | None = None) -> Formula:
        """Write ∂loss/∂node, or δ where one was introduced for the node."""
        node = self.network.node(name)
        used = node.indices if indices is None else indices
        spelling = self._adjoint_spelling(name)
        return spelling(tuple(self.expression(i) for i in used)) if callable(spelling) else spelling

    def _adjoint_spelling(self, name: str) -> Formula | Spell:
        node = self.network.node(name)
        loss = Name(self.derivation.loss)
        if name in self.deltas:
            symbol = delta_name(node, self.notation)
            positive: Formula | Spell = partial(Indexed, symbol) if node.indices else Name(symbol)
            return positive if self.notation.delta_sign > 0 else _negative(positive)
        if node.indices:
            return lambda indices: Partial(loss, Indexed(name, indices))
        return Partial(loss, Name(name))

    @cached_property
    def whole_adjoints(self) -> Mapping[str, Formula]:
        """How the adjoint symbols are written in matrix form, ∂E/∂A, of arrays and of numbers between them."""
        loss = Name(self.derivation.loss)
        return {name_of(adjoint.symbol): Partial(loss, Name(adjoint.node)) for adjoint in self.derivation.adjoints.values()}

    def product(self, expressions: tuple[Expr, ...]) -> Formula:
        """Write factors one after the other, in the order given, nothing multiplied out."""
        factors: list[Formula] = []
        negative = False
        for expression in expressions:
            written = self.expression(expression)
            if isinstance(written, Neg):
                negative, written = not negative, written.body
            if written == Number("1"):
                continue
            factors.extend(written.factors if isinstance(written, Product) else (written,))
        body = multiply(*factors) if factors else Number("1")
        return Neg(body) if negative else body

    def with_values(self, formula: Formula, values: Mapping[str, float]) -> Formula:
        """Put numbers in place of names; a negative number is `Neg`, so printers bracket it where needed."""

        def change(node: Formula) -> Formula:
            if isinstance(node, Name) and node.name in values:
                return self.number(values[node.name])
            if isinstance(node, Partial):
                raise UserError(f"values: {node} stands for a derivative; give formulas without derivatives")
            return node

        return replace(formula, change)

    def number(self, value: float) -> Formula:
        """Write a number under the notation's rounding rule; a whole one has no point."""
        plain = float(np.asarray(value).item())
        whole = plain.is_integer() and abs(plain) < 2**53
        return number(int(plain) if whole else plain, self.notation)


def _negative(positive: Formula | Spell) -> Formula | Spell:
    if callable(positive):
        return lambda indices: Neg(positive(indices))
    return Neg(positive)


def delta_name(node: Node, notation: Notation) -> str:
    """Return the name of a node's δ: `delta_o1` for `net_o1` or `z_o1`, `delta_Z` for `Z`."""
    head, _, label = node.name.partition("_")
    return f"{notation.delta}_{label if label and head in PRE_ACTIVATIONS else node.name.replace('_', '')}"


#: First parts of names that stand for a unit's input; the unit's label is what follows.
PRE_ACTIVATIONS = frozenset({"net", "z", "a", "s", "sum", "u", "v"})


def index_formula(index: Idx) -> Name:
    """Write an index."""
    return Name(str(index.label))
