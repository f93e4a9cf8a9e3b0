"""How long deriving takes: every ∂E/∂w of a scalar network, against sympy's `diff` and `lambdify`."""

from __future__ import annotations

from rich.table import Table
from sympy.core.cache import clear_cache

from benchmarks.networks import SCALAR_SIZES, Case, scalar_network
from benchmarks.peers import sympy_seconds
from benchmarks.timing import in_units, measure
from symbackprop.derive import derive

LIMIT = 10.0  # seconds that sympy alone is given for one network


def derive_seconds(case: Case) -> float:
    """Return the seconds of one derivation with nothing remembered from earlier ones."""
    clear_cache()
    return measure(lambda: derive(case.network, case.loss), 1)


def table(rounds: int = 5, limit: float = LIMIT) -> Table:
    """Measure all sizes in turn, several rounds, and return the table of medians."""
    cases = [scalar_network(sizes) for sizes in SCALAR_SIZES]
    medians = interleaved(cases, rounds)
    shown = Table(title="Deriving every gradient of a scalar network", title_justify="left", min_width=72)
    for heading in ("network", "weights", "derive", "per weight", "sympy diff + lambdify", "ratio"):
        shown.add_column(heading, justify="left" if heading == "network" else "right")
    given_up = False
    for sizes, case, seconds in zip(SCALAR_SIZES, cases, medians, strict=True):
        peer = f"> {limit:g} s" if given_up else sympy_seconds(sizes, limit)
        given_up = isinstance(peer, str)  # a larger network takes longer still
        shown.add_row(
            case.title,
            str(case.weights),
            in_units(seconds),
            in_units(seconds / case.weights),
            peer if isinstance(peer, str) else in_units(peer),
            f"< {seconds / limit:.4f}" if isinstance(peer, str) else f"{seconds / peer:.4f}",
        )
    return shown


def interleaved(cases: list[Case], rounds: int) -> list[float]:
    """Return the median seconds for each case, every case measured once in each round."""
    found: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for times, case in zip(found, cases, strict=True):
            times.append(derive_seconds(case))
    return [sorted(times)[len(times) // 2] for times in found]
