"""One call of somebody's code: seeded, quiet, unable to change numpy for others, and refused what its owner would not have it do.

What it raises comes out as an `Exception`: `sys.exit()` and exceptions of the code's own that are none become `CodeStops`.
"""

from __future__ import annotations

import io
import math
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import compress
from operator import is_not
from typing import Any

import numpy as np

from symbackprop.errors import GuestError
from symbackprop.guest.audit import Deed, Refused, watched

NOTHING: frozenset[Deed] = frozenset()
_SHARED: tuple[types.ModuleType, ...] = (np, np.linalg, np.random, math)
"""Modules that the code and the check both use."""


class CodeStops(GuestError):
    """The code left by something that is no `Exception`: `SystemExit`, or a `BaseException` of its own."""


class NotTried(GuestError):
    """The code was not run to its end, because it would have changed something outside."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a call returned, what it did outside, and whether it drew random numbers."""

    returned: Any
    done: frozenset[Deed] = NOTHING
    random: bool = False


class _Dropped(io.TextIOBase):
    """A stream that forgets what is written: code may print as much as it likes."""

    def write(self, text: str, /) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


def visit(
    call: Callable[[], Any],
    *,
    habits: frozenset[Deed] | None = NOTHING,
    seed: int = 0,
    aloud: bool = False,
    apart: bool = False,
) -> Visit:
    """Call somebody's code.

    Args:
        habits: what it may do outside; None for everything, in a run that its owner makes as well.
        seed: of numpy's and Python's global generators, whose states are put back.
        aloud: let it print.
        apart: call it on a stack of its own, where none of its callers is this library's (`call` is a function of the code's, or
            a `partial` of one).

    Raises:
        NotTried: it would have done something else.
        CodeStops: it left by what is no `Exception`, or replaced part of numpy. Other exceptions come out as they are.
    """
    with watched(habits) as watch, _generators(seed) as drew, _restored(), _silence(aloud), uncompiled():
        try:
            returned = _apart(call) if apart else call()
        except Refused:
            returned = None
        except KeyboardInterrupt:
            raise
        except Exception:
            if not watch.refused:
                raise
            returned = None
        except BaseException as error:
            raise CodeStops(described(error)).with_traceback(error.__traceback__) from None
        if watch.refused:
            raise NotTried(f"not tried, it would have called {watch.words}")
        return Visit(returned, frozenset(watch.done), drew())


def _apart(call: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def seeded(seed: int = 0) -> None:
    """Seed numpy's and Python's global generators, as they are at the beginning of a visit."""
    np.random.seed(seed)
    random.seed(seed)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let what is imported leave no compiled file behind: writing one is no deed of the code's."""
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = kept


@contextmanager
def _generators(seed: int) -> Iterator[Callable[[], bool]]:
    """Seed the global generators, hand out whether they were used, and put their states back."""
    numpy_state, python_state = np.random.get_state(legacy=False), random.getstate()
    seeded(seed)
    start = _marks()
    try:
        yield lambda: _marks() != start
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def _marks() -> tuple[Any, ...]:
    state: Mapping[str, Any] = np.random.get_state(legacy=False)
    return state["state"]["pos"], state["state"]["key"][:2].tobytes(), state["has_gauss"], random.getstate()


@contextmanager
def _restored() -> Iterator[None]:
    """Put back what a block has replaced in numpy and math, and raise `CodeStops` when it did."""
    before = [dict(vars(module)) for module in _SHARED]
    try:
        yield
    finally:
        changed = [name for module, was in zip(_SHARED, before, strict=True) for name in _put_back(module, was)]
        if changed:
            raise CodeStops(f"replaces {', '.join(changed[:3])}, which the check uses as well")


def _put_back(module: types.ModuleType, was: Mapping[str, Any]) -> list[str]:
    now = vars(module)
    changed = list(compress(was, map(is_not, map(now.get, was), was.values())))
    for name in changed:
        setattr(module, name, was[name])
    return [f"{module.__name__}.{name}" for name in changed]


@contextmanager
def _silence(aloud: bool) -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if aloud:
            yield
            return
        with redirect_stdout(_Dropped()), redirect_stderr(_Dropped()):
            yield


def described(error: BaseException) -> str:
    """Return an exception as `Type: message` on one line, whatever its methods do; those of this module speak for themselves."""
    if isinstance(error, CodeStops | NotTried):
        return one_line(error)
    return f"{type(error).__name__}: {one_line(error)}"


def one_line(error: BaseException) -> str:
    """Return the message of an exception on one line; its text may itself raise."""
    try:
        return " ".join(str(error).split()) or "no message"
    except BaseException as problem:  # the code's own __str__ fails, by whatever it likes
        return f"no message, its text raises {type(problem).__name__}"
