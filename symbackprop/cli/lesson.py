"""`symbackprop lesson`: a page that runs forward and backward, every number editable."""

from __future__ import annotations

from pathlib import Path

import click

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
    write_new,
)
from symbackprop.errors import UserError
from symbackprop.loading import load_network
from symbackprop.writeup.lesson.page import lesson
from symbackprop.writeup.page.options import HandoutOptions


@click.command(
    "lesson",
    cls=Examples,
    examples="""
    symbackprop lesson derivations/two_three_two -o lesson.html
    symbackprop lesson derivations/two_three_two -o exercise.html --for student --lang zh
    """,
)
@NETWORK
@LOSS
@SHAPES
@TIMEOUT
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File, ending in .html.")
@click.option(
    "--for", "audience", type=click.Choice(("teacher", "student")), default="teacher", show_default=True,
    help="Everything shown step by step, or a page that asks for every number.",
)  # fmt: skip
@LANGUAGE
@NOTATION
@click.option("--title", "heading", default="", help="Title of the page.")
@click.option("--lr", "learning_rate", type=float, default=0.5, show_default=True, help="Learning rate of the update.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def command(
    network: str,
    loss: str | None,
    shapes: str | None,
    timeout: float,
    output: Path,
    audience: str,
    lang: str,
    title: str | None,
    heading: str,
    learning_rate: float,
    force: bool,
) -> None:
    """Write a lesson: one page, offline, that runs forward and backward; every number can be changed."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"lesson: expected a file ending in .html, got {output}")
    with guest_file(timeout):
        loaded = load_network(network, loss, shapes)
    options = HandoutOptions(
        audience=audience, lang=lang, notation=chosen_notation(title, loaded.notation), title=heading,
        learning_rate=learning_rate,
    )  # fmt: skip
    write_new(output, lesson(derive(loaded.network, loaded.loss), options), force)
    click.echo(f"wrote {output}")
