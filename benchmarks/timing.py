"""Comparing speeds fairly: contenders take turns within one run, and medians of the processor's time are compared."""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from time import process_time

import numpy as np

Run = Callable[[], object]
LARGE = 3 << 20  # numbers; up to 32 MB the threshold of glibc's allocator follows what is freed


def repeats_for(run: Run, seconds: float) -> int:
    """Return how often to call `run` so that one measurement takes about `seconds`, at least once."""
    run()
    start = process_time()
    run()
    once = process_time() - start
    return max(1, round(seconds / max(once, 1e-7)))


def medians(runs: Mapping[str, Run], rounds: int = 15, seconds: float = 0.02) -> dict[str, float]:
    """Return the median seconds of one call for each contender."""
    return {name: statistics.median(times) for name, times in in_rounds(runs, rounds, seconds).items()}


def in_rounds(runs: Mapping[str, Run], rounds: int = 15, seconds: float = 0.02) -> dict[str, list[float]]:
    """Return the seconds of one call in every round for each contender.

    In every round each contender is measured once, in turn, so that a slower or busier moment of the machine
    meets all of them. Garbage is collected before a measurement and not during it. A large array is taken and given back
    first, as in a program that has worked on data: then the allocator keeps what is freed, and nobody pays for fresh pages.
    """
    np.ones(LARGE)
    repeats = {name: repeats_for(run, seconds) for name, run in runs.items()}
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(measure(run, repeats[name]))
    return found


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the two of some numbers between which their true median lies with a chance of 95 %, whatever their distribution; of
    fewer than six the smallest and the largest."""
    ordered, count = sorted(ratios), len(ratios)
    left_out = [sum(math.comb(count, k) for k in range(at + 1)) / 2**count for at in range(count // 2)]
    outside = max(sum(chance <= 0.025 for chance in left_out) - 1, 0)
    return ordered[outside], ordered[count - 1 - outside]


def measure(run: Run, repeats: int) -> float:
    """Return the seconds of the processor for one call, from `repeats` calls in a row; what other programs do is not counted."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = process_time()
        for _ in range(repeats):
            kept = run()
        seconds = (process_time() - start) / repeats
        del kept
        return seconds
    finally:
        if enabled:
            gc.enable()


def in_units(seconds: float) -> str:
    """Return a time with three significant digits and a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
