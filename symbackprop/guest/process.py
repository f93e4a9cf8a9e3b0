"""A child process for somebody's code: it answers in messages, within limits of time and memory, whatever it does to itself.

The child is a fork: nothing is loaded twice. What it prints goes to stderr, up to a limit; it cannot write where the parent
writes, and nothing that the parent holds can be changed by it.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_PRINTED = 20_000
"""Characters that the code may print."""
MOST_SENT = 1 << 28
"""Bytes of a message at most."""
_LENGTH = struct.Struct("<Q")

Send = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of waiting, megabytes of memory beyond what the parent has, and the file that receives what the code prints (by
    default it goes to stderr).

    Seconds in which the child could run, and the machine had no processor for it, do not count where the system tells them.
    """

    seconds: float
    megabytes: int
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The messages that came, and how the child ended when it did not come to its end: "" or a phrase."""

    messages: tuple[bytes, ...]
    ended: str = ""


def can_fork() -> bool:
    """Whether there are child processes of this kind on this system."""
    return hasattr(os, "fork")


def in_a_child(task: Callable[[Send], None], limits: Limits, expected: int) -> Answer:
    """Run a task in a child until it has sent the expected number of messages, or has ended otherwise."""
    reading, writing = os.pipe()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    child = fork()
    if not child:
        _live(task, writing, reading, limits)
    os.close(writing)
    try:
        messages, overdue = _received(reading, expected, Patience(child, limits.seconds))
        patience = 0.0 if overdue or len(messages) == expected else 1.0  # it has closed its end, and is about to leave
    except BaseException:
        how_it_ended(child)
        raise
    finally:
        os.close(reading)
    status = how_it_ended(child, patience)
    if len(messages) == expected:
        return Answer(messages)
    return Answer(messages, f"ran longer than {limits.seconds:g} s" if overdue else status)


def fork() -> int:
    """Fork, without the warning that Python and some libraries give where threads run.

    The child holds no lock of theirs: it runs the guest's file from its beginning, and its time is limited from outside.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


def _live(task: Callable[[Send], None], writing: int, reading: int, limits: Limits) -> None:
    """The child's life: it never returns into the parent's program."""
    code = 1
    try:
        os.closerange(3, writing)
        os.closerange(writing + 1, max(256, reading + 1))  # what the parent has open is none of the code's business
        os.setsid()
        die_with_parent()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if limits.log is not None:
            os.dup2(os.open(limits.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        os.dup2(2, 1)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Aloud(MOST_PRINTED)  # type: ignore[misc, assignment]
        sys.argv[1:] = []
        _limit_memory(limits.megabytes)
        task(lambda message: _send(writing, message))
        code = 0
    finally:
        os._exit(code)


def die_with_parent() -> None:
    """Let the kernel end this process when the one that made it ends, however that comes about; only Linux knows this."""
    if sys.platform == "linux":
        import ctypes  # only a child needs it, and it takes a while to load

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_PR_SET_PDEATHSIG = 1


def _send(writing: int, message: bytes) -> None:
    rest = memoryview(_LENGTH.pack(len(message)) + message)
    while rest:
        rest = rest[os.write(writing, rest) :]


class Patience:
    """How long a child is still waited for."""

    def __init__(self, child: int, seconds: float) -> None:
        self.child, self.seconds, self.begun = child, seconds, time.monotonic()
        self.starved = self._starved()

    def left(self) -> float:
        """Return the seconds that are left, 0 where there are none."""
        spent = time.monotonic() - self.begun
        if spent >= self.seconds:  # the system is asked only then
            spent -= self._starved() - self.starved
        return max(0.0, self.seconds - spent)

    def _starved(self) -> float:
        """Return how long the child has waited for a processor; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/{self.child}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0


def ready(reading: int, patience: Patience) -> bool:
    """Wait for something to read; return whether it came in time."""
    while (left := patience.left()) > 0:
        if select.select([reading], [], [], left)[0]:
            return True
    return False


def _received(reading: int, expected: int, patience: Patience) -> tuple[tuple[bytes, ...], bool]:
    """Return the messages, and whether time ran out."""
    buffer = bytearray()
    messages: list[bytes] = []
    while len(messages) < expected:
        if not ready(reading, patience):
            return tuple(messages), True
        piece = os.read(reading, 1 << 16)
        buffer += piece
        messages += _whole(buffer)
        if not piece or len(buffer) > MOST_SENT:
            break
    return tuple(messages[:expected]), False


def _whole(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete messages off the front of a buffer."""
    while len(buffer) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(buffer)
        end = _LENGTH.size + length
        if len(buffer) < end:
            return
        yield bytes(buffer[_LENGTH.size : end])
        del buffer[:end]


def how_it_ended(child: int, patience: float = 0.0) -> str:
    """Return how a child ended, which has so many seconds left to do it by itself; then it is killed, with what it started."""
    found, status = _gone(child, patience)
    for stop in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            stop(child, signal.SIGKILL)
    if not found:
        _, status = _gone(child, 5.0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended its process with exit code {code}"
    return f"was ended by signal {-code} ({signal.Signals(-code).name})"


def _gone(child: int, seconds: float) -> tuple[int, int]:
    """Wait so long for a child; return (its id, how it ended), or (0, 0)."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found or time.monotonic() >= deadline:
            return found, status
        time.sleep(0.002)


def _limit_memory(megabytes: int) -> None:
    """Let the address space grow by so much; systems that know no such limit go without."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # Unix only: elsewhere there is no limit

        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
        limit = pages * resource.getpagesize() + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Aloud(io.TextIOBase):
    """What the code prints: to stderr, up to a limit; it cannot be closed."""

    def __init__(self, most: int) -> None:
        self.left = most

    def write(self, text: Any, /) -> int:
        text = str(text)
        if self.left > 0:
            shown = text[: self.left]
            self.left -= len(shown)
            more = "" if self.left else "\n… the code prints more than is shown here\n"
            with contextlib.suppress(OSError):
                os.write(2, (shown + more).encode("utf-8", "backslashreplace"))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def close(self) -> None:
        """Stay open: what is checked does not decide who else may speak."""
