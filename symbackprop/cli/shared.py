"""What the commands share: arguments, help with examples, files that are not overwritten unasked."""

from __future__ import annotations

import math
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbackprop.errors import UserError
from symbackprop.files import write_file
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import READY, notation_called

if TYPE_CHECKING:
    from symbackprop.guest.supervised import Loading


class FiniteRange(click.FloatRange):
    """A range of numbers that are numbers: `nan` lies in no range, and nobody waits for `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail as other numbers do that are out of range."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


SECONDS = FiniteRange(min=0.1, max=86_400)
NETWORK = click.argument("network")
LOSS = click.option("--loss", "loss", metavar="NAME", help="Loss node; by default the file's variable `loss`.")
SHAPES = click.option(
    "--shapes", metavar='"X:5,3 W:3,4"', help="Arguments of FILE:function, random numbers; y:5<3 are labels below 3."
)
TIMEOUT = click.option(
    "--timeout", type=SECONDS, default=60.0, show_default=True, help="Seconds the user's file may take to run."
)
NOTATION = click.option(
    "--notation", "title", help=f"One of {', '.join(READY)}; by default the file's own `notation`, else the textbook's."
)
LANGUAGE = click.option(
    "--lang", "--language", "lang", type=click.Choice(("en", "zh")), default="en", show_default=True, help="Language."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Examples(click.Command):
    """A command whose help ends with examples, printed as they are."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip().splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")  # unbroken: it is pasted


def guest_file(seconds: float) -> AbstractContextManager[None]:
    """Return a block in which somebody's file is run: limited in time where the command has a process of its own."""
    loading: Loading | None = click.get_current_context().find_root().obj
    return loading(seconds) if loading is not None else nullcontext()


def name_list(text: str | None) -> tuple[str, ...]:
    """Return the names in `W,b`, `W b` or `w1:13`, which is w1 … w12.

    >>> name_list("b w1:4")
    ('b', 'w1', 'w2', 'w3')
    """
    words = (text or "").replace(",", " ").split()
    return tuple(dict.fromkeys(name for word in words for name in _range(word)))


def _range(word: str) -> list[str]:
    match = _RANGE.fullmatch(word)
    if match is None:
        if _MEANT.fullmatch(word):
            raise UserError(f"{word}: expected a name, or a range such as w1:13, which is w1 … w12")
        return [word]
    stem, first, end = match.groups()
    names = [f"{stem}{number}" for number in range(int(first or 0), int(end))]
    if not 0 < len(names) <= MOST_NAMES:
        raise UserError(f"{word}: expected a range of 1 to {MOST_NAMES} names such as w1:13, which is w1 … w12")
    return names


_RANGE = re.compile(r"([^\W\d]\w*?)(\d*):(\d{1,9})")
_MEANT = re.compile(r"\w*(?::|-|\.\.+|…)\w*")
MOST_NAMES = 100_000


def numbers_by_name(option: str, text: str | None) -> dict[str, float]:
    """Return the numbers in `W=2,b=0.5` by name; names are lists and ranges as elsewhere, `w1:13=2`.

    Raises UserError for anything else.
    """
    found: dict[str, float] = {}
    for word in (text or "").replace(",", " ").split():
        names, equals, number = word.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not equals or not names or not math.isfinite(value):
            raise UserError(f"{option} {word}: expected NAME=NUMBER, such as W=2")
        found |= dict.fromkeys(_range(names), value)
    return found


def pair(text: str) -> tuple[str, str | list[str]]:
    """Read `NAME=NODE` or `NAME=NODE,NODE` of --mapping."""
    name, equals, nodes = text.partition("=")
    listed = [node.strip() for node in nodes.split(",")]
    if not equals or not all(listed):  # no name: the only result
        raise UserError(f"--mapping {text}: expected NAME=NODE, or NAME=NODE,NODE for a list")
    return name.strip(), listed[0] if len(listed) == 1 else listed


def chosen_notation(title: str | None, own: Notation | None) -> Notation | None:
    """Return the notation that was asked for, else a file's own; None where there is neither."""
    return notation_called(title) if title else own


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a file that does not exist yet, or replace it when `force`. Raises UserError otherwise."""
    refuse_existing(path, force)
    write_file(path, text)


def refuse_other_endings(option: str, path: Path | None, endings: tuple[str, ...]) -> None:
    """Raise UserError for a file whose name says that it is something else than what is written."""
    if path is not None and path.suffix.lower() not in endings and not path.exists():
        raise UserError(f"{option} {path}: expected a file ending in {endings[0]}")


def refuse_existing(path: Path | None, force: bool) -> None:
    """Raise UserError for a file that exists and is not to be replaced, and for one that cannot be there."""
    if path is None:
        return
    if path.is_dir():
        raise UserError(f"{path} is a folder; expected the name of a file")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_file() and not force:
        raise UserError(f"{path} exists; give another name, or --force to replace it")


def beside(network: str) -> str:
    """Return where the handwritten code of a network lies: in the same folder."""
    path = Path(network)
    return str((path if path.is_dir() else path.parent) / "handwritten.py")
