"""`symbackprop derive`: print gradients as text, LaTeX, Markdown or JSON."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import click
import numpy as np

from symbackprop.api import Derivation, Gradient, derive
from symbackprop.cli.shared import (
    JSON,
    LOSS,
    NETWORK,
    NOTATION,
    SHAPES,
    TIMEOUT,
    Examples,
    chosen_notation,
    guest_file,
    name_list,
)
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.steps import LEVELS, is_scalar_path
from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import TEXTBOOK
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text as as_text
from symbackprop.formula.print.wrap import latex_lines
from symbackprop.loading import load_network


@click.command(
    "derive",
    cls=Examples,
    examples="""
    symbackprop derive derivations/two_three_two w7
    symbackprop derive derivations/two_three_two w1 --steps standard --format latex
    symbackprop derive derivations/mlp_softmax --steps standard
    symbackprop derive derivations/two_three_two w7 --numbers --notation two_three_two
    symbackprop derive derivations/mlp_softmax --statements --format latex
    """,
)
@NETWORK
@click.argument("names", nargs=-1)
@click.option("--wrt", metavar="NAMES", default="", help="The same as NAMES: `W,b` or `w1:13`.")
@LOSS
@SHAPES
@TIMEOUT
@click.option("--steps", type=click.Choice(LEVELS), default="brief", show_default=True, help="How much is shown.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "markdown", "html"]), default="text", show_default=True)
@NOTATION
@click.option("--statements", is_flag=True, help="Print every equation of a document: definitions, chains, gradients, updates.")
@click.option("--numbers", is_flag=True, help="Continue with the example values: symbols = numbers = result.")
@click.option("--decimals", type=click.IntRange(0, 15), default=6, show_default=True, help="Places with --numbers.")
@JSON
def command(
    network: str,
    names: tuple[str, ...],
    wrt: str,
    loss: str | None,
    shapes: str | None,
    timeout: float,
    steps: str,
    form: str,
    title: str | None,
    statements: bool,
    numbers: bool,
    decimals: int,
    as_json: bool,
) -> None:
    """Print the gradient of the loss for NAMES (by default every parameter)."""
    with guest_file(timeout):
        loaded = load_network(network, loss, shapes)
    derivation = derive(loaded.network, loaded.loss, wrt=name_list(" ".join([*names, wrt])) or None)
    notation = chosen_notation(title, loaded.notation) or TEXTBOOK
    if statements:
        _no_json(as_json)
        _print_lines("", [Step("statement", chain) for chain in derivation.statements(notation)], derivation, form, notation)
        return
    if as_json:
        click.echo(json.dumps(_derivation_json(derivation, notation), ensure_ascii=False, indent=2))
        return
    for name in derivation:
        _print_gradient(derivation, name, steps, form, notation, decimals if numbers else None)
    for assumption in derivation.assumptions:
        click.echo(_ASSUMED.get(form, "assumed: {}").format(escape(str(assumption)) if form == "html" else assumption))


_ASSUMED = {"latex": "% assumed: {}", "html": "<p>assumed: {}</p>"}


def _no_json(as_json: bool) -> None:
    if as_json:
        raise UserError("derive: --statements prints text, LaTeX, Markdown or HTML; it does not go with --json")


def _print_gradient(derivation: Derivation, name: str, steps: str, form: str, notation: Notation, decimals: int | None) -> None:
    """Print the steps of one gradient, and its number to some decimals."""
    gradient = derivation[name]
    lines, scalar = list(gradient.steps(notation, steps)), is_scalar_path(gradient)
    if decimals is not None and scalar:
        lines.append(gradient.numbers(notation.override(decimals=decimals)))
    _print_lines(name, lines, derivation, form, notation)
    if decimals is not None and not scalar:
        numbers = np.array2string(np.asarray(gradient.value()), precision=decimals)
        click.echo(f"<pre>{numbers}</pre>" if form == "html" else numbers)
    if len(lines) > 1 and form == "text" and name != derivation.wrt[-1]:
        click.echo()


def _print_lines(name: str, lines: list[Step], derivation: Derivation, form: str, notation: Notation) -> None:
    if form == "text":
        for step in lines:
            reason = f"    ({step.why()})" if step.because else ""
            click.echo(as_text(step.formula, notation) + reason)
        return
    if form == "html":
        click.echo(_as_html(f"∂{derivation.loss}/∂{name}" if name else "", lines, notation))
        return
    block = latex_lines([step.formula for step in lines], notation)
    title = f"## ∂{derivation.loss}/∂{name}\n\n" if name else ""
    click.echo(block if form == "latex" else f"{title}$$\n{block}\n$$\n")


def _as_html(title: str, lines: list[Step], notation: Notation) -> str:
    """Return formulas as MathML, each in a part of its own, which any page can take as it is."""
    head = [f"<p><strong>{escape(title)}</strong></p>"] if title else []
    formulas = (mathml(step.formula, notation) for step in lines)
    return "\n".join([*head, *(f'<div style="margin:.9em 0;overflow-x:auto">{formula}</div>' for formula in formulas)])


def _derivation_json(derivation: Derivation, notation: Notation) -> dict[str, Any]:
    return {
        "network": derivation.network.title,
        "loss": derivation.loss,
        "gradients": {name: _gradient_json(derivation[name], notation) for name in derivation},
        "assumptions": [str(assumption) for assumption in derivation.assumptions],
    }


def _gradient_json(gradient: Gradient, notation: Notation) -> dict[str, str]:
    formulas = [step.formula for step in gradient.steps(notation, "brief")]
    return {
        "text": "\n".join(as_text(formula, notation) for formula in formulas),
        "latex": latex_lines(formulas, notation),
        "sympy": str(gradient.expression),
    }
