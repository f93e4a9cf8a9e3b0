"""`symbackprop explain`: numpy code as mathematics, a formula for each variable."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import click

from symbackprop.capturing.explain import explain
from symbackprop.capturing.explanation_text import FORMATS, Explanation
from symbackprop.cli.shared import (
    JSON,
    NOTATION,
    SHAPES,
    TIMEOUT,
    Examples,
    chosen_notation,
    guest_file,
    refuse_existing,
    write_new,
)
from symbackprop.formula.notation.notations import TEXTBOOK
from symbackprop.loading import example_for, load_code, load_function, load_module, own_notation


@click.command(
    "explain",
    cls=Examples,
    examples="""
    symbackprop explain my_code.py:backward
    symbackprop explain my_code.py:forward --shapes "x:5,3 W:3,4 b:4"
    symbackprop explain my_code.py:backward --format html -o backward.html
    """,
)
@click.argument("code", metavar="FILE:function")
@SHAPES
@TIMEOUT
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="text", show_default=True)
@NOTATION
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file (by default: print).")
@click.option("--force", is_flag=True, help="Replace the file when it exists.")
@JSON
def command(
    code: str, shapes: str | None, timeout: float, form: str, title: str | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Write numpy code, forward or backward, as mathematics: a formula for each variable beside the line that sets it.

    The function is run at the file's `example`, or at random numbers of the given shapes.
    """
    refuse_existing(output, force)
    with guest_file(timeout):
        function = load_function(code, "forward", load_code)
        module = inspect.getmodule(inspect.unwrap(function)) or load_module(Path(code.rpartition(":")[0] or code))
        notation = chosen_notation(title, own_notation(module)) or TEXTBOOK
        explanation = explain(function, example_for(code, function, module, shapes), notation)
    text = json.dumps(as_data(explanation), ensure_ascii=False, indent=2) if as_json else FORMATS[form](explanation)
    if output is None:
        click.echo(text)
        return
    write_new(output, text, force)
    click.echo(f"wrote {output}")


def as_data(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation for programs."""
    return {
        "function": explanation.title,
        "lines": [
            {"name": line.name, "line": line.line, "code": line.code, "text": line.text, "latex": line.latex, "shape": line.shape}
            for line in explanation.lines
        ],
        "results": dict(explanation.results),
        "notes": [str(shift) for shift in explanation.shifts],
    }
