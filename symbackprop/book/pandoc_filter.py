"""For Quarto and pandoc: a filter that works out blocks of code of the class `symbackprop` (`filters: [symbackprop-pandoc]`).

    ```{.symbackprop}
    derive network.py w1 --steps standard
    ```

    ```{.symbackprop .differs}
    check network.py hand.py
    ```

It reads pandoc's tree as JSON from standard input and writes it to standard output. Files are found from the folder in which it
runs, which is that of the text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from symbackprop.book.pieces import CLASS, DIFFERS, IN_LATEX, BookPiece, frame, pieces
from symbackprop.errors import GuestError, SymbackpropError


def main() -> None:
    """Filter standard input; a block that does not hold is said on stderr, and ends pandoc."""
    try:
        document = filtered(json.load(sys.stdin), Path.cwd(), _forms(sys.argv[1:]))
    except (SymbackpropError, GuestError) as error:
        sys.exit(f"symbackprop: {error}")
    json.dump(document, sys.stdout)


def _forms(arguments: Sequence[str]) -> Mapping[str, str]:
    """Return how formulas are printed for the format that pandoc names: beside code as a table where there are tables."""
    return IN_LATEX | {"explain": "html"} if arguments and arguments[0].startswith(("html", "epub", "revealjs")) else IN_LATEX


def filtered(item: Any, folder: Path, forms: Mapping[str, str] = MappingProxyType(IN_LATEX)) -> Any:
    """Return a part of pandoc's tree with its blocks worked out."""
    if isinstance(item, dict):
        return {key: filtered(value, folder, forms) for key, value in item.items()}
    if isinstance(item, list):
        return [made for member in item for made in _replaced(member, folder, forms)]
    return item


def _replaced(item: Any, folder: Path, forms: Mapping[str, str]) -> Iterator[Any]:
    classes = item["c"][0][1] if isinstance(item, dict) and item.get("t") == "CodeBlock" else ()
    if CLASS not in classes:
        yield filtered(item, folder, forms)
        return
    yield from map(_block, pieces(item["c"][1], folder, differs=DIFFERS in classes, forms=forms))


def _block(piece: BookPiece) -> dict[str, Any]:
    if piece.kind == "math":
        return {"t": "Para", "c": [{"t": "Math", "c": [{"t": "DisplayMath"}, piece.text]}]}
    if piece.kind == "heading":
        return {"t": "Para", "c": [{"t": "Strong", "c": [{"t": "Str", "c": piece.text}]}]}
    if piece.kind in ("page", "html"):
        return {"t": "RawBlock", "c": ["html", frame(piece.text) if piece.kind == "page" else piece.text]}
    return {"t": "CodeBlock", "c": [["", ["python"] if piece.kind == "code" else [], []], piece.text.rstrip("\n")]}


if __name__ == "__main__":
    main()
