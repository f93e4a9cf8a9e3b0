"""A derivation as a list of assignments, the form that source is written from.

Forward lines compute the nodes, backward lines their adjoints. A line's value is the sum of its `terms` (each one entry of the
array, in index notation) plus what its `scatters` add into parts of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import is_

from sympy import Expr, Idx, Indexed, IndexedBase, Integer, KroneckerDelta, Sum, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Adjoint, Contribution, product_of, summed_term
from symbackprop.derive.textbook.unseen import unseen_by
from symbackprop.network.indices import (
    IndexSum,
    bound_apart,
    bound_in,
    entry_of,
    free_indices,
    guarded,
    index_name,
    index_size,
    is_label,
    kinds,
)
from symbackprop.network.model import Network
from symbackprop.network.node import Node
from symbackprop.numeric.program.python_names import name_of


@dataclass(frozen=True, slots=True)
class Scatter:
    """Add `value` to the entry at `address` for every value of `indices`, all of which the address uses; several may fall on the
    same entry."""

    address: tuple[Expr, ...]
    value: Expr
    indices: tuple[Idx, ...]


@dataclass(frozen=True, slots=True)
class ComputedLine:
    """One assignment: `symbol[indices] = Σ terms`, then the scatters. `adjoint_of` is the node whose
    adjoint it is, if any."""

    symbol: Symbol | IndexedBase
    indices: tuple[Idx, ...]
    terms: tuple[Expr, ...]
    scatters: tuple[Scatter, ...] = ()
    adjoint_of: str = ""

    @property
    def name(self) -> str:
        """The name of what the line computes."""
        return name_of(self.symbol)

    @property
    def entry(self) -> Expr:
        """The general entry of what the line computes."""
        return entry_of(self.symbol, self.indices) if self.indices else self.symbol

    @property
    def expressions(self) -> Iterable[Expr]:
        """All expressions of the line."""
        yield from self.terms
        for scatter in self.scatters:
            yield scatter.value

    def mapped(self, change: Callable[[Expr], Expr]) -> ComputedLine:
        """Return the line with `change` applied to its expressions."""
        terms = tuple(map(change, self.terms))
        if not self.scatters and all(map(is_, terms, self.terms)):
            return self
        scatters = tuple(replace(scatter, value=change(scatter.value)) for scatter in self.scatters)
        return ComputedLine(self.symbol, self.indices, terms, scatters, self.adjoint_of)

    def with_terms(self, terms: tuple[Expr, ...]) -> ComputedLine:
        """Return the line with other terms."""
        return replace(self, terms=terms)


@dataclass(frozen=True, slots=True)
class Stack:
    """An argument that is made of others: an array of `names`, in rows of `width` where it has two axes."""

    node: Node
    names: tuple[str, ...]
    width: int

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The names row by row."""
        return [self.names[at : at + self.width] for at in range(0, len(self.names), self.width)] if self.width else [self.names]


@dataclass(frozen=True, slots=True)
class Stacking:
    """What goes in and comes out where the arguments of a program are made of others.

    `arguments` are what is given; `places` has the array and the place in it of every name that stands in one; `wanted` are the
    names whose gradients are given back.
    """

    arguments: tuple[Node, ...]
    stacks: tuple[Stack, ...]
    places: Mapping[str, tuple[str, tuple[int, ...]]]
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Lines in order, and what goes in and comes out.

    `arguments` are the declared nodes the values are needed of; `gradients` pairs each requested name with the name of the line
    that holds its gradient, or None where the loss does not depend on it; `prefix` is what adjoint names begin with.
    """

    title: str
    arguments: tuple[Node, ...]
    forward: tuple[ComputedLine, ...]
    backward: tuple[ComputedLine, ...]
    loss: str
    gradients: tuple[tuple[str, str | None], ...]
    remarks: tuple[str, ...] = ()
    prefix: str = ""
    stacking: Stacking | None = None

    @property
    def given(self) -> tuple[Node, ...]:
        """The nodes that values are given of."""
        return self.stacking.arguments if self.stacking else self.arguments

    @property
    def returned(self) -> Iterator[tuple[str, str | None, tuple[int, ...]]]:
        """The names whose gradients are given back, each with the line that holds it, if any, and its place in that."""
        lines = dict(self.gradients)
        if self.stacking is None:
            return ((name, line, ()) for name, line in self.gradients)
        places = self.stacking.places
        found = ((name, *places.get(name, (name, ()))) for name in self.stacking.wanted)
        return ((name, lines[array], place) for name, array, place in found if array in lines)

    @property
    def lines(self) -> tuple[ComputedLine, ...]:
        """All lines in order."""
        return self.forward + self.backward

    @property
    def names(self) -> set[str]:
        """The names of all arguments and lines."""
        return {*(node.name for node in self.arguments), *(line.name for line in self.lines)}

    @property
    def scalar(self) -> bool:
        """Whether nothing has an index, or is summed over one."""
        if any(line.indices for line in self.lines) or any(node.indices for node in self.arguments):
            return False
        return not any(Sum in kinds(expression) for line in self.lines for expression in line.expressions)

    def mapped(self, change: Callable[[Expr], Expr]) -> Program:
        """Return the program with every expression changed."""
        return self.with_lines(*((line.mapped(change) for line in lines) for lines in (self.forward, self.backward)))

    def with_lines(self, forward: Iterable[ComputedLine], backward: Iterable[ComputedLine]) -> Program:
        """Return the program with other lines."""
        return replace(self, forward=tuple(forward), backward=tuple(backward))


def program_of(derivation: DerivationRecord) -> Program:
    """Return the assignments of a derivation: every node up to the loss, then every adjoint.

    A gradient that is 0 whatever the values are is not computed, as rounding would leave something of it.
    """
    nodes = derivation.network.nodes
    reached = frozenset(derivation.network.ancestors(derivation.loss))
    forward = [_node_line(node) for node in nodes.values() if node.defined and node.name in reached]
    seed = derivation.adjoints[derivation.loss].symbol
    backward = [_adjoint_line(adjoint, derivation.loss, seed) for adjoint in derivation.adjoints.values()]
    gradients = []
    for name in derivation.wrt:
        adjoint = derivation.adjoint(name)
        gradients.append((name, name_of(adjoint.symbol) if adjoint and not unseen_by(derivation, name) else None))
    wanted = reached.union(derivation.wrt)
    arguments = tuple(node for node in nodes.values() if not node.defined and node.name in wanted)
    return Program(derivation.network.title, arguments, tuple(forward), tuple(backward), derivation.loss, tuple(gradients),
                   prefix=f"d{derivation.loss}_d")  # fmt: skip


def forward_program(network: Network) -> Program:
    """Return the assignments of all nodes of a network."""
    nodes = network.nodes.values()
    arguments = tuple(node for node in nodes if not node.defined)
    return Program(network.title, arguments, tuple(_node_line(node) for node in nodes if node.defined), (), "", ())


def checked(program: Program) -> Program:
    """Return the program. Raises InternalError where a line uses an index that is not its own."""
    for line in program.lines if not program.scalar else ():
        for term in line.terms:
            bound_in(term, line.indices, f"numeric: {line.name}")
        for scatter in line.scatters:
            for part in (scatter.value, *scatter.address):
                bound_in(part, scatter.indices, f"numeric: what is added to {line.name}")
    return program


def _node_line(node: Node) -> ComputedLine:
    return ComputedLine(node.symbol, node.indices, (node.expression,))


def _adjoint_line(adjoint: Adjoint, loss: str, seed: Symbol) -> ComputedLine:
    """Return the line of an adjoint; that of the loss itself is named in it, so that it need not be 1."""
    if adjoint.node == loss:
        return ComputedLine(adjoint.symbol, adjoint.indices, (Integer(1),), (), loss)
    apart = [contribution for contribution in adjoint.contributions if not _overlapping(contribution)]
    terms = tuple(_term(contribution, seed if contribution.consumer == loss else contribution.adjoint) for contribution in apart)
    scatters = tuple(_scatter(c, seed if c.consumer == loss else c.upstream) for c in adjoint.contributions if _overlapping(c))
    return ComputedLine(adjoint.symbol, adjoint.indices, terms, scatters, adjoint.node)


def _term(contribution: Contribution, above: Expr) -> Expr:
    if contribution.is_scalar:
        return product_of(above, contribution.local)
    return summed_term(above, contribution.local, contribution.summed, contribution.guard)


def _overlapping(contribution: Contribution) -> bool:
    """Whether several uses may fall on the same entry, or only some entries are used: then the value must be scattered."""
    address = contribution.raw.address
    if all(isinstance(a, Idx) for a in address) and len(set(address)) == len(address):
        return False
    if any(map(is_label, address)):
        return True
    new = contribution.local.atoms(KroneckerDelta) - contribution.raw.local.atoms(KroneckerDelta)
    return contribution.guard != True or any(not delta.has(Indexed) for delta in new)  # noqa: E712 - sympy's true


def _scatter(contribution: Contribution, upstream: Symbol | IndexedBase) -> Scatter:
    raw = contribution.raw
    above = upstream[raw.indices] if raw.indices else upstream
    every, used = (*raw.indices, *raw.summed), frozenset().union(*map(free_indices, raw.address))
    value = bound_apart(guarded(above * raw.local, raw.guard), map(index_name, every))  # no loop takes the letter of a sum
    summed = [index for index in every if index not in used]
    return Scatter(raw.address, IndexSum(value, *summed) if summed else value, tuple(index for index in every if index in used))


def shapes_of(program: Program) -> dict[str, tuple[Expr, ...]]:
    """Return the shape of every name in a program."""
    shapes = {node.name: node.shape for node in program.arguments}
    return shapes | {line.name: tuple(index_size(index) for index in line.indices) for line in program.lines}
