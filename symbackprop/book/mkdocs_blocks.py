"""The blocks of a page of MkDocs that are commands, by their text."""

from __future__ import annotations

import re
from pathlib import Path

from symbackprop.book.pieces import DIFFERS, IN_HTML, as_markdown, pieces

_FENCE = re.compile(r"^```symbackprop(?P<how>[^\n`]*)\n(?P<command>.*?)\n```$", re.MULTILINE | re.DOTALL)


def with_blocks(markdown: str, file: Path) -> str:
    """Return a text with what its commands make."""

    def made(found: re.Match[str]) -> str:
        return as_markdown(pieces(found["command"], file.parent, differs=DIFFERS in found["how"].split(), forms=IN_HTML))

    return _FENCE.sub(made, markdown)
