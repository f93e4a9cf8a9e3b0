"""The record of a derivation: every adjoint of a loss, and the gradient of each name as a view on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Sum, Symbol, true

from symbackprop.derive.sweep.records import Adjoint, Assumption, Contribution, summed_term
from symbackprop.derive.sweep.sweep import sweep
from symbackprop.errors import UserError, nearest
from symbackprop.network.indices import bound_apart, bound_in, free_indices, index_name, substitute
from symbackprop.network.model import Network
from symbackprop.network.node import Node, Role

#: A formula with more names than this is not written out: adjoints that several paths share keep their names in it.
MOST_NAMES = 400


class Remembered(dict[Any, Any]):
    """What was made once of a derivation and can be made again; a copy that leaves the process goes without."""

    def __reduce__(self) -> tuple[type[Remembered], tuple[()]]:
        return Remembered, ()


@dataclass(frozen=True)
class DerivationRecord:
    """∂loss/∂name for every name the loss depends on.

    `adjoints` maps node names to `Adjoint`, loss first; `wrt` are the names whose gradients were asked for (all parameters when
    nothing was said); `d[name]` is the `GradientRecord` of any of the names. `segments` keeps the parts between two nodes, which
    chains need, `forms` the textbook forms of adjoints and `code` what runs, once they were made.
    """

    network: Network
    loss: str
    wrt: tuple[str, ...]
    adjoints: Mapping[str, Adjoint]
    assumptions: tuple[Assumption, ...]
    _expanded: dict[str, Expr] = field(default_factory=dict, compare=False, repr=False)
    _lengths: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    segments: dict[Any, DerivationRecord] = field(default_factory=dict, compare=False, repr=False)
    forms: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    code: Remembered = field(default_factory=Remembered, compare=False, repr=False)

    def __getitem__(self, name: object) -> GradientRecord:
        node = self.network.node(name)
        return GradientRecord(self, node)

    def __iter__(self) -> Iterator[str]:
        return iter(self.wrt)

    def __len__(self) -> int:
        return len(self.wrt)

    def adjoint(self, name: str) -> Adjoint | None:
        """Return the adjoint of a node, or None when the loss does not depend on it."""
        return self.adjoints.get(name)

    def is_link(self, name: str) -> bool:
        """Whether a node is a plain link of a chain: a scalar with one use, by a scalar."""
        contributions = self.adjoints[name].contributions
        return len(contributions) == 1 and not contributions[0].consumer_indices and contributions[0].is_scalar

    def between(self, name: str) -> list[str]:
        """Return the consumers through which the loss reaches `name`, loss first, `name` last."""
        wanted = {name}
        stack = [name]
        while stack:
            adjoint = self.adjoints.get(stack.pop())
            for contribution in adjoint.contributions if adjoint else ():
                if contribution.consumer not in wanted:
                    wanted.add(contribution.consumer)
                    stack.append(contribution.consumer)
        return [other for other in self.adjoints if other in wanted]

    def length(self, name: str) -> int:
        """Return how many names ∂loss/∂name has when every adjoint is written out; no more than is too many is counted."""
        if not self._lengths:
            for other, adjoint in self.adjoints.items():
                total = sum(self._lengths[c.consumer] + name_count(c.local) for c in adjoint.contributions)
                self._lengths[other] = min(total, MOST_NAMES + 1)
        return self._lengths.get(name, 0)

    def shared(self, name: str) -> frozenset[str]:
        """Return the adjoints between the loss and `name` that more than one term needs; none where all can be written out."""
        if self.length(name) <= MOST_NAMES:
            return frozenset()
        uses = Counter(c.consumer for other in self.between(name) for c in self.adjoints[other].contributions)
        return frozenset(other for other, count in uses.items() if count > 1 and other != self.loss)


@dataclass(frozen=True, slots=True)
class GradientRecord:
    """∂loss/∂node as a view on a derivation."""

    derivation: DerivationRecord
    node: Node

    @property
    def name(self) -> str:
        """The name the derivative is taken for."""
        return self.node.name

    @property
    def terms(self) -> tuple[Contribution, ...]:
        """The summands, one for each use of the name."""
        adjoint = self.derivation.adjoint(self.name)
        return adjoint.contributions if adjoint else ()

    @property
    def shared(self) -> Expr:
        """The gradient in terms of the adjoints of the nodes that use the name (δ form)."""
        return Add(*(term.term for term in self.terms)) if self.name != self.derivation.loss else Integer(1)

    @property
    def expression(self) -> Expr:
        """The gradient in the names of nodes, every adjoint written out.

        Where that would take more than `MOST_NAMES` names, adjoints that several terms share stay as their symbols, so that the
        expression grows with the network and not with the number of its paths; `shared` and `adjoints` say what they are.
        """
        shared = self.derivation.shared(self.name)
        cache = {name: self.derivation.adjoints[name].entry for name in shared} if shared else self.derivation._expanded
        if self.name not in cache:
            for name in self.derivation.between(self.name):
                if name not in cache and (name == self.name or not self.derivation.is_link(name)):
                    cache[name] = _expanded(self.derivation, name, cache)
        return cache.get(self.name, Integer(0))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """The conventions this gradient depends on: those of the nodes between the loss and the name."""
        passed = set(self.derivation.between(self.name))
        return tuple(assumption for assumption in self.derivation.assumptions if assumption.node in passed)


def _expanded(derivation: DerivationRecord, name: str, cache: Mapping[str, Expr]) -> Expr:
    if name == derivation.loss:
        return Integer(1)
    if derivation.is_link(name):
        return _chain_product(derivation, name, cache)
    terms = []
    for contribution in derivation.adjoints[name].contributions:
        consumer = derivation.network.nodes[contribution.consumer]
        upstream = _known(derivation, contribution.consumer, cache)
        renamed = {own: used for own, used in zip(consumer.indices, contribution.consumer_indices, strict=True) if own != used}
        upstream = substitute(upstream, renamed)
        taken = free_indices(contribution.local) | frozenset(contribution.summed) | free_indices(upstream)
        upstream = bound_apart(upstream, {index_name(index) for index in taken})
        terms.append(_times(upstream, contribution))
    node = derivation.network.nodes[name]
    total = Add(*terms)
    return bound_in(total, node.indices, f"∂{derivation.loss}/∂{name}") if derivation.network.declared_indices else total


def names_written(expression: Expr) -> Iterator[str]:
    """Yield the names in an expression, each as often as it is written."""
    stack = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, Indexed):
            yield str(part.base.label.name)
        elif isinstance(part, Symbol):
            yield str(part.name)
        elif not isinstance(part, Idx):
            stack.extend(part.args)


def name_count(expression: Expr) -> int:
    """Return how many names are written in an expression."""
    return sum(1 for _ in names_written(expression))


def _known(derivation: DerivationRecord, name: str, cache: Mapping[str, Expr]) -> Expr:
    return cache[name] if name in cache else _chain_product(derivation, name, cache)


def _chain_product(derivation: DerivationRecord, name: str, cache: Mapping[str, Expr]) -> Expr:
    """Multiply the local derivatives along links in one go, so that a long chain costs as much as its length."""
    factors = []
    while name not in cache and name != derivation.loss and derivation.is_link(name):
        (contribution,) = derivation.adjoints[name].contributions
        factors.append(contribution.local)
        name = contribution.consumer
    return Mul(cache.get(name, Integer(1)), *reversed(factors))


def _times(upstream: Expr, contribution: Contribution) -> Expr:
    if isinstance(upstream, Add) and not contribution.summed and upstream.is_number:
        return Mul(upstream, contribution.local)
    return summed_term(upstream, contribution.local, contribution.summed, contribution.guard)


def with_adjoints(expression: Expr, values: Mapping[Adjoint, Expr]) -> Expr:
    """Put expressions in place of adjoints, `∂E/∂Z[n, m]` getting the value of `∂E/∂Z[n, k]` with m for k."""
    by_name = {adjoint.name: (adjoint, value) for adjoint, value in values.items()}
    taken = {index_name(index) for index in expression.atoms(Idx)}

    def put_in(part: Expr) -> Expr:
        name = part.base.label.name if isinstance(part, Indexed) else part.name if isinstance(part, Symbol) else ""
        if name in by_name:
            adjoint, value = by_name[name]
            used = part.indices if isinstance(part, Indexed) else ()
            renamed = {own: at for own, at in zip(adjoint.indices, used, strict=True) if own != at}
            return bound_apart(substitute(value, renamed), taken)
        if not part.args or isinstance(part, Indexed | Idx):
            return part
        args = tuple(put_in(arg) for arg in part.args)
        return part if args == part.args else part.func(*args)

    return put_in(expression)


def pulled_out(expression: Expr) -> Expr:
    """Take factors that do not contain the summed index out of every sum: `Σ_n 2·x[n]/N` is `2/N·Σ_n x[n]`."""
    if not expression.args or isinstance(expression, Indexed | Idx):
        return expression
    args = tuple(pulled_out(arg) for arg in expression.args)
    whole = isinstance(expression, Sum) and all(over[1:] == (over[0].lower, over[0].upper) for over in expression.limits)
    if whole:
        return summed_term(Integer(1), args[0], tuple(over[0] for over in expression.limits), true)
    return expression if args == expression.args else expression.func(*args)


def derive(network: Network, loss: object, wrt: object = None) -> DerivationRecord:
    """Derive ∂loss/∂name for every name the loss depends on.

    `loss` is a scalar node (its symbol or name); `wrt` names what is asked for, by default every parameter.
    Raises UserError when the loss is not a scalar definition, or a name is unknown.
    """
    node = network.node(loss)
    if node.indices:
        raise UserError(
            f"derive: the loss must be a scalar, got {node.entry} with shape {node.shape}; "
            f"sum it first, e.g. define('E', Sum({node.entry}, {', '.join(str(i) for i in node.indices)}))"
        )
    if not node.defined:
        raise UserError(
            f"derive: the loss must be a defined node, got the {node.role.value} {node.name}."
            f"{nearest(node.name, [n.name for n in network.of_role(Role.DEFINED)])}"
        )
    names = [p.name for p in network.of_role(Role.PARAMETER)] if wrt is None else _names(network, wrt)
    adjoints, assumptions = sweep(network, node.name)
    return DerivationRecord(network, node.name, tuple(names), adjoints, assumptions)


def _names(network: Network, wrt: object) -> list[str]:
    listed = wrt if isinstance(wrt, list | tuple) else [wrt]
    return [network.node(name).name for name in listed]
