"""The gradients an expert would write by hand in numpy, and the losses for autograd and jax to differentiate.

The losses take the array module as their first argument, so that both differentiate the same lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, Any]


def mlp_gradients(X: Any, t: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> tuple[Any, Arrays]:
    """Return loss and gradients of the two-layer network; X: (N, D), t: (N, K)."""
    A1 = np.tanh(X @ W1 + b1)
    Z2 = A1 @ W2 + b2
    Z2 -= Z2.max(axis=1, keepdims=True)
    P = np.exp(Z2)
    total = P.sum(axis=1, keepdims=True)
    loss = (t * (np.log(total) - Z2)).sum() / len(X)
    dZ2 = (P / total - t) / len(X)
    dZ1 = dZ2 @ W2.T * (1 - A1 * A1)
    return loss, {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=0), "W2": A1.T @ dZ2, "b2": dZ2.sum(axis=0)}


def mlp_loss(xp: Any, parameters: Arrays, X: Any, t: Any) -> Any:
    """Return the loss of the two-layer network."""
    Z2 = xp.tanh(X @ parameters["W1"] + parameters["b1"]) @ parameters["W2"] + parameters["b2"]
    Z2 = Z2 - xp.max(Z2, axis=1, keepdims=True)
    return xp.sum(t * (xp.log(xp.sum(xp.exp(Z2), axis=1, keepdims=True)) - Z2)) / len(X)


def sigmoid_gradients(x: Any, target: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> tuple[Any, Arrays]:
    """Return loss (summed over samples) and gradients of a sigmoid network with one hidden layer.

    x: (N, D), target: (N, K), W1: (D, H), W2: (H, K); b1 and b2 are numbers, shared by their layer.
    """
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    o = 1 / (1 + np.exp(-(h @ W2 + b2)))
    residual = o - target
    delta2 = residual * o * (1 - o)
    delta1 = delta2 @ W2.T * h * (1 - h)
    gradients = {"W1": x.T @ delta1, "b1": delta1.sum(), "W2": h.T @ delta2, "b2": delta2.sum()}
    return (residual * residual).sum() / 2, gradients


def sigmoid_loss(xp: Any, parameters: Arrays, x: Any, target: Any) -> Any:
    """Return the loss of the sigmoid network with one hidden layer, summed over samples."""
    h = 1 / (1 + xp.exp(-(x @ parameters["W1"] + parameters["b1"])))
    o = 1 / (1 + xp.exp(-(h @ parameters["W2"] + parameters["b2"])))
    return xp.sum((target - o) ** 2) / 2


def stacked(values: Arrays, sizes: tuple[int, int, int]) -> Arrays:
    """Return the values of `networks.scalar_network(sizes)` as the arrays that the functions above take."""
    inputs, _, outputs = sizes

    def columns(name: str, count: int) -> Any:
        return np.column_stack([np.atleast_1d(values[f"{name}{place + 1}"]) for place in range(count)])

    return {"x": columns("x", inputs), "target": columns("target", outputs), **stacked_weights(values, sizes)}


def stacked_weights(values: Arrays, sizes: tuple[int, int, int]) -> Arrays:
    """Return the weights, or gradients for them, as arrays: W1: (D, H), W2: (H, K)."""
    inputs, hidden, outputs = sizes

    def weights(layer: int, above: int, below: int) -> Any:
        rows = [[values[f"w{layer}_{b + 1}_{a + 1}"] for b in range(below)] for a in range(above)]
        return np.array(rows)

    return {
        "W1": weights(1, inputs, hidden),
        "b1": values["b1"],
        "W2": weights(2, hidden, outputs),
        "b2": values["b2"],
    }
