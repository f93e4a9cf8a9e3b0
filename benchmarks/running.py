"""How long one call of a gradient function takes: the derived one, handwritten numpy, autograd, jax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks import handwritten
from benchmarks.networks import mlp_network, mlp_values, scalar_network, scalar_values
from benchmarks.peers import autograd_gradient, jax_gradient
from benchmarks.timing import in_units, medians
from symbackprop.derive import derive
from symbackprop.numeric.run.function import function

Values = dict[str, Any]
Contender = Callable[[], Any] | str  # ready to call without arguments, or the reason why it is left out

OURS, HAND = "symbackprop", "handwritten numpy"
MLP_SIZES = (64, 784, 128, 10)
SCALAR = (2, 3, 2)


def mlp_contenders(sizes: tuple[int, int, int, int] = MLP_SIZES) -> dict[str, Contender]:
    """Return the contenders for the two-layer network; sizes: samples, inputs, hidden, classes."""
    case = mlp_network()
    values = mlp_values(*sizes, seed=1)
    gradient = function(derive(case.network, case.loss))
    parameters = {name: values[name] for name in ("W1", "b1", "W2", "b2")}
    data = (values["X"], values["t"])
    return {
        HAND: partial(handwritten.mlp_gradients, **values),
        OURS: partial(gradient, **values),
        **_peers(handwritten.mlp_loss, parameters, data),
    }


def scalar_contenders(samples: int | None) -> dict[str, Contender]:
    """Return the contenders for the 2-3-2 network at one sample (None) or at a batch of samples."""
    case = scalar_network(SCALAR)
    values = scalar_values(SCALAR, seed=2, samples=samples)
    gradient = function(derive(case.network, case.loss), batched=samples is not None, reduction="sum")
    arrays = handwritten.stacked(values, SCALAR)
    parameters = {name: arrays[name] for name in ("W1", "b1", "W2", "b2")}
    data = (arrays["x"], arrays["target"])
    return {
        HAND: partial(handwritten.sigmoid_gradients, **arrays),
        OURS: partial(gradient, *(values[name] for name in gradient.arguments)),
        **_peers(handwritten.sigmoid_loss, parameters, data),
    }


def _peers(loss: Callable[..., Any], parameters: dict[str, Any], data: tuple[Any, ...]) -> dict[str, Contender]:
    found: dict[str, Contender] = {}
    for name, gradient in (("autograd", autograd_gradient(loss)), ("jax, compiled", jax_gradient(loss))):
        found[name] = gradient if isinstance(gradient, str) else partial(gradient, parameters, *data)
    return found


def agreed(contenders: Mapping[str, Contender]) -> dict[str, Callable[[], Any]]:
    """Return those that can run, after making sure that all compute the same.

    Raises AssertionError when a loss or an entry of a gradient differs by more than 1e-9 of its size.
    """
    ready = {name: run for name, run in contenders.items() if not isinstance(run, str)}
    loss, gradients = ready[HAND]()
    for name, run in ready.items():
        other_loss, found = run()
        arrays = found if "W1" in found else handwritten.stacked_weights(found, SCALAR)
        np.testing.assert_allclose(float(other_loss), float(loss), rtol=1e-9, err_msg=name)
        for parameter, gradient in gradients.items():
            where = f"{name}: {parameter}"
            np.testing.assert_allclose(arrays[parameter], gradient, rtol=1e-9, atol=1e-12, err_msg=where)
    return ready


def table(title: str, contenders: Mapping[str, Contender]) -> Table:
    """Measure the contenders in turn and return the table of medians, with their ratios to numpy's."""
    found = medians(agreed(contenders))
    shown = Table(title=title, title_justify="left", min_width=72)
    shown.add_column("gradient function")
    shown.add_column("one call", justify="right")
    shown.add_column("ratio", justify="right")
    for name, contender in contenders.items():
        if isinstance(contender, str):
            shown.add_row(name, "-", contender)
        else:
            shown.add_row(name, in_units(found[name]), f"{found[name] / found[HAND]:.2f}")
    return shown


def tables() -> list[Table]:
    """Return the tables of all gradient functions."""
    samples, *layers = MLP_SIZES
    mlp = "-".join(str(size) for size in layers)
    return [
        table(f"MLP {mlp}, tanh, softmax and cross-entropy, N = {samples}", mlp_contenders()),
        table("Sigmoid network 2-3-2 of scalars, N = 1", scalar_contenders(None)),
        table("Sigmoid network 2-3-2 of scalars, N = 1000", scalar_contenders(1000)),
    ]
