"""Print an outline as a Jupyter notebook (the extra `notebook`): Markdown cells, and cells of code that run."""

from __future__ import annotations

import json

from symbackprop.errors import UserError
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.print.format import text_format
from symbackprop.writeup.print.md import markdown

_METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def notebook(outline: b.Outline, stem: str = "handout") -> str:
    """Return the notebook. Raises UserError, with the remedy, when nbformat is missing."""
    try:
        import nbformat  # the optional extra `notebook`
    except ImportError:
        raise UserError("handout: a notebook needs nbformat; install it with: pip install 'symbackprop[notebook]'") from None
    found = nbformat.v4.new_notebook(metadata={**_METADATA, "language_info": {"name": "python"}})
    for number, (kind, text) in enumerate(cells(outline, stem)):
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        cell = make(text)
        cell["id"] = f"cell-{number}"  # the same notebook every time
        found.cells.append(cell)
    nbformat.validate(found)
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def cells(outline: b.Outline, stem: str) -> list[tuple[str, str]]:
    """Return (kind, text) of the cells: the code blocks in order, the Markdown between them, figures put in as data."""
    found: list[tuple[str, str]] = []
    run: list[b.Block] = []
    title = True

    def flush() -> None:
        nonlocal title
        if run or title:
            files = markdown(_part(outline, tuple(run)), stem)
            text = files[""] if title else files[""].split("\n\n", 2)[-1]
            found.append(("markdown", _with_figures(text, files)))
            run.clear()
            title = False

    for block in outline.blocks:
        if isinstance(block, b.Code | b.CodeCell):
            flush()
            found.append(("code", block.text.rstrip()))
        else:
            run.append(b.Prose(block.words) if isinstance(block, b.TextCell) else block)
    if run:
        flush()
    return found


def _part(outline: b.Outline, blocks: tuple[b.Block, ...]) -> b.Outline:
    return b.Outline(outline.title, outline.lang, outline.notation, outline.audience, blocks, outline.subtitle)


def _with_figures(text: str, files: dict[str, str]) -> str:
    """Put each figure in as inline SVG, so that the notebook is one file."""
    for name, drawn in files.items():
        if name:
            start = text.index(f"]({name})")
            opening = text.rindex("![", 0, start)
            text = text[:opening] + drawn.strip().replace("\n", " ") + text[start + len(name) + 3 :]
    return text


FORMAT = text_format(".ipynb", lambda outline, stem: {"": notebook(outline, stem)})
