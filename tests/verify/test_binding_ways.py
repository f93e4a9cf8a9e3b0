"""How people hand over weights and give gradients back: each way with right code, which is proved, and with one mistake.

The checks run without looking for reasons: what is tested is who is taken for whom.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import Network, derive, sigmoid
from symbackprop.verify.binding.binding import BindingError
from symbackprop.verify.check import check_gradient

RATE = 0.2
rng = np.random.default_rng(7)
W1, W2 = rng.normal(size=(2, 3)), rng.normal(size=(3, 1))
X, Y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
GOOD, BAD = 1, 2  # what the gradient of W2 is multiplied by


def loss(W1: Any, W2: Any, X: Any, Y: Any) -> Any:
    return 0.5 * np.sum((np.tanh(X @ W1) @ W2 - Y) ** 2)


def slopes(W1: Any, W2: Any, X: Any, Y: Any, factor: float) -> tuple[Any, Any]:
    h = np.tanh(X @ W1)
    d = h @ W2 - Y
    return X.T @ (d @ W2.T * (1 - h**2)), factor * (h.T @ d)


# ---- training steps against a loss


def returned(factor: float) -> Callable[..., Any]:
    def step(W1, W2, X, Y, lr=0.1):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        W2 = W2 - lr * g2
        W1 = W1 - lr * g1
        return W1, W2

    return step


def by_name(factor: float) -> Callable[..., Any]:
    def step(W1, W2, X, Y, learning_rate):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        W1 -= learning_rate * g1
        W2 -= learning_rate * g2
        return {"W1": W1, "W2": W2}

    return step


def in_place(factor: float) -> Callable[..., Any]:
    def step(W1, W2, X, Y, eta=0.3):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        W1 -= eta * g1
        W2 += eta * -g2

    return step


def with_a_global_rate(factor: float) -> Callable[..., Any]:
    def step(W1, W2, X, Y):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        return W1 - RATE * g1, W2 - RATE * g2

    return step


def after_a_loss(factor: float) -> Callable[..., Any]:
    def step(W1, W2, X, Y, lr=0.1):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        return loss(W1, W2, X, Y), W1 - lr * g1, W2 - lr * g2

    return step


class Steps:
    def __init__(self, factor: float) -> None:
        self.factor, self.lr, self.W1, self.W2 = factor, 0.05, W1, W2

    def step(self, X, Y):
        g1, g2 = slopes(self.W1, self.W2, X, Y, self.factor)
        self.W1 = self.W1 - self.lr * g1
        self.W2 = self.W2 - self.lr * g2


# ---- gradients, in other shapes


def gradients_beside_a_rate(factor: float) -> Callable[..., Any]:
    def backward(W1, W2, X, Y, lr=0.1):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        return {"W1": g1, "W2": g2}

    return backward


def before_the_loss(factor: float) -> Callable[..., Any]:
    def backward(W1, W2, X, Y):
        g1, g2 = slopes(W1, W2, X, Y, factor)
        return {"dW1": g1, "dW2": g2}, loss(W1, W2, X, Y)

    return backward


def with_options(factor: float) -> Callable[..., Any]:
    def backward(W1, W2, X, Y, h=1e-5, verbose=False, cache=None):
        return slopes(W1, W2, X, Y, factor)

    return backward


def one_vector(factor: float) -> Callable[..., Any]:
    def backward(W1, W2, X, Y):
        return np.concatenate([g.ravel() for g in slopes(W1, W2, X, Y, factor)])

    return backward


WAYS: tuple[Callable[[float], Callable[..., Any]], ...] = (
    returned, by_name, in_place, with_a_global_rate, after_a_loss, lambda factor: Steps(factor).step, gradients_beside_a_rate,
    before_the_loss, with_options, one_vector,
)  # fmt: skip


def judged(reference: Any, hand: Any, **options: Any) -> dict[str, str]:
    report = check_gradient(reference, hand, explain=False, repair=False, **options)
    return {name: str(verdict.status) for name, verdict in report.verdicts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "given", ["plain", pytest.param("with the rate", marks=pytest.mark.slow), pytest.param("wrt", marks=pytest.mark.slow)]
)
def test_ways_against_a_loss(way: Callable[[float], Callable[..., Any]], given: str) -> None:
    example: dict[str, Any] = {"W1": W1, "W2": W2, "X": X, "Y": Y}
    wrt = ["W1", "W2"] if given == "wrt" or way in (one_vector, after_a_loss, with_a_global_rate, with_options) else None
    if given == "with the rate":
        example["lr"] = 0.1
    assert judged(loss, way(GOOD), example=example, wrt=wrt) == {"W1": "proved", "W2": "proved"}
    assert judged(loss, way(BAD), example=example, wrt=wrt) == {"W1": "proved", "W2": "differs"}


def test_a_step_from_zero_weights_is_a_step() -> None:
    example = {"W1": 0 * W1, "W2": 0 * W2, "X": X, "Y": Y}
    assert judged(loss, returned(GOOD), example=example, wrt=["W1", "W2"]) == {"W1": "proved", "W2": "proved"}


def test_a_gradient_times_the_rate_is_no_step() -> None:
    def backward(W1, W2, X, Y, lr=0.1):
        g1, g2 = slopes(W1, W2, X, Y, GOOD)
        return {"W1": lr * g1, "W2": lr * g2}

    assert set(judged(loss, backward, example={"W1": W1, "W2": W2, "X": X, "Y": Y}).values()) == {"differs"}


# ---- lists and objects


def run_through(weights: Any, biases: Any, x: Any) -> list[Any]:
    outputs = [x]
    for w, b in zip(weights, biases, strict=True):
        outputs.append(np.tanh(w @ outputs[-1] + b))
    return outputs


def back_through(weights: Any, biases: Any, x: Any, y: Any, factor: float) -> tuple[list[Any], list[Any]]:
    outputs = run_through(weights, biases, x)
    nabla_w, nabla_b = [np.zeros(w.shape) for w in weights], [np.zeros(b.shape) for b in biases]
    delta = (outputs[-1] - y) * (1 - outputs[-1] ** 2)
    for k in range(len(weights) - 1, -1, -1):
        nabla_b[k] = delta
        nabla_w[k] = factor * np.outer(delta, outputs[k])
        delta = weights[k].T @ delta * (1 - outputs[k] ** 2)
    return nabla_w, nabla_b


class Net:
    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.weights = [rng.normal(size=(3, 2)), rng.normal(size=(1, 3))]
        self.biases = [rng.normal(size=3), rng.normal(size=1)]

    def cost(self, x, y):
        return 0.5 * np.sum((run_through(self.weights, self.biases, x)[-1] - y) ** 2)

    def backprop(self, x, y):
        nabla_w, nabla_b = back_through(self.weights, self.biases, x, y, self.factor)
        return nabla_b, nabla_w


@pytest.mark.slow
def test_lists_of_an_object_as_nabla_b_and_nabla_w() -> None:
    example = {"x": np.array([0.3, -0.7]), "y": np.array([0.4])}
    for factor, status in ((GOOD, "proved"), (BAD, "differs")):
        net = Net(factor)
        expected = {"weights.0": status, "weights.1": status, "biases.0": "proved", "biases.1": "proved"}
        assert judged(net.cost, net.backprop, example=example) == expected


class Part:
    def __init__(self, W: Any) -> None:
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T


class Parts:
    def __init__(self, factor: float) -> None:
        self.l1, self.l2, self.factor = Part(W1), Part(W2), factor

    def loss(self, X, Y):
        return 0.5 * np.sum((self.l2.forward(np.tanh(self.l1.forward(X))) - Y) ** 2)

    def backward(self, X, Y):
        h = np.tanh(self.l1.forward(X))
        self.l1.backward(self.l2.backward(self.factor * (self.l2.forward(h) - Y)) * (1 - h**2))

    def named(self, X, Y):
        self.backward(X, Y)
        return {"l1_W": self.l1.dW, "l2_W": self.l2.dW}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["backward", "named"])
def test_nested_attributes(method: str) -> None:
    for factor, status in ((GOOD, "proved"), (BAD, "differs")):
        net = Parts(factor)
        assert judged(net.loss, getattr(net, method), example={"X": X, "Y": Y}) == {"l1.W": status, "l2.W": status}


def listed_loss(weights, x, y):
    return 0.5 * np.sum((run_through(weights, np.zeros(len(weights)), x)[-1] - y) ** 2)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [lambda g: g, tuple, lambda g: {"weights": g}, lambda g: {"dweights": g}, lambda g: (0.0, g)])
def test_lists_of_weights(wrap: Callable[[Any], Any]) -> None:
    example = {"weights": [rng.normal(size=(2, 3)), rng.normal(size=(1, 2))], "x": rng.normal(size=3), "y": np.array([0.2])}
    for factor, status in ((GOOD, "proved"), (BAD, "differs")):

        def backward(weights, x, y, factor=factor):
            return wrap(back_through(weights, np.zeros(len(weights)), x, y, factor)[0])

        for wrt in (None, ["weights"]):
            assert judged(listed_loss, backward, example=example, wrt=wrt) == {"weights.0": status, "weights.1": status}


# ---- a network: position, hidden names, packed parameters


def xor() -> Any:
    net = Network("xor")
    x1, x2 = net.inputs("x1 x2", values=(1, 0.5))
    w = net.parameters("w1:4", values=(0.5, -0.3, 0.8))
    b1, b2 = net.parameters("b1 b2", values=(0.1, -0.2))
    t = net.target("t", value=1)
    h1 = net.define("h1", sigmoid(w[0] * x1 + w[1] * x2 + b1))
    return derive(net, net.define("E", (t - net.define("o", sigmoid(w[2] * h1 + b2))) ** 2))


def chain(x1, x2, w1, w2, w3, b1, b2, t):
    h1 = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b1)))
    o = 1 / (1 + np.exp(-(w3 * h1 + b2)))
    delta_o = -2 * (t - o) * o * (1 - o)
    delta_h1 = delta_o * w3 * h1 * (1 - h1)
    return delta_h1 * x1, delta_h1 * x2, delta_o * h1, delta_h1, delta_o


PARAMETERS = ("w1", "w2", "w3", "b1", "b2")
PROVED = dict.fromkeys(PARAMETERS, "proved")


def by_position(x1, x2, w1, w2, w3, b1, b2, t):
    h1 = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b1)))
    o = 1 / (1 + np.exp(-(w3 * h1 + b2)))
    delta_o = -2 * (t - o) * o * (1 - o)
    delta_h1 = delta_o * w3 * h1 * (1 - h1)
    return delta_h1 * x1, delta_h1 * x2, delta_o * h1, delta_h1, delta_o


def with_hidden_names(x1, x2, w1, w2, w3, b1, b2, t):
    gradients = chain(x1, x2, w1, w2, w3, b1, b2, t)
    return {**dict(zip(PARAMETERS, gradients, strict=True)), "delta_h1": gradients[3], "delta_o": gradients[4]}


def vector(theta, x1, x2, t):
    return np.array(chain(x1, x2, *theta[:3], *theta[3:], t))


def unpacked(theta, x1, x2, t):
    w1, w2, w3, b1, b2 = theta
    return list(chain(x1, x2, w1, w2, w3, b1, b2, t))


def dictionary(params, x1, x2, t):
    return dict(zip(PARAMETERS, chain(x1, x2, *(params[name] for name in PARAMETERS), t), strict=True))


def attributes(model, x1, x2, t):
    return types.SimpleNamespace(
        **dict(zip(PARAMETERS, chain(x1, x2, model.w1, model.w2, model.w3, model.b1, model.b2, t), strict=True))
    )


@pytest.mark.parametrize("hand", [by_position, with_hidden_names, vector, unpacked, dictionary, attributes])
def test_ways_against_a_network(hand: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(xor(), hand) == PROVED


def test_packed_parameters_with_a_mistake() -> None:
    def wrong(theta, x1, x2, t):
        found = vector(theta, x1, x2, t)
        found[4] *= 2
        return found

    assert judged(xor(), wrong) == {**PROVED, "b2": "differs"}


def test_names_in_another_order_count_for_more_than_the_place() -> None:
    def hand(x1, x2, w1, w2, w3, b1, b2, t):
        dw1, dw2, dw3, db1, db2 = chain(x1, x2, w1, w2, w3, b1, b2, t)
        return db2, db1, dw3, dw2, dw1

    assert judged(xor(), hand) == PROVED


def test_a_packing_that_fits_in_no_way_is_no_failure_of_the_code() -> None:
    def hand(theta, x1, x2, t):
        return theta.first_layer["w"][0] * x1

    with pytest.raises(BindingError, match=r"cannot tell how the parameters are packed in theta.*mapping="):
        judged(xor(), hand)


@pytest.mark.parametrize(
    ("slope", "status"), [(lambda x: x > 0, "proved"), (lambda x: x < 0, "differs"), (lambda x: x >= 1, "differs")]
)
def test_slopes_that_are_true_or_false(slope: Callable[..., Any], status: str) -> None:
    example = {"x": np.array([0.5, -1.0, 2.0])}
    assert judged(lambda x: np.sum(np.maximum(x, 0)), slope, example=example) == {"x": status}
    assert judged(lambda x: np.maximum(x, 0), slope, example={"x": 0.5}) == {"x": status}


def test_weights_in_the_globals_of_another_module() -> None:
    other = types.ModuleType("other_module")
    other.__file__ = "other_module.py"
    source = "def run(x, t):\n    y = W @ x + b\n    return 0.5 * ((y - t) ** 2).sum(), y - t\n"
    exec(compile(source, "other_module.py", "exec"), vars(other))

    def put(W: Any, b: Any) -> None:
        other.W = W  # type: ignore[attr-defined]
        vars(other)["b"] = b

    def total(W, b, x, t):
        put(W, b)
        return other.run(x, t)[0]

    def grads(factor: float) -> Callable[..., Any]:
        def backward(W, b, x, t):
            put(W, b)
            d = other.run(x, t)[1]
            return {"W": np.outer(d, x), "b": factor * d}

        return backward

    example = {"W": rng.normal(size=(2, 3)), "b": rng.normal(size=2), "x": rng.normal(size=3), "t": rng.normal(size=2)}
    assert judged(total, grads(GOOD), example=example, wrt=["W", "b"]) == {"W": "proved", "b": "proved"}
    assert judged(total, grads(BAD), example=example, wrt=["W", "b"]) == {"W": "proved", "b": "differs"}
