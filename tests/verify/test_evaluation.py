"""A derivation taken apart: forward sweeps against differences of the nodes' values, changes of adjoints against both."""

from __future__ import annotations

import numpy as np
import pytest

from symbackprop.verify.explain.evaluation import DerivationAt, same
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.protocol import Point
from symbackprop.verify.reference.samples import Sample
from tests.verify.mutants.score import derivation


def at_a_point(case: str) -> tuple[DerivationAt, DerivationReference, Point]:
    source = DerivationReference(derivation(case))
    point = next(point for point in source.points(3) if not point.example)
    evaluated = source.numbers(point.values)
    wanted = list(source.derivation.wrt)
    hand = {name: np.asarray(evaluated.adjoints[name]) + 0.5 for name in wanted}
    return DerivationAt(source.derivation, Sample(point, hand, evaluated.adjoints, evaluated), wanted), source, point


@pytest.mark.parametrize("case", ["chain", "conv", "logistic", pytest.param("attention", marks=pytest.mark.slow)])
def test_a_forward_sweep_is_what_the_nodes_do_when_a_parameter_moves(case: str) -> None:
    made, source, point = at_a_point(case)
    owners, _, seeds = made.directions
    for k, owner in enumerate(owners):
        step = 1e-6
        ends = []
        for sign in (1, -1):
            moved = {**point.values, owner: np.asarray(point.values[owner], dtype=float) + sign * step * seeds[owner][k]}
            ends.append(source.numbers(moved).nodes)
        for node, tangent in made.tangents.items():
            if node in source.derivation.adjoints and source.derivation.network.nodes[node].defined:
                difference = (np.asarray(ends[0][node]) - np.asarray(ends[1][node])) / (2 * step)
                np.testing.assert_allclose(tangent[k], difference, rtol=1e-6, atol=1e-7, err_msg=f"{node} along {owner}")


@pytest.mark.parametrize("case", ["chain", "conv", "logistic"])
def test_a_shift_is_the_change_seen_along_the_directions(case: str) -> None:
    made, source, _ = at_a_point(case)
    owners, _, seeds = made.directions
    generator = np.random.default_rng(1)
    for node in made.path - {source.derivation.loss}:
        change = generator.normal(size=np.shape(made.adjoints[node]))
        moved = made.changed(node, change, frozenset(owners))
        expected = [
            np.sum(seeds[name][k] * (moved[name] - made.adjoints[name])) if name in moved else 0.0
            for k, name in enumerate(owners)
        ]
        np.testing.assert_allclose(made.shift(node, change), expected, rtol=1e-9, atol=1e-12)


def test_terms_add_up_to_the_adjoint_and_a_changed_term_does_not() -> None:
    made, source, _ = at_a_point("conv")
    for name in made.path - {source.derivation.loss}:
        terms = [made.term(name, k) for k in range(len(source.derivation.adjoints[name].contributions))]
        assert same(sum(terms), made.adjoints[name])
        assert not same(sum(terms) + 1e-6 * np.max(np.abs(made.adjoints[name])), made.adjoints[name])
