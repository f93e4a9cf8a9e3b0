"""What a variable of handwritten code must hold by its name, as nodes of the trace's graph; worked out when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord, derive
from symbackprop.trace.graph.algebra import Nodes
from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import Vocabulary
from symbackprop.verify.equal.equality import decide_all
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.interpret import Environment, evaluate_entry
from symbackprop.verify.reference.network_values import evaluated, rewired
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import Sample, as_value
from symbackprop.verify.reference.sampling import sizes_of
from symbackprop.verify.wording import adjoint_text, definition, short

MOST_NODES = 500
"""Nodes beyond which it is not asked what else a variable may hold: each would be a derivation of its own."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a variable must hold by its name: the array, its name, and a function that words it in full.

    `text` takes the nodes whose adjoints the code holds in variables.
    """

    key: tuple[str, str]
    value: TracedValues
    head: str
    text: Callable[[Collection[str]], str]


class Quantities:
    """Everything a variable may be named after, at one sample."""

    def __init__(self, source: Reference, sample: Sample) -> None:
        self.sample = sample
        self.graph: Graph = sample.graph or Graph()
        self.vocabulary: Vocabulary = source.vocabulary
        self.derivation: DerivationRecord | None = source.derivation if isinstance(source, DerivationReference) else None
        self._jacobians: dict[str, Mapping[str, Any]] = {}
        self._moved: dict[int, int] = {}

    def promised(self, name: str) -> Promise | None:
        """Return what a variable of this name must hold; None when the name says nothing."""
        known, loss = self.vocabulary.all, self.vocabulary.loss
        meaning = names.quotient(name, known, loss)
        if meaning is not None and meaning.top:
            return self._jacobian(meaning.top, meaning.bottom)
        node = meaning.bottom if meaning is not None else None
        if node is None and names.match(name, known) is None:
            node = names.gradient_of(name, known, loss)
        return self._adjoint(node) if node is not None else self._forward(name)

    def _forward(self, name: str) -> Promise | None:
        forward = names.match(name, self.vocabulary.defined)
        derivation, symbols = self.derivation, self.sample.symbols
        if forward is None or symbols is None or forward not in symbols.nodes or derivation is None:
            return None
        entry = derivation.network.nodes[forward].entry
        value = self._wired(symbols.nodes[forward])
        return Promise(("", forward), value, forward, lambda held: f"{short(entry)} = {definition(derivation, forward)}")

    def _adjoint(self, node: str) -> Promise | None:
        symbols = self.sample.symbols
        if symbols is None or node not in symbols.adjoints:
            return None
        derivation, head = self.derivation, f"∂{self.vocabulary.loss}/∂{node}"
        value = self._wired(symbols.adjoints[node])
        key = (self.vocabulary.loss, node)
        return Promise(key, value, head, lambda held: adjoint_text(derivation, node, held) if derivation else head)

    def _jacobian(self, top: str, bottom: str) -> Promise | None:
        array = self._derivatives(top).get(bottom) if self.derivation is not None else None
        if array is None:
            return None
        head = f"∂{top}/∂{bottom}"
        return Promise((top, bottom), self._wired(array), head, lambda held: f"{head}{self._local_text(top, bottom)}")

    def _local_text(self, top: str, bottom: str) -> str:
        if self.derivation is None or bottom not in self.derivation.adjoints:
            return ""
        found = [c for c in self.derivation.adjoints[bottom].contributions if c.consumer == top]
        written = short(found[0].local) if len(found) == 1 else ""
        return f" = {written}" if written else ""

    def _derivatives(self, top: str) -> Mapping[str, Any]:
        """Return ∂top/∂node: all of them for a scalar, the elementwise ones for a tensor."""
        if top not in self._jacobians:
            indexed = self.derivation is not None and bool(self.derivation.network.nodes[top].indices)
            self._jacobians[top] = self._elementwise(top) if indexed else self._scalar(top)
        return self._jacobians[top]

    def _scalar(self, top: str) -> Mapping[str, Any]:
        if self.derivation is None or not self.derivation.network.nodes[top].defined or self.sample.symbols is None:
            return {}
        network, symbols = self.derivation.network, self.sample.symbols
        declared = {name: symbols.nodes[name] for name in self.sample.point.values if name in symbols.nodes}
        inner = derive(network, top)
        point = evaluated(inner, Nodes(self.graph), declared, sizes_of(network, self.sample.point.values))
        zero = self.graph.constant(0)
        scalars = {node.name: zero for node in network.nodes.values() if not node.indices}
        return {**scalars, **{name: point.adjoints[name] for name in inner.adjoints}}

    def _elementwise(self, top: str) -> Mapping[str, Any]:
        if self.derivation is None or self.sample.symbols is None:
            return {}
        found: dict[str, Any] = {}
        sizes = sizes_of(self.derivation.network, self.sample.point.values)
        scope = Environment(Nodes(self.graph), self.sample.symbols.nodes, sizes)
        for name, adjoint in self.derivation.adjoints.items():
            uses = [c for c in adjoint.contributions if c.consumer == top]
            if len(uses) == 1 and not uses[0].summed and uses[0].consumer_indices == adjoint.indices:
                found[name] = evaluate_entry(uses[0].local, adjoint.indices, scope)
        return found

    def _wired(self, nodes: Any) -> TracedValues:
        value = as_value(nodes)
        return TracedValues(value.shape, tuple(rewired(self.graph, value.nodes, self.sample.replacements, self._moved)))

    def close(self, left: TracedValues, right: TracedValues) -> bool:
        """Whether two arrays have the same numbers at this point."""
        if left.shape != right.shape:
            return False
        return np.allclose(left.values(self.graph), right.values(self.graph), rtol=1e-8, atol=1e-11, equal_nan=True)

    def pairs(self, left: TracedValues, right: TracedValues) -> list[tuple[int, int]]:
        """Return the elements of two arrays side by side, with the facts put in."""
        return list(zip(rewired(self.graph, left.nodes, self.sample.replacements, self._moved), right.nodes, strict=True))

    def is_constant(self, value: TracedValues) -> bool:
        """Whether an array depends on nothing."""
        return all(self.graph.operations[node] == "constant" for node in value.nodes)

    def value_of(self, value: TracedValues, promised: tuple[str, str]) -> str | None:
        """Return the name of another derivative that a variable holds; the nearest to its name first."""
        if self.derivation is None or value.shape or len(self.derivation.adjoints) > MOST_NODES:
            return None  # for arrays a coincidence of shapes and zeros is too easily found
        for top, bottom in self._others(promised):
            array = self._derivatives(top).get(bottom)
            wired = self._wired(array) if array is not None else None
            if wired is not None and not self.is_constant(wired) and self._equal(value, wired):
                return f"∂{top}/∂{bottom}"
        return None

    def _others(self, promised: tuple[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the derivatives of scalars that differ from a promised one in one of its two names."""
        assert self.derivation is not None
        top, bottom = promised
        scalars = [node for node in self.derivation.network.nodes.values() if not node.indices]
        tops = [node.name for node in scalars if node.defined]
        yield from ((other, bottom) for other in tops if other != top and bottom)
        yield from ((top, node.name) for node in scalars if top in tops and node.name != bottom)

    def _equal(self, left: TracedValues, right: TracedValues) -> bool:
        return self.close(left, right) and all(d.accepted for d in decide_all(self.graph, self.pairs(left, right)))
