"""The networks that are timed, as definitions and as example values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sympy import Add, Expr, Mul, Rational, Sum, exp, log, tanh

from symbackprop.network import Network, sigmoid

SCALAR_SIZES = ((2, 3, 2), (4, 8, 8, 4), (16, 32, 32, 8), (64, 64, 64, 10))


@dataclass(frozen=True, slots=True)
class Case:
    """A network with its loss; `weights` counts the parameters' numbers where each is a scalar node."""

    title: str
    network: Network
    loss: Expr
    weights: int


def weight_count(sizes: tuple[int, ...]) -> int:
    """Return the number of parameters: one weight for each edge, one bias for each layer."""
    return sum(above * below for above, below in pairwise(sizes)) + len(sizes) - 1


def scalar_network(sizes: tuple[int, ...]) -> Case:
    """Return a fully connected sigmoid network of scalars, `E = Σ 1/2 (target_o - out_o)^2`.

    Layers are numbered from 1; `w2_3_1` leads from neuron 1 to neuron 3 of layer 2; `b2` is that layer's
    bias.
    """
    title = "-".join(str(size) for size in sizes)
    network = Network(title)
    row = [network.input(f"x{place}") for place in range(1, sizes[0] + 1)]
    outputs = range(1, sizes[-1] + 1)
    targets = [network.target(f"target{place}") for place in outputs]
    for layer, size in enumerate(sizes[1:], start=1):
        bias = network.parameter(f"b{layer}")
        row = [_neuron(network, layer, place, row, bias) for place in range(1, size + 1)]
    errors = [
        network.define(f"E{place}", Rational(1, 2) * (target - out) ** 2)
        for place, target, out in zip(outputs, targets, row, strict=True)
    ]
    loss = network.define("E", Add(*errors))
    return Case(title, network, loss, weight_count(sizes))


def _neuron(network: Network, layer: int, place: int, row: list[Expr], bias: Expr) -> Expr:
    weights = [network.parameter(f"w{layer}_{place}_{source}") for source in range(1, len(row) + 1)]
    terms = [Mul(weight, out) for weight, out in zip(weights, row, strict=True)]
    net = network.define(f"net{layer}_{place}", Add(bias, *terms))
    return network.define(f"out{layer}_{place}", sigmoid(net))


def scalar_values(sizes: tuple[int, ...], seed: int, samples: int | None = None) -> dict[str, Any]:
    """Return random values for `scalar_network(sizes)`; with `samples` given, its data are arrays."""
    rng = np.random.default_rng(seed)

    def data() -> Any:
        return float(rng.uniform(0.1, 0.9)) if samples is None else rng.uniform(0.1, 0.9, size=samples)

    values = {f"x{place}": data() for place in range(1, sizes[0] + 1)}
    values |= {f"target{place}": data() for place in range(1, sizes[-1] + 1)}
    for layer, (above, below) in enumerate(pairwise(sizes), start=1):
        values[f"b{layer}"] = float(rng.normal())
        for place in range(1, below + 1):
            for source in range(1, above + 1):
                values[f"w{layer}_{place}_{source}"] = float(rng.normal())
    return values


def mlp_network() -> Case:
    """Return the two-layer network (tanh, softmax, mean cross-entropy) in index notation."""
    network = Network("MLP")
    n, i, j, k, m = network.indices("n:N i:D j:H k:K m:K")
    X, t = network.input("X", n, i), network.target("t", n, k)
    W1, b1 = network.parameter("W1", i, j), network.parameter("b1", j)
    W2, b2 = network.parameter("W2", j, k), network.parameter("b2", k)
    network.assume(Sum(t[n, k], k), 1, because="each row of t has a single 1, so it sums to one")
    Z1 = network.define("Z1", n, j, Sum(X[n, i] * W1[i, j], i) + b1[j])
    A1 = network.define("A1", n, j, tanh(Z1[n, j]))
    Z2 = network.define("Z2", n, k, Sum(A1[n, j] * W2[j, k], j) + b2[k])
    P = network.define("P", n, k, exp(Z2[n, k]) / Sum(exp(Z2[n, m]), m))
    loss = network.define("E", -Sum(Sum(t[n, k] * log(P[n, k]), k), n) / network.size("N"))
    return Case("MLP", network, loss, 0)


def mlp_values(samples: int, inputs: int, hidden: int, classes: int, seed: int) -> dict[str, Any]:
    """Return random values for `mlp_network`, with one-hot targets."""
    rng = np.random.default_rng(seed)
    return {
        "X": rng.uniform(size=(samples, inputs)),
        "t": np.eye(classes)[rng.integers(0, classes, size=samples)],
        "W1": rng.normal(size=(inputs, hidden)) / np.sqrt(inputs),
        "b1": rng.normal(size=hidden) / 10,
        "W2": rng.normal(size=(hidden, classes)) / np.sqrt(hidden),
        "b2": rng.normal(size=classes) / 10,
    }
