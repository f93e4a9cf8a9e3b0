"""The libraries a user would take instead: a ready gradient function from each, or why there is none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from time import process_time
from typing import Any

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


SYMBOLIC = ("sympy", "symengine", "casadi")


def peer_seconds(library: str, sizes: tuple[int, ...], limit: float, function: bool = True) -> float | str:
    """Return how long a symbolic library alone takes to differentiate a scalar network, and with `function` to make it run.

    It runs in a process of its own, which is ended after `limit` seconds.
    """
    if importlib.util.find_spec(library) is None:
        return f"{library} is not installed"
    command = [sys.executable, "-m", "benchmarks.peers", library, str(int(function)), *(str(size) for size in sizes)]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return f"> {limit:g} s"
    return float(finished.stdout)


def sympy_seconds(sizes: tuple[int, ...], limit: float) -> float | str:
    """Return how long sympy alone takes to differentiate a scalar network and make a function of it."""
    return peer_seconds("sympy", sizes, limit)


def scalar_gradient(library: str, sizes: tuple[int, ...], function: bool = True) -> Gradient | None:
    """Return the loss and all derivatives of a scalar sigmoid network as one function of all its names in order.

    Without `function` they are derived only, and nothing is returned.
    """
    made = import_module(library)
    symbol = made.SX.sym if library == "casadi" else made.Symbol
    arguments, parameters, loss = _scalar_loss(sizes, symbol, made.exp)
    if library == "casadi":
        slopes = made.gradient(loss, made.vertcat(*parameters))
        if not function:
            return None
        whole = made.Function("whole", [made.vertcat(*arguments, *parameters)], [made.vertcat(loss, slopes)])
        return lambda *values: [float(value) for value in whole(made.DM(values)).elements()]
    derived = [loss, *(loss.diff(parameter) for parameter in parameters)]
    if not function:
        return None
    if library == "symengine":
        lambdified = made.Lambdify([*arguments, *parameters], derived, cse=True)
        return lambda *values: list(lambdified(values))
    return made.lambdify([*arguments, *parameters], derived, modules="math", cse=True)  # type: ignore[no-any-return]


def _scalar_loss(
    sizes: tuple[int, ...], symbol: Callable[[str], Any], exp: Callable[[Any], Any]
) -> tuple[list[Any], list[Any], Any]:
    """Return the data, the parameters (each layer's bias, then its weights) and the loss of a scalar sigmoid network."""
    row = [symbol(f"x{place + 1}") for place in range(sizes[0])]
    targets = [symbol(f"target{place + 1}") for place in range(sizes[-1])]
    arguments, parameters = [*row, *targets], []
    for layer, (above, below) in enumerate(pairwise(sizes), start=1):
        bias = symbol(f"b{layer}")
        weights = [[symbol(f"w{layer}_{b + 1}_{a + 1}") for a in range(above)] for b in range(below)]
        nets = [sum((w * out for w, out in zip(into, row, strict=True)), bias) for into in weights]
        row = [1 / (1 + exp(-net)) for net in nets]
        parameters += [bias, *(w for into in weights for w in into)]
    return arguments, parameters, sum((target - out) ** 2 for target, out in zip(targets, row, strict=True)) / 2


if __name__ == "__main__":
    start = process_time()
    scalar_gradient(sys.argv[1], tuple(int(size) for size in sys.argv[3:]), function=sys.argv[2] == "1")
    print(process_time() - start)
