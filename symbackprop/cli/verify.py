"""`symbackprop verify`: the marked parts of a text are what the commands in their marks print."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from symbackprop.cli.shared import Examples
from symbackprop.errors import GuestError, NotSupportedError, UserError, listed
from symbackprop.files import write_file

COMMANDS = ("derive", "check", "code")
_BLOCK = re.compile(
    r"^(?P<open>[ \t]*(?:<!--|%)[ \t]*symbackprop:[ \t]*(?P<words>[^\n]*?)[ \t]*(?:-->)?[ \t]*\n)(?P<body>.*?)"
    r"^(?P<close>[ \t]*(?:<!--|%)[ \t]*/symbackprop\b[^\n]*)$",
    re.M | re.S,
)
_OPENING = re.compile(r"^[ \t]*(?:<!--|%)[ \t]*symbackprop:", re.M)


@dataclass(frozen=True, slots=True)
class Block:
    """A marked part of a text: where it stands, the command of its mark, what stands there and what should."""

    place: str
    command: str
    stands: str
    should: str

    @property
    def holds(self) -> bool:
        """Whether what stands there is what should."""
        return self.stands == self.should


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command printed, and its exit code."""

    text: str
    code: int


@click.command(
    "verify",
    cls=Examples,
    examples="""
    symbackprop verify chapter.md
    symbackprop verify book/*.tex --update
    """,
)
@click.argument("documents", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="Write what should stand there.")
@click.pass_context
def command(context: click.Context, /, documents: tuple[Path, ...], update: bool) -> None:
    """Derive the marked parts of texts again: each has to be what the command in its mark prints.

    A part stands between the lines <!-- symbackprop: derive network.py w1 --format markdown --> and <!-- /symbackprop -->; in
    LaTeX between the comments % symbackprop: … and % /symbackprop. Commands are derive, check and code; files are found from the
    text's folder. Exit code 0: all parts are what they should be (or were updated); 1: some differ; 2: bad input.
    """
    commands, different = context.find_root().command, 0
    for document in documents:
        text = _read(document)
        blocks = marked(document, text, commands)
        wrong = [block for block in blocks if not block.holds]
        for block in wrong:
            click.echo(f"{block.place}: {'updated' if update else 'differs'}: {block.command}")
        if update and wrong:
            write_file(document, _updated(text, blocks))
        different += 0 if update else len(wrong)
        click.echo(f"{document}: {_counted(len(wrong), len(blocks), update)}")
    context.exit(1 if different else 0)


def _counted(wrong: int, count: int, update: bool) -> str:
    return f"{wrong} of {count} updated" if update and wrong else f"{count - wrong} of {count} hold"


def marked(document: Path, text: str, commands: click.Command) -> list[Block]:
    """Return the marked parts of a text, each with what its command prints. Raises UserError for a mark that is no mark."""
    blocks = [_block(document, text, match, commands) for match in _BLOCK.finditer(text)]
    if len(blocks) != len(_OPENING.findall(text)):
        raise UserError(f"{document}: a mark symbackprop: … is not closed by /symbackprop")
    return blocks


def problems(document: Path, text: str, commands: click.Command) -> list[Block]:
    """Return the marked parts of a text that are not what they should be."""
    return [block for block in marked(document, text, commands) if not block.holds]


def _updated(text: str, blocks: Iterable[Block]) -> str:
    """Return a text whose parts are what they should be."""
    found = iter(blocks)
    return _BLOCK.sub(lambda match: match["open"] + next(found).should + match["close"], text)


def _read(document: Path) -> str:
    try:
        return document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{document}: cannot be read: {getattr(error, 'strerror', '') or 'it is no text in UTF-8'}") from None


def _block(document: Path, text: str, match: re.Match[str], commands: click.Command) -> Block:
    place = f"{document}:{text.count(chr(10), 0, match.start()) + 1}"
    try:
        words = shlex.split(match["words"])
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None
    if not words or words[0] not in COMMANDS:
        raise UserError(f"{place}: expected one of {listed(COMMANDS)} in the mark, got {words[0] if words else 'nothing'}")
    try:
        shown = run(commands, words, document.resolve().parent)
    except (UserError, NotSupportedError, GuestError) as error:
        raise UserError(f"{place}: {error}") from None
    return Block(place, match["words"], match["body"], shown.text)


def run(commands: click.Command, words: Sequence[str], folder: Path) -> Shown:
    """Run a command in a folder; return what it prints. Raises what the command raises, UserError where it is misused."""
    shown = io.StringIO()
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(shown):
            code = commands.main(list(words), standalone_mode=False)
    except click.ClickException as error:
        raise UserError(f"{' '.join(words)}: {error.format_message()}") from None
    return Shown(shown.getvalue().rstrip("\n") + "\n", code if isinstance(code, int) else 0)
