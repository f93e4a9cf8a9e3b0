"""`symbackprop handout`: pages for teachers and students, and the key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from symbackprop.api import derive
from symbackprop.cli.shared import LOSS, NETWORK, Examples
from symbackprop.derive.steps import LEVELS
from symbackprop.formula.notations import READY, notation_called
from symbackprop.loading import load_network
from symbackprop.writeup.make import Made, handouts
from symbackprop.writeup.options import AUDIENCES, BLANKS, LANGUAGES, PARTS, HandoutOptions

MANY = 3  # handouts from which on a progress bar is shown


@click.command(
    "handout",
    cls=Examples,
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
def command(
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
    files = [file for one in _shown(made, count) for file in one.files]
    for file in files[:4]:
        click.echo(f"wrote {file}")
    if len(files) > 4:
        click.echo(f"… and {len(files) - 4} more")


def _shown(made: Iterable[Made], count: int) -> Iterable[Made]:
    """Pass handouts on, with a progress bar where there are many."""
    if count < MANY:
        return made
    from rich.console import Console  # loading it takes as long as making a page; one page has no bar
    from rich.progress import track  # as above: only many have a bar

    return track(made, "handouts", total=count, console=Console(stderr=True), transient=True)
