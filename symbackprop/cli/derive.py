"""`symbackprop derive`: print gradients as text, LaTeX, Markdown or JSON."""

from __future__ import annotations

import json
from typing import Any

import click
import numpy as np

from symbackprop.api import Derivation, derive
from symbackprop.cli.shared import JSON, LOSS, NETWORK, Examples
from symbackprop.derive.steps import LEVELS, Step, is_scalar_path
from symbackprop.formula.notation import Notation
from symbackprop.formula.notations import READY, notation_called
from symbackprop.formula.text import text as as_text
from symbackprop.formula.wrap import latex_lines
from symbackprop.loading import load_network


@click.command(
    "derive",
    cls=Examples,
    examples="""
    symbackprop derive derivations/two_three_two w7
    symbackprop derive derivations/two_three_two w1 --steps standard --format latex
    symbackprop derive derivations/mlp_softmax --steps standard
    symbackprop derive derivations/two_three_two w7 --numbers --notation two_three_two
    """,
)
@NETWORK
@click.argument("names", nargs=-1)
@LOSS
@click.option("--steps", type=click.Choice(LEVELS), default="brief", show_default=True, help="How much is shown.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "markdown"]), default="text", show_default=True)
@click.option("--notation", "title", default="textbook", show_default=True, help=f"One of {', '.join(READY)}.")
@click.option("--numbers", is_flag=True, help="Continue with the example values: symbols = numbers = result.")
@click.option("--decimals", type=click.IntRange(0, 15), default=6, show_default=True, help="Places with --numbers.")
@JSON
def command(
    network: str,
    names: tuple[str, ...],
    loss: str | None,
    steps: str,
    form: str,
    title: str,
    numbers: bool,
    decimals: int,
    as_json: bool,
) -> None:
    """Print the gradient of the loss for NAMES (by default every parameter)."""
    loaded = load_network(network, loss)
    derivation = derive(loaded.network, loaded.loss, wrt=names or None)
    notation = notation_called(title)
    if as_json:
        click.echo(json.dumps(_derivation_json(derivation, notation), ensure_ascii=False, indent=2))
        return
    for name in derivation:
        lines = list(derivation[name].steps(notation, steps))
        if numbers and is_scalar_path(derivation[name]):
            lines.append(derivation[name].numbers(notation.override(decimals=decimals)))
        _print_lines(name, lines, derivation, form, notation)
        if numbers and not is_scalar_path(derivation[name]):
            click.echo(np.array2string(np.asarray(derivation[name].value()), precision=decimals))
        if len(lines) > 1 and form == "text" and name != derivation.wrt[-1]:
            click.echo()
    for assumption in derivation.assumptions:
        click.echo(f"assumed: {assumption}" if form != "latex" else f"% assumed: {assumption}")


def _print_lines(name: str, lines: list[Step], derivation: Derivation, form: str, notation: Notation) -> None:
    if form == "text":
        for step in lines:
            reason = f"    ({step.because})" if step.because else ""
            click.echo(as_text(step.formula, notation) + reason)
        return
    block = latex_lines([step.formula for step in lines], notation)
    click.echo(block if form == "latex" else f"## ∂{derivation.loss}/∂{name}\n\n$$\n{block}\n$$\n")


def _derivation_json(derivation: Derivation, notation: Notation) -> dict[str, Any]:
    return {
        "network": derivation.network.title,
        "loss": derivation.loss,
        "gradients": {
            name: {
                "text": derivation[name].text(notation),
                "latex": derivation[name].latex(notation),
                "sympy": str(derivation[name].expression),
            }
            for name in derivation
        },
        "assumptions": [str(assumption) for assumption in derivation.assumptions],
    }
