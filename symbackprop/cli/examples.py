"""`symbackprop examples`: the networks of the source documents, which come with the package."""

from __future__ import annotations

import ast
import shlex
import shutil
from pathlib import Path

import click

from symbackprop.cli.shared import Examples
from symbackprop.errors import InternalError, UserError, nearest

PACKAGE = Path(__file__).resolve().parent.parent
PLACES = (PACKAGE / "derivations", PACKAGE.parent / "derivations")
"""Where they lie in an installed package, and in a checkout."""


@click.command(
    "examples",
    cls=Examples,
    examples="""
    symbackprop examples
    symbackprop examples two_three_two
    symbackprop examples two_three_two --copy .
    """,
)
@click.argument("name", required=False)
@click.option("--copy", "target", metavar="DIR", type=click.Path(path_type=Path), help="Copy NAME (by default all) into DIR.")
def command(name: str | None, target: Path | None) -> None:
    """List the examples, print one, or copy them: a network, a handwritten gradient, the document.

    Nothing that exists is replaced.
    """
    found = _folders()
    if name is not None and name not in found:
        raise UserError(f"examples: no example {name}; there are {', '.join(found)}.{nearest(name, found)}")
    chosen = {name: found[name]} if name is not None else found
    if target is not None:
        _copy(chosen, target)
    elif name is not None:
        click.echo((found[name] / "network.py").read_text(encoding="utf-8"), nl=False)
    else:
        width = max(map(len, found))
        for title, folder in found.items():
            click.echo(f"{title:<{width}}  {_first_line(folder / 'network.py')}")


def _folders() -> dict[str, Path]:
    """Return the folders of the examples by name."""
    for place in PLACES:
        found = {path.parent.name: path.parent for path in sorted(place.glob("*/network.py"))}
        if found:
            return found
    raise InternalError("examples: none came with this installation")


def _first_line(file: Path) -> str:
    """Return the first line of what a file says of itself."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0].rstrip(".:")


def _copy(chosen: dict[str, Path], target: Path) -> None:
    """Copy folders. Raises UserError before anything is copied when one is there already."""
    there = [target / name for name in chosen if (target / name).exists()]
    if there:
        raise UserError(f"{there[0]} exists; name another folder with --copy")
    for name, folder in chosen.items():
        try:
            shutil.copytree(folder, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        except OSError as error:
            raise UserError(f"{target / name}: cannot be written: {error.strerror or error}") from None
        click.echo(f"wrote {target / name}")
    first = shlex.quote(str(target / next(iter(chosen))))
    click.echo(f"next: symbackprop derive {first}, symbackprop check {first}")
