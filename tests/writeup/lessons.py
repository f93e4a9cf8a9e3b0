"""What the tests of lessons share: networks of numbers, and wrong derivatives worked out by hand-written loops in Python."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from sympy import Rational, tanh

from symbackprop.api import Derivation, derive
from symbackprop.network import Network, sigmoid
from symbackprop.writeup.lesson.page import lesson
from symbackprop.writeup.page.options import HandoutOptions


@cache
def layered(sizes: tuple[int, ...], seed: int = 1, unit: str = "sigmoid", half: bool = True) -> Derivation:
    """Return a fully connected network of numbers; weight `w_2_1_3` leads from unit 3 of layer 1 to unit 1 of layer 2."""
    dice = Random(seed)
    net = Network("-".join(map(str, sizes)) + f" {unit} network")

    def draw(low: float, high: float) -> float:
        return round(dice.uniform(low, high), 2)

    layer = [net.input(f"x{k}", value=draw(0.3, 1.5)) for k in range(1, sizes[0] + 1)]
    targets = [net.target(f"t{k}", value=draw(0.1, 0.9)) for k in range(1, sizes[-1] + 1)]
    for depth, size in enumerate(sizes[1:], start=1):
        bias = net.parameter(f"b{depth}", value=draw(-0.5, 0.5))
        weights = [
            [net.parameter(f"w{depth}{k}{i}", value=draw(0.1, 0.9) * dice.choice((1, -1))) for i in range(1, len(layer) + 1)]
            for k in range(1, size + 1)
        ]
        nets = [
            net.define(f"net_{depth}{k}", sum((w * x for w, x in zip(row, layer, strict=True)), bias))
            for k, row in enumerate(weights, start=1)
        ]
        activation = {"sigmoid": sigmoid, "tanh": tanh}[unit]
        layer = [net.define(f"out_{depth}{k}", activation(z)) for k, z in enumerate(nets, start=1)]
    factor = Rational(1, 2) if half else 1
    errors = [
        net.define(f"E{k}", factor * (t - out) ** 2) for k, (t, out) in enumerate(zip(targets, layer, strict=True), start=1)
    ]
    return derive(net, net.define("E", sum(errors)))


@dataclass
class ByHand:
    """Backpropagation of a `layered` network in plain loops, with one slip; `slips` says what is done wrong.

    slope: how σ' is written, of (net, out); error: the slope of the loss, of (target, out); drop: an output that is passed over;
    weight: what is used for the weight at (layer, to, from); slope_at: the layer whose slopes are wrong (0: all).
    """

    derivation: Derivation
    sizes: tuple[int, ...]
    unit: str = "sigmoid"
    half: bool = True
    slips: dict[str, Any] = field(default_factory=dict)

    def f(self, z: float) -> float:
        return 1 / (1 + math.exp(-z)) if self.unit == "sigmoid" else math.tanh(z)

    def slope(self, depth: int, z: float, out: float) -> float:
        wrong = self.slips.get("slope")
        if wrong is not None and self.slips.get("slope_at", 0) in (0, depth):
            return float(wrong(z, out))
        return out * (1 - out) if self.unit == "sigmoid" else 1 - out * out

    def run(self) -> dict[str, float]:
        """Return every value, and every derivative of the loss under `∂name`."""
        v = {name: float(value) for name, value in self.derivation.network.values.items()}
        layers = [[v[f"x{k}"] for k in range(1, self.sizes[0] + 1)]]
        for depth, size in enumerate(self.sizes[1:], start=1):
            outs = []
            for k in range(1, size + 1):
                z = v[f"b{depth}"] + sum(v[f"w{depth}{k}{i}"] * x for i, x in enumerate(layers[-1], start=1))
                v[f"net_{depth}{k}"], v[f"out_{depth}{k}"] = z, self.f(z)
                outs.append(self.f(z))
            layers.append(outs)
        last = len(self.sizes) - 1
        factor = 1.0 if self.half else 2.0
        error = self.slips.get("error", lambda t, out: factor * (out - t))
        for k, out in enumerate(layers[last], start=1):
            v[f"∂out_{last}{k}"] = 0.0 if self.slips.get("drop") == k else error(v[f"t{k}"], out)
        for depth in range(last, 0, -1):
            for k in range(1, self.sizes[depth] + 1):
                z, out = v[f"net_{depth}{k}"], v[f"out_{depth}{k}"]
                v[f"∂net_{depth}{k}"] = v[f"∂out_{depth}{k}"] * self.slope(depth, z, out)
                for i, x in enumerate(layers[depth - 1], start=1):
                    v[f"∂w{depth}{k}{i}"] = v[f"∂net_{depth}{k}"] * x
            v[f"∂b{depth}"] = sum(v[f"∂net_{depth}{k}"] for k in range(1, self.sizes[depth] + 1))
            for i in range(1, self.sizes[depth - 1] + 1):
                weights = self.slips.get("weight", {})
                v[f"∂out_{depth - 1}{i}"] = sum(
                    v[f"∂net_{depth}{k}"] * v[weights.get((depth, k, i), f"w{depth}{k}{i}")]
                    for k in range(1, self.sizes[depth] + 1)
                )
        return v


def page(derivation: Derivation, **options: Any) -> str:
    """Return the lesson of a derivation."""
    return lesson(derivation, HandoutOptions(**options))
