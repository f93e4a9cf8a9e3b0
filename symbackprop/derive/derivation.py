"""The record of a derivation: every adjoint of a loss, and the gradient of each name as a view on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Sum, Symbol, true

from symbackprop.derive.records import Adjoint, Assumption, Contribution, summed_term
from symbackprop.derive.sweep import sweep
from symbackprop.errors import UserError, nearest
from symbackprop.network.indices import free_indices, index_name, primed, substitute
from symbackprop.network.model import Network
from symbackprop.network.node import Node, Role


@dataclass(frozen=True)
class Derivation:
    """∂loss/∂name for every name the loss depends on.

    `adjoints` maps node names to `Adjoint`, loss first; `wrt` are the names whose gradients were asked for (all parameters when
    nothing was said); `d[name]` is the `Gradient` of any of the names. `starts` keeps derivations that begin at other nodes,
    which chains need, and `forms` the textbook forms of adjoints, once they were made.
    """

    network: Network
    loss: str
    wrt: tuple[str, ...]
    adjoints: Mapping[str, Adjoint]
    assumptions: tuple[Assumption, ...]
    _expanded: dict[str, Expr] = field(default_factory=dict, compare=False, repr=False)
    starts: dict[str, Derivation] = field(default_factory=dict, compare=False, repr=False)
    forms: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, name: object) -> Gradient:
        node = self.network.node(name)
        return Gradient(self, node)

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


@dataclass(frozen=True, slots=True)
class Gradient:
    """∂loss/∂node as a view on a derivation."""

    derivation: Derivation
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
        """The gradient in the names of nodes, every adjoint written out."""
        cache = self.derivation._expanded
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


def _expanded(derivation: Derivation, name: str, cache: Mapping[str, Expr]) -> Expr:
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
        upstream = _apart(upstream, {index_name(index) for index in taken})
        terms.append(_times(upstream, contribution))
    return Add(*terms)


def _known(derivation: Derivation, name: str, cache: Mapping[str, Expr]) -> Expr:
    return cache[name] if name in cache else _chain_product(derivation, name, cache)


def _chain_product(derivation: Derivation, name: str, cache: Mapping[str, Expr]) -> Expr:
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
    by_name = {str(adjoint.symbol): (adjoint, value) for adjoint, value in values.items()}
    taken = {index_name(index) for index in expression.atoms(Idx)}

    def put_in(part: Expr) -> Expr:
        name = str(part.base) if isinstance(part, Indexed) else str(part) if isinstance(part, Symbol) else ""
        if name in by_name:
            adjoint, value = by_name[name]
            used = part.indices if isinstance(part, Indexed) else ()
            renamed = {own: at for own, at in zip(adjoint.indices, used, strict=True) if own != at}
            return _apart(substitute(value, renamed), taken)
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


def _apart(expression: Expr, taken: set[str]) -> Expr:
    """Rename bound indices that clash with names in use outside, so that each index means one thing in a printed formula."""
    from_sums = {limits[0] for total in expression.atoms(Sum) for limits in total.limits} if expression.args else set()
    clashes = sorted((index for index in from_sums if index_name(index) in taken), key=index_name)
    if not clashes:
        return expression
    names = taken | {index_name(index) for index in from_sums}
    renaming = {}
    for index in clashes:
        renaming[index] = primed(index, names)
        names.add(index_name(renaming[index]))
    return _rename_bound(expression, renaming)


def _rename_bound(expression: Expr, renaming: Mapping[Expr, Expr]) -> Expr:
    if not expression.args:
        return expression
    if isinstance(expression, Sum):
        own = {limits[0]: renaming[limits[0]] for limits in expression.limits if limits[0] in renaming}
        body = _rename_bound(substitute(expression.function, own), renaming)
        return Sum(body, *((own.get(limits[0], limits[0]), *limits[1:]) for limits in expression.limits))
    args = tuple(_rename_bound(arg, renaming) for arg in expression.args)
    return expression if args == expression.args else expression.func(*args)


def derive(network: Network, loss: object, wrt: object = None) -> Derivation:
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
    return Derivation(network, node.name, tuple(names), adjoints, assumptions)


def _names(network: Network, wrt: object) -> list[str]:
    listed = wrt if isinstance(wrt, list | tuple) else [wrt]
    return [network.node(name).name for name in listed]
