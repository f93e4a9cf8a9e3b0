"""Networks of scalars, as they are worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from sympy import Expr, Integer, Symbol

from symbackprop.errors import DefinitionError
from symbackprop.functions import sigmoid
from symbackprop.layers.shared import Activation
from symbackprop.network.model import Network


def scalar_mlp(
    inputs: int, *sizes: int, activation: Activation = sigmoid, title: str = "", one_bias_a_layer: bool = False
) -> tuple[Network, Symbol]:
    """A fully connected network of scalars with the names of the textbooks: `scalar_mlp(2, 3, 2)`. Returns (network, loss).

        net_h1 = w1*i1 + w2*i2 + b1, out_h1 = σ(net_h1), …, net_o1 = w7*out_h1 + w8*out_h2 + …, E_o1 = (target_o1 - out_o1)²/2

    `inputs` and `sizes` are the numbers of neurons of the layers. Inputs i1, i2, …; weights w1, w2, … are counted unit by
    unit; biases b1, b2, …, one for each unit, or one for all units of a layer. Hidden units are h1, h2, …, where there are
    several hidden layers h1_1, h1_2, …, h2_1, … with the layer's number first; outputs o1, o2, …; the loss E_total is the sum
    of E_o1, E_o2, ….
    """
    if inputs < 1 or not sizes or min(sizes) < 1:
        raise DefinitionError(
            f"scalar_mlp: expected at least an input and an output layer, each of 1 or more, got {(inputs, *sizes)}"
        )
    network = Network(title or f"{'-'.join(map(str, (inputs, *sizes)))} network")
    outputs: list[Expr] = [network.input(f"i{k}") for k in range(1, inputs + 1)]
    weights, biases = count(1), count(1)
    for layer, size in enumerate(sizes, start=1):
        own = [network.parameter(f"b{next(biases)}")] if one_bias_a_layer else []
        before, outputs = outputs, []
        for unit in range(1, size + 1):
            label = _label(layer, unit, len(sizes))
            net = network.define(f"net_{label}", _linear(network, before, weights, own or biases))
            outputs.append(network.define(f"out_{label}", activation(net)))
    return network, _squared_error(network, outputs)


def _linear(network: Network, before: list[Expr], weights: Iterator[int], bias: Iterator[int] | list[Expr]) -> Expr:
    """Return the weighted sum of values and a bias: the given one, or a new parameter."""
    total = sum((network.parameter(f"w{next(weights)}") * value for value in before), Integer(0))
    return total + (bias[0] if isinstance(bias, list) else network.parameter(f"b{next(bias)}"))


def _squared_error(network: Network, outputs: list[Expr]) -> Symbol:
    """Define the loss: E_o1 + E_o2 + …, half the squares of the differences from targets."""
    errors = []
    for unit, output in enumerate(outputs, start=1):
        target = network.target(f"target_o{unit}")
        errors.append(network.define(f"E_o{unit}", (target - output) ** 2 / 2))
    return network.define("E_total", sum(errors, Integer(0)))


def _label(layer: int, unit: int, layers: int) -> str:
    """Return `o1` in the output layer, `h1` in the only hidden layer, `h2_1` in the second of several."""
    if layer == layers:
        return f"o{unit}"
    return f"h{unit}" if layers == 2 else f"h{layer}_{unit}"
