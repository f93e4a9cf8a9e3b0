"""Towers of primes for the modular signature: each divides the next one minus 1.

`p_{k+1} = 2^s · c_k · p_k + 1` with odd c_k, so the field of p_{k+1} holds a subgroup of order p_k: there `exp(u)` is
g^u, with u known modulo p_k. In every field the smallest primes lie in the subgroup of odd order, where every element
has exactly one square root. In the tower for trigonometry -1 is a square as well, so that exp(i u) exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import flint


def power(base: int, exponent: int, prime: int) -> int:
    """Return base^exponent modulo a prime; at these sizes flint takes a fifth of the time of Python's own `pow`."""
    return int(pow(flint.fmpz(base), exponent, prime))


@dataclass(frozen=True, slots=True)
class Field:
    """Integers modulo `prime`; `odd` is the odd part of prime - 1, `generator` has the order of the prime below (1 at
    the bottom)."""

    prime: int
    odd: int
    generator: int
    imaginary: int

    def root(self, value: int) -> int | None:
        """Return the square root that lies in the subgroup of odd order; None when the value does not."""
        root = power(value, (self.odd + 1) // 2, self.prime)
        return root if root * root % self.prime == value else None


@dataclass(frozen=True, slots=True)
class Tower:
    """Fields from the bottom up; `twos` is s, so the odd subgroup holds one element in 2^s."""

    fields: tuple[Field, ...]
    twos: int


_BOTTOM = {1: 0x800000000000000000000000000000000000060F, 3: 0x8000000000000000000000000000000000007379}
_COFACTORS = {
    1: (6541, 14521, 5065, 12109, 6025, 11245, 7669, 11845, 11989, 4861, 9805, 21289, 4801),
    3: (18249, 53919, 18765, 17721, 31065),
}


@cache
def tower(*, trigonometric: bool) -> Tower:
    """Return the tower for expressions with or without sines and cosines."""
    twos = 3 if trigonometric else 1
    primes = [_BOTTOM[twos]]
    for cofactor in _COFACTORS[twos]:
        primes.append((cofactor << twos) * primes[-1] + 1)
    below = [1, *primes[:-1]]
    return Tower(tuple(_field(p, q, twos) for p, q in zip(primes, below, strict=True)), twos)


def _field(prime: int, order: int, twos: int) -> Field:
    generator = 1
    candidate = 2
    while order > 1 and generator == 1:
        generator = power(candidate, (prime - 1) // order, prime)
        candidate += 1
    imaginary = 0
    if twos >= 2:
        # h^((p-1)/4) squares to -1 exactly when h is not a square.
        imaginary = next(i for i in (power(h, (prime - 1) // 4, prime) for h in range(2, 200)) if i * i % prime == prime - 1)
    return Field(prime, (prime - 1) >> twos, generator, imaginary)
