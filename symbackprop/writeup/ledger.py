"""Every number of a handout, computed once and in the order it is printed, each from printed numbers only.

The rule of the ledger: a result is rounded where it is printed, and whatever comes later uses the rounded value. So a reader with
a pocket calculator gets every printed digit again. Given values with more places than printed are rounded first.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from typing import Any

import numpy as np
from sympy import Expr
from sympy import Sum as BIG

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.records import Contribution
from symbackprop.derive.simplify import simplified_adjoints
from symbackprop.derive.sweep import ancestors
from symbackprop.derive.writer import Writer, delta_name
from symbackprop.errors import UserError
from symbackprop.formula.build import add, multiply
from symbackprop.formula.tree import Formula, Indexed, Name, Neg, Number, Partial
from symbackprop.network.indices import index_name, index_size
from symbackprop.network.node import Node, Role
from symbackprop.writeup.arithmetic import Rounding, Scope, evaluate, exact

Value = Any  # an exact fraction, or an object array of them


@dataclass(frozen=True, slots=True)
class Ledger:
    """Printed values: of every node, of every adjoint, and (scalars) of every local derivative that is not just a name."""

    writer: Writer
    rounding: Rounding
    values: Mapping[str, Value]
    adjoints: Mapping[str, Value]
    locals: Mapping[tuple[str, str], Exact]
    sizes: Mapping[str, int]
    scope: Scope  # what names, elements and derivatives stand for

    def adjoint(self, name: str) -> Value:
        """Return ∂loss/∂name as printed; 0 where the loss does not depend on it."""
        return self.adjoints.get(name, Exact(0))

    def text(self, value: Exact) -> str:
        """Return the printed digits of a value."""
        return self.rounding.text(value)


def up_to_loss(derivation: Derivation) -> tuple[str, ...]:
    """Return the names the loss is computed from and the loss, in order; its derivative by some may be 0 everywhere."""
    reached = ancestors(derivation.network, derivation.loss)
    return tuple(name for name in derivation.network.nodes if name in reached)


def pre_activations(derivation: Derivation) -> tuple[str, ...]:
    """Return the nodes whose adjoint is called δ: definitions that use a parameter, other than the loss."""
    network = derivation.network
    parameters = {node.name for node in network.of_role(Role.PARAMETER)}
    return tuple(
        name for name in derivation.adjoints if name != derivation.loss and parameters & set(network.nodes[name].parents)
    )


def is_trivial(derivation: Derivation, name: str) -> bool:
    """Whether ∂loss/∂name is 1 by itself: the loss, and summands of it such as E_o1 in E_o1 + E_o2."""
    if name == derivation.loss:
        return True
    contributions = derivation.adjoints[name].contributions
    if len(contributions) != 1 or contributions[0].summed or contributions[0].local != 1:
        return False
    return contributions[0].is_scalar and is_trivial(derivation, contributions[0].consumer)


def merged_locals(contributions: tuple[Contribution, ...]) -> dict[str, Any]:
    """Return the local derivative for each consumer of a scalar, several uses in one definition added up."""
    found: dict[str, Any] = {}
    for contribution in contributions:
        known = found.get(contribution.consumer)
        found[contribution.consumer] = contribution.local if known is None else known + contribution.local
    return found


def is_atomic(formula: Formula) -> bool:
    """Whether a local derivative is just a name or a number, which needs no line of its own."""
    body = formula.body if isinstance(formula, Neg) else formula
    return isinstance(body, Name | Number)


def adjoint_terms(derivation: Derivation, name: str, writer: Writer) -> Formula:
    """Write Σ_consumers ∂E/∂consumer · ∂consumer/∂name of a scalar; local derivatives that are mere names are put in."""
    terms: list[Formula] = []
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        factor = written if is_atomic(written) else writer.partial(consumer, name)
        upstream = () if is_trivial(derivation, consumer) else (writer.adjoint(consumer),)
        factors = [part for part in (*upstream, factor) if part != Number("1")]
        terms.append(multiply(*factors) if factors else Number("1"))
    return add(*terms)


def keep_books(derivation: Derivation, writer: Writer, rounding: Rounding, values: Mapping[str, Value] | None = None) -> Ledger:
    """Compute everything a handout prints, forward and backward, rounding as it prints.

    Raises UserError when a value is missing or the network has none at these values.
    """
    network = derivation.network
    given = {**network.values, **(values or {})}
    sizes = {str(key): int(size) for key, size in network.sizes(given).items()}
    kept = _forward(derivation, writer, rounding, given, sizes)
    adjoints: dict[str, Value] = {}
    local_values: dict[tuple[str, str], Exact] = {}
    scope = _scope(writer, kept, adjoints, local_values, sizes)
    forms = textbook_forms(derivation)
    for name, record in derivation.adjoints.items():
        node = network.nodes[name]
        if is_trivial(derivation, name):
            adjoints[name] = Exact(1)
        elif _is_scalar_use(node, record.contributions):
            for consumer, local in merged_locals(record.contributions).items():
                written = writer.expression(local)
                if not is_atomic(written):
                    local_values[consumer, name] = rounding.round(evaluate(written, scope))
            adjoints[name] = rounding.round(evaluate(adjoint_terms(derivation, name, writer), scope))
        else:
            adjoints[name] = _filled(node, writer.expression(forms.get(name, record.expression)), scope, rounding)
    return Ledger(writer, rounding, kept, adjoints, local_values, sizes, scope)


def textbook_forms(derivation: Derivation) -> dict[str, Expr]:
    """Return the form of each adjoint that the steps end with, of those that are printed; none for plain numbers."""
    if not any(derivation.network.nodes[name].indices for name in derivation.adjoints):
        return {}
    return {name: form.expression for name, form in simplified_adjoints(derivation).items() if not form.put_in}


def forward_values(
    derivation: Derivation, writer: Writer, rounding: Rounding, values: Mapping[str, Value]
) -> Mapping[str, Value]:
    """Return the printed values of all nodes up to the loss."""
    given = {**derivation.network.values, **values}
    sizes = {str(key): int(size) for key, size in derivation.network.sizes(given).items()}
    return _forward(derivation, writer, rounding, given, sizes)


def _forward(
    derivation: Derivation, writer: Writer, rounding: Rounding, given: Mapping[str, Value], sizes: Mapping[str, int]
) -> dict[str, Value]:
    kept: dict[str, Value] = {}
    scope = _scope(writer, kept, {}, {}, sizes)
    for name in up_to_loss(derivation):
        node = derivation.network.nodes[name]
        if not node.defined:
            kept[node.name] = _given(node, given, rounding)
        else:
            kept[node.name] = _filled(node, writer.expression(node.expression), scope, rounding)
    return kept


def _given(node: Node, given: Mapping[str, Value], rounding: Rounding) -> Value:
    if node.name not in given:
        raise UserError(f"handout: no value for {node.name} ({node.role.value}); give one where it is declared")
    if not node.indices:
        return rounding.round(exact(given[node.name]))
    array = np.asarray(given[node.name])
    found = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        found[place] = rounding.round(exact(array[place]))
    return found


def _filled(node: Node, formula: Formula, scope: Scope, rounding: Rounding) -> Value:
    if not node.indices:
        return rounding.round(evaluate(formula, scope))
    names = [index_name(index) for index in node.indices]
    counts = [_count(index, scope.ranges) for index in node.indices]
    found = np.empty(tuple(counts), dtype=object)
    for place in itertools.product(*map(range, counts)):
        found[place] = rounding.round(evaluate(formula, scope.at(**dict(zip(names, place, strict=True)))))
    return found


def _count(index: Any, ranges: Mapping[str, int]) -> int:
    name = index_name(index)
    return ranges[name] if name in ranges else int(index_size(index))


def _is_scalar_use(node: Node, contributions: tuple[Contribution, ...]) -> bool:
    return not node.indices and all(contribution.is_scalar for contribution in contributions)


def _scope(
    writer: Writer,
    values: Mapping[str, Value],
    adjoints: Mapping[str, Value],
    local_values: Mapping[tuple[str, str], Exact],
    sizes: Mapping[str, int],
) -> Scope:
    network = writer.network
    loss = writer.derivation.loss
    deltas = {delta_name(network.nodes[name], writer.notation): name for name in writer.deltas}

    def element(table: Mapping[str, Value], name: str, at: tuple[Formula, ...], indices: Mapping[str, int]) -> Any:
        inner = Scope(lookup, ranges, indices)
        return table[name][tuple(int(evaluate(index, inner)) for index in at)]

    def derivative(formula: Partial, indices: Mapping[str, int]) -> Any:
        of, by = formula.numerator, formula.denominator
        if not isinstance(of, Name):
            return None
        if isinstance(by, Indexed):
            return element(adjoints, by.name, by.indices, indices) if of.name == loss else None
        if not isinstance(by, Name):
            return None
        local = local_values.get((of.name, by.name))
        return local if local is not None else adjoints.get(by.name) if of.name == loss else None

    def lookup(formula: Formula, indices: Mapping[str, int]) -> Any:
        if isinstance(formula, Name):
            if formula.name in indices:
                return Exact(indices[formula.name])
            if formula.name in deltas:
                return adjoints[deltas[formula.name]]
            if formula.name in values:
                return values[formula.name]
            return Exact(sizes[formula.name]) if formula.name in sizes else None
        if isinstance(formula, Indexed):
            if formula.name in deltas:
                return element(adjoints, deltas[formula.name], formula.indices, indices)
            return element(values, formula.name, formula.indices, indices) if formula.name in values else None
        if isinstance(formula, Partial):
            return derivative(formula, indices)
        return None

    ranges = {}
    for index in _all_indices(writer):
        size = index_size(index)
        letters = size.free_symbols
        if all(str(letter) in sizes for letter in letters):  # an index that no array uses may run over anything
            ranges[index_name(index)] = int(size.subs({letter: sizes[str(letter)] for letter in letters}))
    return Scope(lookup, ranges, {})


def _all_indices(writer: Writer) -> list[Any]:
    found = dict.fromkeys(writer.network.declared_indices.values())
    for record in writer.derivation.adjoints.values():
        for expression in (record.expression, writer.network.nodes[record.node].expression):
            if expression is not None:
                found |= dict.fromkeys(limits[0] for total in expression.atoms(BIG) for limits in total.limits)
    return list(found)
