"""Run all benchmarks and print one table for each: `python -m benchmarks`."""

from __future__ import annotations

import os

# One thread for everybody, set before the libraries start: the work is compared, not who takes more cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from rich.console import Console  # noqa: E402 - the variables above come first

from benchmarks import deriving, running  # noqa: E402 - the variables above come first


def main() -> None:
    """Print the tables; takes about a minute."""
    console = Console(width=110)
    console.print("Medians of interleaved runs, one thread, double precision.\n")
    console.print(deriving.table())
    for table in running.tables():
        console.print(table)


if __name__ == "__main__":
    main()
