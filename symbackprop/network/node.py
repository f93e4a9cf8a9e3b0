"""A node of a network: one name, its free indices, and one small expression over earlier names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sympy import Expr, Idx, IndexedBase, Symbol

from symbackprop.network.indices import entry_of, index_size


class Role(Enum):
    """What a name stands for in a network."""

    INPUT = "input"
    PARAMETER = "parameter"
    TARGET = "target"
    CONSTANT = "constant"
    DEFINED = "defined"


@dataclass(frozen=True, slots=True)
class Node:
    """One declared or defined name.

    `indices` is empty for a scalar; `shape` follows from the index sizes. `expression` is None unless the role is DEFINED, and
    then holds one entry of the node: `Z[n, j] = expression`. `parents` are the names the expression uses, in order of
    declaration; `position` is the place in the network's list.
    """

    name: str
    role: Role
    indices: tuple[Idx, ...]
    symbol: Symbol | IndexedBase
    position: int
    expression: Expr | None = None
    parents: tuple[str, ...] = ()
    note: str = ""

    @property
    def entry(self) -> Expr:
        """The node's general entry: the symbol of a scalar, `Z[n, j]` of a tensor."""
        return entry_of(self.symbol, self.indices) if self.indices else self.symbol

    @property
    def shape(self) -> tuple[Expr, ...]:
        """The sizes of the node's axes, in order."""
        return tuple(index_size(index) for index in self.indices)

    @property
    def defined(self) -> bool:
        """Whether the node has a definition (is not given from outside)."""
        return self.expression is not None


@dataclass(frozen=True, slots=True)
class Fact:
    """An equation the user vouches for, such as `Σ_k t[n,k] = 1`, with the reason in words."""

    left: Expr
    right: Expr
    because: str
