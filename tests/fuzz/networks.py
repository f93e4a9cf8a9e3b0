"""Networks drawn at random from everything a definition may contain: one seed, one network with values.

Scalars only, or arrays of up to four axes: diagonals, windows `x[t+u]` and strides `x[2g+u]` in the middle of an expression,
reversed and fixed entries, nodes that do not depend on their own index, conditions on indices (with fractions and multiples) and
on values, sums in sums and under functions, running sums, the largest and the product along an index, labels as addresses,
products of three, softmax and log-sum-exp, letters used again. From seed `WIDE` on also products in sizes and addresses, entries
that are 0 outside of their array, and terms that stand at one place of an axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any

from sympy import Expr, Idx, Indexed, Integer, KroneckerDelta, Piecewise, Rational, Sum, exp, log, sqrt

from symbackprop.errors import DefinitionError
from symbackprop.functions import ELEMENTARY, IndexMax, IndexMin, IndexProduct, function_name
from symbackprop.network import Network, Node
from symbackprop.network.indices import IndexSum, free_indices, guarded, index_size, size_symbol
from tests.derive.interpreter import FUNCTIONS as JUDGED
from tests.derive.random_networks import apply

FUNCTIONS = tuple(function for function in ELEMENTARY if function_name(function) in JUDGED)
INDICES = "n:N m:N p:N i:D j:D k:K r:K u:F t:T-F+1 s:T g:G q:G+G+F-2"
WIDE = 20_000_000
WIDE_INDICES = f"{INDICES} a:G*F b:N*D w:T+2*F"
NUMBERED = {"a": ("g", "u"), "b": ("n", "i")}  # axes that two indices number through
MOST_ENTRIES = 60  # of one node, at the sizes drawn


@dataclass(frozen=True, slots=True)
class Drawn:
    """A network, its loss, the sizes, and the functions its definitions take in turn."""

    network: Network
    loss: Any
    sizes: dict[str, int]


def drawn(seed: int) -> Drawn:
    """Return network number `seed`: every fourth has scalars only."""
    return _Draw(seed).network()


class _Draw:
    """One network in the making."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.scalar = seed % 4 == 0
        self.net = Network(f"network {seed}")
        self.sizes = self._sizes()
        self.wide = seed >= WIDE
        self.pool: tuple[Idx, ...] = () if self.scalar else self.net.indices(WIDE_INDICES if self.wide else INDICES)
        self.calls = self.rng.randrange(len(FUNCTIONS))

    def _sizes(self) -> dict[str, int]:
        if self.scalar:
            return {}
        one = self.rng.random() < 0.1
        sizes = {name: 1 if one else self.rng.choice((1, 2, 2, 3, 3)) for name in ("N", "D", "K")}
        width = self.rng.choice((1, 2, 2))
        return {**sizes, "F": width, "T": width + self.rng.choice((0, 1, 2)), "G": self.rng.choice((1, 2, 2))}

    def network(self) -> Drawn:
        """Draw everything."""
        rng = self.rng
        self.declared("parameter", rng.randint(2, 4))
        self.declared("input", rng.randint(1, 2))
        self.labels = {} if self.scalar else self.with_labels()
        self.carriers = [] if self.scalar else self.with_all_sizes()
        for at in range(rng.randint(2, 5)):
            self.node(f"h{at}")
        return Drawn(self.net, self.net.define("E", self.loss()), self.sizes)

    def declared(self, role: str, count: int) -> None:
        for at in range(count):
            rank = 0 if self.scalar else self.rng.choice((0, 1, 1, 2, 2, 2, 3, 4))
            getattr(self.net, role)(f"{role[0]}{at}", *self.axes(rank))

    def with_all_sizes(self) -> list[Node]:
        """Return a declared node for every size, from which it can be read; declares those that are missing."""
        found = []
        for at, index in enumerate({index_size(index): index for index in self.pool if index_size(index).is_Symbol}.values()):
            own = [node for node in self.net.nodes.values() if index_size(index) in node.shape and node.name[:5] != "label"]
            found.append(self.rng.choice(own) if own else self.net.node(self.net.input(f"s{at}", index).label))
        return found

    def with_labels(self) -> dict[Expr, Any]:
        """Return, for some of the sizes, an input that numbers entries along an axis of that size, by another index."""
        found = {}
        for size in (size_symbol(name) for name in "NDK" if self.rng.random() < 0.25):
            index = self.rng.choice([index for index in self.pool if index_size(index).is_Symbol])
            found[size] = self.net.input(f"label{size}", index)[index]
        return found

    def axes(self, rank: int) -> tuple[Idx, ...]:
        """Draw the axes of a node, small enough."""
        chosen = self.rng.sample(self.pool, rank)
        while chosen and self.entries(chosen) > MOST_ENTRIES:
            chosen.pop()
        return tuple(chosen)

    def entries(self, indices: Sequence[Idx]) -> int:
        known = {size_symbol(name): size for name, size in self.sizes.items()}
        return prod(int(index_size(index).xreplace(known)) for index in indices)

    def node(self, name: str) -> None:
        indices = self.axes(0 if self.scalar else self.rng.choice((0, 1, 1, 2, 2, 3)))
        for _ in range(5):  # what sympy moves out of a sum is refused; the next try has another letter
            try:
                self.net.define(name, *indices, self.expression(2, indices))
                return
            except DefinitionError:
                continue
        self.net.define(name, *indices, self.leaf(()))

    def loss(self) -> Expr:
        nodes = [node for node in self.net.nodes.values() if not node.name.startswith("label")]
        total: Expr = Integer(0)
        for node in dict.fromkeys([*nodes[-4:], *self.carriers]):
            entry = node.entry
            body = self.rng.choice((entry**2, entry * Rational(self.rng.randint(1, 9), 7), entry * (1 + entry / 3)))
            total += Sum(body, *node.indices) if node.indices else body
        return total

    # ---- expressions ---------------------------------------------------------------------------------------------------

    def expression(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        """Draw an expression whose free indices are among those given."""
        if depth == 0:
            return self.leaf(free)
        kinds: list[tuple[Callable[[int, tuple[Idx, ...]], Expr], int]] = [
            (self.added, 3), (self.multiplied, 4), (self.called, 4), (self.divided, 1), (self.squared, 1), (self.by_value, 1),
        ]  # fmt: skip
        if not self.scalar:
            kinds += [
                (self.summed, 5),
                (self.bent, 2),
                (self.by_index, 3),
                (self.normalised, 1),
                (self.delta, 1),
                (self.running, 1),
                (self.largest, 1),
                (self.multiplied_along, 1),
            ]
        if self.wide and not self.scalar:
            kinds += [(self.zero_outside, 4), (self.placed, 4)]
        chosen = self.rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return chosen(depth - 1, free)

    def leaf(self, free: tuple[Idx, ...]) -> Expr:
        """Draw an entry of a node that can be addressed with the free indices."""
        within_reach = [node for node in self.net.nodes.values() if self.at_hand(node, free)]
        if not within_reach:
            return Integer(2)
        node = self.rng.choice(within_reach)
        if not node.indices:
            return node.symbol
        return node.symbol[tuple(self.address(own, free) for own in node.indices)]

    def at_hand(self, node: Node, free: tuple[Idx, ...]) -> bool:
        return not node.name.startswith("label") and all(self.reached(own, free) for own in node.indices)

    def reached(self, own: Idx, free: tuple[Idx, ...]) -> bool:
        """Whether an axis can be addressed; one of compound length has no entry that surely exists."""
        alike = any(index_size(index) == index_size(own) for index in free)
        strided = str(own) == "q" and {"g", "u"} <= {str(index) for index in free}
        numbered = set(NUMBERED.get(str(own), "?")) <= {str(index) for index in free}
        return bool(index_size(own).is_Symbol) or alike or strided or numbered

    def address(self, own: Idx, free: tuple[Idx, ...]) -> Expr:
        names = {str(index): index for index in free}
        options = [index for index in free if index_size(index) == index_size(own)]
        if options and self.rng.random() < 0.15:
            options = [own.upper - index for index in options]
        if str(own) == "s" and {"t", "u"} <= names.keys():
            options += [names["t"] + names["u"]] * 3
        if str(own) == "q" and {"g", "u"} <= names.keys():
            options += [2 * names["g"] + names["u"]] * 3
        slow, fast = (names.get(letter) for letter in NUMBERED.get(str(own), "??"))
        if slow is not None and fast is not None:
            options += [index_size(fast) * slow + fast] * 3
        label = self.labels.get(index_size(own))
        if label is not None and set(label.indices) <= set(free):
            options += [label] * 2
        return self.rng.choice(options or (Integer(0), own.upper))

    def added(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        first, second = self.expression(depth, free), self.expression(depth, free)
        return first + second * Rational(self.rng.randint(-5, 5), self.rng.choice((1, 2, 3, 4)))

    def multiplied(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        product = self.expression(depth, free)
        for _ in range(self.rng.choice((1, 1, 2))):
            product *= self.leaf(free)
        return product

    def called(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        self.calls += 1
        return apply(FUNCTIONS[self.calls % len(FUNCTIONS)], self.expression(depth, free), self.leaf(free))

    def bent(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        """Draw a function of a window or a trace: a sum that its own slope contains again."""
        self.calls += 1
        window = [index for index in self.pool if str(index) in self.rng.choice(("tu", "gu", "k", "n")) and index not in free]
        body = self.leaf((*free, *window)) * self.leaf((*free, *window))
        present = [
            index for index in window if index in free_indices(body) and not (str(index) in "tg" and self.rng.random() < 0.5)
        ]
        total = Sum(body, *present) if present else body
        left = [index for index in window if index in free_indices(total)]
        bent = apply(FUNCTIONS[self.calls % len(FUNCTIONS)], total, self.leaf(free))
        return Sum(bent, *left) if left else bent

    def divided(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        below = self.leaf(free) ** 2 + Rational(3, 2)
        return self.expression(depth, free) / (below if self.rng.random() < 0.5 else sqrt(below))

    def squared(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        return (self.expression(depth, free) + Rational(1, 3)) ** self.rng.choice((2, 2, 3))

    def by_value(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        test = self.leaf(free) + Rational(2, 19) > self.rng.choice((Integer(0), self.leaf(free) / 3))
        if not test.args:
            return self.expression(depth, free)
        return Piecewise((self.expression(depth, free), test), (self.leaf(free) * Rational(1, 2), True))

    def bound(self, free: tuple[Idx, ...], count: int) -> tuple[Idx, ...]:
        """Draw indices to sum over: mostly new letters, at times one that is free outside."""
        new = [index for index in self.pool if index not in free]
        chosen = self.rng.sample(new, min(count, len(new)))
        if free and self.rng.random() < 0.1:
            chosen[0] = self.rng.choice(free)
        pairs = {"t": "u", "g": "u"}
        if len(chosen) > 1 and str(chosen[0]) in pairs:
            chosen[1] = next(index for index in self.pool if str(index) == pairs[str(chosen[0])])
        return tuple(dict.fromkeys(chosen))

    def summed(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        over = self.bound(free, self.rng.choice((1, 1, 2)))
        body = self.expression(depth, (*(index for index in free if index not in over), *over))
        present = [index for index in over if index in free_indices(body)]
        return Sum(body, *present) if present else body

    def running(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        pairs = [(a, b) for a in self.pool for b in free if a not in free and index_size(a) == index_size(b)]
        if not pairs:
            return self.expression(depth, free)
        own, end = self.rng.choice(pairs)
        body = self.expression(depth, (*free, own))
        return Sum(body, (own, 0, end)) if own in free_indices(body) else body

    def largest(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        over = self.bound(free, 1)
        entry = self.leaf((*(index for index in free if index not in over), *over))
        defined = isinstance(entry, Indexed) and self.net.node(entry.base).defined  # whose entries may be the same
        present = [index for index in over if index in free_indices(entry) and not defined]
        kind = self.rng.choice((IndexMax, IndexMin))
        return kind(entry, *present) if present else entry

    def multiplied_along(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        over = self.bound(free, 1)
        body = self.expression(depth, (*(index for index in free if index not in over), *over))
        present = [index for index in over if index in free_indices(body)]
        return IndexProduct(body, *present) if present else body

    def normalised(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        """Draw a softmax, a log-softmax or a log-sum-exp along one index."""
        names = [index for index in free if any(index_size(o) == index_size(index) for o in self.pool if o not in free)]
        z = apply(next(f for f in FUNCTIONS if f.__name__ == "tanh"), self.expression(depth, free), self.leaf(free))
        if not names:
            return z
        own = self.rng.choice(names)
        other = self.rng.choice([o for o in self.pool if o not in free and index_size(o) == index_size(own)])
        all_z = z.xreplace({own: other}) if not z.has(Sum) else self.leaf((*free, other))
        if other not in free_indices(all_z):
            return z
        total = Sum(exp(all_z), other)
        return self.rng.choice((exp(z) / total, z - log(total), log(total)))

    def shifted(self, free: tuple[Idx, ...]) -> Expr:
        """Draw an address that may leave any axis."""
        first, second = self.rng.choice(free), self.rng.choice(free)
        return self.rng.choice((1, 1, 2, -1)) * first + self.rng.choice((0, 1, -1)) * second + self.rng.randint(-2, 2)

    def zero_outside(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        """Draw an entry where its address lies inside of its axis, else 0, alone or among the factors of a sum."""
        over = self.bound(free, 1)
        inner = (*(index for index in free if index not in over), *over)
        nodes = [node for node in self.net.nodes.values() if node.indices and index_size(node.indices[0]).is_Symbol]
        nodes = [node for node in nodes if self.at_hand(node, inner)]
        if not nodes or not inner:
            return self.expression(depth, free)
        node = self.rng.choice(nodes)
        first, *others = node.indices
        place = self.shifted(inner)
        value = node.symbol[(place, *(self.address(own, inner) for own in others))]
        if self.rng.random() < 0.5:
            value = value * self.leaf(inner)
        body = guarded(value, (place >= 0) & (place <= first.upper)) * (self.leaf(inner) if self.rng.random() < 0.5 else 1)
        present = [index for index in over if index in free_indices(body)]
        return IndexSum(body, *present) if present else body

    def placed(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        """Draw a sum of terms of which each stands at one place of an axis."""
        over = self.bound(free, 2)
        own = [index for index in free if index not in over]
        if not own or not over:
            return self.expression(depth, free)
        body = KroneckerDelta(self.rng.choice(own), self.shifted(over)) * self.expression(depth, (*own, *over))
        present = [index for index in over if index in free_indices(body)]
        return IndexSum(body, *present) if present else body

    def delta(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        pairs = [(a, b) for a in free for b in free if a != b and index_size(a) == index_size(b)]
        if not pairs:
            return self.expression(depth, free)
        return KroneckerDelta(*self.rng.choice(pairs)) * self.expression(depth, free)

    def by_index(self, depth: int, free: tuple[Idx, ...]) -> Expr:
        if not free:
            return self.expression(depth, free)
        first, second = self.rng.choice(free), self.rng.choice((*free, Integer(1)))
        number = Rational(self.rng.randint(1, 5), self.rng.randint(1, 4))
        test = self.rng.choice((
            first < number * second + Rational(self.rng.randint(0, 3), 2), first <= second, 2 * first > 3 * second,
            self.rng.randint(1, 3) * first + second >= number, first + 1 > second,
        ))  # fmt: skip
        return Piecewise((self.expression(depth, free), test), (self.leaf(free), True))
