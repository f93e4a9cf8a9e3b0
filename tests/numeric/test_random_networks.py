"""Gradients of random networks, scalar and in index notation, against the complex step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Integer, Sum, cos, erf, exp, log, sin, sqrt, tanh

from symbackprop.derive import derive
from symbackprop.network import Network, elu, gelu, gelu_tanh, leaky_relu, maximum, relu, sigmoid, silu, softplus
from symbackprop.numeric import function
from tests.numeric.complex_step import Judge, assert_gradient

Function = Callable[[Any], Any]
FUNCTIONS: tuple[Function, ...] = (
    sigmoid, tanh, softplus, silu, gelu, gelu_tanh, relu, sin, cos, erf, lambda x: elu(x, Integer(1) / 2),
    lambda x: leaky_relu(x, Integer(1) / 5), lambda x: log(1 + x**2), lambda x: exp(-(x**2)), lambda x: sqrt(1 + x**2),
    lambda x: x / (2 + cos(x)), lambda x: 1 / (1 + exp(-x)), lambda x: x**3 / 7, lambda x: maximum(x, 0.25),
)  # fmt: skip
SIZES = {"N": 2, "A": 3, "B": 5, "C": 1}


def random_scalar_network(seed: int) -> tuple[Network, dict[str, Any]]:
    """Return a network of about twenty scalar nodes over earlier ones, chosen at random, with fan-out."""
    generator = np.random.default_rng(seed)
    net = Network(f"random scalars {seed}")
    names = [*net.inputs("x1:4"), *net.parameters("w1:6")]
    for at in range(14):
        a, b, c = (names[k] for k in generator.choice(len(names), size=3))
        apply = FUNCTIONS[generator.integers(len(FUNCTIONS))]
        shape = int(generator.integers(4))
        value = [lambda a=a, b=b, c=c: a * b + c, lambda a=a, b=b, c=c: a - 2 * b * c, lambda a=a, b=b: a * b / 3,
                 lambda a=a, b=b, c=c: a / (1 + b**2) - c][shape]()  # fmt: skip
        names.append(net.define(f"v{at}", apply(value) if generator.random() < 0.7 else value))
    net.define("E", sum((v - Integer(k) / 4) ** 2 for k, v in enumerate(names[-4:])) / 4)
    values = {node.name: float(generator.normal()) for node in net.nodes.values() if not node.defined}
    return net, values


def random_tensor_network(seed: int) -> tuple[Network, dict[str, Any]]:
    """Return a network of random layers between random widths, with a random normalisation, sharing and fan-out."""
    generator = np.random.default_rng(seed)
    net = Network(f"random arrays {seed}")
    n, *pairs = net.indices("n:N p:A q:A r:B s:B u:C v:C")
    width = {"A": tuple(pairs[:2]), "B": tuple(pairs[2:4]), "C": tuple(pairs[4:])}
    here = "ABC"[generator.integers(3)]
    layer = net.input("X", n, width[here][0])
    for at in range(4):
        there = "ABC"[generator.integers(3)]
        i, o = width[here][0], width[there][1 if there == here else 0]
        W, b = net.parameter(f"W{at}", *((i, o) if generator.random() < 0.5 else (o, i))), net.parameter(f"b{at}", o)
        entry = W[i, o] if net.nodes[f"W{at}"].indices == (i, o) else W[o, i]
        apply = FUNCTIONS[generator.integers(len(FUNCTIONS))]
        z = net.define(f"Z{at}", n, o, Sum(layer[n, i] * entry, i) + b[o])
        kind = int(generator.integers(4))
        other = width[there][0 if o == width[there][1] else 1]
        if kind == 0:
            z = net.define(f"S{at}", n, o, exp(z[n, o]) / Sum(exp(z[n, other]), other))
        elif kind == 1:
            m = net.define(f"m{at}", n, Sum(z[n, o], o) / net.size(there))
            z = net.define(f"D{at}", n, o, (z[n, o] - m[n]) / sqrt(1 + m[n] ** 2))
        elif kind == 2:
            g = net.parameter(f"g{at}", n)
            z = net.define(f"G{at}", n, o, z[n, o] * g[n] + z[n, o] ** 2 * b[o])
        layer, here = net.define(f"A{at}", n, o, apply(z[n, o])), there
        width[here] = (o, width[here][0 if o == width[here][1] else 1])
    last = width[here][0]
    net.define("E", Sum(layer[n, last] ** 2, n, last) / net.size("N") + Sum(net.nodes["b3"].symbol[last] ** 2, last))
    values = {
        node.name: generator.normal(size=tuple(SIZES[str(extent)] for extent in node.shape)) for node in net.nodes.values()
        if not node.defined
    }  # fmt: skip
    return net, values


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
@pytest.mark.parametrize("build", [random_scalar_network, random_tensor_network])
def test_gradients_of_random_networks(build: Callable[[int], tuple[Network, dict[str, Any]]], seed: int) -> None:
    net, values = build(seed)
    declared = [node.name for node in net.nodes.values() if not node.defined]
    judge = Judge(net)
    loss, gradients = function(derive(net, "E", declared))(**values)
    assert loss == pytest.approx(judge.loss("E", values).real, rel=1e-12)
    for name in declared:
        assert_gradient(gradients[name], judge.gradient("E", values, name, most=4), name, rtol=1e-12, atol=1e-12)


def test_the_judge_notices_a_wrong_gradient() -> None:
    net, values = random_tensor_network(0)
    expected = Judge(net).gradient("E", values, "b3")
    _, gradients = function(derive(net, "E", ["b3"]))(**values)
    wrong = gradients["b3"] * (1 + 1e-9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(wrong, expected, rtol=1e-11)
