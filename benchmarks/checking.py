"""How gradient checkers compare: mistakes found, right code rejected, time for one check, and which mistakes each one misses.

The handwritten gradients and their mutants are those of `tests/verify/mutants`; the checkers are those of `checkers`.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from types import ModuleType

from rich.table import Table

from benchmarks.checkers import YARDSTICK, Checker, Problem, accepted, checkers, versions
from benchmarks.networks import mlp_values
from benchmarks.timing import in_units
from symbackprop.derive import DerivationRecord
from symbackprop.verify.reference.derivation_reference import DerivationReference
from tests.verify.mutants.hand import SOURCES
from tests.verify.mutants.score import derivation, load, original
from tests.verify.mutants.table import MUTANTS


def problem_for(case: str, module: ModuleType, right: bool, derived: DerivationRecord) -> Problem:
    """Take the first point that the check itself would try as the example."""
    return Problem(case, module, dict(DerivationReference(derived).points(0)[0].values), derived.wrt, right)


def problems(folder: Path, every: int = 4) -> list[Problem]:
    """Return the right gradients, and every so many-th mutant."""
    derived = {case: derivation(case) for case in SOURCES}
    found = [problem_for(case, original(folder, case), True, derived[case]) for case in SOURCES]
    for number, mutant in list(enumerate(MUTANTS))[::every]:
        module = load(folder, f"{mutant.case}_{number}", mutant.source)
        found.append(replace(problem_for(mutant.case, module, mutant.equivalent, derived[mutant.case]), kind=mutant.kind))
    return found


@dataclass(frozen=True, slots=True)
class Result:
    """What one checker made of one problem; `single` is whether it accepted it in float32 (None: not tried)."""

    right: bool
    accepted: bool
    seconds: float
    single: bool | None
    label: str = ""


def measured(found: Iterable[Problem], contenders: Mapping[str, Checker]) -> dict[str, list[Result]]:
    """Let the checkers take turns at every problem; right code is given in float32 as well."""
    results: dict[str, list[Result]] = {name: [] for name in contenders}
    for place, problem in enumerate(found):
        for name, checker in contenders.items():
            if not place:
                accepted(checker, problem)  # what is set up once is not timed
            start = process_time()
            verdict = accepted(checker, problem)
            seconds = process_time() - start
            single = accepted(checker, problem.single()) if problem.right else None
            results[name].append(Result(problem.right, verdict, seconds, single, f"{problem.kind} ({problem.case})"))
    return results


def tables(every: int = 4) -> list[Table]:
    """Return the comparison on the mutants, and on a network of 23,860 parameters."""
    headings = ("checker", "mistakes found", "right code rejected", "in float32", "one check", "ratio")
    shown = Table(*headings, title="Checking handwritten gradients", caption=versions(), title_justify="left")
    title = "A right gradient of a 784-30-10 network: 23,860 parameters, 10 samples"
    large = Table("checker", "verdict", "one check", title=title, title_justify="left")
    contenders, missing = checkers()
    with tempfile.TemporaryDirectory() as folder:
        results = measured(problems(Path(folder), every), contenders)
        for name, row in summaries(results).items():
            shown.add_row(name, *row)
        module, derived = original(Path(folder), "mlp"), derivation("mlp")
        big = Problem("mlp", module, mlp_values(10, 784, 30, 10, seed=0), derived.wrt, right=True)
        for name, row in measured([big], contenders).items():
            large.add_row(name, "accepted" if row[0].accepted else "rejected", in_units(row[0].seconds))
    for name, reason in missing.items():
        shown.add_row(name, reason)
    return [shown, mistaken(results), large]


def summaries(results: Mapping[str, list[Result]]) -> dict[str, tuple[str, ...]]:
    """Return the cells of each checker's row: counts, median time, its ratio to gradcheck's."""
    medians = {name: statistics.median(row.seconds for row in rows) for name, rows in results.items()}
    cells = {}
    for name, rows in results.items():
        wrong, right = [row for row in rows if not row.right], [row for row in rows if row.right]
        cells[name] = (
            f"{sum(not row.accepted for row in wrong)} of {len(wrong)}",
            f"{sum(not row.accepted for row in right)} of {len(right)}",
            f"{sum(row.single is False for row in right)} of {len(right)}",
            in_units(medians[name]),
            f"{medians[name] / medians[YARDSTICK]:.2g}" if YARDSTICK in medians else "–",
        )
    return cells


def mistaken(results: Mapping[str, list[Result]]) -> Table:
    """Return what each checker got wrong, by kind of mistake (and network)."""
    headings = ("checker", "mistakes missed", "right code rejected", "right code rejected in float32")
    shown = Table(*headings, title="What was missed, and rejected without a reason", title_justify="left", show_lines=True)
    for name, rows in results.items():
        right = [row for row in rows if row.right]
        missed = [row.label for row in rows if not row.right and row.accepted]
        rejected = [row.label for row in right if not row.accepted]
        narrow = [row.label for row in right if row.single is False]
        shown.add_row(
            name, counted(missed), counted(rejected), f"all {len(right)}" if len(narrow) == len(right) > 1 else counted(narrow)
        )
    return shown


def counted(labels: Iterable[str]) -> str:
    """Return labels, those that occur more than once with their number."""
    return "; ".join(f"{count} × {label}" if count > 1 else label for label, count in Counter(labels).items()) or "–"
