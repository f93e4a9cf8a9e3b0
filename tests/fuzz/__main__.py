"""Compare many random networks: `python -m tests.fuzz --count 50000 --seed 0`; ends with 1 when two ways disagree."""

from __future__ import annotations

import argparse
import sys
from time import process_time

from tests.fuzz.compare import failures


def main() -> int:
    """Run the comparison and print what disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="how many networks (2000)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first network (0)")
    given = parser.parse_args()
    start, wrong = process_time(), 0
    for seed in range(given.seed, given.seed + given.count):
        for failure in failures(seed):
            wrong += 1
            print(failure, flush=True)
    seconds = process_time() - start
    print(f"{given.count} networks from {given.seed}: {wrong} disagreements, {seconds:.0f} s", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
