"""`symbackprop code`: print readable numpy source."""

from __future__ import annotations

from pathlib import Path

import click

from symbackprop.api import derive
from symbackprop.cli.shared import LOSS, NETWORK, SHAPES, TIMEOUT, Examples, guest_file, refuse_existing, write_new
from symbackprop.loading import load_network


@click.command(
    "code",
    cls=Examples,
    examples="""
    symbackprop code derivations/linear_regression
    symbackprop code derivations/two_three_two --batched -o gradients.py
    """,
)
@NETWORK
@LOSS
@SHAPES
@TIMEOUT
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file (by default: print).")
@click.option("--batched", is_flag=True, help="Scalar networks: over arrays of samples instead of one sample.")
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
def command(
    network: str, loss: str | None, shapes: str | None, timeout: float, output: Path | None, batched: bool, force: bool
) -> None:
    """Print readable numpy source of the loss and all gradients."""
    refuse_existing(output, force)
    with guest_file(timeout):
        loaded = load_network(network, loss, shapes)
    text = derive(loaded.network, loaded.loss).source(batched=batched)
    if output is None:
        click.echo(text)
        return
    write_new(output, text, force)
    click.echo(f"wrote {output}")
