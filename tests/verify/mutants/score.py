"""Score the checker on the mutants: detection, false alarms, right reason, right line, verified repair."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from symbackprop.derive import DerivationRecord, derive
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.report.report import Report
from tests.verify.mutants.hand import HEAD, SOURCES
from tests.verify.mutants.networks import NETWORKS
from tests.verify.mutants.table import EXPLAINED, MUTANTS, Mutant


@dataclass(frozen=True)
class Score:
    """What the checker made of one mutant."""

    mutant: Mutant
    accepted: bool
    error: bool
    reason: bool
    line: bool
    repaired: bool
    report: Report


def load(folder: Path, name: str, text: str) -> ModuleType:
    """Write a module and import it, so that its source can be read as that of any user's file."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def original(folder: Path, case: str) -> ModuleType:
    """Return the module with the right gradient."""
    return load(folder, f"{case}_right", HEAD + SOURCES[case])


def derivation(case: str) -> DerivationRecord:
    network, loss = NETWORKS[case]()
    return derive(network, loss)


def score(mutant: Mutant, number: int, folder: Path, derived: DerivationRecord, **options: bool) -> Score:
    """Check one mutant."""
    module = load(folder, f"{mutant.case}_{number}", mutant.source)
    report = check_gradient(derived, module.gradients, **options)
    places = [location.line for location in report.locations[:1]] or [repair.line for repair in report.repairs[:1]]
    guarded = any(v.status is Status.GUARDED for v in report.verdicts.values())
    kinds = {cause.kind for cause in report.causes}
    return Score(
        mutant,
        report.ok and not guarded,
        any(v.status is Status.ERROR for v in report.verdicts.values()),
        (guarded and mutant.kind == "guard") or bool(kinds & EXPLAINED.get(mutant.kind, set())),
        bool(mutant.lines & set(places)),
        any(repair.proved for repair in report.repairs),
        report,
    )


def scores(folder: Path, mutants: Iterable[Mutant] = MUTANTS, **options: bool) -> list[Score]:
    known: dict[str, DerivationRecord] = {}
    found = []
    for number, mutant in enumerate(mutants):
        if mutant.case not in known:
            known[mutant.case] = derivation(mutant.case)
        found.append(score(mutant, number, folder, known[mutant.case], **options))
    return found


def table(found: Iterable[Score]) -> str:
    """Return the scores by kind as a Markdown table, with the totals."""
    rows = list(found)
    wrong = [row for row in rows if not row.mutant.equivalent]
    lines = [
        "| kind of mistake | mutants | found | right reason | right line | proved repair |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    kinds = Counter(row.mutant.kind for row in wrong)
    for kind in sorted(kinds):
        of = [row for row in wrong if row.mutant.kind == kind]
        lines.append(_row(kind, of))
    lines.append(_row("**all**", wrong))
    same = [row for row in rows if row.mutant.equivalent]
    lines += ["", f"Equivalent rewritings accepted: {sum(row.accepted for row in same)} of {len(same)}."]
    return "\n".join(lines) + "\n"


def _row(kind: str, of: list[Score]) -> str:
    counts = [
        sum(not row.accepted for row in of),
        sum(row.reason for row in of),
        sum(row.line for row in of),
        sum(row.repaired for row in of),
    ]
    return f"| {kind} | {len(of)} | " + " | ".join(str(count) for count in counts) + " |"
