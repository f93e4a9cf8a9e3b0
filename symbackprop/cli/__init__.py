"""The command line: `symbackprop derive | train | code | check | handout`. Thin: it loads, calls, prints.

Exit codes: 0 all holds, 1 something differs, 2 bad input (one clear line). Each command is a module of its own, loaded when it
is asked for, so that a handout does not wait for what only checking needs.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from symbackprop.errors import InternalError, SymbackpropError

#: Each is the `command` of the module of the same name.
COMMANDS = ("check", "code", "derive", "handout", "train")


class _Commands(click.Group):
    """A group that loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"{__name__}.{cmd_name}").command
        if not isinstance(found, click.Command):
            raise InternalError(f"{__name__}.{cmd_name}: expected a click command, got {type(found).__name__}")
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symbackprop")
def cli() -> None:
    """Derive the backpropagation of a network, print it, run it, and check handwritten gradients against it.

    NETWORK is a folder with network.py (such as derivations/two_three_two) or any .py file that defines `network` and `loss`.
    """


def main() -> None:
    """Run the command line; an error the user can mend is one line on stderr and exit code 2."""
    try:
        cli(standalone_mode=True)
    except SymbackpropError as error:
        click.echo(f"symbackprop: {error}", err=True)
        sys.exit(2)
