"""How long a handout takes as the user waits for it: whole processes, from the command to the written file.

`import sympy` alone stands first: nothing that uses sympy can be quicker.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.timing import in_units

ROOT = Path(__file__).resolve().parent.parent
HANDOUT = ("-m", "symbackprop", "handout", str(ROOT / "derivations" / "two_three_two"), "-o")
SYMPY, HTML, PDF, MANY = "import sympy", "handout, HTML", "handout, PDF", "30 variants, HTML"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    SYMPY: ("-c", "import sympy"),
    "import symbackprop": ("-c", "import symbackprop"),
    HTML: (*HANDOUT, "page.html"),
    PDF: (*HANDOUT, "page.pdf"),
    MANY: (*HANDOUT, "page.html", "--for", "student", "--variants", "30"),
}
#: Seconds a command may take on an idle machine.
LIMITS = {HTML: 1.5, PDF: 2.5, MANY: 20.0}
#: How often the long commands run, whatever was asked for.
FEW = {MANY: 1}


def seconds(arguments: Sequence[str]) -> float:
    """Return the seconds from starting Python with these arguments to its end, in an empty folder.

    Raises RuntimeError when the command fails: the time of a failure says nothing.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        found = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()}")
    return found


def measured(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each command, the commands taking turns; a first run of each, which writes bytecode, is left out."""
    for name, arguments in commands.items():
        if name not in FEW:
            seconds(arguments)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, arguments in commands.items():
            if turn < FEW.get(name, rounds):
                found[name].append(seconds(arguments))
    return found


def table(rounds: int = 7) -> Table:
    """Return the table of the shortest and the median time of each command."""
    shown = Table(title="Whole processes, 2-3-2 network", title_justify="left", min_width=72)
    for heading in ("command", "shortest", "median", "limit"):
        shown.add_column(heading, justify="left" if heading == "command" else "right")
    missing = {PDF} if importlib.util.find_spec("typst") is None else set()
    times = measured({name: arguments for name, arguments in COMMANDS.items() if name not in missing}, rounds)
    for name in COMMANDS:
        limit = f"{LIMITS[name]:g} s" if name in LIMITS else ""
        found = times.get(name)
        figures = (in_units(min(found)), in_units(statistics.median(found))) if found else ("typst is not installed", "")
        shown.add_row(name, *figures, limit)
    return shown
