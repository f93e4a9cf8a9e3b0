"""The command line: `symbackprop derive | train | code | check`. Thin: it loads, calls, prints.

Exit codes: 0 all holds, 1 something differs, 2 bad input (one clear line).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from symbackprop.api import Derivation, derive
from symbackprop.derive.steps import LEVELS
from symbackprop.errors import SymbackpropError, UserError
from symbackprop.loading import Loaded, load_network

NETWORK = click.argument("network")
LOSS = click.option("--loss", "loss", metavar="NAME", help="Loss node; by default the file's variable `loss`.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class _Examples(click.Command):
    """A command whose help ends with examples, printed as they are."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip().splitlines():
                    formatter.write_text(line.strip())


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symbackprop")
def cli() -> None:
    """Derive the backpropagation of a network, print it, run it, and check handwritten gradients against it.

    NETWORK is a folder with network.py (such as derivations/two_three_two) or any .py file that defines `network` and `loss`.
    """


@cli.command(
    "derive",
    cls=_Examples,
    examples="""
    symbackprop derive derivations/two_three_two w7
    symbackprop derive derivations/two_three_two w1 --steps standard --format latex
    symbackprop derive derivations/mlp_softmax --steps standard
    """,
)
@NETWORK
@click.argument("names", nargs=-1)
@LOSS
@click.option("--steps", type=click.Choice(LEVELS), default="brief", show_default=True, help="How much is shown.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "markdown"]), default="text", show_default=True)
@JSON
def derive_command(network: str, names: tuple[str, ...], loss: str | None, steps: str, form: str, as_json: bool) -> None:
    """Print the gradient of the loss for NAMES (by default every parameter)."""
    loaded = load_network(network, loss)
    derivation = derive(loaded.network, loaded.loss, wrt=names or None)
    if as_json:
        click.echo(json.dumps(_derivation_json(derivation), ensure_ascii=False, indent=2))
        return
    for name in derivation:
        gradient = derivation[name]
        if form == "text":
            click.echo(gradient.text(steps=steps))
        elif form == "latex":
            click.echo(gradient.latex(steps=steps))
        else:
            click.echo(f"## ∂{derivation.loss}/∂{name}\n\n$$\n{gradient.latex(steps=steps)}\n$$\n")
        if steps != "brief" and form == "text" and name != derivation.wrt[-1]:
            click.echo()
    for assumption in derivation.assumptions:
        click.echo(f"assumed: {assumption}" if form != "latex" else f"% assumed: {assumption}")


def _derivation_json(derivation: Derivation) -> dict[str, Any]:
    return {
        "network": derivation.network.title,
        "loss": derivation.loss,
        "gradients": {
            name: {"text": derivation[name].text(), "latex": derivation[name].latex(), "sympy": str(derivation[name].expression)}
            for name in derivation
        },
        "assumptions": [str(assumption) for assumption in derivation.assumptions],
    }


@cli.command(
    "code",
    cls=_Examples,
    examples="""
    symbackprop code derivations/linear_regression
    symbackprop code derivations/two_three_two --batched -o gradients.py
    """,
)
@NETWORK
@LOSS
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file (by default: print).")
@click.option("--batched", is_flag=True, help="Scalar networks: over arrays of samples instead of one sample.")
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
def code_command(network: str, loss: str | None, output: Path | None, batched: bool, force: bool) -> None:
    """Print readable numpy source of the loss and all gradients."""
    loaded = load_network(network, loss)
    text = derive(loaded.network, loaded.loss).source(batched=batched)
    if output is None:
        click.echo(text)
        return
    write_new(output, text, force)
    click.echo(f"wrote {output}")


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a file that does not exist yet, or replace it when `force`. Raises UserError otherwise."""
    if path.exists() and not force:
        raise UserError(f"{path} exists; give another name, or --force to replace it")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def plain(value: Any) -> Any:
    """Turn arrays and numpy numbers into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def console() -> Console:
    """Return the console results are printed on."""
    return Console(highlight=False, soft_wrap=False)


def training_defaults(loaded: Loaded) -> dict[str, Any]:
    """Return what the network file says of its training: `training = {"lr": …, "epochs": …}` and `data = {…}`."""
    return {**getattr(loaded.module, "training", {}), "data": getattr(loaded.module, "data", None)}


def main() -> None:
    """Run the command line; an error the user can mend is one line on stderr and exit code 2."""
    try:
        cli(standalone_mode=True)
    except SymbackpropError as error:
        click.echo(f"symbackprop: {error}", err=True)
        sys.exit(2)
