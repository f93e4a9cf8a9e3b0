"""A derivation at one point in numbers, taken apart: what a changed contribution does to every gradient, at little cost.

The adjoint of a node is a sum of contributions, and every gradient is linear in it. So a change Δ of the adjoint of A changes the
gradient of w by (∂A/∂w)ᵀ Δ. `DerivationAt.changed` gives that in full; `DerivationAt.shift` gives it along a few random
directions r only, as ⟨∂A/∂w · r, Δ⟩, where ∂A/∂w · r comes from one forward sweep for all nodes, all names and all directions
(Griewank and Walther 2008, ch. 3).
A hypothesis is tried by `shift` first; the few that survive are worked out in full at every point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Idx, Indexed, IndexedBase, Mul, Number, Piecewise, Symbol, true

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Contribution
from symbackprop.network.indices import free_indices, index_size
from symbackprop.trace.graph.algebra import Floats
from symbackprop.verify.reference.interpret import Environment, Labelled, evaluate
from symbackprop.verify.reference.samples import Sample
from symbackprop.verify.reference.sampling import sizes_of

Factors = tuple[Labelled, ...]
DIRECTIONS = 2
"""Random directions in which the gradient of an array is looked at."""


def same(left: Any, right: Any) -> bool:
    """Whether two arrays are equal up to rounding (and not both zero)."""
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape != right.shape or not np.all(np.isfinite(left)) or not np.all(np.isfinite(right)):
        return False
    scale = float(np.max(np.abs(right), initial=0.0))
    return bool(np.all(np.abs(left - right) <= 1e-8 * np.abs(right) + 1e-11 * scale + 1e-300))


class DerivationAt:
    """A derivation and the handwritten gradients at one point; `wanted` are the names that differ."""

    def __init__(
        self, derivation: DerivationRecord, sample: Sample, wanted: Sequence[str], nodes: Mapping[str, Any] | None = None
    ):
        self.derivation = derivation
        self.sample = sample
        self.wanted = tuple(wanted)
        values = sample.point.values
        declared = {name: np.asarray(value, dtype=float)[()] for name, value in values.items()}
        self.sizes = sizes_of(derivation.network, values)
        self.nodes: dict[str, Any] = {**declared, **sample.evaluated.nodes, **(nodes or {})}
        self.adjoints: Mapping[str, Any] = sample.evaluated.adjoints
        self.arrays: dict[str, Any] = dict(self.nodes)
        for name, adjoint in derivation.adjoints.items():
            self.arrays[str(adjoint.symbol)] = self.adjoints[name]
        self.scope = Environment(Floats(), self.arrays, self.sizes)
        self.path = frozenset(node for name in self.wanted for node in derivation.between(name))
        self._extents: dict[Idx, int] = {}
        self._guards: dict[Any, Labelled] = {}
        self._known: dict[Expr, Labelled] = {}
        self._terms: dict[tuple[str, int], Any] = {}

    # ---- one contribution

    def read(self, expression: Expr) -> Labelled:
        """Return the labelled value of an expression; parts that were read before are not evaluated again."""
        found = self._known.get(expression)
        if found is None:
            with np.errstate(all="ignore"):
                if isinstance(expression, Mul):
                    found = contracted([self.read(factor) for factor in expression.args], ())
                else:
                    found = evaluate(expression, self.scope)
            found = Labelled(found.axes, np.asarray(found.data, dtype=float))
            self._known[expression] = found
        return found

    def factors(self, expression: Expr) -> Factors:
        """Return the factors of a product, as labelled values."""
        return tuple(self.read(factor) for factor in Mul.make_args(expression))

    def guard(self, contribution: Contribution) -> Factors:
        """Return 1 where a contribution counts and 0 elsewhere, as a factor; nothing where it always counts."""
        return self.holds(contribution.guard)

    def holds(self, condition: Any) -> Factors:
        """Return a condition on indices as a factor, 1 or 0; nothing for one that always holds."""
        if condition == true:
            return ()
        if condition not in self._guards:
            self._guards[condition] = self.read(Piecewise((1, condition), (0, True)))
        return (self._guards[condition],)

    def value(self, node: str, contribution: Contribution, local: Expr, upstream: Expr | None = None) -> Any:
        """Return Σ upstream·local over the indices that a contribution sums, as an array of the node's shape."""
        head = self.read(contribution.adjoint if upstream is None else upstream)
        return self.spread(node, [head, *self.factors(local), *self.guard(contribution)], contribution.summed)

    def spread(self, node: str, factors: Sequence[Labelled], summed: Iterable[Idx]) -> Any:
        """Return a product, summed, as an array with the axes of a node."""
        own = self.derivation.adjoints[node].indices
        whole = contracted(factors, summed, self.extent)
        shape = tuple(self.extent(index) for index in own)
        if not set(whole.axes) <= set(own):
            raise ValueError(f"axes {whole.axes} for the adjoint of {node}")
        return np.broadcast_to(over(whole, own), shape)

    def extent(self, index: Idx) -> int:
        """Return how many values an index takes."""
        if index not in self._extents:
            self._extents[index] = int(index_size(index).xreplace(self.sizes))
        return self._extents[index]

    def term(self, node: str, position: int) -> Any:
        """Return one contribution to the adjoint of a node, as it should be."""
        key = node, position
        if key not in self._terms:
            contribution = self.derivation.adjoints[node].contributions[position]
            self._terms[key] = self.value(node, contribution, contribution.local)
        return self._terms[key]

    # ---- what a change does to the gradients

    def changed(self, node: str, change: Any, names: frozenset[str]) -> dict[str, Any]:
        """Return the gradients of `names` that change when `change` is added to the adjoint of a node."""
        moved: dict[str, Any] = {node: np.asarray(change, dtype=float)}
        arrays = dict(self.arrays)
        arrays[str(self.derivation.adjoints[node].symbol)] = moved[node]
        scope = Environment(Floats(), arrays, self.sizes)
        order = list(self.derivation.adjoints)
        for name in (n for n in order[order.index(node) + 1 :] if n in self.path):
            adjoint = self.derivation.adjoints[name]
            uses = [c for c in adjoint.contributions if c.consumer in moved]
            if uses:
                moved[name] = arrays[str(adjoint.symbol)] = sum(self._moved(name, use, scope) for use in uses)
        return {name: self.adjoints[name] + moved[name] for name in names if name in moved}

    def _moved(self, name: str, use: Contribution, scope: Environment) -> Any:
        """Return one contribution to the adjoint of a node, with the changed adjoints of a scope."""
        with np.errstate(all="ignore"):
            head = evaluate(use.adjoint, scope)
        head = Labelled(head.axes, np.asarray(head.data, dtype=float))
        return self.spread(name, [head, *self.factors(use.local), *self.guard(use)], use.summed)

    def adjoints_with(self, nodes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the adjoints on the way to the names that differ, worked out again with other values of the nodes."""
        other = DerivationAt(self.derivation, self.sample, self.wanted, nodes)
        found: dict[str, Any] = {}
        for name, adjoint in self.derivation.adjoints.items():
            if name not in self.path:
                continue
            count = len(adjoint.contributions)
            total = sum((other.term(name, k) for k in range(count)), np.zeros(np.shape(self.adjoints[name])))
            found[name] = other.arrays[str(adjoint.symbol)] = total if count else self.adjoints[name]
        return found

    @cached_property
    def directions(self) -> tuple[tuple[str, ...], np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
        """Return for each direction the name it belongs to, ⟨r, hand - derived⟩ along it, and the seeds r by name."""
        generator = np.random.default_rng(7)
        owners = [name for name in self.wanted for _ in range(DIRECTIONS if np.ndim(self.adjoints[name]) else 1)]
        seeds: dict[str, np.ndarray[Any, Any]] = {}
        goals = np.zeros(len(owners))
        for name in self.wanted:
            shape = np.shape(self.adjoints[name])
            seeds[name] = np.zeros((len(owners), *shape))
            gap = np.asarray(self.sample.hand[name], dtype=float) - self.adjoints[name]
            for k in (k for k, owner in enumerate(owners) if owner == name):
                seeds[name][k] = generator.uniform(0.5, 1.5, size=shape) if shape else 1.0
                goals[k] = float(np.sum(seeds[name][k] * gap))
        return tuple(owners), goals, seeds

    @cached_property
    def tangents(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return ∂node/∂w · r for every node between the names and the loss: the first axis counts the directions."""
        owners, _, seeds = self.directions
        probe = Idx("direction", len(owners))
        found = dict(seeds)
        arrays = {**self.arrays, **{f"∂{name}": array for name, array in seeds.items()}}
        scope = Environment(Floats(), arrays, {**self.sizes})
        uses: dict[str, list[Contribution]] = {}
        for name in self.path:
            for contribution in self.derivation.adjoints[name].contributions:
                uses.setdefault(contribution.consumer, []).append(contribution)
        for node in (node for node in self.derivation.network.nodes.values() if node.name in uses):
            axes = (probe, *node.indices)
            total = np.zeros((len(owners), *map(self.extent, node.indices))) + found.get(node.name, 0.0)
            for raw in (contribution.raw for contribution in uses[node.name]):
                head = evaluate(Indexed(IndexedBase(f"∂{raw.parent}", real=True), probe, *raw.address), scope)
                whole = contracted([head, *self.factors(raw.local), *self.holds(raw.guard)], raw.summed, self.extent)
                total += over(whole, axes)
            found[node.name] = arrays[f"∂{node.name}"] = total
        return found

    @cached_property
    def local_factors(self) -> dict[Expr, frozenset[Idx]]:
        """Every factor of a local derivative that is no plain name, with the axes it needs."""
        locals_ = [c.local for adjoint in self.derivation.adjoints.values() for c in adjoint.contributions]
        factors = [f for local in locals_ for f in Mul.make_args(local) if not isinstance(f, Number | Symbol | Indexed)]
        return {factor: frozenset(free_indices(factor)) for factor in dict.fromkeys(factors)}

    @cached_property
    def jacobian(self) -> tuple[list[str], np.ndarray[Any, Any]]:
        """The scalars below the loss and ∂row/∂column for all of them: (1 - L)⁻¹, L the local derivatives."""
        adjoints = self.derivation.adjoints
        names = [name for name in adjoints if not adjoints[name].indices]
        local = np.zeros((len(names), len(names)))
        at = {name: k for k, name in enumerate(names)}
        for name in names:
            for contribution in (c for c in adjoints[name].contributions if c.is_scalar):
                local[at[contribution.consumer], at[name]] += float(self.read(contribution.local).data)
        return names, np.linalg.inv(np.eye(len(names)) - local)

    def shift(self, node: str, change: Any) -> np.ndarray[Any, Any]:
        """Return how far each gradient moves along its directions when `change` is added to the adjoint of a node."""
        tangent = self.tangents.get(node)
        if tangent is None:
            return np.zeros(len(self.directions[0]))
        moved: np.ndarray[Any, Any] = tangent.reshape(len(tangent), -1) @ np.asarray(change, dtype=float).reshape(-1)
        return moved

    def reached(self, shift: np.ndarray[Any, Any], names: frozenset[str]) -> frozenset[str]:
        """Return the names whose handwritten gradient a shift gives, in every direction looked at."""
        owners, goals, _ = self.directions
        size = np.array([self._scale(name) for name in owners])
        with np.errstate(all="ignore"):
            close = np.abs(shift - goals) <= 1e-7 * (np.abs(goals) + np.abs(shift)) + 1e-10 * size
        return frozenset(n for n in names if all(close[k] for k, owner in enumerate(owners) if owner == n))

    def _scale(self, name: str) -> float:
        return float(np.sum(np.abs(self.adjoints[name]))) + 1e-300


def over(value: Labelled, axes: Sequence[Idx]) -> Any:
    """Return the data of a labelled array with given axes, in their order; an axis that it does not have is of length 1."""
    order = [value.axes.index(axis) for axis in axes if axis in value.axes]
    return value.data.transpose(order)[tuple(slice(None) if axis in value.axes else None for axis in axes)]


def contracted(factors: Sequence[Labelled], summed: Iterable[Idx], extent: Any = None) -> Labelled:
    """Return the product of labelled arrays, summed over some of their axes; an absent axis counts its range."""
    over = tuple(summed)
    labels: dict[Idx, int] = {}
    operands: list[Any] = []
    for factor in factors:
        operands += [factor.data, [labels.setdefault(axis, len(labels)) for axis in factor.axes]]
    count = float(np.prod([extent(index) for index in over if index not in labels])) if over else 1.0
    left = tuple(axis for axis in labels if axis not in over)
    with np.errstate(all="ignore"):
        data = np.einsum(*operands, [labels[axis] for axis in left]) if operands else np.float64(1.0)
    return Labelled(left, data if count == 1.0 else count * data)
