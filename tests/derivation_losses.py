"""Judges of the derivations' gradients: their losses again, in plain numpy, and complex steps through them.

Nothing of the package computes anything here; a network is only asked for its names and shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbackprop.network import Network

Values = dict[str, Any]


def complex_step(loss: Callable[..., Any], values: Values, name: str) -> np.ndarray:
    """Return ∂loss/∂values[name], element by element, as Im loss(x + ih)/h (Squire and Trapp 1998)."""
    h = 1e-30
    start = np.asarray(values[name], dtype=complex)
    gradient = np.empty(start.shape)
    for place in np.ndindex(start.shape):
        moved = start.copy()
        moved[place] += 1j * h
        gradient[place] = np.imag(loss(**{**values, name: moved[()] if moved.ndim == 0 else moved})) / h
    return gradient


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def neuron_loss(x1: Any, x2: Any, w1: Any, w2: Any, b: Any, target: Any) -> Any:
    return (target - np.tanh(x1 * w1 + x2 * w2 + b)) ** 2


def neuron_actual_loss(x1: Any, x2: Any, w1: Any, w2: Any, b: Any, target: Any) -> Any:
    return (x1 * w1 + x2 * w2 + b - 4.9517) ** 2 / 2


def perceptron_loss(x: Any, w: Any, b: Any, t: Any) -> Any:
    val = x @ w + b
    return -((t - (np.real(val) > 0)) @ val) / 4


def regression_loss(z: Any, W: Any, b: Any, y_true: Any) -> Any:
    return ((z @ W + b - y_true) ** 2).sum() / len(z)


def judge_of_people_loss(
    x1: Any,
    x2: Any,
    w1: Any,
    w2: Any,
    w3: Any,
    w4: Any,
    w5: Any,
    w6: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    y_true: Any,
) -> Any:
    h1, h2 = sigma(w1 * x1 + w2 * x2 + b1), sigma(w3 * x1 + w4 * x2 + b2)
    return (y_true - sigma(w5 * h1 + w6 * h2 + b3)) ** 2


def two_three_two_loss(l1: Any, l2: Any, b1: Any, b2: Any, target_o1: Any, target_o2: Any, **w: Any) -> Any:
    hidden = [sigma(w[f"w{2 * h + 1}"] * l1 + w[f"w{2 * h + 2}"] * l2 + b1) for h in range(3)]
    out = [sigma(sum(w[f"w{7 + 2 * h + o}"] * hidden[h] for h in range(3)) + b2) for o in range(2)]
    return ((target_o1 - out[0]) ** 2 + (target_o2 - out[1]) ** 2) / 2


def mlp_loss(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, t: Any) -> Any:
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    return -(t * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))).sum() / len(X)


LOSSES: Mapping[str, Callable[..., Any]] = {
    "tanh_neuron": neuron_loss,
    "perceptron": perceptron_loss,
    "linear_regression": regression_loss,
    "two_two_one": judge_of_people_loss,
    "two_three_two": two_three_two_loss,
    "mlp_softmax": mlp_loss,
}


def random_values(network: Network, seed: int, name: str) -> Values:
    """Return values at a random point: arrays have distinct primes for sizes, targets as the loss needs."""
    rng = np.random.default_rng(seed)
    sizes = dict(zip(("N", "D", "M", "K"), (5, 3, 7, 2), strict=True))
    values: Values = {}
    for node in network.nodes.values():
        if not node.defined:
            shape = tuple(sizes[str(extent)] for extent in node.shape)
            values[node.name] = rng.normal(size=shape) if shape else float(rng.normal())
    if name == "perceptron":
        values["t"] = (values["t"] > 0).astype(float)
    if name == "mlp_softmax":
        values["t"] = np.eye(2)[(values["t"][:, 0] > 0).astype(int)]
    return values
