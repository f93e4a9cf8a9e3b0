"""The table of all figures: measured in one run, written as Markdown and as JSON with the machine and the versions.

python -m benchmarks report            prints the table
python -m benchmarks report --write    also writes docs/benchmarks.md and benchmarks/results.json
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import large, running
from benchmarks.layers import LAYERS, Layer
from benchmarks.peers import SYMBOLIC, autograd_gradient, jax_gradient, peer_seconds, torch_gradient
from benchmarks.timing import in_rounds, in_units, interval
from benchmarks.training import RUNS
from symbackprop import derive

PEERS = ("sympy", "symengine", "casadi", "jax", "torch", "autograd", "pytensor")
ROOT = Path(__file__).parent
PATIENCE = 20.0  # seconds that a symbolic library is given for one network


@dataclass(frozen=True, slots=True)
class Row:
    """One work: our seconds, what they are compared with, what is aimed at, and the peers' seconds or why there are none."""

    group: str
    work: str
    seconds: float
    against: str = ""
    base: float | None = None
    aim: str = ""
    peers: Mapping[str, float | str] = field(default_factory=dict)
    ratios: tuple[float, ...] = ()
    """Our time over that of what we are compared with, in every round in which both took their turn."""

    @property
    def ratio(self) -> float | None:
        """Our time over that of what we are compared with: the median over the rounds."""
        if self.ratios:
            return statistics.median(self.ratios)
        return None if self.base is None else self.seconds / self.base

    @property
    def ahead(self) -> list[str]:
        """The peers that are faster."""
        return [name for name, seconds in self.peers.items() if not isinstance(seconds, str) and seconds < self.seconds]

    @property
    def missed(self) -> bool:
        """Whether the row is behind what is aimed at, a ratio or a time with its unit: by more than the rounds differ, or 3 %."""
        number, _, unit = self.aim.partition(" ")
        found = self.ratio if self.ratio is not None else self.seconds / {"ms": 1e-3, "s": 1.0}[unit]
        within = bool(self.ratios) and interval(self.ratios)[0] <= float(number) and found <= 1.03 * float(number)
        return round(found, 2) > float(number) and not within


def _median(measure: Callable[[], float], rounds: int) -> float:
    return statistics.median(measure() for _ in range(rounds))


def deriving(rounds: int) -> Iterator[Row]:
    """Yield the rows of deriving and writing down."""
    small = _median(lambda: large.seconds_of_weights((2, 3, 2), source=False), 3 * rounds)
    yield Row("deriving", "2-3-2: define and derive", small, aim="5 ms", peers=_symbolic((2, 3, 2), function=False))
    weights = 0.0
    for source, what, aim in ((True, "… and its function", "2.5 s"), (False, "define and derive", "0.8 s")):
        weights = _median(partial(large.seconds_of_weights, (64, 64, 64, 10), source), rounds)
        yield Row("deriving", f"8,835 scalar weights: {what}", weights, aim=aim, peers=_symbolic((64, 64, 64, 10), source))
    seconds, megabytes = large.seconds_and_megabytes((256, 256, 240, 32))
    work = f"134,659 scalar weights: define and derive ({megabytes:.0f} MB, aim ≤ 400 MB)"
    yield Row("deriving", work, seconds, "as much a weight as 8,835 take", weights * 134_659 / 8_835, "1.1")
    for built, aim in ((large.transformer(12), "1 s"), (large.deep(1000), "2 s"), (large.chain(10_000), "3 s")):
        seconds = _median(partial(large.seconds_of_source, built), rounds)
        yield Row("deriving", f"{built[0].title}: derive, source", seconds, aim=aim)
    for built, name in ((large.lstm(20), "Wi"), (large.transformer(12), "B0_WQ")):
        for level in ("brief", "standard", "full"):
            times = [large.seconds_of_writing(built, name, level) for _ in range(rounds)]
            for what, found in zip(("text", "LaTeX"), zip(*times, strict=True), strict=True):
                yield Row("writing", f"{built[0].title}: {what}, {level}", statistics.median(found), aim="1 s")


def _symbolic(sizes: tuple[int, ...], function: bool) -> dict[str, float | str]:
    """Return what other symbolic libraries take for the same network, each alone in a process."""
    return {library: peer_seconds(library, sizes, PATIENCE, function) for library in SYMBOLIC}


def layer_rows(rounds: int) -> Iterator[Row]:
    """Yield one row for each layer: one call of the derived function beside the expert's and the peers'."""
    for name, layer in LAYERS.items():
        aim = {"pairwise distances": "1.1", "bilinear form": "1.1", "prefix sum": "2", "small conv2d": "1.1"}.get(name, "1.0")
        runs, missing = contenders(layer)
        found, ratios = _side_by_side(runs, "symbackprop", "expert", 3 * rounds)
        peers = {peer: found[peer] for peer in runs if peer not in ("symbackprop", "expert")}
        yield Row("one call", name, found["symbackprop"], "expert numpy", found["expert"], aim, {**peers, **missing}, ratios)


def _side_by_side(
    runs: Mapping[str, Callable[[], Any]], ours: str, base: str, rounds: int, seconds: float = 0.02
) -> tuple[dict[str, float], tuple[float, ...]]:
    """Return the median seconds of each contender, and the ratios of two of them in every round."""
    times = in_rounds(runs, rounds, seconds)
    ratios = tuple(left / right for left, right in zip(times[ours], times[base], strict=True))
    return {name: statistics.median(found) for name, found in times.items()}, ratios


def contenders(layer: Layer) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """Return what runs, after making sure that all compute the same, and why the others do not.

    Raises AssertionError where a loss or an entry of a gradient differs by more than 1e-9 of the largest.
    """
    net, loss = layer.build()
    values, derivation = layer.values(net), derive(net, loss)
    parameters = {name: values[name] for name in derivation}
    data = {name: value for name, value in values.items() if name not in parameters}
    runs: dict[str, Callable[[], Any]] = {
        "expert": partial(layer.expert, **values),
        "symbackprop": partial(derivation.function(), **values),
    }
    missing: dict[str, str] = {}
    for name, gradient in _peers(layer).items():
        if isinstance(gradient, str):
            missing[name] = gradient
        else:
            runs[name] = partial(gradient, parameters, data)
    expected = runs["expert"]()
    for name, run in runs.items():
        found = run()
        np.testing.assert_allclose(float(found[0]), float(expected[0]), rtol=1e-9, err_msg=name)
        for parameter, slope in expected[1].items():
            where, small = f"{name}: {parameter}", 1e-9 * float(np.abs(slope).max())
            np.testing.assert_allclose(np.asarray(found[1][parameter]), slope, rtol=1e-9, atol=small, err_msg=where)
    return runs, missing


def _peers(layer: Layer) -> dict[str, Callable[..., Any] | str]:
    if layer.loss is None:
        return {}
    loss = layer.loss
    return {
        "jax, compiled": jax_gradient(lambda xp, P, D: loss(xp, {**P, **D})),
        "torch": torch_gradient(lambda xp, P, D: loss(xp, {**P, **D})),
        "autograd": autograd_gradient(lambda xp, P, D: loss(xp, {**P, **D})),
    }


def scalar_rows(rounds: int) -> Iterator[Row]:
    """Yield the rows of the 2-3-2 network of numbers, alone and over samples."""
    for samples, aim in ((None, "0.09"), (1000, "1.0")):
        every = running.scalar_contenders(samples)
        found, ratios = _side_by_side(running.agreed(every), running.OURS, running.HAND, 3 * rounds)
        peers = {name: found.get(name, run) for name, run in every.items() if name not in (running.OURS, running.HAND)}
        work = f"2-3-2 of numbers, N = {samples or 1}"
        yield Row("one call", work, found[running.OURS], "numpy by hand", found[running.HAND], aim,
                  {name: seconds for name, seconds in peers.items() if isinstance(seconds, float | str)}, ratios)  # fmt: skip


def training(rounds: int) -> Iterator[Row]:
    """Yield the rows of whole training runs."""
    for work, (build, aim) in RUNS.items():
        runs = build()
        np.testing.assert_allclose(runs["symbackprop"](), runs["by hand"](), rtol=1e-6, atol=1e-20, err_msg=work)
        found, ratios = _side_by_side(runs, "symbackprop", "by hand", 3 * rounds, seconds=0.0)
        yield Row("training", work, found["symbackprop"], "the same by hand", found["by hand"], aim, ratios=ratios)


def starting(rounds: int) -> Iterator[Row]:
    """Yield the rows of starting the program."""
    for work, command, base, against, aim in (
        ("--version", ("-m", "symbackprop", "--version"), "pass", "python -c pass", "4"),
        ("import symbackprop", ("-c", "import symbackprop"), "import sympy", "import sympy", "1.15"),
    ):
        pairs = [(large.seconds_of_process(*command), large.seconds_of_process("-c", base)) for _ in range(2 * rounds)]
        ours, other = map(statistics.median, zip(*pairs, strict=True))
        yield Row("starting", work, ours, against, other, aim)


GROUPS: tuple[Callable[[int], Iterator[Row]], ...] = (deriving, layer_rows, scalar_rows, training, starting)


def rows(rounds: int = 3) -> list[Row]:
    """Measure everything."""
    return [row for group in GROUPS for row in group(rounds)]


# ---- written down --------------------------------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """Return the version of Python and of every library that takes part, or that it is not installed."""
    found = {"python": platform.python_version(), "numpy": np.__version__}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> str:
    """Return what the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{len(models) or '?'} × {name}, {platform.system()}, load {os.getloadavg()[0]:.1f}, one thread for every library"


def markdown(found: list[Row]) -> str:
    """Return docs/benchmarks.md."""
    listed = ", ".join(f"{name} {number}" for name, number in versions().items())
    text = [
        "# Benchmarks",
        "",
        "Measured by `python -m benchmarks report --write`: medians, the contenders of a row taking turns, so that a busy",
        "moment of the machine meets all of them. Time is that of the processor, so that what other programs do is not counted.",
        "A ratio is our time over that of what stands beside it: below 1 we are faster. It is the median over the rounds; where",
        "there were several, the bounds between which it lies with a chance of 95 % stand behind it. An aim that lies between",
        "them, and that is missed by 3 % at most, is met as far as can be told. All contenders of a row compute the same",
        "numbers, which is checked before they are timed. Where the load is above the number of cores, other programs took",
        "their share of caches and memory, and rows vary by a third between runs. Our functions are called as users call them:",
        "names and shapes are checked in every call, which takes about 3 µs, where others compute at once; numbers alone are",
        "given in order.",
        "",
        f"Machine: {machine()}.",
        "",
        f"Versions: {listed}.",
    ]
    for group in dict.fromkeys(row.group for row in found):
        text += ["", f"## {group.capitalize()}", "", *_table([row for row in found if row.group == group])]
    behind = [f"{row.work} ({', '.join(row.ahead)})" for row in found if row.ahead]
    text += ["", "A peer is ahead in: " + "; ".join(behind) + "." if behind else "No peer that was measured is ahead."]
    missed = [row.work for row in found if row.missed]
    text += ["", "Behind its aim in this run: " + "; ".join(missed) + "." if missed else "Every aim is met in this run."]
    return "\n".join(text) + "\n"


def _table(group: list[Row]) -> Iterator[str]:
    compared = any(row.base is not None for row in group)
    names = list(dict.fromkeys(name for row in group for name in row.peers))
    heads = ["work", "time", *(["compared with", "ratio"] if compared else []), "aim", *names]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in group:
        ratio = [row.against, _ratio(row)] if compared else []
        cells = [row.work, in_units(row.seconds), *ratio, f"≤ {row.aim}", *(_peer(row, name) for name in names)]
        yield f"| {' | '.join(cells)} |"


def _ratio(row: Row) -> str:
    bounds = " ({:.2f} to {:.2f})".format(*interval(row.ratios)) if row.ratios else ""
    return "" if row.ratio is None else f"{row.ratio:.2f}{bounds}"


def _peer(row: Row, name: str) -> str:
    seconds = row.peers.get(name, "")
    return seconds if isinstance(seconds, str) else in_units(seconds)


def write(found: list[Row]) -> None:
    """Write the table and the figures."""
    (ROOT.parent / "docs" / "benchmarks.md").write_text(markdown(found), encoding="utf-8")
    record = {"machine": machine(), "versions": versions(), "rows": [{**asdict(row), "ratio": row.ratio} for row in found]}
    (ROOT / "results.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
