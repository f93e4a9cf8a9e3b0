"""`symbackprop check`: a handwritten gradient against the derivation, or against a handwritten loss."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symbackprop.cli.shared import JSON, SHAPES, Examples, beside, name_list, pair, refuse_existing
from symbackprop.errors import UserError
from symbackprop.files import write_file

if TYPE_CHECKING:
    from symbackprop.verify.report.report import Report

TEXTS = (".md", ".markdown", ".rst", ".txt", ".tex", ".html", ".htm", ".ipynb")


#: What a loss and its handwritten gradient are called where a file holds both.
LOSSES = frozenset({"loss", "cost", "objective", "loss_function", "cost_function"})
LOSS_WORDS = LOSSES | {"mse", "error", "entropy", "nll", "bce"}
GRADIENTS = frozenset({"gradients", "gradient", "grads", "grad", "backward", "backprop", "backpropagation"})


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
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds the code may take.")
@click.option("--memory", type=click.IntRange(min=64), default=4096, show_default=True, help="Megabytes the code may take.")
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
    pairs: tuple[str, ...],
    complete: bool,
    shapes: str | None,
    timeout: float,
    memory: int,
    markdown: bool,
    html: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Check a handwritten gradient: HAND is FILE or FILE:function (handwritten.py:gradients).

    NETWORK may be a handwritten loss, FILE:function. HAND is by default the file beside the network.

    FILE alone may hold a function `loss`, a function `gradients` and a dictionary `example`.
    FILE:Class, FILE:function or FILE, in the place of NETWORK and without HAND, is code that holds both passes: a layer or a
    model, forward and backward functions, f and f', a function that gives loss and gradients; arguments are found by trying, or
    stand in the file as `example`, or are given by --shapes.

    The code runs in a child process; what it prints goes to stderr. Exit code 0: a verdict for every parameter, and all hold; 1:
    something differs or is missing, or there was no verdict; 2: bad input; 3: a fault of this program.
    """
    code, network, loss = _compared(network, hand, loss, gradient, example)
    refuse_existing(html, force)
    # Help and usage errors come before the mathematics is loaded.
    from symbackprop.isolation import Request, check_isolated

    mapping, names = dict(map(pair, pairs)), name_list(wrt)
    judged = check_isolated(Request(code, network, loss, example, names, mapping, complete, timeout, memory, shapes=shapes))
    if html is not None:
        write_file(html, judged.report.to_html())
    _print(judged.report, "json" if as_json else "markdown" if markdown else "text")
    if judged.report.ok and judged.missing:
        said = f"incomplete: no gradient of {', '.join(judged.missing)} (--wrt says what is asked, or --partial)"
        click.echo(f"symbackprop: {said}", err=True)
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
        return _loss_and_gradient(network) or ("", network, loss)
    return hand or beside(network), network, loss


def _loss_and_gradient(place: str) -> tuple[str, None, str] | None:
    """Return the gradient and the loss of a file that has one of each by its names; with an `example`, by the usual names."""
    defined = _top_level(Path(place))
    if "example" not in defined and "class" in defined:
        return None
    losses, gradients = _usual(defined) if "example" in defined else _likely(defined)
    if len(losses) != 1 or len(gradients) != 1:
        return None
    return f"{place}:{gradients[0]}", None, f"{place}:{losses[0]}"


def _usual(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the names that losses usually have, and those of gradients."""
    return [name for name in names if name in LOSSES], [name for name in names if name in GRADIENTS]


def _likely(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the names that losses and gradients usually have, or else those with such a word: `compute_cost`, `mse_grad`."""
    losses, gradients = _usual(names)
    gradients = gradients or [name for name in names if _words(name) & GRADIENTS]
    return losses or [name for name in names if _words(name) & LOSS_WORDS and name not in gradients], gradients


def _words(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _top_level(file: Path) -> list[str]:
    """Return what a file's text defines outside of functions, `class` for each class; nothing of what is no readable Python."""
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body if file.suffix == ".py" else []
    except (OSError, ValueError, SyntaxError):
        return []  # said where the file is run
    return [name for statement in body for name in _defined_by(statement)]


def _defined_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef):
        return [statement.name]
    if isinstance(statement, ast.ClassDef):
        return ["class"]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _refuse_texts(*places: str | None) -> None:
    for place in filter(None, places):
        if Path(place).suffix.lower() in TEXTS:
            raise UserError(f"{place} is a text, check is for code; to proof-read it: symbackprop proofread {place}")


def is_own_code(network: str) -> bool:
    """Whether NETWORK is a plain Python file that holds both passes: no `network` is defined in it, nothing lies beside it."""
    file = Path(network.rpartition(":")[0] if ".py:" in network else network)
    if file.suffix != ".py" or not file.is_file():
        return False
    return ".py:" in network or not re.search(r"^network\b", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)


def _print(report: Report, form: str) -> None:
    if form != "text":
        click.echo(report.to_json() if form == "json" else report.to_markdown())
        return
    # Loading it takes as long as a small check; JSON and help do without.
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(report)
