"""Chains: products along cuts and sums over paths have the value of the total derivative, found independently."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from sympy import Sum

from symbackprop.derive import derive
from symbackprop.derive.steps.paths import Chains, DerivativeChain, Fork, Link
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.network import Network
from tests.derive.networks import NETWORKS, skip, two_layers
from tests.high_precision import forward, total_derivative


def value(expression: object, network: Network) -> float:
    """Return the value of an expression in node names."""
    values = forward(network, network.values)
    return float(expression.xreplace({node.symbol: values[name] for name, node in network.nodes.items()}))  # type: ignore[attr-defined]


def chains(network: Network, loss: str = "E") -> Chains:
    """Return the chains of a network."""
    return Chains(derive(network, loss))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_factored_chains_have_the_value_of_the_total_derivative(name: str) -> None:
    network = NETWORKS[name]()
    for by in [n for n in network.nodes if n != "E" and not n.startswith("t")]:
        chain = chains(network).factored("E", by)
        assert value(chain.expression, network) == pytest.approx(total_derivative(network, "E", by, network.values), rel=1e-12), (
            by
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_every_link_has_the_value_of_its_derivative(name: str) -> None:
    network = NETWORKS[name]()
    for by in derive(network, "E").wrt:
        for link in links(chains(network).factored("E", by)):
            if not link.direct:
                expected = total_derivative(network, link.of, link.by, network.values)
                assert value(link.value, network) == pytest.approx(expected, rel=1e-12, abs=1e-15), (link.of, link.by)


def links(chain: DerivativeChain) -> list[Link]:
    """Return all links of a chain, those inside forks too."""
    found: list[Link] = []
    for factor in chain.factors:
        found.extend([factor] if isinstance(factor, Link) else [link for branch in factor.branches for link in branch])
    return found


def test_a_hidden_weight_parts_at_the_loss() -> None:
    chain = chains(two_layers()).factored("E", "w1")
    assert isinstance(chain.factors[0], Fork)
    assert chain.passes == ("E", "h1", "net_h1", "w1")
    assert [[(link.of, link.by) for link in branch] for branch in chain.factors[0].branches] == [
        [("E_1", "h1")],
        [("E", "E_2"), ("E_2", "h1")],
    ]


def test_a_unit_factor_at_the_start_joins_the_next() -> None:
    assert chains(two_layers()).factored("E", "w5").passes == ("E", "o1", "w5")


def test_a_shared_bias_is_a_sum_over_its_uses() -> None:
    (fork,) = chains(two_layers()).factored("E", "b1").factors
    assert isinstance(fork, Fork)
    assert [branch[-1].of for branch in fork.branches] == ["net_h1", "net_h2"]


def test_a_direct_use_is_a_branch_of_its_own() -> None:
    fork = next(f for f in chains(skip()).factored("E", "w").factors if isinstance(f, Fork))
    assert [[link.direct for link in branch] for branch in fork.branches] == [[True], [False]]


@pytest.mark.parametrize("name", NETWORKS)
def test_paths_go_from_use_to_use_and_their_sum_is_the_derivative(name: str) -> None:
    network = NETWORKS[name]()
    derivation = derive(network, "E")
    for by in derivation.wrt:
        total = 0
        for path in chains(network).paths("E", by):
            assert path[0] == "E"
            assert path[-1] == by
            product = 1
            for consumer, node in pairwise(path):
                product *= sum(c.local for c in derivation.adjoints[node].contributions if c.consumer == consumer)
            total += product
        assert value(total, network) == pytest.approx(total_derivative(network, "E", by, network.values), rel=1e-12)


def test_through_takes_only_names_on_every_path() -> None:
    network = two_layers()
    chain = chains(network).through("E", "o1", "w5")
    assert value(chain.expression, network) == pytest.approx(total_derivative(network, "E", "w5", network.values), rel=1e-12)
    with pytest.raises(UserError, match=r"o1 is not on every path from E to w1.*on every path: E, h1, net_h1, w1"):
        chains(network).through("E", "o1", "w1")
    with pytest.raises(UserError, match="expected the names in the order E, h1, net_h1, w1"):
        chains(network).through("E", "net_h1", "h1", "w1")
    with pytest.raises(UserError, match="at least two names"):
        chains(network).through("E")
    with pytest.raises(UserError, match=re.escape("E_1 does not depend on E_2")):
        chains(network).through("E_1", "E_2")


def test_a_node_with_indices_is_refused_with_the_reason() -> None:
    network = Network("tensor")
    (n,) = network.indices("n:N")
    x = network.parameter("x", n)
    network.define("E", Sum(x[n] ** 2, n))
    with pytest.raises(NotSupportedError, match=r"x\[n\] has indices"):
        chains(network).factored("E", "x")
