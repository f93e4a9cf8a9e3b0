"""Chains: how the loss reaches a name, as products of derivatives along what every path passes, and sums where paths part.

For scalar networks. The nodes that every path from A to B passes ("cuts") give the factored form

    ∂E/∂w1 = (∂E_o1/∂out_h1 + ∂E_o2/∂out_h1) · ∂out_h1/∂net_h1 · ∂net_h1/∂w1

where each factor is the total derivative between two cuts (Rojas 1996, ch. 7.3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Add, Expr, Mul

from symbackprop.derive.sweep.derivation import DerivationRecord, derive
from symbackprop.derive.sweep.records import Adjoint
from symbackprop.errors import NotSupportedError, UserError


@dataclass(frozen=True, slots=True)
class Link:
    """One factor ∂of/∂by of a chain and its value in node names.

    `direct` when the value counts only the direct use while `by` also reaches `of` in other ways: then ∂of/∂by would be read as
    the total derivative, and the factor is written by its value.
    """

    of: str
    by: str
    value: Expr
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """Where paths part: the sum over branches of ∂of/∂branch · ∂branch/∂by (the first factor left out where it is 1)."""

    of: str
    by: str
    branches: tuple[tuple[Link, ...], ...]

    @property
    def value(self) -> Expr:
        """The sum of the branches' products."""
        return Add(*(Mul(*(link.value for link in branch)) for branch in self.branches))


@dataclass(frozen=True, slots=True)
class DerivativeChain:
    """∂of/∂by as a product of links and forks, in order from `of` to `by`."""

    of: str
    by: str
    factors: tuple[Link | Fork, ...]

    @property
    def expression(self) -> Expr:
        """The product of the factors, in node names."""
        return Mul(*(factor.value for factor in self.factors))

    @property
    def passes(self) -> tuple[str, ...]:
        """The names the chain goes through, `of` first."""
        return (self.of, *(factor.by for factor in self.factors))


class Chains:
    """Chains between the nodes of one derivation, each from the part of it that lies between its two ends."""

    def __init__(self, derivation: DerivationRecord) -> None:
        self._network = derivation.network
        self._derivation = derivation
        self._segments = derivation.segments

    def between(self, of: str, by: str) -> DerivationRecord:
        """Return the derivation of `of` with only the uses that lead from `by` to it; found once.

        The local derivatives do not depend on where a sweep starts, so they are those of the whole derivation where it has them.
        """
        if (of, by) not in self._segments:
            whole = self._derivation if of in self._derivation.adjoints else derive(self._network, of)
            self._segments[of, by] = _segment(whole, of, by)
        return self._segments[of, by]

    def total(self, of: str, by: str) -> Expr:
        """Return the total derivative ∂of/∂by in node names."""
        self._check_scalar(of, by)
        return self.between(of, by)[by].expression

    def cuts(self, of: str, by: str) -> list[str]:
        """Return the nodes that every path from `of` to `by` passes, both ends included.

        In reverse order of definition a node is a cut exactly when no edge jumps over it.
        """
        derivation = self.between(of, by)
        order = list(derivation.adjoints)
        if by not in derivation.adjoints:
            raise UserError(f"chain: {of} does not depend on {by}")
        place = {name: at for at, name in enumerate(order)}
        furthest = 0
        reach = dict.fromkeys(order, 0)
        for name in order:
            for contribution in derivation.adjoints[name].contributions:
                reach[contribution.consumer] = max(reach[contribution.consumer], place[name])
        found = []
        for at, name in enumerate(order):
            if furthest <= at:
                found.append(name)
            furthest = max(furthest, reach[name])
        return found

    def factored(self, of: str, by: str) -> DerivativeChain:
        """Return the chain over the cuts, forks where paths part, links of value 1 joined to the next factor."""
        self._check_scalar(of, by)
        names = self._without_units(self.cuts(of, by))
        return DerivativeChain(of, by, tuple(self._factor(a, b) for a, b in itertools.pairwise(names)))

    def through(self, *names: str) -> DerivativeChain:
        """Return the chain through the given names; each must lie on every path, or the product would not be the derivative."""
        if len(names) < 2:
            raise UserError(f"chain: expected at least two names, got {len(names)}")
        for name in names:
            self._network.node(name)
        self._check_scalar(*names)
        cuts = self.cuts(names[0], names[-1])
        missed = [name for name in names if name not in cuts]
        if missed:
            raise UserError(
                f"chain: {missed[0]} is not on every path from {names[0]} to {names[-1]}, so the product through it is not the "
                f"derivative; on every path: {', '.join(cuts)}"
            )
        in_order = [name for name in cuts if name in names]
        if in_order != list(names):
            raise UserError(f"chain: expected the names in the order {', '.join(in_order)}, got {', '.join(names)}")
        links = tuple(Link(a, b, self.total(a, b)) for a, b in itertools.pairwise(names))
        return DerivativeChain(names[0], names[-1], links)

    def _without_units(self, names: list[str]) -> list[str]:
        kept = [names[0]]
        for previous, name in itertools.pairwise(names):
            if kept[-1] == names[0] and name != names[-1] and self._is_unit(previous, name):
                continue
            kept.append(name)
        return kept

    def _is_unit(self, of: str, by: str) -> bool:
        contributions = list(self._network_contributions(of, by))
        return len(contributions) == 1 and contributions[0] == 1

    def _network_contributions(self, of: str, by: str) -> list[Expr]:
        adjoint = self.between(of, by).adjoints.get(by)
        return [c.local for c in adjoint.contributions if c.consumer == of] if adjoint else []

    def _factor(self, of: str, by: str) -> Link | Fork:
        derivation = self.between(of, by)
        uses = [name for name in derivation.adjoints if name not in (of, by)]
        first = [name for name in uses if of in derivation.adjoints[name].consumers]
        direct = self._network_contributions(of, by)
        if len(first) + bool(direct) < 2:
            return Link(of, by, self.total(of, by))
        if not self._network.node(by).defined:
            return self._fork_at_uses(of, by)
        branches: list[tuple[Link, ...]] = [(self._use(of, by, Add(*direct)),)] if direct else []
        for name in reversed(first):
            head = Add(*self._network_contributions(of, name))
            tail = Link(name, by, self.total(name, by))
            branches.append((tail,) if head == 1 else (self._use(of, name, head), tail))
        return Fork(of, by, tuple(branches))

    def _use(self, of: str, by: str, local: Expr) -> Link:
        """Return the factor of a direct use, marked where it is not the total derivative."""
        return Link(of, by, local, direct=self.total(of, by) != local)

    def _fork_at_uses(self, of: str, by: str) -> Link | Fork:
        """Σ over the uses of a declared name: ∂of/∂use · ∂use/∂by (a bias shared by several units)."""
        contributions = self.between(of, by).adjoints[by].contributions
        if len(contributions) < 2:
            return Link(of, by, self.total(of, by))
        branches = []
        for use in contributions:
            tail = self._use(use.consumer, by, use.local)
            branches.append((tail,) if use.consumer == of else (Link(of, use.consumer, self.total(of, use.consumer)), tail))
        return Fork(of, by, tuple(branches))

    def paths(self, of: str, by: str) -> Iterator[tuple[str, ...]]:
        """Yield every path from `of` to `by` (there may be exponentially many: stop when you have enough)."""
        derivation = self.between(of, by)
        stack: list[tuple[str, ...]] = [(by,)]
        while stack:
            path = stack.pop()
            if path[0] == of:
                yield path
                continue
            adjoint = derivation.adjoints.get(path[0])
            for contribution in reversed(adjoint.contributions if adjoint else ()):
                stack.append((contribution.consumer, *path))

    def _check_scalar(self, *names: str) -> None:
        for name in names:
            node = self._network.node(name)
            if node.indices:
                raise NotSupportedError(
                    f"chain: {node.entry} has indices; its chain is written with sums, see steps of its gradient"
                )


def _segment(whole: DerivationRecord, of: str, by: str) -> DerivationRecord:
    """Return the part of a derivation between two nodes: what uses `by` up to `of` and leads there."""
    nodes, last = whole.network.nodes, whole.network.nodes[of].position
    found, stack = {of}, [by]
    while stack:
        name = stack.pop()
        if name not in found and nodes[name].position < last and name in whole.adjoints:
            found.add(name)
            stack.extend(whole.adjoints[name].consumers)
    kept: dict[str, Adjoint] = {of: replace(whole.adjoints[of], contributions=())}
    for name in sorted(found - {of}, key=lambda name: -nodes[name].position):
        leading = tuple(use for use in whole.adjoints[name].contributions if use.consumer in kept)
        if leading:
            kept[name] = replace(whole.adjoints[name], contributions=leading)
    return DerivationRecord(whole.network, of, (by,), kept, ())
