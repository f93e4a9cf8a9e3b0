"""A contribution before its Kronecker deltas are eliminated has the value it has afterwards, summed term by term."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sympy import KroneckerDelta, Sum

from symbackprop.derive import derive
from symbackprop.derive.sweep.unify import before_elimination
from symbackprop.network import Network
from tests import brute_force


def dense() -> tuple[Network, dict[str, tuple[int, ...]]]:
    net = Network("dense")
    n, i, j = net.indices("n:N i:D j:K")
    x, w, b = net.input("x", n, i), net.parameter("w", i, j), net.parameter("b", j)
    z = net.define("z", n, j, Sum(x[n, i] * w[i, j], i) + b[j])
    net.define("E", Sum(z[n, j] ** 2, n, j))
    return net, {"x": (3, 2), "w": (2, 5), "b": (5,)}


def convolution() -> tuple[Network, dict[str, tuple[int, ...]]]:
    net = Network("convolution")
    n, t, u, o = net.indices("n:N t:T u:U o:T-U+1")
    x, w = net.parameter("x", n, t), net.parameter("w", u)
    y = net.define("y", n, o, Sum(x[n, o + u] * w[u], u))
    net.define("E", Sum(y[n, o] ** 3, n, o))
    return net, {"x": (2, 7), "w": (3,)}


def quadratic() -> tuple[Network, dict[str, tuple[int, ...]]]:
    net = Network("quadratic form and trace")
    i, j = net.indices("i:D j:D")
    a, b = net.parameter("a", i, j), net.parameter("b", i)
    q = net.define("q", Sum(b[i] * a[i, j] * b[j], i, j) + Sum(a[i, i] ** 2, i))
    net.define("E", q**2)
    return net, {"a": (4, 4), "b": (4,)}


@pytest.mark.parametrize("build", [dense, convolution, quadratic])
def test_the_value_is_the_same_before_and_after(build: Callable[[], tuple[Network, dict[str, tuple[int, ...]]]]) -> None:
    network, shapes = build()
    generator = np.random.default_rng(5)
    given = {name: generator.standard_normal(shape) for name, shape in shapes.items()}
    sizes = network.sizes(given)
    values = brute_force.forward(network, given)
    derivation = derive(network, "E")
    for name, adjoint in derivation.adjoints.items():  # any value serves for the adjoints: both sides use the same
        shape = [int(extent.subs({s: sizes[s.name] for s in extent.free_symbols})) for extent in network.nodes[name].shape]
        values[str(adjoint.symbol.label if adjoint.indices else adjoint.symbol)] = generator.standard_normal(shape)
    seen = 0
    for adjoint in derivation.adjoints.values():
        for contribution in adjoint.contributions if adjoint.indices else ():
            before = before_elimination(contribution, adjoint.indices)
            assert before.has(KroneckerDelta)
            found = brute_force.tabulate(before, adjoint.indices, values, sizes)
            np.testing.assert_allclose(found, brute_force.tabulate(contribution.term, adjoint.indices, values, sizes), rtol=1e-12)
            seen += 1
    assert seen >= 3


def test_the_comparison_sees_a_delta_that_is_missing() -> None:
    network, shapes = dense()
    derivation = derive(network, "E")
    given = {name: np.ones(shape) for name, shape in shapes.items()}
    values = {**brute_force.forward(network, given), "dE_dz": np.ones((3, 5))}
    (contribution,) = derivation.adjoints["w"].contributions
    without = before_elimination(contribution, derivation.adjoints["w"].indices).replace(
        lambda part: isinstance(part, KroneckerDelta), lambda part: 1
    )
    indices, sizes = derivation.adjoints["w"].indices, network.sizes(given)
    assert not np.allclose(
        brute_force.tabulate(without, indices, values, sizes), brute_force.tabulate(contribution.term, indices, values, sizes)
    )
