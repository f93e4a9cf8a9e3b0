"""What an output format is: the suffix of its files and the printer of an outline, complete for every kind of block.

A format is one module of this folder that defines `FORMAT`; `formats` finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from symbackprop.errors import InternalError
from symbackprop.writeup.page.blocks import Outline, PageBlock

Files = dict[str, bytes]
Inspect = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PageFormat:
    """A format: `files(outline, stem, inspect)` returns files by name, the page itself under the empty name.

    `inspect` has to see every text before it is handed out; it raises where an answer stands in it.
    """

    suffix: str
    files: Callable[[Outline, str, Inspect], Files]


def text_format(suffix: str, write: Callable[[Outline, str], Mapping[str, str]]) -> PageFormat:
    """Return a format of text files, each inspected as it is; `write(outline, stem)` returns them by name."""

    def files(outline: Outline, stem: str, inspect: Inspect) -> Files:
        texts = write(outline, stem)
        for text in texts.values():
            inspect(text)
        return {name: text.encode("utf-8") for name, text in texts.items()}

    return PageFormat(suffix, files)


def check_complete(printer: Any) -> None:
    """Raise InternalError unless a `singledispatch` printer of blocks has a rule for every kind of block on a page."""
    kinds = get_args(PageBlock)
    missing = [kind.__name__ for kind in kinds if printer.dispatch(kind) is printer.dispatch(object)]
    if missing:
        raise InternalError(f"{printer.__module__}: no printer for {', '.join(missing)}")
