"""`symbackprop grade`: every submission of a folder, each in processes of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbackprop.cli.shared import JSON, LANGUAGE, SECONDS, Examples, name_list, numbers_by_name, pair, refuse_existing

if TYPE_CHECKING:
    from symbackprop.grading.graded import Graded

HINTS = ("none", "where", "why", "mend")


@click.command(
    "grade",
    cls=Examples,
    examples="""
    symbackprop grade derivations/two_two_one submissions
    symbackprop grade exercise.py:loss submissions --wrt W,b --points "W=3 b=1" --credit "ratio=0.5"
    symbackprop grade solution.py submissions
    symbackprop grade network.py submission.py -o graded --gradescope results.json
    """,
)
@click.argument("reference")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write to (by default FOLDER-graded).")
@click.option("--function", metavar="NAME", help="What students were to write: by default `gradients`, or as in a solution.")
@click.option("--file", "pattern", metavar="PATTERN", help="Which files count, such as 'hw3*.ipynb'.")
@click.option("--loss", metavar="NAME", help="Loss node of a network; by default its file's variable `loss`.")
@click.option("--example", metavar="FILE:name", help="Example values for a written reference (by default its file's `example`).")
@click.option("--wrt", metavar="NAMES", help="Which gradients are asked for, `W,b` or `w1:13`.")
@click.option("--mapping", "pairs", multiple=True, metavar="NAME=NODE", help="What an argument or a result means.")
@click.option("--points", metavar='"W=2 b=1"', help="Points of each gradient (by default 1).")
@click.option("--credit", metavar='"ratio=0.5"', help="Part of the points for a kind of mistake: ratio, mend, sign, transpose …")
@click.option("--hints", type=click.Choice(HINTS), default="where", show_default=True, help="How much students are told.")
@click.option("--title", default="", help="Of the pages.")
@LANGUAGE
@click.option("--jobs", type=click.IntRange(min=1), help="Submissions at once (by default one for each core).")
@click.option("--timeout", type=SECONDS, default=10.0, show_default=True, help="Seconds for one submission.")
@click.option("--memory", type=click.IntRange(min=64), default=2048, show_default=True, help="Megabytes for one submission.")
@click.option("--scheduler", metavar="ADDRESS", help="Grade on the Dask cluster with this scheduler.")
@click.option("--anew", is_flag=True, help="Grade everything, also what an earlier run has graded.")
@click.option("--gradescope", type=click.Path(path_type=Path), metavar="FILE", help="Write results.json for one submission.")
@JSON
@click.pass_context
def command(
    context: click.Context,
    /,
    wrt: str | None,
    pairs: tuple[str, ...],
    points: str | None,
    credit: str | None,
    gradescope: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Grade the submissions in FOLDER against REFERENCE: a network, a loss (FILE:function), or a right solution.

    A solution is a file with a loss and its gradients, or with a forward and a backward pass (FILE:Class, or FILE); it is checked
    first, and says what is asked for.

    FOLDER holds a file for each student (.py or .ipynb), or a folder for each; it may be one file. Each submission runs in
    processes of its own, within limits. Written are grades.csv, overview.html, a page for each student in feedback/, and what a
    run that was ended is continued from: by the same command. Exit code 0: all are right; 1: some are wrong or have no verdict;
    2: bad input; 3: a fault of this program met at least one.
    """
    refuse_existing(gradescope, force=False)
    weights, parts = numbers_by_name("--points", points), numbers_by_name("--credit", credit)
    from symbackprop.grading.grade import Grading, grade  # help and usage errors come before the mathematics is loaded

    mapping = dict(map(pair, pairs))
    wanted = Grading(wrt=name_list(wrt), mapping=mapping, points=weights, credit=parts, gradescope=gradescope, **given)
    try:
        course = grade(wanted, _shown)
    except KeyboardInterrupt:
        click.echo("symbackprop: what is graded is kept; the same command goes on from there", err=True)
        raise
    if as_json:
        click.echo(course.to_json())
    else:
        click.echo(course.summary)
        click.echo(f"wrote {wanted.target / 'grades.csv'}, overview.html and {len(course.graded)} pages in feedback/")
    context.exit(course.exit_code)


def _shown(made: Iterable[Graded], count: int) -> Iterable[Graded]:
    """Pass outcomes on, with a progress bar where there are several."""
    if count < 3:
        return made
    from rich.console import Console  # loading it takes as long as grading one submission
    from rich.progress import track  # as above: one submission has no bar

    return track(made, "submissions", total=count, console=Console(stderr=True), transient=True)
