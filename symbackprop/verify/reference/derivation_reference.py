"""A derivation as the reference of a check: its names, the points to try, its values in numbers and as a graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.network.node import Role
from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.binding.binding import Structure, Vocabulary
from symbackprop.verify.reference.domains import INTERVALS, Domain, domain_of, sign_of, with_signs
from symbackprop.verify.reference.facts import Solved, replacements, satisfy
from symbackprop.verify.reference.network_values import Evaluated, kinks, numbers, symbols
from symbackprop.verify.reference.protocol import Point
from symbackprop.verify.reference.sampling import Sizes, Values, equations, labels, random_values, size_choices, sizes_of, work
from symbackprop.verify.wording import formula

MOST_KEPT = 4
"""Points that were drawn last, of which the numbers are kept."""
SLACK = 1e-6
"""How far, relatively, an example may be from a stated fact and still mean it: rows of float32 numbers that sum to 1, nearly."""


@dataclass(frozen=True)
class DerivationReference:
    """A derivation, and the example values to add to its network's own."""

    derivation: DerivationRecord
    example: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Domain] = field(default_factory=dict)
    _last: dict[int, tuple[Values, Evaluated]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def structures(self) -> Mapping[str, Structure]:
        """Every name is a value of its own."""
        return {}

    @property
    def fixed(self) -> frozenset[str]:
        """Class labels, and targets that keep to a few values, are plain numbers."""
        return frozenset(labels(self.derivation.network)) | {name for name, domain in self.kept.items() if domain.levels}

    @property
    def domains(self) -> Mapping[str, Domain]:
        """The domains that the example shows of targets that no gradient is asked for."""
        given = {**self.derivation.network.values, **self.example}
        targets = (name for name in self.vocabulary.targets if name in given)
        return {name: domain for name in targets if (domain := domain_of(given[name])) is not None}

    @property
    def signs(self) -> Mapping[str, Domain]:
        """The constants that are positive numbers in the example."""
        given = {**self.derivation.network.values, **self.example}
        constants = (name for name in self.vocabulary.constants if name in given)
        return {name: sign for name in constants if (sign := sign_of(given[name])) is not None}

    def keeping(self, kept: Mapping[str, Domain]) -> DerivationReference:
        """Return the reference at points where targets keep to domains."""
        return replace(self, kept=dict(kept))

    def asked(self, names: Collection[str]) -> DerivationReference:
        """A network says itself what its gradients are taken of."""
        return self

    @property
    def title(self) -> str:
        """The network's title."""
        return self.derivation.network.title

    @property
    def vocabulary(self) -> Vocabulary:
        """The names by role; what the derivation is asked for counts as parameters."""
        network, wrt = self.derivation.network, self.derivation.wrt

        def of(role: Role) -> tuple[str, ...]:
            return tuple(node.name for node in network.of_role(role) if node.name not in wrt)

        parameters = (*wrt, *of(Role.PARAMETER))
        return Vocabulary(parameters, of(Role.INPUT), of(Role.TARGET), of(Role.CONSTANT), of(Role.DEFINED), self.derivation.loss)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The facts that the network states, and the derivation's conventions at kinks, with the nodes where each was used."""
        found: dict[str, list[str]] = {}
        for assumption in self.derivation.assumptions:
            found.setdefault(assumption.convention, []).append(assumption.node)
        facts = [f"{formula(f.left)} = {formula(f.right)}: {f.because}" for f in self.derivation.network.facts]
        return (*facts, *(f"{said} (in {', '.join(dict.fromkeys(nodes))})" for said, nodes in found.items()))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What limits the verdicts: an example at which a stated fact does not hold."""
        network = self.derivation.network
        given = {**network.values, **self.example}
        complete = all(node.defined or node.name in given for node in network.nodes.values())
        values = {name: _as_given(value) for name, value in given.items()} if complete else {}
        away = [f"{name} is off by {gap:.2g}" for name, gap in _gaps(values, self._held(values)).items() if gap > SLACK]
        return (f"the example is not as given ({', '.join(away)}), and the derivation rests on it",) if away else ()

    def start(self, seed: int) -> Point:
        """Return the example, or a random point where it is not complete."""
        example = self._example()
        return example or self._point(size_choices(self.derivation.network)[0], np.random.default_rng(seed))

    def points(self, seed: int) -> list[Point]:
        """Return the example (when it is complete) and random points at distinct and at equal sizes.

        An example whose sizes tell the axes apart takes the place of the distinct sizes.
        """
        network, rng = self.derivation.network, np.random.default_rng(seed)
        example = self._example()
        own = sizes_of(network, example.values) if example is not None and not example.large else None
        choices = size_choices(network, own)
        found = [example] if example is not None else []
        found += [self._point(sizes, rng) for sizes in choices]
        fewest = 4 if self.kept else 2
        return found + [self._point(choices[0], rng) for _ in range(fewest - len(found))]

    def another(self, point: Point, seed: int) -> Point:
        """Return a random point of the sizes of another."""
        return self._point(sizes_of(self.derivation.network, point.values), np.random.default_rng(seed))

    def _example(self) -> Point | None:
        network = self.derivation.network
        given = {**network.values, **self.example}
        unknown = [name for name in given if name not in network.nodes]
        if unknown:
            raise UserError(f"check: example: {unknown[0]} is no name of the network; names: {', '.join(network.nodes)}")
        declared = [node.name for node in network.nodes.values() if not node.defined]
        if any(name not in given for name in declared):
            return None
        values = self._on_facts({name: _as_given(given[name]) for name in declared})
        sizes = sizes_of(network, values)
        return Point(values, _label(sizes), example=True, work=work(network, sizes))

    def _point(self, sizes: Sizes, rng: np.random.Generator) -> Point:
        """Return a random point at which the loss is finite (other values where normal ones are outside its domain) and no
        gradient that is asked for vanishes as a whole, as it does behind a relu that is off everywhere."""
        network = self.derivation.network
        found: list[Values] = []
        while len(self._last) > MOST_KEPT:
            self._last.pop(next(iter(self._last)))
        for interval in (None, None, None, None, *INTERVALS):
            found.append(random_values(network, sizes, rng, interval, kept=self.kept))
            point = numbers(self.derivation, found[-1], sizes)
            self._last[id(found[-1])] = (found[-1], point)  # what is asked for next, most of the time
            if not all(np.all(np.isfinite(array)) for array in (*point.nodes.values(), *point.adjoints.values())):
                found.insert(0, found.pop())
            elif all(np.any(point.adjoints[name]) for name in self.derivation.wrt):
                break
        return Point(found[-1], _label(sizes), work=work(network, sizes))

    def respecting(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values at which the network's facts hold."""
        satisfy(values, self._equations(values))
        return with_signs(values, self.kept)

    def _equations(self, values: Mapping[str, Any]) -> tuple[Solved, ...]:
        network = self.derivation.network
        return equations(network, sizes_of(network, values), values, self.kept)

    def _on_facts(self, values: Values) -> Values:
        """Return an example that misses the facts by rounding only (rows of float32 that sum to 1) put right."""
        held = self._held(values)
        return {**values, **held} if all(gap <= SLACK for gap in _gaps(values, held).values()) else values

    def _held(self, values: Values) -> Values:
        """Return the values that the network's facts speak of, changed so that these hold."""
        network = self.derivation.network
        stated = {str(symbol) for fact in network.facts for side in (fact.left, fact.right) for symbol in side.free_symbols}
        held = {name: np.array(value)[()] for name, value in values.items() if name in stated}
        if held:
            satisfy(held, equations(network, sizes_of(network, values), held))
        return held

    def lines(self) -> frozenset[tuple[str, int]]:
        """A derivation is made of no handwritten code."""
        return frozenset()

    def numbers(self, values: Mapping[str, Any]) -> Evaluated:
        """Evaluate in float64."""
        known = self._last.get(id(values))
        return known[1] if known is not None and known[0] is values else numbers(self.derivation, values)

    def symbols(self, values: Mapping[str, Any], graph: Graph) -> Evaluated:
        """Evaluate as nodes of a graph."""
        return symbols(self.derivation, values, graph, self.fixed)

    def replacements(self, values: Mapping[str, Any], graph: Graph) -> dict[int, int]:
        """Return input node → node for the network's facts."""
        return replacements(graph, self._equations(values))

    def is_random(self, values: Mapping[str, Any]) -> bool:
        """A derivation is a formula."""
        return False

    def kinks(self, values: Mapping[str, Any]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the places without a derivative, with the names whose gradients pass them."""
        if not self.derivation.assumptions:
            return ()
        network = self.derivation.network
        point = self.numbers(values)
        passed = {name: frozenset(self.derivation.between(name)) for name in network.nodes}
        found = []
        for kink in kinks(self.derivation, point, sizes_of(network, values)):
            concerned = frozenset(
                name for name, nodes in passed.items() if name != kink.node and self._below(name, kink.node, nodes)
            )
            found.append((str(kink), concerned))
        return tuple(found)

    def _below(self, name: str, node: str, between: frozenset[str]) -> bool:
        """Whether a name's value reaches a node (also where the derivative there is zero, as a step's)."""
        nodes = self.derivation.network.nodes
        waiting, seen = [node], {node}
        while waiting:
            for parent in nodes[waiting.pop()].parents:
                if parent == name:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False


def _gaps(values: Values, held: Values) -> dict[str, float]:
    """Return how far each array is, relative to its largest element, from the one at which the facts hold."""
    return {
        name: float(np.max(np.abs(np.subtract(array, values[name])), initial=0.0) / (np.max(np.abs(array), initial=0.0) or 1.0))
        for name, array in held.items()
    }


def _as_given(value: Any) -> Any:
    array = np.asarray(value, dtype=float)
    return array if array.ndim else float(array)


def _label(sizes: Sizes) -> str:
    return ",".join(f"{symbol}={size}" for symbol, size in sizes.items())
