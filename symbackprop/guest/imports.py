"""Loading a file of somebody's as it lies there: inside its package, beside what it imports, and without what is not installed.

A file is found where its owner runs it: its package's folder and the folders above are searched for what it imports. Where only
its definitions are asked for, loops and calls at the top are left out, and a module that is not installed is replaced by a
stand-in that gives nothing: code that needs it fails where it uses it. What is no longer understood is rewritten (`rewriting`).
"""

from __future__ import annotations
import __future__

import ast
import codecs
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import linecache
import os
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from symbackprop.guest.rewriting import current, read
from symbackprop.guest.stand_ins import StandIn
from symbackprop.guest.visit import uncompiled

ABOVE = 5
"""Folders above a file in which its imports are looked for."""


def _is_cared_for(file: str, line: int) -> bool:
    """Whether an import stands in a `try` that says what to do without it: `except ImportError: from numpy import einsum`."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return False
    tries = (node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers)
    return any(node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0) for node in tries)


class Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a stand-in for what nothing else finds; `names` are the modules, `invented` what was taken out of them."""

    def __init__(self, folder: str) -> None:
        self.names: list[str] = []
        self.invented: list[str] = []
        self.folder = folder

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if not self._asked_from_there():
            return None  # a library that does without an optional import has to see that it is missing
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def _asked_from_there(self) -> bool:
        """Whether the import statement stands in a file of the guest's."""
        frame = inspect.currentframe()
        while frame is not None and (frame.f_code.co_filename == __file__ or "importlib" in frame.f_code.co_filename):
            frame = frame.f_back
        name = frame.f_code.co_filename if frame is not None else "<nowhere>"
        own = name[:1] != "<" and os.path.realpath(name).startswith(self.folder)
        return own and not (frame is not None and _is_cared_for(name, frame.f_lineno))

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        self.names.append(spec.name)
        return StandIn(spec.name, self.invented)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is run."""


class TextLoader(importlib.machinery.SourceFileLoader):
    """Runs a file's text as it stands now.

    Python keeps a compiled copy and takes a text of the same second and the same length for the one that it compiled: a verdict
    would be that of a file's last version.
    """

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)

    def source_to_code(self, data: Any, path: Any = "<string>", *, _optimize: int = -1) -> types.CodeType:  # type: ignore[override]
        """Compile a file's text."""
        return compile(current(ast.parse(_text(data, str(path)), str(path))), path, "exec", dont_inherit=True)


def _text(data: bytes, path: str) -> str:
    """Return a file's text: as Python reads it, or as Windows writes it, in UTF-16 or in Chinese; its lines are kept for reports.

    Raises SyntaxError where it is none of these.
    """
    encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "gb18030"
    try:
        if encoding == "gb18030":
            return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError):
        pass
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise SyntaxError("the text is not UTF-8, and states no other encoding; save it as UTF-8") from None
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    return text


class OldLoader(TextLoader):
    """Runs a file's text, read as Python 2 where it is none of Python 3; annotations are not evaluated."""

    def source_to_code(self, data: Any, path: Any = "<string>", *, _optimize: int = -1) -> types.CodeType:  # type: ignore[override]
        tree = self.taken(read(_text(data, str(path)), str(path)))
        code: types.CodeType = compile(tree, path, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
        return code

    def taken(self, tree: ast.Module) -> ast.Module:
        """Return what is run of a file."""
        return tree


class DefinitionLoader(OldLoader):
    """Runs the definitions of a file; reads Python 2 where it is none of Python 3."""

    def taken(self, tree: ast.Module) -> ast.Module:
        """Return what is run of a file."""
        return definitions(tree)


class _OldFinder(importlib.abc.MetaPathFinder):
    """Finds what a file imports from the folders around it, and reads it as Python 2 where it is none of Python 3."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        found = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        origin = str(found.origin) if found is not None and type(found.loader) is importlib.machinery.SourceFileLoader else ""
        if found is None or not origin or not os.path.realpath(origin).startswith(self.folder + os.sep):
            return None
        found.loader = OldLoader(fullname, origin)
        return found


def definitions(tree: ast.Module) -> ast.Module:
    """Return the imports, definitions and assignments of a module, but for the result of a training; an assignment that fails is
    passed over."""
    kept: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kept.append(statement)
        elif _sets(statement):
            kept.append(_guarded(statement))
    return ast.Module(body=kept, type_ignores=[])


def _sets(statement: ast.stmt) -> bool:
    """Whether a statement gives a name something that is no result of a training."""
    if isinstance(statement, ast.With):
        return _opens(statement)
    return isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Try) and not _trains(statement)


def _guarded(statement: ast.stmt) -> ast.stmt:
    """Return a statement that is passed over where it fails; what it would have read of a file is some text then."""
    text: list[ast.stmt] = [ast.Pass()]
    if _opens(statement):
        names = dict.fromkeys(target.id for target in ast.walk(statement) if _is_assigned(target))  # type: ignore[attr-defined]
        text = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(TEXT)) for name in names] or text
    handler = ast.ExceptHandler(type=ast.Name("Exception", ast.Load()), name=None, body=text)
    guarded = ast.Try(body=[statement], handlers=[handler], orelse=[], finalbody=[])
    return ast.fix_missing_locations(ast.copy_location(guarded, statement))


TEXT = "some words in the place of a file"
"""What stands for the text of a file that is not there."""


def _opens(statement: ast.stmt) -> bool:
    """Whether a statement reads a file that it opens."""
    called = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    reads = any(getattr(function, "attr", "") == "read" for function in called)
    return reads and any(getattr(function, "id", getattr(function, "attr", "")) == "open" for function in called)


def _is_assigned(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in ("f", "file", "fp", "handle")


def _trains(statement: ast.stmt) -> bool:
    """Whether an assignment keeps what a training has given: `model = train(X, y)`, `history = net.fit(X, y)`."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    function = value.func if isinstance(value, ast.Call) else None
    called = getattr(function, "id", "") or getattr(function, "attr", "")
    return bool(_TRAINING.search(called)) and not called[:1].isupper()


_TRAINING = re.compile(
    r"^(train(?!_test)\w*|fit|\w*descent|optimi[sz]e|build_model|\w*nn_model|sgd|SGD|learn|L_layer_model|two_layer_model)$"
)
"""What a training is called."""


def dotted_name(file: Path) -> tuple[Path, str]:
    """Return the folder that a file's package lies in, and the file's name in it; relative imports need both.

    A folder is one of the package where it says so, or where the file climbs to it: `from ..utils import f`.
    """
    folder, parts, climbs = file.resolve().parent, [file.stem], _climbs(file)
    while ((folder / "__init__.py").is_file() or len(parts) <= climbs) and folder != folder.parent:
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


_RELATIVE = re.compile(rb"^[ \t]*from[ \t]+(\.+)", re.MULTILINE)


def _climbs(file: Path) -> int:
    """Return how many folders the relative imports of a file go up, its own counted."""
    return max((len(dots) for dots in _RELATIVE.findall(file.read_bytes())), default=0) if file.is_file() else 0


def _around(file: Path) -> list[Path]:
    """Return the folders in which imports are looked for: the file's own, those of its package from outside in, those above.

    From inside, `package/package.py` would be found in the place of the package.
    """
    folders = list(file.resolve().parents)[:ABOVE]
    packages = [folder for folder in folders[1:] if (folder / "__init__.py").is_file()]
    return [*folders[:1], *reversed(packages), *(folder for folder in folders[1:] if folder not in packages)]


@contextmanager
def importing(file: Path, *, stand_ins: bool) -> Iterator[Missing]:
    """Let imports be found from a file's folder and the folders above; hand out what stand-ins were given for.

    No compiled copy of what is imported is left beside it.
    """
    folders = [*map(str, _around(file))]
    around = min(str(file.resolve().parent.parent), str(dotted_name(file)[0]), key=len)
    old, missing, before = _OldFinder(around), Missing(around), set(sys.modules)
    sys.path[:0] = folders[:1]
    sys.path.extend(folders[1:])
    if stand_ins:
        sys.meta_path.insert(0, old)
        sys.meta_path.append(missing)
    try:
        with uncompiled():
            yield missing
    finally:
        if stand_ins:
            sys.meta_path.remove(old)
            sys.meta_path.remove(missing)
        sys.path.remove(folders[0])
        for folder in folders[1:]:
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(folder)]
        for name in set(missing.names) - before:
            sys.modules.pop(name, None)
