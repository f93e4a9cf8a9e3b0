"""Values and derivatives of networks of arrays, from their definitions alone: entry by entry, by the complex step. For tests.

∂E/∂A, E the loss: the total derivative, A nudged where it is made and everything after it computed again
∂B/∂A, B any other node: the derivative of B's own definition, everything else in it held fast
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from symbackprop.derive.matrix.matrix_writing import ones_name
from symbackprop.formula.value.arithmetic import FLOATS
from symbackprop.formula.value.evaluate import Known
from symbackprop.network import Network
from symbackprop.network.indices import index_size
from tests.numeric.complex_step import compiled

STEP = 1e-30


class Slopes:
    """One network at one point."""

    def __init__(self, network: Network, loss: str, given: Mapping[str, Any]) -> None:
        self.network, self.loss = network, loss
        self.sizes = network.sizes(given)
        self.run = {node.name: compiled(node.expression) for node in network.nodes.values() if node.defined}
        self.start: dict[str, Any] = dict(self.sizes)
        for name, node in network.nodes.items():
            if node.defined:
                self.start[name] = self.computed(name, self.start)
            elif name in given:
                self.start[name] = np.asarray(given[name], dtype=complex)
        self.found: dict[tuple[str, str], Any] = {}

    def computed(self, name: str, values: Mapping[str, Any]) -> Any:
        """Return a defined node's entries."""
        node, run = self.network.nodes[name], self.run[name]
        shape = tuple(round(compiled(extent)(dict(self.sizes), {}).real) for extent in node.shape)
        table = np.empty(shape, dtype=complex)
        labels = [str(index.label) for index in node.indices]
        for place in product(*map(range, shape)):
            table[place] = run(dict(values), dict(zip(labels, place, strict=True)))
        return table

    def slope(self, of: str, by: str) -> Any:
        """Return the derivative with the axes of `of` and then those of `by`, computed once."""
        if (of, by) not in self.found:
            shape = np.shape(self.start[by])
            columns = [self.nudged(of, by, place) for place in product(*map(range, shape))]
            stacked = np.stack(columns, axis=-1) if columns else np.zeros((*np.shape(self.start[of]), 0))
            self.found[of, by] = stacked.reshape(np.shape(self.start[of]) + shape)
        return self.found[of, by]

    def nudged(self, of: str, by: str, place: tuple[int, ...]) -> Any:
        """Return the derivative by one entry."""
        assert of == self.loss or by in self.network.nodes[of].parents, f"∂{of}/∂{by}: {of} is not made of {by}"
        moved = np.array(self.start[by], dtype=complex)
        moved[place] += 1j * STEP
        values = {**self.start, by: moved}
        changed = {by}
        if of != self.loss:
            return self.computed(of, values).imag / STEP
        for name in self.run:
            if changed & set(self.network.nodes[name].parents) and name != by:
                values[name] = self.computed(name, values)
                changed.add(name)
        return np.asarray(values[of]).imag / STEP

    def known(self, deltas: Mapping[str, str] | None = None) -> Known:
        """Return what a reader of formulas about this network knows; `deltas` are names for ∂loss/∂node."""
        arrays = {name: np.asarray(value).real for name, value in self.start.items()}
        for extent in {extent for node in self.network.nodes.values() for extent in node.shape}:
            arrays[ones_name(extent)] = np.ones(round(compiled(extent)(dict(self.sizes), {}).real))
        arrays |= {delta: self.slope(self.loss, node) for delta, node in (deltas or {}).items()}
        ranges = {
            name: round(compiled(index_size(index))(dict(self.sizes), {}).real)
            for name, index in self.network.declared_indices.items()
            if {str(letter) for letter in index_size(index).free_symbols} <= self.sizes.keys()
        }
        return Known(arrays, ranges, FLOATS, self.slope, repeats_rows=True)
