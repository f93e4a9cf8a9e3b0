"""For Sphinx, and MyST in Sphinx or Jupyter Book: the directive `symbackprop`.

    .. symbackprop:: derive network.py w1 --steps standard

    ```{symbackprop} check network.py hand.py
    :differs:
    ```

`extensions = ["symbackprop.book.sphinx_directive"]` in conf.py turns it on, and has the marked parts of every text derived again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import only
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from symbackprop.book.pieces import DIFFERS, IN_LATEX, BookPiece, frame, pieces, verified
from symbackprop.errors import GuestError, SymbackpropError


class SymbackpropDirective(SphinxDirective):  # type: ignore[misc]
    """A command of symbackprop, run where the text stands when the book is built."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {DIFFERS: directives.flag}

    def run(self) -> list[Any]:
        """Return the nodes of what the command makes. Raises ExtensionError, which ends the building, where it does not hold."""
        file, line = self.get_source_info()
        command, folder = self.arguments[0], Path(file).resolve().parent
        try:
            made = pieces(command, folder, differs=DIFFERS in self.options)
            if command.split()[0] == "explain":
                pages = pieces(command, folder, forms=IN_LATEX | {"explain": "html"})
                return [_only("html", pages), _only("not html", made)]
        except (SymbackpropError, GuestError) as error:
            raise ExtensionError(f"{file}:{line}: {error}") from None
        return [_node(piece) for piece in made]


def _only(kind: str, made: list[BookPiece]) -> Any:
    """Return nodes that are in the books of one kind."""
    node = only(expr=kind)
    node += [_node(piece) for piece in made]
    return node


def _node(piece: BookPiece) -> Any:
    if piece.kind == "math":
        return nodes.math_block(piece.text, piece.text, number=None, label=None, nowrap=False)  # as Sphinx makes them itself
    if piece.kind in ("page", "html"):
        return nodes.raw("", frame(piece.text) if piece.kind == "page" else piece.text, format="html")
    if piece.kind == "heading":
        return nodes.paragraph("", "", nodes.strong(piece.text, piece.text))
    block = nodes.literal_block(piece.text, piece.text)
    block["language"] = "python" if piece.kind == "code" else "none"
    return block


def _read(app: Any, name: str, content: list[str]) -> None:
    """Derive the marked parts of a text again when Sphinx reads it."""
    path = Path(app.env.doc2path(name))
    try:
        verified(path, content[0])
    except (SymbackpropError, GuestError) as error:
        raise ExtensionError(str(error)) from None


def setup(app: Any) -> dict[str, Any]:
    """Turn the directive on; Sphinx calls this."""
    app.add_directive("symbackprop", SymbackpropDirective)
    app.connect("source-read", _read)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
