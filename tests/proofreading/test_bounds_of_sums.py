"""The bound of a sum is one whole number wherever it stands: in another bound, in an index, as a factor."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

PROSE = r"The inputs are $x_1, \dots, x_n$ with weights $w_j$. "
DEFINED = PROSE + r"Let $s = \sum_{j=1}^{n} w_j x_j$. "


def _split(low: int, upper: str, bound: str, sign: str) -> tuple[str, str]:
    """A sum without its last entry and that entry, and the whole sum."""
    rest, last = rf"\sum_{{j={low}}}^{{{upper}}} w_j x_j", rf"w_{{{bound}}} x_{{{bound}}}"
    return rf"{rest} {sign} {last}", rf"\sum_{{j={low}}}^{{{bound}}} w_j x_j"


ENDS = [("n", "n+1"), ("n-1", "n"), ("n+1", "n+2")]
RIGHT = [_split(low, upper, bound, "+") for low in (0, 1, 2) for upper, bound in ENDS] + [
    (r"\sum_{j=1}^{n} (x_j - w_1)", r"\sum_{j=1}^{n} x_j - n w_1"),
    (r"\sum_{j=0}^{n-1} w_{j+1} x_{j+1}", r"\sum_{j=1}^{n} w_j x_j"),
    (r"\sum_j w_j x_j", r"\sum_{j=1}^{n} w_j x_j"),
    (r"s + w_{n+1} x_{n+1}", r"\sum_{j=1}^{n+1} w_j x_j"),
]
WRONG = [_split(low, upper, bound, "-") for low in (0, 1, 2) for upper, bound in ENDS] + [
    (r"\sum_{j=1}^{n} (x_j - w_1)", r"\sum_{j=1}^{n} x_j + n w_1"),
]
APART = [  # a number as index beside a letter is read as a name of its own, of which nothing is known
    (r"w_0 x_0 + \sum_{j=1}^{n} w_j x_j", r"\sum_{j=0}^{n} w_j x_j"),
    (r"w_1 x_1 + \sum_{j=2}^{n} w_j x_j", r"\sum_{j=1}^{n} w_j x_j"),
]


@pytest.mark.parametrize(("left", "right"), RIGHT)
@pytest.mark.parametrize("before", [PROSE, DEFINED])
def test_a_right_identity_is_never_accused(before: str, left: str, right: str) -> None:
    if "s +" in left and before == PROSE:
        before = DEFINED
    report = proofread_text(before + rf"$${left} = {right}$$")
    assert report.claims[-1].status is ClaimStatus.ALWAYS, report.text()


@pytest.mark.parametrize(("left", "right"), WRONG)
def test_a_wrong_one_differs(left: str, right: str) -> None:
    report = proofread_text(DEFINED + rf"$${left} = {right}$$")
    assert report.claims[-1].status is ClaimStatus.DIFFERS, report.text()


@pytest.mark.parametrize(("left", "right"), APART)
@pytest.mark.parametrize("before", [PROSE, DEFINED])
def test_an_entry_of_which_nothing_is_known_accuses_nobody(before: str, left: str, right: str) -> None:
    report = proofread_text(before + rf"$${left} = {right}$$")
    assert report.claims[-1].status in (ClaimStatus.ALWAYS, ClaimStatus.UNDECIDED), report.text()


def test_half_a_size_that_is_no_whole_number_is_not_decided() -> None:
    report = proofread_text(PROSE + r"$$\sum_{j=1}^{N/2} x_j + \sum_{j=N/2+1}^{N} x_j = \sum_{j=1}^{N} x_j$$")
    assert report.claims[-1].status in (ClaimStatus.ALWAYS, ClaimStatus.UNDECIDED), report.text()
