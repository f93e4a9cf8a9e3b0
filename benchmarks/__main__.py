"""Run all benchmarks and print one table for each: `python -m benchmarks`.

`python -m benchmarks checking` runs the comparison of gradient checkers alone, `--all` on every mutant instead of every fourth;
`python -m benchmarks handouts` whole processes of the command line;
`python -m benchmarks report --write` writes the table of docs/benchmarks.md.
"""

from __future__ import annotations

import os

# One thread for everybody, set before the libraries start: the work is compared, not who takes more cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import argparse  # noqa: E402 - the variables above come first
from collections.abc import Callable  # noqa: E402 - the variables above come first

from rich.console import Console  # noqa: E402 - the variables above come first
from rich.table import Table  # noqa: E402 - the variables above come first

from benchmarks import checking, deriving, handouts, report, running  # noqa: E402 - the variables above come first


def main() -> None:
    """Print the tables; takes about three minutes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Timings side by side with other libraries.")
    parser.add_argument("part", nargs="?", choices=[*PARTS, "report"], help="run this part only")
    parser.add_argument("--all", action="store_true", help="checking: all mutants, not every fourth")
    parser.add_argument("--write", action="store_true", help="report: write docs/benchmarks.md and benchmarks/results.json")
    parser.add_argument("--rounds", type=int, default=3, help="report: how often each work is measured (3)")
    given = parser.parse_args()
    console = Console(width=120)
    if given.part == "report":
        found = report.rows(given.rounds)
        console.print(report.markdown(found))
        if given.write:
            report.write(found)
        return
    console.print("Medians of interleaved runs, one thread, double precision.\n")
    for part, tables in PARTS.items():
        if given.part in (None, part):
            for table in tables(given.all):
                console.print(table)


PARTS: dict[str, Callable[[bool], list[Table]]] = {
    "deriving": lambda _: [deriving.table()],
    "running": lambda _: running.tables(),
    "handouts": lambda _: [handouts.table()],
    "checking": lambda every_one: checking.tables(1 if every_one else 4),
}


if __name__ == "__main__":
    main()
