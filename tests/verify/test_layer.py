"""Layers are checked as people write them, with nothing written for the check; each with one mistake, too, found where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient, check_layer
from symbackprop.errors import UserError
from symbackprop.verify.records import Status

rng = np.random.default_rng(3)
X, W, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)


class Dense:
    def __init__(self, k: int, W: Any = W, b: Any = B) -> None:
        self.W, self.b, self.k = W.copy(), b.copy(), k

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.k * (self.x.T @ dout)
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Prepared(Dense):
    """Has its gradients before the first run, under the names that they will have."""

    def __init__(self, k: int) -> None:
        super().__init__(k)
        self.grad_W, self.grad_b = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, dout):
        self.grad_W, self.grad_b = self.k * (self.x.T @ dout), dout.sum(axis=0)
        return dout @ self.W.T


class Accumulating:
    def __init__(self, k: int) -> None:
        self.params = {"W": W.copy(), "b": B.copy()}
        self.grads = {"W": np.ones((3, 2)), "b": np.ones(2)}  # left from an earlier call
        self.k = k

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"] += self.k * (self.x.T @ d)
        self.grads["b"] += d.sum(0)
        return d @ self.params["W"].T


class Lists:
    def __init__(self, k: int) -> None:
        self.params, self.grads, self.k = [W.copy(), B.copy()], [np.zeros((3, 2)), np.zeros(2)], k

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, d):
        self.grads[0][...] = self.k * (self.x.T @ d)
        self.grads[1][...] = d.sum(0)
        return d @ self.params[0].T


class Stepping:
    def __init__(self, k: int) -> None:
        self.W, self.k = W.copy(), k

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d, learning_rate):
        passed_on = d @ self.W.T
        self.W -= learning_rate * self.k * (self.x.T @ d)
        return passed_on


class Network:
    def __init__(self, k: int) -> None:
        self.layers = [Dense(1, rng.normal(size=(3, 4)), np.zeros(4)), Relu(), Dense(k, rng.normal(size=(4, 2)), np.zeros(2))]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, d):
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d


class Relu:
    def __init__(self, k: int = 1) -> None:
        self.k = k

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return self.k * dout


class Sigmoid:
    def __init__(self, k: int) -> None:
        self.k = k

    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def gradient(self, x):
        y = self(x)
        return y * (self.k - y)


class BatchNorm:
    def __init__(self, k: int) -> None:
        self.gamma, self.beta, self.running, self.k = rng.normal(size=3), np.zeros(3), np.zeros(3), k

    def forward(self, x, train=True):
        mean = x.mean(0)
        self.xc = x - mean
        self.std = np.sqrt((self.xc**2).mean(0) + 1e-5)
        self.xn = self.xc / self.std
        self.running = 0.9 * self.running + 0.1 * mean
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta = dout.sum(0)
        self.dgamma = (self.xn * dout).sum(0)
        dxn = self.gamma * dout
        n = len(dout)
        return self.k * (n * dxn - dxn.sum(0) - self.xn * (dxn * self.xn).sum(0)) / (n * self.std)


class SoftmaxWithLoss:
    def __init__(self, k: int) -> None:
        self.k = k

    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return -np.sum(t * np.log(self.y)) / len(t)

    def backward(self, dout=1):
        return self.k * dout * (self.y - self.t) / len(self.t)


OBJECTS: dict[str, tuple[type, str]] = {
    "attributes": (Dense, "W"),
    "gradients are there": (Prepared, "W"),
    "dictionaries, accumulated": (Accumulating, "W"),
    "lists": (Lists, "params_0"),
    "a step inside": (Stepping, "W"),
    "a model": (Network, "layers_2_W"),
    "overwrites its argument": (Relu, "x"),
    "a derivative as a method": (Sigmoid, "x"),
    "batch norm": (BatchNorm, "x"),
}


def judged(*arguments: Any, **given: Any) -> dict[str, str]:
    report = check_layer(*arguments, explain=False, repair=False, **given)
    return {name: str(verdict.status) for name, verdict in report.verdicts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name: str) -> None:
    kind, parameter = OBJECTS[name]
    right = judged(kind(1), X)
    assert set(right.values()) == {"proved"}
    assert {key for key, status in judged(kind(2), X).items() if status == "differs"} == {parameter}


@pytest.mark.slow
def test_a_loss_layer() -> None:
    T = np.eye(3)[[0, 2, 1, 1]]
    assert judged(SoftmaxWithLoss(1), X, T)["x"] == "proved"
    assert judged(SoftmaxWithLoss(2), X, T)["x"] == "differs"


class LossOfSamples:
    """Gives the loss of each sample; backward is given the prediction and the target again."""

    def __init__(self, kind: str, k: float) -> None:
        self.kind, self.k = kind, k

    def forward(self, y_pred, y_true):
        if self.kind == "absolute":
            return np.mean(np.abs(y_true - y_pred), axis=-1)
        return -np.log(np.clip(y_pred, 1e-7, 1 - 1e-7)[range(len(y_pred)), y_true])

    def backward(self, dvalues, y_true):
        count, outputs = len(dvalues), len(dvalues[0])
        slope = np.sign(dvalues - y_true) / outputs if self.kind == "absolute" else -np.eye(outputs)[y_true] / dvalues
        self.dinputs = self.k * slope / count


@pytest.mark.parametrize(("k", "right"), [(1.0, True), (-1.0, False), (3.0, False)])
@pytest.mark.parametrize("kind", ["absolute", "labels"])
def test_losses_of_samples(kind: str, k: float, right: bool) -> None:
    P = rng.uniform(0.1, 0.9, (4, 3))
    target = rng.uniform(0.1, 0.9, (4, 3)) if kind == "absolute" else np.array([0, 2, 1, 0])
    report = check_layer(LossOfSamples(kind, k), P, target, explain=False, repair=False)
    assert set(report.verdicts) == {"y_pred"}
    assert report.ok == right  # prediction and target exchanged would make the wrong sign right


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        return dout * (1 - self.out)  # the square is left out


class CrossEntropy:
    def forward(self, logits, t):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.sum(t * np.log(self.p + 1e-15)) / len(t)

    def backward(self):
        return (self.p - self.t) / self.t.shape[1]  # samples, not classes


def test_a_method_is_mended_where_it_stands() -> None:
    (mend,) = check_layer(Tanh(), X).repairs
    assert mend.after.replace(" ", "").startswith("returndout*(1-self.out**2)")


@pytest.mark.slow
def test_what_is_right_up_to_a_guard_is_mended_too() -> None:
    (mend,) = check_layer(CrossEntropy(), X, np.eye(3)[[0, 2, 1, 1]]).repairs
    assert "len(self.t)" in mend.after or "shape[0]" in mend.after


def with_cache(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(x, w, b):
        return x @ w + b, (x, w, b)

    def backward(dout, cache):
        x, w, _ = cache
        return dout @ w.T, k * (x.T @ dout), dout.sum(0)

    return forward, backward


def derivative(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return lambda x: np.tanh(x), lambda x: k - np.tanh(x) ** 2


def truth_values(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return lambda x: np.maximum(x, 0), (lambda x: x > 0) if k == 1 else (lambda x: x < 0)


def loss_and_gradient(k: int) -> tuple[Callable[..., Any]]:
    def softmax_loss(w, x, y):
        e = np.exp(x @ w)
        p = e / e.sum(1, keepdims=True)
        rows = np.arange(len(x))
        d = p.copy()
        d[rows, y] -= 1
        return -np.log(p[rows, y]).mean(), k * x.T @ d / len(x)

    return (softmax_loss,)


def gradient_and_loss(k: int) -> tuple[Callable[..., Any]]:
    return (lambda w, x, y: ({"dw": k * x.T @ (x @ w - 1.0)}, 0.5 * np.sum((x @ w - 1.0) ** 2)),)


FUNCTIONS: dict[str, tuple[Callable[[int], tuple[Any, ...]], dict[str, Any], str]] = {
    "a cache": (with_cache, {"x": X, "w": W, "b": B}, "w"),
    "f and f'": (derivative, {"x": X}, "x"),
    "a slope that is true or false": (truth_values, {"x": X}, "x"),
    "loss and gradient": (loss_and_gradient, {"w": W, "x": X, "y": np.array([0, 1, 1, 0])}, "w"),
    "gradient and loss": (gradient_and_loss, {"w": W, "x": X, "y": np.array([0, 1, 1, 0])}, "w"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    make, arguments, parameter = FUNCTIONS[name]
    assert set(judged(*make(1), **arguments).values()) == {"proved"}
    assert {key for key, status in judged(*make(2), **arguments).items() if status == "differs"} == {parameter}


@pytest.mark.slow
def test_the_users_object_is_left_alone() -> None:
    layer = Stepping(1)
    before = layer.W.copy()
    check_layer(layer, X)
    assert np.array_equal(layer.W, before)
    assert not hasattr(layer, "x")


class Silent:
    def forward(self, x):
        self.x = x
        return x * 2

    def backward(self, dout):
        pass


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((Dense, X), "is a class; give an object of it"),
        ((object(), X), "has no method called forward"),
        ((Dense(1), X, X), "takes x; got 2 inputs"),
        ((Dense(1), X.T), "forward fails on these inputs: ValueError"),
        ((Silent(), X), "no gradients found"),
    ],
)
def test_what_is_no_layer_is_one_clear_line(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_layer(*arguments)


# ---- ways of writing the two passes ----------------------------------------------------------------------------------


def two_outputs(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def step(x, h, c):
        next_c = np.tanh(x) * c
        next_h = np.tanh(next_c) + h
        cache = (x, c, next_c)
        return next_h, next_c, cache

    def step_backward(dnext_h, dnext_c, cache):
        x, c, next_c = cache
        dc = dnext_c + dnext_h * (1 - np.tanh(next_c) ** 2)
        dprev = k * dc * np.tanh(x)
        return dc * c * (1 - np.tanh(x) ** 2), dnext_h, dprev

    return step, step_backward


def of_the_value(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return (lambda x: 1 / (1 + np.exp(-x))), (lambda s: k * s * (1 - s))


def loss_and_slope(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return (lambda y_true, y_pred: 0.5 * (y_true - y_pred) ** 2), (lambda y_true, y_pred: k * (y_pred - y_true))


def several_caches(k: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(A, W):
        Z = W @ A
        return Z, A, W

    def backward(dZ, A, W):
        dW = k * (dZ @ A.T)
        dA = W.T @ dZ
        return dA, dW

    return forward, backward


class Unreturning:
    """The output and the gradients are left on the object."""

    def __init__(self, k: int) -> None:
        self.params, self.k = {"W": W.T.copy()}, k

    def forward(self, A_prev):
        self.A_prev = A_prev
        self.Z = self.params["W"] @ A_prev

    def backward(self, upstream_grad):
        self.dW = self.k * (upstream_grad @ self.A_prev.T)
        self.dA_prev = self.params["W"].T @ upstream_grad


def switched(k: int) -> Callable[..., Any]:
    return lambda x, deriv=False: k * (1 - np.tanh(x) ** 2) if deriv else np.tanh(x)


PAIRS: dict[str, tuple[Callable[[int], Any], dict[str, Any], str]] = {
    "two outputs": (two_outputs, {"x": X, "h": X + 1, "c": X - 1}, "c"),
    "a slope of the value": (of_the_value, {"x": X}, "x"),
    "a loss for each element": (loss_and_slope, {"y_true": X, "y_pred": X + 1}, "y_pred"),
    "what was kept, one by one": (several_caches, {"A": X.T, "W": W.T}, "W"),
    "one function with a switch": (switched, {"x": X}, "x"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_is_checked_as_what_it_is(name: str) -> None:
    make, arguments, parameter = PAIRS[name]
    right, wrong = (judged(make(k), **arguments) for k in (1, 2))
    assert set(right.values()) == {"proved"}
    assert {key for key, status in wrong.items() if status == "differs"} == {parameter}


@pytest.mark.slow
def test_what_is_left_on_the_object() -> None:
    assert judged(Unreturning(1), X.T) == {"A_prev": "proved", "W": "proved"}
    assert judged(Unreturning(2), X.T) == {"A_prev": "proved", "W": "differs"}


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2])
def test_check_gradient_takes_a_layer_too(k: int) -> None:
    layer = Dense(k)
    options: dict[str, Any] = {"explain": False, "repair": False}
    report = check_gradient(layer.forward, layer.backward, example={"x": X, "dout": np.ones((4, 2))}, **options)
    assert [str(report[name].status) for name in "xWb"] == ["proved", "proved" if k == 1 else "differs", "proved"]
    forward, backward = with_cache(k)
    report = check_gradient(forward, backward, example={"x": X, "w": W, "b": B}, **options)
    assert report.ok == (k == 1)
    assert report.loss.startswith("Σ ")


def test_a_slope_of_the_value_says_so() -> None:
    report = check_layer(of_the_value(1), X)
    assert any("takes the value of" in note for note in report.notes)


class Tied:
    """Two layers of one matrix, each with its part of the gradient."""

    def __init__(self, k: int, *, whole: bool = False) -> None:
        self.first, self.second, self.k, self.whole = Dense(1, rng.normal(size=(3, 3)), np.zeros(3)), Dense(k), k, whole
        self.second.W, self.second.b = self.first.W, rng.normal(size=3)
        self.W = self.first.W

    def forward(self, x):
        return self.second.forward(np.tanh(self.first.forward(x)))

    def backward(self, d):
        d = self.second.backward(d)
        d = self.first.backward(d * (1 - self.second.x**2))
        if self.whole:
            self.dW = self.first.dW + self.second.dW
        return d


class TwoNames:
    def __init__(self, k: int) -> None:
        self.V, self.k = rng.normal(size=(3, 3)), k
        self.U = self.V

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.V)
        return self.h @ self.U

    def backward(self, d):
        dV = self.x.T @ (d @ self.U.T * (1 - self.h**2))
        return {"dU": self.k * self.h.T @ d, "dV": dV}


class Tupled:
    def __init__(self, k: int) -> None:
        self.params, self.k = ((W.copy(), B.copy()), [(rng.normal(size=(2, 2)), np.zeros(2))]), k

    def layers(self):
        return self.params[0], self.params[1][0]

    def forward(self, x):
        (V, a), (U, c) = self.layers()
        self.x, self.h = x, np.tanh(x @ V + a)
        return self.h @ U + c

    def backward(self, d):
        (V, _), (U, _) = self.layers()
        inner = d @ U.T * (1 - self.h**2)
        self.grads = ((self.x.T @ inner, inner.sum(axis=0)), [(self.k * self.h.T @ d, d.sum(axis=0))])
        return inner @ V.T


@pytest.mark.parametrize("kind", [Tied, lambda k: Tied(k, whole=True), TwoNames, Tupled])
def test_shared_arrays_and_tuples(kind: Callable[[int], Any]) -> None:
    x = rng.normal(size=(4, 3))
    assert set(judged(kind(1), x).values()) == {"proved"}
    assert "differs" in judged(kind(2), x).values()


@pytest.mark.parametrize("whole", [True, False])
def test_shared_arrays_against_a_loss(whole: bool) -> None:
    class Model(Tied):
        def loss(self, x, t):
            return np.sum((self.forward(x) - t) ** 2)

        def gradient(self, x, t):
            self.backward(2 * (self.forward(x) - t))

    example = {"x": rng.normal(size=(4, 3)), "t": rng.normal(size=(4, 3))}
    for k, wanted in ((1, "proved"), (2, "differs")):
        model = Model(k, whole=whole)
        report = check_gradient(model.loss, model.gradient, example=example, repair=False)
        assert str(report["W"].status) == wanted, str(report)


def test_no_line_of_ours_is_accused() -> None:
    class Entropy:
        def forward(self, p, y):
            self.p, self.y = p, y
            return -np.sum(y * np.log(p)) / len(p)

        def backward(self):
            return (self.p - self.y) / len(self.p)

    report = check_layer(Entropy(), rng.uniform(0.1, 0.9, (4, 3)), np.eye(3)[[0, 2, 1, 0]], repair=False)
    assert str(report["p"].status) == "differs"
    assert "<layer>" not in str(report)


class Prelu:
    """Its `alpha` is a parameter, one slope for each channel: no learning rate, and what backward changes is no step."""

    def __init__(self, k: int) -> None:
        self.alpha, self.k = np.array([0.2, 0.3, 0.1]), k

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dout):
        self.dalpha = self.k * np.sum(np.where(self.x > 0, 0, self.x) * dout, axis=0)
        return np.where(self.x > 0, 1, self.alpha) * dout


@pytest.mark.parametrize(("k", "verdict"), [(1, Status.PROVED), (2, Status.DIFFERS)])
def test_a_parameter_of_a_rates_name(k: int, verdict: Status) -> None:
    report = check_layer(Prelu(k), X, explain=False, repair=False)
    assert {name: found.status for name, found in report.verdicts.items()} == {"x": Status.PROVED, "alpha": verdict}


def test_a_report_shows_the_lines_of_the_backward_pass() -> None:
    report = check_layer(Dense(2), X)
    assert [line.strip() for _, _, line in report.source][:2] == [
        "def backward(self, dout):",
        "self.dW = self.k * (self.x.T @ dout)",
    ]
    assert "self.db = dout.sum(axis=0)" in report.to_html()
