"""`symbackprop new`: a folder to start from, with a network and a gradient that passes its check."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from symbackprop.cli.shared import SHAPES, TIMEOUT, Examples, guest_file
from symbackprop.errors import UserError
from symbackprop.files import write_file

if TYPE_CHECKING:
    from symbackprop.loading import Loaded

MOST_NUMBERS = 500
"""Example values that are still written out in a file."""

NETWORK = '''"""{name}: one hidden unit.

    net = w1 x + b1        h = σ(net)        y = w2 h        E = (t - y)² / 2

Change it to your own: declare the names, then define each node from earlier ones; `loss` is the last.
"""

from symbackprop import Network, sigmoid

network = Network("{name}")
x = network.input("x", value=2)  # values make an example: numbers are printed and checked with them
w1, w2, b1 = network.parameters("w1 w2 b1", values=(0.5, -1, 0.25))
t = network.target("t", value=1)

net = network.define("net", w1 * x + b1)
h = network.define("h", sigmoid(net))
y = network.define("y", w2 * h)
loss = network.define("E", (t - y) ** 2 / 2)
'''

HANDWRITTEN = '''"""The gradient of {name} by hand: replace it by yours, then `symbackprop check {name}`."""

import numpy as np


def gradients(x, w1, w2, b1, t):  # arguments are found by their names
    h = 1 / (1 + np.exp(-(w1 * x + b1)))
    y = w2 * h
    dy = y - t
    dnet = dy * w2 * h * (1 - h)
    return {{"w1": dnet * x, "w2": dy * h, "b1": dnet}}
'''


@click.command(
    "new",
    cls=Examples,
    examples="""
    symbackprop new my_network
    symbackprop new my_network --from model.py:loss
    symbackprop new my_network --from model.py:loss --shapes "X:5,3 W:3,4 y:5<4"
    """,
)
@click.argument("name", type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="FILE:function", help="A loss written with numpy that becomes the network.")
@SHAPES
@TIMEOUT
def command(name: Path, source: str | None, shapes: str | None, timeout: float) -> None:
    """Make a folder to start from: network.py, and handwritten.py that passes `symbackprop check`.

    Nothing that exists is replaced.
    """
    if name.exists():
        raise UserError(f"{name} exists; give another name")
    if shapes is not None and source is None:
        raise UserError("--shapes gives arguments to the function of --from")
    files = _starter(name.name) if source is None else _captured(name.name, source, shapes, timeout)
    try:
        name.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{name}: cannot be made: {error.strerror or error}") from None
    for file, text in files.items():
        write_file(name / file, text)
        click.echo(f"wrote {name / file}")
    typed, page = shlex.quote(str(name)), shlex.quote(f"{name.name}.html")
    click.echo(f"next: symbackprop derive {typed}, symbackprop check {typed}, symbackprop handout {typed} -o {page}")


def _starter(name: str) -> dict[str, str]:
    return {"network.py": NETWORK.format(name=_plain(name)), "handwritten.py": HANDWRITTEN.format(name=_plain(name))}


def _plain(name: str) -> str:
    """Return a name as it may stand in a text of Python."""
    return "".join(letter if letter.isalnum() or letter in "_- .:" else "_" for letter in name)


def _captured(name: str, source: str, shapes: str | None, timeout: float) -> dict[str, str]:
    """Return the files for a loss written with numpy."""
    from symbackprop.api import derive  # a starter of its own waits for no mathematics
    from symbackprop.loading import load_network  # as above: only --from needs it

    if not source.rpartition(":")[0].endswith(".py"):
        raise UserError(f"--from {source}: expected FILE.py:function, a loss written with numpy")
    with guest_file(timeout):
        loaded = load_network(source, None, shapes)
    return {"network.py": _network_file(name, loaded, source), "handwritten.py": _gradient_file(name, derive(*_pair(loaded)))}


def _pair(loaded: Loaded) -> tuple[Any, str]:
    return loaded.network, loaded.loss


def _network_file(name: str, loaded: Loaded, source: str) -> str:
    """Return a file that builds the network with its example values."""
    from symbackprop.writeup.outline.notebook_network import network_source  # as above: only --from needs it

    values = loaded.network.values
    count = sum(np.size(value) for value in values.values())
    if count > MOST_NUMBERS:
        raise UserError(f'--from {source}: the example has {count:,} numbers; give a small one with --shapes "X:5,3 …"')
    head = f'"""{_plain(name)}: what {_plain(source)} computes, as a network."""\n\nimport numpy as np\n\n'
    arrays = "".join(f"    {key!r}: {_literal(value)},\n" for key, value in values.items())
    built = network_source(loaded.network, loaded.loss)
    return f"{head}values = {{\n{arrays}}}\n\n\n{built}\n\nnetwork = build(values)\nloss = {loaded.loss!r}\n"


def _literal(value: Any) -> str:
    """Return a number or an array as it is written in Python."""
    return f"np.array({np.asarray(value).tolist()})" if np.ndim(value) else repr(np.asarray(value).item())


def _gradient_file(name: str, derivation: Any) -> str:
    """Return a file with the derived gradient in the place of a handwritten one."""
    text = derivation.source().replace("def loss_and_gradients(", "def gradients(", 1)
    said = f"The gradient of {_plain(name)}, as it was derived: replace it by yours, then `symbackprop check {_plain(name)}`."
    return f'"""{textwrap.shorten(said, 300)}"""\n\n{text}'
