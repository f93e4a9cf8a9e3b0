"""A gradient derived in steps, each a written formula with its reason.

`brief` is the result; `standard` goes chain → local derivatives → product → result, with a δ where an adjoint is shared; `full`
adds every local derivative rule by rule on the written definition. The same record serves index notation: there the chain is
one relation per node, `∂E/∂W[i,j] = Σ_n ∂E/∂Z[n,j] · ∂Z[n,j]/∂W[i,j]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Integer

from symbackprop.derive.reasons import because
from symbackprop.derive.steps.along_paths import chain_product, scalar_steps, shortened
from symbackprop.derive.steps.named_adjoints import is_long, named_result, named_steps
from symbackprop.derive.steps.paths import Chains
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.with_indices import index_steps, textbook_expression
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.sweep.derivation import GradientRecord
from symbackprop.derive.textbook.unseen import unseen_by
from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.build import multiply, subtract
from symbackprop.formula.tree.tree import Chain, Formula, Name, Update

LEVELS = ("brief", "standard", "full")


def check_level(level: str) -> None:
    """Raise UserError for an unknown level."""
    if level not in LEVELS:
        raise UserError(f"steps: expected one of {', '.join(LEVELS)}, got {level!r}.{nearest(level, LEVELS)}")


def is_scalar_path(gradient: GradientRecord) -> bool:
    """Whether no node between the loss and the name has indices, so that the chain is a plain product."""
    return not any(gradient.derivation.network.nodes[name].indices for name in gradient.derivation.between(gradient.name))


def result_step(gradient: GradientRecord, writer: Writer) -> Step:
    """Return `∂E/∂w = expression` in node names, and in the adjoints of nodes where that would be too long."""
    scalar = is_scalar_path(gradient)
    if not scalar and (blind := unseen_by(gradient.derivation, gradient.name)):
        return _vanishing_step(gradient, writer, blind)
    if gradient.terms and is_long(gradient, scalar):
        return named_result(gradient, writer, scalar)
    if scalar and gradient.terms:
        chain = Chains(gradient.derivation).factored(gradient.derivation.loss, gradient.name)
        short = shortened(chain, writer)
        value = chain_product(chain, writer) if short is None else writer.expression(short[0])
    else:
        value = writer.expression(textbook_expression(gradient))
    return Step("result", Chain((writer.partial(gradient.derivation.loss, gradient.name), value), ("=",)))


def _vanishing_step(gradient: GradientRecord, writer: Writer, blind: tuple[str, ...]) -> Step:
    """Return `∂E/∂b = 0`, since the nodes `blind`, through which all of it passes, do not change when the name does."""
    value = writer.expression(Integer(0))
    names = ", ".join(blind)
    why = because("unseen", name=gradient.name, nodes=names)
    return Step("result", Chain((writer.partial(gradient.derivation.loss, gradient.name), value), ("=",)), why)


def written_steps(gradient: GradientRecord, notation: Notation | None = None, level: str = "standard") -> tuple[Step, ...]:
    """Return the steps of a gradient at a level: brief, standard or full."""
    check_level(level)
    writer = Writer(gradient.derivation, notation)
    if not gradient.terms or level == "brief":
        return (result_step(gradient, writer),)
    if not is_scalar_path(gradient):
        steps: Iterable[Step] = index_steps(gradient, writer, level)
        if unseen_by(gradient.derivation, gradient.name):
            steps = (*steps, result_step(gradient, writer))
    elif is_long(gradient, scalar=True):
        steps = named_steps(gradient, writer, level)
    else:
        steps = scalar_steps(gradient, writer, level)
    return tuple(dict.fromkeys(steps))  # what is shown once need not be shown again


def number_chain(gradient: GradientRecord, writer: Writer, values: Mapping[str, float], result: float) -> Chain:
    """Write `∂E/∂w = product = product with numbers = result` for a scalar path; `values` are those of all nodes."""
    chain = Chains(gradient.derivation).factored(gradient.derivation.loss, gradient.name)
    product = chain_product(chain, writer)
    left = writer.partial(gradient.derivation.loss, gradient.name)
    return Chain((left, product, writer.with_values(product, values), writer.number(result)), ("=", "=", "="))


def update_chain(
    gradient: GradientRecord, writer: Writer, learning_rate: float | None, old: float | None, slope: float | None
) -> Chain:
    """Write `w^+ = w - η ∂E/∂w`, continued with numbers when they are given."""
    weight = writer.entry(gradient.name)
    left = Update(weight)
    eta = Name(writer.notation.learning_rate)
    derivative = writer.partial(gradient.derivation.loss, gradient.name)
    parts: list[Formula] = [left, subtract(weight, multiply(eta, derivative))]
    if learning_rate is not None and old is not None and slope is not None:
        parts.append(subtract(writer.number(old), multiply(writer.number(learning_rate), writer.number(slope))))
        parts.append(writer.number(old - learning_rate * slope))
    return Chain(tuple(parts), ("=",) * (len(parts) - 1))
