"""The command line: `symbackprop derive | train | code | check | handout`. Thin: it loads, calls, prints.

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
from rich.progress import track
from sympy import symbols

from symbackprop.api import Derivation, derive
from symbackprop.derive.steps import LEVELS, Step, is_scalar_path
from symbackprop.errors import SymbackpropError, UserError
from symbackprop.formula.notation import Notation
from symbackprop.formula.notations import READY, notation_called
from symbackprop.formula.text import text as as_text
from symbackprop.formula.wrap import latex_lines
from symbackprop.loading import load_function, load_network, load_value, read_samples
from symbackprop.network import Network, Role
from symbackprop.numeric import train
from symbackprop.verify.check import check_gradient
from symbackprop.writeup.make import handouts
from symbackprop.writeup.options import AUDIENCES, BLANKS, LANGUAGES, PARTS, HandoutOptions

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
def derive_command(
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


@cli.command(
    "train",
    cls=_Examples,
    examples="""
    symbackprop train derivations/two_three_two --lr 0.5 --epochs 1000 --update w1:13
    symbackprop train derivations/two_two_one --epochs 500 --seed 1 --plot loss.svg
    symbackprop train my_network.py --data samples.csv --batch-size 32
    """,
)
@NETWORK
@LOSS
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Samples: .csv with a header of names, or .npz with arrays.",
)
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--epochs", type=int, help="Passes over the data.")
@click.option("--batch-size", type=int, help="Samples per update (by default all; 1: one at a time).")
@click.option("--shuffle", is_flag=True, help="Permute the samples in every epoch.")
@click.option("--seed", type=int, help="Random start (standard normal parameters) and order, reproducible.")
@click.option("--stop", type=float, help="Stop when the loss is at most this.")
@click.option("--update", metavar="NAMES", help="Parameters that move, e.g. 'w1:13' (by default all).")
@click.option("--plot", type=click.Path(path_type=Path), help="Write the loss over the epochs as SVG.")
@click.option("--force", is_flag=True, help="Replace the plot when it exists.")
@JSON
def train_command(network: str, loss: str | None, data: Path | None, seed: int | None, shuffle: bool, update: str | None,
                  plot: Path | None, force: bool, as_json: bool, **given: Any) -> None:  # fmt: skip
    """Train by gradient descent on the example values, the file's own `data`, or --data.

    What the file says in `training = {"lr": …, "epochs": …}` is used where no option is given.
    """
    loaded = load_network(network, loss)
    derivation = derive(loaded.network, loaded.loss)
    settings = {
        **getattr(loaded.module, "training", {}),
        **{key: value for key, value in given.items() if value is not None},
    }
    samples = read_samples(data) if data is not None else getattr(loaded.module, "data", None)
    settings["order"] = "shuffled" if shuffle else settings.get("order", "sequential")
    settings["update"] = spelt_names(update) if update else settings.get("update")
    if seed is not None:
        settings |= {"seed": seed, "initial": random_start(loaded.network, seed)}
    if plot is not None and plot.exists() and not force:
        raise UserError(f"{plot} exists; give another name, or --force to replace it")
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
        click.echo(f"  {name} = {np.array2string(np.asarray(value), precision=8) if np.ndim(value) else repr(float(value))}")


@cli.command(
    "check",
    cls=_Examples,
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
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the code with the verdict beside each line.")
@click.option("--force", is_flag=True, help="Replace the HTML file when it exists.")
@JSON
@click.pass_context
def check_command(
    context: click.Context,
    network: str | None,
    hand: str | None,
    loss: str | None,
    gradient: str | None,
    example: str | None,
    markdown: bool,
    html: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check a handwritten gradient: HAND is FILE or FILE:function, by default handwritten.py:gradients beside the network.

    Exit code 0: nothing differs; 1: something differs or the code fails; 2: bad input.
    """
    if network is not None:
        if gradient is not None or example is not None:
            raise UserError("check: --gradient and --example go without NETWORK; with one, write HAND after it")
        loaded = load_network(network, loss)
        report = check_gradient(derive(loaded.network, loaded.loss), load_function(hand or str(loaded.handwritten), "gradients"))
    elif loss is not None and gradient is not None:
        values = load_value(example or f"{loss.rpartition(':')[0]}:example")
        report = check_gradient(load_function(loss, "loss"), load_function(gradient, "gradients"), example=values)
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


@cli.command(
    "handout",
    cls=_Examples,
    examples="""
    symbackprop handout derivations/two_three_two -o handout.html
    symbackprop handout derivations/two_three_two -o work.pdf --for student --for key --lang zh
    symbackprop handout derivations/two_three_two -o quiz.pdf --for student --for key --variants 30 --seed 1
    """,
)
@NETWORK
@LOSS
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File; .html .pdf .tex .md or .ipynb.")
@click.option("--for", "audiences", multiple=True, type=click.Choice(AUDIENCES), help="Whom it is for (several: one file each).")
@click.option("--level", type=click.Choice(LEVELS), default="standard", show_default=True, help="How much is shown.")
@click.option("--blanks", type=click.Choice(BLANKS), default="numbers", show_default=True, help="What students fill in.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language.")
@click.option("--notation", "title", help=f"One of {', '.join(READY)}; by default the textbook's.")
@click.option("--weight", "weights", multiple=True, metavar="NAME", help="A weight worked in full (repeat for several).")
@click.option("--without", multiple=True, type=click.Choice(PARTS), help="A part to leave out (repeat for several).")
@click.option("--lr", "learning_rate", type=float, default=0.5, show_default=True, help="Learning rate of the update.")
@click.option("--decimals", type=click.IntRange(1, 15), help="Places of the numbers.")
@click.option("--seed", type=int, help="Draw new numbers instead of the example values.")
@click.option("--variants", type=click.IntRange(0), default=0, help="So many versions, each with its own numbers.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def handout_command(
    network: str,
    loss: str | None,
    output: Path,
    audiences: tuple[str, ...],
    title: str | None,
    without: tuple[str, ...],
    variants: int,
    force: bool,
    **choices: Any,
) -> None:
    """Write a handout: diagram, forward pass, chain rule, numbers, update; for teachers, students, or as the key."""
    loaded = load_network(network, loss)
    options = HandoutOptions(notation=notation_called(title) if title else None, **choices).without(*without)
    derivation = derive(loaded.network, loaded.loss)
    count = max(variants, 1) * max(len(audiences), 1)
    if len(audiences) == 1:
        options = options.override(audience=audiences[0])
    made = handouts(derivation, output, options, variants=variants, audiences=audiences, force=force)
    files: list[Path] = []
    for one in track(made, "handouts", total=count, console=Console(stderr=True), transient=True, disable=count < 3):
        files.extend(one.files)
    for file in files[:4]:
        click.echo(f"wrote {file}")
    if len(files) > 4:
        click.echo(f"… and {len(files) - 4} more")


def spelt_names(text: str) -> list[str]:
    """Return the names in sympy's naming syntax: `w1:13` is w1 … w12."""
    return [symbol.name for symbol in symbols(text, seq=True)]


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


def main() -> None:
    """Run the command line; an error the user can mend is one line on stderr and exit code 2."""
    try:
        cli(standalone_mode=True)
    except SymbackpropError as error:
        click.echo(f"symbackprop: {error}", err=True)
        sys.exit(2)
