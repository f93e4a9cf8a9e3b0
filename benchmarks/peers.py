"""The libraries a user would take instead: a ready gradient function from each, or why there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import sympy

Gradient = Callable[..., Any]
Loss = Callable[..., Any]


def autograd_gradient(loss: Loss) -> Gradient | str:
    """Return autograd's gradient of `loss(xp, parameters, *data)`, or why it cannot be measured."""
    try:
        import autograd.numpy as anp  # an optional peer: what is measured without it stays measurable
        from autograd import value_and_grad
    except ImportError:
        return "autograd is not installed"
    return value_and_grad(lambda parameters, *data: loss(anp, parameters, *data))


def jax_gradient(loss: Loss) -> Gradient | str:
    """Return jax's compiled gradient of `loss(xp, parameters, *data)` in double precision, or why not."""
    try:
        import jax  # an optional peer: what is measured without it stays measurable
        import jax.numpy as jnp
    except ImportError:
        return "jax is not installed"
    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.value_and_grad(lambda parameters, *data: loss(jnp, parameters, *data)))
    return lambda *arguments: jax.block_until_ready(compiled(*arguments))


def torch_gradient(loss: Loss) -> Gradient | str:
    """Return torch's gradient of `loss(xp, parameters, *data)` on one thread in double precision, or why not."""
    try:
        import torch  # an optional peer: what is measured without it stays measurable
    except ImportError:
        return "torch is not installed"
    torch.set_num_threads(1)
    known: dict[int, Any] = {}  # the arrays as tensors, made once: a user has tensors

    def tensor(array: Any, moves: bool) -> Any:
        if id(array) not in known:
            known[id(array)] = torch.tensor(array, dtype=torch.float64, requires_grad=moves)
        return known[id(array)]

    def gradient(parameters: dict[str, Any], data: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        moved = {name: tensor(array, moves=True) for name, array in parameters.items()}
        value = loss(torch, moved, {name: tensor(array, moves=False) for name, array in data.items()})
        slopes = torch.autograd.grad(value, list(moved.values()))
        return float(value.detach()), {name: slope.numpy() for name, slope in zip(moved, slopes, strict=True)}

    return gradient


def sympy_seconds(sizes: tuple[int, ...], limit: float) -> float | str:
    """Return how long sympy alone takes to differentiate a scalar network and make a function of it.

    It runs in a process of its own, which is ended after `limit` seconds.
    """
    command = [sys.executable, "-m", "benchmarks.peers", *(str(size) for size in sizes)]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return f"> {limit:g} s"
    return float(finished.stdout)


def sympy_gradient(sizes: tuple[int, ...]) -> Gradient:
    """Return the loss and all derivatives of a scalar sigmoid network by `diff` and `lambdify(cse=True)`."""
    row = list(sympy.symbols(f"x1:{sizes[0] + 1}"))
    targets = sympy.symbols(f"target1:{sizes[-1] + 1}")
    arguments = [*row, *targets]
    parameters = []
    for layer, (above, below) in enumerate(pairwise(sizes), start=1):
        bias = sympy.Symbol(f"b{layer}")
        weights = [[sympy.Symbol(f"w{layer}_{b + 1}_{a + 1}") for a in range(above)] for b in range(below)]
        nets = [bias + sum(w * out for w, out in zip(into, row, strict=True)) for into in weights]
        row = [1 / (1 + sympy.exp(-net)) for net in nets]
        parameters += [bias, *(w for into in weights for w in into)]
    loss = sum(sympy.Rational(1, 2) * (target - out) ** 2 for target, out in zip(targets, row, strict=True))
    gradients = [loss.diff(parameter) for parameter in parameters]
    return sympy.lambdify([*arguments, *parameters], [loss, *gradients], modules="math", cse=True)


if __name__ == "__main__":
    start = perf_counter()
    sympy_gradient(tuple(int(size) for size in sys.argv[1:]))
    print(perf_counter() - start)
