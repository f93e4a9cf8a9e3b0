"""The mutant suite: every wrong gradient differs, every rewriting is accepted, and how well the diagnosis does is measured.

The fast tests check right gradients and a sample of the mutants; the slow ones judge the mutants themselves by complex steps,
score every sixth of them, and apply and judge each of its mends. `python -m tests.verify.mutants` scores all of them and
prints the table that `docs/verification.md` shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop.verify.binding.arguments import bind_call
from symbackprop.verify.binding.binding import run
from symbackprop.verify.binding.results import bind_results, read
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.further_points import distinct_sizes
from tests.verify.mutants.hand import SOURCES
from tests.verify.mutants.networks import NETWORKS
from tests.verify.mutants.score import Score, derivation, load, original, score, scores
from tests.verify.mutants.table import EXPLAINED, MUTANTS, Mutant
from tests.verify.test_interpret import complex_step
from tests.verify.test_reports import applied


def test_the_suite_is_large_enough() -> None:
    assert len(SOURCES) == len(NETWORKS) >= 10
    assert len(MUTANTS) >= 200
    assert len({mutant.kind for mutant in MUTANTS if not mutant.equivalent}) >= 20
    assert {mutant.kind for mutant in MUTANTS if not mutant.equivalent} <= set(EXPLAINED)
    assert len({mutant.source for mutant in MUTANTS}) == len(MUTANTS)


LIGHT = ("dense", "chain", "perceptron", "logistic", "conv")


def marked(case: str) -> object:
    return case if case in LIGHT else pytest.param(case, marks=pytest.mark.slow)


@pytest.mark.parametrize("case", [marked(case) for case in SOURCES])
def test_right_gradients_are_proved(case: str, tmp_path: Path) -> None:
    report = check_gradient(derivation(case), original(tmp_path, case).gradients)
    assert {verdict.status for verdict in report.verdicts.values()} == {Status.PROVED}, str(report)


def one_of_each_kind() -> Iterator[Mutant]:
    seen = set()
    for mutant in sorted(MUTANTS, key=lambda mutant: mutant.case not in LIGHT):
        if (mutant.kind, mutant.equivalent) not in seen:
            seen.add((mutant.kind, mutant.equivalent))
            yield mutant


@pytest.mark.parametrize(
    "mutant",
    [m if m.case in LIGHT else pytest.param(m, marks=pytest.mark.slow) for m in one_of_each_kind()],
    ids=str,
)
def test_one_mutant_of_each_kind(mutant: Mutant, tmp_path: Path) -> None:
    found = score(mutant, 0, tmp_path, derivation(mutant.case), explain=False, repair=False)
    assert found.accepted is mutant.equivalent, str(found.report)
    assert not found.error, str(found.report)


@pytest.mark.slow
def test_the_mutants_are_what_they_say(tmp_path: Path) -> None:
    """An independent judge, the complex step, tells wrong mutants from equivalent ones."""
    judged = {}
    for number, mutant in enumerate(MUTANTS):
        module = load(tmp_path, f"judged_{number}", mutant.source)
        judged[str(mutant)] = all(_agrees(module, mutant.case, seed) for seed in range(3)) is mutant.equivalent
    assert [name for name, as_said in judged.items() if not as_said] == []


def _agrees(module: Any, case: str, seed: int) -> bool:
    source = DerivationReference(derivation(case))
    points = (*source.points(seed), *distinct_sizes(source, seed + 7))  # five other values of every size
    return all(_agrees_at(module, case, source, dict(point.values)) for point in points)


def _agrees_at(module: Any, case: str, source: DerivationReference, values: dict[str, Any]) -> bool:
    if case == "logistic":
        values["t"] = np.abs(np.tanh(values["t"]))
    call = bind_call(module.gradients, source.vocabulary, {}, values)
    outcome = run(call, values)
    results, _ = bind_results(call, outcome, source.vocabulary, {}, values)
    for name, value in read(call, results, outcome, values).items():
        true = complex_step(module.loss, values, name)
        if np.shape(value) != true.shape or not np.allclose(value, true, rtol=1e-9, atol=1e-11):
            return False
    return True


@pytest.mark.slow
def test_every_sixth_mutant(tmp_path: Path) -> None:
    """Found and explained, and each mend, applied to the text, holds by complex steps at points of three seeds."""
    found = scores(tmp_path, MUTANTS[::6])
    wrong = [row for row in found if not row.mutant.equivalent]
    same = [row for row in found if row.mutant.equivalent]
    assert [str(row.mutant) for row in wrong if row.accepted] == []
    assert [str(row.mutant) for row in same if not row.accepted] == []
    assert sum(row.reason for row in wrong) >= 0.95 * len(wrong)
    assert sum(row.line for row in wrong) >= 0.95 * len(wrong)
    assert sum(row.repaired for row in wrong) >= 0.90 * len(wrong)
    assert [said for number, row in enumerate(found) for said in _false_mend(row, number, tmp_path)] == []


def _false_mend(row: Score, number: int, folder: Path) -> Iterator[tuple[str, list[str]]]:
    steps = [step for repair in row.report.repairs for step in (repair, *repair.more)]
    mended = load(folder, f"mended_{number}", applied(row.mutant.source, steps)) if steps else None
    if mended is not None and not all(_agrees(mended, row.mutant.case, seed) for seed in range(3)):
        yield str(row.mutant), [step.after for step in steps]
