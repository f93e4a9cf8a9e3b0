"""The command line, `symbackprop check | code | derive | …`. Thin: it loads, calls, prints.

Exit codes: 0 all holds, 1 something differs or is missing, 2 bad input, 3 a fault of this program (always one clear line). Each
command is a module of its own, loaded when it is asked for, so that a handout does not wait for what only checking needs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from importlib import import_module
from typing import Any

import click

from symbackprop.errors import CodeEnded, GuestError, InternalError, SymbackpropError, nearest
from symbackprop.guest.supervised import Loading, supervised

#: Each is the `command` of the module of the same name; the line is the first of its help.
COMMANDS = {
    "check": "Check a handwritten gradient: HAND is FILE or FILE:function (handwritten.py:gradients).",
    "code": "Print readable numpy source of the loss and all gradients.",
    "derive": "Print the gradient of the loss for NAMES (by default every parameter).",
    "examples": "List the examples, print one, or copy them: a network, a handwritten gradient, the document.",
    "explain": "Write numpy code, forward or backward, as mathematics: a formula for each variable beside the line that sets it.",
    "grade": "Grade the submissions in FOLDER against REFERENCE: a network, a loss (FILE:function), or a right solution.",
    "handout": "Write a handout: diagram, forward pass, chain rule, numbers, update; for teachers, students, or as the key.",
    "lesson": "Write a lesson: one page, offline, that runs forward and backward; every number can be changed.",
    "new": "Make a folder to start from: network.py, and handwritten.py that passes `symbackprop check`.",
    "proofread": "Proof-read texts (.md .txt .tex .html .ipynb): every `=`, every printed number, with a remedy for what is "
    "wrong.",
    "train": "Train by gradient descent on the example values, the file's own `data`, or --data.",
    "verify": "Derive the marked parts of texts again: each has to be what the command in its mark prints.",
}


OWN_CHILDREN = (["check"], ["grade"])
"""The commands that have somebody's code in children of their own, within limits of time and memory."""


class _ReaderLeft(Exception):
    """Standard output is a pipe that nobody reads any more."""


class _Commands(click.Group):
    """A group that loads a command when it is asked for."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click itself would make it an exit code of 1, which says that something differs
            raise _ReaderLeft from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):  # from the table: help comes before anything is loaded
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            raise click.UsageError(f"no command {cmd_name}.{nearest(cmd_name, COMMANDS)}", ctx)
        found = import_module(f"{__name__}.{cmd_name}").command
        if not isinstance(found, click.Command):
            raise InternalError(f"{__name__}.{cmd_name}: expected a click command, got {type(found).__name__}")
        return found


START = """\b
Start with your own numpy code (my_loss.py holds a function and a dictionary `example` with its arguments):
  symbackprop derive my_loss.py:loss                        its gradient, as formulas
  symbackprop check my_loss.py:loss my_loss.py:gradients    what is wrong in a gradient, why, and what mends it
  symbackprop handout my_loss.py:loss -o handout.html       a page with every step
or with a folder that works:
  symbackprop new my_network
  symbackprop lesson my_network -o lesson.html              a page that computes
  symbackprop examples two_three_two --copy ."""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=START, invoke_without_command=True)
@click.version_option(package_name="symbackprop")
@click.pass_context
def cli(context: click.Context) -> int | None:
    """Derive the backpropagation of a network, print it, run it, and check handwritten gradients against it.

    NETWORK is a folder with network.py (such as derivations/two_three_two), any .py file that defines `network`
    and `loss`, or FILE:function, a loss written with numpy (FILE where the function is called loss).
    """
    if context.invoked_subcommand is not None:
        return None
    click.echo(context.get_help())
    return 2  # nothing was asked for and nothing done


def main() -> None:
    """Run the command line: whatever happens is one line on stderr and an honest exit code."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no ∂ shows its number
    try:
        code = _command() if sys.argv[1:2] in OWN_CHILDREN else supervised(_command)
    except CodeEnded as error:
        code = _said(f"{error}", 1)
    sys.exit(code)


def _command(loading: Loading | None = None) -> int:
    """Run the command that the arguments name; return its exit code."""
    try:
        code = cli.main(standalone_mode=False, obj=loading)
    except click.ClickException as error:
        code = _misused(error)
    except (click.Abort, KeyboardInterrupt):
        code = _said("interrupted", 130)
    except (_ReaderLeft, BrokenPipeError):
        code = _stdout_gone(141)  # as a program that a closed pipe ends
    except Exception as error:
        code = _failed(error)
    except SystemExit as error:
        code = error.code
    except BaseException as error:
        code = _said(f"the file ends the command by {type(error).__name__}", 1)
    return code if isinstance(code, int) else 0


def _misused(error: click.ClickException) -> int:
    """Say what is wrong with the arguments: where help is, and the line."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    named = f"symbackprop {sys.argv[1]}" if sys.argv[1:2] and sys.argv[1] in COMMANDS else "symbackprop"
    place = context.command_path if context is not None else named
    return _said(f"{error.format_message()} (see {place} --help)", error.exit_code)


def _failed(error: Exception) -> int:
    """Say what went wrong; return the exit code."""
    if isinstance(error, SymbackpropError | GuestError):
        return _said(_as_options(f"{error}"), _CODES.get(type(error), 2))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else "output: "
        return _stdout_gone(_said(f"{where}{error.strerror or error}", 2))
    return _said(f"a fault of this program, please report it: {type(error).__name__}: {error}", 3)


_CODES: dict[type[Exception], int] = {CodeEnded: 1, InternalError: 3}


def _as_options(text: str) -> str:
    """Return advice that was given for Python as it is followed in a terminal."""
    for written, typed in _TYPED.items():
        text = re.sub(written, typed, text)
    return text


_TYPED = {
    r"mapping=\{'([^']*)': '([^']*)'\}": r"--mapping \1=\2",
    r"mapping=\{'([^']*)': …\}": r"--mapping \1=NODE,NODE",
    r"\bin example=\{…\}": "in the file's `example`",
    r"\bexample=\{…\}": "`example = {…}` in the file",
    r", or start from the last good parameters \(\.parameters of this error\)": "",
}


def _said(text: str, code: int) -> int:
    """Say in one line what went wrong, with --json on standard output as well, and return the exit code."""
    line = " ".join(text.split())
    click.echo(f"symbackprop: {line}", err=True)
    if "--json" in sys.argv[1:]:
        with contextlib.suppress(OSError):  # a full disk takes no second message either
            click.echo(json.dumps({"error": line, "exit_code": code}, ensure_ascii=False))
    return code


def _stdout_gone(code: int) -> int:
    """Let nothing be written to a standard output that takes no more, so that nothing is said about it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code
