"""`symbackprop train`: gradient descent on example values, the file's own data, or samples of the user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from symbackprop.api import derive
from symbackprop.cli.shared import (
    JSON,
    LOSS,
    NETWORK,
    SHAPES,
    TIMEOUT,
    Examples,
    FiniteRange,
    guest_file,
    name_list,
    refuse_existing,
    refuse_other_endings,
    write_new,
)
from symbackprop.errors import UserError
from symbackprop.loading import load_network, read_samples
from symbackprop.network import Network, Role
from symbackprop.numeric import train


@click.command(
    "train",
    cls=Examples,
    examples="""
    symbackprop train derivations/two_three_two --lr 0.5 --epochs 1000 --update w1:13
    symbackprop train derivations/two_two_one --epochs 500 --seed 1 --plot loss.svg
    symbackprop train my_network.py --data samples.csv --batch-size 32
    """,
)
@NETWORK
@LOSS
@SHAPES
@TIMEOUT
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Samples: .csv with a header of names, or .npz with arrays.",
)
@click.option("--lr", type=FiniteRange(min=0), help="Learning rate.")
@click.option("--epochs", type=click.IntRange(min=0), help="Passes over the data.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples per update (by default all; 1: one at a time).")
@click.option("--shuffle", is_flag=True, help="Permute the samples in every epoch.")
@click.option("--seed", type=click.IntRange(min=0), help="Random start (standard normal parameters) and order, reproducible.")
@click.option("--stop", type=FiniteRange(), help="Stop when the loss is at most this.")
@click.option("--update", "--wrt", "update", metavar="NAMES", help="Parameters that move, e.g. 'w1:13' (by default all).")
@click.option("--plot", type=click.Path(path_type=Path), help="Write the loss over the epochs as SVG.")
@click.option("--force", is_flag=True, help="Replace the plot when it exists.")
@JSON
def command(network: str, loss: str | None, shapes: str | None, timeout: float, data: Path | None, seed: int | None,
            shuffle: bool, update: str | None, plot: Path | None, force: bool, as_json: bool, **given: Any) -> None:  # fmt: skip
    """Train by gradient descent on the example values, the file's own `data`, or --data.

    What the file says in `training = {"lr": …, "epochs": …}` is used where no option is given.
    """
    refuse_other_endings("--plot", plot, (".svg",))
    refuse_existing(plot, force)
    with guest_file(timeout):
        loaded = load_network(network, loss, shapes)
    derivation = derive(loaded.network, loaded.loss)
    settings = {
        **getattr(loaded.module, "training", {}),
        **{key: value for key, value in given.items() if value is not None},
    }
    samples = read_samples(data) if data is not None else getattr(loaded.module, "data", None)
    settings["order"] = "shuffled" if shuffle else settings.get("order", "sequential")
    settings["update"] = list(name_list(update)) if update else settings.get("update")
    if seed is not None:
        settings |= {"seed": seed, "initial": random_start(loaded.network, seed)}
    history = train(derivation, samples, **settings)
    if plot is not None:
        write_new(plot, history.plot_svg(), force)
    if as_json:
        click.echo(
            json.dumps(
                plain(
                    {
                        "loss": history.loss,
                        "losses": list(history.losses),
                        "parameters": history.parameters,
                        "epochs": history.epochs,
                        "updates": history.updates,
                        "stopped_because": history.stopped_because,
                    }
                )
            )
        )
        return
    click.echo(
        f"{loaded.name} · loss {derivation.loss} · {history.epochs} epochs, {history.updates} updates; {history.stopped_because}"
    )
    click.echo(f"loss {history.losses[0]!r} -> {history.loss!r}")
    for name, value in history.parameters.items():
        click.echo(_aligned(f"  {name} = ", value))


def _aligned(head: str, value: Any) -> str:
    """Return a number, or an array whose rows stand below each other, after a head."""
    return head + (np.array2string(np.asarray(value), precision=8, prefix=head) if np.ndim(value) else repr(float(value)))


def random_start(network: Network, seed: int) -> dict[str, Any]:
    """Return standard normal parameters of the example values' shapes."""
    generator = np.random.default_rng(seed)
    sizes = network.sizes()
    start = {}
    for node in network.of_role(Role.PARAMETER):
        extents = [
            extent.subs({symbol: sizes.get(symbol.name, symbol) for symbol in extent.free_symbols}) for extent in node.shape
        ]
        if not all(extent.is_Integer for extent in extents):
            raise UserError(f"--seed: the shape {node.shape} of {node.name} does not follow from the example values")
        start[node.name] = (
            generator.standard_normal([int(extent) for extent in extents]) if extents else generator.standard_normal()
        )
    return start


def plain(value: Any) -> Any:
    """Turn arrays and numpy numbers into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
