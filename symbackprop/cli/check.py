"""`symbackprop check`: a handwritten gradient against the derivation, or against a handwritten loss."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from symbackprop.api import derive
from symbackprop.cli.shared import JSON, Examples, write_new
from symbackprop.errors import UserError
from symbackprop.loading import load_function, load_network, load_value
from symbackprop.verify.check import check_gradient


@click.command(
    "check",
    cls=Examples,
    examples="""
    symbackprop check derivations/linear_regression
    symbackprop check derivations/two_two_one my_code.py:gradients
    symbackprop check --loss model.py:loss --gradient model.py:backward --example model.py:example
    """,
)
@click.argument("network", required=False)
@click.argument("hand", required=False)
@click.option("--loss", metavar="NAME or FILE:function", help="Loss node of NETWORK; or, without one, the handwritten loss.")
@click.option("--gradient", metavar="FILE:function", help="The handwritten gradient, when no NETWORK is given.")
@click.option("--example", metavar="FILE:name", help="Example values for a handwritten loss (by default its file's `example`).")
@click.option("--wrt", metavar="NAMES", help="What a handwritten loss is differentiated by, `W,b`, where no names say it.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the code with the verdict beside each line.")
@click.option("--force", is_flag=True, help="Replace the HTML file when it exists.")
@JSON
@click.pass_context
def command(
    context: click.Context,
    network: str | None,
    hand: str | None,
    loss: str | None,
    gradient: str | None,
    example: str | None,
    wrt: str | None,
    markdown: bool,
    html: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check a handwritten gradient: HAND is FILE or FILE:function, by default handwritten.py:gradients beside the network.

    Exit code 0: nothing differs; 1: something differs or the code fails; 2: bad input.
    """
    if network is not None:
        if gradient is not None or example is not None or wrt is not None:
            raise UserError("check: --gradient, --example and --wrt go without NETWORK; with one, write HAND after it")
        loaded = load_network(network, loss)
        report = check_gradient(derive(loaded.network, loaded.loss), load_function(hand or str(loaded.handwritten), "gradients"))
    elif loss is not None and gradient is not None:
        function, code = load_function(loss, "loss"), load_function(gradient, "gradients")
        values = load_value(example or f"{loss.rpartition(':')[0] or loss}:example")
        report = check_gradient(function, code, example=values, wrt=[name.strip() for name in wrt.split(",")] if wrt else None)
    else:
        raise UserError("check: expected NETWORK, or --loss FILE:function with --gradient FILE:function")
    if html is not None:
        write_new(html, report.to_html(), force)
    if as_json:
        click.echo(report.to_json())
    elif markdown:
        click.echo(report.to_markdown())
    else:
        Console(highlight=False, soft_wrap=True).print(report)
    context.exit(0 if report.ok else 1)
