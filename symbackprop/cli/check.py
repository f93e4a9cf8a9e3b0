"""`symbackprop check`: a handwritten gradient against the derivation, or against a handwritten loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop.cli.shared import (
    JSON,
    LANGUAGE,
    SECONDS,
    SHAPES,
    Examples,
    beside,
    name_list,
    pair,
    refuse_existing,
    refuse_other_endings,
)
from symbackprop.errors import SeveralError, UserError
from symbackprop.files import write_file
from symbackprop.own_files import is_own_code, loss_and_gradient, refuse_notebook

if TYPE_CHECKING:
    from symbackprop.isolation import Judged, Request
    from symbackprop.verify.report.report import Report

TEXTS = (".md", ".markdown", ".rst", ".txt", ".tex", ".html", ".htm", ".ipynb")


@click.command(
    "check",
    cls=Examples,
    examples="""
    symbackprop check derivations/linear_regression
    symbackprop check derivations/two_two_one my_code.py:gradients
    symbackprop check model.py:loss model.py:backward
    symbackprop check layers.py:Dense
    symbackprop check layers.py:affine_forward --shapes "x:4,3 w:3,5 b:5"
    symbackprop check --loss model.py:loss --gradient model.py:backward --example model.py:example
    """,
)
@click.argument("network", required=False)
@click.argument("hand", required=False)
@click.option("--loss", metavar="NAME or FILE:function", help="Loss node of NETWORK; or, without one, the handwritten loss.")
@click.option("--gradient", metavar="FILE:function", help="The handwritten gradient, when no NETWORK is given.")
@click.option("--example", metavar="FILE:name", help="Example values for a handwritten loss (by default its file's `example`).")
@click.option("--wrt", metavar="NAMES", help="What a handwritten loss is differentiated by, `W,b`, where no names say it.")
@click.option(
    "--mapping", "pairs", multiple=True, metavar="NAME=NODE", help="What an argument or a result means (`W=w1,w2`: a list)."
)
@click.option("--complete/--partial", default=True, show_default=True, help="Whether every parameter must have a gradient.")
@SHAPES
@click.option("--timeout", type=SECONDS, default=60.0, show_default=True, help="Seconds the code may take.")
@click.option("--memory", type=click.IntRange(min=64), default=4096, show_default=True, help="Megabytes the code may take.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@LANGUAGE
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
    pairs: tuple[str, ...],
    complete: bool,
    shapes: str | None,
    timeout: float,
    memory: int,
    markdown: bool,
    lang: str,
    html: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check a handwritten gradient: HAND is FILE or FILE:function (handwritten.py:gradients).

    NETWORK may be a handwritten loss, FILE:function. HAND is by default the file beside the network.

    FILE alone may hold a function `loss`, a function `gradients` and a dictionary `example`.
    FILE:Class, FILE:function or FILE, in the place of NETWORK and without HAND, is code that holds both passes: a layer or a
    model, forward and backward functions, f and f', a function that gives loss and gradients; arguments are found by trying, or
    stand in the file as `example`, or are given by --shapes. Of a FILE with several such pieces each is checked by itself.

    The code runs in a child process; what it prints goes to stderr. Exit code 0: a verdict for every parameter, and all hold; 1:
    something differs or is missing, or there was no verdict; 2: bad input; 3: a fault of this program.
    """
    alone = _alone(network, hand, gradient, shapes)
    code, network, loss = _compared(network, hand, loss, gradient, example)
    _refuse_both(as_json, markdown)
    _refuse_shapes(shapes, network if code else None)
    refuse_other_endings("--html", html, (".html", ".htm"))
    refuse_existing(html, force)
    # Help and usage errors come before the mathematics is loaded.
    from symbackprop.isolation import Request

    mapping, names = dict(map(pair, pairs)), name_list(wrt)
    request = Request(code, network, loss, example, names, mapping, complete, timeout, memory, shapes=shapes)
    form = "json" if as_json else "markdown" if markdown else "text"
    try:
        judged = _judged(request, alone)
    except SeveralError as error:
        if html is not None:
            raise
        context.exit(_each(request, error.choices, form, lang))
    if html is not None:
        write_file(html, judged.report.to_html())
    _print(judged.report, form, lang)
    _say_missing(judged)
    context.exit(0 if judged.ok else 1)


def _compared(
    network: str | None, hand: str | None, loss: str | None, gradient: str | None, example: str | None
) -> tuple[str, str | None, str | None]:
    """Return where the handwritten code is, the network, and the loss (of it, or written with numpy).

    Raises UserError for arguments that do not belong together.
    """
    _refuse_texts(network, hand, gradient)
    if hand is not None and ".py:" in str(network):
        return hand, None, network
    if network is None:
        if loss is None or gradient is None:
            raise UserError("check: expected NETWORK, or --loss FILE:function with --gradient FILE:function")
        return gradient, None, loss
    if gradient is not None or example is not None:
        raise UserError("check: --gradient and --example go without NETWORK; with one, write HAND after it")
    if hand is None and is_own_code(network):
        return _pair_of(network) or ("", network, loss)
    return hand or _beside(network), network, loss


def _alone(network: str | None, *further: str | None) -> str | None:
    """Return the file that is named, where nothing else is."""
    return None if any(further) else network


def _judged(request: Request, alone: str | None) -> Judged:
    """Check; of a file that is named alone and whose loss is none of the weights, `cost(A2, Y)`, both passes."""
    from symbackprop.isolation import check_isolated  # help and usage errors come before the mathematics is loaded

    try:
        return check_isolated(request)
    except UserError as error:
        if alone is None or request.loss is None:
            raise
        try:
            return check_isolated(replace(request, hand="", loss=None, network=alone))
        except UserError:
            raise error from None


def _each(request: Request, places: Sequence[str], form: str, language: str) -> int:
    """Check every piece of a file by itself and print its report; return the exit code."""
    from symbackprop import roster  # help and usage errors come before the mathematics is loaded

    checked = []
    for entry in roster.entries(request, places):
        checked.append(entry)
        if form == "json":
            continue
        if entry.judged is None:
            click.echo(f"{entry.name} · no verdict: {entry.problem}\n")
            continue
        _print(entry.judged.report, form, language)
        click.echo()
        _say_missing(entry.judged, entry.name)
    click.echo(roster.as_json(checked) if form == "json" else roster.summary(checked))
    return roster.exit_code(checked)


def _say_missing(judged: Judged, name: str = "") -> None:
    """Say on stderr that gradients are missing of code that is right otherwise."""
    if judged.report.ok and judged.missing:
        of = f"{name}: " if name else ""
        said = f"{of}incomplete: no gradient of {', '.join(judged.missing)} (--wrt says what is asked, or --partial)"
        click.echo(f"symbackprop: {said}", err=True)


def _refuse_both(as_json: bool, markdown: bool) -> None:
    if as_json and markdown:
        raise UserError("check: --json and --markdown are two ways to print; give one of them")


def _refuse_shapes(shapes: str | None, network: str | None) -> None:
    if shapes is not None and network is not None:
        raise UserError(f"--shapes gives arguments to FILE:function; {network} is a network, and has its own values")


def _pair_of(place: str) -> tuple[str, None, str] | None:
    """Return the gradient and the loss of `FILE`, or of a `FILE:name` that is one of them; None where they are not certain."""
    file = place.rpartition(":")[0]
    both = loss_and_gradient(file or place)
    if both is None or (file and place not in both):
        return None
    return both[1], None, both[0]


def _beside(network: str) -> str:
    """Return the handwritten code beside a network. Raises UserError where there is a network and nothing beside it."""
    file = beside(network)
    if Path(network).exists() and not Path(file).exists():
        raise UserError(f"check: there is no {file} to be checked; give HAND, FILE:function, after {network}")
    return file


def _refuse_texts(*places: str | None) -> None:
    for place in filter(None, places):
        refuse_notebook(place)
        if Path(place).suffix.lower() in TEXTS:
            raise UserError(f"{place} is a text, check is for code; to proof-read it: symbackprop proofread {place}")


def _print(report: Report, form: str, language: str) -> None:
    if form != "text":
        click.echo(report.to_json() if form == "json" else report.to_markdown())
        return
    if language != "en":
        click.echo(report.to_text(language))
        return
    # Loading it takes as long as a small check; JSON and help do without.
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(report)
