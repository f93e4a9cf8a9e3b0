"""The steps of a lesson in the order of computing: every definition forward, every derivative backward, each with its equations.

A step asks for one number. Its equations lead there: the definition, or the chain rule, the local derivatives, the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr

from symbackprop.derive.steps.along_paths import chain_formula
from symbackprop.derive.steps.paths import Chains, Fork
from symbackprop.derive.steps.worked_formulas import adjoint_terms, is_atomic, is_trivial, merged_locals, up_to_loss
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.formula.tree.tree import Formula
from symbackprop.network.node import Role

FORWARD, BACKWARD = "forward", "backward"
#: From which hint on an equation is seen by who is asked for the number: a definition is what is given.
DEFINITION, CHAIN, LOCAL, RECIPE = 0, 1, 2, 2
#: Where more paths part than these, a chain does not spell them out; the derivative by the node they part at has its own step.
MOST_BRANCHES = 3
#: With more derivatives than these, the chain of a weight is its δ times what came in; the δ have steps of their own.
MOST_CHAINED = 60


@dataclass(frozen=True, slots=True)
class Equation:
    """`left = sides[0] = sides[1] …`, and the number it comes to (None: not worked out); `hint` is from when on it is seen."""

    left: Formula
    sides: tuple[Formula, ...]
    value: Expr | None
    hint: int


@dataclass(frozen=True, slots=True)
class LessonStep:
    """One step: in which pass, which node it is about, what is asked for, and the equations that lead to it."""

    phase: str
    name: str
    asked: Formula
    value: Expr
    equations: tuple[Equation, ...]

    @property
    def key(self) -> str:
        """What the step is called in the page: the node, or ∂ and the node."""
        return self.name if self.phase == FORWARD else f"∂{self.name}"


def lesson_steps(derivation: DerivationRecord, writer: Writer) -> tuple[LessonStep, ...]:
    """Return the steps of a network of numbers; derivatives that are 1 by themselves have none."""
    return (*_forward(derivation, writer), *_backward(derivation, writer))


def worked_names(derivation: DerivationRecord) -> tuple[str, ...]:
    """Return the names whose derivatives are worked, in the order of the sweep: those between the loss and what was asked for."""
    nodes = derivation.network.nodes
    asked = [name for name in derivation.wrt if name in derivation.adjoints]
    needed = {passed for name in asked for passed in derivation.between(name) if nodes[passed].defined}
    return (*(name for name in derivation.adjoints if name in needed), *(name for name in asked if name not in needed))


def _forward(derivation: DerivationRecord, writer: Writer) -> Iterator[LessonStep]:
    nodes = derivation.network.nodes
    for name in up_to_loss(derivation):
        if nodes[name].defined:
            left, written = writer.definition(name).parts
            equation = Equation(left, (written,), nodes[name].symbol, DEFINITION)
            yield LessonStep(FORWARD, name, left, nodes[name].symbol, (equation,))


def _backward(derivation: DerivationRecord, writer: Writer) -> Iterator[LessonStep]:
    plain = Writer(derivation, writer.notation)
    chains = Chains(derivation)
    names = [name for name in worked_names(derivation) if not is_trivial(derivation, name)]
    for name in names:
        asked = plain.partial(derivation.loss, name)
        spelt = _chain(name, chains, plain) if len(names) <= MOST_CHAINED else ()
        equations = [*spelt, *_local(name, derivation, writer), *_recipe(name, derivation, writer)]
        yield LessonStep(BACKWARD, name, asked, derivation.adjoints[name].symbol, tuple(equations))


def _chain(name: str, chains: Chains, writer: Writer) -> Iterator[Equation]:
    """The chain rule of a parameter, in derivatives alone; where many paths part, the derivative by the node they part at."""
    if writer.network.nodes[name].role is Role.PARAMETER:
        chain = chains.factored(writer.derivation.loss, name)
        branches = max((len(factor.branches) for factor in chain.factors if isinstance(factor, Fork)), default=0)
        left, product = chain_formula(chain, writer, forks=branches <= MOST_BRANCHES).parts
        if product != left:
            yield Equation(left, (product,), None, CHAIN)


def _local(name: str, derivation: DerivationRecord, writer: Writer) -> Iterator[Equation]:
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        if not is_atomic(written):
            yield Equation(writer.partial(consumer, name), (written,), local, LOCAL)


def _recipe(name: str, derivation: DerivationRecord, writer: Writer) -> Iterator[Equation]:
    """The derivative from those of what uses the name, and under its δ where it has one."""
    left, plain = writer.adjoint(name), writer.partial(derivation.loss, name)
    terms = adjoint_terms(derivation, name, writer)
    sides = (terms,) if left == plain or terms == plain else (plain, terms)
    if terms != left:  # else the local derivative is all there is
        yield Equation(left, sides, derivation.adjoints[name].symbol, RECIPE)


__all__ = ["BACKWARD", "FORWARD", "Equation", "LessonStep", "lesson_steps", "worked_names"]
