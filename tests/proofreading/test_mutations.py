"""Correct documents with one planted mistake each: it is reported on its `=`, with the remedy; the documents are right.

`python -m tests.proofreading.mutations` plants them all.
"""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from tests.proofreading.mutations import DOCUMENTS, Tally, every_mutant, read


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in DOCUMENTS])
def test_the_documents_are_right(name: str) -> None:
    _, report = read(name)
    assert len(report.claims) >= 30
    assert [
        item.status for item in report.claims if item.status not in HOLDS | {ClaimStatus.DEFINITION, ClaimStatus.SETTING}
    ] == []
    assert report.ok


@pytest.mark.slow
def test_planted_mistakes_are_found_and_mended() -> None:
    tally = Tally()
    for name, each in (("numbers", 5), ("deltas", 6), ("matrices", 15), ("layers", 31), ("softmax_batch", 43), ("cells", 33)):
        text, planted = every_mutant(name, seed=12)
        for mutant in planted[::each]:
            tally.add(name, mutant, text)
    assert tally.planted.total() >= 50
    assert tally.caught.total() >= 0.98 * tally.planted.total(), tally.missed
    assert tally.mended.total() >= 0.85 * tally.planted.total(), tally.not_mended
