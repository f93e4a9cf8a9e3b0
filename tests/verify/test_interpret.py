"""Index notation at concrete sizes: the reference's numbers against loops and complex steps, its graph against its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from symbackprop.derive import derive
from symbackprop.network import Network
from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.reference.domains import POSITIVE
from symbackprop.verify.reference.facts import solutions
from symbackprop.verify.reference.network_values import numbers, rewired, symbols
from symbackprop.verify.reference.sampling import random_values, size_choices, sizes_of
from tests.verify.mutants.hand import HEAD, SOURCES
from tests.verify.mutants.networks import NETWORKS
from tests.verify.mutants.score import load


def complex_step(loss: Any, values: dict[str, Any], name: str) -> np.ndarray:
    start = np.asarray(values[name], dtype=complex)
    gradient = np.empty(start.shape)
    for place in np.ndindex(start.shape):
        moved = start.copy()
        moved[place] += 1e-30j
        gradient[place] = np.imag(loss(**{**values, name: moved[()]})) / 1e-30
    return gradient


@pytest.mark.parametrize("case", NETWORKS)
def test_the_reference_is_the_derivative_of_an_independent_loss(case: str, tmp_path: Any) -> None:
    network, loss = NETWORKS[case]()
    derivation = derive(network, loss)
    module = load(tmp_path, case, HEAD + SOURCES[case])
    for seed, sizes in enumerate(size_choices(network)):
        values = random_values(network, sizes, np.random.default_rng(seed), POSITIVE if case == "logistic" else None)
        if case == "logistic":
            values["t"] = values["t"] / 2
        point = numbers(derivation, values)
        for name in derivation.wrt:
            true = complex_step(module.loss, values, name)
            assert np.shape(point.adjoints[name]) == true.shape
            np.testing.assert_allclose(point.adjoints[name], true, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("case", ["mlp", "conv", "attention", "two_outputs"])
def test_the_graph_has_the_same_numbers(case: str) -> None:
    network, loss = NETWORKS[case]()
    derivation = derive(network, loss)
    values = random_values(network, size_choices(network)[0], np.random.default_rng(3))
    graph = Graph()
    nodes, point = symbols(derivation, values, graph), numbers(derivation, values)
    for name in derivation.wrt:
        found = np.vectorize(lambda node: graph.values[node], otypes=[float])(nodes.adjoints[name])
        np.testing.assert_allclose(found, point.adjoints[name], rtol=1e-9, atol=1e-12)


def test_sizes_are_distinct_and_square() -> None:
    network, _ = NETWORKS["mlp"]()
    primes, square = size_choices(network)
    assert len(set(primes.values())) == len(primes)
    assert len(set(square.values())) == 1
    assert not set(primes.values()) & set(square.values())


def test_a_convolution_gets_sizes_that_fit() -> None:
    network, _ = NETWORKS["conv"]()
    for sizes in size_choices(network):
        named = {str(symbol): size for symbol, size in sizes.items()}
        assert named["T"] - named["F"] + 1 > 0


def test_random_values_respect_the_facts() -> None:
    network, _ = NETWORKS["mlp"]()
    for sizes in size_choices(network):
        values = random_values(network, sizes, np.random.default_rng(5))
        np.testing.assert_allclose(values["t"].sum(axis=1), 1, rtol=1e-12)
        solved = solutions(network, sizes_of(network, values), values)
        assert len(solved) == len(values["t"])


def test_rewiring_replaces_an_input_everywhere() -> None:
    graph = Graph()
    x, y = graph.input("x", (), 2.0), graph.input("y", (), 3.0)
    product = graph.mul(graph.add(x, y), graph.apply("exp", x))
    (moved,) = rewired(graph, [product], {x: y})
    assert moved == graph.mul(graph.add(y, y), graph.apply("exp", y))
    assert rewired(graph, [product], {}) == [product]


@pytest.mark.slow
def test_a_sum_of_a_thousand_terms_is_no_deep_recursion() -> None:
    network = Network("long")
    x, w = network.input("x", value=2.0), network.parameter("w", value=0.5)
    terms = [network.define(f"y{k}", w * x / (k + 1)) for k in range(1100)]
    found = numbers(derive(network, network.define("E", sympy.Add(*terms))), {"x": 2.0, "w": 0.5})
    assert found.adjoints["w"] == pytest.approx(2.0 * sum(1 / (k + 1) for k in range(1100)), rel=1e-12)
