"""`symbackprop proofread`: a verdict for every `=` and every printed number of texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from symbackprop.cli.shared import JSON, TIMEOUT, Examples, chosen_notation, guest_file, refuse_existing
from symbackprop.errors import UserError
from symbackprop.files import write_file
from symbackprop.loading import load_network
from symbackprop.proofreading.corrected import corrected, corrected_name
from symbackprop.proofreading.proofread import proofread
from symbackprop.proofreading.proofread_report import ProofreadReport
from symbackprop.proofreading.report_text import as_data


@click.command(
    "proofread",
    cls=Examples,
    examples="""
    symbackprop proofread tutorial.md
    symbackprop proofread tutorial.md --network derivations/two_three_two --notation two_three_two
    symbackprop proofread chapter1.tex chapter2.tex --html annotated/ --partial
    symbackprop proofread notes.md --fix
    """,
)
@click.argument("documents", metavar="DOCUMENT...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--network", "place", metavar="NETWORK", help="What the formulas are about; by default the document's own definitions."
)
@TIMEOUT
@click.option("--loss", metavar="NAME", help="Loss node, for new values such as w⁺.")
@click.option("--notation", metavar="NAME", help="How the document writes: the names of one of the known notations.")
@click.option("--rate", type=float, help="Learning rate, where the text gives none.")
@click.option("--run-code", "run", is_flag=True, help="Run the texts' code in a process with limits; compare what it prints.")
@click.option("--complete/--partial", default=True, show_default=True, help="Whether every `=` must be read and decided.")
@click.option("--all", "everything", is_flag=True, help="Show what holds, too.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the document annotated; of several, into this folder.")
@click.option("--fix", is_flag=True, help="Write a corrected copy beside it, NAME.corrected.md.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@JSON
@click.pass_context
def command(
    context: click.Context,
    documents: tuple[str, ...],
    place: str | None,
    timeout: float,
    loss: str | None,
    notation: str | None,
    rate: float | None,
    run: bool,
    complete: bool,
    everything: bool,
    markdown: bool,
    html: Path | None,
    fix: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Proof-read texts (.md .txt .tex .html .ipynb): every `=`, every printed number, with a remedy for what is wrong.

    Nothing in a text is executed, unless --run-code says so. Exit code 0: every `=` was read and decided, and nothing is wrong;
    1: something differs or is malformed, or (unless --partial) an `=` could not be read or decided; 2: bad input; 3: a fault of
    this program.
    """
    copies = [corrected_name(Path(document)) for document in documents] if fix else []
    pages = _pages(documents, html)
    _refuse(documents, [*copies, *pages], force)
    judged = partial(proofread, **_given(place, loss, notation, timeout), rate=rate, run_seconds=timeout if run else None)
    reports: list[ProofreadReport] = []
    for number, document in enumerate(documents):
        report = _read(document, judged, alone=len(documents) == 1)
        if report is None:
            continue
        reports.append(report)
        _mend(report, copies[number : number + 1])
        _write(report, pages[number : number + 1], ProofreadReport.to_html, "annotated")
        if not as_json:
            click.echo(report.to_markdown(everything) if markdown else report.text(everything))
    if as_json:
        data = [as_data(report) for report in reports]
        click.echo(json.dumps(data[0] if len(documents) == 1 else data, ensure_ascii=False, indent=2))
    context.exit(2 if len(reports) < len(documents) else 0 if all(_passes(report, complete) for report in reports) else 1)


def _given(place: str | None, loss: str | None, notation: str | None, timeout: float) -> dict[str, Any]:
    """Return what the texts are judged by: a network, its loss, a notation; each None where it is not named."""
    with guest_file(timeout):
        loaded = load_network(place, loss) if place else None
    if loaded is None:
        return {"network": None, "loss": loss, "notation": chosen_notation(notation, None)}
    return {"network": loaded.network, "loss": loaded.loss, "notation": chosen_notation(notation, loaded.notation)}


def _read(document: str, judged: Callable[[str], ProofreadReport], alone: bool) -> ProofreadReport | None:
    """Return the report on a text; of several, one that cannot be read is told, and the others go on."""
    try:
        return judged(document)
    except UserError as problem:
        if alone:
            raise
        click.echo(f"symbackprop: {problem}", err=True)
        return None


def _passes(report: ProofreadReport, complete: bool) -> bool:
    return report.ok and (report.complete or not complete)


def _pages(documents: tuple[str, ...], html: Path | None) -> list[Path]:
    """Return where the annotated pages go. Raises UserError where two documents of one name would be one page."""
    if html is None:
        return []
    if len(documents) == 1 and not html.is_dir():
        return [html]
    pages = [html / f"{Path(document).name}.html" for document in documents]
    if len(set(pages)) < len(pages):
        raise UserError(f"--html {html}: two documents of one name; proof-read them one after the other")
    try:
        html.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(f"{html}: {problem.strerror or problem}") from problem
    return pages


def _refuse(documents: tuple[str, ...], files: list[Path], force: bool) -> None:
    """Raise UserError before anything is done where a file exists, or where a document itself would be replaced."""
    read = {Path(document).resolve() for document in documents}
    for file in files:
        if file.resolve() in read:
            raise UserError(f"{file} is a document to be read; give another name")
        refuse_existing(file, force)


def _mend(report: ProofreadReport, copies: list[Path]) -> None:
    """Write the corrected copy; a text in which nothing can be mended has none."""
    if copies and corrected(report) != report.document.text:
        _write(report, copies, corrected, "the corrected copy")
    elif copies:
        click.echo(f"{report.document.name}: nothing to mend, no copy was written", err=True)


def _write(report: ProofreadReport, files: list[Path], made: Callable[[ProofreadReport], str], words: str) -> None:
    for file in files:
        write_file(file, made(report))
        click.echo(f"{file}: {words}", err=True)
