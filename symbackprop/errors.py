"""The exception tree: everything this library raises on purpose is a `SymbackpropError`.

Three kinds: the user's input is wrong (`UserError`), the input is right but not handled yet (`NotSupportedError`), or the
library contradicts itself (`InternalError`). A message is one line: where, what was expected, what was got, the nearest fix.
"""

from __future__ import annotations

import difflib
import linecache
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

PACKAGE = Path(__file__).resolve().parent


class SymbackpropError(Exception):
    """Root of all errors raised on purpose by this library."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the message, and the line of the cell that it comes from."""
        return in_a_notebook(self, f"{self}")


class UserError(SymbackpropError):
    """The input is wrong; the message says where and how to mend it."""


class SeveralError(UserError):
    """Several things are meant by what was named; `choices` are the places that say one each."""

    def __init__(self, message: str, choices: Iterable[str]) -> None:
        super().__init__(message)
        self.choices = tuple(choices)


class NotSupportedError(SymbackpropError):
    """The input is meaningful, but this library does not handle it."""


class InternalError(SymbackpropError):
    """The library contradicts itself; please report it."""


class CodeEnded(SymbackpropError):
    """The code ended the process it was checked in, or did not come to an end, before there was a verdict."""


class GuestError(Exception):
    """Somebody's code did what a guest may not do. Who tries code catches it as whatever that code raises; for who asked to run
    it, the input is bad."""


class DefinitionError(UserError):
    """A network definition is wrong (unknown name, unbound index, shapes that disagree …)."""


def in_a_notebook(error: BaseException, said: str) -> list[str]:
    """Return what is said of an error and, below it, the last line of the user's own code on the way to it."""
    place = own_line(error.__traceback__)
    name = type(error).__name__
    return [f"{name}: {said}", *([f"  line {place[0]}: {place[1]}"] if place is not None else [])]


def own_line(traceback: TracebackType | None) -> tuple[int, str] | None:
    """Return the last line, with its text, that stands neither in this package nor in what runs a notebook; None without one."""
    found = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        text = linecache.getline(file, traceback.tb_lineno, traceback.tb_frame.f_globals).strip()
        if text and PACKAGE not in Path(file).parents and "site-packages" not in file:
            found = (traceback.tb_lineno, _MAGIC.sub(r"%%\1 \2", text))
        traceback = traceback.tb_next
    return found


_MAGIC = re.compile(r"^get_ipython\(\)\.run_cell_magic\('(\w+)', '([^']*)'.*", re.DOTALL)
"""What a notebook makes of a cell that begins with `%%check loss`."""


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as a list for a message, the first so many; `none` where there are none.

    >>> listed(["a", "b", "c"], 2)
    'a, b … (3)'
    """
    found = list(names)
    rest = f" … ({len(found)})" if len(found) > most else ""
    return f"{', '.join(found[:most])}{rest}" or "none"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean X?` for the known name closest to `name`, or an empty string.

    >>> nearest("out_h", ["out_h1", "net_o1"])
    ' Did you mean out_h1?'
    """
    names = list(known)
    same = [other for other in names if other != name and other.casefold() == name.casefold()]
    matches = same or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f" Did you mean {matches[0]}?" if matches else ""
