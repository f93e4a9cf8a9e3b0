"""What somebody's code may not do while it is run where its owner never runs it.

A check tries code on branches and with edits of its text. Whatever it would change outside (files, processes, sockets, signals,
the working directory) is refused by an audit hook (PEP 578). What the code did in a run that its owner makes, too (`habits`), it
may do again. Python cannot remove an audit hook, so one is installed at the first visit, and it does nothing between visits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Deed = tuple[str, str]
"""What was done, and to what: `("open", "log.txt")`."""

REFUSED = {
    "os": "system exec posix_spawn spawn fork forkpty kill killpg chdir fchdir remove rename mkdir rmdir link symlink truncate "
    "chmod chown lchown utime putenv unsetenv setxattr removexattr startfile add_dll_directory lockf",
    "shutil": "copyfile copymode copystat copytree move rmtree chown make_archive unpack_archive",
    "subprocess": "Popen",
    "pty": "spawn",
    "socket": "__new__ bind connect sendto sendmsg getaddrinfo gethostbyname",
    "signal": "pthread_kill",
    "tempfile": "mkstemp mkdtemp",
    "sqlite3": "connect",
    "webbrowser": "open",
    "urllib": "Request",
    "ctypes": "dlopen",
}
_REFUSED = frozenset(f"{module}.{name}" for module, names in REFUSED.items() for name in names.split())
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DONE_HERE = frozenset({os.devnull})


class Refused(BaseException):
    """The code would have changed something outside. No `Exception`, so that no `except Exception` of the code hides it."""


@dataclass(slots=True)
class Watch:
    """What a visit may do (None: everything), what it did, and what it was refused."""

    allowed: frozenset[Deed] | None
    done: set[Deed] = field(default_factory=set)
    refused: list[Deed] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The first thing refused, as it is said: `os.remove 'w.npy'`."""
        event, target = self.refused[0]
        return f"{event} {target}".strip()


_CURRENT: ContextVar[Watch | None] = ContextVar("visit", default=None)


@contextmanager
def watched(habits: frozenset[Deed] | None) -> Iterator[Watch]:
    """Watch a block: refuse what is no habit (with None: only note what is done). A visit inside another one obeys both."""
    _installed()
    outer = _CURRENT.get()
    if outer is not None and outer.allowed is not None:
        habits = outer.allowed if habits is None else habits & outer.allowed
    watch = Watch(habits)
    token = _CURRENT.set(watch)
    try:
        yield watch
    finally:
        _CURRENT.reset(token)


@lru_cache(maxsize=1)
def _installed() -> bool:
    sys.addaudithook(_hook)
    return True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" and event not in _REFUSED:
        return
    watch = _CURRENT.get()
    if watch is None or (event == "open" and not _writes(*arguments)):
        return
    deed = (event, _target(arguments))
    if watch.allowed is None or deed in watch.allowed:
        watch.done.add(deed)
        return
    watch.refused.append(deed)
    raise Refused(watch.words)


def _writes(path: Any = None, mode: Any = None, flags: Any = 0) -> bool:
    """Whether a file is opened to be written; the null device is no file of the code's."""
    if path in _DONE_HERE:
        return False
    by_mode = isinstance(mode, str) and any(letter in mode for letter in "wax+")
    return by_mode or (isinstance(flags, int) and bool(flags & _WRITING))


def _target(arguments: tuple[Any, ...]) -> str:
    first = arguments[0] if arguments else ""
    return repr(first) if isinstance(first, str | bytes | int) else ""
