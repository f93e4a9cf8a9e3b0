"""The arguments with which a file itself calls its functions: the best example there is, where none is given.

What stands outside of functions, and under `if __name__ == "__main__"`, is run once more as a guest, up to the first call; what
fails (data that are not there, a window) is passed over. Of many samples the first few are taken.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from symbackprop.errors import GuestError
from symbackprop.guest.visit import visit
from symbackprop.trace.run.nested import mapped, walk
from symbackprop.verify.binding.source_tree import module_tree

MOST_LINES = 100_000
"""Lines of the file that are run before a call is given up."""
MOST_NUMBERS, FEW = 2000, 6
"""Numbers of an example, and the samples that are taken of more."""


class _Called(BaseException):
    """The call that is looked for."""


class _TooLong(BaseException):
    """More lines were run than is worth it."""


def own_arguments(
    module: types.ModuleType, names: Sequence[str], asked: Sequence[str], lines: int = MOST_LINES
) -> dict[str, Any]:
    """Return the arguments of the first calls of functions of a file, by name; where it does not call all of them, what it has
    under the names of arguments.

    Args:
        module: the file as it is loaded, whole or its definitions alone.
        names: of functions (`loss`), or of classes with a method (`Net.forward`: then what the object is made with as well).
        asked: the names of the arguments.
        lines: how many of the file are run before a call is given up.
    """
    path = str(getattr(module, "__file__", "") or "")
    tree = module_tree(path) if path else None
    if tree is None:
        return {}
    calls, kept, held = _Calls(len(names)), dict(vars(module)), {}
    with _patched(module, names, calls):
        try:
            visit(lambda: _run(tree, module, path, lines))
        except GuestError:  # it was called (this comes out as a stop), or would do something outside
            pass
        finally:
            held = _copied({name: vars(module)[name] for name in asked if is_data(vars(module).get(name))})
            vars(module).clear()
            vars(module).update(kept)
    return _few({name: value for name, value in (calls.arguments if calls.whole else held).items() if name in asked})


def is_data(value: Any) -> bool:
    """Whether a variable of a file may be meant as an argument: numbers, arrays, or dictionaries and lists of such."""
    leaves = [leaf for _, leaf in walk(value)]
    return bool(leaves) and all(isinstance(leaf, int | float | np.ndarray | np.generic) for leaf in leaves)


class _Calls:
    """What was called, and with what."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen: set[str] = set()
        self.arguments: dict[str, Any] = {}
        self.made: dict[int, dict[str, Any]] = {}

    @property
    def whole(self) -> bool:
        """Whether everything that is looked for was called."""
        return len(self.seen) == self.wanted

    def note(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Keep the arguments of a first call; the last one that is missing ends the run."""
        if name not in self.seen:
            self.seen.add(name)
            self.arguments = {**_copied(arguments), **self.arguments}  # the first call has what no pass has written into yet
        if self.whole:
            raise _Called


@contextmanager
def _patched(module: types.ModuleType, names: Sequence[str], calls: _Calls) -> Iterator[None]:
    """Let functions and methods of a file tell how they are called."""
    back: list[tuple[Any, str, Any]] = []
    try:
        for name in names:
            kind, _, method = name.rpartition(".")
            owner = getattr(module, kind, None) if kind else module
            for attribute in (method, "__init__") if kind else (method,):
                function = inspect.getattr_static(owner, attribute, None)
                if isinstance(function, types.FunctionType):
                    back.append((owner, attribute, function))
                    setattr(owner, attribute, _telling(name, function, calls, bool(kind)))
        yield
    finally:
        for owner, attribute, function in back:
            setattr(owner, attribute, function)


def _telling(name: str, function: types.FunctionType, calls: _Calls, of_class: bool) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:  # raised by the call itself as well
            given = {}
        if of_class and args and function.__name__ == "__init__":
            calls.made[id(args[0])] = _copied(dict(list(given.items())[1:]))
        else:
            calls.note(name, {**calls.made.get(id(args[0]), {}), **dict(list(given.items())[1:])} if of_class and args else given)
        return function(*args, **kwargs)

    return told


def _copied(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they are now; without what cannot be copied, a generator or an open file."""
    found = {}
    for name, value in arguments.items():
        with suppress(Exception):
            found[name] = copy.deepcopy(value)
    return found


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Let nothing wait: neither for a time nor for somebody to type."""
    sleep, ask = time.sleep, builtins.input

    def nobody(*_: Any) -> str:
        raise EOFError

    time.sleep, builtins.input = lambda _: None, nobody
    try:
        yield
    finally:
        time.sleep, builtins.input = sleep, ask


def _run(tree: ast.Module, module: types.ModuleType, path: str, lines: int) -> None:
    """Run what stands outside of definitions, statement by statement, for a number of lines."""
    left = [lines]

    def line(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != path:
            return None
        left[0] -= event == "line"
        if left[0] < 0:
            raise _TooLong
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        with _without_waiting():
            for statement in _script(tree):
                code = compile(ast.Module(body=[statement], type_ignores=[]), path, "exec", dont_inherit=True)
                with suppress(Exception):  # whatever it raises: what comes after may run all the same
                    types.FunctionType(code, vars(module))()
    finally:
        sys.settrace(before)


def _script(tree: ast.Module) -> Iterator[ast.stmt]:
    for statement in tree.body:
        if isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            yield from statement.body
        elif not isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            yield statement


def _few(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with as many samples as are needed; nothing where they are too large for an example all the same."""
    for axis in (0, -1):
        if _numbers(arguments) <= MOST_NUMBERS:
            break
        lengths = Counter(leaf.shape[axis] for leaf in _arrays(arguments) if leaf.ndim and leaf.shape[axis] > FEW)
        most = max(lengths, default=0)
        arguments = mapped(partial(_shorter, most, axis), dict(arguments))
    return dict(arguments) if _numbers(arguments) <= MOST_NUMBERS else {}


def _shorter(length: int, axis: int, _: str, leaf: Any) -> Any:
    whole = isinstance(leaf, np.ndarray) and leaf.ndim and leaf.shape[axis] == length
    return np.take(leaf, range(FEW), axis) if whole else leaf


def _arrays(arguments: Mapping[str, Any]) -> list[Any]:
    return [leaf for _, leaf in walk(dict(arguments)) if isinstance(leaf, np.ndarray)]


def _numbers(arguments: Mapping[str, Any]) -> int:
    return sum(leaf.size for leaf in _arrays(arguments))
