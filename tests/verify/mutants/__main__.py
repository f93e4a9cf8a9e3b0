"""Score the checker on all mutants: `python -m tests.verify.mutants` prints the table of docs/verification.md."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.verify.mutants.score import scores, table

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        print(table(scores(Path(folder))))
