"""The functions and methods of the handwritten code that may be edited, and the code with some of their texts changed.

Nothing of the user's is changed: the functions are rebuilt, with everything they refer to, around the new code.
"""

from __future__ import annotations

import ast
import textwrap
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from symbackprop.trace.run.namespace import Namespace, mentioned
from symbackprop.trace.run.nested import NO_FILE, is_user_class, is_user_file
from symbackprop.verify.binding.binding import HandCall
from symbackprop.verify.binding.source_tree import function_text
from symbackprop.verify.mend.changes.splices import OtherFunctions, is_read_by_a_key

MOST_FUNCTIONS = 40
"""Functions of the handwritten code that are looked at."""

Line = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Editable:
    """One function that may be edited: its text without indentation, and where it stands."""

    function: types.FunctionType
    text: str
    filename: str
    line: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def held(self) -> tuple[str, ...]:
        """What the other methods of its class set or read of their object, `self.x`, unless the function sets it itself."""
        return _held(self.function)

    @property
    def beside(self) -> OtherFunctions:
        """What the other functions of its file are."""
        return _beside(self.function)

    @property
    def lines(self) -> range:
        """The lines of the file that it takes."""
        return range(self.line, self.line + self.text.count("\n") + 1)


@lru_cache(maxsize=64)
def _beside(function: types.FunctionType) -> OtherFunctions:
    values = _own_of(function)
    alone = [value for value in values if isinstance(value, types.FunctionType) and value.__code__.co_argcount == 1]
    constants = {number for value in values for number in _constants_in(value, function.__code__.co_filename)}
    fractions = sorted(number for number in constants if LEAST < number < 1)
    helpers = tuple(other.__name__ for other in alone[:MOST_BESIDE])
    return OtherFunctions(tuple(map(repr, fractions[:MOST_BESIDE])), helpers, tuple(_entries_in(values)))


def _own_of(function: types.FunctionType) -> list[Any]:
    """Return what the module of a function defines itself."""
    return [value for value in function.__globals__.values() if getattr(value, "__module__", None) == function.__module__]


def _constants_in(value: Any, file: str) -> Iterator[float]:
    """Yield the numbers that the functions of a file are written with: of a function itself, of the methods of a class."""
    for other in _functions_in(value):
        if other.__code__.co_filename == file:
            yield from (number for number in other.__code__.co_consts if isinstance(number, float))


LEAST, MOST_BESIDE, MOST_ENTRIES = 1e-3, 5, 24
"""A smaller number is a guard; fractions and helpers of a file that are looked at, and what is looked up by a key."""


@lru_cache(maxsize=64)
def _held(function: types.FunctionType) -> tuple[str, ...]:
    owner: Any = function.__globals__.get(function.__qualname__.rpartition(".")[0])
    methods = [other for other in _functions_in(owner) if _is_plain(other.__name__)] if isinstance(owner, type) else []
    texts = {other: made.text for other in methods if (made := _made(other)) is not None}
    stored = set(_attributes_in(texts.pop(function, ""), ast.Store))
    found = dict.fromkeys(attribute for text in texts.values() for attribute in _attributes_in(text))
    return tuple(attribute for attribute in found if attribute not in stored)


def _is_plain(name: str) -> bool:
    """Whether a method is one that is called, also as `layer(x)`, and none that Python calls by itself."""
    return name == "__call__" or not name.startswith("__")


def _entries_in(values: Iterable[Any]) -> list[str]:
    """Return what functions look up by a key, as they write it: `params["W"]`, `self.params["W"]`."""
    made = (_made(other) for value in values for other in _functions_in(value))
    entries = (entry for place in made if place is not None for entry in _entries_of(place.text))
    return list(dict.fromkeys(entries))[:MOST_ENTRIES]


def _entries_of(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if is_read_by_a_key(node) and isinstance(node.value, ast.Name | ast.Attribute):
            yield ast.get_source_segment(text, node) or ""


def _attributes_in(text: str, kind: type = ast.expr_context) -> Iterator[str]:
    """Yield the attributes of `self` in a function's text that are not called."""
    tree = ast.parse(text)
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        if own and isinstance(node, ast.Attribute) and node not in called and isinstance(node.ctx, kind):
            yield f"self.{node.attr}"


def editable(call: HandCall, ran: Collection[Line] = ()) -> tuple[Editable, ...]:
    """Return the checked function and the user's functions and methods that it reaches.

    Args:
        ran: the lines that were run, where that is known; functions without one are left out.
    """
    first = getattr(call.function, "__func__", call.function)
    if not isinstance(first, types.FunctionType):
        return ()
    waiting, seen = [first, *_functions_in(type(call.owner) if call.owner is not None else None)], {first}
    found: list[Editable] = []
    while waiting and len(seen) < MOST_FUNCTIONS:
        function = waiting.pop(0)
        made = _made(function)
        if made is not None and (not ran or any((made.filename, line) in ran for line in made.lines)):
            found.append(made)
        for other in _referred(function):
            if other not in seen and _is_followed(function, other):
                seen.add(other)
                waiting.append(other)
    return tuple({id(each.function): each for each in found}.values())


def _is_followed(function: types.FunctionType, other: types.FunctionType) -> bool:
    """Whether what a function refers to is the user's, or part of what puts two passes together: it knows the user's class."""
    if is_user_file(other.__code__.co_filename):
        return True
    closed = (cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell))
    return function.__code__.co_filename == NO_FILE and any(value is other for value in closed)


def _referred(function: types.FunctionType) -> Iterator[types.FunctionType]:
    """Yield the functions that a function names, closes over, or has as defaults."""
    values = [function.__globals__.get(name) for name in sorted(mentioned(function.__code__))]
    values += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        values += [cell.cell_contents] if _is_filled(cell) else []
    for value in values:
        yield from _functions_in(value)


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _functions_in(value: Any) -> Iterator[types.FunctionType]:
    if isinstance(value, types.FunctionType):
        yield value
    elif isinstance(value, types.MethodType | staticmethod | classmethod):
        yield from _functions_in(value.__func__)
    elif isinstance(value, type) and is_user_class(value):
        for kind in value.__mro__[:-1]:
            for member in vars(kind).values():
                if not isinstance(member, type):
                    yield from _functions_in(member)


def _made(function: types.FunctionType) -> Editable | None:
    found = function_text(function)
    if found is None or not is_user_file(function.__code__.co_filename):
        return None
    text = textwrap.dedent("".join(found.lines))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    skipped = tree.body[0].lineno - 1  # decorators
    text = "".join(text.splitlines(keepends=True)[skipped:])
    return Editable(function, text, function.__code__.co_filename, found.start + skipped)


def compiled(place: Editable, text: str) -> types.CodeType | None:
    """Return the code of a function with another text, or None when that is no valid Python."""
    free = place.function.__code__.co_freevars
    if free:  # the names that it closes over become those of a function around it
        text = f"def _around({', '.join(free)}):\n{textwrap.indent(text, ' ')}"
    try:
        module = compile("\n" * (place.line - 1 - bool(free)) + text, place.filename, "exec")
    except (SyntaxError, ValueError):
        return None
    waiting: list[types.CodeType] = [module]
    for code in waiting:
        if code.co_name == place.name:
            return code if set(code.co_freevars) <= set(free) else None
        waiting += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return None


def changed_call(call: HandCall, texts: Mapping[Editable, str]) -> HandCall | None:
    """Return the call with the texts of some functions changed, methods where they stand; None where that is no Python."""
    codes: dict[types.CodeType, types.CodeType] = {}
    for place, text in texts.items():
        code = compiled(place, text)
        if code is None:
            return None
        codes[place.function.__code__] = code
    space = Namespace(None, lambda path, value: value, codes=codes)
    return replace(call, function=space.swap(call.function))
