"""`symbackprop handout`: pages for teachers and students, and the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from symbackprop.api import derive
from symbackprop.cli.shared import (
    LANGUAGE,
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
from symbackprop.derive.steps.steps import LEVELS
from symbackprop.loading import Loaded, load_network, read_roster
from symbackprop.writeup.make import Made, Together, handouts
from symbackprop.writeup.page.options import AUDIENCES, BLANKS, PARTS, HandoutOptions
from symbackprop.writeup.print.formats import FORMATS

MANY = 3  # handouts from which on a progress bar is shown


@click.command(
    "handout",
    cls=Examples,
    examples="""
    symbackprop handout derivations/two_three_two -o handout.html
    symbackprop handout derivations/two_three_two -o work.pdf --for student --for key --lang zh
    symbackprop handout derivations/two_three_two --slides -o deck.html
    symbackprop handout derivations/two_three_two -o quiz.pdf --for student --for key --variants 30 --seed 1
    symbackprop handout derivations/two_three_two -o quiz.pdf --for student --for key --roster names.csv --merged
    """,
)
@NETWORK
@LOSS
@SHAPES
@TIMEOUT
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=f"File; {' '.join(FORMATS)}.")
@click.option("--for", "audiences", multiple=True, type=click.Choice(AUDIENCES), help="Whom it is for (several: one file each).")
@click.option("--level", type=click.Choice(LEVELS), default="standard", show_default=True, help="How much is shown.")
@click.option("--blanks", type=click.Choice(BLANKS), default="numbers", show_default=True, help="What students fill in.")
@LANGUAGE
@NOTATION
@click.option("--weight", "--wrt", "weights", multiple=True, metavar="NAMES", help="Weights worked in full, `w1,w2` or `w1:3`.")
@click.option("--without", multiple=True, type=click.Choice(PARTS), help="A part to leave out (repeat for several).")
@click.option("--graph", is_flag=True, help="The computational graph too, with local derivatives on its edges.")
@click.option("--slides", is_flag=True, help="Slides, a step each, for the projector: .html or .pdf.")
@click.option("--title", "heading", default="", help="Title of the page.")
@click.option("--school", default="", help="School or course, under the title.")
@click.option("--date", default="", help="Date, under the title, as it is to be printed.")
@click.option("--lr", "learning_rate", type=float, default=0.5, show_default=True, help="Learning rate of the update.")
@click.option("--decimals", type=click.IntRange(1, 15), help="Places of the numbers.")
@click.option("--seed", type=click.IntRange(min=0), help="Draw new numbers instead of the example values.")
@click.option("--variants", type=click.IntRange(0), default=0, help="So many versions, each with its own numbers.")
@click.option("--roster", type=click.Path(path_type=Path), help="names.csv with the columns name and class: a variant for each.")
@click.option("--merged", is_flag=True, help="One PDF of all variants, for each audience.")
@click.option("--zip", "zipped", is_flag=True, help="One zip of all files, with the list of who has which.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(
    network: str,
    loss: str | None,
    shapes: str | None,
    timeout: float,
    output: Path,
    audiences: tuple[str, ...],
    title: str | None,
    without: tuple[str, ...],
    graph: bool,
    variants: int,
    roster: Path | None,
    merged: bool,
    zipped: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Write a handout: diagram, forward pass, chain rule, numbers, update; for teachers, students, or as the key."""
    choices["weights"] = name_list(" ".join(choices["weights"]))
    with guest_file(timeout):
        loaded = load_network(network, loss, shapes)
    options = _options(loaded, title, choices).without(*without)
    if graph:
        options = options.override(parts=options.parts | {"graph"})
    derivation = derive(loaded.network, loaded.loss)
    pupils = read_roster(roster) if roster is not None else ()
    count = max(variants, len(pupils), 1) * max(len(audiences), 1)
    if len(audiences) == 1:
        options = options.override(audience=audiences[0])
    made = handouts(
        derivation,
        output,
        options,
        variants=variants,
        audiences=audiences,
        roster=pupils,
        together=Together(zipped, merged),
        force=force,
    )
    files = [file for one in _shown(made, count) for file in one.files]
    for file in files[:4]:
        click.echo(f"wrote {file}")
    if len(files) > 4:
        click.echo(f"… and {len(files) - 4} more")


def _options(loaded: Loaded, notation: str | None, choices: Mapping[str, Any]) -> HandoutOptions:
    """Return the options: what the command line says, else what the file's own `handout = {…}` says, else the defaults."""
    found = getattr(loaded.module, "handout", None)
    own = found if isinstance(found, dict) else {}
    given = click.get_current_context().get_parameter_source
    said = {name for name in choices if given(name) is not ParameterSource.DEFAULT}
    chosen = {_CALLED.get(name, name): value for name, value in choices.items() if name in said}
    rest = {_CALLED.get(name, name): value for name, value in choices.items() if name not in said}
    return HandoutOptions(notation=chosen_notation(notation, loaded.notation)).override(**{**rest, **own, **chosen})


#: Options of a handout that are called otherwise in the command's function.
_CALLED = {"heading": "title"}


def _shown(made: Iterable[Made], count: int) -> Iterable[Made]:
    """Pass handouts on, with a progress bar where there are many."""
    if count < MANY:
        return made
    from rich.console import Console  # loading it takes as long as making a page; one page has no bar
    from rich.progress import track  # as above: only many have a bar

    return track(made, "handouts", total=count, console=Console(stderr=True), transient=True)
