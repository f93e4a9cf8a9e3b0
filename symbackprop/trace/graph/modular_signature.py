"""Whether two expressions are the same function, by one exact evaluation in finite fields.

An expression of + - · / and exp is evaluated at random residues. Arithmetic is done modulo a prime p_k; `exp(u)`
becomes g^u, where u was evaluated modulo the prime p_{k-1} that is the order of g, so that exp(u+v) = exp(u)·exp(v)
holds there, also nested. Square roots are the root in the subgroup of odd order, which is multiplicative too: √(ab) =
√a·√b, and √(c²) = c where c > 0, because every input is drawn from that subgroup, with the sign that it has at the
point of the trace. tanh, sigmoid, sinh, cosh are rewritten by exp; sin and cos by exp(iu) in a tower where -1 is a
square; log is additive on products and inverse to exp; all other functions are opaque: equal arguments give equal
values, oddness and evenness are respected, and nothing else is known of them.

What an equal signature establishes. If two expressions are different functions of the inputs (as rational functions
of the inputs, of the exponentials of linearly independent arguments, of the roots and of the opaque values), they
agree at random residues with a probability of at most degree / |S| (Schwartz 1980, Zippel 1979), |S| ≥ 2^156 being
the number of residues an input is drawn from. `error_bits` is the binary logarithm of that bound with the degree
counted along the graph. As in Gonnet (1984, "Determining equivalence of expressions in random polynomial time") the
exponentials are taken to be as random as their arguments. Where square roots of perfect squares occur, equality holds
up to the signs of those roots; the caller settles these numerically. A different signature establishes nothing:
logarithms and opaque functions obey laws that are not modelled.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.trace.graph.elementary import TABLE
from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.exponents import (
    BY_EXP,
    BY_ROTATION,
    LOGARITHMS,
    Anatomy,
    Key,
    OutOfReach,
    exact_payload,
    logarithm_parts,
    schedule_of,
)
from symbackprop.trace.graph.graph import Graph, InputName
from symbackprop.trace.graph.towers import Field, Tower, power, tower

_DRAWS = 400
"""Draws at most until every radicand has a root."""
_REDRAWN = 24
"""Draws at most of what one more radicand is made of, beyond those before it; one in 2^twos gives it a root."""


class _Redraw(Exception):
    """The residues drawn divide by zero, or have no square root: draw again."""


class _NoRoot(_Redraw):
    """A radicand has no square root among the residues drawn."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Residues of several nodes in one draw, and log2 of the bound on the chance that unequal functions share one."""

    residues: tuple[int, ...]
    error_bits: float
    has_roots: bool


# ---- evaluation of one draw


class _Draw:
    """One assignment of random residues, and the values it gives."""

    def __init__(self, anatomy: Anatomy, spire: Tower, depth: int, seed: bytes) -> None:
        self.anatomy = anatomy
        self.graph = anatomy.graph
        self.spire = spire
        self.depth = depth
        self.seed = seed
        self.values: dict[Key, int] = {}
        self.version = 0

    def field(self, depth: int) -> Field:
        return self.spire.fields[self.depth - depth]

    def random(self, depth: int, *label: object) -> int:
        """A residue that looks random and depends only on the draw, the depth and the label."""
        text = repr((depth, label)).encode()
        digest = hashlib.blake2b(self.seed + text, digest_size=64).digest()
        return int.from_bytes(digest, "big") % (self.field(depth).prime - 2) + 1

    def run(self, schedule: Sequence[Key]) -> float:
        """Work out what is scheduled; return the bits that it costs to have chosen among draws.

        Up to each root stands what its radicand is made of beyond the roots before it. Where it has no root, that much is drawn
        again, and nothing else. So the draw is one of many, a version for each root: the chance that a zero is among them is at
        most Σ 2^-bits over them, with version + 1 bits for each root (the sum of all 2^-(version + 1) is 1).
        """
        bits, start = 0.0, 0
        for stop in [k + 1 for k, (node, _) in enumerate(schedule) if self.graph.operations[node] == "sqrt"]:
            bits += self._with_root(schedule[start:stop])
            start = stop
        self._work_out(schedule[start:])
        return bits

    def _with_root(self, part: Sequence[Key]) -> int:
        """Work out a part that ends in a root, again with other residues where it has none; return how often it was done."""
        fresh = any(self.graph.operations[node] == "input" for node, _ in part)
        for version in range(_REDRAWN if fresh else 1):
            self.version = version
            try:
                self._work_out(part)
            except _NoRoot:
                continue
            finally:
                self.version = 0
            return version + 1
        raise _Redraw

    def _work_out(self, part: Sequence[Key]) -> None:
        operations, arguments, values = self.graph.operations, self.graph.arguments, self.values
        primes = [self.field(depth).prime for depth in range(self.depth + 1)]
        for key in part:
            node, depth = key
            operation = operations[node]
            if operation == "mul":
                left, right = arguments[node]
                value = values[left, depth] * values[right, depth]
            elif operation == "add":
                left, right = arguments[node]
                value = values[left, depth] + values[right, depth]
            else:
                value = self._value(operation, node, depth)
            values[key] = value % primes[depth]

    def _value(self, operation: str, node: int, depth: int) -> int:
        arguments, values = self.graph.arguments[node], self.values
        if operation == "neg":
            return -values[arguments[0], depth]
        if operation == "div":
            return values[arguments[0], depth] * _inverse(values[arguments[1], depth], self.field(depth).prime)
        rule = _RULES.get(operation)
        return rule(self, node, depth) if rule is not None else self._opaque(operation, values[arguments[0], depth], depth)

    # leaves

    def constant(self, node: int, depth: int) -> int:
        fraction = exact_payload(self.graph.payloads[node])
        return self.rational(fraction, depth)

    def rational(self, fraction: Fraction, depth: int) -> int:
        p = self.field(depth).prime
        return fraction.numerator * _inverse(fraction.denominator % p, p) % p

    def leaf(self, node: int, depth: int) -> int:
        """An input, or π: an element of the subgroup of odd order, with the sign that the input has at the point of
        the trace."""
        label = self.graph.payloads[node]
        name = str(label) if isinstance(label, InputName) else "pi"
        field_ = self.field(depth)
        drawn = self.random(depth, "input", name, self.version) if self.version else self.random(depth, "input", name)
        residue = power(drawn, 1 << self.spire.twos, field_.prime)
        return residue if self.graph.values[node] >= 0 else -residue

    # powers and roots

    def power(self, node: int, depth: int) -> int:
        exponent = exact_payload(self.graph.payloads[node])
        argument = self.graph.arguments[node][0]
        p = self.field(depth).prime
        if exponent.denominator == 1:
            base = self.values[argument, depth]
            return power(base if exponent > 0 else _inverse(base, p), abs(exponent.numerator), p)
        return self._exp_of(exponent * 1, self.log_of("log", argument, depth + 1), depth)

    def sqrt(self, node: int, depth: int) -> int:
        root = self.field(depth).root(self.values[self.graph.arguments[node][0], depth])
        if root is None:
            raise _NoRoot
        return root

    # exponentials

    def _exp_of(self, coefficient: Fraction, exponent: int, depth: int) -> int:
        field_, below = self.field(depth), self.field(depth + 1).prime
        return power(field_.generator, self.rational(coefficient, depth + 1) * exponent % below, field_.prime)

    def exp(self, argument: int, depth: int) -> int:
        """exp of a node, with the logarithms in its exponent turned into factors."""
        parts = self.anatomy.exponent(argument)
        field_ = self.field(depth)
        p = field_.prime
        result = 1
        if parts.linear:
            below = self.field(depth + 1).prime
            total = sum(self.rational(c, depth + 1) * self.values[current, depth + 1] for c, current in parts.linear)
            result = power(field_.generator, total % below, p)
        for coefficient, kind, inner in parts.factors:
            base = self._inside(kind, inner, depth)
            result = result * power(base if coefficient > 0 else _inverse(base, p), abs(coefficient), p) % p
        return result

    def _inside(self, kind: str, argument: int, depth: int) -> int:
        """What a logarithm is taken of: u, 1 + u or 1 + exp(u)."""
        if kind == "softplus":
            return (1 + self.exp(argument, depth)) % self.field(depth).prime
        return (self.values[argument, depth] + (kind == "log1p")) % self.field(depth).prime

    def by_exp(self, node: int, depth: int) -> int:
        p = self.field(depth).prime
        e = self.exp(self.graph.arguments[node][0], depth)
        rational = TABLE[self.graph.operations[node]].of_exponential
        return _quotient(rational(e), p) if rational is not None else e

    def by_rotation(self, node: int, depth: int) -> int:
        """sin, cos and tan from exp(iu)."""
        field_, below = self.field(depth), self.field(depth + 1)
        p = field_.prime
        turn = power(field_.generator, below.imaginary * self.values[self.graph.arguments[node][0], depth + 1] % below.prime, p)
        rational = TABLE[self.graph.operations[node]].of_rotation
        return _quotient(rational(turn, field_.imaginary), p) if rational is not None else turn

    # logarithms

    def log(self, node: int, depth: int) -> int:
        return self.log_of(self.graph.operations[node], self.graph.arguments[node][0], depth)

    def log_of(self, kind: str, argument: int, depth: int) -> int:
        """log|u|: additive on products, the exponent on exponentials, opaque on everything else."""
        p = self.field(depth).prime
        if kind != "log":
            return self._opaque_log(self._inside(kind, argument, depth), depth)
        total = 0
        for coefficient, factor in logarithm_parts(self.graph, argument):
            if self.graph.operations[factor] == "exp":
                value = self.values[self.graph.arguments[factor][0], depth]
            elif self.graph.operations[factor] == "constant":
                value = self._log_fraction(exact_payload(self.graph.payloads[factor]), depth)
            else:
                value = self._opaque_log(self.values[factor, depth], depth)
            total += self.rational(coefficient, depth) * value
        return total % p

    def _log_fraction(self, fraction: Fraction, depth: int) -> int:
        total = 0
        for number, sign in ((abs(fraction.numerator), 1), (fraction.denominator, -1)):
            for prime in (2, 3, 5, 7, 11, 13):
                while number and number % prime == 0:
                    number //= prime
                    total += sign * self._opaque_log(prime, depth)
            if number != 1:
                total += sign * self._opaque_log(number % self.field(depth).prime, depth)
        return total

    def _opaque_log(self, residue: int, depth: int) -> int:
        """log|r|, with log|1/r| = -log|r|: looked up under the smallest of r, -r, 1/r, -1/r."""
        p = self.field(depth).prime
        inverse = _inverse(residue, p)
        smallest = min(residue, p - residue, inverse, p - inverse)
        if smallest == 1:
            return 0
        value = self.random(depth, "log", smallest)
        return value if smallest in (residue, p - residue) else p - value

    def _opaque(self, operation: str, residue: int, depth: int) -> int:
        """A function of which only its parity is known."""
        if TABLE[operation].complement:
            return 1 - self._opaque(TABLE[operation].complement, residue, depth)
        parity = TABLE[operation].parity
        p = self.field(depth).prime
        if parity == 0:
            return self.random(depth, operation, residue)
        smaller = min(residue, p - residue)
        if smaller == 0:
            return 0 if parity < 0 else self.random(depth, operation, 0)
        value = self.random(depth, operation, smaller)
        return -value if parity < 0 and smaller != residue else value


_Rule = Callable[[_Draw, int, int], int]
_RULES: dict[str, _Rule] = {
    "constant": _Draw.constant,
    "input": _Draw.leaf,
    "pi": _Draw.leaf,
    "power": _Draw.power,
    "sqrt": _Draw.sqrt,
    **dict.fromkeys(LOGARITHMS, _Draw.log),
    **dict.fromkeys(BY_EXP, _Draw.by_exp),
    **dict.fromkeys(BY_ROTATION, _Draw.by_rotation),
}


def _quotient(parts: tuple[int, int], prime: int) -> int:
    return parts[0] if parts[1] == 1 else parts[0] * _inverse(parts[1], prime)


def _inverse(residue: int, prime: int) -> int:
    if residue % prime == 0:
        raise _Redraw
    return power(residue, -1, prime)


def degree_bits(graph: Graph, outputs: Sequence[int], nodes: Iterable[int]) -> float:
    """Return log2 of a bound on the degree of the outputs' numerators and denominators, exponentials and roots being
    variables.

    Degrees add under + - · / and multiply under powers; rewriting tanh and the like by exp costs a factor of at most
    4. `nodes` are those that the outputs need.
    """
    degrees: dict[int, int] = {}
    for node in nodes:
        operation, arguments = graph.operations[node], graph.arguments[node]
        if operation in ("add", "mul", "div"):
            degrees[node] = degrees[arguments[0]] + degrees[arguments[1]]
        elif operation == "neg":
            degrees[node] = degrees[arguments[0]]
        elif operation == "power":
            size = abs(exact_payload(graph.payloads[node]))
            degrees[node] = degrees[arguments[0]] * math.ceil(size) if size.denominator == 1 else 4
        elif arguments:
            degrees[node] = 4 + degrees[arguments[0]]
        else:
            degrees[node] = 1 if operation == "input" else 0
    return math.log2(max(1, *(degrees[node] for node in outputs))) if outputs else 0.0


def signatures(graph: Graph, outputs: Sequence[int], seed: int = 0) -> Signatures:
    """Evaluate the outputs at random residues.

    Raises:
        OutOfReach: the tower is too short, a value is not finite, or no draw gave every radicand a root.
    """
    nodes = reachable(graph, outputs)
    operations = {graph.operations[node] for node in nodes}
    spire = tower(trigonometric=bool(operations & BY_ROTATION))
    anatomy = Anatomy(graph, operations)
    schedule = schedule_of(anatomy, outputs, len(spire.fields) - 1)
    depth = max((key[1] for key in schedule), default=0)
    roots = sum(graph.operations[node] == "sqrt" for node in nodes)
    # Each root doubles the degree of the equation without roots; which of the draws is kept is charged as well.
    bits = degree_bits(graph, outputs, nodes) + 1 + roots - (math.log2(spire.fields[0].prime) - spire.twos)
    for attempt in range(_DRAWS):
        draw = _Draw(anatomy, spire, depth, f"{seed}:{attempt}:".encode())
        try:
            chosen = draw.run(schedule)
        except _Redraw:
            continue
        kept = chosen + (math.log2(_DRAWS) if roots else 0)
        return Signatures(tuple(draw.values[node, 0] for node in outputs), bits + kept, "sqrt" in operations)
    raise OutOfReach("no draw of residues gave every square root a value")
