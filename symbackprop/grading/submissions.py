"""What was handed in: the files of a folder, one student a file or one a folder."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from symbackprop.errors import UserError

ENDINGS = (".py", ".ipynb")
_NOT_HANDED_IN = {"__pycache__", "__MACOSX", "node_modules"}


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's work: the file to grade, or why there is none."""

    student: str
    file: str
    problem: str = ""

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.file)


def find_submissions(
    place: Path, function: str, pattern: str | None = None, without: Collection[Path] = ()
) -> tuple[Submission, ...]:
    """Return the submissions in a folder: each file in it, and from each folder in it the file to grade; or a single file.

    Args:
        function: of several files of one student, the one is meant that defines this, a function or a class.
        pattern: a name, or a pattern such as `hw3*.py`, of the files that count.
        without: files and folders that are no submissions, such as the reference and what is written here.

    Raises UserError when there are none.
    """
    if place.is_file():
        return (Submission(shown(place.stem), str(place.absolute())),)
    entries = _candidates(place, pattern, {path.resolve() for path in without})
    if not entries:
        raise UserError(f"{place}: no submissions; expected files {' or '.join(ENDINGS)}, or a folder for each student")
    stems = Counter(shown(entry.stem) for entry in entries)
    doubled = {name for name, count in stems.items() if count > 1}
    return tuple(_of_folder(e, function, pattern) if e.is_dir() else _of_file(e, doubled) for e in entries)


def _counts(entry: Path, pattern: str | None) -> bool:
    return entry.is_dir() or pattern is None or fnmatch(entry.name, pattern)


def _candidates(folder: Path, pattern: str | None, others: Collection[Path]) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected a folder of submissions, or one file")
    return [entry for entry in _entries(folder) if entry.resolve() not in others and _counts(entry, pattern)]


def _of_file(file: Path, doubled: Collection[str]) -> Submission:
    stem = shown(file.stem)
    return Submission(shown(file.name) if stem in doubled else stem, str(file.absolute()))


def shown(name: str) -> str:
    """Return the name of a file as text that can be printed, whatever bytes it is made of."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder in the order of the names, without what tools leave behind."""
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if not entry.name.startswith(".") and entry.name not in _NOT_HANDED_IN:
            yield entry


def _of_folder(folder: Path, function: str, pattern: str | None) -> Submission:
    """Return the submission of a student whose files lie in a folder of their own."""
    student = shown(folder.name)
    files = [path for path in _below(folder) if path.suffix in ENDINGS and _counts(path, pattern)]
    defining = [path for path in files if _defines(path, function)] if len(files) > 1 else files
    if len(defining) == 1:
        return Submission(student, str(defining[0].absolute()))
    return Submission(student, str(folder.absolute()), _undecided(folder, files))


def _undecided(folder: Path, files: Sequence[Path]) -> str:
    """Say why none of a student's files is the one to grade."""
    if not files:
        return f"no {' or '.join(ENDINGS)} file in the folder"
    names = ", ".join(shown(str(path.relative_to(folder))) for path in files[:6])
    return f"several files: {names}; name the one that counts with --file"


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and the folders in it; links to folders are not followed."""
    waiting = [folder]
    while waiting:
        for entry in _entries(waiting.pop()):
            if entry.is_dir() and not entry.is_symlink():
                waiting.append(entry)
            elif entry.is_file():
                yield entry


def _defines(path: Path, function: str) -> bool:
    """Whether a file speaks of a function of this name; what it means is found out where it may do no harm."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(rf"\b(?:def|class)[ \t]+{re.escape(function.partition('.')[0])}[ \t]*[(:]", text) is not None
