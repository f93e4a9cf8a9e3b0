"""A whole command in a child process, so that a file which ends its process, or never ends, is said to.

The child keeps the terminal and the files of its parent; it says when somebody's file begins to be run, when that is over, and
with which exit code the command ended. What ends without having said so did not end by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

from symbackprop.errors import CodeEnded
from symbackprop.guest.process import Patience, can_fork, die_with_parent, fork, how_it_ended, ready

Loading = Callable[[float], AbstractContextManager[None]]
"""A block in which somebody's file is run; it may take so many seconds."""

_BEGINS, _OVER, _DONE = "begins", "over", "done"


def supervised(command: Callable[[Loading], int]) -> int:
    """Run a command in a child and return its exit code.

    Where there is no fork, or standard output is a stream of this process alone (a notebook, a test), it runs right here.
    Raises `CodeEnded` when the child ended before the command did, or somebody's file took too long.
    """
    own = None not in (sys.stdout, sys.stderr) and sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__
    if not (can_fork() and own):
        return command(_unlimited)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    said, token = os.pipe(), os.urandom(8).hex()
    child = fork()
    if not child:
        os.close(said[0])
        _live(command, said[1], token)
    os.close(said[1])
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child is interrupted as well, and says so
    try:
        return _waited(child, said[0], token)
    finally:
        signal.signal(signal.SIGINT, interrupt)
        os.close(said[0])


@contextmanager
def _unlimited(seconds: float) -> Iterator[None]:
    with contextlib.redirect_stdout(sys.stderr):
        yield


# ---- in the child


def _live(command: Callable[[Loading], int], said: int, token: str) -> None:
    """The child's life: the command, what it printed written out, its exit code; no thread of somebody's is waited for."""
    die_with_parent()
    code = 1
    streams = [(stream, os.dup(stream.fileno())) for stream in (sys.stdout, sys.stderr)]

    def say(*words: object) -> None:
        try:
            os.write(said, f"{' '.join(map(str, (token, *words)))}\n".encode())
        except OSError:
            os._exit(1)

    @contextmanager
    def loading(seconds: float) -> Iterator[None]:
        say(_BEGINS, seconds)
        sys.stdout.flush()
        os.dup2(2, 1)  # what the file prints is no part of what the command prints
        try:
            yield
        finally:
            try:
                with contextlib.suppress(ValueError):  # closed by the file
                    sys.stdout.flush()
                sys.stdout, sys.stderr = (_as_it_was(*stream) for stream in streams)
            except OSError:  # the file has closed what is not its own
                os._exit(1)
            say(_OVER)

    try:
        code = command(loading)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # closed by the file, or a pipe whose reader has left
                stream.flush()
        say(_DONE, code)
    finally:
        os._exit(code)


def _as_it_was(stream: TextIO, kept: int) -> TextIO:
    """Return a standard stream that goes where it went, though a file may have closed, turned or replaced it."""
    number = 1 if stream is sys.__stdout__ else 2
    os.dup2(kept, number)
    return stream if not stream.closed else open(number, "w", encoding=stream.encoding, errors=stream.errors, closefd=False)


# ---- in the parent


def _waited(child: int, said: int, token: str) -> int:
    """Return the exit code that the child says, or raise what became of it."""
    words, limit = _heard(said, token, None), None
    while words:
        if words[0] == _DONE:
            how_it_ended(child, 1.0)
            return int(words[1])
        limit = float(words[1]) if words[0] == _BEGINS else None
        words = _heard(said, token, Patience(child, limit) if limit is not None else None)
    if words is None:
        how_it_ended(child)
        raise CodeEnded(f"the file ran longer than {limit:g} s (--timeout): nothing was made")
    raise CodeEnded(f"the file {how_it_ended(child, 1.0)} before the command was done")


def _heard(said: int, token: str, patience: Patience | None) -> list[str] | None:
    """Return the words of the next line that the child says, none when it says no more, None when it takes too long."""
    line = b""
    while not line.endswith(b"\n"):
        if patience is not None and not ready(said, patience):
            return None
        piece = os.read(said, 1)
        if not piece:
            return []
        line += piece
    found, *words = line.decode("utf-8", "replace").split() or [""]
    return words if found == token else []
