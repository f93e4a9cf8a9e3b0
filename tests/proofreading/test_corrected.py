"""A corrected copy: what is wrong is put right in its place, and a second reading finds nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.errors import UserError
from symbackprop.formula.notation.notations import TWO_THREE_TWO
from symbackprop.loading import load_network
from symbackprop.proofreading.claims import HOLDS
from symbackprop.proofreading.corrected import corrected, corrected_name
from symbackprop.proofreading.proofread import proofread, proofread_text

FOLDER = Path(__file__).resolve().parents[2] / "derivations" / "two_three_two"


@pytest.mark.slow
def test_the_copy_of_document_004_is_right() -> None:
    network = load_network(str(FOLDER)).network
    report = proofread(FOLDER / "document.md", network, notation=TWO_THREE_TWO)
    copy = corrected(report)
    assert not report.ok
    again = proofread_text(copy, network, notation=TWO_THREE_TWO)
    assert again.ok
    assert all(item.status in HOLDS for item in again.claims)
    assert "*out_{h1} (1 - out_{h1}) *l1" in copy
    before, after = report.document.text.splitlines(), copy.splitlines()
    assert [number for number, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new] == [73, 144]


def test_what_is_right_stays_as_it_is() -> None:
    text = "Let $y = w x$,\nso $\\frac{\\partial y}{\\partial w} = x$.\n"
    assert corrected(proofread_text(text)) == text


def test_a_notebook_is_not_copied() -> None:
    assert corrected_name(Path("a/b.md")) == Path("a/b.corrected.md")
    with pytest.raises(UserError, match="--fix"):
        corrected_name(Path("b.ipynb"))
