"""The records of a derivation: adjoints, the contributions they are sums of, assumptions, and named rewrites.

For a node A the adjoint is ∂E/∂A. It is the sum, over every use of A in a later definition B, of

    contribution = Σ_summed  ∂E/∂B[consumer_indices] · local,        local = ∂B/∂A

so the adjoints, in reverse order, are a single-assignment list of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Idx, IndexedBase, Integer, Mul, Symbol, true

from symbackprop.derive.reasons import Because
from symbackprop.formula.value.from_sympy import common_number
from symbackprop.network.indices import IndexSum, entry_of, free_indices, guarded, real_symbol


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A replacement of an expression by a named intermediate, with the reason: out = sigmoid(net)."""

    before: Expr
    after: Expr
    because: Because


@dataclass(frozen=True, slots=True)
class Assumption:
    """A convention used where a function is not differentiable: at node `node`, where `kink` is zero.

    For the largest (`max`) or smallest (`min`) of several entries that is where two of them are equal.
    """

    node: str
    function: str
    kink: Expr
    convention: str

    @property
    def of_ties(self) -> bool:
        """Whether the convention says what entries get that are equal."""
        return self.function in ("max", "min")

    def __str__(self) -> str:
        where = "" if self.of_ties else f", where {self.kink} = 0"
        return f"{self.convention} (in {self.node}{where})"


@dataclass(frozen=True, slots=True)
class RawContribution:
    """One use of a parent in a definition, as it was found there.

    The parent stands as `parent[address]` in the definition of `consumer[indices]`, below the sums over `summed`;
    `local` is ∂consumer/∂parent[address]; `guard` holds where a sum with bounds of its own includes the term.
    """

    parent: str
    address: tuple[Expr, ...]
    local: Expr
    indices: tuple[Idx, ...]
    summed: tuple[Idx, ...] = ()
    guard: Expr = true
    rewrites: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True)
class Contribution:
    """One summand of an adjoint, with the consumer's indices unified with the node's own."""

    consumer: str
    upstream: Symbol | IndexedBase | Integer
    consumer_indices: tuple[Expr, ...]
    local: Expr
    summed: tuple[Idx, ...]
    guard: Expr
    raw: RawContribution

    @property
    def is_scalar(self) -> bool:
        """Whether no index takes part: one scalar used by another."""
        return not self.consumer_indices and not self.summed and not self.raw.address

    @property
    def adjoint(self) -> Expr:
        """∂E/∂consumer at the indices used here."""
        return entry_of(self.upstream, self.consumer_indices) if self.consumer_indices else self.upstream

    @property
    def term(self) -> Expr:
        """Σ_summed adjoint·local, zero where the guard fails."""
        return summed_term(self.adjoint, self.local, self.summed, self.guard)


@dataclass(frozen=True, slots=True)
class Adjoint:
    """∂E/∂node: a name of its own, the node's indices, and the contributions it is the sum of."""

    node: str
    name: str
    indices: tuple[Idx, ...]
    contributions: tuple[Contribution, ...]

    @property
    def symbol(self) -> Symbol | IndexedBase:
        """Its symbol, made when it is asked for: of most weights only the name is."""
        return real_symbol(self.name, self.indices)

    @property
    def consumers(self) -> list[str]:
        """The nodes that use it."""
        return [contribution.consumer for contribution in self.contributions]

    @property
    def entry(self) -> Expr:
        """The general entry of the adjoint."""
        return entry_of(self.symbol, self.indices) if self.indices else self.symbol

    @property
    def expression(self) -> Expr:
        """The sum of the contributions, in adjoint symbols and node names; 1 for the loss itself."""
        if not self.contributions:
            return Integer(1)
        return Add(*(contribution.term for contribution in self.contributions))


@lru_cache(maxsize=16384)
def summed_term(adjoint: Expr, local: Expr, summed: tuple[Idx, ...], guard: Expr) -> Expr:
    """Return Σ_summed adjoint·local where `guard` holds; an index that does not occur counts its range."""
    product = Mul(adjoint, local)
    if not summed:
        return guarded(product, guard)
    factors = _primitive_factors(product) if guard == true else (guarded(product, guard),)
    outside, inside = out_of_sum(factors, [(index, index.lower, index.upper) for index in summed])
    return Mul(*outside, inside)


def product_of(adjoint: Expr, local: Expr) -> Expr:
    """Return adjoint·local; of two symbols, which most products are, sympy is not asked to look for what could be simplified."""
    if isinstance(adjoint, Symbol) and isinstance(local, Symbol) and adjoint.name != local.name:
        in_order = (adjoint, local) if adjoint.name < local.name else (local, adjoint)  # as sympy sorts symbols
        return Mul._from_args(in_order, is_commutative=True)
    return Mul(adjoint, local)


def out_of_sum(factors: Iterable[Expr], limits: Sequence[Any]) -> tuple[list[Expr], Expr]:
    """Return what leaves Σ_limits factors, and the sum that is left: Σ_i c f[i] = c Σ_i f[i], Σ_n c = N·c.

    No bound of the limits may depend on another of them.
    """
    over = frozenset(index for index, _, _ in limits)
    inside: list[Expr] = []
    outside: list[Expr] = []
    for factor in factors:
        (outside if over.isdisjoint(free_indices(factor)) else inside).append(factor)
    present = frozenset().union(*map(free_indices, inside))
    counts = [high - low + 1 for index, low, high in limits if index not in present]
    kept = [limit for limit in limits if limit[0] in present]
    total = Mul(*inside)
    return [*outside, *counts], IndexSum(total, *kept) if kept else total


def _primitive_factors(product: Expr) -> tuple[Expr, ...]:
    """Return the factors with the numbers common to all terms of a sum taken out: `y/4 - t/4` is 1/4 and `y - t`."""
    number: Expr = Integer(1)
    rest = []
    for factor in Mul.make_args(product):
        content, primitive = common_number(factor) if isinstance(factor, Add) else (Integer(1), factor)
        number *= content
        rest.append(primitive)
    return (number, *rest)
