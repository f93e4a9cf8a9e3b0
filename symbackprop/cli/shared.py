"""What the commands share: arguments, help with examples, files that are not overwritten unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from symbackprop.errors import UserError

NETWORK = click.argument("network")
LOSS = click.option("--loss", "loss", metavar="NAME", help="Loss node; by default the file's variable `loss`.")
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
                    formatter.write_text(line.strip())


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a file that does not exist yet, or replace it when `force`. Raises UserError otherwise."""
    if path.exists() and not force:
        raise UserError(f"{path} exists; give another name, or --force to replace it")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
