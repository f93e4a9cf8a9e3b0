"""Towers of primes for the modular signature: each divides the next one minus 1.

`p_{k+1} = 2^s · c_k · p_k + 1` with odd c_k, so the field of p_{k+1} holds a subgroup of order p_k: there `exp(u)` is g^u, with u known
modulo p_k. In every field the smallest primes lie in the subgroup of odd order, where every element has exactly one square root.
In the tower for trigonometry -1 is a square as well, so that exp(i u) exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Field:
    """Integers modulo `prime`; `odd` is the odd part of prime - 1, `generator` has the order of the prime below (1 at the bottom)."""

    prime: int
    odd: int
    generator: int
    imaginary: int

    def root(self, value: int) -> int | None:
        """Return the square root that lies in the subgroup of odd order; None when the value does not."""
        if pow(value, self.odd, self.prime) != 1:
            return None
        return pow(value, (self.odd + 1) // 2, self.prime)


@dataclass(frozen=True, slots=True)
class Tower:
    """Fields from the bottom up; `twos` is s, so the odd subgroup holds one element in 2^s."""

    fields: tuple[Field, ...]
    twos: int


_ALGEBRAIC = (1, 0x80000000000000000000000000005D3F, (0,))
_COFACTORS_ALGEBRAIC: tuple[int, ...] = ()
