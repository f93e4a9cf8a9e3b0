"""Functions of other libraries: their own backward is compared in numbers, agrees at most, and differs when it is wrong.

Each library is tried with a right gradient and one with a planted mistake, and skipped where it is not installed.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop.derive import DerivationRecord, derive
from symbackprop.errors import UserError
from symbackprop.network import Network, sigmoid
from symbackprop.verify.binding.foreign import adapted, plain
from symbackprop.verify.check import check_gradient
from symbackprop.verify.report.report import Report


@cache
def derivation() -> DerivationRecord:
    """Return `E = Σ_n (σ(Σ_i x[n,i] w[i] + b) - t[n])²`."""
    net = Network("one neuron")
    n, i = net.indices("n:N i:D")
    x, t = net.input("x", n, i), net.target("t", n)
    w, b = net.parameter("w", i), net.parameter("b")
    h = net.define("h", n, sigmoid(Sum(x[n, i] * w[i], i) + b))
    return derive(net, net.define("E", Sum((h[n] - t[n]) ** 2, n)))


def verdicts(report: Report) -> dict[str, str]:
    return {name: str(report[name].status) for name in report}


# ---- PyTorch


def torch_functions() -> types.SimpleNamespace:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Right(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, b, t):
            h = torch.sigmoid(x @ w + b)
            ctx.save_for_backward(x, w, h, t)
            return ((h - t) ** 2).sum()

        @staticmethod
        def backward(ctx, g):
            x, w, h, t = ctx.saved_tensors
            dz = g * 2 * (h - t) * h * (1 - h)
            return torch.outer(dz, w), x.T @ dz, dz.sum(), None  # nothing for the target

    class Wrong(Right):
        @staticmethod
        def backward(ctx, g):
            dx, dw, db, dt = Right.backward(ctx, g)
            return -dx, dw / 2, db, dt

    class Modern(torch.autograd.Function):
        """The context apart, an option at the end, names of its own."""

        @staticmethod
        def forward(inputs, weight, bias, target, factor=1.0):
            return factor * ((torch.sigmoid(inputs @ weight + bias) - target) ** 2).sum()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs[:4])

        @staticmethod
        def backward(ctx, g):
            x, w, b, t = ctx.saved_tensors
            h = torch.sigmoid(x @ w + b)
            dz = g * 2 * (h - t) * h * (1 - h)
            return None, x.T @ dz, dz.sum(), None, None

    class Single(Right):
        @staticmethod
        def forward(ctx, x, w, b, t):
            return Right.forward(ctx, x.float(), w.float(), b.float(), t.float()).double()

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, b, t):
            return torch.sigmoid(x @ w + b)

        @staticmethod
        def backward(ctx, g):
            return None, None, None, None

    class Nameless(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *arguments):
            return arguments[0].sum()

    return types.SimpleNamespace(
        Right=Right, Wrong=Wrong, Modern=Modern, Single=Single, Layer=Layer, Nameless=Nameless, torch=torch
    )


@pytest.mark.slow
@pytest.mark.parametrize("call", [lambda function: function, lambda function: function.apply], ids=["class", "apply"])
def test_a_torch_function_agrees_and_never_more(call: Callable[[Any], Any]) -> None:
    report = check_gradient(derivation(), call(torch_functions().Right))
    assert verdicts(report) == {"w": "agrees", "b": "agrees", "x": "agrees"}, str(report)
    assert all(report[name].digits >= 13 for name in report)
    assert "hand gradient test_foreign.py:Right" in str(report)
    assert "float64" in str(report)


@pytest.mark.slow
def test_a_wrong_torch_function_differs() -> None:
    report = check_gradient(derivation(), torch_functions().Wrong.apply)
    assert verdicts(report) == {"w": "differs", "b": "agrees", "x": "differs"}, str(report)
    assert (report["w"].ratio, report["x"].ratio) == ("1/2", "-1")


@pytest.mark.slow
def test_a_torch_function_with_its_context_apart_and_other_names() -> None:
    functions = torch_functions()
    report = check_gradient(derivation(), functions.Modern, mapping={"inputs": "x", "weight": "w", "bias": "b", "target": "t"})
    assert verdicts(report) == {"w": "agrees", "b": "agrees"}, str(report)
    with pytest.raises(UserError, match="weight"):
        check_gradient(derivation(), functions.Modern)


@pytest.mark.slow
def test_a_torch_function_in_float32_says_so() -> None:
    report = check_gradient(derivation(), torch_functions().Single)
    assert verdicts(report) == {"w": "agrees", "b": "agrees", "x": "agrees"}, str(report)
    assert "computed in float32" in report["w"].note


@pytest.mark.slow
def test_a_torch_function_against_a_loss_with_class_labels() -> None:
    torch = torch_functions().torch

    def loss(X, W, y):
        Z = X @ W
        return -np.mean((Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))[np.arange(len(y)), y])

    class Entropy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, X, W, y):
            ctx.save_for_backward(X, W, y)
            return torch.nn.functional.cross_entropy(X @ W, y)

        @staticmethod
        def backward(ctx, g):
            X, W, y = ctx.saved_tensors
            d = torch.softmax(X @ W, dim=1)
            d[torch.arange(len(y)), y] -= 1
            return None, g * X.T @ d / len(y), None

    rng = np.random.default_rng(0)
    example = {"X": rng.normal(size=(6, 4)), "W": rng.normal(size=(4, 3)), "y": np.array([0, 1, 2, 2, 1, 0])}
    assert verdicts(check_gradient(loss, Entropy, example=example)) == {"W": "agrees"}


@pytest.mark.slow
def test_what_is_no_loss_is_refused() -> None:
    functions = torch_functions()
    with pytest.raises(UserError, match=r"expected a loss, one number, got shape \(3,\) from forward"):
        check_gradient(derivation(), functions.Layer)
    with pytest.raises(UserError, match="have no names"):
        check_gradient(derivation(), functions.Nameless)


@pytest.mark.slow
def test_the_example_in_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    page = (Path(__file__).resolve().parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")
    source = page.split("```py\n", maxsplit=1)[1].split("```", maxsplit=1)[0]
    names = {
        "torch": torch,
        "Network": Network,
        "Sum": Sum,
        "sigmoid": sigmoid,
        "derive": derive,
        "check_gradient": check_gradient,
    }
    exec(source, names)
    printed = capsys.readouterr().out
    assert "hand gradient <string>:Neuron" in printed
    assert "  w      differs" in printed


# ---- JAX


def jax_functions() -> types.SimpleNamespace:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jnp = jax.numpy

    def loss(x, w, b, t):
        return jnp.sum((jax.nn.sigmoid(x @ w + b) - t) ** 2)

    def with_backward(factor: float) -> Any:
        function = jax.custom_vjp(loss)

        def backward(kept, g):
            x, w, b, t = kept
            h = jax.nn.sigmoid(x @ w + b)
            dz = g * 2 * (h - t) * h * (1 - h)
            return None, factor * (x.T @ dz), dz.sum(), jnp.zeros_like(t)

        function.defvjp(lambda *given: (loss(*given), given), backward)
        return function

    def layer(x, w, b, t):
        return jax.nn.sigmoid(x @ w + b)

    vector = jax.custom_vjp(layer)
    vector.defvjp(lambda *given: (layer(*given), given), lambda kept, g: kept)
    return types.SimpleNamespace(jax=jax, loss=loss, right=with_backward(1.0), wrong=with_backward(-1.0), vector=vector)


@pytest.fixture(params=[True, False], ids=["float64", "float32"])
def precise(request: pytest.FixtureRequest) -> Any:
    """Switch jax's float64 on or off for a test."""
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    jax.config.update("jax_enable_x64", before)


@pytest.mark.slow
def test_a_custom_vjp(precise: bool) -> None:
    functions = jax_functions()
    for right in (functions.right, functions.jax.jit(functions.right)):
        report = check_gradient(derivation(), right)
        assert verdicts(report) == {"w": "agrees", "b": "agrees"}, str(report)
        assert ("computed in float32" in report["w"].note) is not precise
        assert report["w"].digits >= (13 if precise else 5)
    wrong = check_gradient(derivation(), functions.wrong)
    assert verdicts(wrong) == {"w": "differs", "b": "agrees"}, str(wrong)
    assert "test_foreign.py:loss" in str(wrong)
    with pytest.raises(UserError, match="expected a loss"):
        check_gradient(derivation(), functions.vector)


@pytest.mark.slow
def test_a_compiled_gradient_that_returns_arrays_of_jax(precise: bool) -> None:
    functions = jax_functions()
    gradient = functions.jax.grad(functions.loss, argnums=(1, 2))
    for right in (gradient, functions.jax.jit(gradient)):
        report = check_gradient(derivation(), right)
        assert verdicts(report) == {"w": "agrees", "b": "agrees"}, str(report)
        assert ("computed in float32" in report["w"].note) is not precise
    exchanged = functions.jax.jit(lambda x, w, b, t: functions.jax.grad(functions.loss, argnums=(1, 2))(x, -w, b, t))
    assert not check_gradient(derivation(), exchanged).ok


# ---- numba


@pytest.mark.slow
def test_code_compiled_by_numba() -> None:
    numba = pytest.importorskip("numba", reason="numba is not installed")

    def gradients(x, w, b, t):
        dw, db = np.zeros_like(w), 0.0
        for n in range(x.shape[0]):
            h = 1 / (1 + np.exp(-(np.sum(x[n] * w) + b)))
            dz = 2 * (h - t[n]) * h * (1 - h)
            dw += dz * x[n]
            db += dz
        return dw, db

    def forgetful(x, w, b, t):
        dw, db = gradients_of(x, w, b, t)
        return dw, db / x.shape[0]

    gradients_of = numba.njit(gradients)
    assert verdicts(check_gradient(derivation(), gradients_of)) == {"w": "agrees", "b": "agrees"}
    assert verdicts(check_gradient(derivation(), numba.njit(forgetful))) == {"w": "agrees", "b": "differs"}


# ---- without any library


def test_other_code_stays_as_it_is() -> None:
    for hand in (test_other_code_stays_as_it_is, "text", Report, np.vectorize(abs), [].append):
        assert adapted(hand) is hand
    array = np.ones(3)
    assert plain(array) is array
