"""All gradients of random networks against central differences with 200-bit numbers, and the judge against planted mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sympy import Function, Rational

from symbackprop.derive import Adjoint, DerivationRecord, derive
from symbackprop.network import ELEMENTARY, Network
from tests.derive.interpreter import check_gradients
from tests.derive.random_networks import SIZES, index_network, scalar_network

SEEDS = range(10)
Make = Callable[[int], tuple[Network, Any]]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [pytest.param(seed, marks=() if seed < 4 else pytest.mark.slow) for seed in SEEDS])
def test_scalar_network(seed: int) -> None:
    derivation = derive(*scalar_network(seed))
    errors = check_gradients(derivation, {}, seed)
    assert set(errors) == set(derivation.adjoints)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [pytest.param(seed, marks=() if seed < 4 else pytest.mark.slow) for seed in SEEDS])
def test_index_network(seed: int) -> None:
    check_gradients(derive(*index_network(seed)), SIZES, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_more_index_networks(seed: int) -> None:
    check_gradients(derive(*index_network(seed)), SIZES, seed)
    check_gradients(derive(*scalar_network(seed)), {}, seed)


@pytest.mark.slow
def test_every_elementary_function_appears() -> None:
    networks = [make(seed)[0] for make in (scalar_network, index_network) for seed in SEEDS]
    nodes = [node for network in networks for node in network.nodes.values() if node.defined]
    assert set(ELEMENTARY) <= {call.func for node in nodes for call in node.expression.atoms(Function)}


@pytest.mark.slow
@pytest.mark.parametrize("make", [scalar_network, index_network])
@pytest.mark.parametrize("mistake", ["factor", "dropped", "sign", "small"])
def test_a_planted_mistake_is_found(make: Make, mistake: str) -> None:
    network, loss = make(3)
    derivation = derive(network, loss)
    victim = next(a for a in derivation.adjoints.values() if len(a.contributions) > 1)
    with pytest.raises(AssertionError, match=rf"not the numeric one.*'{victim.node}'"):
        check_gradients(_with(derivation, _spoilt(victim, mistake)), SIZES, 3)


def _spoilt(adjoint: Adjoint, mistake: str) -> Adjoint:
    first, *rest = adjoint.contributions
    factor = {"factor": 2, "sign": -1, "small": 1 + Rational(1, 10**9)}.get(mistake)
    changed = () if factor is None else (replace(first, local=first.local * factor),)
    return replace(adjoint, contributions=(*changed, *rest))


def _with(derivation: DerivationRecord, adjoint: Adjoint) -> DerivationRecord:
    return replace(derivation, adjoints={**derivation.adjoints, adjoint.node: adjoint})
