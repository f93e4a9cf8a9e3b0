"""A derivation as the reference of a check: its names, the points to try, its values in numbers and as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import UserError
from symbackprop.network.node import Role
from symbackprop.verify.binding import Vocabulary
from symbackprop.verify.graph import Graph
from symbackprop.verify.reference import Evaluated, fact_replacements, kinks, numbers, symbols
from symbackprop.verify.samples import Point
from symbackprop.verify.sampling import Sizes, Values, random_values, respect, size_choices, sizes_of
from symbackprop.verify.wording import formula

SLACK = 1e-6
"""How far, relatively, an example may be from a stated fact and still mean it: rows of float32 numbers that sum to 1, nearly."""


@dataclass(frozen=True)
class DerivationReference:
    """A derivation, and the example values to add to its network's own."""

    derivation: Derivation
    example: Mapping[str, Any] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()

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

    def points(self, seed: int) -> list[Point]:
        """Return the example (when it is complete) and random points at prime and square sizes.

        An example whose sizes tell the indices apart takes the place of the prime sizes.
        """
        network = self.derivation.network
        given = {**network.values, **self.example}
        unknown = [name for name in given if name not in network.nodes]
        if unknown:
            raise UserError(f"check: example: {unknown[0]} is no name of the network; names: {', '.join(network.nodes)}")
        declared = [node.name for node in network.nodes.values() if not node.defined]
        rng = np.random.default_rng(seed)
        found = []
        choices = size_choices(network)
        if all(name in given for name in declared):
            values = self._on_facts({name: _as_given(given[name]) for name in declared})
            sizes = sizes_of(network, values)
            found.append(Point(values, _label(sizes), example=True))
            if _tells_apart(sizes) and not found[0].large:
                choices = choices[1:] or choices
        found += [Point(self._finite(sizes, rng), _label(sizes)) for sizes in choices]
        if len(found) < 2:
            found.append(Point(self._finite(choices[0], rng), _label(choices[0])))
        return found

    def _finite(self, sizes: Sizes, rng: np.random.Generator) -> Values:
        """Return random values at which the loss is finite (positive ones where others are outside its domain) and no gradient
        that is asked for vanishes as a whole, as it does behind a relu that is off everywhere."""
        values: Values = {}
        finite: Values | None = None
        for positive in (False, False, False, False, True, True):
            values = random_values(self.derivation.network, sizes, rng, positive=positive)
            point = numbers(self.derivation, values)
            if not all(np.all(np.isfinite(array)) for array in (*point.nodes.values(), *point.adjoints.values())):
                continue
            if all(np.any(point.adjoints[name]) for name in self.derivation.wrt):
                return values
            finite = finite or values
        return finite or values

    def respecting(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values at which the network's facts hold."""
        network = self.derivation.network
        respect(network, sizes_of(network, values), values)
        return values

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
            respect(network, sizes_of(network, values), held)
        return held

    def numbers(self, values: Mapping[str, Any]) -> Evaluated:
        """Evaluate in float64."""
        return numbers(self.derivation, values)

    def symbols(self, values: Mapping[str, Any], graph: Graph) -> Evaluated:
        """Evaluate as nodes of a graph."""
        return symbols(self.derivation, values, graph)

    def replacements(self, values: Mapping[str, Any], graph: Graph) -> dict[int, int]:
        """Return input node → node for the network's facts."""
        return fact_replacements(self.derivation.network, values, graph)

    def kinks(self, values: Mapping[str, Any]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the places without a derivative, with the names whose gradients pass them."""
        if not self.derivation.assumptions:
            return ()
        network = self.derivation.network
        point = numbers(self.derivation, values)
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


def _tells_apart(sizes: Sizes) -> bool:
    """Whether a transpose, or a division by another size, cannot hide behind equal sizes or a size of 1."""
    return len(set(sizes.values())) == len(sizes) and 1 not in sizes.values()


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
