"""What a page works out, as formulas and nothing else: every definition, every local derivative, every adjoint, in order.

Everything that is computed later is computed from these formulas, and they are what is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Idx
from sympy import Sum as BIG

from symbackprop.derive.steps.writer import Writer, delta_name
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Contribution
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import Formula, Name, Neg, Number
from symbackprop.network.indices import index_name, index_size
from symbackprop.network.node import Node, Role

#: A quantity: the names of its indices, and its formula.
Worked = tuple[tuple[str, ...], Formula]


@dataclass(frozen=True, slots=True)
class WorkedFormulas:
    """The formulas of one derivation in one notation.

    `definitions` and `adjoints` are by node, in the order they are computed; `locals` are the local derivatives
    (consumer, node) of numbers that are more than a name; `deltas` maps the printed name of a shared adjoint to its node.
    `sizes` are those of all indices by their names.
    """

    loss: str
    given: tuple[Node, ...]
    definitions: Mapping[str, Worked]
    adjoints: Mapping[str, Worked]
    locals: Mapping[tuple[str, str], Formula]
    deltas: Mapping[str, str]
    sizes: Mapping[str, Expr]

    @property
    def is_scalar(self) -> bool:
        """Whether nothing up to the loss has indices, so that every step can be worked with numbers."""
        return not any(indices for indices, _ in (*self.definitions.values(), *self.adjoints.values()))


def write_formulas(derivation: DerivationRecord, writer: Writer) -> WorkedFormulas:
    """Write everything that a page of a derivation works out."""
    nodes, reached = derivation.network.nodes, up_to_loss(derivation)
    written = {use: writer.expression(local) for use, local in _local_derivatives(derivation).items()}
    return WorkedFormulas(
        derivation.loss,
        tuple(nodes[name] for name in reached if not nodes[name].defined),
        {name: (_places(nodes[name]), writer.expression(nodes[name].expression)) for name in reached if nodes[name].defined},
        _adjoint_formulas(derivation, writer),
        {use: formula for use, formula in written.items() if not is_atomic(formula)},
        {delta_name(nodes[name], writer.notation): name for name in writer.deltas},
        {index_name(index): index_size(index) for index in _all_indices(derivation)},
    )


def _places(node: Node) -> tuple[str, ...]:
    return tuple(map(index_name, node.indices))


def _local_derivatives(derivation: DerivationRecord) -> dict[tuple[str, str], Expr]:
    """Return ∂consumer/∂node of every number whose adjoint is a sum over its uses."""
    return {
        (consumer, name): local
        for name, record in derivation.adjoints.items()
        if _is_scalar_use(derivation.network.nodes[name], record.contributions) and not is_trivial(derivation, name)
        for consumer, local in merged_locals(record.contributions).items()
    }


def _adjoint_formulas(derivation: DerivationRecord, writer: Writer) -> dict[str, Worked]:
    """Write every adjoint: 1, a sum over uses, or its textbook form."""
    forms = textbook_forms(derivation)
    found: dict[str, Worked] = {}
    for name, record in derivation.adjoints.items():
        node = derivation.network.nodes[name]
        if is_trivial(derivation, name):
            found[name] = ((), Number("1"))
        elif _is_scalar_use(node, record.contributions):
            found[name] = ((), adjoint_terms(derivation, name, writer))
        else:
            found[name] = (_places(node), writer.expression(forms.get(name, record.expression)))
    return found


def worked_formulas(derivation: DerivationRecord, notation: Notation) -> tuple[Writer, WorkedFormulas]:
    """Return the writer of a page, which calls shared adjoints δ, and what it writes."""
    writer = Writer(derivation, notation, pre_activations(derivation))
    return writer, write_formulas(derivation, writer)


def up_to_loss(derivation: DerivationRecord) -> tuple[str, ...]:
    """Return the names the loss is computed from and the loss, in order; its derivative by some may be 0 everywhere."""
    return derivation.network.ancestors(derivation.loss)


def pre_activations(derivation: DerivationRecord) -> tuple[str, ...]:
    """Return the nodes whose adjoint is called δ: definitions that use a parameter, other than the loss."""
    network = derivation.network
    parameters = {node.name for node in network.of_role(Role.PARAMETER)}
    return tuple(
        name for name in derivation.adjoints if name != derivation.loss and parameters & set(network.nodes[name].parents)
    )


def is_trivial(derivation: DerivationRecord, name: str) -> bool:
    """Whether ∂loss/∂name is 1 by itself: the loss, and summands of it such as E_o1 in E_o1 + E_o2."""
    while name != derivation.loss:
        contributions = derivation.adjoints[name].contributions
        if len(contributions) != 1 or contributions[0].summed or contributions[0].local != 1 or not contributions[0].is_scalar:
            return False
        name = contributions[0].consumer
    return True


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


def adjoint_terms(derivation: DerivationRecord, name: str, writer: Writer) -> Formula:
    """Write Σ_consumers ∂E/∂consumer · ∂consumer/∂name of a scalar; local derivatives that are mere names are put in."""
    terms: list[Formula] = []
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        factor = written if is_atomic(written) else writer.partial(consumer, name)
        upstream = () if is_trivial(derivation, consumer) else (writer.adjoint(consumer),)
        factors = [part for part in (*upstream, factor) if part != Number("1")]
        terms.append(multiply(*factors) if factors else Number("1"))
    return add(*terms)


def textbook_forms(derivation: DerivationRecord) -> dict[str, Expr]:
    """Return the form of each adjoint that the steps end with, of those that are printed; none for plain numbers."""
    if not any(derivation.network.nodes[name].indices for name in derivation.adjoints):
        return {}
    return {name: form.expression for name, form in simplified_adjoints(derivation).items() if not form.put_in}


def _is_scalar_use(node: Node, contributions: tuple[Contribution, ...]) -> bool:
    return not node.indices and all(contribution.is_scalar for contribution in contributions)


def _all_indices(derivation: DerivationRecord) -> list[Idx]:
    found = dict.fromkeys(derivation.network.declared_indices.values())
    for name in up_to_loss(derivation):
        found |= dict.fromkeys(derivation.network.nodes[name].indices)
    for record in derivation.adjoints.values():
        for expression in (record.expression, derivation.network.nodes[record.node].expression):
            if expression is not None:
                found |= dict.fromkeys(limits[0] for total in expression.atoms(BIG) for limits in total.limits)
    return list(found)
