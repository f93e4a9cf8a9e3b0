"""Networks of numbers over many samples are computed in arrays: judged by the same network on floats, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Add, Expr, Rational, exp, log, tanh

from symbackprop import Network, derive, relu, sigmoid, train
from symbackprop.network import Role
from symbackprop.numeric import function, source

Built = tuple[Network, Expr]
Layers = tuple[int, ...]


def feed_forward(sizes: Layers, activation: Any = sigmoid, bias: str = "own", names: str = "{kind}{layer}_{at}") -> Built:
    """A fully connected network of numbers; the biases are one for each neuron, "shared" by a layer, or "none"."""
    net = Network("feed forward")
    row = [net.input(f"x{at}") for at in range(1, sizes[0] + 1)]
    count = 0
    for layer, size in enumerate(sizes[1:], start=1):
        shared = net.parameter(f"b{layer}") if bias == "shared" else 0
        units = []
        for at in range(1, size + 1):
            weights = [net.parameter(f"w{(count := count + 1)}") for _ in row]
            own = net.parameter(f"c{layer}_{at}") if bias == "own" else shared
            linear = Add(own, *(w * u for w, u in zip(weights, row, strict=True)))
            z = net.define(names.format(kind="net", layer=layer, at=at), linear)
            units.append(net.define(names.format(kind="out", layer=layer, at=at), activation(z)))
        row = units
    errors = [net.define(f"E{at}", (net.target(f"t{at}") - out) ** 2 / 2) for at, out in enumerate(row, start=1)]
    return net, net.define("E", Add(*errors)) if len(errors) > 1 else errors[0]


def straight_loss() -> Built:
    """Squares in the loss itself, outputs without an activation."""
    net = Network()
    x, w, t = net.inputs("x1:4"), net.parameters("w1:7"), net.targets("t1:3")
    z = [net.define(f"z{k}", sum((w[3 * k + i] * x[i] for i in range(3)), 0 * x[0])) for k in range(2)]
    return net, net.define("E", Add(*((z[k] - t[k]) ** 2 for k in range(2))))


def softmax() -> Built:
    """Outputs that read all others: only the layer before them falls into an array."""
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:7"), net.targets("t1:4")
    z = [net.define(f"z{k}", w[2 * k] * x[0] + w[2 * k + 1] * x[1]) for k in range(3)]
    total = net.define("s", Add(*(exp(z[k]) for k in range(3))))
    p = [net.define(f"p{k}", exp(z[k]) / total) for k in range(3)]
    return net, net.define("E", -Add(*(t[k] * log(p[k]) for k in range(3))))


def skipping() -> Built:
    """An output that reads a hidden neuron and an input."""
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:9"), net.target("t")
    h = [net.define(f"h{k}", tanh(w[2 * k] * x[0] + w[2 * k + 1] * x[1])) for k in range(2)]
    y = net.define("y", w[4] * h[0] + w[5] * h[1] + w[6] * x[0] + w[7])
    return net, net.define("E", (y - t) ** 2)


def weight_used_twice() -> Built:
    """Neurons that share a weight, and one whose bias is a weight of its own."""
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:6"), net.targets("t1:3")
    a = net.define("a1", w[0] * x[0] + w[1] * x[1] + w[1])
    b = net.define("a2", w[0] * x[0] + w[2] * x[1] + w[2])
    return net, net.define("E", (tanh(a) - t[0]) ** 2 + (tanh(b) * w[3] + w[4] - t[1]) ** 2)


def own_weight_as_bias() -> Built:
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:5"), net.targets("t1:3")
    z = [net.define(f"z{k}", w[2 * k] * x[0] + w[2 * k + 1] * x[1] + w[2 * k]) for k in range(2)]
    e = [net.define(f"e{k}", (z[k] - t[k]) ** 2) for k in range(2)]
    return net, net.define("E", Add(*e))


def crossed() -> Built:
    """Errors that belong to the outputs in another order, and a sum of products of errors."""
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:7"), net.targets("t1:4")
    z = [net.define(f"z{k}", w[2 * k] * x[0] + w[2 * k + 1] * x[1]) for k in range(3)]
    e = [net.define(f"e{k}", sigmoid(z[2 - k]) - t[k]) for k in range(3)]
    return net, net.define("E", e[0] * e[1] + e[1] * e[2] + e[2] * e[0] + Rational(1, 2) * (e[0] + 3 * e[1] - e[2]) ** 2)


def weighted() -> Built:
    """Errors with different factors, and a penalty of the weights."""
    net = Network()
    x, w, t, c = net.inputs("x1:3"), net.parameters("w1:5"), net.targets("t1:3"), net.constant("lam")
    z = [net.define(f"z{k}", w[2 * k] * x[0] + w[2 * k + 1] * x[1]) for k in range(2)]
    e = [net.define(f"e{k}", (z[k] - t[k]) ** 2) for k in range(2)]
    return net, net.define("E", e[0] + 2 * e[1] + c * Add(*(v**2 for v in w)))


def read_alone_and_together() -> Built:
    """Two neurons that share a weight, and so read the inputs alone, beside two that could read them as an array."""
    net = Network()
    x, w, b, t = net.inputs("x1:3"), net.parameters("w1:8"), net.parameter("b"), net.targets("t1:5")
    pairs = ((w[0], w[1]), (w[1], w[2]), (w[3], w[4]), (w[5], w[6]))
    z = [net.define(f"z{k}", p * x[0] + q * x[1] + b) for k, (p, q) in enumerate(pairs)]
    e = [net.define(f"e{k}", (tanh(z[k]) - t[k]) ** 2) for k in range(4)]
    return net, net.define("E", Add(*e))


def half_read() -> Built:
    """A neuron whose activation is another one, and one that nothing reads."""
    net = Network()
    x, w, t = net.inputs("x1:3"), net.parameters("w1:7"), net.target("t")
    z = [net.define(f"z{k}", w[2 * k] * x[0] + w[2 * k + 1] * x[1]) for k in range(3)]
    y = net.define("y", tanh(z[0]) * sigmoid(z[1]))
    net.define("unused", z[2] ** 2)
    return net, net.define("E", (y - t) ** 2)


#: A network, and whether its neurons stand in arrays.
CASES: dict[str, tuple[Callable[[], Built], bool]] = {
    "2-3-2": (lambda: feed_forward((2, 3, 2)), True),
    "shared biases": (lambda: feed_forward((2, 3, 2), bias="shared"), True),
    "no biases": (lambda: feed_forward((3, 2, 2), tanh, "none"), True),
    "one output": (lambda: feed_forward((2, 3, 1), relu), True),
    "three layers": (lambda: feed_forward((3, 4, 2, 3), tanh, "shared"), True),
    "one hidden neuron": (lambda: feed_forward((2, 1, 2)), False),
    "one in a row": (lambda: feed_forward((2, 1, 1)), False),
    "names that meet": (lambda: feed_forward((2, 2, 2), names="{kind}_{at}{layer}"), True),
    "names that are letters of indices": (lambda: feed_forward((2, 2, 2), names="{kind[0]}{layer}{at}"), True),
    "squares in the loss": (straight_loss, False),
    "softmax": (softmax, False),
    "skipping": (skipping, False),
    "a weight used twice": (weight_used_twice, False),
    "a weight as its own bias": (own_weight_as_bias, False),
    "read alone and together": (read_alone_and_together, False),
    "crossed": (crossed, False),
    "factors and a penalty": (weighted, False),
    "half read": (half_read, False),
}


def values_of(net: Network, samples: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sampled = (Role.INPUT, Role.TARGET)
    declared = [node for node in net.nodes.values() if not node.defined]
    return {node.name: rng.normal(size=samples) if node.role in sampled else float(rng.normal()) for node in declared}


@pytest.mark.parametrize("name", CASES)
def test_arrays_compute_what_single_samples_do(name: str) -> None:
    build, in_arrays = CASES[name]
    net, loss = build()
    sampled = [node.name for node in net.of_role(Role.INPUT, Role.TARGET)]
    everything = [node.name for node in net.of_role(Role.PARAMETER, Role.INPUT)]
    for wrt in (None, everything, everything[::-2]):
        derivation = derive(net, loss, wrt)
        single = function(derivation)
        assert ("= np.array([" in source(derivation, batched=True)) == in_arrays
        for samples, reduction in ((1, "sum"), (5, "mean")):
            values = values_of(net, samples, samples)
            many = function(derivation, batched=True, reduction=reduction)
            total, gradients = many(**{n: values[n] for n in many.arguments})
            assert list(gradients) == list(single.gradients)
            rows = [{n: values[n][at] if n in sampled else values[n] for n in single.arguments} for at in range(samples)]
            found = [single(**row) for row in rows]
            weight = 1 / samples if reduction == "mean" else 1.0
            np.testing.assert_allclose(total, weight * sum(loss for loss, _ in found), rtol=1e-12)
            for parameter, gradient in gradients.items():
                alone = weight * np.array([slopes[parameter] for _, slopes in found])
                expected = alone if parameter in sampled else alone.sum()
                np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13, err_msg=parameter)


def test_the_source_reads_as_a_layer_at_a_time() -> None:
    text = source(derive(*feed_forward((2, 3, 1), bias="shared")), batched=True)
    for line in (
        "x = np.array([x1, x2])",
        "w_net1 = np.array([[w1, w2], [w3, w4], [w5, w6]])",
        "net1 = w_net1 @ x + b1",
        "out1 = sigmoid(net1)",
        "dE1_dw_net1 = dE1_dnet1 @ x.T",
        '"w1": dE1_dw_net1[0, 0]',
    ):
        assert line in text, text


def test_training_by_batches_moves_every_number() -> None:
    net, loss = feed_forward((2, 3, 2), tanh)
    derivation = derive(net, loss)
    values = values_of(net, 6, 0)
    start = {name: values[name] for name in derivation.wrt}
    data = {name: value for name, value in values.items() if name not in start}
    expected = dict(start)
    for at in (slice(0, 2), slice(2, 4), slice(4, 6)):
        rows = [{name: value[at][place] for name, value in data.items()} for place in range(2)]
        slopes = [function(derivation)(**row, **expected)[1] for row in rows]
        expected = {name: value - 0.1 * sum(s[name] for s in slopes) / 2 for name, value in expected.items()}
    history = train(derivation, data, lr=0.1, epochs=1, batch_size=2, initial=start, progress=False)
    for name, value in expected.items():
        assert history.parameters[name] == pytest.approx(value, rel=1e-12), name
