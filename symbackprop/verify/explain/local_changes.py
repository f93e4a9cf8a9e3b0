"""How each mistake in one local derivative is tried: the contribution as it would be, with what is said of it.

A contribution to ∂E/∂(node) is Σ (∂E/∂consumer) · (∂consumer/∂node). A change gives another local derivative, or another adjoint
before it; what that does to every gradient is worked out by `evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Function, Idx, Indexed, Integer, Mul, Number, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Contribution
from symbackprop.functions import ELEMENTARY, ElementaryFunction, step
from symbackprop.network.node import Node
from symbackprop.verify.wording import formula

MOST_NAMES = 12
"""Names tried in the place of another."""


@dataclass(frozen=True)
class Use:
    """One contribution to the adjoint of a node: how a consumer uses it."""

    derivation: DerivationRecord
    node: str
    position: int

    @property
    def contribution(self) -> Contribution:
        """The contribution."""
        return self.derivation.adjoints[self.node].contributions[self.position]

    @property
    def local(self) -> Expr:
        """The local derivative."""
        return self.contribution.local

    @property
    def factors(self) -> tuple[Expr, ...]:
        """The factors of the local derivative."""
        return tuple(Mul.make_args(self.local))

    @property
    def quotient(self) -> str:
        """The local derivative's name, `∂net_o1/∂w7`."""
        return f"∂{self.contribution.consumer}/∂{self.node}"

    @property
    def derivative(self) -> str:
        """The local derivative as an equation; where it is one of several terms of ∂consumer/∂node, that is shown.

        What is written ∂loss/∂node is the whole derivative by the loss, also where other nodes stand between.
        """
        terms = self.derivation.adjoints[self.node].contributions
        if self.contribution.consumer != self.derivation.loss:
            terms = tuple(term for term in terms if term.consumer == self.contribution.consumer)
        return f"{self.quotient} = {formula(self.local)}{' + …' if len(terms) > 1 else ''}"

    def adjoint(self, name: str) -> str:
        """Return the name of an adjoint, `∂E/∂y`."""
        return f"∂{self.derivation.loss}/∂{name}"

    @cached_property
    def slope(self) -> tuple[Expr, Expr] | None:
        """(call, output) when the consumer is an elementary function of the node, such as out = σ(net)."""
        consumer = self.derivation.network.nodes[self.contribution.consumer]
        expression = consumer.expression
        if expression is None or expression.func not in ELEMENTARY or self.contribution.summed:
            return None
        if not isinstance(expression.args[0], Symbol | Indexed):
            return None
        mapping = dict(zip(consumer.indices, self.contribution.consumer_indices, strict=True))
        return expression.xreplace(mapping), consumer.entry.xreplace(mapping)

    @property
    def function(self) -> ElementaryFunction:
        """What is known of the function whose slope it is."""
        return ELEMENTARY[self.derivation.network.nodes[self.contribution.consumer].expression.func]  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Trial:
    """Another local derivative (and adjoint before it), the values it is said with, and how much more far-fetched it is."""

    local: Expr
    values: Mapping[str, Any] = field(default_factory=dict)
    upstream: Expr | None = None
    extra: float = 0.0


Trials = Iterator[Trial]
Tried = Callable[[Use], Trials]
"""How a mistake is tried: the trials at one use of a node."""


# ---- the derivative of an elementary function ----------------------------------------------------------------------


def slope_left_out(use: Use) -> Iterator[Trial]:
    """1 for σ'(net)."""
    if use.slope is not None:
        yield Trial(Integer(1), {"function": use.function.name})


def slope_of_output(use: Use) -> Iterator[Trial]:
    """σ'(out) for σ'(net): the code applies the function once more."""
    if use.slope is not None:
        call, output = use.slope
        again = call.func(output, *call.args[1:])
        yield Trial(use.local.xreplace({output: again}), {"function": use.function.name, "output": output})


def slope_of_argument(use: Use) -> Iterator[Trial]:
    """net (1 - net) for out (1 - out)."""
    if use.slope is not None:
        call, output = use.slope
        yield Trial(use.local.xreplace({output: call.args[0]}), {"put": call.args[0]})


def slope_misremembered(use: Use) -> Iterator[Trial]:
    """`1 - y` for `1 - y²`."""
    yield from (trial for of, trial in _usual(use) if not of)


def slope_of_another(use: Use) -> Iterator[Trial]:
    """`y (1 - y)` for `1 - y²`."""
    yield from (trial for of, trial in _usual(use) if of)


def _usual(use: Use) -> Iterator[tuple[str, Trial]]:
    """Yield what the function's row says is written for its slope, with the function that it belongs to."""
    if use.slope is not None:
        call, output = use.slope
        for usual in use.function.misremembered:
            put = usual.slope(output, call.args[0])
            yield usual.of, Trial(put, {"put": put, "other": usual.of})


# ---- factors and summands ------------------------------------------------------------------------------------------


def _variable_factors(use: Use) -> Iterator[tuple[Expr, Expr]]:
    """Yield (factor, the others) for what is no number; a slope that is the whole derivative is tried as a slope."""
    for at, factor in enumerate(use.factors):
        if not isinstance(factor, Number) and (use.slope is None or len(use.factors) > 1):
            yield factor, Mul(*use.factors[:at], *use.factors[at + 1 :])


def factor_left_out(use: Use) -> Iterator[Trial]:
    """x for x·w."""
    for factor, rest in _variable_factors(use):
        yield Trial(rest, {"factor": factor})


def power_left_out(use: Use) -> Iterator[Trial]:
    """x for x²."""
    for factor, rest in _variable_factors(use):
        if factor.is_Pow:
            yield Trial(rest * factor.args[0], {"factor": factor, "put": factor.args[0]})


def factor_twice(use: Use) -> Iterator[Trial]:
    """x² for x."""
    for factor, rest in _variable_factors(use):
        yield Trial(rest * factor**2, {"factor": factor})


def upstream_left_out(use: Use) -> Iterator[Trial]:
    """The adjoint of the consumer taken as 1."""
    contribution = use.contribution
    if not contribution.summed or contribution.local != 1:
        names = {"adjoint": use.adjoint(contribution.consumer), "wanted": use.adjoint(use.node), "quotient": use.quotient}
        yield Trial(use.local, names, upstream=Integer(1))


def term_left_out(use: Use) -> Iterator[Trial]:
    """`y` for `y - t`."""
    for factor in use.factors:
        if isinstance(factor, Add):
            for summand in (s for s in factor.args if factor - s != 1):  # without it the whole factor is missing
                yield Trial(use.local.xreplace({factor: factor - summand}), {"term": summand})


def function_left_out(use: Use) -> Iterator[Trial]:
    """`c` for `tanh(c)`."""
    for call in sorted((c for c in use.local.atoms(Function) if c.func in ELEMENTARY and len(c.args) == 1), key=str):
        yield Trial(use.local.xreplace({call: call.args[0]}), {"put": call.args[0], "call": call})


def index_moved(use: Use) -> Iterator[Trial]:
    """An index that runs backwards, `k[F - 1 - u]` for `k[u]`, or stands still, `k[0]`."""
    for entry in sorted(use.local.atoms(Indexed), key=str):
        for at, address in enumerate(entry.indices):
            for index in sorted(address.atoms(Idx), key=str):
                for extra, put in enumerate((index.lower + index.upper - index, index.lower, index.upper)):
                    moved = entry.base[(*entry.indices[:at], address.xreplace({index: put}), *entry.indices[at + 1 :])]
                    yield Trial(use.local.xreplace({entry: moved}), {"put": moved, "entry": entry}, extra=0.05 * extra)


# ---- conditions ----------------------------------------------------------------------------------------------------


def _switches(use: Use) -> list[Expr]:
    """Return the conditions in a local derivative: steps, and nodes that are defined as one."""
    found = list(use.local.atoms(step))
    for entry in use.local.atoms(Symbol, Indexed):
        node = use.derivation.network.nodes.get(_name(entry))
        bare = isinstance(entry, Symbol) and node is not None and node.indices
        if not bare and node is not None and node.expression is not None and node.expression.func is step:
            found.append(entry)
    return found


def _with_switch(put: Callable[[Expr], Expr]) -> Tried:
    def trials(use: Use) -> Iterator[Trial]:
        for switch in _switches(use):
            yield Trial(use.local.xreplace({switch: put(switch)}))

    return trials


condition_turned = _with_switch(lambda switch: 1 - switch)
condition_with_minus_one = _with_switch(lambda switch: 2 * switch - 1)
condition_left_out = _with_switch(lambda switch: Integer(1))
condition_never = _with_switch(lambda switch: Integer(0))


# ---- one name for another ------------------------------------------------------------------------------------------


def upstream_exchanged(use: Use) -> Iterator[Trial]:
    """Another array of the consumer's shape where the consumer's adjoint belongs: `dP` for `dS`, a target for a residual."""
    nodes, indices = use.derivation.network.nodes, use.contribution.consumer_indices
    consumer = nodes[use.contribution.consumer]
    said = {"wanted": use.adjoint(use.node), "adjoint": use.adjoint(consumer.name)}
    for other in (node for node in nodes.values() if consumer.indices and _alike(consumer, node)):
        adjoint = use.derivation.adjoints.get(other.name)
        if adjoint is not None and other.defined:
            yield Trial(use.local, {**said, "put": use.adjoint(other.name)}, upstream=adjoint.symbol[indices])
        yield Trial(use.local, {**said, "put": other.name}, upstream=other.symbol[indices], extra=0.1)


def name_exchanged(use: Use) -> Iterator[Trial]:
    """One name for another of the same shape, the most similar first; an array that is broadcast, `y - b` for `y - t`."""
    for entry, node in _entries(use):
        for put in (*_of_the_same_shape(use, entry, node), *_broadcast(use, entry)):
            yield Trial(use.local.xreplace({entry: put}), {"put": put, "entry": entry})


def name_transposed(use: Use) -> Iterator[Trial]:
    """`W[j,i]` for `W[i,j]`."""
    for entry, _ in _entries(use):
        if isinstance(entry, Indexed) and len(entry.indices) == 2:
            put = entry.base[entry.indices[::-1]]
            yield Trial(use.local.xreplace({entry: put}), {"put": put, "entry": entry})


def _name(entry: Expr) -> str:
    return str(entry.base.label) if isinstance(entry, Indexed) else str(entry)


def _entries(use: Use) -> Iterator[tuple[Expr, Node]]:
    """Yield the entries of nodes in a local derivative."""
    nodes = use.derivation.network.nodes
    for entry in sorted(use.local.atoms(Symbol, Indexed), key=str):
        node = nodes.get(_name(entry))
        if node is not None and not isinstance(entry, Idx) and (isinstance(entry, Indexed) or not node.indices):
            yield entry, node


def _of_the_same_shape(use: Use, entry: Expr, node: Node) -> Iterator[Expr]:
    others = [other for other in use.derivation.network.nodes.values() if _alike(node, other)]
    others.sort(key=lambda other: (other.role is not node.role, -_common(node.name, other.name), other.position))
    for other in others[:MOST_NAMES]:
        yield other.symbol[entry.indices] if isinstance(entry, Indexed) else other.symbol


def _broadcast(use: Use, entry: Expr) -> Iterator[Expr]:
    for other in use.derivation.network.nodes.values() if isinstance(entry, Indexed) else ():
        if 0 < len(other.indices) < len(entry.indices) and set(other.indices) <= set(entry.indices):
            yield other.entry


def _alike(node: Node, other: Node) -> bool:
    return other.name != node.name and other.shape == node.shape


def _common(left: str, right: str) -> int:
    return sum(1 for a, b in zip(left, right, strict=False) if a == b)
